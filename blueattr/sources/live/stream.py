"""Streams of the network: the messages of Jetstream or a relay, connection by connection."""

import json
import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple, Protocol

from blueattr.decode.binary.transcode import Decoded, Notice
from blueattr.decode.chunk import Chunk
from blueattr.decode.clock import Horizon
from blueattr.sources.live.socket import (
    MESSAGE_LIMIT,
    Connection,
    ConnectionLost,
    ConnectionRefused,
    Oversized,
)

__all__ = [
    "Dialect",
    "Misplaced",
    "Missed",
    "Resume",
    "ServerError",
    "Stream",
    "StreamPosition",
    "Transport",
    "Websocket",
]


_LATEST_US = 253_402_300_799_999_999


@dataclass(frozen=True, slots=True)
class Resume:
    """Where a connection takes up.

    Parameters
    ----------
    cursor
        The server's own cursor to ask for; None where there is none.
    last
        The cursor of the last event seen from this server.
    since
        Where there is no cursor: ask for everything from this time on, if the server can.
    newest
        Time of the newest event of the store, from this server or another.
    gap
        Why what lies before was not seen, where that is known already.
    tries
        Connections in a row that ended before anything new came. After one, what led up to the last
        event seen is not asked for again; after more, nor is that event.
    verified
        Whether the server was just asked for the last event seen, and sent it.
    """

    cursor: int | None = None
    last: int | None = None
    since: datetime | None = None
    newest: datetime | None = None
    gap: str | None = None
    tries: int = 0
    verified: bool = False

    @property
    def overlaps(self) -> bool:
        """Whether the last event seen is requested again."""
        return self.cursor is not None and self.last is not None and self.cursor <= self.last


@dataclass(frozen=True, slots=True)
class StreamPosition:
    """How far a stream was seen, by its server's own numbers.

    Parameters
    ----------
    position
        Cursor of the last event; 0 where none is known.
    mark
        Tells that event from another with its number; None where that is not known.
    time
        Time of the newest event; None where none is known.
    """

    position: int = 0
    mark: int | None = None
    time: datetime | None = None


class Missed(NamedTuple):
    """That a stream does not take up where it was asked to: why, and whether numbers are new."""

    reason: str
    renumbered: bool = False


class Misplaced(ConnectionLost):
    """The stream does not take up where it was asked to, and it was asked for no more than needed.

    Attributes
    ----------
    renumbered
        Whether the server numbers its events anew.
    """

    def __init__(self, reason: str, *, renumbered: bool) -> None:
        super().__init__(reason)
        self.renumbered = renumbered


class ServerError(ConnectionLost):
    """The server ended the stream and said why."""

    def __init__(self, notice: Notice) -> None:
        super().__init__(f"the server said {notice.name}: {notice.message}")
        self.name = notice.name


class Websocket(AbstractContextManager["Websocket", None], Protocol):
    """What a stream uses of a connection, as `blueattr.sources.live.socket.Connection` has it."""

    def is_open(self, patience: float) -> bool:
        """Wait up to `patience` seconds for the handshake; see `Connection.is_open`."""

    def take(self, patience: float, most: int) -> list[bytes]:
        """Return messages, waiting up to `patience` seconds for one; see `Connection.take`."""

    def answers(self) -> bool:
        """Return whether a ping sent after the last message was answered; see `Connection`."""


@dataclass(frozen=True, slots=True)
class Transport:
    """How a stream connects, and how many messages make a chunk.

    Parameters
    ----------
    connect
        Opens a websocket, given its address and headers.
    monotonic
        Seconds since any moment.
    seconds
        A chunk is handed on this long after its first message: readers of the store want to see
        new events soon.
    size
        A chunk is handed on once it has this many bytes: the decoder is fastest on thousands of
        lines at a time.
    """

    connect: Callable[[str, dict[str, str]], Websocket] = Connection
    monotonic: Callable[[], float] = time.monotonic
    seconds: float = 0.5
    size: int = 4 << 20

    def holding(self, most: int) -> "Transport":
        """Return this, with at most so many bytes waiting in a connection of the network."""
        if self.connect is not Connection:
            return self
        return replace(self, connect=partial(Connection, buffer=most))

    def gather(self, connection: Websocket) -> tuple[deque[bytes], bool]:
        """Return the messages of the next chunk, none if none came in `seconds`.

        And whether it is full, so that more may wait.
        """
        messages = deque(connection.take(self.seconds, self.size))
        deadline = self.monotonic() + self.seconds
        size = sum(map(len, messages))
        while messages and size < self.size and (left := deadline - self.monotonic()) > 0:
            try:
                more = connection.take(left, self.size - size)
            except ConnectionLost:
                break
            messages += more
            size += sum(map(len, more))
        return messages, size >= self.size


