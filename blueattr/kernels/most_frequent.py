# mypy: allow-untyped-defs, allow-untyped-calls
# (numba infers the types of what it compiles; what is public here is typed.)
# ruff: noqa: PLR0917 (kernels take their arguments by position)
"""The group that each account has most records in: a table by account, and few exceptions."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from blueattr.kernels import compiled
from blueattr.kernels.compiled import IntArray

__all__ = ["NO_GROUP", "MostFrequent"]


Numbers = npt.NDArray[np.uint32]
Keys = npt.NDArray[np.uint64]

NO_GROUP = np.uint32((1 << 32) - 1)
"""In place of a group, where an account has none."""


_NOT_ASKED_FOR = np.uint32((1 << 32) - 2)
_HALF, _LOWER = np.uint64(32), np.uint64((1 << 32) - 1)
_AT_ONCE = 1 << 23  # keys that are sorted at once: 64 MB
_STEPS = 8  # what numpy takes for a record: see `blueattr.kernels.compiled.few`


class MostFrequent:
    """Counts records by account and group, and tells the most frequent group of each account.

    Most accounts have one group, which is counted in a table; what is of another group is sorted.

    Parameters
    ----------
    accounts
        Whose records count; uint32 (n,).
    past
        All numbers of accounts are below.
    start, group
        The groups of each code, none twice: those of code k are
        ``group[start[k] : start[k + 1]]``. int64 (codes + 1,), uint32.
    """

    def __init__(self, accounts: Numbers, past: int, start: IntArray, group: Numbers) -> None:
        self._start, self._group = start, group
        self._first = np.full(past, _NOT_ASKED_FOR, np.uint32)
        self._first[accounts] = NO_GROUP
        self._times = np.zeros(past, np.uint32)
        self._keys, self._counts = np.empty(0, np.uint64), np.empty(0, np.uint32)
        self._waiting: list[Keys] = []

    def add(self, account: Numbers, code: Numbers) -> None:
        """Count records.

        Parameters
        ----------
        account
            Whose each is; uint32 (m,).
        code
            Which groups each is of; uint32 (m,). It counts once in each of them.
        """
        if compiled.few(account.size, _STEPS):
            mine = self._first[account] != _NOT_ASKED_FOR
            self._wait(_expanded(account[mine], code[mine], self._start, self._group))
            return
        room = account.size + int(np.diff(self._start).max(initial=0))
        done = 0
        while done < account.size:
            others = np.empty(room, np.uint64)
            done, found = _count(
                account, code, done, self._start, self._group, self._first, self._times, others
            )
            self._wait(others[:found].copy())

    def _wait(self, keys: Keys) -> None:
        self._waiting.append(keys)
        if sum(one.size for one in self._waiting) >= _AT_ONCE:
            self._sort()

    def _sort(self) -> None:
        self._keys, self._counts = _added(self._keys, self._counts, self._waiting)
        self._waiting = []

    def take(self) -> Numbers:
        """Return the group of each account.

        Returns
        -------
        ndarray
            uint32 (past,): of several that are as frequent the least, `NO_GROUP` where there is
            none.
        """
        self._sort()
        best = np.where(self._first == _NOT_ASKED_FOR, NO_GROUP, self._first)
        # Of accounts with a record of another group than their first.
        some = np.unique((self._keys >> _HALF).astype(np.uint32))
        some = some[self._times[some] > 0]
        keys = some.astype(np.uint64) << _HALF | self._first[some]
        keys, counts = _added(self._keys, self._counts, [keys], self._times[some])
        if keys.size:
            # The highest count, then the least group.
            score = counts.astype(np.uint64) << _HALF | (_LOWER - (keys & _LOWER))
            account, begin = np.unique(keys >> _HALF, return_index=True)
            highest = np.maximum.reduceat(score, begin)
            best[account] = _LOWER - (highest & _LOWER)
        return best


def _expanded(account: Numbers, code: Numbers, start: IntArray, group: Numbers) -> Keys:
    """Return a key for each record and each of its groups."""
    often = np.diff(start)[code]
    begin = np.repeat(start[:-1][code] - (np.cumsum(often) - often), often)
    of_each = group[begin + np.arange(begin.size)]
    return np.repeat(account, often).astype(np.uint64) << _HALF | of_each


def _added(
    keys: Keys, counts: Numbers, more: Sequence[Keys], often: Numbers | None = None
) -> tuple[Keys, Numbers]:
    """Count more keys beside those that were counted, which ascend.

    Each of them counts once; or `often`, where all of them are different and ascend.
    """
    new = np.concatenate([np.empty(0, np.uint64), *more])
    if often is None:
        new.sort()
        new, starts = _runs(new)
        often = np.diff(starts).astype(np.uint32)
    both = np.concatenate([keys, new])
    order = np.argsort(both, kind="stable")
    both, starts = _runs(both[order])
    if not both.size:
        return both, counts
    times = np.concatenate([counts, often])[order]
    return both, np.add.reduceat(times, starts[:-1], dtype=np.uint32)


def _runs(ascending: Keys) -> tuple[Keys, npt.NDArray[np.intp]]:
    """Return each of some keys once, and where its run begins; at last where the last ends."""
    ends = np.flatnonzero(ascending[1:] != ascending[:-1]) + 1
    starts = np.concatenate([[0], ends, [ascending.size]]) if ascending.size else np.zeros(1, int)
    return ascending[starts[:-1]], starts


@compiled.jit()
def _count(account, code, begin, start, group, first, times, others):
    """Count from a record on until the keys are full; return where that was, and their number."""
    found = 0
    for i in range(begin, account.size):
        who, low, high = account[i], start[code[i]], start[code[i] + 1]
        if first[who] == _NOT_ASKED_FOR:
            continue
        if found + high - low > others.size:
            return i, found
        for j in range(low, high):
            if times[who] == 0:
                first[who] = group[j]
            if first[who] == group[j]:
                times[who] += np.uint32(1)
            else:
                others[found] = np.uint64(who) << _HALF | np.uint64(group[j])
                found += 1
    return account.size, found
