# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
# ruff: noqa: PLR0917 (kernels take their arguments by position)
"""Compiled kernels of coalition games: random permutations and coalitions, sums along them.

Randomness
----------
Each permutation, and each coalition, has a stream of its own: the 64-bit start of a SplitMix64
sequence, whose number j is mix(start + j·Γ). What is drawn follows from the start alone, whatever
is drawn before it and on whichever thread; number j can be had without those before it. Steele,
Lea & Flood (2014), "Fast splittable pseudorandom number generators", OOPSLA, doi
10.1145/2660193.2660195.

Threads
-------
Work is cut into pieces whose size depends on the problem alone, and their results are put together
in the order of the pieces, so that no bit depends on the number of threads.
"""

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from blueattr.kernels import compiled
from blueattr.kernels.compiled import FloatArray, IndexArray, IntArray

__all__ = [
    "GINI",
    "HEAT",
    "LIN",
    "VAR",
    "StreamArray",
    "coalition_gaps",
    "coalition_sums",
    "in_order",
    "permutation",
    "presence_sums",
    "welford",
    "welford_walks",
]


StreamArray = npt.NDArray[np.uint64]
_Item = TypeVar("_Item")
_Done = TypeVar("_Done")


LIN, HEAT, VAR, GINI = 0, 1, 2, 3
"""The games whose walks are compiled."""


_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MULTIPLIER_1 = np.uint64(0xBF58476D1CE4E5B9)
_MULTIPLIER_2 = np.uint64(0x94D049BB133111EB)
_LOW_HALF = np.uint64(0xFFFF_FFFF)
_HALF = np.uint64(32)
_ONE = np.uint64(1)
_WORD = 64  # agents whose presence one random number decides
_BLOCK = 1024  # agents whose sums stay in the first cache while the coalitions pass by


def in_order(work: Callable[[_Item], _Done], items: Sequence[_Item]) -> Iterator[_Done]:
    """Call ``work`` on every item, on every core, and give the results in the items' order.

    Only a few results wait at a time, so that large ones do not pile up.
    """
    threads = min(compiled.threads(), len(items))
    if threads <= 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[_Done]] = deque()
        for item in items:
            if len(waiting) == 2 * threads:
                yield waiting.popleft().result()
            waiting.append(pool.submit(work, item))
        while waiting:
            yield waiting.popleft().result()


@compiled.jit()
def _mix(z):
    z = (z ^ (z >> np.uint64(30))) * _MULTIPLIER_1
    z = (z ^ (z >> np.uint64(27))) * _MULTIPLIER_2
    return z ^ (z >> np.uint64(31))


# --- permutations --------------------------------------------------------------------------------


@compiled.jit()
def _shuffle(order, stream):
    """Write a uniform permutation: Fisher-Yates, with Lemire's (2019) unbiased bounded numbers."""
    for i in range(order.size):
        order[i] = i
    state = stream
    for i in range(order.size - 1, 0, -1):
        bound = np.uint64(i + 1)
        state += _GAMMA
        product = (_mix(state) >> _HALF) * bound
        if (product & _LOW_HALF) < bound:
            # The few numbers that would make some results likelier than others are drawn anew.
            threshold = ((_ONE << _HALF) - bound) % bound
            while (product & _LOW_HALF) < threshold:
                state += _GAMMA
                product = (_mix(state) >> _HALF) * bound
        j = np.int64(product >> _HALF)
        order[i], order[j] = order[j], order[i]


def permutation(n: int, stream: np.uint64) -> IndexArray:
    """Draw the permutation that a stream starts.

    Parameters
    ----------
    n
        How many agents, fewer than 2^32.
    stream
        Its start.

    Returns
    -------
    ndarray
        uint32 (n,), uniform over the permutations up to the quality of the generator.

    Notes
    -----
    Lemire (2019), "Fast random integer generation in an interval", ACM Trans. Model. Comput.
    Simul. 29(1).
    """
    order = np.empty(n, np.uint32)
    _shuffle(order, np.uint64(stream))
    return order


