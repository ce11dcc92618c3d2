"""Rows that are equal in all, numbered from 1 on, so that each is a record of its own; pure."""

from itertools import chain

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["RepeatCounter", "hashes_of", "own_keys"]


_Hashes = npt.NDArray[np.uint64]
_STEP = np.uint64(0x9E3779B97F4A7C15)
# Bits by which hashes are told apart: among all, for 64 MiB, and among those of a batch.
_MET_BITS, _TWICE_BITS = 26, 19
# Runs of a size that are merged into one.
_TOGETHER = 8
_BITS = np.uint64((1 << 62) - 1)
_MADE = np.uint64(1 << 62)
# Of splitmix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_WORD = 8
# Of a word with so many bytes of a text, those.
_INSIDE = np.array([(1 << 8 * k) - 1 for k in range(_WORD + 1)], np.uint64)


def hashes_of(texts: pa.StringArray) -> _Hashes:
    """Return 64 bits of each text, the same on every machine and in every version.

    Texts are taken eight bytes at a time; two of one length that differ in one of these never have
    the same hash. The keys of records are made of it: another hash makes others.

    Parameters
    ----------
    texts
        Without NULL.

    Examples
    --------
    >>> [f"{each:016x}" for each in hashes_of(pa.array(["", "ann"])).tolist()]
    ['0000000000000000', '5b52c447bb51e75b']
    """
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    held = np.frombuffer(data or b"", np.uint8)[: ends[-1]]
    padded = np.concatenate((held, np.zeros(_WORD, np.uint8)))
    # The eight bytes from each place on.
    words = np.ndarray((len(held) + 1,), "<u8", padded, strides=(1,))
    at, left = ends[:-1].astype(np.int64), np.diff(ends)
    found = left.astype(np.uint64) * _STEP
    rows = np.flatnonzero(left)
    at, left = at[rows], left[rows]
    while len(rows):
        word = words[at]
        is_last = left < _WORD
        if is_last.any():
            word &= _INSIDE[np.minimum(left, _WORD)]
        mixed = (found[rows] ^ word) * _FIRST
        found[rows] = mixed ^ (mixed >> np.uint64(32))
        at, left = at + _WORD, left - _WORD
        if (left <= 0).any():
            goes_on = left > 0
            rows, at, left = rows[goes_on], at[goes_on], left[goes_on]
    found = (found ^ (found >> np.uint64(30))) * _SECOND
    hashes: _Hashes = found ^ (found >> np.uint64(31))
    return hashes


class RepeatCounter:
    """Counts how often a hash came before, among all that were asked about."""

    def __init__(self) -> None:
        # Sorted; of each size, that of a batch and so on, fewer than `_TOGETHER`.
        self._runs: list[list[_Hashes]] = []
        # Whether a hash with such first bits came before, so that most need not be looked for.
        self._met = np.zeros(0, np.bool_)

    def number(self, hashes: _Hashes) -> npt.NDArray[np.int64]:
        """Return the how manieth each of these hashes is, from 1 on; the next ones come after."""
        number = np.ones(len(hashes), np.int64)
        if not len(hashes):
            return number
        if not len(self._met):
            self._met = np.zeros(1 << _MET_BITS, np.bool_)
            self._last = np.zeros(1 << _TWICE_BITS, np.int32)
            self._twice = np.zeros(1 << _TWICE_BITS, np.bool_)
        place = (hashes >> np.uint64(64 - _MET_BITS)).astype(np.intp)
        perhaps = np.flatnonzero(self._met[place] | self._perhaps_twice(hashes))
        self._met[place] = True
        number[perhaps] = self._number_all(hashes[perhaps])
        self._keep(np.sort(hashes))
        return number

    def _perhaps_twice(self, hashes: _Hashes) -> npt.NDArray[np.bool_]:
        """Return which hashes another may be equal to: all that are, and a few more."""
        place = ((hashes >> np.uint64(20)) & np.uint64((1 << _TWICE_BITS) - 1)).astype(np.intp)
        rows = np.arange(len(hashes), dtype=np.int32)
        # Of those with a place the last one stays there.
        self._last[place] = rows
        shared = place[self._last[place] != rows]
        self._twice[shared] = True
        found: npt.NDArray[np.bool_] = self._twice[place]
        self._twice[shared] = False
        return found

    def _number_all(self, hashes: _Hashes) -> npt.NDArray[np.int64]:
        if not len(hashes):
            return np.zeros(0, np.int64)
        order = np.argsort(hashes, kind="stable")
        ordered = hashes[order]
        begins = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
        alike = np.diff(np.append(begins, len(ordered)))
        distinct = ordered[begins]
        before = np.zeros(len(distinct), np.int64)
        for run in chain.from_iterable(self._runs):
            first = np.searchsorted(run, distinct)
            inside = np.minimum(first, len(run) - 1)
            there = np.flatnonzero(run[inside] == distinct)
            last = np.searchsorted(run, distinct[there], "right")
            before[there] += last - first[there]
        number = np.empty(len(hashes), np.int64)
        number[order] = (
            np.arange(1, len(ordered) + 1) - np.repeat(begins, alike) + np.repeat(before, alike)
        )
        return number

    def _keep(self, run: _Hashes) -> None:
        """Keep a sorted run, and make one of as many as are of a size."""
        for runs in self._runs:
            runs.append(run)
            if len(runs) < _TOGETHER:
                return
            run = np.concatenate(runs)
            runs.clear()
            # In place, as it may be a tenth of all memory.
            run.sort()
        self._runs.append([run])


def own_keys(hashes: _Hashes, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return keys of records that have no identifier: as ``own_key`` of macros.sql makes them.

    Parameters
    ----------
    hashes
        Of their rows.
    numbers
        Of each among the rows that are equal to it, from 1 on.
    """
    moved = hashes + _STEP * (numbers - 1).astype(np.uint64)
    keys: npt.NDArray[np.int64] = ((moved >> np.uint64(2)) & _BITS | _MADE).astype(np.int64)
    return keys
