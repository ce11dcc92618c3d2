"""How the memory of a process is shared out, and how the engine keeps to its share."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import duckdb

__all__ = ["LIBRARIES", "EngineLimit", "Shares", "resident_bytes"]


LIBRARIES = 300 << 20
"""Bytes that Python, its libraries and a chunk of lines take, whatever is read."""


# What Python, Arrow and a batch of lines need beside the engine's buffers.
_OUTSIDE_ENGINE = 800 << 20
# A commit has its rows so many times: as it took them over, as arrays, and what it writes.
_IN_COMMIT = 3
# What a decompressor takes beside its window, and what waits of its output.
_BESIDE_WINDOW = 140 << 20
# With less a commit of long posts may fail, and a larger buffer pool does not speed up appends.
_LEAST_ENGINE, _MOST_ENGINE = 256 << 20, 640 << 20
# What a commit takes, whatever is in it.
_BESIDE_LINES = 500 << 20
# Of more lines in one commit, or more messages, nothing gets faster.
_MOST_LINES = 320 << 20
_MOST_MESSAGES = 96 << 20
# Rows of a vector of the engine, which it has in memory together, whatever their words take.
_VECTOR = 2048
# What the engine can do with: each of its threads has rows of its own in work.
_USUAL, _USUAL_OF_THREAD = 256 << 20, 128 << 20
_LEAST = 128 << 20
# Of the process's memory, for what grows while the engine answers: the answer itself.
_SPARE = 8
_STATM = Path("/proc/self/statm")


@dataclass(frozen=True, slots=True)
class Shares:
    """What each part of a process may use, in bytes.

    Parameters
    ----------
    most
        The engine, for a statement that cannot do with less, such as deletes all over a table.
    engine
        The engine as a rule, for its buffers, while something is ingested.
    lines
        Decoded lines that wait for a commit, which takes up to three times that itself.
    beside
        Lines that are decoded while a commit is under way.
    window
        The window of a decompressor.
    messages
        Messages of a stream that wait to be decoded.
    vector
        Rows of one vector, when a checkpoint merges row groups. The engine takes several times that
        in memory that its own limit leaves out.
    """

    most: int
    engine: int
    window: int
    lines: int
    beside: int
    messages: int
    vector: int

    @classmethod
    def of(cls, memory: int) -> Self:
        """Share out the memory of a process."""
        free = max(memory - LIBRARIES, memory // 4)
        lines = min(max(memory - _BESIDE_LINES, memory // 4) // 10, _MOST_LINES)
        most = max(memory - _OUTSIDE_ENGINE, memory // 2)
        engine = min(max(memory - _OUTSIDE_ENGINE, free // 2, _LEAST_ENGINE), _MOST_ENGINE, most)
        return cls(
            most=most,
            engine=engine,
            window=max(memory - LIBRARIES - engine - _IN_COMMIT * lines - _BESIDE_WINDOW, 0),
            lines=lines,
            beside=lines * 2 // 5,
            messages=min(free // 12, _MOST_MESSAGES),
            vector=free // 16,
        )

    def may_merge(self, rows: int, size: int) -> bool:
        """Return whether row groups may be merged that have rows like these, of so many bytes."""
        return size * _VECTOR <= self.vector * max(rows, 1)


class EngineLimit:
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
