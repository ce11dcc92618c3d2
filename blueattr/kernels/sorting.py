# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
# ruff: noqa: PLR0917 (kernels take their arguments by position)
"""Sorting by a radix sort, on every core."""

import numpy as np
import numpy.typing as npt

from blueattr.kernels import compiled
from blueattr.kernels.compiled import FloatArray, IndexArray, IntArray

__all__ = ["argsort"]


_DIGIT = 11  # bits a radix pass sorts by
_STEPS = 8  # what numpy's sort takes for a number: see `blueattr.kernels.compiled.few`


@compiled.jit()
def _sort_keys(x, order, keys):
    """Write unsigned integers in the order of the floats; return all bits set, and set in all."""
    sign = np.uint64(1 << 63)
    some, every = np.uint64(0), ~np.uint64(0)
    for i in range(keys.size):
        bits = np.float64(x[order[i]] + 0.0).view(np.uint64)  # -0.0 becomes 0.0: they are ties
        key = ~bits if bits & sign else bits | sign
        keys[i] = key
        some |= key
        every &= key
    return some, every


@compiled.jit()
def _count_digits(keys, shift, counts):
    mask = np.uint64((1 << _DIGIT) - 1)
    for i in range(keys.size):
        counts[(keys[i] >> shift) & mask] += 1


@compiled.jit()
def _place(keys, order, shift, offsets, new_keys, new_order):
    mask = np.uint64((1 << _DIGIT) - 1)
    for i in range(keys.size):
        digit = (keys[i] >> shift) & mask
        to = offsets[digit]
        offsets[digit] = to + 1
        new_keys[to] = keys[i]
        new_order[to] = order[i]


def argsort(x: FloatArray, order: IndexArray | None = None) -> IndexArray:
    """Sort by a radix sort: stable, so that equal elements keep the order they come in.

    Parameters
    ----------
    x
        float64 (n,), free of NaN, n < 2^32; 0.0 and -0.0 are equal.
    order
        uint32 (n,), the order they come in, a permutation; by default 0, 1, 2, …

    Returns
    -------
    ndarray
        uint32 (n,), the indices that put x into ascending order.
    """
    x = compiled.readonly(x)
    n = x.size
    if compiled.few(n, _STEPS):
        given = np.arange(n, dtype=np.uint32) if order is None else order
        return given[np.argsort(x[given] + 0.0, kind="stable")]
    order = given = np.arange(n, dtype=np.uint32) if order is None else order.copy()
    keys, new_order, new_keys = np.empty(n, np.uint64), np.empty_like(order), np.empty(n, np.uint64)
    bits = compiled.spread(n, lambda lo, hi: _sort_keys(x, given[lo:hi], keys[lo:hi]))
    some, every = np.array(bits, np.uint64).T
    varying = int(np.bitwise_or.reduce(some) & ~np.bitwise_and.reduce(every))
    for shift in range(0, 64, _DIGIT):
        if (varying >> shift) & ((1 << _DIGIT) - 1):
            _radix_pass(keys, order, np.uint64(shift), new_keys, new_order)
            keys, new_keys = new_keys, keys
            order, new_order = new_order, order
    return order


def _radix_pass(
    keys: npt.NDArray[np.uint64],
    order: IndexArray,
    shift: np.uint64,
    new_keys: npt.NDArray[np.uint64],
    new_order: IndexArray,
) -> None:
    """Sort by one digit; stretches keep their order within it."""

    def count(lo: int, hi: int) -> IntArray:
        counts = np.zeros(1 << _DIGIT, np.int64)
        _count_digits(keys[lo:hi], shift, counts)
        return counts

    counts = np.stack(compiled.spread(keys.size, count))
    ends = np.cumsum(counts.T).reshape(counts.shape[::-1]).T
    starts = compiled.spread(keys.size, lambda lo, _: lo)
    offsets = dict(zip(starts, np.ascontiguousarray(ends - counts), strict=True))
    compiled.spread(
        keys.size,
        lambda lo, hi: _place(keys[lo:hi], order[lo:hi], shift, offsets[lo], new_keys, new_order),
    )
