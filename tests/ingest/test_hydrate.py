"""Hydration: what is asked of an AppView that misbehaves, what is kept, what it changes."""

import asyncio
import fcntl
import gzip
import io
import json
import os
import re
import signal
import struct
import subprocess
import tempfile
import termios
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, redirect_stderr, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.analysis import features
from blueattr.cli.commands.hydrate import _Line
from blueattr.errors import ExitCode, StoreError, UsageError
from blueattr.ingest import hydrate as ingest_hydrate
from blueattr.ingest import read
from blueattr.ingest.hydrate import Hydrated, hydrate
from blueattr.panel.query import PanelQuery
from blueattr.sources import appview
from blueattr.sources.appview import AppView, Profile, read_profiles
from blueattr.sources.timing import Timing
from blueattr.store.commit.writer import Writer
from blueattr.store.database import Store
from blueattr.store.lock import Lock
from support import crash, events_builder, hydrate_child
from support.appview_server import METHOD, Reply, Server, error, serving
from support.cli_world import BLUEATTR, harmless, run
from support.effort import law, quick_ones
from support.events_builder import Event, account, at, did, follow, identity, lines, plc_name, post
from support.forked import processes
from support.store_content import rows

CREATED = "2024-02-03T04:05:06.789Z"
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def name(number: int) -> str:
    """A directory name; they sort as the numbers do."""
    return plc_name("".join("abcdefghij"[int(digit)] for digit in f"{number:06d}"))


def someone(number: int) -> str:
    return did(name(number))


def profile(number: int) -> dict[str, Any]:
    return {"followersCount": 10 * number, "createdAt": CREATED}


