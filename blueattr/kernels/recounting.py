# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
# ruff: noqa: PLR0917 (kernels take their arguments by position)
"""Compiled kernel that counts again what accounts did, when days count more than once or not."""

import math

import numpy as np

from blueattr.kernels import compiled
from blueattr.kernels.compiled import FloatArray, IntArray

__all__ = ["recount"]


@compiled.jit()
def _recount(first, past, day, counts, times, logs, raw, out):
    features, resamples = counts.shape[0], times.shape[1]
    sums = np.empty(resamples)
    for k in range(features):
        for i in range(first.size):
            sums[:] = 0.0
            for row in range(first[i], past[i]):
                count = counts[k, row]
                if count != 0.0:
                    # All resamples at once, which is one instruction for several of them.
                    often = times[day[row]]
                    for r in range(resamples):
                        sums[r] += count * often[r]
            for r in range(resamples):
                total = sums[r]
                if not raw:
                    whole = np.int64(total)
                    total = logs[whole] if whole < logs.size else math.log1p(total)
                out[k, r, i] = total


def recount(
    first: IntArray,
    past: IntArray,
    day: IntArray,
    counts: FloatArray,
    times: FloatArray,
    logs: FloatArray | None,
) -> FloatArray:
    """Sum the counts of accounts over days that count as often as they were drawn, and scale them.

    Parameters
    ----------
    first, past
        int64 (n,): the first row of each account, and the row after its last.
    day
        int64 (m,): the day of each row, from 0.
    counts
        float64 (3, m), contiguous: what the account did or received on that day; whole numbers.
    times
        float64 (D, R), contiguous: how often each resample has each day.
    logs
        float64: log(1 + k) of k = 0, 1, …, as far as it is worth looking them up; None for raw
        counts.

    Returns
    -------
    ndarray
        float64 (3, R, n): log(1 + the sum), or the sum. Sums are exact below 2^53.
    """
    out = np.empty((3, times.shape[1], first.size))
    table = np.empty(0) if logs is None else logs
    _recount(first, past, day, counts, times, table, logs is None, out)
    return out
