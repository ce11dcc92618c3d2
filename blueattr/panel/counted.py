"""c of counts: imported tables that say how many interacted with a post, and not who."""

from datetime import UTC, datetime

import polars as pl

from blueattr.panel.influence import KINDS, RECEIVED
from blueattr.provenance import CountedPosts
from blueattr.store.database import Store

__all__ = ["counted_posts", "find_counted_posts", "is_counted", "with_counts"]


_RECEIVED = [RECEIVED[kind] for kind in KINDS]


def is_counted(store: Store) -> bool:
    """Return whether c is made of counts, as all records are of tables that have some.

    Where records of any other source are there, what these say of interactions is what c is made
    of: the two are never mixed.
    """
    return bool(store.rows("panel/is_counted")[0][0])


def find_counted_posts(store: Store, start: datetime, end: datetime, *, of_topic: bool) -> None:
    """Make the temp table ``counted_post``.

    Parameters
    ----------
    store
        With the temp tables ``candidate``, of a topic, and ``inactive``.
    start, end
        The window; naive UTC.
    of_topic
        Whether only posts count whose own words belong to a topic; else all of the window.
    """
    if of_topic:
        store.run("panel/counted_in_topic")
    else:
        store.run("panel/counted_in_window", start=start, end=end)


def with_counts(store: Store, frame: pl.DataFrame) -> pl.DataFrame:
    """Put counts in the place of the interactions that an account received.

    Parameters
    ----------
    store
        With the temp table ``counted_post``.
    frame
        As `blueattr.panel.counts.WindowCounts` counts events: by ``account``, perhaps by ``day``.

    Returns
    -------
    pl.DataFrame
        The same columns, by account and day.
    """
    keys = [name for name in ("account", "day") if name in frame.columns]
    counts = [name for name in frame.columns if name not in keys]
    own = frame.with_columns(pl.lit(0).alias(name) for name in _RECEIVED)
    given = store.frame("panel/counted_days").select(*keys, *_RECEIVED)
    rows = pl.concat([own, given], how="diagonal_relaxed").with_columns(
        pl.col(counts).fill_null(0).cast(pl.Int64)
    )
    return rows.group_by(keys).agg(pl.col(counts).sum()).sort(keys).select(frame.columns)


def counted_posts(store: Store) -> CountedPosts:
    """Say of how many posts there are counts; of the temp table ``counted_post``."""
    (found,) = store.rows("panel/counted_posts").named()
    kinds = tuple(kind for kind in KINDS if found[kind])
    first, last = (_utc(found[name]) for name in ("first", "last"))
    return CountedPosts(found["posts"], found["counted"], kinds, first, last)


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)
