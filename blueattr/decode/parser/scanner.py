# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
# ruff: noqa: PLR0917 (kernels take their arguments by position)
"""Parse a buffer of lines, one after another, into arrays."""

from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blueattr.decode.clock import OPEN, Horizon
from blueattr.decode.parser import fields, layout
from blueattr.decode.parser.identifiers import END_US
from blueattr.decode.parser.json_text import append_string
from blueattr.decode.parser.layout import AccountEvents, ParsedLines
from blueattr.decode.parser.line import new_line, parse_line
from blueattr.decode.parser.refusals import Refusal
from blueattr.decode.parser.slices import append_lower
from blueattr.kernels import compiled
from blueattr.kernels.compiled import IntArray

__all__ = ["Scanner", "is_compiled"]


# A parsed line is at least as long as this: it names a DID and an event.
_SHORTEST = 100
_SHORTEST_TAG = 3
_SHORTEST_MENTION = 32
# In `_Output.ends`, after the row of mentions.
_TAG_COUNT, _DOMAIN_COUNT = layout.MENTIONS + 1, layout.MENTIONS + 2


class _Output(NamedTuple):
    """What `_scan` writes: arrays whose first rows become those of `ParsedLines`.

    Parameters
    ----------
    counts
        int64 (12,): kept rows, skipped lines, unparsed stretches, tags, first and last time, rows
        of `account_events`, whether a line says that it is synthetic, whether the time of a kept
        row is not the server's, lines that are refused for lying ahead of the clock, hosts and
        mentions.
    ends
        int64 (`layout.WORDS` + 3,): where each array of words ends; how many mentions, tags and
        hosts there are.
    """

    numbers: IntArray
    flags: npt.NDArray[np.uint8]
    time_from: npt.NDArray[np.uint8]
    words: tuple[npt.NDArray[np.uint8], ...]
    word_ends: npt.NDArray[np.int32]
    tag_ends: npt.NDArray[np.int32]
    domain_ends: npt.NDArray[np.int32]
    mentions: IntArray
    account_events: AccountEvents
    unparsed: IntArray
    counts: IntArray
    ends: IntArray


@compiled.jit(makes_arrays=False)
def _append(buffer, line, field, words, end):
    """Append a field to ``words[:end]``. Return the new end."""
    return append_string(buffer, line.start[field], line.stop[field], words, end)


@compiled.jit(makes_arrays=False)
def _blank_end(buffer, i):
    """Return the position after the line at `i` if the line is blank, else `i`."""
    if buffer[i] == ord("\n"):
        return i + 1
    if buffer[i] == ord("\r") and buffer[i + 1] == ord("\n"):
        return i + 2
    return i


@compiled.jit(makes_arrays=False)
def _add_stretch(begin, end, stretches, count):
    """Add ``buffer[begin:end]`` to the first `count` stretches. Return how many there are now.

    A stretch that begins where the last one ends makes that one longer.
    """
    if count and stretches[count - 1, 1] == begin:
        stretches[count - 1, 1] = end
        return count
    stretches[count, 0], stretches[count, 1] = begin, end
    return count + 1


@compiled.jit(makes_arrays=False)
def _copy_account_event(buffer, row, bits, line, numbers, events, event_row):
    """Copy a parsed line, whose numbers are in ``numbers[:, row]``, to a row of `events`."""
    for n in range(layout.AUTHOR_LOW + 1):
        events.numbers[n, event_row] = numbers[n, row]
    events.numbers[layout.ACCOUNT_BITS, event_row] = bits
    end = events.ends[event_row - 1] if event_row else 0
    if bits & layout.KIND_MASK != layout.PROFILE:
        end = _append(buffer, line, fields.HANDLE_OR_STATUS, events.words, end)
    events.ends[event_row] = end


@compiled.jit(makes_arrays=False)
def _append_word(buffer, start, stop, out, end, begin):
    """Append to ``out[begin:end]`` a word in lower case, after a space if another is there."""
    if end > begin:
        out[end] = ord(" ")
        end += 1
    return append_lower(buffer, start, stop, out, end)


