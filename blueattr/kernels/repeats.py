# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
# ruff: noqa: PLR0917 (kernels take their arguments by position)
"""Numbers that repeat: which different ones there are, how often, and which of them each is.

Each stretch of the numbers has a table of its own, with open addressing: a slot for a number that
was met, and its place in the order in which they were met. What is frequent is met early, so that
what belongs to it lies close together. The number 0 stands for an empty slot.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blueattr.kernels import compiled
from blueattr.kernels.compiled import BLOCK, FloatArray, IndexArray, IntArray
from blueattr.kernels.sums import RunningSum, _accumulate, _new_state

__all__ = ["Repeats", "find_repeats"]


WordArray = npt.NDArray[np.uint64]


_ONE = np.uint64(1)
_HALF = np.uint64(32)
_GOLDEN = np.uint64(0x9E37_79B9_7F4A_7C15)  # Knuth's multiplier: 2^64 by the golden ratio
_MAGNITUDE = np.uint64(0x7FFF_FFFF_FFFF_FFFF)  # without the sign: -0.0 and 0.0 are one number


@compiled.jit()
def _number(bits, slots, shift, values, counts, numbers):
    """Assign numbers to values by first appearance; return how many, or -1 if too many."""
    mask, met = np.uint64(slots.size - 1), 0
    for i in range(bits.size):
        value = bits[i] & _MAGNITUDE
        slot = ((value ^ (value >> _HALF)) * _GOLDEN) >> shift
        number = slots[slot]
        while values[number] != value:
            if number == 0:
                met += 1
                if met == values.size:
                    return -1
                slots[slot] = number = met
                values[number] = value
                break
            slot = (slot + _ONE) & mask
            number = slots[slot]
        numbers[i] = number
        counts[number] += 1
    return met


@compiled.jit()
def _look_up(wanted, slots, shift, values, numbers):
    """Look up the numbers of values; 0 for a value that did not appear."""
    mask = np.uint64(slots.size - 1)
    for i in range(wanted.size):
        slot = ((wanted[i] ^ (wanted[i] >> _HALF)) * _GOLDEN) >> shift
        while slots[slot] and values[slots[slot]] != wanted[i]:
            slot = (slot + _ONE) & mask
        numbers[i] = slots[slot]


@compiled.jit()
def _spread(numbers, results, factor, out, state):
    block = np.empty(BLOCK, np.float64)
    for start in range(0, out.size, BLOCK):
        part, which = out[start : start + BLOCK], numbers[start : start + BLOCK]
        for i in range(part.size):
            block[i] = results[which[i]]
        _accumulate(block[: part.size], state)
        for i in range(part.size):
            part[i] = factor * block[i]


class _Table(NamedTuple):
    slots: IndexArray
    shift: np.uint64
    values: WordArray  # from 1 on; the first is no number's bits
    counts: IntArray
    numbers: IndexArray  # of each in the stretch

    @classmethod
    def of(cls, bits: WordArray, most: int) -> "_Table | None":
        width = (2 * most + 1).bit_length()  # at most half of the slots are taken
        slots, shift = np.zeros(1 << width, np.uint32), np.uint64(64 - width)
        values, counts = np.empty(most + 1, np.uint64), np.zeros(most + 1, np.int64)
        values[0] = ~np.uint64(0)
        numbers = np.empty(bits.size, np.uint32)
        met = _number(bits, slots, shift, values, counts, numbers)
        if met < 0:
            return None
        return cls(slots, shift, values[: met + 1], counts[: met + 1], numbers)

    def look_up(self, wanted: WordArray) -> IndexArray:
        numbers = np.empty(wanted.size, np.uint32)
        _look_up(wanted, self.slots, self.shift, self.values, numbers)
        return numbers


@dataclass(frozen=True, slots=True)
class Repeats:
    """The different numbers of a vector.

    Parameters
    ----------
    values
        float64 (d,), ascending.
    counts
        int64 (d,), how often each occurs.
    """

    values: FloatArray
    counts: IntArray
    _parts: list[tuple[_Table, IndexArray]]

    def spread(self, results: FloatArray, factor: float, out: FloatArray) -> RunningSum:
        """Write the result for each distinct number wherever the number occurs.

        Parameters
        ----------
        results
            float64 (d,).
        factor
            What is put there, but not what is summed, is multiplied by it.
        out
            float64 (n,), as long as the vector; overwritten.

        Returns
        -------
        RunningSum
            Of what is put there, before it is multiplied.
        """

        def work(start: int, stop: int, table: _Table, numbers: IndexArray) -> IntArray:
            of_number, state = np.empty(table.values.size), _new_state()
            of_number[numbers] = results  # what was never met here goes to 0, which nobody asks for
            _spread(table.numbers, of_number, float(factor), out[start:stop], state)
            return state

        stretches = compiled.stretches(out.size)
        tasks = [(*ends, *part) for ends, part in zip(stretches, self._parts, strict=True)]
        total = RunningSum()
        total.take(compiled.each(work, tasks))
        return total


def find_repeats(x: FloatArray, most: int) -> Repeats | None:
    """Find the different numbers of a vector, if they are not too many.

    Parameters
    ----------
    x
        float64 (n,), ≥ 0 and finite.
    most
        How many there may be, below 2^31.

    Returns
    -------
    Repeats or None
        None where there are more: soon, where there are many more. Neither that nor anything in it
        depends on the order of the numbers or on threads.
    """
    bits = x.view(np.uint64)
    stretches = compiled.stretches(x.size)
    found = compiled.each(lambda start, stop: _Table.of(bits[start:stop], most), stretches)
    tables = [table for table in found if table is not None]
    if len(tables) < len(found):
        return None
    values = np.sort(np.concatenate([table.values[1:] for table in tables]))
    values = values[
        np.diff(values, prepend=~np.uint64(0)) != 0
    ]  # np.unique takes twenty times as long
    if values.size > most:
        return None
    parts = [(table, table.look_up(values)) for table in tables]
    counts = sum((table.counts[numbers] for table, numbers in parts), np.zeros(values.size, int))
    return Repeats(values.view(np.float64), counts, parts)
