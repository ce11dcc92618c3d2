"""Streams that are followed by a clock that is behind: nothing is lost, no time is made up."""

import random
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from shutil import copy
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from blueattr.decode.chunk import Chunk
from blueattr.ingest.follow import follow
from blueattr.sources.live.socket import ConnectionLost
from blueattr.sources.live.stream import naive
from blueattr.store.commit.checkpoint import SourceState
from support.effort import law
from support.events_builder import at, lines, plc_name, post, tid
from support.live_world import gaps_of
from support.scripted_stream import FakeClock, LogServer
from support.store_content import content
from support.stream_schedules import (
    APART,
    Memory,
    MemoryWriter,
    Schedule,
    World,
    without_summaries,
)

HOUR, DAY = 3600.0, 86400.0
BEHIND = (-HOUR, -100 * DAY, -400 * DAY, -3653 * DAY)
_NO_RUNS = Schedule(0, "firehose", 10, 3, 0.0, 4 << 20, (), 1, frozenset(), {}, {})


class Slow(World):
    """Processes one after the other, each with few events, by a clock that is behind."""

    def __init__(self, behind: float, before: int) -> None:
        super().__init__(replace(_NO_RUNS, events=before + 8, pauses=frozenset({before} - {0})))
        self.behind = behind
        # The clock is of the first event, and wrong when that comes.
        self.clock.started = self.events[0]["time_us"] / 1e6
        if not before:
            self.schedule = replace(self.schedule, clocks={1: behind})
        self.seed()
        self.add(self.events[1:before])
        if before > 1:
            self.process((before,), "stop")
        self.done = len(self.server.log)

    @property
    def state(self) -> SourceState:
        (state,) = self.memory.states.values()
        return state

    def follow(self, each: int, connections: int, ends: str) -> None:
        """Let so many new events come for each connection of a new process."""
        new = self.events[self.done : self.done + each * connections]
        self.clock.wrong = 0.0
        self.clock.reach(new[-1]["time_us"] / 1e6)
        self.clock.wrong = self.behind
        self.add(new)
        self.done += len(new)
        # Another process knows nothing of what the relay's times said.
        self.stream = self._stream()
        self.process((each,) * connections, ends)


@pytest.mark.parametrize("behind", BEHIND)
@pytest.mark.parametrize("before", [0, 1, 6])
@pytest.mark.parametrize(
    ("each", "connections", "ends"),
    [(1, 1, "stop"), (2, 1, "stop"), (4, 1, "stop"), (1, 4, "stop"), (2, 2, "kill")],
)
def test_a_relay_loses_nothing_to_a_clock_that_is_behind(
    behind: float, before: int, each: int, connections: int, ends: str
) -> None:
    with without_summaries():
        world = Slow(behind, before)
        while world.done < len(world.events):
            world.follow(each, connections, ends)
        if ends == "kill":
            world.process((len(world.events),), "stop")
            world.process((len(world.events),), "stop")
    assert world.memory.keys == {tid(k) for k in range(len(world.events))}
    assert world.state.rejected == {}
    # What is covered is no time of which nothing was seen.
    first = world.state.first_event
    assert first is None or first >= at(-1).replace(tzinfo=None)
    if connections == 4 and not before:
        # The third one in a row that is ahead shows that it is the clock.
        assert world.state.last_event == naive(world.events[-1]["time_us"])
    assert world.state.bounded or world.state.ahead + world.state.ahead_before


def test_what_a_slow_clock_bounded_is_not_the_beginning_of_what_a_right_one_covers() -> None:
    with without_summaries():
        world = Slow(-100 * DAY, 0)
        assert world.state.kept == 1
        assert world.state.spans[-1].first_event is None
        world.behind = 0.0
        world.follow(4, 1, "stop")
    first = at(APART).replace(tzinfo=None)
    (span,) = world.state.spans
    assert (span.first_event, span.last_event) == (first, first + timedelta(seconds=3 * APART))
    assert world.state.bounded == 1


def test_what_a_relay_shows_of_the_clock_is_not_judged_again() -> None:
    now = at(DAY).timestamp()
    times = [*(at(k) for k in range(3)), *(at(2 * DAY + k) for k in range(2))]
    events = [post(plc_name("a"), tid(k), rev=k, time=time) for k, time in enumerate(times)]
    writer = MemoryWriter(Memory(), lambda: now)
    chunk = Chunk(lines(*events), 0, 0, 5, is_clock_wrong=True)
    state = writer.stage(chunk, SourceState("firehose:x", "firehose"))
    assert (state.kept, state.rejected, state.ahead) == (5, {}, 2)


