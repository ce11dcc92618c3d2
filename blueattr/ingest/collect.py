"""Collect a past topic: search for its posts, then ask who answered, reposted and quoted each."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from blueattr.decode.chunk import Chunk
from blueattr.ingest.asking import answer_clock, ask_to_the_end
from blueattr.ingest.closure import Closer, needed
from blueattr.ingest.collection import Collection, Means, QueryHits, Wanted, remark
from blueattr.sources.collect.backlinks import Backlinks
from blueattr.sources.collect.posts import BY_ACCOUNT, RecordName, SeenPost, post_line
from blueattr.sources.collect.search import LAST_PAGE, Query, Search, Slice, halves, may_lack
from blueattr.sources.collect.service import Service, connect
from blueattr.sources.collect.threads import Threads
from blueattr.sources.xrpc import BudgetSpent, RequestBudget
from blueattr.store import collected as store_collected
from blueattr.store.collected import KnownPost, SearchedSlice, naive
from blueattr.store.commit.checkpoint import SourceState, Span
from blueattr.store.commit.collected import Collected
from blueattr.store.commit.writer import Writer
from blueattr.store.database import DEFAULT_MEMORY
from blueattr.store.matching import Rule

__all__ = ["collect"]


def collect(
    db: Path,
    wanted: Wanted,
    means: Means,
    *,
    rules: Sequence[Rule] = (),
    memory: int = DEFAULT_MEMORY,
    progress: Callable[[Collection], None] | None = None,
    on_wait: Callable[[float, str], None] | None = None,
) -> Collection:
    """Collect a past topic into a store, from where an earlier run of the same ended.

    What a slice of the search, and a post's interactions, brought is kept whole, in a commit every
    few seconds, so that whatever ends a run, the next one goes on after it.

    Parameters
    ----------
    db
        The store, made if it is not there.
    wanted
        What to collect.
    means
        Whom to ask.
    rules, memory
        As for `blueattr.ingest.read.ingest_sources`.
    progress
        Told after each slice, and each post.
    on_wait
        Told the seconds and the reason before each wait.

    Returns
    -------
    Collection
        With its ``failure``, where a service failed or refused us.

    Raises
    ------
    StoreError
        The store cannot be written.
    """
    result = Collection(db, wanted.source, wanted.topic, wanted.window, means.most)
    budget = RequestBudget(means.most)
    with Writer(db, memory) as writer:
        run = _Run(writer, wanted, result, budget, progress or (lambda _: None))
        ask_to_the_end(
            run.ask(means, on_wait),
            run.commit,
            run.finish,
            result=result,
            writer=writer,
            rules=rules,
        )
    return result


class _Run:
    """One run of a collection: what is known of it, and what waits for the next commit."""

    def __init__(
        self,
        writer: Writer,
        wanted: Wanted,
        result: Collection,
        budget: RequestBudget,
        progress: Callable[[Collection], None],
    ) -> None:
        self._writer, self._wanted, self._result = writer, wanted, result
        self._budget, self._progress = budget, progress
        self._note, self._clock = Collected(), answer_clock(writer)
        self._waits = False
        name = wanted.source
        self._state = writer.source(name) or SourceState(name, "collect")
        with writer.reading():
            done = store_collected.searched(writer, name)
            known = store_collected.known_posts(writer, wanted.window)
        self._searched: dict[tuple[str, datetime, datetime], SearchedSlice] = {}
        self._hits: dict[str, QueryHits] = {}
        for query in () if wanted.uris is not None else wanted.queries:
            self._hits[query.text] = QueryHits(query.text, 0, 0, 0, 0)
        for one in done:
            self._note_slice(one)
        self.posts = {(post.did, post.rkey): post for post in known}
        # Posts of which interactions are left to ask for: counted as they change, not at each
        # commit, as there are as many commits as posts.
        self._unclosed = {name for name, post in self.posts.items() if needed(post)}
        self._count()

    async def ask(self, means: Means, on_wait: Callable[[float, str], None] | None) -> None:
        """Ask for everything that is not there yet."""
        async with connect(
            means.appview,
            links=means.links,
            credentials=means.credentials,
            server=means.server,
            directory=means.directory,
            budget=self._budget,
            contact=means.contact,
            on_wait=on_wait,
            **means.options,
        ) as (service, index):
            if self._wanted.uris is None:
                await self._search(service)
            else:
                await self._seeds(Threads(service), self._wanted.uris)
            closer = Closer(Threads(service), None if index is None else Backlinks(index))
            while left := self._open(closer):
                for post in left:
                    await self._close(closer, post)

    # --- posts ------------------------------------------------------------------------------------

    async def _search(self, service: Service) -> None:
        search = Search(service)
        window = self._wanted.window
        for query in self._wanted.queries:
            await self._slice(search, Slice(query, window.start, window.end))

    async def _slice(self, search: Search, part: Slice) -> None:
        known = self._searched.get((part.query.text, part.since, part.until))
        outcome = known.outcome if known else await self._ask_slice(search, part)
        if outcome == "halved":
            for half in halves(part) or ():
                await self._slice(search, half)

    async def _ask_slice(self, search: Search, part: Slice) -> str:
        """Ask for a slice, page by page, and commit what came; return what is noted of it."""
        posts: dict[RecordName, SeenPost] = {}
        pages = hits = 0
        cursor: str | None = None
        lacks = True
        try:
            while (page := await search.page(part, cursor)) is not None:
                pages, hits = pages + 1, hits + page.hits
                posts |= {post.name: post for post in page.posts}
                self._result.faults += page.faults
                lacks = may_lack(pages, page)
                if page.cursor in (None, cursor) or not search.may_page or pages >= LAST_PAGE:
                    break
                cursor = page.cursor
        except BudgetSpent:
            if pages:
                self._keep_slice(part, hits, posts.values(), "halved" if halves(part) else "cut")
            raise
        outcome = "done" if not lacks else "halved" if halves(part) else "cut"
        self._keep_slice(part, hits, posts.values(), outcome)
        return outcome

    def _keep_slice(self, part: Slice, hits: int, posts: Iterable[SeenPost], outcome: str) -> None:
        matched = self.take([*posts])
        key = part.query.text, part.since, part.until
        self._note_slice(SearchedSlice(*key, outcome, hits, matched))
        self._note.searched[self._wanted.source, key[0], naive(part.since), naive(part.until)] = (
            outcome,
            hits,
            matched,
        )
        self._commit_if_due()

    def _note_slice(self, one: SearchedSlice) -> None:
        """Note a slice that was searched, and count what came of its query."""
        self._searched[one.query, one.since, one.until] = one
        if one.outcome == "halved":
            return
        before = self._hits.get(one.query, QueryHits(one.query, 0, 0, 0, 0))
        self._hits[one.query] = QueryHits(
            one.query,
            before.hits + one.hits,
            before.matched + one.matched,
            before.slices + 1,
            before.cut + (one.outcome == "cut"),
        )

    async def _seeds(self, threads: Threads, names: Sequence[RecordName]) -> None:
        window = self._wanted.window
        for start in range(0, len(names), 100):
            part = Slice(Query(f"URIs {start + 1}"), window.start, window.end)
            if (part.query.text, part.since, part.until) in self._searched:
                continue
            batch = names[start : start + 100]
            posts: list[SeenPost] = []
            async for shown in threads.posts(batch):
                posts += shown.posts
                self._result.faults += shown.faults
            self._keep_slice(part, len(batch), posts, "done")

    def take(self, posts: Sequence[SeenPost]) -> int:
        """Let posts that belong to the topic and its window wait for a commit; return how many."""
        numbers = store_collected.matching(
            self._writer, self._wanted.rule, [post.words for post in posts]
        )
        window, taken = self._wanted.window, 0
        for post in (posts[number] for number in numbers):
            if not window.start <= post.time < window.end:
                self._result.outside += 1
                continue
            taken += 1
            did, _, rkey = post.name
            now = datetime.now(UTC)
            self._note.counts[did, rkey] = (*post.counts, naive(now))
            steps = self.posts[did, rkey].steps if (did, rkey) in self.posts else {}
            self.posts[did, rkey] = KnownPost(did, rkey, post.time, post.counts, steps)
            self._mark((did, rkey))
            self._stage(post)
        return taken

    # --- interactions -----------------------------------------------------------------------------

    def _open(self, closer: Closer) -> list[KnownPost]:
        """Return posts with steps that are left, those with most interactions first."""
        left = [post for post in self.posts.values() if closer.left(post)]
        return sorted(left, key=lambda post: (-_total(post), post.did, post.rkey))

    async def _close(self, closer: Closer, post: KnownPost) -> None:
        try:
            async for part in closer.parts(post):
                self._result.faults += part.faults
                self._result.untimed += part.untimed
                for line in part.lines:
                    self._stage_line(line)
                for one in part.related:
                    self._stage(one)
                self.take([one for one in part.shown if one.name[::2] not in self.posts])
                post.steps[part.step] = part.cursor
                self._note.closures[post.did, post.rkey, part.step] = part.cursor
                self._commit_if_due()
        finally:
            self._mark((post.did, post.rkey))
        self._commit_if_due()

    def _mark(self, name: tuple[str, str]) -> None:
        """Note whether interactions of a post are left to ask for."""
        if needed(self.posts[name]):
            self._unclosed.add(name)
        else:
            self._unclosed.discard(name)

    # --- the store --------------------------------------------------------------------------------

    def _stage(self, post: SeenPost) -> None:
        try:
            self._stage_line(post_line(post))
        except ValueError:
            self._result.faults["a post that cannot be written as JSON"] += 1

    def _stage_line(self, line: bytes) -> None:
        position = self._state.position
        self._state = self._writer.stage(Chunk(line, position, position, position + 1), self._state)

    def _commit_if_due(self) -> None:
        self._waits = True
        if self._clock.is_due:
            self.commit()
        else:
            self._count()
            self._progress(self._result)

    def commit(self, *, complete: bool = False) -> None:
        """Commit what waits, with how far the collection got."""
        note, self._note = self._note, Collected()
        self._waits = False
        spans = self._answered()
        state = replace(
            self._state,
            complete=complete,
            first_event=spans[0].first_event if spans else None,
            last_event=spans[-1].last_event if spans else None,
            spans=spans,
            earlier_spans=0,
        )
        with self._clock.committing():
            self._writer.commit(state, collected=note)
        self._state = replace(state, spans=[], earlier_spans=0)
        self._count()
        self._progress(self._result)

    def finish(self, complete: bool) -> SourceState:
        """Commit the end, with what a reader must know of it; return the state of the source."""
        if self._waits:  # else the store does not know all of it
            self.commit()
        with self._writer.reading():
            known = store_collected.completeness(self._writer, self._wanted.window)
            by_account = store_collected.known_by_account(
                self._writer, self._wanted.window, BY_ACCOUNT
            )
        self._result.completeness = known
        self._state.drawn = "keywords" if self._wanted.uris is None else "unknown"
        self._state.remarks = remark(known, by_account)
        self.commit(complete=complete)
        return self._state

    def _answered(self) -> list[Span]:
        """Return the time in which every query is answered, which is what the source covers."""
        names = {query for query, _, _ in self._searched}
        wanted = {query.text for query in self._wanted.queries}
        if self._wanted.uris is None and not wanted <= names:
            return []
        # How many slices of each query begin at a time, less those that end there.
        steps: defaultdict[datetime, Counter[str]] = defaultdict(Counter)
        for one in self._searched.values():
            if one.outcome != "halved":
                steps[one.since][one.query] += 1
                steps[one.until][one.query] -= 1
        spans: list[Span] = []
        under_way = Counter[str]()
        for start, end in pairwise(sorted(steps)):
            under_way.update(steps[start])
            if not all(under_way[name] for name in names):
                continue
            if spans and spans[-1].last_event == naive(start):
                spans[-1].last_event = naive(end)
            else:
                spans.append(Span(naive(start), naive(end), has_begun=True))
        return spans

    def _count(self) -> None:
        result = self._result
        result.requests = self._budget.spent
        result.posts = len(self.posts)
        result.closed = len(self.posts) - len(self._unclosed)
        result.queries = tuple(self._hits.values())


def _total(post: KnownPost) -> int:
    return sum(count or 0 for count in post.counts)
