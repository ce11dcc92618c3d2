"""The times of an archive block's rows, and where each comes from; pure.

A Jetstream's archive has two times for a row: when this server first saw the event, and, where its
operator imported the times of an older server, that one's (github.com/bluesky-social/jetstream,
docs/README.md 3.2 and 8). What was in the network before the archive began has the time at which
it was fetched, which says nothing of when it was written; its record key does, if it is a TID.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blueattr.decode.parser.identifiers import FIRST_US

__all__ = ["IMPORTED", "KEY", "SERVER", "RowTimes", "key_times", "row_times"]


SERVER, IMPORTED, KEY = range(3)
"""Where a time comes from, by its number in `blueattr.decode.parser.layout.TIMES_FROM`."""


_CREATE, _RESYNC = 1, 7
_LETTERS = b"234567abcdefghijklmnopqrstuvwxyz"
_TID = 13
# Not a letter of a TID: larger than any sum of digits.
_NO_DIGIT = 1 << 62
_DIGITS = np.full(256, _NO_DIGIT, np.int64)
_DIGITS[np.frombuffer(_LETTERS, np.uint8)] = np.arange(32)


Ints = npt.NDArray[np.int64]


class RowTimes(NamedTuple):
    """Times of rows.

    Parameters
    ----------
    time_us
        int64 (n,): µs since 1970.
    time_from
        uint8 (n,): `SERVER`, `IMPORTED` or `KEY`.
    """

    time_us: Ints
    time_from: npt.NDArray[np.uint8]


def row_times(
    kind: npt.NDArray[np.uint8],
    witnessed: Ints,
    indexed: Ints,
    key_us: Ints | None = None,
    begins_us: int | None = None,
) -> RowTimes:
    """Return the time of each row, and where it comes from.

    An imported time comes first. A record that was created before the archive began, as its key
    says, or of a repository that was read anew, was not seen when it was written: it has the time
    of its key. All other rows have the time at which the server saw them.

    Parameters
    ----------
    kind, witnessed, indexed
        As the block has them; `indexed` is 0 where no time was imported.
    key_us
        The times of the record keys, as `key_times` returns them.
    begins_us
        When the archive began to see events. Without these two, no key is asked.
    """
    imported = (indexed != 0) & (indexed != witnessed)
    time_us = np.where(indexed != 0, indexed, witnessed)
    time_from = np.where(imported, IMPORTED, SERVER).astype(np.uint8)
    if key_us is None or begins_us is None:
        return RowTimes(time_us, time_from)
    unseen = ((kind == _CREATE) & (key_us < begins_us)) | (
        (kind == _RESYNC) & (key_us <= witnessed)
    )
    by_key = (indexed == 0) & unseen & (key_us >= FIRST_US)
    return RowTimes(np.where(by_key, key_us, time_us), np.where(by_key, np.uint8(KEY), time_from))


def key_times(body: bytes, ends: Ints) -> Ints:
    """Return the times that record keys say, µs since 1970; -1 where a key is no TID.

    Parameters
    ----------
    body
        The bytes that hold the keys.
    ends
        int64 (n + 1,): where each key begins, and the last one ends.
    """
    times = np.full(len(ends) - 1, -1, np.int64)
    rows = np.flatnonzero(np.diff(ends) == _TID)
    if not len(rows):
        return times
    letters = np.frombuffer(body, np.uint8)[ends[rows, None] + np.arange(_TID)]
    digits = _DIGITS[letters]
    # The highest bit of a TID is 0, the lowest ten number the clock.
    valid = (digits < _NO_DIGIT).all(axis=1) & (digits[:, 0] < 8)
    number = np.zeros(len(rows), np.int64)
    for place in range(_TID):
        number = number << 5 | (digits[:, place] & 31)
    times[rows[valid]] = number[valid] >> 10
    return times
