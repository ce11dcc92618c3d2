"""What an AppView shows of a post: itself, its thread, who quoted it and who reposted it."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

from blueattr.decode.schema import DID
from blueattr.errors import SourceError
from blueattr.sources.collect.posts import RecordName, SeenPost, read_posts
from blueattr.sources.collect.service import Service

__all__ = ["BATCH", "NO_FURTHER_PAGE", "Shown", "Threads"]


BATCH = 25
"""Posts a call, as the lexicon permits."""


NO_FURTHER_PAGE = "a further page that is refused"
"""A fault: what a service does not show, though it says that there is more."""


_PAGE = 100
# As deep as threads are shown.
_DEPTH = 1000
_DEPTH_V2 = 20
_GONE = "a post that is gone"
_HIDDEN = "a post that is not shown"


class Shown(NamedTuple):
    """A part of what an AppView shows.

    Parameters
    ----------
    posts
        Replies or quotes.
    accounts
        DIDs of those who reposted.
    cursor
        Asks for the next page; None at the end.
    faults
        What was wrong or missing, by reason.
    is_refused
        Whether the next page is refused, though there is one.
    """

    posts: tuple[SeenPost, ...]
    accounts: tuple[str, ...]
    cursor: str | None
    faults: Counter[str]
    is_refused: bool = False


class Threads:
    """The AppView's methods on single posts.

    Parameters
    ----------
    service
        The AppView.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        # It shows threads whole; its successor shows a part of them.
        self._thread = "app.bsky.feed.getPostThread"

    async def posts(self, names: Sequence[RecordName]) -> AsyncIterator[Shown]:
        """Ask for posts by their names, 25 a call; those that are gone are missing, and counted."""
        for batch in _batches(names):
            outcome, answer, error = await self._service.ask(
                "app.bsky.feed.getPosts", [("uris", name.uri) for name in batch]
            )
            if outcome != "answered":
                raise self._refusal("getPosts", error)
            posts, faults = self._read(answer.get("posts"))
            asked = set(batch)
            known = [post for post in posts if post.name in asked]
            if len(posts) > len(known):
                faults["a post not asked about"] += len(posts) - len(known)
            gone = len(batch) - len(known) - faults["not a post"]
            if gone > 0:
                faults[_GONE] += gone
            yield Shown(tuple(known), (), None, faults)

    async def replies(self, name: RecordName) -> Shown:
        """Ask for the thread below a post."""
        while True:
            is_new = self._thread.endswith("V2")
            asked = (
                [("anchor", name.uri), ("above", "false"), ("below", str(_DEPTH_V2)),
                 ("branchingFactor", "100"), ("sort", "oldest")]
                if is_new
                else [("uri", name.uri), ("depth", str(_DEPTH)), ("parentHeight", "0")]
            )  # fmt: skip
            outcome, answer, error = await self._service.ask(self._thread, asked)
            if outcome == "not found":
                return Shown((), (), None, Counter({_GONE: 1}))
            if outcome == "answered":
                views = _flat_v2(answer) if is_new else _flat(answer)
                posts, faults = self._read([view for view in views if view is not None])
                faults[_HIDDEN] += sum(view is None for view in views)
                others = tuple(post for post in posts if post.name != name)
                return Shown(others, (), None, +faults)
            if is_new:
                raise self._refusal(self._thread, error)
            self._thread = "app.bsky.feed.getPostThreadV2"

    async def quotes(self, name: RecordName, cursor: str | None) -> AsyncIterator[Shown]:
        """Ask who quoted a post, page by page."""
        async for answer in self._pages("app.bsky.feed.getQuotes", name, cursor):
            if isinstance(answer, str):
                yield _refused(answer)
                return
            posts, faults = self._read(answer.get("posts"))
            yield Shown(tuple(posts), (), _cursor(answer), faults)

    async def reposters(self, name: RecordName, cursor: str | None) -> AsyncIterator[Shown]:
        """Ask who reposted a post, page by page; when, an AppView does not say."""
        async for answer in self._pages("app.bsky.feed.getRepostedBy", name, cursor):
            if isinstance(answer, str):
                yield _refused(answer)
                return
            listed = answer.get("repostedBy")
            views = listed if isinstance(listed, list) else []
            dids = [view.get("did") for view in views if isinstance(view, dict)]
            good = [did for did in dids if isinstance(did, str) and re.fullmatch(DID, did)]
            faults = Counter({"not an account": len(views) - len(good)})
            yield Shown((), tuple(dict.fromkeys(good)), _cursor(answer), +faults)

    async def _pages(
        self, method: str, name: RecordName, cursor: str | None
    ) -> AsyncIterator[dict[str, Any] | str]:
        """Yield the pages; the cursor in place of one that is refused, which is the last."""
        # One of an earlier run may not be known any more: then it begins anew, once.
        is_of_before = cursor is not None
        asked = {cursor}
        while True:
            more = [] if cursor is None else [("cursor", cursor)]
            outcome, answer, error = await self._service.ask(
                method, [("uri", name.uri), ("limit", str(_PAGE)), *more]
            )
            if outcome != "answered" and is_of_before:
                is_of_before, cursor, asked = False, None, {None}
                continue
            if outcome == "not found":
                return
            if outcome != "answered" and cursor is not None:
                yield cursor
                return
            if outcome != "answered":
                raise self._refusal(method, error)
            yield answer
            following = _cursor(answer)
            if following is None or following in asked:
                return
            is_of_before, cursor = False, following
            asked.add(cursor)

    def _read(self, views: object) -> tuple[list[SeenPost], Counter[str]]:
        listed = views if isinstance(views, list) else []
        return read_posts(listed, self._service.client.now())

    def _refusal(self, method: str, error: str) -> SourceError:
        said = f" ({error})" if error else ""
        return SourceError(f"{self._service.client.url} refuses {method}{said}")


def _refused(cursor: str) -> Shown:
    return Shown((), (), cursor, Counter({NO_FURTHER_PAGE: 1}), is_refused=True)


def _batches(names: Sequence[RecordName]) -> list[Sequence[RecordName]]:
    return [names[start : start + BATCH] for start in range(0, len(names), BATCH)]


def _cursor(answer: dict[str, Any]) -> str | None:
    cursor = answer.get("cursor")
    return cursor if isinstance(cursor, str) and cursor else None


def _flat(answer: dict[str, Any]) -> list[dict[str, Any] | None]:
    """Return the posts of a thread as a tree, in any order; None for each that is not shown."""
    found: list[dict[str, Any] | None] = []
    waiting: list[object] = [answer.get("thread")]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, dict):
            continue
        post = node.get("post")
        found.append(post if isinstance(post, dict) else None)
        replies = node.get("replies")
        waiting += replies if isinstance(replies, list) else []
    return found


def _flat_v2(answer: dict[str, Any]) -> list[dict[str, Any] | None]:
    """Return the same of a thread that is a list."""
    listed = answer.get("thread")
    found: list[dict[str, Any] | None] = []
    for item in listed if isinstance(listed, list) else ():
        value = item.get("value") if isinstance(item, dict) else None
        post = value.get("post") if isinstance(value, dict) else None
        found.append(post if isinstance(post, dict) else None)
    return found
