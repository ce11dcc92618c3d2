"""The four indicators that ship: lin, heat, var and gini."""

import math

import numpy as np

from blueattr import kernels
from blueattr.errors import UsageError
from blueattr.indicators.base import (
    Aggregator,
    FeatureArrays,
    Indicator,
    MomentIndicator,
    PairwiseIndicator,
    Solution,
    _nearest,
)
from blueattr.kernels import FloatArray

__all__ = ["INDICATORS", "get_indicator"]


def _lin(features: FeatureArrays, aggregator: Aggregator) -> Solution:
    n = features.a.size
    values, total = aggregator.apply(features, n)
    return Solution(values, float(total / n))


def _heat(features: FeatureArrays, _: Aggregator) -> Solution:
    means = features.means
    moment = math.prod(means)
    if moment == 0:
        return Solution(np.zeros(features.a.size), 0.0)
    total = math.log1p(moment)
    third = total / 3 / features.a.size
    factors = (third / means[0], third / means[1], third / means[2])
    return Solution(kernels.combine(*features, factors), total)


def _var(features: FeatureArrays, aggregator: Aggregator) -> Solution:
    n = features.a.size
    s, total = aggregator.apply(features)
    values, squares = kernels.spread_about_mean(s, total / n)
    return Solution(values, float(squares / n))


def _gini(features: FeatureArrays, aggregator: Aggregator) -> Solution:
    s, total = aggregator.apply(features)
    if total == 0:
        return Solution(np.zeros(s.size), 0.0)
    scale = 1 / (s.size * total)  # 1 / (n² μ)
    values, excess = kernels.pairwise_excess(s, float(scale))
    return Solution(values, float(excess * scale))


def _moments_of_s(features: FeatureArrays, aggregator: Aggregator) -> tuple[FloatArray, FloatArray]:
    s, _ = aggregator.apply(features)
    return s * s, s


def _heat_gradient(m: FloatArray) -> FloatArray:
    a, b, c = m.tolist()
    gradient: FloatArray = np.array([b * c, a * c, a * b]) / (1 + a * b * c)
    return gradient


def _heat_weights(m: FloatArray) -> FloatArray:
    moment = math.prod(m.tolist())
    return math.log1p(moment) / 3 / m if moment else np.zeros(3)


def _heat_values(m: FloatArray) -> FloatArray:
    values: FloatArray = np.log1p(m[:, 0] * m[:, 1] * m[:, 2])
    return values


def _heat_gradients(m: FloatArray) -> FloatArray:
    a, b, c = m.T
    gradients: FloatArray = np.column_stack([b * c, a * c, a * b]) / (1 + a * b * c)[:, None]
    return gradients


def _heat_curvature(m: FloatArray) -> FloatArray:
    """Return P off the diagonal and M/(1 + M) - 2P on it: docs/groups.md, "Interactions"."""
    moment = math.prod(m.tolist())
    p = _heat_integral(moment)
    curvature = np.full((3, 3), p)
    np.fill_diagonal(curvature, moment / (1 + moment) - 2 * p)
    return curvature


def _heat_integral(moment: float) -> float:
    """Return ∫₀¹ M t / (1 + M t³)² dt."""
    if moment < _SMOOTH:
        x, weights = np.polynomial.legendre.leggauss(32)
        t = (1 + x) / 2
        return float((weights / 2) @ (moment * t / (1 + moment * t**3) ** 2))
    r, root = math.cbrt(moment), math.sqrt(3)
    angle = math.atan((2 * r - 1) / root) + math.pi / 6
    # ∫₀^r u / (1 + u³) du
    inner = math.log((r * r - r + 1) / (1 + r) ** 2) / 6 + angle / root
    return (r * inner + moment / (1 + moment)) / 3


_SMOOTH = 0.5  # up to here 32 nodes are exact, and the closed form cancels digits


def _heat_zero(means: tuple[float, float, float]) -> str:
    absent = [name for name, mean in zip("abc", means, strict=True) if mean == 0]
    which = " and ".join(absent)
    zero = f"{which} {'is' if len(absent) == 1 else 'are'} 0 for every agent, so that M = 0"
    if "b" not in absent:
        return zero
    return (
        f"{zero}; for a b, a store needs follows (app.bsky.graph.follow), follower counts of an "
        "imported table (followers=COLUMN), or, where accounts are DIDs, blueattr hydrate; without "
        "one, another indicator has an answer, such as --indicator lin"
    )


def _all_zero(_: tuple[float, float, float]) -> str:
    return "the aggregate of the features is 0 for every agent"


def _all_equal(means: tuple[float, float, float]) -> str:
    return (
        "the aggregate of the features is the same for every agent"
        if any(means)
        else _all_zero(means)
    )


INDICATORS: dict[str, Indicator] = {
    "lin": MomentIndicator(
        name="lin",
        formula="mean of s",
        statistics=("s",),
        measure=lambda features, aggregator: (aggregator.apply(features)[0],),
        value=lambda m: float(m[0]),
        gradient=np.ones_like,
        closed_form=_lin,
        weights=np.ones_like,
        line_weights=lambda before, _: np.ones_like(before),
        curvature=lambda m: np.zeros((m.size, m.size)),
        is_quadratic=True,
        zero_reason=_all_zero,
    ),
    "heat": MomentIndicator(
        name="heat",
        formula="log(1 + mean a · mean b · mean c)",
        statistics=("a", "b", "c"),
        measure=lambda features, _: tuple(features),
        value=lambda m: math.log1p(math.prod(m)),
        gradient=_heat_gradient,
        closed_form=_heat,
        weights=_heat_weights,
        values=_heat_values,
        gradients=_heat_gradients,
        curvature=_heat_curvature,
        zero_reason=_heat_zero,
        aggregates=False,
    ),
    "var": MomentIndicator(
        name="var",
        formula="mean of s² - (mean of s)²",
        statistics=("s²", "s"),
        measure=_moments_of_s,
        value=lambda m: float(m[0] - m[1] * m[1]),
        gradient=lambda m: np.array([1.0, -2.0 * m[1]]),
        closed_form=_var,
        weights=lambda m: np.array([1.0, -m[1]]),
        line_weights=lambda before, after: np.array([1.0, -(before[1] + after[1])]),
        curvature=lambda m: np.diag([0.0, -2.0 * m[1] * m[1]]),
        is_quadratic=True,
        zero_reason=_all_equal,
    ),
    "gini": PairwiseIndicator(
        name="gini",
        formula="Σ_{i<j} |s_i - s_j| / (n² · mean of s)",
        closed_form=_gini,
        zero_reason=_all_equal,
    ),
}
"""By name, in the order of reports."""


def get_indicator(name: str) -> Indicator:
    """Find an indicator by its name.

    Parameters
    ----------
    name
        A key of `INDICATORS`.

    Returns
    -------
    Indicator

    Raises
    ------
    UsageError
        For another name; the message has the nearest valid one.
    """
    try:
        return INDICATORS[name]
    except KeyError:
        raise UsageError(
            f"no indicator is called {name!r}{_nearest(name, tuple(INDICATORS))}"
        ) from None
