"""Questions to partitions: tasks in the order in which each needs the others' answers.

Whoever runs tasks is given: one after another in this process, or the workers of a cluster. What
comes out is the same, for tasks leave sums of integers to one another.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import polars as pl

from blueattr.atomic import refuse_present
from blueattr.cluster.engine import TaskEngine
from blueattr.errors import NoAnswerError, NoMatchError, UnknownTopicError, UsageError
from blueattr.panel import topics
from blueattr.panel.filters import UNKNOWN_FOLLOWERS, refuse_empty, unknown_followers
from blueattr.panel.influence import Influence, settle
from blueattr.panel.query import PanelQuery
from blueattr.panel.synthetic import synthetic_sources
from blueattr.partitions import excerpt_tasks, tasks
from blueattr.partitions.folder import PartitionFolder
from blueattr.partitions.meta import Meta, digest, noted
from blueattr.partitions.parting import files_of_buckets
from blueattr.partitions.tasks import (
    Bucket,
    BucketQuestion,
    CountedBucket,
    Day,
    Gathered,
    GivenSlice,
)
from blueattr.provenance import PanelStep, Window, spell_window
from blueattr.store.matching import Rule
from blueattr.store.stretches import last_near, of_days

__all__ = [
    "PanelParts",
    "PartitionQuestion",
    "Run",
    "all_buckets",
    "joined",
    "make_agent_days",
    "make_parts",
    "merge_days",
    "newest",
    "one_after_another",
    "run_by",
]


Run = Callable[[Callable[..., Any], Sequence[tuple[Any, ...]]], Sequence[Any]]
"""Calls a task with each of some arguments, and returns its answers in their order."""


# No text has a character that is none; the marks of topics are hashtags.
_NEVER: Final = r"[^\x{0}-\x{10FFFF}]"
_T = TypeVar("_T")

ROWS_OF_A_TASK: Final = 500_000
"""Smaller buckets are joined to tasks of about so many rows, where there are tasks enough."""

FEWEST_ROWS: Final = 50_000
"""So many rows a task has in any case: it takes some time beside them."""


@dataclass(frozen=True, slots=True)
class PanelParts:
    """A panel in parts, one for each bucket; small buckets are joined.

    Parameters
    ----------
    path
        The folder of the parts.
    agents
        How many agents they have together.
    parts
        How many parts there are.
    window
        Of the panel.
    steps
        What each of its filters did.
    """

    path: Path
    agents: int
    parts: int
    window: Window
    steps: tuple[PanelStep, ...]


def one_after_another(
    task: Callable[..., _T], arguments: Sequence[tuple[Any, ...]]
) -> Sequence[_T]:
    """Run tasks in this process."""
    return [task(*each) for each in arguments]


def run_by(engine: TaskEngine) -> Run:
    """Run tasks by an engine, such as the workers of a cluster."""

    def run(task: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> Sequence[Any]:
        found = dict(
            engine.run(_STAGES.get(task, task.__name__), partial(_spread, task), arguments)
        )
        return [found[place] for place in range(len(arguments))]

    return run


def _spread(task: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    return task(*arguments)


_STAGES: Final = {
    tasks.fold: "folding",
    tasks.match_own: "matching",
    tasks.count: "counting",
    tasks.gather: "gathering",
    excerpt_tasks.match_topics: "matching",
    excerpt_tasks.count_all: "counting",
    excerpt_tasks.gather_all: "gathering",
}


def make_parts(
    events: Path,
    query: PanelQuery,
    out: Path,
    run: Run = one_after_another,
    workers: int = 1,
) -> PanelParts:
    """Make the features of all agents of partitions, in parts.

    Parameters
    ----------
    events
        The folder of partitions.
    query
        The window, the panel and the topic; of its store, the memory.
    out
        A folder that is not there. What tasks leave to one another is beside it, in a folder of
        the same name with ``.work`` at its end, and goes when all is done, or where there is no
        answer. If it is there already, as somebody was killed, what is in it is used.
    run
        Runs the tasks.
    workers
        How many of them at a time: there are as many tasks at least, if there are rows enough.

    Returns
    -------
    PanelParts
        Each part is a Parquet file with the columns of `blueattr.panel.features.SCHEMA`,
        ascending by DID.

    Raises
    ------
    InputError
        There are no partitions, or they cannot be read.
    NoAnswerError
        Nobody is on the panel, follower counts are missing, there is no such topic, or nothing
        matches it.
    OutputError
        There is something at `out`, or it cannot be written.
    """
    refuse_present(out)
    work = PartitionFolder(Path(f"{out}.work").absolute())
    asking = PartitionQuestion(events, query, work, run, workers)
    goes_on = work.exists()
    try:
        counted, gathered = asking.ask(by_day=False)
        steps = asking.steps(counted)
    except (NoAnswerError, UsageError):
        if not goes_on:  # the same question again has no answer either
            work.remove_all("")
        raise
    work.path(tasks.panel_of(asking.asked, len(asking.buckets))).rename(out)
    work.remove_all("")
    return PanelParts(
        out, sum(one.rows for one in gathered), len(gathered), asking.asked.window, steps
    )


def make_agent_days(
    events: Path, query: PanelQuery, work: Path, run: Run = one_after_another
) -> pl.DataFrame:
    """Count what each account did and received on each day, as summaries of a store do.

    Parameters
    ----------
    events, query, run
        As for `make_parts`.
    work
        A folder for what tasks leave to one another, which stays.

    Returns
    -------
    polars.DataFrame
        ``did``, ``day`` and `blueattr.panel.features.COUNTS`, by account and day.
    """
    folder = PartitionFolder(work.absolute())
    _, gathered = PartitionQuestion(events, query, folder, run).ask(by_day=True)
    parts = [pl.DataFrame(folder.rows(one.name)) for one in gathered]
    return pl.concat([part for part in parts if len(part)] or parts).sort("did", "day")


class PartitionQuestion:
    """A question to partitions.

    Parameters
    ----------
    events, query, run, workers
        As for `make_parts`.
    work
        A folder for what tasks leave to one another.
    """

    def __init__(
        self, events: Path, query: PanelQuery, work: PartitionFolder, run: Run, workers: int = 1
    ) -> None:
        self.folder = PartitionFolder(events)
        self.meta = Meta.read(self.folder)
        # A worker may be in another folder.
        bots = query.bots_file and query.bots_file.absolute()
        self._query = replace(query, db=events, bots_file=bots)
        self.work = work
        self.run = run
        self.buckets = all_buckets(events, self.meta, work, query.memory, workers)
        self.influence: Influence
        self.asked: BucketQuestion
        """Settled by `settle`."""

    def ask(self, *, by_day: bool) -> tuple[Sequence[CountedBucket], Sequence[Gathered]]:
        """Run all tasks."""
        topic = self.settle(self.fold(), by_day=by_day)
        window = self.asked.window
        counted = self.run(tasks.count, [(bucket, self.asked) for bucket in self.buckets])
        if topic is not None and not any(one.matches for one in counted):
            raise NoMatchError(f"no post matched {topic.described()} in {spell_window(window)}")
        if not by_day:
            refuse_empty(window, self.steps(counted))
        arguments = [
            (bucket, self.asked, _slices(counted, bucket.bucket)) for bucket in self.buckets
        ]
        return counted, self.run(tasks.gather, arguments)

    def fold(self) -> list[Day]:
        """Fold all buckets; return the days that their records fall on."""
        return merge_days(self.run(tasks.fold, [(bucket,) for bucket in self.buckets]))

    def settle(self, days: Sequence[Day], *, by_day: bool = False) -> topics.Topic | None:
        """Settle the window and the topic, which is returned, and find what matches that."""
        query = self._query
        window = query.window_by(lambda: newest(days))
        with noted(self.meta) as notes:
            topic = topics.choose(notes, query.topic, list(query.match), query.topics_file)
            self.influence = settle(notes, query.influence, window)
            made_up, are_all = synthetic_sources(notes)
        kinds = self.influence.kinds
        rule = None if topic is None else self.rule(topic)
        label = ("true" if are_all else "partly") if made_up and not by_day else ""
        self.asked = BucketQuestion(query, window, rule, kinds, by_day, label, _digest(query))
        if topic is not None:
            self.asked = replace(self.asked, matches=self._matches())
        return topic

    def rule(self, topic: topics.Topic) -> Rule:
        """Return what a topic matches by: words, or the mark that stands for them.

        Raises
        ------
        UnknownTopicError
            There are no words, and no marks of this topic.
        """
        if self.meta.has_text:
            return topic.rule
        mark = digest(topic.rule)
        if mark not in {kept.digest for kept in self.meta.topics}:
            raise UnknownTopicError(
                f"{self.folder} was written with --no-text, and keeps what matched "
                f"{len(self.meta.topics)} topics of the store; {topic.described()} is none of "
                "them as it is defined now. Export the store again, with its topic (blueattr "
                "rollup --topics FILE) or with texts"
            )
        return Rule(_NEVER, _NEVER, (mark,), None)

    def _matches(self) -> str:
        """Put the matches of all buckets into one file."""
        found = self.run(tasks.match_own, [(bucket, self.asked) for bucket in self.buckets])
        frames = [pl.DataFrame(self.work.rows(name)) for name in found]
        name = f"matches/{self.asked.key}/all.parquet"
        self.work.write_rows(name, pl.concat(frames).to_arrow())
        return name

    def steps(self, counted: Sequence[CountedBucket]) -> tuple[PanelStep, ...]:
        """Add up the steps of the panel.

        Raises
        ------
        NoAnswerError
            Follower counts are asked for, and some are not known.
        EmptyPanelError
            With those whose count is not known nobody would be left.
        """
        steps = tuple(
            PanelStep(
                same[0].filter,
                sum(step.before for step in same),
                sum(step.removed for step in same),
                sum(step.after for step in same),
            )
            for same in zip(*(one.steps for one in counted), strict=True)
        )
        query = self._query
        unknown, never, foreign = (sum(k) for k in zip(*(c.unknown for c in counted), strict=True))
        if query.popularity != "followers":
            return steps
        agents = steps[-1].after
        if unknown and query.missing_followers == "error":
            raise unknown_followers(self.asked.window, agents, (unknown, never, foreign))
        if query.missing_followers == "drop":
            return (*steps, PanelStep(UNKNOWN_FOLLOWERS, agents, unknown, agents - unknown))
        return steps


def all_buckets(
    events: Path, meta: Meta, work: PartitionFolder, memory: int, workers: int = 1
) -> list[Bucket]:
    """Return the buckets of partitions, small ones joined, as tasks are told of them."""
    files = files_of_buckets(PartitionFolder(events), meta)
    together = joined(meta, workers)
    count = -(-meta.buckets // together)
    found = []
    for bucket in range(count):
        numbers = range(bucket * together, min((bucket + 1) * together, meta.buckets))
        mine = tuple(name for number in numbers for name in files.get(number, ()))
        found.append(
            Bucket(
                str(events.absolute()), work.place, bucket, count, together, meta.buckets, mine,
                Bucket.key_of(meta, together, mine), memory,
            )
        )  # fmt: skip
    return found


def joined(meta: Meta, workers: int = 1) -> int:
    """Return how many buckets a task takes as one.

    A task takes some time beside its rows, and small buckets would take little else. But no worker
    waits for others who have much to do.
    """
    rows = min(ROWS_OF_A_TASK, max(meta.rows // workers, FEWEST_ROWS))
    return max(1, min(meta.buckets, rows * meta.buckets // max(meta.rows, 1)))


def _digest(query: PanelQuery) -> str:
    """Hash the files that a query names beside the store and topics."""
    file = query.bots_file
    if file is None or not file.is_file():  # which the first task that reads it says
        return ""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


def merge_days(parts: Iterable[Sequence[Day]]) -> list[Day]:
    """Put the days of all buckets together."""
    found: dict[Any, Day] = {}
    for one in (day for part in parts for day in part):
        found[one[0]] = _both(found[one[0]], one) if one[0] in found else one
    return [found[day] for day in sorted(found)]


def _both(one: Day, other: Day) -> Day:
    newest = max((time for time in (one[3], other[3]) if time is not None), default=None)
    return one[0], min(one[1], other[1]), max(one[2], other[2]), newest, one[4] + other[4]


def newest(days: Sequence[Day]) -> datetime | None:
    """Return the last event that is not far from all others."""
    near = last_near(of_days([(day, first, last, events) for day, first, last, _, events in days]))
    times = [newest for *_, newest, _ in days if newest is not None]
    return max((time for time in times if near is None or time <= near), default=None)


def _slices(counted: Sequence[CountedBucket], bucket: int) -> tuple[GivenSlice, ...]:
    """Return where what is given to the accounts of a bucket stands; no task learns more."""
    return tuple(
        GivenSlice(one.name, one.offsets[bucket], one.offsets[bucket + 1])
        for one in counted
        if one.offsets[bucket + 1] > one.offsets[bucket]
    )
