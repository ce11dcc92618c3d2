"""The store: one DuckDB file, opened, verified and migrated.

What appends to it is in `blueattr.store.commit.writer`. The file is attached only while it is read
or committed to.
"""

import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import resources
from pathlib import Path
from typing import ClassVar, Self

import duckdb

from blueattr.errors import NoStoreError, StoreBusyError, StoreError, StoreVersionError
from blueattr.store.engine.engine import connect, engine_error, holder, is_database
from blueattr.store.engine.memory import EngineLimit, Shares
from blueattr.store.engine.statements import Statements, sql
from blueattr.store.engine.trial import try_to_open
from blueattr.store.integrity import catalog, seal, sums
from blueattr.store.integrity.seal import headers
from blueattr.store.lock import Lock, is_at
from blueattr.store.store_file import damaged, store_file

__all__ = [
    "DEFAULT_MEMORY",
    "Store",
    "must_exist",
    "newest_schema",
]


DEFAULT_MEMORY = 4 << 30
"""Bytes the whole process may use, unless told otherwise."""


_READER_PATIENCE = 120.0
_WRITER_PATIENCE = 600.0
_WARN_AFTER = 2.0  # seconds of waiting for another process before a warning

_LOG = logging.getLogger("blueattr.store.database")

_LOG.addHandler(logging.NullHandler())


