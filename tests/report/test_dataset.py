"""A report as tables to search: every account, every column described, texts of others as data."""

import json
import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from blueattr.attribution.question import Question, Sampling
from blueattr.errors import OutputError, UsageError
from blueattr.indicators.find import find_indicator
from blueattr.report.formats.database import DataColumn, DataTable, database_bytes
from blueattr.report.pages.gallery import write_report
from blueattr.studies.topic import TopicReport, topic_report
from support.cli_world import ok, run
from support.hostile_text import HOSTILE
from support.topic_cases import COMMAND, by_hour, days, did, handles, origin_of, panel

EVIL = ["<script>alert(1)</script>", "'); DROP TABLE accounts; --", '"', *HOSTILE]


@cache
def made(name: str = "mythos") -> TopicReport:
    frame, origin = panel(), origin_of(name)
    return topic_report(
        frame, Question(("lin", "heat")), Sampling(sizes=(20,), seeds=1), provenance=origin,
        handles=handles, days=days(frame, origin), command=COMMAND, accounts=True,
    )  # fmt: skip


def tables_of(path: Path) -> dict[str, pl.DataFrame]:
    """Read what is no part of a search index."""
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        names = [
            name
            for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
            if "_fts" not in name
        ]
        return {
            name: pl.read_database(f'SELECT * FROM "{name}"', database, infer_schema_length=None)  # noqa: S608 - our own
            for name in names
        }


def columns_of(path: Path) -> dict[str, list[str]]:
    return {name: frame.columns for name, frame in tables_of(path).items()}


def described(path: Path) -> dict[str, dict[str, str]]:
    """The tables of a metadata file, with the description of each column."""
    content = json.loads(path.read_text())
    (database,) = content["databases"]
    assert path.name == f"{database}-metadata.json"
    tables: dict[str, Any] = content["databases"][database]["tables"]
    assert all(table["description"] for table in tables.values())
    for table in tables.values():
        assert table.get("sort_desc", next(iter(table["columns"]))) in table["columns"]
        assert set(table.get("facets", ())) <= set(table["columns"])
    return {name: table["columns"] for name, table in tables.items()}


# --- what is in it -------------------------------------------------------------------------------


def test_every_account_is_there_with_what_was_attributed(tmp_path: Path) -> None:
    paths = write_report([made()], tmp_path, "datasette")
    assert [path.name for path in paths] == ["mythos.sqlite", "mythos-metadata.json"]
    tables = tables_of(paths[0])
    accounts = tables["accounts"]
    report = made()
    assert len(accounts) == report.comparison.n_agents == len(panel())
    assert accounts["did"].n_unique() == len(accounts)
    for indicator, total in (("heat", report.comparison.indicators[1].full.total),):
        assert accounts[f"{indicator}_share"].sum() == pytest.approx(1)
        assert accounts[f"{indicator}_value"].sum() == pytest.approx(total)
    shares = accounts.group_by("tier").agg(pl.col("heat_share").sum(), pl.len())
    for part in report.comparison.indicators[1].full.tiers:
        (row,) = shares.filter(tier=part.tier).iter_rows(named=True)
        assert row["heat_share"] == pytest.approx(part.share)
        assert row["len"] == part.agents
        (tier,) = tables["tiers"].filter(indicator="heat", tier=part.tier).iter_rows(named=True)
        assert (tier["share"], tier["agents"]) == (part.share, part.agents)
        assert tier["low"] <= tier["high"]
    assert accounts["involved"].sum() == report.comparison.n_involved
    for leader in report.leaders[1].agents:
        (row,) = accounts.filter(did=leader.did).iter_rows(named=True)
        assert (row["heat_value"], row["a"], row["tier"]) == (leader.value, leader.a, leader.tier)
        assert row["link"] == leader.link
    assert accounts["handle"].to_list() == [
        f"agent{k}.bsky.social" if k % 2 else None for k in range(len(accounts))
    ]
    assert report.days is not None
    assert tables["days"]["day"].to_list() == [f"{day.day}" for day in report.days.days]
    assert tables["days"]["participants"].to_list() == [d.participants for d in report.days.days]
    parts = sum(len(day.tiers) for day in report.days.days)
    assert len(tables["day_tiers"]) == parts > 0
    about = dict(tables["about"].select("name", "value").iter_rows())
    assert about["command"] == COMMAND
    assert about["n_agents"] == str(report.comparison.n_agents)


