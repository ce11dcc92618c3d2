"""The weight of each statistic along the straight line between the means of two windows."""

from blueattr.attribution.integrals import LineIntegral, integrate
from blueattr.indicators.base import MomentIndicator
from blueattr.kernels import FloatArray

__all__ = ["line_weights"]


def line_weights(
    indicator: MomentIndicator, before: FloatArray, after: FloatArray, sizes: FloatArray
) -> LineIntegral:
    """Integrate ∂F/∂m along the line from the means of one window to those of another.

    Parameters
    ----------
    indicator
        With any F.
    before, after
        m⁰ and m¹, float64 (p,).
    sizes
        The mean magnitude of each statistic, float64 (p,): see
        `blueattr.attribution.integrals.integrate`.

    Returns
    -------
    LineIntegral
        W_k = ∫₀¹ ∂F/∂m_k (m⁰ + t (m¹ - m⁰)) dt, for which Σ W_k (m¹_k - m⁰_k) = F(m¹) - F(m⁰).
    """
    if indicator.line_weights is not None:
        return LineIntegral(indicator.line_weights(before, after), None)
    return integrate(lambda rest, t: indicator.gradient(rest * before + t * after), sizes)
