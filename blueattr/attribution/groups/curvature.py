"""Second derivatives of F, integrated along the diagonal."""

import numpy as np

from blueattr.attribution.integrals import gauss_legendre
from blueattr.errors import IndicatorError
from blueattr.indicators.base import MomentIndicator
from blueattr.kernels import FloatArray

__all__ = ["curvature"]


_NODES = (16, 32, 64, 128, 256)
_CONVERGED, _ALLOWED = 1e-9, 1e-6
_STEP, _COARSE_STEP = 1e-3, 1e-2


def curvature(
    indicator: MomentIndicator, means: FloatArray, units: FloatArray
) -> FloatArray | None:
    """Integrate the second derivatives of F along the diagonal.

    Parameters
    ----------
    indicator
        With any F.
    means
        m, float64 (p,).
    units
        u, float64 (p,), ≥ 0; where the indicator has a closed form, they are the means.

    Returns
    -------
    ndarray or None
        u_k u_l ∫₀¹ ∂²F/∂m_k∂m_l (t m) dt, float64 (p, p). By differences of the gradient, where
        there is no closed form: to about 1e-9, or 1e-6 if the gradient is by differences, too.
        None where the integrals do not converge.
    """
    if indicator.curvature is not None:
        return indicator.curvature(means)
    coarse: FloatArray | None = None
    allowed = _CONVERGED
    for count in _NODES:
        nodes = gauss_legendre(count)
        try:
            fine = sum(
                weight * _bent(indicator, t, means, units)
                for t, weight in zip(nodes.t.tolist(), nodes.weights.tolist(), strict=True)
            )
        except IndicatorError:
            return None  # F is not defined, or has no slope, somewhere along the way
        assert isinstance(fine, np.ndarray)  # noqa: S101 - there is at least one node
        if coarse is not None:
            change = float(np.abs(fine - coarse).max())
            size = float(np.abs(fine).max())
            allowed = change / size if size else 0.0
            if allowed <= _CONVERGED:
                return _symmetric(fine)
        coarse = fine
    return None if coarse is None or allowed > _ALLOWED else _symmetric(coarse)


def _symmetric(x: FloatArray) -> FloatArray:
    return (x + x.T) / 2


def _bent(indicator: MomentIndicator, t: float, means: FloatArray, units: FloatArray) -> FloatArray:
    """Return u_k u_l ∂²F/∂m_k∂m_l at t m by central differences of the fourth order."""
    by_differences = indicator.info is not None and indicator.info.gradient == "central differences"
    step = _COARSE_STEP if by_differences else _STEP
    table = np.zeros((means.size, means.size))
    for k, unit in enumerate(units.tolist()):
        if not unit:
            continue
        h = np.zeros(means.size)
        h[k] = step * t * unit
        slopes = [indicator.gradient(t * means + j * h) for j in (-2, -1, 1, 2)]
        bent = (8 * (slopes[2] - slopes[1]) - (slopes[3] - slopes[0])) / (12 * step * t)
        table[k] = bent * units
    return table
