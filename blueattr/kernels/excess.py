# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
# ruff: noqa: PLR0917 (kernels take their arguments by position)
"""How far each agent is ahead of all others: Σ_j max(s_i - s_j, 0), in a few passes.

The bits of a float ≥ 0, read as an integer, are in the order of the floats. Agents are parted by
the highest of these bits into *cells*, so fine that a cell stays in the processor's cache. An
agent becomes one word there: the bits that its cell leaves open, then its place in the cell. Words
are sorted as integers, which numpy does with the processor's widest instructions. The numbers of a
cell share their exponent, so that all sums within it are integers, and exact. The words give their
places to the results; a last pass, in the order of the agents, collects them.

The cells depend on how many agents have which highest bits, not on their order or on threads, and
neither does any bit of the result. Where agents are few, a sort of all and one walk is faster; and
where they share few values, a walk from value to value.
"""

from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blueattr.kernels import compiled
from blueattr.kernels.compiled import BLOCK, FloatArray, IntArray
from blueattr.kernels.repeats import Repeats, find_repeats
from blueattr.kernels.sums import _accumulate, _new_state, _read, exact_sum

__all__ = ["pairwise_excess"]


WordArray = npt.NDArray[np.uint64]


FEW = 1 << 17  # fewer agents than this are sorted as they are
SHARED = 16  # with as many agents a value as this, on average, values are told apart
MOST = 1 << 19  # but not more of them than this: their table is to stay in the cache


_OPEN = 47  # bits that the coarsest cells leave open: they fix the exponent and five bits more
_SIZE = 16  # binary logarithm of the agents that a cell should have at most
_FRACTION = 52  # bits of a float below its exponent
_BIAS = 1075  # a float with exponent e counts in units of 2^(e - _BIAS)


_ONE = np.uint64(1)
_WORD = np.uint64(64)
_SHIFT = np.uint64(_OPEN)
_LOW = np.uint64((1 << _OPEN) - 1)
_HIGH = np.uint64((1 << (63 - _OPEN)) - 1)  # without the sign: -0.0 and 0.0 are ties


@compiled.jit()
def _count_coarsely(bits, counts):
    # Neighbours are often in one cell, and to add twice to one place in a row is slow.
    whole = bits.size // 2 * 2
    for i in range(0, whole, 2):
        counts[0, (bits[i] >> _SHIFT) & _HIGH] += 1
        counts[1, (bits[i + 1] >> _SHIFT) & _HIGH] += 1
    for i in range(whole, bits.size):
        counts[0, (bits[i] >> _SHIFT) & _HIGH] += 1


@compiled.jit()
def _cell(bits, first, open_bits):
    high = (bits >> _SHIFT) & _HIGH
    return first[high] + np.int64((bits & _LOW) >> open_bits[high])


@compiled.jit()
def _count(bits, first, open_bits, counts):
    for i in range(bits.size):
        counts[_cell(bits[i], first, open_bits)] += 1


@compiled.jit()
def _part(bits, first, open_bits, starts, offsets, words):
    """Write each agent's word to its cell; agents of a cell keep their order."""
    for i in range(bits.size):
        cell = _cell(bits[i], first, open_bits)
        to = offsets[cell]
        offsets[cell] = to + 1
        left = _WORD - open_bits[(bits[i] >> _SHIFT) & _HIGH]
        words[to] = (bits[i] << left) | np.uint64(to - starts[cell])


@compiled.jit()
def _find_unsorted(words, starts, lo, hi, unsorted):
    """Mark the cells that must be sorted; a cell of equal words need not be."""
    for cell in range(lo, hi):
        for k in range(starts[cell] + 1, starts[cell + 1]):
            if words[k] < words[k - 1]:
                unsorted[cell] = True
                break


@compiled.jit()
def _summarise(words, starts, open_bits, lo, hi, lowest, highest, excess):
    """Of each sorted cell the ends, and how far its highest is ahead of all in it."""
    for cell in range(lo, hi):
        start, stop = starts[cell], starts[cell + 1]
        if start == stop:
            continue
        left = _WORD - open_bits[cell]
        lowest[cell], highest[cell] = words[start] >> left, words[stop - 1] >> left
        total = np.uint64(0)
        for k in range(start, stop):
            total += words[k] >> left
        excess[cell] = np.uint64(stop - start) * highest[cell] - total


