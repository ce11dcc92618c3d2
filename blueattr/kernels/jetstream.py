# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
# ruff: noqa: PLR0911, PLR0912, PLR0915, PLR0917, PLR1714 (a parser is one loop with many branches; numba compares one by one fastest)
"""Lines as Jetstream writes them, parsed to columns in one pass.

What is parsed here means exactly what ``sql/ingest/decode_lines.sql`` says of it, and the tests
hold the two against each other. A line that is in any way unusual is left to that statement: only
posts, reposts and follows of accounts with a ``did:plc`` and keys that are TIDs are taken, what
tells of such accounts (identities, statuses, profiles without labels), and lines that are valid and
of a collection that is not kept.
"""

import numpy as np

from blueattr.kernels import compiled, fields
from blueattr.kernels.identifiers import (
    END_US,
    FIRST_US,
    read_did,
    read_link,
    read_micros,
    read_time,
    tid_number,
)
from blueattr.kernels.jsontext import (
    ESCAPED,
    WIDE,
    equals,
    is_utf8,
    letters_of,
    number_end,
    string_end,
)

__all__ = ["DEPTH", "SKIPPED", "parse_line"]

U = np.uint64

# --- what the columns hold ------------------------------------------------------------------------

NUMBERS = 11
"""Rows of the table of numbers: those below."""

(TIME, RKEY, REV, AUTHOR_HIGH, AUTHOR_LOW, SUBJECT_HIGH, SUBJECT_LOW, SUBJECT_RKEY) = range(8)
(ROOT_HIGH, ROOT_LOW, ROOT_RKEY) = range(8, 11)

KIND = 3
"""Bits of a flag: the collection, 0 post, 1 repost, 2 follow."""
FOLLOW = 2
"""What they say of a follow."""
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

TOLD = 1024
"""Bit of a line, not of a flag: it tells of an account."""
IDENTITY, ACCOUNT, PROFILE = range(3)
"""What the bits of a kind say of a line that tells of an account."""
UPDATED = 2048
"""Bit of such a line: an update."""
ACTIVE = 4096
"""Bit of such a line: the account is active."""
BITS = RKEY
"""Where its bits are among its numbers: no key of it is needed."""

# --- parsing --------------------------------------------------------------------------------------

DEPTH = 64
"""How deep a line that is parsed may nest."""

_IS_COMMIT, _IS_IDENTITY, _IS_ACCOUNT = map(letters_of, ("commit", "identity", "account"))
_MESSAGE, _SELF = letters_of("message"), letters_of("self")
_EVENTS = letters_of("network.bsky.jetstream.subscribeEvents#")
_CREATE, _UPDATE, _DELETE = letters_of("create"), letters_of("update"), letters_of("delete")


def _set(*values: int) -> np.uint64:
    return U(sum(1 << value for value in values))


_FRAME, _PAYLOAD, _RECORD, _TEXT = (
    _set(value) for value in (fields.FRAME, fields.PAYLOAD, fields.RECORD, fields.TEXT)
)
_NEEDED_V1 = _set(fields.KIND, fields.DID, fields.TIME_US)
_NEEDED_V2 = _set(fields.TYPE, fields.DID, fields.TIME)
_NEEDED = _set(fields.RKEY, fields.REV, fields.OPERATION)
_IDENTITY, _ACTIVE, _SAID, _LABELS = (
    _set(value) for value in (fields.IDENTITY, fields.ACTIVE, fields.SAID, fields.LABELS)
)
_BOTH = _set(fields.IDENTITY, fields.ACCOUNT)
_REPLY, _LINKS = _set(fields.REPLY), _set(fields.PARENT_URI, fields.ROOT_URI)
_TITLE, _MEDIA_TITLE = _set(fields.TITLE), _set(fields.MEDIA_TITLE)
_TARGET_URI, _FOLLOWED = _set(fields.TARGET_URI), _set(fields.FOLLOWED)


