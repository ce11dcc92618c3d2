"""Tables of data sets in a store: the same whatever their form, order and number of imports."""

import json
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from blueattr.errors import UsageError
from blueattr.ingest import read
from blueattr.ingest.tables import import_tables, plan_import
from blueattr.sources.tables import source as table_source
from blueattr.store.commit.writer import Writer
from support import crash, import_child
from support.events_builder import mixed
from support.forked import run
from support.store_content import content, expected, sources
from support.table_rows import FORMS, by_key, events_of, own_key, rows_of, write

EVENTS = [e for e in mixed(160) if e.get("kind") == "commit"]
MADE = [e for e in EVENTS if "record" in e["commit"]]


def at_hour(hour: int) -> datetime:
    return datetime(2024, 1, 2, hour, tzinfo=UTC).replace(tzinfo=None)


def imported(db: Path, *files: Path | str, **options: Any) -> Any:
    return import_tables(db, plan_import([str(file) for file in files], db, **options))


def ingested(db: Path, events: list[Any]) -> None:
    path = db.with_suffix(".jsonl")
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    read.ingest(db, [str(path)])


@pytest.mark.few(3)
@pytest.mark.parametrize("form", FORMS)
def test_a_table_is_the_records_of_its_rows_in_whatever_form(form: str, tmp_path: Path) -> None:
    db = tmp_path / "x.duckdb"
    rows = rows_of(MADE)
    assert len(rows) > 50
    path = write(tmp_path / f"posts.{form}", rows, form)
    done = imported(db, path)
    assert done.ingested.failures == ()
    assert sources(db)[0][done.ingested.sources[0].name][4:6] == (len(rows), len(rows))
    found, wanted = content(db), expected(events_of(MADE))
    assert found.records == wanted.records
    assert found.accounts == wanted.accounts


@pytest.mark.few(2)
@pytest.mark.parametrize("order", ["slw", "wl", "lw", "swlsw"])
def test_imports_and_what_the_network_sent_make_one_store_in_any_order(
    order: str, tmp_path: Path
) -> None:
    wanted = expected([*EVENTS, *events_of(MADE)])
    some = write(tmp_path / "some.csv", rows_of(MADE)[:40], "csv")
    whole = write(tmp_path / "whole.jsonl", rows_of(MADE), "jsonl")
    db = tmp_path / "x.duckdb"
    for step in order:
        if step == "l":
            ingested(db, EVENTS)
        else:
            imported(db, some if step == "s" else whole)
    assert content(db)[:2] == wanted[:2]


def test_a_delete_that_is_known_wins_over_an_import(tmp_path: Path) -> None:
    deleted = [e for e in EVENTS if e["commit"]["operation"] == "delete"]
    assert deleted
    db = tmp_path / "x.duckdb"
    ingested(db, deleted)
    imported(db, write(tmp_path / "t.csv", rows_of(MADE), "csv"))
    assert content(db).records == expected([*deleted, *events_of(MADE)]).records


@crash.EACH_POINT
def test_an_import_that_is_killed_goes_on(points: tuple[str, ...], tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", rows_of(MADE), "csv")
    wanted = expected(events_of(MADE)).records
    for point in points:
        db = tmp_path / f"{point}.duckdb"
        Writer(db).close()
        assert run(import_child.killed_at, db, path, point) == -signal.SIGKILL
        if found := sources(db)[0]:
            ((_, _, position, complete, *_),) = found.values()
            assert 0 < position < len(rows_of(MADE))
            assert not complete
        done = imported(db, path)
        assert content(db).records == wanted
        assert done.ingested.sources[0].kept == len(rows_of(MADE))


def test_rows_that_are_equal_in_all_are_records_of_their_own(tmp_path: Path) -> None:
    row = {"author": "ann", "created_at": "2024-01-02", "text": "again"}
    db = tmp_path / "x.duckdb"
    path = write(tmp_path / "t.csv", [row, row, row, {**row, "text": "once"}], "csv")
    imported(db, path)
    assert len(content(db).records) == 4
    imported(db, path)
    # Of rows that are split between commands the first of each are the same record.
    more = write(tmp_path / "more.csv", [row, row], "csv")
    done = imported(db, more)
    assert len(content(db).records) == 4
    assert done.ingested.events_after == done.ingested.events_before


def test_rows_that_are_equal_are_told_apart_across_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_source, "_ROWS", 3)
    rows = [{"author": "ann", "created_at": "2024-01-02", "text": str(k % 4)} for k in range(40)]
    db = tmp_path / "x.duckdb"
    imported(db, write(tmp_path / "t.csv", rows, "csv"))
    assert len(content(db).records) == 40