class Dialect(Protocol):
    """How one kind of server is asked, and what its messages mean."""

    @property
    def kind(self) -> str:
        """What a source of this kind is called in the store."""

    @property
    def rewind(self) -> int:
        """How far before the last event seen a cursor has to lie, so that nothing is missed."""

    @property
    def by_time(self) -> bool:
        """Whether a server can be asked for everything since some time, and sends it at once.

        It then sends the last event seen, too; so one that sends nothing is not there yet.
        """

    @property
    def numbered(self) -> bool:
        """Whether its cursors are numbers that a server gives; else they are times."""

    def request(self, origin: str, resume: Resume) -> tuple[str, dict[str, str]]:
        """Return the address and headers to connect with.

        Raises
        ------
        ConnectionLost
            Something that is asked for beforehand could not be had.
        """

    def read(
        self, messages: deque[bytes], position: int, now: float, *, is_behind: bool
    ) -> Decoded:
        """Take messages from the left, and make them lines: all, or until there is enough.

        Never raises on what a server may send. `position` is the last number seen; if its event is
        among them, what tells it from others is returned, too. What was seen and what is new are
        not read together. `now` is our clock, in seconds since 1970, and `is_behind` whether it is
        known to be behind.
        """

    def adapts(self, refusal: ConnectionRefused) -> bool:
        """Change the request, if that is why the server refused; return whether it was."""

    def missed(self, resume: Resume, seen: StreamPosition, first: Decoded) -> Missed | None:
        """Judge by the first events whether the stream takes up where it was asked to."""

    def renumbered(self, seen: StreamPosition, read: Decoded) -> bool:
        """Judge by what was read whether a server that was seen before numbers its events anew."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One server's stream: a cursor of its own, and connections one after the other.

    Parameters
    ----------
    origin
        ``wss://HOST``; with a path where the user gave one.
    instance
        Host and port, by which its cursors are known.
    dialect
        How it speaks.
    transport
        How it connects.
    """

    origin: str
    instance: str
    dialect: Dialect
    transport: Transport = Transport()

    @property
    def kind(self) -> str:
        """The kind of server."""
        return self.dialect.kind

    @property
    def name(self) -> str:
        """How the store knows it."""
        return f"{self.kind}:{self.instance}"

    def holding(self, most: int) -> "Stream":
        """Return this stream, with at most so many bytes waiting to be decoded."""
        return replace(self, transport=self.transport.holding(most))

    def chunks(
        self,
        resume: Resume,
        seen: StreamPosition,
        now: Callable[[], float] = time.time,
        *,
        ask: bool = False,
    ) -> Generator[Chunk | None]:
        """Connect, and yield what comes until the connection ends.

        While the connection is being opened None is yielded, and an empty chunk while nothing
        comes, so that the caller gets to look at the clock. The first other one begins a new span,
        unless it is known to follow what this source saw last. Where a chunk says to resume is
        never before what was seen, unless the server numbers its events anew.

        Parameters
        ----------
        resume
            Where to take up.
        seen
            How far this source was seen.
        now
            Our clock, in seconds since 1970.
        ask
            Ask the server for a sign of life once nothing comes; empty chunks say whether it gave
            one.

        Raises
        ------
        Misplaced
            It does not take up where it was asked to, and is to be asked for what lies before, too.
        ConnectionLost
            The connection could not be opened, or ended; all that came was yielded before.
        """
        url, headers = self.dialect.request(self.origin, resume)
        # Elsewhere than where this source left off a new span begins, even if nothing is missing.
        gap = "" if resume.gap is None and resume.last != seen.position else resume.gap
        if resume.last is not None and resume.last > seen.position:
            seen = StreamPosition(resume.last, None, seen.time)
        is_first, is_again = True, resume.overlaps
        known = [moment for moment in (resume.newest, seen.time) if moment is not None]
        with self.transport.connect(url, headers) as connection:
            while not connection.is_open(self.transport.seconds):
                yield None
            while True:
                gathered, is_full = self.transport.gather(connection)
                if not gathered:
                    answered = ask and connection.answers()
                    yield Chunk(
                        b"", seen.position, 0, seen.position, mark=seen.mark, answered=answered
                    )
                while messages := _of_a_kind(gathered):
                    if isinstance(messages[0], Oversized):
                        yield _passed_over(messages, seen, is_again=is_again)
                        continue
                    before = seen.position
                    time_of_day = now()
                    # An event that was taken is ahead of it.
                    latest = latest_us(time_of_day)
                    is_behind = any(microseconds(moment) > latest for moment in known)
                    read = self.dialect.read(messages, before, time_of_day, is_behind=is_behind)
                    read = read if is_behind else _trusted(read, latest)
                    gathered.extendleft(reversed(messages))
                    for notice in read.notices:
                        if notice.name == "OutdatedCursor":
                            why = notice.message or notice.name
                            gap = gap or f"the server no longer had it ({why})"
                    if read.last_seq is not None:
                        judged = is_first and not gap
                        missed = self._missed(resume, seen, read) if judged else None
                        gap = gap or (missed.reason if missed else gap)
                        seen = self._after(seen, read, resume, missed)
                        is_first, is_again = False, read.last_seq < seen.position
                    again = read.last_seq is not None and seen.position == before
                    if read.lines or read.skipped or read.refused:
                        yield Chunk(
                            read.lines,
                            before or self._before(read),
                            0,
                            seen.position,
                            gap,
                            seen.mark,
                            read.skipped,
                            tuple(read.refused),
                            read.bounded,
                            None if read.reached_us is None else naive(read.reached_us),
                            read.is_clock_wrong,
                            again,
                            again and bool(gathered),
                            is_full or bool(gathered),
                        )
                        gap = None
                    for notice in read.notices:
                        if notice.kind == "error":
                            raise ServerError(notice)

    def _after(
        self, seen: StreamPosition, read: Decoded, resume: Resume, missed: Missed | None
    ) -> StreamPosition:
        """Return how far the stream is seen after what was read."""
        renumbered = (missed is not None and missed.renumbered) or self.dialect.renumbered(
            seen, read
        )
        if renumbered and resume.tries:
            raise Misplaced("the server numbers its events anew", renumbered=True)
        if read.last_seq is None or (read.last_seq <= seen.position and not renumbered):
            return seen
        return StreamPosition(read.last_seq, read.last_mark, seen.time)

    def _before(self, read: Decoded) -> int:
        """Return the position before what was read of a source that nothing is known of."""
        if read.first_seq is None or not self.dialect.numbered:
            return 0
        return max(read.first_seq - 1, 1)

    def _missed(self, resume: Resume, seen: StreamPosition, first: Decoded) -> Missed | None:
        missed = self.dialect.missed(resume, seen, first)
        if missed is None or missed.renumbered or resume.tries == 0 or resume.overlaps:
            return missed
        if resume.verified:
            # Where nothing happens for a while, the next event is much later.
            return None
        raise Misplaced(missed.reason, renumbered=False)


