"""A watch of a store that is written to meanwhile shows it as each commit leaves it."""

import itertools
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from blueattr.analysis.attribute import attribute_store
from blueattr.attribution.question import Question
from blueattr.decode.chunk import Chunk
from blueattr.errors import NoAnswerError, SourceError
from blueattr.panel.query import PanelQuery
from blueattr.store.commit.checkpoint import SourceState
from blueattr.store.commit.writer import Writer
from blueattr.watch.asked import WatchAsked
from blueattr.watch.follow import Follow
from blueattr.watch.picture import Picture
from blueattr.watch.writing import Ingest, writer_of
from support.cli_world import BLUEATTR
from support.effort import costly_law
from support.events_builder import Event, at, follow, lines, post, repost, uri
from support.rollup_checks import append, histories
from support.scripted_stream import FakeClock
from support.stream_server import StreamServer

QUESTION = Question(("lin",))


def watching(db: Path, topic: str = "all", **more: Any) -> Follow:
    query = PanelQuery(db, topic=topic, keep_bots=True)
    return Follow(
        WatchAsked(query, QUESTION, **more), timing=FakeClock(at(days=9).timestamp()).timing
    )


def check(picture: Picture, db: Path, topic: str = "all") -> bool:
    """Compare with what `attribute` says of the store as it is; return whether it says anything."""
    query = PanelQuery(db, topic=topic, keep_bots=True, length=picture.end - picture.start,
                       whole_days=False)  # fmt: skip
    try:
        (wanted,) = attribute_store(query, QUESTION)
    except NoAnswerError as error:
        said = str(error)
    else:
        window = wanted.provenance.window
        assert window is not None
        assert (picture.start, picture.end) == (window.start, window.end)
        assert (picture.total, picture.tiers) == (wanted.total, wanted.tiers)
        return True
    assert picture.total is None
    assert said.startswith(picture.undefined)
    return False


@pytest.mark.slow
def test_each_commit_is_seen_with_what_it_changed_of_before(tmp_path: Path) -> None:
    db = tmp_path / "store.duckdb"
    seen: list[bool] = []
    state = SourceState("x", "file")
    with Writer(db) as writer:
        follower = watching(db)
        pictures: Iterator[Picture] | None = None
        for part in (
            [post("ann", "p", "mythos", rev=1, time=at(10)),
             follow("bea", "f", "ann", rev=2, time=at(20))],
            [repost("bea", "s", uri("ann", "p"), rev=3, time=at(5)),  # late
             post("cyd", "q", "hi", rev=4, time=at(15))],
            [post("cyd", "q", "hi", rev=5, time=at(15), operation="update"),
             repost("cyd", "s", uri("ann", "p"), rev=6, time=at(days=1, seconds=7))],
        ):  # fmt: skip
            data = lines(*part)
            state = writer.stage(Chunk(data, 0, 0, len(data)), state)
            writer.commit(state)
            pictures = pictures or follower.pictures()
            picture = next(pictures)
            assert picture.mode == "follows"
            seen.append(check(picture, db))
            again = next(pictures)  # nothing came meanwhile
            assert picture.lag is not None
            assert again == replace(picture, lag=picture.lag + 1)
        assert picture.feed is not None
        assert picture.feed.kept == 4
        assert picture.feed.looks == 3
    assert seen == [True, True, True]


@pytest.mark.slow
def test_where_another_store_takes_its_place_a_watch_begins_anew(tmp_path: Path) -> None:
    """Else its bands mix two stores, and fewer than no events came."""
    for name, days, count in (("store", 3, 3), ("other", 1, 2)):
        with Writer(tmp_path / f"{name}.duckdb") as writer:
            append(writer, *(
                post("ann", f"p{k}", "mythos", rev=k + 1, time=at(k, days=days))
                for k in range(count)
            ))  # fmt: skip
    db = tmp_path / "store.duckdb"
    pictures = watching(db).pictures()
    before = next(pictures)
    (tmp_path / "other.duckdb").replace(db)
    after = next(pictures)
    assert check(after, db)
    assert after.end < before.end
    assert after.feed is not None
    assert (after.events, after.feed.kept, after.rate) == (0, 0, 0.0)
    assert after.history
    assert all(one.end <= after.end for one in after.history)


