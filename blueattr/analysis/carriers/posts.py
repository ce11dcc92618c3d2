"""Posts: what carried an indicator and when, by records, hours and days of a store."""

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import numpy as np
import polars as pl

from blueattr.analysis.carriers.everything import SCALE, AllSums, is_large, sum_everything
from blueattr.analysis.carriers.records import SPARE, count_records, described, listed
from blueattr.analysis.features import refuse_no_match
from blueattr.attribution.attribute import AttributionResult, attribute
from blueattr.attribution.by_feature import feature_split, feature_values
from blueattr.attribution.inputs import Panel
from blueattr.attribution.question import Question
from blueattr.errors import NoAnswerError, UsageError
from blueattr.kernels import exact_sum
from blueattr.panel.query import PanelQuery, StoreView
from blueattr.panel.topics import Topic
from blueattr.provenance import Window
from blueattr.store.database import Store
from blueattr.studies.carriers.posts import DayPart, HourPart, Post, PostsResult, Rest
from blueattr.studies.carriers.records import (
    RecordValue,
    received_count,
    units,
    written_count,
)
from blueattr.studies.shape import Cascades, cascades, peak

__all__ = ["check_posts", "posts_of", "posts_store"]


_HOUR = timedelta(hours=1)
_MOST = 100_000


def check_posts(top: int) -> int:
    """Check how many posts to show.

    Raises
    ------
    UsageError
        For fewer than none or more than 100,000.
    """
    if not 0 <= top <= _MOST:
        raise UsageError(f"--top shows 0 to {_MOST:,} posts, not {top}")
    return top


def posts_store(query: PanelQuery, question: Question, *, top: int) -> PostsResult:
    """Split an indicator among the records of a store's panel, and among hours and days.

    Parameters
    ----------
    query
        The window, the panel and the topic.
    question
        What to attribute: one indicator.
    top
        How many records to show, those with the largest values.

    Raises
    ------
    UsageError
        More than one indicator.
    NoAnswerError
        As for `blueattr.attribution.attribute.attribute`; no post matched; or the indicator or the
        aggregator has no split by feature, which this one goes on from.

    Notes
    -----
    docs/methods.md, "By record" and "The shape of a topic".
    """
    question.check_one("posts splits")
    with Store.open(query.db, query.memory) as store:
        view = StoreView.of(store, query)
        topic = view.topic()
        counts = view.totals(topic)
        refuse_no_match(view, topic, counts)
        frame = view.features(counts)
        return posts_of(view, topic, frame, question, top=top)


def posts_of(
    view: StoreView,
    topic: Topic | None,
    frame: pl.DataFrame,
    question: Question,
    *,
    top: int,
    panel: Panel | None = None,
) -> PostsResult:
    """Do the same of a panel that is there.

    Parameters
    ----------
    view, topic
        The window, the panel and the topic; None for all events.
    frame
        The panel's features: of `blueattr.panel.features.SCHEMA`.
    question, top
        As for `posts_store`.
    panel
        The same features checked, where somebody has checked them.
    """
    view.refuse_counts()
    checked = panel or Panel.of(frame)
    origin = view.origin(topic)
    question = question.settled(origin.is_searched)
    result = attribute(checked, question.indicators[0], **question.how, provenance=origin)
    store, split = view.store, feature_split(result)
    if split.kind is None:
        raise NoAnswerError(f"{result.indicator} cannot be split among records: {split.why}")
    view.count(topic)
    total, begins = result.attributed, _hour_of(view.window.start)
    worth = _worth(view, frame, result)
    every = None
    if topic is None and is_large(frame):
        every = sum_everything(view, worth, total, begins)
    else:
        _name_records(view, topic, worth)
    known = _shown(view, result, every, top)
    hours = _hours(view, result, every)
    trees, largest = (None, None) if topic is None else _cascades(view, result)
    posts = _posts(view, known)
    if every is None:
        records, worth_of_all = store.rows("analysis/carriers/posts/sums", total=total)[0]
    else:
        records, worth_of_all = every.records, every.worth
    rest = _value(worth_of_all, total) - math.fsum(known["value"])
    left = records - len(posts)
    return PostsResult(
        indicator=result.indicator,
        total=total,
        split=split.kind,
        posts=posts,
        rest=Rest(left, rest if left else 0.0, rest / total if left else 0.0),
        popularity=float(exact_sum(feature_values(result, result.agents)["value_b"].to_numpy())),
        hours=hours,
        days=_days(hours),
        peak=peak(_every_hour(hours, view.window)),
        begins=begins,
        cascades=trees,
        largest=largest,
        n_agents=result.n_agents,
        n_involved=result.n_involved,
        panel=result.panel,
        aggregator=result.aggregator,
        provenance=result.provenance,
    )


