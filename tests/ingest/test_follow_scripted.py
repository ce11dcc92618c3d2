"""Followers of scripted streams, on a clock of their own: no server, no waiting."""

import threading
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest

from blueattr.decode.chunk import Chunk
from blueattr.ingest import follow as ingest_follow
from blueattr.ingest.follow import follow
from blueattr.ingest.meter import Moment
from blueattr.ingest.pace import Pace
from blueattr.ingest.result import Followed
from blueattr.report.inventory.ingests import follow_report
from blueattr.sources.live.socket import ConnectionLost, MessageTooLong, Oversized
from blueattr.sources.live.stream import Stream, Transport
from blueattr.store.commit.checkpoint import SourceState
from blueattr.store.commit.writer import Writer
from blueattr.store.engine.memory import Shares
from support.events_builder import Event, at, post, tid
from support.live_world import START, end_of, gaps_of, spans_of, story
from support.scripted_stream import FakeClock, LogServer, ScriptedServer, Step, message
from support.store_content import content, expected
from support.stream_protocols import message_of

EVENTS = story(18)
MESSAGES = [message(seq, event) for seq, event in enumerate(EVENTS, 1)]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(end_of(EVENTS))


@pytest.mark.slow
def test_a_scripted_stream_is_stored_like_a_real_one(tmp_path: Path, clock: FakeClock) -> None:
    lost = ConnectionLost("the connection broke")
    server = ScriptedServer(
        clock, [*MESSAGES[:5], 3.0, *MESSAGES[5:7], lost], [lost], MESSAGES[3:]
    )  # fmt: skip
    db = tmp_path / "s.duckdb"
    done = follow(db, [server.stream()], until="live", start=START, timing=clock.timing)
    assert (done.outcome, done.reconnects, done.gaps) == ("live", 2, ())
    assert content(db) == expected(EVENTS)
    assert "cursor=1&" in server.asked[1] + "&", "it takes up before the last event"
    assert clock.waits == [1.0, 2.0]


