# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
# ruff: noqa: PLR0917 (kernels take their arguments by position)
"""Lines that are like an earlier one but for what is in its strings.

Servers write lines by program: those of one kind have the same keys in the same order, and most of
their strings have one length. A stencil is cut from a line that was parsed: its letters, with holes
where the values of strings are. Where a line has the same letters around the holes, and in them
nothing that ends a string, it is JSON for the same reasons and has the same values in the same
places; to see that takes a few comparisons of many bytes each. What is in the holes is read as it
is of any other line (`blueattr.kernels.jetstream`), and a line that fits no stencil is parsed.

Names, on which the meaning of a line depends, are no holes. A string that holds someone's own words
divides a stencil into pieces: its end is looked for. So does one that is not read where it is empty
or holds a space, an escape or what is not ASCII.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blueattr.kernels import compiled
from blueattr.kernels.compiled import LANES, IntArray, load_word, unlike_lanes
from blueattr.kernels.fields import COLLECTION, NAMES, OTHER, WORDS
from blueattr.kernels.jetstream import SPANS
from blueattr.kernels.jsontext import WIDE, is_utf8, string_end

__all__ = ["LENGTH", "Stencils", "cut", "empty", "fit"]

U = np.uint64

_KINDS, _WAYS = 16, 8
LENGTH = 1024
"""Most letters of a stencil, words not counted."""
_PIECES = 8
_EVERY = 8  # of so many lines that fit no stencil a new one is cut from one

# What `state` holds: where in a line its collection is, how many lines have not fitted.
_COLLECTION_AT, _MISFITS, _SPARE = range(3)
# What `pieces` holds: where a piece begins in `letters`, its length, how many values are in the
# pieces up to its end, what the words after it are.
_BEGIN, _SIZE, _VALUES_END, _AFTER = range(4)


class Stencils(NamedTuple):
    """A few stencils of each kind of line, those that fit more often first.

    Parameters
    ----------
    letters, fixed
        uint8: of each stencil `LENGTH` letters, and 255 where a line has to have the same one; 0
        in a hole.
    bits
        int64 (stencils,): what a line that fits is.
    piece_count
        int64 (stencils,): 0 where there is no stencil.
    pieces
        int64 (stencils, `_PIECES`, 4): see above.
    values
        int64 (stencils, `SPANS`, 3): which value is in a hole, where in its piece, its length.
    order
        int64 (`_KINDS`, `_WAYS`): numbers of stencils of lines with one collection, or with few.
    state
        int64 (3,): see above, and the number of the stencil that is in no order.
    """

    letters: npt.NDArray[np.uint8]
    fixed: npt.NDArray[np.uint8]
    bits: IntArray
    piece_count: IntArray
    pieces: IntArray
    values: IntArray
    order: IntArray
    state: IntArray


def empty() -> Stencils:
    """Give room for stencils; there is none yet."""
    count = _KINDS * _WAYS
    size = (count + 1) * LENGTH + LANES
    return Stencils(
        np.zeros(size, np.uint8),
        np.zeros(size, np.uint8),
        np.zeros(count + 1, np.int64),
        np.zeros(count + 1, np.int64),
        np.zeros((count + 1, _PIECES, 4), np.int64),
        np.zeros((count + 1, SPANS, 3), np.int64),
        np.arange(count).reshape(_KINDS, _WAYS),
        np.array([0, 0, count]),
    )


@compiled.jit(makes_arrays=False)
def _kind_of(buffer, i, stencils):
    """Give a number for the letters where other lines have the name of their collection."""
    at = i + stencils.state[_COLLECTION_AT]
    # Most names begin with app.bsky.
    mixed = load_word(buffer, at + 8) * U(0x9E3779B97F4A7C15)
    mixed ^= load_word(buffer, at + 13) * U(0xD6E8FEB86659FD93)
    return np.int64(mixed * U(0x9E3779B97F4A7C15) >> U(60))


@compiled.jit(makes_arrays=False)
def fit(buffer, i, stencils, start, stop):
    """Try the stencils on the line from `i` on.

    Returns the bits of the line, negative where none fits, and where it ends. Where the strings of
    what is read are is written to `start` and `stop`.
    """
    if i + LENGTH + LANES > buffer.size:
        return np.int64(-1), i
    kind = _kind_of(buffer, i, stencils)
    for way in range(_WAYS):
        number = stencils.order[kind, way]
        end = _fit_one(buffer, i, stencils, number, start, stop)
        if end >= 0:
            if way:
                stencils.order[kind, way] = stencils.order[kind, way - 1]
                stencils.order[kind, way - 1] = number
            return stencils.bits[number], end
    return np.int64(-1), i


@compiled.jit(makes_arrays=False)
def _fit_one(buffer, i, stencils, number, start, stop):
    """Go through a line by a stencil; give where it ends, negative where it does not fit."""
    count = stencils.piece_count[number]
    if count == 0 or (count == 1 and buffer[i + stencils.pieces[number, 0, _SIZE] - 1] != 10):
        return np.int64(-1)
    value = 0
    for n in range(count):
        at, size = stencils.pieces[number, n, _BEGIN], stencils.pieces[number, n, _SIZE]
        if i + size + LANES > buffer.size:
            return np.int64(-1)
        for k in range(0, size, LANES):
            unlike = unlike_lanes(buffer, i + k, stencils.letters, stencils.fixed, at + k)
            if k + LANES > size:
                unlike &= (U(1) << U(size - k)) - U(1)
            if unlike:
                return np.int64(-1)
        while value < stencils.pieces[number, n, _VALUES_END]:
            what = stencils.values[number, value, 0]
            start[what] = i + stencils.values[number, value, 1]
            stop[what] = start[what] + stencils.values[number, value, 2]
            value += 1
        i += size
        if n + 1 < count:
            end = string_end(buffer, i)
            if end < 0 or (end & WIDE and not is_utf8(buffer, i, end >> 2)):
                return np.int64(-1)
            what = stencils.pieces[number, n, _AFTER]
            start[what], stop[what] = i, end >> 2
            i = end >> 2
    return np.int64(i - 1)


@compiled.jit(makes_arrays=False)
def cut(buffer, i, j, bits, start, spans, span_count, stencils):
    """Cut a stencil, perhaps, from a line that was parsed and fitted none.

    The line is from `i` to its end of line at `j`; `start` and `spans` are what `parse_line` left.
    """
    state = stencils.state
    state[_MISFITS] += 1
    if state[_MISFITS] % _EVERY != 1 or i + LENGTH + LANES > buffer.size:
        return
    at = start[COLLECTION] - i
    number = state[_SPARE]
    if span_count == SPANS or at >= LENGTH - 16:
        return
    if not _cut_one(buffer, i, j, spans, span_count, stencils, number):
        return
    stencils.bits[number] = bits
    state[_COLLECTION_AT] = at
    order = stencils.order[_kind_of(buffer, i, stencils)]
    way = 0
    while way < _WAYS - 1 and stencils.piece_count[order[way]]:
        way += 1
    state[_SPARE], order[way] = order[way], number


@compiled.jit(makes_arrays=False)
def _is_words(buffer, what, start, stop, flags):
    """Whether a string is someone's own words, so that others have another length."""
    if what != OTHER:
        return what in WORDS
    for k in range(start, stop):
        if buffer[k] == 32:
            return True
    return flags != 0 or start == stop


