"""An excerpt of partitions: a store of what one question needs of them, to ask as any store.

So a report of partitions is made by what makes that of a store, from the same rows: what accounts
did by day, whole; of records those that a topic touches.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

import polars as pl
import pyarrow as pa

from blueattr.errors import NoAnswerError
from blueattr.panel.counted import is_counted
from blueattr.panel.query import PanelQuery
from blueattr.panel.topics import Topic
from blueattr.partitions import excerpt_tasks as tasks
from blueattr.partitions.driver import PartitionQuestion, newest
from blueattr.partitions.excerpt_tasks import CountedExcerpt, ExcerptQuestion, GatheredExcerpt
from blueattr.partitions.folder import PartitionFolder
from blueattr.partitions.meta import days_frame, load_notes, noted
from blueattr.partitions.parting import said_file
from blueattr.partitions.rows import TIMES
from blueattr.partitions.tasks import Day, GivenSlice
from blueattr.provenance import Window
from blueattr.store.commit.writer import Writer
from blueattr.store.database import Store
from blueattr.store.excerpt import CountedTimes, Excerpt
from blueattr.store.matching import Rule

__all__ = ["ExcerptQuery", "make_excerpt"]


_DAY = timedelta(days=1)
_COLLECT = "collect"


@dataclass(frozen=True)
class ExcerptQuery:
    """What is asked of partitions, as far as an excerpt must know.

    Parameters
    ----------
    query
        The panel and the window.
    topics
        Chooses the topics, None for all events, by what is noted of sources.
    against
        Another window that is asked about; None for none.
    shift
        By how much windows are shifted to see what that changes.
    states
        Whether languages or links of the window's posts are asked for.
    """

    query: PanelQuery
    topics: Callable[[Store], Sequence[Topic | None]]
    against: Window | None
    shift: timedelta
    states: bool

    def settled(
        self, asking: PartitionQuestion, days: Sequence[Day]
    ) -> tuple[ExcerptQuestion, tuple[Topic, ...]]:
        """Return what the excerpt is to hold, and the topics that it knows by its rules.

        Raises
        ------
        UsageError, NoAnswerError
            The window or the topic cannot be, or partitions do not keep what is asked for.
        """
        last = newest(days)
        window = self.query.window_by(lambda: last)
        with noted(asking.meta) as notes:
            _refuse(asking, notes)
            chosen = list(self.topics(notes))
        named = tuple(dict.fromkeys(topic for topic in chosen if topic is not None))
        windows = (window,) if self.against is None else (window, self.against)
        start = min(window.start - self.shift, windows[-1].start)
        end = max(window.end + self.shift, windows[-1].end)
        asked = ExcerptQuestion(
            start=_midnight(start),
            end=_midnight(end + _DAY - timedelta(microseconds=1)),
            windows=windows,
            rules=tuple(asking.rule(topic) for topic in named),
            everything=None in chosen,
            parted_days=tuple(sorted(set(self._parted(windows)))),
            stating=window if self.states else None,
            newest=last,
        )
        return asked, named

    def _parted(self, windows: Sequence[Window]) -> Iterator[date]:
        """Yield the days of which a window, as it is or shifted, has a part."""
        for window in windows:
            for moment in (window.start, window.end):
                if moment.astimezone(UTC).time() == time():
                    continue
                for k in range(-self.shift.days, self.shift.days + 1):
                    yield moment.astimezone(UTC).date() + k * _DAY


def _midnight(moment: datetime) -> datetime:
    """Return when the UTC day of a moment began, without a zone."""
    return datetime.combine(moment.astimezone(UTC).date(), time())


def _refuse(asking: PartitionQuestion, notes: Store) -> None:
    """Refuse partitions of stores that know what these do not."""
    if any(source["kind"] == _COLLECT for source in asking.meta.notes["source"]):
        raise NoAnswerError(
            f"{asking.folder} was exported from a store with a collected topic, and has nothing of "
            "what the network counts of its posts, which a report says; ask the store itself"
        )
    if is_counted(notes):
        raise NoAnswerError(
            f"{asking.folder} has records of tables that count replies, reposts and quotes in "
            "place of records of them, and not these counts; import the tables into a store"
        )


def make_excerpt(asking: PartitionQuestion, asked: ExcerptQuery) -> Excerpt:
    """Gather what a question needs of partitions into a store in the work folder, and open it.

    Parameters
    ----------
    asking
        The partitions, the work folder, and what runs the tasks. The excerpt is in the work folder.
    asked
        What is asked.

    Returns
    -------
    Excerpt
        Open for reading. To questions about these windows and topics it answers what the store of
        the same events does.

    Raises
    ------
    UsageError, NoAnswerError
        As `ExcerptQuery.settled`.
    InputError, StoreError, OutputError
        The partitions cannot be read, or the work folder cannot be written.
    """
    days = asking.fold()
    question, topics = asked.settled(asking, days)
    question = replace(question, matches=_matches(asking, question))
    counted: Sequence[CountedExcerpt] = asking.run(
        tasks.count_all, [(bucket, question) for bucket in asking.buckets]
    )
    gathered: Sequence[GatheredExcerpt] = asking.run(
        tasks.gather_all,
        [
            (
                bucket,
                question,
                _slices([(one.days, one.day_offsets) for one in counted], bucket.bucket),
                _slices([(one.wanted, one.wanted_offsets) for one in counted], bucket.bucket),
            )
            for bucket in asking.buckets
        ],
    )
    memory = asked.query.memory
    path = asking.work.path(f"excerpt-{secrets.token_hex(6)}.duckdb")
    with Writer(path, memory) as writer:
        _load(writer, asking, question, gathered, days, [topic.rule for topic in topics])
    times = {
        window: _added([one.times[k] for one in counted])
        for k, window in enumerate(question.windows)
    }
    return Excerpt.of(path, times, memory)


def _matches(asking: PartitionQuestion, question: ExcerptQuestion) -> tuple[str, ...]:
    """Put the matches of all buckets into one file for each topic."""
    if not question.rules:
        return ()
    found = asking.run(tasks.match_topics, [(bucket, question) for bucket in asking.buckets])
    names = []
    for k, parts in enumerate(zip(*found, strict=True)):
        frames = [pl.DataFrame(asking.work.rows(name)) for name in parts]
        names.append(f"matches/{question.key}/all-{k}.parquet")
        asking.work.write_rows(names[-1], pl.concat(frames).to_arrow())
    return tuple(names)


def _slices(files: Sequence[tuple[str, tuple[int, ...]]], bucket: int) -> tuple[GivenSlice, ...]:
    ends = ((name, offsets[bucket], offsets[bucket + 1]) for name, offsets in files)
    return tuple(GivenSlice(*one) for one in ends if one[2] > one[1])


def _added(parts: Sequence[CountedTimes]) -> CountedTimes:
    others = {kind: sum(one.others.get(kind, 0) for one in parts) for kind in TIMES}
    return CountedTimes(
        {kind: count for kind, count in others.items() if count},
        sum(one.records for one in parts),
    )


# --- what was gathered → a store ------------------------------------------------------------------


def _load(  # noqa: PLR0917 - a step of one function
    writer: Writer,
    asking: PartitionQuestion,
    question: ExcerptQuestion,
    gathered: Sequence[GatheredExcerpt],
    days: Sequence[Day],
    rules: Sequence[Rule],
) -> None:
    given = _Given(writer, asking.work)
    agent_days, gifts, account_events, records = (
        [getattr(one, name) for one in gathered]
        for name in ("days", "gifts", "account_events", "records")
    )
    # Each step is a transaction of its own, of which the memory grows with its rows.
    with writer.ample_memory():
        with writer.transaction():
            load_notes(writer, asking.meta.notes)
        given.column("load_accounts", agent_days, "did", pa.string())
        given.column("load_accounts", account_events, "did", pa.string())
        given.column("load_accounts", records, "did", pa.string())
        given.column("load_keys", records, "rkey_text", pa.string(), "rkey")
        for name in ("subject", "root", "quoted", "via"):
            given.column("load_accounts", records, f"{name}_did", pa.string(), "did")
            given.column("load_keys", records, f"{name}_rkey_text", pa.string(), "rkey")
        given.rows("load_account_events", account_events, tasks.ACCOUNT_EVENT)
        given.rows("load_records", records, tasks.RECORD)
        _load_topics(given, gathered, rules)
        _load_days(given, question, days)
        given.rows("load_agent_days", agent_days, tasks.AGENT_DAY)
        given.rows("load_gifts", gifts, tasks.GIFT)
        said = filter(asking.folder.exists, map(said_file, range(asking.meta.buckets)))
        given.tables("partitions/said", map(asking.folder.rows, said))


def _load_topics(
    given: "_Given", gathered: Sequence[GatheredExcerpt], rules: Sequence[Rule]
) -> None:
    for k, rule in enumerate(rules):
        with given.writer.transaction():
            given.writer.run("store/rollups/new_topic", topic=k + 1, rule=str(rule))
        files = [one.topics[k] for one in gathered]
        given.rows("load_topic_events", files, tasks.TOPIC_EVENT, topic=k + 1)


def _load_days(given: "_Given", question: ExcerptQuestion, days: Sequence[Day]) -> None:
    first, past = question.start.date(), question.end.date()
    inside = [day for day in days if first <= day[0] < past]
    outside = [day for day in days if not first <= day[0] < past]
    for some, step in (
        (inside, "partitions/excerpt/load_days"),
        # Of the others it is known how many events they have.
        (outside, "partitions/notes/load_days"),
    ):
        if some:
            given.tables(step, [days_frame(some).to_arrow()])


class _Given:
    """Gives rows of files in the work folder to statements, some at a time, each in a transaction.

    Parameters
    ----------
    writer
        Of the store.
    work
        The folder.
    """

    def __init__(self, writer: Writer, work: PartitionFolder) -> None:
        self.writer = writer
        self._work = work

    def rows(self, step: str, files: Sequence[str], schema: pa.Schema, **parameters: int) -> None:
        """Run a step of ``sql/partitions/excerpt`` on the rows of files, in a schema."""
        read = (
            batch
            for file in files
            for table in self._work.batches(file, schema)
            for batch in table.to_batches()
        )
        self._run(step, schema, read, **parameters)

    def column(
        self, step: str, files: Sequence[str], name: str, kind: pa.DataType, called: str = ""
    ) -> None:
        """Run a step on one column of files, which it knows by another name perhaps."""
        schema = pa.schema([(called or name, kind)])
        read = (
            pa.record_batch([batch.column(0)], schema=schema)
            for file in files
            for table in self._work.batches(file, pa.schema([(name, kind)]))
            for batch in table.to_batches()
        )
        self._run(step, schema, read)

    def tables(self, step: str, several: Iterable[pa.Table]) -> None:
        """Run a step on each of several tables."""
        with self.writer.transaction():
            for rows in several:
                self._step(step, rows)

    def _run(
        self, step: str, schema: pa.Schema, read: Iterable[pa.RecordBatch], **parameters: int
    ) -> None:
        with self.writer.transaction():
            rows = pa.RecordBatchReader.from_batches(schema, read)
            self._step(f"partitions/excerpt/{step}", rows, **parameters)

    def _step(self, step: str, rows: object, **parameters: int) -> None:
        # Where a statement fails, nothing more can be said to the engine, which is closed then.
        self.writer.register("given", rows)
        self.writer.run(step, **parameters)
        self.writer.unregister("given")
