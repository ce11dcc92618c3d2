"""The store: one DuckDB file, opened, migrated and queried; the engine is known here only.

What appends to it is in `blueattr.store.writer`. The file is attached only while it is read or
committed to.
"""

import logging
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Self

import duckdb
import polars as pl
import pyarrow as pa

from blueattr.errors import PatternError, StoreBusyError, StoreError, StoreVersionError
from blueattr.store.lock import Lock

__all__ = ["DEFAULT_MEMORY", "Store"]


DEFAULT_MEMORY = 4 << 30
"""Bytes the whole process may use, unless told otherwise."""


# What Python, Arrow and a batch of lines need beside DuckDB's own buffers.
_OUTSIDE_DUCKDB = 800 << 20
_READER_PATIENCE = 120.0
_WRITER_PATIENCE = 600.0
# Seconds of waiting for another process before it is worth a warning.
_WARN_AFTER = 2.0


_LOG = logging.getLogger("blueattr.store.database")

_LOG.addHandler(logging.NullHandler())


@cache
def _sql(name: str) -> str:
    return (resources.files("blueattr.sql") / f"{name}.sql").read_text(encoding="utf-8")


@cache
def _migrations() -> tuple[tuple[int, str, str], ...]:
    files = (resources.files("blueattr.sql") / "store" / "schema").iterdir()
    names = sorted(f.name for f in files if f.name.endswith(".sql"))
    return tuple(
        (int(n.split("_")[0]), n, _sql(f"store/schema/{n.removesuffix('.sql')}")) for n in names
    )


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
    # Seconds to wait for readers before writing.
    _writer_patience = _WRITER_PATIENCE

    def __init__(self, path: Path, memory: int = DEFAULT_MEMORY) -> None:
        self.path = path
        # Whether another thread, waiting for the file, is to wait no more.
        self._given_up = threading.Event()
        self._engine_all = max(memory - _OUTSIDE_DUCKDB, memory // 2)
        self._engine_usual = min(self._engine_all, self._engine_most)
        self._connection = duckdb.connect(
            config={
                "memory_limit": f"{self._engine_usual}B",
                "temp_directory": f"{path}.tmp",
                # Rows are ordered where it matters; the rest may be parallel.
                "preserve_insertion_order": False,
            }
        )
        # Which object's temp tables the store has (blueattr/panel/counts.py).
        self.tables_of: object = None
        self._parsed: dict[str, list[duckdb.Statement]] = {}
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
        """Close the file."""
        self._connection.close()

    def run(self, step: str, **parameters: Any) -> None:
        """Execute the statements of ``sql/<step>.sql`` in order.

        Parameters
        ----------
        parameters
            Each statement gets those that it names.
        """
        text = _sql(step)
        with self._errors():
            if text not in self._parsed:
                self._parsed[text] = self._connection.extract_statements(text)
            for statement in self._parsed[text]:
                named = {name: parameters[name] for name in statement.named_parameters}
                self._connection.execute(statement, named).fetchall()

    def frame(self, query: str, **parameters: Any) -> pl.DataFrame:
        """Return the rows of the one statement in ``sql/<query>.sql``."""
        with self._errors():
            rows: pl.DataFrame = self._connection.sql(_sql(query), params=parameters).pl()
            return rows

    def batches(self, query: str, rows: int, **parameters: Any) -> Iterator[pa.RecordBatch]:
        """Yield the rows of the one statement in ``sql/<query>.sql``, `rows` at a time."""
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
        """Make an Arrow table or Polars frame readable to statements under a name."""
        self._connection.register(name, frame)

    def unregister(self, *names: str) -> None:
        """Undo :meth:`register`, as far as there is something to undo."""
        for name in names:
            self._connection.unregister(name)

    def _limit_memory(self, size: int) -> None:
        with self._errors():
            self._connection.execute("SET memory_limit = $limit", {"limit": f"{size}B"})

    def _interrupt(self) -> None:
        """End the statement that another thread is executing."""
        self._connection.interrupt()

    def _version(self) -> int:
        with self._errors():
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
        wait, warned = 0.01, False
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
                if not warned and time.monotonic() > deadline - patience + _WARN_AFTER:
                    _LOG.warning("waiting for process %s, which uses %s", holder, self.path)
                    warned = True
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
        self._attach(read_only=False, patience=self._writer_patience)
        try:
            yield
        finally:
            with self._errors():
                self._detach()

    def _migrate(self) -> None:
        """Bring the file, attached for writing, to the newest schema; the lock is the caller's."""
        known = self._version()
        self.run("store/batch/tid_number")
        for version, name, script in _migrations():
            if version <= known:
                continue
            with self._errors(), self._in_transaction():
                self._connection.execute(
                    "CREATE TABLE IF NOT EXISTS migration "
                    "(version INTEGER PRIMARY KEY, name VARCHAR, applied_at TIMESTAMP)"
                )
                self._connection.execute(script)
                self._connection.execute(
                    "INSERT INTO migration VALUES ($1, $2, now()::TIMESTAMP)", [version, name]
                )

    @contextmanager
    def _in_transaction(self) -> Iterator[None]:
        self._connection.begin()
        try:
            yield
            self._connection.commit()
        except BaseException:
            self._connection.rollback()
            raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn what the engine raises into a `StoreError` that names the file."""
        try:
            yield
        except duckdb.InterruptException:
            raise
        except duckdb.OutOfMemoryException as error:
            raise StoreError(
                f"not enough memory ({_first_line(error)}); raise --memory-limit or free disk "
                f"space beside {self.path}"
            ) from error
        # A damaged block has no type of its own; Arrow's reader hands on what the engine raises.
        except (duckdb.Error, pa.ArrowException) as error:
            raise StoreError(f"{self.path}: {_first_line(error)}") from error


def _holder(error: duckdb.Error) -> str | None:
    """Return the process that has the file, or None if that is not what is wrong."""
    if isinstance(error, duckdb.ResourceInUseException):
        return str(os.getpid())
    # A conflicting lock has no type of its own, so that pyproject.toml pins the versions of duckdb
    # whose message this is.
    holder = re.search(r"lock is held.*?PID (\d+)", str(error))
    return holder[1] if isinstance(error, duckdb.IOException) and holder else None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
