# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
# ruff: noqa: PLR0917 (kernels take their arguments by position)
"""Buffers of lines parsed to arrays, and the DIDs in them numbered."""

import secrets
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blueattr.kernels import compiled, fields, stencils
from blueattr.kernels.compiled import IntArray
from blueattr.kernels.identifiers import END_US, LETTERS, PLC
from blueattr.kernels.jetstream import (
    AUTHOR_HIGH,
    AUTHOR_LOW,
    DEPTH,
    NUMBERS,
    ROOT,
    ROOT_HIGH,
    ROOT_LOW,
    SKIPPED,
    SPANS,
    SUBJECT,
    SUBJECT_HIGH,
    SUBJECT_LOW,
    TEXT,
    TIME,
    TITLE,
    parse_line,
    read_row,
)
from blueattr.kernels.jsontext import append_string
from blueattr.kernels.stencils import cut, fit

__all__ = ["Dids", "Scanned", "Scanner"]

U = np.uint64

_MOST_TAGS = 512
# No line that is parsed is shorter: it names two DIDs or a key and a revision.
_SHORTEST = 100
_SHORTEST_TAG = 3


@compiled.jit(makes_arrays=False)
def _scan(
    buffer, begin, end, limit, work, known, numbers, flag, words, word_ends, tag_ends, left, counts
):
    """Parse whole lines; see `Scanner.scan`. `counts` says how much."""
    start, stop, flags, places, tags, spans = work
    kept, skipped, lefts, tag_number = 0, 0, 0, 0
    first, last = np.int64(END_US), np.int64(0)
    text_end, title_end, tag_end = 0, 0, 0
    i = begin
    while i < end:
        c = buffer[i]
        if c == 10 or (c == 13 and buffer[i + 1] == 10):
            i += 1 + (c == 13)
            continue
        tag_count = 0
        bits, j = fit(buffer, i, known, start, stop, flags)
        if bits < 0 or not read_row(buffer, kept, bits, start, stop, flags, numbers):
            bits, j, tag_count, span_count = parse_line(
                buffer, i, kept, start, stop, flags, places, tags, spans, numbers
            )
            if bits >= 0 and tag_count == 0:
                cut(buffer, i, j, bits, start, spans, span_count, known)
        if bits < 0 or j + 1 - i > limit:
            while buffer[j] != 10:
                j += 1
            if lefts and left[lefts - 1, 1] == i:
                left[lefts - 1, 1] = j + 1
            else:
                left[lefts, 0], left[lefts, 1] = i, j + 1
                lefts += 1
            i = j + 1
            continue
        i = j + 1
        time = numbers[TIME, kept]
        first, last = min(first, time), max(last, time)
        if bits & SKIPPED:
            skipped += 1
            continue
        flag[kept] = bits & 127
        if bits & TEXT:
            text_end = append_string(
                buffer, start[fields.TEXT], stop[fields.TEXT], words[0], text_end
            )
        if bits & TITLE:
            title_end = append_string(
                buffer, start[fields.TITLE], stop[fields.TITLE], words[1], title_end
            )
        for t in range(tag_count):
            tag_end = append_string(buffer, tags[0, t], tags[1, t], words[2], tag_end)
            tag_ends[tag_number] = tag_end
            tag_number += 1
        word_ends[0, kept], word_ends[1, kept], word_ends[2, kept] = text_end, title_end, tag_number
        kept += 1
    counts[0], counts[1], counts[2], counts[3] = kept, skipped, lefts, tag_number
    counts[4], counts[5] = first, last


class Scanned(NamedTuple):
    """What became of a stretch of lines. Arrays of one row per kept line are in its order.

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
        int64 (k, 2): stretches of lines that were not parsed, blank ones among them perhaps.
    skipped
        Lines of collections that are not kept.
    span
        Earliest and latest server time, naive UTC, of the lines parsed; None without any.
    """

    numbers: IntArray
    flag: npt.NDArray[np.uint8]
    words: tuple[npt.NDArray[np.uint8], ...]
    word_ends: npt.NDArray[np.int32]
    tag_ends: npt.NDArray[np.int32]
    left: IntArray
    skipped: int
    span: tuple[datetime, datetime] | None


