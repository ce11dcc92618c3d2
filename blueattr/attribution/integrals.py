"""Integrals over t from 0 to 1 by Gauss-Legendre, with more nodes until that changes nothing."""

import math
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

import numpy as np

from blueattr.kernels import FloatArray

__all__ = ["LineIntegral", "Nodes", "gauss_legendre", "integrate", "rules"]


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


class Nodes(NamedTuple):
    """Points t of [0, 1] with 1 - t, each to full precision, and their weights."""

    t: FloatArray
    rest: FloatArray
    weights: FloatArray


@cache
def gauss_legendre(count: int) -> Nodes:
    """Return so many nodes of Gauss-Legendre."""
    x, weights = np.polynomial.legendre.leggauss(count)
    return Nodes((1 + x) / 2, (1 - x) / 2, weights / 2)


@cache
def _graded(halvings: int) -> Nodes:
    """Return 16 nodes on each of the panels that halve so often from the middle to both ends."""
    base = gauss_legendre(_PANEL_NODES)
    ends = np.array([0.0, *(2.0**-k for k in range(halvings, 0, -1))])
    widths = np.diff(ends)[:, None]
    t = (ends[:-1, None] + widths * base.t).ravel()
    weights = (widths * base.weights).ravel()
    return Nodes(*(np.concatenate(pair) for pair in ((t, 1 - t), (1 - t, t), (weights, weights))))


def rules() -> Iterator[Nodes]:
    """Yield rules, each finer than the one before it.

    They have 16 to 256 nodes, then 16 on each of 60 to 960 panels, which halve towards both ends.
    """
    yield from map(gauss_legendre, _NODES)
    yield from map(_graded, _HALVINGS)


def _sum(function: Callable[[float, float], FloatArray], nodes: Nodes) -> FloatArray:
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
        scale, by the finer `rules`.

    Notes
    -----
    docs/change.md, "The integrals".
    """
    every = rules()
    fine = _sum(function, next(every))
    for nodes in every:
        coarse, fine = fine, _sum(function, nodes)
        if (np.abs(fine - coarse) * sizes).max() <= _CONVERGED * (np.abs(fine) * sizes).sum():
            break
    return LineIntegral(fine, nodes.t.size)
