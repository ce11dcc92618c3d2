"""Tests whether an indicator is linear: then one factor rescales every sample."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from blueattr.errors import BlueattrError
from blueattr.indicators.base import MomentIndicator
from blueattr.kernels import FloatArray

__all__ = ["Case", "Linearity", "linearity"]


Case = Literal["linear", "one statistic", "homogeneous", "nonlinear"]


_POINTS = 16
_TOLERANCE = {"central differences": 1e-6}  # else:
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Linearity:
    """What kind of function F is, judged by its gradient at some points.

    Parameters
    ----------
    case
        ``linear``: ∂F/∂m is the same everywhere, so all panels have the same weights, and one
        factor rescales every sample. ``one statistic``: F is not linear, but a function of one
        mean; φ_i is a multiple of g(x_i) on every panel, so a factor exists too.
        ``homogeneous``: ∂F/∂m is constant along the diagonal, but differs between panels.
        ``nonlinear``: none of these.
    points
        At how many points the gradient was compared.
    """

    case: Case
    points: int


def linearity(indicator: MomentIndicator, means: FloatArray | None = None) -> Linearity:
    """Test whether F is linear, by its gradient at points on and around the diagonal.

    Parameters
    ----------
    indicator
        With any F.
    means
        m of the panel, float64 (p,); around 1 by default. Points are t·m, and m with each mean
        scaled on its own.

    Returns
    -------
    Linearity
        A test, not a proof: an F that is linear at all the points and bends elsewhere passes.

    Notes
    -----
    docs/methods.md, "What the theorem says, and does not".
    """
    p = len(indicator.statistics)
    rng = np.random.default_rng(0)
    centre = rng.uniform(0.5, 1.5, p) if means is None else means
    along = [t * centre for t in np.linspace(0.1, 1.0, _POINTS // 2)]
    beside = [scale * centre for scale in rng.uniform(0.2, 1.0, (_POINTS // 2, p))]
    kind = indicator.info.gradient if indicator.info else "given"
    tolerance = _TOLERANCE.get(kind, _ROUNDING)
    if _constant(indicator, along, centre, tolerance):
        everywhere = _constant(indicator, [*along, *beside], centre, tolerance)
        return Linearity("linear" if everywhere else "homogeneous", _POINTS)
    return Linearity("one statistic" if p == 1 else "nonlinear", _POINTS)


def _constant(
    indicator: MomentIndicator, points: list[FloatArray], centre: FloatArray, tolerance: float
) -> bool:
    """Return whether the gradient is the same at all points."""
    try:
        slopes = np.array([indicator.gradient(point) for point in points])
    except BlueattrError:
        return False  # F is not defined at some combination of means: it is not linear
    parts = slopes * centre  # what each statistic contributes, in units of F
    unit = float(np.abs(parts).sum(axis=1).max())
    # A statistic whose mean is 0 has no unit of its own.
    silent = centre == 0
    same = np.abs(parts - parts[0]) <= tolerance * unit
    idle = np.abs(slopes - slopes[0]) <= tolerance * np.abs(slopes).max()
    return bool(np.where(silent, idle, same).all())
