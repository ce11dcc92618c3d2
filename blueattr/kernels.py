# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
# ruff: noqa: PLR0917 (kernels take their arguments by position)
"""Compiled kernels: arrays in, arrays out; sums that do not depend on order or on threads.

Reproducible sums
-----------------
The real line is cut into bins of ``WIDTH`` = 32 bits at fixed places: bin j counts in units of
2^(32 j). A number is split from the top: its part in bin j is what rounding to the bin's unit
leaves (add 1.5·2^52 units, subtract them again), the rest goes to the bin below. These parts do
not depend on any other number. The sum keeps the ``FOLDS`` = 3 highest bins in use, each as an
integer; integers add exactly, so the result is the same for every order of the numbers, every
split between threads and every split into chunks. This is the indexed summation of Demmel and
Nguyen ("Parallel Reproducible Summation", IEEE Trans. Comput. 64(7), 2015), with integers in the
place of their carries.

Error: only what lies below the third bin is lost, at most 2^-64 of the largest magnitude for each
number, so that |error| ≤ n·2^-64·max|x|: 6e-14 relative for a million numbers of one sign, in
practice far less. Magnitudes from 2^927 on raise `OverflowError`; below 2^-929 the error is
n·2^-993 absolute. Sums are returned as `fractions.Fraction`, so that no further digit is lost
before the last rounding.

Threads
-------
A kernel here is compiled without the interpreter lock and works on a stretch of agents; `_spread`
runs it on stretches in ordinary threads. Unlike numba's own threading layers this may be called
from several threads at once, survives a fork, and compiles in a fraction of the time.
"""

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

