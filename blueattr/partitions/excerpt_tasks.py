"""What is done bucket by bucket for an excerpt: match topics, count days, gather records.

As in `blueattr.partitions.tasks`, a task may be run again anywhere and at any time.
"""

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa

from blueattr.panel.counts import match_in
from blueattr.panel.times import count_records, other_times
from blueattr.partitions.folder import PartitionFolder
from blueattr.partitions.tasks import Bucket, GivenSlice, sliced
from blueattr.provenance import Window
from blueattr.store.database import Store
from blueattr.store.excerpt import CountedTimes
from blueattr.store.matching import Rule, define
from blueattr.version import __version__

__all__ = [
    "ACCOUNT_EVENT",
    "AGENT_DAY",
    "GIFT",
    "RECORD",
    "TOPIC_EVENT",
    "CountedExcerpt",
    "ExcerptQuestion",
    "GatheredExcerpt",
    "count_all",
    "gather_all",
    "match_topics",
]


_ROWS = 1 << 16
_TIME = pa.timestamp("us")
_NAMES = ("subject", "root", "quoted", "via")

RECORD: Final = pa.schema(
    [
        ("collection", pa.string()),
        ("did", pa.string()),
        ("rkey", pa.int64()),
        ("rkey_text", pa.string()),
        ("rev", pa.uint64()),
        ("removed", pa.bool_()),
        ("event_time", _TIME),
        ("first_time", _TIME),
        ("time_from", pa.string()),
        ("is_repeat", pa.bool_()),
        *(
            field
            for name in _NAMES
            for field in (
                (f"{name}_did", pa.string()),
                (f"{name}_rkey", pa.int64()),
                (f"{name}_rkey_text", pa.string()),
            )
        ),
        ("text", pa.string()),
        ("title", pa.string()),
        ("langs", pa.string()),
        ("domains", pa.list_(pa.string())),
    ]
)
"""Rows of ``sql/partitions/excerpt/records.sql``."""

_COUNTS = (
    "records", "posts", "replies", "reposts", "replies_received", "reposts_received",
    "follows_received", "quotes_received",
)  # fmt: skip
AGENT_DAY: Final = pa.schema(
    [("did", pa.string()), ("day", pa.date32()), *((name, pa.int64()) for name in _COUNTS)]
)
"""What an account did and received on a day."""

GIFT: Final = pa.schema(
    [
        ("day", pa.date32()),
        ("did", pa.string()),
        ("subject_did", pa.string()),
        *((name, pa.int32()) for name in ("replies", "reposts", "follows", "quotes")),
    ]
)
"""Rows of ``sql/partitions/excerpt/gifts.sql``."""

_KEY = (("collection", pa.string()), ("did", pa.string()), ("rkey", pa.int64()),
        ("rkey_text", pa.string()))  # fmt: skip
_WANTED: Final = pl.Schema(
    {"collection": pl.String, "did": pl.String, "rkey": pl.Int64, "rkey_text": pl.String}
)
TOPIC_EVENT: Final = pa.schema([*_KEY, ("own", pa.bool_())])
"""What belongs to a topic or may, of ``sql/partitions/excerpt/topic_events.sql``."""

ACCOUNT_EVENT: Final = pa.schema(
    [
        ("did", pa.string()),
        ("kind", pa.string()),
        ("event_time", _TIME),
        ("handle", pa.string()),
        ("active", pa.bool_()),
        ("status", pa.string()),
        ("rev", pa.string()),
        ("bot", pa.bool_()),
        ("labels", pa.string()),
    ]
)
"""Rows of ``sql/partitions/export/account_events.sql``, as far as a store keeps them."""


