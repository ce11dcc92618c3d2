"""What to collect, by which means, and what became of it."""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blueattr.errors import UsageError
from blueattr.ingest.result import Ingested
from blueattr.provenance import Window
from blueattr.sources.archive.words import spell_end
from blueattr.sources.collect.identity import DIRECTORY
from blueattr.sources.collect.login import Credentials
from blueattr.sources.collect.posts import RecordName
from blueattr.sources.collect.search import Query
from blueattr.sources.hosts import check_url
from blueattr.store.collected import Completeness
from blueattr.store.matching import Rule

__all__ = [
    "DEFAULT_MOST",
    "LEAST",
    "Collection",
    "Means",
    "QueryHits",
    "Wanted",
    "check_asking",
    "remark",
]


DEFAULT_MOST = 3000
"""Requests that a run sends at most."""


LEAST = 20
"""Fewer than these could end each run before it got anywhere."""


def check_asking(urls: Sequence[str | None], most: int, contact: str | None) -> None:
    """Refuse options by which nobody can be asked.

    Parameters
    ----------
    urls
        Of services; None where there is none.
    most
        Requests that may be sent.
    contact
        Whom an operator can write to.

    Raises
    ------
    UsageError
        An address is refused, or so few requests would get nowhere.
    """
    for url in urls:
        if url is not None:
            check_url(url)
    if most < LEAST:
        raise UsageError(f"--max-requests {most} is too few; {LEAST} at least")
    if contact is not None and not re.fullmatch(r"[ -~]{1,200}", contact):
        raise UsageError("--contact is an address in ASCII, such as you@example.org")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to collect.

    Parameters
    ----------
    topic
        Its name.
    rule
        What decides whether a post belongs to it.
    queries
        What to search for.
    window
        When its posts happened; it is over.
    uris
        Posts to begin with, in place of those that a search finds.
    """

    topic: str
    rule: Rule
    queries: tuple[Query, ...]
    window: Window
    uris: tuple[RecordName, ...] | None = None

    @property
    def source(self) -> str:
        """How the store knows the collection; another definition of the topic is another one."""
        ends = "..".join(spell_end(end) for end in (self.window.start, self.window.end))
        seeds = "" if self.uris is None else " ".join(name.uri for name in self.uris)
        asked = "\n".join([str(self.rule), *(query.text for query in self.queries), seeds])
        return f"collect:{self.topic} {ends} {hashlib.sha256(asked.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class Means:
    """Whom to ask, and how often.

    Parameters
    ----------
    appview
        The address of the AppView.
    links
        The address of a backlink index; None to ask the AppView who answered.
    credentials
        Of the account to ask as.
    server
        The address of that account's server; by default its DID document says it.
    directory
        Where documents of ``did:plc`` are.
    most
        Requests that may be sent.
    contact
        Whom an operator can write to.
    options
        As for `blueattr.sources.xrpc.XrpcClient`: ``insecure``, ``rate``, ``timing``, ``sleep``.
    """

    appview: str
    links: str | None = None
    credentials: Credentials | None = None
    server: str | None = None
    directory: str = DIRECTORY
    most: int = DEFAULT_MOST
    contact: str | None = None
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class QueryHits:
    """What came of one query.

    Parameters
    ----------
    query
        As it was sent.
    hits
        How many posts the service found in the slices that are done.
    matched
        How many of these belong to the topic and to the window.
    slices
        How many slices of time are done.
    cut
        How many seconds have more hits than can be asked for.
    """

    query: str
    hits: int
    matched: int
    slices: int
    cut: int


@dataclass(slots=True)
class Collection:
    """What became of a collection; so far, while it runs.

    Parameters
    ----------
    db
        The store.
    source
        How it knows the collection.
    topic, window
        What was wanted.
    most, requests
        How many requests may be sent, and how many were.
    queries
        What came of each query.
    posts
        Posts of the topic that were found.
    closed
        Of how many of them all interactions were asked for.
    outside
        Hits that belong to the topic, but not to the window.
    untimed
        Reposts of which only the account is known, so that they count at the time of their post.
    faults
        What was wrong or missing in answers, by reason.
    is_limited
        Whether it ended because no more requests may be sent.
    failure
        Why it ended early otherwise; else empty.
    completeness
        Interactions that are there, of those that the network counts.
    ingested
        What it did with the store.
    """

    db: Path
    source: str
    topic: str
    window: Window
    most: int
    requests: int = 0
    queries: tuple[QueryHits, ...] = ()
    posts: int = 0
    closed: int = 0
    outside: int = 0
    untimed: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    is_limited: bool = False
    failure: str = ""
    completeness: Completeness = field(default_factory=dict)
    ingested: Ingested = field(default_factory=lambda: Ingested((), (), (), 0, 0))

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left to ask."""
        return not self.is_limited and not self.failure


def remark(known: Completeness, by_account: int = 0) -> str | None:
    """Say which part of the interactions that the network counts was found; None where none is.

    Parameters
    ----------
    known
        Interactions that are there, of those that are counted.
    by_account
        Reposts of which only the account is known.
    """
    parts = [one for kinds in known.values() for one in kinds.values()]
    found, counted = sum(one.found for one in parts), sum(one.counted for one in parts)
    if not counted:
        return None
    said = (
        f"Of the replies, reposts and quotes that the network counts of the collected posts, "
        f"{100 * found // counted} % were found ({found:,} of {counted:,})."
    )
    if by_account:
        said += (
            f" Of {by_account:,} of the reposts only the account is known: each counts at the time "
            "of its post, and stays if it is deleted later."
        )
    return said
