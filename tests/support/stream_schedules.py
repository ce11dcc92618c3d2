"""Followers driven through schedules of what goes wrong, without server or store.

Connections drop, processes are killed or run for a short time, servers crash, clocks are wrong, and
events claim times that nobody can trust or are to be rejected.

A schedule is drawn from a seed. The server is scripted (`support.scripted_stream`), the clock is
fake, and what a follower commits stays in memory; the follower, its streams and the decoder are the
real ones. ``PYTHONPATH=tests python -m support.stream_schedules SEED`` runs one schedule again.
"""

import argparse
import random
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from blueattr.decode.chunk import Chunk
from blueattr.decode.parse import Parser
from blueattr.ingest import follow as ingest_follow
from blueattr.ingest.meter import Moment
from blueattr.ingest.pace import Pace
from blueattr.ingest.result import Followed
from blueattr.sources.live.socket import ConnectionLost
from blueattr.sources.live.stream import Stream
from blueattr.store.commit.batch import Batch
from blueattr.store.commit.checkpoint import SourceState
from blueattr.store.engine.memory import Shares
from support.events_builder import Event, at, micros, plc_name, post, tid
from support.live_world import PROTOCOLS, end_of
from support.scripted_stream import Disturbance, FakeClock, LogServer, Step
from support.untrusted_events import HOSTILE, Judge, hostile, is_hostile, key_of, spoiled, written

__all__ = ["Schedule", "drawn", "run"]


APART = 20
"""Seconds between two events."""

PAUSE = 86400
"""Seconds without an event, now and then."""

CLOCKS = (400 * 86400.0, 3600.0, 240.0, -240.0, -6 * 3600.0, -400 * 86400.0, -3653 * 86400.0)
"""Seconds by which a clock is wrong.

Five minutes are taken, so that a clock which is set back by a little more than that may lose events
that come as it reaches their times; a wrong clock is recognised by more.
"""

# Where fewer messages come than a connection is to let through, a process ends by its limit.
_SHORT_RUN = timedelta(seconds=100)


class Killed(BaseException):
    """The process is killed."""


_PARSER = Parser(1)


@dataclass
class Memory:
    """What the commits of all processes made: sources by name, and record keys."""

    states: dict[str, SourceState] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    # Where it is taken back to once it shows that the clock is wrong, or was.
    doubts: set[int] = field(default_factory=set)


class MemoryWriter:
    """What a follower needs of a writer: rows wait, and a commit makes them last."""

    shares = Shares.of(4 << 30)

    def __init__(self, memory: Memory, now: Callable[[], float]) -> None:
        self._memory = memory
        self._staged: set[str] = set()
        self._judge = Judge()
        self._batch = Batch(self._judge, lambda: None, now)  # type: ignore[arg-type]
        self._batch.__dict__["_parser"] = _PARSER

    def sources(self) -> dict[str, SourceState]:
        return {name: state.copy() for name, state in self._memory.states.items()}

    def last_near(self) -> datetime | None:
        return None

    def count_events(self) -> int:
        return len(self._memory.keys)

    def stage(self, chunk: Chunk, state: SourceState) -> SourceState:
        self._judge.rejected.clear()
        after = self._batch.stage(chunk, state, later=False)
        if after.kept > state.kept:
            keys = {key_of(line) for line in chunk.data.splitlines()}
            self._staged |= keys - self._judge.rejected
        if after.doubt_after is not None:
            self._memory.doubts.add(after.doubt_after)
        return after

    @property
    def waiting(self) -> tuple[int, int]:
        return self._batch.size

    def commit(self, state: SourceState) -> SourceState:
        self._batch.take()
        self._memory.keys |= self._staged
        self._staged = set()
        before = self._memory.states.get(state.name)
        kept = replace(state.copy(), earlier_spans=0)
        if before is not None:
            kept.spans = before.spans[: state.earlier_spans] + kept.spans
        self._memory.states[state.name] = replace(kept, spans=kept.spans)
        return state.after_commit()


