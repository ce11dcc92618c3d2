"""Marks of a replay: what changed, when, and who contributed."""

from dataclasses import replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from blueattr.analysis.asked.naming import Naming, pseudonyms
from blueattr.attribution.question import Question
from blueattr.panel.query import PanelQuery
from blueattr.watch.asked import WatchAsked
from blueattr.watch.follow import Follow
from blueattr.watch.jsonl import line
from blueattr.watch.payload import payload
from blueattr.watch.picture import Picture
from blueattr.watch.replay import Replay
from support.archive_world import Clock
from support.cli_world import ok
from support.events_builder import at, did, lines, post
from support.scripted_stream import FakeClock

FIRST, LOUDER, LAST = 0, 150 * 60, 180 * 60
EVERY = 12  # seconds between two posts: five a minute


@pytest.fixture(scope="module")
def burst(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty accounts that write in turns, and one that writes as much as all, from a moment on."""
    folder = tmp_path_factory.mktemp("burst")
    steady = [
        post(f"u{second // EVERY % 20}", f"s{second}", "mythos ai", rev=second + 1, time=at(second))
        for second in range(FIRST, LAST, EVERY)
    ]
    loud = [
        post("loud", f"l{second}", "mythos ai", rev=second + 1, time=at(second))
        for second in range(LOUDER, LAST, EVERY)
    ]
    (folder / "events.jsonl").write_bytes(lines(*steady, *loud))
    ok("ingest", folder / "events.jsonl", "--db", folder / "burst.duckdb")
    return folder / "burst.duckdb"


def pictures(db: Path, **more: Any) -> list[Picture]:
    query = PanelQuery(db, topic="mythos", rate=None)
    asked = WatchAsked(query, Question(("lin",)), timedelta(hours=1), **more)
    return [*Replay(asked, 300.0, timing=Clock().timing).pictures()]


@pytest.mark.slow
def test_a_burst_is_marked_when_it_began_with_who_made_it(burst: Path) -> None:
    shown = pictures(burst)
    marks = [mark for mark in shown[-1].marks if mark.what == "posts a minute"]
    (mark,) = marks
    assert abs(mark.time - at(LOUDER)) <= timedelta(minutes=3)
    assert mark.before == pytest.approx(5, rel=0.1)
    assert mark.unit == "count"
    assert mark.after == pytest.approx(10, rel=0.2)
    assert mark.contributed[0].did == did("loud")
    first = next(picture for picture in shown if mark in picture.marks)
    assert first.end - at(LOUDER) <= timedelta(minutes=30)


@pytest.mark.slow
def test_the_first_picture_of_a_large_store_waits_for_no_more_than_the_shares(
    burst: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who contributed takes many times as long to find out as who carries the topic."""
    monkeypatch.setattr("blueattr.watch.follow._FEW", 0)
    query = PanelQuery(burst, topic="mythos", rate=None)
    asked = WatchAsked(query, Question(("lin",)), timedelta(hours=6), naming=Naming(b"k" * 32))
    follower = Follow(asked, timing=FakeClock(at(days=1).timestamp()).timing)
    first, second, third = islice(follower.pictures(), 3)
    assert {mark.what for mark in first.marks} == {"posts a minute"}
    assert [mark.contributed for mark in first.marks] == [()]
    assert (first.sample, second.sample is None) == (None, False)
    (mark,) = second.marks
    assert replace(mark, contributed=()) == first.marks[0]
    assert third.marks == second.marks
    assert second.feed is not None
    assert third.feed == second.feed  # it has not looked again
    # And who they are is said by their pseudonyms alone.
    (loud,) = pseudonyms(pl.Series([did("loud")]), b"k" * 32)
    assert mark.contributed[0].did == second.leaders[0].did == loud
    assert second.notes == ("Accounts have pseudonyms, and no post is shown.",)
    assert b"did:" not in payload(second) + line(second).encode()


@pytest.mark.slow
def test_accounts_are_not_named_where_none_is_to_be(burst: Path) -> None:
    marks = pictures(burst, top=0)[-1].marks
    assert marks
    assert all(mark.contributed == () for mark in marks)


@pytest.mark.slow
def test_time_that_nobody_saw_is_no_change(burst: Path, tmp_path: Path) -> None:
    """Three hours without a source have no posts, which says nothing of the network."""
    later = [
        post(f"u{second // EVERY % 20}", f"t{second}", "mythos ai", rev=second + 1, time=at(second))
        for second in range(LOUDER + 3 * 3600, LAST + 4 * 3600, EVERY)
    ]
    db = tmp_path / "gap.duckdb"
    steady = [
        post(f"u{second // EVERY % 20}", f"s{second}", "mythos ai", rev=second + 1, time=at(second))
        for second in range(FIRST, LOUDER, EVERY)
    ]
    for name, events in (("a.jsonl", steady), ("b.jsonl", later)):
        (tmp_path / name).write_bytes(lines(*events))
        ok("ingest", tmp_path / name, "--db", db)
    assert pictures(db)[-1].marks == ()
