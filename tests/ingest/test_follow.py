"""Following streams that break in every way: nothing is lost, and what is missing is known."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from shutil import copy

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from blueattr.errors import SourceError
from blueattr.ingest.follow import Pace
from blueattr.ingest.meter import Moment
from blueattr.provenance import Window
from blueattr.sources.archive.key import ArchiveKey
from blueattr.sources.archive.source import ArchiveSource
from blueattr.sources.backoff import Retries
from blueattr.sources.live.jetstream import JetstreamV1, read_dictionary
from blueattr.sources.live.socket import ConnectionRefused
from blueattr.sources.live.stream import Stream
from blueattr.store.writer import Writer
from support.archive_server import ArchiveServer
from support.archive_server import Fault as ArchiveFault
from support.effort import law
from support.events_builder import Event, account, as_v2, at, dumps, identity, micros, post
from support.live_world import PROTOCOLS, Run, end_of, gaps_of, seed, spans_of, story, streams_of
from support.store_content import content, expected, sources
from support.stream_server import (
    BINARY,
    TEXT,
    Asked,
    Fault,
    StreamServer,
    in_turn,
    train,
    wire,
    xrpc_error,
)

EVENTS = story(18)
END = end_of(EVENTS)
# What breaks alike in each protocol.
FIRST_V2 = pytest.mark.parametrize(
    "protocol", ["v2", *(pytest.param(p, marks=pytest.mark.slow) for p in ("v1", "firehose"))]
)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that is made, and nothing else."""
    path = tmp_path_factory.mktemp("empty") / "store.duckdb"
    Writer(path).close()
    return path


@pytest.fixture
def server() -> Iterator[StreamServer]:
    with StreamServer().running() as running:
        yield running


@pytest.fixture
def db(tmp_path: Path, empty: Path) -> Path:
    return Path(copy(empty, tmp_path / "store.duckdb"))


def begun(protocol: str, server: StreamServer, db: Path) -> tuple[Stream, ...]:
    """Give a server its events, so that they will be asked for."""
    if protocol == "firehose":
        return known(protocol, server, db)
    server.replace([])
    server.add(*EVENTS)
    return streams_of(protocol, server)


def known(protocol: str, server: StreamServer, db: Path) -> tuple[Stream, ...]:
    """Give a server its events, and a store the first of them."""
    server.replace([])
    seed(db, protocol, server, EVENTS)
    server.add(*EVENTS[1:])
    return streams_of(protocol, server)


# --- connections that end ------------------------------------------------------------------------


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


def test_a_server_that_stalls_and_answers_pings(server: StreamServer, db: Path) -> None:
    target = known("v2", server, db)
    server.script = in_turn(Fault("stall", after=5))
    run = Run(END, tick=30)
    done = run.follow(db, target, until="stopped", limit=timedelta(minutes=10))
    assert any("nothing came for 90 s" in told for told in run.told)
    assert server.faults == {"stall": 1}
    assert done.outcome == "time is up"
    assert content(db) == expected(EVENTS)


def test_a_stalled_server_is_left_for_another(server: StreamServer, db: Path) -> None:
    known("v2", server, db)
    server.script = lambda asked: Fault("stall") if asked.kind == "v2" else None
    with StreamServer(EVENTS).running() as other:
        run = Run(END, tick=3)
        done = run.follow(db, streams_of("v2", server, other))
    assert done.outcome == "live"
    assert "not even what was seen last" in run.told[0]
    assert server.faults == {"stall": 2}
    assert content(db) == expected(EVENTS)


def test_until_live_of_a_quiet_relay_ends(server: StreamServer, db: Path) -> None:
    target = streams_of("firehose", server)
    run = Run(END, tick=1)
    done = run.follow(db, target)
    assert (done.outcome, done.reconnects, done.lag) == ("live", 0, None)


# --- what is not an event ------------------------------------------------------------------------


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


# --- refusals ------------------------------------------------------------------------------------


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