@dataclass(frozen=True)
class Schedule:
    """What happens to the followers of one stream.

    `replayed` is the number of events that are asked for again. Of `runs` each is a process: its
    connections, each the number of messages it lets through, and how the process ends. `each` is
    the number that connections let through when nothing else happens any more. `crashes` are the
    connections, by number, after which a Jetstream (v2) has crashed. `strange` are events, by
    number, that claim some time or ("") are to be rejected, and `clocks` by how many seconds the
    clock is wrong once so many messages were sent. About one of `spread` numbers that a Jetstream
    (v2) gives is of an event that is asked for. Before some events, by number, there is a pause.
    """

    seed: int
    protocol: str
    events: int
    replayed: int
    pace: float
    size: int
    runs: tuple[tuple[tuple[int, ...], str], ...]
    each: int
    crashes: frozenset[int]
    strange: dict[int, str]
    clocks: dict[int, float]
    spread: int = 1
    pauses: frozenset[int] = frozenset()


def drawn(seed: int) -> Schedule:
    """Draw a schedule."""
    chance = random.Random(seed)  # noqa: S311 - repeatable
    runs = tuple(
        (
            tuple(chance.randint(1, 9) for _ in range(chance.randint(1, 3))),
            chance.choice(("stop", "kill", "stop")),
        )
        for _ in range(chance.randint(1, 6))
    )
    drawn = Schedule(
        seed,
        chance.choice(PROTOCOLS),
        chance.randint(4, 24),
        chance.choice((1, 3, 8, 40)),
        chance.choice((0.0, 5.0, 30.0)),
        chance.choice((1, 600, 4 << 20)),
        runs,
        chance.choice((1, 1, 2, 5)),
        frozenset(k for k in range(1, 12) if chance.random() < 0.15),
        {},
        {},
    )
    share = chance.choice((0.0, 0.1, 0.3))
    kinds = ("", *HOSTILE)
    # Of the first event of all nothing can be told; nor of the first few, where one that is ahead
    # of the clock comes again with each connection.
    strange = {k: chance.choice(kinds) for k in range(1, drawn.events) if chance.random() < share}
    strange = {k: kind for k, kind in strange.items() if k > 3 or not _misleads(kind)}
    right = [0.0] * 3
    clocks = {k: chance.choice((*CLOCKS, *right)) for k in range(60) if chance.random() < 0.1}
    if chance.random() < 0.5:
        clocks = {}
    if strange.keys() and min(clocks.values(), default=0.0) < 0:
        # Where the clock is behind, an event of 2099 is as far ahead of it as all others are, and
        # one of 2021 speaks for it.
        strange = {k: kind for k, kind in strange.items() if not _misleads(kind)}
    drawn = replace(drawn, strange=strange, clocks=clocks)
    if drawn.protocol == "v2" and chance.random() >= 0.5:
        # Among those that are replayed there is always one that is asked for, as there really is.
        drawn = replace(drawn, spread=4, replayed=max(drawn.replayed, 2 * 4))
    if clocks or chance.random() < 0.5:
        return drawn
    pauses = frozenset(k for k in range(1, drawn.events) if chance.random() < 0.2)
    return replace(drawn, pauses=pauses)


def _misleads(kind: str) -> bool:
    return kind in ("2099", "the year 9999", "2021")


@dataclass
class Progress:
    """How far the source of a stream is committed, which only grows."""

    position: int
    last_event: datetime | None
    keys: frozenset[str]
    spans: int

    @classmethod
    def of(cls, memory: Memory) -> "Progress":
        (state,) = memory.states.values() or [SourceState("", "")]
        return cls(state.position, state.last_event, frozenset(memory.keys), len(state.spans))


