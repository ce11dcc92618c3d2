# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
# ruff: noqa: PLR0911, PLR0917, PLR1714 (as in jsontext)
"""Read identifiers of the protocol, DIDs, TIDs, links and times, as numbers."""

import numpy as np

from blueattr.decode.parser.json_text import decimal, letters_of, word_of
from blueattr.decode.parser.words import HIGHS, ONES, load_word
from blueattr.kernels import compiled

__all__ = [
    "END_US",
    "FIRST_US",
    "LETTERS",
    "PLC",
    "leads_elsewhere",
    "read_did",
    "read_link",
    "read_micros",
    "read_repost_link",
    "read_time",
    "tid_number",
]


PLC = letters_of("did:plc:")
"""Prefix of the DIDs that are read as numbers."""


U = np.uint64


# Compared eight bytes at a time. The last word of a name may overlap the one before.
_DID_PLC = word_of("did:plc:")
_AT_DID = word_of("at://did")
_IN, _POSTS, _POST_SLASH = word_of("/app.bsk"), word_of("y.feed.p"), word_of("ed.post/")
_REPOSTS, _REPOST_SLASH = word_of("y.feed.r"), word_of(".repost/")


LETTERS = letters_of("234567abcdefghijklmnopqrstuvwxyz")
"""Digits of base 32 in ascending order, as TIDs use them."""


_TWOS, _SIXES = ONES * U(ord("2")), ONES * U(6)
_BETWEEN, _MORE = U(ord("a") - ord("2")), U(26 - 6)
_BYTES, _PAIRS = U(0x00FF00FF00FF00FF), U(0x0000FFFF0000FFFF)


_ZEROS = ONES * U(ord("0"))
_NINES_TO_HIGHS = ONES * U(0x80 - 10)


_NO_NUMBER = U(1 << 63)


FIRST_US = np.datetime64("2020-01-01", "us").astype(np.int64)
"""Earliest server time that is accepted, in microseconds since 1970."""
END_US = np.datetime64("2100-01-01", "us").astype(np.int64)
"""End of the server times that are accepted: from here on they are refused."""


@compiled.jit(makes_arrays=False)
def _eight_of_32(word):
    """Read eight digits of base 32 as 40 bits; `_NO_NUMBER` if one is not a digit."""
    # Of a letter bit 6 is set, of 2 to 7 it is not. A byte with its highest bit set cannot borrow.
    is_letter = (word >> U(6)) & ONES
    above = (word | HIGHS) - (_TWOS + is_letter * _BETWEEN)
    places = above & ~HIGHS
    within = (_SIXES - ONES + is_letter * _MORE | HIGHS) - places
    if (above & within & ~word & HIGHS) != HIGHS:
        return _NO_NUMBER
    places += is_letter * U(6)
    # Twice as wide each time; the first byte is the lowest of the word and the highest digit.
    places = (places & _BYTES) << U(5) | (places >> U(8)) & _BYTES
    places = (places & _PAIRS) << U(10) | (places >> U(16)) & _PAIRS
    return (places & U(0xFFFFFFFF)) << U(20) | places >> U(32)


@compiled.jit(makes_arrays=False)
def tid_number(buffer, start, stop):
    """Read a TID as a number; -1 if it is malformed or of a time after 2255."""
    if stop - start != 13:
        return np.int64(-1)
    first = _eight_of_32(load_word(buffer, start))
    # Its last five digits, and three of the first eight once more.
    last = _eight_of_32(load_word(buffer, start + 5))
    if first >= U(1 << 38) or last == _NO_NUMBER:
        return np.int64(-1)
    return np.int64(first << U(25) | last & U((1 << 25) - 1))


@compiled.jit(makes_arrays=False)
def read_did(buffer, start, stop, numbers, row, k):
    """Read the two halves of a DID to ``numbers[row : row + 2, k]``; False if it is none of plc."""
    if stop - start != 32 or load_word(buffer, start) != _DID_PLC:
        return False
    first = _eight_of_32(load_word(buffer, start + 8))
    second = _eight_of_32(load_word(buffer, start + 16))
    third = _eight_of_32(load_word(buffer, start + 24))
    numbers[row, k] = np.int64(first << U(20) | second >> U(20))
    numbers[row + 1, k] = np.int64((second & U((1 << 20) - 1)) << U(40) | third)
    return (first | second | third) & _NO_NUMBER == U(0)


