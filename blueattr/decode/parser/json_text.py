# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
# ruff: noqa: PLR0911, PLR0912, SIM110 (plain loops and comparisons compile best)
"""JSON in a buffer of bytes: where strings and numbers end, and what they hold."""

import numpy as np
import numpy.typing as npt

from blueattr.decode.parser.refusals import Refusal
from blueattr.decode.parser.words import (
    HIGHS,
    SIZE,
    load_word,
    store_word,
    string_stops,
    trailing_zeros,
)
from blueattr.kernels import compiled

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
    "skip_spaces",
    "string_end",
    "word_of",
]


U = np.uint64


ESCAPED, WIDE = 1, 2
"""Flags of a string: it has an escape; it has bytes that are not ASCII."""


_QUOTE, _BACKSLASH, _SPACE, _MINUS, _DOT = (ord(char) for char in '"\\ -.')
_ZERO, _NINE = ord("0"), ord("9")
_ESCAPED_AS_THEY_ARE = tuple(ord(char) for char in '"\\/')


def word_of(name: str) -> np.uint64:
    """Return the first eight bytes of a text as `load_word` does, padded with 0."""
    return U(int.from_bytes(name.encode()[:8].ljust(8, b"\0"), "little"))


def letters_of(text: str) -> npt.NDArray[np.uint8]:
    """Return the bytes of a text."""
    return np.frombuffer(text.encode(), np.uint8)


@compiled.jit(makes_arrays=False)
def skip_spaces(buffer, i):
    """Return the first position from `i` on that is no space."""
    while buffer[i] == _SPACE:
        i += 1
    return i


@compiled.jit(makes_arrays=False)
def hexadecimal(buffer, i):
    """Parse four hexadecimal digits; -1 if one is not a digit."""
    code = np.int64(0)
    for k in range(i, i + 4):
        char = np.int64(buffer[k])
        if ord("0") <= char <= ord("9"):
            digit = char - ord("0")
        elif ord("a") <= char <= ord("f"):
            digit = char - ord("a") + 10
        elif ord("A") <= char <= ord("F"):
            digit = char - ord("A") + 10
        else:
            return np.int64(-1)
        code = code * 16 + digit
    return code


@compiled.jit(makes_arrays=False)
def string_end(buffer, i):
    """Scan a string body, from after its opening quote.

    Returns the position of its closing quote, or a `Refusal`, and its flags. An end of line is no
    part of a string, so that one at the end of the buffer ends every loop.
    """
    flags = 0
    last = buffer.size - SIZE
    while True:
        if i <= last:
            word = load_word(buffer, i)
            stops, wide = string_stops(word), word & HIGHS
            if stops == U(0):
                if wide != U(0):
                    flags |= WIDE
                i += SIZE
                continue
            if wide & (stops - U(1)) & ~stops:  # below the first stop
                flags |= WIDE
            i += np.int64(trailing_zeros(stops) >> U(3))
        char = buffer[i]
        if char == _QUOTE:
            return i, flags
        if char < _SPACE:
            return np.int64(Refusal.BAD_STRING), flags
        if char == _BACKSLASH:
            flags |= ESCAPED
            i = _escape_end(buffer, i + 1)
            if i < 0:
                return i, flags
            continue
        if char >= 0x80:
            flags |= WIDE
        i += 1


@compiled.jit(makes_arrays=False)
def _escape_end(buffer, i):
    """Return where an escape ends whose backslash is before `i`, or a `Refusal`.

    One of NUL is refused, and so is half a surrogate pair.
    """
    char = buffer[i]
    if char == ord("u"):
        code = hexadecimal(buffer, i + 1)
        if code <= 0 or 0xDC00 <= code < 0xE000:
            return np.int64(Refusal.BAD_STRING)
        i += 5
        if 0xD800 <= code < 0xDC00:
            if buffer[i] != _BACKSLASH or buffer[i + 1] != ord("u"):
                return np.int64(Refusal.BAD_STRING)
            low = hexadecimal(buffer, i + 2)
            if low < 0xDC00 or low >= 0xE000:
                return np.int64(Refusal.BAD_STRING)
            i += 6
        return i
    if _unescaped(char) == 0:
        return np.int64(Refusal.BAD_STRING)
    return i + 1


