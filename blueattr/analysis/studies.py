"""Jobs that ask more than once: a grid of topics, shares by day, sensitivity, the bootstrap."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from blueattr.analysis.attribute import attribute_panel
from blueattr.analysis.features import load_features
from blueattr.attribution.days import DayFeatures, DayShares, attribute_days
from blueattr.attribution.inputs import check_features
from blueattr.attribution.question import Question, Sampling
from blueattr.errors import NoAnswerError, UsageError
from blueattr.indicators.find import find_indicator
from blueattr.panel import topics
from blueattr.panel.query import PanelQuery, StoreView
from blueattr.provenance import Gap, Provenance, Window
from blueattr.store.database import Store
from blueattr.studies import bootstrap, grid, sensitivity
from blueattr.studies.sensitivity import PanelVariant, Sensitivity

if TYPE_CHECKING:
    from blueattr.indicators.base import Indicator
    from blueattr.panel.features import Scale
    from blueattr.panel.filters import MissingFollowers

__all__ = [
    "EVERY_TOPIC",
    "bootstrap_panel",
    "compare_topics",
    "day_features",
    "sensitivity_of_file",
    "sensitivity_of_store",
    "shares_by_day",
]


EVERY_TOPIC = "all-topics"
"""The name that stands for each topic that ships or is in the user's file."""


_SHIFTS = (-3, -2, -1, 1, 2, 3)
_DAY = timedelta(days=1)


def compare_topics(
    query: PanelQuery, names: tuple[str, ...], question: Question, sampling: Sampling
) -> grid.ScaleGrid:
    """Compare scales on several topics of one store: window and panel are settled once.

    Parameters
    ----------
    query
        Its topic is not used.
    names
        Of topics, or `EVERY_TOPIC`.

    Raises
    ------
    UnknownTopicError
        For a topic that is not there.
    """
    if names == (EVERY_TOPIC,):
        names = tuple(topics.load(query.topics_file))
    if len(set(names)) < len(names):
        raise UsageError(f"each topic is named once, not {', '.join(names)}")
    with Store.open(query.db, query.memory) as store:
        chosen = [topics.choose(store, name, None, query.topics_file) for name in names]
        view = StoreView.of(store, query)

        def panels() -> Iterator[tuple[object, Provenance]]:
            for topic in chosen:
                yield view.features(view.totals(topic)), view.origin(topic)

        return grid.scale_grid(
            panels(),
            question.indicators,
            **sampling.draws,
            **question.how,
        )


def shares_by_day(query: PanelQuery, question: Question) -> tuple[DayShares, ...]:
    """Attribute a window, and each of its UTC days by itself with the window's panel and tiers."""
    with Store.open(query.db, query.memory) as store:
        view = StoreView.of(store, query)
        topic = view.topic()
        agent_days = view.agent_days(topic)
        wholes = attribute_panel(view.features(agent_days), view.origin(topic), question)
        indicators: list[Indicator] = [find_indicator(i) for i in question.indicators]
        pairs = list(zip(indicators, wholes, strict=True))
        return attribute_days(pairs, day_features(view, agent_days))


def day_features(view: StoreView, agent_days: pl.DataFrame) -> Iterator[DayFeatures]:
    """Describe the agents of a view by what they did on each UTC day of its window."""
    for window in _days(view.window):
        day = window.start.date()
        each = agent_days.filter(pl.col("day") == day).drop("day")
        yield DayFeatures(day, window, view.features(each))


def _days(window: Window) -> Iterator[Window]:
    start = window.start
    while start < window.end:
        midnight = datetime.combine(start.date() + _DAY, time(), UTC)
        yield Window(start, min(midnight, window.end))
        start = midnight


def bootstrap_panel(
    frame: pl.DataFrame, origin: Provenance, question: Question, resamples: int, seed: int
) -> bootstrap.Bootstrap:
    """Give confidence intervals of tier shares."""
    return bootstrap.bootstrap(
        frame,
        question.indicators,
        resamples=resamples,
        seed=seed,
        **question.how,
        provenance=origin,
    )


# --- sensitivity ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Sensitivity:
    """The options of a sensitivity analysis."""

    question: Question
    sampling: Sampling

    def run(
        self, frame: pl.DataFrame, origin: Provenance, variants: Iterator[PanelVariant]
    ) -> Sensitivity:
        return sensitivity.sensitivity(
            frame,
            self.question.indicators,
            variants=variants,
            protocol=self.sampling.protocols[0],
            size=self.sampling.sizes[0],
            seeds=self.sampling.seeds,
            seed=self.sampling.seed,
            **self.question.how,
            provenance=origin,
        )


