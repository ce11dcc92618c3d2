"""The Aumann-Shapley value of a panel's arrays: closed forms, quadrature, sums by tier."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from blueattr import kernels
from blueattr.errors import FeatureError, UsageError, ZeroTotalError
from blueattr.indicators.base import Aggregator, FeatureArrays, Indicator, MomentIndicator, Solution
from blueattr.indicators.linearity import Linearity, linearity
from blueattr.kernels import FloatArray, IntArray
from blueattr.provenance import IndicatorInfo

__all__ = [
    "DEFAULT_STEPS",
    "Method",
    "Quadrature",
    "Remarks",
    "TierShare",
    "TierSums",
    "check_method",
    "diagonal_weights",
    "midpoint_weights",
    "remark",
    "share_out",
    "share_out_sums",
    "solve",
    "solve_with_means",
    "weigh",
]


_Bools = npt.NDArray[np.bool_]
Method = Literal["closed form", "quadrature"]
DEFAULT_STEPS = 30
_MOST_STEPS = 1_000_000


@dataclass(frozen=True, slots=True)
class TierShare:
    """The value and share of one tier.

    Parameters
    ----------
    tier
        Its name, ``"top"`` first.
    agents
        How many agents are in it.
    value
        Σφ over them.
    share
        Σφ over them / Σφ over all.
    abs_share
        Σ|φ| over them / Σ|φ| over all; differs from ``share`` only where φ has both signs.
    agents_involved
        How many of them wrote something or were answered, reposted or quoted: a > 0 or c > 0.
    share_involved
        Σφ over those involved / Σφ over all: a part of ``share``.
    """

    tier: str
    agents: int
    value: float
    share: float
    abs_share: float
    agents_involved: int
    share_involved: float


@dataclass(frozen=True, slots=True)
class Quadrature:
    """The efficiency gap of K-step quadrature.

    Parameters
    ----------
    steps
        K.
    gap
        |Σφ - v(N)| / |v(N)|.
    gap_doubled
        The same with 2K steps. If it is a quarter of ``gap``, the rule converges as for a
        smooth indicator and ``gap`` is its error. If it is more, the rule has not converged, or
        the gap is mostly rounding and the error of the gradient.
    """

    steps: int
    gap: float
    gap_doubled: float


@dataclass(frozen=True, slots=True)
class Remarks:
    """Linearity, quadrature error and origin of an indicator on a panel.

    Parameters
    ----------
    linearity
        What kind of function F is; None for a sum over pairs.
    aggregates
        Whether the indicator uses the aggregator.
    quadrature
        None for a closed form, and for a sum over pairs.
    info
        Where it comes from; None for the four.
    """

    linearity: Linearity | None = None
    aggregates: bool = True
    quadrature: Quadrature | None = None
    info: IndicatorInfo | None = None


def _has_closed_form(indicator: Indicator) -> bool:
    if isinstance(indicator, MomentIndicator):
        return indicator.closed_form is not None or indicator.weights is not None
    return True


def check_method(indicator: Indicator, method: str, steps: int | None) -> tuple[Method, int | None]:
    """Check a method for an indicator, and fill in the default number of steps.

    Parameters
    ----------
    indicator
        Any.
    method
        ``"closed form"``, ``"quadrature"``, or ``"auto"``: the closed form where there is one.
    steps
        K of the quadrature, or None for the default.

    Raises
    ------
    UsageError
        For another method, steps that are not 1 to 1,000,000, steps for a closed form, or a closed
        form of an indicator that has none.
    """
    closed = _has_closed_form(indicator)
    if method == "auto":
        method = "closed form" if closed else "quadrature"
    if method == "closed form":
        if steps is not None:
            raise UsageError("a closed form has no steps; choose the method 'quadrature'")
        if not closed:
            raise UsageError(f"{indicator.name!r} has no closed form; choose 'quadrature'")
        return "closed form", None
    if method == "quadrature":
        steps = DEFAULT_STEPS if steps is None else steps
        if not 1 <= steps <= _MOST_STEPS:
            raise UsageError(f"quadrature takes 1 to {_MOST_STEPS} steps, not {steps}")
        return "quadrature", steps
    raise UsageError(f"no method is called {method!r}; there are {', '.join(get_args(Method))}")


def midpoint_weights(
    gradient: Callable[[FloatArray], FloatArray], means: FloatArray, steps: int
) -> FloatArray:
    """Integrate the gradient of F along the diagonal by the midpoint rule.

    Parameters
    ----------
    gradient
        ∂F/∂m: float64 (p,) to float64 (p,).
    means
        m, float64 (p,).
    steps
        K.

    Returns
    -------
    ndarray
        w, float64 (p,): w_k = (1/K) Σ_j ∂F/∂m_k (t_j m) with t_j = (j - ½)/K for j = 1 … K.

    Notes
    -----
    The integrals do not depend on the agent, so that the cost is O(K p): docs/methods.md,
    "Quadrature".
    """
    slopes = np.array([gradient((j - 0.5) / steps * means) for j in range(1, steps + 1)])
    return np.array([math.fsum(column) for column in slopes.T.tolist()]) / steps


def diagonal_weights(
    indicator: MomentIndicator, means: FloatArray, steps: int | None
) -> FloatArray:
    """Integrate ∂F/∂m along the diagonal.

    Parameters
    ----------
    indicator
        Has ``weights`` where `steps` is None.
    means
        m, float64 (p,).
    steps
        K of the midpoint rule; None for the closed form.

    Returns
    -------
    ndarray
        w, float64 (p,), with φ_i = (1/n) Σ_k g_k(x_i) w_k (docs/methods.md, "The value").
    """
    if steps is not None:
        return midpoint_weights(indicator.gradient, means, steps)
    if indicator.weights is None:
        raise UsageError(f"{indicator.name!r} has no closed form; choose 'quadrature'")
    return indicator.weights(means)


def _by_weights(
    indicator: MomentIndicator, features: FeatureArrays, aggregator: Aggregator, steps: int | None
) -> tuple[Solution, FloatArray]:
    n = features.a.size
    statistics = indicator.measure(features, aggregator)
    means = np.array([float(kernels.exact_sum(g) / n) for g in statistics])
    weights, total = weigh(indicator, means, steps, silent=not any(g.any() for g in statistics))
    values = np.zeros(n)
    for g, weight in zip(statistics, weights.tolist(), strict=True):
        kernels.add_scaled(g, weight / n, values)
    return Solution(values, total), means


def weigh(
    indicator: MomentIndicator, means: FloatArray, steps: int | None, *, silent: bool
) -> tuple[FloatArray, float]:
    """Return the weight of each statistic, and v(N).

    Parameters
    ----------
    indicator, steps
        As for `diagonal_weights`.
    means
        m, float64 (p,).
    silent
        Whether every statistic is 0 for every agent.

    Returns
    -------
    ndarray
        w, float64 (p,), as `diagonal_weights` returns them.
    float
        F(m), or 0 if it is no more than rounding.

    Raises
    ------
    UsageError
        When F(0) is not 0.
    """
    if indicator.value(np.zeros(means.size)) != 0:
        raise UsageError(f"the indicator {indicator.name!r} is not 0 where nobody takes part")
    if silent:
        return np.zeros(means.size), 0.0
    weights = diagonal_weights(indicator, means, steps)
    total = indicator.value(means)
    # F may be a difference of moments, so that a total below their rounding means 0.
    rounding = 64 * np.finfo(np.float64).eps * float(np.abs(weights) @ np.abs(means))
    return weights, total if abs(total) > rounding else 0.0


def solve(
    indicator: Indicator,
    features: FeatureArrays,
    aggregator: Aggregator,
    steps: int | None = None,
) -> Solution:
    """Compute the Aumann-Shapley value of every agent.

    Parameters
    ----------
    indicator, aggregator
        The value function.
    features
        A checked panel of n agents, in canonical order.
    steps
        K of the midpoint quadrature; None for the closed form.

    Returns
    -------
    Solution
        φ, float64 (n,), and v(N). Agents with equal features have bit-equal φ, agents without
        features exactly 0, and neither depends on the order of agents or on threads.

    Raises
    ------
    FeatureError
        When a statistic is not finite or too large to be summed.

    Notes
    -----
    φ_i = ∫₀¹ ∂f/∂z_i (t·1) dt (arXiv 2605.11404); docs/methods.md, "The value".
    """
    return solve_with_means(indicator, features, aggregator, steps)[0]


def solve_with_means(
    indicator: Indicator, features: FeatureArrays, aggregator: Aggregator, steps: int | None
) -> tuple[Solution, FloatArray | None]:
    """Compute the Aumann-Shapley value, and the means of the statistics.

    Parameters
    ----------
    indicator, features, aggregator, steps
        As for `solve`.

    Returns
    -------
    Solution
        As `solve` returns it.
    ndarray or None
        m, float64 (p,); None for a closed form that does not use them.

    Raises
    ------
    FeatureError
        As `solve`.
    """
    try:
        if isinstance(indicator, MomentIndicator) and (
            steps is not None or indicator.closed_form is None
        ):
            return _by_weights(indicator, features, aggregator, steps)
        if indicator.closed_form is None:
            raise UsageError(f"{indicator.name!r} has no closed form; choose 'quadrature'")
        return indicator.closed_form(features, aggregator), None
    except OverflowError as error:
        raise FeatureError(
            f"the features are too large for the indicator {indicator.name!r}: {error}"
        ) from error


def remark(
    indicator: Indicator, total: float, means: FloatArray | None, steps: int | None
) -> Remarks:
    """Determine whether an indicator is linear, and the gap of its quadrature.

    Parameters
    ----------
    indicator, total
        What was attributed, and v(N).
    means
        As `solve_with_means` returns them.
    steps
        As for `solve`.

    Notes
    -----
    docs/methods.md, "Quadrature" and "Own indicators".
    """
    if not isinstance(indicator, MomentIndicator):
        return Remarks(None, indicator.aggregates, None, indicator.info)
    quadrature = None
    if steps is not None and means is not None and total != 0:
        gaps = [
            abs(math.fsum(midpoint_weights(indicator.gradient, means, k) * means) / total - 1)
            for k in (steps, 2 * steps)
        ]
        quadrature = Quadrature(steps, *gaps)
    return Remarks(linearity(indicator, means), indicator.aggregates, quadrature, indicator.info)


def share_out(
    indicator: Indicator,
    solution: Solution,
    means: tuple[float, float, float],
    tiers: npt.NDArray[np.uint8],
    names: Sequence[str],
    *,
    involved: _Bools,
) -> tuple[float, tuple[TierShare, ...]]:
    """Sum an attribution by tier.

    Parameters
    ----------
    indicator, solution
        What was attributed, and its value.
    means
        m_a, m_b, m_c, for the message if there is nothing to share out.
    tiers
        uint8 (n,), the tier of each agent.
    involved
        bool (n,), as `FeatureArrays.involved` gives it.
    names
        The tiers' names.

    Returns
    -------
    float
        Σφ.
    tuple of TierShare
        In the order of the names.

    Raises
    ------
    ZeroTotalError
        When the indicator is 0; the message says why.
    """
    sums = TierSums(names)
    sums.add(solution.values, tiers, involved)
    return share_out_sums(indicator, sums, total=solution.total, means=means)


class TierSums:
    """Sums of φ by tier, of those involved apart, of chunks given one after another.

    Parameters
    ----------
    names
        The tiers' names.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        # Of each tier a group of those not involved, and after all of these one of those involved.
        self._groups = 2 * len(self.names)
        self._sums = kernels.RunningGroupSums(self._groups)
        self._counts = np.zeros(self._groups, np.int64)

    @property
    def count(self) -> int:
        """The number of groups that are summed apart: each tier, and those involved in each."""
        return self._groups

    def groups(self, tiers: npt.NDArray[np.uint8], involved: _Bools) -> npt.NDArray[np.uint8]:
        """Return the group of each agent, uint8 (k,)."""
        return tiers + involved * np.uint8(len(self.names))

    def add(self, values: FloatArray, tiers: npt.NDArray[np.uint8], involved: _Bools) -> None:
        """Add a chunk: φ, float64 (k,), with tiers and whether each agent is involved."""
        self.add_grouped(values, self.groups(tiers, involved))

    def add_grouped(self, values: FloatArray, groups: npt.NDArray[np.uint8]) -> None:
        """Add a chunk whose `groups` are known."""
        self._sums.add(values, groups)
        # A comparison of bytes takes a small part of what numpy's bincount takes.
        self._counts += [np.count_nonzero(groups == group) for group in range(self._groups)]

    def add_copies(self, value: float, counts: IntArray) -> None:
        """Add agents with one φ: so many of each group, int64 (`count`,)."""
        self._sums.add_copies(value, counts.tolist())
        self._counts += counts

    def take(self, other: "TierSums") -> None:
        """Add the sums of other agents."""
        self._sums.take(*other._sums.states)  # noqa: SLF001 - another of the same class
        self._counts += other._counts  # noqa: SLF001 - another of the same class

    def values(self) -> list[tuple[str, int, Fraction, Fraction, int, Fraction]]:
        """Return name, agents, Σφ, Σ|φ|, agents involved and their Σφ, for each tier.

        Raises
        ------
        OverflowError
            When a value is not finite.
        """
        signed, magnitudes = self._sums.values()
        counts, k = self._counts.tolist(), len(self.names)
        return [
            (
                name,
                counts[t] + counts[t + k],
                signed[t] + signed[t + k],
                magnitudes[t] + magnitudes[t + k],
                counts[t + k],
                signed[t + k],
            )
            for t, name in enumerate(self.names)
        ]


