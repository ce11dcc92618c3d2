"""A chunk: what a source yields and a store stages."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from blueattr.decode.named_rows import NamedRows
    from blueattr.decode.parser.layout import ParsedLines
    from blueattr.kernels import IntArray

__all__ = ["Chunk"]


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
        Progress: bytes of the source read so far, before decompression, or seconds of its window.
    resume
        Position after ``data``.
    gap
        Why events between the previous chunk and this one are missing; None if none are.
    mark
        Of a stream: tells the event at ``resume`` from another that has the same number; None where
        it is not known.
    skipped
        Number of events of kinds that are not kept, which never became lines.
    refused
        Events that could not be made a line: (reason, position, what shows why, of which the store
        keeps the shape).
    bounded
        Events of a relay whose time was out of bounds; they have the time of the bound.
    reached
        The time that a relay has reached, whatever the times of single events say; naive UTC. None
        where the newest event tells.
    is_clock_wrong
        Of a relay: whether most events were ahead of our clock, and none was held against it.
    again
        Of a stream: whether all its events are at or before the position that it was seen up to.
    goes_on
        Of such a chunk: whether new events came together with it, which follow at once.
    more
        Of a stream: whether it was handed on because it was full, so that more may wait.
    answered
        Of a stream of which nothing comes: whether its server answered a ping that was sent since.
    parsed
        Lines of ``data`` that the parser has parsed, or events in the same form that never were
        lines.
    account_events
        Account events that never were lines: rows of `blueattr.decode.account_events.SCHEMA`.
    named
        Record events of a table, by kind, with the times of the first and the last record
        of the chunk.
    stated
        What a table says of accounts: ``did``, ``followers``, ``created_at`` and ``asked_at``, when
        it was so.
    counted
        How many interactions with posts a table counts: ``did``, ``rkey``, ``replies``, ``reposts``
        and ``quotes``, null where it does not say, and ``counted_at``.
    unparsed
        int64 (k, 2): bounds of stretches of ``data`` with lines that are not in ``parsed``; None
        if ``data`` is still to be parsed.
    """

    data: bytes
    position: int
    read: int
    resume: int
    gap: str | None = None
    mark: int | None = None
    skipped: int = 0
    refused: tuple[tuple[str, int, bytes], ...] = ()
    bounded: int = 0
    reached: datetime | None = None
    is_clock_wrong: bool = False
    again: bool = False
    goes_on: bool = False
    more: bool = False
    answered: bool = False
    parsed: "tuple[ParsedLines, ...]" = ()
    account_events: "pa.Table | None" = None
    named: "tuple[tuple[NamedRows, ...], tuple[datetime, datetime] | None]" = ((), None)
    stated: "pa.Table | None" = None
    counted: "pa.Table | None" = None
    unparsed: "IntArray | None" = None

    @property
    def is_timeless(self) -> bool:
        """Whether all its events have the time of a bound, and nothing says what time it really is.

        A clock that is behind makes such bounds; no time is covered by these events.
        """
        return self.bounded > 0 and self.reached is None
