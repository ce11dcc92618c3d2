"""The store: one DuckDB file, opened, migrated, appended to and queried here and nowhere else.

The file is attached only while it is read or committed to. An ingest decodes into memory and
attaches the file for each commit, so that readers get their turn while it runs; a lock file keeps
a second writer out for the whole of an ingest.
"""

import fcntl
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Self

import duckdb
import polars as pl
import pyarrow as pa

from blueattr import events, staging
from blueattr.errors import PatternError, StoreBusyError, StoreError, StoreVersionError
from blueattr.provenance import Gap, Window
from blueattr.sources import BY_BYTES, Chunk, SourceState, Span

__all__ = ["DEFAULT_MEMORY", "Status", "Store", "Writer"]

DEFAULT_MEMORY = 4 << 30
"""Bytes the whole process may use, unless told otherwise."""

# What Python, Arrow and a batch of lines need beside DuckDB's own buffers.
_OUTSIDE_DUCKDB = 800 << 20
# What an ingest gives DuckDB at most: more would only keep pages of the store that it seldom needs.
_WRITER_MEMORY = 768 << 20
# Bytes of unusual lines that may wait for one statement.
_MOST_UNUSUAL = 8 << 20
# Records of a summarised day that may change, beside a twentieth of them, before it is summarised
# anew rather than corrected further.
_SLACK = 1000
_READER_PATIENCE = 120.0
_WRITER_PATIENCE = 600.0


@cache
def _sql(name: str) -> str:
    return (resources.files("blueattr.sql") / f"{name}.sql").read_text(encoding="utf-8")


@cache
def _migrations() -> tuple[tuple[int, str, str], ...]:
    files = (resources.files("blueattr.sql") / "schema").iterdir()
    found = sorted(f.name for f in files if f.name.endswith(".sql"))
    return tuple((int(n.split("_")[0]), n, _sql(f"schema/{n.removesuffix('.sql')}")) for n in found)


@dataclass(frozen=True, slots=True)
class Status:
    """What is in a store; each frame is the rows of its statement in ``sql/read``.

    Parameters
    ----------
    path, size
        The file, and its bytes.
    totals
        Of events, accounts and so on.
    days
        Events by UTC day and kind.
    sources
        What was read, and how far.
    rejected
        Samples of rejected lines with the count of their reason.
    coverage, gaps
        Time that sources cover, and time between that none does.
    """

    path: Path
    size: int
    totals: dict[str, int]
    days: pl.DataFrame
    sources: pl.DataFrame
    rejected: pl.DataFrame
    coverage: tuple[Window, ...]
    gaps: tuple[Gap, ...]


