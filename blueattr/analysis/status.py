"""Status: what is in a store."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from blueattr.provenance import Gap, Window
from blueattr.store import coverage
from blueattr.store.database import DEFAULT_MEMORY, Store

__all__ = ["Status", "status"]


@dataclass(frozen=True, slots=True)
class Status:
    """What is in a store; each frame holds the rows of a query in ``sql/analysis``.

    Parameters
    ----------
    path, size
        The file, and its size in bytes.
    totals
        Counts of events, accounts and so on (``totals.sql``).
    days
        Events by UTC day and kind (``events_by_day.sql``).
    sources
        What was read, and how far (``sources.sql``).
    rejected
        Rejected lines by reason, with samples (``rejected_reasons.sql``).
    coverage, gaps
        The time that sources cover, and the time in between that none covers.
    """

    path: Path
    size: int
    totals: dict[str, int]
    days: pl.DataFrame
    sources: pl.DataFrame
    rejected: pl.DataFrame
    coverage: tuple[Window, ...]
    gaps: tuple[Gap, ...]


def status(db: Path, memory: int = DEFAULT_MEMORY) -> Status:
    """Read what is in a store: coverage, events by day, accounts, sources, rejected lines.

    Raises
    ------
    StoreError
        There is no such store, or it cannot be read.
    """
    with Store.open(db, memory) as store:
        spans = coverage.covered(store)
        gaps = coverage.gaps(store, Window(spans[0].start, spans[-1].end)) if spans else ()
        first, last = store.frame("analysis/waiting").row(0)
        return Status(
            path=db,
            size=db.stat().st_size,
            totals=store.frame("analysis/totals").to_dicts()[0],
            days=store.frame("analysis/events_by_day", first=first, last=last),
            sources=store.frame("analysis/sources"),
            rejected=store.frame("analysis/rejected_reasons"),
            coverage=spans,
            gaps=gaps,
        )
