"""What a store has of topics that are collected: how far it got, and how complete it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from blueattr.provenance import Window
from blueattr.store.database import Store
from blueattr.store.matching import Rule

__all__ = [
    "Completeness",
    "Found",
    "KnownPost",
    "SearchedSlice",
    "completeness",
    "known_posts",
    "matching",
    "rehydrated",
    "searched",
]


_LETTERS = "234567abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class SearchedSlice:
    """A slice of time in which a query was asked, as `blueattr.store.commit.collected` notes it."""

    query: str
    since: datetime
    until: datetime
    outcome: str
    hits: int
    matched: int


@dataclass(slots=True)
class KnownPost:
    """A collected post.

    Parameters
    ----------
    did, rkey
        Whose, and by which key.
    time
        UTC.
    counts
        Replies, reposts and quotes that the network counts; None where it does not say.
    steps
        Where each step that was begun goes on; None where it is done.
    """

    did: str
    rkey: str
    time: datetime
    counts: tuple[int | None, int | None, int | None]
    steps: dict[str, str | None]


@dataclass(frozen=True, slots=True)
class Found:
    """Interactions of one kind with posts of one day.

    Parameters
    ----------
    found
        How many of those that the network counts are there.
    counted
        How many it counts.
    surplus
        How many are there beyond what it counts of their posts.
    """

    found: int
    counted: int
    surplus: int

    def __add__(self, other: "Found") -> "Found":
        return Found(
            self.found + other.found, self.counted + other.counted, self.surplus + other.surplus
        )


Completeness = dict[date, dict[str, Found]]
"""By the UTC day of the posts, and by ``"replies"``, ``"reposts"`` and ``"quotes"``."""


def searched(store: Store, source: str) -> list[SearchedSlice]:
    """Return what a source has searched for."""
    rows = store.rows("store/collected/searched", source=source)
    return [
        SearchedSlice(query, _utc(since), _utc(until), outcome, hits, matched)
        for query, since, until, outcome, hits, matched in rows
    ]


def known_posts(store: Store, window: Window) -> list[KnownPost]:
    """Return the collected posts of a window."""
    found: dict[tuple[str, int], KnownPost] = {}
    rows = store.rows("store/collected/posts", start=naive(window.start), end=naive(window.end))
    for did, number, rkey, time, *counts, step, cursor in rows:
        known = found.setdefault(
            (did, number), KnownPost(did, rkey or _tid(number), _utc(time), (*counts,), {})
        )
        if step is not None:
            known.steps[step] = cursor
    return [*found.values()]


def rehydrated(store: Store, source: str) -> dict[tuple[str, str, str], Any]:
    """Return what became of records of a deposit, by DID, collection and key."""
    rows = store.rows("store/collected/rehydrated", source=source)
    return {
        (did, collection, rkey or _tid(number)): fate
        for did, collection, number, rkey, fate in rows
    }


def completeness(store: Store, window: Window) -> Completeness:
    """Return how many of the interactions with the collected posts of a window are there."""
    rows = store.rows(
        "store/collected/completeness", start=naive(window.start), end=naive(window.end)
    )
    days: Completeness = {}
    for day, kind, *found in rows:
        days.setdefault(day, {})[kind] = Found(*found)
    return days


def known_by_account(store: Store, window: Window, beginning: str) -> int:
    """Return of how many reposts of the collected posts of a window only the account is known.

    Parameters
    ----------
    beginning
        Of the keys of such reposts.
    """
    ((count,),) = store.rows(
        "store/collected/by_account",
        start=naive(window.start),
        end=naive(window.end),
        beginning=beginning,
    )
    return int(count)


def matching(
    store: Store, rule: Rule, words: Sequence[tuple[str, str, Sequence[str]]]
) -> list[int]:
    """Return which posts belong to a topic by their own words, from 0.

    Parameters
    ----------
    words
        Text, title of the link and hashtags of each post.
    """
    if not words:
        return []
    frame = pl.DataFrame(
        {
            "number": range(len(words)),
            "text": [text for text, _, _ in words],
            "title": [title for _, title, _ in words],
            "tags": [list(tags) for _, _, tags in words],
        },
        schema={
            "number": pl.Int64,
            "text": pl.String,
            "title": pl.String,
            "tags": pl.List(pl.String),
        },
    )
    store.run("store/rollups/compare_words")
    store.register("hits", frame)
    try:
        rows = store.rows(
            "store/collected/matching",
            pattern=rule.pattern,
            hint=rule.hint,
            hashtags=list(rule.hashtags),
            tag_pattern=rule.tag_pattern,
        )
    finally:
        store.unregister("hits")
    return [number for (number,) in rows]


def _tid(number: int) -> str:
    return "".join(_LETTERS[number >> 5 * place & 31] for place in range(12, -1, -1))


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)


def naive(moment: datetime) -> datetime:
    """Return a time as the store has it: in UTC, without a zone."""
    return moment.astimezone(UTC).replace(tzinfo=None)
