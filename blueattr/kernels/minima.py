"""How much each agent has in common with all others: Σ_j min(s_i, s_j), by one walk."""

import numpy as np

from blueattr.kernels.compiled import FloatArray, IntArray
from blueattr.kernels.excess import Ahead, walk

__all__ = ["pairwise_minima"]


def pairwise_minima(
    ahead: Ahead, n: int, values: FloatArray, counts: IntArray
) -> tuple[FloatArray, Ahead]:
    """Compute Σ_{j ≠ i} min(s_i, s_j) of the next of numbers that come in ascending parts.

    Parameters
    ----------
    ahead
        Of all numbers before these, none of which is as large as any of these.
    n
        The number of all numbers, of all parts.
    values, counts
        The different numbers of this part, float64 (k,), ascending and ≥ 0; and int64 (k,), how
        often each occurs.

    Returns
    -------
    ndarray
        float64 (k,): of each value the exact sum, rounded once.
    Ahead
        Of all numbers so far: that of the next part.

    Notes
    -----
    min(s, t) = s - max(s - t, 0), so the sum is (n - 1) s less the excess of s. From one value to
    the next it grows by the step for each other agent who is not below.
    """
    if not values.size:
        return np.empty(0), ahead
    below = ahead.below + np.cumsum(counts) - counts
    # Of an agent at the number where the walk begins.
    level = (n - 1) * ahead.whole - ahead.excess
    out, level = walk(ahead.number, level, values, (n - 1 - below).astype(np.uint64))
    end = Ahead(float(values[-1]), int(below[-1] + counts[-1]))
    return out, end._replace(excess=(n - 1) * end.whole - level)