@cache
def _migrations() -> tuple[tuple[int, str, str], ...]:
    files = (resources.files("blueattr.sql") / "store" / "schema").iterdir()
    names = sorted(f.name for f in files if f.name.endswith(".sql"))
    return tuple(
        (int(n.split("_")[0]), n, sql(f"store/schema/{n.removesuffix('.sql')}")) for n in names
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


class Store(Statements):
    """A store opened for reading.

    Parameters
    ----------
    path
        The DuckDB file. Use :meth:`open`, which also migrates an older one.
    memory
        Bytes the whole process may use.
    """

    # Of the shares of memory, what the engine gets as a rule.
    _of_engine = "most"
    # More settings of the engine.
    _settings: ClassVar[dict[str, str | int]] = {}
    # Seconds to wait for readers before writing.
    _writer_patience = _WRITER_PATIENCE

    def __init__(self, path: Path, memory: int = DEFAULT_MEMORY) -> None:
        path = store_file(path)
        # Under one name, whatever links lead to it: the engine writes beside it.
        self._file = path.resolve()
        # Whether another thread, waiting for the file, is to wait no more.
        self._given_up = threading.Event()
        self._memory = memory
        self.shares = Shares.of(memory)
        """What each part of the process may use of its memory."""
        self._engine_all = self.shares.most
        self._engine_usual: int = getattr(self.shares, self._of_engine)
        super().__init__(path, connect(self._file, self._engine_usual, **self._settings))
        # The right to write to the file, where that was taken.
        self._lock: Lock | None = None
        # Which object's temp tables the store has (blueattr/panel/counts.py).
        self.tables_of: object = None
        # The file and its first bytes, where it is open for reading; and its schema when attached.
        self._opened: int | None = None
        self._headers = b""
        self._version = 0
        # The first bytes of the file when another process could read all of it, if one tried.
        self._tried = b""
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
            file = store._attach_to_read()
            if store._version < newest_schema():
                store._detach()
                store._bring_up_to_date()
                file = store._attach_to_read()
            store._headers = headers(file)
            store._verify(file)
            store._share = EngineLimit(store._connection, memory, store._engine_all)
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def tried(cls, path: Path, memory: int) -> str | None:
        """Open and verify a store of any version; return the process that has it, if one has.

        Where the engine ends the process, so be it (`blueattr.store.engine.trial`).

        Raises
        ------
        StoreError
            As :meth:`open` does.
        """
        store = cls(path, memory)
        try:
            process = store._attempt(read_only=True)
            if process is None:
                store._check_attached()
                store._opened = store._descriptor()
                store._verify(store._opened)
            return process
        finally:
            store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            there = b"" if self._opened is None else headers(self._opened)
            if kind is None and self._headers != there:
                raise StoreError(
                    f"{self.path} was written over while it was read; run the same command again"
                )
        finally:
            self.close()

    @property
    def first_bytes(self) -> bytes:
        """The first bytes of the file that is read, which each commit changes.

        Whoever opened the file to see them would, by closing it, end the engine's lock on it.
        """
        return self._headers

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
                raise damaged(self.path, "what it holds is older than its seal")
            return
        if seal.is_whole(file) or headers(file) == self._tried:
            return
        if not sums.is_kept(self):
            raise StoreError(
                f"{self.path} was changed by something else than a commit, or a commit was killed, "
                "and this version cannot compare its sums. Run blueattr rollup in the version "
                "that wrote it, put a backup in its place, or ingest the sources into a new store"
            )
        sums.check(self)

    def _is_as_left(self) -> bool:
        """Return whether an attached file is the one that this object checked, and last wrote to.

        If another file was put in its place meanwhile, the lock's holder will see it.
        """
        if not self._left or self._lock is None:
            return False
        there = headers(self._lock.store)
        return there == self._left and not self._beside().exists()

    def _beside(self) -> Path:
        """Return what the engine takes up with the file, whatever the file says."""
        return self._file.with_name(f"{self._file.name}.wal")

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
        query = sql("store/integrity/catalog")
        return catalog.sort_excluded(
            self._connection.execute(query, {"database": database}).fetchall()
        )

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

    def _descriptor(self) -> int:
        try:
            return os.open(self._file, os.O_RDONLY)
        except OSError as error:
            raise StoreError(f"{self.path} cannot be opened: {error.strerror}") from None

    def _attach_to_read(self) -> int:
        """Attach the file that is there, which stays open; return its descriptor."""
        while True:
            if self._opened is None:
                self._opened = self._descriptor()
            self._attach(self._opened, read_only=True, patience=_READER_PATIENCE)
            # Another file may have been put in its place meanwhile, as `compact` does.
            if is_at(self._opened, self._file):
                if not self._beside().exists():
                    catalog.note_checked(self._opened, self._version)
                return self._opened
            self._detach()
            os.close(self._opened)
            self._opened = None

    def _attach(self, file: int, *, read_only: bool, patience: float) -> None:
        """Attach the file, open as `file`, as soon as nobody has it for itself."""
        deadline = time.monotonic() + patience
        wait, warned = 0.01, False
        while process := self._try(file) or self._attempt(read_only=read_only):
            if time.monotonic() > deadline or self._given_up.is_set():
                raise StoreBusyError(
                    f"{self.path} is in use by process {process}; try again when it is done"
                )
            if not warned and time.monotonic() > deadline - patience + _WARN_AFTER:
                _LOG.warning("waiting for process %s, which uses %s", process, self.path)
                warned = True
            self._given_up.wait(wait)
            wait = min(wait * 1.5, 0.5)
        try:
            self._check_attached()
        except BaseException:
            self._detach()
            raise

    @contextmanager
    def ample_memory(self) -> Iterator[None]:
        """Let the engine use all the memory there is, for what cannot do with less."""
        self._limit_memory(self._engine_all)
        try:
            yield
        finally:
            self._limit_memory(self._engine_usual)

    def _try(self, file: int) -> str | None:
        """Let another process read, first, a file that is not as this program left it.

        Returns the process that has the file for itself, so that it could not be read.
        """
        there = headers(file)
        if (
            self._is_as_left()
            or there == self._tried
            or os.fstat(file).st_size <= len(there)  # a new store, or none
            or (seal.is_whole(file) and not self._beside().exists())
        ):
            return None
        process = try_to_open(self.path, self._memory)
        if process is None:
            self._tried = there
        return process

    def _attempt(self, *, read_only: bool) -> str | None:
        """Attach the file, or return the process that has it for itself."""
        options = ", READ_ONLY" if read_only else ""
        try:
            self._connection.execute(
                f"ATTACH $path AS store (TYPE DUCKDB{options})", {"path": str(self._file)}
            )
        except duckdb.Error as error:
            process = holder(error)
            if process is not None:
                return process
            if not is_database(self._file):
                raise StoreError(
                    f"{self.path} is not a blueattr store, which is a DuckDB file"
                ) from None
            done = "opened" if isinstance(error, duckdb.IOException) else "read"
            raise engine_error(self.path, f" cannot be {done}", error) from None
        return None

    def _check_attached(self) -> None:
        # Before any of it is used, and before its names mean anything.
        with self._errors():
            if not self._is_as_left():
                known = self._known_version()
                self._version = self._checked_version() if known is None else known
            self._connection.execute("USE store")

    def _known_version(self) -> int | None:
        """Return the version of the attached file if this process checked its catalog before."""
        file = self._opened if self._lock is None else self._lock.store
        return None if file is None or self._beside().exists() else catalog.checked_version(file)

    def _detach(self) -> None:
        with self._errors():
            self._connection.execute("USE memory")
            self._connection.execute("DETACH store")

    @contextmanager
    def _attached(self) -> Iterator[None]:
        """Attach the file for writing, and seal it; the lock is the caller's."""
        if self._lock is None:
            raise ValueError("no lock was taken")
        self._attach(self._lock.store, read_only=False, patience=self._writer_patience)
        self._left = b""
        try:
            yield
            # Otherwise this would be done after it is sealed.
            with self._errors():
                self._connection.execute("CHECKPOINT store")
            self._seal(self._lock.store)
            self._left = headers(self._lock.store)
            catalog.note_checked(self._lock.store, self._version)
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
        migrations = [step for step in _migrations() if step[0] > self._version]
        if not migrations:
            return
        # A store without sums of the rows that it has now would look as if it were damaged.
        with self._errors(), self._in_transaction():
            if self._version:
                self._apply(migrations)
            else:
                self._make(migrations)
            sums.renew(self, migrated=self._version > 0)
        self._version = newest_schema()

    def _make(self, migrations: Sequence[tuple[int, str, str]]) -> None:
        """Make in the empty database in use what all migrations make, in a fraction of the time."""
        versions, names, _ = zip(*migrations, strict=True)
        self.run("store/new_store", versions=versions, names=names)

    def _apply(self, migrations: Sequence[tuple[int, str, str]]) -> None:
        """Migrate the database in use, one schema after the other."""
        self.run("store/commit/batch/tid_number")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS migration "
            "(version INTEGER PRIMARY KEY, name VARCHAR, applied_at TIMESTAMP)"
        )
        for version, name, script in migrations:
            self._connection.execute(script)
            self._connection.execute(
                "INSERT INTO migration VALUES ($1, $2, now()::TIMESTAMP)", [version, name]
            )
