"""Where tiers end, at exact ranks, in few passes over parts that may be counted apart.

Agents are ranked by followers, then by a, both descending. A number ≥ 0 becomes a *key* of 64 bits,
whose ascending order is that. A rank is found 16 bits of the key at a time: counts of these digits
are added up over parts, in any order and any tree, and once few agents have the digits found so
far, their keys themselves are kept.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from blueattr.attribution.equals import Cut
from blueattr.kernels import FloatArray, IntArray

__all__ = ["KEPT", "DigitCounts", "Ranks", "TierCut"]


KEPT = 1 << 20
"""So many agents with the same digits are few."""

_DIGIT = 16  # bits
_HIGHEST = 64 - _DIGIT
_DIGITS = 1 << _DIGIT

_ALL = (1 << 64) - 1
_UNKNOWN = 1 << 63  # more than any panel has

_Keys = npt.NDArray[np.uint64]


class TierCut(NamedTuple):
    """The last agent of a tier: its followers, its a, how many of those like it belong here.

    And how many there are like it in all.
    """

    level: Cut
    a: float
    ties: int
    equal: int


def descending(x: FloatArray) -> _Keys:
    """Return the keys of numbers ≥ 0: uint64 (n,)."""
    return ~x.view(np.uint64)


def _number(key: int) -> float:
    return float(np.array([~np.uint64(key)]).view(np.float64)[0])


class DigitCounts:
    """How many of the keys that begin with a prefix have which next 16 bits.

    Parameters
    ----------
    prefix, shift
        Keys count whose bits from `shift` on are these.
    keep
        Whether to keep the keys themselves, of followers and of a, in place of counts.
    """

    def __init__(self, prefix: int = 0, shift: int = 64, *, keep: bool = False) -> None:
        self.prefix, self.shift, self.keep = prefix, shift, keep
        self.counts: IntArray = np.zeros(_DIGITS, np.int64)
        self.lowest, self.highest = _ALL, 0
        self.kept: list[tuple[_Keys, _Keys]] = []

    def __getstate__(self) -> dict[str, object]:
        """Leave out digits that no key has: of whole numbers these are nearly all."""
        there = np.flatnonzero(self.counts)
        return {**self.__dict__, "counts": (there.astype(np.uint16), self.counts[there])}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Fill them in again."""
        there, counts = state["counts"]
        self.__dict__.update(state)
        self.counts = np.zeros(_DIGITS, np.int64)
        self.counts[there] = counts

    def add(self, keys: _Keys, activity: _Keys) -> None:
        """Count the keys of agents, uint64 (k,), each with that of a."""
        if self.shift < 64:
            mine = np.flatnonzero(keys >> np.uint64(self.shift) == self.prefix)
            keys, activity = keys[mine], activity[mine]
        if keys.size:
            self.lowest = min(self.lowest, int(keys.min()))
            self.highest = max(self.highest, int(keys.max()))
        if self.keep:
            self.kept.append((keys, activity))
        else:
            digits = (keys >> np.uint64(self.shift - _DIGIT)) & np.uint64(_DIGITS - 1)
            self.counts += np.bincount(digits.astype(np.int64), minlength=_DIGITS)

    def take(self, other: "DigitCounts") -> None:
        """Add what was counted, or kept, of other parts."""
        self.counts = self.counts + other.counts
        self.lowest = min(self.lowest, other.lowest)
        self.highest = max(self.highest, other.highest)
        self.kept.extend(other.kept)


class _Rank:
    """One rank on the way to being found: first among followers, then, of equals, by a."""

    def __init__(self, rank: int) -> None:
        self._rank = self._in_level = rank
        self._level: Cut | None = None
        self._level_key = 0
        self._prefix, self._shift, self._below, self._equal = 0, 64, 0, _UNKNOWN
        self.found: TierCut | None = None

    def digits(self) -> DigitCounts:
        return DigitCounts(self._prefix, self._shift, keep=self._equal <= KEPT)

    def keys(self, followers: _Keys, activity: _Keys) -> tuple[_Keys, _Keys]:
        """Return the keys by which this rank goes on, with those of a."""
        if self._level is None:
            return followers, activity
        theirs = activity[followers == np.uint64(self._level_key)]
        return theirs, theirs

    def go_on(self, found: DigitCounts) -> None:
        if found.keep:
            followers, activity = (np.concatenate(keys) for keys in zip(*found.kept, strict=True))
            self._keep(followers, activity)
            return
        if found.lowest == found.highest:  # however many there are
            self._selected(found.lowest, self._below, int(found.counts.sum()))
            return
        upto = np.cumsum(found.counts)
        digit = int(np.searchsorted(upto, self._in_level - self._below, "right"))
        self._below += int(upto[digit - 1]) if digit else 0
        self._equal = int(found.counts[digit])
        self._prefix, self._shift = self._prefix << _DIGIT | digit, self._shift - _DIGIT
        if not self._shift:
            self._selected(self._prefix, self._below, self._equal)

    def _keep(self, followers: _Keys, activity: _Keys) -> None:
        key, before, equal = _at(followers, self._in_level - self._below)
        by_followers = self._level is None
        self._selected(key, self._below + before, equal)
        if by_followers:
            theirs = activity[followers == np.uint64(key)]
            self._selected(*_at(theirs, self._in_level))

    def _selected(self, key: int, below: int, equal: int) -> None:
        if self._level is None:
            self._level, self._level_key = Cut(_number(key), below, equal), key
            self._in_level = self._rank - below
            self._prefix, self._shift, self._below, self._equal = 0, 64, 0, equal
            return
        self.found = TierCut(self._level, _number(key), self._in_level - below + 1, equal)


def _at(keys: _Keys, rank: int) -> tuple[int, int, int]:
    """Return the key at a rank, and how many are below it and equal to it."""
    key = np.partition(keys, rank)[rank]
    return int(key), int(np.count_nonzero(keys < key)), int(np.count_nonzero(keys == key))


class Ranks:
    """Finds the agents at some ranks, pass by pass.

    A pass is `digits` of each part, `add` of its agents to these, and `go_on` with those of all
    parts, added up. Parts may be counted apart, and in any order.

    Parameters
    ----------
    ranks
        From 0.
    """

    def __init__(self, ranks: Sequence[int]) -> None:
        self._ranks = [_Rank(rank) for rank in ranks]

    @property
    def open(self) -> bool:
        """Whether another pass is needed."""
        return any(one.found is None for one in self._ranks)

    @property
    def cuts(self) -> list[TierCut]:
        """The agents, once all are found."""
        return [one.found for one in self._ranks if one.found is not None]

    def digits(self) -> list[DigitCounts]:
        """Begin to count a part."""
        return [one.digits() for one in self._ranks if one.found is None]

    def add(self, digits: Sequence[DigitCounts], followers: FloatArray, a: FloatArray) -> None:
        """Count agents: float64 (k,), ≥ 0."""
        by_followers, by_activity = descending(followers), descending(a)
        for one, counts in zip(self._waiting(), digits, strict=True):
            counts.add(*one.keys(by_followers, by_activity))

    def go_on(self, digits: Sequence[DigitCounts]) -> None:
        """End a pass, with the counts of all parts."""
        for one, counts in zip(self._waiting(), digits, strict=True):
            one.go_on(counts)

    def _waiting(self) -> list[_Rank]:
        return [one for one in self._ranks if one.found is None]
