# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
# ruff: noqa: PLR0917 (kernels take their arguments by position)
"""Parse one line that Jetstream wrote.

A parsed line means exactly what ``sql/store/commit/batch/decode_lines.sql`` says it means, and the
tests compare the two. An unusual line is refused, for a reason of `Refusal`, and left to that
statement.
These lines are parsed: posts, reposts and follows by accounts with a ``did:plc`` whose record keys
are TIDs; identity and account events, and profiles without labels, of such accounts; and valid
lines of a collection that is not kept.

A line is parsed in four steps. `walk` goes through the JSON once and notes the bounds of each
field that is read. `classify` decides from the fields present what the line is. `read_numbers`
reads the fields' numbers, and `read_items` what a post has several of.
"""

from typing import NamedTuple

import numpy as np

from blueattr.decode.parser import fields, layout
from blueattr.decode.parser.meaning import classify, read_numbers
from blueattr.decode.parser.refusals import Refusal
from blueattr.decode.parser.slices import MOST_MENTIONS, read_items
from blueattr.decode.parser.walk import walk
from blueattr.kernels import compiled
from blueattr.kernels.compiled import IntArray

__all__ = ["Line", "new_line", "parse_line"]


_DEPTH = 64  # a line that nests deeper is refused

_MOST_ITEMS = 512  # and so is one with more tags, links, mentions, languages and labels

_LONG = 1 << 16  # and a post in a longer line, whose words may be more than are kept


_STATE = np.dtype(
    [
        ("seen", np.uint64),  # a bit for each place and field met
        ("place", np.int64),  # what the innermost open object or list is, of `fields`
        ("depth", np.int64),  # how many objects and lists are open around it
        ("collection", np.int64),  # of `fields`
        ("string_flags", np.int64),  # ESCAPED, WIDE: of all strings so far
        ("item_count", np.int64),
        ("mention_count", np.int64),
        ("synthetic", np.int64),  # whether the line says that its event is made up
        ("time_from", np.int64),  # a number of `layout.TIMES_FROM`
        ("says_time_from", np.int64),  # whether the line has that key
    ],
    align=True,
)


class Line(NamedTuple):
    """The fields of the line that is being parsed. It is made once and used for every line.

    Parameters
    ----------
    start, stop
        int64 (`fields.COUNT`,): the bounds of each field in the buffer; arbitrary if not seen.
    items
        int64 (3, most): the bounds of each item, and which of `fields` it is.
    mentions
        int64 (2, most): the two halves of the DID of each account that is mentioned.
    places
        int64 (depth,): what each open object or list is.
    state
        A record of `_STATE`.
    """

    start: IntArray
    stop: IntArray
    items: IntArray
    mentions: IntArray
    places: IntArray
    state: np.record


def new_line() -> Line:
    """Allocate the memory that a line is parsed with."""
    return Line(
        np.zeros(fields.COUNT, np.int64),
        np.zeros(fields.COUNT, np.int64),
        np.zeros((3, _MOST_ITEMS), np.int64),
        np.zeros((2, MOST_MENTIONS), np.int64),
        np.zeros(_DEPTH, np.int64),
        np.zeros(1, _STATE).view(np.recarray)[0],
    )


@compiled.jit(makes_arrays=False)
def parse_line(buffer, begin, line, numbers, row, end_us, last_rev):
    """Parse the line that begins at `begin`.

    The bounds of its fields are left in `line`, its numbers in ``numbers[:, row]``. It is refused
    where it lies ahead of the clock (`blueattr.decode.clock.Horizon`).

    Returns
    -------
    bits, end
        The bits of the line (`layout`), or a `Refusal`; and the position of its end of line, or
        `begin` if the walk did not get there.
    """
    end = walk(buffer, begin, line)
    if end < 0:
        return end, begin
    bits = classify(buffer, line)
    if bits >= 0 and bits & layout.HAS_TEXT and end - begin > _LONG:
        return np.int64(Refusal.LONG_POST), end
    if bits >= 0:
        bits = read_numbers(buffer, bits, line, numbers, row, end_us, last_rev)
    if bits >= 0 and line.state.item_count:
        refusal = read_items(buffer, line)
        if refusal < 0:
            return refusal, end
    return bits, end
