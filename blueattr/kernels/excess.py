# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
# ruff: noqa: PLR0917 (kernels take their arguments by position)
"""How far each agent is ahead of all others: Σ_j max(s_i - s_j, 0), in a few passes.

Each of these sums is the exact one, rounded once. It is therefore the same whichever way it is
computed, in memory or by parts of the numbers one after another, whatever the parts are.

The bits of a float ≥ 0, read as an integer, are in the order of the floats. Agents are parted by
the highest of these bits into *cells*, so fine that a cell stays in the processor's cache. An
agent becomes one word there: the bits that its cell leaves open, then its place in the cell. Words
are sorted as integers, which numpy does with the processor's widest instructions. The numbers of a
cell share their exponent, so that all sums within it are integers, and exact. The words give their
places to the results; a last pass, in the order of the agents, collects them.

Where agents are few, a sort of all and one walk is faster; and where they share few values, a walk
from value to value.
"""

import math
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blueattr.kernels import compiled
from blueattr.kernels.compiled import BLOCK, FloatArray, IntArray
from blueattr.kernels.repeats import Repeats, find_repeats
from blueattr.kernels.sums import RunningSum, _accumulate, _new_state
from blueattr.kernels.wide import (
    WORD,
    add_product,
    high_half,
    nearest,
    nearest_of,
    subtract_product,
)

__all__ = ["Ahead", "excess_beyond", "pairwise_excess", "walk"]


WordArray = npt.NDArray[np.uint64]


FEW = 1 << 16  # fewer agents than this are sorted as they are
SHARED = 16  # with as many agents a value as this, on average, values are told apart
MOST = 1 << 19  # but not more of them than this: their table is to stay in the cache


_OPEN = 47  # bits that the coarsest cells leave open: they fix the exponent and five bits more
_SIZE = 16  # binary logarithm of the agents that a cell should have at most
_FRACTION = 52  # bits of a float below its exponent
_BIAS = 1075  # a float with exponent e counts in units of 2^(e - _BIAS)
_PER_WORD = 2.0**-64
_LEAST = 1074  # every float is a whole number of units of 2^-_LEAST
_ALL = (1 << 64) - 1


_ONE, _ZERO = np.uint64(1), np.uint64(0)
_PART = np.uint64(52)
_MANTISSA = np.uint64((1 << 52) - 1)
_EXPONENTS = np.uint64(0x7FF)
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
        left = WORD - open_bits[(bits[i] >> _SHIFT) & _HIGH]
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
        left = WORD - open_bits[cell]
        lowest[cell], highest[cell] = words[start] >> left, words[stop - 1] >> left
        total = np.uint64(0)
        for k in range(start, stop):
            total += words[k] >> left
        excess[cell] = np.uint64(stop - start) * highest[cell] - total


@compiled.jit()
def _excess_in_cells(words, starts, open_bits, lo, hi, before_all, levels, base, unit):
    """Write each agent's excess to the place that its word had before sorting.

    It is a whole number of units of the cell, of two words, and the part of a unit that the cells
    below leave: a word whose last bit says, too, whether anything lies below it.
    """
    size = 0
    for cell in range(lo, hi):
        size = max(size, starts[cell + 1] - starts[cell])
    buffer = np.empty(size, np.float64)
    out = words.view(np.float64)
    for cell in range(lo, hi):
        start, size = starts[cell], starts[cell + 1] - starts[cell]
        if size == 0:
            continue
        left = WORD - open_bits[cell]
        place = (_ONE << left) - _ONE
        high, low, rest = levels[cell, 0], levels[cell, 1], levels[cell, 2]
        below = np.uint64(before_all + start)
        excess = base[cell]
        before = words[start] >> left
        for k in range(size):
            word = words[start + k]
            now = word >> left
            if now != before:
                step, behind = now - before, below + np.uint64(k)
                more = step * behind
                low += more
                high += high_half(step, behind)
                if low < more:
                    high += _ONE
                before = now
                if high != _ZERO:
                    excess = nearest(high, low, rest != _ZERO) * unit[cell]
                else:
                    excess = nearest(low, rest, False) * _PER_WORD * unit[cell]
            buffer[word & place] = excess
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
def _digits(x):
    """Return the digits of a float ≥ 0 as a whole number, and its exponent, at least 1."""
    bits = np.float64(x).view(np.uint64)
    exponent = (bits >> _PART) & _EXPONENTS
    digits = bits & _MANTISSA
    if exponent == _ZERO:
        return digits, _ONE
    return digits | (_ONE << _PART), exponent


