# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
# ruff: noqa: PLR0917 (kernels take their arguments by position)
"""Compiled kernels of the bootstrap: resampled sums of statistics and of pairwise excess by tier.

A resample draws n agents of n with replacement. That is the same as drawing how many of them come
from each block of at most `BLOCK` agents (multinomial), and then agents from within each block.
Every block stays in the caches while several resamples draw from it, so that a draw costs about a
nanosecond and not the access to a far part of memory: O(n) per resample.

Each resample has a random stream of its own, so that the result does not depend on the number of
threads. The streams are SplitMix64 (Steele, Lea & Flood 2014), bounded without bias (Lemire 2019).
"""

import numpy as np
import numpy.typing as npt

from blueattr.kernels import compiled
from blueattr.kernels.compiled import FloatArray, IntArray
from blueattr.kernels.games import _GAMMA, _HALF, _LOW_HALF, _ONE, StreamArray, _mix, in_order

__all__ = ["BLOCK", "resample_excess", "resample_sums"]


BLOCK = 1 << 11
"""Agents that are drawn from together."""


_INDEX = np.uint64(BLOCK - 1)
_SHIFT_1, _SHIFT_2, _SHIFT_3, _SHIFT_4 = (np.uint64(11 * k) for k in range(1, 5))
_AT_ONCE = 16  # resamples that a thread takes at a time
_SELDOM = 8  # of so many agents at most one has what a sum passes over all others for


