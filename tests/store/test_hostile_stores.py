"""Stores that a stranger made: nothing in one acts, and what no blueattr makes is refused."""

import os
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from blueattr.errors import ExitCode, StoreError
from blueattr.ingest import read
from blueattr.store.commit.writer import Writer
from blueattr.store.database import Store
from blueattr.store.integrity import seal
from support.by_hand import as_if_written
from support.by_hand import change as change_rows
from support.cli_world import refused
from support.effort import quick_ones
from support.events_builder import at, follow, lines, post


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("sound")
    events = [
        post("ann", "x", "hello", rev=1, time=at(1)),
        follow("ann", "f", "bea", rev=3, time=at(3)),
    ]
    (folder / "x.jsonl").write_bytes(lines(*events))
    read.ingest(folder / "store.duckdb", [str(folder / "x.jsonl")])
    return (folder / "store.duckdb").read_bytes()


@pytest.fixture
def db(sound: bytes, tmp_path: Path) -> Path:
    (tmp_path / "store.duckdb").write_bytes(sound)
    return tmp_path / "store.duckdb"


WORDS = "a word of this machine"

CHANGES = {
    "a view that reads a file": "DROP TABLE source; CREATE VIEW source AS SELECT content AS name, "
    "'file' AS kind, '' AS fingerprint, 0 AS position, true AS complete, 1 AS lines, 1 AS kept, "
    "0 AS skipped, NULL::TIMESTAMP AS first_event, NULL::TIMESTAMP AS last_event, "
    "false AS synthetic FROM read_text('{secret}')",
    "another view": "DROP VIEW event; "
    "CREATE VIEW event AS SELECT 'post' AS kind, * EXCLUDE (collection, removed, rev) FROM record",
    "a table more": "CREATE TABLE more (x INTEGER)",
    "a table less": "DROP TABLE pending",
    "a column more": "ALTER TABLE profile ADD COLUMN more INTEGER",
    "another type of a column": "ALTER TABLE record ALTER rkey TYPE VARCHAR",
    "columns in another order": "DROP TABLE watched; DROP TABLE forgotten; "
    "CREATE TABLE forgotten (forgotten_at TIMESTAMP NOT NULL, hash VARCHAR NOT NULL); "
    "CREATE TABLE watched (account UINTEGER NOT NULL)",
    "a default": "ALTER TABLE topic ALTER rule SET DEFAULT 'x'",
    "a constraint less": "ALTER TABLE watched ALTER account DROP NOT NULL",
    "a check": "DROP TABLE watched; "
    "CREATE TABLE watched (account UINTEGER NOT NULL CHECK (account > 7))",
    "a generated column": "DROP TABLE watched; CREATE TABLE watched "
    "(account UINTEGER NOT NULL, x UINTEGER GENERATED ALWAYS AS (account + 1))",
    "a macro with the name of a function": "CREATE MACRO max(x) AS min(x)",
    "a macro with the name of an aggregate": "CREATE MACRO coalesce2(x) AS x; "
    "CREATE MACRO sum(x) AS count(x)",
    "a macro of tables": "CREATE MACRO activity(a, b) AS TABLE SELECT 1",
    "an index": "CREATE INDEX fast ON record (rkey)",
    "a sequence": "CREATE SEQUENCE number",
    "a type": "CREATE TYPE mood AS ENUM ('good', 'bad')",
    "other words of a type": "DROP TYPE collection; CREATE TYPE collection AS ENUM ('post', 'x')",
    "a schema named like another": "CREATE SCHEMA temp; CREATE TABLE store.temp.main (x INTEGER)",
    "a schema named like the engine's": "CREATE SCHEMA pg_temp",
    "a view in the place of the versions": "DROP TABLE migration; CREATE VIEW migration AS "
    "SELECT 7 AS version, content AS name FROM read_text('{secret}')",
    "a version before": "DELETE FROM migration "
    "WHERE version = (SELECT max(version) FROM migration)",
    "no version": "DELETE FROM migration",
    "a version long before": "DELETE FROM migration WHERE version > 1",
}


# One of each kind of thing that a catalog defines, and a version.
QUICK = {
    "a view that reads a file",
    "a table more",
    "a column more",
    "a default",
    "a check",
    "a macro with the name of a function",
    "an index",
    "a sequence",
    "a type",
    "a schema named like another",
    "no version",
}


@pytest.mark.few(1)
@pytest.mark.parametrize("change", quick_ones(CHANGES, QUICK))
def test_a_catalog_that_is_not_that_of_its_schema_is_refused(
    db: Path, tmp_path: Path, change: str
) -> None:
    (tmp_path / "secret").write_text(WORDS)
    with duckdb.connect(db) as connection:
        connection.execute(CHANGES[change].format(secret=tmp_path / "secret"))
    before = db.read_bytes()
    for use in (Store.open, Writer):
        with pytest.raises(StoreError, match="not a blueattr store") as caught:
            use(db)
        assert WORDS not in str(caught.value)
        assert str(db) in str(caught.value)
    assert db.read_bytes() == before


def _change_catalog(db: Path, how: str) -> None:
    with duckdb.connect(db) as connection:
        if how == "in the log beside it":
            connection.execute(
                "SET wal_autocheckpoint = '1GB'; PRAGMA disable_checkpoint_on_shutdown"
            )
        connection.execute(CHANGES["a macro with the name of a function"])
    assert db.with_name(f"{db.name}.wal").exists() == (how == "in the log beside it")


@pytest.mark.parametrize("how", ["in the file", "in the log beside it"])
def test_a_catalog_that_changes_between_commits_is_refused(db: Path, how: str) -> None:
    with Writer(db) as writer:
        _change_catalog(db, how)
        with pytest.raises(StoreError, match="not a blueattr store"):
            writer.check()


