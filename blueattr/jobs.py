"""One function per command: where input and output meet the arithmetic."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from blueattr import features, panel, topics
from blueattr.attribution import AttributionResult, attribute
from blueattr.errors import EmptyPanelError, InputError, UsageError
from blueattr.features import Scale
from blueattr.indicators import Aggregator
from blueattr.provenance import Provenance, Window
from blueattr.scales import ScaleComparison, compare_scales
from blueattr.sources import Ingested, Source, SourceState, files
from blueattr.store import DEFAULT_MEMORY, Status, Store, Writer

__all__ = [
    "PanelQuery",
    "PanelResult",
    "Progress",
    "Question",
    "Sampling",
    "attribute_panel",
    "check_topics",
    "compare_panel",
    "ingest",
    "load_features",
    "make_features",
    "make_panel",
    "status",
]

# A commit folds what waits into the whole store: seldom enough to be cheap, often enough that a
# killed run has little to do again and a reader gets in between.
_COMMIT_ROWS = 1_000_000
_COMMIT_BYTES = 1 << 30

Progress = Callable[[str, int, int | None], None]
"""Told the source's name, bytes consumed and its size where known."""


# --- ingest --------------------------------------------------------------------------------------


def ingest(
    db: Path,
    arguments: list[str],
    *,
    kind: str = "file",
    memory: int = DEFAULT_MEMORY,
    progress: Progress | None = None,
) -> Ingested:
    """Read files of Jetstream lines (or a PLC directory export) into a store.

    A file that is damaged does not keep the others out: what could be read of it is kept, and the
    failure is in the result.

    Parameters
    ----------
    db
        The store, made if it is not there.
    arguments
        Files, folders, globs, or ``-``; see :func:`blueattr.sources.files.find`.
    kind
        ``"file"``, or ``"plc"`` for a directory export.
    memory
        Bytes the process may use.
    progress
        Called after each chunk.

    Raises
    ------
    InputError
        A named source is not there.
    StoreError
        The store cannot be written.
    """
    sources = files.find(arguments, kind)
    states, unchanged, failures = [], [], []
    with Writer(db, memory) as writer:
        before = writer.count_events()
        for source in sources:
            known = writer.source(source.name)
            if (
                known is not None
                and source.fingerprint
                and (source.kind, source.fingerprint) == (known.kind, known.fingerprint)
            ):
                if known.complete:
                    unchanged.append(source.name)
                    states.append(known)
                    continue
                state = known
            else:
                state = SourceState(source.name, source.kind, source.fingerprint)
            state, failure = _read(writer, source, state, progress)
            states.append(state)
            if failure:
                failures.append(failure)
        after = writer.count_events()
    return Ingested(tuple(states), tuple(unchanged), tuple(failures), before, after)


def _read(
    writer: Writer, source: Source, state: SourceState, progress: Progress | None
) -> tuple[SourceState, str]:
    committed = state
    failure = ""
    try:
        for chunk in source.chunks(state.position):
            state = writer.stage(chunk.data, state)
            if progress:
                progress(source.name, chunk.read, source.size)
            if (
                state.kept - committed.kept >= _COMMIT_ROWS
                or state.position - committed.position >= _COMMIT_BYTES
            ):
                writer.commit(state)
                committed = state
        state = replace(state, complete=True)
    except InputError as error:
        failure = str(error)
    if not failure and state.lines and state.lines == sum(state.rejected.values()):
        failure = (
            f"{source.name} holds none of what was expected: all of its {state.lines:,} lines were "
            f"rejected, most as {max(state.rejected, key=lambda r: state.rejected[r])!r}"
        )
    writer.commit(state)
    return state, failure


# --- what is in a store --------------------------------------------------------------------------


def status(db: Path, memory: int = DEFAULT_MEMORY) -> Status:
    """Look at a store: coverage, events by day and kind, accounts, sources, rejected lines."""
    with Store.open(db, memory) as store:
        spans = panel.covered(store)
        gaps = panel.gaps(store, Window(spans[0].start, spans[-1].end)) if spans else ()
        return Status(
            path=db,
            size=db.stat().st_size,
            totals=store.frame("read/totals").to_dicts()[0],
            days=store.frame("read/events_by_day"),
            sources=store.frame("read/sources"),
            rejected=store.frame("read/rejected_reasons"),
            coverage=spans,
            gaps=gaps,
        )