@compiled.jit(makes_arrays=False)
def parse_line(buffer, i, k, start, stop, places, tags, numbers):
    """Parse one line from `i` on.

    Returns its bits, negative where it is left to others; where it ends; how many tags it has. The
    strings of what is read are left in `start` and `stop`, the numbers in row `k`.
    """
    kind, i, seen, tag_count = _walk(buffer, i, start, stop, places, tags)
    bits = _meaning(buffer, kind, seen, start, stop) if kind >= 0 else -1
    if bits >= 0 and not read_row(buffer, k, bits, start, stop, numbers):
        bits = -1
    return bits, i, tag_count


@compiled.jit(makes_arrays=False)
def _walk(buffer, i, start, stop, places, tags):
    """Go through a line of JSON.

    Returns the number of its collection, negative where the line is malformed or unusual; where it
    ends; the set of values and places that it has; how many tags.
    """
    begin = i
    seen = U(0)
    if buffer[i] != 123:
        return -1, i, seen, 0
    wide = 0
    kind = fields.NONE
    tag_count = 0
    depth = 0
    place = fields.TOP
    places[0] = place
    first = True
    i += 1
    while True:
        while buffer[i] == 32:
            i += 1
        what = fields.OTHER
        c = buffer[i]
        # An empty object or list is closed below.
        if not first or c != (93 if place >= fields.FACETS else 125):
            if place == fields.FACETS:
                what = fields.FACET
            elif place == fields.FEATURES:
                what = fields.FEATURE
            elif place == fields.TAGS:
                what = fields.TAG
            elif place < fields.FACETS:
                if c != 34:
                    return -1, i, seen, 0
                end = string_end(buffer, i + 1)
                # A key that is escaped could be any.
                if end < 0 or end & ESCAPED:
                    return -1, i, seen, 0
                wide |= end & 3
                end >>= 2
                if place != fields.OTHER:
                    what = fields.what_of(place, buffer, i + 1, end, kind)
                i = end + 1
                while buffer[i] == 32:
                    i += 1
                if buffer[i] != 58:
                    return -1, i, seen, 0
                i += 1
                while buffer[i] == 32:
                    i += 1
                if what != fields.OTHER:
                    # Of two equal keys the first counts; beside a payload none does.
                    bit = U(1) << U(what)
                    if seen & bit or (place == fields.TOP and seen & _PAYLOAD):
                        return -1, i, seen, 0
                    seen |= bit
            c = buffer[i]
            if c == 34:
                end = string_end(buffer, i + 1)
                if end < 0:
                    return -1, i, seen, 0
                f = end & 3
                end >>= 2
                wide |= f
                if what != fields.OTHER:
                    if what < fields.PLACES or what == fields.TIME_US or what == fields.ACTIVE:
                        return -1, i, seen, 0
                    # Which letters are the same but for their case is for others to say.
                    if what == fields.SAID and f & WIDE:
                        return -1, i, seen, 0
                    if what == fields.TAG or what == fields.FEATURE_TAG:
                        if tag_count == tags.shape[1]:
                            return -1, i, seen, 0
                        tags[0, tag_count], tags[1, tag_count] = i + 1, end
                        tag_count += 1
                    else:
                        if f & ESCAPED and not (
                            what == fields.TEXT
                            or what == fields.TITLE
                            or what == fields.MEDIA_TITLE
                        ):
                            return -1, i, seen, 0
                        start[what], stop[what] = i + 1, end
                        if what == fields.COLLECTION:
                            kind = fields.collection_of(buffer, i + 1, end)
                            # An empty name, or a record that was read without knowing of what.
                            if kind < 0 or seen & _RECORD:
                                return -1, i, seen, 0
                        elif what == fields.FRAME and not equals(buffer, i + 1, end, _MESSAGE):
                            # What is in a frame, without the frame; its type must come first.
                            if seen != _FRAME:
                                return -1, i, seen, 0
                            seen = U(1) << U(fields.TYPE) | _PAYLOAD
                            start[fields.TYPE], stop[fields.TYPE] = i + 1, end
                            place = fields.PAYLOAD
                            places[0] = place
                i = end + 1
            elif c == 123 or c == 91:
                if what > fields.PLACES or (
                    what != fields.OTHER and (c == 91) != (what >= fields.FACETS)
                ):
                    return -1, i, seen, 0
                if what == fields.RECORD:
                    if kind == fields.NONE:
                        return -1, i, seen, 0
                    if kind == fields.ANOTHER:
                        what = fields.OTHER
                elif what == fields.FACET:
                    seen &= ~(U(1) << U(fields.FEATURES))
                elif what == fields.FEATURE:
                    seen &= ~(U(1) << U(fields.FEATURE_TAG))
                elif what == fields.PAYLOAD and seen != _FRAME | _PAYLOAD:
                    return -1, i, seen, 0
                depth += 1
                if depth == places.size:
                    return -1, i, seen, 0
                place = fields.LIST if what == fields.OTHER and c == 91 else what
                places[depth] = place
                first = True
                i += 1
                continue
            else:
                # Where a text, an object or a list belongs, anything else is judged elsewhere.
                if (what == fields.ACTIVE and (c == 116 or c == 102)) or (
                    what == fields.SAID and c == 110
                ):
                    start[what], stop[what] = i, i
                    what = fields.OTHER
                if what != fields.OTHER and what != fields.TIME_US:
                    return -1, i, seen, 0
                if what == fields.TIME_US or c == 45 or 48 <= c <= 57:
                    end = number_end(buffer, i)
                    if end < 0:
                        return -1, i, seen, 0
                    if what == fields.TIME_US:
                        start[what], stop[what] = i, end
                    i = end
                elif (
                    c == 116
                    and buffer[i + 1] == 114
                    and buffer[i + 2] == 117
                    and buffer[i + 3] == 101
                ) or (
                    c == 110
                    and buffer[i + 1] == 117
                    and buffer[i + 2] == 108
                    and buffer[i + 3] == 108
                ):
                    i += 4
                elif (
                    c == 102
                    and buffer[i + 1] == 97
                    and buffer[i + 2] == 108
                    and buffer[i + 3] == 115
                    and buffer[i + 4] == 101
                ):
                    i += 5
                else:
                    return -1, i, seen, 0
        first = False
        while True:
            while buffer[i] == 32:
                i += 1
            c = buffer[i]
            if c == 44:
                i += 1
                break
            if c != (93 if place >= fields.FACETS else 125):
                return -1, i, seen, 0
            depth -= 1
            i += 1
            if depth < 0:
                break
            place = places[depth]
        if depth < 0:
            break
    if buffer[i] == 13:
        i += 1
    if buffer[i] != 10 or (wide & WIDE and not is_utf8(buffer, begin, i)):
        return -1, i, seen, 0
    return kind, i, seen, tag_count


