# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
# ruff: noqa: PLR0911, PLR0912, PLR1714 (a parser returns at the first oddity; numba compares one by one fastest)
"""Parse a line that Jetstream wrote to columns.

What is parsed here means exactly what ``sql/store/batch/decode_lines.sql`` says of it, and the
tests hold the two against each other. A line that is in any way unusual is left to that statement,
for a reason of `Refusal`. These lines are parsed: posts, reposts and follows by accounts with a
``did:plc`` whose record keys are TIDs; identities, statuses and profiles without labels of such
accounts; and valid lines of a collection that is not kept.

A line is parsed in three steps. `_walk` goes through the JSON once, from key to value to what
closes the value, and notes the bounds of each field that is read. `_meaning` tells from the fields
present what the line is. `_read_row` reads the fields' numbers.
"""

from typing import NamedTuple

import numpy as np

from blueattr.decode.parser import fields
from blueattr.decode.parser.identifiers import (
    END_US,
    FIRST_US,
    read_did,
    read_link,
    read_micros,
    read_time,
    tid_number,
)
from blueattr.decode.parser.json_text import (
    ESCAPED,
    WIDE,
    equals,
    is_utf8,
    letters_of,
    number_end,
    skip_spaces,
    string_end,
)
from blueattr.decode.parser.refusals import Refusal
from blueattr.kernels import compiled
from blueattr.kernels.compiled import IntArray

__all__ = ["SKIPPED", "Line", "new_line", "parse_line"]


U = np.uint64


# --- what the columns hold ------------------------------------------------------------------------

NUMBERS = 11
"""Rows of the table of numbers, which are:"""


(TIME, RKEY, REV, AUTHOR_HIGH, AUTHOR_LOW, SUBJECT_HIGH, SUBJECT_LOW, SUBJECT_RKEY) = range(8)
(ROOT_HIGH, ROOT_LOW, ROOT_RKEY) = range(8, 11)


KIND = 3
"""Bits of a flag: the collection, 0 post, 1 repost, 2 follow."""
FOLLOW = 2
"""`KIND` of a follow."""
REMOVED = 4
"""Bit of a flag: a delete."""
SUBJECT = 8
"""Bit of a flag: it has a subject."""
ROOT = 16
"""Bit of a flag: it has a root."""
TEXT = 32
"""Bit of a flag: it has a text, perhaps an empty one."""
TITLE = 64
"""Bit of a flag: it has a title, perhaps an empty one."""
SKIPPED = 128
"""Bit of a line, not of a flag: it is of a collection that is not kept."""
_V2, _TITLE_OF_MEDIA = 256, 512


ABOUT_ACCOUNT = 1024
"""Bit of a line, not of a flag: it is about an account, not a record."""
IDENTITY, ACCOUNT, PROFILE = range(3)
"""`KIND` of a line about an account."""
UPDATED = 2048
"""Bit of a line about an account: a profile's update."""
ACTIVE = 4096
"""Bit of a line about an account: it is active."""
BITS = RKEY
"""The row of numbers that holds the bits of a line about an account: its key is not needed."""


# --- the state of a line -------------------------------------------------------------------------

_DEPTH = 64  # a line that nests deeper is left
_MOST_TAGS = 512  # and so is one with more tags


_STATE = np.dtype(
    [
        ("seen", np.uint64),  # a bit for each place and field met
        ("place", np.int64),  # what the innermost open object or list is, of `fields`
        ("depth", np.int64),  # how many objects and lists are open around it
        ("collection", np.int64),  # of `fields`
        ("string_flags", np.int64),  # ESCAPED, WIDE: of all strings so far
        ("tag_count", np.int64),
    ],
    align=True,
)


class Line(NamedTuple):
    """What is known of the line that is being parsed. It is made once and used for every line.

    Parameters
    ----------
    start, stop
        int64 (`fields.VALUES`,): the bounds of each field in the buffer; arbitrary if not seen.
    tags
        int64 (2, most): the bounds of each tag.
    places
        int64 (depth,): what each open object or list is.
    state
        A record of `_STATE`.
    """

    start: IntArray
    stop: IntArray
    tags: IntArray
    places: IntArray
    state: np.record


def new_line() -> Line:
    """Make the memory that a line is parsed with."""
    return Line(
        np.zeros(fields.VALUES, np.int64),
        np.zeros(fields.VALUES, np.int64),
        np.zeros((2, _MOST_TAGS), np.int64),
        np.zeros(_DEPTH, np.int64),
        np.zeros(1, _STATE).view(np.recarray)[0],
    )


