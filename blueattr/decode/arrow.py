"""Arrow arrays over the memory of NumPy arrays, without a copy.

`pyarrow.array` makes them too, and imports pandas where it is installed.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["fixed_strings", "flags", "lists", "numbers", "offsets", "strings", "texts"]


def numbers(values: npt.NDArray[Any], present: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """Make an array of integers of any size, null where not `present`; all are by default."""
    valid = None if present is None else _bitmap(present)
    buffers = [valid, pa.py_buffer(np.ascontiguousarray(values))]
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), buffers)


def flags(values: npt.NDArray[np.bool_], present: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """Make an array of truth values, which are copied; as `numbers`."""
    valid = None if present is None else _bitmap(present)
    return pa.Array.from_buffers(pa.bool_(), len(values), [valid, _bitmap(values)])


def offsets(ends: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Return the offsets of values that end at `ends`: the same with a 0 before."""
    return np.concatenate((np.zeros(1, np.int32), ends))


def strings(
    offsets: npt.NDArray[np.int32],
    letters: npt.NDArray[np.uint8],
    present: npt.NDArray[np.bool_] | None = None,
) -> pa.Array:
    """Make an array of strings, null where not `present`.

    Parameters
    ----------
    offsets
        int32 (n + 1,): where each string begins, and the last one ends.
    letters
        uint8, UTF-8: the strings, concatenated.
    present
        bool (n,); all by default.
    """
    valid = None if present is None else _bitmap(present)
    buffers = [valid, pa.py_buffer(offsets), pa.py_buffer(letters)]
    return pa.Array.from_buffers(pa.string(), len(offsets) - 1, buffers)


def texts(values: Sequence[str]) -> pa.Array:
    """Make an array of a few strings."""
    encoded = [value.encode() for value in values]
    ends = np.cumsum([len(value) for value in encoded], dtype=np.int32)
    return strings(offsets(ends), np.frombuffer(b"".join(encoded), np.uint8))


def fixed_strings(
    letters: npt.NDArray[np.uint8], present: npt.NDArray[np.bool_] | None = None
) -> pa.Array:
    """Make an array of strings of one length from uint8 (n, length); as `strings`."""
    count, size = letters.shape
    return strings(
        np.arange(0, size * count + 1, size, dtype=np.int32), letters.reshape(-1), present
    )


def lists(offsets: npt.NDArray[np.int32], values: pa.Array) -> pa.Array:
    """Make an array of lists, null where a list would be empty.

    Parameters
    ----------
    offsets
        int32 (n + 1,): where the values of each list begin, and the last one's end.
    values
        The values of all lists, concatenated.
    """
    valid = _bitmap(np.diff(offsets) > 0)
    return pa.Array.from_buffers(
        pa.list_(values.type), len(offsets) - 1, [valid, pa.py_buffer(offsets)], children=[values]
    )


def _bitmap(present: npt.NDArray[np.bool_]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(present, bitorder="little"))