class Late(World):
    """After a pause of a day the clock is behind: what the server then has lies ahead of it."""

    def __init__(self, seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311 - repeatable
        protocol = chance.choice(("v2", "v2", "v1", "v1", "firehose"))
        before = chance.choice((1, 2, 6, 40, 150))
        self.each = chance.choice((1, 2, 5, 8, 20, 60, 200))
        # With few events for each connection there are many of these.
        late = 30 if self.each < 5 else chance.choice((30, 120, 240))
        self.behind = chance.choice((-HOUR, -DAY, -6 * HOUR, -400.0))
        spread = chance.choice((1, 4)) if protocol == "v2" else 1
        super().__init__(
            Schedule(
                seed, protocol, before + late, 2 * spread * chance.choice((1, 4, 10)),
                chance.choice((0.0, 5.0)), chance.choice((1, 600, 4 << 20)), (), self.each,
                frozenset(), {}, {}, spread, frozenset({before}),
            )
        )  # fmt: skip
        self.connections_each = chance.choice((1, 1, 2, 3))
        self.is_killed = chance.random() < 0.3
        self.clock.started = self.events[0]["time_us"] / 1e6
        if protocol == "firehose":
            self.seed()
        self.add(self.events[len(self.server.log) : before])
        if before > 1 or protocol != "firehose":
            self.process((before,), "stop")
        self.add(self.events[before:])
        self.clock.reach(self.events[-1]["time_us"] / 1e6)
        self.clock.wrong = self.behind
        lies_ahead = self.clock.now() + 300
        self.ahead = sum(event["time_us"] / 1e6 > lies_ahead for event in self.events)

    @property
    def is_complete(self) -> bool:
        return self.memory.keys >= self.wanted

    def processes(self, most: int) -> None:
        """Follow by so many processes at most, until all events are there."""
        for number in range(most):
            if self.is_complete:
                return
            self.clock.seconds += 2
            # Another process knows nothing of what a relay's times said.
            self.stream = self._stream()
            is_killed = self.is_killed and number % 3 > 0
            self.process((self.each,) * self.connections_each, "kill" if is_killed else "stop")


@pytest.mark.slow
@law(12)
@given(st.integers(0, 2**32 - 1))
# What a process refuses, the next one asks for again: it finds that most lies ahead.
@example(28)
@example(15)
def test_what_a_slow_clock_refused_of_a_stream_is_asked_for_again(seed: int) -> None:
    with without_summaries():
        world = Late(seed)
        world.processes(60 + 20 * len(world.events) // world.each)
        # A hundred events that lie ahead show that it is the clock; of fewer nothing may be told.
        # No time ahead of it is asked for before: what comes again may be all that comes.
        is_by_time = world.schedule.protocol == "v1" and world.each < 60
        assert world.is_complete or world.ahead < 110 or is_by_time
        world.clock.wrong = 0.0
        world.processes(60 + 20 * len(world.events) // world.each)
        assert world.is_complete
        world.finish()


@pytest.mark.slow
@pytest.mark.parametrize("is_mended", [False, True], ids=["wrong clock", "clock set right"])
@pytest.mark.parametrize("protocol", ["v2", "v1"])
def test_a_process_knows_what_the_one_before_it_refused_by_a_slow_clock(
    protocol: str, empty_store: Path, tmp_path: Path, *, is_mended: bool
) -> None:
    db = Path(copy(empty_store, tmp_path / "store.duckdb"))
    times = [*(at(20 * k) for k in range(6)), *(at(DAY + 20 * k) for k in range(24))]
    events = [post(plc_name("a"), tid(k), rev=k, time=time) for k, time in enumerate(times)]
    clock = FakeClock(events[5]["time_us"] / 1e6)
    server = LogServer(protocol, clock, events[:6], [], 1)
    stop = threading.Event()

    def process(messages: int) -> None:
        stop.clear()
        server.plan.append((messages, lambda _: [stop.set, ConnectionLost("the process ends")]))
        stream = server.stream(seconds=0.5, size=4 << 20)
        dialect: Any = stream.dialect
        dialect.rewind = 1
        follow(db, [stream], start=at(-5), timing=clock.timing, stop=stop,
               limit=timedelta(minutes=1))  # fmt: skip

    process(6)
    server.add(events[6:])
    clock.reach(events[-1]["time_us"] / 1e6)
    clock.wrong = -HOUR
    process(4)
    assert len(content(db).records) == 6
    if is_mended:
        clock.wrong = 0.0
    process(14)
    process(40)
    assert content(db).records.keys() == {("post", e["did"], e["commit"]["rkey"]) for e in events}
    assert gaps_of(db) == ()


def test_an_event_that_is_rightly_refused_is_not_asked_for_again() -> None:
    now = at(HOUR).timestamp()
    times = [*(at(k) for k in range(3)), at(days=9), at(4)]
    events = [post(plc_name("a"), tid(k), rev=k, time=time) for k, time in enumerate(times)]
    writer, state = MemoryWriter(Memory(), lambda: now), SourceState("jetstream:x", "jetstream")
    doubts = []
    for number, event in enumerate(events):
        state = writer.stage(Chunk(lines(event), number, 0, number + 1), state)
        doubts.append(state.doubt_after)
    assert doubts == [None, None, None, 3, None]