@compiled.jit(makes_arrays=False)
def _copy_items(buffer, line, output):
    """Copy the items of a post to `output`."""
    ends = output.ends
    lang_begin, label_begin = ends[layout.LANGS], ends[layout.LABELS]
    for n in range(line.state.item_count):
        start, stop, field = line.items[0, n], line.items[1, n], line.items[2, n]
        if field <= fields.TAG:
            end = append_string(buffer, start, stop, output.words[2], ends[layout.TAGS])
            ends[layout.TAGS] = output.tag_ends[ends[_TAG_COUNT]] = end
            ends[_TAG_COUNT] += 1
        elif start == stop or field == fields.MENTION:
            continue
        elif field <= fields.MEDIA_LINK:
            end = append_lower(buffer, start, stop, output.words[3], ends[layout.DOMAINS])
            ends[layout.DOMAINS] = output.domain_ends[ends[_DOMAIN_COUNT]] = end
            ends[_DOMAIN_COUNT] += 1
        elif field == fields.LANG:
            ends[layout.LANGS] = _append_word(
                buffer, start, stop, output.words[4], ends[layout.LANGS], lang_begin
            )
        else:
            ends[layout.LABELS] = _append_word(
                buffer, start, stop, output.words[5], ends[layout.LABELS], label_begin
            )
    for n in range(line.state.mention_count):
        for half in range(2):
            output.mentions[half, ends[layout.MENTIONS]] = line.mentions[half, n]
        ends[layout.MENTIONS] += 1


@compiled.jit(makes_arrays=False)
def _copy_words(buffer, bits, line, output, row):
    """Copy the words and items of a parsed line to `output`, and where they end to its row."""
    ends, word_ends = output.ends, output.word_ends
    if bits & layout.HAS_TEXT:
        ends[layout.TEXTS] = _append(buffer, line, fields.TEXT, output.words[0], ends[layout.TEXTS])
    if bits & layout.HAS_TITLE:
        ends[layout.TITLES] = _append(
            buffer, line, fields.TITLE, output.words[1], ends[layout.TITLES]
        )
    if line.state.item_count:
        _copy_items(buffer, line, output)
    for n in range(layout.WORDS + 1):
        word_ends[n, row] = ends[n]
    word_ends[layout.TAGS, row] = ends[_TAG_COUNT]
    word_ends[layout.DOMAINS, row] = ends[_DOMAIN_COUNT]


@compiled.jit(makes_arrays=False)
def _scan(buffer, begin, end, limit, end_us, last_rev, line, output):
    """Parse whole lines; see `Scanner.scan`."""
    numbers = output.numbers
    # Not 0: numba would compile what it is passed to once more for that number alone.
    none = np.int64(0)
    kept, skipped, unparsed_count, account_count = none, none, none, none
    first, last = np.int64(END_US), none
    synthetic, other_times, ahead = none, none, none
    output.ends[:] = 0
    i = begin
    while i < end:
        blank_end = _blank_end(buffer, i)
        if blank_end > i:
            # A blank line after an unparsed one belongs to its stretch: there is then at most one
            # stretch between two parsed lines, and so room for all stretches.
            if unparsed_count and output.unparsed[unparsed_count - 1, 1] == i:
                unparsed_count = _add_stretch(i, blank_end, output.unparsed, unparsed_count)
            i = blank_end
            continue
        bits, line_end = parse_line(buffer, i, line, numbers, kept, end_us, last_rev)
        if bits < 0 or line_end + 1 - i > limit:
            ahead += bits == np.int64(Refusal.AHEAD)
            while buffer[line_end] != ord("\n"):
                line_end += 1
            unparsed_count = _add_stretch(i, line_end + 1, output.unparsed, unparsed_count)
            i = line_end + 1
            continue
        i = line_end + 1
        time = numbers[layout.TIME, kept]
        first, last = min(first, time), max(last, time)
        synthetic |= line.state.synthetic
        if bits & layout.IS_SKIPPED:
            skipped += 1
            continue
        if bits & layout.IS_ACCOUNT_EVENT:
            _copy_account_event(
                buffer, kept, bits, line, numbers, output.account_events, account_count
            )
            account_count += 1
            continue
        output.flags[kept] = bits & layout.FLAG_MASK
        output.time_from[kept] = line.state.time_from
        other_times |= line.state.time_from
        _copy_words(buffer, bits, line, output, kept)
        kept += 1
    counts = output.counts
    counts[0], counts[1], counts[2], counts[3] = (
        kept,
        skipped,
        unparsed_count,
        output.ends[_TAG_COUNT],
    )
    counts[4], counts[5], counts[6] = first, last, account_count
    counts[7], counts[8], counts[9] = synthetic, other_times, ahead
    counts[10], counts[11] = output.ends[_DOMAIN_COUNT], output.ends[layout.MENTIONS]