@compiled.jit()
def _draw(times, size, count, state):
    """Draw ``count`` of a block's agents; write how often each, and return the next state."""
    times[:size] = 0.0
    if size == BLOCK:
        # Five numbers of 11 bits from each random one.
        for _ in range(count // 5):
            state += _GAMMA
            word = _mix(state)
            times[word & _INDEX] += 1.0
            times[(word >> _SHIFT_1) & _INDEX] += 1.0
            times[(word >> _SHIFT_2) & _INDEX] += 1.0
            times[(word >> _SHIFT_3) & _INDEX] += 1.0
            times[(word >> _SHIFT_4) & _INDEX] += 1.0
        count %= 5
    bound = np.uint64(size)
    threshold = ((_ONE << _HALF) - bound) % bound
    for _ in range(count):
        state += _GAMMA
        product = (_mix(state) >> _HALF) * bound
        while (product & _LOW_HALF) < threshold:  # these would make some agents likelier
            state += _GAMMA
            product = (_mix(state) >> _HALF) * bound
        times[product >> _HALF] += 1.0
    return state


@compiled.jit()
def _weighted_sums(x, times):
    """Σ x·times for two resamples, each in four running sums: fast, and alike on every machine."""
    first, second = times[0], times[1]
    s0 = s1 = s2 = s3 = 0.0
    t0 = t1 = t2 = t3 = 0.0
    whole = x.size // 4 * 4
    for i in range(0, whole, 4):
        s0 += x[i] * first[i]
        s1 += x[i + 1] * first[i + 1]
        s2 += x[i + 2] * first[i + 2]
        s3 += x[i + 3] * first[i + 3]
        t0 += x[i] * second[i]
        t1 += x[i + 1] * second[i + 1]
        t2 += x[i + 2] * second[i + 2]
        t3 += x[i + 3] * second[i + 3]
    for i in range(whole, x.size):
        s0 += x[i] * first[i]
        t0 += x[i] * second[i]
    return (s0 + s1) + (s2 + s3), (t0 + t1) + (t2 + t3)


@compiled.jit()
def _find_others(x, places, ends):
    """Write where x is not 0, by the four sums of `_weighted_sums`; return whether that is seldom.

    What is 0 changes no bit of a sum.
    """
    most, found, whole = x.size // _SELDOM, 0, x.size // 4 * 4
    for lane in range(4):
        for i in range(lane, whole, 4):
            if x[i] != 0.0:
                if found == most:
                    return False
                places[found] = i
                found += 1
        if lane == 0:
            for i in range(whole, x.size):
                if x[i] != 0.0:
                    if found == most:
                        return False
                    places[found] = i
                    found += 1
        ends[lane] = found
    return True


@compiled.jit()
def _sum_others(x, times, places, ends):
    """Σ x·times of one resample, by the places of what is not 0."""
    s0 = s1 = s2 = s3 = 0.0
    for k in range(ends[0]):
        s0 += x[places[k]] * times[places[k]]
    for k in range(ends[0], ends[1]):
        s1 += x[places[k]] * times[places[k]]
    for k in range(ends[1], ends[2]):
        s2 += x[places[k]] * times[places[k]]
    for k in range(ends[2], ends[3]):
        s3 += x[places[k]] * times[places[k]]
    return (s0 + s1) + (s2 + s3)


@compiled.jit()
def _resample_sums(table, starts, groups, counts, streams, out):
    # A block is read from far memory once for all of these resamples, which go two by two: while
    # one waits for its last sum, the other adds. An odd last one goes with nothing.
    p, states = table.shape[0], streams.copy()
    times = np.zeros((2, BLOCK), np.float64)
    places, ends = np.empty((p, BLOCK), np.int64), np.empty((p, 4), np.int64)
    is_sparse = np.empty(p, np.bool_)
    for j in range(groups.size):
        first, stop = starts[j], starts[j + 1]
        for k in range(p):
            is_sparse[k] = _find_others(table[k, first:stop], places[k], ends[k])
        for r in range(0, streams.size, 2):
            two = min(2, streams.size - r)
            for t in range(two):
                states[r + t] = _draw(times[t], stop - first, counts[r + t, j], states[r + t])
            for k in range(p):
                x = table[k, first:stop]
                if is_sparse[k]:
                    for t in range(two):
                        part = _sum_others(x, times[t], places[k], ends[k])
                        out[r + t, groups[j], k] += part
                else:
                    parts = _weighted_sums(x, times)
                    out[r, groups[j], k] += parts[0]
                    if two == 2:
                        out[r + 1, groups[j], k] += parts[1]


def resample_sums(
    table: FloatArray,
    starts: IntArray,
    groups: IntArray,
    counts: IntArray,
    streams: StreamArray,
    tiers: int,
) -> FloatArray:
    """Sum statistics by tier over resamples.

    Parameters
    ----------
    table
        float64 (p, n), contiguous: one column per agent, the agents of a tier together.
    starts
        int64 (m + 1,): where each block of agents begins, and n.
    groups
        int64 (m,): the tier of each block.
    counts
        int64 (R, m): how many agents each resample has of each block.
    streams
        uint64 (R,): the start of each resample's random numbers.
    tiers
        How many tiers there are.

    Returns
    -------
    ndarray
        float64 (R, tiers, p).

    Notes
    -----
    docs/methods.md, "Bootstrap".
    """

    def work(piece: slice) -> FloatArray:
        out = np.zeros((streams[piece].size, tiers, table.shape[0]))
        _resample_sums(table, starts, groups, counts[piece], streams[piece], out)
        return out

    return np.concatenate(list(in_order(work, _pieces(streams.size))))


@compiled.jit()
def _resample_excess(s, tier, starts, counts, streams, out):
    times = np.empty(BLOCK, np.float64)
    for r in range(streams.size):
        state = streams[r]
        below, excess, before = 0.0, 0.0, s[0]
        for j in range(starts.size - 1):
            first = starts[j]
            size = starts[j + 1] - first
            state = _draw(times, size, counts[r, j], state)
            for k in range(size):
                # Whoever is not drawn adds nothing and is nobody to be ahead of.
                now = s[first + k]
                excess += below * (now - before)
                before = now
                out[r, tier[first + k]] += times[k] * excess
                below += times[k]


def resample_excess(
    s: FloatArray,
    tier: npt.NDArray[np.uint8],
    starts: IntArray,
    counts: IntArray,
    streams: StreamArray,
    tiers: int,
) -> FloatArray:
    """Sum Σ_j max(s_i - s_j, 0) by tier over resamples, i and j both being of the resample.

    Parameters
    ----------
    s
        float64 (n,), ascending.
    tier
        uint8 (n,).
    starts, counts, streams, tiers
        As for `resample_sums`; blocks are in the order of s, whatever the tier.

    Returns
    -------
    ndarray
        float64 (R, tiers).

    Notes
    -----
    With D the excess of an agent and C the number of agents drawn below it, D rises by C times the
    step in s: the weighted form of the closed form in docs/methods.md, "gini". See also
    "Bootstrap".
    """

    def work(piece: slice) -> FloatArray:
        out = np.zeros((streams[piece].size, tiers))
        _resample_excess(s, tier, starts, counts[piece], streams[piece], out)
        return out

    return np.concatenate(list(in_order(work, _pieces(streams.size))))


def _pieces(resamples: int) -> list[slice]:
    return [slice(start, start + _AT_ONCE) for start in range(0, resamples, _AT_ONCE)]
