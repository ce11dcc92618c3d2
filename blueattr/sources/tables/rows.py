"""Rows of separated values: which lines are one, and which quotation marks are never closed."""

import codecs
import re
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from blueattr.errors import InputError

__all__ = ["NOT_CLOSED", "TOO_LONG", "whole_rows"]


NOT_CLOSED = "quotation mark not closed"
TOO_LONG = "line too long"


# Bytes that are looked at together, at least.
_BLOCK = 1 << 20
_QUOTE, _LF, _CR = b'"\n\r'
_END_OF_LINE = re.compile(rb"\r\n?|\n")
_QUOTED = re.compile(rb'"(?:[^"]++|"")*+"')
_BLANKS = re.compile(rb" *+")


def whole_rows(
    pieces: Iterator[bytes],
    delimiter: str,
    width: int,
    limit: int,
    refuse: Callable[[str, int], None],
) -> Iterator[bytes]:
    """Leave out lines that are no rows, and would take others with them.

    A row may have several lines, where a value in quotation marks goes on to the next. If what
    follows such a value separates it from nothing, if the value never ends, or if its row has more
    or fewer values than there are columns, then a quotation mark of the first line is not closed:
    that line is left out, and the next one is taken for the beginning of a row.

    Parameters
    ----------
    pieces
        Bytes of a table; the first line may be its header.
    delimiter
        What separates values.
    width
        Columns.
    limit
        Bytes that a row may have.
    refuse
        Called for each line that is left out, with a reason and its number, from 1.

    Yields
    ------
    bytes
        Whole rows; the last one may have no end of line.

    Raises
    ------
    InputError
        As `pieces`, after the whole rows before that.
    """
    cutter = _Cutter(delimiter, width, limit, refuse)
    held, wanted = b"", _BLOCK
    is_first, failure = True, None
    while True:
        try:
            piece = next(pieces, None)
        except InputError as error:
            piece, failure = None, error
        held += piece or b""
        if piece is not None and len(held) < wanted:
            continue
        if is_first:
            held, is_first = held.removeprefix(codecs.BOM_UTF8), False
        good, held = cutter.cut(held, is_last=piece is None and failure is None)
        yield from filter(None, good)
        # A row that is long is not looked at again with every piece.
        wanted = max(_BLOCK, 2 * len(held))
        if piece is None:
            break
    if failure is not None:
        raise failure