@compiled.jit()
def _walk_moments(kind, g, order, out):
    """Write what each agent adds to the indicator as agents join in order: running sums, O(n)."""
    first = second = third = before = 0.0
    if kind == HEAT:
        for k in range(order.size):
            i = order[k]
            first += g[i, 0]
            second += g[i, 1]
            third += g[i, 2]
            now = math.log1p(first * second * third)
            out[i] = now - before
            before = now
    elif kind == VAR:
        for k in range(order.size):
            i = order[k]
            mean = g[i, 1]
            # (m + x)² - m² without the difference of squares
            out[i] = g[i, 0] - mean * (2.0 * first + mean)
            first += mean
    else:
        for i in range(order.size):
            out[i] = g[i, 0]


@compiled.jit()
def _walk_gini(s, rank, order, tree, out):
    """As `_walk_moments`, for the sum over pairs: a Fenwick tree over the ranks, O(n log n).

    An agent with s joins k others, c of which have less, together t: the pairs with them gain
    s (2c - k) - 2t + (their sum), the pairs with those absent gain s (n - 1 - k) and lose (their
    sum). An agent with s = 0 is as good as absent.
    """
    n = order.size
    tree[:] = 0.0
    k = 0
    for place in range(n):
        i = order[place]
        x = s[i, 0]
        if x == 0.0:
            out[i] = 0.0
            continue
        count = total = 0.0
        node = rank[i] + 1
        while node > 0:
            count += tree[node, 0]
            total += tree[node, 1]
            node &= node - 1
        out[i] = x * (n - 1 - 2 * k + 2.0 * count) - 2.0 * total
        node = rank[i] + 1
        while node <= n:
            tree[node, 0] += 1.0
            tree[node, 1] += x
            node += node & -node
        k += 1


@compiled.jit()
def _welford(x, count, mean, squares):
    for i in range(x.size):
        delta = x[i] - mean[i]
        mean[i] += delta / count
        squares[i] += delta * (x[i] - mean[i])


def welford(x: FloatArray, count: int, mean: FloatArray, squares: FloatArray) -> None:
    """Add the ``count``-th observation to running means and sums of squared deviations.

    Parameters
    ----------
    x
        float64 (n,), the observation.
    count
        How many there are with it.
    mean, squares
        float64 (n,); overwritten.

    Notes
    -----
    Welford (1962), "Note on a method for calculating corrected sums of squares and products",
    Technometrics 4(3).
    """
    _welford(x, count, mean, squares)


@compiled.jit()
def _walk(kind, g, rank, order, tree, out):
    if kind == GINI:
        _walk_gini(g, rank, order, tree, out)
    else:
        _walk_moments(kind, g, order, out)


