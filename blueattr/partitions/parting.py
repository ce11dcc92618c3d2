"""Rows to files: sorted by week and bucket, each stretch of which becomes a file."""

import re
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from blueattr.decode.named_rows import tid_numbers
from blueattr.partitions.folder import PartitionFolder, bucket_name
from blueattr.partitions.meta import Meta, WrittenPart
from blueattr.partitions.rows import (
    STAGED_WITH_STATUS,
    Buckets,
    buckets_of,
    of_coded,
    of_staged,
    week_of,
)

__all__ = [
    "EVENTS",
    "INGESTED",
    "Piles",
    "files_of_buckets",
    "remove_strangers",
    "said_file",
    "write_coded",
    "write_part",
    "write_staged",
]


EVENTS: Final = "events"
"""The folder of the rows."""


INGESTED: Final = "ingest-"
"""How the names of parts begin that are of no store."""


_FILE = re.compile(r"events/week=[0-9-]{10}/bucket=([0-9]{4})/part-([0-9a-z-]+)\.parquet")

Numbers = npt.NDArray[np.int64]


def write_part(
    folder: PartitionFolder,
    name: str,
    keys: tuple[Numbers, ...],
    rows: Callable[[pa.Array], pa.Table],
) -> WrittenPart:
    """Write rows to the files of their weeks and buckets.

    Parameters
    ----------
    folder
        Where.
    name
        Of the part.
    keys
        int64 (n,): of each row its week and bucket; then by what rows of a file are sorted.
    rows
        Makes rows of `EVENT` of places, those of one file at a time.

    Returns
    -------
    WrittenPart
        What was written.
    """
    order = np.lexsort(keys[::-1])
    week, bucket = (key[order] for key in keys[:2])
    begins = np.flatnonzero(np.diff(week, prepend=-1) | np.diff(bucket, prepend=-1))
    if len(order) and (not len(begins) or begins[0]):
        begins = np.concatenate(([0], begins))
    ends = np.concatenate((begins[1:], [len(order)])) if len(begins) else begins
    written = []
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        monday = np.datetime64(int(week[begin]), "D")
        place = f"{EVENTS}/week={monday}/{bucket_name(int(bucket[begin]))}/part-{name}.parquet"
        folder.write_rows(place, rows(pa.array(order[begin:end])))
        written.append(place)
    return WrittenPart(name, len(written), len(order), folder.size(written))


def write_coded(  # noqa: PLR0917 - a step of one function
    folder: PartitionFolder,
    name: str,
    coded: pa.Table,
    bucket: Buckets,
    dids: pa.Array,
    keys: pa.Array | None = None,
) -> WrittenPart:
    """Write record events in numbers; as `write_part`.

    Parameters
    ----------
    coded, dids, keys
        As `blueattr.partitions.rows.of_coded` takes them.
    bucket
        Of each of `dids`.
    """
    times, revs = (coded[each].combine_chunks() for each in ("event_time", "rev"))
    by = (
        week_of(times, revs),
        bucket[coded["account"].to_numpy()].astype(np.int64),
        coded["collection"].to_numpy().astype(np.int64),
        times.cast(pa.int64()).fill_null(-1).to_numpy(),
        coded["rkey"].to_numpy(),
        revs.to_numpy().astype(np.int64),
    )
    return write_part(folder, name, by, lambda places: of_coded(coded.take(places), dids, keys))


def write_staged(
    folder: PartitionFolder, name: str, frame: pl.DataFrame, buckets: int
) -> WrittenPart:
    """Write rows that have some of the columns of ``staged``; as `write_part`."""
    table = frame.to_arrow()
    staged = pa.table(
        [
            table[each.name].cast(each.type)
            if each.name in table.column_names
            else pa.nulls(len(table), each.type)
            for each in STAGED_WITH_STATUS
        ],
        schema=STAGED_WITH_STATUS,
    )
    revs = pa.array(tid_numbers(staged["rev"].combine_chunks()).astype(np.uint64))
    by = (
        week_of(staged["event_time"].combine_chunks(), revs),
        buckets_of(frame["did"], buckets).astype(np.int64),
        frame["did"].rank("dense").cast(pl.Int64).to_numpy(),
        frame["kind"].rank("dense").cast(pl.Int64).to_numpy(),
        frame["event_time"].to_physical().fill_null(-1).to_numpy(),
    )
    return write_part(folder, name, by, lambda places: of_staged(staged.take(places)))


def said_file(bucket: int) -> str:
    """Return the file of what others say of the accounts of a bucket."""
    return f"accounts/{bucket_name(bucket)}.parquet"


def files_of_buckets(folder: PartitionFolder, meta: Meta) -> dict[int, list[str]]:
    """Return the files of each bucket that has some, in the order of weeks."""
    known = {part.name for part in meta.parts}
    found: dict[int, list[str]] = {}
    for name in folder.names(EVENTS):
        parsed = _FILE.fullmatch(name)
        if parsed and parsed[2] in known:
            found.setdefault(int(parsed[1]), []).append(name)
    return found


def remove_strangers(folder: PartitionFolder, meta: Meta | None) -> None:
    """Remove files of parts that do not count: somebody was killed who wrote them."""
    known = {part.name for part in meta.parts} if meta else set()
    for name in folder.names(EVENTS):
        parsed = _FILE.fullmatch(name)
        if parsed and parsed[2] not in known:
            folder.remove(name)


class Piles:
    """Tables that are more than memory holds, laid on piles, each of which is taken up whole.

    Parameters
    ----------
    folder
        Where they are written.
    count
        How many piles there are. One alone stays in memory.
    """

    def __init__(self, folder: PartitionFolder, count: int) -> None:
        self._folder = folder
        self._one: list[pa.Table] = []
        self._files = [folder.path(f"{k}.arrow") for k in range(count)] if count > 1 else []
        self._writers: list[pa.RecordBatchFileWriter | None] = [None] * len(self._files)

    def add(self, rows: pa.Table, pile: npt.NDArray[np.intp]) -> None:
        """Lay each row on its pile."""
        if not self._files:
            self._one.append(rows)
            return
        for number in np.unique(pile).tolist():
            mine = rows.take(pa.array(np.flatnonzero(pile == number)))
            writer = self._writers[number]
            if writer is None:
                self._files[number].parent.mkdir(parents=True, exist_ok=True)
                writer = pa.ipc.new_file(str(self._files[number]), rows.schema)
                self._writers[number] = writer
            writer.write_table(mine)

    def take(self) -> Iterator[pa.Table]:
        """Yield the rows of each pile that has some."""
        if self._one:
            yield pa.concat_tables(self._one)
            self._one.clear()
        for writer, file in zip(self._writers, self._files, strict=True):
            if writer is not None:
                writer.close()
                with pa.OSFile(str(file)) as source:
                    yield pa.ipc.open_file(source).read_all()
                file.unlink()
