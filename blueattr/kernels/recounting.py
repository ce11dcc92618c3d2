"""Counts again what accounts did, when days count more than once or not."""

import numpy as np
import numpy.typing as npt

from blueattr.kernels.compiled import FloatArray

__all__ = ["Counts", "dense_counts", "recount"]


Counts = npt.NDArray[np.float32] | npt.NDArray[np.float64]

_EXACT = 1 << 24  # whole numbers below this are exact in 32 bits
_PRODUCT = 1 << 17  # multiplications of one product of matrices


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