def _set(*members: int) -> np.uint64:
    return U(sum(1 << member for member in members))


_FRAME, _PAYLOAD, _RECORD, _TEXT = (
    _set(field) for field in (fields.FRAME, fields.PAYLOAD, fields.RECORD, fields.TEXT)
)
_NEEDED_V1 = _set(fields.KIND, fields.DID, fields.TIME_US)
_NEEDED_V2 = _set(fields.TYPE, fields.DID, fields.TIME)
_NEEDED = _set(fields.RKEY, fields.REV, fields.OPERATION)
_IDENTITY, _ACTIVE, _SAID = (_set(field) for field in (fields.IDENTITY, fields.ACTIVE, fields.SAID))
_BOTH = _set(fields.IDENTITY, fields.ACCOUNT)
_REPLY, _LINKS = _set(fields.REPLY), _set(fields.PARENT_URI, fields.ROOT_URI)
_TITLE, _MEDIA_TITLE = _set(fields.TITLE), _set(fields.MEDIA_TITLE)
_TARGET_URI, _FOLLOWED = _set(fields.TARGET_URI), _set(fields.FOLLOWED)


@compiled.jit(makes_arrays=False)
def parse_line(buffer, begin, line, numbers, row):
    """Parse the line that begins at `begin`.

    Its fields are left in `line`, its numbers in ``numbers[:, row]``.

    Returns
    -------
    bits, end
        What the line is, or a `Refusal`; and where it ends, at its end of line, or how far it was
        read.
    """
    end = _walk(buffer, begin, line)
    if end < 0:
        return end, begin
    bits = _meaning(buffer, line)
    if bits >= 0:
        bits = _read_row(buffer, bits, line, numbers, row)
    return bits, end


# --- from key to value to what closes it ----------------------------------------------------------

_QUOTE, _COLON, _COMMA = (ord(char) for char in '":,')
_OPEN_OBJECT, _CLOSE_OBJECT, _OPEN_LIST, _CLOSE_LIST = (ord(char) for char in "{}[]")
_TRUE, _FALSE, _NULL = letters_of("true"), letters_of("false"), letters_of("null")
_MESSAGE = letters_of("message")


@compiled.jit(makes_arrays=False)
def _walk(buffer, begin, line):
    """Go through the JSON of a line once; return where it ends, or a `Refusal`."""
    if buffer[begin] != _OPEN_OBJECT:
        return np.int64(Refusal.NOT_JSON)
    state = line.state
    state.seen = 0
    state.place = line.places[0] = fields.TOP
    state.depth = 0
    state.collection = fields.NONE
    state.string_flags = 0
    state.tag_count = 0
    i = begin + 1
    just_opened = True
    while state.depth >= 0:
        i = skip_spaces(buffer, i)
        if not (just_opened and buffer[i] == _closing(state.place)):
            field = _element_of(state.place)
            if not _is_list(state.place):
                i, field = _read_key(buffer, i, line)
                if i < 0:
                    return i
            char = buffer[i]
            just_opened = char in (_OPEN_OBJECT, _OPEN_LIST)
            if just_opened:
                i = _open(buffer, i, field, line)
            elif char == _QUOTE:
                i = _read_string(buffer, i, field, line)
            else:
                i = _read_literal(buffer, i, field, line)
            if i < 0:
                return i
            if just_opened:
                continue
        i = _close(buffer, i, line)
        if i < 0:
            return i
        just_opened = False
    if buffer[i] == ord("\r"):
        i += 1
    if buffer[i] != ord("\n"):
        return np.int64(Refusal.NOT_JSON)
    if state.string_flags & WIDE and not is_utf8(buffer, begin, i):
        return np.int64(Refusal.NOT_UTF8)
    return i


@compiled.jit(makes_arrays=False)
def _is_list(place):
    return place >= fields.FACETS


@compiled.jit(makes_arrays=False)
def _closing(place):
    return _CLOSE_LIST if _is_list(place) else _CLOSE_OBJECT


@compiled.jit(makes_arrays=False)
def _element_of(place):
    """Return what the elements of a list are."""
    if place == fields.FACETS:
        return fields.FACET
    if place == fields.FEATURES:
        return fields.FEATURE
    if place == fields.TAGS:
        return fields.TAG
    return fields.OTHER


