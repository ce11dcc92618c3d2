# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
"""The fields of an event that are read, and the keys that name them in each object of a line."""

import numpy as np
import numpy.typing as npt

from blueattr.decode.parser.json_text import equals, letters_of, word_of
from blueattr.decode.parser.words import SIZE, load_word
from blueattr.kernels import compiled

U = np.uint64


# Places: the objects of an event with keys that are known, and from FACETS on its lists. OTHER is
# an object of which nothing is read, LIST such a list.
OTHER, TOP, COMMIT, RECORD, REPLY, PARENT, ROOT, TARGET, EMBED, EXTERNAL = range(10)
MEDIA, MEDIA_EXTERNAL, FACET, FEATURE, PAYLOAD, IDENTITY, ACCOUNT = range(10, 17)
QUOTE, INNER_QUOTE, VIA, POST_LABELS, LABEL = range(17, 22)
FACETS, FEATURES, TAGS, LANGS, LABEL_VALUES, LIST = range(22, 28)
PLACES = 28
# Fields: the values that are read. Their numbers are above PLACES, so that one variable can hold a
# place or a field.
DID, TIME_US, KIND, REV, OPERATION, COLLECTION, RKEY, TYPE, TIME = range(29, 38)
TEXT, FOLLOWED_DID, PARENT_URI, ROOT_URI, TARGET_URI, TITLE, MEDIA_TITLE = range(38, 45)
FRAME, ACTIVE, LABELS = range(45, 48)
HANDLE_OR_STATUS = 48  # no event has both
QUOTED_URI, INNER_URI, VIA_URI = range(49, 52)
# Items: fields of which a post may have several. From MENTION on none has an escape.
FEATURE_TAG, TAG, LINK, EXTERNAL_LINK, MEDIA_LINK, MENTION, LANG, LABEL_VALUE = range(52, 60)
ITEMS = FEATURE_TAG
COUNT = 60


POST, REPOST, FOLLOW, PROFILE, OTHER_COLLECTION, NO_COLLECTION = range(6)


def set_of(*members: int) -> np.uint64:
    """Return places and fields as a set: a word with a bit for each."""
    return U(sum(1 << member for member in members))


_COMMIT_KEYS = {
    "rkey": RKEY,
    "rev": REV,
    "operation": OPERATION,
    "collection": COLLECTION,
    "record": RECORD,
}
_ACCOUNT_KEYS = {"identity": IDENTITY, "account": ACCOUNT}
# By place, and for a record by its collection, too: what each key names.
_KEYS: dict[tuple[int, int], dict[str, int]] = {
    (TOP, 0): {
        "did": DID,
        "time_us": TIME_US,
        "kind": KIND,
        "commit": COMMIT,
        "$type": FRAME,
        "payload": PAYLOAD,
        **_ACCOUNT_KEYS,
    },
    (COMMIT, 0): _COMMIT_KEYS,
    (PAYLOAD, 0): {**_COMMIT_KEYS, "did": DID, "time": TIME, "$type": TYPE, **_ACCOUNT_KEYS},
    (RECORD, POST): {
        "text": TEXT,
        "reply": REPLY,
        "embed": EMBED,
        "facets": FACETS,
        "tags": TAGS,
        "langs": LANGS,
        "labels": POST_LABELS,
    },
    (RECORD, REPOST): {"subject": TARGET, "via": VIA},
    (RECORD, FOLLOW): {"subject": FOLLOWED_DID},
    (RECORD, PROFILE): {"labels": LABELS},
    (IDENTITY, 0): {"handle": HANDLE_OR_STATUS},
    (ACCOUNT, 0): {"active": ACTIVE, "status": HANDLE_OR_STATUS},
    (REPLY, 0): {"parent": PARENT, "root": ROOT},
    (PARENT, 0): {"uri": PARENT_URI},
    (ROOT, 0): {"uri": ROOT_URI},
    (TARGET, 0): {"uri": TARGET_URI},
    (VIA, 0): {"uri": VIA_URI},
    (EMBED, 0): {"external": EXTERNAL, "media": MEDIA, "record": QUOTE},
    (QUOTE, 0): {"uri": QUOTED_URI, "record": INNER_QUOTE},
    (INNER_QUOTE, 0): {"uri": INNER_URI},
    (MEDIA, 0): {"external": MEDIA_EXTERNAL},
    (EXTERNAL, 0): {"title": TITLE, "uri": EXTERNAL_LINK},
    (MEDIA_EXTERNAL, 0): {"title": MEDIA_TITLE, "uri": MEDIA_LINK},
    (FACET, 0): {"features": FEATURES},
    (FEATURE, 0): {"tag": FEATURE_TAG, "uri": LINK, "did": MENTION},
    (POST_LABELS, 0): {"values": LABEL_VALUES},
    (LABEL, 0): {"val": LABEL_VALUE},
}


# Keys are looked up by their first and last eight letters in a hash table with open addressing.
_SLOTS = 256
_MULTIPLIER = 0x9E3779B97F4A7C15


def _table() -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    keys, fields = np.zeros((_SLOTS, 3), np.uint64), np.zeros(_SLOTS, np.int64)
    for (place, collection), names in _KEYS.items():
        for name, field in names.items():
            first, last = word_of(name), word_of(name[-SIZE:]) if len(name) > SIZE else U(0)
            where = U(place | collection << 8 | len(name) << 16)
            slot = (int(first) ^ int(where)) * _MULTIPLIER % 2**64 >> 56
            while fields[slot]:
                slot = (slot + 1) % _SLOTS
            keys[slot] = first, last, where
            fields[slot] = field
    return keys, fields


_TABLE_KEYS, _TABLE_FIELDS = _table()


@compiled.jit(makes_arrays=False)
def field_of(place, buffer, start, end, collection):
    """Return what the key ``buffer[start:end]`` of an object names: a place, a field or OTHER."""
    length = end - start
    # The longest key has ten letters. A key so near the buffer's end has no value that is read.
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


_POST_NAME = letters_of("app.bsky.feed.post")
_REPOST_NAME = letters_of("app.bsky.feed.repost")
_FOLLOW_NAME = letters_of("app.bsky.graph.follow")
_PROFILE_NAME = letters_of("app.bsky.actor.profile")


@compiled.jit(makes_arrays=False)
def collection_of(buffer, start, stop):
    """Return the collection with the name ``buffer[start:stop]``; NO_COLLECTION if it is empty."""
    if start == stop:
        return NO_COLLECTION
    if equals(buffer, start, stop, _POST_NAME):
        return POST
    if equals(buffer, start, stop, _REPOST_NAME):
        return REPOST
    if equals(buffer, start, stop, _FOLLOW_NAME):
        return FOLLOW
    return PROFILE if equals(buffer, start, stop, _PROFILE_NAME) else OTHER_COLLECTION