@compiled.jit(makes_arrays=False)
def _unescaped(char):
    """Return what a letter after a backslash stands for; 0 if it stands for nothing."""
    if char in (_QUOTE, _BACKSLASH, ord("/")):
        return np.int64(char)
    if char == ord("b"):
        return np.int64(ord("\b"))
    if char == ord("f"):
        return np.int64(ord("\f"))
    if char == ord("n"):
        return np.int64(ord("\n"))
    if char == ord("r"):
        return np.int64(ord("\r"))
    if char == ord("t"):
        return np.int64(ord("\t"))
    return np.int64(0)


@compiled.jit(makes_arrays=False)
def is_utf8(buffer, i, stop):
    """Whether bytes are UTF-8: no overlong form, no surrogate, nothing beyond U+10FFFF."""
    last = buffer.size - SIZE
    while i < stop:
        if i <= last and load_word(buffer, i) & HIGHS == U(0):
            i += SIZE
            continue
        lead = buffer[i]
        if lead < 0x80:
            i += 1
            continue
        low, high = 0x80, 0xBF  # of the second byte
        if 0xC2 <= lead <= 0xDF:
            more = 1
        elif 0xE0 <= lead <= 0xEF:
            more = 2
            if lead == 0xE0:
                low = 0xA0
            elif lead == 0xED:
                high = 0x9F
        elif 0xF0 <= lead <= 0xF4:
            more = 3
            if lead == 0xF0:
                low = 0x90
            elif lead == 0xF4:
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
    """Return where a number ends that has no exponent and at most 18 digits, or a `Refusal`."""
    if buffer[i] == _MINUS:
        i += 1
    start = i
    while _ZERO <= buffer[i] <= _NINE:
        i += 1
    if i == start or i - start > 18 or (buffer[start] == _ZERO and i - start > 1):
        return np.int64(Refusal.ODD_NUMBER)
    if buffer[i] == _DOT:
        start = i
        i += 1
        while _ZERO <= buffer[i] <= _NINE:
            i += 1
        if i - start < 2 or i - start > 18:
            return np.int64(Refusal.ODD_NUMBER)
    if buffer[i] == ord("e") or buffer[i] == ord("E"):
        return np.int64(Refusal.ODD_NUMBER)
    return i


@compiled.jit(makes_arrays=False)
def equals(buffer, start, stop, text):
    """Whether ``buffer[start:stop]`` is this text, a uint8 array."""
    if stop - start != text.size:
        return False
    for k in range(text.size):
        if buffer[start + k] != text[k]:
            return False
    return True


@compiled.jit(makes_arrays=False)
def decimal(buffer, start, count):
    """Parse `count` decimal digits; -1 if one is not a digit."""
    value = np.int64(0)
    for k in range(start, start + count):
        digit = np.int64(buffer[k]) - _ZERO
        if digit < 0 or digit > 9:
            return np.int64(-1)
        value = value * 10 + digit
    return value


@compiled.jit(makes_arrays=False)
def append_string(buffer, i, stop, out, end):
    """Append the string ``buffer[i:stop]`` to ``out[:end]`` without its escapes.

    The string is well-formed. Returns where `out` ends now; bytes after that may have changed.
    """
    while i < stop:
        if i + SIZE <= buffer.size and end + SIZE <= out.size:
            word = load_word(buffer, i)
            store_word(out, end, word)
            stops = string_stops(word)
            if stops == U(0):
                # The closing quote stops every string: all eight bytes are of this one.
                i += SIZE
                end += SIZE
                continue
            length = np.int64(trailing_zeros(stops) >> U(3))
            i += length
            end += length
            if i == stop:
                return end
        if buffer[i] != _BACKSLASH:
            out[end] = buffer[i]
            i += 1
            end += 1
        elif buffer[i + 1] != ord("u"):
            out[end] = _unescaped(buffer[i + 1])
            i += 2
            end += 1
        else:
            code = hexadecimal(buffer, i + 2)
            i += 6
            if 0xD800 <= code < 0xE000:
                code = 0x10000 + ((code - 0xD800) << 10) + hexadecimal(buffer, i + 2) - 0xDC00
                i += 6
            end = _append_utf8(code, out, end)
    return end


@compiled.jit(makes_arrays=False)
def _append_utf8(code, out, end):
    """Append a character to ``out[:end]``; return where it ends now."""
    if code < 0x80:
        out[end] = code
        return end + 1
    if code < 0x800:
        out[end] = 0xC0 | code >> 6
        more = 1
    elif code < 0x10000:
        out[end] = 0xE0 | code >> 12
        more = 2
    else:
        out[end] = 0xF0 | code >> 18
        more = 3
    for k in range(more):
        out[end + 1 + k] = 0x80 | code >> 6 * (more - 1 - k) & 0x3F
    return end + 1 + more
