"""The quota of an archive: it is waited for as long as the server says, by all at once."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from blueattr.sources.archive import client
from blueattr.sources.timing import Timing
from support.archive_server import ArchiveServer, Asked, Fault
from support.archive_world import (
    EVENTS,
    ROWS,
    Clock,
    fail,
    filled_archive,
    kept,
    lines,
    read,
    shape,
    source,
)
from support.events_builder import (
    BASE,
    micros,
)


@pytest.fixture
def server() -> Iterator[ArchiveServer]:
    with filled_archive() as running:
        yield running


def _in(seconds: int) -> str:
    return format_datetime(datetime.fromtimestamp(micros(BASE) / 1e6 + seconds, UTC), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "17"}, 17),
        ({"Retry-After": "3600"}, 3600),
        ({"Retry-After": _in(90)}, 90),
        ({"Retry-After": _in(-90)}, 0.5),
        ({"Retry-After": "0"}, 0.5),
        ({"Retry-After": "soon"}, 5),
        ({"Retry-After": "-1"}, 5),
        ({}, 5),
        ({"RateLimit-Reset": "44"}, 44),
        ({"RateLimit-Reset": str(micros(BASE) // 10**6 + 77)}, 77),
        # By the server's clock, which is an hour ahead.
        ({"RateLimit-Reset": str(micros(BASE) // 10**6 + 3677), "Date": _in(3600)}, 77),
        ({"Retry-After": _in(3690), "Date": _in(3600)}, 90),
    ],
)
def test_a_quota_is_waited_for_as_long_as_the_server_says(
    server: ArchiveServer, headers: dict[str, str | None], wait: float
) -> None:
    clock = Clock()
    told: list[tuple[float, str]] = []
    begun = clock.time
    # The server's clock says what ours does, unless it is told otherwise.
    fault = Fault("status", 429, headers={"Date": _in(0), **headers})
    refusals = 0

    def script(asked: Asked) -> Fault | None:
        nonlocal refusals
        if asked.fetches and len(server.served) == 5 and refusals == 0:
            refusals += 1
            return fault
        return None

    server.script = script
    reading = source(
        server, timing=clock.timing, on_wait=lambda seconds, why: told.append((seconds, why))
    )
    assert shape(lines(read(reading))) == shape(kept(EVENTS))
    assert server.faults["status"] == 1
    assert clock.time - begun == pytest.approx(wait)
    ((seconds, why),) = told
    assert seconds == pytest.approx(wait)
    assert "permits no more for now" in why
    assert reading.spent == server.spent


def test_while_one_waits_for_the_quota_nobody_asks(server: ArchiveServer) -> None:
    # Real time: the threads must be seen not to ask.
    server.density = 1.1
    server.delay = 0.01
    asked_in_vain = 0

    def script(asked: Asked) -> Fault | None:
        nonlocal asked_in_vain
        if not asked.fetches or len(server.served) < 4:
            return None
        if asked_in_vain >= 8:
            return None
        asked_in_vain += 1
        return Fault("status", 429, headers={"Retry-After": "1"})

    server.script = script
    waits: list[float] = []
    lock = threading.Lock()
    clock = Clock()

    def sleep(seconds: float) -> None:
        with lock:
            waits.append(seconds)
            clock.time += seconds

    told: list[float] = []
    timing = Timing(now=clock.timing.now, monotonic=clock.timing.monotonic, sleep=sleep)
    reading = source(
        server, parallel=4, timing=timing, on_wait=lambda seconds, _why: told.append(seconds)
    )
    assert shape(lines(read(reading))) == shape(kept(EVENTS))
    assert asked_in_vain == 8
    # Told once for the calls that were refused together.
    assert 1 <= len(told) < 8


def test_a_quota_that_is_refilled_now_and_then_is_enough(
    server: ArchiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each call is refused once. Calls of two threads may be refused one after the other, so
    # that the limit is above the number of threads, and far below that of refusals.
    monkeypatch.setattr(client, "_QUOTA_WAITS", 4)
    refused: set[str] = set()
    lock = threading.Lock()

    def script(asked: Asked) -> Fault | None:
        call = repr((asked.method, asked.params, asked.body, asked.headers.get("range")))
        with lock:
            if call in refused:
                return None
            refused.add(call)
        return Fault("status", 429)

    server.script = script
    assert shape(lines(read(source(server, parallel=1)))) == shape(kept(EVENTS))
    assert server.faults["status"] > 10


@pytest.mark.parametrize(
    ("wait", "words"),
    [("3601", "asks to wait for 1.0 hours"), ("1", "permitted nothing, 41 times")],
)
def test_a_quota_that_is_not_refilled_ends_the_reading(
    server: ArchiveServer, wait: str, words: str
) -> None:
    fault = Fault("status", 429, headers={"Retry-After": wait})
    server.script = lambda asked: fault if asked.fetches and len(server.served) >= 6 else None
    chunks, _ = fail(source(server), words)
    assert shape(lines(chunks)) == shape(kept(EVENTS[: 6 * ROWS]))
