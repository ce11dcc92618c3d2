"""Times and revisions that nobody can trust: ahead of the clock, or of a wrong clock."""

import os
import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from blueattr.analysis.upkeep.status import status
from blueattr.decode.chunk import Chunk
from blueattr.ingest import read
from blueattr.ingest.follow import follow
from blueattr.ingest.read import ingest
from blueattr.ingest.result import Ingested
from blueattr.report.inventory.ingests import ingest_report
from blueattr.report.inventory.status import status_report
from blueattr.sources import files, forms, packing
from blueattr.store.commit.checkpoint import SourceState
from blueattr.store.commit.writer import Writer
from support.effort import quick_ones
from support.events_builder import (
    POST,
    Event,
    account,
    as_v2,
    at,
    delete,
    identity,
    like,
    lines,
    micros,
    plc,
    post,
    profile,
    repost,
    tid,
    uri,
)
from support.live_world import START, story
from support.scripted_stream import FakeClock, ScriptedServer, message
from support.spoiled_lines import A, B
from support.store_content import content, expected

NOW = at(days=30)
FAR = datetime(2098, 1, 1, tzinfo=UTC)
DAY = [post(A, tid(k), f"words {k}", rev=k, time=at(60 * k)) for k in range(1, 31)]
MAX_REV = "bzzzzzzzzzzzz"


def now() -> float:
    return NOW.timestamp()


def write(path: Path, *events: Event) -> Path:
    path.write_bytes(lines(*events))
    return path


def ingested(db: Path, *paths: Path, clock: Any = now) -> tuple[SourceState, ...]:
    return ingest(db, [str(path) for path in paths], now=clock).sources


AHEAD = {
    "v1": post(B, tid(99), "later", rev=99, time=FAR),
    "v2": as_v2(post(B, tid(99), "later", rev=99, time=FAR)),
    "a bare v2": as_v2(post(B, tid(99), "later", rev=99, time=FAR), framed=False),
    "six minutes": post(B, tid(99), "later", rev=99, time=NOW + timedelta(minutes=6)),
    "an account": account(B, "deleted", time=FAR),
    "an identity": identity(B, "b.example.org", time=FAR),
    "a profile": profile(B, rev=99, time=FAR),
    "a bot's profile": profile(B, rev=99, time=FAR, bot=True),
    "a repost": repost(B, tid(99), uri(A, tid(1)), rev=99, time=FAR),
    "a deletion": delete(A, POST, tid(1), rev=99, time=FAR),
    "a like": like(B, tid(99), uri(A, tid(1)), rev=99, time=FAR),
    "year 9999": DAY[0] | {"time_us": micros(datetime(9999, 12, 31, tzinfo=UTC))},
    "year 2255": DAY[0] | {"time_us": micros(datetime(2255, 6, 5, tzinfo=UTC))},
    "before 1970": DAY[0] | {"time_us": -1},
}


@pytest.mark.few(2)
@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "by the engine"])
@pytest.mark.parametrize("place", [0, 17], ids=["first", "between"])
def test_what_lies_ahead_of_the_clock_leaves_the_store_as_if_it_had_not_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int, *, compiled: bool
) -> None:
    monkeypatch.setattr(read, "is_compiled", lambda: compiled)
    write(tmp_path / "fine.jsonl", *DAY)
    (fine,) = ingested(tmp_path / "fine.duckdb", tmp_path / "fine.jsonl")
    path = write(tmp_path / "x.jsonl", *DAY[:place], *AHEAD.values(), *DAY[place:])
    (state,) = ingested(tmp_path / "x.duckdb", path)
    assert state.rejected == {"bad time": len(AHEAD)}
    assert (state.kept, state.ahead, state.spans) == (30, 0, fine.spans)
    assert state.last_event == fine.last_event
    assert content(tmp_path / "x.duckdb") == content(tmp_path / "fine.duckdb")


@pytest.mark.slow
@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "by the engine"])
def test_a_revision_from_the_future_does_not_win_over_what_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, compiled: bool
) -> None:
    monkeypatch.setattr(read, "is_compiled", lambda: compiled)
    pinned = [
        post(A, tid(1), "pinned", rev=1, time=at(1)),
        post(A, tid(2), "pinned", rev=1, time=at(1), operation="update"),
        delete(A, POST, tid(3), rev=1, time=at(1)),
        profile(A, rev=1, time=at(1), bot=True),
        delete(B, "app.bsky.actor.profile", "self", rev=1, time=at(1)),
    ]
    for event in pinned:
        event["commit"]["rev"] = MAX_REV
    follows = [
        delete(A, POST, tid(1), rev=2, time=at(2)),
        post(A, tid(2), "as it is", rev=2, time=at(2)),
        post(A, tid(3), "still there", rev=2, time=at(2)),
        profile(A, rev=2, time=at(2)),
        profile(B, rev=2, time=at(2), bot=True),
    ]
    for number, events in enumerate([[*pinned, *follows], [*follows, *pinned]]):
        db = tmp_path / f"{number}.duckdb"
        (state,) = ingested(db, write(tmp_path / f"{number}.jsonl", *events))
        assert state.rejected == {"bad rev": 5}
        assert content(db) == expected(follows)


