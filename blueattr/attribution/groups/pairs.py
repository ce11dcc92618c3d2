"""Sums of min(s_i, s_j) over pairs of agents, within groups and between them: one sort.

Every term is exact but for one rounding, and terms are summed reproducibly, so that the sums do not
depend on the order of the agents, nor on the parts in which they come.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from blueattr import kernels
from blueattr.attribution.groups.partition import Partition
from blueattr.attribution.groups.sums import add_by_group, split
from blueattr.kernels import FloatArray, IntArray

__all__ = ["PairSums", "RunningPairs"]


@dataclass(frozen=True)
class PairSums:
    """Sums over the pairs of agents of some groups.

    Parameters
    ----------
    spans
        The innermost groups of each outer one.
    totals
        Σs of each innermost group.
    with_all
        Σ over i of a group and all j ≠ i of min(s_i, s_j), of each innermost group.
    within
        Σ_{i<j} min(s_i, s_j) within each innermost group.
    between
        P_gh = Σ_{i ∈ g, j ∈ h} min(s_i, s_j) of all outer groups; P_gg over i < j.

    Notes
    -----
    docs/groups.md, "gini". O(n log n + nG).
    """

    spans: tuple[range, ...]
    totals: list[Fraction]
    with_all: list[Fraction]
    within: list[Fraction]
    between: list[list[Fraction]]

    @classmethod
    def of(cls, s: FloatArray, partition: Partition) -> "PairSums":
        """Sum over the pairs of agents: s float64 (n,), ≥ 0, in any order."""
        order = kernels.argsort(s)
        running = RunningPairs(partition.sizes)
        leaves = partition.leaves[order]
        nobody = np.zeros(partition.counts.size, np.int64)
        running.add(kernels.Ahead(), s.size, nobody, s[order], leaves)
        return running.sums()

    def without(self, leaves: Sequence[int]) -> Fraction:
        """Sum over the pairs of all agents that are in none of some innermost groups.

        Parameters
        ----------
        leaves
            One of them, or all of an outer group.
        """
        if len(leaves) == 1:
            own = self.within[leaves[0]]
        else:
            g = self.spans.index(range(leaves[0], leaves[-1] + 1))
            own = self.between[g][g]
        # Every pair of all is counted twice; a pair of two who go, too.
        all_pairs = sum(self.with_all, Fraction(0)) / 2
        gone = sum((self.with_all[k] for k in leaves), Fraction(0))
        return all_pairs - gone + own


class RunningPairs:
    """Sums over pairs of agents who come in ascending parts; they are joined in any order.

    Parameters
    ----------
    sizes
        How many innermost groups each outer one has.

    Notes
    -----
    Of a pair the smaller number counts. So Q_gh = Σ_{i ∈ g} s_i (h_i + t_i / 2), with the agents of
    h who have more than i and those, i apart, who have as much. P_gh = Q_gh + Q_hg; P_gg = Q_gg.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        self._sizes = tuple(sizes)
        leaves, groups = sum(self._sizes), len(self._sizes)
        self._of_outer = np.repeat(np.arange(groups), self._sizes)
        self._totals, self._with_all, self._within = (_new(leaves) for _ in range(3))
        # By the group whose numbers count, and by the one whose agents do: Q_gh at [h][g].
        self._between = [_new(groups) for _ in range(groups)]

    def add(
        self, ahead: kernels.Ahead, n: int, above: IntArray, s: FloatArray, leaves: IntArray
    ) -> None:
        """Add the agents of a part.

        Parameters
        ----------
        ahead
            As for `blueattr.kernels.pairwise_minima`.
        n
            The number of all agents.
        above
            int64 (L,): how many agents of each innermost group have more than all of the part.
        s
            float64 (m,), ascending, ≥ 0.
        leaves
            The innermost group of each of these agents, int64 (m,).
        """
        if not s.size:
            return
        s = np.abs(s)
        starts = np.flatnonzero(np.concatenate(([True], s[1:] != s[:-1])))
        counts = np.diff(starts, append=s.size)
        common, _ = kernels.pairwise_minima(ahead, n, s[starts], counts)
        add_by_group(self._totals, s, leaves)
        add_by_group(self._with_all, _spread(common, counts), leaves)
        for k, part in enumerate(split(s, leaves, len(self._within))):
            self._within[k].add(part * _others(part, int(above[k])))
        outer, above_outer = self._of_outer[leaves], self._by_outer(above)
        for h, column in enumerate(self._between):
            there = outer == h
            upto = np.concatenate(([0], np.cumsum(there)))
            # Half of those below the last and of those below the first of equal numbers.
            less = (upto[starts] + upto[starts + counts]) / 2
            more = _spread(float(above_outer[h] + upto[-1]) - less, counts)
            add_by_group(column, s * (more - there / 2), outer)

    def add_copies(
        self, ahead: kernels.Ahead, n: int, above: IntArray, number: float, counts: IntArray
    ) -> None:
        """Add agents who have the same, as `add` does.

        Parameters
        ----------
        ahead, n, above
            As for `add`.
        number
            What they have.
        counts
            int64 (L,): how many of each innermost group.
        """
        every = counts.sum(keepdims=True)
        (common,) = kernels.pairwise_minima(ahead, n, np.array([number]), every)[0].tolist()
        for k, count in enumerate(counts.tolist()):
            self._totals[k].add_copies(number, count)
            self._with_all[k].add_copies(common, count)
            self._within[k].add_copies(number * (int(above[k]) + (count - 1) / 2), count)
        mine, more = self._by_outer(counts).tolist(), self._by_outer(above).tolist()
        for h, column in enumerate(self._between):
            for g, count in enumerate(mine):
                column[g].add_copies(number * (more[h] + (mine[h] - (g == h)) / 2), count)

    def take(self, other: "RunningPairs") -> None:
        """Add the sums of others."""
        for mine, theirs in zip(self._all(), other._all(), strict=True):  # noqa: SLF001 - another of the same class
            for one, seen in zip(mine, theirs, strict=True):
                one.take([seen.state])

    def sums(self) -> PairSums:
        """Return the sums so far.

        Raises
        ------
        OverflowError
            As `blueattr.kernels.exact_sums`.
        """
        totals, with_all, within, *columns = ([one.value() for one in sums] for sums in self._all())
        groups = range(len(columns))
        between = [
            [columns[h][g] + (columns[g][h] if g != h else 0) for h in groups] for g in groups
        ]
        ends = np.cumsum(self._sizes).tolist()
        spans = tuple(range(end - k, end) for end, k in zip(ends, self._sizes, strict=True))
        return PairSums(spans, totals, with_all, within, between)

    def _all(self) -> list[list[kernels.RunningSum]]:
        return [self._totals, self._with_all, self._within, *self._between]

    def _by_outer(self, of_leaves: IntArray) -> IntArray:
        found = np.zeros(len(self._sizes), np.int64)
        np.add.at(found, self._of_outer, of_leaves)
        return found


def _new(count: int) -> list[kernels.RunningSum]:
    return [kernels.RunningSum() for _ in range(count)]


def _spread(of_values: FloatArray, counts: IntArray) -> FloatArray:
    return of_values if counts[0] == 1 == counts.max() else np.repeat(of_values, counts)


def _others(s: FloatArray, above: int) -> FloatArray:
    """Count the agents of one group who have more than each, and half of those who have as much."""
    size = s.size
    if not size:
        return s
    starts = np.flatnonzero(np.concatenate(([True], s[1:] != s[:-1])))
    counts = np.diff(starts, append=size)
    return _spread(above + size - starts - (counts + 1) / 2, counts)