__all__ = [
    "GEOMETRIC",
    "LOG",
    "MEAN",
    "FloatArray",
    "IndexArray",
    "IntArray",
    "add_scaled",
    "aggregate",
    "argsort",
    "combine",
    "exact_sum",
    "group_sums",
    "pairwise_excess",
    "rank_correlations",
    "spread_about_mean",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
IndexArray = npt.NDArray[np.uint32]

WIDTH = 32
FOLDS = 3
BLOCK = 1024
"""Numbers added as floats before they become an integer: 2^31 · 2^10 stays far below 2^53."""

_LOWEST, _HIGHEST = -29, 28  # the bins whose unit, and 1.5·2^52 of it, are normal floats
_OVERFLOW = 1 << 20  # above every bin: a sum that has met a number too large stays there
_MAGNITUDE = 0x7FFF_FFFF_FFFF_FFFF
_DIGIT = 11  # bits a radix pass sorts by
_SPREAD_FROM = 1 << 17  # fewer agents than this are not worth a second thread


def _jit(**options: Any) -> Callable[[Any], Any]:
    """Compile without the interpreter lock, and keep the machine code where one can write.

    numba looks for a folder beside the source, then in the user's cache; where neither can be
    written it refuses, and the kernel is compiled anew in every process.
    """

    def decorate(function: Any) -> Any:
        try:
            return numba.njit(nogil=True, cache=True, error_model="numpy", **options)(function)
        except (RuntimeError, OSError):
            return numba.njit(nogil=True, error_model="numpy", **options)(function)

    return decorate


def _threads() -> int:
    """Count the cores this process may use; ``NUMBA_NUM_THREADS`` can lower the number."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(cores, int(numba.get_num_threads())))


def _spread(n: int, work: Callable[[int, int], Any]) -> list[Any]:
    """Call ``work(start, stop)`` on stretches that cover ``range(n)``, on every core.

    The stretches start at multiples of `BLOCK`. What comes back is in their order.
    """
    threads = _threads() if n >= _SPREAD_FROM else 1
    if threads == 1:
        return [work(0, n)]
    stretch = -(-n // (threads * BLOCK)) * BLOCK
    starts = range(0, n, stretch)
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda start: work(start, min(start + stretch, n)), starts))


def _readonly(x: FloatArray) -> FloatArray:
    """Give a read-only view, so that numba compiles one version of a kernel and not two."""
    if x.dtype != np.float64 or x.ndim != 1 or not x.flags.c_contiguous:
        raise TypeError(f"kernels take contiguous float64 vectors, not {x.dtype} {x.shape}")
    view = x.view()
    view.flags.writeable = False
    return view


# --- reproducible sums ---------------------------------------------------------------------------


def _new_state() -> IntArray:
    state = np.zeros(1 + FOLDS, np.int64)
    state[0] = _LOWEST
    return state


@_jit(fastmath={"reassoc", "nsz"})
def _add(total, x):
    # Only this addition may be reordered: within a block it is exact, and so it can be vectorised.
    return total + x


@_jit()
def _raise_level(state, level):
    up = level - state[0]
    if up <= 0:
        return
    for k in range(FOLDS, 0, -1):
        state[k] = state[k - up] if k - up > 0 else 0
    state[0] = level


@_jit()
def _accumulate(block, state):
    """Add at most `BLOCK` numbers to a running sum: state = (highest bin, its count, the next…)."""
    bits = block.view(np.int64)
    top = np.int64(0)
    for i in range(bits.size):
        top = max(top, bits[i] & _MAGNITUDE)
    if top == 0 or state[0] == _OVERFLOW:
        return
    # The highest bin that any |x| < 2^(exponent + 1) reaches after rounding.
    level = max(((int(top) >> 52) - 1022) // WIDTH, _LOWEST)
    if level > _HIGHEST:
        state[0] = _OVERFLOW
        return
    _raise_level(state, level)
    exponent = WIDTH * state[0]
    shift0 = math.ldexp(1.5, exponent + 52)
    shift1 = math.ldexp(1.5, exponent + 52 - WIDTH)
    shift2 = math.ldexp(1.5, exponent + 52 - 2 * WIDTH)
    sum0 = sum1 = sum2 = 0.0
    for i in range(block.size):
        x = block[i]
        part = (x + shift0) - shift0
        sum0 = _add(sum0, part)
        x -= part
        part = (x + shift1) - shift1
        sum1 = _add(sum1, part)
        x -= part
        part = (x + shift2) - shift2
        sum2 = _add(sum2, part)
    state[1] += np.int64(math.ldexp(sum0, -exponent))
    state[2] += np.int64(math.ldexp(sum1, WIDTH - exponent))
    state[3] += np.int64(math.ldexp(sum2, 2 * WIDTH - exponent))


@_jit()
def _accumulate_all(x, state):
    for start in range(0, x.size, BLOCK):
        _accumulate(x[start : start + BLOCK], state)


def _read(states: list[IntArray]) -> Fraction:
    """Merge running sums and give their exact value."""
    total = Fraction(0)
    level: int = max(int(state[0]) for state in states)
    if level > _HIGHEST:
        raise OverflowError("a number is not finite or too large to be summed (2^927 or more)")
    for state in states:
        _raise_level(state, level)
    for k in range(FOLDS):
        count = sum(int(state[1 + k]) for state in states)
        total += count * Fraction(2) ** (WIDTH * (level - k))
    return total


def exact_sum(x: FloatArray) -> Fraction:
    """Sum a vector, the same for every order of its elements and every number of threads.

    Parameters
    ----------
    x
        float64 (n,), n < 2^32.

    Returns
    -------
    Fraction
        Within n·2^-64·max|x| of the true sum; ``float()`` of it rounds once.

    Raises
    ------
    OverflowError
        When an element is not finite, or 2^927 or larger.

    Notes
    -----
    Demmel & Nguyen (2015); docs/methods.md, "Sums".
    """
    x = _readonly(x)

    def work(start: int, stop: int) -> IntArray:
        state = _new_state()
        _accumulate_all(x[start:stop], state)
        return state

    return _read(_spread(x.size, work))


@_jit()
def _flush(buffer, fill, state, state_abs):
    part = buffer[:fill]
    _accumulate(part, state)
    for i in range(fill):
        part[i] = abs(part[i])
    _accumulate(part, state_abs)


@_jit()
def _accumulate_groups(x, groups, states, states_abs):
    count = states.shape[0]
    buffers = np.empty((count, BLOCK), np.float64)
    fill = np.zeros(count, np.int64)
    for i in range(x.size):
        g = groups[i]
        buffers[g, fill[g]] = x[i]
        fill[g] += 1
        if fill[g] == BLOCK:
            _flush(buffers[g], BLOCK, states[g], states_abs[g])
            fill[g] = 0
    for g in range(count):
        _flush(buffers[g], fill[g], states[g], states_abs[g])


def group_sums(
    x: FloatArray, groups: npt.NDArray[np.uint8], count: int
) -> tuple[list[Fraction], list[Fraction]]:
    """Sum the elements, and their magnitudes, of each group; reproducible as `exact_sum` is.

    Parameters
    ----------
    x
        float64 (n,).
    groups
        uint8 (n,), the group of each element, each below ``count``.
    count
        The number of groups.

    Returns
    -------
    tuple of two lists
        Σx and Σ|x| of each group.

    Raises
    ------
    OverflowError
        When an element is not finite, or 2^927 or larger.
    """
    x = _readonly(x)

    def work(start: int, stop: int) -> tuple[IntArray, IntArray]:
        signed = np.stack([_new_state() for _ in range(count)])
        magnitudes = signed.copy()
        _accumulate_groups(x[start:stop], groups[start:stop], signed, magnitudes)
        return signed, magnitudes

    parts = _spread(x.size, work)
    return (
        [_read([signed[g] for signed, _ in parts]) for g in range(count)],
        [_read([magnitudes[g] for _, magnitudes in parts]) for g in range(count)],
    )


# --- one pass over the agents --------------------------------------------------------------------

MEAN, LOG, GEOMETRIC = 0, 1, 2
"""The kinds of aggregator, as `aggregate` takes them."""


@_jit()
def _ascending(x, y, z):
    # With equal weights, agents with each other's features interchanged then have bit-equal s.
    low, high = (x, y) if x < y else (y, x)
    low, z = (low, z) if low < z else (z, low)
    middle, high = (high, z) if high < z else (z, high)
    return low, middle, high


@_jit()
def _aggregate(a, b, c, kind, weights, divisor, out, state):
    wa, wb, wc = weights
    for start in range(0, out.size, BLOCK):
        x, y, z = a[start : start + BLOCK], b[start : start + BLOCK], c[start : start + BLOCK]
        s = out[start : start + BLOCK]
        if kind == GEOMETRIC:
            for i in range(s.size):
                low, middle, high = _ascending(x[i] ** wa, y[i] ** wb, z[i] ** wc)
                s[i] = low * middle * high
        else:
            for i in range(s.size):
                low, middle, high = _ascending(wa * x[i], wb * y[i], wc * z[i])
                s[i] = low + middle + high
        if kind == LOG:
            for i in range(s.size):
                s[i] = math.log1p(s[i])
        _accumulate(s, state)
        if divisor != 1.0:
            for i in range(s.size):
                s[i] /= divisor


def aggregate(
    a: FloatArray,
    b: FloatArray,
    c: FloatArray,
    kind: int,
    weights: tuple[float, float, float],
    divisor: float = 1.0,
) -> tuple[FloatArray, Fraction]:
    """Aggregate three features into the scalar s, and sum it, in one pass.

    Parameters
    ----------
    a, b, c
        float64 (n,), ≥ 0 and finite.
    kind
        `MEAN` Σ w x, `LOG` log(1 + Σ w x) or `GEOMETRIC` Π x^w.
    weights
        The weight of each feature.
    divisor
        What the returned vector, and not the sum, is divided by.

    Returns
    -------
    s / divisor
        float64 (n,).
    Fraction
        Σ s, as `exact_sum` gives it.

    Raises
    ------
    OverflowError
        When an s is not finite, or 2^927 or larger.

    Notes
    -----
    docs/methods.md, "The game".
    """
    a, b, c = _readonly(a), _readonly(b), _readonly(c)
    out = np.empty(a.size)

    def work(start: int, stop: int) -> IntArray:
        state, part = _new_state(), slice(start, stop)
        _aggregate(a[part], b[part], c[part], kind, weights, float(divisor), out[part], state)
        return state

    return out, _read(_spread(a.size, work))


@_jit()
def _spread_about_mean(s, mean, rest, n, state):
    squares = np.empty(BLOCK, np.float64)
    for start in range(0, s.size, BLOCK):
        x = s[start : start + BLOCK]
        square = squares[: x.size]
        for i in range(x.size):
            deviation = (x[i] - mean) - rest
            square[i] = deviation * deviation
            x[i] = x[i] * deviation / n
        _accumulate(square, state)


def spread_about_mean(s: FloatArray, mean: Fraction) -> tuple[FloatArray, Fraction]:
    """Turn s into s (s - μ) / n in place, and sum the squared deviations, in one pass.

    The mean enters as two floats, so that s - μ keeps its digits where all s are nearly equal.

    Parameters
    ----------
    s
        float64 (n,); overwritten.
    mean
        μ.

    Returns
    -------
    s (s - μ) / n
        float64 (n,), the argument itself.
    Fraction
        Σ (s - μ)².

    Raises
    ------
    OverflowError
        When a square is not finite, or 2^927 or larger.

    Notes
    -----
    docs/methods.md, "var".
    """
    high = float(mean)
    low = float(mean - Fraction(high))

    def work(start: int, stop: int) -> IntArray:
        state = _new_state()
        _spread_about_mean(s[start:stop], high, low, float(s.size), state)
        return state

    return s, _read(_spread(s.size, work))


@_jit()
def _combine(a, b, c, ka, kb, kc, out):
    for i in range(out.size):
        out[i] = ka * a[i] + kb * b[i] + kc * c[i]


def combine(
    a: FloatArray, b: FloatArray, c: FloatArray, factors: tuple[float, float, float]
) -> FloatArray:
    """Give k_a·a + k_b·b + k_c·c, elementwise, in one pass.

    Parameters
    ----------
    a, b, c
        float64 (n,).
    factors
        k_a, k_b, k_c.

    Returns
    -------
    ndarray
        float64 (n,).

    Notes
    -----
    The last step of ``heat``: docs/methods.md, "heat".
    """
    a, b, c = _readonly(a), _readonly(b), _readonly(c)
    out = np.empty(a.size)

    def work(start: int, stop: int) -> None:
        part = slice(start, stop)
        _combine(a[part], b[part], c[part], *factors, out[part])

    _spread(a.size, work)
    return out


@_jit()
def _add_scaled(x, factor, out):
    for i in range(out.size):
        out[i] += factor * x[i]


def add_scaled(x: FloatArray, factor: float, out: FloatArray) -> None:
    """Add factor·x to ``out``, elementwise: the last step of a quadrature, once per statistic.

    Parameters
    ----------
    x
        float64 (n,).
    factor
        A number.
    out
        float64 (n,); overwritten.

    Notes
    -----
    docs/methods.md, "Quadrature".
    """
    x = _readonly(x)
    _spread(x.size, lambda start, stop: _add_scaled(x[start:stop], factor, out[start:stop]))


# --- sorting -------------------------------------------------------------------------------------


@_jit()
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


@_jit()
def _count_digits(keys, shift, counts):
    mask = np.uint64((1 << _DIGIT) - 1)
    for i in range(keys.size):
        counts[(keys[i] >> shift) & mask] += 1


@_jit()
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
    x = _readonly(x)
    n = x.size
    order = given = np.arange(n, dtype=np.uint32) if order is None else order.copy()
    keys, new_order, new_keys = np.empty(n, np.uint64), np.empty_like(order), np.empty(n, np.uint64)
    bits = _spread(n, lambda lo, hi: _sort_keys(x, given[lo:hi], keys[lo:hi]))
    varying = int(np.bitwise_or.reduce([b[0] for b in bits]))
    varying &= ~int(np.bitwise_and.reduce([b[1] for b in bits]))
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

    counts = np.stack(_spread(keys.size, count))
    ends = np.cumsum(counts.T).reshape(counts.shape[::-1]).T
    starts = _spread(keys.size, lambda lo, _: lo)
    offsets = dict(zip(starts, np.ascontiguousarray(ends - counts), strict=True))
    _spread(
        keys.size,
        lambda lo, hi: _place(keys[lo:hi], order[lo:hi], shift, offsets[lo], new_keys, new_order),
    )


# --- pairs of agents -----------------------------------------------------------------------------


@_jit()
def _pairwise_excess(s, order, out):
    excess = lost = 0.0
    before = s[order[0]]
    out[order[0]] = 0.0
    for k in range(1, s.size):
        now = s[order[k]]
        # Each of the k agents below is left behind by as much more. All terms are ≥ 0, so nothing
        # cancels; what rounding loses is carried along (Kahan), but not into a tie.
        if now != before:
            term = k * (now - before) - lost
            raised = excess + term
            lost = (raised - excess) - term
            excess = raised
            before = now
        out[order[k]] = excess


def pairwise_excess(s: FloatArray) -> FloatArray:
    """Give Σ_j max(s_i - s_j, 0) for each i, by one sort: O(n log n).

    Parameters
    ----------
    s
        float64 (n,), finite.

    Returns
    -------
    ndarray
        float64 (n,), ≥ 0; equal for equal s, and exactly 0 at the smallest.

    Notes
    -----
    The Aumann-Shapley value of the pairwise ``gini``: docs/methods.md, "gini".
    """
    s = _readonly(s)
    out = np.empty(s.size)
    if s.size:
        _pairwise_excess(s, argsort(s), out)
    return out


@_jit()
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


@_jit()
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


@_jit()
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
    x, y = _readonly(x), _readonly(y)
    n = x.size
    if y.size != n:
        raise ValueError(f"vectors of {n} and {y.size} elements cannot be ranked together")
    ranks = np.empty((2, n), np.int64)
    centred = np.empty((2, n))
    order = argsort(y)
    pairs = n * (n - 1) // 2
    untied_y = pairs - _tie_groups(y, order, tolerance, ranks[1], centred[1])
    order = argsort(x)
    untied_x = pairs - _tie_groups(x, order, tolerance, ranks[0], centred[0])
    if untied_x == 0 or untied_y == 0:
        return None
    surplus = _concordance(order, ranks[0], ranks[1], np.zeros(n + 1, np.int64))
    tau = surplus / math.sqrt(untied_x * untied_y)
    xy, xx, yy = _dot(centred[0], centred[1])
    rho = xy / math.sqrt(xx * yy)
    return max(-1.0, min(1.0, tau)), max(-1.0, min(1.0, rho))
