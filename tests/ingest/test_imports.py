"""Tables of data sets in a store: the same whatever their form, order and number of imports."""

import csv
import gc
import gzip
import hashlib
import io
import json
import signal
import sys
import tarfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from blueattr.analysis.upkeep.forget import erase, who_leaves
from blueattr.decode import schema
from blueattr.errors import ExitCode, InputError, UsageError
from blueattr.ingest import read
from blueattr.ingest.tables import import_tables, plan_import
from blueattr.panel.drawn import drawn
from blueattr.sources.tables import read as table_read
from blueattr.sources.tables import source as table_source
from blueattr.sources.tables import tar
from blueattr.store.commit.writer import Writer
from blueattr.store.database import Store
from blueattr.store.engine.sandbox import Sandbox
from support import crash, import_child
from support.cli_world import ok, refused
from support.events_builder import mixed
from support.forked import run
from support.store_content import content, expected, rows, sources
from support.table_rows import FORMS, by_key, events_of, own_key, rows_of, write

EVENTS = [e for e in mixed(160) if e.get("kind") == "commit"]
MADE = [e for e in EVENTS if "record" in e["commit"]]


def _parquet() -> bytes:
    made = io.BytesIO()
    rows = {"author": [f"u{k}" for k in range(9)], "created_at": ["2024-01-02"] * 9,
            "text": [f"text {k}" for k in range(9)]}  # fmt: skip
    pq.write_table(pa.table(rows), made)
    return made.getvalue()


PARQUET = _parquet()
ROW = {"author": "ann", "created_at": "2024-01-02", "text": "h\u00e9 \ufffd"}


def at_hour(hour: int) -> datetime:
    return datetime(2024, 1, 2, hour, tzinfo=UTC).replace(tzinfo=None)


def imported(db: Path, *files: Path | str, **options: Any) -> Any:
    return import_tables(db, plan_import([str(file) for file in files], db, **options))


def ingested(db: Path, events: list[Any]) -> None:
    path = db.with_suffix(".jsonl")
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    read.ingest(db, [str(path)])


@pytest.mark.few(1)
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


@pytest.mark.slow
def test_a_delete_that_is_known_wins_over_an_import(tmp_path: Path) -> None:
    deleted = [e for e in EVENTS if e["commit"]["operation"] == "delete"]
    assert deleted
    db = tmp_path / "x.duckdb"
    ingested(db, deleted)
    imported(db, write(tmp_path / "t.csv", rows_of(MADE), "csv"))
    assert content(db).records == expected([*deleted, *events_of(MADE)]).records


@pytest.mark.slow
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


def test_rows_come_in_the_order_of_the_table_so_that_an_import_goes_on_at_the_right_one() -> None:
    def some() -> Iterator[pa.RecordBatch]:
        for k in range(0, 200_000, 10_000):
            yield pa.record_batch({"id": [str(n) for n in range(k, k + 10_000)]})

    engine = Sandbox(64 << 20)
    reader = pa.RecordBatchReader.from_batches(pa.schema({"id": pa.string()}), some())
    given = {"prefix": "x:t:", "did": schema.DID, "handle": "", "language": "", "host": "",
             "label": "", "first": at_hour(0), "last": at_hour(1), "as_of": at_hour(0)}  # fmt: skip
    query = "SELECT 'ann' AS actor, id AS text FROM input"
    form = "sources/tables/rows"
    made = engine.rows(query, "mine", {"input": reader}, form, 1 << 12, needs={}, **given)
    assert [int(n) for batch in made for n in batch["text"].to_pylist()] == [*range(200_000)]
    engine.close()


