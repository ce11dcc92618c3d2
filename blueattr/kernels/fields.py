# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)

"""What the keys in a line of Jetstream stand for, each where it is."""

import numpy as np
import numpy.typing as npt

from blueattr.kernels import compiled
from blueattr.kernels.compiled import load_word
from blueattr.kernels.jsontext import equals, letters_of, word_of

U = np.uint64

# Places a value can be in; those from FACETS on are lists.
OTHER, TOP, COMMIT, RECORD, REPLY, PARENT, ROOT, TARGET, EMBED, EXTERNAL = range(10)
MEDIA, MEDIA_EXTERNAL, FACET, FEATURE, PAYLOAD, IDENTITY, ACCOUNT = range(10, 17)
FACETS, FEATURES, TAGS, LIST = range(17, 21)
PLACES = 21
# Values that are read. A number above PLACES, so that one variable can say either.
DID, TIME_US, KIND, REV, OPERATION, COLLECTION, RKEY, TYPE, TIME = range(22, 31)
TEXT, FOLLOWED, PARENT_URI, ROOT_URI, TARGET_URI, TITLE, MEDIA_TITLE = range(31, 38)
FRAME, FEATURE_TAG, TAG, ACTIVE, LABELS = range(38, 43)
# A handle, or what became of an account: no event has both.
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
    words, whats = np.zeros((_SLOTS, 3), np.uint64), np.zeros(_SLOTS, np.int64)
    for (place, kind), keys in _KEYS.items():
        for key, what in keys.items():
            word = word_of(key)
            where = U(place | kind << 8 | len(key) << 16)
            slot = (int(word) ^ int(where)) * _MULTIPLIER % 2**64 >> 56
            while whats[slot]:
                slot = (slot + 1) % _SLOTS
            words[slot] = word, word_of(key[-8:]) if len(key) > 8 else U(0), where
            whats[slot] = what
    return words, whats


_FOUND, _WHATS = _table()


@compiled.jit(makes_arrays=False)
def what_of(place, buffer, i, end, kind):
    """Tell what a key stands for where it is: a place, a value, or OTHER."""
    length = end - i
    # No longer key is known; nearer to the end of the buffer a value that is read has no room.
    if length > 10 or i + 8 > buffer.size:
        return OTHER
    word, last = load_word(buffer, i), U(0)
    if length < 8:
        word &= (U(1) << U(8 * length)) - U(1)
    elif length > 8:
        last = load_word(buffer, end - 8)
    where = U(place) | U(length) << U(16)
    if place == RECORD:
        where |= U(kind) << U(8)
    slot = np.int64((word ^ where) * U(_MULTIPLIER) >> U(56))
    while _WHATS[slot] != OTHER:
        if _FOUND[slot, 0] == word and _FOUND[slot, 1] == last and _FOUND[slot, 2] == where:
            return _WHATS[slot]
        slot = (slot + 1) % _SLOTS
    return OTHER


_IN_POSTS = letters_of("app.bsky.feed.post")
_IN_REPOSTS = letters_of("app.bsky.feed.repost")
_IN_FOLLOWS = letters_of("app.bsky.graph.follow")
_IN_PROFILES = letters_of("app.bsky.actor.profile")


@compiled.jit(makes_arrays=False)
def collection_of(buffer, start, stop):
    """Tell a collection by its name; negative for an empty one."""
    if start == stop:
        return -1
    if equals(buffer, start, stop, _IN_POSTS):
        return POST
    if equals(buffer, start, stop, _IN_REPOSTS):
        return REPOST
    if equals(buffer, start, stop, _IN_FOLLOWS):
        return FOLLOW
    return PROFILE if equals(buffer, start, stop, _IN_PROFILES) else ANOTHER
