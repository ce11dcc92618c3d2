"""The games that groups play: what an indicator is with some of them, and what two do together."""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple, Protocol

import numpy as np

from blueattr.attribution.groups.curvature import curvature
from blueattr.attribution.groups.pairs import PairSums
from blueattr.attribution.groups.partition import Partition
from blueattr.attribution.groups.sums import GroupSums
from blueattr.indicators.base import Aggregator, FeatureArrays, Indicator, MomentIndicator
from blueattr.kernels import FloatArray

__all__ = ["GroupGame", "MomentGame", "PairGame", "Without", "game_of"]


class Without(NamedTuple):
    """An indicator on the panel without some agents.

    Parameters
    ----------
    silent
        They are there and do nothing: n stays.
    absent
        They are not on the panel; None where that has no agents, or the indicator no value on it.
    """

    silent: float
    absent: float | None


class GroupGame(Protocol):
    """An indicator of groups."""

    def without(self, leaves: Sequence[int]) -> Without:
        """Return the indicator without some of the innermost groups."""

    def interactions(self) -> FloatArray | None:
        """Return I_gh of all outer groups, float64 (G, G); None where the integrals diverge."""

    def merged(self, g: int, h: int) -> float:
        """Return v of two outer groups together, less v of each."""


def game_of(
    indicator: Indicator, features: FeatureArrays, aggregator: Aggregator, partition: Partition
) -> "MomentGame | PairGame":
    """Sum up by group what an indicator needs.

    Raises
    ------
    OverflowError
        The features are too large to be summed.
    """
    if isinstance(indicator, MomentIndicator):
        sums = GroupSums(partition)
        return MomentGame(
            indicator, [sums.of(g) for g in indicator.measure(features, aggregator)], partition
        )
    s, _ = aggregator.apply(features)
    return PairGame(PairSums.of(s, partition), partition.counts.tolist())


class MomentGame:
    """The game of a function F of means: v(T) = F(m_T).

    Parameters
    ----------
    indicator
        With any F.
    sums
        Of each of its statistics, by innermost group of n agents.
    partition
        The groups.

    Notes
    -----
    docs/groups.md.
    """

    def __init__(
        self,
        indicator: MomentIndicator,
        sums: Sequence[list[Fraction]],
        partition: Partition,
    ) -> None:
        self.indicator = indicator
        self.n = int(partition.counts.sum())
        self._counts = partition.counts.tolist()
        self._sums = sums
        self._all = [sum(of_one, Fraction(0)) for of_one in self._sums]
        self._spans = list(partition.spans())

    @property
    def leaf_means(self) -> FloatArray:
        """m_h of each innermost group, float64 (L, p)."""
        return np.array([[float(x / self.n) for x in of_one] for of_one in self._sums]).T

    @property
    def nested_means(self) -> list[FloatArray]:
        """The same, for each outer group."""
        means = self.leaf_means
        return [means[span.start : span.stop] for span in self._spans]

    @property
    def outer_means(self) -> FloatArray:
        """m_g of each outer group, float64 (G, p)."""
        return np.array([self._mean(span, self.n) for span in self._spans])

    def _mean(self, leaves: Sequence[int], n: int) -> FloatArray:
        return _means(self._sum(leaves), n)

    def _sum(self, leaves: Sequence[int]) -> list[Fraction]:
        return [sum((of_one[k] for k in leaves), Fraction(0)) for of_one in self._sums]

    def values(self, points: FloatArray) -> FloatArray:
        """Return F at many points, float64 (k, p) to (k,)."""
        if self.indicator.values is not None:
            return self.indicator.values(points)
        return np.array([self.indicator.value(point) for point in points])

    def gradients(self, points: FloatArray) -> FloatArray:
        """Return ∂F/∂m at many points, float64 (k, p) to (k, p)."""
        if self.indicator.gradients is not None:
            return self.indicator.gradients(points)
        return np.array([self.indicator.gradient(point) for point in points])

    def without(self, leaves: Sequence[int]) -> Without:
        """Return the indicator without some of the innermost groups."""
        # Exact sums: what is left of all of them is the sum of the others, of whom there are many.
        others = [x - gone for x, gone in zip(self._all, self._sum(leaves), strict=True)]
        rest = self.n - sum(self._counts[k] for k in leaves)
        silent = self._at(_means(others, self.n))
        return Without(silent, self._at(_means(others, rest)) if rest else None)

    def _at(self, means: FloatArray) -> float:
        if not means.any():
            return 0.0
        value = self.indicator.value(means)
        slopes = self.indicator.gradient(means)
        # F may be a difference of moments, so that a value below their rounding means 0.
        rounding = 64 * np.finfo(np.float64).eps * float(np.abs(slopes) @ np.abs(means))
        return value if abs(value) > rounding else 0.0

    def merged(self, g: int, h: int) -> float:
        """Return v of two outer groups together, less v of each."""
        one, other = self._spans[g], self._spans[h]
        values = [self._at(self._mean(part, self.n)) for part in ([*one, *other], one, other)]
        return values[0] - values[1] - values[2] + 0.0

    def interactions(self) -> FloatArray | None:
        """Return I_gh = Σ_kl m_gk m_hl ∫₀¹ ∂²F/∂m_k∂m_l (t m) dt of all outer groups."""
        means = self.outer_means
        # Units of the statistics; of those ≥ 0 their means.
        units = np.array([math.fsum(column) for column in np.abs(means).T.tolist()])
        bent = curvature(self.indicator, self._mean(range(len(self._counts)), self.n), units)
        if bent is None:
            return None
        parts = means / np.where(units > 0, units, 1.0)
        found: FloatArray = parts @ bent @ parts.T
        return found


def _means(sums: Sequence[Fraction], n: int) -> FloatArray:
    return np.array([float(x / n) for x in sums])


class PairGame:
    """The game of ``gini``: v(T) = ((n - 1) A_T - 2 Σ_{i<j ∈ T} min(s_i, s_j)) / (n² μ).

    Parameters
    ----------
    pairs
        Sums over the pairs of n agents who have some s, none less than 0, not 0 throughout.
    counts
        How many agents each innermost group has.

    Notes
    -----
    docs/groups.md, "gini".
    """

    def __init__(self, pairs: PairSums, counts: Sequence[int]) -> None:
        self.n = sum(counts)
        self._counts = counts
        self._pairs = pairs
        self._scale = self.n * sum(self._pairs.totals, Fraction(0))  # n² μ

    def without(self, leaves: Sequence[int]) -> Without:
        """Return the indicator without some of the innermost groups."""
        gone = set(leaves)
        others = [k for k in range(len(self._counts)) if k not in gone]
        n = sum(self._counts[k] for k in others)
        total = sum((self._pairs.totals[k] for k in others), Fraction(0))
        pairs = self._pairs.without(leaves)
        silent = float(((self.n - 1) * total - 2 * pairs) / self._scale) if n else 0.0
        absent = None
        if n and total:
            absent = max(float(((n - 1) * total - 2 * pairs) / (n * total)), 0.0)
        return Without(max(silent, 0.0) if total else 0.0, absent)

    def interactions(self) -> FloatArray:
        """Return I_gh = -2 P_gh / (n² μ) of all outer groups."""
        matrix = self._pairs.between
        return np.array([[float(-2 * x / self._scale) + 0.0 for x in row] for row in matrix])

    def merged(self, g: int, h: int) -> float:
        """Return the same as the interaction, for the sum over pairs has no more to it."""
        return float(-2 * self._pairs.between[g][h] / self._scale) + 0.0
