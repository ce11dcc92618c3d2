# mypy: allow-untyped-defs, allow-untyped-calls
# (numba infers the types of what it compiles; what is public here is typed.)
# ruff: noqa: PLR0917 (kernels take their arguments by position)
"""Counts again what accounts did, when days count more than once or not."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blueattr.kernels import compiled
from blueattr.kernels.compiled import BLOCK, FloatArray, IntArray

__all__ = [
    "Counts",
    "SparseCounts",
    "count_above",
    "dense_counts",
    "recount",
    "recounted_sums",
    "sparse_counts",
    "weigh_rows",
]


Counts = npt.NDArray[np.float32] | npt.NDArray[np.float64]

_EXACT = 1 << 24  # whole numbers below this are exact in 32 bits
_PRODUCT = 1 << 17  # multiplications of one product of matrices
_STEPS = 4  # what numpy takes for a number here: see `blueattr.kernels.compiled.few`
_LITTLE = 1 << 12  # of fewer numbers, machine code is not quicker


def dense_counts(size: tuple[int, int, int], most: int) -> Counts:
    """Return room for counts by account and day, of as few bytes as sums of them need.

    Parameters
    ----------
    size
        Features, accounts n and days D.
    most
        The largest count of a day.

    Returns
    -------
    ndarray
        float32 or float64 (features, n, D), zeros: a sum of D counts is exact.
    """
    if most * max(size[2], 1) < _EXACT:
        return np.zeros(size, np.float32)
    return np.zeros(size, np.float64)


def recount(counts: Counts, times: FloatArray, logs: FloatArray | None, out: FloatArray) -> None:
    """Sum the counts of accounts over days that count as often as they were drawn, and scale them.

    Parameters
    ----------
    counts
        (features, n, D), as of `dense_counts`: what each account did or received on each day.
    times
        float64 (R, D), contiguous: how often each resample has each day.
    logs
        float64: log(1 + k) of k = 0, 1, …, as far as it is worth looking them up; None for raw
        counts.
    out
        float64 (features, R, n): becomes log(1 + the sum), or the sum. Sums are exact below 2^53.

    Notes
    -----
    Products of small matrices: what is counted is still in the cache when it is scaled, and no
    library spreads it over threads of its own, beside those of whoever calls. They sum whole
    numbers, so that nothing depends on the order in which these are added up.
    """
    drawn = times.astype(counts.dtype)
    step = max(1, _PRODUCT // max(drawn.size, 1))
    for of_feature, scaled in zip(counts, out, strict=True):
        for start in range(0, of_feature.shape[0], step):
            sums = drawn @ of_feature[start : start + step].T
            part = scaled[:, start : start + step]
            if logs is None:
                part[:] = sums
                continue
            part[:] = logs.take(sums.astype(np.int64), mode="clip")
            if sums.max(initial=0) >= logs.size:
                large = np.nonzero(sums >= logs.size)
                part[large] = np.log1p(sums[large].astype(np.float64))


class SparseCounts(NamedTuple):
    """Counts by account and day, without those that are 0.

    Parameters
    ----------
    start
        int64 (n + 1): where the counts of each account begin, and where those of the last end.
    day
        int32 (m,): of each count the day's place.
    counted
        int32 (m,).
    often
        float64 (n,): how many agents each account stands for.
    most
        The largest sum of counts that a resample can have.
    """

    start: IntArray
    day: npt.NDArray[np.int32]
    counted: npt.NDArray[np.int32]
    often: FloatArray
    most: int


_MOST_LOGS = 1 << 22  # sums whose logarithms are looked up: 32 MB
_ROWS = 1 << 17  # accounts whose counts are put together at once


def sparse_counts(counts: Counts, often: FloatArray) -> SparseCounts | None:
    """Leave out the counts that are 0.

    Parameters
    ----------
    counts
        (n, D), whole numbers.
    often
        As in `SparseCounts`.

    Returns
    -------
    SparseCounts or None
        None where sums can be larger than what `recounted_sums` has logarithms for.
    """
    most = int(counts.max(initial=0)) * counts.shape[1]
    if most >= _MOST_LOGS:
        return None
    start = np.zeros(counts.shape[0] + 1, np.int64)
    np.cumsum(np.count_nonzero(counts, axis=1), out=start[1:])
    day, count = np.empty(start[-1], np.int32), np.empty(start[-1], np.int32)
    for first in range(0, counts.shape[0], _ROWS):
        some = counts[first : first + _ROWS]
        row, on = np.nonzero(some)
        there = slice(start[first], start[first] + on.size)
        day[there], count[there] = on, some[row, on]
    return SparseCounts(start, day, count, often, most)


def recounted_sums(sparse: SparseCounts, times: IntArray, *, raw: bool = False) -> FloatArray:
    """Sum log(1 + the sum over days) of all agents, where days count as often as they were drawn.

    Parameters
    ----------
    sparse
        What each account did on each day.
    times
        int64 (R, D): how often each resample has each day, D in all.
    raw
        Whether to sum the sums over days themselves.

    Returns
    -------
    ndarray
        float64 (R,). Blocks of `BLOCK` accounts are added up one after the other, and so is what
        they give: machine code and numpy do the same.
    """
    if raw:
        weights = sparse.counted * np.repeat(sparse.often, np.diff(sparse.start))
        of_day = np.bincount(sparse.day, weights, minlength=times.shape[1])
        # A product of numpy's own: that of the library has threads, which wait for each other.
        raw_sums: FloatArray = np.einsum("rd,d->r", times.astype(np.float64), of_day)
        return raw_sums
    logs = np.log1p(np.arange(sparse.most + 1, dtype=np.float64))
    n, resamples = sparse.often.size, times.shape[0]
    sums = np.zeros(resamples)
    if compiled.few(n * resamples, 4):
        drawn = np.zeros((n, resamples), np.int64)
        account = np.repeat(np.arange(n), np.diff(sparse.start))
        np.add.at(drawn, account, sparse.counted[:, None] * times.T[sparse.day])
        weighted = np.zeros((-(-n // BLOCK) * BLOCK, resamples))
        weighted[:n] = logs[drawn] * sparse.often[:, None]
        for block in weighted.reshape(-1, BLOCK, resamples):
            sums += np.cumsum(block, axis=0)[-1]
        return sums
    drawn_often = np.ascontiguousarray(times.T, np.int32)
    _sum_logs(sparse.start, sparse.day, sparse.counted, sparse.often, drawn_often, logs, sums)
    return sums


@compiled.jit()
def _sum_logs(start, day, count, often, times, logs, sums):
    """Add to each resample's sum what all accounts give."""
    n, resamples = often.size, times.shape[1]
    total = np.zeros(resamples, np.int32)
    block = np.zeros(resamples)
    for account in range(n):
        total[:] = 0
        for i in range(start[account], start[account + 1]):
            drawn, k = times[day[i]], count[i]
            for r in range(resamples):
                total[r] += k * drawn[r]
        for r in range(resamples):
            block[r] += logs[total[r]] * often[account]
        if account % BLOCK == BLOCK - 1:
            for r in range(resamples):
                sums[r] += block[r]
            block[:] = 0
    for r in range(resamples):
        sums[r] += block[r]


