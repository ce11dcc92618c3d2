"""Hours: what agents wrote in each hour of a short window."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import polars as pl

from blueattr.attribution.days import Hour
from blueattr.panel.query import StoreView
from blueattr.panel.topics import Topic
from blueattr.provenance import Window

__all__ = ["HOURLY", "hours_of"]


HOURLY = timedelta(hours=48)
"""The longest window that is shown by hour."""

_HOUR = timedelta(hours=1)


def hours_of(view: StoreView, topic: Topic | None) -> tuple[Hour, ...]:
    """Count what the agents of a view wrote in each hour of its window.

    Parameters
    ----------
    view
        A store looked at through a window and panel.
    topic
        None for all events.

    Returns
    -------
    tuple of Hour
        Every UTC hour, also those in which nobody wrote; empty for a window longer than `HOURLY`.
    """
    if view.window.end - view.window.start > HOURLY:
        return ()
    counted = view.account_hours(topic).group_by("hour").agg(
        pl.col("records").sum(), pl.col("account").n_unique().alias("participants")
    )  # fmt: skip
    found: dict[datetime, tuple[int, int]] = {
        hour.replace(tzinfo=UTC): (records, participants)
        for hour, records, participants in counted.iter_rows()
    }
    return tuple(
        Hour(part, *found.get(part.start.replace(minute=0, second=0, microsecond=0), (0, 0)))
        for part in _hours(view.window)
    )


def _hours(window: Window) -> Iterator[Window]:
    start = window.start.astimezone(UTC)
    while start < window.end:
        next_hour = start.replace(minute=0, second=0, microsecond=0) + _HOUR
        yield Window(start, min(next_hour, window.end))
        start = next_hour
