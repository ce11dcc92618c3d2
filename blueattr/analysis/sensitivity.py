"""Sensitivity: the same question with other panels, scales, windows and arithmetic."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from blueattr.analysis.features import load_features
from blueattr.attribution.inputs import check_features
from blueattr.attribution.question import Question, Sampling
from blueattr.errors import NoAnswerError
from blueattr.panel.query import PanelQuery, StoreView
from blueattr.panel.topics import Topic
from blueattr.provenance import Gap, Provenance
from blueattr.store.database import Store
from blueattr.studies.sensitivity import PanelVariant, Sensitivity, sensitivity

if TYPE_CHECKING:
    from blueattr.panel.features import Scale
    from blueattr.panel.filters import MissingFollowers

__all__ = ["sensitivity_of_file", "sensitivity_of_store"]


_SHIFTS = (-3, -2, -1, 1, 2, 3)
_DAY = timedelta(days=1)


def sensitivity_of_file(path: Path, question: Question, sampling: Sampling) -> Sensitivity:
    """Vary the scale and popularity of a user's own panel, and the arithmetic.

    Parameters
    ----------
    path
        See `blueattr.analysis.features.load_features`.
    question, sampling
        What to attribute, and the samples that flip: one protocol and one size.
    """
    frame, origin = load_features(path)
    return _sensitivity(frame, origin, question, sampling, _file_variants(frame))


def sensitivity_of_store(query: PanelQuery, question: Question, sampling: Sampling) -> Sensitivity:
    """Vary the scale, bots, popularity and window of a store's panel, and the arithmetic.

    Parameters
    ----------
    query
        The panel and the topic.
    question, sampling
        What to attribute, and the samples that flip: one protocol and one size.
    """
    with Store.open(query.db, query.memory) as store:
        view = StoreView.of(store, query)
        topic = view.topic()
        counts = view.totals(topic)
        variants = _store_variants(view, topic, counts)
        return _sensitivity(view.features(counts), view.origin(topic), question, sampling, variants)


def _sensitivity(
    frame: pl.DataFrame,
    origin: Provenance,
    question: Question,
    sampling: Sampling,
    variants: Iterator[PanelVariant],
) -> Sensitivity:
    return sensitivity(
        frame,
        question.indicators,
        variants=variants,
        protocol=sampling.protocols[0],
        size=sampling.sizes[0],
        seeds=sampling.seeds,
        seed=sampling.seed,
        **question.how,
        provenance=origin,
    )


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


def _store_variants(
    view: StoreView, topic: Topic | None, counts: pl.DataFrame
) -> Iterator[PanelVariant]:
    query = view.query
    scale: Scale = "raw" if query.scale == "log1p" else "log1p"
    yield PanelVariant("scale", scale, view.features(counts, scale))
    yield _other_bots(view, counts)
    yield from _other_popularity(view, counts)
    for shift in _SHIFTS:
        yield _shifted(view, topic, shift)


def _other_popularity(view: StoreView, counts: pl.DataFrame) -> Iterator[PanelVariant]:
    """Exchange follower counts and follows received."""
    same_window = replace(view.query, start=view.window.start, end=view.window.end)
    if view.query.popularity == "followers":
        other = StoreView.of(view.store, replace(same_window, popularity="follows-received"))
        yield PanelVariant("popularity", "follows received", other.features(counts))
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
        yield PanelVariant("popularity", setting, StoreView.of(view.store, query).features(counts))


def _other_bots(view: StoreView, counts: pl.DataFrame) -> PanelVariant:
    setting = "removed" if view.query.keep_bots else "kept"
    # What accounts did does not depend on who counts as an agent.
    same_window = replace(view.query, start=view.window.start, end=view.window.end)
    try:
        other = StoreView.of(view.store, replace(same_window, keep_bots=not view.query.keep_bots))
        return PanelVariant("bots", setting, other.features(counts))
    except NoAnswerError as error:
        return PanelVariant("bots", setting, None, str(error))


def _shifted(view: StoreView, topic: Topic | None, shift: int) -> PanelVariant:
    setting = f"shifted by {shift:+d} day" + ("s" if abs(shift) > 1 else "")
    moved = replace(
        view.query, start=view.window.start + shift * _DAY, end=view.window.end + shift * _DAY
    )
    try:
        other = StoreView.of(view.store, moved)
        if _gap_length(other.gaps) > _gap_length(view.gaps):
            why = "no source covers all of that window"
            return PanelVariant("window", setting, None, why)
        return PanelVariant("window", setting, other.features(other.totals(topic)))
    except NoAnswerError as error:
        return PanelVariant("window", setting, None, str(error))


def _gap_length(gaps: tuple[Gap, ...]) -> timedelta:
    return sum((gap.end - gap.start for gap in gaps), timedelta())