@compiled.jit(makes_arrays=False)
def read_link(buffer, start, stop, numbers, row, k):
    """Read the author and key of a link to a post to ``numbers[row : row + 3, k]``, else False."""
    if stop - start != 5 + 32 + 20 + 13 or load_word(buffer, start) != _AT_DID:
        return False
    if (
        load_word(buffer, start + 37) != _IN
        or load_word(buffer, start + 45) != _POSTS
        or load_word(buffer, start + 49) != _POST_SLASH
    ):
        return False
    rkey = tid_number(buffer, start + 57, stop)
    numbers[row + 2, k] = rkey
    return rkey >= 0 and read_did(buffer, start + 5, start + 37, numbers, row, k)


@compiled.jit(makes_arrays=False)
def read_repost_link(buffer, start, stop, numbers, row, k):
    """Read author and key of a link to a repost, as `read_link`."""
    if stop - start != 5 + 32 + 22 + 13 or load_word(buffer, start) != _AT_DID:
        return False
    if (
        load_word(buffer, start + 37) != _IN
        or load_word(buffer, start + 45) != _REPOSTS
        or load_word(buffer, start + 51) != _REPOST_SLASH
    ):
        return False
    rkey = tid_number(buffer, start + 59, stop)
    numbers[row + 2, k] = rkey
    return rkey >= 0 and read_did(buffer, start + 5, start + 37, numbers, row, k)


@compiled.jit(makes_arrays=False)
def leads_elsewhere(buffer, start, stop, numbers, row, k):
    """Whether a link of a usual DID surely is to no post; its author is read as by `read_link`."""
    if stop - start < 53 or load_word(buffer, start) != _AT_DID:
        return False
    if load_word(buffer, start + 37) != _IN or load_word(buffer, start + 45) == _POSTS:
        return False
    return read_did(buffer, start + 5, start + 37, numbers, row, k)


@compiled.jit(makes_arrays=False)
def _eight_digits(word):
    """Read eight decimal digits; `_NO_NUMBER` if one is not a digit."""
    places = word ^ _ZEROS
    if (places | places + _NINES_TO_HIGHS) & HIGHS:
        return _NO_NUMBER
    places = (places & _BYTES) * U(10) + (places >> U(8) & _BYTES)
    places = (places & _PAIRS) * U(100) + (places >> U(16) & _PAIRS)
    return (places & U(0xFFFFFFFF)) * U(10_000) + (places >> U(32))


@compiled.jit(makes_arrays=False)
def read_micros(buffer, start, stop):
    """Read microseconds since 1970, of 16 digits as times now have; -1 if malformed."""
    if stop - start != 16:
        return np.int64(-1)
    high = _eight_digits(load_word(buffer, start))
    low = _eight_digits(load_word(buffer, start + 8))
    if (high | low) & _NO_NUMBER:
        return np.int64(-1)
    return np.int64(high * U(100_000_000) + low)


@compiled.jit(makes_arrays=False)
def read_time(buffer, start, stop):
    """Read a time like 2026-05-25T14:23:28.778Z as microseconds since 1970; -1 if malformed."""
    if stop - start < 20 or stop - start > 27 or stop - start == 21 or buffer[stop - 1] != 90:
        return np.int64(-1)
    year, month = decimal(buffer, start, 4), decimal(buffer, start + 5, 2)
    day, hour = decimal(buffer, start + 8, 2), decimal(buffer, start + 11, 2)
    minute, second = decimal(buffer, start + 14, 2), decimal(buffer, start + 17, 2)
    if buffer[start + 4] != 45 or buffer[start + 7] != 45 or buffer[start + 10] != 84:
        return np.int64(-1)
    if buffer[start + 13] != 58 or buffer[start + 16] != 58:
        return np.int64(-1)
    # The 29th to 31st of months that end before them are left to the slow way.
    if year < 2020 or year > 2099 or month < 1 or month > 12 or day < 1 or day > 31:
        return np.int64(-1)
    leap = year % 4 == 0
    if (month == 2 and day > 28 + leap) or (
        day == 31 and (month == 4 or month == 6 or month == 9 or month == 11)
    ):
        return np.int64(-1)
    if hour < 0 or hour > 23 or minute < 0 or minute > 59 or second < 0 or second > 59:
        return np.int64(-1)
    micros = 0
    if stop - start > 20:
        if buffer[start + 19] != 46:
            return np.int64(-1)
        count = stop - start - 21
        micros = decimal(buffer, start + 20, count)
        if micros < 0:
            return np.int64(-1)
        for _ in range(6 - count):
            micros *= 10
    # Days since 1970 of a year that begins in March, so that the leap day is its last.
    shifted = year - (month < 3)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    days = shifted * 365 + shifted // 4 - shifted // 100 + shifted // 400 + of_year - 719468
    return ((np.int64(days) * 24 + hour) * 60 + minute) * 60_000_000 + second * 1_000_000 + micros
