# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
# ruff: noqa: PLR0917 (kernels take their arguments by position)
"""One pass over the agents: aggregates, combinations of features, deviations from the mean."""

import math
from fractions import Fraction

import numpy as np

from blueattr.kernels import compiled
from blueattr.kernels.compiled import BLOCK, FloatArray, IntArray
from blueattr.kernels.sums import RunningSum, _accumulate, _new_state, _read

__all__ = ["GEOMETRIC", "LOG", "MEAN", "add_scaled", "aggregate", "combine", "spread_about_mean"]


MEAN, LOG, GEOMETRIC = 0, 1, 2
"""The kinds of aggregator, as `aggregate` takes them."""


@compiled.jit()
def _ascending(x, y, z):
    # With equal weights, agents with each other's features interchanged then have bit-equal s.
    low, high = (x, y) if x < y else (y, x)
    low, z = (low, z) if low < z else (z, low)
    middle, high = (high, z) if high < z else (z, high)
    return low, middle, high


@compiled.jit()
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
    a, b, c = compiled.readonly(a), compiled.readonly(b), compiled.readonly(c)
    out = np.empty(a.size)

    def work(start: int, stop: int) -> IntArray:
        state, part = _new_state(), slice(start, stop)
        _aggregate(a[part], b[part], c[part], kind, weights, float(divisor), out[part], state)
        return state

    return out, _read(compiled.spread(a.size, work))


@compiled.jit()
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


def spread_about_mean(
    s: FloatArray, mean: Fraction, n: int | None = None, squares: RunningSum | None = None
) -> tuple[FloatArray, Fraction]:
    """Turn s into s (s - μ) / n in place, and sum the squared deviations, in one pass.

    The mean enters as two floats, so that s - μ keeps its digits where all s are nearly equal.

    Parameters
    ----------
    s
        float64 (n,); overwritten.
    mean
        μ.
    n
        The number of agents, where s is of some of them only.
    squares
        The sum of the squared deviations of those before, to be added to.

    Returns
    -------
    s (s - μ) / n
        float64, the argument itself.
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
        _spread_about_mean(s[start:stop], high, low, float(s.size if n is None else n), state)
        return state

    squares = RunningSum() if squares is None else squares
    squares.take(compiled.spread(s.size, work))
    return s, squares.value()


@compiled.jit()
def _combine(a, b, c, ka, kb, kc, out):
    for i in range(out.size):
        out[i] = ka * a[i] + kb * b[i] + kc * c[i]


def combine(
    a: FloatArray, b: FloatArray, c: FloatArray, factors: tuple[float, float, float]
) -> FloatArray:
    """Return k_a·a + k_b·b + k_c·c, elementwise, in one pass.

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
    a, b, c = compiled.readonly(a), compiled.readonly(b), compiled.readonly(c)
    if compiled.few(a.size):
        ka, kb, kc = factors
        return ka * a + kb * b + kc * c
    out = np.empty(a.size)

    def work(start: int, stop: int) -> None:
        part = slice(start, stop)
        _combine(a[part], b[part], c[part], *factors, out[part])

    compiled.spread(a.size, work)
    return out


@compiled.jit()
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
    x = compiled.readonly(x)
    compiled.spread(x.size, lambda start, stop: _add_scaled(x[start:stop], factor, out[start:stop]))
