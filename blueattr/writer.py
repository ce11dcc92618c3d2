"""Appending to the store: what an ingest has decoded, folded into the file commit by commit.

An ingest decodes into memory and attaches the file for each commit only, so that readers get their
turn while it runs. It may go on decoding while a commit is under way.
"""

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import polars as pl
import pyarrow as pa

from blueattr import events, staging
from blueattr.errors import StoreError
from blueattr.sources import BY_BYTES, Chunk, SourceState, Span
from blueattr.store import DEFAULT_MEMORY, Lock, Store

__all__ = ["Writer"]

# Bytes of unusual lines that may wait for one statement.
_MOST_UNUSUAL = 8 << 20
# Until a commit is done the engine notes its deletes in memory: so many bytes for each vector of
# the table that has any. What else a fold takes then is less than the second.
_DELETES = 18 << 10
_BESIDE_DELETES = 192 << 20
# Records of a summarised day that may change, beside a twentieth of them, before it is summarised
# anew rather than corrected further.
_SLACK = 1000


class Writer(Store):
    """A store opened for ingesting: the one writer, which lets readers in between commits.

    Parameters
    ----------
    path
        The DuckDB file; made, with its folder, if it is not there.
    memory
        Bytes the whole process may use.

    Raises
    ------
    StoreBusyError
        Another process is ingesting into it.
    """

    # More would only keep pages of the store that an append seldom needs.
    _engine_most = 640 << 20

    records: int
    """About how many rows the table of records has."""

    def __init__(self, path: Path, memory: int = DEFAULT_MEMORY) -> None:
        self._lock = Lock(path)
        super().__init__(path, memory)
        self._committer = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._committing: Future[int] | None = None
        try:
            if not path.exists():
                self._create()
            with self._attached():
                self._migrate()
                self.records = self._count_records()
            # A few keys are looked for one by one: a Bloom filter of them would let some row pass
            # of every vector of the store, whose other columns are then read as well.
            self._connection.execute("SET dynamic_or_filter_threshold = 1000")
            self.run("ingest/tid_number")
            self._parser = staging.Parser()
            self._unusual: list[pa.Table] = []
            self._empty()
            self._forget()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file and of the lock, after a commit that is under way."""
        try:
            if self._committing is not None and not self._given_up.is_set():
                self._committing.exception()
        finally:
            # Asked to end while that was waited for.
            self._given_up.set()
            while self._committing is not None and not self._committing.done():
                self._connection.interrupt()
                time.sleep(0.05)
            self._committer.shutdown()
            super().close()
            self._lock.close()

    def source(self, name: str) -> SourceState | None:
        """Return what the store knows of a source, or None."""
        self.finish()
        with self._attached():
            return self._source(name)

    def sources(self, names: Iterable[str] | None = None) -> dict[str, SourceState]:
        """Return what the store knows of sources, by their names; of all of its, by default."""
        self.finish()
        with self._attached():
            listed = self.frame("read/sources")["name"].to_list() if names is None else names
            states = {name: self._source(name) for name in listed}
            return {name: state for name, state in states.items() if state is not None}

    def _source(self, name: str) -> SourceState | None:
        known = self.frame("read/source", name=name).to_dicts()
        if not known:
            return None
        state = SourceState(**known[0])
        for reason, lines, samples in self.frame("read/rejected", name=name).iter_rows():
            state.reject(reason, lines, [(s["position"], s["sample"]) for s in samples or []])
        state.spans = [Span(*row) for row in self.frame("read/spans", name=name).iter_rows()]
        return state

    def count_events(self) -> int:
        """Return how many events the store holds."""
        self.finish()
        with self._attached():
            return int(self.frame("read/event_count")["events"][0])

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
        later = later and state.kind in BY_BYTES
        if chunk.gap is not None or not later:
            state = self.settle(state)
        new = replace(
            state,
            position=chunk.resume,
            lines=state.lines + chunk.skipped + len(chunk.refused),
            rejected=dict(state.rejected),
            samples={reason: list(lines) for reason, lines in state.samples.items()},
            spans=[replace(span) for span in state.spans],
        )
        if chunk.gap is not None:
            new.spans.append(Span(gap=chunk.gap))
        left = chunk.left
        if state.kind != "plc":
            parts = list(chunk.parsed)
            if left is None:
                scanned, left = self._parser.scan(chunk.data, chunk.position)
                parts = [*scanned, *parts]
            for part in parts:
                self._waiting.add(part)
                new.lines += len(part.flag) + part.skipped
                new.kept += len(part.flag)
                new.skipped += part.skipped
                if part.span is not None:
                    new.cover(*part.span)
            told = [staging.told_rows(part.told) for part in parts if part.told is not None]
            if chunk.told is not None:
                told.append(chunk.told)
            for rows in told:
                self._told.append(rows)
                new.lines += len(rows)
                new.kept += len(rows)
        batch = events.cut_lines(chunk.data, chunk.position, left)
        new.lines += batch.lines
        by_bytes = state.kind in BY_BYTES
        for reason, position, sample in [*chunk.refused, *batch.refused]:
            new.reject(reason, 1, [(position if by_bytes else chunk.position, sample)])
        self._unusual.append(batch.table)
        self._unusual_lines += len(batch.table)
        self._unusual_size += batch.table.nbytes
        if later and sum(table.nbytes for table in self._unusual) < _MOST_UNUSUAL:
            return new
        return self.settle(new, None if by_bytes else chunk.position)

    def settle(self, state: SourceState, position: int | None = None) -> SourceState:
        """Decode the unusual lines that wait.

        Parameters
        ----------
        position
            Where rejected lines are, if not where their bytes are.

        Returns
        -------
        SourceState
            `state` with what became of them.
        """
        lines = pa.concat_tables(self._unusual) if self._unusual else None
        self._unusual.clear()
        if lines is not None and len(lines):
            self.finish()
            self._decode(lines, state.kind)
            state = replace(
                state,
                rejected=dict(state.rejected),
                samples={reason: list(lines) for reason, lines in state.samples.items()},
                spans=[replace(span) for span in state.spans],
            )
            for row in self.frame("ingest/count").iter_rows(named=True):
                if row["verdict"] == "":
                    state.kept += row["lines"]
                elif row["verdict"] != "skip":
                    samples = [
                        (s["position"] if position is None else position, s["sample"])
                        for s in row["samples"]
                    ]
                    state.reject(row["verdict"], row["lines"], samples)
                if row["verdict"] in ("", "skip") and row["first_event"] is not None:
                    state.cover(row["first_event"], row["last_event"])
        skipped = state.lines - state.kept - sum(state.rejected.values())
        return replace(state, skipped=skipped)

    def _stage_told(self, told: pa.Table) -> None:
        self.register("told", told)
        try:
            self.run("ingest/stage_told")
        finally:
            self.unregister("told")

    def _decode(self, lines: pa.Table, kind: str) -> None:
        self.register("lines", lines)
        try:
            if kind == "plc":
                self.run("ingest/decode_plc", plc=events.PLC, handle=events.HANDLE)
            else:
                self.run(
                    "ingest/decode_lines",
                    v1=events.V1,
                    frame=events.FRAME,
                    any=events.ANY,
                    did=events.DID,
                    at_uri=events.AT_URI,
                    handle=events.HANDLE,
                )
        finally:
            self.unregister("lines")
        self.run("ingest/stage_plc" if kind == "plc" else "ingest/stage")

    def commit(self, state: SourceState, *, wait: bool = True) -> None:
        """Fold what waits into the store and note the source's position, in one transaction.

        Parameters
        ----------
        state
            Of the source that was read last.
        wait
            Be done with it on return. Otherwise what is staged meanwhile is for the next commit,
            and what this one raises comes from :meth:`finish`, which every other use of the store
            begins with.

        Raises
        ------
        ValueError
            Unusual lines wait to be settled.
        """
        if self._unusual:
            raise ValueError("lines wait to be decoded; call settle() before commit()")
        self.finish()
        told, waiting = self._told, self._waiting
        self._empty()
        self._committing = self._committer.submit(self._commit, state, told, waiting)
        if wait:
            self.finish()

    def finish(self) -> None:
        """Wait for the commit that is under way, if there is one.

        Raises
        ------
        StoreError
            It failed, and changed nothing. So says every later call: what followed it must not be
            committed without it.
        """
        if self._committing is not None:
            try:
                self.records = self._committing.result()
            except BaseException:
                # Who is interrupted here will not wait in close() either.
                if not self._committing.done():
                    self._given_up.set()
                raise
            self._committing = None

    def _commit(self, state: SourceState, told: list[pa.Table], waiting: staging.Waiting) -> int:
        if told:
            self._stage_told(pa.concat_tables(told).combine_chunks())
        try:
            with self._transaction():
                if state.kind == "plc":
                    self.run("append/08_plc")
                else:
                    self._fold(waiting)
                self._note(state)
                records = self._count_records()
        finally:
            # Not within a transaction, which an error would have left unable to.
            self.unregister("coded")
            self.unregister("dids")
        self._allow(0)
        self._forget()
        return records

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Attach the file for statements that are done all together or not at all."""
        self.finish()
        with self._transaction():
            yield

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._attached(), self._errors():
            self._connection.begin()
            try:
                yield
                self._connection.commit()
            except BaseException:
                self._connection.rollback()
                raise

    @property
    def waiting(self) -> tuple[int, int]:
        """Rows that wait for a commit, at most, and about as many bytes as they take."""
        rows = self._waiting.rows + self._unusual_lines + sum(map(len, self._told))
        size = self._waiting.size + self._unusual_size
        return rows, size + sum(table.nbytes for table in self._told)

    def _count_records(self) -> int:
        return int(self.frame("read/records")["records"][0])

    def _empty(self) -> None:
        self._waiting = staging.Waiting()
        self._told: list[pa.Table] = []
        self._unusual_lines = self._unusual_size = 0

    def _forget(self) -> None:
        self.run("ingest/staging")
        self.run("ingest/staging_plc")

    def _fold(self, waiting: staging.Waiting) -> None:
        low, high = waiting.range()
        self.register("dids", waiting.dids())
        for statement in _ACCOUNTS:
            self.run(statement)
        ids = self.frame("append/04_coded_accounts")["id"].to_numpy()
        self.register("coded", waiting.table(ids))
        for statement in _RECORDS:
            self.run(statement)
        self.run("append/17_seen", low=low, high=high)
        self.run("append/18_changed")
        self.run("append/19_orphaned")
        self.run("rollup/days")
        summarised = not self.frame("rollup/summarised_days").is_empty()
        if summarised:
            self.run("rollup/touched")
        vectors = int(self.frame("append/20_scattered")["vectors"][0])
        self._allow(_BESIDE_DELETES + vectors * _DELETES)
        for statement in _CHANGES:
            self.run(statement)
        for near in (False, True):
            self.run("append/22_records", low=low, high=high, near=near)
        self.run("append/23_orphaned_again")
        if summarised:
            self._correct()

    def _allow(self, size: int) -> None:
        """Let the engine have so many bytes if it needs more than it has as a rule."""
        limit = min(max(size, self._engine_most), self._engine_all)
        with self._errors():
            self._connection.execute("SET memory_limit = $limit", {"limit": f"{limit}B"})

    def _correct(self) -> None:
        for statement in _CORRECTIONS:
            self.run(statement)
        self.run("rollup/stale", slack=_SLACK)
        if len(self.frame("rollup/stale_count")):
            for statement in _STALE:
                self.run(statement)
        for statement in _CORRECTED:
            self.run(statement)

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
            with self._attached():
                self.run("append/09_hydration")
        finally:
            self.unregister("answers")

    def _note(self, state: SourceState) -> None:
        self.run(
            "append/90_source",
            **{
                name: getattr(state, name)
                for name in SourceState.__dataclass_fields__
                if name not in ("rejected", "samples", "spans")
            },
        )
        self.run("append/95_spans_clear", name=state.name)
        for span in state.spans:
            self.run(
                "append/96_span",
                name=state.name,
                first_event=span.first_event,
                last_event=span.last_event,
                gap=span.gap,
            )
        self.run("append/91_rejected_clear", name=state.name)
        self.run("append/92_rejected_sample_clear", name=state.name)
        for reason, lines in state.rejected.items():
            self.run("append/93_rejected", name=state.name, reason=reason, lines=lines)
            for position, sample in state.samples.get(reason, []):
                self.run(
                    "append/94_rejected_sample",
                    name=state.name,
                    reason=reason,
                    position=position,
                    sample=sample,
                )

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


_ACCOUNTS = (
    "append/01_batch_accounts",
    "append/02_accounts",
    "append/03_departing",
    "append/05_account_status",
    "append/06_handles",
    "append/06_handles_gone",
    "append/06_handles_new",
    "append/07_profiles",
    "append/07_profiles_gone",
    "append/07_profiles_new",
)
_RECORDS = (
    "append/10_batch_keys",
    "append/11_keys",
    "append/12_numbered",
    "append/13_versions",
    "append/14_met",
    "append/15_folded",
    "append/16_batch",
)
_CHANGES = ("append/20_delete", "append/21_departed")
# What a commit changes of summarised days (blueattr/rollups.py).
_CORRECTIONS = ("rollup/reworded", "rollup/corrections")
_STALE = tuple(
    f"rollup/stale_{table}" for table in ("days", "agents", "given", "topics", "pending", "touched")
)
_CORRECTED = tuple(
    f"rollup/{name}"
    for name in ("correct_agents", "correct_given", "unmatched", "unpended", "pended")
)