@pytest.mark.few(1)
@pytest.mark.parametrize(
    "clock", [lambda: 0.0, lambda: now() - 86400 * 3653, lambda: at(-1).timestamp() - 300]
)
@pytest.mark.parametrize(
    "compiled", quick_ones([True, False], {True}), ids=["compiled", "by the engine"]
)
def test_a_file_of_events_ahead_of_the_clock_is_kept_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Any, *, compiled: bool
) -> None:
    monkeypatch.setattr(read, "is_compiled", lambda: compiled)
    path = write(tmp_path / "x.jsonl", *DAY, profile(B, rev=1, time=at(5), bot=True))
    (state,) = ingested(tmp_path / "x.duckdb", path, clock=clock)
    assert (state.rejected, state.kept) == ({}, 31)
    (*_, said) = ingest_report([Ingested((state,), (), (), 0, 31)], path).summary
    assert said.startswith(f"Most of what {path} sent lay ahead of this machine's clock")
    assert state.ahead >= 30
    assert content(tmp_path / "x.duckdb") == expected(
        [*DAY, profile(B, rev=1, time=at(5), bot=True)]
    )
    export = write(tmp_path / "plc.jsonl", *(plc(who, at(1)) for who in "abcdefghij"))
    done = ingest(tmp_path / "x.duckdb", [str(export)], kind="plc", now=clock)
    assert (done.sources[0].rejected, done.sources[0].kept) == ({}, 10)


@pytest.mark.few(1)
@pytest.mark.parametrize(
    "compiled", quick_ones([True, False], {True}), ids=["compiled", "by the engine"]
)
@pytest.mark.parametrize("lines_ahead", [1, 9])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_few_lines_ahead_of_the_clock_are_refused_in_a_file_of_their_own_too(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    lines_ahead: int,
    *,
    is_first: bool,
    compiled: bool,
) -> None:
    monkeypatch.setattr(read, "is_compiled", lambda: compiled)
    fine = write(tmp_path / "fine.jsonl", *DAY)
    later = [post(B, tid(99 + k), "later", rev=99 + k, time=FAR) for k in range(lines_ahead)]
    ahead = write(tmp_path / "ahead.jsonl", *later)
    paths = [ahead, fine] if is_first else [fine, ahead]
    states = {Path(s.name).name: s for s in ingested(tmp_path / "x.duckdb", *paths)}
    assert states["ahead.jsonl"].rejected == {"bad time": lines_ahead}
    assert content(tmp_path / "x.duckdb") == expected(DAY)


@pytest.mark.few(1)
@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "by the engine"])
def test_a_clock_of_before_this_program_loses_not_even_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, compiled: bool
) -> None:
    monkeypatch.setattr(read, "is_compiled", lambda: compiled)
    path = write(tmp_path / "x.jsonl", DAY[0])
    (state,) = ingested(tmp_path / "x.duckdb", path, clock=lambda: 0.0)
    assert (state.rejected, state.kept, state.ahead) == ({}, 1, 1)


@pytest.mark.slow
def test_a_status_names_a_wrong_clock_until_the_file_is_read_by_a_right_one(
    tmp_path: Path,
) -> None:
    db = tmp_path / "x.duckdb"
    path = write(tmp_path / "x.jsonl", *DAY)

    def shown() -> tuple[list[int], list[str]]:
        report = status_report(status(db))
        assert report.content is not None
        warnings = [w for w in report.warnings if "clock" in w]
        sources: Any = report.content["sources"]
        return [row["ahead"] for row in sources], warnings

    ingested(db, path, clock=lambda: at(-1).timestamp() - 300)
    ahead, (sentence,) = shown()
    assert ahead == [30]
    assert sentence.startswith(f"30 events of {path} lay ahead of this machine's clock when read")
    (again,) = ingested(db, path)
    assert again.ahead == 0
    assert shown() == ([30], [sentence])
    os.utime(path, ns=(1, 1))
    ingested(db, path)
    assert shown() == ([0], [])


@pytest.mark.slow
@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "by the engine"])
def test_unusual_lines_speak_for_the_clock_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, compiled: bool
) -> None:
    # Such as of accounts whose DID is none of PLC's, all of whose lines the engine decodes.
    monkeypatch.setattr(read, "is_compiled", lambda: compiled)
    unusual = [post("a.b", f"k{k}", "x", rev=k, time=at(60 * k)) for k in range(1, 31)]
    for number, place in enumerate((0, 17, 30)):
        events = [*unusual[:place], AHEAD["v1"], *unusual[place:]]
        db = tmp_path / f"{number}.duckdb"
        (state,) = ingested(db, write(tmp_path / f"{number}.jsonl", *events))
        assert (state.rejected, state.kept, state.ahead) == ({"bad time": 1}, 30, 0)
        assert content(db) == expected(unusual)
    far = [event | {"time_us": micros(FAR)} for event in unusual[:20]]
    events = [*far, AHEAD["v1"], *unusual[:10]]
    (state,) = ingested(tmp_path / "far.duckdb", write(tmp_path / "far.jsonl", *events))
    assert (state.rejected, state.kept, state.ahead) == ({}, 31, 21)


