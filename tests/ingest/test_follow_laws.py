"""Whatever happens to a stream, the store is the fold of what came, and what did not is a gap."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf
from pathlib import Path
from shutil import copy

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from blueattr.ingest.follow import follow
from blueattr.sources.live.socket import ConnectionLost, ConnectionRefused
from support.effort import costly_law
from support.events_builder import Event, at, plc_name, post, tid
from support.live_world import PROTOCOLS, Run, end_of, gaps_of, seed, spans_of, streams_of
from support.scripted_stream import Disturbance, FakeClock, LogServer, Step
from support.store_content import content, expected
from support.stream_protocols import error_of, message_of
from support.stream_server import Asked, Fault, StreamServer

# So far apart that an overlap by time holds two of them.
APART = 400
EVENTS = [
    post(plc_name("abc"[k % 3]), tid(k), f"text {k}", rev=k, time=at(APART * k)) for k in range(32)
]

# What a server has at first; the others come while it is followed.
HELD = 12


def number_of(event: Event) -> int:
    """Its place in EVENTS."""
    return int(event["time_us"] - EVENTS[0]["time_us"]) // (APART * 10**6)


def check(
    db: Path, delivered: Iterable[Event], gaps: tuple[str, ...], oldest: Iterable[int] = ()
) -> None:
    """The store holds what was delivered, its spans are that, and its gaps what lies between.

    `oldest` are the numbers of events that were at some time the oldest of a server: nobody can
    know of these that they follow the last one delivered, so that there may be a gap before them.
    """
    numbers = sorted({number_of(event) for event in delivered})
    assert content(db) == expected([EVENTS[number] for number in numbers])
    missing = [(at(APART * a), at(APART * b)) for a, b in pairwise(numbers) if b - a > 1]
    unknowable = [(at(APART * (k - 1)), at(APART * k)) for k in oldest]
    found = [(gap.start, gap.end) for gap in gaps_of(db)]
    assert [gap for gap in found if gap in missing or gap not in unknowable] == missing
    assert not missing or gaps
    edges = {float(APART * number) for number in numbers}
    absent = {float(APART * k) for k in range(len(EVENTS))} - edges
    for spans in spans_of(db).values():
        for first, last, _ in spans:
            assert first in edges
            assert last in edges
            assert first is not None
            assert last is not None
            assert not any(first < moment < last for moment in absent)


# --- scripted ------------------------------------------------------------------------------------


@dataclass
class World:
    """Servers of the same events, each with numbers of its own, and whoever follows them."""

    servers: list[LogServer]
    clock: FakeClock
    stop: threading.Event
    oldest: set[int] = field(default_factory=set)


def lost(*_: object) -> list[Step]:
    return [ConnectionLost("the connection broke")]


def unavailable(*_: object) -> list[Step]:
    return [ConnectionRefused(503)]


def too_many(*_: object) -> list[Step]:
    return [ConnectionRefused(429, retry_after=40.0)]


def stall(*_: object) -> list[Step]:
    return [inf]


def falter(*_: object) -> list[Step]:
    return [3.0]


def garbage(_world: World, server: LogServer) -> list[Step]:
    seq, event = 1, EVENTS[0]
    half = message_of(server.protocol, seq, event)[:-7]
    return [b"garbage", b"", b"\xff\xfe{", b"[" * 10_000, b"\x28\xb5\x2f\xfd\xff", half]


def repeat(_world: World, server: LogServer) -> list[Step]:
    """The last few messages again, as far as the server still has them."""
    again = server.delivered[-3:]
    kept = [(n, e) for n, e in server.log if n >= server.floor]
    return [message_of(server.protocol, n, e) for n, e in kept if e in again]


def error(world: World, server: LogServer) -> list[Step]:
    if server.protocol == "v1":
        return lost()
    return [error_of(server.protocol, "ConsumerTooSlow"), *lost(world)]


def forget(world: World, _server: LogServer) -> list[Step]:
    """Every server forgets what lies before the newest three."""
    for one in world.servers:
        if len(one.log) > 2:
            one.floor, event = one.log[-3]
            world.oldest.add(number_of(event))
    return lost()


def restart(world: World, server: LogServer) -> list[Step]:
    """The server keeps its newest three, under numbers far from the ones before."""
    first = 1 if server.log and server.log[0][0] > 4000 else 9000
    server.log = [(first + k, event) for k, (_, event) in enumerate(server.log[-3:])]
    server.floor = first
    world.oldest.update(number_of(event) for _, event in server.log[:1])
    return lost()


def end(world: World, _server: LogServer) -> list[Step]:
    """The program is stopped, and started again."""
    world.stop.set()
    return []


KINDS: tuple[Callable[[World, LogServer], list[Step]], ...] = (
    lost, unavailable, too_many, stall, falter, garbage, repeat, error, forget, restart, end,
)  # fmt: skip


@dataclass(frozen=True)
class Schedule:
    """A protocol, the first numbers of its hosts, the size of chunks, and what goes wrong.

    Of `plan` each item is for one connection: the messages before, and a number of KINDS.
    """

    protocol: str
    firsts: tuple[int, ...]
    size: int
    plan: tuple[tuple[int, int], ...]


@st.composite
def scripted(draw: st.DrawFn) -> Schedule:
    protocol = draw(st.sampled_from(PROTOCOLS))
    number = st.sampled_from([1, 5000])
    hosts = 1 if protocol == "firehose" else draw(st.integers(1, 2))
    plan = st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, len(KINDS) - 1)), min_size=1, max_size=6
    )
    return Schedule(
        protocol,
        tuple(draw(number) + 100 * k for k in range(hosts)),
        draw(st.sampled_from([1, 1000, 4 << 20])),
        tuple(draw(plan)),
    )


def run_scripted(db: Path, schedule: Schedule) -> World:
    """Follow until live, as often as it is stopped, and check what is in the store."""
    protocol = schedule.protocol
    # A relay is taken up at its live end, unless the store knows it.
    known = 0 if protocol == "firehose" else HELD
    clock = FakeClock(end_of(EVENTS[: known or 1]))
    world = World([], clock, threading.Event())
    for first in schedule.firsts:
        server = LogServer(protocol, clock, EVENTS[:known], EVENTS[known:], first)
        world.servers.append(server)
    streams = [server.stream(seconds=0.2, size=schedule.size) for server in world.servers]

    def run() -> tuple[str, tuple[str, ...]]:
        world.stop.clear()
        done = follow(db, streams, until="live", start=at(-5), timing=clock.timing, stop=world.stop)
        return done.outcome, done.gaps

    if protocol == "firehose":
        (server,) = world.servers
        assert run() == ("live", ())
        clock.reach(end_of(EVENTS[:HELD]))
        server.add(EVENTS[1:HELD])
        server.coming = EVENTS[HELD:]
    plan: deque[tuple[int, Disturbance]] = deque()
    for count, kind in schedule.plan:
        disturb = KINDS[kind]
        plan.append((count, lambda server, disturb=disturb: disturb(world, server)))  # type: ignore[misc]
    for server in world.servers:
        server.plan = plan
    gaps: list[str] = []
    for _ in range(len(schedule.plan) + 1):
        outcome, found = run()
        gaps += found
        if outcome != "stopped":
            break
    assert outcome == "live"
    delivered = [event for server in world.servers for event in server.delivered]
    check(db, delivered, tuple(gaps), world.oldest)
    return world


@pytest.fixture
def make(fresh: Callable[[], Path], empty_store: Path) -> Callable[[], Path]:
    """Makes stores that hold nothing yet."""
    return lambda: Path(copy(empty_store, fresh() / "store.duckdb"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("protocol", "kinds"),
    # Of the two that are followed as the first one is, each half: `make explore` has all.
    [
        ("v2", range(len(KINDS))),
        ("v1", range(0, len(KINDS), 2)),
        ("firehose", range(1, len(KINDS), 2)),
    ],
    ids=PROTOCOLS,
)
def test_each_trouble_happens_and_is_lived_through(
    protocol: str, kinds: range, make: Callable[[], Path]
) -> None:
    for kind in kinds:
        world = run_scripted(make(), Schedule(protocol, (5000,), 1, ((3, kind), (0, 0))))
        assert world.servers[0].fired >= 1, KINDS[kind].__name__


@pytest.mark.slow
@costly_law(18, suppress=[HealthCheck.function_scoped_fixture])
@given(scripted())
def test_whatever_happens_the_store_is_the_fold_and_spans_are_what_was_seen(
    make: Callable[[], Path], schedule: Schedule
) -> None:
    run_scripted(make(), schedule)


# --- over a socket -------------------------------------------------------------------------------

# A protocol, how many hosts there are, and what happens to one subscription after another: the
# messages before, and for a cut the bytes of the next one that still come.
Happenings = list[tuple[str, int, int | None]]

ON_A_SOCKET: list[tuple[str, int, Happenings]] = [
    ("v2", 1, [("cut", k, part) for k, part in enumerate((None, 1, 3, 40, 100))]),
    ("v2", 2, [("close", 4, None), ("refuse", 0, None), ("cut", 2, 60), ("floor", 7, None)]),
    ("v2", 1, [("cut", 5, None), ("floor", 9, None), ("close", 1, None)]),
    ("v2", 2, [("refuse", 0, None), ("refuse", 0, None), ("cut", 3, None), ("cut", 6, 2)]),
    ("v1", 1, [("cut", k, part) for k, part in enumerate((None, 1, 3, 40, 100))]),
    ("v1", 2, [("cut", 4, None), ("refuse", 0, None), ("close", 5, None), ("floor", 8, None)]),
    ("v1", 1, [("refuse", 0, None), ("cut", 2, 30), ("floor", 5, None)]),
    ("firehose", 1, [("cut", 1, part) for part in (None, 1, 3, 40, 100)]),
    ("firehose", 1, [("close", 3, None), ("cut", 1, None), ("floor", 9, None)]),
    ("firehose", 1, [("refuse", 0, None), ("cut", 2, 200), ("refuse", 0, None)]),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("protocol", "hosts", "happenings"),
    [
        # The first of each protocol is for `make test`.
        pytest.param(*one, id=str(k), marks=() if k in {0, 4, 7} else pytest.mark.slow)
        for k, one in enumerate(ON_A_SOCKET)
    ],
)
def test_ten_schedules_on_a_socket(
    protocol: str, hosts: int, happenings: Happenings, make: Callable[[], Path]
) -> None:
    db = make()
    held = EVENTS[:HELD]
    left = list(happenings)
    with ExitStack() as stack:
        servers = [stack.enter_context(StreamServer().running()) for _ in range(hosts)]
        if protocol == "firehose":
            seed(db, protocol, servers[0], held)
        for k, one in enumerate(servers):
            one.replace([])
            one.add(*held, first=1 + 100 * k)
            one.floor = 1 + 100 * k

        def script(asked: Asked) -> Fault | None:
            # A refusal is asked again for its reason; that is no subscription.
            if asked.kind != protocol or "accept" in asked.headers or not left:
                return None
            what, number, part = left.pop(0)
            if what == "floor":
                for k, one in enumerate(servers):
                    one.floor = max(one.floor, number + 100 * k)
                return None
            return Fault(what, after=number, part=part)

        for one in servers:
            one.script = script
        run = Run(end_of(held))
        done = run.follow(db, streams_of(protocol, *servers), start=at(-5))
        numbers = {
            number - 100 * k
            for k, one in enumerate(servers)
            for asked in one.subscriptions()
            for number in asked.seqs
        }
    assert (done.outcome, left) == ("live", [])
    if protocol == "firehose":
        numbers.add(1)
    oldest = [number - 1 for what, number, _ in happenings if what == "floor"]
    check(db, [EVENTS[number - 1] for number in numbers], done.gaps, oldest)
