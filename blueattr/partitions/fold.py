"""A bucket folded: its rows become a store of its own, by the statements of every commit."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from blueattr.decode.chunk import Chunk
from blueattr.errors import StoreError
from blueattr.ingest.read import read_source
from blueattr.partitions.folder import PartitionFolder
from blueattr.partitions.meta import Meta, load_notes
from blueattr.partitions.parting import said_file
from blueattr.partitions.rows import EVENT, KINDS, named_rows, staged_of
from blueattr.store.commit.checkpoint import SourceState
from blueattr.store.commit.writer import Writer

__all__ = ["BucketRows", "fold_bucket"]


_NO_LINES = np.zeros((0, 2), np.int64)
_KEY_TEXTS = ("rkey_text", "subject_rkey_text", "root_rkey_text", "other_rkey_text")


@dataclass
class BucketRows:
    """The rows of a bucket, as a source that a store reads.

    Parameters
    ----------
    folder
        Of the partitions.
    files
        Those of the bucket.
    """

    folder: PartitionFolder
    files: tuple[str, ...]
    fingerprint: str = ""
    size: int | None = None
    kind: ClassVar[str] = "import"
    name: ClassVar[str] = "partitions"
    complete: ClassVar[bool] = True

    def chunks(self, position: int = 0) -> Iterator[Chunk]:
        """Yield the rows; see :class:`blueattr.sources.source.Source`."""
        for file in self.files:
            for rows in self.folder.batches(file, EVENT):
                yield _chunk(rows, position)
                position += len(rows)


def _chunk(rows: pa.Table, position: int) -> Chunk:
    is_named = pc.is_in(
        rows["kind"].combine_chunks().dictionary_decode(), value_set=pa.array(KINDS)
    )
    for name in _KEY_TEXTS:
        is_named = pc.and_(is_named, rows[name].combine_chunks().is_null())
    named, others = rows.filter(is_named), rows.filter(pc.invert(is_named))
    return Chunk(
        b"",
        position,
        position,
        position + len(rows),
        account_events=staged_of(others) if len(others) else None,
        named=(named_rows(named) if len(named) else (), None),
        unparsed=_NO_LINES,
    )


def fold_bucket(  # noqa: PLR0917 - what a task is told
    folder: PartitionFolder, meta: Meta, numbers: range, files: tuple[str, ...], db: Path,
    memory: int,
) -> None:  # fmt: skip
    """Make a store of the records whose authors are in a bucket, or in one of several.

    Parameters
    ----------
    folder, meta
        The partitions.
    numbers
        Of these buckets.
    files
        Their files of events.
    db
        The store, which is not there.
    memory
        Bytes the process may use.
    """
    source = BucketRows(folder, files)
    with Writer(db, memory) as writer:
        _, failure = read_source(writer, source, SourceState(source.name, source.kind), None)
        if failure:
            raise StoreError(failure)
        with writer.transaction():
            load_notes(writer, {"kept_from": meta.notes["kept_from"]})
            for said in map(said_file, numbers):
                if folder.exists(said):
                    writer.register("given", folder.rows(said))
                    writer.run("partitions/said")
        writer.unregister("given")
