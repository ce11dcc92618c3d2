"""The store: one DuckDB file, opened, migrated and queried; the engine is known here only.

What appends to it is in `blueattr.writer`. A lock file keeps a second writer out for as long as
there is one; the file itself is attached only while it is read or committed to.
"""

import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Self

import duckdb
import polars as pl
import pyarrow as pa

from blueattr.errors import PatternError, StoreBusyError, StoreError, StoreVersionError
from blueattr.file_lock import FileLock, FileLockHeld
from blueattr.provenance import Gap, Window

__all__ = ["DEFAULT_MEMORY", "Lock", "Status", "Store"]

DEFAULT_MEMORY = 4 << 30
"""Bytes the whole process may use, unless told otherwise."""

# What Python, Arrow and a batch of lines need beside DuckDB's own buffers.
_OUTSIDE_DUCKDB = 800 << 20
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


class Lock:
    """The right to write to a store, which one process has at a time.

    Parameters
    ----------
    path
        The store; the lock is the file beside it with ``.lock`` at its end, made with its folder
        if it is not there. The process that has it is named in it.

    Raises
    ------
    StoreBusyError
        Another process has it.
    StoreError
        The file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = FileLock(Path(f"{path}.lock"))
        except FileLockHeld as held:
            raise StoreBusyError(
                f"process {held.holder} is ingesting into {path}; wait for it, or use another --db"
            ) from None
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error.strerror}") from None

    def close(self) -> None:
        """Let another process have it."""
        self._file.close()


class Store:
    """A store opened for reading.

    Parameters
    ----------
    path
        The DuckDB file. Use :meth:`open`, which also migrates an older one.
    memory
        Bytes the whole process may use.
    """

    # Bytes that DuckDB may use as a rule, whatever the process may.
    _engine_most = sys.maxsize

    def __init__(self, path: Path, memory: int = DEFAULT_MEMORY) -> None:
        self.path = path
        # Whether another thread, waiting for the file, is to wait no more.
        self._given_up = threading.Event()
        self._engine_all = max(memory - _OUTSIDE_DUCKDB, memory // 2)
        self._connection = duckdb.connect(
            config={
                "memory_limit": f"{min(self._engine_all, self._engine_most)}B",
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
                with closing(Lock(path)), store._attached():
                    store._migrate()
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
            except duckdb.Error as error:
                holder = _holder(error)
                if holder is None:
                    done = "opened" if isinstance(error, duckdb.IOException) else "read"
                    raise StoreError(
                        f"{self.path} cannot be {done}: {_first_line(error)}"
                    ) from None
                if time.monotonic() > deadline or self._given_up.is_set():
                    raise StoreBusyError(
                        f"{self.path} is in use by process {holder}; try again when it is done"
                    ) from None
                if not told and time.monotonic() > deadline - patience + 2:
                    sys.stderr.write(f"waiting for process {holder}, which uses {self.path}\n")
                    told = True
                self._given_up.wait(wait)
                wait = min(wait * 1.5, 0.5)
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
    def _attached(self) -> Iterator[None]:
        self._attach(read_only=False, patience=_WRITER_PATIENCE)
        try:
            yield
        finally:
            with self._errors():
                self._detach()

    def _migrate(self) -> None:
        """Bring the file, attached for writing, to the newest schema; the lock is the caller's."""
        known = self._version()
        self.run("ingest/tid_number")
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


def _holder(error: Exception) -> str | None:
    """Name the process that has the file, if that is what is wrong; it may be this one."""
    if "is already attached" in str(error):
        return str(os.getpid())
    holder = re.search(r"lock is held.*?PID (\d+)", str(error))
    return holder[1] if holder else None


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
