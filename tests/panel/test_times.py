"""Where times are from: every report on a window says so, unless all are the server's."""

import json
from collections import Counter
from pathlib import Path

import pytest

from support.cli_world import ok
from support.events_builder import Event, at, delete, follow, lines, micros, post, tid

KINDS = [None, None, "imported", "key", None, "claimed", "collected", None]


def events() -> list[Event]:
    out = []
    for k in range(80):
        who = "abcdefgh"[k % 8]
        event = post(who, tid(k), "project glasswing", rev=k, time=at(k * 600))
        kind = KINDS[k % 7]
        out.append(event if kind is None else event | {"time_from": kind})
    out += [
        follow("abcdefgh"[k], tid(500 + k), "a", rev=500 + k, time=at(40_000)) for k in range(8)
    ]
    gone = post("a", tid(900), "gone", rev=900, time=at(1)) | {"time_from": "key"}
    return [*out, gone, delete("a", "app.bsky.feed.post", tid(900), rev=901, time=at(2))]


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("times")
    (folder / "e.jsonl").write_bytes(lines(*events()))
    ok("ingest", folder / "e.jsonl", "--db", folder / "s.duckdb")
    return folder / "s.duckdb"


def counted(found: list[Event]) -> dict[str, int]:
    return dict(Counter(event.get("time_from", "server") for event in found))


def shares(report: dict[str, object]) -> dict[str, int]:
    times = report["time_from"]
    assert isinstance(times, list)
    assert sum(time["share"] for time in times) == pytest.approx(1)
    total = sum(time["records"] for time in times)
    assert all(time["share"] == time["records"] / total for time in times)
    return {time["kind"]: time["records"] for time in times}


@pytest.mark.slow
def test_status_says_where_times_are_from(db: Path) -> None:
    wanted = counted(events()[:-2])
    assert set(wanted) == {"server", "imported", "key", "claimed", "collected"}
    report = json.loads(ok("status", "--db", db, "--format", "json").stdout)
    assert shares(report) == wanted
    assert "Times of records are" in ok("status", "--db", db).stdout.decode()


def test_a_window_says_where_its_own_times_are_from(db: Path) -> None:
    ends = ("--from", "2026-05-01T02:00", "--to", "2026-05-01T08:00", "--db", db)
    start, end = micros(at(7200)), micros(at(28800))
    wanted = counted([event for event in events() if start <= event["time_us"] < end])
    for command in (["attribute"], ["compare-scales", "--sizes", "3"]):
        answer = ok(*command, "--topic", "all", "--indicator", "lin", *ends, "--format", "json")
        assert shares(json.loads(answer.stdout)) == wanted
        text = ok(*command, "--topic", "all", "--indicator", "lin", *ends).stdout.decode()
        assert "those of their keys, which authors choose" in text


@pytest.mark.slow
def test_where_all_times_are_the_servers_nothing_is_said(tmp_path: Path) -> None:
    own = [{k: v for k, v in event.items() if k != "time_from"} for event in events()]
    (tmp_path / "e.jsonl").write_bytes(lines(*own))
    ok("ingest", tmp_path / "e.jsonl", "--db", tmp_path / "s.duckdb")
    for command in (["status"], ["attribute", "--topic", "all", "--indicator", "lin"]):
        answer = ok(*command, "--db", tmp_path / "s.duckdb", "--format", "json")
        assert "time_from" not in json.loads(answer.stdout)
        assert "Times of" not in ok(*command, "--db", tmp_path / "s.duckdb").stdout.decode()
