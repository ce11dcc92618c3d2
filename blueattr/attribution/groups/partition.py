"""Groups of agents in one level or two: who is in which, and small groups joined."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from blueattr.kernels import IntArray

__all__ = ["UNKNOWN", "Labels", "Level", "Pairs", "Partition", "free_name", "merged_order"]


UNKNOWN = "unknown"
"""The group of all agents of which it is not known."""

_TABLED = 1 << 22  # up to so many pairs of an outer and an inner group are counted in a table


@dataclass(frozen=True)
class Labels:
    """The group of each agent of a panel, at one level.

    Parameters
    ----------
    by
        What groups them, as a user writes it.
    names
        The groups. Two of them differ in at least one character, whatever a terminal shows.
    codes
        uint32 (n,): the place of each agent's group in `names`.
    ordered
        Whether `names` are in an order of their own, such as years; else the largest group is
        first.
    """

    by: str
    names: tuple[str, ...]
    codes: npt.NDArray[np.uint32]
    ordered: bool = False

    @classmethod
    def of(cls, by: str, groups: pl.Series, order: Sequence[str] | None = None) -> "Labels":
        """Return the groups with numbers.

        Parameters
        ----------
        by
            What groups them.
        groups
            Text (n,); null where the group is unknown.
        order
            The order of the groups where they have one: at least all there are, `UNKNOWN` apart.
        """
        known = groups.fill_null(UNKNOWN)
        there = set(known.unique().to_list())
        if order is None:
            names = tuple(sorted(there))
        else:
            names = tuple(name for name in dict.fromkeys((*order, UNKNOWN)) if name in there)
        codes = known.cast(pl.Enum(names)).to_physical().cast(pl.UInt32).to_numpy()
        return cls(by, names, codes, order is not None)

    def take(self, mask: npt.NDArray[np.bool_]) -> "Labels":
        """Return the groups of some of the agents, bool (n,)."""
        return Labels(self.by, self.names, self.codes[mask], self.ordered)


@dataclass(frozen=True, slots=True)
class Level:
    """The groups of a level.

    Parameters
    ----------
    names
        In the order of reports. Where small ones were joined, what holds them is last.
    joined
        The groups that were joined into the last one.
    """

    names: tuple[str, ...]
    joined: tuple[str, ...] = ()


@dataclass(frozen=True)
class Partition:
    """Agents in groups, which are perhaps in groups themselves.

    Parameters
    ----------
    by
        What groups them, one name a level, the outer one first.
    outer
        The outer groups.
    inner
        The inner groups of each outer one; of one level, none.
    leaves
        int64 (n,): the number of each agent's innermost group, counted through all outer ones.
    counts
        int64: the number of agents in each innermost group.
    """

    by: tuple[str, ...]
    outer: Level
    inner: tuple[Level, ...]
    leaves: IntArray
    counts: IntArray

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many innermost groups each outer one has."""
        if not self.inner:
            return (1,) * len(self.outer.names)
        return tuple(len(level.names) for level in self.inner)

    def spans(self) -> Iterator[range]:
        """Yield the innermost groups of each outer one."""
        start = 0
        for size in self.sizes:
            yield range(start, start + size)
            start += size