class World:
    """One server, its events, and the processes that follow it one after the other."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.events = [self._event(k) for k in range(schedule.events)]
        self.clock = FakeClock(end_of(self.events))
        self.memory = Memory()
        self.stop = threading.Event()
        self.server = LogServer(schedule.protocol, self.clock, [], [], 1)
        self.server.write = self._write
        if schedule.protocol == "v1":
            # A time is its cursor: one that is not to be trusted is no step.
            self.server.counts = lambda event: not is_hostile(event)
        self.stream = self._stream()
        self.chance = random.Random(schedule.seed)  # noqa: S311 - repeatable
        self.sent = 0
        self.connections = 0
        self.killed = 0
        self.crashed = 0

    def add(self, events: Iterable[Event]) -> None:
        """Let the server have events."""
        for event in events:
            log = self.server.log
            log.append((self._next(log[-1][0] if log else self.server.floor - 1), event))

    def _event(self, number: int) -> Event:
        paused = PAUSE * sum(pause <= number for pause in self.schedule.pauses)
        who, time = plc_name("abc"[number % 3]), at(APART * number + paused)
        kind = self.schedule.strange.get(number)
        if kind == "":
            return spoiled(who, number, time)
        event = post(who, tid(number), f"text {number}", rev=_rev_at(time), time=time)
        return event if kind is None else hostile(event, kind)

    @property
    def wanted(self) -> set[str]:
        """Keys of the events that have to arrive."""
        strange = self.schedule.strange
        return {tid(number) for number in range(len(self.events)) if number not in strange}

    def _write(self, protocol: str, seq: int, event: Event) -> bytes:
        self.sent += 1
        self.clock.wrong = self.schedule.clocks.get(self.sent, self.clock.wrong)
        return written(protocol, seq, event)

    def _stream(self) -> Stream:
        stream = self.server.stream(seconds=5.0, size=self.schedule.size)
        dialect: Any = stream.dialect
        if dialect.rewind:
            dialect.rewind = self.schedule.replayed * (1 if dialect.numbered else APART * 10**6)
        return stream

    def process(self, connections: tuple[int, ...], ends: str) -> Followed | None:
        """Follow, as one process does, until it is stopped or killed."""
        before = Progress.of(self.memory)
        self.stop.clear()
        self.server.asked.clear()
        self.server.plan.clear()
        for number, messages in enumerate(connections, 1):
            self.connections += 1
            what: Disturbance = self._end if number == len(connections) else _lost
            if self.connections in self.schedule.crashes and self.schedule.protocol == "v2":
                what = self._crash(what)
            self.server.plan.append((messages, what))
        self.ends = ends
        done = None
        try:
            done = self._follow("stopped")
        except Killed:
            self.killed += 1
        self.check(before)
        return done

    def _crash(self, then: Disturbance) -> Disturbance:
        """Let the server fetch its last events again: each gets another number and a later time.

        But not once the last event seen may be all that comes of a connection: the next one can
        then bring something new, or show that this event still has its number, not both.
        """

        def crash(server: LogServer) -> Iterable[Step]:
            first = server.log[-1][0] - self.schedule.replayed + 1
            lost = [event for number, event in server.log if number >= first]
            verifiable = not any(state.stalled for state in self.memory.states.values())
            if len(lost) > 1 and verifiable:
                self.crashed += 1
                again = [{**event, "time_us": event["time_us"] + 3_000_000} for event in lost]
                # The order of what is close to each other changes, not that of days.
                is_close = again[-1]["time_us"] - again[0]["time_us"] < PAUSE * 10**6
                turned = again[1:] + again[:1] if is_close else again
                server.log[-len(lost) :] = zip(self._anew(len(lost)), turned, strict=True)
            return then(server)

        return crash

    def _anew(self, count: int) -> list[int]:
        """Draw numbers for the last events after a crash; the last is not before where it was.

        The first number of all stays: a server without it looks like one that keeps nothing.
        """
        log = self.server.log
        for _ in range(100):
            drawn = [log[0][0]] if count == len(log) else [self._next(log[-count - 1][0])]
            while len(drawn) < count:
                drawn.append(self._next(drawn[-1]))
            if drawn[-1] >= log[-1][0]:
                return drawn
        return [number for number, _ in log[-count:]]

    def _next(self, number: int) -> int:
        """Draw the number of the event after one: those between are of others, not asked for."""
        return number + self.chance.randint(1, 2 * self.schedule.spread - 1)

    def _end(self, _server: LogServer) -> Iterator[Step]:
        yield self.stop.set if self.ends == "stop" else _kill
        yield ConnectionLost("the process is gone")

    def _follow(self, until: ingest_follow.Until) -> Followed:
        writer: Any = MemoryWriter(self.memory, self.clock.now)
        pace = Pace(commit_seconds=self.schedule.pace, commit_multiple=0.0)
        return ingest_follow._Follower(
            writer, (self.stream,), until, _SHORT_RUN, at(-5), None, (), self.stop, _check_lag,
            self.clock.timing, pace,
        ).run()  # fmt: skip

    def check(self, before: Progress) -> None:
        """Position, coverage and store have grown since, and nothing is missing.

        A position may only move back where numbers are known to be new.
        """
        now = Progress.of(self.memory)
        least = min(before.position, *self.memory.doubts, before.position)
        assert self.crashed or now.position >= least, "the stored position moved back"
        assert now.keys >= before.keys, "the store lost events"
        if before.last_event is not None:
            assert now.last_event is not None
            assert now.last_event >= before.last_event, "coverage shrank"
        assert now.spans <= 1, "something is said to be missing that is not"
        latest = self.server.log[-1][1]["time_us"] + 1 if self.server.log else 0
        ahead = [asked for asked in self.server.asked if asked is not None and asked > latest]
        assert self.schedule.protocol != "v1" or not ahead, "a time was asked for that is to come"

    def finish(self) -> None:
        """Follow to the live end, with a clock that is right again."""
        before = Progress.of(self.memory)
        self.stop.clear()
        self.server.plan.clear()
        self.clock.wrong = 0.0
        self.schedule = replace(self.schedule, clocks={})
        # Later than what is fresh when it begins.
        self.clock.started += 60
        now = datetime.fromtimestamp(self.clock.now(), UTC)
        # No account alone moves a relay's time by more than ten minutes.
        for number, name in enumerate("abc"):
            time = now + timedelta(microseconds=number)
            self.add([post(plc_name(name), "end", rev=_rev_at(time), time=time)])
        done = self._follow("live")
        assert done.outcome == "live"
        assert done.lag is not None
        assert done.lag >= timedelta(0)
        assert "end" in self.memory.keys
        self.check(before)

    def seed(self) -> None:
        """Make the store know a relay, which begins at its live end."""
        self.server.coming = self.events[:1]
        self.server.plan.append((1, self._end))
        self.ends = "stop"
        self._follow("stopped")


def _rev_at(time: datetime) -> int:
    """Return the number of the revision that an account's server makes at a time."""
    return (micros(time) << 10) - (1 << 60)


