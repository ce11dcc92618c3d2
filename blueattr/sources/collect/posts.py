"""Posts and reposts as services show them, made lines of events; anything may be wrong."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from blueattr.decode.binary.transcode import commit_line
from blueattr.decode.schema import AT_URI
from blueattr.sources.xrpc import read_time

__all__ = [
    "BY_ACCOUNT",
    "POST",
    "REPOST",
    "InteractionCounts",
    "RecordName",
    "Relations",
    "SeenPost",
    "post_line",
    "read_name",
    "read_posts",
    "record_line",
    "repo_time",
    "repost_line",
    "reposter_line",
    "tid_time",
]


POST = "app.bsky.feed.post"
REPOST = "app.bsky.feed.repost"


BY_ACCOUNT = "repost-of-"
"""How keys begin that are made up for reposts of which only the account is known."""


# Below that of any event: what a server saw replaces what was collected, and a deletion wins.
_LOWEST_REV = "2" * 13
_MOST_COUNTED = 10**9
# The network opened to the public in 2023; its first posts are of November 2022.
_EARLIEST = datetime(2022, 11, 1, tzinfo=UTC)
_AHEAD = timedelta(minutes=5)
_TID = re.compile(r"[234567a-j][234567a-z]{12}")
_LETTERS = "234567abcdefghijklmnopqrstuvwxyz"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class RecordName(NamedTuple):
    """What an AT-URI names."""

    did: str
    collection: str
    rkey: str

    @property
    def uri(self) -> str:
        """The AT-URI."""
        return f"at://{self.did}/{self.collection}/{self.rkey}"


class InteractionCounts(NamedTuple):
    """How many interactions with a post a service counts; None where it does not say."""

    replies: int | None
    reposts: int | None
    quotes: int | None

    @property
    def total(self) -> int:
        """All of them, as far as they are known."""
        return sum(count or 0 for count in self)


class Relations(NamedTuple):
    """AT-URIs of what a post answers, of the first post of its thread, and of what it quotes."""

    parent: str | None
    root: str | None
    quoted: str | None


@dataclass(frozen=True, slots=True)
class SeenPost:
    """A post as a service shows it.

    Parameters
    ----------
    name
        What it is.
    record
        What its author wrote.
    time
        When, UTC.
    time_from
        Where that is from; one of `blueattr.decode.parser.layout.TIMES_FROM`.
    counts
        What the service counts of it.
    """

    name: RecordName
    record: dict[str, Any]
    time: datetime
    time_from: str
    counts: InteractionCounts

    @property
    def words(self) -> tuple[str, str, list[str]]:
        """Text, title of its link and hashtags, by which topics are matched."""
        embed = _part(self.record, "embed")
        external = _part(embed, "external") or _part(_part(embed, "media"), "external")
        tags = [*_items(self.record, "tags")]
        for facet in _items(self.record, "facets"):
            tags += [_part(feature, "").get("tag") for feature in _items(facet, "features")]
        text, title = self.record.get("text"), external.get("title")
        return (
            text if isinstance(text, str) else "",
            title if isinstance(title, str) else "",
            [tag for tag in tags if isinstance(tag, str)],
        )

    @property
    def relations(self) -> Relations:
        """What it hangs on."""
        reply, embed = _part(self.record, "reply"), _part(self.record, "embed")
        inner = _part(embed, "record")
        quoted = _uri(inner) or _uri(_part(inner, "record"))
        return Relations(_uri(_part(reply, "parent")), _uri(_part(reply, "root")), quoted)


def read_name(uri: object, collection: str = POST) -> RecordName | None:
    """Return what an AT-URI names; None where it is none of this collection."""
    found = re.fullmatch(AT_URI, uri) if isinstance(uri, str) and len(uri) <= 3000 else None
    if found is None or found[2] != collection or len(found[3]) > 512:
        return None
    return RecordName(found[1], found[2], found[3])


def read_posts(views: Iterable[object], now: datetime) -> tuple[list[SeenPost], Counter[str]]:
    """Read post views (``app.bsky.feed.defs#postView``), each post once.

    Parameters
    ----------
    views
        Of JSON.
    now
        By our clock.

    Returns
    -------
    list of SeenPost, Counter
        Those that can be used, and what was wrong with others, by reason.
    """
    posts: dict[RecordName, SeenPost] = {}
    faults: Counter[str] = Counter()
    for view in views:
        found = view if isinstance(view, dict) else {}
        name = read_name(found.get("uri"))
        record = found.get("record")
        author = _part(found, "author").get("did")
        if name is None or not isinstance(record, dict):
            faults["not a post"] += 1
        elif author is not None and author != name.did:
            faults["a post of another author than its address says"] += 1
        elif record.get("$type", POST) != POST:
            faults["not a post"] += 1
        else:
            keys = ("replyCount", "repostCount", "quoteCount")
            counts = InteractionCounts(*(_count(found.get(key)) for key in keys))
            time, time_from = _time(found.get("indexedAt"), name.rkey, record.get("createdAt"), now)
            posts[name] = SeenPost(name, record, time, time_from, counts)
    return [*posts.values()], faults


def tid_time(rkey: str) -> datetime | None:
    """Return the time of a record key that is a TID; None where it is none, or not of the past.

    >>> tid_time("3jzfcijpj2z2a").isoformat()
    '2023-06-30T15:03:01.887007+00:00'
    """
    if not _TID.fullmatch(rkey):
        return None
    number = 0
    for letter in rkey:
        number = number << 5 | _LETTERS.index(letter)
    try:
        return _EPOCH + (number >> 10) * _MICROSECOND
    except OverflowError:
        return None


def post_line(post: SeenPost) -> bytes:
    """Write a post as a line of Jetstream v1.

    Raises
    ------
    ValueError
        It holds a number that JSON has not, or is nested too deeply.
    """
    return record_line(post.name, post.record, post.time, post.time_from)


def repost_line(name: RecordName, subject: RecordName, now: datetime) -> bytes:
    """Write a repost of which a backlink index knows the record as a line; its key is its time."""
    time, time_from = _time(None, name.rkey, None, now)
    return record_line(name, {"subject": {"uri": subject.uri}}, time, time_from)


def reposter_line(did: str, subject: RecordName, at: datetime, *, removed: bool = False) -> bytes:
    """Write a repost of which only the account is known as a line.

    Parameters
    ----------
    did
        The account.
    subject
        What it reposted.
    at
        The time of that: a repost is not earlier, and most are hardly later.
    removed
        Take it back, now that the repost itself is known.
    """
    # The same for each collection, and nobody's own key.
    key = f"{BY_ACCOUNT}{hashlib.sha256(subject.uri.encode()).hexdigest()[:32]}"
    name = RecordName(did, REPOST, key)
    record = None if removed else {"subject": {"uri": subject.uri}}
    return record_line(name, record, at, "collected")


def repo_time(rkey: str, claimed: object, before: datetime) -> tuple[datetime, str]:
    """Return the best time that a record itself tells, and where it is from.

    Parameters
    ----------
    rkey
        Its key.
    claimed
        Its ``createdAt``.
    before
        A time that is known of it, but not exactly, where it tells none.
    """
    for time_from, time in (("key", tid_time(rkey)), ("claimed", read_time(claimed))):
        if time is not None and _EARLIEST <= time <= datetime.now(UTC) + _AHEAD:
            return time, time_from
    return before, "collected"


def record_line(
    name: RecordName, record: dict[str, Any] | None, time: datetime, time_from: str
) -> bytes:
    """Write a record as a line of Jetstream v1; None for one that is taken back.

    Raises
    ------
    ValueError
        It holds a number that JSON has not, or is nested too deeply.
    """
    commit: dict[str, Any] = {
        # A deletion of what was collected wins over it, and over nothing else.
        "rev": _LOWEST_REV,
        "operation": "delete" if record is None else "create",
        "collection": name.collection,
        "rkey": name.rkey,
    }
    if record is not None:
        commit["record"] = record
    return commit_line(name.did, (time - _EPOCH) // _MICROSECOND, commit, time_from)


def _time(indexed: object, rkey: str, claimed: object, now: datetime) -> tuple[datetime, str]:
    """Return the best time that is known of a record, and where it is from."""
    for time_from, time in (
        ("imported", read_time(indexed)),
        ("key", tid_time(rkey)),
        ("claimed", read_time(claimed)),
    ):
        if time is not None and _EARLIEST <= time <= now + _AHEAD:
            return time, time_from
    return now, "collected"


def _count(value: object) -> int | None:
    # A truth value is an int to Python, not to JSON.
    return value if type(value) is int and 0 <= value <= _MOST_COUNTED else None


def _part(value: object, name: str) -> dict[str, Any]:
    """Return an object within an object, or the value itself; an empty one where it is none."""
    found = value.get(name) if name and isinstance(value, dict) else value if not name else None
    return found if isinstance(found, dict) else {}


def _items(value: object, name: str) -> list[Any]:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def _uri(value: dict[str, Any]) -> str | None:
    uri = value.get("uri")
    return uri if isinstance(uri, str) else None
