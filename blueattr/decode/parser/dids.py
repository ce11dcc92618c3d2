# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
# ruff: noqa: PLR0917 (kernels take their arguments by position)
"""DIDs as numbers: written in letters, and numbered from 0 within a batch."""

import secrets

import numpy as np
import numpy.typing as npt

from blueattr.decode.parser import layout
from blueattr.decode.parser.identifiers import LETTERS, PLC
from blueattr.decode.parser.layout import ParsedLines
from blueattr.kernels import compiled
from blueattr.kernels.compiled import IntArray

__all__ = ["Dids", "spell", "spell_dids"]


U = np.uint64


@compiled.jit(makes_arrays=False)
def spell(numbers, out):
    """Write numbers in base 32, as in DIDs and TIDs, one to a row of uint8 (n, digits)."""
    for row in range(out.shape[0]):
        left = numbers[row]
        for k in range(out.shape[1] - 1, -1, -1):
            out[row, k] = LETTERS[left & 31]
            left >>= 5


def spell_dids(high: IntArray, low: IntArray) -> npt.NDArray[np.uint8]:
    """Write DIDs from the numbers of their first and last twelve digits: uint8 (n, 32)."""
    out = np.empty((len(high), 32), np.uint8)
    out[:, :8] = PLC
    if len(out):
        spell(high, out[:, 8:20])
        spell(low, out[:, 20:])
    return out


# DIDs looked up together, so that their reads from memory overlap.
_AT_ONCE = 384


@compiled.jit(makes_arrays=False)
def _tag(high, low, seed):
    """Hash a DID to 32 bits."""
    # Whoever writes events chooses DIDs, but does not know the seed.
    mixed = (U(high) ^ seed) * U(0x9E3779B97F4A7C15)
    mixed ^= mixed >> U(32)
    mixed = (mixed ^ U(low)) * U(0xD6E8FEB86659FD93)
    mixed ^= mixed >> U(32)
    return mixed * U(0x9E3779B97F4A7C15) >> U(32)


@compiled.jit(makes_arrays=False)
def _find(high, low, tag, shift, slots, keys, known):
    """Return the number of a DID; a new one gets the next number, `known`."""
    slot = np.int64(tag >> shift)
    while True:
        entry = slots[slot]
        if entry == U(0):
            slots[slot] = tag << U(32) | U(known + 1)
            keys[known, 0], keys[known, 1] = high, low
            return known
        if entry >> U(32) == tag:
            code = np.int64(entry & U(0xFFFFFFFF)) - 1
            if keys[code, 0] == high and keys[code, 1] == low:
                return code
        slot = (slot + 1) & (slots.size - 1)


@compiled.jit(makes_arrays=False)
def _intern(numbers, flags, seed, shift, slots, keys, known, codes, work):
    """Assign numbers to the DIDs of rows; `work` is int64 (5, `_AT_ONCE` + 4).

    Returns how many DIDs have a number now.
    """
    high, low, to, tags, others = range(5)
    row = 0
    while row < flags.size:
        count = 0
        while row < flags.size and count <= _AT_ONCE - 4:
            # Each is written, and written over where it is none: no processor can guess which.
            work[high, count] = numbers[layout.AUTHOR_HIGH, row]
            work[low, count] = numbers[layout.AUTHOR_LOW, row]
            work[to, count] = row
            count += 1
            work[high, count] = numbers[layout.SUBJECT_HIGH, row]
            work[low, count] = numbers[layout.SUBJECT_LOW, row]
            work[to, count] = row + flags.size
            count += flags[row] & layout.HAS_SUBJECT != 0
            work[high, count], work[low, count] = (
                numbers[layout.ROOT_HIGH, row],
                numbers[layout.ROOT_LOW, row],
            )
            work[to, count] = row + 2 * flags.size
            count += flags[row] & layout.HAS_ROOT != 0
            work[high, count], work[low, count] = (
                numbers[layout.OTHER_HIGH, row],
                numbers[layout.OTHER_LOW, row],
            )
            work[to, count] = row + 3 * flags.size
            count += flags[row] & layout.HAS_OTHER != 0
            row += 1
        for n in range(count):
            work[tags, n] = np.int64(_tag(work[high, n], work[low, n], seed))
        for n in range(count):
            work[others, n] = np.int64(slots[np.int64(U(work[tags, n]) >> shift)])
        unknown = 0
        for n in range(count):
            entry = work[others, n]
            # Where there is none, the first account stands in: there is no branch to guess wrong.
            code = max((entry & 0xFFFFFFFF) - 1, 0)
            codes[work[to, n]] = code
            work[others, unknown] = n
            same = (keys[code, 0] == work[high, n]) & (keys[code, 1] == work[low, n])
            unknown += not (same & (entry != 0))
        for m in range(unknown):
            n = work[others, m]
            code = _find(work[high, n], work[low, n], U(work[tags, n]), shift, slots, keys, known)
            known = max(known, code + 1)
            codes[work[to, n]] = code
    return known


