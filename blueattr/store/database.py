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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import duckdb

from blueattr.errors import (
    NoStoreError,
    PatternError,
    StoreBusyError,
    StoreError,
    StoreVersionError,
    reason,
)
from blueattr.store import catalog, seal, sums
from blueattr.store.engine import connect, first_line, holder, is_database, store_errors
from blueattr.store.lock import Lock
from blueattr.store.rows import Rows, odd_time, odd_times
from blueattr.store.store_file import store_file

# Commands that need only a few rows of a store do not wait for what makes frames of them.
if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

__all__ = [
    "DEFAULT_MEMORY",
    "Store",
    "must_exist",
    "newest_schema",
]


DEFAULT_MEMORY = 4 << 30
"""Bytes the whole process may use, unless told otherwise."""


# What Python, Arrow and a batch of lines need beside DuckDB's own buffers.
_OUTSIDE_DUCKDB = 800 << 20
_READER_PATIENCE = 120.0
_WRITER_PATIENCE = 600.0
_WARN_AFTER = 2.0  # seconds of waiting for another process before a warning
# A statement that changes rows of a table. The engine answers it with how many.
_CHANGE = re.compile(
    r"(?:\s|--.*\n)*(?P<kind>INSERT INTO|INSERT OR REPLACE INTO|UPDATE|DELETE FROM|MERGE INTO)"
    r"\s+(?P<table>\w+)"
)
# Bytes of the three headers that a DuckDB file begins with.
_HEADERS = 3 * 4096


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


def must_exist(path: Path) -> None:
    """Refuse to go on without a store.

    Raises
    ------
    NoStoreError
        There is no such file.
    """
    if not path.exists():
        raise NoStoreError(f"there is no store at {path}; make one with: blueattr ingest FILE")


