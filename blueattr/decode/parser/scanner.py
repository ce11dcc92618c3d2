# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
# ruff: noqa: PLR0917 (kernels take their arguments by position)
"""Parse a buffer of lines to arrays."""

from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blueattr.decode.parser import fields
from blueattr.decode.parser.identifiers import END_US
from blueattr.decode.parser.json_text import append_string
from blueattr.decode.parser.line import (
    ABOUT_ACCOUNT,
    AUTHOR_LOW,
    BITS,
    KIND,
    NUMBERS,
    PROFILE,
    SKIPPED,
    TEXT,
    TIME,
    TITLE,
    new_line,
    parse_line,
)
from blueattr.kernels import compiled
from blueattr.kernels.compiled import IntArray

__all__ = ["Scanned", "Scanner", "Told"]


# No line that is parsed is shorter: it names two DIDs, a collection or an identity.
_SHORTEST = 100
_SHORTEST_TAG = 3


class Told(NamedTuple):
    """What lines say of accounts, a row for each, in the order of the lines.

    Parameters
    ----------
    numbers
        int64 (5, n): as those of `Scanned` up to the author, but for the keys, in whose place are
        the bits of the line. The revision is arbitrary where it is no profile's.
    words
        uint8, ASCII: handles and statuses, one after another.
    ends
        int32 (n,): where those of a row end.
    """

    numbers: IntArray
    words: npt.NDArray[np.uint8]
    ends: npt.NDArray[np.int32]

    def first(self, count: int) -> "Told":
        """Return the first `count` rows; at least one."""
        ends = self.ends[:count]
        return Told(self.numbers[:, :count], self.words[: ends[-1]], ends)


class _Output(NamedTuple):
    """Where `_scan` writes; see `Scanned`, whose arrays are the first rows of these.

    Parameters
    ----------
    counts
        int64 (7,): rows kept, lines skipped, stretches left, tags, first and last time, rows of
        `told`.
    """

    numbers: IntArray
    flag: npt.NDArray[np.uint8]
    words: tuple[npt.NDArray[np.uint8], ...]
    word_ends: npt.NDArray[np.int32]
    tag_ends: npt.NDArray[np.int32]
    told: Told
    left: IntArray
    counts: IntArray


@compiled.jit(makes_arrays=False)
def _append(buffer, line, field, words, end):
    """Append a field to ``words[:end]``; return where they end now."""
    return append_string(buffer, line.start[field], line.stop[field], words, end)


@compiled.jit(makes_arrays=False)
def _blank_end(buffer, i):
    """Return where the line from `i` on ends if it is blank, else `i`."""
    if buffer[i] == ord("\n"):
        return i + 1
    if buffer[i] == ord("\r") and buffer[i + 1] == ord("\n"):
        return i + 2
    return i


@compiled.jit(makes_arrays=False)
def _leave(begin, end, left, count):
    """Add ``buffer[begin:end]`` to the `count` stretches left so far; return how many they are."""
    if count and left[count - 1, 1] == begin:
        left[count - 1, 1] = end
        return count
    left[count, 0], left[count, 1] = begin, end
    return count + 1


@compiled.jit(makes_arrays=False)
def _tell(buffer, row, bits, line, numbers, told, told_row):
    """Copy what a line says of an account to ``told``; its numbers are in ``numbers[:, row]``."""
    for n in range(AUTHOR_LOW + 1):
        told.numbers[n, told_row] = numbers[n, row]
    told.numbers[BITS, told_row] = bits
    end = told.ends[told_row - 1] if told_row else 0
    if bits & KIND != PROFILE:
        end = _append(buffer, line, fields.SAID, told.words, end)
    told.ends[told_row] = end


@compiled.jit(makes_arrays=False)
def _scan(buffer, begin, end, limit, line, output):
    """Parse whole lines; see `Scanner.scan`."""
    numbers = output.numbers
    kept, skipped, left_count, tag_number, told_number = 0, 0, 0, 0, 0
    first, last = np.int64(END_US), np.int64(0)
    text_end, title_end, tag_end = 0, 0, 0
    i = begin
    while i < end:
        blank_end = _blank_end(buffer, i)
        if blank_end > i:
            # One after a line that was left is left with it: what is left between two lines that
            # are parsed is one stretch, so that there is room for all.
            if left_count and output.left[left_count - 1, 1] == i:
                left_count = _leave(i, blank_end, output.left, left_count)
            i = blank_end
            continue
        bits, line_end = parse_line(buffer, i, line, numbers, kept)
        if bits < 0 or line_end + 1 - i > limit:
            while buffer[line_end] != ord("\n"):
                line_end += 1
            left_count = _leave(i, line_end + 1, output.left, left_count)
            i = line_end + 1
            continue
        i = line_end + 1
        time = numbers[TIME, kept]
        first, last = min(first, time), max(last, time)
        if bits & SKIPPED:
            skipped += 1
            continue
        if bits & ABOUT_ACCOUNT:
            _tell(buffer, kept, bits, line, numbers, output.told, told_number)
            told_number += 1
            continue
        output.flag[kept] = bits & 127
        if bits & TEXT:
            text_end = _append(buffer, line, fields.TEXT, output.words[0], text_end)
        if bits & TITLE:
            title_end = _append(buffer, line, fields.TITLE, output.words[1], title_end)
        for n in range(line.state.tag_count):
            tag_end = append_string(
                buffer, line.tags[0, n], line.tags[1, n], output.words[2], tag_end
            )
            output.tag_ends[tag_number] = tag_end
            tag_number += 1
        output.word_ends[0, kept], output.word_ends[1, kept] = text_end, title_end
        output.word_ends[2, kept] = tag_number
        kept += 1
    counts = output.counts
    counts[0], counts[1], counts[2], counts[3] = kept, skipped, left_count, tag_number
    counts[4], counts[5], counts[6] = first, last, told_number


