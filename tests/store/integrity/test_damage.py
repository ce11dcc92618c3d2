"""Damaged stores: each command ends with exit code 6, or with the answer of the sound store."""

import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import duckdb
import pytest

from blueattr.errors import ExitCode, StoreError
from blueattr.store import database
from blueattr.store.commit.writer import Writer
from blueattr.store.database import Store
from blueattr.store.engine import trial
from blueattr.store.integrity import seal, sums
from support.by_hand import as_if_written, change
from support.cli_world import BLUEATTR, ok, refused, run, write_events, write_store
from support.events_builder import at, lines, post
from support.store_content import content, rows

BLOCK = 256 << 10

HEADERS = 3 * 4096

COMMANDS: tuple[tuple[str, ...], ...] = (
    ("status", "--format", "json"),
    ("status", "--check"),
    ("attribute", "--topic", "mythos", "--format", "json"),
    ("panel", "--format", "json"),
    ("topics", "check", "mythos"),
)

SAID = re.compile("is damaged: |is not a blueattr store|was changed by something else")

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


def same_or_refused(db: Path, sound: bytes, seeds: range, apart: int = 1) -> set[str]:
    """Ask commands, one in `apart` by turns, of each damaged store; return what was noticed."""
    answers = {command: without_size(ok(*command, "--db", db).stdout) for command in COMMANDS}
    noticed = set()
    for seed in seeds:
        how, data = damaged(sound, random.Random(seed))  # noqa: S311 - no secret
        for command in (*COMMANDS, *CHANGING)[seed % apart :: apart]:
            db.write_bytes(data)
            done = run(*command, "--db", db)
            if done.code == ExitCode.STORE:
                noticed.add(how)
                assert done.stdout == b""
                assert done.stderr.startswith("blueattr: ")
                assert "Traceback" not in done.stderr
                assert SAID.search(done.stderr), (seed, how, command, done.stderr)
            else:
                assert done.code == ExitCode.OK, (seed, how, command, done.stderr)
                answer = without_size(done.stdout)
                assert answer == answers.get(command, answer), (seed, how, command)
    return noticed


@pytest.mark.slow
def test_a_few_damaged_stores_are_noticed_or_no_matter(db: Path) -> None:
    assert same_or_refused(db, db.read_bytes(), range(4))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(2))
def test_many_damaged_stores_are_noticed_or_no_matter(db: Path, part: int) -> None:
    noticed = same_or_refused(db, db.read_bytes(), range(part * 25 + 100, part * 25 + 125), 3)
    assert {"flip", "exchange", "cut"} <= noticed


def exchanged(sound: bytes, one: int, other: int) -> bytes:
    """Exchange two blocks, each whole."""
    data = bytearray(sound)
    first, second = (
        slice(HEADERS + place * BLOCK, HEADERS + (place + 1) * BLOCK) for place in (one, other)
    )
    data[first], data[second] = data[second], data[first]
    return bytes(data)