def _check_lag(moment: Moment) -> None:
    assert moment.lag is None or moment.lag >= timedelta(0), "a lag is negative"


def _kill() -> None:
    raise Killed


def _lost(_server: LogServer) -> list[Step]:
    return [ConnectionLost("the connection broke")]


@contextmanager
def without_summaries() -> Iterator[None]:
    """Summarise nothing: there is no store."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingest_follow, "roll_up", lambda _writer, _rules: None)
        yield


def run(schedule: Schedule) -> World:
    """Run a schedule, and then let a few events through per connection, until all are there.

    Raises
    ------
    AssertionError
        Something was lost, or does not get on.
    """
    world = World(schedule)
    with without_summaries():
        if schedule.protocol == "firehose":
            world.seed()
        held = len(world.server.log)
        parts = len(schedule.runs)
        for number, (connections, ends) in enumerate(schedule.runs, 1):
            # Some of the events come between processes.
            upto = max(held, len(world.events) * number // parts)
            world.add(world.events[len(world.server.log) : upto])
            if world.server.log:
                world.process(connections, ends)
        wanted = world.wanted
        # What was seen by other numbers is asked for again, too.
        most = (3 * len(world.events) + 2 * len(schedule.pauses)) * (1 + world.crashed) + 6
        for tries in count(1):
            if world.memory.keys >= wanted:
                break
            assert tries <= most, f"{len(wanted - world.memory.keys)} events do not arrive"
            # What lies minutes ahead of a clock is not asked for before its time has come.
            world.clock.seconds += 30
            world.process((schedule.each,), "stop")
        world.finish()
    return world


def main(arguments: list[str], say: Callable[[str], object] = sys.stdout.write) -> int:
    """Run schedules one after the other; print the seed of the first that fails."""
    parser = argparse.ArgumentParser(prog="python -m support.stream_schedules", description=__doc__)
    parser.add_argument("seed", nargs="?", type=int, help="run this one schedule")
    parser.add_argument("--count", type=int, default=2000, help="how many schedules")
    parser.add_argument("--from", dest="first", type=int, help="the first seed; random by default")
    given = parser.parse_args(arguments)
    first = given.seed if given.seed is not None else given.first
    if first is None:
        first = random.randrange(2**32)  # noqa: S311 - any
    seeds = range(first, first + (1 if given.seed is not None else given.count))
    began = time.process_time()
    for seed in seeds:
        try:
            run(drawn(seed))
        except BaseException:
            say(f"{drawn(seed)} fails; again:\n")
            say(f"PYTHONPATH=tests .venv/bin/python -m support.stream_schedules {seed}\n")
            raise
    took = time.process_time() - began
    rate = f"{len(seeds) / took:.0f} a second of processor time"
    say(f"{len(seeds):,} schedules from {first}, {rate}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