@pytest.mark.slow
def test_what_is_not_worked_out_of_a_table_would_say_nothing() -> None:
    address = "at://did:plc:{}/app.bsky.feed.post/3jzfcijpj2z2a".format("a" * 24)
    cells = {
        "actor": "did:plc:" + "a" * 24, "record": address, "time": "2024-01-02", "parent": address,
        "parent_actor": "ann", "root": address, "root_actor": "bob", "subject": address,
        "subject_actor": "cid", "quoted": address, "quoted_actor": "dan", "text": "a word",
        "title": "T", "tags": "one two", "langs": "en", "links": "https://a.test/x",
        "mentions": "did:plc:" + "b" * 24, "labels": "nudity", "replies": "1", "reposts": "2",
        "quotes": "3", "counted_at": "2024-01-03", "rev": "3jzfcijpj2z2b",
    }  # fmt: skip
    given = {"prefix": "x:t:", "did": schema.DID, "handle": schema.HANDLE,
             "language": schema.LANGUAGE, "host": schema.HOST, "label": schema.LABEL,
             "first": at_hour(0), "last": at_hour(1), "as_of": at_hour(0)}  # fmt: skip

    engine = Sandbox(64 << 20)

    def made(rows: list[dict[str, str]], needs: Any) -> Any:
        tables, form = {"input": pa.Table.from_pylist(rows).to_reader()}, "sources/tables/rows"
        (batch,) = engine.rows("FROM input", "mine", tables, form, 99, needs=needs, **given)
        return batch

    table = []
    for kind, whose, which in product(("post", "repost"), ("", "ann"), (address, "17")):
        row = cells | {"kind": kind}
        row |= dict.fromkeys(("record", "parent", "root", "subject", "quoted"), which)
        # Where nothing tells whose post began the thread, it is the one that is answered.
        table.append(row | {"parent_actor": whose, "root_actor": ""})
    full = made(table, {})
    assert not [name for name in table_source.NEEDS if full[name].null_count == len(table)]
    for some in {*table_source.NEEDS.values()}:
        fewer = [{name: row[name] for name in row if name not in some} for row in table]
        assert made(fewer, table_source.NEEDS) == made(fewer, {})
    engine.close()


@pytest.mark.slow
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


@pytest.mark.slow
def test_rows_that_are_equal_are_told_apart_across_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_source, "_ROWS", 3)
    rows = [{"author": "ann", "created_at": "2024-01-02", "text": str(k % 4)} for k in range(40)]
    db = tmp_path / "x.duckdb"
    imported(db, write(tmp_path / "t.csv", rows, "csv"))
    assert len(content(db).records) == 40


@pytest.mark.slow
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


@pytest.mark.slow
def test_no_clock_is_a_day_ahead_or_behind(tmp_path: Path) -> None:
    bad = ("+25:00", "-24:00", "+99", ".5+2400", "+02:60", "-0275", "+01:02:60", "-30")
    good = ("", "Z", "+14:00", "-12:00", "+23:59", "-0930", ".25+05", "+05:45:59")
    rows = [
        {"author": zone or "x", "created_at": f"2024-01-02T10:00:00{zone}"}
        for zone in (*bad, *good)
    ]
    db = tmp_path / "x.duckdb"
    (state,) = imported(db, write(tmp_path / "t.csv", rows, "csv")).ingested.sources
    assert (state.rejected, state.kept) == ({"bad time": len(bad)}, len(good))
    kept = {row["actor"].removeprefix("x:table:") for row in by_key(content(db).records)}
    assert kept == {zone or "x" for zone in good}


def test_a_table_without_anybody_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", [{"x": 1, "created_at": 2}], "csv")
    with pytest.raises(UsageError, match="nothing tells who wrote a row"):
        plan_import([str(path)], tmp_path / "x.duckdb")
    with pytest.raises(UsageError, match="no column 'auther'"):
        plan_import([str(path)], tmp_path / "x.duckdb", columns={"actor": "auther"})
    assert [each.name for each in tmp_path.iterdir()] == ["t.csv"]


