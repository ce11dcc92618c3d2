"""A replay shows what `attribute` says of each window, in order, and ends with the last record."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

import blueattr
from blueattr.attribution.question import Question
from blueattr.errors import ExitCode, UsageError
from blueattr.panel.query import PanelQuery, last_event
from blueattr.provenance import Window
from blueattr.sources.timing import Timing
from blueattr.store.database import Store
from blueattr.watch import reading, rows
from blueattr.watch.asked import WatchAsked
from blueattr.watch.jsonl import line
from blueattr.watch.picture import Picture
from blueattr.watch.replay import Replay, speed_of
from support.cli_world import events as world
from support.cli_world import ok, refused, run
from support.events_builder import POST, REPOST, did, micros
from support.places import ROOT


class Clock:
    """Goes on only where somebody waits."""

    def __init__(self) -> None:
        self.seconds = 0.0

    @property
    def timing(self) -> Timing:
        return Timing(monotonic=lambda: self.seconds, sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def replay(db: Path, topic: str, speed: float, indicator: str = "lin", **more: Any) -> Replay:
    asked = WatchAsked(PanelQuery(db, topic=topic), Question((indicator,)), **more)
    return Replay(asked, speed, timing=Clock().timing)


def content(picture: Picture) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(line(picture))
    return found


def compare(db: Path, shown: dict[str, Any], *words: object) -> bool:
    """Compare with what the command says of the same window; return whether there was an answer."""
    window = ("--from", shown["start"], "--to", shown["end"], "--db", db, "--format", "json")
    if shown["total"] is None:
        assert shown["tiers"] == []
        said = refused(ExitCode.NO_ANSWER, "attribute", *words, *window)
        assert str(shown["undefined"]) in said.stderr
        return False
    wanted = json.loads(ok("attribute", *words, *window).text)
    for name in ("schema_version", "total", "n_agents", "n_involved", "tiers"):
        assert shown[name] == wanted[name], name
    first = [(one["did"], one["value"], one["share"]) for one in wanted["leaders"]]
    assert [(one["did"], one["value"], one["share"]) for one in shown["leaders"]] == first
    return True


def test_a_replay_shows_at_every_moment_what_attribute_says_of_the_window(db: Path) -> None:
    pictures = [*replay(db, "mythos", 25 * 3600.0).pictures()]
    assert len(pictures) > 8
    ends = [picture.end for picture in pictures]
    assert ends == sorted(ends)
    assert {picture.end - picture.start for picture in pictures} == {timedelta(hours=24)}
    # An hour of a replay is a moment of the clock: what is made anew each minute is of now.
    of_when = [one.sample.time - one.end for one in pictures if one.sample is not None]
    assert set(of_when) == {timedelta(0)}
    chosen = [pictures[3], pictures[-1]]
    words = ("--topic", "mythos", "--indicator", "lin")
    assert any(compare(db, content(one), *words) for one in chosen)


def test_years_without_records_are_not_read_week_by_week(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stretches, read_records = [], rows.read_records

    def noted(*args: Any) -> Any:
        stretches.append(args[1:3])
        return read_records(*args)

    monkeypatch.setattr(reading, "read_records", noted)
    with Store.open(db) as store:
        last = last_event(store)
        assert last is not None
        years = reading.WindowReading(
            store, PanelQuery(db), timedelta(weeks=5200), last, last + timedelta(seconds=1)
        )
        assert years.last_event(last) == last
    assert len(stretches) < 100


def test_the_last_picture_is_that_of_the_window_that_attribute_takes_by_itself(db: Path) -> None:
    *_, last = replay(db, "mythos", 7 * 24 * 3600.0).pictures()
    with Store.open(db) as store:
        wanted = PanelQuery(db, length=timedelta(hours=24), whole_days=False).window(store)
    assert Window(last.start, last.end) == wanted


@pytest.mark.slow
def test_what_is_chosen_counts_from_the_next_picture_on(db: Path) -> None:
    watching = replay(db, "mythos", 2 * 24 * 3600.0, window=timedelta(days=7))
    pictures = watching.pictures()
    seen = [next(pictures) for _ in range(4)]
    choice = replace(seen[-1].choice, topic="all", panel="involved", window=timedelta(days=2))
    watching.choose(replace(choice, indicator="var", by="age"))
    picture = next(pictures)
    assert picture.choice == replace(choice, indicator="var", by="age")
    words = ("--topic", "all", "--indicator", "var", "--panel", "involved")
    assert compare(db, content(picture), *words)
    assert sum(group.agents for group in picture.groups) == picture.n_agents
    watching.stop()
    assert [*pictures] == []


@pytest.mark.slow
def test_of_what_a_search_found_those_involved_are_watched_until_a_face_chooses_others(
    tmp_path: Path,
) -> None:
    table = tmp_path / "t.csv"
    said = {"ann": "mythos", "bob": "mythos", "cy": "lunch"}
    rows = [f"{who},2024-01-0{k} 10:00,{text}" for k, (who, text) in enumerate(said.items(), 1)]
    table.write_text("\n".join(["author,created_at,text", *rows]))
    with blueattr.open(tmp_path / "x.duckdb", create=True) as store:
        store.import_(table, drawn="keywords")
    query = PanelQuery(tmp_path / "x.duckdb", topic=None, match=("mythos",))
    asked = WatchAsked(query, Question(("lin",)), timedelta(days=7))
    *_, last = Replay(asked, 1e6, timing=Clock().timing).pictures()
    assert (last.choice.panel, last.n_agents) == ("involved", 2)
    watching = Replay(asked, 1e6, timing=Clock().timing)
    watching.choose(replace(last.choice, panel="active"))
    *_, last = watching.pictures()
    assert (last.choice.panel, last.n_agents) == ("active", 3)


@pytest.mark.slow
def test_who_is_not_to_be_named_is_in_no_line(db: Path) -> None:
    pictures = [*replay(db, "mythos", 5 * 24 * 3600.0, window=timedelta(days=7), top=0).pictures()]
    named = [*replay(db, "mythos", 5 * 24 * 3600.0, window=timedelta(days=7)).pictures()]
    assert any("did:plc:" in line(one) and "bsky.social" in line(one) for one in named)
    assert not any("did:" in line(one) or "bsky.social" in line(one) for one in pictures)
    assert [one.tiers for one in pictures] == [one.tiers for one in named]


def test_minutes_count_participants_once_and_posts_each(db: Path) -> None:
    *_, last = replay(db, "all", 20 * 24 * 3600.0).pictures()
    assert last.series is not None
    begin = (last.end - timedelta(microseconds=1)).replace(second=0, microsecond=0)
    assert last.series.start == begin - timedelta(minutes=59)
    gone = did("agent007")
    events = [e for e in world() if e["kind"] == "commit" and e["did"] != gone]
    for k, minute in enumerate(last.series.posts):
        since = micros(last.series.start) + k * 60_000_000
        inside = [
            e for e in events
            if since <= e["time_us"] < since + 60_000_000
            and e["commit"]["collection"] in (POST, REPOST)
        ]  # fmt: skip
        assert minute == sum(e["commit"]["collection"] == POST for e in inside)
        assert last.series.participants[k] == len({e["did"] for e in inside})
    assert sum(last.series.posts) > 0


@pytest.mark.slow
def test_posts_that_moved_are_those_of_the_leaders_by_their_share(db: Path) -> None:
    pictures = replay(db, "mythos", 14 * 24 * 3600.0, window=timedelta(days=14)).pictures()
    *_, last = pictures
    assert len(last.posts) > 1
    shares = [post.share for post in last.posts]
    assert shares == sorted(shares, reverse=True)
    assert {post.did for post in last.posts} <= {one.did for one in last.leaders}
    window = ("--from", content(last)["start"], "--to", content(last)["end"])
    wanted = json.loads(
        ok("posts", "--topic", "mythos", "--indicator", "lin", *window, "--top", 500, "--db", db,
           "--format", "json").text
    )  # fmt: skip
    of_uri = {post["uri"]: post["share"] for post in wanted["posts"]}
    shown = next(replay(db, "mythos", 1.0, window=timedelta(days=14)).pictures())
    assert not shown.posts
    assert [of_uri.get(post.uri) for post in last.posts] == shares


def test_what_cannot_be_watched_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    db = tmp_path / "store.duckdb"
    for words, says in (
        ((), "name a topic"),
        (("--topic", "mythoss"), "did you mean"),
        (("--topic", "mythos", "--indicator", "lin,heat"), "one indicator"),
        (("--topic", "mythos", "--from", "2026-05-01"), "--replay"),
        (("--topic", "mythos", "--window", "521w"), "at most 520w"),
        (("--topic", "mythos", "--by", "lnag"), "did you mean"),
        (("--topic", "mythos", "--by", "nowhere.csv"), "cannot read the groups"),
        (("-", "--topic", "mythos"), "watch follows streams"),
        (("archive", "--topic", "mythos"), "watch follows streams"),
    ):
        done = run("watch", *words, "--db", db, "--format", "jsonl")
        assert done.code in {ExitCode.USAGE, ExitCode.INPUT, ExitCode.NO_ANSWER}
        assert says in done.stderr
    assert not db.exists()


@pytest.mark.parametrize("text", ["60", "x", "-1x", "0x", "1e3x", "99999999x", "60 x"])
def test_a_speed_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a speed; write 60x"):
        speed_of(text)
    assert speed_of(" 0.5x") == 0.5


@pytest.mark.slow
def test_a_replay_of_the_sample_shows_at_random_moments_what_attribute_says(tmp_path: Path) -> None:
    db = tmp_path / "sample.duckdb"
    ok("ingest", ROOT / "data/sample.jsonl.zst", "--db", db)
    random = Random(7)  # noqa: S311 - moments that nobody chose
    for topic, hours in (("mythos", 24), ("all", 36)):
        speed = 3600.0 * random.randint(3, 9) + random.random()
        length = timedelta(hours=hours)
        pictures = [*replay(db, topic, speed, "heat", window=length).pictures()]
        compared = [
            compare(db, content(one), "--topic", topic) for one in random.sample(pictures, 4)
        ]
        assert sum(compared) > 2
        # Samples are made anew now and then, and say of when they are.
        sampled = [one for one in pictures if one.sample and one.sample.time == one.end]
        shown = content(next(one for one in reversed(sampled) if one.sample and one.sample.tiers))
        words = ("--topic", topic, "--from", shown["start"], "--to", shown["end"], "--db", db)
        wanted = json.loads(ok("compare-scales", *words, "--sizes", "100", "--format", "json").text)
        (scale,) = wanted["indicators"][0]["samples"]
        assert shown["sample"]["tiers"] == [tier["share_mean"] for tier in scale["tiers"]]
        assert shown["sample"]["full"] == [tier["share"] for tier in shown["tiers"]]
