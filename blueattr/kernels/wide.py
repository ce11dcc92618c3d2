# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
"""Whole numbers of several words, lowest first: products added up, and the nearest float."""

import math

import numpy as np

from blueattr.kernels import compiled

__all__ = ["WORD", "add_product", "high_half", "nearest", "nearest_of", "subtract_product"]


WORD = np.uint64(64)

_ONE, _ZERO = np.uint64(1), np.uint64(0)
_FIVE, _SIX, _IN_WORD = 0x3FF, np.uint64(6), np.uint64(63)
_FRACTION, _TOP = 52, 63


def _high_half(typing, x, y):  # noqa: ARG001 - numba gives it
    from blueattr.kernels.machine_code import ir, types  # noqa: PLC0415 - start-up time

    def generate(context, builder, signature, arguments):  # noqa: ARG001 - as above
        double = ir.IntType(128)
        product = builder.mul(*(builder.zext(argument, double) for argument in arguments))
        return builder.trunc(builder.lshr(product, ir.Constant(double, 64)), ir.IntType(64))

    return types.uint64(types.uint64, types.uint64), generate


@compiled.intrinsic(_high_half)
def high_half(x, y):
    """Return the high word of a product of two words."""
    return np.uint64((int(x) * int(y)) >> 64)


@compiled.jit(makes_arrays=False)
def nearest(high, low, below):
    """Round high·2^64 + low + ε to the nearest float, ties to even, with one rounding.

    Parameters
    ----------
    high, low
        uint64; high is not 0.
    below
        Whether ε > 0; it is less than 1.

    Returns
    -------
    float64
    """
    # The exponent of the float may be one too large, which leaves a bit unused.
    exponent = (np.float64(high).view(np.int64) >> _FRACTION) - _FIVE
    shift = _ZERO if exponent > _TOP else np.uint64(_TOP - exponent)
    window, lost = high << shift, low
    if shift > _ZERO:
        window |= low >> (WORD - shift)
        lost = low << shift
    # 63 bits hold every bit of a float; the last one says whether anything lies below it.
    signed = window >> _ONE
    if (window & _ONE) != _ZERO or lost != _ZERO or below:
        signed |= _ONE
    # A power of two has no digits but those of its exponent.
    scale = np.int64(_FIVE + 65) - np.int64(shift)
    return np.float64(np.int64(signed)) * np.int64(scale << _FRACTION).view(np.float64)


@compiled.jit(makes_arrays=False)
def nearest_of(words, unit):
    """Return the float nearest to a whole number of several words in units of 2^unit."""
    at = words.size - 1
    while at > 0 and words[at] == _ZERO:
        at -= 1
    if at == 0:
        return math.ldexp(nearest(words[0], _ZERO, False), int(unit) - 64) if words[0] else 0.0
    below = False
    for k in range(at - 1):
        if words[k] != _ZERO:
            below = True
            break
    return math.ldexp(nearest(words[at], words[at - 1], below), int(unit) + 64 * (at - 1))


@compiled.jit(makes_arrays=False)
def _shifted(x, y, shift):
    """Return the three words of x·y·2^shift for a shift below 64."""
    low, high = x * y, high_half(x, y)
    if shift == _ZERO:
        return low, high, _ZERO
    back = WORD - shift
    return low << shift, (high << shift) | (low >> back), high >> back


@compiled.jit(makes_arrays=False)
def add_product(words, x, y, at):
    """Add x·y·2^at to a whole number that has place for it, uint64 (w,) with w ≥ at // 64 + 3."""
    word = np.int64(at >> _SIX)
    first, second, third = _shifted(x, y, at & _IN_WORD)
    words[word] += first
    carry = _ONE if words[word] < first else _ZERO
    second += carry
    carry = _ONE if second < carry else _ZERO
    words[word + 1] += second
    carry += _ONE if words[word + 1] < second else _ZERO
    third += carry  # it is far below its largest
    words[word + 2] += third
    if words[word + 2] < third:
        word += 3
        words[word] += _ONE
        while words[word] == _ZERO:
            word += 1
            words[word] += _ONE


@compiled.jit(makes_arrays=False)
def subtract_product(words, x, y, at):
    """Subtract x·y·2^at from a whole number that is no smaller; see `add_product`."""
    word = np.int64(at >> _SIX)
    first, second, third = _shifted(x, y, at & _IN_WORD)
    borrow = _ONE if words[word] < first else _ZERO
    words[word] -= first
    second += borrow
    borrow = _ONE if second < borrow else _ZERO
    borrow += _ONE if words[word + 1] < second else _ZERO
    words[word + 1] -= second
    third += borrow
    borrow = _ONE if words[word + 2] < third else _ZERO
    words[word + 2] -= third
    word += 3
    while borrow != _ZERO:
        borrow = _ONE if words[word] == _ZERO else _ZERO
        words[word] -= _ONE
        word += 1
