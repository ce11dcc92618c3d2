"""Rows that are equal in all, numbered from 1 on, so that each is a record of its own; pure."""

import numpy as np
import numpy.typing as npt

__all__ = ["RepeatCounter", "own_keys"]


_Hashes = npt.NDArray[np.uint64]
_STEP = np.uint64(0x9E3779B97F4A7C15)
_BITS = np.uint64((1 << 62) - 1)
_MADE = np.uint64(1 << 62)


class RepeatCounter:
    """Counts how often a hash came before, among all that were asked about."""

    def __init__(self) -> None:
        # Sorted, each less than half as long as the one before, so that few are looked through.
        self._runs: list[_Hashes] = []

    def number(self, hashes: _Hashes) -> npt.NDArray[np.int64]:
        """Return the how manieth each of these hashes is, from 1 on; the next ones come after."""
        if not len(hashes):
            return np.zeros(0, np.int64)
        order = np.argsort(hashes, kind="stable")
        ordered = hashes[order]
        begins = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
        alike = np.diff(np.append(begins, len(ordered)))
        distinct = ordered[begins]
        before = np.zeros(len(distinct), np.int64)
        for run in self._runs:
            first = np.searchsorted(run, distinct)
            inside = np.minimum(first, len(run) - 1)
            there = np.flatnonzero(run[inside] == distinct)
            last = np.searchsorted(run, distinct[there], "right")
            before[there] += last - first[there]
        number = np.empty(len(hashes), np.int64)
        number[order] = (
            np.arange(1, len(ordered) + 1) - np.repeat(begins, alike) + np.repeat(before, alike)
        )
        self._runs.append(ordered)
        while len(self._runs) > 1 and 2 * len(self._runs[-1]) >= len(self._runs[-2]):
            merged = np.concatenate((self._runs.pop(), self._runs.pop()))
            # In place, as it may be a tenth of all memory.
            merged.sort()
            self._runs.append(merged)
        return number


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
