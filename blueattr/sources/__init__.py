"""Where events come from: one module per kind of source, one interface."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

__all__ = ["Chunk", "Ingested", "Source", "SourceState"]

_SAMPLES = 5


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines of a source.

    Parameters
    ----------
    data
        Lines, each with its end; the last line of a source may lack it.
    position
        Byte offset of ``data`` in the source, after decompression.
    read
        Bytes of the source consumed so far, before decompression: for showing progress.
    """

    data: bytes
    position: int
    read: int


class Source(Protocol):
    """Something that yields lines and can be resumed."""

    @property
    def name(self) -> str:
        """How the store knows the source."""

    @property
    def kind(self) -> str:
        """``"file"``, ``"stdin"`` or ``"plc"``."""

    @property
    def fingerprint(self) -> str:
        """What tells whether the source is unchanged; empty where nothing can."""

    @property
    def size(self) -> int | None:
        """Bytes before decompression, where known."""

    def chunks(self, position: int = 0) -> Iterator[Chunk]:
        """Yield whole lines from a byte offset on.

        Raises
        ------
        InputError
            After everything readable was yielded: the source is truncated or not what its name
            says.
        """


@dataclass(slots=True)
class SourceState:
    """How far a source was read and what became of its lines.

    Parameters
    ----------
    name
        The file's absolute path, or ``-:`` and a hash of its first line for standard input.
    kind
        ``"file"``, ``"stdin"`` or ``"plc"``.
    fingerprint
        What tells whether the source is still the same; empty where nothing does.
    position
        Bytes read, after decompression.
    complete
        Whether its end was reached.
    lines, kept, skipped
        Counts of lines that are not blank. Lines that are neither kept nor skipped were rejected.
    first_event, last_event
        Server time, naive UTC.
    rejected
        Lines by reason.
    samples
        The first few rejected lines by reason: (position, shortened line).
    """

    name: str
    kind: str
    fingerprint: str = ""
    position: int = 0
    complete: bool = False
    lines: int = 0
    kept: int = 0
    skipped: int = 0
    first_event: datetime | None = None
    last_event: datetime | None = None
    rejected: dict[str, int] = field(default_factory=dict)
    samples: dict[str, list[tuple[int, str]]] = field(default_factory=dict)

    def reject(self, reason: str, lines: int, samples: list[tuple[int, str]]) -> None:
        """Count rejected lines, keeping the first few as samples."""
        self.rejected[reason] = self.rejected.get(reason, 0) + lines
        kept = self.samples.setdefault(reason, [])
        kept.extend(samples[: _SAMPLES - len(kept)])


@dataclass(frozen=True, slots=True)
class Ingested:
    """What an ingest did with its sources.

    Parameters
    ----------
    sources
        Their states after it, in the order they were read.
    unchanged
        Names of those that were complete and unchanged, and so not read again.
    failures
        What went wrong with those that could not be read to their end.
    events_before, events_after
        Events in the store.
    """

    sources: tuple[SourceState, ...]
    unchanged: tuple[str, ...]
    failures: tuple[str, ...]
    events_before: int
    events_after: int
