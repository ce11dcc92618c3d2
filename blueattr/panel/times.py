"""Where the times of a window's records are from."""

from collections.abc import Mapping
from datetime import datetime

from blueattr.provenance import TimeShare, Window
from blueattr.store.database import Store
from blueattr.store.excerpt import Excerpt

__all__ = ["count_records", "other_times", "shares_of_times", "time_shares"]


def time_shares(store: Store, window: Window) -> tuple[TimeShare, ...]:
    """Count the records of a window by where their times are from.

    Parameters
    ----------
    store
        Open for reading.
    window
        Of which posts, replies, reposts and follows are counted.

    Returns
    -------
    tuple
        The kinds that there are, the server's own first; empty if all times are the server's own.
    """
    if isinstance(store, Excerpt):
        counted = store.times[window]
        return shares_of_times(counted.others, counted.records)
    others = other_times(store, window)
    return shares_of_times(others, count_records(store, window) if others else 0)


def other_times(store: Store, window: Window) -> dict[str, int]:
    """Count the records of a window whose time is not the server's own, by where it is from."""
    rows = store.rows("panel/time_from", **_ends(window)).named()
    return {row["time_from"]: row["records"] for row in rows}


def count_records(store: Store, window: Window) -> int:
    """Count the posts, replies, reposts and follows of a window."""
    return int(store.rows("panel/record_count", **_ends(window))[0][0])


def _ends(window: Window) -> dict[str, datetime]:
    return {"start": window.start.replace(tzinfo=None), "end": window.end.replace(tzinfo=None)}


def shares_of_times(others: Mapping[str, int], total: int) -> tuple[TimeShare, ...]:
    """Return the same of counts: of `other_times`, in the order of kinds, and of all records."""
    if not others:
        return ()
    counts = [("server", total - sum(others.values())), *others.items()]
    return tuple(TimeShare(kind, n, n / total) for kind, n in counts if n)
