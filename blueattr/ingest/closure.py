"""The interactions with a post: who answered, reposted and quoted it, step by step."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from blueattr.sources.collect.backlinks import PATHS, Backlinks, LinkPage, Path
from blueattr.sources.collect.posts import (
    POST,
    REPOST,
    RecordName,
    SeenPost,
    repost_line,
    reposter_line,
)
from blueattr.sources.collect.threads import NO_FURTHER_PAGE, Shown, Threads
from blueattr.store.collected import KnownPost

__all__ = ["Closer", "ClosurePart", "needed"]


_KINDS = ("replies", "reposts", "quotes")


@dataclass(frozen=True, slots=True)
class ClosurePart:
    """What came of a part of a step.

    Parameters
    ----------
    step
        Its name.
    cursor
        Where the step goes on; None where it is done.
    lines
        Reposts.
    related
        Posts that answer or quote.
    shown
        All posts that were shown.
    faults
        What was wrong or missing, by reason.
    untimed
        Reposts of which only the account is known.
    """

    step: str
    cursor: str | None
    lines: Sequence[bytes] = ()
    related: Sequence[SeenPost] = ()
    shown: Sequence[SeenPost] = ()
    faults: Counter[str] = field(default_factory=Counter)
    untimed: int = 0


def needed(post: KnownPost) -> list[str]:
    """Return the kinds of interactions of a post that were not all asked for, of anybody."""
    return [
        kind for kind in _some(post) if not (_done(post, _asks_view(kind)) or _linked(post, kind))
    ]


class Closer:
    """Asks for the interactions with posts.

    Parameters
    ----------
    threads
        The AppView.
    index
        A backlink index; None where the AppView is to say all.
    """

    def __init__(self, threads: Threads, index: Backlinks | None) -> None:
        self._threads, self._index = threads, index
        # What the AppView was asked to show already, in this run.
        self._shown: set[RecordName] = set()
        # Steps of posts that a service refused to go on with; another run asks again.
        self._refused: set[tuple[RecordName, str]] = set()

    def left(self, post: KnownPost) -> list[str]:
        """Return the kinds of interactions of a post that are left to ask for, in this run."""
        kinds = needed(post) if self._index is None else _some(post)
        return [
            kind for kind in kinds if not all(self._over(post, step) for step in self._steps(kind))
        ]

    def _steps(self, kind: str) -> list[str]:
        return [_asks_view(kind)] if self._index is None else [*map(_asks_index, PATHS[kind])]

    def _over(self, post: KnownPost, step: str) -> bool:
        return _done(post, step) or (_name(post), step) in self._refused

    async def parts(self, post: KnownPost) -> AsyncIterator[ClosurePart]:
        """Ask for what is left of a post, part by part.

        Raises
        ------
        SourceError
            A service fails, or refuses us.
        BudgetSpent
            No more requests may be sent.
        """
        for kind in self.left(post):
            if self._index is None:
                async for part in self._from_view(post, kind):
                    yield part
                continue
            for path in PATHS[kind]:
                if not self._over(post, _asks_index(path)):
                    async for part in self._from_index(post, path):
                        yield part

    # --- the backlink index -----------------------------------------------------------------------

    async def _from_index(self, post: KnownPost, path: Path) -> AsyncIterator[ClosurePart]:
        assert self._index is not None  # noqa: S101 - the caller's
        name, step = _name(post), _asks_index(path)
        async for page in self._index.pages(name, path, post.steps.get(step)):
            faults = Counter({"a backlink that names no record": page.faults,
                              NO_FURTHER_PAGE: int(page.is_refused)})  # fmt: skip
            if page.is_refused:
                self._refused.add((name, step))
            if path.collection == REPOST:
                yield ClosurePart(step, page.cursor, self._reposts(post, page), faults=+faults)
                continue
            # A cursor is noted only with the texts of all before it.
            fresh = [one for one in page.names if one not in self._shown]
            shown: list[SeenPost] = []
            async for part in self._threads.posts(fresh):
                shown += part.posts
                faults += part.faults
            self._shown.update(fresh)
            related = [one for one in shown if _hangs_on(one, name)]
            faults["a backlink from a post that does not name it"] += len(shown) - len(related)
            yield ClosurePart(step, page.cursor, (), related, shown, +faults)

    def _reposts(self, post: KnownPost, page: LinkPage) -> list[bytes]:
        assert self._index is not None  # noqa: S101 - the caller's
        name, now = _name(post), self._index.client.now()
        lines = [repost_line(one, name, now) for one in page.names]
        if _asks_view("reposts") in post.steps:
            # Of some only the account was known; the reposts themselves take their place.
            lines += [reposter_line(one.did, name, post.time, removed=True) for one in page.names]
        return lines

    # --- the AppView ------------------------------------------------------------------------------

    async def _from_view(self, post: KnownPost, kind: str) -> AsyncIterator[ClosurePart]:
        name, step = _name(post), _asks_view(kind)
        if kind == "replies":
            yield self._posts(step, name, await self._threads.replies(name))
            return
        cursor = post.steps.get(step)
        ask = self._threads.quotes if kind == "quotes" else self._threads.reposters
        has_ended = False
        async for shown in ask(name, cursor):
            has_ended = shown.cursor is None or shown.is_refused
            if shown.is_refused:
                self._refused.add((name, step))
            if kind == "quotes":
                yield self._posts(step, name, shown)
            else:
                lines = [reposter_line(did, name, post.time) for did in shown.accounts]
                yield ClosurePart(
                    step, shown.cursor, lines, faults=shown.faults, untimed=len(lines)
                )
        if not has_ended:
            yield ClosurePart(step, None)

    @staticmethod
    def _posts(step: str, name: RecordName, shown: Shown) -> ClosurePart:
        related = [one for one in shown.posts if _hangs_on(one, name)]
        return ClosurePart(step, shown.cursor, (), related, shown.posts, shown.faults)


def _some(post: KnownPost) -> list[str]:
    """Return the kinds of which there are some, as far as the network says."""
    return [kind for kind, count in zip(_KINDS, post.counts, strict=True) if count != 0]


def _asks_view(kind: str) -> str:
    return f"view {kind}"


def _asks_index(path: Path) -> str:
    return f"links {path.collection}:{path.path}"


def _done(post: KnownPost, step: str) -> bool:
    return step in post.steps and post.steps[step] is None


def _linked(post: KnownPost, kind: str) -> bool:
    return all(_done(post, _asks_index(path)) for path in PATHS[kind])


def _name(post: KnownPost) -> RecordName:
    return RecordName(post.did, POST, post.rkey)


def _hangs_on(post: SeenPost, name: RecordName) -> bool:
    return name.uri in post.relations
