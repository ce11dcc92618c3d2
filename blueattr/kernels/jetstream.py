# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
# ruff: noqa: PLR0911, PLR0912, PLR0915, PLR0917, PLR1714, SIM109 (a parser is one loop with many branches; numba compares one by one fastest)
"""Lines as Jetstream writes them, parsed to columns in one pass.

What is parsed here means exactly what ``sql/ingest/decode_lines.sql`` says of it, and the tests
hold the two against each other. A line that is in any way unusual is left to that statement: only
posts, reposts and follows of accounts with a ``did:plc`` and keys that are TIDs are taken, or lines
that are valid and of a collection that is not kept.
"""

import numpy as np

from blueattr.kernels import compiled
from blueattr.kernels.compiled import load_word
from blueattr.kernels.identifiers import (
    END_US,
    FIRST_US,
    read_did,
    read_link,
    read_time,
    tid_number,
)
from blueattr.kernels.jsontext import (
    ESCAPED,
    WIDE,
    decimal,
    equals,
    is_utf8,
    key_end,
    letters_of,
    number_end,
    string_end,
    word_of,
)

__all__ = ["DEPTH", "KEPT", "LEFT", "SKIPPED", "TEXT_VALUE", "TITLE_VALUE", "VALUES", "parse_line"]

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

# --- names ----------------------------------------------------------------------------------------


# Places a value can be in; those from _FACETS on are lists.
_OTHER, _TOP, _COMMIT, _RECORD, _REPLY, _PARENT, _ROOT, _TARGET, _EMBED, _EXTERNAL = range(10)
_MEDIA, _MEDIA_EXTERNAL, _FACET, _FEATURE, _PAYLOAD = range(10, 15)
_FACETS, _FEATURES, _TAGS, _LIST = range(15, 19)
_PLACES = 19
# Values that are read. A number above _PLACES, so that one variable can say either.
_DID, _TIME_US, _KIND, _REV, _OPERATION, _COLLECTION, _RKEY, _TYPE, _TIME = range(20, 29)
TEXT_VALUE, _FOLLOWED, _PARENT_URI, _ROOT_URI, _TARGET_URI, TITLE_VALUE, _MEDIA_TITLE = range(
    29, 36
)
_FRAME, _FEATURE_TAG, _TAG = range(36, 39)
VALUES = 40

_K_DID, _K_KIND, _K_COMMIT, _K_PAYLOAD = (
    word_of("did"),
    word_of("kind"),
    word_of("commit"),
    word_of("payload"),
)
_K_TIME_US, _K_TIME, _K_TYPE, _K_REV = (
    word_of("time_us"),
    word_of("time"),
    word_of("$type"),
    word_of("rev"),
)
_K_OPERATION, _K_COLLECTION = word_of("operation"), word_of("collection")
_K_RKEY, _K_RECORD, _K_TEXT, _K_REPLY = (
    word_of("rkey"),
    word_of("record"),
    word_of("text"),
    word_of("reply"),
)
_K_TAGS, _K_FACETS, _K_EMBED = word_of("tags"), word_of("facets"), word_of("embed")
_K_SUBJECT, _K_PARENT, _K_ROOT, _K_URI = (
    word_of("subject"),
    word_of("parent"),
    word_of("root"),
    word_of("uri"),
)
_K_EXTERNAL, _K_MEDIA, _K_TITLE = word_of("external"), word_of("media"), word_of("title")
_K_FEATURES, _K_TAG = word_of("features"), word_of("tag")


_POST = letters_of("app.bsky.feed.post")
_REPOST = letters_of("app.bsky.feed.repost")
_IN_FOLLOWS = letters_of("app.bsky.graph.follow")
_PROFILE = letters_of("app.bsky.actor.profile")
_IS_COMMIT = letters_of("commit")
_MESSAGE = letters_of("message")
_IS_COMMIT_V2 = letters_of("network.bsky.jetstream.subscribeEvents#commit")
_CREATE, _UPDATE, _DELETE = letters_of("create"), letters_of("update"), letters_of("delete")

DEPTH = 64
"""How deep a line that is parsed may nest."""


