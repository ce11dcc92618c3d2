"""Whether an indicator is linear: the case in which a rescaling factor always exists."""

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
    """What kind of function F of the means is, as far as its gradient at some points tells.

    Parameters
    ----------
    case
        ``linear``: ∂F/∂m is the same everywhere, and the weights are that of every panel: the
        theorem's case, a rescaling factor exists for every sample. ``one statistic``: F is not
        linear, but a function of one mean, so that φ_i is a multiple of g(x_i) on every panel, and
        a factor exists as well. ``homogeneous``: ∂F/∂m is constant along the diagonal, but differs
        from panel to panel. ``nonlinear``: none of these.
    points
        At how many points the gradient was compared.
    """

    case: Case
    points: int


def linearity(indicator: MomentIndicator, means: FloatArray | None = None) -> Linearity:
    """Tell whether F is linear, by its gradient at points in and around the diagonal.

    Parameters
    ----------
    indicator
        With any F.
    means
        m of the panel, float64 (p,); around 1 by default. Points are t·m, and m with each mean
        scaled by itself.

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
    """Tell whether the gradient is the same at all points, where F is defined."""
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
