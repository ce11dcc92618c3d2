# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)

"""Which field of an event a key of a line is, by the object that it is in."""

import numpy as np
import numpy.typing as npt

from blueattr.decode.parser.json_text import equals, letters_of, word_of
from blueattr.decode.parser.words import SIZE, load_word
from blueattr.kernels import compiled

U = np.uint64


# Places a value can be in; those from FACETS on are lists.
OTHER, TOP, COMMIT, RECORD, REPLY, PARENT, ROOT, TARGET, EMBED, EXTERNAL = range(10)
MEDIA, MEDIA_EXTERNAL, FACET, FEATURE, PAYLOAD, IDENTITY, ACCOUNT = range(10, 17)
FACETS, FEATURES, TAGS, LIST = range(17, 21)
PLACES = 21
# Fields that are read. Their numbers are above PLACES, so that one variable can hold either.
DID, TIME_US, KIND, REV, OPERATION, COLLECTION, RKEY, TYPE, TIME = range(22, 31)
TEXT, FOLLOWED, PARENT_URI, ROOT_URI, TARGET_URI, TITLE, MEDIA_TITLE = range(31, 38)
FRAME, FEATURE_TAG, TAG, ACTIVE, LABELS = range(38, 43)
# A handle or an account's status: no event has both.
SAID = 43
VALUES = 44


POST, REPOST, FOLLOW, PROFILE, ANOTHER, NONE = range(6)
"""Collections, and that there is none."""


_OF_COMMIT = {
    "rkey": RKEY,
    "rev": REV,
    "operation": OPERATION,
    "collection": COLLECTION,
    "record": RECORD,
}
_OF_ACCOUNTS = {"identity": IDENTITY, "account": ACCOUNT}
# The keys of a place, and of a record by its collection.
_KEYS: dict[tuple[int, int], dict[str, int]] = {
    (TOP, 0): {
        "did": DID,
        "time_us": TIME_US,
        "kind": KIND,
        "commit": COMMIT,
        "$type": FRAME,
        "payload": PAYLOAD,
        **_OF_ACCOUNTS,
    },
    (COMMIT, 0): _OF_COMMIT,
    (PAYLOAD, 0): {**_OF_COMMIT, "did": DID, "time": TIME, "$type": TYPE, **_OF_ACCOUNTS},
    (RECORD, POST): {
        "text": TEXT,
        "reply": REPLY,
        "embed": EMBED,
        "facets": FACETS,
        "tags": TAGS,
    },
    (RECORD, REPOST): {"subject": TARGET},
    (RECORD, FOLLOW): {"subject": FOLLOWED},
    (RECORD, PROFILE): {"labels": LABELS},
    (IDENTITY, 0): {"handle": SAID},
    (ACCOUNT, 0): {"active": ACTIVE, "status": SAID},
    (REPLY, 0): {"parent": PARENT, "root": ROOT},
    (PARENT, 0): {"uri": PARENT_URI},
    (ROOT, 0): {"uri": ROOT_URI},
    (TARGET, 0): {"uri": TARGET_URI},
    (EMBED, 0): {"external": EXTERNAL, "media": MEDIA},
    (MEDIA, 0): {"external": MEDIA_EXTERNAL},
    (EXTERNAL, 0): {"title": TITLE},
    (MEDIA_EXTERNAL, 0): {"title": MEDIA_TITLE},
    (FACET, 0): {"features": FEATURES},
    (FEATURE, 0): {"tag": FEATURE_TAG},
}


# They are looked up by their first and last eight letters in a table with open addressing.
_SLOTS = 256
_MULTIPLIER = 0x9E3779B97F4A7C15


def _table() -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    keys, found = np.zeros((_SLOTS, 3), np.uint64), np.zeros(_SLOTS, np.int64)
    for (place, collection), names in _KEYS.items():
        for name, field in names.items():
            first, last = word_of(name), word_of(name[-SIZE:]) if len(name) > SIZE else U(0)
            where = U(place | collection << 8 | len(name) << 16)
            slot = (int(first) ^ int(where)) * _MULTIPLIER % 2**64 >> 56
            while found[slot]:
                slot = (slot + 1) % _SLOTS
            keys[slot] = first, last, where
            found[slot] = field
    return keys, found


_TABLE_KEYS, _TABLE_FIELDS = _table()


@compiled.jit(makes_arrays=False)
def field_of(place, buffer, start, end, collection):
    """Return what the key ``buffer[start:end]`` of an object is: a place, a field, or OTHER."""
    length = end - start
    # No longer key is known; nearer to the end of the buffer a value that is read has no room.
    if length > 10 or start + SIZE > buffer.size:
        return OTHER
    first, last = load_word(buffer, start), U(0)
    if length < SIZE:
        first &= (U(1) << U(8 * length)) - U(1)
    elif length > SIZE:
        last = load_word(buffer, end - SIZE)
    where = U(place) | U(length) << U(16)
    if place == RECORD:
        where |= U(collection) << U(8)
    slot = np.int64((first ^ where) * U(_MULTIPLIER) >> U(56))
    while _TABLE_FIELDS[slot] != OTHER:
        key = _TABLE_KEYS[slot]
        if key[0] == first and key[1] == last and key[2] == where:
            return _TABLE_FIELDS[slot]
        slot = (slot + 1) % _SLOTS
    return OTHER


_IN_POSTS = letters_of("app.bsky.feed.post")
_IN_REPOSTS = letters_of("app.bsky.feed.repost")
_IN_FOLLOWS = letters_of("app.bsky.graph.follow")
_IN_PROFILES = letters_of("app.bsky.actor.profile")


@compiled.jit(makes_arrays=False)
def collection_of(buffer, start, stop):
    """Return the collection of a name; NONE if it is empty."""
    if start == stop:
        return NONE
    if equals(buffer, start, stop, _IN_POSTS):
        return POST
    if equals(buffer, start, stop, _IN_REPOSTS):
        return REPOST
    if equals(buffer, start, stop, _IN_FOLLOWS):
        return FOLLOW
    return PROFILE if equals(buffer, start, stop, _IN_PROFILES) else ANOTHER