@pytest.mark.slow
def test_the_hours_before_follow_a_first_picture_that_would_wait_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blueattr.watch.follow._FEW", 0)
    db = tmp_path / "store.duckdb"
    with Writer(db) as writer:
        events = [
            post(name, f"p{hour}", "mythos", rev=hour + 1, time=at(3600 * hour))
            for hour, name in enumerate(["ann", "bea", "cyd"] * 4)
        ]
        append(writer, *events)
        first, second, third = itertools.islice(watching(db).pictures(), 3)
        assert check(first, db)
    assert [past.end for past in first.history] == [first.end]
    ends = [past.end for past in second.history]
    assert ends == sorted(set(ends))
    assert (ends[0], ends[-1]) == (first.end - timedelta(hours=6), first.end)
    assert len(ends) == 25
    # Of an hour ago, so that it shows who rose since.
    assert [one.before for one in first.leaders] == [None] * 3
    assert None not in [one.before for one in second.leaders]
    assert (second.total, second.tiers, second.series) == (first.total, first.tiers, first.series)
    assert third.feed == second.feed


@pytest.mark.slow
@costly_law(4, suppress=[HealthCheck.function_scoped_fixture])
@given(histories(), st.lists(st.integers(0, 40), min_size=2, max_size=4).map(sorted))
def test_whatever_a_commit_brings_the_picture_is_what_attribute_says_then(
    fresh: Callable[[], Path], events: list[Event], cuts: list[int]
) -> None:
    db = fresh() / "store.duckdb"
    with Writer(db) as writer:
        follower = watching(db, window=timedelta(hours=36))
        pictures = follower.pictures()
        begin = 0
        for cut in [*cuts, len(events)]:
            if not events[begin:cut]:
                continue
            append(writer, *events[begin:cut])
            begin = cut
            if not any(
                e["kind"] == "commit" and e["commit"]["operation"] != "delete" for e in events[:cut]
            ):
                continue
            stuck = threading.Timer(60, follower.stop)
            stuck.start()
            check(next(pictures), db)
            stuck.cancel()


@pytest.mark.slow
def test_an_ingest_that_ends_is_told_with_what_it_said(tmp_path: Path) -> None:
    db = tmp_path / "store.duckdb"
    assert writer_of(db) is None
    with Ingest(db, ["--host", "http://example.com"], 1 << 30) as ingest:
        ingest._process.wait(60)
        with pytest.raises(SourceError, match=r"the ingest ended: .*http://example\.com"):
            ingest.check()


WATCH = """
import sys, time
from pathlib import Path
from blueattr.watch.writing import Ingest
Ingest(Path(sys.argv[1]), ["jetstream", "--host", sys.argv[2]], 1 << 30)
time.sleep(100)
"""


@pytest.mark.slow
def test_no_ingest_goes_on_after_a_watch_that_was_killed(tmp_path: Path) -> None:
    db = tmp_path / "store.duckdb"

    def until(is_written: bool) -> None:
        deadline = time.monotonic() + 60
        while (writer_of(db) is not None) != is_written:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    with StreamServer().running() as server:
        words = [sys.executable, "-c", WATCH, str(db), server.url]
        with subprocess.Popen(words) as watch:
            until(is_written=True)
            watch.kill()
        until(is_written=False)


@pytest.mark.slow
def test_the_command_follows_the_network_and_another_what_that_writes(tmp_path: Path) -> None:
    db = tmp_path / "store.duckdb"
    words = ["watch", "--topic", "all", "--keep-bots", "--indicator", "lin", "--db", str(db),
             "--format", "jsonl"]  # fmt: skip
    done = threading.Event()

    def post_on() -> None:
        for rev in itertools.count(1):
            if done.wait(0.2):
                return
            server.add(post("ann", f"p{rev}", "hi", rev=rev, time=datetime.now(UTC)))

    with StreamServer().running() as server:
        posting = threading.Thread(target=post_on)
        posting.start()
        try:
            with watched([*words, "jetstream", "--host", server.url]) as writes:
                first = shown(writes)
                assert first["mode"] == "writes"
                assert [tier["agents"] for tier in first["tiers"]] == [1, 0, 0]
                with watched(words) as follows:
                    assert shown(follows)["mode"] == "follows"
        finally:
            done.set()
            posting.join()
    assert (writes.returncode, follows.returncode) == (0, 0)
    assert writer_of(db) is None


@contextmanager
def watched(words: list[str]) -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen([str(BLUEATTR), *words], stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(60)  # before its output is closed


def shown(process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    assert process.stdout is not None
    content: dict[str, Any] = json.loads(process.stdout.readline())
    return content