@pytest.mark.slow
def test_rows_wait_for_a_commit_no_longer_than_the_pace_says(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = threading.Event()
    commits: list[float] = []
    commit = Writer.commit

    def noted(self: Writer, state: SourceState, **named: Any) -> SourceState:
        commits.append(clock.seconds)
        return commit(self, state, **named)

    monkeypatch.setattr(Writer, "commit", noted)
    script = [step for one in MESSAGES for step in (one, 2.0)]
    server = ScriptedServer(clock, [*script, stop.set])
    pace = Pace(commit_seconds=7.0, commit_multiple=0.0)
    done = follow(
        tmp_path / "s.duckdb", [server.stream()], start=START, timing=clock.timing, pace=pace,
        stop=stop,
    )  # fmt: skip
    assert done.outcome == "stopped"
    assert len(commits) >= 5
    assert all(7 <= b - a <= 7.5 for a, b in pairwise([0.0, *commits]))


def test_messages_that_wait_to_be_decoded_are_bounded_by_memory(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []

    def noted(self: Stream, most: int) -> Stream:
        held.append(most)
        return self

    monkeypatch.setattr(Stream, "holding", noted)
    stream = ScriptedServer(clock, MESSAGES[:2]).stream()
    limit = timedelta(seconds=1)
    for memory in (900 << 20, 4 << 30):
        follow(tmp_path / "s.duckdb", [stream], start=START, timing=clock.timing, limit=limit,
               memory=memory)  # fmt: skip
    assert held == [Shares.of(memory).messages for memory in (900 << 20, 4 << 30)]
    assert held[0] < held[1]
    connect = Transport().holding(held[0]).connect
    assert isinstance(connect, partial)
    assert connect.keywords == {"buffer": held[0]}


@pytest.mark.slow
def test_what_waits_for_a_commit_is_bounded_by_memory(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Posts of 60 kB come as fast as they are taken, long before a commit is due by time."""
    waited: list[int] = []
    commit = Writer.commit

    def noted(self: Writer, *states: SourceState, **named: Any) -> Any:
        waited.append(self.waiting[1])
        return commit(self, *states, **named)

    monkeypatch.setattr(Writer, "commit", noted)
    long = "x" * 60_000
    posts = [post("ann", tid(k), long, rev=k, time=at(k / 9)) for k in range(340)]
    server = ScriptedServer(clock, [message(k, event) for k, event in enumerate(posts, 1)])
    few = replace(Shares.of(600 << 20), lines=3 << 20)
    monkeypatch.setattr(Shares, "of", lambda _memory: few)
    db = tmp_path / "s.duckdb"
    follow(db, [server.stream(size=1 << 20)], start=START, timing=clock.timing, memory=600 << 20,
           limit=timedelta(minutes=1))  # fmt: skip
    assert len(waited) > 5
    assert max(waited) < 2 * (3 << 20), "the limit, and a chunk"
    assert len(content(db).records) == 340


@pytest.mark.slow
def test_a_message_that_is_too_long_is_passed_over_and_is_a_gap(
    tmp_path: Path, clock: FakeClock
) -> None:
    lost = ConnectionLost("the connection broke")
    script = [*MESSAGES[:9], Oversized(b'{"$type":"message"'), *MESSAGES[10:]]
    server = ScriptedServer(clock, [*script[:12], lost], script)
    db = tmp_path / "s.duckdb"
    limit = timedelta(minutes=1)
    done = follow(db, [server.stream()], start=START, timing=clock.timing, limit=limit)
    assert done.outcome == "time is up"
    assert content(db) == expected(EVENTS[:9] + EVENTS[10:])
    (state,) = done.ingested.sources
    assert state.rejected["line too long"] == 2
    assert all("passed over" in gap for gap in done.gaps)
    (missing,) = gaps_of(db)
    assert (missing.start, missing.end) == (at(8), at(10))
    assert "passed over" in missing.reason


@pytest.mark.slow
@pytest.mark.parametrize(
    ("protocol", "deaf", "age", "trouble"),
    [
        ("v2", False, 500, ""),
        ("v2", False, 700, "the newest is of 2026-05-01 00:00:17"),
        ("v2", True, 100, "nothing came for 90 s"),
        ("v1", False, 500, ""),
        ("v1", False, 700, "the newest is of 2026-05-01 00:00:17"),
    ],
)
def test_a_quiet_stream_is_live_only_if_its_server_answers_and_its_events_are_of_now(
    tmp_path: Path, clock: FakeClock, protocol: str, *, deaf: bool, age: float, trouble: str
) -> None:
    """A server that stalls on the way is quiet, too."""
    clock.started += age
    server = LogServer(protocol, clock, EVENTS, [], 1)
    server.deaf = deaf
    db = tmp_path / "s.duckdb"
    stream = server.stream(seconds=0.5, size=4 << 20)
    done = follow(db, [stream], until="live", start=START, timing=clock.timing)
    assert done.outcome == ("unreachable" if trouble else "live")
    assert trouble in done.trouble
    assert len(server.asked) == (7 if trouble else 1)
    assert content(db) == expected(EVENTS)
    assert done.gaps == ()


def test_a_stream_on_which_nothing_ever_came_is_not_live(tmp_path: Path, clock: FakeClock) -> None:
    server = ScriptedServer(clock, *([1.0] for _ in range(20)))
    db = tmp_path / "s.duckdb"
    done = follow(db, [server.stream()], until="live", start=None, timing=clock.timing)
    assert (done.outcome, done.lag) == ("unreachable", None)
    assert "no event came for" in done.trouble


@pytest.mark.slow
def test_a_clock_of_events_that_stands_still_in_a_silence_says_nothing(
    tmp_path: Path, clock: FakeClock
) -> None:
    """A server that stalls in a backlog is not taken for one whose clock is not ours."""
    clock.started += 3 * 86400
    script = [step for one in MESSAGES for step in (one, 1.0)]
    server = ScriptedServer(clock, script, *([9.0] for _ in range(20)))
    pace = Pace(clock_samples=20, quiet=60.0)
    done = follow(tmp_path / "s.duckdb", [server.stream()], until="live", start=START,
                  timing=clock.timing, pace=pace)  # fmt: skip
    assert done.outcome == "unreachable"


@pytest.mark.slow
@pytest.mark.parametrize("is_replay", [True, False])
def test_a_clock_of_events_that_goes_as_slowly_as_we_do_says_nothing(
    tmp_path: Path, clock: FakeClock, *, is_replay: bool
) -> None:
    """While known events come again, or while more waits than we take, a stream is behind."""
    db = tmp_path / "s.duckdb"
    pace = Pace(clock_samples=5)
    if is_replay:
        before = ScriptedServer(clock, MESSAGES[:17])
        follow(db, [before.stream()], until="live", start=START, timing=clock.timing)
    events = [*EVENTS, post("late", "late", rev=100, time=at(3 * 86400))]
    clock.started = end_of(events)
    last = message(len(events), events[-1])
    if is_replay:
        script: list[Step] = [step for one in MESSAGES[:17] for step in (one, 1.0)]
        stream = ScriptedServer(clock, [*script, *MESSAGES[17:], last]).stream()
    else:
        stream = ScriptedServer(clock, [*MESSAGES, last]).stream(size=1)

    def slow(_moment: Moment) -> None:
        clock.seconds += 1.5

    done = follow(db, [stream], until="live", start=START, timing=clock.timing, pace=pace,
                  watch=None if is_replay else slow)  # fmt: skip
    assert (done.outcome, done.reconnects) == ("live", 0)
    assert content(db) == expected(events)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("protocol", "until"),
    [
        ("v2", "live"),
        pytest.param("v2", "stopped", marks=pytest.mark.slow),
        pytest.param("v1", "stopped", marks=pytest.mark.slow),
        pytest.param("firehose", "live", marks=pytest.mark.slow),
    ],
)
def test_a_message_that_ends_each_connection_by_its_length_is_passed_over(
    tmp_path: Path, clock: FakeClock, protocol: str, until: str
) -> None:
    """It can be neither taken nor read past: the next connections begin behind it."""
    clock.started += 60
    server = LogServer(protocol, clock, [], [], 1)
    server.coming = EVENTS[:1]
    stop = threading.Event()
    server.plan.append((1, lambda _server: [stop.set]))
    db = tmp_path / "s.duckdb"

    def run(until: str) -> Followed:
        stop.clear()
        stream = server.stream(seconds=0.5, size=4 << 20)
        return follow(db, [stream], until=until, start=START, timing=clock.timing, stop=stop,  # type: ignore[arg-type]
                      limit=timedelta(minutes=5))  # fmt: skip

    run("stopped")
    # Between two events there are others, of kinds that are not asked for.
    server.log += [(10 * k, event) for k, event in enumerate(EVENTS[1:], 1)]
    too_long = 90

    def write(protocol: str, seq: int, event: Event) -> bytes | Exception:
        if seq == too_long:
            return MessageTooLong("a message of over 64 MiB")
        return message_of(protocol, seq, event)

    server.write = write  # type: ignore[assignment]
    done = run(until)
    assert done.outcome == ("live" if until == "live" else "time is up")
    assert content(db) == expected(EVENTS[:9] + EVENTS[10:])
    (state,) = done.ingested.sources
    assert state.rejected["line too long"] == 1
    assert done.gaps == ("a message of over 64 MiB",)
    (missing,) = gaps_of(db)
    assert (missing.start, missing.end) == (at(8), at(10))
    again = run("live")
    assert (again.outcome, again.gaps) == ("live", ())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seen", "asked"),
    [
        pytest.param(9, [9000 - 4096, 9000, 9000 - 2 * 4096, 9000 - 4096], id="well within"),
        # What led up to the event seen leads back to the first number, which is of another kind.
        pytest.param(3, [1, 3000, 1, 1], id="at the beginning of the numbers"),
    ],
)
def test_a_number_that_is_of_another_kind_after_a_crash_is_no_gap_and_loses_nothing(
    tmp_path: Path, clock: FakeClock, seen: int, asked: list[int]
) -> None:
    """Between any two events there are others, of kinds that are not asked for."""
    server = LogServer("v2", clock, [], [], 1)
    server.log = [(1000 * k, event) for k, event in enumerate(EVENTS[:seen], 1)]
    db = tmp_path / "s.duckdb"

    def run() -> Followed:
        stream = server.stream(seconds=0.5, size=4 << 20)
        limit = timedelta(seconds=60)
        return follow(db, [stream], start=START, timing=clock.timing, limit=limit)

    run()
    assert content(db) == expected(EVENTS[:seen])
    # What follows the last event seen is now before it.
    last = EVENTS[seen - 1]
    anew = [*EVENTS[: seen - 1], EVENTS[seen], last, *EVENTS[seen + 1 :]]
    server.log = [(1000 * k - 500, event) for k, event in enumerate(anew, 1)]
    server.asked.clear()
    for messages in (1, 1000, 1):
        server.plan.append((messages, lambda _server: [ConnectionLost("the connection broke")]))
    done = run()
    assert server.fired == 2
    assert server.asked == asked
    assert (content(db), done.gaps) == (expected(EVENTS), ())


@pytest.mark.slow
def test_a_limit_ends_a_flood_in_time(tmp_path: Path, clock: FakeClock) -> None:
    def flood() -> Iterator[Step]:
        for seq in count(1):
            clock.seconds += 0.01
            yield message(seq, post("ann", tid(seq), rev=seq, time=at(seq / 1000)))

    server = ScriptedServer(clock, flood())
    done = follow(tmp_path / "s.duckdb", [server.stream(size=100_000)], start=START,
                  timing=clock.timing, limit=timedelta(seconds=20))  # fmt: skip
    assert done.outcome == "time is up"
    assert clock.seconds < 30


def test_a_watcher_that_fails_does_not_lose_what_was_received(
    tmp_path: Path, clock: FakeClock
) -> None:
    db = tmp_path / "s.duckdb"
    server = ScriptedServer(clock, MESSAGES)

    def watch(moment: Moment) -> None:
        if moment.kept:
            raise BrokenPipeError("nobody reads this")

    with pytest.raises(BrokenPipeError):
        follow(db, [server.stream()], start=START, timing=clock.timing, watch=watch)
    assert content(db) == expected(EVENTS)


# --- months of it --------------------------------------------------------------------------------


class _Sources(dict[str, SourceState]):
    """The sources of a store; counts how often all of them are gone through."""

    passes = 0

    def values(self) -> Any:
        self.passes += 1
        return super().values()


class _Store:
    """What a follower needs of a writer, and next to nothing done."""

    shares = Shares.of(4 << 30)

    def __init__(self) -> None:
        self.known = _Sources(
            (f"file:{k}", SourceState(f"file:{k}", "file", kept=10, rejected={"x": 1}))
            for k in range(100)
        )

    def sources(self) -> _Sources:
        return self.known

    def last_near(self) -> None:
        return None

    def count_events(self) -> int:
        return 0

    waiting = (0, 0)

    def stage(self, chunk: Chunk, state: SourceState) -> SourceState:
        return replace(
            state, position=chunk.resume, kept=state.kept + 1, rejected={"bad": state.kept // 2},
            last_event=at(state.kept / 1000).replace(tzinfo=None),
        )  # fmt: skip

    def commit(self, state: SourceState) -> SourceState:
        return state.after_commit()


def chunks_in_memory(
    count: int, clock: FakeClock, each: Callable[[int, list[Moment], _Store], None]
) -> list[Moment]:
    """Follow that many chunks into nothing; `each` is called before every chunk."""
    stop = threading.Event()
    store = _Store()
    moments: list[Moment] = []

    def script() -> Iterator[Step]:
        for k in range(count):
            each(k, moments, store)
            clock.seconds += 1.0
            yield MESSAGES[0]
            yield 0.01
        yield stop.set

    def watch(moment: Moment) -> None:
        moments[:] = [moment]

    server = ScriptedServer(clock, script())
    writer: Any = store
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingest_follow, "roll_up", lambda _writer, _rules: None)
        # It would copy the sources that count.
        patch.setattr(ingest_follow, "without_far", lambda states, _near: states)
        follower = ingest_follow._Follower(
            writer, (server.stream(seconds=0.001),), "stopped", None, START, None, (), stop,
            watch, clock.timing, Pace(),
        )  # fmt: skip
        assert follower.run().outcome == "stopped"
    return moments


@pytest.mark.slow
def test_of_many_gaps_the_last_few_are_reported_and_all_are_counted(
    tmp_path: Path, clock: FakeClock
) -> None:
    """Each connection says that the numbering has started over."""
    scripts: list[list[Step]] = [
        [message(900_000 - 10_000 * k, post("ann", f"p{k}", rev=k, time=at(k))),
         ConnectionLost("the connection broke")]
        for k in range(23)
    ]  # fmt: skip
    server = ScriptedServer(clock, *scripts)
    db = tmp_path / "s.duckdb"
    done = follow(
        db, [server.stream()], start=START, limit=timedelta(minutes=10), timing=clock.timing
    )
    assert (done.gap_count, len(done.gaps)) == (22, 20)
    assert "22 gaps, of which the last 20:" in follow_report(done, db).summary
    (spans,) = spans_of(db).values()
    assert [gap != "" for _, _, gap in spans] == [False] + [True] * 22


@pytest.mark.slow
def test_a_follower_of_many_chunks_does_not_grow(clock: FakeClock) -> None:
    sizes: list[int] = []

    def measure(k: int, *_: object) -> None:
        if k % 1000 == 500:
            sizes.append(tracemalloc.get_traced_memory()[0])

    tracemalloc.start()
    try:
        chunks_in_memory(3000, clock, measure)
    finally:
        tracemalloc.stop()
    assert len(sizes) == 3
    # A list of one reference a chunk would be 8,000 bytes for the last thousand.
    assert sizes[2] - sizes[1] < 4000


def test_a_chunk_is_not_paid_for_by_every_source_the_store_has(clock: FakeClock) -> None:
    passes: list[int] = []

    def measure(_k: int, _moments: object, store: _Store) -> None:
        passes.append(store.known.passes)

    (last,) = chunks_in_memory(500, clock, measure)
    assert len(passes) == 500
    assert passes[-1] == passes[1], "each chunk goes through all sources"
    assert (last.kept, last.rejected) == (500, 249), "of this run alone"
    assert last.rate == pytest.approx(1.0, rel=0.2)