@compiled.jit()
def _walk(values, slopes, before, lowest, words, out):
    """Write the excess of ascending values.

    Parameters
    ----------
    values, slopes
        float64 (k,), and uint64 (k,): how much it grows for each unit on the way to a value, which
        is the number of agents below.
    before
        The number where the walk begins.
    lowest
        The smallest exponent of these numbers: words count in units of 2^(lowest - _BIAS).
    words
        uint64 (w,), the excess of the number where the walk begins, lowest word first; overwritten
        by that of the last value.
    out
        float64 (k,).
    """
    unit = np.int64(lowest) - _BIAS
    excess = nearest_of(words, unit)
    digits, exponent = _digits(before)
    for k in range(values.size):
        if values[k] != before:
            now, place = _digits(values[k])
            if now != _ZERO:
                add_product(words, slopes[k], now, place - lowest)
            if digits != _ZERO:
                subtract_product(words, slopes[k], digits, exponent - lowest)
            before, digits, exponent = values[k], now, place
            excess = nearest_of(words, unit)
        out[k] = excess


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


class Ahead(NamedTuple):
    """How far a number is ahead of all that came before it: where a walk stands.

    Parameters
    ----------
    number
        The largest number so far, ≥ 0.
    below
        How many numbers there were.
    excess
        Σ (number - s) over these, in units of 2^-1074, which makes it whole.
    """

    number: float = 0.0
    below: int = 0
    excess: int = 0

    def to(self, number: float, count: int = 1) -> "Ahead":
        """Go on to a larger number, which there are ``count`` of."""
        further = self.below * (_whole(number) - _whole(self.number))
        return Ahead(number, self.below + count, self.excess + further)

    @property
    def whole(self) -> int:
        """The number in units of 2^-1074."""
        return _whole(self.number)

    def nearest(self) -> float:
        """Return the excess of the number as the nearest float."""
        return self.excess / (1 << _LEAST)  # integers divide to the nearest float


def _whole(number: float) -> int:
    numerator, denominator = number.as_integer_ratio()
    return (numerator << _LEAST) // denominator


def _levels(
    start: Ahead,
    counts: list[int],
    exponents: list[int],
    lowest: list[int],
    highest: list[int],
    gain: list[int],
) -> tuple[WordArray, FloatArray, Ahead]:
    """Return the excess of the lowest agent of each cell, and where the last cell ends.

    Exact, in integers: from the highest of one cell to the lowest of the next, all agents of the
    cells below are left behind by as much more; within a cell there is besides its own `gain`.

    Returns
    -------
    ndarray
        uint64 (cells, 3): in units of the cell, two words of a whole number and a word of the rest.
    ndarray
        float64 (cells,), the nearest float.
    Ahead
        Of the highest of all.
    """
    words, base = np.zeros((len(counts), 3), np.uint64), np.zeros(len(counts))
    level, below, before = start.excess, start.below, _whole(start.number)
    for k, count in enumerate(counts):
        if not count:
            continue
        shift = exponents[k] - 1  # its unit, in those of 2^-1074
        level += below * ((lowest[k] << shift) - before)
        base[k] = level / (1 << _LEAST)
        units, rest = level >> shift, level & ((1 << shift) - 1)
        rest, lost = divmod(rest << 64, 1 << shift)
        words[k] = units >> 64, units & _ALL, rest | (lost != 0)
        level += (below * (highest[k] - lowest[k]) + gain[k]) << shift
        before = highest[k] << shift
        below += count
    return words, base, Ahead(before / (1 << _LEAST), below, level)


def _fill_cells(words: WordArray, starts: IntArray, cells: _Cells, ahead: Ahead) -> Ahead:
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
    levels, base, end = _levels(
        ahead,
        np.diff(starts).tolist(),
        exponents.tolist(),
        (leading + lowest.astype(np.int64)).tolist(),
        (leading + highest.astype(np.int64)).tolist(),
        gain.tolist(),
    )
    unit = np.ldexp(1.0, exponents - _BIAS)
    compiled.each(
        lambda lo, hi: _excess_in_cells(
            words, starts, cells.open_bits, lo, hi, ahead.below, levels, base, unit
        ),
        shares,
    )
    return end