class Pairs:
    """The groups that occur, counted, before small ones are joined.

    Parameters
    ----------
    levels
        One or two, of the same agents.
    weights
        int64: how many agents each of these stands for; by default one.
    """

    def __init__(self, levels: Sequence[Labels], weights: IntArray | None = None) -> None:
        self._levels = tuple(levels)
        outer = self._levels[0]
        inner = self._levels[1] if len(self._levels) > 1 else None
        width = 1 if inner is None else len(inner.names)
        keys = outer.codes.astype(np.int64)
        if inner is not None:
            keys = keys * width + inner.codes
        if len(outer.names) * width <= _TABLED:
            counts = np.bincount(keys, minlength=len(outer.names) * width)
            there = np.flatnonzero(counts)
            place = np.zeros(counts.size, np.int64)
            place[there] = np.arange(there.size)
            self._places, self._counts = place[keys], counts[there]
        else:
            there, places, self._counts = np.unique(keys, return_inverse=True, return_counts=True)
            self._places = places.astype(np.int64)
        if weights is not None:
            counted = np.bincount(self._places, weights=weights, minlength=there.size)
            self._counts = counted.astype(np.int64)
        self._outer, self._inner = there // width, there % width

    def join(self, most: int, most_inner: int) -> Partition:
        """Return the groups, of each level at most so many: the largest, and the others as one.

        Parameters
        ----------
        most
            Outer groups, at least 2.
        most_inner
            Inner groups of each outer one, at least 2.
        """
        outer, at = _joined(self._levels[0], self._outer, self._counts, most)
        leaf = np.zeros(self._counts.size, np.int64)
        inner: list[Level] = []
        start = 0
        for g in range(len(outer.names)):
            pairs = np.flatnonzero(at == g)
            if len(self._levels) == 1:
                leaf[pairs] = g
                continue
            level, within = _joined(
                self._levels[1], self._inner[pairs], self._counts[pairs], most_inner
            )
            leaf[pairs] = start + within
            inner.append(level)
            start += len(level.names)
        counts = np.zeros(int(leaf.max()) + 1, np.int64)
        np.add.at(counts, leaf, self._counts)
        by = tuple(level.by for level in self._levels)
        return Partition(by, outer, tuple(inner), leaf[self._places], counts)

    def fit(self, most: int, cost: Callable[[Partition], float], budget: float) -> Partition:
        """Return the groups, joined until what is asked of them costs no more than a budget.

        Parameters
        ----------
        most
            Groups of a level at most.
        cost
            Of a partition.
        budget
            The most that it may cost. Two groups at each level are left in any case.
        """
        outer = inner = most
        while True:
            partition = self.join(outer, inner)
            if cost(partition) <= budget or outer == inner == _FEWEST:
                return partition
            if inner > max(_FEW_INNER, _FEWEST) and partition.inner:
                inner = min(inner, max(partition.sizes)) - 1
            elif outer > _FEWEST:
                outer = min(outer, len(partition.outer.names)) - 1
            else:
                inner -= 1


_FEWEST, _FEW_INNER = 2, 4


def _joined(labels: Labels, codes: IntArray, counts: IntArray, most: int) -> tuple[Level, IntArray]:
    """Join small groups; return the level, and the place in it of each of `codes`."""
    sizes = np.bincount(codes, weights=counts, minlength=len(labels.names))
    there = np.flatnonzero(sizes)
    largest = there[np.argsort(-sizes[there], kind="stable")]  # of equal ones the first by name
    if there.size <= most:
        kept, rest = largest, largest[:0]
    else:
        kept, rest = largest[: most - 1], largest[most - 1 :]
    if labels.ordered:
        kept = np.sort(kept)
    names = [labels.names[k] for k in kept.tolist()]
    places = np.full(len(labels.names), len(names), np.int64)
    places[kept] = np.arange(kept.size)
    if rest.size:
        names.append(free_name("others", labels.names))
    joined = tuple(labels.names[k] for k in sorted(rest.tolist()))
    return Level(tuple(names), joined), places[codes]


def merged_order(one: Sequence[str], other: Sequence[str]) -> list[str]:
    """Return all names of two lists in an order that keeps that of each list.

    Parameters
    ----------
    one, other
        Names, each once, of which those in both are in the same order.

    Examples
    --------
    >>> merged_order(["2019", "2021", "unknown"], ["2020", "2021"])
    ['2019', '2020', '2021', 'unknown']
    """
    left, right = list(one), list(other)
    merged = []
    while left and right:
        first, second = left[0], right[0]
        later = first in right[1:], second in left[1:]
        if first == second or later == (False, True) or (later[0] == later[1] and first < second):
            merged.append(left.pop(0))
            right = right[1:] if first == second else right
        else:
            merged.append(right.pop(0))
    return [*merged, *left, *right]


def free_name(name: str, taken: Iterable[str]) -> str:
    """Return a name for a group that none has, of those taken."""
    known, found, k = set(taken), name, 2
    while found in known:
        found, k = f"{name} {k}", k + 1
    return found
