"""Shares of the whole, estimated from one sample with known inclusion probabilities."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blueattr.attribution.value import DEFAULT_STEPS, diagonal_weights
from blueattr.indicators.base import (
    Aggregator,
    FeatureArrays,
    Indicator,
    MomentIndicator,
    PairwiseIndicator,
)
from blueattr.indicators.builtin import INDICATORS
from blueattr.kernels import FloatArray, IndexArray

__all__ = [
    "FEWEST",
    "NORMAL_95",
    "ROUGH",
    "Draw",
    "Estimate",
    "bisect",
    "cut_tiers",
    "estimate",
    "linearise",
    "membership",
]

FEWEST = 30
"""Below this effective number of agents, a tier gets no interval."""

ROUGH = 100
"""Below this effective number of agents, an interval is rough."""

NORMAL_95 = 1.959963984540054
"""The 97.5th percentile of the standard normal distribution."""

_STEP = 6e-6  # of a difference quotient, relative: the cube root of float64's precision
_ROUNDING = 64 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Draw:
    """A sample with what is known of how it was drawn.

    Parameters
    ----------
    features
        a, b and c of its N agents.
    probabilities
        float64 (N,), π_i in (0, 1]: how likely each agent was to be drawn.
    population
        n, for an estimate of a variance that uses it; None if it is unknown, or shall not be used.
    """

    features: FeatureArrays
    probabilities: FloatArray
    population: int | None = None

    @property
    def weights(self) -> FloatArray:
        """u_i = 1/π_i, float64 (N,)."""
        weights: FloatArray = 1 / self.probabilities
        return weights


@dataclass(frozen=True, slots=True)
class Estimate:
    """Tier shares of the whole, as estimated from one sample.

    Parameters
    ----------
    shares
        Of each tier, from the top down; they sum to 1.
    errors
        The standard error of each.
    agents
        n_e of each tier: how many agents its estimate effectively rests on.
    effective
        n_eff: the effective size of the sample, (Σu)² / Σu².
    population
        n̂ = Σu, the estimated number of agents in the whole.
    intervals
        Low and high of the 95 % interval of each tier; None where fewer than `FEWEST` agents
        carry the estimate.
    """

    shares: tuple[float, ...]
    errors: tuple[float, ...]
    agents: tuple[float, ...]
    effective: float
    population: float
    intervals: tuple[tuple[float, float] | None, ...]


def bisect(is_below: Callable[[float], bool], low: float, high: float) -> float:
    """Find where a condition ends to hold, between a number for which it does and one it does not.

    Returns
    -------
    float
        The least number, as far as float64 tells them apart, for which it does not hold.
    """
    while low < (middle := (low + high) / 2) < high:
        if is_below(middle):
            low = middle
        else:
            high = middle
    return high


class Linearised(NamedTuple):
    """The shares of agents, and how the weight of each moves the shares of tiers.

    Parameters
    ----------
    values
        float64 (N,), φ̂_i / Σ u φ̂: what one agent of the kind of i has of the whole.
    influences
        float64 (N, T), e_iT = ∂θ_T/∂u_i. Σ_i u_i e_iT = 0, but where n is known.
    """

    values: FloatArray
    influences: FloatArray


def membership(tiers: npt.NDArray[np.uint8], count: int) -> FloatArray:
    """Return whether each agent is in each tier, float64 (N, T), from numbers, uint8 (N,)."""
    members: FloatArray = (tiers[:, np.newaxis] == np.arange(count)).astype(np.float64)
    return members


def cut_tiers(order: IndexArray, weights: FloatArray, cutoffs: Sequence[float]) -> FloatArray:
    """Return in which tiers of the whole the agents of a sample are, as far as the sample shows.

    Parameters
    ----------
    order
        uint32 (N,), the sample from the most followed down, as `blueattr.attribution.tiers.rank`
        gives it.
    weights
        u, float64 (N,).
    cutoffs
        Checked cumulative percentages.

    Returns
    -------
    ndarray
        float64 (N, T). A tier ends where p per cent of n̂ = Σu are reached; the agent within which
        it ends is split in proportion.
    """
    u = weights[order]
    before = np.cumsum(u) - u
    edges = [percentage / 100 * u.sum() for percentage in cutoffs]
    above = [np.zeros(u.size), *(np.clip((edge - before) / u, 0, 1) for edge in edges)]
    tiers = np.empty((u.size, len(above)))
    tiers[order] = np.diff(np.column_stack([*above, np.ones(u.size)]), axis=1)
    return tiers


def estimate(
    indicator: Indicator,
    draw: Draw,
    tiers: FloatArray,
    aggregator: Aggregator,
    steps: int | None = None,
    *,
    cut: tuple[IndexArray, Sequence[float]] | None = None,
) -> Estimate | None:
    """Estimate the tier shares of the whole from a sample.

    Parameters
    ----------
    indicator, aggregator, steps
        What to attribute, as for `blueattr.attribution.value.solve`.
    draw
        The sample.
    tiers
        float64 (N, T), the part of each agent in each tier; rows sum to 1.
    cut
        If the tiers are those of `cut_tiers`, its order and cut-offs: then the errors are also
        those of where the tiers end.

    Returns
    -------
    Estimate or None
        None if the indicator is 0 on the sample, so that there are no shares.

    Notes
    -----
    Hájek's estimator, with the variance of a linearised ratio under Poisson sampling (Särndal,
    Swensson & Wretman 1992, "Model Assisted Survey Sampling", chapters 3 and 5). docs/methods.md,
    "Samples put right".
    """
    found = linearise(indicator, draw, tiers, aggregator, steps)
    if found is None:
        return None
    u, e = draw.weights, found.influences
    if cut is not None:
        e = e + _of_the_cuts(found.values, u, tiers, *cut)
    weighted = u[:, np.newaxis] * np.abs(e)
    squares = weighted * weighted
    errors = np.sqrt((1 - draw.probabilities) @ squares)
    sums = squares.sum(axis=0)
    agents = np.divide(weighted.sum(axis=0) ** 2, sums, out=np.zeros_like(sums), where=sums > 0)
    # Of a whole that was drawn completely, nothing is uncertain.
    certain = bool((draw.probabilities == 1).all())
    shown = certain | ((agents >= FEWEST) & (tiers.sum(axis=0) > 0))
    shares = ((u * found.values) @ tiers).tolist()
    return Estimate(
        shares=tuple(shares),
        errors=tuple(errors.tolist()),
        agents=tuple(agents.tolist()),
        effective=float(u.sum() ** 2 / (u @ u)),
        population=float(u.sum()),
        intervals=tuple(
            (share - NORMAL_95 * error, share + NORMAL_95 * error) if shows else None
            for share, error, shows in zip(shares, errors.tolist(), shown.tolist(), strict=True)
        ),
    )


def _of_the_cuts(
    values: FloatArray,
    u: FloatArray,
    tiers: FloatArray,
    order: IndexArray,
    cutoffs: Sequence[float],
) -> FloatArray:
    """Return what is uncertain about where tiers end: float64 (N, T), to be added to influences.

    An agent more above a cut moves the cut, and by it what one agent there has of the whole from a
    tier to its neighbour.
    """
    above = np.cumsum(tiers, axis=1)[:, :-1]
    extra = np.zeros_like(tiers)
    reach = math.ceil(math.sqrt(order.size))
    for place, percentage in enumerate(cutoffs):
        at = int(np.count_nonzero(above[:, place] > 0))
        near = order[max(at - reach, 0) : at + reach]
        moved = float(u[near] @ values[near] / u[near].sum())
        part = moved * (above[:, place] - percentage / 100)
        extra[:, place] -= part
        extra[:, place + 1] += part
    return extra


def linearise(
    indicator: Indicator,
    draw: Draw,
    tiers: FloatArray,
    aggregator: Aggregator,
    steps: int | None = None,
) -> Linearised | None:
    """Estimate each agent's share of the whole, and how its weight moves the shares of tiers.

    Parameters
    ----------
    indicator, draw, tiers, aggregator, steps
        As for `estimate`.

    Returns
    -------
    Linearised or None
        None if the indicator is 0 on the sample.

    Notes
    -----
    docs/methods.md, "Samples put right".
    """
    if isinstance(indicator, PairwiseIndicator):
        return _gini(draw, tiers, aggregator)
    if indicator is INDICATORS["heat"]:
        return _heat(draw, tiers)
    if indicator is INDICATORS["var"]:
        return _var(draw, tiers, aggregator)
    return _moments(indicator, draw, tiers, aggregator, steps)


def _heat(draw: Draw, tiers: FloatArray) -> Linearised | None:
    x, u = np.column_stack(draw.features), draw.weights
    sums = u @ x
    if not sums.all():
        return None
    parts = x / sums  # x_ik / X̂_k
    ratios = (u[:, np.newaxis] * parts).T @ tiers  # R_kT
    values = parts.sum(axis=1) / 3
    return Linearised(values, values[:, np.newaxis] * tiers - parts @ ratios / 3)


def _var(draw: Draw, tiers: FloatArray, aggregator: Aggregator) -> Linearised | None:
    s, u = aggregator.apply(draw.features)[0], draw.weights
    n = u.sum() if draw.population is None else draw.population
    mean = u @ s / n
    y = s * (s - mean)
    total = float(u @ y)
    # Equal agents say nothing of a variance, though with n their mean may differ from each.
    if s.min() == s.max() or _is_rounding(total, float(u @ (s * s))):
        return None
    shares = (u * y) @ tiers / total
    sums = (u * s) @ tiers / n  # A_T / n
    if draw.population is None:
        away = s - mean
        e = y[:, np.newaxis] * tiers - np.outer(away, sums) - np.outer(away * away, shares)
    else:
        e = y[:, np.newaxis] * tiers - np.outer(s, sums) - np.outer(y - mean * s, shares)
    return Linearised(y / total, e / total)


def _gini(draw: Draw, tiers: FloatArray, aggregator: Aggregator) -> Linearised | None:
    s, u = aggregator.apply(draw.features)[0], draw.weights
    order = np.argsort(s, kind="stable")
    ahead, behind = np.empty_like(s), np.empty_like(tiers)
    in_order, parts = s[order], u[order, np.newaxis] * tiers[order]
    # D_i = Σ_j u_j max(s_i - s_j, 0), and of each tier C_i = Σ_j u_j max(s_j - s_i, 0).
    ahead[order] = in_order * np.cumsum(u[order]) - np.cumsum(u[order] * in_order)
    above = np.cumsum(parts[::-1], axis=0)[::-1]
    reach = np.cumsum((parts * in_order[:, np.newaxis])[::-1], axis=0)[::-1]
    behind[order] = reach - above * in_order[:, np.newaxis]
    total = float(u @ ahead)
    if _is_rounding(total, float(u.sum() * (u @ s))):
        return None
    shares = (u * ahead) @ tiers / total
    both = ahead + behind.sum(axis=1)
    e = ahead[:, np.newaxis] * tiers + behind - np.outer(both, shares)
    return Linearised(ahead / total, e / total)


def _moments(
    indicator: MomentIndicator,
    draw: Draw,
    tiers: FloatArray,
    aggregator: Aggregator,
    steps: int | None,
) -> Linearised | None:
    """Linearise Σ_T u φ / Σ u φ with φ_i = w(m̂)·g_i, where m̂ moves with the weights, too."""
    g, u = np.column_stack(indicator.measure(draw.features, aggregator)), draw.weights
    means = u @ g / u.sum()
    k = DEFAULT_STEPS if steps is None and indicator.weights is None else steps
    values = g @ diagonal_weights(indicator, means, k)
    total = float(u @ values)
    if _is_rounding(total, float(u @ np.abs(values))):
        return None
    apart = tiers - (u * values) @ tiers / total
    pulled = (u[:, np.newaxis] * apart).T @ g / u.sum()  # Σ_j u_j (1_jT - θ_T) g_jk / n̂
    moved = (g - means) @ _slopes(indicator, means, k).T  # Σ_l ∂w_k/∂m_l (g_il - m̂_l)
    e = values[:, np.newaxis] * apart + moved @ pulled.T
    return Linearised(values / total, e / total)


def _is_rounding(total: float, size: float) -> bool:
    """Return whether a sum is no more than the rounding of what was added up."""
    return abs(total) <= _ROUNDING * size


def _slopes(indicator: MomentIndicator, means: FloatArray, steps: int | None) -> FloatArray:
    """Return ∂w_k/∂m_l by central differences, float64 (p, p)."""
    columns = []
    for place, mean in enumerate(means.tolist()):
        up, down = means.copy(), means.copy()
        up[place] = mean + (_STEP * mean or _STEP)
        down[place] = mean - _STEP * mean
        change = diagonal_weights(indicator, up, steps) - diagonal_weights(indicator, down, steps)
        columns.append(change / (up[place] - down[place]))
    return np.column_stack(columns)
