"""Where events come from: one module per kind of source, one interface."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pyarrow as pa

    from blueattr.kernels import IntArray
    from blueattr.kernels.scanning import Scanned

__all__ = ["BY_BYTES", "Chunk", "Ingested", "Source", "SourceState", "Span"]

_SAMPLES = 5

BY_BYTES = ("file", "stdin", "plc")
"""Kinds of sources whose position is a byte offset; elsewhere it is the server's cursor."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines of a source, or events that never were lines.

    Parameters
    ----------
    data
        Lines, each with its end; the last line of a source may lack it.
    position
        Where ``data`` begins in the source: byte offset after decompression, or cursor.
    read
        Bytes of the source consumed so far, before decompression, or seconds of time gone through:
        for showing progress.
    resume
        Where the source goes on after ``data``.
    gap
        Why what lies between the chunk before and this one was not seen; None where nothing is
        missing.
    skipped
        Events that were left out before they became lines, as being of kinds that are not kept.
    refused
        What could not be made a line: (reason, position, shortened sample).
    parsed
        Events as the parser gives them, or would, had they been lines.
    told
        Events of accounts, in columns of ``sql/ingest/staging.sql``.
    left
        int64 (k, 2): where in ``data`` the lines are that are not in ``parsed``; None where it is
        still to be parsed.
    """

    data: bytes
    position: int
    read: int
    resume: int
    gap: str | None = None
    skipped: int = 0
    refused: tuple[tuple[str, int, str], ...] = ()
    parsed: "tuple[Scanned, ...]" = ()
    told: "pa.Table | None" = None
    left: "IntArray | None" = None


@dataclass(slots=True)
class Span:
    """Time that a source covers without interruption.

    Parameters
    ----------
    first_event, last_event
        Server time, naive UTC; None while no event was seen.
    gap
        Why the time just before was not seen; empty where nothing is missing.
    """

    first_event: datetime | None = None
    last_event: datetime | None = None
    gap: str = ""


class Source(Protocol):
    """Something that yields lines and can be resumed."""

    @property
    def name(self) -> str:
        """How the store knows the source."""

    @property
    def kind(self) -> str:
        """``"file"``, ``"stdin"``, ``"plc"``, ``"archive"``, ``"synth"`` or a kind of stream."""

    @property
    def fingerprint(self) -> str:
        """What tells whether the source is unchanged; empty where nothing can."""

    @property
    def size(self) -> int | None:
        """The whole of what `Chunk.read` counts, where known."""

    @property
    def complete(self) -> bool:
        """After the last chunk: whether all was read that will ever be there."""

    def chunks(self, position: int = 0) -> Iterator[Chunk]:
        """Yield whole lines from a byte offset or cursor on.

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
        The file's absolute path, ``-:`` and a hash of its first line for standard input, or the
        kind and address of what is on the network.
    kind
        ``"file"``, ``"stdin"``, ``"plc"``, ``"archive"``, ``"synth"`` or a kind of stream.
    fingerprint
        What tells whether the source is still the same; empty where nothing does.
    position
        Bytes read, after decompression; or the cursor or number of events to resume from.
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
    spans
        What it covers, in the order it was read; a directory export covers nothing.
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
    spans: list[Span] = field(default_factory=list)

    def cover(self, first: datetime, last: datetime) -> None:
        """Take note of events from `first` to `last`, which follow what was read before."""
        self.first_event = min(self.first_event or first, first)
        self.last_event = max(self.last_event or last, last)
        if self.kind == "plc":
            return
        if not self.spans:
            self.spans.append(Span())
        span = self.spans[-1]
        span.first_event = min(span.first_event or first, first)
        span.last_event = max(span.last_event or last, last)

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
