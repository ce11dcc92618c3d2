"""What a server no longer has is fetched from the archive, or is a gap."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from shutil import copy

import pytest

from blueattr.ingest.meter import Moment
from blueattr.provenance import Window
from blueattr.sources.archive.key import ArchiveKey
from blueattr.sources.archive.source import ArchiveSource
from blueattr.sources.live import socket as live_socket
from blueattr.sources.live.stream import Stream
from support.archive_server import ArchiveServer
from support.archive_server import Fault as ArchiveFault
from support.events_builder import Event, at, micros, post
from support.live_world import (
    END,
    EVENTS,
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
    Asked,
    Fault,
    StreamServer,
    in_turn,
    wire,
    xrpc_error,
)


@pytest.fixture
def server() -> Iterator[StreamServer]:
    with StreamServer().running() as running:
        yield running


@pytest.fixture
def db(empty_store: Path, tmp_path: Path) -> Path:
    return Path(copy(empty_store, tmp_path / "store.duckdb"))


# --- what a server no longer has ------------------------------------------------------------------


@pytest.mark.slow
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


@pytest.mark.slow
def test_v1_that_reaches_back_is_no_gap(server: StreamServer, db: Path) -> None:
    target = known("v1", server, db)
    assert Run(END).follow(db, target).gaps == ()
    assert server.subscriptions()[0].cursor == micros(at(-10))


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("protocol", "in_parts"), [("v2", True), ("v1", False), ("firehose", True)]
)
def test_a_message_too_long_for_any_connection_is_got_beyond(
    protocol: str,
    server: StreamServer,
    db: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    in_parts: bool,
) -> None:
    monkeypatch.setattr(live_socket, "MESSAGE_LIMIT", 200_000)
    monkeypatch.setattr(live_socket, "_PASSED_OVER", 400_000)
    target = known(protocol, server, db)
    part = b"x" * 150_000
    parts = wire(part, BINARY, fin=False) + wire(part, 0, fin=False) * 4
    too_long = parts if in_parts else wire(4 * part, BINARY)
    write = server.message

    def write_one_too_long(asked: Asked, seq: int, event: Event) -> bytes:
        return too_long if event is EVENTS[9] else write(asked, seq, event)

    monkeypatch.setattr(server, "message", write_one_too_long)
    done = Run(END).follow(db, target)
    assert done.outcome == "live"
    assert content(db) == expected(EVENTS[:9] + EVENTS[10:])
    (state,) = done.ingested.sources
    assert state.rejected["line too long"] == 1
    (missing,) = gaps_of(db)
    assert (missing.start, missing.end) == (at(8), at(10))
    assert (missing.reason,) == done.gaps


@pytest.mark.slow
def test_only_what_was_asked_for_beyond_need_is_too_old(server: StreamServer, db: Path) -> None:
    target = begun("v2", server, db)
    server.script = in_turn(Fault("close", after=9))
    Run(end_of(EVENTS[:9])).follow(db, target)
    # The next one it still has, though not the last one seen.
    server.floor = 10
    run = Run(END)
    done = run.follow(db, target)
    assert (done.gaps, done.outcome) == ((), "live")
    assert server.faults["too old"] == 4, "what led up to it, and the last one seen, twice each"
    asked = [a.cursor for a in server.subscriptions()]
    assert asked[-1] == 10
    assert 1 in asked
    assert content(db) == expected(EVENTS)


@pytest.mark.slow
def test_what_comes_after_a_lull_is_no_gap_where_what_led_up_to_the_last_event_is_too_old(
    server: StreamServer, db: Path
) -> None:
    target = begun("v2", server, db)
    Run(END).follow(db, target)
    later = [post("new", f"p{k}", rev=200 + k, time=at(5000 + k)) for k in range(3)]
    server.add(*later)
    server.floor = len(EVENTS) - 2
    done = Run(end_of(later)).follow(db, target)
    assert server.faults["too old"] > 0
    assert (done.gaps, gaps_of(db)) == ((), ())
    assert content(db) == expected(EVENTS + later)


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_relay_says_that_it_is_outdated(server: StreamServer, db: Path) -> None:
    target = known("firehose", server, db)
    server.floor = 10
    done = Run(END).follow(db, target)
    assert done.gaps == ("the server no longer had it (too old)",)
    assert content(db) == expected(EVENTS[:1] + EVENTS[9:])
    (missing,) = gaps_of(db)
    assert (missing.start, missing.end) == (at(0), at(9))


@pytest.mark.slow
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


@pytest.mark.slow
def test_another_numbering_that_is_already_past_ours(server: StreamServer, db: Path) -> None:
    target = begun("v2", server, db)
    Run(END).follow(db, target)
    after = [post("new", f"p{k}", rev=200 + k, time=at(5000 + k)) for k in range(40)]
    server.replace([])
    server.add(*after)
    done = Run(end_of(after)).follow(db, target)
    assert "numbers its events differently" in done.gaps[0]
    assert [(gap.start, gap.end) for gap in gaps_of(db)] == [(at(17), at(5000))]


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_what_a_server_numbers_anew_is_not_missed_where_it_keeps_little(
    server: StreamServer, db: Path
) -> None:
    more = [post("new", "p", rev=200, time=at(5000))]
    target = begun("v2", server, db)
    server.script = in_turn(Fault("close", after=12))
    Run(end_of(EVENTS[:12])).follow(db, target)
    # Four that were not seen come before those that were seen last.
    server.replace([])
    server.add(*EVENTS[:6], *EVENTS[12:16], *EVENTS[6:12], *EVENTS[16:], *more)
    server.floor = 3
    done = Run(end_of(more)).follow(db, target)
    assert server.faults["too old"] > 0
    assert (done.gaps, gaps_of(db)) == ((), ())
    assert content(db).records.keys() == expected(EVENTS + more).records.keys()


# --- from the archive -----------------------------------------------------------------------------


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


@pytest.mark.slow
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
    assert last.cursor == 13, "the first that it has, so that what comes then follows"
    for asked in server.subscriptions():
        assert b"secret" not in asked.raw
    # The next run goes on from the stream.
    server.asked.clear()
    archived.asked.clear()
    assert Run(END, tick=1).follow(db, target, fill=archive_fill).gaps == ()
    assert archived.asked == []


@pytest.mark.slow
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
    assert "and the archive does not have it either" in gap
    assert content(db) == expected(EVENTS[:1] + EVENTS[12:])
    assert [(g.start, g.end) for g in gaps_of(db)] == [(at(0), at(12))]


@pytest.mark.slow
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


@pytest.mark.slow
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


# --- several servers ------------------------------------------------------------------------------


@pytest.mark.slow
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


@pytest.mark.slow
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
    assert done.gaps == ("the stream resumed at its live end",)
    assert [(g.start, g.end) for g in gaps_of(db)] == [(at(0), at(12))]
    # Its own numbers are still good at the first, whatever the time: that fills the gap.
    server.script = lambda asked: None
    done = Run(END).follow(db, streams_of("firehose", server))
    assert done.gaps == ()
    assert content(db) == expected(EVENTS)
    assert gaps_of(db) == ()


@pytest.mark.slow
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


@pytest.mark.slow
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
