"""Collect: what a user names, made a topic to collect and whom to ask."""

import re
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from blueattr.errors import InputError, UsageError
from blueattr.ingest.collection import DEFAULT_MOST, Means, Wanted, check_asking
from blueattr.panel.topics import ALL, choose
from blueattr.provenance import Window
from blueattr.sources.appview import APPVIEW
from blueattr.sources.collect.login import Credentials
from blueattr.sources.collect.posts import RecordName, read_name
from blueattr.sources.collect.search import queries
from blueattr.store.database import DEFAULT_MEMORY, Store
from blueattr.store.store_file import store_file

__all__ = ["RATE", "means", "read_uris", "wanted"]


RATE = 4.0
"""Requests a second: search is made for people."""


_LARGEST = 64 << 20
_POST = re.compile(
    r"at://(?P<did>did:[a-z]+:[A-Za-z0-9._:%-]+)/app\.bsky\.feed\.post/(?P<key>[A-Za-z0-9._:~-]+)"
    r"|https://bsky\.app/profile/(?P<did2>did:[a-z]+:[A-Za-z0-9._:%-]+)/post/(?P<key2>[A-Za-z0-9._:~-]+)"
)


def wanted(
    db: Path,
    topic: str | None,
    start: datetime | None,
    end: datetime | None,
    *,
    topics: Path | None = None,
    uris: Path | None = None,
    memory: int = DEFAULT_MEMORY,
) -> Wanted:
    """Settle what to collect.

    Parameters
    ----------
    db
        The store.
    topic
        The name of one topic.
    start, end
        When its posts happened, UTC.
    topics
        A file of topics.
    uris
        A file of posts, in place of a search.

    Raises
    ------
    UsageError
        There is no window of the past, or nothing to search for.
    UnknownTopicError
        There is no such topic.
    InputError
        A file cannot be read.
    """
    if start is None or end is None:
        raise UsageError(
            "collect needs --from and --to, such as: "
            "collect --topic mythos --from 2026-04-09 --to 2026-04-23"
        )
    if start >= end:
        raise UsageError(f"the window ends ({end}) before it starts ({start})")
    if end > datetime.now(UTC):
        raise UsageError(
            f"--to {end:%Y-%m-%d %H:%M} is not over yet; collect asks about the past, and what "
            "happens from now on is for: blueattr ingest"
        )
    with closing(Store(store_file(db), memory)) as engine:
        chosen = choose(engine, topic, None, topics)
    if chosen is None:
        raise UsageError(f"--topic {ALL} cannot be searched for; name one topic")
    asked = queries(chosen.keywords, chosen.hashtags)
    if not asked and uris is None:
        raise UsageError(
            f"topic {chosen.name!r} has patterns alone, which no search understands; give it "
            "keywords or hashtags, or posts to begin with: --uris FILE"
        )
    names = None if uris is None else read_uris(uris)
    return Wanted(chosen.name, chosen.rule, tuple(asked), Window(start, end), names)


def means(
    *,
    appview: str = APPVIEW,
    links: str | None = None,
    server: str | None = None,
    max_requests: int = DEFAULT_MOST,
    contact: str | None = None,
    rate: float = RATE,
) -> Means:
    """Settle whom to ask; a login is taken from the environment.

    Raises
    ------
    UsageError
        An address is refused, or so few requests would get nowhere.
    """
    check_asking((appview, links, server), max_requests, contact)
    credentials = Credentials.from_environment()
    if server is not None and credentials is None:
        raise UsageError("--server is where to log in; set BLUEATTR_HANDLE and "
                         "BLUEATTR_APP_PASSWORD")  # fmt: skip
    return Means(
        appview,
        links,
        credentials,
        server,
        most=max_requests,
        contact=contact,
        options={"rate": rate},
    )


def read_uris(path: Path) -> tuple[RecordName, ...]:
    """Read posts from a file: AT-URIs or addresses at bsky.app, the first of each line.

    Raises
    ------
    InputError
        It cannot be read, or names no post.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    if len(raw) > _LARGEST:
        raise InputError(f"{path} is too large: it may have {_LARGEST >> 20} MiB")
    names = []
    for line in raw.decode("utf-8", "replace").splitlines():
        found = _POST.search(line)
        if found is not None:
            did, key = found["did"] or found["did2"], found["key"] or found["key2"]
            names.append(read_name(f"at://{did}/app.bsky.feed.post/{key}"))
    known = tuple(dict.fromkeys(name for name in names if name is not None))
    if not known:
        raise InputError(
            f"{path} names no post; it needs lines with AT-URIs, such as "
            "at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/3kx2yxjbpc22a"
        )
    return known
