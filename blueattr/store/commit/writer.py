"""The writer: a store opened for ingesting, the one at a time.

An ingest decodes into memory (`blueattr.store.commit.batch`) and attaches the file for each commit
only (`blueattr.store.commit.committer`, `blueattr.store.commit.fold`), so that readers get their
turn while it runs.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import ClassVar
from uuid import UUID, uuid4

import polars as pl
import pyarrow as pa

from blueattr.atomic import sync
from blueattr.decode.chunk import Chunk
from blueattr.decode.clock import Horizon, Now
from blueattr.decode.record_events import RecordEvents
from blueattr.errors import StoreError
from blueattr.store.commit import fold
from blueattr.store.commit.batch import Batch
from blueattr.store.commit.checkpoint import SourceState, Span
from blueattr.store.commit.collected import Collected, note_collected
from blueattr.store.commit.committer import Committer, ThreadCommitter
from blueattr.store.database import (
    DEFAULT_MEMORY,
    Store,
    must_exist,
    newest_schema,
)
from blueattr.store.engine.engine import NEW
from blueattr.store.integrity import sums
from blueattr.store.lock import LOCK_PATIENCE, Lock
from blueattr.store.store_file import damaged, store_file
from blueattr.store.stretches import last_near, stretches

__all__ = ["Writer", "remove"]


# The engine compresses rows in groups of so many. A checkpoint may merge groups that are not full,
# and compresses their rows once more. That is for small commits, each of which adds a small group.
# A large one leaves few such groups among full ones, which cost less than to merge them.
_ROW_GROUP = 122_880
_MOST_MERGES = 4


def remove(path: Path) -> None:
    """Remove a store that nothing was written to, and its lock.

    Raises
    ------
    StoreBusyError
        Another process is writing to it.
    StoreError
        It cannot be removed.
    """
    path = store_file(path)
    with closing(Lock(path)) as lock:
        try:
            path.resolve().unlink(missing_ok=True)
            lock.remove()
        except OSError as error:
            raise StoreError(f"cannot remove {path}: {error.strerror}") from None


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
    create
        Whether to make the store if it is not there.
    now
        The clock by which times that lie ahead are refused; the machine's, by default.

    Raises
    ------
    NoStoreError
        It is not there, and is not to be made.
    StoreBusyError
        Another process is writing to it.
    """

    # A few keys are looked for one by one: a Bloom filter of them would let some row pass of every
    # vector of the store, whose other columns are then read as well.
    # And no checkpoint merges row groups, but those of small commits.
    _settings: ClassVar[dict[str, str | int]] = {
        "dynamic_or_filter_threshold": 1000,
        "max_vacuum_tasks": 0,
    }

    records: int
    """About how many rows the table of records has."""

    # Of the shares of memory, what the engine gets as a rule.
    _of_engine = "engine"

    def __init__(
        self,
        path: Path,
        memory: int = DEFAULT_MEMORY,
        committer: Callable[[], Committer] | None = None,
        *,
        patience: float | None = None,
        lock_patience: float = LOCK_PATIENCE,
        create: bool = True,
        now: Now = time.time,
    ) -> None:
        if patience is not None:
            self._writer_patience = patience
        path = store_file(path)
        if not create:
            must_exist(path)
        lock = Lock(path, lock_patience)
        # What the last commit left in the store, for nobody else to have written since.
        self._mark: UUID | None = None
        self.commit_seconds = 0.0
        """How long the last commit took."""
        super().__init__(path, memory)
        self._lock: Lock = lock
        self._committer = (
            committer() if committer else ThreadCommitter(self._given_up, self._interrupt)
        )
        try:
            if not path.exists():
                if not create:
                    must_exist(path)
                self._create()
                self._lock.hold()
            with self._attached():
                self._verify(self._lock.store)
                self._migrate()
                self.records = self._count_records()
                if not sums.is_kept(self):  # as this engine takes them
                    with self._errors(), self._in_transaction():
                        sums.renew(self)
                self._mark = self._read_mark()
            self.run("store/commit/batch/tid_number")
            self.run("store/commit/batch/old_words")
            self.run("store/commit/batch/staging")
            self._batch = Batch(self, self.finish, now)
        except BaseException:
            self._lock.withdraw()
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
        only = None if names is None else list(names)
        try:
            return self._sources(only)
        except KeyError as error:
            raise damaged(
                self.path, f"it has no source {error}, but something that is of it"
            ) from None

    def _sources(self, only: list[str] | None) -> dict[str, SourceState]:
        with self._attached():
            rows = self.frame("store/commit/source_states", names=only).to_dicts()
            states = {row["name"]: SourceState(**row) for row in rows}
            for name, reason, lines, samples in self.frame(
                "store/commit/rejected", names=only
            ).iter_rows():
                kept = [(sample["position"], sample["sample"]) for sample in samples or []]
                states[name].rejected[reason] = lines
                states[name].samples[reason] = kept
            for name, earlier, *span in self.frame("store/commit/spans", names=only).iter_rows():
                states[name].spans.append(Span(*span))
                states[name].begin_span()
                states[name].earlier_spans = earlier
        return states

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Attach the file for statements that read, after the commit that is under way."""
        self.finish()
        with self._attached():
            yield

    def last_near(self) -> datetime | None:
        """Return when the last events are that do not lie far from all others; None without any."""
        self.finish()
        with self._attached():
            return last_near(stretches(self))

    def count_events(self) -> int:
        """Return how many events the store holds."""
        self.finish()
        with self._attached():
            return int(self.frame("store/commit/event_count")["events"][0])

    def stage(self, chunk: Chunk, state: SourceState, *, later: bool = False) -> SourceState:
        """Decode whole lines and let their rows, or those that never were lines, wait for a commit.

        Parameters
        ----------
        chunk
            What follows ``state.position`` in the source.
        later
            Let unusual lines wait too, until :meth:`settle` or there are many: one statement for
            all, also of several sources, is cheaper than one for each chunk. Only for sources that
            are known by bytes.

        Returns
        -------
        SourceState
            `state` with the lines counted and its position after them.
        """
        return self._batch.stage(chunk, state, later=later)

    def settle(self, state: SourceState) -> SourceState:
        """Decode the unusual lines that wait.

        Parameters
        ----------
        state
            Of one of the sources that they are of; each of them is to be settled before a commit.

        Returns
        -------
        SourceState
            `state` with what became of them.
        """
        return self._batch.settle(state)

    def horizon(self) -> Horizon:
        """Read the clock: what lines that are parsed now are held against."""
        return self._batch.horizon()

    @property
    def waiting(self) -> tuple[int, int]:
        """Rows that wait for a commit, at most, and about as many bytes as they take."""
        return self._batch.size

    def commit(
        self, *states: SourceState, wait: bool = True, collected: Collected | None = None
    ) -> SourceState:
        """Fold what waits into the store and note its sources' positions, in one transaction.

        Parameters
        ----------
        states
            Of all sources that have something waiting, each once and of one kind; the one that is
            read on comes last.
        wait
            Be done with it on return. Otherwise what is staged meanwhile is for the next commit,
            and what this one raises comes from :meth:`finish`, which every other use of the store
            begins with.
        collected
            What to note of a topic that is collected.

        Returns
        -------
        SourceState
            What to go on with: the last state without the spans that are complete, which the store
            has.

        Raises
        ------
        ValueError
            Unusual lines wait to be settled.
        """
        if not self._batch.is_settled:
            raise ValueError("lines wait to be decoded; call settle() before commit()")
        self.finish()
        taken = self._batch.take()
        try:
            self._committer.start(partial(self._commit, states, *taken, collected=collected))
            if wait:
                self.finish()
        except KeyboardInterrupt:
            if wait:
                # Who is interrupted while this is waited for will not wait in close() either.
                self.give_up()
            raise
        return states[-1].after_commit()

    def give_up(self) -> None:
        """Let no commit wait any longer, also not in close(): somebody asked to end at once.

        A commit that waits for readers fails, and one under way may; either changes nothing then.
        """
        self._given_up.set()

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
        self,
        states: tuple[SourceState, ...],
        account_events: pa.Table | None,
        record_events: RecordEvents,
        said: Mapping[str, pa.Table],
        *,
        collected: Collected | None = None,
    ) -> int:
        """Commit, and return how many rows the table of records has."""
        began = time.monotonic()
        try:
            return self._fold(states, account_events, record_events, said, collected)
        finally:
            self.commit_seconds = time.monotonic() - began

    def _fold(
        self,
        states: tuple[SourceState, ...],
        account_events: pa.Table | None,
        record_events: RecordEvents,
        said: Mapping[str, pa.Table],
        collected: Collected | None,
    ) -> int:
        self._stage_accounts(account_events)
        try:
            rows, size = record_events.rows, record_events.size
            is_small = states[-1].kind != "plc" and rows < _ROW_GROUP
            may_merge = is_small and self.shares.may_merge(rows, size)
            self._limit_merges(_MOST_MERGES if may_merge else 0)
            with self._transaction():
                if states[-1].kind == "plc":
                    fold.fold_directory(self, states)
                else:
                    limits = self._engine_usual, self._engine_all
                    fold.fold(self, record_events, states, limits, said)
                if collected is not None:
                    note_collected(self, collected)
                records = self._count_records()
        finally:
            # Not within the transaction, which an error would have left unable to.
            self.unregister(*fold.REGISTERED)
        self._limit_memory(self._engine_usual)
        self._limit_merges(0)
        self.run("store/commit/batch/staging")
        return records

    def _stage_accounts(self, account_events: pa.Table | None) -> None:
        """Put account events to the rows of unusual lines."""
        if account_events is not None:
            self.register("account_events", account_events)
            try:
                self.run("store/commit/batch/stage_account_events")
            finally:
                self.unregister("account_events")

    @contextmanager
    def _attached(self) -> Iterator[None]:
        """Attach the file, if it is what this writer left.

        Between commits somebody may put a backup in its place, or another store.
        """
        # The engine would make a store that is not there.
        self._lock.check()
        with super()._attached():
            if self._mark is not None:
                self._lock.check()
                if self._read_mark() != self._mark:
                    raise StoreError(
                        f"{self.path} is not as it was left by the last commit: another copy of it "
                        "was put there, or another process wrote to it. What came since is not in "
                        "it. Run the same command again, to go on from what is there now"
                    )
            yield

    def _read_mark(self) -> UUID | None:
        """Return what only the last commit wrote; None if the file is of another schema."""
        if self._version < newest_schema():
            return None
        mark: UUID = self.rows("store/commit/last_commit")[0][0]
        return mark

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Attach the file for statements that are done all together or not at all."""
        self.finish()
        with self._transaction():
            yield

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Attach the file for a transaction, and leave a mark that no other commit leaves."""
        mark = uuid4()
        with self._attached():
            with self._errors(), self._in_transaction():
                self.run("store/integrity/sums/taken_off")
                self._changes.clear()
                yield
                sums.keep(self, dict(self._changes))
                self.run("store/commit/mark_commit", mark=mark)
            self._mark = mark

    def copy_to(self, path: Path) -> None:
        """Copy all rows to a new file, in their order; whatever fails, the store is as it was.

        Parameters
        ----------
        path
            Where no file is.
        """
        self.finish()
        with self.ample_memory(), self._attached(), self._errors():
            # Spans of a source, and records, are in an order that means something.
            self._connection.execute("SET preserve_insertion_order = true")
            self._connection.execute(
                "ATTACH $path AS fresh (TYPE DUCKDB)", {"path": str(path.absolute())}
            )
            try:
                self._connection.execute("COPY FROM DATABASE store TO fresh")
                self._connection.execute("CHECKPOINT fresh")
            finally:
                self._connection.execute("DETACH fresh")
                self._connection.execute("SET preserve_insertion_order = false")
        with path.open("r+b") as file:
            self._seal(file.fileno())

    def check(self) -> None:
        """Make sure that the store is as this writer left it.

        Raises
        ------
        StoreError
            Another copy was put in its place.
        """
        with self._attached():
            pass

    def _count_records(self) -> int:
        return int(self.frame("store/commit/records")["records"][0])

    def hydrate(self, answers: pl.DataFrame) -> None:
        """Fold answers of an AppView into the store, in one transaction.

        Parameters
        ----------
        answers
            Columns ``account`` (uint32, each once), ``did``, ``asked_at`` (naive UTC), ``found``
            (bool), ``followers`` (int64, null where unknown), ``created_at`` (naive UTC, likewise).
        """
        self.finish()
        self.register("answers", answers)
        try:
            with self._transaction():
                self.run("store/commit/fold/hydration")
        finally:
            self.unregister("answers")

    def _create(self) -> None:
        # Under another name first: a file of which only a part was written could never be opened.
        new = Path(f"{self._file}{NEW}")
        try:
            new.unlink(missing_ok=True)
            with self._errors():
                self._connection.execute("ATTACH $path AS new (TYPE DUCKDB)", {"path": str(new)})
                self._connection.execute("DETACH new")
            sync(new)
            new.rename(self._file)
            sync(self._file.parent)
        except OSError as error:
            raise StoreError(f"cannot write {self.path}: {error.strerror}") from None
