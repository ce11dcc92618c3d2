"""What collecting a topic would take: what is left to ask, and what the first pages say."""

import asyncio
import math
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from blueattr.errors import SourceError
from blueattr.ingest.collection import Means, Wanted
from blueattr.sources.collect.backlinks import PATHS
from blueattr.sources.collect.posts import SeenPost
from blueattr.sources.collect.search import PAGE, Search, Slice
from blueattr.sources.collect.service import connect
from blueattr.sources.xrpc import BudgetSpent, RequestBudget
from blueattr.store import collected as store_collected
from blueattr.store.database import DEFAULT_MEMORY, Store
from blueattr.store.store_file import store_file

__all__ = ["DryRun", "QueryEstimate", "dry_run", "intent"]


@dataclass(frozen=True, slots=True)
class QueryEstimate:
    """What the first page of a query says.

    Parameters
    ----------
    query
        As it was sent.
    hits
        Posts on the page.
    total
        How many the service estimates there are; at least `hits`.
    matched
        How many on the page belong to the topic.
    interactions
        How many replies, reposts and quotes of these the service counts.
    requests
        About how many the query and the interactions of its posts would take.
    """

    query: str
    hits: int
    total: int
    matched: int
    interactions: int
    requests: int


@dataclass(frozen=True, slots=True)
class DryRun:
    """What collecting would take.

    Parameters
    ----------
    db
        The store, which is as it was.
    wanted, means
        What would be collected, and by which means.
    queries
        What the first page of each query says; empty where posts are given.
    requests
        How many were sent.
    """

    db: Path
    wanted: Wanted
    means: Means
    queries: tuple[QueryEstimate, ...]
    requests: int

    @property
    def expected(self) -> int:
        """About how many requests it would take; of posts that are given, only to see them."""
        if self.wanted.uris is not None:
            return math.ceil(len(self.wanted.uris) / 25)
        return sum(query.requests for query in self.queries)


def intent(wanted: Wanted, means: Means) -> tuple[str, ...]:
    """Say what is about to be asked, of whom, and how often; nothing is sent for it."""
    start, end = wanted.window.start, wanted.window.end
    if wanted.uris is None:
        words = ", ".join(query.text for query in wanted.queries)
        what = f"search for {words} from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} (UTC)"
    else:
        what = f"look at {len(wanted.uris):,} posts that are given"
    login = "with a login" if means.credentials else "without a login"
    who = means.links or "the AppView, which does not say when a post was reposted"
    return (
        f"{what}, at {means.appview}, {login}",
        f"then ask who answered, reposted and quoted each post of {wanted.topic!r}, of {who}",
        f"one request at a time, {means.most:,} at most; what comes is kept all the time",
    )


def dry_run(
    db: Path,
    wanted: Wanted,
    means: Means,
    *,
    memory: int = DEFAULT_MEMORY,
    on_wait: Callable[[float, str], None] | None = None,
) -> DryRun:
    """Ask for the first page of each query, and change nothing.

    Parameters
    ----------
    db, wanted, means, memory, on_wait
        As for `blueattr.ingest.collect.collect`.

    Raises
    ------
    SourceError
        A service fails or refuses us, or more requests would be needed than may be sent.
    """
    budget = RequestBudget(means.most)
    with closing(Store(store_file(db), memory)) as engine:
        try:
            found = asyncio.run(_first_pages(engine, wanted, means, budget, on_wait))
        except BudgetSpent:
            raise SourceError(
                f"a page a query is more than {means.most:,} requests; raise --max-requests"
            ) from None
    return DryRun(db, wanted, means, tuple(found), budget.spent)


async def _first_pages(
    engine: Store,
    wanted: Wanted,
    means: Means,
    budget: RequestBudget,
    on_wait: Callable[[float, str], None] | None,
) -> list[QueryEstimate]:
    if wanted.uris is not None:
        return []
    found = []
    async with connect(
        means.appview,
        credentials=means.credentials,
        server=means.server,
        directory=means.directory,
        budget=budget,
        contact=means.contact,
        on_wait=on_wait,
        **means.options,
    ) as (service, _):
        search = Search(service)
        for query in wanted.queries:
            page = await search.page(Slice(query, wanted.window.start, wanted.window.end))
            if page is not None:
                total = max(page.total or 0, page.hits)
                words = [post.words for post in page.posts]
                numbers = store_collected.matching(engine, wanted.rule, words)
                matched = [page.posts[number] for number in numbers]
                calls = _calls(matched, has_index=means.links is not None)
                scale = total / page.hits if page.hits else 0
                found.append(
                    QueryEstimate(
                        query.text,
                        page.hits,
                        total,
                        len(matched),
                        sum(post.counts.total for post in matched),
                        max(1, math.ceil(total / PAGE)) + math.ceil(calls * scale),
                    )
                )
    return found


def _calls(posts: list[SeenPost], *, has_index: bool) -> int:
    """Return about how many requests the interactions with posts take."""
    kinds = ("replies", "reposts", "quotes")
    return sum(
        (len(PATHS[kind]) if has_index else 1) * math.ceil(count / PAGE) if count else 0
        for post in posts
        for kind, count in zip(kinds, post.counts, strict=True)
    )