@compiled.jit(makes_arrays=False)
def _read_key(buffer, i, line):
    """Read the key at `i`. Return where its value begins, or a `Refusal`, and its field."""
    state = line.state
    if buffer[i] != _QUOTE:
        return np.int64(Refusal.NOT_JSON), fields.OTHER
    start = i + 1
    end, flags = string_end(buffer, start)
    if end < 0:
        return end, fields.OTHER
    if flags & ESCAPED:
        return np.int64(Refusal.ESCAPED_KEY), fields.OTHER
    state.string_flags |= flags
    i = skip_spaces(buffer, end + 1)
    if buffer[i] != _COLON:
        return np.int64(Refusal.NOT_JSON), fields.OTHER
    i = skip_spaces(buffer, i + 1)
    if state.place == fields.OTHER:
        return i, fields.OTHER
    field = fields.field_of(state.place, buffer, start, end, state.collection)
    if field == fields.LABELS:
        return np.int64(Refusal.LABELLED), fields.OTHER
    if field != fields.OTHER:
        bit = U(1) << U(field)
        if state.seen & bit:
            return np.int64(Refusal.REPEATED_KEY), fields.OTHER
        if state.place == fields.TOP and state.seen & _PAYLOAD:
            return np.int64(Refusal.BESIDE_PAYLOAD), fields.OTHER
        state.seen |= bit
    return i, field


@compiled.jit(makes_arrays=False)
def _read_string(buffer, i, field, line):
    """Read the string at `i`, the value of a field; return where it ends, or a `Refusal`."""
    state = line.state
    start = i + 1
    end, flags = string_end(buffer, start)
    if end < 0:
        return end
    state.string_flags |= flags
    if field == fields.OTHER:
        return end + 1
    if field < fields.PLACES or field == fields.TIME_US or field == fields.ACTIVE:
        return np.int64(Refusal.ODD_TYPE)
    if field == fields.TAG or field == fields.FEATURE_TAG:
        if state.tag_count == line.tags.shape[1]:
            return np.int64(Refusal.TOO_MANY_TAGS)
        line.tags[0, state.tag_count], line.tags[1, state.tag_count] = start, end
        state.tag_count += 1
        return end + 1
    if field == fields.SAID and flags & WIDE:
        return np.int64(Refusal.NOT_ASCII)
    own_words = field == fields.TEXT or field == fields.TITLE or field == fields.MEDIA_TITLE
    if flags & ESCAPED and not own_words:
        return np.int64(Refusal.ESCAPED_VALUE)
    line.start[field], line.stop[field] = start, end
    if field == fields.COLLECTION:
        state.collection = fields.collection_of(buffer, start, end)
        if state.collection == fields.NONE:
            return np.int64(Refusal.NO_COLLECTION)
        if state.seen & _RECORD:
            return np.int64(Refusal.RECORD_FIRST)
    elif field == fields.FRAME and not equals(buffer, start, end, _MESSAGE):
        # An event of v2 without a frame: its type comes first, and what follows is the payload.
        if state.seen != _FRAME:
            return np.int64(Refusal.ODD_EVENT)
        state.seen = U(1) << U(fields.TYPE) | _PAYLOAD
        line.start[fields.TYPE], line.stop[fields.TYPE] = start, end
        state.place = line.places[0] = fields.PAYLOAD
    return end + 1


@compiled.jit(makes_arrays=False)
def _read_literal(buffer, i, field, line):
    """Read a number, true, false or null at `i`; return where it ends, or a `Refusal`."""
    char = buffer[i]
    if field == fields.TIME_US:
        end = number_end(buffer, i)
        line.start[field], line.stop[field] = i, end
        return end
    may_be_null = field == fields.SAID and char == ord("n")
    may_be_bool = field == fields.ACTIVE and (char == ord("t") or char == ord("f"))
    if field != fields.OTHER and not may_be_null and not may_be_bool:
        return np.int64(Refusal.ODD_TYPE)
    if field != fields.OTHER:
        line.start[field], line.stop[field] = i, i
    if char == ord("t") and equals(buffer, i, i + 4, _TRUE):
        return i + 4
    if char == ord("n") and equals(buffer, i, i + 4, _NULL):
        return i + 4
    if char == ord("f") and equals(buffer, i, i + 5, _FALSE):
        return i + 5
    if char == ord("-") or ord("0") <= char <= ord("9"):
        return number_end(buffer, i)
    return np.int64(Refusal.NOT_JSON)


