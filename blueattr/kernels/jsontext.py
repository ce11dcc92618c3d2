# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
# ruff: noqa: PLR0912, PLR0915, PLR1714, SIM110 (plain loops and comparisons compile best)
"""JSON texts in a buffer of bytes: where strings and numbers end, and what they hold."""

import numpy as np
import numpy.typing as npt

from blueattr.kernels import compiled
from blueattr.kernels.compiled import (
    LANES,
    copy_lanes,
    high_lanes,
    load_word,
    text_ends,
    trailing_zeros,
)

__all__ = [
    "ESCAPED",
    "WIDE",
    "append_string",
    "decimal",
    "equals",
    "hexadecimal",
    "is_utf8",
    "letters_of",
    "number_end",
    "string_end",
    "word_of",
]

U = np.uint64

_HIGHS = U(0x8080808080808080)

ESCAPED, WIDE = 1, 2
"""Flags of a string: it holds an escape; it may hold what is not ASCII."""


def word_of(name: str) -> np.uint64:
    """Give the first eight bytes of a text as `load_word` would, 0 where it ends."""
    return U(int.from_bytes(name.encode()[:8].ljust(8, b"\0"), "little"))


def letters_of(text: str) -> npt.NDArray[np.uint8]:
    """Give the bytes of a text."""
    return np.frombuffer(text.encode(), np.uint8)


@compiled.jit(makes_arrays=False)
def hexadecimal(buffer, i):
    """Read four digits; negative where they are not."""
    code = 0
    for k in range(i, i + 4):
        c = buffer[k]
        if 48 <= c <= 57:
            digit = c - 48
        elif 97 <= c <= 102:
            digit = c - 87
        elif 65 <= c <= 70:
            digit = c - 55
        else:
            return -1
        code = code * 16 + digit
    return code


@compiled.jit(makes_arrays=False)
def string_end(buffer, i):
    """Go through a string from after its first quote; give 4 times where its last is, plus flags.

    Negative where it is malformed, holds an escaped NUL, or a surrogate without its other half.
    An end of line is no part of a string, so that one at the end of the buffer ends every loop.
    """
    flags = 0
    last = buffer.size - LANES
    while True:
        if i <= last:
            found = text_ends(buffer, i)
            high = high_lanes(buffer, i)
            if found == U(0):
                if high != U(0):
                    flags |= WIDE
                i += LANES
                continue
            # The bits below the lowest that is set.
            if high & ~found & (found - U(1)):
                flags |= WIDE
            i += np.int64(trailing_zeros(found))
        c = buffer[i]
        if c == 34:
            return i << 2 | flags
        if c < 32:
            return np.int64(-1)
        if c == 92:
            flags |= ESCAPED
            i = _escape_end(buffer, i + 1)
            if i < 0:
                return np.int64(-1)
            continue
        if c >= 128:
            flags |= WIDE
        i += 1


@compiled.jit(makes_arrays=False)
def _escape_end(buffer, i):
    """Go through an escape from after its backslash; negative where it is malformed."""
    c = buffer[i]
    if c == 117:
        code = hexadecimal(buffer, i + 1)
        if code <= 0 or 0xDC00 <= code < 0xE000:
            return np.int64(-1)
        i += 5
        if code >= 0xD800 and code < 0xDC00:
            if buffer[i] != 92 or buffer[i + 1] != 117:
                return np.int64(-1)
            low = hexadecimal(buffer, i + 2)
            if low < 0xDC00 or low >= 0xE000:
                return np.int64(-1)
            i += 6
        return i
    if c == 34 or c == 92 or c == 47 or c == 98 or c == 102 or c == 110 or c == 114 or c == 116:
        return i + 1
    return np.int64(-1)


