# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
"""Rank correlations: pairs of agents that two vectors rank alike."""

import math

import numpy as np

from blueattr.kernels import compiled
from blueattr.kernels.compiled import FloatArray
from blueattr.kernels.sorting import argsort

__all__ = ["rank_correlations"]


@compiled.jit()
def _tie_groups(x, order, tolerance, dense, centred):
    """Dense ranks from 1 and twice the centred average ranks; return Σ t(t-1)/2 over the ties."""
    tied = np.int64(0)
    rank = 0
    start = 0
    n = x.size
    while start < n:
        stop = start + 1
        while stop < n:
            before, now = x[order[stop - 1]], x[order[stop]]
            if now - before > tolerance * max(abs(before), abs(now)):
                break
            stop += 1
        rank += 1
        for k in range(start, stop):
            dense[order[k]] = rank
            centred[order[k]] = start + stop - n  # twice (average rank - (n + 1)/2)
        tied += (stop - start) * (stop - start - 1) // 2
        start = stop
    return tied


@compiled.jit()
def _concordance(order, rank_x, rank_y, tree):
    """Concordant less discordant pairs, by a Fenwick tree over the ranks of y."""
    n = order.size
    surplus = np.int64(0)
    start = 0
    while start < n:
        stop = start + 1
        while stop < n and rank_x[order[stop]] == rank_x[order[start]]:
            stop += 1
        for k in range(start, stop):
            node = rank_y[order[k]]
            upto = np.int64(0)
            while node > 0:
                upto += tree[node]
                node &= node - 1
            node = rank_y[order[k]] - 1
            below = np.int64(0)
            while node > 0:
                below += tree[node]
                node &= node - 1
            surplus += below - (start - upto)
        for k in range(start, stop):
            node = rank_y[order[k]]
            while node < tree.size:
                tree[node] += 1
                node += node & -node
        start = stop
    return surplus


@compiled.jit()
def _dot(x, y):
    xy = xx = yy = 0.0
    for i in range(x.size):
        xy += x[i] * y[i]
        xx += x[i] * x[i]
        yy += y[i] * y[i]
    return xy, xx, yy


def rank_correlations(
    x: FloatArray, y: FloatArray, tolerance: float = 0.0
) -> tuple[float, float] | None:
    """Kendall's τ-b and Spearman's rho (ties share their average rank), in O(n log n).

    Parameters
    ----------
    x, y
        float64 (n,), free of NaN.
    tolerance
        Neighbours in order are ties when they differ by no more than this, relatively.

    Returns
    -------
    (tau, rho) or None
        None where they are undefined: one of the vectors is constant.

    Raises
    ------
    ValueError
        When the vectors differ in length.

    Notes
    -----
    Kendall (1945), "The treatment of ties in ranking problems", Biometrika 33(3); Knight (1966),
    "A computer method for calculating Kendall's tau with ungrouped data", JASA 61(314).
    """
    x, y = compiled.readonly(x), compiled.readonly(y)
    n = x.size
    if y.size != n:
        raise ValueError(f"vectors of {n} and {y.size} elements cannot be ranked together")
    ranks = np.empty((2, n), np.int64)
    centred = np.empty((2, n))
    order = argsort(y)
    pairs = n * (n - 1) // 2
    untied_y = pairs - _tie_groups(y, order, tolerance, ranks[1], centred[1])
    if untied_y and np.array_equal(x, y):
        return 1.0, 1.0  # the root of a square of whole numbers below 2^53 is exact
    order = argsort(x)
    untied_x = pairs - _tie_groups(x, order, tolerance, ranks[0], centred[0])
    if untied_x == 0 or untied_y == 0:
        return None
    surplus = _concordance(order, ranks[0], ranks[1], np.zeros(n + 1, np.int64))
    tau = surplus / math.sqrt(untied_x * untied_y)
    xy, xx, yy = _dot(centred[0], centred[1])
    rho = xy / math.sqrt(xx * yy)
    return max(-1.0, min(1.0, tau)), max(-1.0, min(1.0, rho))