def test_every_column_of_every_table_is_described(tmp_path: Path) -> None:
    database, metadata = write_report([made()], tmp_path, "datasette")
    found = columns_of(database)
    assert found.keys() == {"accounts", "days", "day_tiers", "tiers", "about"}
    told = described(metadata)
    assert {name: list(columns) for name, columns in told.items()} == found
    for name, columns in told.items():
        for column, words in columns.items():
            assert len(words) > 5, (name, column)
            assert not re.search(r"[`\[\]]|\.md\b", words), words


def test_several_topics_are_in_one_file(tmp_path: Path) -> None:
    reports = [made(), made("the-masters")]
    database, metadata = write_report(reports, tmp_path, "datasette")
    assert database.name == "all-topics.sqlite"
    for name, frame in tables_of(database).items():
        assert frame.columns[0] == "topic"
        assert set(frame["topic"]) == {"mythos", "the-masters"}, name
    assert columns_of(database) == {k: list(v) for k, v in described(metadata).items()}


def test_a_short_window_has_its_hours(tmp_path: Path) -> None:
    report = replace(made(), days=by_hour(made()))
    database, metadata = write_report([report], tmp_path, "datasette")
    hours = tables_of(database)["hours"]
    assert hours["records"].to_list() == list(range(48))
    assert hours["start"][1] == "2026-04-01T01:00:00Z"
    assert columns_of(database) == {k: list(v) for k, v in described(metadata).items()}


def test_handles_can_be_searched_for(tmp_path: Path) -> None:
    database, _ = write_report([made()], tmp_path, "datasette")
    with closing(sqlite3.connect(database)) as connection:
        found = connection.execute(
            "SELECT handle FROM accounts WHERE rowid IN "
            "(SELECT rowid FROM accounts_fts WHERE accounts_fts MATCH ?)", ('"agent7"',),
        ).fetchall()  # fmt: skip
    assert found == [("agent7.bsky.social",)]


def test_the_same_report_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = (
        [path.read_bytes() for path in write_report([made()], tmp_path / name, "datasette")]
        for name in ("one", "two")
    )
    assert first == second


def test_own_features_and_indicators_have_tables_too(tmp_path: Path) -> None:
    odd = replace(find_indicator("lin"), name='my "own"; --')
    report = topic_report(
        panel(), Question(("heat", odd)), Sampling(sizes=(20,), seeds=1), accounts=True
    )
    database, metadata = write_report([report], tmp_path, "datasette")
    tables = tables_of(database)
    assert tables.keys() == {"accounts", "tiers", "about"}
    assert tables["accounts"]['my "own"; --_share'].sum() == pytest.approx(1)
    assert "handle" not in tables["accounts"].columns
    assert columns_of(database) == {k: list(v) for k, v in described(metadata).items()}


def test_without_an_answer_there_are_no_accounts_and_still_a_file(tmp_path: Path) -> None:
    silent = panel().with_columns(a=pl.lit(0.0), b=pl.lit(0.0), c=pl.lit(0.0))
    report = topic_report(
        silent, Question(("heat",)), Sampling(sizes=(20,), seeds=1), accounts=True
    )
    database, metadata = write_report([report], tmp_path, "datasette")
    assert len(tables_of(database)["accounts"]) == 0
    assert columns_of(database) == {k: list(v) for k, v in described(metadata).items()}


# --- texts of others -----------------------------------------------------------------------------


ACTING = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb"
    r"\ud800-\udfff\U000e0000-\U000e007f]"
)


@pytest.mark.parametrize("text", EVIL)
def test_texts_of_others_stay_data(text: str, tmp_path: Path) -> None:
    """What an SQL statement, a page or a terminal would act on is text, or is spelled out."""
    report = made()
    assert report.accounts is not None
    # A frame cannot have what is no text.
    handle = text.encode("utf-8", "backslashreplace").decode()
    accounts = report.accounts.with_columns(handle=pl.lit(handle))
    origin = report.provenance
    assert origin.topic is not None
    origin = replace(origin, topic=replace(origin.topic, title=text, name=text), source=text)
    evil = replace(
        report, accounts=accounts, command=text,
        comparison=replace(report.comparison, provenance=origin),
    )  # fmt: skip
    database, metadata = write_report([evil], tmp_path, "datasette")
    tables = tables_of(database)
    assert len(tables["accounts"]) == len(panel())
    found = [
        *tables["about"].filter(name="command")["value"],
        *tables["accounts"]["handle"].unique(),
    ]
    assert len(found) == 2
    for value, wanted in zip(found, (text, handle), strict=True):
        assert (value == wanted) == (ACTING.search(wanted) is None)
    for frame in tables.values():
        for column in frame.select(pl.col(pl.String)):
            assert not any(ACTING.search(value) for value in column.drop_nulls().unique())
    told = metadata.read_text()
    assert told.isascii()
    assert ACTING.search(json.loads(told)["title"]) is None
    assert "_html" not in told