def _first(values: FloatArray) -> list[float]:
    """Return the first of ascending values ≥ 0 that is not 0, if there is one."""
    at = int(np.searchsorted(values, 0.0, "right"))
    return [float(x) for x in values[at : at + 1]]


def _walk_from(ahead: Ahead, values: FloatArray, counts: IntArray) -> tuple[FloatArray, Ahead]:
    """Walk from value to value; return the excess of each, and where the last one is."""
    if not values.size:
        return np.empty(0), ahead
    upto = ahead.below + np.cumsum(counts)
    out, level = walk(ahead.number, ahead.excess, values, (upto - counts).astype(np.uint64))
    return out, Ahead(float(values[-1]), int(upto[-1]), level)


def walk(
    number: float, level: int, values: FloatArray, slopes: WordArray
) -> tuple[FloatArray, int]:
    """Walk over ascending values, exactly: level + Σ slope · step, each rounded once.

    Parameters
    ----------
    number, level
        Where the walk begins, and what is there, in units of 2^-1074.
    values
        float64 (k,), k ≥ 1, ascending from `number` on.
    slopes
        uint64 (k,): the slope on the way to each.

    Returns
    -------
    ndarray
        float64 (k,), ≥ 0: what is at each value.
    int
        What is at the last one, in units of 2^-1074.
    """
    out = np.empty(values.size)
    present = [x for x in (number, *_first(values), float(values[-1])) if x]
    exponents = [max(math.frexp(x)[1] + 1022, 1) for x in present] or [1]
    # The unit divides the level that the walk begins with, too.
    tail = (level & -level).bit_length() or exponents[0]
    lowest = min(*exponents, tail)
    most = max(int(slopes.max()).bit_length() + max(exponents), level.bit_length())
    words = np.zeros((most - lowest + 55) // 64 + 4, np.uint64)
    level >>= lowest - 1
    for k in range(words.size):
        words[k] = (level >> (64 * k)) & _ALL
    _walk(values, slopes, number, np.uint64(lowest), words, out)
    level = sum(int(word) << (64 * k) for k, word in enumerate(words.tolist()))
    return out, level << (lowest - 1)


def _excess_of_few(
    s: FloatArray, factor: float, ahead: Ahead
) -> tuple[FloatArray, RunningSum, Ahead]:
    order = np.argsort(s)
    found, end = _walk_from(ahead, np.abs(s[order]), np.ones(s.size, np.int64))
    total = RunningSum()
    total.add(found)
    s[order] = factor * found
    return s, total, end


def _excess_of_values(
    s: FloatArray, repeats: Repeats, factor: float, ahead: Ahead
) -> tuple[FloatArray, RunningSum, Ahead]:
    found, end = _walk_from(ahead, repeats.values, repeats.counts)
    return s, repeats.spread(found, factor, s), end


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
        float64 (n,), the argument itself. Each Σ is the exact one, rounded once to the nearest
        float: ≥ 0, equal for equal s, and exactly 0 at the smallest.
    Fraction
        Σ_i Σ_j max(s_i - s_j, 0) of the rounded sums, as `blueattr.kernels.exact_sum` gives it.

    Raises
    ------
    OverflowError
        When a sum is not finite, or 2^927 or larger.

    Notes
    -----
    The Aumann-Shapley value of the pairwise ``gini``: docs/methods.md, "gini".
    """
    values, total, _ = excess_beyond(Ahead(), s, factor)
    return values, total.value()


def excess_beyond(
    ahead: Ahead, s: FloatArray, factor: float = 1.0
) -> tuple[FloatArray, RunningSum, Ahead]:
    """Do what `pairwise_excess` does for the next of numbers that come in ascending parts.

    Parameters
    ----------
    ahead
        Of all numbers before these, none of which is larger than any of these.
    s, factor
        As for `pairwise_excess`: the numbers of one part, in any order.

    Returns
    -------
    factor · Σ_j max(s_i - s_j, 0)
        float64 (n,), the argument itself; j runs over all numbers up to this part's.
    RunningSum
        Of the sums of this part.
    Ahead
        Of all numbers so far: that of the next part.
    """
    if s.size < FEW:
        return _excess_of_few(s, factor, ahead)
    repeats = find_repeats(s, min(s.size // SHARED, MOST))
    if repeats is not None:
        return _excess_of_values(s, repeats, factor, ahead)
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
    end = _fill_cells(words, starts, cells, ahead)
    total = RunningSum()
    total.take(compiled.each(collect, stretches))
    return s, total, end