@compiled.jit()
def _excess_in_cells(words, starts, open_bits, lo, hi, base, rest, unit):
    """Write each agent's excess to the place that its word had before sorting."""
    size = 0
    for cell in range(lo, hi):
        size = max(size, starts[cell + 1] - starts[cell])
    buffer = np.empty(size, np.float64)
    out = words.view(np.float64)
    for cell in range(lo, hi):
        start, size = starts[cell], starts[cell + 1] - starts[cell]
        if size == 0:
            continue
        left = _WORD - open_bits[cell]
        place = (_ONE << left) - _ONE
        before = lowest = words[start] >> left
        below = start * unit[cell]
        excess = np.uint64(0)  # below 2^63: at most 2^(_SIZE + r) agents by 2^(_OPEN - r)
        for k in range(size):
            word = words[start + k]
            now = word >> left
            excess += np.uint64(k) * (now - before)
            before = now
            ahead = below * np.float64(np.int64(now - lowest))
            ahead += unit[cell] * np.float64(np.int64(excess))
            buffer[word & place] = base[cell] + (rest[cell] + ahead)
        out[start : start + size] = buffer[:size]


@compiled.jit()
def _collect(s, first, open_bits, offsets, words, factor, state):
    found = words.view(np.float64)
    cells = np.empty(BLOCK, np.int64)
    block = np.empty(BLOCK, np.float64)
    for start in range(0, s.size, BLOCK):
        out = s[start : start + BLOCK]
        bits = out.view(np.uint64)
        for i in range(bits.size):
            cells[i] = _cell(bits[i], first, open_bits)
        for i in range(bits.size):  # by itself, so that many reads are under way at a time
            at = offsets[cells[i]]
            offsets[cells[i]] = at + 1
            block[i] = found[at]
        _accumulate(block[: out.size], state)
        for i in range(out.size):
            out[i] = factor * block[i]


@compiled.jit()
def _walk(s, order, out):
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


@compiled.jit()
def _walk_values(values, counts, out):
    """Do what `_walk` does, for ascending values, each shared by `counts` agents."""
    excess = lost = 0.0
    out[0] = 0.0
    below = counts[0]
    for k in range(1, values.size):
        term = below * (values[k] - values[k - 1]) - lost
        raised = excess + term
        lost = (raised - excess) - term
        excess = raised
        out[k] = excess
        below += counts[k]


class _Cells(NamedTuple):
    """Where agents go; a cell leaves so many bits open, and ``floor`` is its smallest float."""

    first: IntArray  # by highest bits: the first cell
    first_open: WordArray  # by highest bits: the open bits of its cells
    open_bits: WordArray  # by cell
    floor: IntArray  # by cell
    counts: IntArray  # by stretch of agents and cell


def _make_cells(bits: WordArray, stretches: list[tuple[int, int]]) -> _Cells:
    """Choose cells by the number of agents with the same highest bits, and count.

    A coarse cell with c agents becomes 2^r, with the smallest r for which c ≤ 2^(_SIZE + r). They
    leave _OPEN - r bits open, and the rest of a word, 64 - _OPEN + r bits, holds every place in
    one, even where all c agents are in it.
    """

    def count_coarsely(start: int, stop: int) -> IntArray:
        counts = np.zeros((2, 1 << (63 - _OPEN)), np.int64)
        _count_coarsely(bits[start:stop], counts)
        both: IntArray = counts[0] + counts[1]
        return both

    def count(start: int, stop: int) -> IntArray:
        counts = np.zeros(high.size, np.int64)
        _count(bits[start:stop], first, first_open, counts)
        return counts

    coarse = np.stack(compiled.each(count_coarsely, stretches))
    total = coarse.sum(axis=0)
    used = np.flatnonzero(total)
    finer = np.array([max(int(c - 1).bit_length() - _SIZE, 0) for c in total[used].tolist()])
    high = np.repeat(used, 1 << finer)
    first = np.zeros_like(total)
    first[used] = np.cumsum(1 << finer) - (1 << finer)
    first_open = np.full(total.size, _OPEN, np.uint64)
    first_open[used] -= finer.astype(np.uint64)
    counts = (
        np.stack(compiled.each(count, stretches))
        if finer.any()
        else np.ascontiguousarray(coarse[:, used])
    )
    open_bits = first_open[high]
    within = np.arange(high.size) - first[high]
    return _Cells(
        first,
        first_open,
        open_bits,
        (high << _OPEN) + (within << open_bits.astype(np.int64)),
        counts,
    )


def _levels(
    counts: list[int], exponents: list[int], lowest: list[int], highest: list[int], gain: list[int]
) -> tuple[FloatArray, FloatArray]:
    """Return the excess of the lowest agent of each cell, as a float and what that leaves over.

    Exact, in integers: from the highest of one cell to the lowest of the next, all agents of the
    cells below are left behind by as much more; within a cell there is besides its own `gain`.
    """
    base, rest = np.zeros((2, len(counts)))
    # Where all are 0, any exponent will do.
    smallest = min((e for e, top in zip(exponents, highest, strict=True) if top), default=_BIAS)
    up, down = 1 << max(smallest - _BIAS, 0), 1 << max(_BIAS - smallest, 0)
    level = below = before = 0
    for k, count in enumerate(counts):
        if not count:
            continue
        shift = max(exponents[k] - smallest, 0)
        now = lowest[k] << shift
        level += below * (now - before)
        base[k] = nearest = level * up / down  # integers divide to the nearest float
        numerator, denominator = nearest.as_integer_ratio()
        rest[k] = (level * up * denominator - numerator * down) / (down * denominator)
        before = highest[k] << shift
        level += below * (before - now) + (gain[k] << shift)
        below += count
    return base, rest