def _trusted(read: Decoded, latest: int) -> Decoded:
    """Return what was read without times after the latest, which say nothing of where it is."""
    first_us, last_us = (
        None if moment is None or moment > latest else moment
        for moment in (read.first_us, read.last_us)
    )
    return replace(read, first_us=first_us, last_us=last_us)


def _of_a_kind(messages: deque[bytes]) -> deque[bytes]:
    """Take messages from the left: those up to the next that was passed over, or the latter."""
    taken: deque[bytes] = deque()
    kind = isinstance(messages[0], Oversized) if messages else False
    while messages and isinstance(messages[0], Oversized) == kind:
        taken.append(messages.popleft())
    return taken


def _passed_over(messages: deque[bytes], seen: StreamPosition, *, is_again: bool) -> Chunk:
    """Return the chunk that counts messages that were too long, whose events are missing.

    Where they come again among events that were seen, that was said.
    """
    refused = tuple(("line too long", seen.position, message) for message in messages)
    gap = f"the server sent a message of over {MESSAGE_LIMIT:,} bytes, which was passed over"
    said = None if is_again else gap
    return Chunk(b"", seen.position, 0, seen.position, said, seen.mark, 0, refused)


def latest_us(now: float) -> int:
    """Return the latest time that is not ahead of a clock, in microseconds since 1970."""
    return Horizon.of(now).end_us - 1


def microseconds(moment: datetime) -> int:
    """Return a unix time in microseconds."""
    return (moment - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)


def from_microseconds(moment_us: int) -> datetime:
    """Read a unix time in microseconds, clipped to the years that a date can have."""
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=min(moment_us, _LATEST_US))


def naive(moment_us: int) -> datetime:
    """Read a unix time in microseconds as the store has it: naive UTC."""
    return from_microseconds(moment_us).replace(tzinfo=None)


def as_object(message: bytes) -> dict[str, Any]:
    """Parse a message as a JSON object; empty where it is none."""
    try:
        parsed = json.loads(message)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}