class Clock:
    """Time passes while one sleeps, and not otherwise."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []
        self.timing = Timing(self.now, lambda: self.seconds)

    def now(self) -> float:
        return NOON.timestamp() + self.seconds

    def view(self, url: str, **options: Any) -> AppView:
        return AppView(url, timing=self.timing, sleep=self.sleep, **options)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds
        await asyncio.sleep(0)


class Told(list[tuple[float, str]]):
    """The waits that were announced."""

    def view(self, url: str, clock: Clock, **options: Any) -> AppView:
        made = clock.view(url, rate=1000, **options)
        made.on_wait = lambda seconds, why: self.append((seconds, why))
        return made


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    # Whoever asks this machine asks it directly.
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as found:
        yield found


@cache
def store_bytes(numbers: tuple[int, ...]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        db, events = Path(folder) / "store.duckdb", Path(folder) / "events.jsonl"
        events.write_bytes(lines(*[post(name(k), "x", rev=1, time=at(k)) for k in numbers]))
        read.ingest(db, [str(events)])
        return db.read_bytes()


def store_of(folder: Path, *numbers: int) -> Path:
    """A store with a post of each."""
    db = folder / "store.duckdb"
    db.write_bytes(store_bytes(numbers))
    return db


def ingest(db: Path, *events: Event) -> None:
    path = db.with_suffix(".jsonl")
    path.write_bytes(lines(*events))
    read.ingest(db, [str(path)])


def kept(db: Path) -> dict[str, tuple[Any, ...]]:
    """By DID: asked_at, found, followers, followers_at, created_at."""
    with Store.open(db) as store:
        found = rows(store, "SELECT did, h.* EXCLUDE (account) FROM hydration AS h "
                            "JOIN account ON id = h.account ORDER BY did")  # fmt: skip
    assert len({row[0] for row in found}) == len(found)
    return {row[0]: row[1:] for row in found}


def naive(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)


WHEN = naive(datetime.fromisoformat(CREATED))


# --- what is asked, and kept ---------------------------------------------------------------------


@pytest.mark.slow
def test_requests_are_as_the_lexicon_wants_them(
    tmp_path: Path, server: Server, clock: Clock
) -> None:
    web = "did:web:example.org%3A8080"
    db = store_of(tmp_path, *range(60))
    event = follow(name(0), "f", "x", rev=9, time=at(0))
    event["commit"]["record"]["subject"] = web
    ingest(db, event)
    server.known = {someone(k): profile(k) for k in range(60)}
    done = hydrate(db, clock.view(server.url))
    # They travel at once, and so arrive in any order.
    requests = sorted(server.requests, key=lambda request: request.actors)
    everyone = [did for request in requests for did in request.actors]
    assert everyone == [*map(someone, range(60)), web]
    assert [len(request.actors) for request in requests] == [25, 25, 11]
    for request in requests:
        assert request.path.startswith(f"{METHOD}?actors=did%3Aplc%3A")
        assert request.headers["user-agent"].startswith("blueattr/")
        assert request.headers["accept"] == "application/json"
        assert not {"authorization", "cookie"} & request.headers.keys()
    assert "actors=did%3Aweb%3Aexample.org%253A8080" in requests[2].path
    assert (done.accounts, done.asked, done.found, done.calls) == (61, 61, 60, 3)
    # Ten calls a second.
    assert sum(clock.slept) == pytest.approx(0.2)
    assert kept(db)[web] == (naive(done.last_at or NOON), False, None, None, None)


@pytest.mark.slow
def test_what_is_said_is_kept_with_its_date(tmp_path: Path, server: Server, clock: Clock) -> None:
    server.known = {
        someone(0): profile(7),
        someone(1): {"followersCount": 0},
        someone(2): {"createdAt": CREATED, "followersCount": None},
    }
    db = store_of(tmp_path, 0, 1, 2, 3)
    done = hydrate(db, clock.view(server.url))
    now = naive(NOON)
    assert kept(db) == {
        someone(0): (now, True, 70, now, WHEN),
        someone(1): (now, True, 0, now, None),
        someone(2): (now, True, None, None, WHEN),
        someone(3): (now, False, None, None, None),
    }
    assert (done.found, done.with_followers, done.with_creation) == (3, 2, 2)
    assert (done.first_at, done.last_at, done.faults) == (NOON, NOON, Counter())


@pytest.mark.slow
def test_nobody_is_asked_twice_unless_it_is_long_ago(
    tmp_path: Path, server: Server, clock: Clock
) -> None:
    server.known = {someone(0): profile(1)}
    db = store_of(tmp_path, 0, 1)
    hydrate(db, clock.view(server.url))
    first = kept(db)
    again = hydrate(db, clock.view(server.url))
    assert (again.known, again.wanted, again.calls, len(server.requests)) == (2, 0, 0, 1)
    # Somebody new is; the others are when their answers are old enough.
    ingest(db, post(name(2), "x", rev=1, time=at(2)))
    hydrate(
        db,
        clock.view(server.url),
        older_than=timedelta(days=30),
    )
    assert server.requests[-1].actors == [someone(2)]
    clock.seconds = timedelta(days=31).total_seconds()
    server.known = {someone(1): profile(5)}
    done = hydrate(
        db,
        clock.view(server.url),
        older_than=timedelta(days=30),
    )
    assert sorted(server.requests[-1].actors) == [someone(0), someone(1), someone(2)]
    assert (done.asked, done.found) == (3, 1)
    now, then = naive(datetime.fromtimestamp(clock.now(), UTC)), first[someone(0)][0]
    # Who is not found any more keeps what was said before, with its date.
    assert kept(db)[someone(0)] == (now, False, 10, then, WHEN)
    assert kept(db)[someone(1)] == (now, True, 50, now, WHEN)


@pytest.mark.slow
def test_an_older_answer_changes_nothing(tmp_path: Path, server: Server, clock: Clock) -> None:
    server.known = {someone(0): profile(1)}
    db = store_of(tmp_path, 0)
    hydrate(db, clock.view(server.url))
    before = kept(db)
    server.known = {someone(0): profile(2)}
    late = Timing(lambda: NOON.timestamp() - 1, clock.timing.monotonic)
    done = hydrate(db, AppView(server.url, timing=late), older_than=timedelta(seconds=-5))
    assert (done.asked, done.found) == (1, 1)
    assert kept(db) == before


@pytest.mark.slow
def test_identifiers_made_up_by_strangers_are_never_sent(
    tmp_path: Path, server: Server, clock: Clock
) -> None:
    db = store_of(tmp_path, 0)
    made_up = ["x" * 23, "x" * 25, "0" * 24, "A" * 24, "x" * 500]
    ingest(db, *[follow(name(0), f"f{k}", who, rev=k, time=at(0)) for k, who in enumerate(made_up)])
    done = hydrate(db, clock.view(server.url))
    assert server.asked == [someone(0)]
    assert (done.accounts, done.unaskable, done.asked) == (6, 5, 1)


@pytest.mark.slow
def test_a_few_calls_at_a_time_in_order(tmp_path: Path, server: Server) -> None:
    server.delay = 0.02
    server.known = {someone(k): profile(k) for k in range(500)}
    db = store_of(tmp_path, *range(500))
    seen: list[int] = []
    hydrate(db, AppView(server.url, rate=1000), progress=lambda state: seen.append(state.asked))
    assert seen == list(range(25, 501, 25))
    assert 1 < server.most_at_once <= 4
    assert {d: row[2] for d, row in kept(db).items()} == {someone(k): 10 * k for k in range(500)}


def test_there_has_to_be_a_store(tmp_path: Path, server: Server) -> None:
    with pytest.raises(StoreError, match="there is no store"):
        hydrate(tmp_path / "none.duckdb", AppView(server.url))
    assert server.requests == []


# --- beside an ingest ----------------------------------------------------------------------------


@pytest.mark.slow
def test_an_ingest_can_write_while_a_hydration_runs(
    tmp_path: Path, server: Server, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_hydrate, "_COMMIT_ACCOUNTS", 100)
    db = store_of(tmp_path, *range(300))
    written: list[int] = []

    def progress(state: Hydrated) -> None:
        if state.asked % 100 == 50:
            ingest(db, post(name(state.asked), "x", rev=9, time=at(9)))
            written.append(state.asked)

    done = hydrate(db, clock.view(server.url, rate=1000), progress=progress)
    assert written == [50, 150, 250]
    assert (done.asked, done.failure) == (300, "")
    assert len(kept(db)) == 300


def test_an_ingest_waits_for_a_batch_of_a_hydration(tmp_path: Path) -> None:
    db = store_of(tmp_path, 0)
    batch = Writer(db)
    threading.Timer(0.5, batch.close).start()
    Writer(db).close()


@pytest.mark.slow
def test_answers_wait_in_memory_while_the_store_is_locked(
    tmp_path: Path, server: Server, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_hydrate, "_COMMIT_ACCOUNTS", 50)
    server.known = {someone(k): profile(k) for k in range(200)}
    db = store_of(tmp_path, *range(200))
    with ExitStack() as locked:
        locked.enter_context(closing(Lock(db)))

        async def sleep(seconds: float) -> None:
            await clock.sleep(seconds)
            if clock.seconds > 35:
                locked.close()

        view = AppView(server.url, timing=clock.timing, sleep=sleep, rate=1000)
        done = hydrate(db, view)
    assert [round(seconds) for seconds in clock.slept if seconds > 1] == [10, 10, 10, 10]
    assert 35 < clock.seconds < 50, "it is tried again every ten seconds"
    assert (done.asked, done.unkept, done.failure) == (200, 0, "")
    assert len(kept(db)) == 200


@pytest.mark.slow
def test_a_store_locked_for_too_long_ends_it_and_no_more_is_asked_than_fits(
    tmp_path: Path, server: Server, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_hydrate, "_COMMIT_ACCOUNTS", 50)
    monkeypatch.setattr(ingest_hydrate, "_MOST_WAITING", 100)
    db = store_of(tmp_path, *range(500))
    with closing(Lock(db)):
        done = hydrate(db, clock.view(server.url, rate=1000))
    assert 600 <= clock.seconds < 611
    assert (done.asked, done.unkept) == (100, 100)
    # What is under way when there is no more room.
    assert len(server.asked) <= 100 + 4 * 25
    assert f"process {os.getpid()} is writing to" in done.failure
    assert "answers about 100 accounts were not kept" in done.failure
    assert kept(db) == {}
    clock.seconds = 0.0
    assert hydrate(db, clock.view(server.url, rate=1000)).asked == 500


@pytest.mark.slow
def test_a_locked_store_ends_the_command_with_5(tmp_path: Path, server: Server) -> None:
    db = store_of(tmp_path, *range(3))
    with closing(Lock(db)):
        done = run("hydrate", "--db", db, "--appview", server.url, "--wait", "1s")
    assert done.code == ExitCode.STORE_BUSY
    assert "answers about 3 accounts were not kept" in done.stderr
    assert "3" in done.text
    bad = run("hydrate", "--db", db, "--appview", server.url, "--wait", "soon")
    assert (bad.code, "--wait" in bad.stderr) == (ExitCode.USAGE, True)


@pytest.mark.slow
def test_calls_go_on_while_the_store_is_locked_and_the_wait_is_no_longer_than_said(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_hydrate, "_COMMIT_ACCOUNTS", 25)
    monkeypatch.setattr(ingest_hydrate, "_TRY_EVERY", 0.1)
    db = store_of(tmp_path, *range(300))
    asked: list[float] = []
    with closing(Lock(db)):
        done = hydrate(
            db,
            AppView(server.url, rate=1000),
            wait=timedelta(seconds=2),
            progress=lambda _: asked.append(time.monotonic()),
        )
        ended = time.monotonic()
    assert (done.asked, done.unkept) == (300, 300)
    # A wait for the lock would take three seconds in each try, of which there are two at least.
    assert asked[-1] - asked[0] < 3
    assert 2 <= ended - asked[0] < 5


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.5, 60])
def test_an_interrupt_waits_for_a_batch_of_another_and_warns_of_what_it_loses(
    seconds: float, tmp_path: Path, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    db = store_of(tmp_path, *range(100))
    states: list[Hydrated] = []

    def progress(state: Hydrated) -> None:
        states.append(state)
        if state.asked == 75:
            raise KeyboardInterrupt

    held = Lock(db)
    release = threading.Timer(seconds, held.close)
    release.start()
    with pytest.raises(KeyboardInterrupt):
        hydrate(db, AppView(server.url, rate=1000), progress=progress)
    if seconds < 3:
        assert (states[-1].unkept, caplog.messages, len(kept(db))) == (0, [], 75)
        return
    release.cancel()
    held.close()
    assert (states[-1].unkept, kept(db)) == (75, {})
    [warning] = caplog.messages
    assert warning.startswith(f"process {os.getpid()} is writing to {db}")
    assert "answers about 75 accounts were not kept: run the same command again" in warning


# --- servers that misbehave ----------------------------------------------------------------------

_LATER = NOON + timedelta(seconds=90)
# Headers of a refusal, and the seconds they ask for.
PATIENCE = [
    ({"Retry-After": "17"}, 17),
    ({"Retry-After": " 0 "}, 0),
    ({"Retry-After": format_datetime(_LATER, usegmt=True)}, 90),
    ({"Retry-After": format_datetime(NOON - timedelta(days=1), usegmt=True)}, 0),
    ({"RateLimit-Reset": str(int(_LATER.timestamp()))}, 90),
    ({"RateLimit-Reset": "44"}, 44),
    # By the server's clock, which is an hour ahead.
    (
        {
            "RateLimit-Reset": str(int(_LATER.timestamp()) + 3600),
            "Date": format_datetime(NOON + timedelta(hours=1), usegmt=True),
        },
        90,
    ),
    ({"Retry-After": "20", "RateLimit-Reset": "5"}, 20),
    ({"Retry-After": "soon", "RateLimit-Reset": "-3"}, 0),
    ({"Retry-After": "9" * 500}, 0),
    ({}, 0),
]
# Of a server that fails, when its quota begins anew says nothing of when it will not.
_FAILING = [(503, {"Retry-After": "40"}, 40), (502, {"RateLimit-Reset": "44"}, 0)]


@pytest.mark.few(2)
@pytest.mark.parametrize("asked", [*((429, *each) for each in PATIENCE), *_FAILING])
def test_the_wait_that_a_server_asks_for_is_kept(
    tmp_path: Path, server: Server, clock: Clock, asked: tuple[int, dict[str, str], float]
) -> None:
    status, headers, seconds = asked
    # Its clock stands where ours does, unless it says otherwise.
    reply = error(status, "RateLimitExceeded")
    reply.headers = {"Date": format_datetime(NOON, usegmt=True)} | headers
    arrivals: list[float] = []

    def script(number: int, actors: list[str]) -> Reply | None:
        arrivals.append(clock.seconds)
        return reply if number == 1 else None

    server.script = script
    server.known = {someone(k): profile(k) for k in range(60)}
    db, told = store_of(tmp_path, *range(60)), Told()
    view = told.view(server.url, clock)
    done = hydrate(db, view)
    assert server.faults == 1
    assert (done.found, done.failure) == (60, "")
    ((wait, why),) = told
    assert ("no more calls for now" if status == 429 else f"fails with status {status}") in why
    # A little, even where nothing is asked for.
    assert max(seconds, 0.5) <= wait <= max(seconds, 1)
    assert sum(arrival >= wait for arrival in arrivals) >= 1
    # Not for this batch alone.
    assert view._not_before >= wait or status == 502


@pytest.mark.slow
def test_the_last_permitted_call_makes_everyone_wait(
    tmp_path: Path, server: Server, clock: Clock
) -> None:
    arrivals: list[float] = []

    def script(number: int, actors: list[str]) -> Reply | None:
        arrivals.append(clock.seconds)
        if number > 4:
            return None
        left = {"RateLimit-Remaining": "0", "RateLimit-Reset": "60", "RateLimit-Limit": "4"}
        return Reply(body=server.profiles(actors), headers=left)

    server.script = script
    db, told = store_of(tmp_path, *range(200)), Told()
    done = hydrate(db, told.view(server.url, clock))
    assert (done.asked, done.calls) == (200, 8)
    # But for those under way, all the others came when they were permitted.
    assert min(arrivals) < 60
    assert sum(arrival >= 60 for arrival in arrivals) >= 4
    assert {why for _, why in told} == {f"{server.url} permits no more calls for now"}


@pytest.mark.slow
def test_a_wait_of_hours_is_not_waited_for(
    tmp_path: Path, server: Server, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appview, "_PARALLEL", 1)

    def script(number: int, actors: list[str]) -> Reply | None:
        return Reply(429, headers={"Retry-After": "7200"}) if number > 4 else None

    server.script = script
    server.known = {someone(k): profile(k) for k in range(300)}
    db = store_of(tmp_path, *range(300))
    done = hydrate(db, Told().view(server.url, clock))
    assert "asks to wait for 2.0 hours" in done.failure
    assert clock.seconds < 1
    assert done.asked == done.found == len(kept(db)) == 100
    server.script = lambda _number, _actors: None
    hydrate(db, Told().view(server.url, clock))
    assert Counter(server.asked[-200:]) == Counter(someone(k) for k in range(100, 300))


GARBAGE = {
    "500": Reply(500),
    "502": Reply(502, b"<html>"),
    "503": error(503, "NotEnoughResources"),
    "closed": Reply(fault="close"),
    "cut": Reply(body=b'{"profiles": []}' * 100, fault="cut"),
    "empty": Reply(body=b""),
    "html": Reply(body=b"<html>hello</html>"),
    "not an object": Reply(body=b"[]"),
    "profiles of wrong types": Reply(body=b'{"profiles": [1, "x", null, {"did": 5}, {}]}'),
    "profiles of others": Reply(body=b'{"profiles": [{"did": "did:plc:other"}]}'),
    "no list": Reply(body=b'{"profiles": {}}'),
    "not UTF-8": Reply(body=b'{"profiles": ["\xff\xfe"]}'),
    "nested": Reply(body=b'{"profiles": ' + b"[" * 100_000),
    "number": Reply(body=b'{"profiles": [' + b"9" * 10_000 + b"]}"),
    "large": Reply(body=b" " * (5 << 20)),
    "bomb": Reply(body=gzip.compress(b" " * (64 << 20)), headers={"Content-Encoding": "gzip"}),
    "cut gzip": Reply(
        body=gzip.compress(b'{"profiles": []}')[:-4], headers={"Content-Encoding": "gzip"}
    ),
    "no gzip": Reply(body=b'{"profiles": []}', headers={"Content-Encoding": "gzip"}),
    "encoding": Reply(headers={"Content-Encoding": "br"}),
    "dribble": Reply(body=b" " * 500, fault="dribble"),
}


# An answer that fails, ends early, is no JSON, is of another shape, or is too large.
QUICK = {"500", "closed", "cut", "html", "not an object", "profiles of others", "bomb", "cut gzip"}


@pytest.mark.few(2)
@pytest.mark.parametrize("kind", quick_ones(GARBAGE, QUICK))
def test_garbage_is_asked_for_again_and_never_kept(
    tmp_path: Path, server: Server, clock: Clock, kind: str
) -> None:
    server.script = lambda number, _actors: GARBAGE[kind] if number in {2, 3} else None
    server.known = {someone(k): profile(k) for k in range(60)}
    db, told = store_of(tmp_path, *range(60)), Told()
    # Short only where an answer never ends: on a busy machine the good ones take a while, too.
    patience = 2.0 if kind == "dribble" else 60.0
    done = hydrate(db, told.view(server.url, clock, patience=patience))
    assert server.faults == len(told) == 2
    assert done.calls == len(server.requests) == 5
    assert (done.failure, done.faults) == ("", Counter())
    assert {d: row[1:3] for d, row in kept(db).items()} == {
        someone(k): (True, 10 * k) for k in range(60)
    }


def test_who_is_missing_beside_junk_is_asked_about_again(
    tmp_path: Path, server: Server, clock: Clock
) -> None:
    server.known = {someone(k): profile(k) for k in range(60)}

    def spoil(_number: int, actors: list[str]) -> Reply | None:
        if len(actors) < 25 or server.faults:
            return None
        listed = json.loads(server.profiles(actors))["profiles"]
        return Reply(body=json.dumps({"profiles": [*listed[:20], 1, {"did": None}]}).encode())

    server.script = spoil
    db = store_of(tmp_path, *range(60))
    done = hydrate(db, clock.view(server.url, rate=1000))
    assert (done.failure, done.asked, done.found, done.unclear) == ("", 60, 55, 5)
    assert done.faults == Counter({"not a profile": 2})
    assert len(kept(db)) == 55
    assert all(row[1] for row in kept(db).values())
    again = hydrate(db, clock.view(server.url, rate=1000))
    assert (again.wanted, again.found, again.unclear) == (5, 5, 0)
    assert all(row[1] for row in kept(db).values())
    assert len(kept(db)) == 60


def test_a_compressed_answer_is_read(tmp_path: Path, server: Server, clock: Clock) -> None:
    server.known = {someone(0): profile(3)}
    server.script = lambda _number, actors: Reply(
        body=gzip.compress(server.profiles(actors)), headers={"Content-Encoding": "gzip"}
    )
    db = store_of(tmp_path, 0)
    hydrate(db, clock.view(server.url))
    assert server.requests[0].headers["accept-encoding"] == "gzip"
    assert kept(db)[someone(0)][2] == 30


@pytest.mark.slow
def test_waits_grow_to_a_ceiling_and_end(
    tmp_path: Path, server: Server, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appview, "_PARALLEL", 1)
    server.script = lambda number, _actors: Reply(503) if number > 1 else None
    db, told = store_of(tmp_path, *range(50)), Told()
    done = hydrate(db, told.view(server.url, clock))
    assert "fails with status 503, 8 times in a row" in done.failure
    assert (done.asked, done.calls, len(kept(db))) == (25, 9, 25)
    waits = [seconds for seconds, _ in told]
    assert len(waits) == 7
    for k, wait in enumerate(waits):
        assert min(2.0**k, 60) / 2 <= wait <= min(2.0**k, 60)
    # Chance spreads them.
    assert len({wait / 2**k for k, wait in enumerate(waits)}) == len(waits)


def test_a_host_that_never_answered_is_given_up_sooner(tmp_path: Path, clock: Clock) -> None:
    with serving() as gone:
        url = gone.url
    db, told = store_of(tmp_path, 0), Told()
    done = hydrate(db, told.view(url, clock))
    assert "cannot be reached" in done.failure
    assert (done.calls, len(told), done.asked, kept(db)) == (4, 3, 0, {})


@pytest.mark.few(2)
@pytest.mark.parametrize("reply", [
    Reply(404, b"<html>"), error(404, "XRPCNotSupported"), Reply(301, headers={"Location": "/x"}),
    error(401, "AuthMissing"), Reply(403), error(501, "MethodNotImplemented", "\x1b[31m"),
    Reply(400, b"Bad Request"), Reply(204, b""), error(400, "InvalidRequest", "no actors for you"),
])  # fmt: skip
def test_what_is_no_appview_is_not_asked_on(
    tmp_path: Path, server: Server, clock: Clock, reply: Reply
) -> None:
    server.script = lambda _number, _actors: reply
    db = store_of(tmp_path, *range(3))
    done = hydrate(db, clock.view(server.url))
    assert done.failure.startswith(server.url)
    assert server.faults <= 5
    assert (done.asked, kept(db)) == (0, {})


@pytest.mark.slow
def test_who_is_refused_does_not_keep_the_others_out(
    tmp_path: Path, server: Server, clock: Clock
) -> None:
    bad = {someone(k) for k in (3, 11, 12, 30)}

    def script(_number: int, actors: list[str]) -> Reply | None:
        return error(400, "InvalidRequest", "not a did") if bad & set(actors) else None

    server.script = script
    server.known = {someone(k): profile(k) for k in range(40)}
    db = store_of(tmp_path, *range(40))
    done = hydrate(db, clock.view(server.url))
    assert server.faults > 10
    assert {d for d, row in kept(db).items() if not row[1]} == bad
    assert {d: row[2] for d, row in kept(db).items() if row[1]} == {
        someone(k): 10 * k for k in range(40) if someone(k) not in bad
    }
    assert (done.failure, done.asked, done.found) == ("", 40, 36)
    assert done.faults == Counter({"an identifier that is refused": 4})


# --- hostile answers -----------------------------------------------------------------------------

HOSTILE: list[tuple[dict[str, Any], Profile, list[str]]] = [
    ({"followersCount": value}, Profile(None, None, is_doubtful=True),
     ["an impossible follower count"])
    for value in (-1, 10**9 + 1, 10**400, 5.0, 1.5, "7", True, False, [0], {"n": 7}, "∞")
] + [
    ({"createdAt": value}, Profile(None, None), ["an impossible creation time"])
    for value in (
        "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
        "2019-12-31T23:59:59Z", "2026-06-02T12:00:01Z", "2024-01-01T00:00:00", "2024-01-01",
        "24-01-01", "", "now", 0, 1_700_000_000, True, [CREATED], "2" * 10_000,
        "2024-02-30T00:00:00Z", "2024-01-01T00:00:00Z\x00",
    )
] + [
    ({"createdAt": value}, Profile(None, datetime.fromisoformat(value)), [])
    for value in (CREATED, "2020-01-01T00:00:00Z", "2026-06-02T12:00:00Z",
                  "2024-02-03T04:05:06+05:30")
] + [
    ({"followersCount": 0}, Profile(0, None), []),
    ({"followersCount": 10**9}, Profile(10**9, None), []),
    ({}, Profile(None, None), []),
    ({"followersCount": None, "createdAt": None}, Profile(None, None), []),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "wanted", "faults"), HOSTILE)
def test_values_that_are_none_are_left_out_and_counted(
    fields: dict[str, Any], wanted: Profile, faults: list[str]
) -> None:
    body = json.dumps({"profiles": [{"did": "did:plc:x", **fields}]}).encode()
    assert read_profiles(body, ["did:plc:x"], NOON) == (
        {"did:plc:x": wanted}, Counter(faults)
    )  # fmt: skip


def test_nothing_is_taken_of_anyone_not_asked_about() -> None:
    listed: list[Any] = [
        {"did": "did:plc:x", "followersCount": 1},
        {"did": "did:plc:x", "followersCount": 2},
        {"did": "did:plc:X"}, {"did": "did:plc:other", "followersCount": 3},
        {"did": ["did:plc:y"]}, {"did": None}, {}, None, 5, "did:plc:y", ["did:plc:y"],
    ]  # fmt: skip
    found, faults = read_profiles(
        json.dumps({"profiles": listed}).encode(), ["did:plc:x", "did:plc:y"], NOON
    )
    assert found == {"did:plc:x": Profile(1, None)}
    assert faults == Counter({
        "an account listed twice": 1, "an account not asked about": 2, "not a profile": 7
    })  # fmt: skip


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from(["did:plc:x", CREATED]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["did", "followersCount", "createdAt", "profiles", "error"]), inner
    ),
    max_leaves=30,
)  # fmt: skip


@law()
@given(JSON | JSON.map(lambda x: {"profiles": [x]}) | JSON.map(lambda x: {"profiles": x}))
def test_whatever_an_answer_holds_what_is_taken_makes_sense(document: Any) -> None:
    try:
        found, faults = read_profiles(json.dumps(document).encode(), ["did:plc:x"], NOON)
    except ValueError:
        return
    assert found.keys() <= {"did:plc:x"}
    for one in found.values():
        assert one.followers is None or 0 <= one.followers <= 10**9
        assert one.created_at is None or one.created_at.tzinfo is UTC
    assert all(faults.values())


@pytest.mark.parametrize("url", [
    "http://appview.example", "ftp://127.0.0.1", "appview.example", "", "https://",
    "https://user:secret@appview.example", "http://127.0.0.1:99999",
    "https://xn--a",
])  # fmt: skip
def test_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        AppView(url)
    assert "secret" not in str(caught.value)


def test_addresses_and_rates_that_are_accepted() -> None:
    assert AppView().url == "https://public.api.bsky.app"
    assert AppView("http://appview.example", insecure=True).url == "http://appview.example"
    assert AppView("http://[::1]:3000/").url == "http://[::1]:3000"
    for rate in (0, -1, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="calls a second"):
            AppView(rate=rate)


# --- killed on the way ---------------------------------------------------------------------------

MANY = range(300)


def child(target: Any, *arguments: Any) -> int | None:
    process = processes.Process(target=target, args=arguments)
    process.start()
    process.join(60)
    return process.exitcode


def comparable(db: Path) -> dict[str, tuple[Any, ...]]:
    """All but the times."""
    return {d: (found, n, when) for d, (_, found, n, _, when) in kept(db).items()}


@pytest.mark.slow
@crash.EACH_POINT
def test_killed_at_each_point_of_a_commit_it_goes_on_after_the_last(
    points: tuple[str, ...], tmp_path: Path, server: Server
) -> None:
    server.known = {someone(k): profile(k) for k in MANY if k % 7}
    for point in points:
        folder = tmp_path / point
        folder.mkdir()
        db = store_of(folder, *MANY)
        server.requests.clear()
        assert child(hydrate_child.killed_at, point, db, server.url) == -signal.SIGKILL
        before = server.asked
        committed = 100 if point in crash.BEFORE else 200
        assert len(kept(db)) == committed, point
        server.requests.clear()
        assert hydrate(db, AppView(server.url, rate=1000)).failure == ""
        assert Counter(server.asked) == Counter(someone(k) for k in MANY[committed:])
        # Twice at most what was not committed yet, and what was under way.
        assert len(set(before) & set(server.asked)) <= 100 + 4 * 25
        assert comparable(db) == {
            someone(k): (True, 10 * k, WHEN) if k % 7 else (False, None, None) for k in MANY
        }


def signalled(number: signal.Signals, db: Path, server: Server) -> bytes:
    """Send a signal to the command when 125 accounts are answered; return what it says."""
    server.known = {someone(k): profile(k) for k in MANY}

    def script(_number: int, actors: list[str]) -> Reply | None:
        if actors[0] < someone(125):
            return None
        return Reply(body=b" " * 3000, fault="dribble")  # a minute

    server.script = script
    command = [str(BLUEATTR), "hydrate", "--db", str(db), "--appview", server.url]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 30
    while len(server.requests) < 9 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(server.requests) == 9
    process.send_signal(number)
    out, err = process.communicate(timeout=40)
    assert (process.returncode, out) == (130, b"")
    assert b"Traceback" not in err
    return err


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_keeps_what_was_answered(
    number: signal.Signals, tmp_path: Path, server: Server
) -> None:
    db = store_of(tmp_path, *MANY)
    assert signalled(number, db, server) == b"blueattr: interrupted\n"
    assert set(kept(db)) == {someone(k) for k in range(125)}


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_the_store_is_locked_does_not_lose_answers_without_a_word(
    number: signal.Signals, tmp_path: Path, server: Server
) -> None:
    db = store_of(tmp_path, *MANY)
    with closing(Lock(db)):
        warning, end = signalled(number, db, server).decode().splitlines()
    assert f"process {os.getpid()} is writing to" in warning
    assert "answers about 125 accounts were not kept: run the same command again" in warning
    assert end == "blueattr: interrupted"
    assert kept(db) == {}


def test_commits_are_few_and_readers_get_between(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_hydrate, "_COMMIT_ACCOUNTS", 100)
    db = store_of(tmp_path, *MANY)
    found: list[int] = []

    def progress(state: Hydrated) -> None:
        if state.asked % 100 == 25:
            found.append(len(kept(db)))

    hydrate(db, AppView(server.url, rate=1000), progress=progress)
    assert found == [0, 100, 200]


# --- the command ---------------------------------------------------------------------------------


def test_the_command_reports_on_stdout(tmp_path: Path, server: Server) -> None:
    server.known = {someone(0): profile(1), someone(1): {"followersCount": -5}}
    db = store_of(tmp_path, 0, 1, 2)
    done = run("hydrate", "--db", db, "--appview", server.url, "--format", "json")
    assert (done.code, done.stderr) == (0, "")
    report = done.json
    assert report["kind"] == "hydrate"
    counts = {"accounts": 3, "known": 0, "asked": 3, "found": 1, "with_followers": 1,
              "with_creation": 1, "not_found": 1, "unclear": 1, "left": 0, "calls": 1}  # fmt: skip
    assert {key: report[key] for key in counts} == counts
    assert report["faults"] == {"an impossible follower count": 1}
    assert report["failure"] is None
    # Who has a count that is none is asked about again, and has one then.
    server.known[someone(1)] = profile(2)
    run("hydrate", "--db", db, "--appview", server.url)
    assert [row[2] for row in kept(db).values()] == [10, 20, None]
    again = run("hydrate", "--db", db, "--appview", server.url)
    assert "Nobody is left to ask about." in again.text
    assert len(server.requests) == 2
    run("hydrate", "--db", db, "--appview", server.url, "--refresh-older-than", "1h")
    assert len(server.requests) == 2


@pytest.mark.slow
def test_only_the_panel_of_a_window_is_asked_about(tmp_path: Path, server: Server) -> None:
    db = tmp_path / "store.duckdb"
    ingest(
        db,
        post(name(0), "x", rev=1, time=at(days=3)),
        post(name(1), "x", rev=1, time=at(days=30)),
        follow(name(0), "f", name(2), rev=2, time=at(days=3)),
        post(name(3), "x", rev=1, time=at(days=3)),
        account(name(3), "deleted", time=at(days=4)),
        post(name(4), "x", rev=1, time=at(days=3)),
        identity(name(4), "my-bot.example.org", time=at(days=3)),
        # Seen to be created in the window; an AppView may know better.
        post(name(5), "x", rev=1, time=at(days=3)),
        events_builder.profile(name(5), rev=2, time=at(days=3)),
    )
    server.known = {someone(0): profile(1), someone(5): profile(2)}
    options = ["--db", db, "--appview", server.url, "--from", "2026-05-01", "--to", "2026-05-15"]
    done = run("hydrate", "--only", "panel", *options, "--format", "json")
    assert sorted(server.asked) == [someone(0), someone(5)]
    assert done.json["scope"] == "the panel from 2026-05-01 00:00 to 2026-05-15 00:00 UTC"
    assert done.json["found"] == 2
    # Bots too, where they count as agents.
    run("hydrate", "--only", "panel", *options, "--keep-bots")
    assert server.requests[-1].actors == [someone(4)]
    query = PanelQuery(db, start=at(0), end=at(days=14), popularity="followers")
    frame, _ = features.make_features(query)
    assert frame.select("did", "followers").rows() == [(someone(0), 10), (someone(5), 20)]


@pytest.mark.slow
def test_a_failure_is_told_with_its_exit_code_and_what_was_kept(
    tmp_path: Path, server: Server
) -> None:
    evil = "\x1b[31m\u202egone"
    refusal = replace(error(401, evil, evil), fault="late")
    server.script = lambda number, _actors: refusal if number > 1 else None
    db = store_of(tmp_path, *range(40))
    done = run("hydrate", "--db", db, "--appview", server.url, "--rate", 5)
    assert done.code == 8
    assert "is it an AppView?" in done.stderr
    assert "Not finished" in done.text
    assert harmless(done.text)
    assert harmless(done.stderr)
    assert len(kept(db)) == 25


@pytest.mark.slow
def test_progress_is_a_line_on_a_terminal_and_seldom_one_in_a_log(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.known = {someone(k): profile(k) for k in range(60)}
    server.delay = 0.15
    db = store_of(tmp_path, *range(150))
    ours, theirs = os.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    command = [str(BLUEATTR), "hydrate", "--db", str(db), "--appview", server.url]
    env = os.environ | {"TERM": "xterm"}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs, env=env) as process:
        os.close(theirs)
        seen = b""
        with suppress(OSError):  # the terminal's end, once nobody writes to it
            while part := os.read(ours, 65536):
                seen += part
    os.close(ours)
    assert process.returncode == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode())
    shown = re.findall(r"(\d+)/150 asked, (\d+) found, ([\d,]+)/s", plain)
    assert int(shown[-1][0]) > 0
    assert {int(found) for _, found, _ in shown} <= {0, 25, 50, 60}
    monkeypatch.setattr("blueattr.cli.commands.hydrate._SELDOM", 0.0)
    again = ["hydrate", "--db", db, "--appview", server.url]
    (tmp_path / "two").mkdir()
    again[2] = store_of(tmp_path / "two", *range(60))
    lines = run(*again).stderr.splitlines()
    assert [line.split(",")[0] for line in lines] == [
        f"{n} of 60 accounts asked about" for n in (25, 50, 60)
    ]
    assert lines[-1].endswith("0:00:00 left")
    (tmp_path / "three").mkdir()
    again[2] = store_of(tmp_path / "three", *range(60))
    assert run(*again, "--quiet").stderr == ""


def test_long_waits_are_said_in_a_log_too(tmp_path: Path, server: Server) -> None:
    line = _Line(quiet=False)
    with redirect_stderr(io.StringIO()) as err:
        line.wait(4, "short")
        line.wait(300, "https://x permits no more calls for now")
        _Line(quiet=True).wait(300, "quiet")
    assert err.getvalue() == "https://x permits no more calls for now; continuing in 300 s\n"


@pytest.mark.parametrize(("options", "why"), [
    (["--from", "2026-05-01"], "add --only panel"),
    (["--keep-bots"], "add --only panel"),
    (["--max-rate", "5/5"], "add --only panel"),
    (["--refresh-older-than", "soon"], "--refresh-older-than 'soon' is not a length"),
    (["--appview", "http://appview.example"], "not encrypted"),
    (["--rate", "0"], "calls a second"),
    (["--only", "everyone"], "panel"),
])  # fmt: skip
def test_options_that_make_no_sense(tmp_path: Path, options: list[str], why: str) -> None:
    done = run("hydrate", "--db", tmp_path / "x.duckdb", *options)
    assert done.code == 2
    assert why in done.stderr


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_answers_of_one_moment_the_order_decides_nothing(tmp_path: Path, order: int) -> None:
    db = store_of(tmp_path, 0)
    names = ["account", "did", "asked_at", "found", "followers", "created_at"]
    now, earlier, later = (at(second).replace(tzinfo=None) for second in (9, 1, 2))
    answers = [(True, 5, later), (False, None, None), (True, 7, earlier)]
    with Writer(db) as writer:
        for answer in answers[::order]:
            frame = pl.DataFrame([(1, someone(0), now, *answer)], names, orient="row")
            writer.hydrate(frame.cast({"account": pl.UInt32, "followers": pl.Int64}))
    assert kept(db)[someone(0)] == (now, True, 7, now, earlier)