def _fill_cells(words: WordArray, starts: IntArray, cells: _Cells) -> None:
    """Sort the words of each cell, and put agents' excess where their words were."""
    size = cells.floor.size
    cuts = np.searchsorted(starts, [start for start, _ in compiled.stretches(words.size)])
    shares = list(pairwise((0, *cuts[1:].tolist(), size)))
    unsorted = np.zeros(size, np.bool_)
    lowest, highest, gain = np.zeros((3, size), np.uint64)
    edges = starts.tolist()

    def sort(lo: int, hi: int) -> None:
        _find_unsorted(words, starts, lo, hi, unsorted)
        for cell in (lo + np.flatnonzero(unsorted[lo:hi])).tolist():
            words[edges[cell] : edges[cell + 1]].sort()
        _summarise(words, starts, cells.open_bits, lo, hi, lowest, highest, gain)

    compiled.each(sort, shares)
    # Subnormal numbers have the unit of the smallest normal ones, and no leading bit.
    exponents = np.maximum(cells.floor >> _FRACTION, 1)
    leading = (cells.floor & ((1 << _FRACTION) - 1)) + (
        (cells.floor >> _FRACTION > 0).astype(np.int64) << _FRACTION
    )
    base, rest = _levels(
        np.diff(starts).tolist(),
        exponents.tolist(),
        (leading + lowest.astype(np.int64)).tolist(),
        (leading + highest.astype(np.int64)).tolist(),
        gain.tolist(),
    )
    unit = np.ldexp(1.0, exponents - _BIAS)
    compiled.each(
        lambda lo, hi: _excess_in_cells(words, starts, cells.open_bits, lo, hi, base, rest, unit),
        shares,
    )


def _excess_of_few(s: FloatArray, factor: float) -> tuple[FloatArray, Fraction]:
    out = np.empty(s.size)
    if s.size:
        _walk(s, np.argsort(s), out)
    total = exact_sum(out)
    np.multiply(out, factor, out=s)
    return s, total


def _excess_of_values(
    s: FloatArray, repeats: Repeats, factor: float
) -> tuple[FloatArray, Fraction]:
    out = np.empty(repeats.values.size)
    _walk_values(repeats.values, repeats.counts, out)
    return s, repeats.spread(out, factor, s)


def pairwise_excess(s: FloatArray, factor: float = 1.0) -> tuple[FloatArray, Fraction]:
    """Turn each s_i into factor · Σ_j max(s_i - s_j, 0) in place, and sum the sums.

    Parameters
    ----------
    s
        float64 (n,), ≥ 0 and finite; overwritten.
    factor
        What each result, and not their sum, is multiplied by.

    Returns
    -------
    factor · Σ_j max(s_i - s_j, 0)
        float64 (n,), the argument itself: ≥ 0, equal for equal s, and exactly 0 at the smallest.
    Fraction
        Σ_i Σ_j max(s_i - s_j, 0).

    Raises
    ------
    OverflowError
        When a sum is not finite, or 2^927 or larger.

    Notes
    -----
    The Aumann-Shapley value of the pairwise ``gini``: docs/methods.md, "gini".
    """
    if s.size < FEW:
        return _excess_of_few(s, factor)
    repeats = find_repeats(s, min(s.size // SHARED, MOST))
    if repeats is not None:
        return _excess_of_values(s, repeats, factor)
    stretches = compiled.stretches(s.size)
    bits = s.view(np.uint64)
    cells = _make_cells(bits, stretches)
    starts = np.concatenate(([0], np.cumsum(cells.counts.sum(axis=0))))
    # Where the agents of each stretch begin in each cell.
    offsets = starts[:-1] + np.cumsum(cells.counts, axis=0) - cells.counts
    words = np.empty(s.size, np.uint64)
    places = dict(zip(stretches, offsets, strict=True))

    def part(start: int, stop: int) -> None:
        to = places[start, stop].copy()
        _part(bits[start:stop], cells.first, cells.first_open, starts, to, words)

    def collect(start: int, stop: int) -> IntArray:
        state, at = _new_state(), places[start, stop]
        piece = s[start:stop]
        _collect(piece, cells.first, cells.first_open, at, words, float(factor), state)
        return state

    compiled.each(part, stretches)
    _fill_cells(words, starts, cells)
    return s, _read(compiled.each(collect, stretches))
