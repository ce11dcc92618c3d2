"""Ask for the records of a deposit again, keep what is there, and say what became of the others."""

import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from blueattr.decode.chunk import Chunk
from blueattr.ingest.asking import answer_clock, ask_to_the_end
from blueattr.ingest.result import Ingested
from blueattr.sources.collect.identity import DIRECTORY
from blueattr.sources.collect.posts import POST, RecordName, record_line, repo_time
from blueattr.sources.collect.repos import Repos
from blueattr.sources.collect.service import Service
from blueattr.sources.collect.threads import BATCH, Threads
from blueattr.sources.deposits import DepositedRecord, DepositedStudy
from blueattr.sources.http import USER_AGENT
from blueattr.sources.xrpc import RequestBudget, XrpcClient
from blueattr.store.collected import naive, rehydrated
from blueattr.store.commit.checkpoint import SourceState, Span
from blueattr.store.commit.collected import Collected
from blueattr.store.commit.writer import Writer
from blueattr.store.database import DEFAULT_MEMORY
from blueattr.store.matching import Rule

__all__ = ["Fate", "Rehydrated", "rehydrate"]


Fate = Literal["found", "changed", "deleted", "unknown"]
"""What became of a record: there as it was; there, with another text; gone; or nobody says."""


@dataclass(slots=True)
class Rehydrated:
    """What became of the records of a deposit; so far, while they are asked for.

    Parameters
    ----------
    db
        The store.
    study
        The deposit.
    most, requests
        How many requests may be sent, and how many were.
    fates
        What became of each record, as far as it was asked for.
    reasons
        Why nobody says, and of how many records.
    is_limited
        Whether it ended because no more requests may be sent.
    failure
        Why it ended early otherwise; else empty.
    ingested
        What it did with the store.
    """

    db: Path
    study: DepositedStudy
    most: int
    requests: int = 0
    fates: dict[RecordName, Fate] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    is_limited: bool = False
    failure: str = ""
    ingested: Ingested = field(default_factory=lambda: Ingested((), (), (), 0, 0))

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left to ask."""
        return not self.is_limited and not self.failure


def rehydrate(
    db: Path,
    study: DepositedStudy,
    *,
    appview: str | None,
    most: int,
    directory: str = DIRECTORY,
    contact: str | None = None,
    rules: Sequence[Rule] = (),
    memory: int = DEFAULT_MEMORY,
    progress: Callable[[Rehydrated], None] | None = None,
    on_wait: Callable[[float, str], None] | None = None,
    **options: Any,
) -> Rehydrated:
    """Ask for the records of a deposit again.

    What is there is committed every few seconds; the same call goes on where one stopped.

    Parameters
    ----------
    db
        The store, made if it is not there.
    study
        The deposit.
    appview
        The address of the AppView, which knows 25 posts a call; what it does not show is asked for
        at the account's own server, as are reposts. None to ask those servers alone.
    most
        Requests that may be sent.
    directory
        Where documents of ``did:plc`` are.
    contact
        Whom an operator can write to.
    rules, memory
        As for `blueattr.ingest.read.ingest_sources`.
    progress
        Told after each request for posts, or for a record.
    on_wait
        Told the seconds and the reason before each wait.
    options
        As for `blueattr.sources.xrpc.XrpcClient`.

    Raises
    ------
    StoreError
        The store cannot be written.
    """
    result = Rehydrated(db, study, most)
    budget = RequestBudget(most)
    with Writer(db, memory) as writer:
        run = _Run(writer, result, budget, progress or (lambda _: None))

        def client(url: str) -> XrpcClient:
            agent = f"{USER_AGENT} (rehydrate; {contact or 'no contact given'})"
            made = XrpcClient(url, parallel=1, budget=budget, user_agent=agent, **options)
            if on_wait is not None:
                made.on_wait = on_wait
            return made

        async def ask() -> None:
            async with AsyncExitStack() as stack:
                repos = Repos(stack, client, directory)
                threads = None
                if appview is not None:
                    view = await stack.enter_async_context(client(appview))
                    threads = Threads(Service(view))
                await run.ask(repos, threads)

        ask_to_the_end(ask(), run.commit, run.finish, result=result, writer=writer, rules=rules)
    return result


class _Run:
    """One run: what is known of the records, and what waits for the next commit."""

    def __init__(
        self,
        writer: Writer,
        result: Rehydrated,
        budget: RequestBudget,
        progress: Callable[[Rehydrated], None],
    ) -> None:
        self._writer, self._result, self._budget = writer, result, budget
        self._progress = progress
        self._study = result.study
        name = f"rehydrate:{self._study.topic} {self._study.digest[:16]}"
        self._state = writer.source(name) or SourceState(name, "collect")
        self._note, self._clock = Collected(), answer_clock(writer)
        with writer.reading():
            known = rehydrated(writer, name)
        asked = {one.name for one in self._study.records}
        for key, fate in known.items():
            if (found := RecordName(*key)) in asked:
                result.fates[found] = fate

    async def ask(self, repos: Repos, threads: Threads | None) -> None:
        """Ask for every record of which nothing is known yet."""
        left = [one for one in self._study.records if one.name not in self._result.fates]
        posts = [one for one in left if one.name.collection == POST]
        others = [one for one in left if one.name.collection != POST]
        if threads is None:
            others, posts = left, []
        for start in range(0, len(posts), BATCH):
            batch = posts[start : start + BATCH]
            async for record, value in self._shown(threads, batch):
                if value is None:
                    await self._ask_server(repos, record)
                else:
                    self._keep(record, value)
                self._commit_if_due()
        for record in others:
            await self._ask_server(repos, record)
            self._commit_if_due()

    @staticmethod
    async def _shown(
        threads: Threads | None, batch: Sequence[DepositedRecord]
    ) -> AsyncIterator[tuple[DepositedRecord, dict[str, Any] | None]]:
        assert threads is not None  # noqa: S101 - the caller's
        found: dict[RecordName, dict[str, Any]] = {}
        async for shown in threads.posts([one.name for one in batch]):
            found |= {post.name: post.record for post in shown.posts}
        for one in batch:
            yield one, found.get(one.name)

    async def _ask_server(self, repos: Repos, record: DepositedRecord) -> None:
        held = await repos.record(record.name)
        if held.value is not None:
            self._keep(record, held.value)
        elif held.outcome == "gone":
            # The store knows of a fate only where it knows the account.
            self._stage(record_line(record.name, None, record.time, "collected"))
            self._settle(record, "deleted")
        else:
            self._result.fates[record.name] = "unknown"
            self._result.reasons[held.why] += 1

    def _keep(self, record: DepositedRecord, value: dict[str, Any]) -> None:
        """Let a record that is there wait for the next commit."""
        time, time_from = record.time, record.time_from
        if self._study.is_coarse:
            time, time_from = repo_time(record.name.rkey, value.get("createdAt"), record.time)
        try:
            line = record_line(record.name, value, time, time_from)
        except ValueError:
            self._result.fates[record.name] = "unknown"
            self._result.reasons["it holds a number that JSON has not"] += 1
            return
        self._stage(line)
        self._settle(record, "found" if self._is_same(record, value) else "changed")

    def _stage(self, line: bytes) -> None:
        position = self._state.position
        chunk = Chunk(line, position, position, position + 1)
        self._state = self._writer.stage(chunk, self._state)

    def _is_same(self, record: DepositedRecord, value: dict[str, Any]) -> bool:
        if record.name.collection != POST:
            subject = value.get("subject")
            return isinstance(subject, dict) and subject.get("uri") == record.subject
        text = value.get("text")
        salted = self._study.salt + (text if isinstance(text, str) else "")
        digest = hashlib.sha256(salted.encode("utf-8", "surrogatepass")).hexdigest()
        return digest == record.text_sha256

    def _settle(self, record: DepositedRecord, fate: Fate) -> None:
        self._result.fates[record.name] = fate
        name = record.name
        step = f"{self._state.name} {name.collection}"
        self._note.closures[name.did, name.rkey, step] = fate

    def _commit_if_due(self) -> None:
        if self._clock.is_due:
            self.commit()
        else:
            self._result.requests = self._budget.spent
            self._progress(self._result)

    def commit(self, *, complete: bool = False) -> None:
        """Commit what waits, with how far the run got."""
        note, self._note = self._note, Collected()
        ends = [(naive(one.start), naive(one.end)) for one in self._study.spans]
        # What a run has not asked for is no gap in time.
        spans = [Span(start, end, has_begun=True) for start, end in ends]
        state = replace(
            self._state,
            complete=complete,
            first_event=ends[0][0] if ends else None,
            last_event=ends[-1][1] if ends else None,
            spans=spans,
            earlier_spans=0,
        )
        with self._clock.committing():
            self._writer.commit(state, collected=note)
        self._state = replace(state, spans=[], earlier_spans=0)
        self._result.requests = self._budget.spent
        self._progress(self._result)

    def finish(self, complete: bool) -> SourceState:
        """Commit the end, with what a reader must know of it; return the state of the source."""
        self._state.drawn = "unknown" if self._study.topic == "all" else "keywords"
        self._state.remarks = _remark(self._result)
        self.commit(complete=complete)
        return self._state


def _remark(done: Rehydrated) -> str:
    counts = Counter(done.fates.values())
    there = counts["found"] + counts["changed"]
    return (
        f"Of the {len(done.study.records):,} records of a deposit, {there:,} were there when they "
        f"were asked for again, {counts['changed']:,} of them changed."
    )