class _Cutter:
    def __init__(
        self, delimiter: str, width: int, limit: int, refuse: Callable[[str, int], None]
    ) -> None:
        self._delimiter = ord(delimiter)
        self._unquoted = re.compile(rb"[^\r\n" + re.escape(delimiter.encode()) + rb"]*+")
        self._width, self._limit, self._refuse = width, limit, refuse
        # The number of the line that comes next; whether it is the rest of one that is too long.
        self._line = 1
        self._is_within = False

    def cut(self, block: bytes, *, is_last: bool) -> tuple[list[bytes], bytes]:
        """Return the whole rows that a block begins with, and what is left of it."""
        if self._is_within:
            block = self._behind_line(block)
        end, is_odd = self._sound(block)
        good, rest = [block[:end]], block[end:]
        self._line += _lines(good[0])
        if not is_odd and not (is_last and rest) and len(rest) <= self._limit:
            return good, rest
        at = begin = 0
        while at < len(rest):
            found = self._row(rest, at, is_last=is_last)
            if found is None:
                break
            end, reason = found
            if reason:
                good.append(rest[begin:at])
                self._refuse(reason, self._line)
                begin = end
            self._line += _lines(rest[at:end])
            at = end
        good.append(rest[begin:at])
        return good, rest[at:]

    def _behind_line(self, block: bytes) -> bytes:
        """Pass over the rest of a line."""
        end = _END_OF_LINE.search(block)
        if end is None:
            return b""
        self._is_within = False
        self._line += 1
        return block[end.end() :]

    def _sound(self, block: bytes) -> tuple[int, bool]:
        """Return how many bytes are rows without doubt, and whether the row after them is odd."""
        data = np.frombuffer(block, np.uint8)
        ends = np.flatnonzero((data == _LF) | (data == _CR))
        if len(ends) and ends[-1] == len(data) - 1 and data[-1] == _CR:
            # Its line feed may follow.
            ends = ends[:-1]
        quotes = np.flatnonzero(data == _QUOTE)
        bound = len(data)
        inner = ends[:0]
        if len(quotes):
            bound = self._first_odd(data, quotes)
            is_outside = np.searchsorted(quotes, ends) % 2 == 0
            inner, ends = ends[~is_outside], ends[is_outside]
        is_odd = bound < len(data)
        ends = ends[ends < bound]
        count = len(ends)
        long = np.flatnonzero(np.diff(ends, prepend=-1) > self._limit)
        if len(inner) and count:
            long = np.append(long, self._ragged(data, quotes, inner, ends))
        if len(long):
            count, is_odd = int(long.min()), True
        return (int(ends[count - 1]) + 1 if count else 0), is_odd

    def _first_odd(self, data: npt.NDArray[np.uint8], quotes: npt.NDArray[np.int64]) -> int:
        """Return where the first mark is that neither opens nor closes a value."""
        opening, closing = quotes[::2], quotes[1::2]
        known = np.zeros(256, np.bool_)
        known[[self._delimiter, _QUOTE, _LF, _CR]] = True
        before = np.where(opening > 0, data[opening - 1], _LF)
        after = data[np.minimum(closing + 1, len(data) - 1)]
        odd = np.append(opening[~known[before]], closing[~known[after]])
        return int(odd.min()) if len(odd) else len(data)

    def _ragged(
        self,
        data: npt.NDArray[np.uint8],
        quotes: npt.NDArray[np.int64],
        inner: npt.NDArray[np.int64],
        ends: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.int64]:
        """Return which rows have several lines, and not as many values as there are columns."""
        between = np.flatnonzero(data == self._delimiter)
        between = between[np.searchsorted(quotes, between) % 2 == 0]
        values = np.diff(np.searchsorted(between, ends), prepend=0) + 1
        rows = np.unique(np.searchsorted(ends, inner))
        rows = rows[rows < len(ends)]
        ragged: npt.NDArray[np.int64] = rows[values[rows] != self._width]
        return ragged

    def _row(self, block: bytes, at: int, *, is_last: bool) -> tuple[int, str] | None:
        """Return where a row ends, and why it is none; nothing if its end is not there yet."""
        place, values, is_several = at, 1, False
        may_wait = not is_last and len(block) - at <= self._limit
        while True:
            if block[place : place + 1] == b'"':
                value = _QUOTED.match(block, place)
                if value is None or (value.end() == len(block) and not is_last):
                    return None if may_wait else self._first_line(block, at)
                place = value.end()
                if _END_OF_LINE.search(block, value.start(), place):
                    is_several = True
                    after = self._blanks_end(block, place)
                    if after < len(block) and block[after] not in {self._delimiter, _LF, _CR}:
                        return self._first_line(block, at)
            unquoted = self._unquoted.match(block, place)
            assert unquoted is not None  # noqa: S101 - it may be empty
            place = unquoted.end()
            if block[place : place + 1] != bytes([self._delimiter]):
                break
            values += 1
            place += 1
        end = _END_OF_LINE.match(block, place)
        if end is None or (end.group() == b"\r" and end.end() == len(block)):
            if not is_last:
                return None if may_wait else self._first_line(block, at)
            place = len(block)
        else:
            place = end.end()
        if is_several and values != self._width:
            return self._first_line(block, at)
        return place, TOO_LONG if place - at > self._limit else ""

    def _blanks_end(self, block: bytes, place: int) -> int:
        blanks = _BLANKS.match(block, place)
        return blanks.end() if blanks is not None else place

    def _first_line(self, block: bytes, at: int) -> tuple[int, str]:
        """Return the end of a line that is left out, and why it is."""
        end = _END_OF_LINE.search(block, at)
        if end is None:
            self._is_within = True
            return len(block), TOO_LONG if len(block) - at > self._limit else NOT_CLOSED
        return end.end(), TOO_LONG if end.end() - at > self._limit else NOT_CLOSED


def _lines(data: bytes) -> int:
    return data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")
