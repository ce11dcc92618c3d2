"""Sums of min(s_i, s_j) over pairs of agents, within groups and between them: one sort."""

from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property

import numpy as np

from blueattr import kernels
from blueattr.attribution.groups.partition import Partition
from blueattr.attribution.groups.sums import GroupSums
from blueattr.kernels import FloatArray, IntArray

__all__ = ["PairSums"]


class PairSums:
    """Sums over the pairs of agents of some groups.

    Parameters
    ----------
    s
        Ascending, float64 (n,), ≥ 0.
    partition
        The groups of these agents, in the same order.
    sums
        Sums by its innermost groups.

    Notes
    -----
    Below an agent in ascending order, min(s_i, s_j) is s_j; from it on, s_i. So sums over pairs are
    prefix sums: O(n log n + nG). docs/groups.md, "gini".
    """

    def __init__(self, s: FloatArray, partition: Partition, sums: GroupSums) -> None:
        self._s = s
        self._partition = partition
        self._sums = sums
        self.totals = sums.of(s)
        """Σs of each innermost group."""

    @classmethod
    def of(cls, s: FloatArray, partition: Partition) -> "PairSums":
        """Sort the agents."""
        order = kernels.argsort(s)
        sorted_groups = Partition(
            partition.by, partition.outer, partition.inner, partition.leaves[order],
            partition.counts,
        )  # fmt: skip
        return cls(s[order], sorted_groups, GroupSums(sorted_groups))

    @cached_property
    def _with_all(self) -> list[Fraction]:
        """Σ over i of a group and all j ≠ i of min(s_i, s_j), of each innermost group."""
        n = self._s.size
        below = np.cumsum(self._s) - self._s
        return self._sums.of(below + self._s * np.arange(n - 1, -1, -1.0))

    @cached_property
    def within(self) -> list[Fraction]:
        """Σ_{i<j} min(s_i, s_j) within each innermost group."""
        return [_own_pairs(part) for part in self._sums.parts(self._s)]

    def without(self, leaves: Sequence[int]) -> Fraction:
        """Sum over the pairs of all agents that are in none of some innermost groups."""
        if len(leaves) == 1:
            own = self.within[leaves[0]]
        else:
            own = _own_pairs(self._s[np.isin(self._partition.leaves, list(leaves))])
        # Every pair of all is counted twice; a pair of two who go, too.
        all_pairs = sum(self._with_all, Fraction(0)) / 2
        gone = sum((self._with_all[k] for k in leaves), Fraction(0))
        return all_pairs - gone + own

    def between(self) -> list[list[Fraction]]:
        """Return P_gh = Σ_{i ∈ g, j ∈ h} min(s_i, s_j) of all outer groups; P_gg over i < j."""
        return self._between

    @cached_property
    def _between(self) -> list[list[Fraction]]:
        outer = self._outer_codes()
        count = len(self._partition.outer.names)
        spans = list(self._partition.spans())
        matrix = [[Fraction(0)] * count for _ in range(count)]
        for h in range(count):
            there = outer == h
            below = np.cumsum(np.where(there, self._s, 0.0))
            above = (np.count_nonzero(there) - np.cumsum(there)).astype(np.float64)
            leaf_sums = self._sums.of(below + self._s * above)
            for g in range(count):
                if g != h:
                    matrix[g][h] = sum((leaf_sums[k] for k in spans[g]), Fraction(0))
            matrix[h][h] = _own_pairs(self._s[there])
        # Both sums of a pair are the same but for rounding.
        for g in range(count):
            for h in range(g):
                matrix[g][h] = matrix[h][g]
        return matrix

    def _outer_codes(self) -> IntArray:
        sizes = self._partition.sizes
        codes: IntArray = np.repeat(np.arange(len(sizes)), sizes)[self._partition.leaves]
        return codes


def _own_pairs(s: FloatArray) -> Fraction:
    """Sum min(s_i, s_j) over the pairs i < j of ascending numbers."""
    return kernels.exact_sum(s * np.arange(s.size - 1, -1, -1.0))
