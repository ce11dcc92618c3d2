"""Hypothesis strategies for v1 events: those the network sends, and those it should not."""

from typing import Any

from hypothesis import strategies as st

from support import events_builder

# Nothing here ends in a way that only one of the two JSON parsers in play would accept.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["", '"quoted"', "back\\slash", "line\nbreak\r\u2028", "\x00nul", "👩‍👩‍👧 ünï", "\\u0000",
     '"$type":"message"', "app.bsky.feed.post"]
)  # fmt: skip
LINK = "bafyreidqpc7si3dbimffi64lz3xsx2qt45ip7rpna2qpslcddp23itjjzm"
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | TEXT
    | st.sampled_from([{"$link": LINK}, {"$bytes": "AAEC"}])
)
NAMES = st.sampled_from(
    ["text", "subject", "reply", "parent", "root", "uri", "tags", "facets", "features", "tag",
     "embed", "external", "media", "title", "labels", "values", "val", "$type", "did", "cid"]
)  # fmt: skip
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | TEXT, inner, max_size=3),
    max_leaves=8,
)
WHO = st.sampled_from(["alice", "bob", "carol"])
KEYS = st.sampled_from(["3jaaaaaaaaaaa", "self", "with:all.its_signs~-", "x" * 255])

TIMES = st.integers(0, 86_400_000_000).map(lambda us: events_builder.at(us / 1_000_000))

REVS = st.integers(1, 2**40)
WRITES = st.sampled_from(["create", "update"])

_URIS = st.builds(events_builder.uri, WHO, KEYS) | TEXT


_POSTS = st.builds(
    events_builder.post, WHO, KEYS, TEXT, rev=REVS, time=TIMES, operation=WRITES,
    parent=st.none() | _URIS, root=st.none() | _URIS,
    tags=st.lists(TEXT, max_size=2),
    facets=st.lists(st.fixed_dictionaries({"features": st.lists(
        st.fixed_dictionaries({"$type": st.just("app.bsky.richtext.facet#tag"), "tag": TEXT}),
        max_size=2)}), max_size=2),
    embed=st.sampled_from(
        [{}, {"external": {"title": "link"}}, {"media": {"external": {"title": "t"}}}]
    ),
)  # fmt: skip
_OTHERS = (
    st.builds(events_builder.repost, WHO, KEYS, _URIS, rev=REVS, time=TIMES)
    | st.builds(events_builder.follow, WHO, KEYS, WHO, rev=REVS, time=TIMES)
    | st.builds(
        events_builder.profile, WHO, rev=REVS, time=TIMES, bot=st.booleans(), operation=WRITES
    )
    | st.builds(events_builder.like, WHO, KEYS, _URIS, rev=REVS, time=TIMES)
)
_COLLECTIONS = st.sampled_from(
    [
        events_builder.POST,
        events_builder.REPOST,
        events_builder.FOLLOW,
        events_builder.PROFILE,
        events_builder.LIKE,
        "app.bsky.feed.poss",
        "app.bsky.feed.postgate",
    ]
)

_DELETES = st.builds(events_builder.delete, WHO, _COLLECTIONS, KEYS, rev=REVS, time=TIMES)

_AWKWARD = st.builds(
    events_builder.commit, WHO, _COLLECTIONS, KEYS, st.dictionaries(NAMES, VALUES, max_size=4),
    rev=REVS, time=TIMES, operation=WRITES,
)  # fmt: skip
COMMITS = _POSTS | _OTHERS | _DELETES | _AWKWARD
_HANDLES = st.none() | st.sampled_from(["alice.example.com", "handle.invalid", "Ä"])
_STATUSES = st.none() | st.sampled_from(["deleted", "takendown", ""])

ANNOUNCEMENTS = st.builds(events_builder.identity, WHO, _HANDLES, time=TIMES) | st.builds(
    events_builder.account, WHO, _STATUSES, time=TIMES
)
EVENTS = COMMITS | ANNOUNCEMENTS