# --- what a server no longer has -----------------------------------------------------------------


def test_v1_clamps_without_a_word_and_it_is_noticed(server: StreamServer, db: Path) -> None:
    target = known("v1", server, db)
    server.floor = 10
    done = Run(END).follow(db, target)
    (gap,) = done.gaps
    assert "replay began at 2026-05-01 00:00:09" in gap
    assert content(db) == expected(EVENTS[:1] + EVENTS[9:])
    (missing,) = gaps_of(db)
    assert (missing.start, missing.end) == (at(0), at(9))
    assert missing.reason == gap, "shorter than five minutes, and reported all the same"


def test_v1_that_reaches_back_is_no_gap(server: StreamServer, db: Path) -> None:
    target = known("v1", server, db)
    assert Run(END).follow(db, target).gaps == ()
    assert server.subscriptions()[0].cursor == micros(at(-10))


def test_a_cursor_that_is_too_old_becomes_a_gap(server: StreamServer, db: Path) -> None:
    target = known("v2", server, db)
    server.floor = 10
    run = Run(END)
    done = run.follow(db, target)
    assert done.gaps == ("the server no longer had it (the oldest is 10)",)
    assert server.faults == {"too old": 4}, "twice, and for the reason each"
    assert content(db) == expected(EVENTS[:1] + EVENTS[9:])
    (missing,) = gaps_of(db)
    assert (missing.start, missing.end) == (at(0), at(9))


def test_only_what_was_asked_for_beyond_need_is_too_old(server: StreamServer, db: Path) -> None:
    target = begun("v2", server, db)
    server.script = in_turn(Fault("close", after=9))
    Run(end_of(EVENTS[:9])).follow(db, target)
    # The next one it still has, though not the last one seen.
    server.floor = 10
    run = Run(END)
    done = run.follow(db, target)
    assert (done.gaps, done.outcome) == ((), "live")
    assert server.faults["too old"] == 2
    asked = [a.cursor for a in server.subscriptions()]
    assert asked[-1] == 10
    assert 1 in asked
    assert content(db) == expected(EVENTS)


def test_too_old_for_everything_ends_at_the_live_end(server: StreamServer, db: Path) -> None:
    target = known("v2", server, db)
    server.script = lambda asked: (
        xrpc_error(400, "CursorTooOld") if asked.kind == "v2" and asked.cursor else None
    )
    run = Run(END)
    given = iter(range(1))

    def later(_moment: object) -> None:
        live = [a for a in server.subscriptions() if a.cursor is None]
        if live and next(given, None) is not None:
            server.add(post("later", "x", rev=999, time=at(END - at(0).timestamp() + 1)))

    run.on_moment = later
    done = run.follow(db, target)
    assert done.outcome == "live"
    assert len(done.gaps) == 1
    assert ("post", "did:plc:later", "x") in content(db).records


def test_a_relay_says_that_it_is_outdated(server: StreamServer, db: Path) -> None:
    target = known("firehose", server, db)
    server.floor = 10
    done = Run(END).follow(db, target)
    assert done.gaps == ("the server no longer had it (too old)",)
    assert content(db) == expected(EVENTS[:1] + EVENTS[9:])
    (missing,) = gaps_of(db)
    assert (missing.start, missing.end) == (at(0), at(9))


