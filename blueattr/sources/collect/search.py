"""Search for posts: by one query, a slice of time at a time."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from blueattr.errors import SourceError
from blueattr.sources.collect.login import HANDLE, PASSWORD
from blueattr.sources.collect.posts import SeenPost, read_posts
from blueattr.sources.collect.service import Service

__all__ = [
    "LAST_PAGE",
    "PAGE",
    "Page",
    "Query",
    "Search",
    "Slice",
    "halves",
    "may_lack",
    "queries",
    "spell",
]


PAGE = 100
"""Hits of a page, as the lexicon permits."""


LAST_PAGE = 100
"""Where v1 ends its paging, in pages."""


# Hits from which on a page counts as full: services leave out what they do not show to everybody.
_FULL = 90
_SECOND = timedelta(seconds=1)
# Where apps end a hashtag, beside white space.
_INVISIBLE = re.compile("[\u00ad\u2060\u200a-\u200d\u20e2]")


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for: a phrase, or a hashtag without ``#``."""

    words: str
    is_tag: bool = False

    @property
    def text(self) -> str:
        """As people read it, and v1 takes it: a phrase stands in quotation marks."""
        if self.is_tag:
            return f"#{self.words}"
        # No service defines how a quotation mark within a phrase is written.
        return '"' + " ".join(self.words.replace('"', " ").split()) + '"'


@dataclass(frozen=True, slots=True)
class Slice:
    """A query, and the time in which it is asked: from `since` on, before `until`; UTC."""

    query: Query
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """Hits, newest first.

    Parameters
    ----------
    posts
        Those that can be used.
    hits
        How many there were.
    cursor
        Asks for the next page; None at the end, which may be the end of paging only.
    total
        How many the service estimates there are; None where it does not.
    faults
        What was wrong with hits, by reason.
    """

    posts: tuple[SeenPost, ...]
    hits: int
    cursor: str | None
    total: int | None
    faults: Counter[str] = field(default_factory=Counter)


def queries(keywords: Sequence[str], hashtags: Sequence[str]) -> list[Query]:
    """Return what finds the posts of a topic, each once.

    Parameters
    ----------
    keywords
        Phrases; one of several words is a hashtag without its spaces, too, if that can be one.
    hashtags
        Without ``#``; one that services do not take as a hashtag is searched for as a phrase.
    """
    joined = ["".join(word.split()) for word in keywords if len(word.split()) > 1]
    found = [
        *(Query(word) for word in keywords),
        *(Query(tag, is_tag=_is_taken(tag)) for tag in hashtags),
        *(Query(tag, is_tag=True) for tag in joined if _is_taken(tag) and _is_made(tag)),
    ]
    return [*{query.text.casefold(): query for query in found}.values()]


def _is_taken(tag: str) -> bool:
    """Return whether the lexicon permits a hashtag: 64 characters as people count them, 640 bytes.

    A mark belongs to the character before it.
    """
    characters = sum(not unicodedata.category(each).startswith("M") for each in tag)
    return characters <= 64 and len(tag.encode()) <= 640


def _is_made(tag: str) -> bool:
    """Return whether apps make this hashtag of a text that has it after ``#``.

    They leave out punctuation at the end, and make none of digits and punctuation alone.
    """
    kinds = [unicodedata.category(each) for each in tag]
    return (
        not kinds[-1].startswith("P")
        and any(kind != "Nd" and not kind.startswith(("P", "C")) for kind in kinds)
        and not _INVISIBLE.search(tag)
    )


def halves(part: Slice) -> tuple[Slice, Slice] | None:
    """Cut a slice at a whole second, the later half first; None where it has no two seconds."""
    length = part.until - part.since
    if length < 2 * _SECOND:
        return None
    middle = part.since + (length // 2) // _SECOND * _SECOND
    return Slice(part.query, middle, part.until), Slice(part.query, part.since, middle)


class Search:
    """The search of a service.

    Parameters
    ----------
    service
        Of the network's posts.

    Notes
    -----
    ``app.bsky.feed.searchPostsV2`` is asked first; where a service does not have it, or not for
    everybody, ``app.bsky.feed.searchPosts``.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._method = "app.bsky.feed.searchPostsV2"
        self._has_answered = False
        self.may_page = True
        """Whether more than the first page can be asked for, as far as is known."""

    async def page(self, part: Slice, cursor: str | None = None) -> Page | None:
        """Ask for a page of a slice.

        Parameters
        ----------
        cursor
            Of the page before; None for the first.

        Returns
        -------
        Page or None
            None where the service gives no further page.

        Raises
        ------
        SourceError
            It does not let us search, or does not understand the query.
        BudgetSpent
            No more requests may be sent.
        """
        while True:
            outcome, answer, error = await self._service.ask(
                self._method, self._parameters(part, cursor)
            )
            if outcome == "answered":
                self._has_answered = True
                return _read(answer, self._service.client.now())
            if cursor is not None:
                self.may_page = self.may_page and outcome != "refused"
                return None
            is_new = self._method.endswith("V2")
            if is_new and not self._has_answered and error != "BadQueryString":
                self._method = "app.bsky.feed.searchPosts"
                continue
            raise SourceError(self._refusal(part, outcome, error))

    def _refusal(self, part: Slice, outcome: str, error: str) -> str:
        url, said = self._service.client.url, f" ({error})" if error else ""
        if outcome == "refused" and not self._service.has_login:
            return (
                f"{url} does not let us search without a login{said}: set {HANDLE} to your handle "
                f"and {PASSWORD} to an app password of it (Settings, Privacy and security, App "
                "passwords), or give posts that others published: --uris FILE"
            )
        if outcome == "unknown method":
            return f"{url} has no search{said}; is it an AppView?"
        return f"{url} refuses the search for {part.query.text}{said}"

    def _parameters(self, part: Slice, cursor: str | None) -> list[tuple[str, str]]:
        # Servers refused a bare date.
        time = [("since", spell(part.since)), ("until", spell(part.until))]
        more = [] if cursor is None else [("cursor", cursor)]
        limit = ("limit", str(PAGE))
        query = part.query
        if not self._method.endswith("V2"):
            return [("q", query.text), ("sort", "latest"), *time, limit, *more]
        words = ("hashtags", query.words) if query.is_tag else ("query", query.text)
        return [words, ("sort", "recent"), ("allTime", "true"), *time, limit, *more]


def may_lack(pages: int, last: Page) -> bool:
    """Return whether there may be hits of a slice that no further page gives.

    Parameters
    ----------
    pages
        How many pages the service gave.
    last
        The last of them.
    """
    return pages >= LAST_PAGE or last.hits >= _FULL


def spell(moment: datetime) -> str:
    """Write a time as services take it: whole, and with its zone."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def _read(answer: dict[str, Any], now: datetime) -> Page:
    views, cursor = answer.get("posts"), answer.get("cursor")
    listed = views if isinstance(views, list) else []
    posts, faults = read_posts(listed, now)
    total = answer.get("hitsTotal")
    return Page(
        tuple(posts),
        len(listed),
        cursor if isinstance(cursor, str) and cursor and listed else None,
        total if type(total) is int and total >= 0 else None,
        faults,
    )
