# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
# ruff: noqa: PLR0917 (kernels take their arguments by position)
"""Buffers of lines parsed to arrays, and the DIDs in them numbered."""

import secrets
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blueattr.kernels import compiled, fields
from blueattr.kernels.compiled import IntArray
from blueattr.kernels.identifiers import END_US, LETTERS, PLC
from blueattr.kernels.jetstream import (
    AUTHOR_HIGH,
    AUTHOR_LOW,
    BITS,
    DEPTH,
    KIND,
    NUMBERS,
    PROFILE,
    ROOT,
    ROOT_HIGH,
    ROOT_LOW,
    SKIPPED,
    SUBJECT,
    SUBJECT_HIGH,
    SUBJECT_LOW,
    TEXT,
    TIME,
    TITLE,
    TOLD,
    parse_line,
)
from blueattr.kernels.jsontext import append_string

__all__ = ["Dids", "Scanned", "Scanner", "Told", "spell", "spell_dids"]

U = np.uint64

_MOST_TAGS = 512
# No line that is parsed is shorter: it names two DIDs, a collection or an identity.
_SHORTEST = 100
_SHORTEST_TAG = 3


class Told(NamedTuple):
    """What lines tell of accounts, in their order.

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
        """Give the first rows, of which there is one at least."""
        ends = self.ends[:count]
        return Told(self.numbers[:, :count], self.words[: ends[-1]], ends)


@compiled.jit(makes_arrays=False)
def _tell(buffer, k, bits, start, stop, numbers, told, row):
    """Write down what a line tells of an account; its numbers are in row `k`."""
    for n in range(AUTHOR_LOW + 1):
        told.numbers[n, row] = numbers[n, k]
    told.numbers[BITS, row] = bits
    end = told.ends[row - 1] if row else 0
    if bits & KIND != PROFILE:
        end = append_string(buffer, start[fields.SAID], stop[fields.SAID], told.words, end)
    told.ends[row] = end


@compiled.jit(makes_arrays=False)
def _scan(
    buffer, begin, end, limit, work, numbers, flag, words, word_ends, tag_ends, told, left, counts
):  # fmt: skip
    """Parse whole lines; see `Scanner.scan`. `counts` says how much."""
    start, stop, places, tags = work
    kept, skipped, lefts, tag_number, told_number = 0, 0, 0, 0, 0
    first, last = np.int64(END_US), np.int64(0)
    text_end, title_end, tag_end = 0, 0, 0
    i = begin
    while i < end:
        c = buffer[i]
        if c == 10 or (c == 13 and buffer[i + 1] == 10):
            i += 1 + (c == 13)
            continue
        bits, j, tag_count = parse_line(buffer, i, kept, start, stop, places, tags, numbers)
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
        if bits & TOLD:
            _tell(buffer, kept, bits, start, stop, numbers, told, told_number)
            told_number += 1
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
    counts[4], counts[5], counts[6] = first, last, told_number


class Scanned(NamedTuple):
    """What became of a stretch of lines. Arrays of one row per record are in the lines' order.

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
    told
        Of the lines that tell of accounts; None without any.
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
    """A parser of lines with the memory that it works in.

    It writes to the same memory each time, since memory that is new costs as much as the parsing.
    """

    def __init__(self) -> None:
        self._size = -1
        # What `parse_line` writes to.
        shapes = (fields.VALUES, fields.VALUES, DEPTH, (2, _MOST_TAGS))
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
        self._told = Told(
            np.empty((AUTHOR_LOW + 1, most), np.int64),
            np.empty(size, np.uint8),
            np.empty(most, np.int32),
        )
        self._left, self._counts = np.empty((most + 1, 2), np.int64), np.zeros(7, np.int64)

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
            data, begin, end, limit, self._work, self._numbers, self._flag, self._words,
            self._word_ends, self._tag_ends, self._told, self._left, self._counts,
        )  # fmt: skip
        kept, skipped, left, tags, first, last, told = self._counts.tolist()
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
            (_datetime(first), _datetime(last)) if kept + skipped + told else None,
            self._told.first(told) if told else None,
        )


def _datetime(micros: int) -> datetime:
    return datetime(1970, 1, 1) + timedelta(microseconds=micros)  # noqa: DTZ001 - naive, as stored


@compiled.jit(makes_arrays=False)
def spell(numbers, out):
    """Write numbers in base 32, as DIDs and TIDs are, one to a row of uint8 (n, digits)."""
    for row in range(out.shape[0]):
        left = numbers[row]
        for k in range(out.shape[1] - 1, -1, -1):
            out[row, k] = LETTERS[left & 31]
            left >>= 5


# --- DIDs -----------------------------------------------------------------------------------------


def spell_dids(high: IntArray, low: IntArray) -> npt.NDArray[np.uint8]:
    """Write the DIDs of numbers, their first and last twelve digits: uint8 (n, 32)."""
    out = np.empty((len(high), 32), np.uint8)
    out[:, :8] = PLC
    spell(high, out[:, 8:20])
    spell(low, out[:, 20:])
    return out


# So many are looked up at once that what they wait for from memory comes at the same time.
_AT_ONCE = 384