def weigh_rows(
    rows: Sequence[FloatArray],
    index: Sequence[npt.NDArray[np.int32]],
    weights: Sequence[float],
    out: FloatArray,
) -> tuple[float, float]:
    """Add up three features of accounts with a weight each.

    Parameters
    ----------
    rows
        a, b and c, each float64 (u,), of accounts that differ in it.
    index
        Of each, int32 (n,): which one each account has.
    weights
        Of each.
    out
        float64 (n,): becomes Σ w x, added up in the order of the features.

    Returns
    -------
    tuple of float
        The least and the largest of them; 0 where there are none.
    """
    if out.size < _LITTLE or compiled.few(out.size, _STEPS):
        out[:] = 0
        for row, which, weight in zip(rows, index, weights, strict=True):
            out += weight * row[which]
        return (float(out.min()), float(out.max())) if out.size else (0.0, 0.0)
    low, high = _weigh_rows(*rows, *index, *map(float, weights), out)
    return float(low), float(high)


@compiled.jit()
def _weigh_rows(a, b, c, of_a, of_b, of_c, w_a, w_b, w_c, out):
    if out.size == 0:
        return 0.0, 0.0
    low, high = np.inf, -np.inf
    for i in range(out.size):
        x = w_a * a[of_a[i]] + w_b * b[of_b[i]] + w_c * c[of_c[i]]
        out[i] = x
        low, high = min(low, x), max(high, x)
    return low, high


def count_above(values: FloatArray, steps: FloatArray, often: FloatArray | None) -> FloatArray:
    """Count values by how many of some steps are below them.

    Parameters
    ----------
    values
        float64 (n,).
    steps
        float64 (k,), ascending, at least one.
    often
        float64 (n,), how often each value is there; None for once.

    Returns
    -------
    ndarray
        float64 (k + 1,), whole numbers: for j = 1 … k how many values are above j steps exactly; 0
        for those above none.
    """
    counts = np.zeros(steps.size + 1)
    if values.size < _LITTLE or compiled.few(values.size, _STEPS):
        above = np.flatnonzero(values > steps[0])
        passed = np.searchsorted(steps, values[above], side="left")
        counts += np.bincount(
            passed, weights=None if often is None else often[above], minlength=counts.size
        )
        return counts
    none = np.empty(0)
    _count_above(compiled.readonly(values), steps, none if often is None else often, counts)
    return counts


@compiled.jit()
def _count_above(values, steps, often, counts):
    for i in range(values.size):
        value = values[i]
        if value > steps[0]:
            low, high = 1, steps.size
            while low < high:
                middle = (low + high) // 2
                if steps[middle] < value:
                    low = middle + 1
                else:
                    high = middle
            counts[low] += often[i] if often.size else 1.0
