"""How far a source was read, and what became of its lines."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

from blueattr.decode.shapes import shape

__all__ = ["BY_BYTES", "STREAMS", "SourceState", "Span"]


# Rejected lines of one reason that are kept as samples.
_SAMPLES = 5


BY_BYTES = ("file", "stdin", "plc", "import")
"""Kinds of sources whose position is a byte offset, or a row of a table; elsewhere it is the
server's cursor."""


STREAMS = ("jetstream", "jetstream-v1", "firehose")
"""Kinds of sources that are followed, and can be asked again for what they just sent."""


# Kinds of sources that need not be in the order of time. A stream is, but for seconds.
_UNORDERED = (*BY_BYTES, "archive", "synth", "collect")


@dataclass(slots=True)
class Span:
    """Time that a source covers without interruption.

    Parameters
    ----------
    first_event, last_event
        Server time, naive UTC; None while no event was seen.
    gap
        Why the time just before was not seen; empty where nothing is missing.
    has_begun
        Whether its beginning is settled: a stream's span does not grow back over the gap before it.
    """

    first_event: datetime | None = None
    last_event: datetime | None = None
    gap: str = ""
    has_begun: bool = field(default=False, compare=False)


@dataclass(slots=True)
class SourceState:
    """How far a source was read and what became of its lines.

    Parameters
    ----------
    name
        The file's absolute path, ``-:`` and a hash of its first line for standard input, or the
        kind and address of what is on the network.
    kind
        ``"file"``, ``"stdin"``, ``"plc"``, ``"archive"``, ``"synth"``, ``"import"``,
        ``"collect"`` or a kind of stream.
    fingerprint
        What tells whether the source is still the same; empty where nothing does.
    position
        Bytes read, after decompression; or the cursor or number of events to resume from.
    mark
        Of a stream: tells the event at `position` from another that has the same number; None where
        it is not known.
    stalled
        Of a stream: connections in a row that brought events, but none beyond `position`; more
        where what followed was not believed to follow (`blueattr.ingest.resume.MISPLACED`).
    complete
        Whether its end was reached.
    lines, kept, skipped
        Counts of lines that are not blank. Lines that are neither kept nor skipped were rejected.
    first_event, last_event
        Server time, naive UTC.
    synthetic
        Whether a line of it says that its event is made up.
    rejected
        Lines by reason.
    samples
        The first few rejected lines by reason: (position, shape of the line).
    spans
        What it covers, in the order it was read, from the last span that the store has on: later
        events may extend that one. A directory export covers nothing.
    earlier_spans
        How many spans the store has before those.
    bounded
        Events of a relay whose time was out of bounds, and is the bound.
    ahead
        Events that are kept although they lie ahead of the clock, since it is the clock that is
        wrong; counted from the start of the process.
    ahead_before
        The same, of earlier processes.
    drawn
        Of an imported table: how its records were chosen.
    remarks
        Of an imported table: what a reader of an answer must know, a sentence a line.
    counts
        Of an imported table of records: whether it counts the interactions with its posts.
    doubt_after
        Of a stream: the position after which events were rejected because they lie ahead of the
        clock, while it is undecided whether that is right; None while there are none.
    doubt_from, doubt_until
        The earliest and the latest time of those events, naive UTC.
    doubted
        How many they are, less the events since that were not ahead of the clock.
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
    synthetic: bool = False
    mark: int | None = None
    stalled: int = 0
    bounded: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    samples: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    spans: list[Span] = field(default_factory=list)
    earlier_spans: int = 0
    ahead: int = 0
    ahead_before: int = 0
    drawn: str | None = None
    remarks: str | None = None
    counts: bool | None = None
    doubt_after: int | None = None
    doubt_from: datetime | None = None
    doubt_until: datetime | None = None
    doubted: int = 0

    def copy(self) -> Self:
        """Copy the state with everything in it that can change."""
        return replace(
            self,
            rejected=dict(self.rejected),
            samples={reason: list(lines) for reason, lines in self.samples.items()},
            spans=[replace(span) for span in self.spans],
        )

    def replaced_by(self, fingerprint: str) -> Self:
        """Return the state of another content under the same name, of which nothing is read yet.

        The events of what was there stay in the store, and so does the time that it covers. Counts
        are those of the new content.
        """
        return type(self)(
            self.name,
            self.kind,
            fingerprint,
            first_event=self.first_event,
            last_event=self.last_event,
            synthetic=self.synthetic,
            drawn=self.drawn,
            remarks=self.remarks,
            counts=self.counts,
            earlier_spans=self.earlier_spans + len(self.spans),
        )

    def after_commit(self) -> Self:
        """Return the state without the spans that a commit of it leaves to the store."""
        complete = max(len(self.spans) - 1, 0)
        return replace(
            self, spans=self.spans[complete:], earlier_spans=self.earlier_spans + complete
        )

    def cover(self, first: datetime, last: datetime, reached: datetime | None = None) -> None:
        """Record events from `first` to `last`, which follow what was read before.

        Whatever their times say, they are not beyond the time that their source has `reached`.
        """
        if reached is not None:
            first, last = min(first, reached), min(last, reached)
        self.first_event = min(self.first_event or first, first)
        self.last_event = max(self.last_event or last, last)
        if self.kind == "plc":
            return
        if not self.spans:
            self.spans.append(Span())
        span = self.spans[-1]
        if not span.has_begun or span.first_event is None:
            span.first_event = min(span.first_event or first, first)
        span.last_event = max(span.last_event or last, last)

    def begin_span(self) -> None:
        """Settle where the last span of a stream begins, after the first events of it.

        If some of them are of before the gap, only the last one is surely of after it.
        """
        if self.kind in _UNORDERED or not self.spans:
            return
        span = self.spans[-1]
        if span.has_begun or span.first_event is None:
            return
        span.has_begun = True
        before = self.spans[-2].last_event if len(self.spans) > 1 else None
        if span.gap and before is not None and span.first_event <= before:
            span.first_event = span.last_event

    def forget_from(self, end: datetime) -> None:
        """Forget times that lie ahead of the clock, now that it is known to be right.

        They come from a source's only events, of which it could not be told, or are of a time when
        such events were taken for good.
        """
        times: list[SourceState | Span] = [self, *self.spans[-1:]]
        for known in times:
            if known.first_event is not None and known.first_event >= end:
                known.first_event = None
            if known.last_event is not None and known.last_event >= end:
                known.last_event = known.first_event

    def doubt(self, after: int, times: tuple[datetime, datetime], lines: int) -> None:
        """Note that events were rejected because they lie ahead of the clock.

        Parameters
        ----------
        after
            The position before them.
        times
            The earliest and the latest of their times; naive UTC.
        lines
            How many they are, less those that came after them and were not ahead.
        """
        first, last = times
        if self.doubt_after is None:
            self.doubt_after = after
        self.doubt_from = min(self.doubt_from or first, first)
        self.doubt_until = max(self.doubt_until or last, last)
        self.doubted = max(self.doubted + lines, 0)

    def trust(self, lines: int, far: datetime) -> None:
        """Note that events came since that were not ahead of the clock.

        Once they are as many, the clock is right. But what is of now in a moment may have come with
        what is of now.

        Parameters
        ----------
        lines
            How many.
        far
            Events from this time on will not be of now in a moment; naive UTC.
        """
        self.doubted = max(self.doubted - lines, 0)
        if self.doubt_from is not None and self.doubted == 0 and self.doubt_from >= far:
            self.doubt_after = self.doubt_from = self.doubt_until = None

    def is_doubt_over(self, now: datetime) -> bool:
        """Return whether the clock is now beyond events that were rejected as ahead of it.

        Of all of them, or of some of them where it is known to be right. It may have been set right
        meanwhile.

        Parameters
        ----------
        now
            By the clock; naive UTC.
        """
        if self.doubt_from is None or self.doubt_until is None:
            return False
        return (self.doubt_from if self.doubted == 0 else self.doubt_until) <= now

    def before_doubt(self) -> Self:
        """Return the state by which what was rejected as ahead of the clock is asked for again."""
        position = self.position if self.doubt_after is None else self.doubt_after
        return replace(
            self,
            position=min(position, self.position),
            mark=None,
            stalled=0,
            doubt_after=None,
            doubt_from=None,
            doubt_until=None,
            doubted=0,
        )

    def reject(self, reason: str, lines: int, samples: Sequence[tuple[int, bytes | str]]) -> None:
        """Count rejected lines, keeping the shapes of the first few, and nobody's words.

        Parameters
        ----------
        reason
            Why they were rejected.
        lines
            How many there are.
        samples
            The first few: (position, line or what shows why).
        """
        self.rejected[reason] = self.rejected.get(reason, 0) + lines
        kept = self.samples.setdefault(reason, [])
        first = samples[: _SAMPLES - len(kept)]
        kept.extend((position, shape(sample)) for position, sample in first)
