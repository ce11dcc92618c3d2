"""What is in a store."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from blueattr.provenance import Gap, Window
from blueattr.store import coverage
from blueattr.store.database import DEFAULT_MEMORY, Store

__all__ = ["Status", "status"]


@dataclass(frozen=True, slots=True)
class Status:
    """What is in a store; each frame is the rows of its statement in ``sql/read``.

    Parameters
    ----------
    path, size
        The file, and its bytes.
    totals
        Of events, accounts and so on.
    days
        Events by UTC day and kind.
    sources
        What was read, and how far.
    rejected
        Samples of rejected lines with the count of their reason.
    coverage, gaps
        Time that sources cover, and time between that none does.
    """

    path: Path
    size: int
    totals: dict[str, int]
    days: pl.DataFrame
    sources: pl.DataFrame
    rejected: pl.DataFrame
    coverage: tuple[Window, ...]
    gaps: tuple[Gap, ...]


# --- what is in a store --------------------------------------------------------------------------


def status(db: Path, memory: int = DEFAULT_MEMORY) -> Status:
    """Look at a store: coverage, events by day and kind, accounts, sources, rejected lines."""
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
