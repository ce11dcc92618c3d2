"""Streams of the network: the messages of Jetstream or a relay, connection by connection."""

import json
import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from blueattr.decode.chunk import Chunk
from blueattr.decode.transcode import Decoded, Notice
from blueattr.sources.live.socket import Connection, ConnectionLost, ConnectionRefused

__all__ = ["Dialect", "Resume", "ServerError", "Stream", "Transport", "Websocket"]


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
    """

    cursor: int | None = None
    last: int | None = None
    since: datetime | None = None
    newest: datetime | None = None
    gap: str | None = None

    @property
    def overlaps(self) -> bool:
        """Whether the last event seen is requested again."""
        return self.cursor is not None and self.last is not None and self.cursor <= self.last


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

    def gather(self, connection: Websocket) -> deque[bytes]:
        """Return the messages of the next chunk; none if none came in `seconds`."""
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
        return messages


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

    def request(self, origin: str, resume: Resume) -> tuple[str, dict[str, str]]:
        """Return the address and headers to connect with.

        Raises
        ------
        ConnectionLost
            Something that is asked for beforehand could not be had.
        """

    def read(self, messages: deque[bytes], position: int) -> Decoded:
        """Take messages from the left, and make them lines: all, or until there is enough.

        Never raises on what a server may send.
        """

    def adapts(self, refusal: ConnectionRefused) -> bool:
        """Change the request, if that is why the server refused; return whether it was."""

    def missed(self, resume: Resume, first: Decoded) -> str | None:
        """Judge by the first events whether the stream takes up where it was asked to.

        Returns
        -------
        str or None
            Why not, or None.
        """


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

    def chunks(self, resume: Resume, position: int = 0) -> Generator[Chunk | None]:
        """Connect, and yield what comes until the connection ends.

        While the connection is being opened None is yielded, and an empty chunk while nothing
        comes, so that the caller gets to look at the clock. The first other one begins a new span,
        unless it is known to follow what this source saw last.

        Parameters
        ----------
        resume
            Where to take up.
        position
            Cursor of the last event seen from this source.

        Raises
        ------
        ConnectionLost
            The connection could not be opened, or ended; all that came was yielded before.
        """
        url, headers = self.dialect.request(self.origin, resume)
        # Elsewhere than where this source left off a new span begins, even if nothing is missing.
        gap = "" if resume.gap is None and resume.last != position else resume.gap
        is_first = True
        with self.transport.connect(url, headers) as connection:
            while not connection.is_open(self.transport.seconds):
                yield None
            while True:
                messages = self.transport.gather(connection)
                if not messages:
                    yield Chunk(b"", position, 0, position)
                while messages:
                    read = self.dialect.read(messages, position)
                    for notice in read.notices:
                        if notice.name == "OutdatedCursor":
                            why = notice.message or notice.name
                            gap = gap or f"the server no longer had it ({why})"
                    if is_first and read.first_seq is not None:
                        is_first = False
                        gap = gap or self.dialect.missed(resume, read) or gap
                    after = position if read.last_seq is None else read.last_seq
                    if read.lines or read.skipped or read.refused:
                        yield Chunk(
                            read.lines, position, 0, after, gap, read.skipped, tuple(read.refused)
                        )
                        gap = None
                    position = after
                    for notice in read.notices:
                        if notice.kind == "error":
                            raise ServerError(notice)


def microseconds(moment: datetime) -> int:
    """Return a unix time in microseconds."""
    return (moment - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)


def from_microseconds(moment_us: int) -> datetime:
    """Read a unix time in microseconds, clipped to the years that a date can have."""
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=min(moment_us, _LATEST_US))


def as_object(message: bytes) -> dict[str, Any]:
    """Parse a message as a JSON object; empty where it is none."""
    try:
        parsed = json.loads(message)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}
