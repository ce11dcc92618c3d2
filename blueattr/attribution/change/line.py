"""Integrals along the straight line between two points: Gauss-Legendre, finer where it must be."""

import math
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

import numpy as np

from blueattr.indicators.base import MomentIndicator
from blueattr.kernels import FloatArray

__all__ = ["LineIntegral", "integrate", "line_weights"]


_NODES = (16, 32, 64, 128, 256)
_PANEL_NODES = 16
_HALVINGS = (30, 60, 120, 240, 480)
_CONVERGED = 1e-13
"""What may change of an integral from one rule to the next, as a part of what it amounts to."""


class LineIntegral(NamedTuple):
    """Integrals over t from 0 to 1, and by which rule they were computed.

    Parameters
    ----------
    values
        float64 (p,).
    nodes
        How often the integrand was evaluated; None for a closed form.
    """

    values: FloatArray
    nodes: int | None


class _Nodes(NamedTuple):
    """Points t of [0, 1] with 1 - t, each to full precision, and their weights."""

    t: FloatArray
    rest: FloatArray
    weights: FloatArray


@cache
def _gauss_legendre(count: int) -> _Nodes:
    x, weights = np.polynomial.legendre.leggauss(count)
    return _Nodes((1 + x) / 2, (1 - x) / 2, weights / 2)


@cache
def _graded(halvings: int) -> _Nodes:
    """Return 16 nodes on each of the panels that halve so often from the middle to both ends."""
    base = _gauss_legendre(_PANEL_NODES)
    ends = np.array([0.0, *(2.0**-k for k in range(halvings, 0, -1))])
    widths = np.diff(ends)[:, None]
    t = (ends[:-1, None] + widths * base.t).ravel()
    weights = (widths * base.weights).ravel()
    return _Nodes(*(np.concatenate(pair) for pair in ((t, 1 - t), (1 - t, t), (weights, weights))))


def _rules() -> Iterator[_Nodes]:
    yield from map(_gauss_legendre, _NODES)
    yield from map(_graded, _HALVINGS)


def _sum(function: Callable[[float, float], FloatArray], nodes: _Nodes) -> FloatArray:
    table = np.array(
        [function(*at) for at in zip(nodes.rest.tolist(), nodes.t.tolist(), strict=True)]
    )
    return np.array([math.fsum(column) for column in (table.T * nodes.weights).tolist()])


def integrate(function: Callable[[float, float], FloatArray], sizes: FloatArray) -> LineIntegral:
    """Integrate over t from 0 to 1, with more nodes until that changes nothing.

    Parameters
    ----------
    function
        Of 1 - t and t, to float64 (p,). It is never asked at the ends.
    sizes
        What each integral is multiplied by, float64 (p,), ≥ 0: they say how precise each must be.

    Returns
    -------
    LineIntegral
        By 16 to 256 nodes. Where these are not enough, as where a feature rises from 0 on the raw
        scale, by 16 nodes on each of 60 to 960 panels, which halve towards both ends.

    Notes
    -----
    docs/change.md, "The integrals".
    """
    rules = _rules()
    fine = _sum(function, next(rules))
    for nodes in rules:
        coarse, fine = fine, _sum(function, nodes)
        if (np.abs(fine - coarse) * sizes).max() <= _CONVERGED * (np.abs(fine) * sizes).sum():
            break
    return LineIntegral(fine, nodes.t.size)


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
        The mean magnitude of each statistic, float64 (p,): see `integrate`.

    Returns
    -------
    LineIntegral
        W_k = ∫₀¹ ∂F/∂m_k (m⁰ + t (m¹ - m⁰)) dt, for which Σ W_k (m¹_k - m⁰_k) = F(m¹) - F(m⁰).
    """
    if indicator.line_weights is not None:
        return LineIntegral(indicator.line_weights(before, after), None)
    return integrate(lambda rest, t: indicator.gradient(rest * before + t * after), sizes)