@compiled.jit(makes_arrays=False)
def is_utf8(buffer, i, stop):
    """Whether bytes are UTF-8: no overlong form, no surrogate, nothing beyond U+10FFFF."""
    last = buffer.size - 8
    while i < stop:
        if i <= last and load_word(buffer, i) & _HIGHS == U(0):
            i += 8
            continue
        c = buffer[i]
        if c < 0x80:
            i += 1
            continue
        low, high = 0x80, 0xBF
        if 0xC2 <= c <= 0xDF:
            more = 1
        elif 0xE0 <= c <= 0xEF:
            more = 2
            if c == 0xE0:
                low = 0xA0
            elif c == 0xED:
                high = 0x9F
        elif 0xF0 <= c <= 0xF4:
            more = 3
            if c == 0xF0:
                low = 0x90
            elif c == 0xF4:
                high = 0x8F
        else:
            return False
        if i + more >= stop or buffer[i + 1] < low or buffer[i + 1] > high:
            return False
        for k in range(i + 2, i + more + 1):
            if buffer[k] < 0x80 or buffer[k] > 0xBF:
                return False
        i += more + 1
    return True


@compiled.jit(makes_arrays=False)
def number_end(buffer, i):
    """Go through a number without exponent, of at most 18 digits; negative where it is not one."""
    if buffer[i] == 45:
        i += 1
    start = i
    while 48 <= buffer[i] <= 57:
        i += 1
    if i == start or i - start > 18 or (buffer[start] == 48 and i - start > 1):
        return np.int64(-1)
    if buffer[i] == 46:
        start = i
        i += 1
        while 48 <= buffer[i] <= 57:
            i += 1
        if i - start < 2 or i - start > 18:
            return np.int64(-1)
    c = buffer[i]
    return np.int64(-1) if c == 101 or c == 69 else i


@compiled.jit(makes_arrays=False)
def equals(buffer, start, stop, what):
    """Whether a stretch holds these bytes and no others."""
    if stop - start != what.size:
        return False
    for k in range(what.size):
        if buffer[start + k] != what[k]:
            return False
    return True


@compiled.jit(makes_arrays=False)
def decimal(buffer, start, count):
    """Read so many digits; negative where they are not."""
    value = np.int64(0)
    for k in range(start, start + count):
        digit = np.int64(buffer[k]) - 48
        if digit < 0 or digit > 9:
            return np.int64(-1)
        value = value * 10 + digit
    return value


@compiled.jit(makes_arrays=False)
def append_string(buffer, start, stop, out, o):
    """Append a string to `out` from `o` on without its escapes; return where it ends.

    What is in `out` after that may have changed.
    """
    i = start
    while i < stop:
        if i + LANES <= buffer.size and o + LANES <= out.size:
            copy_lanes(buffer, i, out, o)
            # In a string that is well-formed it is a backslash, or the quote at its end.
            found = text_ends(buffer, i)
            length = np.int64(trailing_zeros(found)) if found != U(0) else LANES
            i += length
            o += length
            if i == stop or length == LANES:
                continue
        c = buffer[i]
        if c != 92:
            out[o] = c
            o += 1
            i += 1
            continue
        c = buffer[i + 1]
        i += 2
        if c != 117:
            if c == 98:
                c = 8
            elif c == 102:
                c = 12
            elif c == 110:
                c = 10
            elif c == 114:
                c = 13
            elif c == 116:
                c = 9
            out[o] = c
            o += 1
            continue
        code = hexadecimal(buffer, i)
        i += 4
        if code < 0x80:
            out[o] = code
            o += 1
            continue
        if code < 0x800:
            out[o] = 0xC0 | code >> 6
            o += 1
        else:
            if code >= 0xD800 and code < 0xE000:
                code = 0x10000 + ((code - 0xD800) << 10) + hexadecimal(buffer, i + 2) - 0xDC00
                i += 6
                out[o] = 0xF0 | code >> 18
                out[o + 1] = 0x80 | code >> 12 & 0x3F
                o += 2
            else:
                out[o] = 0xE0 | code >> 12
                o += 1
            out[o] = 0x80 | code >> 6 & 0x3F
            o += 1
        out[o] = 0x80 | code & 0x3F
        o += 1
    return o