class Scanner:
    """Parses lines into memory that it keeps: fresh memory would cost as much as the parsing."""

    def __init__(self) -> None:
        self._size = -1
        self._line = new_line()

    def _make_room(self, size: int) -> None:
        if size <= self._size:
            return
        self._size = size
        most = size // _SHORTEST + 1
        self._output = _Output(
            numbers=np.empty((layout.NUMBERS, most), np.int64),
            flags=np.empty(most, np.uint8),
            time_from=np.empty(most, np.uint8),
            words=tuple(np.empty(size, np.uint8) for _ in range(layout.WORDS)),
            word_ends=np.empty((layout.WORDS + 1, most), np.int32),
            tag_ends=np.empty(size // _SHORTEST_TAG + 1, np.int32),
            domain_ends=np.empty(size // _SHORTEST_TAG + 1, np.int32),
            mentions=np.empty((2, size // _SHORTEST_MENTION + 1), np.int64),
            account_events=AccountEvents(
                np.empty((layout.AUTHOR_LOW + 1, most), np.int64),
                np.empty(size, np.uint8),
                np.empty(most, np.int32),
            ),
            unparsed=np.empty((most + 1, 2), np.int64),
            counts=np.zeros(12, np.int64),
            ends=np.zeros(layout.WORDS + 3, np.int64),
        )

    def scan(
        self,
        data: npt.NDArray[np.uint8],
        begin: int,
        end: int,
        limit: int,
        horizon: Horizon = OPEN,
    ) -> ParsedLines:
        """Parse whole lines of a buffer.

        Parameters
        ----------
        data
            uint8. Its last byte is an end of line, and so is the last before `end`.
        begin, end
            The stretch to parse.
        limit
            The longest line that is parsed, in bytes.
        horizon
            Lines beyond it are not parsed.

        Returns
        -------
        ParsedLines
            Its arrays are overwritten by the next call.
        """
        self._make_room(end - begin)
        output = self._output
        _scan(data, begin, end, limit, horizon.end_us, horizon.last_rev, self._line, output)
        (
            kept,
            skipped,
            unparsed,
            tags,
            first,
            last,
            account_events,
            synthetic,
            other_times,
            ahead,
            domains,
            mentions,
        ) = output.counts.tolist()
        return ParsedLines(
            output.numbers[:, :kept],
            output.flags[:kept],
            tuple(
                words[:end] for words, end in zip(output.words, output.ends.tolist(), strict=False)
            ),
            output.word_ends[:, :kept],
            output.tag_ends[:tags],
            output.domain_ends[:domains],
            output.mentions[:, :mentions],
            output.unparsed[:unparsed],
            skipped,
            (_datetime(first), _datetime(last)) if kept + skipped + account_events else None,
            output.account_events.first(account_events) if account_events else None,
            bool(synthetic),
            output.time_from[:kept] if other_times else None,
            ahead,
        )


def is_compiled() -> bool:
    """Return whether the machine code of the parser is at hand: to compile it takes ten seconds."""
    return compiled.is_kept(_scan)


def _datetime(micros: int) -> datetime:
    return datetime(1970, 1, 1) + timedelta(microseconds=micros)  # noqa: DTZ001 - naive, as stored
