# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
# ruff: noqa: PLR0917 (kernels take their arguments by position)
"""Compiled kernels of readers who move with what they read, and of the derivatives of that."""

from typing import Any

import numpy as np
import numpy.typing as npt

from blueattr.kernels import compiled
from blueattr.kernels.compiled import FloatArray, IntArray

__all__ = ["read_all", "unread_all"]


@compiled.jit()
def _read_all(belief, presence, said, first, authors, signs, rate, width):
    out = belief.copy()
    for row in range(belief.shape[0]):
        for reader in range(belief.shape[1]):
            b = belief[row, reader]
            for k in range(first[reader], first[reader + 1]):
                a = authors[k]
                size = np.sqrt(b * b + width * width)
                both = presence[row, reader] * presence[row, a]
                b += both * (signs[k] * rate * (0.5 - 0.25 * size) * (said[a] - b))
                if width == 0.0:
                    if b.real > 1.0:
                        b += 1.0 - b.real
                    elif b.real < -1.0:
                        b += -1.0 - b.real
            out[row, reader] = b
    return out


def read_all(
    belief: npt.NDArray[Any],
    presence: npt.NDArray[Any],
    said: FloatArray,
    first: IntArray,
    authors: IntArray,
    signs: FloatArray,
    rate: float,
    width: float,
) -> npt.NDArray[Any]:
    """Return beliefs after everybody has read: b moves by ± z y η ½ (1 - ½|b|) (p - b) each time.

    Parameters
    ----------
    belief, presence
        float64 or complex128 (B, n), of the same type; z and y are the presence of reader and
        author.
    said
        float64 (n,), p.
    first
        int64 (n + 1,): where the reactions of each reader begin in `authors` and `signs`.
    authors, signs
        int64 and float64 (reactions,): 1 for a like, -1 for a dislike; those of a reader in order.
    rate
        η.
    width
        δ of √(b² + δ²), which is |b| where it is 0; then b is also kept in [-1, 1].

    Returns
    -------
    ndarray
        (B, n).
    """
    found: npt.NDArray[Any] = _read_all(
        np.ascontiguousarray(belief), np.ascontiguousarray(presence), said, first, authors, signs,
        rate, width,
    )  # fmt: skip
    return found


@compiled.jit()
def _unread_all(belief, presence, said, first, authors, signs, rate, width, bar, bar_presence):
    longest = 0
    for reader in range(belief.shape[1]):
        longest = max(longest, first[reader + 1] - first[reader])
    kept = np.empty(longest)
    for row in range(belief.shape[0]):
        for reader in range(belief.shape[1]):
            b, start = belief[row, reader], first[reader]
            z = presence[row, reader]
            for k in range(start, first[reader + 1]):
                a = authors[k]
                kept[k - start] = b
                size = np.sqrt(b * b + width * width)
                b += z * presence[row, a] * (signs[k] * rate * (0.5 - 0.25 * size) * (said[a] - b))
            back = bar[row, reader]
            for k in range(first[reader + 1] - 1, start - 1, -1):
                a = authors[k]
                b = kept[k - start]
                size = np.sqrt(b * b + width * width)
                pull = 0.5 - 0.25 * size
                move = signs[k] * rate * pull * (said[a] - b)
                bar_presence[row, reader] += back * presence[row, a] * move
                bar_presence[row, a] += back * z * move
                slope = signs[k] * rate * (-0.25 * b / size * (said[a] - b) - pull)
                back *= 1.0 + z * presence[row, a] * slope
            bar[row, reader] = back


def unread_all(
    belief: FloatArray,
    presence: FloatArray,
    said: FloatArray,
    first: IntArray,
    authors: IntArray,
    signs: FloatArray,
    rate: float,
    width: float,
    bar: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Return derivatives by what `read_all` took, from those by what it returned: reverse mode.

    Parameters
    ----------
    belief, presence, said, first, authors, signs, rate, width
        As for `read_all`, real and with a width above 0.
    bar
        float64 (B, n): the derivatives by the beliefs that it returned.

    Returns
    -------
    tuple of two arrays
        float64 (B, n) each: the derivatives by ``belief`` and by ``presence``.
    """
    before, by_presence = np.array(bar), np.zeros(bar.shape)
    _unread_all(
        np.ascontiguousarray(belief), np.ascontiguousarray(presence), said, first, authors, signs,
        rate, width, before, by_presence,
    )  # fmt: skip
    return before, by_presence
