"""How far a source was read, and what became of its lines."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

__all__ = ["BY_BYTES", "SourceState", "Span"]


# Rejected lines of one reason that are kept as samples.
_SAMPLES = 5


BY_BYTES = ("file", "stdin", "plc")
"""Kinds of sources whose position is a byte offset; elsewhere it is the server's cursor."""


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
        What it covers, in the order it was read, from the last span that the store has on: later
        events may extend that one. A directory export covers nothing.
    earlier_spans
        How many spans the store has before those.
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
    earlier_spans: int = 0

    def copy(self) -> Self:
        """Copy the state with everything in it that can change."""
        return replace(
            self,
            rejected=dict(self.rejected),
            samples={reason: list(lines) for reason, lines in self.samples.items()},
            spans=[replace(span) for span in self.spans],
        )

    def after_commit(self) -> Self:
        """Return the state without the spans that a commit of it leaves to the store."""
        complete = max(len(self.spans) - 1, 0)
        return replace(
            self, spans=self.spans[complete:], earlier_spans=self.earlier_spans + complete
        )

    def cover(self, first: datetime, last: datetime) -> None:
        """Record events from `first` to `last`, which follow what was read before."""
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