def test_a_clock_that_is_minutes_slow_loses_a_few_hundred_lines_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "CHUNK", 8_000)
    monkeypatch.setattr(packing, "_READ", 4_000)
    monkeypatch.setattr(forms, "_HEAD", 1)
    events = [post(A, tid(k), "x", rev=k, time=at(60 * k)) for k in range(1, 601)]
    (state,) = ingested(tmp_path / "x.duckdb", write(tmp_path / "x.jsonl", *events),
                        clock=lambda: at(60 * 300).timestamp())  # fmt: skip
    assert state.lines == 600
    assert 600 - 160 <= state.kept < 600
    assert state.ahead >= 150


def streamed(db: Path, clock: Any, *chunks: list[Event]) -> SourceState:
    """Stage chunks of a stream, as each came, and commit them."""
    state = SourceState("jetstream:x", "jetstream")
    with Writer(db, now=clock) as writer:
        for number, events in enumerate(chunks):
            data = lines(*events)
            state = writer.stage(Chunk(data, number, 0, number + 1), state)
        writer.commit(state)
    return state


@pytest.mark.few(1)
@pytest.mark.parametrize("each", [1, 4])
def test_a_stream_passes_over_an_event_ahead_of_the_clock_however_it_is_cut(
    tmp_path: Path, each: int
) -> None:
    events = list(DAY)
    for place, name in zip(
        (28, 21, 14, 13, 5),
        ("v2", "a bot's profile", "an account", "v1", "six minutes"),
        strict=True,
    ):
        events.insert(place, AHEAD[name])
    cut = [events[k : k + each] for k in range(0, len(events), each)]
    state = streamed(tmp_path / "s.duckdb", now, *cut)
    assert (state.rejected, state.kept, state.ahead) == ({"bad time": 5}, 30, 0)
    assert state.last_event == at(60 * 30).replace(tzinfo=None)
    assert content(tmp_path / "s.duckdb") == expected(DAY)


def test_an_event_of_which_nothing_can_be_told_moves_nothing_once_it_can(tmp_path: Path) -> None:
    state = streamed(tmp_path / "s.duckdb", now, [AHEAD["v1"]], DAY[:2], [AHEAD["v1"]], DAY[2:])
    assert (state.kept, state.ahead, state.rejected) == (31, 1, {"bad time": 1})
    assert state.last_event == at(60 * 30).replace(tzinfo=None)
    assert [span.last_event for span in state.spans] == [state.last_event]


@pytest.mark.parametrize("step", [-3600, -86400 * 3653])
def test_a_clock_that_is_set_back_while_a_stream_is_followed_loses_nothing(
    tmp_path: Path, step: float
) -> None:
    told = iter([at(60 * k + 1).timestamp() + (step if k > 15 else 0) for k in range(1, 31)])
    state = streamed(tmp_path / "s.duckdb", lambda: next(told), *([event] for event in DAY))
    assert (state.kept, state.rejected, state.ahead) == (30, {}, 15)


@pytest.mark.slow
def test_a_store_continued_by_a_clock_that_was_set_back_loses_nothing(tmp_path: Path) -> None:
    db, state = tmp_path / "s.duckdb", SourceState("jetstream:x", "jetstream")
    for k, event in enumerate(DAY):
        clock = at(60 * k + 60).timestamp() - (4000 if k >= 15 else 0)
        with Writer(db, now=partial(float, clock)) as writer:
            state = writer.sources().get("jetstream:x", state)
            data = lines(event)
            writer.commit(writer.stage(Chunk(data, k, 0, k + 1), state))
    assert content(db) == expected(DAY)


@pytest.mark.few(1)
@pytest.mark.parametrize("days", [400, -3653])
def test_a_follower_with_a_wrong_clock_loses_nothing(tmp_path: Path, days: float) -> None:
    events = story(40)
    clock = FakeClock(at(20, days=days).timestamp())
    messages = [message(seq, event) for seq, event in enumerate(events, 1)]
    stop = threading.Event()
    server = ScriptedServer(
        clock, [*messages[:1], 1.0, *messages[1:20], 1.0, *messages[20:], stop.set]
    )
    done = follow(tmp_path / "s.duckdb", [server.stream()], start=START, stop=stop,
                  timing=clock.timing)  # fmt: skip
    assert done.outcome == "stopped"
    assert content(tmp_path / "s.duckdb") == expected(events)