@compiled.jit()
def _what(place, buffer, i, end, kind):
    """Tell what a key stands for where it is: a place, a value, or _OTHER."""
    length = end - i
    # Nearer to the end of the buffer a value that is read has no room.
    word = load_word(buffer, i) if i + 8 <= buffer.size else U(0)
    if length < 8:
        word &= (U(1) << U(8 * length)) - U(1)
    if place == _TOP or place == _PAYLOAD or place == _COMMIT:
        if length == 4 and word == _K_RKEY:
            return _RKEY if place != _TOP else _OTHER
        if length == 3 and word == _K_REV:
            return _REV if place != _TOP else _OTHER
        if length == 9 and word == _K_OPERATION and buffer[i + 8] == 110:
            return _OPERATION if place != _TOP else _OTHER
        if length == 10 and word == _K_COLLECTION and buffer[i + 8] == 111 and buffer[i + 9] == 110:
            return _COLLECTION if place != _TOP else _OTHER
        if length == 6 and word == _K_RECORD:
            return _RECORD if place != _TOP else _OTHER
        if place == _COMMIT:
            return _OTHER
        if length == 3 and word == _K_DID:
            return _DID
        if length == 5 and word == _K_TYPE:
            return _TYPE if place == _PAYLOAD else _FRAME
        if place == _PAYLOAD:
            return _TIME if length == 4 and word == _K_TIME else _OTHER
        if length == 7 and word == _K_TIME_US:
            return _TIME_US
        if length == 4 and word == _K_KIND:
            return _KIND
        if length == 6 and word == _K_COMMIT:
            return _COMMIT
        if length == 7 and word == _K_PAYLOAD:
            return _PAYLOAD
        return _OTHER
    if place == _RECORD:
        if kind == 0:
            if length == 4 and word == _K_TEXT:
                return TEXT_VALUE
            if length == 5 and word == _K_REPLY:
                return _REPLY
            if length == 5 and word == _K_EMBED:
                return _EMBED
            if length == 6 and word == _K_FACETS:
                return _FACETS
            if length == 4 and word == _K_TAGS:
                return _TAGS
        elif length == 7 and word == _K_SUBJECT:
            return _TARGET if kind == 1 else _FOLLOWED
        return _OTHER
    if place == _REPLY:
        if length == 6 and word == _K_PARENT:
            return _PARENT
        if length == 4 and word == _K_ROOT:
            return _ROOT
        return _OTHER
    if place == _PARENT or place == _ROOT or place == _TARGET:
        if length == 3 and word == _K_URI:
            if place == _PARENT:
                return _PARENT_URI
            return _ROOT_URI if place == _ROOT else _TARGET_URI
        return _OTHER
    if place == _EMBED or place == _MEDIA:
        if length == 8 and word == _K_EXTERNAL:
            return _EXTERNAL if place == _EMBED else _MEDIA_EXTERNAL
        if place == _EMBED and length == 5 and word == _K_MEDIA:
            return _MEDIA
        return _OTHER
    if place == _EXTERNAL or place == _MEDIA_EXTERNAL:
        if length == 5 and word == _K_TITLE:
            return TITLE_VALUE if place == _EXTERNAL else _MEDIA_TITLE
        return _OTHER
    if place == _FACET and length == 8 and word == _K_FEATURES:
        return _FEATURES
    if place == _FEATURE and length == 3 and word == _K_TAG:
        return _FEATURE_TAG
    return _OTHER


@compiled.jit()
def _collection(buffer, start, stop):
    """0 post, 1 repost, 2 follow, 3 profile, 4 another; negative for an empty name."""
    if start == stop:
        return -1
    if equals(buffer, start, stop, _POST):
        return 0
    if equals(buffer, start, stop, _REPOST):
        return 1
    if equals(buffer, start, stop, _IN_FOLLOWS):
        return 2
    return 3 if equals(buffer, start, stop, _PROFILE) else 4


SKIPPED, KEPT, LEFT = 0, 1, 2
"""What became of a line."""


