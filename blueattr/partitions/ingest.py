"""Sources straight into partitions: rows by commits, each of which is a part of the folder."""

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from blueattr.decode.clock import Now
from blueattr.decode.record_events import RecordEvents
from blueattr.errors import OutputError, StoreBusyError, UsageError
from blueattr.file_lock import FileLock, FileLockHeld
from blueattr.ingest.read import Progress, read_all
from blueattr.ingest.result import Ingested
from blueattr.partitions.folder import META, PartitionFolder
from blueattr.partitions.meta import Meta, check_buckets, load_notes, read_notes
from blueattr.partitions.parting import (
    INGESTED,
    remove_strangers,
    write_coded,
    write_staged,
)
from blueattr.partitions.rows import buckets_of
from blueattr.sources import files
from blueattr.store.commit import fold
from blueattr.store.commit.checkpoint import SourceState
from blueattr.store.commit.collected import Collected
from blueattr.store.commit.writer import Writer
from blueattr.store.database import DEFAULT_MEMORY
from blueattr.store.engine.memory import Shares

__all__ = ["ingest_partitions"]


_WORK = "ingest.work"
_LOCK = "ingest.lock"


def ingest_partitions(
    place: Path,
    arguments: list[str],
    buckets: int | None = None,
    *,
    memory: int = DEFAULT_MEMORY,
    progress: Progress | None = None,
    now: Now = time.time,
) -> Ingested:
    """Read files of Jetstream lines into partitions.

    Parameters
    ----------
    place
        A folder that is not there, or that was filled by this function.
    arguments
        As for :func:`blueattr.sources.files.find`.
    buckets
        How many parts the accounts are put into; 1,024 by default, or as many as there are.
    memory, progress, now
        As for :func:`blueattr.ingest.read.ingest_sources`.

    Returns
    -------
    Ingested
        Its ``events_before`` and ``events_after`` count rows, of which a record may have several.
        If nothing of a new folder was kept and something failed, the folder is gone again.

    Raises
    ------
    UsageError
        There cannot be so many buckets, or there are others already.
    InputError
        A file is not there.
    OutputError
        The partitions are of a store, or cannot be written.
    StoreBusyError
        Another process ingests into them.
    """
    if buckets is not None:
        check_buckets(buckets)
    passed_over: list[str] = []
    # Of a folder that has the partitions in it, these are no source.
    mine = place.resolve()
    sources = [
        source
        for source in files.find(arguments, "file", passed_over, Shares.of(memory).window)
        if mine not in Path(source.name).parents
    ]
    folder = PartitionFolder(place)
    with _alone(folder):
        is_new = not folder.exists(META)
        meta = _meta(folder, buckets)
        folder.remove_all(_WORK)
        remove_strangers(folder, meta)
        try:
            with _PartWriter(folder, meta, memory, now) as writer:
                done = read_all(writer, sources, progress)
                writer.finish()
                after = writer.meta.rows
        finally:
            folder.remove_all(_WORK)
        if is_new and done.kept_nothing and done.failures:
            folder.remove(META)
    return replace(
        done, events_before=meta.rows, events_after=after, passed_over=tuple(passed_over)
    )


def _meta(folder: PartitionFolder, buckets: int | None) -> Meta:
    """Return what is known of a folder, to which rows can be added."""
    if not folder.exists(META):
        return Meta(1024 if buckets is None else buckets)
    meta = Meta.read(folder)
    if buckets not in {None, meta.buckets}:
        raise UsageError(
            f"{folder} has {meta.buckets:,} buckets, and cannot have {buckets:,}; leave out "
            "--buckets, or name another folder"
        )
    if not all(part.name.startswith(INGESTED) for part in meta.parts):
        raise OutputError(
            f"{folder} was exported from a store, which alone knows who is forgotten; ingest into "
            "that store and export it again, or name another folder"
        )
    return meta


@contextmanager
def _alone(folder: PartitionFolder) -> Iterator[None]:
    """Keep others from writing to a folder, which is made; it goes if nothing comes into it."""
    path = folder.path(_LOCK)
    was_there = folder.exists()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
    except FileLockHeld as held:
        raise StoreBusyError(
            f"process {held.holder} is writing to {folder}; wait for it, or name another folder"
        ) from None
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror}") from None
    with lock:
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            if not was_there and not folder.exists(META) and not folder.names():
                folder.remove_all("")


class _PartWriter(Writer):
    """A writer whose commits become parts; only what is noted of sources is in its own file.

    Parameters
    ----------
    folder
        Of the partitions.
    meta
        What it has.
    memory, now
        As for `Writer`.
    """

    def __init__(self, folder: PartitionFolder, meta: Meta, memory: int, now: Now) -> None:
        super().__init__(folder.path(f"{_WORK}/notes.duckdb"), memory, now=now)
        self._folder = folder
        self.meta = meta
        """The folder as the last commit left it."""
        with self.transaction():
            load_notes(self, meta.notes)
        # A commit has a file for each bucket, so that many rows should wait where there are many.
        self.records = meta.rows

    def _fold(
        self,
        states: tuple[SourceState, ...],
        account_events: pa.Table | None,
        record_events: RecordEvents,
        said: Mapping[str, pa.Table],
        collected: Collected | None,
    ) -> int:
        del said, collected  # files of lines have none
        self._stage_accounts(account_events)
        meta = self._with_rows(_name(states, self.meta), record_events)
        try:
            with self._transaction():
                fold.note(self, states)
                meta = replace(meta, notes=read_notes(self))
        finally:
            self.unregister(*fold.REGISTERED)
        # From here on the rows count, and the sources are as far as that.
        meta.write(self._folder)
        self.meta = meta
        self.run("store/commit/batch/staging")
        return meta.rows

    def _with_rows(self, name: str, events: RecordEvents) -> Meta:
        meta = self.meta
        dids = events.dids()["did"].combine_chunks().cast(pa.string())
        if len(dids):
            coded, _ = events.tables(np.arange(len(dids), dtype=np.uint32))
            of = buckets_of(dids.to_pylist(), meta.buckets)
            part = write_coded(self._folder, f"{name}-records", coded, of, dids)
            meta = meta.with_part(part)
        others = self.frame("partitions/ingest/staged")
        if len(others):
            part = write_staged(self._folder, f"{name}-others", others, meta.buckets)
            meta = meta.with_part(part)
        return meta


def _name(states: Sequence[SourceState], meta: Meta) -> str:
    """Name a part by what it is of; after a kill the same rows get the same name."""
    read = [(state.name, state.fingerprint, state.position) for state in states]
    digest = hashlib.sha256(repr((len(meta.parts), read)).encode()).hexdigest()
    return f"{INGESTED}{digest[:16]}"
