# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
# ruff: noqa: PLR0911, PLR0917, PLR1714 (as in jsontext)
"""Identifiers of the protocol in a buffer of bytes, as the numbers that they are."""

import numpy as np

from blueattr.kernels import compiled
from blueattr.kernels.jsontext import begins, decimal, equals, letters_of

__all__ = [
    "END_US",
    "FIRST_US",
    "LETTERS",
    "PLC",
    "read_did",
    "read_link",
    "read_time",
    "tid_number",
]

PLC = letters_of("did:plc:")
"""How the DIDs begin that have a number."""
_AT = letters_of("at://")
_IN_POSTS = letters_of("/app.bsky.feed.post/")

LETTERS = letters_of("234567abcdefghijklmnopqrstuvwxyz")
"""Digits of base 32 in ascending order, as TIDs use them."""
# The value of a letter; 255 for what is none.
_BASE32 = np.full(256, 255, np.uint8)
_BASE32[LETTERS] = np.arange(32)

FIRST_US = np.datetime64("2020-01-01", "us").astype(np.int64)
"""Earliest server time that is believed, in microseconds since 1970."""
END_US = np.datetime64("2100-01-01", "us").astype(np.int64)
"""Where times begin that are not."""


@compiled.jit()
def _base32(buffer, start, length):
    value, bad = np.int64(0), np.uint8(0)
    for k in range(start, start + length):
        digit = _BASE32[buffer[k]]
        bad |= digit
        value = value << 5 | np.int64(digit)
    return np.int64(-1) if bad >= 32 else value


@compiled.jit()
def tid_number(buffer, start, stop):
    """Give a TID as the number it is; negative where it is none, or one of after 2255."""
    if stop - start != 13 or _BASE32[buffer[start]] >= 8:
        return np.int64(-1)
    rest = _base32(buffer, start + 1, 12)
    return rest if rest < 0 else np.int64(_BASE32[buffer[start]]) << 60 | rest


@compiled.jit()
def read_did(buffer, start, stop, numbers, row, k):
    """Write down the two halves of a DID; False where it is not a usual one."""
    if stop - start != 32 or not begins(buffer, start, stop, PLC):
        return False
    high, low = _base32(buffer, start + 8, 12), _base32(buffer, start + 20, 12)
    numbers[row, k], numbers[row + 1, k] = high, low
    return high >= 0 and low >= 0


@compiled.jit()
def read_link(buffer, start, stop, numbers, row, k):
    """Write down the author and key of a link to a post; False where it is not a usual one."""
    if stop - start != 5 + 32 + 20 + 13 or not begins(buffer, start, stop, _AT):
        return False
    if not equals(buffer, start + 37, start + 57, _IN_POSTS):
        return False
    rkey = tid_number(buffer, start + 57, stop)
    numbers[row + 2, k] = rkey
    return rkey >= 0 and read_did(buffer, start + 5, start + 37, numbers, row, k)


@compiled.jit()
def read_time(buffer, start, stop):
    """Microseconds of a time like 2026-05-25T14:23:28.778Z; negative where it is not so written."""
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
