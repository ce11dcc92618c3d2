"""Find the rows of one record that several rows of a batch share."""

import numpy as np
import numpy.typing as npt

__all__ = ["find_duplicates"]


def find_duplicates(
    account: npt.NDArray[np.uint32], rkey: npt.NDArray[np.int64], kind: npt.NDArray[np.uint8]
) -> npt.NDArray[np.bool_]:
    """Find the rows whose key another row has as well.

    It is sorted rather than compiled: what reads no lines needs no machine code, which takes a
    hundred megabytes.

    Parameters
    ----------
    account, rkey, kind
        uint32, int64 and uint8 (n,): the key.

    Returns
    -------
    bool (n,)
    """
    by_size = np.sort(rkey)
    shared = by_size[1:][by_size[1:] == by_size[:-1]]
    # Hardly any two rows have a record key in common, so that few are left by its last bits.
    mask = (1 << rkey.size.bit_length()) - 1
    is_shared = np.zeros(mask + 1, np.bool_)
    is_shared[shared & mask] = True
    rows = np.flatnonzero(is_shared[rkey & mask])
    rows = rows[np.lexsort((kind[rows], account[rows], rkey[rows]))]
    same = np.ones(max(len(rows) - 1, 0), np.bool_)
    for column in (rkey, account, kind):
        same &= column[rows[1:]] == column[rows[:-1]]
    duplicate = np.zeros(rkey.size, np.bool_)
    duplicate[rows[1:][same]] = duplicate[rows[:-1][same]] = True
    return duplicate
