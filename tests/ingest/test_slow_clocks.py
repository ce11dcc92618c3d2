"""A relay that is followed by a clock that is behind: nothing is lost, no time is made up."""

from dataclasses import replace
from datetime import timedelta

import pytest

from blueattr.decode.chunk import Chunk
from blueattr.sources.live.stream import naive
from blueattr.store.commit.checkpoint import SourceState
from support.events_builder import at, lines, plc_name, post, tid
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
