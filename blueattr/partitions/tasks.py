"""What is done bucket by bucket: fold, match, count, gather. A task reads files and writes files.

A task's arguments and answer are small: paths, numbers, offsets. It writes each file under another
name and renames it, and its answer last, so that it may be run again anywhere and at any time;
where its answer is there, nothing is done.
"""

import hashlib
import io
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import polars as pl
import pyarrow as pa

from blueattr.panel import features
from blueattr.panel.counts import WindowCounts
from blueattr.panel.filters import count_unknown
from blueattr.panel.influence import Kind
from blueattr.panel.query import PanelQuery
from blueattr.partitions.fold import fold_bucket
from blueattr.partitions.folder import PartitionFolder, bucket_name
from blueattr.partitions.meta import Meta
from blueattr.partitions.rows import Buckets, buckets_of
from blueattr.provenance import PanelStep, Window
from blueattr.store.database import Store
from blueattr.store.matching import Rule
from blueattr.version import __version__

__all__ = [
    "Bucket",
    "BucketQuestion",
    "CountedBucket",
    "Day",
    "Gathered",
    "GivenSlice",
    "count",
    "elsewhere",
    "fold",
    "gather",
    "match_own",
    "panel_of",
    "sliced",
]


_MATCH: Final = pl.Schema({"did": pl.String, "rkey": pl.Int64, "rkey_text": pl.String})


