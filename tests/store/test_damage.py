"""Damaged stores: each command ends with exit code 6, or with the answer of the sound store."""

import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from blueattr.errors import ExitCode, StoreError
from blueattr.store import database, sums
from blueattr.store.database import Store
from blueattr.store.writer import Writer
from support.cli_world import BLUEATTR, ok, refused, run, write_events, write_store
from support.store_content import rows

BLOCK = 256 << 10

HEADERS = 3 * 4096

COMMANDS: tuple[tuple[str, ...], ...] = (
    ("status", "--format", "json"),
    ("status", "--check"),
    ("attribute", "--topic", "mythos", "--format", "json"),
    ("panel", "--format", "json"),
    ("topics", "check", "mythos"),
)

CHANGING: tuple[tuple[str, ...], ...] = (("rollup",), ("compact",))


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return write_store(tmp_path / "store.duckdb")


def damaged(sound: bytes, draw: random.Random) -> tuple[str, bytes]:
    """Flip a bit, zero a stretch, cut the end off, exchange two blocks."""
    data = bytearray(sound)
    at = draw.randrange(len(data))
    how = draw.choice(("flip", "early flip", "zero", "cut", "exchange", "exchange"))
    if how == "flip":
        data[at] ^= 1 << draw.randrange(8)
    elif how == "early flip":
        data[draw.randrange(HEADERS)] ^= 1 << draw.randrange(8)
    elif how == "zero":
        size = min(draw.choice((1, 64, 4096, BLOCK)), len(data) - at)
        data[at : at + size] = bytes(size)
    elif how == "cut":
        del data[at:]
    else:
        one, other = draw.sample(range((len(data) - HEADERS) // BLOCK), 2)
        first, second = (
            slice(HEADERS + block * BLOCK, HEADERS + (block + 1) * BLOCK) for block in (one, other)
        )
        data[first], data[second] = data[second], data[first]
    return how, bytes(data)


def without_size(answer: bytes) -> bytes:
    """Leave out the size of the file, which may have lost blocks at its end that nothing is in."""
    return re.sub(rb'"bytes": \d+|^store .*', b"", answer, flags=re.MULTILINE)


def same_or_refused(db: Path, sound: bytes, seeds: range) -> set[str]:
    """Ask each command of each damaged store; return what was noticed."""
    answers = {command: without_size(ok(*command, "--db", db).stdout) for command in COMMANDS}
    noticed = set()
    for seed in seeds:
        how, data = damaged(sound, random.Random(seed))  # noqa: S311 - no secret
        for command in (*COMMANDS, *CHANGING):
            db.write_bytes(data)
            done = run(*command, "--db", db)
            if done.code == ExitCode.STORE:
                noticed.add(how)
                assert done.stdout == b""
                assert done.stderr.startswith("blueattr: ")
                assert "Traceback" not in done.stderr
            else:
                assert done.code == ExitCode.OK, (seed, how, command, done.stderr)
                answer = without_size(done.stdout)
                assert answer == answers.get(command, answer), (seed, how, command)
    return noticed


def test_a_few_damaged_stores_are_noticed_or_no_matter(db: Path) -> None:
    assert same_or_refused(db, db.read_bytes(), range(4))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(10))
def test_hundreds_of_damaged_stores_are_noticed_or_no_matter(db: Path, part: int) -> None:
    noticed = same_or_refused(db, db.read_bytes(), range(part * 30 + 100, part * 30 + 130))
    assert {"flip", "exchange", "cut"} <= noticed


@pytest.mark.slow
def test_a_large_store_is_noticed_by_its_check_and_never_ends_in_a_traceback(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "SMALL", 0)
    sound = db.read_bytes()
    before = ok("status", "--check", "--format", "json", "--db", db).json
    seen = set()
    for seed in range(60):
        how, data = damaged(sound, random.Random(seed))  # noqa: S311 - no secret
        db.write_bytes(data)
        for command in COMMANDS:
            done = run(*command, "--db", db)
            # Blocks that change places can also make it say that there is nothing to answer.
            expected = (ExitCode.OK, ExitCode.NO_ANSWER, ExitCode.STORE)
            assert done.code in expected, (seed, how, command, done.stderr)
        done = run("status", "--check", "--format", "json", "--db", db)
        if done.code == ExitCode.OK:
            assert {**done.json, "bytes": 0} == {**before, "bytes": 0}, (seed, how)
        else:
            seen.add(how)
    assert {"flip", "exchange", "cut"} <= seen


# --- sums -----------------------------------------------------------------------------------------


def changes() -> Iterator[str]:
    """A change of rows in each table, by nobody's commit."""
    yield "UPDATE account SET did = did || 'x' WHERE id = (SELECT min(id) FROM account)"
    yield "UPDATE record SET text = 'other' WHERE rowid = 7"
    yield "DELETE FROM record WHERE rowid = 7"
    yield "INSERT INTO record FROM record LIMIT 1"
    yield "UPDATE record SET event_time = event_time + INTERVAL 1 DAY WHERE rowid = 7"
    # The same values, but not in the same rows.
    yield (
        "UPDATE record SET subject = other.subject FROM record AS other "
        "WHERE record.rowid IN (7, 8) AND other.rowid = 15 - record.rowid"
    )
    yield "UPDATE stored_day SET records = records + 1"
    yield "UPDATE agent_day SET posts = posts + 1 WHERE rowid = 3"
    yield "UPDATE source SET lines = lines + 1"
    yield "DELETE FROM topic"
    yield "INSERT INTO watched VALUES (1)"
    yield "UPDATE row_sum SET total = total + 1 WHERE name = 'account'"
    yield "DELETE FROM row_sum WHERE name = 'record' AND day IS NOT NULL"


@pytest.mark.parametrize("change", list(changes()))
def test_rows_that_no_commit_wrote_are_noticed(
    db: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "SMALL", 0)
    ok("status", "--check", "--db", db)
    with duckdb.connect(db) as connection:
        assert connection.execute(change).fetchall() != [(0,)]
    refused(ExitCode.STORE, "status", "--check", "--db", db, says="are not those that were written")
    ok("status", "--db", db)
    monkeypatch.setattr(database, "SMALL", 16 << 20)
    for command in ("status", "rollup"):
        refused(ExitCode.STORE, command, "--db", db, says="are not those that were written")


def test_sums_do_not_depend_on_the_order_of_rows(db: Path) -> None:
    with duckdb.connect(db) as connection:
        for table in ("record", "account", "agent_day"):
            connection.execute(f"CREATE TEMP TABLE turned AS FROM {table} ORDER BY rowid DESC")
            connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names of ours
            connection.execute(f"INSERT INTO {table} FROM turned")
            connection.execute("DROP TABLE turned")
    assert ok("status", "--check", "--db", db, "--format", "json").json["rows_checked"] > 1000


def test_uncommitted_rows_have_the_numbers_by_which_they_are_summed(db: Path) -> None:
    with Writer(db) as writer, writer._attached():
        before = rows(writer, "SELECT max(rowid) FROM account")[0][0]
        writer._connection.begin()
        writer._connection.execute("INSERT INTO account VALUES (4000000, 'did:plc:new')")
        new = "SELECT did FROM account WHERE rowid >= 36028797018960000"
        assert rows(writer, new) == [("did:plc:new",)]
        assert before < 36028797018960000
        writer._connection.rollback()


def test_sums_of_another_release_of_the_engine_are_taken_anew(db: Path) -> None:
    with duckdb.connect(db) as connection:
        connection.execute("UPDATE row_hash SET known = known + 1")
        connection.execute("UPDATE row_sum SET total = total + 1")
    ok("status", "--db", db)
    refused(ExitCode.STORE, "status", "--check", "--db", db, says="blueattr rollup")
    ok("rollup", "--db", db)
    ok("status", "--check", "--db", db)


def test_records_that_go_without_being_taken_off_are_noticed_in_their_commit(db: Path) -> None:
    def delete(writer: Writer) -> None:
        with writer.transaction():
            writer._connection.execute("DELETE FROM record WHERE rowid = 7")
            writer._changes["record"] = False

    with Writer(db) as writer, pytest.raises(StoreError, match="damaged"):
        delete(writer)
    with Store.open(db) as store:
        assert sums.check(store)


def test_where_there_is_no_space_the_sentence_says_so(db: Path) -> None:
    """A limit of the size of files fails as a full disk does, within a commit."""
    lines_file = db.with_name("x.jsonl")
    write_events(lines_file)
    db.unlink()
    command = f"ulimit -f 700; exec {BLUEATTR} ingest {lines_file} --db {db} -q"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == ExitCode.STORE
    assert "no space is left" in done.stderr
