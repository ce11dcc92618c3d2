"""Following streams: connections that break, what is not an event, and when it ends."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from shutil import copy

import pytest

from blueattr.ingest.meter import Moment
from blueattr.ingest.pace import Pace
from blueattr.sources.live.jetstream import JetstreamV1, read_dictionary
from blueattr.sources.live.stream import Stream
from support.events_builder import Event, account, as_v2, at, dumps, identity, post
from support.live_world import (
    END,
    EVENTS,
    PROTOCOLS,
    Run,
    begun,
    end_of,
    gaps_of,
    known,
    spans_of,
    streams_of,
)
from support.store_content import content, expected, sources
from support.stream_server import (
    BINARY,
    TEXT,
    Fault,
    StreamServer,
    in_turn,
    train,
    wire,
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


# --- connections that end -------------------------------------------------------------------------


@pytest.mark.slow
@FIRST_V2
def test_dropped_at_every_frame_boundary(protocol: str, server: StreamServer, db: Path) -> None:
    server.use_dictionary(7)
    target = begun(protocol, server, db)
    kinds = ("cut", "reset", "close")
    # Each connection brings one event more than the last; the firehose only sends what is new.
    # v1 is asked from ten seconds before the last one on.
    cuts = {
        "v2": list(range(len(EVENTS))),
        "v1": [k - max(k - 12, 0) for k in range(len(EVENTS))],
        "firehose": [0, *[1] * (len(EVENTS) - 2)],
    }[protocol]
    server.script = in_turn(
        *(Fault(kinds[k % 3], after=after, code=(1000, 1001, 1011)[k % 3])
          for k, after in enumerate(cuts))
    )  # fmt: skip
    run = Run(END)
    done = run.follow(db, target)
    assert (done.outcome, done.gaps) == ("live", ())
    assert done.reconnects == sum(server.faults.values()) == len(cuts)
    assert set(server.faults) == set(kinds)
    assert content(db) == expected(EVENTS)
    assert [span[2] for span in spans_of(db)[target[0].name]] == [""]
    # A connection that brought something new begins the waits anew.
    assert max(run.waits) <= 4


@pytest.mark.slow
@FIRST_V2
def test_dropped_inside_a_frame(protocol: str, server: StreamServer, db: Path) -> None:
    server.use_dictionary(7)
    target = begun(protocol, server, db)
    after = 3 if protocol != "firehose" else 0
    parts = (1, 2, 3, 5, 40, 100)
    server.script = in_turn(
        *(Fault(("cut", "reset")[k % 2], after=after, part=part) for k, part in enumerate(parts)),
    )
    done = Run(END).follow(db, target)
    assert (done.outcome, done.gaps, done.reconnects) == ("live", (), len(parts))
    assert sum(server.faults.values()) == len(parts)
    assert content(db) == expected(EVENTS)
    assert sources(db)[1] == {
        (target[0].name, reason, lines) for _, reason, lines in sources(db)[1]
    }, "half a frame is not an event"
    compressed = "zstdDictionary" in server.subscriptions()[0].params
    assert compressed == (protocol == "v2")


@pytest.mark.slow
@FIRST_V2
def test_a_server_that_closes(protocol: str, server: StreamServer, db: Path) -> None:
    target = begun(protocol, server, db)
    code = {"v1": 1001, "v2": 1011, "firehose": 1000}[protocol]
    server.script = in_turn(Fault("close", after=4, code=code, reason="\x1b[31mbye\u202e"))
    run = Run(END)
    done = run.follow(db, target)
    assert (done.outcome, done.reconnects) == ("live", 1)
    assert server.subscriptions()[0].closed_with == code
    assert f"code {code}" in run.told[0]
    assert content(db) == expected(EVENTS)


@pytest.mark.slow
def test_a_server_that_stalls_and_answers_pings(server: StreamServer, db: Path) -> None:
    target = known("v2", server, db)
    server.script = in_turn(Fault("stall", after=5))
    run = Run(END, tick=30)
    done = run.follow(db, target, until="stopped", limit=timedelta(minutes=10))
    assert any("nothing came for 90 s" in told for told in run.told)
    assert server.faults == {"stall": 1}
    assert done.outcome == "time is up"
    assert content(db) == expected(EVENTS)


@pytest.mark.slow
def test_a_stalled_server_is_left_for_another(server: StreamServer, db: Path) -> None:
    known("v2", server, db)
    server.script = lambda asked: Fault("stall") if asked.kind == "v2" else None
    with StreamServer(EVENTS).running() as other:
        run = Run(END, tick=3)
        done = run.follow(db, streams_of("v2", server, other))
    assert done.outcome == "live"
    assert "not even the last ones seen" in run.told[0]
    assert server.faults == {"stall": 2}
    assert content(db) == expected(EVENTS)


@pytest.mark.few(1)
@pytest.mark.parametrize("protocol", ["firehose", "v2", pytest.param("v1", marks=pytest.mark.slow)])
def test_until_live_of_a_quiet_server_ends_once_it_answered_a_ping(
    protocol: str, server: StreamServer, db: Path
) -> None:
    target = known(protocol, server, db)
    # Nothing is fresh, but the last event is of five minutes ago.
    run = Run(END + 300, tick=0.2)
    done = run.follow(db, target)
    assert (done.outcome, done.reconnects) == ("live", 0)
    assert server.subscriptions()[-1].pings == 1
    assert content(db) == expected(EVENTS)


@pytest.mark.slow
def test_a_server_that_only_repeats_itself_is_not_asked_in_a_loop(
    server: StreamServer, db: Path
) -> None:
    """Each connection sends the last event again and breaks: nothing new, so waits grow."""
    target = begun("v2", server, db)
    Run(END).follow(db, target)
    last = len(EVENTS)
    server.script = lambda asked: (
        Fault("cut", after=last + 1 - (asked.cursor or 0)) if asked.kind == "v2" else None
    )
    run = Run(END + 3600)
    done = run.follow(db, target)
    assert done.outcome == "unreachable"
    assert run.waits == pytest.approx([1, 2, 4, 8, 16, 32], rel=1e-3)


@pytest.mark.slow
def test_statuses_of_an_account_are_not_doubled_by_replays(server: StreamServer, db: Path) -> None:
    events: list[Event] = [
        identity("ann", "ann.example.org", time=at(0)),
        account("ann", "deactivated", time=at(1)),
        account("ann", time=at(2)),
    ]
    server.add(*events)
    server.script = in_turn(*(Fault("cut", after=k) for k in (1, 2, 3)))
    Run(end_of(events) + 5, tick=1).follow(db, streams_of("v2", server))
    assert content(db) == expected(events)
    assert len(content(db).statuses) == 2


# --- what is not an event -------------------------------------------------------------------------


def rubbish(protocol: str) -> list[bytes]:
    bomb = train(7)
    import zstandard  # noqa: PLC0415 - for this alone

    packed = zstandard.ZstdCompressor(dict_data=bomb).compress(bytes(50 << 20))
    unsized = zstandard.ZstdCompressor(write_content_size=False, dict_data=bomb)
    sneaky = unsized.compressobj().compress(b"")
    stream = unsized.compressobj()
    sneaky = stream.compress(bytes(20 << 20)) + stream.flush()
    event = as_v2(EVENTS[3])
    return [
        wire(b"garbage"),
        wire(b""),
        wire(b"\n\n\n"),
        wire(b"\x00" * 10),
        wire(b"\xff\xfe{", TEXT),
        wire(bytes(range(256)) * 4, BINARY),
        wire(b"[" * 100_000),
        wire(b'{"payload": ' * 5000 + b"}" * 5000),
        wire(b"null"), wire(b"[]"), wire(b'"x"'), wire(b"-1e999"),
        wire(b'{"$type":"message","payload":null}'),
        wire(b'{"$type":"message","payload":{"$type":"x","seq":1e400}}'),
        wire(b'{"$type":"message","payload":{"seq":' + b"9" * 5000 + b"}}"),
        wire(b'{"$type":"message","payload":{"seq":-1,"time":"2026-13-45"}}'),
        wire(packed, BINARY),
        wire(packed[:-20], BINARY),
        wire(sneaky, BINARY),
        wire(b"\x28\xb5\x2f\xfd" + b"\xff" * 30, BINARY),
        wire(b"\x28\xb5\x2f\xfd", BINARY),
        wire(b"part one", TEXT, fin=False) + wire(b" and two", 0, fin=False) + wire(b"!", 0),
        # JSON may have line ends between its tokens.
        wire(json.dumps(event, indent=2).encode()) if protocol == "v2" else wire(
            json.dumps(EVENTS[3], indent=2).encode()
        ),
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_garbage_is_counted_and_stops_nothing(
    protocol: str, server: StreamServer, db: Path
) -> None:
    server.use_dictionary(7)
    target = begun(protocol, server, db)
    thrown = rubbish(protocol)
    server.script = in_turn(Fault("send", after=1, data=b"".join(thrown)))
    run = Run(END)
    done = run.follow(db, target)
    assert (done.outcome, done.reconnects, server.faults) == ("live", 0, {"send": 1})
    assert content(db) == expected(EVENTS)
    (state,) = (s for s in done.ingested.sources if s.name == target[0].name)
    rejected = sum(state.rejected.values())
    # Blank ones are no lines, and the one that is an event is one.
    assert len(thrown) - 4 <= rejected - len([e for e in EVENTS if "bad key" in dumps(e)])
    reason = {"v2": "undecodable frame", "v1": "undecodable frame"}.get(protocol)
    assert reason is None or state.rejected[reason] == 5
    assert state.lines == state.kept + state.skipped + rejected


@pytest.mark.slow
def test_v1_with_its_dictionary(server: StreamServer, db: Path) -> None:
    server.replace([])
    server.add(*EVENTS)
    server.v1_dictionary = train(9)
    dictionary = read_dictionary(server.v1_dictionary.as_bytes())
    target = Stream(f"{server.url}/subscribe", server.instance, JetstreamV1(dictionary))
    server.script = in_turn(Fault("cut", after=7, part=20))
    done = Run(END).follow(db, (target,))
    assert (done.outcome, server.faults) == ("live", {"cut": 1})
    assert server.subscriptions()[0].params["compress"] == ["true"]
    assert content(db) == expected(EVENTS)
    assert set(done.ingested.sources[0].rejected) == {"bad record key"}


# --- ending ---------------------------------------------------------------------------------------


def test_a_stop_keeps_what_was_received(server: StreamServer, db: Path) -> None:
    target = begun("v2", server, db)
    run = Run(END + 3600)
    run.on_moment = lambda m: run.stop.set() if m.kept >= 10 else None
    done = run.follow(db, target, until="stopped")
    assert (done.outcome, done.gaps) == ("stopped", ())
    assert content(db) == expected(EVENTS)


@pytest.mark.slow
def test_a_limit_ends_it(server: StreamServer, db: Path) -> None:
    target = begun("v2", server, db)
    run = Run(END + 3600, tick=40)
    done = run.follow(db, target, until="stopped", limit=timedelta(minutes=10))
    assert (done.outcome, done.reconnects > 0) == ("time is up", True)
    assert content(db) == expected(EVENTS)


@pytest.mark.slow
def test_live_by_a_clock_that_is_not_ours(server: StreamServer, db: Path) -> None:
    """Events of three years ago that come as fast as the clock goes are as live as it gets."""
    server.add(*EVENTS)
    run = Run(END + 1e8)
    clock = iter(range(18, 10_000))

    def tick(_moment: Moment) -> None:
        run.skipped += 1
        k = next(clock)
        server.add(post("ann", f"t{k}", rev=k, time=at(k)))

    run.on_moment = tick
    done = run.follow(db, streams_of("v2", server), pace=Pace(clock_samples=5))
    assert done.outcome == "live"
    assert done.lag is not None
    assert done.lag > timedelta(days=1000)
    assert next(clock) < 120


@pytest.mark.slow
def test_a_server_that_falters_has_not_caught_up(server: StreamServer, db: Path) -> None:
    server.add(*EVENTS[:7])
    run = Run(END)
    faltered = iter(range(3))

    def falter(_moment: Moment) -> None:
        subscribed = server.subscriptions()
        if subscribed and subscribed[0].sent == 7 and len(server.log) == 7:
            run.skipped += 15
            if next(faltered, None) is None:
                server.add(*EVENTS[7:])

    run.on_moment = falter
    # The machine may be slow, too.
    done = run.follow(db, streams_of("v2", server), pace=Pace(quiet=60.0))
    assert (done.outcome, next(faltered, None)) == ("live", None)
    assert content(db) == expected(EVENTS)


@pytest.mark.slow
def test_while_it_catches_up_it_is_not_live(server: StreamServer, db: Path) -> None:
    server.add(*EVENTS)
    run = Run(END + 1e8)
    clock = iter(range(18, 10_000))

    def tick(_moment: Moment) -> None:
        run.skipped += 1
        k = next(clock)
        server.add(post("ann", f"t{k}", rev=k, time=at(k * 60)))
        if k > 40:
            run.stop.set()

    run.on_moment = tick
    done = run.follow(db, streams_of("v2", server), pace=Pace(clock_samples=5))
    assert done.outcome == "stopped"


def test_a_first_run_without_a_start_begins_live_and_that_is_no_gap(
    server: StreamServer, db: Path
) -> None:
    server.add(*EVENTS[:9])
    run = Run(END)
    given = iter(range(1))

    def come(_moment: object) -> None:
        if server.subscriptions() and next(given, None) is not None:
            server.add(*EVENTS[9:])

    run.on_moment = come
    done = run.follow(db, streams_of("v2", server), start=None)
    assert (done.outcome, done.gaps) == ("live", ())
    assert server.subscriptions()[0].cursor is None
    assert content(db) == expected(EVENTS[9:])
    assert gaps_of(db) == ()


def test_what_is_asked_of_a_server(server: StreamServer, db: Path) -> None:
    target = begun("v2", server, db)
    Run(END).follow(db, target)
    (asked,) = server.subscriptions()
    assert asked.params["kinds"] == ["commit", "identity", "account"]
    assert asked.params["collections"] == [
        "app.bsky.feed.post", "app.bsky.feed.repost", "app.bsky.graph.follow",
        "app.bsky.actor.profile",
    ]  # fmt: skip
    assert asked.headers["sec-websocket-protocol"] == "xrpc.v1.json"
    assert asked.headers["user-agent"].startswith("blueattr/")
    assert "authorization" not in asked.headers
