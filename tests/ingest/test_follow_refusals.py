"""Following servers that refuse: by the status, they are waited for, left, or given up."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from shutil import copy

import pytest

from blueattr.errors import SourceError
from support.live_world import (
    END,
    EVENTS,
    Run,
    begun,
    streams_of,
)
from support.store_content import content, expected
from support.stream_server import (
    Asked,
    Fault,
    StreamServer,
    in_turn,
    xrpc_error,
)

# What breaks alike in each protocol.
FIRST_V2 = pytest.mark.parametrize(
    "protocol", ["v2", *(pytest.param(p, marks=pytest.mark.slow) for p in ("v1", "firehose"))]
)


@pytest.fixture
def server() -> Iterator[StreamServer]:
    with StreamServer().running() as running:
        yield running


@pytest.fixture
def db(empty_store: Path, tmp_path: Path) -> Path:
    return Path(copy(empty_store, tmp_path / "store.duckdb"))


@pytest.mark.slow
def test_too_many_requests_are_waited_out(server: StreamServer, db: Path) -> None:
    target = begun("v2", server, db)
    waits = ("40", "999999999", "-5", "nan", "Wed, 21 Oct 2026 07:28:30 GMT")
    # By the server's clock, whatever ours says.
    date = "Wed, 21 Oct 2026 07:28:00 GMT"
    server.script = in_turn(
        *(
            Fault("refuse", status=429, headers={"Retry-After": wait, "Date": date})
            # Once to connect, once for the reason.
            for wait in waits
            for _ in range(2)
        )
    )
    run = Run(END)
    assert run.follow(db, target).outcome == "live"
    assert server.faults == {"refuse": 10}
    assert run.waits == pytest.approx([40, 300, 4, 8, 30], rel=1e-3)
    assert content(db) == expected(EVENTS)


@FIRST_V2
def test_unavailable_at_first(protocol: str, server: StreamServer, db: Path) -> None:
    target = begun(protocol, server, db)
    server.script = in_turn(xrpc_error(503, "ServiceUnavailable"), Fault("refuse", status=502))
    run = Run(END)
    assert run.follow(db, target).outcome == "live"
    assert run.waits == pytest.approx([1, 2], rel=1e-3)
    assert content(db) == expected(EVENTS)


@pytest.mark.few(2)
@pytest.mark.parametrize("status", [400, 403, 404, 301, 308, 200])
def test_refused_for_good(status: int, server: StreamServer, db: Path) -> None:
    with StreamServer(EVENTS).running() as elsewhere:
        server.script = lambda asked: Fault(
            "refuse", status=status, headers={"Location": elsewhere.url}
        )
        run = Run(END)
        with pytest.raises(SourceError, match=f"{server.instance} refuses.*{status}"):
            run.follow(db, streams_of("v1", server), until="stopped")
        assert elsewhere.asked == [], "a redirect was followed"
    assert server.faults["refuse"] >= 1
    assert len(run.waits) == 0


def test_refused_by_one_and_served_by_the_next(server: StreamServer, db: Path) -> None:
    server.script = lambda asked: Fault("refuse", status=404)
    with StreamServer(EVENTS).running() as other:
        run = Run(END)
        assert run.follow(db, streams_of("v1", server, other)).outcome == "live"
    assert server.faults["refuse"] == 2, "once to connect, once for the reason"
    assert content(db) == expected(EVENTS)


@pytest.mark.slow
def test_a_refusal_after_it_worked_is_tried_again(server: StreamServer, db: Path) -> None:
    target = begun("v1", server, db)
    # Each is asked again for the reason, over plain HTTP.
    refusals = [Fault("refuse", status=403)] * 6
    server.script = in_turn(Fault("cut", after=3), *refusals)
    run = Run(END)
    assert run.follow(db, target).outcome == "live"
    assert server.faults == {"cut": 1, "refuse": 6}
    assert content(db) == expected(EVENTS)


def test_a_server_that_is_not_there(db: Path) -> None:
    with StreamServer().running() as gone:
        target = streams_of("v1", gone)
    run = Run(END)
    done = run.follow(db, target)
    assert (done.outcome, done.reconnects) == ("unreachable", 7)
    assert gone.instance in done.trouble
    assert run.waits == pytest.approx([1, 2, 4, 8, 16, 32], rel=1e-3), "the last is not waited for"
    # A run that is to end at a time waits for that long, and says that it saw nothing.
    run = Run(END)
    done = run.follow(db, target, until="stopped", limit=timedelta(minutes=50))
    assert done.outcome == "unreachable"
    assert sum(run.waits) == pytest.approx(3000, rel=0.01)
    assert max(run.waits) == pytest.approx(64)
    assert len(run.waits) < 60


@pytest.mark.slow
def test_a_dictionary_that_is_rotated(server: StreamServer, db: Path) -> None:
    server.use_dictionary(7)
    target = begun("v2", server, db)

    def script(asked: Asked) -> Fault | None:
        if asked.kind != "v2":
            return None
        if len(server.subscriptions()) == 1:
            return Fault("close", after=5, code=1001)
        if server.dictionary is not None and server.dictionary.dict_id() == 7:
            server.use_dictionary(8)
        return None

    server.script = script
    run = Run(END)
    assert run.follow(db, target).outcome == "live"
    asked = [a.params.get("zstdDictionary") for a in server.subscriptions()]
    assert asked == [["7"], ["7"], ["7"], ["8"]], "the third asks for the reason"
    assert run.waits == pytest.approx([1], rel=1e-3)
    assert content(db) == expected(EVENTS)


def test_a_fleet_that_hands_out_the_dictionary_it_rejects(server: StreamServer, db: Path) -> None:
    server.use_dictionary(7)
    server.known_dictionaries = {8}
    target = begun("v2", server, db)
    run = Run(END)
    assert run.follow(db, target).outcome == "live"
    asked = [a.params.get("zstdDictionary") for a in server.subscriptions()]
    assert asked == [None] or asked[-1] is None
    assert content(db) == expected(EVENTS)


@pytest.mark.few(1)
@pytest.mark.parametrize("blob", [b"", b"no dictionary", b"\x37\xa4\x30\xec" + b"\x00" * 40])
def test_without_a_dictionary_the_stream_comes_as_it_is(
    blob: bytes, server: StreamServer, db: Path
) -> None:
    server.script = lambda asked: (
        Fault("refuse", status=200, body=blob) if asked.kind == "dictionary" else None
    )
    server.add(*EVENTS)
    assert Run(END).follow(db, streams_of("v2", server)).outcome == "live"
    assert server.faults == {"refuse": 1}
    assert "zstdDictionary" not in server.subscriptions()[0].params
    assert content(db) == expected(EVENTS)
