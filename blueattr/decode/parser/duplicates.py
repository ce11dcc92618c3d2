# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
# ruff: noqa: PLR0917 (kernels take their arguments by position)
"""Find the rows of one record that several rows of a batch share."""

import secrets

import numpy as np
import numpy.typing as npt

from blueattr.kernels import compiled
from blueattr.kernels.compiled import IntArray

__all__ = ["find_duplicates"]


U = np.uint64


@compiled.jit()
def _find(account, rkey, kind, seed, slots, duplicate):
    mask = U(slots.size - 1)
    for k in range(rkey.size):
        # Whoever writes events chooses their keys, but does not know the seed.
        mixed = (U(rkey[k]) ^ seed) * U(0x9E3779B97F4A7C15)
        mixed ^= mixed >> U(32)
        mixed = (mixed ^ (U(account[k]) << U(8) | U(kind[k]))) * U(0xD6E8FEB86659FD93)
        slot = np.int64((mixed ^ mixed >> U(32)) & mask)
        while True:
            other = slots[slot]
            if other < 0:
                slots[slot] = k
                break
            if rkey[other] == rkey[k] and account[other] == account[k] and kind[other] == kind[k]:
                duplicate[other] = duplicate[k] = True
                break
            slot = np.int64(U(slot + 1) & mask)


def find_duplicates(
    account: npt.NDArray[np.uint32], rkey: IntArray, kind: npt.NDArray[np.uint8]
) -> npt.NDArray[np.bool_]:
    """Find the rows whose key another row has as well.

    Parameters
    ----------
    account, rkey, kind
        uint32, int64 and uint8 (n,): the key, n below 2^31.

    Returns
    -------
    bool (n,)
    """
    duplicate = np.zeros(rkey.size, np.bool_)
    slots = np.full(1 << (2 * rkey.size).bit_length(), -1, np.int32)
    _find(account, rkey, kind, np.uint64(secrets.randbits(64)), slots, duplicate)
    return duplicate