def _worth(view: StoreView, frame: pl.DataFrame, result: AttributionResult) -> pl.DataFrame:
    """Return the agents that have a record, and what one record and one answer is worth to each."""
    placed = frame.hstack([view.built.agents["account"]])
    if {"replies", "reposts"} <= set(view.influence.kinds):
        # All others carry nothing, and their posts are the root of nothing. They are most agents.
        placed = placed.filter(written_count() + received_count() > 0)
    return units(result, placed, keep=("account", "written", "received"))


def _name_records(view: StoreView, topic: Topic | None, worth: pl.DataFrame) -> None:
    """Make ``named``, ``counted_record`` and ``record_value`` of some agents."""
    store = view.store
    store.register("worth", worth.to_arrow())
    store.run("analysis/carriers/posts/worth")
    store.unregister("worth")
    count_records(view, topic)
    store.run("analysis/carriers/posts/values", influence=list(view.influence.kinds))


def _shown(
    view: StoreView, result: AttributionResult, every: AllSums | None, top: int
) -> pl.DataFrame:
    """Return the records with the largest values that may be shown."""
    looked_up = top
    while True:
        looked_up *= SPARE
        if every is not None:
            _name_records(view, None, every.first(looked_up))
        found = view.store.frame("analysis/carriers/posts/top", most=looked_up)
        known = listed(described(view, found, result))
        if len(known) >= top or len(found) < looked_up:
            return known.head(top)


def _value(scaled: int, total: float) -> float:
    """Return the value that ``sql/analysis/carriers/posts/sums.sql`` has as a whole number."""
    return float(Fraction(int(scaled), SCALE) * Fraction(total))


def _hour_of(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _hours(
    view: StoreView, result: AttributionResult, every: AllSums | None
) -> tuple[HourPart, ...]:
    total = result.attributed
    rows: Sequence[tuple[datetime, int, int]]
    if every is None:
        rows = view.store.rows(
            "analysis/carriers/posts/hours", total=total, influence=list(view.influence.kinds)
        )
    else:
        rows = every.hours
    return tuple(
        HourPart(hour.replace(tzinfo=UTC), events, value := _value(scaled, total), value / total)
        for hour, events, scaled in rows
    )


def _days(hours: Sequence[HourPart]) -> tuple[DayPart, ...]:
    by_day: dict[date, list[HourPart]] = {}
    for one in hours:
        by_day.setdefault(one.hour.date(), []).append(one)
    return tuple(
        DayPart(
            day,
            sum(one.events for one in parts),
            math.fsum(one.value for one in parts),
            math.fsum(one.share for one in parts),
        )
        for day, parts in by_day.items()
    )


def _every_hour(hours: Sequence[HourPart], window: Window) -> list[int]:
    """Return the events of every hour of a window, also of those without any."""
    begins = _hour_of(window.start)
    events = [0] * math.ceil((window.end.astimezone(UTC) - begins) / _HOUR)
    for one in hours:
        events[(one.hour - begins) // _HOUR] = one.events
    return events


def _posts(view: StoreView, known: pl.DataFrame) -> tuple[Post, ...]:
    handles = view.handles(known["did"].unique().to_list())
    return tuple(Post(did, handles.get(did), record) for did, record in RecordValue.each(known))


def _cascades(view: StoreView, result: AttributionResult) -> tuple[Cascades | None, Post | None]:
    view.store.run("analysis/carriers/posts/trees")
    view.store.run("analysis/carriers/posts/reposted")
    edges = view.store.frame("analysis/carriers/posts/edges")
    child, parent = (edges[name].to_numpy().astype(np.int64) for name in ("child", "parent"))
    found = cascades(child, parent)
    if found is None:
        return None, None
    root = view.store.frame("analysis/carriers/posts/root", number=found.largest.root)
    named = _posts(view, listed(described(view, root, result)))
    return found, named[0] if named else None
