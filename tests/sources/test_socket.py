"""One connection: bounded, awake, and closed with a reason, whatever the server does."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from blueattr.sources.live import socket
from blueattr.sources.live.socket import (
    Connection,
    ConnectionLost,
    ConnectionRefused,
    MessageTooLong,
)
from blueattr.sources.live.stream import Transport
from blueattr.store.commit.writer import Writer
from support.events_builder import at, dumps, post
from support.live_world import Run, end_of, hurried, streams_of
from support.store_content import content, expected
from support.stream_server import (
    BINARY,
    V1,
    Fault,
    StreamServer,
    close_frame,
    in_turn,
    wire,
    xrpc_error,
)

EVENTS = [post("ann", f"p{k}", f"text {k}", rev=k, time=at(k)) for k in range(20)]


@pytest.fixture
def server() -> Iterator[StreamServer]:
    with StreamServer(EVENTS).running() as running:
        yield running


def connect(server: StreamServer, **options: Any) -> Connection:
    connection = Connection(f"{server.url}{V1}?cursor={10**15}", **options)
    wait_until(lambda: connection.is_open(0.01))
    return connection


def wait_until(test: Callable[[], bool], patience: float = 10.0) -> None:
    deadline = time.monotonic() + patience
    while not test():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def drain(connection: Connection, count: int) -> list[bytes]:
    out: list[bytes] = []
    deadline = time.monotonic() + 20
    while len(out) < count:
        out += connection.take(0.05, 1 << 16)
        assert time.monotonic() < deadline
    return out


def ending(connection: Connection) -> str:
    try:
        while True:
            connection.take(0.05, 1 << 20)
    except ConnectionLost as lost:
        return str(lost)


# --- a consumer that is slower than the server ---------------------------------------------------


@pytest.mark.few(1)
@pytest.mark.parametrize("size", [0, 10_000], ids=["empty messages", "large messages"])
def test_what_waits_is_bounded_and_then_the_server_waits(server: StreamServer, size: int) -> None:
    count = 1_000_000 if size == 0 else 4_000
    limit = 1 << 20
    server.script = in_turn(Fault("send", data=wire(b"x" * size, BINARY) * count))
    with connect(server, buffer=limit) as connection:
        wait_until(lambda: connection._paused)
        time.sleep(0.1)
        waiting = connection.waiting
        # What was read from the socket at once may be beyond the limit.
        assert limit < waiting <= limit + (60 << 20)
        assert len(connection._messages) * 64 <= waiting
        time.sleep(0.1)
        assert connection.waiting == waiting
        assert server.subscriptions()[0].sent == 0, "the server is still at its first send"
        # All of it comes, in order, and no more at a time than was asked for.
        taken, most = 0, 0
        while taken < count + len(EVENTS):
            messages = connection.take(1.0, 100_000)
            assert sum(map(len, messages)) <= 100_000 + size
            taken += len(messages)
            most = max(most, connection.waiting)
        assert most <= limit + (60 << 20)
        assert b"text 19" in messages[-1]


@pytest.mark.slow
def test_a_slow_store_loses_nothing(
    server: StreamServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [post("ann", f"p{k}", f"{k} " * 6000, rev=k, time=at(k / 1000)) for k in range(600)]
    events.append(post("ann", "last", rev=9999, time=at(60)))
    server.replace([])
    server.add(*events)
    made: list[Connection] = []
    waiting: list[int] = []

    def small(*arguments: Any) -> Connection:
        made.append(Connection(*arguments, buffer=1 << 18))
        return made[-1]

    stage = Writer.stage

    def slow(self: Writer, *arguments: Any) -> Any:
        time.sleep(0.02)
        waiting.append(made[-1].waiting)
        return stage(self, *arguments)

    monkeypatch.setattr(Writer, "stage", slow)
    db = tmp_path / "s.duckdb"
    streams = hurried(streams_of("v1", server), Transport(small, seconds=0.02, size=1 << 19))
    done = Run(end_of(events)).follow(db, streams)
    assert (done.outcome, done.reconnects, len(made)) == ("live", 0, 1)
    assert len(waiting) > 10
    assert sum(asked.wire_bytes for asked in server.asked) > 12 << 20
    assert 1 << 18 < max(waiting) < 8 << 20
    assert content(db) == expected(events)


# --- signs of life -------------------------------------------------------------------------------


def test_a_server_that_is_deaf_is_given_up(server: StreamServer) -> None:
    server.script = in_turn(Fault("deaf", after=2))
    with connect(server, ping_after=0.1) as connection:
        started = time.monotonic()
        assert "no sign of life" in ending(connection)
        assert time.monotonic() - started < 5
    assert server.faults == {"deaf": 1}


def test_a_server_that_answers_pings_is_not(server: StreamServer) -> None:
    server.script = in_turn(Fault("stall", after=2))
    with connect(server, ping_after=0.05) as connection:
        wait_until(lambda: server.subscriptions()[0].pings >= 3)
        assert len(drain(connection, 2)) == 2
        assert connection.take(0.01, 100) == []


def test_an_answer_to_an_earlier_ping_is_no_sign_of_life(server: StreamServer) -> None:
    """A server that answered before its last message may be gone since."""
    server.script = in_turn(Fault("stall", after=2))
    with connect(server) as connection:
        drain(connection, 2)
        assert not connection.answers(), "none was asked for yet"
        wait_until(connection.answers)
        connection._kept += 1
        assert not connection.answers()
        wait_until(connection.answers)
    assert server.subscriptions()[0].pings == 2


@pytest.mark.slow
def test_while_it_is_full_no_sign_of_life_is_asked_for(server: StreamServer) -> None:
    server.script = in_turn(Fault("send", data=wire(b"x" * 1000) * 30_000))
    with connect(server, buffer=1 << 16, ping_after=0.3) as connection:
        wait_until(lambda: connection._paused)
        time.sleep(1.0)
        assert len(drain(connection, 30_000 + len(EVENTS))) == 30_000 + len(EVENTS)


# --- being opened --------------------------------------------------------------------------------


def test_a_server_that_does_not_answer_can_be_left(server: StreamServer) -> None:
    server.script = in_turn(Fault("hang"))
    connection = Connection(f"{server.url}{V1}")
    assert not connection.is_open(0.1)
    started = time.monotonic()
    connection.close()
    assert time.monotonic() - started < 1
    assert server.faults == {"hang": 1}


def test_a_server_that_never_answers(server: StreamServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "_OPEN_TIMEOUT", 0.1)
    server.script = in_turn(Fault("hang"))
    with pytest.raises(ConnectionLost, match=r"timeout|no answer"):
        connect(server)


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"\r\n\r\n", b"garbage\r\n\r\n", b"HTTP/1.1 abc So\r\n\r\n", b"\x00" * 5000,
        b"HTTP/1.1 101 So\r\n\r\n", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 101 So\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: wrong\r\n\r\n",
        b"HTTP/1.1 101 So\r\n" + b"X: y\r\n" * 100_000 + b"\r\n",
        b"HTTP/1.1 400 So\r\nRetry-After: \xff\r\n\r\n",
        b"HTTP/1.1 999 So\r\n\r\n", b"HTTP/1.1 100 So\r\n\r\n",
    ],
    ids=repr,
)  # fmt: skip
def test_an_answer_that_is_no_websocket(
    answer: bytes, server: StreamServer, capfd: pytest.CaptureFixture[str]
) -> None:
    server.script = lambda asked: Fault("raw", data=answer)
    with pytest.raises(ConnectionLost) as caught:  # noqa: PT012 - where it is raised is open
        with connect(server) as connection:
            ending(connection)
        raise ConnectionLost("after it was open")
    assert str(caught.value)
    assert server.faults["raw"] >= 1
    assert capfd.readouterr() == ("", "")


def test_a_refusal_says_why_though_the_reason_comes_late(server: StreamServer) -> None:
    server.script = lambda asked: xrpc_error(400, "CursorTooOld", "oldest is 7")
    with pytest.raises(ConnectionRefused, match="HTTP 400, CursorTooOld: oldest is 7") as caught:
        connect(server)
    assert (caught.value.status, caught.value.error) == (400, "CursorTooOld")


@pytest.mark.parametrize(
    "body",
    [b"", b"no json", b"[]", b"[" * 100_000, b'{"error": 7, "message": null}', b"\xff" * 50,
     b'{"error": "' + b"x" * 200_000],
    ids=lambda body: repr(body[:12]),
)  # fmt: skip
def test_a_refusal_without_a_reason(body: bytes, server: StreamServer) -> None:
    server.script = lambda asked: Fault("refuse", status=400, body=body)
    with pytest.raises(ConnectionRefused, match=r"^HTTP 400") as caught:
        connect(server)
    assert len(str(caught.value)) < 1000


def test_a_reason_that_does_not_end_is_not_waited_for(
    server: StreamServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "_OPEN_TIMEOUT", 0.2)
    server.script = lambda asked: Fault("drip", status=400)
    started = time.monotonic()
    with pytest.raises(ConnectionRefused, match="HTTP 400"):
        connect(server)
    assert server.faults == {"drip": 2}
    assert time.monotonic() - started < 5


def test_nobody_is_there() -> None:
    with StreamServer().running() as gone:
        pass
    with pytest.raises(ConnectionLost):
        connect(gone)
    connection = Connection("ws://nowhere.invalid/subscribe")
    with pytest.raises(ConnectionLost):
        wait_until(partial(connection.is_open, 0.1), 30)


def test_what_came_before_the_end_is_given_first(server: StreamServer) -> None:
    server.script = in_turn(Fault("close", after=7, code=1001, reason="shutting down"))
    with connect(server) as connection:
        wait_until(lambda: bool(connection._ended))
        assert len(drain(connection, 7)) == 7
        assert ending(connection) == (
            "the server closed the connection (code 1001, 'shutting down')"
        )


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1008, 1011, 1012, 3000, 4321])
def test_a_close_is_answered_and_told(code: int, server: StreamServer) -> None:
    server.script = in_turn(Fault("close", after=3, code=code))
    with connect(server) as connection:
        assert len(drain(connection, 3)) == 3
        assert ending(connection) == f"the server closed the connection (code {code})"
    wait_until(lambda: server.subscriptions()[0].closed_with == code)


@pytest.mark.parametrize(
    "data",
    [
        wire(b"x" * (9 << 20)),
        wire(b"x" * (5 << 20), fin=False) + wire(b"x" * (5 << 20), 0, fin=False) + wire(b"", 0),
    ],
    ids=["whole", "in fragments"],
)
def test_a_message_that_is_too_long_is_passed_over(data: bytes, server: StreamServer) -> None:
    server.script = in_turn(Fault("send", after=3, data=data))
    with connect(server) as connection:
        messages = drain(connection, 8)
    assert [isinstance(message, socket.Oversized) for message in messages[:5]] == [
        False, False, False, True, False,
    ]  # fmt: skip
    assert messages[3] == b"x" * 200


@pytest.mark.parametrize(
    "data",
    [
        wire(b"x" * 600_000),
        wire(b"x" * 300_000, fin=False) + wire(b"x" * 300_000, 0, fin=False) + wire(b"", 0),
    ],
    ids=["whole", "in fragments"],
)
def test_nothing_is_taken_that_came_behind_a_message_which_ended_the_connection(
    data: bytes, server: StreamServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who took it would go on behind it, and never know what is missing."""
    monkeypatch.setattr(socket, "MESSAGE_LIMIT", 200_000)
    monkeypatch.setattr(socket, "_PASSED_OVER", 400_000)
    server.script = in_turn(Fault("send", after=3, data=data))
    messages: list[bytes] = []
    with connect(server) as connection, suppress(MessageTooLong):
        while True:
            messages += connection.take(0.05, 1 << 20)
    assert messages == [dumps(event).encode() for event in EVENTS[:3]]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("oversized", wire(b"", size=65 << 20), "exceeding"),
        ("absurd", wire(b"", size=(1 << 63) - 1), "exceeding"),
        ("negative", wire(b"", size=1 << 63), "invalid"),
        ("fragments", wire(b"x" * (8 << 20), fin=False) + wire(b"x" * (8 << 20), 0, fin=False) * 8,
         "message of over"),
        ("empty fragments", wire(b"", fin=False) + wire(b"", 0, fin=False) * 140_000, ""),
        ("opcode", b"\x83\x00", "opcode"),
        ("masked", b"\x81\x81....x", "mask"),
        ("long ping", b"\x89\x7e\x01\x00", "control"),
        ("fragmented ping", b"\x09\x00", "control"),
        ("bad close", close_frame(999), "close"),
        ("half a close", b"\x88\x01\x03", ""),
        ("tls", b"\x16\x03\x01\x02\x00", ""),
    ],
)  # fmt: skip
def test_broken_frames_end_the_connection_and_nothing_else(
    name: str, data: bytes, said: str, server: StreamServer, capfd: pytest.CaptureFixture[str]
) -> None:
    server.script = in_turn(Fault("cut", after=3, data=data))
    with connect(server) as connection:
        told = ending(connection)
        assert connection._is_too_long == (name in ("oversized", "absurd", "fragments"))
    assert server.faults == {"cut": 1}
    assert told
    assert said in told.lower()
    assert capfd.readouterr() == ("", "")