def test_a_row_that_answers_another_of_its_table_finds_whose_it_is(tmp_path: Path) -> None:
    rows = [
        {"id": "1", "author": "ann", "created_at": "2024-01-02 10:00:00", "body": "first"},
        {"id": "2", "author": "bob", "created_at": "2024-01-02T11:00:00+01:00", "body": "second",
         "reply_to": "1"},
        {"id": "3", "author": "cy", "created_at": "1704193200", "body": "third", "reply_to": "99"},
    ]  # fmt: skip
    db = tmp_path / "x.duckdb"
    done = imported(db, write(tmp_path / "t.csv", rows, "csv"), columns={"actor": "author"})
    one, two, three = (own_key("x:table:", k) for k in "123")
    common = {"kind": "post", "rev": "2" * 13, "removed": False, "time_from": "claimed",
              "repeats": False}  # fmt: skip
    assert by_key(content(db).records) == sorted(
        [
            {**common, "actor": "x:table:ann", "rkey": one, "text": "first",
             "time": at_hour(10)},
            {**common, "actor": "x:table:bob", "rkey": two, "text": "second",
             "time": at_hour(10), "subject": "x:table:ann", "subject_rkey": one,
             "root": "x:table:ann", "root_rkey": one},
            {**common, "actor": "x:table:cy", "rkey": three, "text": "third",
             "time": at_hour(11)},
        ],
        key=lambda row: (row["kind"], row["actor"]),
    )  # fmt: skip
    assert done.unknown == (1, 0)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"created_at": "yesterday"}, "bad time"),
        ({"created_at": "2022-10-31"}, "bad time"),
        ({"created_at": "2999-01-01"}, "bad time"),
        ({"created_at": ""}, "missing time"),
        ({"author": ""}, "missing actor"),
        ({"author": "did:plc:?"}, "bad DID"),
        ({"uri": "at://nobody/x"}, "bad AT-URI"),
        ({"uri": "at://did:plc:zed/app.bsky.feed.post/3k"}, "actor is not of its record"),
        ({"kind": "like"}, "unknown kind"),
        ({"kind": "repost"}, "missing subject"),
        ({"text": "x" * 65537}, "bad record"),
    ],
)
def test_rows_that_cannot_be_records_are_rejected_by_reason(
    row: dict[str, str], reason: str, tmp_path: Path
) -> None:
    good = {"author": "did:plc:ann", "created_at": "2024-01-02", "text": "x", "uri": "", "kind": ""}
    db = tmp_path / "x.duckdb"
    done = imported(db, write(tmp_path / "t.csv", [good, {**good, **row}], "csv"))
    (state,) = done.ingested.sources
    assert (state.lines, state.kept, state.rejected) == (2, 1, {reason: 1})


def test_a_table_without_anybody_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", [{"x": 1, "created_at": 2}], "csv")
    with pytest.raises(UsageError, match="nothing tells who wrote a row"):
        plan_import([str(path)], tmp_path / "x.duckdb")
    with pytest.raises(UsageError, match="no column 'auther'"):
        plan_import([str(path)], tmp_path / "x.duckdb", columns={"actor": "auther"})
    assert [each.name for each in tmp_path.iterdir()] == ["t.csv"]


def test_a_damaged_file_keeps_what_could_be_read(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv.gz", rows_of(MADE) * 40, "csv.gz")
    path.write_bytes(path.read_bytes()[:-200])
    db = tmp_path / "x.duckdb"
    done = imported(db, path)
    assert "truncated" in done.ingested.failures[0]
    assert 0 < len(content(db).records) <= len(expected(events_of(MADE)).records)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT content AS text FROM read_text('/etc/hostname')",
        "SELECT (SELECT content FROM read_text('/etc/hostname')) AS text FROM input",
        "SELECT * FROM '/etc/hostname'",
        "SELECT file AS text FROM glob('/*')",
        "COPY (SELECT 1) TO 'stolen.csv'",
        "ATTACH 'stolen.duckdb'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET threads = 1",
        "PRAGMA version",
        "SELECT 1 AS actor; SELECT 2 AS actor",
        "CREATE TABLE x AS SELECT 1",
        "SELECT current_setting('temp_directory') AS actor FROM input",
        "SELECT name AS actor FROM duckdb_settings()",
        "SELECT table_name AS actor FROM information_schema.tables",
        "SELECT now() AS time FROM input",
        "SELECT current_timestamp AS time FROM input",
        "SELECT * FROM query('SELECT 1 AS actor')",
        "SELECT nothing AS actor FROM input",
        "SELECT author AS who FROM input",
        "not SQL at all",
    ],
)
def test_an_importer_of_a_user_sees_its_input_and_nothing_else(
    statement: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.sql").write_text(statement)
    path = write(tmp_path / "t.csv", [{"author": "ann", "at": "2024-01-02"}], "csv")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(UsageError, match=r"mine\.sql"):
        plan_import([str(path)], tmp_path / "x.duckdb", format="mine.sql")
    assert sorted(tmp_path.iterdir()) == before


def test_an_importer_of_a_user_makes_records(tmp_path: Path) -> None:
    sql = tmp_path / "mine.sql"
    sql.write_text(
        "-- My own.\n-- drawn: keywords\n-- note: Something to know.\n"
        "SELECT who AS actor, \"when\" AS time, unnest(['a', 'b']) AS text FROM input"
    )
    path = write(tmp_path / "t.csv", [{"who": "ann", "when": "2024-01-02"}], "csv")
    db = tmp_path / "x.duckdb"
    done = imported(db, path, format=str(sql))
    assert {row["text"] for row in by_key(content(db).records)} == {"a", "b"}
    assert {row["actor"] for row in by_key(content(db).records)} == {"x:mine:ann"}
    assert done.plan.remarks == ("Something to know.",)
    assert sources(db)[0][done.ingested.sources[0].name][-2:] == ("keywords", "Something to know.")