Day = tuple[date, datetime, datetime, datetime | None, int]
"""A UTC day; between which times its records are; when its last event was; how many it has."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """What every task about a bucket is told, or about several small ones that are taken as one.

    Parameters
    ----------
    events
        The folder of partitions.
    work
        The folder for what tasks leave to one another.
    bucket, buckets
        Its number, and how many there are.
    joined, written
        How many buckets of the folder each has, the last one perhaps fewer; and how many the folder
        has.
    files
        Its files of events.
    key
        A hash of what they are.
    memory
        Bytes a process may use.
    """

    events: str
    work: str
    bucket: int
    buckets: int
    joined: int
    written: int
    files: tuple[str, ...]
    key: str
    memory: int

    @property
    def name(self) -> str:
        """Of its files."""
        return bucket_name(self.bucket)

    @property
    def numbers(self) -> range:
        """Those buckets of the folder."""
        first = self.bucket * self.joined
        return range(first, min(first + self.joined, self.written))

    def places(self, dids: Iterable[str]) -> Buckets:
        """Return the number of each account's bucket, among `buckets`."""
        of: Buckets = buckets_of(dids, self.written) // self.joined
        return of

    @property
    def db(self) -> Path:
        """Where it is a store once it is folded."""
        return PartitionFolder(self.work).path(f"folded/{self.name}-{self.key}.duckdb")

    @classmethod
    def key_of(cls, meta: Meta, joined: int, files: Sequence[str]) -> str:
        """Hash what a bucket is folded of, and to how many others it gives."""
        known = sorted((part.name, part.rows, part.bytes) for part in meta.parts)
        said = repr((__version__, joined, sorted(files), known, meta.notes["kept_from"]))
        return hashlib.sha256(said.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class BucketQuestion:
    """What is asked of all buckets alike.

    Parameters
    ----------
    query
        Which agents.
    window
        Settled.
    rule
        The topic; None for all events.
    kinds
        What c counts.
    by_day
        Whether agent-days are wanted; else features.
    label
        What the panel says of synthetic data; empty where there is none.
    rules
        A hash of the user's rules for bots; empty where there are none.
    matches
        The file in the work folder with the matches of all buckets; empty for all events.
    """

    query: PanelQuery
    window: Window
    rule: Rule | None
    kinds: tuple[Kind, ...]
    by_day: bool = False
    label: str = ""
    rules: str = ""
    matches: str = ""

    @property
    def key(self) -> str:
        """A hash of it."""
        query = replace(self.query, db=Path(), memory=0)
        said = repr((query, self.rules, self.window, self.rule, self.kinds, self.by_day))
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    @property
    def quotes(self) -> bool:
        """Whether quotes count."""
        return "quotes" in self.kinds


@dataclass(frozen=True, slots=True)
class GivenSlice:
    """Some bytes of a file in the work folder: rows for one bucket."""

    name: str
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class CountedBucket:
    """What a bucket comes to.

    Parameters
    ----------
    name
        The file with what its accounts gave to all buckets.
    offsets
        Where in it that for each bucket begins, and the last one's ends.
    steps
        Those of the panel.
    unknown
        Agents whose follower count is not known: see `blueattr.panel.filters.count_unknown`.
    matches
        Whether any event of the topic is among what was counted.
    """

    name: str
    offsets: tuple[int, ...]
    steps: tuple[PanelStep, ...]
    unknown: tuple[int, int, int]
    matches: bool


@dataclass(frozen=True, slots=True)
class Gathered:
    """A part of the panel.

    Parameters
    ----------
    name
        Its file in the work folder.
    rows
        How many it has.
    """

    name: str
    rows: int


def fold(bucket: Bucket) -> list[Day]:
    """Fold a bucket to a store; return its days."""
    work = PartitionFolder(bucket.work)
    answer = f"answers/fold-{bucket.name}-{bucket.key}.json"
    if work.exists(answer) and bucket.db.exists():
        return [_day(row) for row in work.read_json(answer)]
    # Another worker may fold the same at the same time.
    made = bucket.db.with_name(f"{bucket.db.stem}.{secrets.token_hex(6)}.duckdb")
    made.parent.mkdir(parents=True, exist_ok=True)
    events = PartitionFolder(bucket.events)
    try:
        fold_bucket(events, Meta.read(events), bucket.numbers, bucket.files, made, bucket.memory)
        made.rename(bucket.db)
    finally:
        for left in made.parent.glob(f"{made.name}*"):
            left.unlink()
    with Store.open(bucket.db, bucket.memory) as store:
        rows = store.rows("partitions/days")
        days = [(day, *map(_utc, times), events) for day, *times, events in rows]
    work.write_json(answer, _as_text(days))
    return cast("list[Day]", days)


def _as_text(days: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [[one.isoformat() if isinstance(one, date) else one for one in day] for day in days]


def _day(row: Sequence[Any]) -> Day:
    day, first, last, newest, events = row
    return (
        date.fromisoformat(day),
        datetime.fromisoformat(first),
        datetime.fromisoformat(last),
        None if newest is None else datetime.fromisoformat(newest),
        int(events),
    )


def _utc(time: datetime | None) -> datetime | None:
    return None if time is None else time.replace(tzinfo=UTC)


def match_own(bucket: Bucket, asked: BucketQuestion) -> str:
    """Find the posts of a bucket that match the topic by their own words; return their file."""
    if asked.rule is None:
        raise ValueError("all events match where there is no topic")
    name = f"matches/{asked.key}/{bucket.name}-{bucket.key}.parquet"
    work = PartitionFolder(bucket.work)
    if not work.exists(name):
        with Store.open(bucket.db, bucket.memory) as store:
            counts = WindowCounts.of(store, asked.window)
            counts.count(asked.rule, quotes=asked.quotes)
            found = store.frame("partitions/matching_posts")
        work.write_rows(name, found.cast(_MATCH).to_arrow())
    return name


def count(bucket: Bucket, asked: BucketQuestion) -> CountedBucket:
    """Count what the accounts of a bucket did, and gave to those of all buckets.

    What is left for `gather`: the panel's agents among them, who is gone at the window's end, and
    the counts by the bucket of whose they are.
    """
    work = PartitionFolder(bucket.work)
    answer = f"answers/count-{asked.key}-{bucket.name}-{bucket.key}.json"
    if work.exists(answer):
        return _counted(work.read_json(answer))
    with Store.open(bucket.db, bucket.memory) as store:
        others = None if asked.rule is None else elsewhere(work, asked, bucket)
        counts = WindowCounts(store, asked.window, others)
        built = asked.query.agents(store, asked.window, counts=counts, is_part=True)
        by = counts.agent_days if asked.by_day else counts.totals
        frame = by(asked.rule, quotes=asked.quotes)
        dids = store.frame("partitions/export/accounts")
        gone = pl.DataFrame({"id": counts.lay_out().inactive}).join(dids, on="id").select("did")
    frame = frame.join(dids.rename({"id": "account"}), on="account").drop("account")
    about = [name for name in features.COUNTS if name != "follows_received"]
    some = bool(frame.select(pl.any_horizontal((pl.col(about) != 0).any())).item())
    kept = f"{asked.key}/{bucket.name}-{bucket.key}"
    work.write_rows(f"agents/{kept}.parquet", built.agents.drop("account").to_arrow())
    work.write_rows(f"gone/{kept}.parquet", gone.to_arrow())
    data, offsets = sliced(frame, bucket)
    # Another worker's rows may be in another order: what an answer says is of its own file.
    name = f"given/{kept}-{hashlib.sha256(data).hexdigest()[:16]}.arrow"
    work.write(name, data)
    counted = CountedBucket(name, offsets, built.steps, count_unknown(built.agents), some)
    work.write_json(answer, _plain(counted))
    return counted


def elsewhere(work: PartitionFolder, asked: BucketQuestion, bucket: Bucket) -> pa.Table:
    """Return the matches that are of accounts in other buckets."""
    found = pl.DataFrame(work.rows(asked.matches))
    of = bucket.places(found["did"])
    return found.filter(pl.Series(of != bucket.bucket)).to_arrow()


def sliced(frame: pl.DataFrame, bucket: Bucket) -> tuple[bytes, tuple[int, ...]]:
    """Put rows one bucket after the other; return where each begins, and the last one ends."""
    of = bucket.places(frame["did"])
    order = np.argsort(of, kind="stable")
    rows, ends = frame[order], np.cumsum(np.bincount(of, minlength=bucket.buckets)).tolist()
    buffer, offsets, begin = io.BytesIO(), [0], 0
    for end in ends:
        if end > begin:
            rows[begin:end].write_ipc_stream(buffer, compression="zstd")
        begin = end
        offsets.append(buffer.tell())
    return buffer.getvalue(), tuple(offsets)


def gather(bucket: Bucket, asked: BucketQuestion, slices: tuple[GivenSlice, ...]) -> Gathered:
    """Add up what a bucket's accounts received, and write its part of the panel."""
    work = PartitionFolder(bucket.work)
    kept = f"{asked.key}/{bucket.name}-{bucket.key}"
    read = [work.part(one.name, one.begin, one.end) for one in slices if one.end > one.begin]
    frames = [pl.read_ipc_stream(io.BytesIO(data)) for data in read]
    keys = ["did", "day"] if asked.by_day else ["did"]
    if frames:
        summed = (
            pl.concat(frames, how="vertical_relaxed")
            .group_by(keys)
            .agg(pl.col(features.COUNTS).cast(pl.Int64).sum())
        )
    else:
        empty = dict.fromkeys(keys, pl.String) | dict.fromkeys(features.COUNTS, pl.Int64)
        summed = pl.DataFrame(schema=empty)
    if asked.by_day:
        gone = pl.DataFrame(work.rows(f"gone/{kept}.parquet"))
        made = summed.join(gone, on="did", how="anti").sort(keys)
    else:
        made = _features(work, kept, asked, summed)
    if asked.label:
        made = made.with_columns(synthetic=pl.lit(asked.label))
    name = f"{panel_of(asked, bucket.buckets)}/{bucket.name}.parquet"
    work.write_rows(name, made.to_arrow())
    return Gathered(name, len(made))


def panel_of(asked: BucketQuestion, count: int) -> str:
    """Name the folder of a panel in so many parts: one that was begun in others is beside it."""
    return f"panel/{asked.key}-{count}"


def _features(
    work: PartitionFolder, kept: str, asked: BucketQuestion, summed: pl.DataFrame
) -> pl.DataFrame:
    query = asked.query
    agents = pl.DataFrame(work.rows(f"agents/{kept}.parquet"))
    if query.popularity == "followers" and query.missing_followers == "drop":
        agents = agents.filter(pl.col("followers").is_not_null())
    agents = agents.with_row_index("account", offset=1)
    numbers = agents.select("did", "account")
    counts = summed.join(numbers, on="did").drop("did")
    return features.build(counts, agents, query.scale, query.popularity, asked.kinds)


def _plain(counted: CountedBucket) -> Any:
    return {
        "name": counted.name,
        "offsets": list(counted.offsets),
        "steps": [[s.filter, s.before, s.removed, s.after, s.note] for s in counted.steps],
        "unknown": list(counted.unknown),
        "matches": counted.matches,
    }


def _counted(found: Any) -> CountedBucket:
    steps = tuple(PanelStep(*step) for step in found["steps"])
    offsets, unknown = tuple(found["offsets"]), tuple(found["unknown"])
    return CountedBucket(**(found | {"offsets": offsets, "steps": steps, "unknown": unknown}))