def pairs(sound: bytes) -> list[tuple[int, int]]:
    """Return all pairs of blocks that differ."""
    return [
        (one, other)
        for one, other in combinations(range((len(sound) - HEADERS) // BLOCK), 2)
        if exchanged(sound, one, other) != sound
    ]


@pytest.mark.slow
def test_a_store_of_any_size_is_refused_or_the_same_whichever_two_blocks_are_exchanged(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound, some = db.read_bytes(), 40
    tried = []

    def try_to_open(path: Path, memory: int) -> str | None:
        tried.append(trial.try_to_open(path, memory))
        return tried[-1]

    monkeypatch.setattr(database, "try_to_open", try_to_open)
    ok("status", "--db", db)
    assert not tried  # sealed, whatever its size
    outcomes = Counter[int]()
    different = pairs(sound)
    random.Random(1).shuffle(different)  # noqa: S311 - no secret
    for one, other in different[:some]:
        db.write_bytes(exchanged(sound, one, other))
        tried.clear()
        try:
            Store.open(db).close()
        except StoreError:
            outcomes[ExitCode.STORE] += 1
        else:
            outcomes[ExitCode.OK] += 1
            assert tried == [None], (one, other)
    assert outcomes[ExitCode.STORE] >= min(some, len(different)) / 4


def test_where_the_engine_crashes_on_a_file_the_sentence_says_damaged(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashing = tmp_path / "crashing"
    crashing.write_text("#!/bin/sh\nkill -SEGV $$\n")
    crashing.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(crashing))
    ok("status", "--db", db)  # sealed: nothing has to be tried
    db.write_bytes(exchanged(db.read_bytes(), *pairs(db.read_bytes())[0]))
    for command in (*COMMANDS, *CHANGING):
        refused(ExitCode.STORE, *command, "--db", db, says="ended by SIGSEGV")


def test_what_lies_where_the_user_is_does_not_keep_a_store_from_being_tried(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("enum.py", "json.py", "duckdb.py"):
        (tmp_path / name).write_text("raise SystemExit(7)\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    data = db.read_bytes()
    db.write_bytes(exchanged(data, *pairs(data)[0]))
    done = run("status", "--db", db)
    assert done.code == ExitCode.STORE
    assert "cannot be verified" not in done.stderr


def test_where_a_file_cannot_be_tried_the_sentence_says_why(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db.write_bytes(exchanged(db.read_bytes(), *pairs(db.read_bytes())[0]))
    for executable in ("/bin/false", str(db.with_name("none"))):
        monkeypatch.setattr(sys, "executable", executable)
        refused(ExitCode.STORE, "status", "--db", db, says="cannot be verified")


def test_what_a_killed_commit_left_is_read_once_and_elsewhere(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = ok("status", "--db", db, "--format", "json").json
    with db.open("r+b") as file:
        file.truncate(db.stat().st_size - 48)  # as the engine leaves it before it is sealed
    monkeypatch.setattr(sums, "check", lambda _: pytest.fail("read by the one that asks"))
    assert ok("status", "--db", db, "--format", "json").json == {
        **answer,
        "bytes": answer["bytes"] - 48,
    }


def asked(folder: Path) -> list[tuple[object, ...]]:
    """Return commands of each kind, with what they need."""
    source = folder / "more.jsonl"
    source.write_bytes(
        lines(*(post("ann", f"more{i}", "hello", rev=i, time=at(i)) for i in range(1, 9)))
    )
    topic = ("--topic", "mythos")
    return [
        *COMMANDS,
        ("compare-scales", *topic, "--format", "json"),
        ("features", *topic, "--out", folder / "features.csv"),
        ("report", *topic, "--out", folder / "report.html"),
        ("ingest", source),
        ("rollup",),
        ("compact",),
    ]


def outcome(db: Path, folder: Path, command: tuple[object, ...]) -> tuple[int, object]:
    """Return what a command answers or writes, or leaves in the store."""
    for written in ("features.csv", "report.html"):
        (folder / written).unlink(missing_ok=True)
    done = run(*command, "--db", db)
    assert "Traceback" not in done.stderr
    if done.code != ExitCode.OK:
        assert done.stderr.startswith("blueattr: ")
        return done.code, None
    if command[0] in {"ingest", "rollup", "compact"}:
        return done.code, content(db)
    files = [path.read_bytes() for path in sorted(folder.glob("[fr]*.[ch][st]*"))]
    return done.code, (without_size(done.stdout), files)


@pytest.mark.slow
def test_every_command_refuses_exchanged_blocks_or_answers_as_of_the_sound_store(
    db: Path, tmp_path: Path
) -> None:
    sound = db.read_bytes()
    folder = tmp_path / "out"
    folder.mkdir()
    commands = asked(folder)
    expected = []
    for command in commands:
        db.write_bytes(sound)
        expected.append(outcome(db, folder, command))
        assert expected[-1][0] == ExitCode.OK, command
    some = random.Random(3).sample(pairs(sound), 12)  # noqa: S311 - no secret
    refusals = Counter[str]()
    for turn, (one, other) in enumerate(some):
        # One in three of the commands by turns: what they answer without is one way of opening.
        for command, answer in list(zip(commands, expected, strict=True))[turn % 3 :: 3]:
            db.write_bytes(exchanged(sound, one, other))
            found = outcome(db, folder, command)
            if found[0] == ExitCode.STORE:
                refusals[str(command[0])] += 1
            else:
                assert found == answer, (one, other, command)
    assert {str(command[0]) for command in commands} == refusals.keys()


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


@pytest.mark.slow
@pytest.mark.parametrize("change", [*changes()])
def test_rows_that_no_commit_wrote_are_noticed(db: Path, change: str) -> None:
    with duckdb.connect(db) as connection:
        assert connection.execute(change).fetchall() != [(0,)]
    command = (("status", "--check"), ("status",), ("rollup",))[[*changes()].index(change) % 3]
    refused(ExitCode.STORE, *command, "--db", db, says="are not those that were written")
    # Whoever makes a store can seal it, too: then only a comparison of all rows tells.
    as_if_written(db, summed=False)
    ok("status", "--db", db)
    refused(ExitCode.STORE, "status", "--check", "--db", db, says="are not those that were written")


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
    as_if_written(db, summed=False)
    ok("status", "--db", db)
    refused(ExitCode.STORE, "status", "--check", "--db", db, says="blueattr rollup")
    ok("rollup", "--db", db)
    ok("status", "--check", "--db", db)


def test_where_neither_seal_nor_sums_tell_nothing_is_answered(db: Path) -> None:
    change(db, "UPDATE row_hash SET known = known + 1")
    for command in ("status", "rollup"):
        refused(ExitCode.STORE, command, "--db", db, says="in the version that wrote it")


def test_what_is_older_than_its_seal_is_not_migrated(db: Path) -> None:
    """Blocks of before a migration stay in the file; if they come back, it is damage."""
    with Store.open(db) as store, db.with_name("unsealed").open("w+b") as unsealed:
        store._version = sums.SINCE - 1
        assert store._opened is not None
        with pytest.raises(StoreError, match="older than its seal"):
            store._verify(store._opened)
        unsealed.write(bytes(HEADERS))
        unsealed.flush()
        store._verify(unsealed.fileno())


def test_records_that_go_without_being_taken_off_are_noticed_in_their_commit(db: Path) -> None:
    def delete(writer: Writer) -> None:
        with writer.transaction():
            writer._connection.execute("DELETE FROM record WHERE rowid = 7")
            writer._changes["record"] = False

    with Writer(db) as writer, pytest.raises(StoreError, match="damaged"):
        delete(writer)
    with Store.open(db) as store:
        assert sums.check(store)


@pytest.mark.slow
def test_where_there_is_no_space_the_sentence_says_so(db: Path) -> None:
    """A limit of the size of files fails as a full disk does, within a commit."""
    lines_file = db.with_name("x.jsonl")
    write_events(lines_file)
    db.unlink()
    command = f"ulimit -f 700; exec {BLUEATTR} ingest {lines_file} --db {db} -q"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == ExitCode.STORE
    assert done.stderr == f"blueattr: {db}: no space is left for it (File too large)\n"


# --- the seal -------------------------------------------------------------------------------------


def is_whole(db: Path) -> bool:
    with db.open("rb") as file:
        return seal.is_whole(file.fileno())


@pytest.mark.slow
def test_whatever_writes_to_a_store_leaves_it_sealed(db: Path, tmp_path: Path) -> None:
    assert is_whole(db)
    more = tmp_path / "more.jsonl"
    more.write_bytes(lines(post("ann", "more", "hello", rev=9, time=at(9))))
    for command in (
        ("ingest", more),
        ("rollup",),
        ("compact",),
        ("forget", "did:plc:ann"),
    ):
        change(db, "CREATE TABLE more AS SELECT 1", "DROP TABLE more", "CHECKPOINT")
        assert not is_whole(db)
        ok(*command, "--db", db)
        assert is_whole(db), command


def test_any_change_of_a_head_and_of_a_header_breaks_the_seal(db: Path) -> None:
    sound = db.read_bytes()
    blocks = (len(sound) - HEADERS) // BLOCK
    places = [0, 4100, 8200, *(HEADERS + BLOCK * i + i % 8 for i in range(blocks)), len(sound) - 1]
    for place in places:
        data = bytearray(sound)
        data[place] ^= 1
        db.write_bytes(data)
        assert not is_whole(db), place
    db.write_bytes(sound)
    assert is_whole(db)


def test_a_file_that_says_it_is_endless_is_not_read(db: Path) -> None:
    with db.open("r+b") as file:
        file.truncate(1 << 43)
        file.seek(-48, 2)
        file.write(b"blueattr seal 1\n" * 3)
    ok("status", "--db", db)
