"""A stream gets further with every try, and its position never moves back."""

import threading
from datetime import timedelta
from pathlib import Path
from shutil import copy
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from blueattr.ingest.follow import follow
from blueattr.sources.live.socket import ConnectionLost
from support.effort import law
from support.events_builder import at, plc_name, post, tid
from support.live_world import end_of, gaps_of
from support.scripted_stream import FakeClock, LogServer, Step
from support.store_content import content, sources
from support.stream_schedules import drawn, run


@law(60)
@given(st.integers(0, 2**32 - 1))
# A clock is set back just before an event, which comes together with one whose time is none.
@example(938)
# What led up to the last event seen, before a crash, begins with numbers of other kinds.
@example(196)
# The first event of a relay is seen alone, by a clock that is ten years behind.
@example(3904486752)
# Nothing comes for a day, and each process has one connection, with one event.
@example(33)
# The last event seen, of a day later than all others, was rejected.
@example(174)
# A Jetstream by time sends what claims to be of long ago before each new event.
@example(57)
def test_whatever_ends_connections_a_stream_gets_on_and_nothing_is_lost(seed: int) -> None:
    run(drawn(seed))


EVENTS = [
    post(plc_name("abc"[k % 3]), tid(k), f"text {k}", rev=k, time=at(k / 1000)) for k in range(7000)
]


@pytest.mark.slow
@pytest.mark.parametrize(("protocol", "replayed"), [("v2", 3), ("v1", 3000)])
def test_a_process_knows_that_the_one_before_it_ended_within_the_replay(
    protocol: str, replayed: int, empty_store: Path, tmp_path: Path
) -> None:
    """Each takes one event, where three are replayed: only the store tells what to ask for."""
    db = Path(copy(empty_store, tmp_path / "store.duckdb"))
    clock = FakeClock(end_of(EVENTS))
    server = LogServer(protocol, clock, EVENTS[:5], [], 1)
    stop = threading.Event()

    def process(until: str) -> None:
        stop.clear()
        stream = server.stream(seconds=0.5, size=4 << 20)
        dialect: Any = stream.dialect
        dialect.rewind = replayed
        follow(db, [stream], until=until, start=at(-5), timing=clock.timing, stop=stop,  # type: ignore[arg-type]
               limit=timedelta(minutes=1))  # fmt: skip

    process("live")
    server.add(EVENTS[5:7])
    server.asked.clear()
    for number in range(3):
        server.plan.append((1, lambda _server: [stop.set, ConnectionLost("the process ends")]))
        process("stopped")
        assert server.fired == number + 1
    last = 5 if protocol == "v2" else int(EVENTS[4]["time_us"])
    assert server.asked[:3] == [last - replayed, last, last + 1]


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["v2", "v1"])
def test_a_stream_whose_first_events_are_rejected_gets_beyond_them(
    protocol: str, empty_store: Path, tmp_path: Path
) -> None:
    """A connection lets three events through, and the first eight are posts without text."""
    db = Path(copy(empty_store, tmp_path / "store.duckdb"))
    events = [
        post(plc_name("abc"[k % 3]), tid(k), "hello", rev=k, time=at(60 * k)) for k in range(12)
    ]
    for event in events[:8]:
        del event["commit"]["record"]["text"]
    clock = FakeClock(end_of(events))
    server = LogServer(protocol, clock, events, [], 1)
    server.plan.extend((3, lambda _: [ConnectionLost("the connection broke")]) for _ in range(9))
    done = follow(db, [server.stream(seconds=0.5, size=4 << 20)], until="live", start=at(-5),
                  timing=clock.timing, limit=timedelta(minutes=5))  # fmt: skip
    assert (done.outcome, done.gaps) == ("live", ())
    assert server.fired >= 3
    first, *later = [asked or 0 for asked in server.asked]
    assert all(asked != first for asked in later), "it begins anew"
    assert content(db).records.keys() == {
        ("post", e["did"], e["commit"]["rkey"]) for e in events[8:]
    }


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["v2", "v1"])
@pytest.mark.parametrize("ended", ["short runs", "drops"])
def test_what_ends_within_a_replay_does_not_walk_back(
    protocol: str, ended: str, empty_store: Path, tmp_path: Path
) -> None:
    """Of 7,000 events 6,000 are stored. A connection lets 700 through, fewer than are replayed."""
    db = Path(copy(empty_store, tmp_path / "store.duckdb"))
    clock = FakeClock(end_of(EVENTS))
    server = LogServer(protocol, clock, EVENTS[:6000], [], 1)
    stop = threading.Event()

    def follow_until(until: str) -> None:
        stop.clear()
        done = follow(
            db, [server.stream(seconds=0.5, size=4 << 20)], until=until, start=at(-5),  # type: ignore[arg-type]
            timing=clock.timing, stop=stop, limit=timedelta(minutes=1),
        )  # fmt: skip
        assert done.gaps == ()

    def end(_server: LogServer) -> list[Step]:
        return [stop.set] if ended == "short runs" else [ConnectionLost("the connection broke")]

    def position() -> int:
        (source,) = sources(db)[0].values()
        return int(source[2])

    follow_until("live")
    server.add(EVENTS[6000:])
    positions = [position()]
    server.plan.extend((700, end) for _ in range(3))
    while server.plan:
        follow_until("stopped")
        positions.append(position())
    follow_until("live")
    positions.append(position())
    assert positions == sorted(positions), "it walks back"
    assert positions[2] > positions[0], "it does not get on"
    assert server.fired >= 2
    assert positions[-1] == (7000 if protocol == "v2" else int(EVENTS[-1]["time_us"]))
    assert content(db).records.keys() == {("post", e["did"], e["commit"]["rkey"]) for e in EVENTS}
    assert gaps_of(db) == ()