@compiled.jit()
def _welford_walks(kind, g, rank, streams, antithetic, mean, squares):
    n = g.shape[0]
    order = np.empty(n, np.uint32)
    marginals, mirrored = np.empty(n), np.empty(n)
    tree = np.empty((n + 1 if kind == GINI else 0, 2))
    for k in range(streams.size):
        _shuffle(order, streams[k])
        _walk(kind, g, rank, order, tree, marginals)
        if antithetic:
            for i in range(n // 2):
                order[i], order[n - 1 - i] = order[n - 1 - i], order[i]
            _walk(kind, g, rank, order, tree, mirrored)
            for i in range(n):
                marginals[i] = 0.5 * (marginals[i] + mirrored[i])
        _welford(marginals, k + 1, mean, squares)


def welford_walks(
    kind: int,
    g: FloatArray,
    rank: IntArray,
    streams: StreamArray,
    antithetic: bool,
    mean: FloatArray,
    squares: FloatArray,
) -> None:
    """Walk through permutations; mean and squared deviations of what each agent adds.

    Parameters
    ----------
    kind
        `LIN`, `HEAT`, `VAR` or `GINI`.
    g
        float64 (n, p), contiguous: the statistics of each agent / n. ``LIN`` s; ``HEAT`` a, b, c;
        ``VAR`` s², s; ``GINI`` s / (n · Σs) instead.
    rank
        int64 (n,) for ``GINI``: the place of each agent by ascending s; else of any length.
    streams
        uint64 (m,), one per permutation.
    antithetic
        Whether each permutation is walked backwards too, and the two count as one observation.
    mean, squares
        float64 (n,), of zeros; overwritten.

    Notes
    -----
    A walk costs O(n), for ``GINI`` O(n log n). Castro, Gómez & Tejada (2009), "Polynomial
    calculation of the Shapley value based on sampling", Comput. Oper. Res. 36(5); docs/methods.md,
    "Baselines".
    """
    _welford_walks(kind, g, rank, streams, antithetic, mean, squares)


# --- coalitions ----------------------------------------------------------------------------------


@compiled.jit()
def _coalition_sums(g, streams, out):
    n = g.shape[1]
    for m in range(streams.size):
        for q in range(g.shape[0]):
            x = g[q]
            total = 0.0
            for start in range(0, n, _WORD):
                word = _mix(streams[m] + np.uint64(start // _WORD + 1) * _GAMMA)
                part = 0.0
                for b in range(min(_WORD, n - start)):
                    part += x[start + b] * np.float64((word >> np.uint64(b)) & _ONE)
                total += part
            out[q, m] = total


def coalition_sums(g: FloatArray, streams: StreamArray) -> FloatArray:
    """Sum statistics over random coalitions; every agent is in with probability ½.

    Parameters
    ----------
    g
        float64 (p, n), contiguous.
    streams
        uint64 (M,), one per coalition.

    Returns
    -------
    ndarray
        float64 (p, M).

    Notes
    -----
    docs/methods.md, "Baselines".
    """
    pieces = [streams[start : start + 16] for start in range(0, streams.size, 16)]

    def work(piece: StreamArray) -> FloatArray:
        out = np.empty((g.shape[0], piece.size))
        _coalition_sums(g, piece, out)
        return out

    return np.concatenate(list(in_order(work, pieces)), axis=1)


@compiled.jit()
def _coalition_gaps(s, order, streams, out):
    n = s.size
    words = np.empty((n + _WORD - 1) // _WORD, np.uint64)
    for m in range(streams.size):
        for j in range(words.size):
            words[j] = _mix(streams[m] + np.uint64(j + 1) * _GAMMA)
        pairs = total = members = 0.0
        for k in range(n):
            i = order[k]
            if (words[i // _WORD] >> np.uint64(i % _WORD)) & _ONE:
                x = s[i]
                pairs += members * x - total
                total += x
                members += 1.0
        out[m] = pairs + (n - members) * total


def coalition_gaps(s: FloatArray, order: IntArray, streams: StreamArray) -> FloatArray:
    """Sum |s_i - s_j| over all pairs, where those outside a random coalition count as 0.

    Parameters
    ----------
    s
        float64 (n,), ≥ 0.
    order
        int64 (n,), the agents by ascending s: it makes a coalition cost O(n).
    streams
        uint64 (M,), one per coalition; the same coalitions as those of `coalition_sums`.

    Returns
    -------
    ndarray
        float64 (M,).

    Notes
    -----
    docs/methods.md, "gini" and "Baselines".
    """
    pieces = [streams[start : start + 16] for start in range(0, streams.size, 16)]

    def work(piece: StreamArray) -> FloatArray:
        out = np.empty(piece.size)
        _coalition_gaps(s, order, piece, out)
        return out

    return np.concatenate(list(in_order(work, pieces)))


@compiled.jit()
def _presence_sums(values, streams, start, counts, sums, squares):
    for lo in range(0, counts.size, _BLOCK):
        hi = min(lo + _BLOCK, counts.size)
        for m in range(streams.size):
            value = values[m]
            square = value * value
            for first in range(lo, hi, _WORD):
                word = _mix(streams[m] + np.uint64((start + first) // _WORD + 1) * _GAMMA)
                for b in range(min(_WORD, hi - first)):
                    present = np.float64((word >> np.uint64(b)) & _ONE)
                    counts[first + b] += present
                    sums[first + b] += present * value
                    squares[first + b] += present * square


def presence_sums(
    n: int, values: FloatArray, streams: StreamArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Count the coalitions each agent is in, and sum their values and squared values.

    Parameters
    ----------
    n
        How many agents.
    values
        float64 (M,), best centred about their mean.
    streams
        uint64 (M,), as for `coalition_sums`.

    Returns
    -------
    tuple of three arrays
        float64 (n,) each: counts, sums, sums of squares.

    Notes
    -----
    Maximum sample reuse: Wang & Jia (2023), "Data Banzhaf", AISTATS, arXiv 2205.15466, section 4;
    docs/methods.md, "Baselines".
    """
    counts, sums, squares = np.zeros(n), np.zeros(n), np.zeros(n)

    def work(start: int, stop: int) -> None:
        part = slice(start, stop)
        _presence_sums(values, streams, start, counts[part], sums[part], squares[part])

    compiled.spread(n, work)
    return counts, sums, squares