class Scanner:
    """A parser of lines with the memory that it works in.

    It writes to the same memory each time, since memory that is new costs as much as the parsing.
    """

    def __init__(self) -> None:
        self._size = -1
        self._stencils = stencils.empty()
        # What `parse_line` writes to.
        shapes = (fields.VALUES, fields.VALUES, fields.VALUES, DEPTH, (3, _MOST_TAGS), (4, SPANS))
        self._work = tuple(np.zeros(shape, np.int64) for shape in shapes)

    def _make_room(self, size: int) -> None:
        if size <= self._size:
            return
        self._size = size
        most = size // _SHORTEST + 1
        self._numbers, self._flag = np.empty((NUMBERS, most), np.int64), np.empty(most, np.uint8)
        self._words = tuple(np.empty(size, np.uint8) for _ in range(3))
        self._word_ends = np.empty((3, most), np.int32)
        self._tag_ends = np.empty(size // _SHORTEST_TAG + 1, np.int32)
        self._left, self._counts = np.empty((most + 1, 2), np.int64), np.zeros(6, np.int64)

    def scan(self, data: npt.NDArray[np.uint8], begin: int, end: int, limit: int) -> Scanned:
        """Parse whole lines of a buffer.

        Parameters
        ----------
        data
            uint8. Its last byte is an end of line, and so is the last before `end`.
        begin, end
            The stretch to parse.
        limit
            Longest line in bytes that is parsed.

        Returns
        -------
        Scanned
            Its arrays are good until the next call. Lines that are unusual in any way are left.
        """
        self._make_room(end - begin)
        _scan(
            data, begin, end, limit, self._work, self._stencils, self._numbers, self._flag,
            self._words, self._word_ends, self._tag_ends, self._left, self._counts,
        )  # fmt: skip
        kept, skipped, left, tags, first, last = self._counts.tolist()
        text_end, title_end = (int(self._word_ends[k, kept - 1]) if kept else 0 for k in range(2))
        tag_end = int(self._tag_ends[tags - 1]) if tags else 0
        return Scanned(
            self._numbers[:, :kept],
            self._flag[:kept],
            (self._words[0][:text_end], self._words[1][:title_end], self._words[2][:tag_end]),
            self._word_ends[:, :kept],
            self._tag_ends[:tags],
            self._left[:left],
            skipped,
            (_datetime(first), _datetime(last)) if kept + skipped else None,
        )


def _datetime(micros: int) -> datetime:
    return datetime(1970, 1, 1) + timedelta(microseconds=micros)  # noqa: DTZ001 - naive, as stored


@compiled.jit(makes_arrays=False)
def _slot(high, low, seed, mask):
    # Whoever writes events chooses DIDs, but does not know the seed.
    mixed = (U(high) ^ seed) * U(0x9E3779B97F4A7C15)
    mixed ^= mixed >> U(32)
    mixed = (mixed ^ U(low)) * U(0xD6E8FEB86659FD93)
    mixed ^= mixed >> U(32)
    return np.int64(mixed & mask)


@compiled.jit(makes_arrays=False)
def _find(high, low, seed, slots, keys, known):
    """Give a DID its number, in order of first appearance; `slots` has -1 where it is empty."""
    mask = U(slots.size - 1)
    slot = _slot(high, low, seed, mask)
    while True:
        code = slots[slot]
        if code < 0:
            slots[slot] = known
            keys[0, known], keys[1, known] = high, low
            return known
        if keys[0, code] == high and keys[1, code] == low:
            return code
        slot = np.int64(U(slot + 1) & mask)


@compiled.jit(makes_arrays=False)
def _intern(numbers, flag, seed, slots, keys, known, codes):
    for k in range(flag.size):
        code = _find(numbers[AUTHOR_HIGH, k], numbers[AUTHOR_LOW, k], seed, slots, keys, known)
        known = max(known, code + 1)
        codes[0, k] = code
        if flag[k] & SUBJECT:
            code = _find(
                numbers[SUBJECT_HIGH, k], numbers[SUBJECT_LOW, k], seed, slots, keys, known
            )
            known = max(known, code + 1)
            codes[1, k] = code
        if flag[k] & ROOT:
            code = _find(numbers[ROOT_HIGH, k], numbers[ROOT_LOW, k], seed, slots, keys, known)
            known = max(known, code + 1)
            codes[2, k] = code
    return known


@compiled.jit(makes_arrays=False)
def _refill(keys, known, seed, slots):
    mask = U(slots.size - 1)
    for code in range(known):
        slot = _slot(keys[0, code], keys[1, code], seed, mask)
        while slots[slot] >= 0:
            slot = np.int64(U(slot + 1) & mask)
        slots[slot] = code


class Dids:
    """Numbers for DIDs of the method plc, from 0 in order of first appearance."""

    def __init__(self) -> None:
        self._seed = np.uint64(secrets.randbits(64))
        self._slots = np.full(1 << 12, -1, np.int32)
        self._keys = np.empty((2, 1 << 11), np.int64)
        self.count = 0

    def intern(self, scanned: Scanned) -> npt.NDArray[np.uint32]:
        """Give the DIDs of kept lines their numbers.

        Returns
        -------
        uint32 (3, n)
            Of author, subject and root; arbitrary where there is none.
        """
        most = self.count + 3 * len(scanned.flag)
        if most > self._keys.shape[1]:
            size = 1 << (most - 1).bit_length()
            keys = np.empty((2, size), np.int64)
            keys[:, : self.count] = self._keys[:, : self.count]
            self._keys, self._slots = keys, np.full(2 * size, -1, np.int32)
            _refill(self._keys, self.count, self._seed, self._slots)
        codes = np.zeros((3, len(scanned.flag)), np.uint32)
        self.count = int(
            _intern(
                scanned.numbers,
                scanned.flag,
                self._seed,
                self._slots,
                self._keys,
                self.count,
                codes,
            )
        )
        return codes

    def letters(self) -> npt.NDArray[np.uint8]:
        """Spell the DIDs out: uint8 (count, 32), ASCII, in the order of their numbers."""
        out = np.empty((self.count, 32), np.uint8)
        out[:, :8] = PLC
        for half in range(2):
            for k in range(12):
                digit = self._keys[half, : self.count] >> 5 * (11 - k) & 31
                out[:, 8 + 12 * half + k] = LETTERS[digit]
        return out
