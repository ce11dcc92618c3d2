"""Fetching ahead: results come in order, few are under way, and a reader can stop."""

import random
import threading
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice

import pytest

from blueattr.errors import SourceError
from blueattr.sources.archive import client
from blueattr.sources.parallel import run_ahead
from blueattr.sources.timing import Timing
from support.archive_server import ArchiveServer, Asked, Fault
from support.archive_world import EVENTS, Clock, filled_archive, kept, lines, read, shape, source


@pytest.fixture
def server() -> Iterator[ArchiveServer]:
    with filled_archive() as running:
        yield running


# --- results --------------------------------------------------------------------------------------


def test_results_come_in_order_and_few_are_ahead() -> None:
    rng = random.Random(1)  # noqa: S311 - the same every time
    done: list[int] = []
    handed = 0

    def job(k: int, seconds: float) -> int:
        threading.Event().wait(seconds)
        done.append(k)
        return k

    def jobs() -> Iterator[Callable[[], int]]:
        for k in range(40):
            assert k - handed <= 4
            yield partial(job, k, rng.random() / 200)

    for k, result in enumerate(run_ahead(jobs(), 4)):
        assert result == k
        handed += 1
    assert handed == 40
    assert done != sorted(done)


@pytest.mark.parametrize("where", ["job", "generator"])
def test_a_failure_comes_after_what_was_before_it(where: str) -> None:
    begun: list[int] = []

    def job(k: int) -> int:
        begun.append(k)
        if where == "job" and k == 5:
            raise KeyError(k)
        return k

    def jobs() -> Iterator[Callable[[], int]]:
        for k in range(50):
            if where == "generator" and k == 5:
                raise KeyError(k)
            yield partial(job, k)

    results: list[int] = []
    ordered = run_ahead(jobs(), 3)
    with pytest.raises(KeyError):
        results += ordered
    assert results == [0, 1, 2, 3, 4]
    assert max(begun) <= 5 + 3


# --- stopping -------------------------------------------------------------------------------------


def test_a_server_that_stalls_is_asked_again(
    server: ArchiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_SILENCE", 0.2)
    stalled = False

    def script(asked: Asked) -> Fault | None:
        nonlocal stalled
        if asked.fetches and len(server.served) == 7 and not stalled:
            stalled = True
            return Fault("stall")
        return None

    server.script = script
    assert shape(lines(read(source(server)))) == shape(kept(EVENTS))
    assert server.faults["stall"] == 1


def test_a_server_that_dribbles_is_given_up(
    server: ArchiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(client, "_LONGEST_CALL", -1.0)
    with pytest.raises(SourceError, match=r"is too slow, 4 times in a row"):
        read(source(server, timing=clock.timing))


def test_a_reader_that_stops_waits_for_nobody(server: ArchiveServer) -> None:
    """The server would stall for a minute; this returns while it does."""
    server.density = 1.1
    server.script = lambda asked: (
        Fault("stall") if asked.fetches and asked.params["blockIndex"] != "0" else None
    )
    chunks = source(server, parallel=3).chunks()
    list(islice(chunks, 1))
    chunks.close()  # type: ignore[attr-defined]
    assert not server.released.is_set()


def test_a_wait_ends_when_the_reader_stops(server: ArchiveServer) -> None:
    """The wait would be an hour; the thread that waits ends while it lasts."""
    waiting = threading.Event()
    server.density = 1.1
    fault = Fault("status", 429, headers={"Retry-After": "3600"})
    # Of all blocks but the first: by number, as nobody knows which thread asks first.
    server.script = lambda asked: (
        fault if asked.fetches and asked.params["blockIndex"] != "0" else None
    )
    before = set(threading.enumerate())
    reading = source(
        server, timing=Timing(), parallel=2, on_wait=lambda _seconds, _why: waiting.set()
    )
    chunks = reading.chunks()
    next(chunks)
    assert waiting.wait(30)
    ours = [t for t in threading.enumerate() if t not in before and t.name.startswith("fetch")]
    assert ours
    chunks.close()  # type: ignore[attr-defined]
    for thread in ours:
        thread.join(30)
        assert not thread.is_alive()
