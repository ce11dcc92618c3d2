"""Status of partitions: what the store of the same events would say of itself."""

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from blueattr.analysis.upkeep.status import EVER, Status
from blueattr.cluster.engine import InProcess, Progress
from blueattr.panel.synthetic import synthetic_sources
from blueattr.panel.times import other_times, shares_of_times
from blueattr.partitions import tasks
from blueattr.partitions.driver import all_buckets, merge_days, run_by
from blueattr.partitions.folder import PartitionFolder
from blueattr.partitions.meta import Meta, noted
from blueattr.partitions.rows import TIMES
from blueattr.partitions.tasks import Bucket, Day
from blueattr.provenance import Window
from blueattr.store import coverage
from blueattr.store.database import DEFAULT_MEMORY, Store
from blueattr.store.engine.rows import Rows
from blueattr.store.stretches import stretches

__all__ = ["status_of_partitions", "times_in_order"]


@dataclass(frozen=True, slots=True)
class _BucketStatus:
    """What a bucket holds.

    Parameters
    ----------
    days
        Those that records fall on.
    by_day
        Its events, by day and kind.
    totals
        Of its store.
    times
        Of `blueattr.panel.times.other_times`.
    names, offsets
        The file with the accounts that it names, and where in it those of each bucket are.
    """

    days: list[Day]
    by_day: Rows
    totals: dict[str, int]
    times: dict[str, int]
    names: str
    offsets: tuple[int, ...]


def status_of_partitions(
    events: Path,
    memory: int = DEFAULT_MEMORY,
    *,
    samples: bool = True,
    progress: Progress | None = None,
) -> Status:
    """Read what partitions hold; every bucket is folded for that.

    Parameters
    ----------
    events
        The folder.
    memory, samples
        As for `blueattr.analysis.upkeep.status.status`.
    progress
        Is told how many buckets are read.

    Raises
    ------
    InputError
        There are no partitions, or they cannot be read.
    """
    folder = PartitionFolder(events)
    meta = Meta.read(folder)
    with TemporaryDirectory(prefix="blueattr-") as place:
        work = PartitionFolder(place)
        run = run_by(InProcess(progress))
        buckets = all_buckets(events, meta, work, memory)
        found: Sequence[_BucketStatus] = run(reading, [(bucket,) for bucket in buckets])
        days = merge_days(one.days for one in found)
        totals: Counter[str] = Counter()
        times: Counter[str] = Counter()
        for one in found:
            totals.update(one.totals)
            times.update(one.times)
        totals["accounts"] = sum(_accounts(work, found, bucket) for bucket in range(len(buckets)))
    with noted(meta, days) as notes:
        spans = coverage.covered(notes)
        synthetic, all_synthetic = synthetic_sources(notes)
        after: datetime | None = notes.rows("panel/kept_from")[0][0]
        return Status(
            path=events,
            size=sum(part.bytes for part in meta.parts),
            totals=dict(totals),
            rows={
                "days": _by_day([one.by_day for one in found]),
                "sources": notes.rows("analysis/upkeep/sources"),
                "rejected": notes.rows("analysis/upkeep/rejected_reasons", samples=samples),
            },
            coverage=spans,
            gaps=coverage.gaps(notes, Window(spans[0].start, spans[-1].end)) if spans else (),
            synthetic=synthetic,
            all_synthetic=all_synthetic,
            time_from=shares_of_times(times_in_order(times), totals["events"]),
            far=tuple(one.sentence for one in stretches(notes) if one.is_far and one.events),
            posts_known_after=None if after is None else after.replace(tzinfo=UTC),
            buckets=meta.buckets,
            sightings=meta.rows,
        )


def reading(bucket: Bucket) -> _BucketStatus:
    """Fold a bucket, read what it holds, and remove what it was folded to: a task."""
    days = tasks.fold(bucket)
    work = PartitionFolder(bucket.work)
    with Store.open(bucket.db, bucket.memory) as store:
        first, last = store.rows("analysis/upkeep/waiting")[0]
        by_day = store.rows("analysis/upkeep/events_by_day", first=first, last=last)
        totals = store.rows("analysis/upkeep/totals").named()[0]
        times = other_times(store, EVER)
        names = store.frame("partitions/export/accounts").select("did")
    data, offsets = tasks.sliced(names, bucket)
    name = f"names/{bucket.name}.arrow"
    work.write(name, data)
    for left in bucket.db.parent.glob(f"{bucket.db.name}*"):
        left.unlink()
    return _BucketStatus(days, by_day, totals, times, name, offsets)


def times_in_order(times: Mapping[str, int]) -> dict[str, int]:
    """Return counts of kinds of times in the order of the kinds."""
    return {kind: times[kind] for kind in TIMES if kind in times}


def _by_day(parts: Sequence[Rows]) -> Rows:
    """Add up the events of all buckets, by day; an author is in one of them."""
    summed: dict[Any, list[int]] = {}
    for day, *counts in (row for part in parts for row in part):
        before = summed.get(day, [0] * len(counts))
        summed[day] = [one + more for one, more in zip(before, counts, strict=True)]
    return parts[0].with_rows([(day, *summed[day]) for day in sorted(summed)])


def _accounts(work: PartitionFolder, found: Sequence[_BucketStatus], bucket: int) -> int:
    """Count the accounts of a bucket that rows of any bucket name."""
    frames = [
        pl.read_ipc_stream(io.BytesIO(work.part(one.names, *one.offsets[bucket : bucket + 2])))
        for one in found
        if one.offsets[bucket + 1] > one.offsets[bucket]
    ]
    return pl.concat(frames)["did"].n_unique() if frames else 0
