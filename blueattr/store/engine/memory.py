"""The engine's share of the memory of a process: what the rest of the process leaves it."""

import os
from contextlib import suppress
from pathlib import Path

import duckdb

__all__ = ["Share", "resident_bytes"]


# What the engine can do with: each of its threads has rows of its own in work.
_USUAL, _USUAL_OF_THREAD = 512 << 20, 128 << 20
_LEAST = 128 << 20
# Of the process's memory, for what grows while the engine answers: the answer itself.
_SPARE = 8
_STATM = Path("/proc/self/statm")


class Share:
    """How many bytes an engine may use, settled anew before each statement.

    The engine keeps in memory whatever pages of the file it has read, up to its limit, though the
    system has them, too, and reading them again costs little. So its limit is low as a rule. Where
    the process has less than that left beside its arrays, the limit is lower still; where a
    statement cannot do with it, that statement gets all there is.

    Parameters
    ----------
    connection
        The engine.
    whole
        Bytes that the process may use.
    most
        Bytes that a statement may use which cannot do with less.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, whole: int, most: int) -> None:
        self._connection = connection
        self._whole = whole
        self._most = most
        ((threads,),) = connection.execute("SELECT current_setting('threads')").fetchall()
        self._usual = min(most, max(_USUAL, threads * _USUAL_OF_THREAD))
        self._limit = most

    def settle(self) -> None:
        """Set the limit for the next statement."""
        resident = resident_bytes()
        room = self._whole - self._whole // _SPARE - resident
        limit = self._usual
        # Only where it could matter is the engine asked how much of this is its own.
        if room < limit:
            limit = max(min(limit, room + self._used()), min(limit, _LEAST))
        self._set(limit)

    def widen(self) -> bool:
        """Raise the limit for a statement that cannot do with it; return whether it was lower."""
        lower, room = self._limit, self._whole - resident_bytes() + self._used()
        self._set(max(self._most, room))
        return lower < self._limit

    def _used(self) -> int:
        query = "SELECT sum(memory_usage_bytes)::BIGINT FROM duckdb_memory()"
        return int(self._connection.execute(query).fetchall()[0][0])

    def _set(self, limit: int) -> None:
        if limit == self._limit:
            return
        # What the engine cannot let go of stays, and so does its limit.
        with suppress(duckdb.Error):
            self._connection.execute("SET memory_limit = $limit", {"limit": f"{limit}B"})
            self._limit = limit


def resident_bytes() -> int:
    """Return the bytes of memory that this process has; 0 where the system does not tell."""
    try:
        return int(_STATM.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
