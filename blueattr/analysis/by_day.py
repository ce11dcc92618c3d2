"""By day: what the agents of a store's panel did on each day of its window."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta

import numpy as np
import polars as pl

from blueattr.attribution.days import DayFeatures
from blueattr.indicators.base import FeatureArrays
from blueattr.panel.features import daily_counts
from blueattr.panel.query import StoreView
from blueattr.provenance import Gap, Window
from blueattr.studies.carriers.ranks import DailyCounts

__all__ = ["day_arrays", "day_features", "days_of"]


_DAY = timedelta(days=1)


def day_features(view: StoreView, agent_days: pl.DataFrame) -> Iterator[DayFeatures]:
    """Yield the features of a view's agents on each UTC day of its window."""
    for window in _days(view.window):
        day = window.start.date()
        one_day = agent_days.filter(pl.col("day") == day).drop("day")
        yield DayFeatures(day, window, view.features(one_day))


def day_arrays(
    view: StoreView, daily: DailyCounts, panel: pl.DataFrame, *, involved: bool
) -> Iterator[DayFeatures]:
    """Yield the same as `day_features` of counts by day, in arrays.

    Parameters
    ----------
    view, daily
        The panel, and what `days_of` returned for it.
    panel
        The features of its agents in the window.
    involved
        Whether only those involved are asked about.
    """
    is_asked = ((panel["a"] > 0) | (panel["c"] > 0)) if involved else panel["a"].is_not_null()
    asked = is_asked.to_numpy()
    agents = view.built.agents

    def scaled(counts: pl.Series) -> pl.Series:
        floats = counts.cast(pl.Float64)
        return floats.log1p() if daily.scale == "log1p" else floats

    for window in _days(view.window):
        day = window.start.date()
        counts = daily.counts.filter(pl.col("day") == day)
        agent = counts["agent"].to_numpy()
        arrays = {}
        for name in "abc":
            # Most agents did nothing on a day: of 0, the logarithm is 0, too.
            arrays[name] = np.zeros(agents.height)
            arrays[name][agent] = scaled(counts[name]).to_numpy()
        if not daily.b_by_day:
            unknown = agents["followers"].is_null().to_numpy()
            b = scaled(agents["followers"].fill_null(0)).to_numpy()
            arrays["b"] = np.where(unknown, arrays["b"], b)
        features = FeatureArrays(*(arrays[name][asked] for name in "abc"))
        yield DayFeatures(day, window, features, int(counts["a"].filter(asked[agent]).sum()))


def days_of(view: StoreView, agent_days: pl.DataFrame | Iterable[pl.DataFrame]) -> DailyCounts:
    """Return what a view's agents did by day, of the days of its window that were seen.

    A day counts as seen unless no source covers any of it and nothing is known of it. Agent-days
    may come in parts, so that they do not take memory all at once.
    """
    parts = [agent_days] if isinstance(agent_days, pl.DataFrame) else agent_days
    known = [daily_counts(part, view.built.agents, view.influence.kinds) for part in parts]
    counts = pl.concat(known, how="vertical_relaxed")
    days = {window.start.date() for window in _days(view.window) if not _unseen(window, view.gaps)}
    return DailyCounts(
        days=tuple(sorted(days.union(counts["day"].unique()))),
        dids=view.built.agents["did"],
        counts=counts,
        scale=view.query.scale,
        b_by_day=view.query.popularity == "follows-received",
    )


def _unseen(window: Window, gaps: Sequence[Gap]) -> bool:
    return any(gap.start <= window.start and gap.end >= window.end for gap in gaps)


def _days(window: Window) -> Iterator[Window]:
    start = window.start
    while start < window.end:
        midnight = datetime.combine(start.date() + _DAY, time(), UTC)
        yield Window(start, min(midnight, window.end))
        start = midnight
