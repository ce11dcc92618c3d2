"""Attribute: split indicators among the agents of a panel, of a large file, or of each day."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from blueattr.attribution import streaming
from blueattr.attribution.attribute import AttributionResult, attribute
from blueattr.attribution.days import DayFeatures, DayShares, attribute_days
from blueattr.attribution.question import Question
from blueattr.indicators.find import find_indicator
from blueattr.panel.query import PanelQuery, StoreView
from blueattr.provenance import Provenance, Window
from blueattr.store.database import Store

if TYPE_CHECKING:
    from blueattr.indicators.base import Indicator

__all__ = ["attribute_file", "attribute_panel", "day_features", "shares_by_day"]


_DAY = timedelta(days=1)


def attribute_panel(
    frame: pl.DataFrame, origin: Provenance, question: Question
) -> list[AttributionResult]:
    """Split each indicator of a question among all agents of a panel.

    Parameters
    ----------
    frame, origin
        The panel: see `blueattr.analysis.features`.
    question
        What to attribute, and how.
    """
    return [
        attribute(frame, indicator, **question.how, provenance=origin)
        for indicator in question.indicators
    ]


def attribute_file(
    path: Path, question: Question, receive: streaming.Receiver | None = None
) -> list[AttributionResult]:
    """Do the same for a Parquet file of any size, in chunks.

    Parameters
    ----------
    path, receive
        See `blueattr.attribution.streaming.attribute_file`.
    question
        What to attribute, and how.
    """
    return streaming.attribute_file(path, question.indicators, **question.how, receive=receive)


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
    """Yield the features of a view's agents on each UTC day of its window."""
    for window in _days(view.window):
        day = window.start.date()
        one_day = agent_days.filter(pl.col("day") == day).drop("day")
        yield DayFeatures(day, window, view.features(one_day))


def _days(window: Window) -> Iterator[Window]:
    start = window.start
    while start < window.end:
        midnight = datetime.combine(start.date() + _DAY, time(), UTC)
        yield Window(start, min(midnight, window.end))
        start = midnight
