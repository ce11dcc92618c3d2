"""What each agent adds to the change of ``gini``, which is no function of a few means."""

from typing import NamedTuple

import numpy as np

from blueattr import kernels
from blueattr.attribution.integrals import integrate
from blueattr.kernels import FloatArray

__all__ = ["GiniSlopes", "gini_slopes"]


class GiniSlopes(NamedTuple):
    """What each agent adds to the change of ``gini``, times the n of its window.

    Parameters
    ----------
    before, after
        y⁰, float64 (n₀,), and y¹, float64 (n₁,).
    nodes
        As in `blueattr.attribution.integrals.LineIntegral`.
    """

    before: FloatArray
    after: FloatArray
    nodes: int | None


class _Sorted:
    """The agents of a window in ascending order of s, with the sums of all that come before."""

    def __init__(self, s: FloatArray) -> None:
        self.order = kernels.argsort(s)
        self.s = s[self.order]
        self.mean = float(kernels.exact_sum(s) / s.size)
        self._sums = np.concatenate([[0.0], np.cumsum(self.s)])

    def beyond(self, x: FloatArray) -> FloatArray:
        """Return h(x) = (1/n) Σ_j (|x - s_j| - s_j) for ascending x ≥ 0; h(0) is exactly 0."""
        n = self.s.size
        below = np.searchsorted(self.s, x, side="left")
        distances: FloatArray = (x * (2.0 * below - n) - 2.0 * self._sums[below]) / n
        return distances

    def scatter(self, values: FloatArray) -> FloatArray:
        """Return values of the sorted agents in the order that the agents came in."""
        out = np.empty_like(values)
        out[self.order] = values
        return out


def gini_slopes(before: FloatArray, after: FloatArray) -> GiniSlopes:
    """Compute what each agent adds to the change of ``gini``.

    Parameters
    ----------
    before, after
        s of the agents in each window, float64 (n₀,) and (n₁,), ≥ 0, neither 0 throughout.

    Returns
    -------
    GiniSlopes
        y: the sum of y¹/n₁ over one window less that of y⁰/n₀ over the other is the change. Equal
        s have equal bits, in one window or in both, and s = 0 has exactly 0.

    Notes
    -----
    docs/change.md, "gini".
    """
    windows = (_Sorted(before), _Sorted(after))
    (h00, h01), (h10, h11) = ([w.beyond(v.s) for w in windows] for v in windows)
    mean0, mean1 = (window.mean for window in windows)

    def half_distance(h: FloatArray, mean: float) -> float:
        """Return half the mean distance between agents of two windows, from h of one of them."""
        return (float(kernels.exact_sum(h) / h.size) + mean) / 2

    u00, u01, u11 = half_distance(h00, mean0), half_distance(h01, mean1), half_distance(h11, mean1)

    def slopes(rest: float, t: float) -> FloatArray:
        mean = rest * mean0 + t * mean1
        u = rest * rest * u00 + 2 * rest * t * u01 + t * t * u11
        return np.array([rest / mean, t / mean, u / mean / mean])

    (j0, j1, j2), nodes = integrate(slopes, np.ones(3))
    y0, y1 = (
        window.scatter(j0 * h0 + j1 * h1 - j2 * window.s + 0.0)
        for window, h0, h1 in zip(windows, (h00, h10), (h01, h11), strict=True)
    )
    return GiniSlopes(y0, y1, nodes)