@compiled.jit(makes_arrays=False)
def _meaning(buffer, kind, seen, start, stop):
    """Tell the bits of a line of JSON from its names; negative where it is unusual."""
    bits = 0
    if seen & _PAYLOAD:
        bits = _V2
        o, p = start[fields.TYPE], stop[fields.TYPE]
        of = o + _EVENTS.size
        if seen & _NEEDED_V2 != _NEEDED_V2 or of > p or not equals(buffer, o, of, _EVENTS):
            return -1
        o = of
    else:
        o, p = start[fields.KIND], stop[fields.KIND]
        if seen & _NEEDED_V1 != _NEEDED_V1 or seen & _FRAME:
            return -1
    if not equals(buffer, o, p, _IS_COMMIT):
        return _meaning_of_account(buffer, bits, kind, seen, start, stop, o, p)
    if kind == fields.NONE:
        return -1
    if kind == fields.ANOTHER:
        return bits | SKIPPED
    bits |= kind if kind != fields.PROFILE else TOLD | PROFILE
    if seen & _NEEDED != _NEEDED:
        return -1
    o, p = start[fields.OPERATION], stop[fields.OPERATION]
    if equals(buffer, o, p, _DELETE):
        return bits | REMOVED if not seen & _RECORD else -1
    writes = equals(buffer, o, p, _CREATE) or equals(buffer, o, p, _UPDATE)
    if not writes or not seen & _RECORD:
        return -1
    if kind == fields.PROFILE:
        if seen & _LABELS:
            return -1
        return bits if equals(buffer, o, p, _CREATE) else bits | UPDATED
    if kind != fields.POST:
        named = _TARGET_URI if kind == fields.REPOST else _FOLLOWED
        return bits | SUBJECT if seen & named else -1
    if not seen & _TEXT or (seen & _REPLY and seen & _LINKS != _LINKS):
        return -1
    bits |= TEXT
    if seen & _REPLY:
        bits |= SUBJECT | ROOT
    if seen & _TITLE:
        bits |= TITLE
    elif seen & _MEDIA_TITLE:
        bits |= TITLE | _TITLE_OF_MEDIA
    return bits