@pytest.mark.parametrize("how", ["in the file", "in the log beside it", "by another file"])
@pytest.mark.parametrize("use", [Store.open, Writer])
def test_a_catalog_that_changes_after_it_was_checked_is_refused(
    db: Path, how: str, use: Callable[[Path], Store]
) -> None:
    use(db).close()
    times = db.stat()
    other = db.with_name("other.duckdb")
    other.write_bytes(db.read_bytes())
    changed = other if how == "by another file" else db
    _change_catalog(changed, how)
    # Whoever changes it can also seal it.
    with changed.open("r+b") as file:
        seal.write(file.fileno())
    os.utime(changed, ns=(times.st_atime_ns, times.st_mtime_ns))
    changed.replace(db)
    with pytest.raises(StoreError, match="not a blueattr store"):
        use(db)


def test_a_catalog_is_checked_once_while_nobody_writes(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store.open(db).close()
    monkeypatch.setattr(Store, "_catalog", None)
    Store.open(db).close()
    with Writer(db) as writer:
        for _ in range(3):
            with writer.transaction():
                pass
    Store.open(db).close()


@pytest.mark.slow
def test_commands_refuse_it_in_words(db: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(WORDS)
    with duckdb.connect(db) as connection:
        connection.execute(CHANGES["a view that reads a file"].format(secret=tmp_path / "secret"))
    for command in ("status", "panel", "compact", "rollup"):
        done = refused(ExitCode.STORE, command, "--db", db, says="not a blueattr store of schema")
        assert WORDS not in done.stderr + done.text


FOR_ELSEWHERE = [
    "SELECT * FROM read_text('{other}')",
    "SELECT * FROM read_blob('{other}')",
    "SELECT * FROM '{other}'",
    "FROM glob('{folder}/*')",
    "COPY (SELECT 1) TO '{folder}/out.csv'",
    "ATTACH '{folder}/other.duckdb' AS other",
    "ATTACH 'http://127.0.0.1:9/x.duckdb' AS other",
    "EXPORT DATABASE '{folder}/export'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '{other}'",
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "SET allowed_paths = []",
    "SET allowed_directories = ['/']",
    "SET allowed_configs = ['temp_directory']",
    "SET temp_directory = '{folder}/elsewhere'",
    "SET autoload_known_extensions = true",
    "SET extension_directories = ['{folder}']",
    "SET log_query_path = '{folder}/log'",
    "SET threads = 64",
    "SET TimeZone = 'Asia/Tokyo'",
    "CREATE PERSISTENT SECRET s (TYPE http)",
    "PRAGMA enable_profiling = 'json'",
]


@pytest.mark.parametrize("use", [Store.open, Writer])
def test_the_engine_does_nothing_but_for_its_store(
    db: Path, tmp_path: Path, use: Callable[[Path], Store]
) -> None:
    (tmp_path / "other").write_text("x")
    with use(db) as store:
        before = sorted(tmp_path.rglob("*"))
        for statement in FOR_ELSEWHERE:
            asked = statement.format(folder=tmp_path, other=tmp_path / "other")
            with pytest.raises(duckdb.Error, match=r"disabled|locked|not exist|to be loaded"):
                store._connection.execute(asked)
        assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("use", [Store.open, Writer])
def test_the_engine_does_not_look_for_secrets_that_a_user_keeps_for_it(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, use: Callable[[Path], Store]
) -> None:
    """Such as keys of a bucket, in a folder of the user that has nothing to do with a store."""
    kept = tmp_path / ".duckdb" / "stored_secrets"
    kept.mkdir(parents=True)
    (kept / "bucket.duckdb_secret").write_text("a key")
    monkeypatch.setenv("HOME", str(tmp_path))
    with use(db) as store:
        # It would refuse to read the folder, and the statement would fail.
        assert store._connection.execute("FROM duckdb_secrets()").fetchall() == []


def test_the_engine_spills_beside_its_store_and_nowhere_else(db: Path, tmp_path: Path) -> None:
    with Store.open(db, 64 << 20) as store:
        store._connection.execute(
            "CREATE TEMP TABLE much AS SELECT range AS x, md5(range::VARCHAR) FROM range(2_000_000)"
        )
        assert list((tmp_path / "store.duckdb.tmp").iterdir())
        assert store._connection.execute("SELECT count(*) FROM much").fetchall() == [(2_000_000,)]
    assert not (tmp_path / "store.duckdb.tmp").exists()


CONTENTS = {
    "a rule that is none": "INSERT INTO topic VALUES (7, 'x')",
    "a rule of too few parts": "INSERT INTO topic VALUES (7, '[1]')",
    "a rule of numbers": "INSERT INTO topic VALUES (7, '[1, 2, 3, 4]')",
    "a rule nested deeply": "INSERT INTO topic VALUES (7, repeat('[', 100000))",
    "time covered by a source that is not there": "UPDATE span SET source = '{source}'",
    "lines of a source that is not there": "INSERT INTO rejected VALUES ('{source}', 'x', 1)",
}


@pytest.mark.few(2)
@pytest.mark.parametrize("change", CONTENTS.values(), ids=CONTENTS)
def test_contents_that_no_blueattr_writes_end_in_a_sentence(db: Path, change: str) -> None:
    source = db.with_name("x.jsonl")
    source.write_bytes(lines(post("cai", "x", "hello", rev=9, time=at(9))))
    change_rows(db, change.format(source=source))
    # Whoever makes a store can give it the sums and the seal of its rows.
    as_if_written(db)
    refused(ExitCode.STORE, "ingest", source, "--db", db, says="is damaged")
