"""A store as partitions: what it holds, as rows that fold to the same."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from blueattr.errors import InputError, NoAnswerError, OutputError
from blueattr.panel.counted import is_counted
from blueattr.partitions.folder import PartitionFolder
from blueattr.partitions.meta import (
    KeptTopic,
    Meta,
    WrittenPart,
    check_buckets,
    digest,
    read_notes,
)
from blueattr.partitions.parting import (
    Piles,
    remove_strangers,
    said_file,
    write_coded,
    write_staged,
)
from blueattr.partitions.rows import buckets_of
from blueattr.store.database import DEFAULT_MEMORY, Store
from blueattr.store.matching import define, known_topics, match

__all__ = ["Partitioned", "export_partitions"]


_ROWS = 1 << 18  # taken from the store at once
_BYTES_A_ROW = 1500  # of a pile: as it comes, sorted, and as it is written
_WORK = ".work"
_EVER = np.datetime64("0001-01-01", "us").item(), np.datetime64("9999-01-01", "us").item()


@dataclass(frozen=True, slots=True)
class Partitioned:
    """What was exported.

    Parameters
    ----------
    folder
        Where.
    meta
        What it says of itself.
    """

    folder: Path
    meta: Meta

    @property
    def files(self) -> int:
        """Files of events."""
        return sum(part.files for part in self.meta.parts)

    @property
    def bytes(self) -> int:
        """Their bytes."""
        return sum(part.bytes for part in self.meta.parts)


def export_partitions(
    db: Path,
    place: Path,
    buckets: int = 1024,
    *,
    text: bool = True,
    memory: int = DEFAULT_MEMORY,
) -> Partitioned:
    """Write what a store holds as partitions by account.

    Parameters
    ----------
    db
        The store.
    place
        A folder that is not there, or what is left there of somebody who was killed.
    buckets
        How many parts the accounts are put into.
    text
        Whether words are kept. Without them, each post has which of the store's topics it matches.
    memory
        Bytes the process may use.

    Raises
    ------
    UsageError
        There cannot be so many buckets.
    NoAnswerError
        The store has counts of interactions in place of who interacted.
    OutputError
        There are partitions already, or they cannot be written.
    StoreError
        The store cannot be read.
    """
    check_buckets(buckets)
    folder = PartitionFolder(place)
    try:
        Meta.read(folder)
    except InputError:
        pass
    else:
        raise OutputError(f"{place} holds partitions already; name a folder that is not there")
    remove_strangers(folder, None)
    with Store.open(db, memory) as store:
        if is_counted(store):
            raise NoAnswerError(
                f"{db} has counts of replies, reposts and quotes in place of records of them, "
                "which partitions cannot hold; ask the store itself"
            )
        meta = Meta(buckets, text, notes=read_notes(store))
        if text:
            store.run("partitions/export/no_marks")
        else:
            meta = replace(meta, topics=_mark(store))
        mark = str(store.rows("partitions/export/mark")[0][0]).replace("-", "")[:16]
        try:
            meta = meta.with_part(_records(store, folder, meta, f"store-{mark}-records", memory))
            meta = meta.with_part(_accounts(store, folder, meta, f"store-{mark}-accounts"))
            _said(store, folder, meta)
        finally:
            folder.remove_all(_WORK)
    meta.write(folder)
    return Partitioned(place, meta)


def _mark(store: Store) -> tuple[KeptTopic, ...]:
    """Find what matches the store's topics, for the temp table ``marks``."""
    rules = known_topics(store)
    if not rules:
        raise NoAnswerError(
            f"{store.path} knows no topics whose matches could be kept in place of texts; name "
            "some with: blueattr rollup --topics FILE"
        )
    define(store)
    topics = [(number, rule) for rule, number in rules.items()]
    match(store, topics, [_EVER], late=False, others=[])
    found = {number: digest(rule) for number, rule in topics}
    store.register(
        "digests",
        pl.DataFrame({"topic": [*found], "digest": [*found.values()]}).to_arrow(),
    )
    try:
        store.run("partitions/export/marks")
    finally:
        store.unregister("digests")
    return tuple(KeptTopic(found[number], str(rule)) for number, rule in topics)


def _records(
    store: Store, folder: PartitionFolder, meta: Meta, name: str, memory: int
) -> WrittenPart:
    """Write the records, in as many piles as memory demands."""
    accounts = store.frame("partitions/export/accounts")
    numbers = accounts["id"].to_numpy()
    place = np.zeros(int(numbers.max(initial=0)) + 1, np.uint32)
    place[numbers] = np.arange(len(numbers), dtype=np.uint32)
    dids = accounts["did"].to_arrow().cast(pa.string())
    bucket = buckets_of(accounts["did"], meta.buckets)
    keys = store.frame("partitions/export/keys")["rkey"].to_arrow().cast(pa.string())
    count = store.rows("store/commit/records")[0][0]
    piles = max(1, -(-int(count) * _BYTES_A_ROW // memory))
    laid = Piles(folder.within(_WORK), piles)
    for batch in store.batches("partitions/export/records", _ROWS, text=meta.has_text):
        rows = _with_places(pa.Table.from_batches([batch]), place)
        theirs = bucket[rows["account"].to_numpy()]
        laid.add(rows, theirs.astype(np.intp) * piles // meta.buckets)
    total = WrittenPart(name, 0, 0, 0)
    for rows in laid.take():
        total = _sum(total, write_coded(folder, name, rows, bucket, dids, keys))
    return total


def _accounts(store: Store, folder: PartitionFolder, meta: Meta, name: str) -> WrittenPart:
    """Write handles, statuses and profiles."""
    frame = store.frame("partitions/export/account_events")
    return write_staged(folder, name, frame.drop("account"), meta.buckets)


def _said(store: Store, folder: PartitionFolder, meta: Meta) -> None:
    """Write what an AppView and a directory said of accounts."""
    said = store.frame("partitions/export/said")
    of = buckets_of(said["did"], meta.buckets)
    for bucket in np.unique(of).tolist():
        mine = said.filter(pl.Series(of == bucket)).sort("did")
        folder.write_rows(said_file(bucket), mine.to_arrow())


def _with_places(rows: pa.Table, place: npt.NDArray[np.uint32]) -> pa.Table:
    """Put places among all accounts for their numbers."""
    columns: dict[str, Any] = {name: rows[name].combine_chunks() for name in rows.column_names}
    for name in ("account", "subject", "root", "other"):
        column = columns[name]
        there = place[column.fill_null(0).to_numpy()]
        columns[name] = pa.array(there, mask=~np.asarray(column.is_valid()))
    lists = columns["mentions"]
    inner = pa.array(place[lists.flatten().to_numpy()])
    lengths = lists.value_lengths()
    ends = np.cumsum(lengths.fill_null(0).to_numpy(), dtype=np.int32)
    begins = np.concatenate((np.zeros(1, np.int32), ends))
    columns["mentions"] = pa.ListArray.from_arrays(
        pa.array(begins), inner, mask=pa.array(~np.asarray(lengths.is_valid()))
    )
    return pa.table(columns)


def _sum(one: WrittenPart, other: WrittenPart) -> WrittenPart:
    return WrittenPart(
        one.name, one.files + other.files, one.rows + other.rows, one.bytes + other.bytes
    )