def sensitivity_of_file(path: Path, question: Question, sampling: Sampling) -> Sensitivity:
    """Vary what can be varied on a panel of one's own: scale and popularity, and the arithmetic."""
    frame, origin = load_features(path)
    return _Sensitivity(question, sampling).run(frame, origin, _file_variants(frame))


def _file_variants(frame: pl.DataFrame) -> Iterator[PanelVariant]:
    checked = check_features(frame)
    yield PanelVariant("scale", "log(1 + x) of the features", checked.with_columns(
        pl.col("a", "b", "c").log1p()
    ))  # fmt: skip
    if "followers" not in checked.columns:
        why = "the features have no column followers"
        yield PanelVariant("popularity", "followers", None, why)
        return
    followers = pl.col("followers")
    yield PanelVariant("popularity", "followers", checked.with_columns(b=followers))
    yield PanelVariant(
        "popularity", "log(1 + followers)", checked.with_columns(b=followers.log1p())
    )


def sensitivity_of_store(query: PanelQuery, question: Question, sampling: Sampling) -> Sensitivity:
    """Vary what can be varied on a store: scale, bots, window, and the arithmetic."""
    with Store.open(query.db, query.memory) as store:
        view = StoreView.of(store, query)
        topic = view.topic()
        counts = view.totals(topic)
        return _Sensitivity(question, sampling).run(
            view.features(counts), view.origin(topic), _store_variants(view, topic, counts)
        )


def _store_variants(
    view: StoreView, topic: topics.Topic | None, days: pl.DataFrame
) -> Iterator[PanelVariant]:
    query = view.query
    scale: Scale = "raw" if query.scale == "log1p" else "log1p"
    yield PanelVariant("scale", scale, view.features(days, scale))
    yield _other_bots(view, days)
    yield from _other_popularity(view, days)
    for shift in _SHIFTS:
        yield _shifted(view, topic, shift)


def _other_popularity(view: StoreView, days: pl.DataFrame) -> Iterator[PanelVariant]:
    """Take follower counts in place of follows received, or the other way round."""
    same_window = replace(view.query, start=view.window.start, end=view.window.end)
    if view.query.popularity == "followers":
        other = StoreView.of(view.store, replace(same_window, popularity="follows-received"))
        yield PanelVariant("popularity", "follows received", other.features(days))
        return
    unknown = view.built.agents["followers"].null_count()
    if unknown == len(view.built.agents):
        why = "the store has follows received, no follower counts of these agents"
        yield PanelVariant("popularity", "followers", None, why)
        return
    ways: tuple[tuple[str, MissingFollowers], ...] = (("followers", "error"),)
    if unknown:
        ways = (
            ("followers, agents without left out", "drop"),
            ("followers, else follows received", "received"),
        )
    for setting, missing in ways:
        query = replace(same_window, popularity="followers", missing_followers=missing)
        yield PanelVariant("popularity", setting, StoreView.of(view.store, query).features(days))


def _other_bots(view: StoreView, days: pl.DataFrame) -> PanelVariant:
    setting = "removed" if view.query.keep_bots else "kept"
    # What accounts did is the same, whoever counts as an agent.
    same_window = replace(view.query, start=view.window.start, end=view.window.end)
    try:
        other = StoreView.of(view.store, replace(same_window, keep_bots=not view.query.keep_bots))
        return PanelVariant("bots", setting, other.features(days))
    except NoAnswerError as error:
        return PanelVariant("bots", setting, None, str(error))


def _shifted(view: StoreView, topic: topics.Topic | None, shift: int) -> PanelVariant:
    setting = f"shifted by {shift:+d} day" + ("s" if abs(shift) > 1 else "")
    moved = replace(
        view.query, start=view.window.start + shift * _DAY, end=view.window.end + shift * _DAY
    )
    try:
        other = StoreView.of(view.store, moved)
        if _unseen(other.gaps) > _unseen(view.gaps):
            why = "no source covers all of that window"
            return PanelVariant("window", setting, None, why)
        return PanelVariant("window", setting, other.features(other.totals(topic)))
    except NoAnswerError as error:
        return PanelVariant("window", setting, None, str(error))


def _unseen(gaps: tuple[Gap, ...]) -> timedelta:
    return sum((gap.end - gap.start for gap in gaps), timedelta())