@compiled.jit()
def parse_line(buffer, i, k, start, stop, flags, places, tags, numbers, flag):
    """Parse one line from `i` on; return what became of it, where it ends, how many tags it has.

    The strings of what is read are left in `start`, `stop` and `flags`, the numbers in row `k`.
    """
    begin = i
    if buffer[i] != 123:
        return LEFT, i, 0
    seen = U(0)
    wide = 0
    kind = -1
    tag_count = 0
    depth = 0
    place = _TOP
    places[0] = place
    first = True
    i += 1
    while True:
        while buffer[i] == 32:
            i += 1
        what = _OTHER
        c = buffer[i]
        # An empty object or list is closed below.
        if not first or c != (93 if place >= _FACETS else 125):
            if place == _FACETS:
                what = _FACET
            elif place == _FEATURES:
                what = _FEATURE
            elif place == _TAGS:
                what = _TAG
            elif place < _FACETS:
                if c != 34:
                    return LEFT, i, 0
                end = key_end(buffer, i + 1)
                if not end:
                    end = string_end(buffer, i + 1)
                    # A key that is escaped could be any.
                    if end < 0 or end & ESCAPED:
                        return LEFT, i, 0
                    wide |= end & 3
                    end >>= 2
                if place != _OTHER:
                    what = _what(place, buffer, i + 1, end, kind)
                i = end + 1
                while buffer[i] == 32:
                    i += 1
                if buffer[i] != 58:
                    return LEFT, i, 0
                i += 1
                while buffer[i] == 32:
                    i += 1
                if what != _OTHER:
                    # Of two equal keys the first counts; beside a payload none does.
                    bit = U(1) << U(what)
                    if seen & bit or (place == _TOP and seen & (U(1) << U(_PAYLOAD))):
                        return LEFT, i, 0
                    seen |= bit
            c = buffer[i]
            if c == 34:
                end = string_end(buffer, i + 1)
                if end < 0:
                    return LEFT, i, 0
                f = end & 3
                end >>= 2
                wide |= f
                if what != _OTHER:
                    if what < _PLACES or what == _TIME_US:
                        return LEFT, i, 0
                    if what == _TAG or what == _FEATURE_TAG:
                        if tag_count == tags.shape[1]:
                            return LEFT, i, 0
                        tags[0, tag_count], tags[1, tag_count], tags[2, tag_count] = i + 1, end, f
                        tag_count += 1
                    else:
                        if f & ESCAPED and not (
                            what == TEXT_VALUE or what == TITLE_VALUE or what == _MEDIA_TITLE
                        ):
                            return LEFT, i, 0
                        start[what], stop[what], flags[what] = i + 1, end, f
                        if what == _COLLECTION:
                            kind = _collection(buffer, i + 1, end)
                            # An empty name, or a record that was read without knowing of what.
                            if kind < 0 or kind == 3 or seen & (U(1) << U(_RECORD)):
                                return LEFT, i, 0
                        elif what == _FRAME and not equals(buffer, i + 1, end, _MESSAGE):
                            # What is in a frame, without the frame; its type must come first.
                            if seen != U(1) << U(_FRAME):
                                return LEFT, i, 0
                            seen = U(1) << U(_TYPE) | U(1) << U(_PAYLOAD)
                            start[_TYPE], stop[_TYPE] = i + 1, end
                            place = _PAYLOAD
                            places[0] = place
                i = end + 1
            elif c == 123 or c == 91:
                if what > _PLACES or (what != _OTHER and (c == 91) != (what >= _FACETS)):
                    return LEFT, i, 0
                if what == _RECORD:
                    if kind < 0:
                        return LEFT, i, 0
                    if kind == 4:
                        what = _OTHER
                elif what == _FACET:
                    seen &= ~(U(1) << U(_FEATURES))
                elif what == _FEATURE:
                    seen &= ~(U(1) << U(_FEATURE_TAG))
                elif what == _PAYLOAD and seen != (U(1) << U(_FRAME) | U(1) << U(_PAYLOAD)):
                    return LEFT, i, 0
                depth += 1
                if depth == places.size:
                    return LEFT, i, 0
                place = _LIST if what == _OTHER and c == 91 else what
                places[depth] = place
                first = True
                i += 1
                continue
            else:
                # Where a text, an object or a list belongs, anything else is judged elsewhere.
                if what != _OTHER and what != _TIME_US:
                    return LEFT, i, 0
                if what == _TIME_US or c == 45 or 48 <= c <= 57:
                    end = number_end(buffer, i)
                    if end < 0:
                        return LEFT, i, 0
                    if what == _TIME_US:
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
                    return LEFT, i, 0
        first = False
        while True:
            while buffer[i] == 32:
                i += 1
            c = buffer[i]
            if c == 44:
                i += 1
                break
            if c != (93 if place >= _FACETS else 125):
                return LEFT, i, 0
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
        return LEFT, i, 0
    # --- the line is JSON; what does it say?
    v2 = seen & (U(1) << U(_PAYLOAD)) != U(0)
    if v2:
        needed = U(1) << U(_TYPE) | U(1) << U(_DID) | U(1) << U(_TIME) | U(1) << U(_COLLECTION)
        if seen & needed != needed or not equals(buffer, start[_TYPE], stop[_TYPE], _IS_COMMIT_V2):
            return LEFT, i, 0
        time = read_time(buffer, start[_TIME], stop[_TIME])
    else:
        needed = U(1) << U(_KIND) | U(1) << U(_DID) | U(1) << U(_TIME_US) | U(1) << U(_COLLECTION)
        needed |= U(1) << U(_COMMIT)
        if seen & needed != needed or seen & (U(1) << U(_FRAME)):
            return LEFT, i, 0
        if not equals(buffer, start[_KIND], stop[_KIND], _IS_COMMIT):
            return LEFT, i, 0
        time = np.int64(decimal(buffer, start[_TIME_US], stop[_TIME_US] - start[_TIME_US]))
    if time < FIRST_US or time >= END_US:
        return LEFT, i, 0
    if not read_did(buffer, start[_DID], stop[_DID], numbers, AUTHOR_HIGH, k):
        return LEFT, i, 0
    numbers[TIME, k] = time
    if kind == 4:
        return SKIPPED, i, 0
    needed = U(1) << U(_RKEY) | U(1) << U(_REV) | U(1) << U(_OPERATION)
    if seen & needed != needed:
        return LEFT, i, 0
    rkey = tid_number(buffer, start[_RKEY], stop[_RKEY])
    rev = tid_number(buffer, start[_REV], stop[_REV])
    if rkey < 0 or rev < 0:
        return LEFT, i, 0
    numbers[RKEY, k], numbers[REV, k] = rkey, rev
    writes = seen & (U(1) << U(_RECORD)) != U(0)
    o, p = start[_OPERATION], stop[_OPERATION]
    if equals(buffer, o, p, _DELETE):
        if writes:
            return LEFT, i, 0
        flag[k] = kind | REMOVED
        return KEPT, i, 0
    if not writes or not (equals(buffer, o, p, _CREATE) or equals(buffer, o, p, _UPDATE)):
        return LEFT, i, 0
    bits = kind
    if kind == 0:
        if not seen & (U(1) << U(TEXT_VALUE)):
            return LEFT, i, 0
        bits |= TEXT
        if seen & (U(1) << U(_REPLY)):
            needed = U(1) << U(_PARENT_URI) | U(1) << U(_ROOT_URI)
            if seen & needed != needed:
                return LEFT, i, 0
            if not read_link(
                buffer, start[_PARENT_URI], stop[_PARENT_URI], numbers, SUBJECT_HIGH, k
            ):
                return LEFT, i, 0
            if not read_link(buffer, start[_ROOT_URI], stop[_ROOT_URI], numbers, ROOT_HIGH, k):
                return LEFT, i, 0
            bits |= SUBJECT | ROOT
        if not seen & (U(1) << U(TITLE_VALUE)) and seen & (U(1) << U(_MEDIA_TITLE)):
            start[TITLE_VALUE], stop[TITLE_VALUE] = start[_MEDIA_TITLE], stop[_MEDIA_TITLE]
            flags[TITLE_VALUE] = flags[_MEDIA_TITLE]
            seen |= U(1) << U(TITLE_VALUE)
        if seen & (U(1) << U(TITLE_VALUE)):
            bits |= TITLE
    elif kind == 1:
        if not seen & (U(1) << U(_TARGET_URI)):
            return LEFT, i, 0
        if not read_link(buffer, start[_TARGET_URI], stop[_TARGET_URI], numbers, SUBJECT_HIGH, k):
            return LEFT, i, 0
        bits |= SUBJECT
    else:
        if not seen & (U(1) << U(_FOLLOWED)):
            return LEFT, i, 0
        if not read_did(buffer, start[_FOLLOWED], stop[_FOLLOWED], numbers, SUBJECT_HIGH, k):
            return LEFT, i, 0
        bits |= SUBJECT
    flag[k] = bits
    return KEPT, i, tag_count
