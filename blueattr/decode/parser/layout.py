"""The layout of parsed lines: rows of numbers, bits of flags, and the arrays that hold them."""

from datetime import datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blueattr.kernels.compiled import IntArray

__all__ = ["AccountEvents", "ParsedLines"]


# --- rows of numbers -----------------------------------------------------------------------------

NUMBERS = 14
"""How many rows a table of numbers has. They are:"""


(TIME, RKEY, REV, AUTHOR_HIGH, AUTHOR_LOW, SUBJECT_HIGH, SUBJECT_LOW, SUBJECT_RKEY) = range(8)

(ROOT_HIGH, ROOT_LOW, ROOT_RKEY) = range(8, 11)


(OTHER_HIGH, OTHER_LOW, OTHER_RKEY) = range(11, 14)
"""Of the post that a post quotes, or of the repost by which a repost was found."""


ACCOUNT_BITS = RKEY
"""In the numbers of account events, the row that holds the event's bits: no key is needed there."""


# --- bits of a line ------------------------------------------------------------------------------
#
# The bits of a record event are kept as its flag, a uint8. The bits above 128 are needed only while
# a line is parsed, or are those of account events.

KIND_MASK = 3
"""The bits that hold the kind: of a record event `POST`, `REPOST` or `FOLLOW`; of an account event
`IDENTITY`, `ACCOUNT` or `PROFILE`."""

POST, REPOST, FOLLOW = range(3)

IDENTITY, ACCOUNT, PROFILE = range(3)

IS_DELETE = 4

HAS_SUBJECT = 8

HAS_ROOT = 16

HAS_TEXT = 32
"""The text may be empty."""

HAS_TITLE = 64
"""The title may be empty."""

HAS_OTHER = 128
"""A post quotes another, or a repost was found by another."""

FLAG_MASK = 255
"""The bits of a record event's flag."""

IS_SKIPPED = 8192
"""Its collection is not kept."""

IS_V2 = 256

HAS_MEDIA_TITLE = 512
"""The title is that of the embedded media's external link."""

IS_ACCOUNT_EVENT = 1024

IS_UPDATE = 2048
"""Of a profile."""

IS_ACTIVE = 4096
"""Of an account."""


# --- where times come from -----------------------------------------------------------------------

TIMES_FROM = ("server", "imported", "key", "claimed", "collected")
"""Where the time of a record event comes from, by number: the server that sent it; another, older
server, whose times an operator imported; the record key, a TID; the record's ``createdAt``; or when
it was collected. A line says which by its key ``time_from``; without one it is the server's."""


# --- words ---------------------------------------------------------------------------------------

TEXTS, TITLES, TAGS, DOMAINS, LANGS, LABELS = range(6)
"""The arrays of words, and rows of their ends."""

WORDS = LABELS + 1

MENTIONS = WORDS
"""The row of ends that counts mentions."""

LISTS = (TAGS, DOMAINS)
"""Words of which a row may have several: its end says how many there are up to it."""


# --- arrays --------------------------------------------------------------------------------------


class AccountEvents(NamedTuple):
    """Identity, account and profile events, a row for each, in the order of their lines.

    Parameters
    ----------
    numbers
        int64 (5, n): the rows `TIME` to `AUTHOR_LOW`, with `ACCOUNT_BITS` in place of the key. The
        revision is arbitrary if the event is not a profile's.
    words
        uint8, ASCII: handles and statuses, concatenated.
    ends
        int32 (n,): where the handle or status of a row ends.
    """

    numbers: IntArray
    words: npt.NDArray[np.uint8]
    ends: npt.NDArray[np.int32]

    def first(self, count: int) -> "AccountEvents":
        """Return the first `count` rows; at least one."""
        ends = self.ends[:count]
        return AccountEvents(self.numbers[:, :count], self.words[: ends[-1]], ends)


class ParsedLines(NamedTuple):
    """A stretch of lines as arrays. Rows are the kept record events, in the order of their lines.

    Parameters
    ----------
    numbers
        int64 (`NUMBERS`, n): server time in microseconds since 1970, record key and revision, then
        of author, subject, root and the other record the two halves of the DID and, but for the
        author, the record key. A number that the event lacks is arbitrary.
    flags
        uint8 (n,): the kind and the bits up to `HAS_OTHER`.
    words
        `WORDS` uint8 arrays, UTF-8: texts, titles, tags, hosts of links, languages and labels, each
        concatenated. Several languages of a post, and labels, have a space between.
    word_ends
        int32 (`WORDS` + 1, n): where the words of a row end, or how many tags, hosts and mentions
        there are up to it.
    tag_ends
        int32: where each tag ends.
    domain_ends
        int32: where each host ends.
    mentions
        int64 (2, k): the two halves of the DIDs of mentioned accounts.
    unparsed
        int64 (k, 2): bounds of stretches of lines that were not parsed; some lines may be blank.
    skipped
        Number of lines of collections that are not kept.
    span
        Earliest and latest server time of the parsed lines, naive UTC; None if there is no line.
    account_events
        None if no line is one.
    synthetic
        Whether a line says that its event is synthetic.
    time_from
        uint8 (n,): where each row's time comes from, by its number in `TIMES_FROM`; None if all are
        the server's.
    ahead
        Lines that were not parsed because their server time lies ahead of the clock.
    """

    numbers: IntArray
    flags: npt.NDArray[np.uint8]
    words: tuple[npt.NDArray[np.uint8], ...]
    word_ends: npt.NDArray[np.int32]
    tag_ends: npt.NDArray[np.int32]
    domain_ends: npt.NDArray[np.int32]
    mentions: IntArray
    unparsed: IntArray
    skipped: int
    span: tuple[datetime, datetime] | None
    account_events: AccountEvents | None = None
    synthetic: bool = False
    time_from: npt.NDArray[np.uint8] | None = None
    ahead: int = 0