@compiled.jit(makes_arrays=False)
def _tag(high, low, seed):
    """Give 32 bits for a DID."""
    # Whoever writes events chooses DIDs, but does not know the seed.
    mixed = (U(high) ^ seed) * U(0x9E3779B97F4A7C15)
    mixed ^= mixed >> U(32)
    mixed = (mixed ^ U(low)) * U(0xD6E8FEB86659FD93)
    mixed ^= mixed >> U(32)
    return mixed * U(0x9E3779B97F4A7C15) >> U(32)


@compiled.jit(makes_arrays=False)
def _find(high, low, tag, shift, slots, keys, known):
    """Give a DID its number, in order of first appearance."""
    slot = np.int64(tag >> shift)
    while True:
        entry = slots[slot]
        if entry == U(0):
            slots[slot] = tag << U(32) | U(known + 1)
            keys[known, 0], keys[known, 1] = high, low
            return known
        if entry >> U(32) == tag:
            code = np.int64(entry & U(0xFFFFFFFF)) - 1
            if keys[code, 0] == high and keys[code, 1] == low:
                return code
        slot = (slot + 1) & (slots.size - 1)


@compiled.jit(makes_arrays=False)
def _intern(numbers, flag, seed, shift, slots, keys, known, codes, work):
    """Give DIDs their numbers; `work` is int64 (5, `_AT_ONCE` + 3)."""
    high, low, to, tags, others = range(5)
    row = 0
    while row < flag.size:
        count = 0
        while row < flag.size and count <= _AT_ONCE - 3:
            # Each is written, and written over where it is none: no processor can guess which.
            work[high, count] = numbers[AUTHOR_HIGH, row]
            work[low, count] = numbers[AUTHOR_LOW, row]
            work[to, count] = row
            count += 1
            work[high, count] = numbers[SUBJECT_HIGH, row]
            work[low, count] = numbers[SUBJECT_LOW, row]
            work[to, count] = row + flag.size
            count += flag[row] & SUBJECT != 0
            work[high, count], work[low, count] = numbers[ROOT_HIGH, row], numbers[ROOT_LOW, row]
            work[to, count] = row + 2 * flag.size
            count += flag[row] & ROOT != 0
            row += 1
        for n in range(count):
            work[tags, n] = np.int64(_tag(work[high, n], work[low, n], seed))
        for n in range(count):
            work[others, n] = np.int64(slots[np.int64(U(work[tags, n]) >> shift)])
        unknown = 0
        for n in range(count):
            entry = work[others, n]
            # Where there is none, the first account stands in: there is no branch to guess wrong.
            code = max((entry & 0xFFFFFFFF) - 1, 0)
            codes[work[to, n]] = code
            work[others, unknown] = n
            same = (keys[code, 0] == work[high, n]) & (keys[code, 1] == work[low, n])
            unknown += not (same & (entry != 0))
        for m in range(unknown):
            n = work[others, m]
            code = _find(work[high, n], work[low, n], U(work[tags, n]), shift, slots, keys, known)
            known = max(known, code + 1)
            codes[work[to, n]] = code
    return known


@compiled.jit(makes_arrays=False)
def _refill(before, shift, slots):
    # In order of their tags: memory is gone through from its beginning to its end.
    for entry in before:
        if entry != U(0):
            slot = np.int64(entry >> U(32) >> shift)
            while slots[slot] != U(0):
                slot = (slot + 1) & (slots.size - 1)
            slots[slot] = entry


class Dids:
    """Numbers for DIDs of the method plc, from 0 in order of first appearance."""

    def __init__(self) -> None:
        self._seed = np.uint64(secrets.randbits(64))
        # A slot has the upper 32 bits of a hash and a number plus 1; it is 0 where it is empty.
        self._bits = 12
        self._slots = np.zeros(1 << self._bits, np.uint64)
        self._keys = np.zeros((1 << self._bits - 1, 2), np.int64)
        self._work = np.zeros((5, _AT_ONCE + 3), np.int64)
        self.count = 0

    def intern(self, scanned: Scanned) -> npt.NDArray[np.uint32]:
        """Give the DIDs of kept lines their numbers.

        Returns
        -------
        uint32 (3, n)
            Of author, subject and root; arbitrary where there is none.
        """
        most = self.count + 3 * len(scanned.flag)
        if most > len(self._keys):
            keys, before = self._keys, self._slots
            self._bits = most.bit_length() + 1
            self._slots = np.zeros(1 << self._bits, np.uint64)
            _refill(before, np.uint64(32 - self._bits), self._slots)
            self._keys = np.empty((1 << self._bits - 1, 2), np.int64)
            self._keys[: self.count] = keys[: self.count]
        codes = np.zeros((3, len(scanned.flag)), np.uint32)
        self.count = int(
            _intern(
                scanned.numbers, scanned.flag, self._seed, np.uint64(32 - self._bits), self._slots,
                self._keys, self.count, codes.reshape(-1), self._work,
            )
        )  # fmt: skip
        return codes

    def letters(self) -> npt.NDArray[np.uint8]:
        """Spell the DIDs out: uint8 (count, 32), ASCII, in the order of their numbers."""
        keys = self._keys[: self.count]
        return spell_dids(keys[:, 0], keys[:, 1])
