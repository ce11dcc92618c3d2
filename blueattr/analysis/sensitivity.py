"""Sensitivity: the same question with other panels, scales, windows and arithmetic."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import polars as pl

from blueattr.analysis.features import load_features, refuse_no_match
from blueattr.attribution.inputs import check_features
from blueattr.attribution.question import Question, Sampling
from blueattr.errors import NoAnswerError, UsageError
from blueattr.panel.influence import KINDS, Kind
from blueattr.panel.query import PanelQuery, StoreView
from blueattr.panel.topics import Topic
from blueattr.provenance import Gap, Provenance, Window
from blueattr.store.database import Store
from blueattr.studies.sensitivity import PanelVariant, Sensitivity, sensitivity

if TYPE_CHECKING:
    from blueattr.panel.features import Scale
    from blueattr.panel.filters import MissingFollowers

__all__ = [
    "LONGEST_SHIFT",
    "file_variants",
    "sensitivity_of_file",
    "sensitivity_of_store",
    "store_variants",
]


_SHIFTS = (-3, -2, -1, 1, 2, 3)
_DAY = timedelta(days=1)

LONGEST_SHIFT: Final = max(_SHIFTS) * _DAY
"""By how much a window is shifted at most, forwards and backwards."""


def sensitivity_of_file(
    source: object,
    question: Question,
    sampling: Sampling,
    columns: Mapping[str, str] | None = None,
) -> Sensitivity:
    """Vary the scale and popularity of a user's own panel, and the arithmetic.

    Parameters
    ----------
    source, columns
        See `blueattr.analysis.features.load_features`.
    question, sampling
        What to attribute, and the samples that flip: one protocol and one size.
    """
    _check_one_kind(sampling)
    frame, origin = load_features(source, columns)
    return _sensitivity(frame, origin, question, sampling, file_variants(frame))


def sensitivity_of_store(query: PanelQuery, question: Question, sampling: Sampling) -> Sensitivity:
    """Vary scale, bots, popularity, influence and window of a store's panel, and the arithmetic.

    Parameters
    ----------
    query
        The panel and the topic.
    question, sampling
        What to attribute, and the samples that flip: one protocol and one size.
    """
    _check_one_kind(sampling)
    with Store.open(query.db, query.memory) as store:
        view = StoreView.of(store, query)
        topic = view.topic()
        counts = view.totals(topic)
        refuse_no_match(view, topic, counts)
        variants = store_variants(view, topic, counts)
        return _sensitivity(view.features(counts), view.origin(topic), question, sampling, variants)


def _check_one_kind(sampling: Sampling) -> None:
    if len(sampling.protocols) > 1 or len(sampling.sizes or ()) > 1:
        raise UsageError("sensitivity draws samples of one --protocol and one --size; name it")


def _sensitivity(
    frame: pl.DataFrame,
    origin: Provenance,
    question: Question,
    sampling: Sampling,
    variants: Iterator[PanelVariant],
) -> Sensitivity:
    question = question.settled(origin.is_searched)
    return sensitivity(
        frame,
        question.indicators,
        variants=variants,
        protocol=sampling.protocols[0],
        size=sampling.sizes[0] if sampling.sizes else None,
        seeds=sampling.seeds,
        seed=sampling.seed,
        **question.how,
        provenance=origin,
    )


def file_variants(frame: pl.DataFrame) -> Iterator[PanelVariant]:
    """Yield a user's own panel on another scale, and with another popularity."""
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


def store_variants(
    view: StoreView, topic: Topic | None, counts: pl.DataFrame
) -> Iterator[PanelVariant]:
    """Yield a store's panel on another scale, with other bots, popularity, influence and windows.

    Parameters
    ----------
    view, topic
        The panel under the default choices.
    counts
        Of `blueattr.panel.query.StoreView.agent_days` or ``totals``, of this topic.
    """
    query = view.query
    scale: Scale = "raw" if query.scale == "log1p" else "log1p"
    yield PanelVariant("scale", scale, view.features(counts, scale))
    yield _other_bots(view, counts)
    yield from _other_popularity(view, counts)
    yield _other_influence(view, topic)
    for shift in _SHIFTS:
        yield _shifted(view, topic, shift)


def _other_popularity(view: StoreView, counts: pl.DataFrame) -> Iterator[PanelVariant]:
    """Exchange follower counts and follows received."""
    same_window = replace(view.query, start=view.window.start, end=view.window.end)
    if view.query.popularity == "followers":
        other = _with(view, replace(same_window, popularity="follows-received"))
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
        yield PanelVariant("popularity", setting, _with(view, query).features(counts))


def _other_influence(view: StoreView, topic: Topic | None) -> PanelVariant:
    """Count quotes beside replies and reposts, or leave them out where they count."""
    kinds: tuple[Kind, ...] = ("replies", "reposts") if view.influence.quotes else KINDS
    setting = ", ".join(kinds)
    # Who counts as an agent does not depend on what c counts.
    other = replace(view, query=replace(view.query, influence=kinds))
    try:
        return PanelVariant("influence", setting, other.features(other.totals(topic)))
    except NoAnswerError as error:
        return PanelVariant("influence", setting, None, _reason(error))


def _other_bots(view: StoreView, counts: pl.DataFrame) -> PanelVariant:
    setting = "removed" if view.query.keep_bots else "kept"
    # What accounts did does not depend on who counts as an agent.
    same_window = replace(view.query, start=view.window.start, end=view.window.end)
    try:
        other = _with(view, replace(same_window, keep_bots=not view.query.keep_bots))
        return PanelVariant("bots", setting, other.features(counts))
    except NoAnswerError as error:
        return PanelVariant("bots", setting, None, _reason(error))


def _shifted(view: StoreView, topic: Topic | None, shift: int) -> PanelVariant:
    setting = f"shifted by {shift:+d} day" + ("s" if abs(shift) > 1 else "")
    window = Window(view.window.start + shift * _DAY, view.window.end + shift * _DAY)
    # What was seen is known without a panel, which takes longer to build. What c counts stays.
    if _gap_length(replace(view, window=window).gaps) > _gap_length(view.gaps):
        return PanelVariant("window", setting, None, "no source covers all of that window")
    try:
        query = replace(
            view.query, start=window.start, end=window.end, influence=view.influence.kinds
        )
        other = _with(view, query)
        return PanelVariant("window", setting, other.features(other.totals(topic)))
    except NoAnswerError as error:
        return PanelVariant("window", setting, None, _reason(error))


def _with(view: StoreView, query: PanelQuery) -> StoreView:
    """Ask the view's store with another query."""
    return StoreView.of(view.store, query, view.built.directory)


def _reason(error: NoAnswerError) -> str:
    """Return why there is no answer, without what to do about it: nobody chose that panel."""
    return str(error).partition(";")[0]


def _gap_length(gaps: tuple[Gap, ...]) -> timedelta:
    return sum((gap.end - gap.start for gap in gaps), timedelta())