@pytest.mark.parametrize("protocol", ["v2", "firehose"])
def test_a_numbering_that_has_started_over(protocol: str, server: StreamServer, db: Path) -> None:
    target = begun(protocol, server, db)
    Run(END).follow(db, target)
    # v2 is asked for some thousand less than was seen, and has not even that any more.
    reached = {"v2": 9000, "firehose": len(EVENTS)}[protocol]
    if protocol == "v2":
        server.replace([])
        server.add(*EVENTS, first=reached)
        Run(END).follow(db, target)
    after = [post("new", f"p{k}", rev=200 + k, time=at(100 + k)) for k in range(5)]
    server.replace([])
    server.asked.clear()
    run = Run(end_of(after))
    given = iter(range(1))

    def come(_moment: object) -> None:
        subscribed = [a for a in server.subscriptions() if a.fault != "FutureCursor"]
        if subscribed and next(given, None) is not None:
            server.add(*after)

    run.on_moment = come
    done = run.follow(db, target)
    assert done.gaps[-1] == "the server's numbering has started over"
    assert content(db) == expected(EVENTS + after)
    assert sources(db)[0][target[0].name][2] == len(after), "the position goes down with it"
    assert [gap.end for gap in gaps_of(db)] == [at(100)]
    if protocol == "firehose":
        assert server.faults == {"FutureCursor": 1}
    # And it is where the next run takes up.
    more = post("new", "p9", rev=300, time=at(200))
    server.add(more)
    done = Run(end_of([more])).follow(db, target)
    assert done.gaps == ()
    assert content(db) == expected([*EVENTS, *after, more])


def test_another_numbering_that_is_already_past_ours(server: StreamServer, db: Path) -> None:
    target = begun("v2", server, db)
    Run(END).follow(db, target)
    after = [post("new", f"p{k}", rev=200 + k, time=at(5000 + k)) for k in range(40)]
    server.replace([])
    server.add(*after)
    done = Run(end_of(after)).follow(db, target)
    assert "numbering is another" in done.gaps[0]
    assert [(gap.start, gap.end) for gap in gaps_of(db)] == [(at(17), at(5000))]


def test_the_live_end_without_a_word_is_noticed(server: StreamServer, db: Path) -> None:
    """A Jetstream that keeps nothing takes any cursor for its live end."""
    target = begun("v2", server, db)
    server.replace([])
    server.add(*EVENTS, first=5000)
    Run(END).follow(db, target)
    later = [post("new", f"p{k}", rev=200 + k, time=at(30 + k)) for k in range(3)]
    server.replace([])
    server.add(*later, first=5100)
    done = Run(end_of(later)).follow(db, target)
    assert done.gaps == ("the server's replay began after the last event seen",)
    assert [(gap.start, gap.end) for gap in gaps_of(db)] == [(at(17), at(30))]


def test_a_server_that_crashed_numbers_its_last_block_anew(server: StreamServer, db: Path) -> None:
    """What was lost of it comes again, in another order, with other numbers and later times."""
    target = begun("v2", server, db)
    Run(end_of(EVENTS[:12])).follow(db, target, until="stopped", limit=timedelta(0))
    server.script = in_turn(Fault("cut", after=12))
    before = Run(end_of(EVENTS[:12]))
    before.follow(db, target)
    # The tail comes again: the order is another, an event not yet seen is now among those seen.
    kept, again = EVENTS[:6], EVENTS[6:]
    shuffled = [again[6], *again[:3], again[7], *again[3:6], *again[8:]]
    later = [{**event, "time_us": event["time_us"] + 3_000_000} for event in shuffled]
    server.replace([])
    server.add(*kept, *later)
    done = Run(end_of(later)).follow(db, target)
    assert done.gaps == ()
    found, wanted = content(db), expected(EVENTS)
    assert found.records.keys() == wanted.records.keys()
    for key, record in wanted.records.items():
        # Its time is that of the first sighting or, if it had none then, of the second.
        assert found.records[key][:2] == record[:2]
    assert found.accounts == wanted.accounts


# --- from the archive ----------------------------------------------------------------------------