@pytest.mark.slow
def test_a_damaged_file_keeps_what_could_be_read(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv.gz", rows_of(MADE) * 40, "csv.gz")
    path.write_bytes(path.read_bytes()[:-200])
    db = tmp_path / "x.duckdb"
    done = imported(db, path)
    assert "truncated" in done.ingested.failures[0]
    assert 0 < len(content(db).records) <= len(expected(events_of(MADE)).records)


def table(rows: int) -> bytes:
    """Rows of which each is unlike all others, as CSV."""
    made = (f"u{k},2024-01-02,{hashlib.sha256(bytes([k])).hexdigest()}\n" for k in range(rows))
    return ("author,created_at,text\n" + "".join(made)).encode()


def archive(*files: tuple[str, bytes]) -> bytes:
    """A tar archive of files."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, data in files:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return made.getvalue()


def as_json(data: bytes) -> bytes:
    """The same rows as lines of JSON."""
    rows = csv.DictReader(io.StringIO(data.decode()))
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["t.csv.gz", "t.jsonl.gz", "t.tar"])
def test_a_file_that_is_cut_off_keeps_its_whole_rows_and_no_part_of_one(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tar, "_READ_OF_FILE", 512)
    rows = table(200)
    whole = {
        "t.csv.gz": gzip.compress(rows),
        "t.jsonl.gz": gzip.compress(as_json(rows)),
        "t.tar": archive(("a.csv", rows)),
    }[name]
    path = tmp_path / name
    path.write_bytes(whole[: len(whole) // 2])
    db = tmp_path / "x.duckdb"
    done = imported(db, path)
    assert "truncated" in done.ingested.failures[0]
    cut = content(db).records
    assert 50 < len(cut) < 150
    path.write_bytes(whole)
    imported(db, path)
    found = content(db).records
    assert len(found) == 200
    assert cut.items() <= found.items()


@pytest.mark.slow
@pytest.mark.parametrize("size", [1100, 1024])
def test_an_archive_that_lacks_its_end_is_told(size: int, tmp_path: Path) -> None:
    path = tmp_path / "t.tar"
    whole = archive(("a.csv", table(3)), ("b.csv", table(4)))
    path.write_bytes(whole)
    assert imported(tmp_path / "whole.duckdb", path).ingested.failures == ()
    path.write_bytes(whole[:size])
    (failure,) = imported(tmp_path / "x.duckdb", path).ingested.failures
    says = "is a tar archive that is truncated or damaged; what could be read is kept"
    assert failure == f"{path} {says}"
    assert len(content(tmp_path / "x.duckdb").records) == 3


@pytest.mark.slow
@pytest.mark.parametrize("codec", [gzip.compress, zstandard.compress])
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_file_of_an_archive_that_is_cut_off_takes_none_of_those_after_it_along(
    form: str, codec: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    path, db = tmp_path / "t.tar", tmp_path / "x.duckdb"
    made = [table(200), table(200).replace(b"\nu", b"\nv")]
    made.append(b"author,created_at,text\nlast,2024-01-03,hello\n")
    packed = [codec(each if form == "csv" else as_json(each)) for each in made]
    cut = [each[: len(each) * 2 // 3] for each in packed[:2]]
    path.write_bytes(archive(("a.x", cut[0]), ("b.x", cut[1]), ("c.x", packed[2])))
    (failure,) = imported(db, path).ingested.failures
    assert failure.startswith(f"a.x in {path} is truncated: its ")
    assert failure.endswith("; so are 1 more of its files")
    found = content(db).records
    # Of the first two no part of a row; where they are one block of zstd, nothing.
    path.write_bytes(archive(*((f"{k}.x", each) for k, each in enumerate(packed))))
    assert imported(tmp_path / "y.duckdb", path).ingested.failures == ()
    assert found.items() <= content(tmp_path / "y.duckdb").records.items()
    actors = {actor[len("x:table:")] for _, actor, _ in found}
    assert actors == ({"u", "v", "l"} if codec is gzip.compress else {"l"})


@pytest.mark.slow
def test_an_import_that_fails_lets_go_of_its_engine(tmp_path: Path) -> None:
    # Else DuckDB complains, on fifty lines, when the process ends.
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(table(200))[:3000])
    gc.collect()
    gc.disable()
    try:
        done = imported(tmp_path / "x.duckdb", path)
        assert "truncated" in done.ingested.failures[0]
        assert not [each for each in gc.get_objects() if isinstance(each, Sandbox)]
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("t.csv", b"PK\x03\x04" + bytes(60), "is a zip archive, and no table; unpack it first"),
        ("t.csv", b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml", "is an Office file"),
        ("t.csv", b"SQLite format 3\0" + bytes(60), "is a SQLite database, and no table"),
        ("t.csv", b"<!DOCTYPE html><html></html>", "is a web page"),
        ("t.csv", b"a\0b,c\nd,e\n", "is binary, and no table"),
        ("t.csv.gz", gzip.compress(gzip.compress(table(3))), "is compressed twice"),
        ("t.csv.gz", gzip.compress(PARQUET), "is a Parquet file compressed with gzip"),
        ("t.tar", archive(("a.parquet", PARQUET)), "a.parquet in .* is a Parquet file in an arch"),
        ("t.tar", archive(), "is binary, and no table"),
        ("t.tar", archive(("a.csv", table(3)))[:600], "is a tar archive that is truncated"),
        ("t.parquet", PARQUET[:-9], "is a Parquet file that is truncated or damaged; rows"),
        ("t.csv", b'"' + b"x" * 200_000, "perhaps a quotation mark is not closed"),
    ],
)
def test_what_is_no_table_is_called_what_it_is(
    name: str, data: bytes, says: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(InputError, match=says):
        plan_import([str(path)], tmp_path / "x.duckdb")
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_pages_of_a_parquet_file_that_are_damaged_are_told_in_our_words(tmp_path: Path) -> None:
    path, db = tmp_path / "t.parquet", tmp_path / "x.duckdb"
    path.write_bytes(PARQUET[:10] + b"\xff" * 40 + PARQUET[50:])
    (failure,) = imported(db, path).ingested.failures
    assert (
        failure == f"{path} is a Parquet file that is truncated or damaged; rows that could be "
        "read are kept"
    )


@pytest.mark.slow
def test_files_of_an_archive_with_other_columns_are_not_read_as_if_they_were_the_same(
    tmp_path: Path,
) -> None:
    path, db = tmp_path / "t.tar", tmp_path / "x.duckdb"
    turned = b"text,created_at,author\nhello,2024-01-02,ann\n"
    path.write_bytes(archive(("a.csv", table(3)), ("b.csv", turned)))
    (failure,) = imported(db, path).ingested.failures
    assert "b.csv in" in failure
    assert "has other columns than the file before it: text, created_at, author" in failure
    assert len(content(db).records) == 3
    # One without a header goes on where the last one ended.
    path.write_bytes(archive(("a.csv", table(3)), ("b.csv", b"ann,2024-01-02,hello\n")))
    assert imported(db, path).ingested.failures == ()
    assert len(content(db).records) == 4


@pytest.mark.slow
def test_texts_that_are_not_utf_8_are_kept_with_a_mark_and_counted(tmp_path: Path) -> None:
    ends = b"".join(end.to_bytes(4, "little") for end in (0, 3, 9))
    # A mark that a text has itself is none of ours.
    two = "two\ufffd"
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"h\xe9 " + two.encode())]
    rows = {"author": ["ann", "bob"], "created_at": ["2024-01-02"] * 2,
            "text": pa.Array.from_buffers(pa.string(), 2, buffers)}  # fmt: skip
    files: dict[str, Any] = {
        "t.parquet": rows,
        "t.csv": b"author,created_at,text\nann,2024-01-02,h\xe9 \nbob,2024-01-02," + two.encode(),
        "t.jsonl": b'{"author":"ann","created_at":"2024-01-02","text":"h\xe9 "}\n'
        b'{"author":"bob","created_at":"2024-01-02","text":"' + two.encode() + b'"}\n',
    }
    for name, data in files.items():
        path, db = tmp_path / name, tmp_path / f"{name}.duckdb"
        if isinstance(data, dict):
            pq.write_table(pa.table(data), path)
        else:
            path.write_bytes(data)
        done = imported(db, path)
        assert done.ingested.failures == ()
        assert {row["text"] for row in by_key(content(db).records)} == {"h\ufffd ", two}
        (said,) = done.marked
        assert said.startswith(f"{name} is not in UTF-8: 1 of its letters")
        remark = done.ingested.sources[0].remarks.splitlines()[-1]
        assert said.startswith(remark)
        # Each answer says it, and what is UTF-8 is not called so.
        with Store.open(db) as store:
            assert remark in drawn(store)[1]
        path.unlink()
        assert imported(db, write(tmp_path / name, [ROW], path.suffix[1:])).marked == ()


@pytest.mark.slow
def test_an_imported_account_is_forgotten_and_no_import_brings_it_back(tmp_path: Path) -> None:
    db = tmp_path / "x.duckdb"
    rows = [
        {"author": "ann", "created_at": "2024-01-02", "text": "hers"},
        {"author": "bob", "created_at": "2024-01-02", "text": "his", "parent_actor": "ann"},
    ]
    path = write(tmp_path / "t.csv", rows, "csv")
    imported(db, path)
    with pytest.raises(UsageError, match="is no DID"):
        who_leaves(db, ["ann"])
    erase(db, who_leaves(db, ["x:table:ann"]))
    imported(db, write(tmp_path / "again.csv", rows, "csv"))
    found = content(db)
    assert [row["text"] for row in by_key(found.records)] == ["his"]
    assert "x:table:bob" in found.accounts
    assert "x:table:ann" not in found.accounts


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("-", "write standard input to a file first"),
        (
            "https://example.org/t.csv",
            "fetch the file first: curl -fsSLO https://example.org/t.csv",
        ),
    ],
)
def test_what_is_no_file_leads_to_one(typed: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=says):
        plan_import([typed], tmp_path / "x.duckdb")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the descriptor has a name")
def test_a_table_that_was_removed_while_it_is_open_is_called_no_file(here: Path) -> None:
    table = here / "posts.csv"
    table.write_text("author,created_at,text\nann,2024-01-02,hello\n")
    with table.open("rb") as opened:
        table.unlink()
        typed = f"/dev/fd/{opened.fileno()}"
        with pytest.raises(InputError, match=f"^{typed} is no file; write what it gives to one"):
            plan_import([typed], here / "x.duckdb")


@pytest.mark.slow
def test_lines_that_are_no_rows_are_counted_wherever_they_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_read, "_BLOCK", 256)
    rows = as_json(table(10)).splitlines(keepends=True)
    path, db = tmp_path / "t.jsonl", tmp_path / "x.duckdb"
    path.write_bytes(b"".join([*rows, *[b"not JSON\n"] * 50]))
    (state,) = imported(db, path).ingested.sources
    assert (state.lines, state.kept, state.rejected) == (60, 10, {"no row of a table": 50})
    path.write_bytes(b'{"author": "\\ud800"}\n' * 50)
    (state,) = imported(db, path, columns={"actor": "author"}).ingested.sources
    assert (state.lines, state.rejected) == (50, {"no row of a table": 50})


@pytest.mark.slow
def test_a_row_that_takes_others_along_is_named_by_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_read, "_BLOCK", 4096)
    lines = table(10).splitlines(keepends=True)
    lines[3] = lines[3].replace(b",", b',"', 1)
    lines[6] = lines[6].replace(b"\n", b"x" * 5000 + b"\n")
    for packed, name in ((bytes, "t.csv"), (gzip.compress, "t.csv.gz")):
        path, db = tmp_path / name, tmp_path / f"{name}.duckdb"
        path.write_bytes(packed(b"".join(lines)))
        (state,) = imported(db, path).ingested.sources
        assert (state.lines, state.kept, state.rejected) == (
            10, 8, {"quotation mark not closed": 1, "line too long": 1}
        )  # fmt: skip
        with Store.open(db) as store:
            rows = store.rows("analysis/upkeep/rejected_reasons", samples=True)
        assert {(row[0], row[3]) for row in rows} == {
            ("quotation mark not closed", 4), ("line too long", 7)
        }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("block", [100, 2 << 20])
def test_a_line_of_json_that_is_too_long_is_one_line_and_named(
    block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_read, "_BLOCK_OF_JSON", block)
    monkeypatch.setattr(table_read, "LINE_LIMIT", 4096)
    rows = as_json(table(10)).splitlines()
    for k in (2, 5, 6):
        rows[k] = rows[k].replace(b'"text": "', b'"text": "' + b"x" * (3 * 4096))
    for number, data in enumerate((b"\n".join(rows), b"[" + b",\n".join(rows) + b"]")):
        path, db = tmp_path / f"{number}.json", tmp_path / f"{number}.duckdb"
        path.write_bytes(data)
        (state,) = imported(db, path).ingested.sources
        assert (state.lines, state.kept, state.rejected) == (10, 7, {"line too long": 3})
        with Store.open(db) as store:
            named = store.rows("analysis/upkeep/rejected_reasons", samples=True)
        assert {row[3] for row in named} == {3, 6, 7}


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


@pytest.mark.slow
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
    with Store.open(db) as store:
        said = rows(store, "SELECT drawn, remarks, counts FROM source")
    assert said == [("keywords", "Something to know.", False)]


# --- what a table lacks, in answers ---------------------------------------------------------------


PUBLISHED = """uri,text,reply_count,like_count
at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/app.bsky.feed.post/3mizitda22222,claude mythos is here,5,9
at://did:plc:bbbbbbbbbbbbbbbbbbbbbbbb/app.bsky.feed.post/3mizitdb22222,claude mythos again,0,1
at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/app.bsky.feed.post/3mizitdc22222,mythos ai three,7,2
"""


def test_a_table_with_addresses_texts_and_counts_gives_an_answer_that_says_what_it_lacks(
    tmp_path: Path,
) -> None:
    (tmp_path / "t.csv").write_text(PUBLISHED)
    db = tmp_path / "t.duckdb"
    told = ok("import", tmp_path / "t.csv", "--db", db, "--drawn", "keywords").text
    assert "Counts in place of interactions: reply_count. c is made of them" in told
    assert "Counts that are no part of c, and are not kept: like_count." in told
    asked = ("attribute", "--topic", "mythos", "--db", db)
    text = ok(*asked, "--indicator", "lin").text
    before, _, shares = text.partition("top 1 %  next 9 %")
    assert "all 2 accounts" in shares
    for said in (
        "No follower counts: b is 0 for everyone, and tiers are by activity. Name a column",
        "c is made of counts of replies that the table gives of 3 of 3 posts",
        "There are no counts of reposts and quotes.",
        "No times: those of the keys are used",
        "100.0 % those of their keys",
        "come from a search for words",
    ):
        assert said in before, said
    found = ok(*asked, "--indicator", "lin", "--format", "json").json
    assert found["drawn"] == ["keywords"]
    assert [share["kind"] for share in found["time_from"]] == ["key"]
    # What is made of b has no answer, and it says what would give one.
    refused(ExitCode.NO_ANSWER, *asked, "--indicator", "heat", says="followers=COLUMN")
    refused(
        ExitCode.NO_ANSWER, *asked, says="another indicator has an answer, such as --indicator lin"
    )
    checked = ok("topics", "check", "mythos", "--db", db)
    assert "come from a search for words" in checked.text
    assert "100.0 % those of their keys" in checked.text


@pytest.mark.slow
def test_nobody_is_sent_to_ask_the_network_about_accounts_that_are_none_of_its(
    here: Path,
) -> None:
    Path("t.csv").write_text(
        "author,text,time\nann,mythos ai,2026-05-01\nben,mythos ai,2026-05-01\n"
    )
    ok("import", "t.csv", "--db", "t.duckdb")
    asked = ("attribute", "--topic", "mythos", "--db", "t.duckdb", "--popularity", "followers")
    for more in ((), ("--missing-followers", "drop")):
        done = refused(ExitCode.NO_ANSWER, *asked, *more, says="as they are no DIDs")
        assert "hydrate" not in done.stderr


@pytest.mark.slow
def test_follower_counts_that_the_store_has_are_pointed_to(tmp_path: Path) -> None:
    """And a column that names the actor and is the handle, too, is read once for both."""
    (tmp_path / "t.csv").write_text(
        "handle,text,time,followers\n"
        "ann.example.org,mythos ai,2026-05-01,5\nben.example.org,mythos ai,2026-05-01,7\n"
    )
    db = tmp_path / "t.duckdb"
    ok("import", tmp_path / "t.csv", "--db", db)
    asked = ("attribute", "--topic", "mythos", "--db", db, "--indicator", "lin")
    assert "ask with --popularity followers" in ok(*asked).text
    answer = ok(*asked, "--popularity", "followers").text
    assert "b is 0 for everyone" not in answer
    assert "ben.example.org" in answer


@pytest.mark.slow
def test_a_time_since_1970_keeps_its_fraction(here: Path) -> None:
    times = {
        "1704153600": 0, "1704153600.": 0, "1704153600.5": 500_000,
        "1704153600.1234567": 123_456, "1704153600001": 1_000, "1704153600001.25": 1_250,
        "1704153600000007": 7, "1704153600000007.9": 7,
    }  # fmt: skip
    rows = [f"u{k},{time},text\n" for k, time in enumerate(times)]
    (here / "posts.csv").write_text("author,created_at,text\n" + "".join(rows))
    db = here / "x.duckdb"
    (done,) = imported(db, here / "posts.csv").ingested.sources
    assert (done.kept, done.rejected) == (8, {})
    found = sorted(row["time"].microsecond for row in by_key(content(db).records))
    assert found == sorted(times.values())
