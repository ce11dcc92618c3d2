"""The engine, DuckDB: opened so that it touches nothing but a store, and what its errors mean."""

import errno
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from blueattr.errors import NoMemoryError, StoreError
from blueattr.store.store_file import damaged

__all__ = [
    "NEW",
    "REPLACEMENT",
    "connect",
    "engine_error",
    "holder",
    "is_database",
    "is_of_memory",
    "lacks_memory",
    "store_errors",
]


NEW, REPLACEMENT = ".new", ".compact"
"""What is put behind the name of a store while it is made, and while it is written anew."""


# What the engine writes beside a database; it has no setting for these names.
_BESIDE = ("", ".wal", ".wal.checkpoint", ".wal.recovery")
# What statements of ours set after the engine is locked.
_CHANGING = ["max_vacuum_tasks", "memory_limit", "preserve_insertion_order"]
# Where a DuckDB file has the letters DUCK.
_MAGIC_AT = slice(8, 12)
# How the C library says that there is no space, in the engine's messages.
_FULL = tuple(os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
# What the engine says of a file that is not as it was written, and how such errors are called.
_DAMAGE = re.compile(
    r"corrupt|checksum|could not read enough bytes|not recognized by this version", re.IGNORECASE
)
# What it says where the machine gives it no memory, or no thread.
_NO_MEMORY = re.compile(
    r"bad.alloc|MemoryError|memory allocation|cannot allocate memory"
    r"|resource temporarily unavailable",
    re.IGNORECASE,
)
# What it says where it cannot write beside the store what it has no memory for.
_NO_SPILL = re.compile(r"create directory|\.tmp\b", re.IGNORECASE)
_OF_DAMAGE = (duckdb.SerializationException, duckdb.InternalException)


def connect(file: Path, memory: int, **settings: str | int) -> duckdb.DuckDBPyConnection:
    """Start an engine that can read and write one store and knows nothing else of the machine.

    A store may come from a stranger, and what is in it must not make the engine act: it loads and
    fetches no extension, opens no other file and no address, and takes no other setting.

    Parameters
    ----------
    file
        The store, an absolute path, which is not opened yet.
    memory
        Bytes it may use.
    settings
        More of its settings.
    """
    connection = duckdb.connect(
        config={
            "memory_limit": f"{memory}B",
            "temp_directory": f"{file}.tmp",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "allow_persistent_secrets": False,
            # A name in a statement is a table's, never a variable's of this program.
            "python_enable_replacements": False,
            # Rows are ordered where it matters; the rest may be parallel.
            "preserve_insertion_order": False,
            **_threads(),
            **settings,
        }
    )
    connection.execute("SET TimeZone = 'UTC'")
    # After two seconds of a query it would draw on stdout, over the results.
    connection.execute("SET enable_progress_bar = false")
    paths = [f"{file}{part}{end}" for part in ("", NEW, REPLACEMENT) for end in _BESIDE]
    connection.execute("SET allowed_paths = $paths", {"paths": paths})
    connection.execute("SET enable_external_access = false")
    connection.execute("SET allowed_configs = $names", {"names": _CHANGING})
    connection.execute("SET lock_configuration = true")
    return connection


def _threads() -> dict[str, int]:
    """Return how many threads it may have, where ``NUMBA_NUM_THREADS`` lowers the number.

    Of a cluster's workers each has one, or all would take all cores.
    """
    most = os.environ.get("NUMBA_NUM_THREADS", "")
    if not most.isdecimal() or int(most) >= (os.cpu_count() or 1):
        return {}
    return {"threads": max(1, int(most))}


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Turn what the engine raises into a `StoreError` that names the file."""
    try:
        yield
    except duckdb.InterruptException:
        raise
    except Exception as error:
        if not _is_of_engine(error):
            raise
        raise engine_error(path, "", error) from error


def _is_of_engine(error: Exception) -> bool:
    """Return whether the engine raised an error, such as for a damaged block.

    Arrow's reader hands on what the engine raises as an error of its own, or as one of the system
    without a number.
    """
    arrow = sys.modules.get("pyarrow")
    return (
        isinstance(error, duckdb.Error)
        or (isinstance(error, OSError) and error.errno is None)
        or (arrow is not None and isinstance(error, arrow.ArrowException))
    )


def is_database(path: Path) -> bool:
    """Tell whether a file is DuckDB's, or cannot be read.

    Only for a file that could not be attached: to close it would end this process's lock on it.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_MAGIC_AT.stop)
    except OSError:
        return True
    return not head or head[_MAGIC_AT] == b"DUCK"


def holder(error: duckdb.Error) -> str | None:
    """Return the process that has the file, or None if that is not what is wrong."""
    if isinstance(error, duckdb.ResourceInUseException):
        return str(os.getpid())
    # A conflicting lock has no type of its own, so that pyproject.toml pins the versions of duckdb
    # whose message this is.
    found = re.search(r"lock is held.*?PID (\d+)", str(error))
    return found[1] if isinstance(error, duckdb.IOException) and found else None


def engine_error(path: Path, what: str, error: Exception) -> StoreError:
    """Return the error that says what the engine said of a store.

    Parameters
    ----------
    path
        The store.
    what
        What could not be done, such as `` cannot be opened``; empty if that is plain.
    error
        The engine's.
    """
    line = _first_line(error)
    if is_of_memory(str(error)):
        return NoMemoryError(f"not enough memory ({line}); {NoMemoryError.more}")
    if isinstance(error, duckdb.OutOfMemoryException):
        return NoMemoryError(
            f"not enough memory ({line}); raise --memory-limit or free disk space beside {path}"
        )
    if _DAMAGE.search(str(error)) or isinstance(error, _OF_DAMAGE):
        return damaged(path, line.rstrip("."))
    return StoreError(f"{path}{what}: {line}")


def lacks_memory(error: Exception) -> bool:
    """Return whether a statement needs more memory than the engine's limit.

    It cannot write to disk what it would hold in memory: it never can, or the store is in a folder
    that nothing may be written to.
    """
    return isinstance(error, duckdb.OutOfMemoryException) or (
        isinstance(error, duckdb.IOException) and _NO_SPILL.search(str(error)) is not None
    )


def is_of_memory(words: str) -> bool:
    """Return whether an error's words say that the machine has no memory, or thread, to give."""
    return _NO_MEMORY.search(words) is not None


def _first_line(error: Exception) -> str:
    """Return the first line of an error, and that there is no space left if that is the reason."""
    text = str(error)
    first = (text.splitlines() or [type(error).__name__])[0]
    full = next((words for words in _FULL if words in text), None)
    # What else the engine says of it is for its programmers.
    return first if full is None else f"no space is left for it ({full})"