@compiled.jit(makes_arrays=False)
def _meaning_of_account(buffer, bits, kind, seen, start, stop, o, p):
    """Tell the bits of a line that is no commit; from `o` to `p` is the name of its event."""
    # What is said must be of this event.
    if kind != fields.NONE or seen & _BOTH == _BOTH:
        return -1
    bits |= TOLD
    if not seen & _SAID:
        start[fields.SAID] = stop[fields.SAID] = 0
    if seen & _IDENTITY and equals(buffer, o, p, _IS_IDENTITY):
        return bits | IDENTITY
    if not seen & _ACTIVE or not equals(buffer, o, p, _IS_ACCOUNT):
        return -1
    return bits | ACCOUNT | (ACTIVE if buffer[start[fields.ACTIVE]] == 116 else 0)


@compiled.jit(makes_arrays=False)
def read_row(buffer, k, bits, start, stop, numbers):
    """Write down the numbers of a line from where its strings are; False where one is unusual."""
    if bits & _V2:
        time = read_time(buffer, start[fields.TIME], stop[fields.TIME])
    else:
        time = read_micros(buffer, start[fields.TIME_US], stop[fields.TIME_US])
    numbers[TIME, k] = time
    if time < FIRST_US or time >= END_US:
        return False
    if not read_did(buffer, start[fields.DID], stop[fields.DID], numbers, AUTHOR_HIGH, k):
        return False
    if bits & SKIPPED or (bits & TOLD and bits & KIND != PROFILE):
        return True
    rkey = tid_number(buffer, start[fields.RKEY], stop[fields.RKEY])
    rev = tid_number(buffer, start[fields.REV], stop[fields.REV])
    numbers[RKEY, k], numbers[REV, k] = rkey, rev
    if bits & TOLD:
        return rev >= 0 and equals(buffer, start[fields.RKEY], stop[fields.RKEY], _SELF)
    if rkey < 0 or rev < 0:
        return False
    if bits & _TITLE_OF_MEDIA:
        start[fields.TITLE], stop[fields.TITLE] = (
            start[fields.MEDIA_TITLE],
            stop[fields.MEDIA_TITLE],
        )
    if not bits & SUBJECT:
        return True
    if bits & KIND == FOLLOW:
        return read_did(
            buffer, start[fields.FOLLOWED], stop[fields.FOLLOWED], numbers, SUBJECT_HIGH, k
        )
    uri = fields.PARENT_URI if bits & ROOT else fields.TARGET_URI
    if not read_link(buffer, start[uri], stop[uri], numbers, SUBJECT_HIGH, k):
        return False
    return not bits & ROOT or read_link(
        buffer, start[fields.ROOT_URI], stop[fields.ROOT_URI], numbers, ROOT_HIGH, k
    )
