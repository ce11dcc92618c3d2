"""Windows and topics of a store, as options name them."""

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from blueattr.errors import ExitCode
from support.cli_world import LAST_EVENT, ok, refused, run
from support.events_builder import at


def window_of(*arguments: object) -> tuple[str, str]:
    window = ok("panel", *arguments, "--format", "json").json["window"]
    return window["start"], window["end"]


def test_a_window_is_14_whole_days_up_to_that_of_the_last_event(db: Path) -> None:
    last = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=LAST_EVENT + 1)
    end = datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=1)
    start = end - timedelta(days=14)

    def iso(moment: datetime) -> str:
        return moment.isoformat().replace("+00:00", "Z")

    at_db = ["--db", db]
    assert window_of(*at_db) == (iso(start), iso(end))
    assert window_of("--window", "36h", *at_db) == (iso(last - timedelta(hours=36)), iso(last))
    assert window_of("--window", "2w", *at_db) == (iso(start), iso(end))
    assert window_of("--complete", *at_db) == (iso(start), iso(end))
    assert window_of("--from", "2026-05-02", *at_db) == (
        "2026-05-02T00:00:00Z", "2026-05-16T00:00:00Z",
    )  # fmt: skip
    assert window_of("--to", "2026-05-08", "--window", "3d", *at_db) == (
        "2026-05-05T00:00:00Z", "2026-05-08T00:00:00Z",
    )  # fmt: skip
    assert window_of("--from", "2026-05-02", "--window", "1d", *at_db) == (
        "2026-05-02T00:00:00Z", "2026-05-03T00:00:00Z",
    )  # fmt: skip


def test_times_are_utc_unless_they_say_otherwise(db: Path) -> None:
    expected = ("2026-05-02T22:00:00Z", "2026-05-04T10:30:00.000001Z")
    for start, end in (
        ("2026-05-03T00:00+02:00", "2026-05-04T12:30:00.000001+02:00"),
        ("2026-05-02T22:00:00Z", "2026-05-04T10:30:00.000001Z"),
        ("2026-05-02 22:00", "2026-05-04T10:30:00.000001"),
        ("2026-05-02T12:00-10:00", "2026-05-04T20:30:00.000001+10:00"),
    ):
        assert window_of("--from", start, "--to", end, "--db", db) == expected


def test_a_window_holds_its_start_and_not_its_end(db: Path, here: Path) -> None:
    # Agent 0 posts on the day after the base, 100 s in.
    moment = at(100, days=1)

    def posts(start: datetime, end: datetime) -> int:
        ok("features", "--from", start.isoformat(), "--to", end.isoformat(), "--scale", "raw",
           "--db", db, "--out", "f.parquet")  # fmt: skip
        return int(pl.read_parquet("f.parquet")["posts"].sum())

    tick = timedelta(microseconds=1)
    assert posts(moment, moment + tick) == 1
    assert posts(moment - tick, moment + tick) == 1
    bounds = ["--from", (moment - tick).isoformat(), "--to", moment.isoformat()]
    refused(ExitCode.NO_ANSWER, "panel", *bounds, "--db", db, says="nobody was active")
    bounds = ["--from", (moment + tick).isoformat(), "--to", (moment + 2 * tick).isoformat()]
    refused(ExitCode.NO_ANSWER, "panel", *bounds, "--db", db, says="nobody was active")


def test_a_window_beyond_the_events_warns_of_the_gap(db: Path) -> None:
    done = ok("attribute", "--topic", "mythos", "--from", "2026-05-01", "--to", "2026-05-20",
              "--db", db, "--format", "json")  # fmt: skip
    (gap,) = done.json["gaps"]
    assert gap["end"] == "2026-05-20T00:00:00Z"
    text = ok("attribute", "--topic", "mythos", "--from", "2026-05-01", "--to", "2026-05-20",
              "--db", db).text  # fmt: skip
    assert "! The window has 1 gap" in text


def test_a_store_whose_newest_event_is_too_old_is_told_by_the_exit_code(db: Path) -> None:
    asked = ("status", "--db", db, "--max-lag")
    late = run(*asked, "1d")
    assert late.code == ExitCode.SOURCE
    assert "--max-lag allows" in late.stderr
    assert b"events" in late.stdout  # the status comes all the same
    assert run(*asked, "9999999d").code == ExitCode.OK
    for wrong in ("0s", "-1m", "ten"):
        assert run(*asked, wrong).code == ExitCode.USAGE


def test_a_topic_of_ones_own(db: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mine.toml").write_text(
        '[topics.card]\ntitle = "Cards"\nkeywords = ["system card"]\n', encoding="utf-8"
    )
    asked = ["attribute", "--db", db, "--format", "json"]
    mine = ok(*asked, "--topic", "card", "--topics", "mine.toml").json
    assert mine["topic"]["title"] == "Cards"
    matched = ok(*asked, "--match", r"\bsystem\s+card\b").json
    assert matched["topic"]["patterns"] == [r"\bsystem\s+card\b"]
    assert mine["tiers"] == matched["tiers"]
    assert mine["total"] == ok(*asked, "--topic", "mythos").json["total"]
    monkeypatch.setenv("BLUEATTR_TOPICS", "mine.toml")
    assert ok(*asked, "--topic", "card").json == mine
    assert "card" in ok("topics", "list").text


def test_the_text_of_topics_names_everything_they_match() -> None:
    text = ok("topics", "list").text
    matches = list(csv.DictReader(io.StringIO(ok("topics", "list", "--format", "csv").text)))
    assert len(matches) > 80
    assert [row["matches"] for row in matches if row["matches"] not in text] == []