def newest_schema() -> int:
    """Return the version of the schema that stores are migrated to."""
    return _migrations()[-1][0]


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
    # More settings of the engine.
    _settings: ClassVar[dict[str, str | int]] = {}
    # Seconds to wait for readers before writing.
    _writer_patience = _WRITER_PATIENCE

    def __init__(self, path: Path, memory: int = DEFAULT_MEMORY) -> None:
        self.path = store_file(path)
        # Under one name, whatever links lead to it: the engine writes beside it.
        self._file = self.path.resolve()
        # Whether another thread, waiting for the file, is to wait no more.
        self._given_up = threading.Event()
        self._engine_all = max(memory - _OUTSIDE_DUCKDB, memory // 2)
        self._engine_usual = min(self._engine_all, self._engine_most)
        self._connection = connect(self._file, self._engine_usual, **self._settings)
        # The right to write to the file, where that was taken.
        self._lock: Lock | None = None
        # Which object's temp tables the store has (blueattr/panel/counts.py).
        self.tables_of: object = None
        self._parsed: dict[str, list[tuple[duckdb.Statement, re.Match[str] | None]]] = {}
        # Tables that a transaction changed, and whether rows were only appended.
        self._changes: dict[str, bool] = {}
        # The file and its first bytes, where it is open for reading; and its schema when attached.
        self._opened: int | None = None
        self._headers = b""
        self._version = 0
        # The first bytes of the file as this object left it, with the catalog that it had checked.
        self._left = b""

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
        path = store_file(path)
        must_exist(path)
        store = cls(path, memory)
        try:
            store._attach(read_only=True, patience=_READER_PATIENCE)
            if store._version < newest_schema():
                store._detach()
                store._bring_up_to_date()
                store._attach(read_only=True, patience=_READER_PATIENCE)
            store._opened = os.open(store._file, os.O_RDONLY)
            store._headers = store._read_headers()
            store._verify(store._opened)
        except BaseException:
            store.close()
            raise
        return store

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None and self._headers != self._read_headers():
                raise StoreError(
                    f"{self.path} was written over while it was read; run the same command again"
                )
        finally:
            self.close()

    def close(self) -> None:
        """Close the file."""
        # First: this ends the lock of the engine on the file.
        if self._opened is not None:
            os.close(self._opened)
            self._opened = None
        self._connection.close()

    def _verify(self, file: int) -> None:
        """Make sure that the attached file, open as `file`, is as a commit left it.

        Raises
        ------
        StoreError
            It is damaged, or nothing tells that it is not.
        """
        if self._version < sums.SINCE:
            # Nothing is known of it, except that a migration seals it.
            if seal.is_there(file):
                raise StoreError(f"{self.path} is damaged: what it holds is older than its seal")
            return
        if seal.is_whole(file, self.rows("store/blocks")[0][0]):
            return
        if not sums.is_kept(self):
            raise StoreError(
                f"{self.path} was changed by something else than a commit, or a commit was killed, "
                "and this version cannot compare its sums. Run blueattr rollup in the version "
                "that wrote it, put a backup in its place, or ingest the sources into a new store"
            )
        sums.check(self)

    def _read_headers(self) -> bytes:
        """Return what the engine writes anew with each change of the file."""
        return b"" if self._opened is None else os.pread(self._opened, _HEADERS, 0)

    def _is_as_left(self) -> bool:
        """Return whether an attached file is the one that this object checked, and last wrote to.

        If another file was put in its place meanwhile, the lock's holder will see it.
        """
        if not self._left or self._lock is None:
            return False
        # The engine takes up what stands beside the file, whatever the file says.
        beside = self._file.with_name(f"{self._file.name}.wal")
        return not beside.exists() and os.pread(self._lock.store, _HEADERS, 0) == self._left

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
                statements = self._connection.extract_statements(text)
                self._parsed[text] = [(each, _CHANGE.match(each.query)) for each in statements]
            for statement, change in self._parsed[text]:
                named = {name: parameters[name] for name in statement.named_parameters}
                done = self._connection.execute(statement, named).fetchall()
                if change and done[0][0]:
                    appended = change["kind"] == "INSERT INTO"
                    self._changes[change["table"]] = appended and self._changes.get(
                        change["table"], True
                    )

    def rows(self, query: str, **parameters: Any) -> "Rows":
        """Return the rows of the one statement in ``sql/<query>.sql``, of which there are few."""
        with self._errors():
            found = self._connection.sql(_sql(query), params=parameters)
            columns, types, rows = found.columns, [*map(str, found.types)], found.fetchall()
        self._refuse_time(odd_time(columns, types, rows))
        return Rows(tuple(columns), tuple(types), rows)

    def frame(self, query: str, **parameters: Any) -> "pl.DataFrame":
        """Return the rows of the one statement in ``sql/<query>.sql`` as a frame."""
        with self._errors():
            rows: pl.DataFrame = self._connection.sql(_sql(query), params=parameters).pl()
        self._refuse_time(odd_times(rows))
        return rows

    def _refuse_time(self, column: str) -> None:
        if column:
            raise StoreError(
                f"{self.path} is damaged: it has a time ({column}) that no calendar has. Put a "
                "backup in its place, or ingest the sources into a new store"
            )

    def batches(self, query: str, rows: int, **parameters: Any) -> "Iterator[pa.RecordBatch]":
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
            pattern.encode()
            self._connection.execute("SELECT regexp_matches('', $1)", [f"(?i){pattern}"]).fetchall()
        except UnicodeEncodeError:
            raise PatternError(f"the pattern {pattern!r} is refused: not text in UTF-8") from None
        except duckdb.Error as error:
            raise PatternError(f"the pattern {pattern!r} is refused: {reason(error)}") from None

    def register(self, name: str, frame: Any) -> None:
        """Make an Arrow table or Polars frame readable to statements under a name."""
        with self._errors():
            self._connection.register(name, frame)

    def unregister(self, *names: str) -> None:
        """Undo :meth:`register`, as far as there is something to undo."""
        with self._errors():
            for name in names:
                self._connection.unregister(name)

    def _limit_memory(self, size: int) -> None:
        with self._errors():
            self._connection.execute("SET memory_limit = $limit", {"limit": f"{size}B"})

    def _interrupt(self) -> None:
        """End the statement that another thread is executing."""
        self._connection.interrupt()

    def _checked_version(self) -> int:
        """Return the schema version of the attached file, 0 for an empty one.

        Raises
        ------
        StoreError
            It is no store: its catalog is not exactly the one of its version.
        StoreVersionError
            A newer version of blueattr wrote it.
        """
        entries = self._catalog("store")
        if not entries:
            return 0
        known = catalog.digest(entries)
        if known not in catalog.KNOWN.values() and not {*self._made_by(())} <= {*entries}:
            raise StoreError(f"{self.path} is a DuckDB file, but not a blueattr store")
        query = "SELECT max(version) FROM store.main.migration"
        version = self._connection.execute(query).fetchall()[0][0] or 0
        newest = newest_schema()
        if version > newest:
            raise StoreVersionError(
                f"{self.path} has schema {version}, written by a newer blueattr; this one knows "
                f"schemas up to {newest}. Update blueattr, or use another --db."
            )
        if known != catalog.KNOWN.get(version):
            made = self._made_by([step for step in _migrations() if step[0] <= version])
            odd = sorted({catalog.plural(kind) for kind, *_ in {*entries} ^ {*made}})
            if odd:
                raise StoreError(
                    f"{self.path} is not a blueattr store of schema {version}: blueattr makes none "
                    f"with such {' and '.join(odd)}; nothing in it was used"
                )
        return version

    def _catalog(self, database: str) -> list[catalog.Entry]:
        query = _sql("store/catalog")
        return catalog.in_order(self._connection.execute(query, {"database": database}).fetchall())

    def _made_by(self, migrations: Sequence[tuple[int, str, str]]) -> list[catalog.Entry]:
        """Return the catalog that migrations make of an empty database."""
        self._connection.execute("ATTACH ':memory:' AS made")
        try:
            self._connection.execute("USE made")
            self._apply(migrations)
            return self._catalog("made")
        finally:
            self._connection.execute("USE memory")
            self._connection.execute("DETACH made")

    def _attach(self, *, read_only: bool, patience: float) -> None:
        deadline = time.monotonic() + patience
        wait, warned = 0.01, False
        while True:
            try:
                options = ", READ_ONLY" if read_only else ""
                self._connection.execute(
                    f"ATTACH $path AS store (TYPE DUCKDB{options})", {"path": str(self._file)}
                )
                break
            except duckdb.Error as error:
                process = holder(error)
                if process is None:
                    if not is_database(self._file):
                        raise StoreError(
                            f"{self.path} is not a blueattr store, which is a DuckDB file"
                        ) from None
                    done = "opened" if isinstance(error, duckdb.IOException) else "read"
                    raise StoreError(f"{self.path} cannot be {done}: {first_line(error)}") from None
                if time.monotonic() > deadline or self._given_up.is_set():
                    raise StoreBusyError(
                        f"{self.path} is in use by process {process}; try again when it is done"
                    ) from None
                if not warned and time.monotonic() > deadline - patience + _WARN_AFTER:
                    _LOG.warning("waiting for process %s, which uses %s", process, self.path)
                    warned = True
                self._given_up.wait(wait)
                wait = min(wait * 1.5, 0.5)
        try:
            # Before any of it is used, and before its names mean anything.
            with self._errors():
                if not self._is_as_left():
                    self._version = self._checked_version()
                self._connection.execute("USE store")
        except BaseException:
            self._detach()
            raise

    def _detach(self) -> None:
        with self._errors():
            self._connection.execute("USE memory")
            self._connection.execute("DETACH store")

    @contextmanager
    def _attached(self) -> Iterator[None]:
        """Attach the file for writing, and seal it; the lock is the caller's."""
        self._attach(read_only=False, patience=self._writer_patience)
        self._left = b""
        try:
            yield
            if self._lock is not None:
                # Otherwise this would be done after it is sealed.
                with self._errors():
                    self._connection.execute("CHECKPOINT store")
                self._seal(self._lock.store)
                self._left = os.pread(self._lock.store, _HEADERS, 0)
        finally:
            self._detach()

    def _seal(self, file: int) -> None:
        try:
            seal.write(file)
        except OSError as error:
            raise StoreError(f"cannot write {self.path}: {error.strerror}") from None

    def _bring_up_to_date(self) -> None:
        """Migrate a file that is not attached."""
        self._lock = Lock(self.path)
        try:
            with self._attached():
                self._verify(self._lock.store)
                self._migrate()
        finally:
            self._lock.close()
            self._lock = None

    def _migrate(self) -> None:
        """Bring the file, attached for writing, to the newest schema; the lock is the caller's."""
        if migrations := [step for step in _migrations() if step[0] > self._version]:
            self._apply(migrations)
            with self._errors(), self._in_transaction():
                sums.renew(self)
            self._version = newest_schema()

    def _apply(self, migrations: Sequence[tuple[int, str, str]]) -> None:
        """Migrate the database in use."""
        self.run("store/batch/tid_number")
        with self._errors():
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS migration "
                "(version INTEGER PRIMARY KEY, name VARCHAR, applied_at TIMESTAMP)"
            )
        for version, name, script in migrations:
            with self._errors(), self._in_transaction():
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
            with suppress(duckdb.Error):  # after a failed commit
                self._connection.rollback()
            raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn what the engine raises into a `StoreError` that names the file."""
        with store_errors(self.path):
            yield