@compiled.jit(makes_arrays=False)
def _open(buffer, i, field, line):
    """Enter the object or list at `i`; return where its first key or element may be."""
    state = line.state
    is_list = buffer[i] == _OPEN_LIST
    place = field
    if field == fields.OTHER:
        place = fields.LIST if is_list else fields.OTHER
    elif field > fields.PLACES or is_list != _is_list(field):
        return np.int64(Refusal.ODD_TYPE)
    elif field == fields.RECORD:
        if state.collection == fields.NONE:
            return np.int64(Refusal.RECORD_FIRST)
        if state.collection == fields.ANOTHER:
            place = fields.OTHER
    elif field == fields.FACET:
        state.seen &= ~(U(1) << U(fields.FEATURES))
    elif field == fields.FEATURE:
        state.seen &= ~(U(1) << U(fields.FEATURE_TAG))
    elif field == fields.PAYLOAD and state.seen != _FRAME | _PAYLOAD:
        return np.int64(Refusal.BESIDE_PAYLOAD)
    state.depth += 1
    if state.depth == line.places.size:
        return np.int64(Refusal.TOO_DEEP)
    state.place = line.places[state.depth] = place
    return i + 1


@compiled.jit(makes_arrays=False)
def _close(buffer, i, line):
    """Leave the objects and lists that end at `i`, up to a comma or the end of the line's object.

    Returns where the next key or element may be, or a `Refusal`. The line's own object has ended
    where the depth is -1.
    """
    state = line.state
    while state.depth >= 0:
        i = skip_spaces(buffer, i)
        if buffer[i] == _COMMA:
            return i + 1
        if buffer[i] != _closing(state.place):
            return np.int64(Refusal.NOT_JSON)
        i += 1
        state.depth -= 1
        if state.depth >= 0:
            state.place = line.places[state.depth]
    return i


# --- what a line is -------------------------------------------------------------------------------

_IS_COMMIT, _IS_IDENTITY, _IS_ACCOUNT = map(letters_of, ("commit", "identity", "account"))
_SELF = letters_of("self")
_EVENTS = letters_of("network.bsky.jetstream.subscribeEvents#")
_CREATE, _UPDATE, _DELETE = letters_of("create"), letters_of("update"), letters_of("delete")


@compiled.jit(makes_arrays=False)
def _is(buffer, line, field, text):
    """Whether a field is this text."""
    return equals(buffer, line.start[field], line.stop[field], text)


@compiled.jit(makes_arrays=False)
def _meaning(buffer, line):
    """Return the bits of a line from the fields that it has, or a `Refusal`."""
    seen = line.state.seen
    bits = 0
    if seen & _PAYLOAD:
        bits = _V2
        start, stop = line.start[fields.TYPE], line.stop[fields.TYPE]
        if seen & _NEEDED_V2 != _NEEDED_V2:
            return np.int64(Refusal.MISSING_FIELD)
        prefix = start + _EVENTS.size
        if prefix > stop or not equals(buffer, start, prefix, _EVENTS):
            return np.int64(Refusal.ODD_EVENT)
        start = prefix
    else:
        start, stop = line.start[fields.KIND], line.stop[fields.KIND]
        if seen & _NEEDED_V1 != _NEEDED_V1:
            return np.int64(Refusal.MISSING_FIELD)
        if seen & _FRAME:
            return np.int64(Refusal.ODD_EVENT)
    if equals(buffer, start, stop, _IS_COMMIT):
        return _meaning_of_commit(buffer, bits, line)
    if equals(buffer, start, stop, _IS_IDENTITY):
        return _meaning_of_account(buffer, bits | IDENTITY, _IDENTITY, line)
    if equals(buffer, start, stop, _IS_ACCOUNT):
        return _meaning_of_account(buffer, bits | ACCOUNT, _ACTIVE, line)
    return np.int64(Refusal.ODD_EVENT)