@compiled.jit(makes_arrays=False)
def _cut_one(buffer, i, j, spans, span_count, stencils, number):
    """Make stencil `number` of a line; False where it has too many letters or words."""
    base = number * LENGTH - i
    count, value_count, begin, done = 0, 0, i, i
    for n in range(span_count + 1):
        what, a, b = OTHER, j + 1, j + 1
        words = True
        if n < span_count:
            what, a, b = spans[0, n], spans[1, n], spans[2, n]
            if what in NAMES:
                continue
            words = _is_words(buffer, what, a, b, spans[3, n])
        if base + a + 1 > (number + 1) * LENGTH:
            return False
        while done < a:
            stencils.letters[base + done], stencils.fixed[base + done] = buffer[done], 255
            done += 1
        if words:
            if count == _PIECES:
                return False
            piece = stencils.pieces[number, count]
            piece[_BEGIN], piece[_SIZE] = base + begin, a - begin
            piece[_VALUES_END], piece[_AFTER] = value_count, what
            count += 1
            # What follows comes right after in the stencil.
            base -= b - a
            begin, done = b, b
            continue
        if base + b > (number + 1) * LENGTH:
            return False
        while done < b:
            stencils.letters[base + done], stencils.fixed[base + done] = 0, 0
            done += 1
        if what != OTHER:
            value = stencils.values[number, value_count]
            value[0], value[1], value[2] = what, a - begin, b - a
            value_count += 1
    stencils.piece_count[number] = count
    return True
