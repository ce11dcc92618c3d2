"""Smooth pieces of the smooth forms: for real and complex numbers; branches look at real parts."""

import numpy as np

from blueattr.scenarios.protocol import Array

__all__ = ["clip", "clip_slope", "logistic", "magnitude", "smooth_max", "softplus"]


def softplus(x: Array, width: float) -> Array:
    """Return δ log(1 + exp(x/δ)), a smooth max(x, 0)."""
    scaled = x / width
    if not np.iscomplexobj(x):
        return np.asarray(width * np.logaddexp(0.0, scaled))
    positive = scaled.real > 0
    tail = np.log1p(np.exp(np.where(positive, -scaled, scaled)))
    return np.asarray(width * (np.where(positive, scaled, 0.0) + tail))


def logistic(x: Array) -> Array:
    """Return 1/(1 + exp(-x))."""
    positive = x.real > 0
    small = np.exp(np.where(positive, -x, x))
    return np.asarray(np.where(positive, 1.0, small) / (1.0 + small))


def smooth_max(a: Array, b: Array, width: float = 0.05) -> Array:
    """Return ½(a + b + √((a - b)² + δ²(a + b)²)), for a, b ≥ 0."""
    gap, both = a - b, a + b
    return np.asarray(0.5 * (both + np.sqrt(gap * gap + (width * both) ** 2)))


def magnitude(x: Array, width: float = 0.02) -> Array:
    """Return √(x² + δ²), a smooth |x|."""
    return np.asarray(np.sqrt(x * x + width * width))


def clip(x: Array, low: float, high: float, width: float = 0.02) -> Array:
    """Return x + sp(low - x) - sp(x - high), a smooth clip."""
    return np.asarray(x + softplus(low - x, width) - softplus(x - high, width))


def clip_slope(x: Array, low: float, high: float, width: float = 0.02) -> Array:
    """Return the derivative of `clip` by x."""
    return np.asarray(1.0 - logistic((low - x) / width) - logistic((x - high) / width))
