"""Orders in which groups enter: averages over all of them, or over some that are drawn."""

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from blueattr.kernels import FloatArray, IntArray

__all__ = ["OrderAverages", "draw_orders", "entry_weights", "nested_values", "subset_sums"]


Values = Callable[[FloatArray], FloatArray]
"""F at many points, float64 (k, p) to (k,)."""

_CHUNK = 1 << 18  # points evaluated at a time


@cache
def entry_weights(count: int) -> tuple[float, ...]:
    """Return the part of all orders of `count` groups in which exactly k others are before one.

    Returns
    -------
    tuple of float
        k! (count - k - 1)! / count!, for k from 0 to count - 1.
    """
    return tuple(1 / (count * math.comb(count - 1, k)) for k in range(count))


@cache
def _subset_sizes(count: int) -> IntArray:
    sizes = np.zeros(1, np.int64)
    for _ in range(count):
        sizes = np.concatenate([sizes, sizes + 1])
    return sizes


def subset_sums(parts: FloatArray) -> FloatArray:
    """Sum each subset of some vectors.

    Parameters
    ----------
    parts
        float64 (k, p).

    Returns
    -------
    ndarray
        float64 (2^k, p): the sum of those parts whose bits the row's number has.
    """
    sums = np.zeros((1, parts.shape[1]))
    for part in parts:
        sums = np.concatenate([sums, sums + part])
    return sums


def _averaged(others: FloatArray, own: FloatArray, values: Values) -> FloatArray:
    """Average F over what of the other outer groups is there before one of them enters.

    Parameters
    ----------
    others
        The means of the other outer groups, float64 (k, p).
    own
        Sums of inner groups of this one, float64 (s, p).

    Returns
    -------
    ndarray
        float64 (s,): for each row x of `own`, Σ_T |T|! (k - |T|)! / (k + 1)! F(m_T + x).
    """
    before = subset_sums(others)
    weights = np.array(entry_weights(len(others) + 1))[_subset_sizes(len(others))]
    averages = np.zeros(len(own))
    step = max(1, _CHUNK // len(before))
    # One statistic after the other: numbers that lie beside each other are added faster.
    columns = np.ascontiguousarray(before.T)
    for start in range(0, len(own), step):
        some = own[start : start + step]
        points = np.stack([np.add.outer(x, one) for x, one in zip(some.T, columns, strict=True)])
        found = values(points.reshape(len(columns), -1).T)
        averages[start : start + step] = found.reshape(len(some), -1) @ weights
    return averages


def _shapley(table: FloatArray, count: int) -> FloatArray:
    """Return the Shapley value of each player from the values of all subsets, (2^count,)."""
    weights = np.array(entry_weights(count))[_subset_sizes(count - 1)]
    found = np.empty(count)
    for player in range(count):
        pairs = table.reshape(-1, 2, 1 << player)
        gains = (pairs[:, 1] - pairs[:, 0]).ravel()
        found[player] = math.fsum((gains * weights).tolist())
    return found


def nested_values(groups: Sequence[FloatArray], values: Values) -> FloatArray:
    """Average what each innermost group adds over all orders in which outer ones enter whole.

    Parameters
    ----------
    groups
        For each outer group the means of its inner groups, float64 (h, p).
    values
        F.

    Returns
    -------
    ndarray
        float64, for all inner groups, one outer group after another. Of one inner group each, the
        Shapley value of the outer groups; else the value of Winter (1989).

    Notes
    -----
    docs/groups.md, "Two levels". It takes Σ_g 2^(G - 1 + h_g) values of F.
    """
    whole = np.array([inner.sum(axis=0) for inner in groups])
    if all(len(inner) == 1 for inner in groups):
        return _shapley(values_at(subset_sums(whole), values), len(groups))
    found = []
    for g, inner in enumerate(groups):
        table = _averaged(np.delete(whole, g, axis=0), subset_sums(inner), values)
        found.append(_shapley(table, len(inner)))
    return np.concatenate(found)


def values_at(points: FloatArray, values: Values) -> FloatArray:
    """Evaluate F at many points, float64 (k, p) to (k,), some at a time."""
    parts = [values(points[k : k + _CHUNK]) for k in range(0, len(points), _CHUNK)]
    return np.concatenate(parts)


class OrderAverages(NamedTuple):
    """Averages over orders that were drawn.

    Parameters
    ----------
    inner, outer
        For the innermost and the outer groups, float64.
    inner_errors, outer_errors
        Their standard errors.
    """

    inner: FloatArray
    inner_errors: FloatArray
    outer: FloatArray
    outer_errors: FloatArray


def draw_orders(
    groups: Sequence[FloatArray], values: Values, pairs: int, seed: int
) -> OrderAverages:
    """Average what each innermost group adds over orders that are drawn, each also backwards.

    Parameters
    ----------
    groups, values
        As for `nested_values`.
    pairs
        How many orders are drawn, at least 2.
    seed
        Of the orders.

    Returns
    -------
    Drawn
        Standard errors are those of the means of pairs.
    """
    rng = np.random.default_rng(seed)
    means = np.concatenate(groups)
    sizes = [len(inner) for inner in groups]
    starts = np.cumsum([0, *sizes])
    of_outer = np.repeat(np.arange(len(groups)), sizes)
    sums = np.zeros((2, len(means)))
    outer_sums = np.zeros((2, len(groups)))
    for _ in range(pairs):
        order = np.concatenate(
            [starts[g] + rng.permutation(sizes[g]) for g in rng.permutation(len(groups))]
        )
        gains = np.zeros(len(means))
        for one in (order, order[::-1]):
            points = np.concatenate([np.zeros((1, means.shape[1])), np.cumsum(means[one], axis=0)])
            gains[one] += np.diff(values_at(points, values)) / 2
        outer = np.bincount(of_outer, weights=gains, minlength=len(groups))
        for total, added in ((sums, gains), (outer_sums, outer)):
            total[0] += added
            total[1] += added * added
    return OrderAverages(*_summed(sums, pairs), *_summed(outer_sums, pairs))


def _summed(sums: FloatArray, count: int) -> tuple[FloatArray, FloatArray]:
    """Return means and their standard errors, from sums and sums of squares."""
    mean = sums[0] / count
    spread = np.maximum(sums[1] - count * mean * mean, 0.0) / (count - 1)
    return mean, np.sqrt(spread / count)
