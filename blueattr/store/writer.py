"""The writer: a store opened for ingesting, the one at a time.

An ingest decodes into memory (`blueattr.store.batch`) and attaches the file for each commit only
(`blueattr.store.committer`, `blueattr.store.fold`), so that readers get their turn while it runs.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import polars as pl
import pyarrow as pa

from blueattr.decode.chunk import Chunk
from blueattr.decode.record_events import RecordEvents
from blueattr.errors import StoreError
from blueattr.store import fold
from blueattr.store.batch import Batch
from blueattr.store.checkpoint import SourceState, Span
from blueattr.store.committer import Committer, ThreadCommitter
from blueattr.store.database import DEFAULT_MEMORY, Store
from blueattr.store.lock import LOCK_PATIENCE, Lock

__all__ = ["Writer"]


class Writer(Store):
    """A store opened for ingesting: the one writer, which lets readers in between commits.

    Parameters
    ----------
    path
        The DuckDB file; made, with its folder, if it is not there.
    memory
        Bytes the whole process may use.
    committer
        Runs the commits; in a thread, by default.
    patience
        Seconds that a commit waits for readers; ten minutes by default.
    lock_patience
        Seconds to wait for another writer.

    Raises
    ------
    StoreBusyError
        Another process is writing to it.
    """

    # A larger buffer pool does not speed up appends.
    _engine_most = 640 << 20

    records: int
    """About how many rows the table of records has."""

    def __init__(
        self,
        path: Path,
        memory: int = DEFAULT_MEMORY,
        committer: Callable[[], Committer] | None = None,
        *,
        patience: float | None = None,
        lock_patience: float = LOCK_PATIENCE,
    ) -> None:
        if patience is not None:
            self._writer_patience = patience
        self._lock = Lock(path, lock_patience)
        super().__init__(path, memory)
        self._committer = (
            committer() if committer else ThreadCommitter(self._given_up, self._interrupt)
        )
        try:
            if not path.exists():
                self._create()
            with self._attached():
                self._migrate()
                self.records = self._count_records()
            # A few keys are looked for one by one: a Bloom filter of them would let some row pass
            # of every vector of the store, whose other columns are then read as well.
            self._connection.execute("SET dynamic_or_filter_threshold = 1000")
            self.run("store/batch/tid_number")
            self.run("store/batch/staging")
            self._batch = Batch(self, self.finish)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Release the file and the lock, after the commit that is under way."""
        try:
            self._committer.close()
        finally:
            super().close()
            self._lock.close()

    def source(self, name: str) -> SourceState | None:
        """Return what the store knows of a source, or None."""
        return self.sources([name]).get(name)

    def sources(self, names: Iterable[str] | None = None) -> dict[str, SourceState]:
        """Return what the store knows of sources, by their names; of all of its, by default."""
        self.finish()
        wanted = None if names is None else list(names)
        with self._attached():
            rows = self.frame("store/source_states", names=wanted).to_dicts()
            states = {row["name"]: SourceState(**row) for row in rows}
            for name, reason, lines, samples in self.frame(
                "store/rejected", names=wanted
            ).iter_rows():
                kept = [(sample["position"], sample["sample"]) for sample in samples or []]
                states[name].reject(reason, lines, kept)
            for name, earlier, *span in self.frame("store/spans", names=wanted).iter_rows():
                states[name].spans.append(Span(*span))
                states[name].earlier_spans = earlier
        return states

    def count_events(self) -> int:
        """Return how many events the store holds."""
        self.finish()
        with self._attached():
            return int(self.frame("store/event_count")["events"][0])

    def stage(self, chunk: Chunk, state: SourceState, *, later: bool = False) -> SourceState:
        """Decode whole lines and let their rows, or those that never were lines, wait for a commit.

        Parameters
        ----------
        chunk
            What follows ``state.position`` in the source.
        later
            Let unusual lines wait too, until :meth:`settle` or there are many: one statement for
            all is cheaper than one for each chunk. Only for sources that are known by bytes.

        Returns
        -------
        SourceState
            `state` with the lines counted and its position after them.
        """
        return self._batch.stage(chunk, state, later=later)

    def settle(self, state: SourceState) -> SourceState:
        """Decode the unusual lines that wait.

        Returns
        -------
        SourceState
            `state` with what became of them.
        """
        return self._batch.settle(state)

    @property
    def waiting(self) -> tuple[int, int]:
        """Rows that wait for a commit, at most, and about as many bytes as they take."""
        return self._batch.size

    def commit(self, state: SourceState, *, wait: bool = True) -> SourceState:
        """Fold what waits into the store and note the source's position, in one transaction.

        Parameters
        ----------
        state
            Of the source that was read last.
        wait
            Be done with it on return. Otherwise what is staged meanwhile is for the next commit,
            and what this one raises comes from :meth:`finish`, which every other use of the store
            begins with.

        Returns
        -------
        SourceState
            What to go on with: `state` without the spans that are complete, which the store has.

        Raises
        ------
        ValueError
            Unusual lines wait to be settled.
        """
        if not self._batch.is_settled:
            raise ValueError("lines wait to be decoded; call settle() before commit()")
        self.finish()
        self._committer.start(partial(self._commit, state, *self._batch.take()))
        if wait:
            self.finish()
        return state.after_commit()

    def finish(self) -> None:
        """Wait for the commit that is under way, if there is one.

        Raises
        ------
        StoreError
            It failed, and changed nothing. So says every later call: what followed it must not be
            committed without it.
        """
        records = self._committer.finish()
        if records is not None:
            self.records = records

    def _commit(
        self, state: SourceState, account_events: pa.Table | None, record_events: RecordEvents
    ) -> int:
        """Commit, and return how many rows the table of records has."""
        if account_events is not None:
            self.register("account_events", account_events)
            try:
                self.run("store/batch/stage_account_events")
            finally:
                self.unregister("account_events")
        try:
            with self._transaction():
                if state.kind == "plc":
                    fold.fold_directory(self, state)
                else:
                    limits = self._engine_usual, self._engine_all
                    fold.fold(self, record_events, state, limits)
                records = self._count_records()
        finally:
            # Not within the transaction, which an error would have left unable to.
            self.unregister(*fold.REGISTERED)
        self._limit_memory(self._engine_usual)
        self.run("store/batch/staging")
        return records

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Attach the file for statements that are done all together or not at all."""
        self.finish()
        with self._transaction():
            yield

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._attached(), self._errors(), self._in_transaction():
            yield

    def _count_records(self) -> int:
        return int(self.frame("store/records")["records"][0])

    def hydrate(self, answers: pl.DataFrame) -> None:
        """Fold answers of an AppView into the store, in one transaction.

        Parameters
        ----------
        answers
            Columns ``account`` (uint32, each once), ``asked_at`` (naive UTC), ``found`` (bool),
            ``followers`` (int64, null where unknown), ``created_at`` (naive UTC, likewise).
        """
        self.finish()
        self.register("answers", answers)
        try:
            with self._attached(), self._errors(), self._in_transaction():
                self.run("store/fold/hydration")
        finally:
            self.unregister("answers")

    def _create(self) -> None:
        # Under another name first: a file of which only a part was written could never be opened.
        new = f"{self.path}.new"
        try:
            Path(new).unlink(missing_ok=True)
            with self._errors():
                self._connection.execute("ATTACH $path AS new", {"path": new})
                self._connection.execute("DETACH new")
            Path(new).rename(self.path)
        except OSError as error:
            raise StoreError(f"cannot write {self.path}: {error.strerror}") from None