class Scanned(NamedTuple):
    """A stretch of lines, parsed. Rows are the kept records, in the order of their lines.

    Parameters
    ----------
    numbers
        int64 (`NUMBERS`, n): server time in microseconds since 1970, key and revision as numbers,
        then of author, subject and root the two halves of the DID and, but for the author, the
        key. What a line lacks is arbitrary.
    flag
        uint8 (n,): `KIND` and the bits that say what a line has.
    words
        Three uint8 arrays, UTF-8: texts, titles, tags, each one after another.
    word_ends
        int32 (3, n): where the text and title of a row end, and how many tags there are up to it.
    tag_ends
        int32: where each tag ends.
    left
        int64 (k, 2): stretches of lines that were left, perhaps with blank ones among them.
    skipped
        How many lines are of collections that are not kept.
    span
        Earliest and latest server time, naive UTC, of the lines parsed; None without any.
    told
        What lines say of accounts; None if no line does.
    """

    numbers: IntArray
    flag: npt.NDArray[np.uint8]
    words: tuple[npt.NDArray[np.uint8], ...]
    word_ends: npt.NDArray[np.int32]
    tag_ends: npt.NDArray[np.int32]
    left: IntArray
    skipped: int
    span: tuple[datetime, datetime] | None
    told: Told | None = None


class Scanner:
    """Parses lines, each time to the same memory: new memory costs as much as the parsing."""

    def __init__(self) -> None:
        self._size = -1
        self._line = new_line()

    def _make_room(self, size: int) -> None:
        if size <= self._size:
            return
        self._size = size
        most = size // _SHORTEST + 1
        self._output = _Output(
            numbers=np.empty((NUMBERS, most), np.int64),
            flag=np.empty(most, np.uint8),
            words=(np.empty(size, np.uint8), np.empty(size, np.uint8), np.empty(size, np.uint8)),
            word_ends=np.empty((3, most), np.int32),
            tag_ends=np.empty(size // _SHORTEST_TAG + 1, np.int32),
            told=Told(
                np.empty((AUTHOR_LOW + 1, most), np.int64),
                np.empty(size, np.uint8),
                np.empty(most, np.int32),
            ),
            left=np.empty((most + 1, 2), np.int64),
            counts=np.zeros(7, np.int64),
        )

    def scan(self, data: npt.NDArray[np.uint8], begin: int, end: int, limit: int) -> Scanned:
        """Parse whole lines of a buffer.

        Parameters
        ----------
        data
            uint8. Its last byte is an end of line, and so is the last before `end`.
        begin, end
            The stretch to parse.
        limit
            The longest line that is parsed, in bytes.

        Returns
        -------
        Scanned
            Its arrays are overwritten by the next call. Unusual lines are left: see `Refusal`.
        """
        self._make_room(end - begin)
        output = self._output
        _scan(data, begin, end, limit, self._line, output)
        kept, skipped, left, tags, first, last, told = output.counts.tolist()
        text_end, title_end = (int(output.word_ends[k, kept - 1]) if kept else 0 for k in range(2))
        tag_end = int(output.tag_ends[tags - 1]) if tags else 0
        return Scanned(
            output.numbers[:, :kept],
            output.flag[:kept],
            (output.words[0][:text_end], output.words[1][:title_end], output.words[2][:tag_end]),
            output.word_ends[:, :kept],
            output.tag_ends[:tags],
            output.left[:left],
            skipped,
            (_datetime(first), _datetime(last)) if kept + skipped + told else None,
            output.told.first(told) if told else None,
        )


def _datetime(micros: int) -> datetime:
    return datetime(1970, 1, 1) + timedelta(microseconds=micros)  # noqa: DTZ001 - naive, as stored
