"""Status: what is in a store."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from blueattr.display import Presented
from blueattr.panel.synthetic import synthetic_sources
from blueattr.panel.times import time_shares
from blueattr.provenance import Gap, TimeShare, Window
from blueattr.store import coverage
from blueattr.store.database import DEFAULT_MEMORY, Store
from blueattr.store.engine.rows import Rows
from blueattr.store.integrity import sums
from blueattr.store.stretches import stretches

if TYPE_CHECKING:
    import polars as pl

__all__ = ["EVER", "Status", "status"]


EVER = Window(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
"""All times."""


@dataclass(frozen=True, repr=False)
class Status(Presented):
    """What is in a store.

    Parameters
    ----------
    path, size
        The file, and its size in bytes.
    totals
        Counts of events, accounts and so on (``totals.sql``).
    rows
        The rows that `days`, `sources` and `rejected` make frames of, by these names.
    coverage, gaps
        The time that sources cover, and the time in between that none covers.
    synthetic, all_synthetic, time_from
        As of `blueattr.provenance.Provenance`; the last of the whole store.
    far
        Sentences on events that lie far from all others.
    posts_known_after
        The time after which the store knows of posts what an earlier schema did not keep, such as
        their languages; None if it always did.
    rows_checked
        How many rows were compared with the sums of what was written; None where none were.
    buckets, sightings
        Of partitions: how many parts of accounts there are, and rows; None of a store. `path` is
        the folder, and `size` that of the files of rows.
    """

    path: Path
    size: int
    totals: dict[str, int]
    rows: Mapping[str, Rows]
    coverage: tuple[Window, ...]
    gaps: tuple[Gap, ...]
    synthetic: tuple[str, ...] = ()
    all_synthetic: bool = False
    time_from: tuple[TimeShare, ...] = ()
    far: tuple[str, ...] = ()
    posts_known_after: datetime | None = None
    rows_checked: int | None = None
    buckets: int | None = None
    sightings: int | None = None

    @property
    def newest(self) -> datetime | None:
        """The end of what sources cover, near the newest event; None where they cover nothing."""
        return self.coverage[-1].end if self.coverage else None

    @property
    def days(self) -> "pl.DataFrame":
        """Events by UTC day and kind (``sql/analysis/upkeep/events_by_day.sql``)."""
        return self.rows["days"].frame()

    @property
    def sources(self) -> "pl.DataFrame":
        """What was read, and how far (``sql/analysis/upkeep/sources.sql``)."""
        return self.rows["sources"].frame()

    @property
    def rejected(self) -> "pl.DataFrame":
        """Rejected lines by reason, with samples (``sql/analysis/upkeep/rejected_reasons.sql``)."""
        return self.rows["rejected"].frame()

    def _in_short(self) -> Iterator[str]:
        yield str(self.path)
        yield f"{self.totals['events']:,} events"


def status(
    db: Path, memory: int = DEFAULT_MEMORY, *, samples: bool = True, check: bool = False
) -> Status:
    """Read what is in a store: coverage, events by day, accounts, sources, rejected lines.

    Parameters
    ----------
    db, memory
        The store, and the memory of the process.
    samples
        Whether the shapes of rejected lines are read; else they are blank.
    check
        Whether everything is read and compared with the sums of what was written.

    Raises
    ------
    StoreError
        There is no such store, or it cannot be read, or is damaged.
    """
    with Store.open(db, memory) as store:
        rows_checked = sums.check(store) if check else None
        spans = coverage.covered(store)
        gaps = coverage.gaps(store, Window(spans[0].start, spans[-1].end)) if spans else ()
        synthetic, all_synthetic = synthetic_sources(store)
        first, last = store.rows("analysis/upkeep/waiting")[0]
        after = store.rows("panel/kept_from")[0][0]
        return Status(
            path=store.path,
            size=store.path.stat().st_size,
            totals=store.rows("analysis/upkeep/totals").named()[0],
            rows={
                "days": store.rows("analysis/upkeep/events_by_day", first=first, last=last),
                "sources": store.rows("analysis/upkeep/sources"),
                "rejected": store.rows("analysis/upkeep/rejected_reasons", samples=samples),
            },
            coverage=spans,
            gaps=gaps,
            synthetic=synthetic,
            all_synthetic=all_synthetic,
            time_from=time_shares(store, EVER),
            far=tuple(one.sentence for one in stretches(store) if one.is_far and one.events),
            posts_known_after=None if after is None else after.replace(tzinfo=UTC),
            rows_checked=rows_checked,
        )