@compiled.jit(makes_arrays=False)
def _intern_each(dids, seed, shift, slots, keys, known, codes):
    """Assign numbers to DIDs, int64 (2, n). Return how many DIDs have a number now."""
    for n in range(codes.size):
        tag = _tag(dids[0, n], dids[1, n], seed)
        code = _find(dids[0, n], dids[1, n], tag, shift, slots, keys, known)
        known = max(known, code + 1)
        codes[n] = code
    return known


@compiled.jit(makes_arrays=False)
def _refill(before, shift, slots):
    # In order of their tags: memory is gone through from its beginning to its end.
    for entry in before:
        if entry != U(0):
            slot = np.int64(entry >> U(32) >> shift)
            while slots[slot] != U(0):
                slot = (slot + 1) & (slots.size - 1)
            slots[slot] = entry


class Dids:
    """Number DIDs of the method plc from 0, in order of first appearance."""

    def __init__(self) -> None:
        self._seed = np.uint64(secrets.randbits(64))
        # A slot has the upper 32 bits of a hash and a number plus 1; it is 0 where it is empty.
        self._bits = 12
        self._slots = np.zeros(1 << self._bits, np.uint64)
        self._keys = np.zeros((1 << self._bits - 1, 2), np.int64)
        self._work = np.zeros((5, _AT_ONCE + 4), np.int64)
        self.count = 0

    def intern(self, parsed: ParsedLines) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
        """Assign numbers to the DIDs of kept lines.

        Returns
        -------
        uint32 (4, n)
            Of author, subject, root and author of the other record; arbitrary where there is none.
        uint32 (k,)
            Of the mentions.
        """
        most = self.count + 4 * len(parsed.flags) + parsed.mentions.shape[1]
        if most > len(self._keys):
            keys, before = self._keys, self._slots
            self._bits = most.bit_length() + 1
            self._slots = np.zeros(1 << self._bits, np.uint64)
            _refill(before, np.uint64(32 - self._bits), self._slots)
            self._keys = np.empty((1 << self._bits - 1, 2), np.int64)
            self._keys[: self.count] = keys[: self.count]
        codes = np.zeros((4, len(parsed.flags)), np.uint32)
        self.count = int(
            _intern(
                parsed.numbers, parsed.flags, self._seed, np.uint64(32 - self._bits), self._slots,
                self._keys, self.count, codes.reshape(-1), self._work,
            )
        )  # fmt: skip
        mentioned = np.zeros(parsed.mentions.shape[1], np.uint32)
        if len(mentioned):
            self.count = int(
                _intern_each(
                    parsed.mentions, self._seed, np.uint64(32 - self._bits), self._slots,
                    self._keys, self.count, mentioned,
                )
            )  # fmt: skip
        return codes, mentioned

    def letters(self) -> npt.NDArray[np.uint8]:
        """Return the DIDs, in the order of their numbers: uint8 (count, 32), ASCII."""
        keys = self._keys[: self.count]
        return spell_dids(keys[:, 0], keys[:, 1])
