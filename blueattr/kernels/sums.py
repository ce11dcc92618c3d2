# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
"""Reproducible sums: the same for every order of the numbers and every number of threads.

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
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from blueattr.kernels import compiled
from blueattr.kernels.compiled import BLOCK, FloatArray, IntArray

__all__ = ["RunningGroupSums", "RunningSum", "exact_sum", "exact_sums", "group_sums"]


WIDTH = 32
FOLDS = 3


_LOWEST, _HIGHEST = -29, 28  # the bins whose unit, and 1.5·2^52 of it, are normal floats
_OVERFLOW = 1 << 20  # above every bin: a sum that has met a number too large stays there
# As many numbers come in one of several chunks, for which it is worth to load a kernel.
_MANY = 1 << 19
_MAGNITUDE = 0x7FFF_FFFF_FFFF_FFFF
_UNITS = np.ldexp(1.0, WIDTH * np.arange(_LOWEST - FOLDS + 1, _HIGHEST + 1))  # of each bin
_SHIFT = 1.5 * 2.0**52


def _new_state() -> IntArray:
    state = np.zeros(1 + FOLDS, np.int64)
    state[0] = _LOWEST
    return state


@compiled.jit(fastmath={"reassoc", "nsz"})
def _add(total, x):
    # Only this addition may be reordered: within a block it is exact, and so it can be vectorised.
    return total + x


@compiled.jit()
def _raise_level(state, level):
    up = level - state[0]
    if up <= 0:
        return
    for k in range(FOLDS, 0, -1):
        state[k] = state[k - up] if k - up > 0 else 0
    state[0] = level


@compiled.jit()
def _accumulate(block, state):
    """Add at most `BLOCK` numbers to a running sum: state = (highest bin, its count, the next…)."""
    bits = block.view(np.int64)
    while state[0] != _OVERFLOW:
        at = state[0] - _LOWEST + FOLDS - 1
        unit0, unit1, unit2 = _UNITS[at], _UNITS[at - 1], _UNITS[at - 2]
        shift0, shift1, shift2 = _SHIFT * unit0, _SHIFT * unit1, _SHIFT * unit2
        sum0 = sum1 = sum2 = 0.0
        top = np.int64(0)
        for i in range(block.size):
            top = max(top, bits[i] & _MAGNITUDE)
            x = block[i]
            part = (x + shift0) - shift0
            sum0 = _add(sum0, part)
            x -= part
            part = (x + shift1) - shift1
            sum1 = _add(sum1, part)
            x -= part
            part = (x + shift2) - shift2
            sum2 = _add(sum2, part)
        # The highest bin that any |x| < 2^(exponent + 1) reaches after rounding.
        level = ((top >> 52) - 1022) // WIDTH
        if level <= state[0]:
            state[1] += np.int64(sum0 / unit0)
            state[2] += np.int64(sum1 / unit1)
            state[3] += np.int64(sum2 / unit2)
            return
        # Seldom: the bins in use are too low, so that nothing above is right. Once more.
        if level > _HIGHEST:
            state[0] = _OVERFLOW
        else:
            _raise_level(state, level)


@compiled.jit()
def _accumulate_all(x, state):
    for start in range(0, x.size, BLOCK):
        _accumulate(x[start : start + BLOCK], state)


def _accumulate_any(x: FloatArray, state: IntArray) -> None:
    """Add a vector to a running sum, by the kernel or by numpy."""
    if x.size >= _MANY or not compiled.few(x.size):
        _accumulate_all(x, state)
        return
    top = int(np.max(x.view(np.int64) & _MAGNITUDE, initial=0))
    level = ((top >> 52) - 1022) // WIDTH
    if max(level, int(state[0])) > _HIGHEST:
        state[0] = _OVERFLOW
        return
    _raise_level.plain(state, level)
    at = int(state[0]) - _LOWEST + FOLDS - 1
    for fold in range(FOLDS if x.size else 0):
        unit = _UNITS[at - fold]
        part = (x + _SHIFT * unit) - _SHIFT * unit
        sums = np.add.reduceat(part, np.arange(0, x.size, BLOCK))  # exact
        state[1 + fold] += int((sums / unit).astype(np.int64).sum())
        x = x - part


State = tuple[int, ...]
"""A sum of so many numbers as one likes: its highest bin, then the count of it and of the next."""


def _join(states: Iterable[Sequence[int] | IntArray]) -> State:
    """Add up the states of sums, whatever their order; nothing is written to them."""
    known = [tuple(map(int, state)) for state in states]
    level = max((state[0] for state in known), default=_LOWEST)
    counts = [0] * FOLDS
    for highest, *theirs in known:
        down = level - highest
        for k in range(FOLDS - down):  # what lies below the lowest bin is lost
            counts[down + k] += theirs[k]
    return level, *counts


def _value(state: State) -> Fraction:
    """Return the exact value of a running sum."""
    level, *counts = state
    if level > _HIGHEST:
        raise OverflowError("a number is not finite or too large to be summed (2^927 or more)")
    total = 0  # in units of the lowest bin in use
    for count in counts:
        total = (total << WIDTH) + count
    exponent = WIDTH * (level - FOLDS + 1)
    return Fraction(total << exponent) if exponent >= 0 else Fraction(total, 1 << -exponent)


def _read(states: Iterable[IntArray]) -> Fraction:
    """Return the exact value of the sums that kernels have accumulated, taken together."""
    return _value(_join(states))


class RunningSum:
    """A sum of vectors given one after another, equal to that of all of them joined, to the bit.

    Sums of parts can be joined in any order and any tree, and are kept, sent and read back as their
    state: a tuple of integers, which has no largest number of summands.

    Parameters
    ----------
    state
        That of a sum to go on from: four whole numbers, as a tuple, list or array, which may be
        read-only; by default of nothing.

    Raises
    ------
    ValueError
        The state is none.
    """

    def __init__(self, state: Sequence[int] | IntArray = (_LOWEST, *(0,) * FOLDS)) -> None:
        if len(state) != 1 + FOLDS or not (
            _LOWEST <= state[0] <= _HIGHEST or state[0] == _OVERFLOW
        ):
            raise ValueError(f"{state!r} is not the state of a sum")
        self.state: State = _join([state])
        """The way out: the same for the same elements, however they were parted and joined."""

    def take(self, states: Iterable[Sequence[int] | IntArray]) -> None:
        """Add what kernels have accumulated, or the states of other sums."""
        self.state = _join([self.state, *states])

    def add(self, x: FloatArray) -> None:
        """Add the elements of a vector, float64 (n,), n < 2^32."""
        x = compiled.readonly(x)

        def work(start: int, stop: int) -> IntArray:
            state = _new_state()
            _accumulate_any(x[start:stop], state)
            return state

        self.take(compiled.spread(x.size, work))

    def add_copies(self, x: float, count: int) -> None:
        """Add a number as often as ``count`` says, as if it were so many elements."""
        one = RunningSum()
        one.add(np.array([x]))
        level, *counts = one.state
        self.take([(level, *(count * units for units in counts))] if count else [])

    def value(self) -> Fraction:
        """Return the sum so far.

        Raises
        ------
        OverflowError
            When an element was not finite, or 2^927 or larger.
        """
        return _value(self.state)


def exact_sums(*vectors: FloatArray) -> tuple[Fraction, ...]:
    """Sum vectors of one length, each the same for every order and every number of threads.

    Parameters
    ----------
    vectors
        float64 (n,), n < 2^32.

    Returns
    -------
    tuple of Fraction
        Each within n·2^-64·max|x| of the true sum; ``float()`` of it rounds once.

    Raises
    ------
    OverflowError
        When an element is not finite, or 2^927 or larger.

    Notes
    -----
    Demmel & Nguyen (2015); docs/methods.md, "Sums".
    """
    vectors = tuple(map(compiled.readonly, vectors))

    def work(start: int, stop: int) -> list[IntArray]:
        states = [_new_state() for _ in vectors]
        for x, state in zip(vectors, states, strict=True):
            _accumulate_any(x[start:stop], state)
        return states

    states = compiled.spread(vectors[0].size, work)
    return tuple(_read(of_one) for of_one in zip(*states, strict=True))


def exact_sum(x: FloatArray) -> Fraction:
    """Sum one vector: see `exact_sums`."""
    return exact_sums(x)[0]


@compiled.jit()
def _flush(buffer, fill, state, state_abs):
    part = buffer[:fill]
    _accumulate(part, state)
    for i in range(fill):
        part[i] = abs(part[i])
    _accumulate(part, state_abs)


@compiled.jit()
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


class RunningGroupSums:
    """Sums by group, and of magnitudes by group, of vectors given one after another.

    Parameters
    ----------
    count
        The number of groups.
    """

    def __init__(self, count: int) -> None:
        self._signed = [RunningSum() for _ in range(count)]
        self._magnitudes = [RunningSum() for _ in range(count)]

    @property
    def states(self) -> tuple[list[State], list[State]]:
        """The states of Σx and of Σ|x| of each group, for `take`: see `RunningSum`."""
        return [one.state for one in self._signed], [one.state for one in self._magnitudes]

    def take(
        self,
        signed: Sequence[Sequence[int] | IntArray] | IntArray,
        magnitudes: Sequence[Sequence[int] | IntArray] | IntArray,
    ) -> None:
        """Add the sums of others, or of kernels, by their states: one for each group."""
        for one, state in zip(self._signed, signed, strict=True):
            one.take([state])
        for one, state in zip(self._magnitudes, magnitudes, strict=True):
            one.take([state])

    def add(self, x: FloatArray, groups: npt.NDArray[np.uint8]) -> None:
        """Add a vector, float64 (n,); groups is uint8 (n,), each below the number of groups."""
        x = compiled.readonly(x)
        count = len(self._signed)

        def work(start: int, stop: int) -> tuple[IntArray, IntArray]:
            signed = np.stack([_new_state() for _ in range(count)])
            magnitudes = signed.copy()
            if compiled.few(x.size):
                for g in range(count):
                    of_group = x[start:stop][groups[start:stop] == g]
                    _accumulate_any(compiled.readonly(of_group), signed[g])
                    _accumulate_any(compiled.readonly(np.abs(of_group)), magnitudes[g])
            else:
                _accumulate_groups(x[start:stop], groups[start:stop], signed, magnitudes)
            return signed, magnitudes

        for part in compiled.spread(x.size, work):
            self.take(*part)

    def add_copies(self, x: float, counts: Sequence[int]) -> None:
        """Add a number to each group as often as ``counts`` says."""
        for signed, magnitudes, count in zip(self._signed, self._magnitudes, counts, strict=True):
            signed.add_copies(x, count)
            magnitudes.add_copies(abs(x), count)

    def values(self) -> tuple[list[Fraction], list[Fraction]]:
        """Return Σx and Σ|x| of each group so far.

        Raises
        ------
        OverflowError
            When an element was not finite, or 2^927 or larger.
        """
        return [one.value() for one in self._signed], [one.value() for one in self._magnitudes]


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
    sums = RunningGroupSums(count)
    sums.add(x, groups)
    return sums.values()