# --- who counts, and what they did ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PanelQuery:
    """Which agents of a store, over what time, about what.

    Parameters
    ----------
    db
        The store.
    topic, match, topics_file
        As for :func:`blueattr.topics.choose`.
    start, end
        UTC, half-open. Where one is missing it follows from the other and `length`; where both
        are, the window ends at the last event seen.
    length
        Of the window.
    scale
        Of the features.
    bots_file
        A user's file of handle rules.
    rate
        The rate rule for bots; none by default.
    keep_bots
        Apply no bot filter.
    memory
        Bytes the process may use.
    """

    db: Path
    topic: str | None = topics.ALL
    match: tuple[str, ...] = ()
    topics_file: Path | None = None
    start: datetime | None = None
    end: datetime | None = None
    length: timedelta = field(default=timedelta(days=14))
    scale: Scale = "log1p"
    bots_file: Path | None = None
    rate: panel.RateRule | None = None
    keep_bots: bool = False
    memory: int = DEFAULT_MEMORY

    def window(self, store: Store) -> Window:
        """Settle the window.

        Raises
        ------
        UsageError
            It ends before it starts.
        EmptyPanelError
            The store has no events to end it at.
        """
        end = self.end
        if end is None and self.start is not None:
            end = self.start + self.length
        if end is None:
            last = store.frame("read/span")["last_event"][0]
            if last is None:
                raise EmptyPanelError(f"{self.db} holds no events; see: blueattr status")
            end = last.replace(tzinfo=UTC) + timedelta(microseconds=1)
        start = self.start if self.start is not None else end - self.length
        if start >= end:
            raise UsageError(f"the window ends ({end}) before it starts ({start})")
        return Window(start, end)

    def agents(self, store: Store, window: Window) -> panel.Panel:
        """Build the panel."""
        rules = panel.bot_rules(self.bots_file)
        return panel.build(store, window, rules=rules, rate=self.rate, keep_bots=self.keep_bots)


@dataclass(frozen=True, slots=True)
class PanelResult:
    """The panel of a window, without a topic."""

    agents: pl.DataFrame
    provenance: Provenance


def make_panel(query: PanelQuery) -> PanelResult:
    """Filter the active accounts down to agents, and say what each filter did."""
    with Store.open(query.db, query.memory) as store:
        window = query.window(store)
        built = query.agents(store, window)
        origin = Provenance(
            source=str(query.db),
            window=window,
            gaps=panel.gaps(store, window),
            panel=built.steps,
        )
        return PanelResult(built.agents, origin)


_STAND_IN = (
    "Followers, which set the tiers, are follows received in the window: a stand-in for follower "
    "counts."
)


def make_features(query: PanelQuery) -> tuple[pl.DataFrame, Provenance]:
    """Describe each agent by its features: one row per agent, of `features.SCHEMA`."""
    with Store.open(query.db, query.memory) as store:
        topic = topics.choose(store, query.topic, list(query.match), query.topics_file)
        window = query.window(store)
        built = query.agents(store, window)
        bounds = {"start": window.start, "end": window.end}
        _count(store, topic, window)
        days = store.frame("read/agent_days", **bounds)
        frame = features.build(days, built.agents, query.scale)
        return frame, Provenance(
            source=str(query.db),
            feature_scale=query.scale,
            popularity="follows received in the window",
            topic=topic.info if topic else None,
            window=window,
            gaps=panel.gaps(store, window),
            panel=built.steps,
            notes=(_STAND_IN,),
        )


def _count(store: Store, topic: topics.Topic | None, window: Window) -> None:
    """Leave the events that count in the temp table `counted`."""
    bounds = {"start": window.start, "end": window.end}
    store.run("read/inactive", end=window.end)
    if topic is None:
        store.run("read/counted_all", **bounds)
        return
    store.run(
        "read/matched",
        pattern=topic.pattern,
        hint=topic.hint,
        hashtags=topic.tags,
        tag_pattern=topic.tag_pattern,
        **bounds,
    )
    store.run("read/counted_topic", **bounds)