@compiled.jit(makes_arrays=False)
def _meaning_of_commit(buffer, bits, line):
    """Return the bits of a commit from the fields that it has, or a `Refusal`."""
    seen, collection = line.state.seen, line.state.collection
    if collection == fields.NONE:
        return np.int64(Refusal.NO_COLLECTION)
    if collection == fields.ANOTHER:
        return np.int64(bits | SKIPPED)
    if seen & _NEEDED != _NEEDED:
        return np.int64(Refusal.MISSING_FIELD)
    bits |= ABOUT_ACCOUNT | PROFILE if collection == fields.PROFILE else collection
    if _is(buffer, line, fields.OPERATION, _DELETE):
        return np.int64(Refusal.ODD_OPERATION if seen & _RECORD else bits | REMOVED)
    updates = _is(buffer, line, fields.OPERATION, _UPDATE)
    if not updates and not _is(buffer, line, fields.OPERATION, _CREATE):
        return np.int64(Refusal.ODD_OPERATION)
    if not seen & _RECORD:
        return np.int64(Refusal.MISSING_FIELD)
    if collection == fields.PROFILE:
        return np.int64(bits | UPDATED if updates else bits)
    if collection != fields.POST:
        needed = _TARGET_URI if collection == fields.REPOST else _FOLLOWED
        return np.int64(bits | SUBJECT if seen & needed else Refusal.MISSING_FIELD)
    if not seen & _TEXT or (seen & _REPLY and seen & _LINKS != _LINKS):
        return np.int64(Refusal.MISSING_FIELD)
    bits |= TEXT
    if seen & _REPLY:
        bits |= SUBJECT | ROOT
    if seen & _TITLE:
        bits |= TITLE
    elif seen & _MEDIA_TITLE:
        bits |= TITLE | _TITLE_OF_MEDIA
    return np.int64(bits)


@compiled.jit(makes_arrays=False)
def _meaning_of_account(buffer, bits, needed, line):
    """Return the bits of an identity or account line, or a `Refusal`."""
    seen = line.state.seen
    if line.state.collection != fields.NONE or seen & _BOTH == _BOTH:
        return np.int64(Refusal.ODD_EVENT)
    if not seen & needed:
        return np.int64(Refusal.MISSING_FIELD)
    if not seen & _SAID:
        line.start[fields.SAID] = line.stop[fields.SAID] = 0
    if seen & _ACTIVE and buffer[line.start[fields.ACTIVE]] == ord("t"):
        bits |= ACTIVE
    return np.int64(bits | ABOUT_ACCOUNT)


# --- its numbers ----------------------------------------------------------------------------------


@compiled.jit(makes_arrays=False)
def _read_row(buffer, bits, line, numbers, row):
    """Read a line's fields to ``numbers[:, row]``; return its bits, or a `Refusal`."""
    start, stop = line.start, line.stop
    if bits & _V2:
        time = read_time(buffer, start[fields.TIME], stop[fields.TIME])
    else:
        time = read_micros(buffer, start[fields.TIME_US], stop[fields.TIME_US])
    numbers[TIME, row] = time
    if time < FIRST_US or time >= END_US:
        return np.int64(Refusal.ODD_TIME)
    if not read_did(buffer, start[fields.DID], stop[fields.DID], numbers, AUTHOR_HIGH, row):
        return np.int64(Refusal.ODD_DID)
    profile = bits & ABOUT_ACCOUNT and bits & KIND == PROFILE
    if bits & SKIPPED or (bits & ABOUT_ACCOUNT and not profile):
        return bits
    rkey = tid_number(buffer, start[fields.RKEY], stop[fields.RKEY])
    rev = tid_number(buffer, start[fields.REV], stop[fields.REV])
    numbers[RKEY, row], numbers[REV, row] = rkey, rev
    if rev < 0 or (not profile and rkey < 0):
        return np.int64(Refusal.ODD_KEY)
    if profile:
        return bits if _is(buffer, line, fields.RKEY, _SELF) else np.int64(Refusal.ODD_KEY)
    if bits & _TITLE_OF_MEDIA:
        start[fields.TITLE], stop[fields.TITLE] = (
            start[fields.MEDIA_TITLE],
            stop[fields.MEDIA_TITLE],
        )
    return _read_links(buffer, bits, line, numbers, row)


@compiled.jit(makes_arrays=False)
def _read_links(buffer, bits, line, numbers, row):
    """Read a line's subject and root to ``numbers[:, row]``; return its bits, or a `Refusal`."""
    start, stop = line.start, line.stop
    if not bits & SUBJECT:
        return bits
    if bits & KIND == FOLLOW:
        field = fields.FOLLOWED
        found = read_did(buffer, start[field], stop[field], numbers, SUBJECT_HIGH, row)
        return bits if found else np.int64(Refusal.ODD_DID)
    field = fields.PARENT_URI if bits & ROOT else fields.TARGET_URI
    found = read_link(buffer, start[field], stop[field], numbers, SUBJECT_HIGH, row)
    if found and bits & ROOT:
        field = fields.ROOT_URI
        found = read_link(buffer, start[field], stop[field], numbers, ROOT_HIGH, row)
    return bits if found else np.int64(Refusal.ODD_LINK)
