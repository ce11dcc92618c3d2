"""Times in a stream that nobody can trust: they neither end it, nor move where it is taken up."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copy
from typing import Any

import pytest

from blueattr.ingest import read
from blueattr.ingest.follow import follow
from blueattr.ingest.result import Followed
from blueattr.ingest.resume import resume_by_now, resume_from
from blueattr.report.inventory.ingests import follow_report
from blueattr.sources.live.socket import ConnectionLost
from blueattr.store.commit.checkpoint import SourceState
from support.events_builder import Event, at, lines, micros, plc_name, post, tid
from support.live_world import gaps_of, spans_of
from support.scripted_stream import FakeClock, LogServer, ScriptedServer
from support.store_content import content

COUNT = 60
EVENTS = [
    post(plc_name("abcde"[k % 5]), tid(k), f"text {k}", rev=k, time=at(k)) for k in range(COUNT)
]
FAR = datetime(2099, 1, 1, tzinfo=UTC)
EVIL = post(plc_name("z"), tid(900), "from the future", rev=900, time=FAR)
HONEST = {("post", event["did"], event["commit"]["rkey"]) for event in EVENTS}


class _Clock(FakeClock):
    """A clock that no event moves."""

    def happened(self, event: Event) -> None:
        del event


class Backlog:
    """Followers of a server that has all events, days after the last of them."""

    def __init__(self, protocol: str, db: Path, *, evil_at: int, days: float = 3.0) -> None:
        self.db = db
        self.clock = _Clock(at(days=days).timestamp())
        self.server = LogServer(protocol, self.clock, [], [], 1)
        self.server.coming = EVENTS[:1]
        self.stop = threading.Event()
        self.server.plan.append((1, lambda _server: [self.stop.set]))
        # A relay is taken up at its live end, unless the store knows it.
        if protocol == "firehose":
            self.follow("stopped")
        else:
            self.server.coming = []
            self.server.plan.clear()
            self.server.add(EVENTS[:1])
        self.server.add([*EVENTS[1:evil_at], EVIL, *EVENTS[evil_at:]])

    def follow(self, until: str) -> Followed:
        self.stop.clear()
        stream = self.server.stream(seconds=0.5, size=2000)
        return follow(
            self.db, [stream], until=until, start=at(-5), stop=self.stop,  # type: ignore[arg-type]
            timing=self.clock.timing, limit=timedelta(minutes=3),
        )  # fmt: skip


@pytest.fixture
def db(empty_store: Path, tmp_path: Path) -> Path:
    return Path(copy(empty_store, tmp_path / "store.duckdb"))


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["firehose", "v2", "v1"])
def test_an_event_of_2099_neither_ends_a_stream_nor_moves_it(protocol: str, db: Path) -> None:
    world = Backlog(protocol, db, evil_at=20)
    world.server.plan.append((25, lambda _server: [ConnectionLost("the connection broke")]))
    done = world.follow("live")
    assert content(db).records.keys() >= HONEST
    assert (done.gaps, gaps_of(db)) == ((), ())
    assert done.lag is not None
    assert done.lag > timedelta(days=2.9), "a backlog of days is not live"
    (spans,) = spans_of(db).values()
    assert [(first, last) for first, last, _ in spans] == [(0.0, COUNT - 1.0)]
    (state,) = done.ingested.sources
    evil = [r for r in content(db).records if r[2] == tid(900)]
    if protocol == "firehose":
        assert state.bounded == 1
        assert len(evil) == 1
        assert content(db).records[evil[0]][2] <= (at(days=3) + timedelta(minutes=6)).replace(
            tzinfo=None
        )
        content_of: Any = follow_report(done, db).content
        assert content_of["sources"][0]["bounded"] == 1
    else:
        assert (set(state.rejected), evil) == ({"bad time"}, [])


def test_an_event_minutes_ahead_of_the_clock_has_no_negative_age(db: Path) -> None:
    """It may be five minutes ahead; then the stream is as far as the clock, and not beyond."""
    clock = _Clock(at(COUNT - 200).timestamp())
    server = LogServer("v2", clock, EVENTS, [], 1)
    lags: set[timedelta | None] = set()
    done = follow(
        db, [server.stream(seconds=0.5, size=4 << 20)], until="live", start=at(-5),
        timing=clock.timing, limit=timedelta(minutes=1), watch=lambda moment: lags.add(moment.lag),
    )  # fmt: skip
    assert content(db).records.keys() == HONEST
    assert (done.outcome, done.lag) == ("live", timedelta(0))
    assert lags == {timedelta(0)}


def test_a_far_event_of_a_file_does_not_move_where_a_stream_is_taken_up(tmp_path: Path) -> None:
    far = post(plc_name("z"), tid(900), "much later", rev=900, time=at(days=40))
    path, db = tmp_path / "x.jsonl", tmp_path / "x.duckdb"
    path.write_bytes(lines(*EVENTS, far))
    clock = FakeClock(at(days=60).timestamp())
    read.ingest(db, [str(path)], now=clock.now)
    assert len(content(db).records) == COUNT + 1
    stop = threading.Event()
    server = ScriptedServer(clock, [stop.set])
    follow(db, [server.stream()], stop=stop, timing=clock.timing)
    assert server.asked[0].endswith(f"&cursor={micros(at(COUNT - 1) - timedelta(minutes=10))}")


@pytest.mark.parametrize("protocol", ["v1", "v2"])
def test_no_server_is_asked_for_a_time_ahead_of_the_clock(protocol: str) -> None:
    """The store's newest event is minutes ahead, as those of a server with another clock are."""
    clock = FakeClock(at(0).timestamp())
    stream = LogServer(protocol, clock, [], [], 1).stream(seconds=0.5, size=1)
    newest = at(240).replace(tzinfo=None)
    for name in (stream.name, "another:source"):
        state = SourceState(name, protocol, position=micros(at(240)), last_event=newest)
        resume = resume_from(stream, {name: replace(state, stalled=2)}, None)
        asked = resume_by_now(stream, resume, at(0))
        times = [asked.since]
        if protocol == "v1" and asked.cursor is not None:
            times.append(at(0) + timedelta(microseconds=asked.cursor - micros(at(0))))
        assert [moment for moment in times if moment is not None and moment > at(0)] == []
        assert asked.cursor is not None or asked.since is not None
    # Nor where the clock was ahead when the store was written.
    later = {"another:source": SourceState("another:source", protocol, last_event=at(3600))}
    asked = resume_by_now(stream, resume_from(stream, later, None), at(0))
    assert (asked.cursor, asked.since) == (None, at(0))