def check_topics(query: PanelQuery, names: Sequence[str]) -> list[topics.TopicDays]:
    """Count participants and events by day for each topic; for all of them by default."""
    wanted: Iterable[str | None] = names or topics.load(query.topics_file)
    if query.match:
        wanted = [None]
    with Store.open(query.db, query.memory) as store:
        window = query.window(store)
        calendar = pl.DataFrame({"day": _days(window)}, schema={"day": pl.Date})
        found = []
        for name in wanted:
            topic = topics.choose(store, name, list(query.match), query.topics_file)
            if topic is None:
                raise UsageError("name topics to check; 'all' stands for a run without one")
            _count(store, topic, window)
            days = calendar.join(
                store.frame("read/topic_days"), on="day", how="left", maintain_order="left"
            ).fill_null(0)
            over = int((days["participants"] >= topics.CRITERION_PARTICIPANTS).sum())
            found.append(topics.TopicDays(topic, window, days, over))
    return found


def _days(window: Window) -> list[date]:
    last = (window.end - timedelta(microseconds=1)).date()
    first = window.start.date()
    return [first + timedelta(days=k) for k in range((last - first).days + 1)]


# --- attribution ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question:
    """What to attribute and how, whatever the panel.

    Parameters
    ----------
    indicators
        Names.
    method, steps, aggregator, cutoffs
        As for :func:`blueattr.attribution.attribute`.
    """

    indicators: tuple[str, ...] = ("heat",)
    method: str = "closed form"
    steps: int | None = None
    aggregator: Aggregator = field(default_factory=Aggregator)
    cutoffs: tuple[float, ...] = (1.0, 10.0)


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which samples to compare with; as for :func:`blueattr.scales.compare_scales`."""

    protocols: tuple[str, ...] = ("visibility",)
    sizes: tuple[int, ...] = (100, 1000)
    seeds: int = 10
    seed: int = 0


def load_features(path: Path) -> tuple[pl.DataFrame, Provenance]:
    """Read a panel of one's own from Parquet or CSV; used as it is, no scaling.

    Raises
    ------
    InputError
        It cannot be read, or is neither.
    """
    try:
        # Opened here, so that the path is a name and not a pattern or an address.
        with path.open("rb") as file:
            match path.suffix.lower():
                case ".parquet":
                    frame = pl.read_parquet(file)
                case ".csv":
                    # All rows tell a column's type: the first hundred may be whole by chance.
                    text = {"did": pl.String, "agent": pl.String}
                    frame = pl.read_csv(file, schema_overrides=text, infer_schema_length=None)
                case _:
                    raise InputError(f"the features in {path} must be a .parquet or .csv file")
    except OSError as error:
        raise InputError(f"cannot read the features in {path}: {error.strerror or error}") from None
    except pl.exceptions.PolarsError as error:
        raise InputError(f"cannot read the features in {path}: {error}") from None
    return frame, Provenance(source=str(path), notes=("Features are used as given, unscaled.",))


def attribute_panel(
    frame: pl.DataFrame, origin: Provenance, question: Question
) -> list[AttributionResult]:
    """Split each indicator among all agents."""
    return [
        attribute(
            frame,
            indicator,
            method=question.method,
            steps=question.steps,
            aggregator=question.aggregator,
            cutoffs=question.cutoffs,
            provenance=origin,
        )
        for indicator in question.indicators
    ]


def compare_panel(
    frame: pl.DataFrame, origin: Provenance, question: Question, sampling: Sampling
) -> ScaleComparison:
    """Ask the same question at full scale and of samples."""
    return compare_scales(
        frame,
        question.indicators,
        protocols=sampling.protocols,
        sizes=sampling.sizes,
        seeds=sampling.seeds,
        seed=sampling.seed,
        method=question.method,
        steps=question.steps,
        aggregator=question.aggregator,
        cutoffs=question.cutoffs,
        provenance=origin,
    )