def archive_fill(stream: Stream, since: object) -> ArchiveSource:
    return ArchiveSource(
        stream.origin, Window(since, at(days=30)), key=ArchiveKey("secret-of-the-archive"),  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.fixture
def archived(server: StreamServer) -> ArchiveServer:
    """An archive of all but the last three events, beside a stream that has the last six."""
    archive = ArchiveServer(key="secret-of-the-archive")
    archive.seal(EVENTS[:9], blocks=3)
    archive.seal(EVENTS[9:15], blocks=2)
    server.archive = archive
    return archive


@pytest.mark.parametrize("refused", [True, False], ids=["by number", "by time"])
def test_what_is_too_old_is_fetched_from_the_archive(
    refused: bool, server: StreamServer, db: Path, archived: ArchiveServer
) -> None:
    target = known("v2", server, db)
    server.floor = 13
    if not refused:
        # Another host was followed until now, so this one is asked by time; it clamps.
        with StreamServer().running() as other:
            other_db = db.with_name("other.duckdb")
            known("v2", other, other_db)
        db = other_db
    run = Run(END)
    done = run.follow(db, target, fill=archive_fill)
    assert (done.outcome, done.gaps) == ("live", ())
    assert content(db) == expected(EVENTS)
    assert gaps_of(db) == ()
    assert sum("fetching from the archive" in told for told in run.told) == 1
    assert archived.served
    assert set(archived.served.values()) == {1}, "no block was asked for twice"
    last = server.subscriptions()[-1]
    assert last.cursor == 16
    for asked in server.subscriptions():
        assert b"secret" not in asked.raw
    # The next run goes on from the stream.
    server.asked.clear()
    archived.asked.clear()
    assert Run(END, tick=1).follow(db, target, fill=archive_fill).gaps == ()
    assert archived.asked == []


def test_where_the_archive_fails_a_gap_is_left_and_it_goes_on_live(
    server: StreamServer, db: Path, archived: ArchiveServer
) -> None:
    target = known("v2", server, db)
    server.floor = 13
    archived.script = lambda asked: ArchiveFault("status", status=403, body=b"{}")
    run = Run(END)
    done = run.follow(db, target, fill=archive_fill)
    assert archived.faults["status"] >= 1
    assert done.outcome == "live"
    (gap,) = done.gaps
    assert "nor could the archive give it" in gap
    assert content(db) == expected(EVENTS[:1] + EVENTS[12:])
    assert [(g.start, g.end) for g in gaps_of(db)] == [(at(0), at(12))]


def test_what_the_archive_lacks_too_is_a_gap(
    server: StreamServer, db: Path, archived: ArchiveServer
) -> None:
    """The fetch brings what there is; between it and the stream something stays missing."""
    target = known("v2", server, db)
    server.floor = 18
    done = Run(END).follow(db, target, fill=archive_fill)
    assert len(done.gaps) == 1
    assert content(db) == expected(EVENTS[:15] + EVENTS[17:])
    assert [(g.start, g.end) for g in gaps_of(db)] == [(at(14), at(17))]


def test_a_fetch_can_be_stopped_and_goes_on_later(
    server: StreamServer, db: Path, archived: ArchiveServer
) -> None:
    target = known("v2", server, db)
    server.floor = 13

    def small(stream: Stream, since: object) -> ArchiveSource:
        window = Window(since, at(days=30))  # type: ignore[arg-type]
        return ArchiveSource(
            stream.origin, window, key=ArchiveKey("secret-of-the-archive"), chunk=1, parallel=1
        )

    run = Run(END)

    def stopping(moment: Moment) -> None:
        if "fetching" in moment.message:
            run.stop.set()

    run.on_moment = stopping
    done = run.follow(db, target, fill=small)
    assert (done.outcome, done.gaps) == ("stopped", ())
    assert len(content(db).accounts) < len(expected(EVENTS).accounts) or archived.served
    done = Run(END).follow(db, target, fill=small)
    assert (done.outcome, done.gaps) == ("live", ())
    assert content(db) == expected(EVENTS)
    assert gaps_of(db) == ()


# --- several servers -----------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["v2", "v1"])
def test_another_host_is_asked_by_time(protocol: str, server: StreamServer, db: Path) -> None:
    begun(protocol, server, db)
    server.script = lambda asked: (
        Fault("cut", after=9) if len(server.subscriptions()) == 1 else Fault("refuse")
    )
    with StreamServer(EVENTS).running() as other:
        other.replace([])
        other.add(*EVENTS, first=700)
        run = Run(END)
        done = run.follow(db, streams_of(protocol, server, other))
        (asked,) = other.subscriptions()
    assert (done.outcome, done.gaps) == ("live", ())
    assert asked.cursor is not None
    assert asked.cursor <= micros(at(8)) - 60_000_000, "rewound by time"
    assert server.faults["refuse"] >= 1
    assert content(db) == expected(EVENTS)
    spans = spans_of(db)
    assert [span[2] for source in spans.values() for span in source] == ["", ""]
    assert gaps_of(db) == ()


def test_a_relay_cannot_be_asked_by_time_so_another_leaves_a_gap(
    server: StreamServer, db: Path
) -> None:
    known("firehose", server, db)
    server.script = lambda asked: Fault("refuse", status=404)
    with StreamServer().running() as other:
        run = Run(END)
        given = iter(range(1))

        def come(_moment: object) -> None:
            if other.subscriptions() and next(given, None) is not None:
                other.add(*EVENTS[12:], first=44)

        run.on_moment = come
        done = run.follow(db, streams_of("firehose", server, other))
    assert done.gaps == ("the stream was taken up at its live end",)
    assert [(g.start, g.end) for g in gaps_of(db)] == [(at(0), at(12))]
    # Its own numbers are still good at the first, whatever the time: that fills the gap.
    server.script = lambda asked: None
    done = Run(END).follow(db, streams_of("firehose", server))
    assert done.gaps == ()
    assert content(db) == expected(EVENTS)
    assert gaps_of(db) == ()


def test_a_gap_at_one_host_is_not_hidden_by_a_return_to_another(
    server: StreamServer, db: Path
) -> None:
    """The second host missed something; the first, when it comes back, does not have it either."""
    hour = 3600
    early = [post("ann", f"a{k}", rev=k, time=at(k)) for k in range(5)]
    lost = [post("ann", f"b{k}", rev=10 + k, time=at(hour + k)) for k in range(5)]
    late = [post("ann", f"c{k}", rev=20 + k, time=at(2 * hour + k)) for k in range(5)]
    last = [post("ann", f"d{k}", rev=30 + k, time=at(3 * hour + k)) for k in range(5)]
    server.add(*early)
    Run(end_of(early)).follow(db, streams_of("v2", server))
    with StreamServer(early + lost + late).running() as other:
        other.floor = 11
        done = Run(end_of(late)).follow(db, streams_of("v2", other))
        assert len(done.gaps) == 1
    server.add(*lost, *late, *last)
    server.floor = 12
    done = Run(end_of(last)).follow(db, streams_of("v2", server))
    assert [(g.start, g.end) for g in gaps_of(db)] == [(at(4), at(2 * hour))]
    assert content(db) == expected(early + late + last)


def test_a_consumer_that_is_too_slow_takes_up_again(server: StreamServer, db: Path) -> None:
    for protocol in ("v2", "firehose"):
        path = db.with_name(f"{protocol}.duckdb")
        target = begun(protocol, server, path)
        server.script = in_turn(Fault("error", after=5, error="ConsumerTooSlow"))
        run = Run(END)
        done = run.follow(path, target)
        assert server.faults == {"error": 1}
        assert "ConsumerTooSlow: so it is" in run.told[0]
        assert (done.outcome, done.gaps, done.reconnects) == ("live", (), 1)
        assert content(path) == expected(EVENTS)


# --- ending --------------------------------------------------------------------------------------


def test_a_stop_keeps_what_was_received(server: StreamServer, db: Path) -> None:
    target = begun("v2", server, db)
    run = Run(END + 3600)
    run.on_moment = lambda m: run.stop.set() if m.kept >= 10 else None
    done = run.follow(db, target, until="stopped")
    assert (done.outcome, done.gaps) == ("stopped", ())
    assert content(db) == expected(EVENTS)


def test_a_limit_ends_it(server: StreamServer, db: Path) -> None:
    target = begun("v2", server, db)
    run = Run(END + 3600, tick=40)
    done = run.follow(db, target, until="stopped", limit=timedelta(minutes=10))
    assert (done.outcome, done.reconnects > 0) == ("time is up", True)
    assert content(db) == expected(EVENTS)


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


def test_a_server_that_falters_has_not_caught_up(server: StreamServer, db: Path) -> None:
    server.add(*EVENTS[:7])
    run = Run(END)
    faltered = iter(range(3))

    def falter(_moment: Moment) -> None:
        subscribed = server.subscriptions()
        if subscribed and subscribed[0].sent == 7 and len(server.log) == 7:
            run.skipped += 3
            if next(faltered, None) is None:
                server.add(*EVENTS[7:])

    run.on_moment = falter
    done = run.follow(db, streams_of("v2", server))
    assert (done.outcome, next(faltered, None)) == ("live", None)
    assert content(db) == expected(EVENTS)


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


# --- waits ---------------------------------------------------------------------------------------


def test_waits_double_up_to_a_ceiling_and_are_spread() -> None:
    for jitter, factor in ((0.0, 0.5), (0.5, 1.0), (0.999, 1.499)):
        retries = Retries(1, lambda jitter=jitter: jitter)  # type: ignore[misc]
        waits = [retries.failed() for _ in range(12)]
        ideal = [1, 2, 4, 8, 16, 32, 64, 64, 64, 64, 64, 64]
        assert waits == pytest.approx([factor * wait for wait in ideal])
        retries.worked()
        assert retries.failed() == pytest.approx(factor)
    drawn = [Retries(1).failed() for _ in range(50)]
    assert all(0.5 <= wait < 1.5 for wait in drawn)
    assert len(set(drawn)) > 10


def test_servers_take_turns() -> None:
    retries = Retries(3, lambda: 0.5)
    turns = []
    for _ in range(8):
        turns.append(retries.turn)
        retries.failed()
    assert turns == [0, 0, 1, 1, 2, 2, 0, 0]
    # One that refuses has no second turn.
    retries = Retries(2, lambda: 0.5)
    turns = []
    for k in range(4):
        turns.append(retries.turn)
        retries.failed(refused=k % 2 == 0)
    assert turns == [0, 1, 1, 0]


def test_it_is_refused_only_where_every_server_refuses() -> None:
    retries = Retries(2, lambda: 0.5)
    retries.failed(refused=True)
    assert not retries.refused
    retries.failed()
    retries.failed()
    retries.failed(refused=True)
    assert not retries.refused, "the other one only failed"
    retries.failed(refused=True)
    assert retries.refused
    for status in (408, 425, 429, 500, 503):
        assert not ConnectionRefused(status).refuses, "it may pass"
    for status in (200, 301, 400, 403, 404):
        assert ConnectionRefused(status).refuses


def test_asking_otherwise_needs_no_wait_unless_it_does_not_end() -> None:
    retries = Retries(1, lambda: 0.5)
    waits = [retries.negotiated() for _ in range(10)]
    assert waits == [0, 0, 0, 1, 2, 4, 8, 16, 32, 64]
    assert retries.hopeless


def test_a_server_that_only_repeats_itself_is_not_asked_in_a_loop(
    server: StreamServer, db: Path
) -> None:
    """Each connection sends the last event again and breaks: nothing new, so waits grow."""
    target = begun("v2", server, db)
    Run(END).follow(db, target)
    server.script = lambda asked: Fault("cut", after=len(EVENTS)) if asked.kind == "v2" else None
    run = Run(END + 3600)
    done = run.follow(db, target)
    assert done.outcome == "unreachable"
    assert run.waits == pytest.approx([1, 2, 4, 8, 16, 32], rel=1e-3)


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


# --- the laws ------------------------------------------------------------------------------------

# So far apart that rewinding by time reaches two of them.
SPARSE = [post(f"who{k % 3}", f"p{k}", f"text {k}", rev=k, time=at(400 * k)) for k in range(12)]


@st.composite
def schedules(draw: st.DrawFn) -> tuple[str, int, list[tuple[str, int]]]:
    """A protocol, how many hosts there are, and what happens to one subscription after another."""
    protocol = draw(st.sampled_from(PROTOCOLS))
    hosts = 1 if protocol == "firehose" else draw(st.integers(1, 2))
    steps = st.one_of(
        st.tuples(st.just("cut"), st.integers(0, 6)),
        st.tuples(st.just("close"), st.integers(0, 6)),
        st.tuples(st.just("refuse"), st.just(0)),
        st.tuples(st.just("floor"), st.integers(2, len(SPARSE) - 2)),
    )
    return protocol, hosts, draw(st.lists(steps, min_size=1, max_size=6))


def check_schedule(folder: Path, schedule: tuple[str, int, list[tuple[str, int]]]) -> None:
    protocol, hosts, steps = schedule
    db = folder / "store.duckdb"
    left = list(steps)
    with ExitStack() as stack:
        # Each numbers the same events in its own way.
        servers = [stack.enter_context(StreamServer().running()) for _ in range(hosts)]
        if protocol == "firehose":
            seed(db, protocol, servers[0], SPARSE)
        for k, one in enumerate(servers):
            one.replace([])
            one.add(*SPARSE, first=1 + 100 * k)
            one.floor = 1 + 100 * k

        def script(asked: Asked) -> Fault | None:
            # A refusal is asked again for its reason; that is no subscription.
            if asked.kind != protocol or "accept" in asked.headers or not left:
                return None
            what, number = left.pop(0)
            if what == "floor":
                for k, one in enumerate(servers):
                    one.floor = max(one.floor, number + 100 * k)
                return None
            return Fault(what, after=number)

        for one in servers:
            one.script = script
        run = Run(END)
        run.timing = replace(run.timing, now=lambda: end_of(SPARSE) + 9.5)
        done = run.follow(db, streams_of(protocol, *servers), start=at(-5))
        sent = {
            index - 100 * k
            for k, one in enumerate(servers)
            for asked in one.subscriptions()
            for index in asked.seqs
        }
    assert done.outcome == "live"
    if protocol == "firehose":
        sent.add(1)
    # What any connection brought is there, and nothing else.
    assert content(db) == expected([SPARSE[number - 1] for number in sorted(sent)])
    # What none brought is a gap, and nothing else: between what came before and what came after.
    missing = [
        (at(400 * (a - 1)), at(400 * (b - 1))) for a, b in pairwise(sorted(sent)) if b - a > 1
    ]
    assert [(gap.start, gap.end) for gap in gaps_of(db)] == missing
    assert not missing or done.gaps
    # Spans are as long as what came without interruption.
    edges = {400.0 * (number - 1) for number in sent}
    for spans in spans_of(db).values():
        for first, last, _ in spans:
            assert first in edges
            assert last in edges
            assert first is not None
            assert last is not None
            assert not any(first < 400 * k < last and k + 1 not in sent for k in range(len(SPARSE)))


@law(5, suppress=[HealthCheck.function_scoped_fixture])
@given(schedules())
def test_whatever_happens_the_store_is_the_fold_and_spans_are_what_was_seen(
    tmp_path_factory: pytest.TempPathFactory, schedule: tuple[str, int, list[tuple[str, int]]]
) -> None:
    check_schedule(tmp_path_factory.mktemp("run"), schedule)


@pytest.mark.slow
@law(150, suppress=[HealthCheck.function_scoped_fixture])
@given(schedules())
def test_whatever_happens_more_often(
    tmp_path_factory: pytest.TempPathFactory, schedule: tuple[str, int, list[tuple[str, int]]]
) -> None:
    check_schedule(tmp_path_factory.mktemp("run"), schedule)