@dataclass(frozen=True, slots=True)
class ExcerptQuestion:
    """What an excerpt is to hold.

    Parameters
    ----------
    start, end
        The stretch of whole days that every window lies in; naive UTC.
    windows
        Of which it is counted where times are from.
    rules
        What topics match by; none for all events.
    everything
        Whether all records are wanted, as about all events.
    parted_days
        Days that a window has a part of.
    stating
        The window whose posts are wanted that state languages or have links; None for none.
    newest
        When the last event was.
    matches
        Of each rule the file in the work folder with the matches of all buckets.
    """

    start: datetime
    end: datetime
    windows: tuple[Window, ...]
    rules: tuple[Rule, ...]
    everything: bool
    parted_days: tuple[date, ...]
    stating: Window | None
    newest: datetime | None
    matches: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """A hash of it."""
        said = repr((__version__, self))
        return hashlib.sha256(said.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class CountedExcerpt:
    """What a bucket comes to.

    Parameters
    ----------
    days, wanted
        Files with what its accounts did and gave, by day, and with the records of others that they
        answer, repost or quote.
    day_offsets, wanted_offsets
        Where in them that for each bucket begins, and the last one's ends.
    times
        Of each window.
    """

    days: str
    day_offsets: tuple[int, ...]
    wanted: str
    wanted_offsets: tuple[int, ...]
    times: tuple[CountedTimes, ...]


@dataclass(frozen=True, slots=True)
class GatheredExcerpt:
    """Files of a bucket's part of an excerpt, in the work folder.

    Parameters
    ----------
    days, gifts, account_events, records
        Rows of `AGENT_DAY`, `GIFT`, `ACCOUNT_EVENT` and `RECORD`.
    topics
        Of each topic, rows of `TOPIC_EVENT`.
    """

    days: str
    gifts: str
    account_events: str
    records: str
    topics: tuple[str, ...]


def match_topics(bucket: Bucket, asked: ExcerptQuestion) -> tuple[str, ...]:
    """Find the posts of a bucket that match topics by their own words; return a file for each.

    Unlike for features, the authors who are gone at some time are among them: there are several
    windows.
    """
    work = PartitionFolder(bucket.work)
    names = tuple(
        f"matches/{asked.key}/{bucket.name}-{bucket.key}-{k}.parquet"
        for k in range(len(asked.rules))
    )
    if all(map(work.exists, names)):
        return names
    with Store.open(bucket.db, bucket.memory) as store:
        define(store)
        for name, rule in zip(names, asked.rules, strict=True):
            match_in(store, rule, (asked.start, asked.end))
            found = store.frame("partitions/excerpt/own_matches")
            work.write_rows(name, found.cast({"rkey": pl.Int64}).to_arrow())
    return names


def count_all(bucket: Bucket, asked: ExcerptQuestion) -> CountedExcerpt:
    """Count what the accounts of a bucket did and gave by day, and find what belongs to topics."""
    work = PartitionFolder(bucket.work)
    kept = f"{asked.key}/{bucket.name}-{bucket.key}"
    answer = f"answers/excerpt-{kept.replace('/', '-')}.json"
    if work.exists(answer):
        return _counted(work.read_json(answer))
    start, end = asked.start, asked.end
    with Store.open(bucket.db, bucket.memory) as store:
        times = tuple(
            CountedTimes(other_times(store, window), count_records(store, window))
            for window in asked.windows
        )
        targets = [_topic(store, work, bucket, asked, k) for k in range(len(asked.rules))]
        define(store)
        days, day_ends = _sliced_days(store, bucket, start, end)
        store.run("partitions/excerpt/givers")
        gifts = store.frame("partitions/excerpt/gifts", start=start, end=end).to_arrow()
        said = store.frame("partitions/export/account_events").to_arrow()
    work.write_rows(f"gifts/{kept}.parquet", _as(gifts, GIFT))
    work.write_rows(f"account_events/{kept}.parquet", _as(said, ACCOUNT_EVENT))
    wanted = pl.concat(targets) if targets else pl.DataFrame(schema=_WANTED)
    keys, key_ends = sliced(wanted.unique(), bucket)
    # Another worker's rows may be in another order: what an answer says is of its own files.
    names = []
    for kind, data in (("days", days), ("wanted", keys)):
        names.append(f"{kind}/{kept}-{hashlib.sha256(data).hexdigest()[:16]}.arrow")
        work.write(names[-1], data)
    counted = CountedExcerpt(names[0], day_ends, names[1], key_ends, times)
    work.write_json(answer, asdict(counted))
    return counted


def _sliced_days(
    store: Store, bucket: Bucket, start: datetime, end: datetime
) -> tuple[bytes, tuple[int, ...]]:
    """Put agent-days one bucket after the other, as `sliced` does.

    There are many, so that only those of one bucket have DIDs at a time.
    """
    rows = store.frame("partitions/excerpt/agent_days", start=start, end=end)
    accounts = store.frame("partitions/export/accounts").sort("id")
    ids, of = accounts["id"].to_numpy(), bucket.places(accounts["did"])
    places = np.searchsorted(ids, rows["account"].to_numpy()).astype(np.uint32)
    order = np.argsort(of[places], kind="stable").astype(np.uint32)
    ends = np.cumsum(np.bincount(of[places], minlength=bucket.buckets)).tolist()
    buffer, offsets, begin = io.BytesIO(), [0], 0
    for past in ends:
        if past > begin:
            mine = order[begin:past]
            part = rows[mine].with_columns(did=accounts["did"].gather(places[mine]))
            part.select(AGENT_DAY.names).write_ipc_stream(buffer, compression="zstd")
        begin = past
        offsets.append(buffer.tell())
    return buffer.getvalue(), tuple(offsets)


def _topic(
    store: Store, work: PartitionFolder, bucket: Bucket, asked: ExcerptQuestion, k: int
) -> pl.DataFrame:
    """Write what belongs to a topic; return what that answers, reposts and quotes."""
    matches = pl.DataFrame(work.rows(asked.matches[k]))
    of = bucket.places(matches["did"])
    store.register("elsewhere", matches.filter(pl.Series(of != bucket.bucket)).to_arrow())
    try:
        store.run("panel/match_elsewhere")
    finally:
        store.unregister("elsewhere")
    match_in(store, asked.rules[k], (asked.start, asked.end), is_part=True)
    found = store.frame("partitions/excerpt/topic_events")
    work.write_rows(_topic_file(bucket, asked, k), _as(found.to_arrow(), TOPIC_EVENT))
    return pl.concat(
        found.filter(pl.col(f"{name}_did").is_not_null()).select(
            collection=pl.lit("post"),
            did=f"{name}_did",
            rkey=pl.col(f"{name}_rkey").cast(pl.Int64),
            rkey_text=pl.col(f"{name}_rkey_text").cast(pl.String),
        )
        for name in ("target", "quote")
    )


def _topic_file(bucket: Bucket, asked: ExcerptQuestion, k: int) -> str:
    return f"topics/{asked.key}/{bucket.name}-{bucket.key}-{k}.parquet"


def gather_all(
    bucket: Bucket,
    asked: ExcerptQuestion,
    days: tuple[GivenSlice, ...],
    wanted: tuple[GivenSlice, ...],
) -> GatheredExcerpt:
    """Add up what a bucket's accounts did and received by day, and write the records wanted."""
    work = PartitionFolder(bucket.work)
    kept = f"{asked.key}/{bucket.name}-{bucket.key}"
    topics = tuple(_topic_file(bucket, asked, k) for k in range(len(asked.rules)))
    made = GatheredExcerpt(
        f"agent_days/{kept}.parquet", f"gifts/{kept}.parquet", f"account_events/{kept}.parquet",
        f"records/{kept}.parquet", topics,
    )  # fmt: skip
    empty = pl.DataFrame(schema=dict.fromkeys(AGENT_DAY.names, pl.Int64)).cast(
        {"did": pl.String, "day": pl.Date}
    )
    summed = (
        pl.concat([empty, *_read(work, days)], how="vertical_relaxed")
        .group_by("did", "day")
        .agg(pl.col(_COUNTS).cast(pl.Int64).sum())
    )
    work.write_rows(made.days, _as(summed.to_arrow(), AGENT_DAY))
    own = [pl.DataFrame(work.rows(name, [n for n, _ in _KEY])) for name in topics]
    keys = pl.concat([pl.DataFrame(schema=_WANTED), *own, *_read(work, wanted)])
    stating = asked.stating or Window(asked.windows[0].start, asked.windows[0].start)
    with Store.open(bucket.db, bucket.memory) as store:
        store.register("given", keys.to_arrow())
        try:
            store.run("partitions/excerpt/wanted")
        finally:
            store.unregister("given")
        found = store.batches(
            "partitions/excerpt/records",
            _ROWS,
            everything=asked.everything,
            newest=None if asked.newest is None else asked.newest.replace(tzinfo=None),
            days=list(asked.parted_days),
            states=asked.stating is not None,
            start=stating.start.replace(tzinfo=None),
            end=stating.end.replace(tzinfo=None),
        )
        work.write_batches(made.records, RECORD, found)
    return made


def _read(work: PartitionFolder, slices: Sequence[GivenSlice]) -> list[pl.DataFrame]:
    read = (work.part(one.name, one.begin, one.end) for one in slices)
    return [pl.read_ipc_stream(io.BytesIO(data)) for data in read]


def _as(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    return rows.select(schema.names).cast(schema)


def _counted(found: Mapping[str, Any]) -> CountedExcerpt:
    times = tuple(CountedTimes(**one) for one in found["times"])
    offsets = {name: tuple(found[name]) for name in ("day_offsets", "wanted_offsets")}
    return CountedExcerpt(**(dict(found) | offsets | {"times": times}))
