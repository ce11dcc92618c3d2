"""The rescaling test: whether an attribution on a sample is a multiple of the full panel's."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from blueattr import kernels
from blueattr.kernels import FloatArray

__all__ = ["EXACT", "TIE", "Misfit", "Rescaling", "mean_rescaling", "rescaling_test"]


EXACT = 1e-9
"""A ratio spread this close to 1 counts as 1; the difference is rounding."""


TIE = 1e-12
"""Values with a relative difference below this are ties; the difference is rounding.

Two agents with interchanged features have the same s, but s/n may be a tie and s/N not.
"""


@dataclass(frozen=True, slots=True)
class Misfit:
    """The error of the best factor for one agent.

    Parameters
    ----------
    position
        In the sample, from 0.
    tier
        The number of its tier, 0 for the top.
    relative
        |φ^S_i - λ*φ_i| / max(|φ^S_i|, |λ*φ_i|): from 0 to 2, above 1 where the signs differ.
    did
        Who it is; empty in the result of `rescaling_test`, None where nobody is named.
    """

    position: int
    tier: int
    relative: float
    did: str | None = ""


@dataclass(frozen=True, slots=True)
class Rescaling:
    """How far φ^S, computed on a sample, is from a multiple of the full panel's φ on its agents.

    Parameters
    ----------
    scale_factor
        λ*, the least-squares factor.
    relative_residual
        ‖φ^S - λ*φ‖ / ‖φ^S‖.
    cosine
        Of the two vectors.
    kendall_tau, spearman_rho
        Kendall's τ-b, and Spearman's correlation with average ranks; None if one of the vectors is
        constant. Values within 1e-12 of each other are ties.
    ratio_spread
        The largest ratio φ^S_i / φ_i over the smallest, in magnitude; infinite if ratios have both
        signs, or one of the two values is 0 and the other is not. A global factor exists exactly
        when it is 1.
    tier_residuals
        Each tier's part of ‖φ^S - λ*φ‖²; they sum to 1. Empty without tiers, and if a factor
        exists, because the rest is rounding.
    worst
        The agent with the largest relative error; None if `tier_residuals` is empty.
    """

    scale_factor: float
    relative_residual: float
    cosine: float
    kendall_tau: float | None
    spearman_rho: float | None
    ratio_spread: float
    tier_residuals: tuple[float, ...] = ()
    worst: "Misfit | None" = None

    @property
    def exact(self) -> bool:
        """Whether a global factor exists: the spread is 1 up to rounding."""
        return math.isclose(self.ratio_spread, 1, rel_tol=0, abs_tol=EXACT)


def _ratio_spread(sample: FloatArray, full: FloatArray) -> float:
    if np.any((full == 0) & (sample != 0)):
        return math.inf  # no multiple of 0 is it
    with np.errstate(over="ignore"):  # of subnormal values
        ratios = sample[full != 0] / full[full != 0]
    if ratios.min() <= 0 <= ratios.max():
        return math.inf
    sizes = np.abs(ratios)
    largest, smallest = float(sizes.max()), float(sizes.min())
    return largest / smallest if math.isfinite(largest) else math.inf


def rescaling_test(
    sample: FloatArray,
    full: FloatArray,
    tiers: npt.NDArray[np.uint8] | None = None,
    count: int = 0,
) -> Rescaling | None:
    """Compare the values computed on a sample with the full panel's values of the same agents.

    Parameters
    ----------
    sample
        φ^S, float64 (N,), not all 0.
    full
        φ restricted to S, float64 (N,), in the same order.
    tiers, count
        uint8 (N,), the tier of each agent, and the number of tiers, to locate the error of the
        best factor.

    Returns
    -------
    Rescaling or None
        None when either vector is 0: there is nothing to rescale.

    Notes
    -----
    docs/methods.md, "The rescaling test".
    """
    # Both are scaled to about 1, so that no square leaves float64.
    unit_sample, unit_full = float(np.abs(sample).max()), float(np.abs(full).max())
    if unit_sample == 0 or unit_full == 0:
        return None
    x, y = sample / unit_sample, full / unit_full
    xx, yy = float(kernels.exact_sum(x * x)), float(kernels.exact_sum(y * y))
    xy = float(kernels.exact_sum(x * y))
    factor = xy / yy
    rest = x - factor * y
    correlations = kernels.rank_correlations(sample, full, tolerance=TIE)
    tau, rho = correlations or (None, None)
    test = Rescaling(
        scale_factor=factor * (unit_sample / unit_full),
        relative_residual=math.sqrt(float(kernels.exact_sum(rest * rest)) / xx),
        cosine=max(-1.0, min(1.0, xy / math.sqrt(xx) / math.sqrt(yy))),
        kendall_tau=tau,
        spearman_rho=rho,
        ratio_spread=_ratio_spread(x, y),
    )
    if test.exact or tiers is None:
        return test
    parts = np.bincount(tiers, rest * rest, count)
    if not parts.sum() > 0:
        return test
    return replace(
        test,
        tier_residuals=tuple((parts / parts.sum()).tolist()),
        worst=_worst(x, factor * y, tiers),
    )


def _worst(x: FloatArray, fitted: FloatArray, tiers: npt.NDArray[np.uint8]) -> Misfit:
    size = np.maximum(np.abs(x), np.abs(fitted))
    misfits = np.divide(np.abs(x - fitted), size, out=np.zeros(x.size), where=size > 0)
    # Of agents with the largest relative error, the one with the largest absolute error.
    errors = np.where(misfits == misfits.max(), np.abs(x - fitted), 0.0)
    position = int(errors.argmax())
    return Misfit(position, int(tiers[position]), float(misfits[position]))


def mean_rescaling(tests: Sequence[Rescaling]) -> Rescaling | None:
    """Average the tests of several samples.

    Returns
    -------
    Rescaling or None
        Means, but the largest ratio spread and the worst misfit; None if there is no test.
    """
    if not tests:
        return None

    located = [test.tier_residuals for test in tests if test.tier_residuals]

    def mean(number: Callable[[Rescaling], float | None]) -> float | None:
        known = [value for value in map(number, tests) if value is not None]
        return statistics.fmean(known) if known else None

    return Rescaling(
        scale_factor=statistics.fmean(test.scale_factor for test in tests),
        relative_residual=statistics.fmean(test.relative_residual for test in tests),
        cosine=statistics.fmean(test.cosine for test in tests),
        kendall_tau=mean(lambda test: test.kendall_tau),
        spearman_rho=mean(lambda test: test.spearman_rho),
        ratio_spread=max(test.ratio_spread for test in tests),
        tier_residuals=tuple(map(statistics.fmean, zip(*located, strict=True))),
        worst=max(
            (test.worst for test in tests if test.worst is not None),
            key=lambda misfit: misfit.relative,
            default=None,
        ),
    )