def share_out_sums(
    indicator: Indicator,
    sums: TierSums,
    *,
    total: float,
    means: tuple[float, float, float],
) -> tuple[float, tuple[TierShare, ...]]:
    """Return Σφ and tier shares, as `share_out` does, from sums by tier.

    Parameters
    ----------
    indicator, means
        As for `share_out`.
    sums
        Of all agents.
    total
        v(N).

    Raises
    ------
    ZeroTotalError
        As `share_out`.
    """
    tiers = sums.values()
    attributed = sum(signed for _, _, signed, *_ in tiers)
    magnitude = sum(size for _, _, _, size, *_ in tiers)
    if total != 0 and magnitude == 0:
        raise ZeroTotalError(
            f"the quadrature finds nothing of the indicator {indicator.name!r}, which is "
            f"{total:.6g}: it rises between the steps; take more of them"
        )
    if total == 0 or attributed == 0:
        raise ZeroTotalError(
            f"the indicator {indicator.name!r} is 0 on this panel, so there is nothing to share "
            f"out: {indicator.zero_reason(means)}"
        )
    return float(attributed), tuple(
        TierShare(
            tier=name,
            agents=count,
            value=float(part),
            share=float(part / attributed),
            abs_share=float(size / magnitude),
            agents_involved=involved,
            share_involved=float(their_part / attributed),
        )
        for name, count, part, size, involved, their_part in tiers
    )