class Store:
    """A store opened for reading.

    Parameters
    ----------
    path
        The DuckDB file. Use :meth:`open`, which also migrates an older one.
    memory
        Bytes the whole process may use.
    """

    def __init__(self, path: Path, memory: int = DEFAULT_MEMORY) -> None:
        self.path = path
        self._connection = duckdb.connect(
            config={
                "memory_limit": f"{_engine_memory(memory)}B",
                "temp_directory": f"{path}.tmp",
                # Rows are ordered where it matters; the rest may be parallel.
                "preserve_insertion_order": False,
            }
        )
        self._connection.execute("SET TimeZone = 'UTC'")
        # After two seconds of a query it would draw on stdout, over the results.
        self._connection.execute("SET enable_progress_bar = false")

    @classmethod
    def open(cls, path: Path, memory: int = DEFAULT_MEMORY) -> Self:
        """Open an existing store for reading, migrating it forward where it is older.

        Raises
        ------
        StoreError
            There is no such file, or it is not a store.
        StoreBusyError
            A writer did not let go of it in two minutes.
        StoreVersionError
            A newer version of blueattr wrote it.
        """
        if not path.exists():
            raise StoreError(f"there is no store at {path}; make one with: blueattr ingest FILE")
        store = cls(path, memory)
        try:
            store._attach(read_only=True, patience=_READER_PATIENCE)
            if store._version() < _migrations()[-1][0]:
                store._detach()
                with Writer(path, memory):
                    pass
                store._attach(read_only=True, patience=_READER_PATIENCE)
        except BaseException:
            store.close()
            raise
        return store

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def run(self, query: str, **parameters: Any) -> None:
        """Execute the statement in ``sql/<query>.sql`` with the parameters it names."""
        with self._errors():
            self._connection.execute(_sql(query), parameters).fetchall()

    def frame(self, query: str, **parameters: Any) -> pl.DataFrame:
        """Rows of the statement in ``sql/<query>.sql``."""
        with self._errors():
            rows: pl.DataFrame = self._connection.sql(_sql(query), params=parameters).pl()
            return rows

    def batches(self, query: str, rows: int, **parameters: Any) -> Iterator[pa.RecordBatch]:
        """Rows of the statement in ``sql/<query>.sql``, so many at a time."""
        with self._errors():
            yield from self._connection.sql(_sql(query), params=parameters).to_arrow_reader(rows)

    def check_pattern(self, pattern: str) -> None:
        """Ask the engine (RE2, linear time) whether it takes a regular expression.

        Raises
        ------
        PatternError
            It does not: a syntax it has not, or too large.
        """
        try:
            self._connection.execute("SELECT regexp_matches('', $1)", [f"(?i){pattern}"]).fetchall()
        except duckdb.Error as error:
            raise PatternError(
                f"the pattern {pattern!r} is refused: {_first_line(error)}"
            ) from None

    def register(self, name: str, frame: Any) -> None:
        """Let statements read an Arrow table or Polars frame under this name."""
        self._connection.register(name, frame)

    def unregister(self, name: str) -> None:
        """Undo :meth:`register`."""
        self._connection.unregister(name)

    def _version(self) -> int:
        try:
            query = "SELECT max(version)::INTEGER FROM migration"
            rows = self._connection.execute(query).fetchall()
        except (duckdb.CatalogException, duckdb.BinderException, duckdb.ConversionException):
            content = self._connection.execute(
                "SELECT 1 FROM duckdb_tables() WHERE database_name = 'store' UNION ALL "
                "SELECT 1 FROM duckdb_views() WHERE database_name = 'store' AND NOT internal"
            ).fetchall()
            if content:
                raise StoreError(
                    f"{self.path} is a DuckDB file, but not a blueattr store"
                ) from None
            return 0
        return int(rows[0][0] or 0)

    def _attach(self, *, read_only: bool, patience: float) -> None:
        deadline = time.monotonic() + patience
        wait, told = 0.01, False
        while True:
            try:
                options = " (READ_ONLY)" if read_only else ""
                self._connection.execute(
                    f"ATTACH $path AS store{options}", {"path": str(self.path)}
                )
                break
            except duckdb.IOException as error:
                holder = re.search(r"lock is held.*?PID (\d+)", str(error))
                if holder is None:
                    raise StoreError(f"cannot open {self.path}: {_first_line(error)}") from None
                if time.monotonic() > deadline:
                    raise StoreBusyError(
                        f"{self.path} is in use by process {holder[1]}; try again when it is done"
                    ) from None
                if not told and time.monotonic() > deadline - patience + 2:
                    sys.stderr.write(f"waiting for process {holder[1]}, which uses {self.path}\n")
                    told = True
                time.sleep(wait)
                wait = min(wait * 1.5, 0.5)
            except duckdb.Error as error:
                raise StoreError(f"{self.path} cannot be read: {_first_line(error)}") from None
        self._connection.execute("USE store")
        newest = _migrations()[-1][0]
        if self._version() > newest:
            version = self._version()
            self._detach()
            raise StoreVersionError(
                f"{self.path} has schema {version}, written by a newer blueattr; this one knows "
                f"schemas up to {newest}. Update blueattr, or use another --db."
            )

    def _detach(self) -> None:
        self._connection.execute("USE memory")
        self._connection.execute("DETACH store")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except duckdb.OutOfMemoryException as error:
            raise StoreError(
                f"not enough memory ({_first_line(error)}); raise --memory-limit or free disk "
                f"space beside {self.path}"
            ) from None
        except (duckdb.IOException, duckdb.FatalException) as error:
            raise StoreError(f"{self.path}: {_first_line(error)}") from None


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

    records: int
    """How many rows the table of records has."""

    def __init__(self, path: Path, memory: int = DEFAULT_MEMORY) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error.strerror}") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(self._lock, 32).decode(errors="replace").strip() or "unknown"
            os.close(self._lock)
            raise StoreBusyError(
                f"process {holder} is ingesting into {path}; wait for it, or use another --db"
            ) from None
        try:
            os.ftruncate(self._lock, 0)
            os.write(self._lock, str(os.getpid()).encode())
        except OSError as error:
            os.close(self._lock)
            raise StoreError(f"cannot write {path}.lock: {error.strerror}") from None
        super().__init__(path, memory)
        limit = min(_engine_memory(memory), _WRITER_MEMORY)
        self._connection.execute("SET memory_limit = $limit", {"limit": f"{limit}B"})
        try:
            if not path.exists():
                self._create()
            self.run("ingest/tid_number")
            with self._attached():
                self._migrate()
                self.records = self._count_records()
            self._parser = staging.Parser()
            self._unusual: list[pa.Table] = []
            self._forget()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file and of the lock."""
        super().close()
        os.close(self._lock)

    def source(self, name: str) -> SourceState | None:
        """Return what the store knows of a source, or None."""
        with self._attached():
            return self._source(name)

    def sources(self) -> list[SourceState]:
        """Return what the store knows of its sources, by name."""
        with self._attached():
            names = self.frame("read/sources")["name"].to_list()
            return [state for name in names if (state := self._source(name)) is not None]

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
        with self._attached():
            return int(self.frame("read/totals")["events"][0])

    def stage(self, chunk: Chunk, state: SourceState, *, later: bool = False) -> SourceState:
        """Decode whole lines and let their rows wait for the next commit.

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
        stretches = None
        if state.kind != "plc":
            parts, stretches = self._parser.scan(chunk.data, chunk.position)
            for part in parts:
                self._waiting.add(part)
                new.lines += len(part.flag) + part.skipped
                new.kept += len(part.flag)
                new.skipped += part.skipped
                if part.span is not None:
                    new.cover(*part.span)
        batch = events.cut_lines(chunk.data, chunk.position, stretches)
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

    def commit(self, state: SourceState) -> None:
        """Fold what waits into the store and note the source's position, in one transaction.

        Raises
        ------
        ValueError
            Unusual lines wait to be settled.
        """
        if self._unusual:
            raise ValueError("lines wait to be decoded; call settle() before commit()")
        with self.transaction():
            if state.kind == "plc":
                self.run("append/08_plc")
            else:
                self._fold()
            self._note(state)
            records = self._count_records()
        self.records = records
        self._forget()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Attach the file for statements that are done all together or not at all."""
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
        return self._waiting.rows + self._unusual_lines, self._waiting.size + self._unusual_size

    def _count_records(self) -> int:
        return int(self.frame("read/records")["records"][0])

    def _forget(self) -> None:
        self._waiting = staging.Waiting()
        self._unusual_lines = self._unusual_size = 0
        self.run("ingest/staging")
        self.run("ingest/staging_plc")

    def _fold(self) -> None:
        low, high = self._waiting.range()
        self.register("dids", self._waiting.dids())
        try:
            for statement in _ACCOUNTS:
                self.run(statement)
            ids = self.frame("append/04_coded_accounts")["id"].to_numpy()
            self.register("coded", self._waiting.table(ids))
            for statement in _RECORDS:
                self.run(statement)
            self.run("append/17_seen", low=low, high=high)
            self.run("append/18_changed")
            self.run("rollup/days")
            summarised = not self.frame("rollup/summarised_days").is_empty()
            if summarised:
                self.run("rollup/touched")
            for statement in _CHANGES:
                self.run(statement)
            for near in (False, True):
                self.run("append/21_records", low=low, high=high, near=near)
            for statement in _DEPARTED:
                self.run(statement)
            if summarised:
                self._correct()
        finally:
            self.unregister("coded")
            self.unregister("dids")

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

    @contextmanager
    def _attached(self) -> Iterator[None]:
        self._attach(read_only=False, patience=_WRITER_PATIENCE)
        try:
            yield
        finally:
            with self._errors():
                self._detach()

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

    def _migrate(self) -> None:
        known = self._version()
        for version, name, script in _migrations():
            if version <= known:
                continue
            self._connection.begin()
            try:
                self._connection.execute(
                    "CREATE TABLE IF NOT EXISTS migration "
                    "(version INTEGER PRIMARY KEY, name VARCHAR, applied_at TIMESTAMP)"
                )
                self._connection.execute(script)
                self._connection.execute(
                    "INSERT INTO migration VALUES ($1, $2, now()::TIMESTAMP)", [version, name]
                )
                self._connection.commit()
            except BaseException:
                self._connection.rollback()
                raise


_ACCOUNTS = (
    "append/01_batch_accounts",
    "append/02_accounts",
    "append/03_account_status",
    "append/06_handles",
    "append/07_profiles",
)
_RECORDS = (
    "append/10_batch_keys",
    "append/11_keys",
    "append/12_numbered",
    "append/13_versions",
    "append/14_repeated",
    "append/15_folded",
    "append/16_batch",
)
_CHANGES = ("append/19_delete", "append/20_departed")
_DEPARTED = ("append/22_orphaned", "append/23_orphaned_delete", "append/24_orphaned_again")
# What a commit changes of summarised days (blueattr/rollups.py).
_CORRECTIONS = ("rollup/reworded", "rollup/corrections")
_STALE = tuple(
    f"rollup/stale_{table}" for table in ("days", "agents", "given", "topics", "pending", "touched")
)
_CORRECTED = tuple(
    f"rollup/{name}"
    for name in ("correct_agents", "correct_given", "unmatched", "unpended", "pended")
)


def _engine_memory(memory: int) -> int:
    """Bytes that DuckDB may use of those that the process may."""
    return max(memory - _OUTSIDE_DUCKDB, memory // 2)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
