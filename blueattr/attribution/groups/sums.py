"""Exact sums by group, of any number of groups."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from blueattr import kernels
from blueattr.attribution.groups.partition import Partition
from blueattr.kernels import FloatArray, IntArray

__all__ = ["GroupSums", "add_by_group", "split"]


_FEW = 255  # groups whose numbers fit in a byte


class GroupSums:
    """Sums by the innermost groups of a partition, the same for every order of the agents.

    Parameters
    ----------
    partition
        Of n agents.
    """

    def __init__(self, partition: Partition) -> None:
        self.counts = partition.counts
        self._leaves = partition.leaves
        few = self.counts.size <= _FEW
        self._bytes = partition.leaves.astype(np.uint8) if few else None
        self._order: IntArray | None = None

    def of(self, x: FloatArray) -> list[Fraction]:
        """Return Σx of each group, x float64 (n,).

        Raises
        ------
        OverflowError
            As `blueattr.kernels.exact_sums`.
        """
        if self._bytes is not None:
            return kernels.group_sums(x, self._bytes, self.counts.size)[0]
        return [kernels.exact_sum(part) for part in self.parts(x)]

    def parts(self, x: FloatArray) -> list[FloatArray]:
        """Return x of each group, in the order of the agents."""
        if self._order is None:
            self._order = np.argsort(self._leaves, kind="stable")
        return np.split(x[self._order], np.cumsum(self.counts)[:-1])


def add_by_group(sums: Sequence[kernels.RunningSum], x: FloatArray, groups: IntArray) -> None:
    """Add numbers, float64 (n,), to the sums of their groups, int64 (n,)."""
    if len(sums) <= _FEW:
        running = kernels.RunningGroupSums(len(sums))
        running.add(x, groups.astype(np.uint8))
        for one, state in zip(sums, running.states[0], strict=True):
            one.take([state])
        return
    for one, part in zip(sums, split(x, groups, len(sums)), strict=True):
        one.add(part)


def split(x: FloatArray, groups: IntArray, count: int) -> list[FloatArray]:
    """Return the numbers of each group, in their order."""
    order = np.argsort(groups, kind="stable")
    return np.split(x[order], np.cumsum(np.bincount(groups, minlength=count))[:-1])
