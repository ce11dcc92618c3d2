"""How the memory of a process that ingests is shared out."""

from dataclasses import dataclass
from typing import Self

__all__ = ["LIBRARIES", "Shares"]


LIBRARIES = 300 << 20
"""Bytes that Python, its libraries and a chunk of lines take, whatever is read."""


# What the process needs beside the engine's buffers where memory is plenty.
_OUTSIDE_ENGINE = 800 << 20
# With less a commit of long posts may fail, and a larger buffer pool does not speed up appends.
_LEAST_ENGINE, _MOST_ENGINE = 256 << 20, 640 << 20
# What a commit takes, whatever is in it.
_BESIDE_LINES = 500 << 20
# Of more lines in one commit, or more messages, nothing gets faster.
_MOST_LINES = 320 << 20
_MOST_MESSAGES = 96 << 20
# Rows of a vector of the engine, which it has in memory together, whatever their words take.
_VECTOR = 2048


@dataclass(frozen=True, slots=True)
class Shares:
    """What each part of an ingest may use, in bytes.

    Parameters
    ----------
    engine
        The engine as a rule, for its buffers. Deletes all over a table may take more.
    lines
        Decoded lines that wait for a commit, which takes up to three times that itself.
    beside
        Lines that are decoded while a commit is under way.
    messages
        Messages of a stream that wait to be decoded.
    vector
        Rows of one vector, when a checkpoint merges row groups. The engine takes several times that
        in memory that its own limit leaves out.
    """

    engine: int
    lines: int
    beside: int
    messages: int
    vector: int

    @classmethod
    def of(cls, memory: int) -> Self:
        """Share out the memory of a process."""
        free = max(memory - LIBRARIES, memory // 4)
        lines = min(max(memory - _BESIDE_LINES, memory // 4) // 10, _MOST_LINES)
        return cls(
            engine=min(max(memory - _OUTSIDE_ENGINE, free // 2, _LEAST_ENGINE), _MOST_ENGINE),
            lines=lines,
            beside=lines * 2 // 5,
            messages=min(free // 12, _MOST_MESSAGES),
            vector=free // 16,
        )

    def may_merge(self, rows: int, size: int) -> bool:
        """Return whether row groups may be merged that have rows like these, of so many bytes."""
        return size * _VECTOR <= self.vector * max(rows, 1)
