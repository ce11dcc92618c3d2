"""What an indicator is: statistics of each agent, F of their means, gradient, closed form."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from blueattr import kernels
from blueattr.errors import UsageError
from blueattr.kernels import FloatArray, IndexArray, IntArray
from blueattr.provenance import IndicatorInfo
from blueattr.suggest import did_you_mean

__all__ = [
    "Aggregator",
    "AggregatorName",
    "FeatureArrays",
    "Indicator",
    "MomentIndicator",
    "PairwiseIndicator",
    "Solution",
]


AggregatorName = Literal["mean", "log", "geometric"]


class _Columns(NamedTuple):
    a: FloatArray
    b: FloatArray
    c: FloatArray


class FeatureArrays(_Columns):
    """The features of a panel, checked: three contiguous float64 vectors (n,), finite and ≥ 0.

    Nobody writes to them, so that their means are computed once.
    """

    def take(self, index: IndexArray | IntArray) -> "FeatureArrays":
        """Select agents by position."""
        return FeatureArrays(self.a[index], self.b[index], self.c[index])

    def involved(self) -> npt.NDArray[np.bool_]:
        """Return who wrote, or was answered, reposted or quoted, a > 0 or c > 0: bool (n,)."""
        return self._involved

    @cached_property
    def _involved(self) -> npt.NDArray[np.bool_]:
        return (self.a > 0) | (self.c > 0)

    @cached_property
    def means(self) -> tuple[float, float, float]:
        """The means m_a, m_b, m_c."""
        n = self.a.size
        a, b, c = (float(total / n) for total in kernels.exact_sums(*self))
        return a, b, c


class Solution(NamedTuple):
    """An attribution: φ as float64 (n,), and the indicator at full participation."""

    values: FloatArray
    total: float


@dataclass(frozen=True, slots=True)
class Aggregator:
    """How the three features become the scalar s of ``lin``, ``var`` and ``gini``.

    Parameters
    ----------
    name
        ``"mean"`` Σ w_k x_k, ``"log"`` log(1 + Σ w_k x_k), or ``"geometric"`` Π x_k^(w_k), which
        with equal weights is the cube root of the product.
    weights
        w_a, w_b, w_c ≥ 0, with sum 1.

    Raises
    ------
    UsageError
        For another name, or weights that are not as above.

    Notes
    -----
    The paper's aggregator is not known; this is a choice made here (docs/methods.md, "The game").
    ``heat`` uses the three features as they are, and no aggregator.
    """

    name: AggregatorName = "mean"
    weights: tuple[float, float, float] = (1 / 3, 1 / 3, 1 / 3)

    def __post_init__(self) -> None:
        """Check name and weights."""
        if self.name not in (names := get_args(AggregatorName)):
            raise UsageError(f"no aggregator is called {self.name!r}{_nearest(self.name, names)}")
        weights = tuple(self.weights)
        if len(weights) != 3 or not all(0 <= w <= 1 for w in weights):
            raise UsageError(f"an aggregator has three weights from 0 to 1, not {weights!r}")
        if not math.isclose(math.fsum(weights), 1.0, rel_tol=1e-9):
            raise UsageError(f"an aggregator's weights sum to 1, not {math.fsum(weights):g}")

    def apply(self, features: FeatureArrays, divisor: float = 1.0) -> tuple[FloatArray, Fraction]:
        """Return s / divisor, float64 (n,), and the exact sum of s (not divided)."""
        kind = {"mean": kernels.MEAN, "log": kernels.LOG, "geometric": kernels.GEOMETRIC}[self.name]
        return kernels.aggregate(*features, kind, self.weights, divisor)


@dataclass(frozen=True)
class MomentIndicator:
    """An indicator F(m_1, …, m_p) of the means m_k = (1/n) Σ_i g_k(x_i), with F(0) = 0.

    Parameters
    ----------
    name
        Name for users.
    formula
        The indicator at full participation, for reports.
    statistics
        The names of g_1 … g_p.
    measure
        The statistics themselves: features and aggregator to p vectors, float64 (n,), each 0 for
        an agent whose features are 0.
    value
        F: float64 (p,) to a number.
    gradient
        ∂F/∂m: float64 (p,) to float64 (p,).
    closed_form
        The Aumann-Shapley value without quadrature; None if there is none.
    weights
        The integrals w_k = ∫₀¹ ∂F/∂m_k (t m) dt in closed form, float64 (p,) to float64 (p,),
        if they are known.
    line_weights
        The integrals W_k = ∫₀¹ ∂F/∂m_k (m⁰ + t (m¹ - m⁰)) dt in closed form, from m⁰ and m¹,
        if they are known.
    values, gradients
        F and ∂F/∂m at many points at once, float64 (k, p) to (k,) and to (k, p); None if they are
        computed one by one.
    curvature
        The integrals m_k m_l ∫₀¹ ∂²F/∂m_k∂m_l (t m) dt in closed form, float64 (p,) to (p, p), if
        they are known.
    is_quadratic
        Whether F is of degree at most 2 in participation, so that the Owen value is the value for
        all groups.
    zero_reason
        Returns why the indicator is 0 on a panel, from (m_a, m_b, m_c).
    aggregates
        Whether the statistics use the aggregator.
    info
        Where it comes from; None for the four.

    Notes
    -----
    The vector-measure games of Aumann & Shapley (1974), "Values of Non-Atomic Games";
    docs/methods.md, "The value".
    """

    name: str
    formula: str
    statistics: tuple[str, ...]
    measure: Callable[[FeatureArrays, Aggregator], tuple[FloatArray, ...]]
    value: Callable[[FloatArray], float]
    gradient: Callable[[FloatArray], FloatArray]
    closed_form: Callable[[FeatureArrays, Aggregator], Solution] | None = None
    weights: Callable[[FloatArray], FloatArray] | None = None
    line_weights: Callable[[FloatArray, FloatArray], FloatArray] | None = None
    values: Callable[[FloatArray], FloatArray] | None = None
    gradients: Callable[[FloatArray], FloatArray] | None = None
    curvature: Callable[[FloatArray], FloatArray] | None = None
    is_quadratic: bool = False
    zero_reason: Callable[[tuple[float, float, float]], str] = lambda _: "F of the means is 0"
    aggregates: bool = True
    info: IndicatorInfo | None = None


@dataclass(frozen=True)
class PairwiseIndicator:
    """An indicator that sums over pairs of agents; its extension is the multilinear one.

    Along the diagonal the gradient of the extension is linear in t, where the midpoint rule is
    exact for every number of steps: quadrature and closed form are one computation.

    Parameters
    ----------
    name, formula, closed_form, zero_reason
        As for `MomentIndicator`.

    Notes
    -----
    docs/methods.md, "gini".
    """

    name: str
    formula: str
    closed_form: Callable[[FeatureArrays, Aggregator], Solution]
    zero_reason: Callable[[tuple[float, float, float]], str]
    aggregates: bool = True
    info: IndicatorInfo | None = None


Indicator = MomentIndicator | PairwiseIndicator


def _nearest(name: str, names: tuple[str, ...]) -> str:
    return "; " + did_you_mean(str(name), names, f"there are {', '.join(names)}", quoted=True)