def test_a_table_keeps_lines_and_refuses_what_it_cannot_index() -> None:
    column = DataColumn("text", "text", "What it says.")
    table = DataTable("posts", "d", (column,), [("a\nb\tc\x1b\ud800",)], ("text",), ("text",))
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(database_bytes([table]))
        assert connection.execute("SELECT text FROM posts").fetchall() == [("a\nb\tc\\x1b\\ud800",)]
    twice = replace(table, searched=(), rows=[("x",)])
    with pytest.raises(OutputError, match="posts"):
        database_bytes([twice, twice])


# --- the command ---------------------------------------------------------------------------------

FEW = ("--sizes", "10", "--seeds", "1", "--indicator", "heat")


@pytest.mark.slow
def test_the_command_writes_a_file_and_its_description(db: Path, tmp_path: Path) -> None:
    ok("report", "--topic", "mythos", "--db", db, *FEW, "--format", "datasette", "--out", tmp_path)
    database, metadata = tmp_path / "mythos.sqlite", tmp_path / "mythos-metadata.json"
    whole = ok("attribute", "--topic", "mythos", "--db", db, "--format", "json").json
    tables = tables_of(database)
    accounts = tables["accounts"]
    assert len(accounts) == whole["n_agents"]
    assert accounts["posts"].sum() > 0
    assert columns_of(database) == {k: list(v) for k, v in described(metadata).items()}

    # A post is one of those that its account is said to have written.
    posts = tables["posts"]
    counted = posts.filter(state="counted").group_by("did", "kind").len()
    for kind, name in (("post", "posts"), ("reply", "replies"), ("repost", "reposts")):
        wanted = accounts.filter(pl.col(name) > 0).select("did", name).sort("did").rows()
        assert counted.filter(kind=kind).select("did", "len").sort("did").rows() == wanted != []
    # What records carry, and what popularity carries, is all that is carried.
    (heat,) = tables["tiers"].filter(indicator="heat").select(pl.col("value").sum())["value"]
    assert posts["value"].sum() == pytest.approx(2 / 3 * heat)
    assert posts["share"].sum() == pytest.approx(2 / 3)
    said = posts.filter(pl.col("text").is_not_null())
    word = max(re.findall(r"[a-z]+", said["text"][0].lower()), key=len)
    with closing(sqlite3.connect(database)) as connection:
        found = connection.execute(
            "SELECT count(*) FROM posts_fts WHERE posts_fts MATCH ?", (f'text: "{word}"',)
        ).fetchall()
    assert found[0][0] >= said["text"].str.to_lowercase().str.contains(rf"\b{word}\b").sum() > 0


def test_all_events_have_accounts_and_no_posts(db: Path, tmp_path: Path) -> None:
    ok("report", "--topic", "all", "--db", db, *FEW, "--format", "datasette", "--out", tmp_path)
    assert tables_of(tmp_path / "all-events.sqlite").keys() == {
        "accounts", "days", "day_tiers", "tiers", "about",
    }  # fmt: skip


@pytest.mark.parametrize("text", EVIL)
def test_what_posts_say_stays_data(text: str, tmp_path: Path) -> None:
    said = text.encode("utf-8", "backslashreplace").decode()
    posts = pl.DataFrame(
        {"did": [did(0)], "uri": [f"at://{did(0)}/app.bsky.feed.post/{'x' * 13}"], "kind": ["post"],
         "state": ["counted"], "time": [datetime(2026, 4, 1, tzinfo=UTC)], "replies_received": [1],
         "reposts_received": [2], "quotes_received": [0], "value_own": [0.5],
         "value_received": [0.25], "value": [0.75], "share": [0.1],
         "text": [said + "\nand more"], "title": [said]}
    )  # fmt: skip
    database, metadata = write_report([replace(made(), posts=posts)], tmp_path, "datasette")
    (row,) = tables_of(database)["posts"].iter_rows(named=True)
    for value, wanted in ((row["text"], said + "\nand more"), (row["title"], said)):
        assert ACTING.search(value) is None
        assert (value == wanted) == (ACTING.search(wanted) is None)
    assert row["link"] == f"https://bsky.app/profile/{did(0)}/post/{'x' * 13}"
    assert columns_of(database) == {k: list(v) for k, v in described(metadata).items()}


def test_it_goes_to_a_folder(db: Path, tmp_path: Path) -> None:
    ended = run("report", "--topic", "mythos", "--db", db, "--format", "datasette",
                "--out", tmp_path / "x.sqlite")  # fmt: skip
    assert ended.code == UsageError.exit_code
    assert "goes to a folder" in ended.stderr
