"""The store as a file: what is refused, what is migrated, what is left of what was removed."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import duckdb
import pytest

from blueattr.analysis.asked.parse import memory_limit
from blueattr.analysis.upkeep import status as inventory
from blueattr.cli.output import warnings_to
from blueattr.decode.chunk import Chunk
from blueattr.errors import (
    ExitCode,
    PatternError,
    StoreBusyError,
    StoreError,
    StoreVersionError,
    UsageError,
)
from blueattr.ingest import read
from blueattr.runs.log import LineLog
from blueattr.store import database
from blueattr.store.commit import batch as store_batch
from blueattr.store.commit import fold
from blueattr.store.commit.checkpoint import SourceState
from blueattr.store.commit.writer import Writer
from blueattr.store.database import Store
from blueattr.store.engine import statements
from blueattr.store.integrity import catalog
from blueattr.store.rollups import roll_up
from blueattr.user_path import as_typed
from support.cli_world import run
from support.events_builder import account, at, follow, lines, plc, post, uri
from support.store_content import content, sources

EVENTS = [
    post("ann", "x", "hello", rev=1, time=at(1)),
    post("bea", "y", "you", rev=2, time=at(2), parent=uri("ann", "x")),
    follow("ann", "f", "bea", rev=3, time=at(3)),
]


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ingested")
    (folder / "x.jsonl").write_bytes(lines(*EVENTS) + b"oops\n")
    read.ingest(folder / "store.duckdb", [str(folder / "x.jsonl")])
    return folder / "store.duckdb"


@pytest.fixture
def db(ingested: Path, tmp_path: Path) -> Path:
    (tmp_path / "store.duckdb").write_bytes(ingested.read_bytes())
    return tmp_path / "store.duckdb"


def both(path: Path, error: type[StoreError], match: str) -> None:
    """Neither a reader nor a writer takes the file, and neither changes it."""
    before = path.read_bytes() if path.is_file() else None
    for use in (Store.open, Writer):
        with pytest.raises(error, match=match) as caught:
            use(path)
        assert as_typed(path) in str(caught.value)
        assert len(str(caught.value)) < 600
    assert (path.read_bytes() if path.is_file() else None) == before


# --- what is refused -----------------------------------------------------------------------------


def test_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no store at .*nothing"):
        Store.open(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("data", [b"no database", b"\x00" * 20_000, b"{}\n" * 9999])
def test_not_a_database(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.duckdb"
    path.write_bytes(data)
    both(path, StoreError, "not a blueattr store")


@pytest.mark.slow
def test_a_damaged_database(db: Path) -> None:
    data = bytearray(db.read_bytes())
    for k in range(0, len(data), 512):
        data[k] ^= 0xFF
    db.write_bytes(data)
    both(db, StoreError, "cannot|is")


@pytest.mark.few(2)
@pytest.mark.parametrize(
    "made",
    [
        "CREATE TABLE stranger (x INTEGER)",
        "CREATE VIEW stranger AS SELECT 1",
        "CREATE TABLE migration (x INTEGER)",
        "CREATE TABLE migration (version VARCHAR); INSERT INTO migration VALUES ('three')",
    ],
)
def test_a_database_that_is_no_store(tmp_path: Path, made: str) -> None:
    path = tmp_path / "x.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute(made)
    both(path, StoreError, "not a blueattr store")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.few(2)
@pytest.mark.parametrize(
    "name",
    [":memory:", ":memory:x", "md:x", "s3:x", "s3://b/x", "https://x.y/z.duckdb", "sqlite:x"],
)
def test_a_name_with_another_meaning_is_no_store_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    both(Path(name), StoreError, f"{name} is no file")
    assert list(tmp_path.iterdir()) == []
    Writer(tmp_path / name).close()  # as an absolute path it has no other meaning
    Store.open(tmp_path / name).close()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("x?y.duckdb", "no question mark"),
        ("x.duckdb?access_mode=read_only", "no question mark"),
        ("a?b/x.duckdb", "no question mark"),
        (r"a\b.duckdb", "no backslash"),
        (r"a\b/x.duckdb", "no backslash"),
        ("x\udce9.duckdb", "not UTF-8"),
        ("a\udce9/x.duckdb", "not UTF-8"),
    ],
)
def test_what_the_engine_takes_otherwise_is_refused_before_it_sees_it(
    tmp_path: Path, name: str, says: str
) -> None:
    (tmp_path / "a").mkdir()  # the engine takes a backslash for a slash
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    before = sorted(tmp_path.rglob("*"))
    both(path, StoreError, says)
    with pytest.raises(StoreError, match=says):
        Writer(path)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_database_of_another_engine_is_refused_without_an_extension(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE account (id INTEGER)")
    before = path.read_bytes()
    both(path, StoreError, "not a blueattr store")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_tilde_is_the_users_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    Writer(Path("~/x.duckdb")).close()
    with Store.open(Path("~/x.duckdb")) as store:
        assert store.path == tmp_path / "x.duckdb"
    both(Path("~nobody-of-this-name/x.duckdb"), StoreError, "not known here")


def test_a_folder_and_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    both(tmp_path, StoreError, "it is not a file")
    os.mkfifo(tmp_path / "pipe")
    both(tmp_path / "pipe", StoreError, "it is not a file")
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot write"):
        Writer(tmp_path / "file" / "store.duckdb")
    with pytest.raises(StoreError, match=r"there is no store|cannot"):
        Store.open(tmp_path / "file" / "store.duckdb")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_read_only(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    with pytest.raises(StoreError, match="cannot write"):
        Writer(folder / "store.duckdb")


def test_a_newer_schema(db: Path) -> None:
    with duckdb.connect(db) as connection:
        connection.execute("INSERT INTO migration VALUES (99, '099_future.sql', now()::TIMESTAMP)")
    both(db, StoreVersionError, "schema 99")


@pytest.mark.slow
def test_a_second_writer_in_the_same_process(db: Path) -> None:
    with Writer(db), pytest.raises(StoreBusyError, match=f"process {os.getpid()} is writing to"):
        Writer(db)
    Writer(db).close()


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    path = tmp_path / "made" / "here" / "store.duckdb"
    Writer(path).close()
    assert content(path).records == {}
    assert inventory.status(path).totals["events"] == 0
    assert sorted(p.name for p in path.parent.iterdir()) == ["store.duckdb", "store.duckdb.lock"]


def test_what_was_left_of_a_store_being_made_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    Path(f"{path}.new").write_bytes(b"half a file")
    Writer(path).close()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["store.duckdb", "store.duckdb.lock"]


# --- migrations ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_older_stores_are_migrated_by_readers_and_writers(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(db), sources(db)
    known = database._migrations()
    later = (
        *known,
        (900, "900_a.sql", "ALTER TABLE profile ADD COLUMN extra INTEGER DEFAULT 7"),
        (901, "901_b.sql", "CREATE TABLE added AS SELECT count(*) AS n FROM record"),
    )
    monkeypatch.setattr(database, "_migrations", lambda: later)
    with Store.open(db) as opened:
        assert opened._version == 901
        assert opened._connection.execute("SELECT n FROM added").fetchall() == [(3,)]
        names = opened._connection.execute("SELECT version, name FROM migration ORDER BY 1")
        assert names.fetchall() == [(v, n) for v, n, _ in later]
    assert (content(db), sources(db)) == before
    monkeypatch.setattr(database, "_migrations", lambda: (*later, (902, "902_c.sql", "SELECT 1")))
    with Writer(db) as writer, writer._attached():
        assert writer._version == 902
    # An older program is another process, which has checked no file before.
    monkeypatch.setattr(catalog, "_CHECKED", {})
    monkeypatch.setattr(database, "_migrations", lambda: known)
    both(db, StoreVersionError, "schema 902")


def test_a_migration_that_fails_leaves_the_store_as_it_was(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(db), sources(db)
    known = database._migrations()
    bad = (
        *known,
        (900, "900_a.sql", "CREATE TABLE half (x INTEGER); INSERT INTO half SELECT 'no number'"),
    )
    monkeypatch.setattr(database, "_migrations", lambda: bad)
    with pytest.raises(Exception, match="no number"):
        Store.open(db)
    monkeypatch.setattr(database, "_migrations", lambda: known)
    assert (content(db), sources(db)) == before


# --- what is in it -------------------------------------------------------------------------------


def test_sources_and_rejected_lines_survive_a_round_trip(db: Path) -> None:
    (name,) = sources(db)[0]
    with Writer(db) as writer:
        state = writer.source(name)
        assert state is not None
        assert (state.lines, state.kept, state.skipped) == (4, 3, 0)
        assert state.rejected == {"not JSON": 1}
        position = len(lines(*EVENTS))
        assert state.samples == {"not JSON": [(position, "4 bytes, no JSON: letters")]}
        assert writer.source("nothing") is None
        writer.commit(state)
        assert writer.source(name) == state
        assert writer.count_events() == 3


def test_status_says_what_is_in_it(db: Path) -> None:
    status = inventory.status(db)
    assert status.totals == {
        "events": 3, "removed": 0, "accounts": 2, "handles": 0, "profiles": 0,
        "status_changes": 0, "directory": 0,
    }  # fmt: skip
    assert status.days.rows() == [(at().date(), 1, 1, 0, 1, 2)]
    assert [(w.start, w.end) for w in status.coverage] == [(at(1), at(3))]
    assert status.gaps == ()
    assert status.size == db.stat().st_size
    assert status.rejected.select("reason", "lines", "sample").rows() == [
        ("not JSON", 1, "4 bytes, no JSON: letters")
    ]


@pytest.mark.slow
def test_coverage_and_gaps(tmp_path: Path) -> None:
    db = tmp_path / "store.duckdb"
    spans = [(0, 600), (800, 900), (850, 1000), (4000, 4600), (100, 200)]
    for number, (start, end) in enumerate(spans):
        path = tmp_path / f"{number}.jsonl"
        path.write_bytes(
            lines(
                post("ann", f"{number}a", rev=1, time=at(start)),
                post("ann", f"{number}b", rev=2, time=at(end)),
            )
        )
        read.ingest(db, [str(path)])
    export = tmp_path / "plc.jsonl"
    export.write_bytes(lines(plc("ann", at(2000), "a.org")))
    read.ingest(db, [str(export)], kind="plc")
    status = inventory.status(db)
    # Five minutes apart is not a gap; the directory covers no events.
    assert [(w.start, w.end) for w in status.coverage] == [(at(0), at(1000)), (at(4000), at(4600))]
    assert [(g.start, g.end) for g in status.gaps] == [(at(1000), at(4000))]


def test_a_text_that_comes_with_its_deletion_never_reaches_the_file(tmp_path: Path) -> None:
    db, path, secret = tmp_path / "store.duckdb", tmp_path / "x.jsonl", "S3CR3T-text-of-ann"
    path.write_bytes(
        lines(
            post("ann", "x", secret, rev=1, time=at(1)),
            post("bea", "x", "PUBL1C-text-of-bea", rev=2, time=at(1)),
            account("ann", "deleted", time=at(2)),
        )
    )
    read.ingest(db, [str(path)])
    assert secret.encode() not in db.read_bytes()
    assert b"PUBL1C-text-of-bea" in db.read_bytes()


@pytest.mark.slow
def test_memory_is_enough_for_deletes_all_over_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine cannot spill its notes of deletes; each vector that has any takes some."""
    monkeypatch.setattr(fold, "_BESIDE_DELETES", 0)
    monkeypatch.setattr(fold, "_EACH_VECTOR", 1 << 30)
    allowed: list[tuple[str, str]] = []
    run = Store.run

    def spy(self: Store, step: str, **parameters: object) -> None:
        run(self, step, **parameters)
        if step.startswith(("store/commit/fold/", "store/commit/batch/staging")):
            found = self._connection.execute("SELECT current_setting('memory_limit')").fetchall()
            allowed.append((step, found[0][0]))

    monkeypatch.setattr(Store, "run", spy)
    with Writer(tmp_path / "store.duckdb") as writer:
        for event in (EVENTS[0], account("ann", "deleted", time=at(9)), EVENTS[1]):
            data = lines(event)
            writer.commit(writer.stage(Chunk(data, 0, 0, len(data)), SourceState("x", "file")))
    usual, one = "640.0 MiB", "1.0 GiB"
    # Only the deletion has rows to delete.
    for step in ("records", "notes"):
        limits = [limit for name, limit in allowed if name == f"store/commit/fold/{step}"]
        assert limits == [usual, one, usual]
    assert {
        limit
        for name, limit in allowed
        if name in {"store/commit/fold/versions", "store/commit/batch/staging"}
    } == {usual}


@pytest.mark.few(1)
@pytest.mark.parametrize("wait", [True, False])
def test_an_error_within_a_commit_is_told_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wait: bool
) -> None:
    sql = statements.sql
    data = lines(*EVENTS)
    with Writer(tmp_path / "store.duckdb") as writer:
        state = writer.stage(Chunk(data, 0, 0, len(data)), SourceState("x", "file"))
        with monkeypatch.context() as patched:
            patched.setattr(
                statements,
                "sql",
                lambda name: (
                    "SELECT error('full')" if name == "store/commit/fold/records" else sql(name)
                ),
            )
            if not wait:
                writer.commit(state, wait=False)
            with pytest.raises(StoreError, match="full"):
                writer.commit(state) if wait else writer.finish()
        # What would come next must not be noted without what was lost.
        with pytest.raises(StoreError, match="full"):
            writer.commit(state)
    with Writer(tmp_path / "store.duckdb") as writer:
        assert writer.count_events() == 0
        writer.commit(writer.stage(Chunk(data, 0, 0, len(data)), SourceState("x", "file")))
        assert writer.count_events() == len(EVENTS)


@pytest.mark.slow
def test_what_is_staged_while_a_commit_is_under_way_is_for_the_next(tmp_path: Path) -> None:
    first, second = lines(*EVENTS[: len(EVENTS) // 2]), lines(*EVENTS[len(EVENTS) // 2 :])
    with Writer(tmp_path / "store.duckdb") as writer:
        state = writer.stage(Chunk(first, 0, 0, len(first)), SourceState("x", "file"))
        writer.commit(state, wait=False)
        data = Chunk(second, len(first), 0, len(first + second))
        later = writer.stage(data, state, later=True)
        assert writer.source("x") == state
        later = writer.settle(later)
        writer.commit(later)
        assert writer.count_events() == len(EVENTS)
        assert writer.source("x") == later


@pytest.mark.slow
def test_an_interrupt_waits_for_a_commit_and_another_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql, begun = statements.sql, threading.Event()
    data = lines(*EVENTS)
    db = tmp_path / "store.duckdb"

    def slow(name: str) -> str:
        if name != "store/commit/fold/records":
            return sql(name)
        begun.set()
        return "SELECT count(*) FROM range(4000000000000) WHERE range % 7 = 8"

    def interrupted(times: int) -> None:
        with Writer(db) as writer:
            state = writer.stage(Chunk(data, 0, 0, len(data)), SourceState("x", "file"))
            writer.commit(state, wait=False)
            if times == 2:
                assert begun.wait(30)
                main = threading.main_thread().ident
                assert main is not None
                threading.Timer(0.3, signal.pthread_kill, (main, signal.SIGINT)).start()
            raise KeyboardInterrupt

    # A shell may have had it ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with monkeypatch.context() as patched:
            patched.setattr(statements, "sql", slow)
            with pytest.raises(KeyboardInterrupt):
                interrupted(2)
    finally:
        signal.signal(signal.SIGINT, before)
    with Writer(db) as writer:
        assert writer.count_events() == 0
    with pytest.raises(KeyboardInterrupt):
        interrupted(1)
    with Writer(db) as writer:
        assert writer.count_events() == len(EVENTS)


def test_an_error_while_days_are_summarised_is_told_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql, failing = statements.sql, "SELECT error('full')"
    data = lines(*EVENTS)
    with Writer(tmp_path / "store.duckdb") as writer:
        writer.commit(writer.stage(Chunk(data, 0, 0, len(data)), SourceState("x", "file")))
        later = at(0).date() + timedelta(days=30)
        with monkeypatch.context() as patched:
            patched.setattr(
                statements,
                "sql",
                lambda name: failing if name == "store/rollups/summarise_accounts" else sql(name),
            )
            with pytest.raises(StoreError, match="full"):
                roll_up(writer, today=later)
        assert roll_up(writer, today=later).days_held > 0


# --- small things --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "size"),
    [("4GB", 4 << 30), ("900M", 900 << 20), (" 2.5 GiB ", 5 << 29), ("2147483648", 2 << 30),
     ("1.25g", 1280 << 20), ("1t", 1 << 40)],
)  # fmt: skip
def test_sizes_of_memory(text: str, size: int) -> None:
    assert memory_limit(text) == size


@pytest.mark.parametrize("text", ["", "4", "lots", "-4GB", "899MB", "4 GB GB", "nan", "1e9GB"])
def test_sizes_that_make_no_sense(text: str) -> None:
    with pytest.raises(UsageError, match="not an amount of memory"):
        memory_limit(text)


def test_patterns_that_the_engine_refuses(db: Path) -> None:
    patterns = ("(", "a)|(b", r"(a)\1", "(?=a)", "a{1000}{1000}{1000}", "[", "*", "\udcff", "(?P<x")
    with Store.open(db) as opened:
        for pattern in patterns:
            with pytest.raises(PatternError, match="is refused") as raised:
                opened.check_pattern(pattern)
            assert "\n" not in str(raised.value)
            assert "Error" not in str(raised.value), "the engine's own name of it"


def test_patterns_that_the_engine_takes(db: Path) -> None:
    with Store.open(db) as opened:
        for pattern in ("", "(a+)+$", r"\bmythos\b", "日本", r"\pL+", "a|b", "\x00"):
            opened.check_pattern(pattern)


def test_no_bar_is_drawn_over_results(tmp_path: Path) -> None:
    with Writer(tmp_path / "s.duckdb") as writer:
        row = writer._connection.execute("SELECT current_setting('enable_progress_bar')").fetchall()
    assert row == [(False,)]


# --- what is damaged, and what is in use ----------------------------------------------------------


@pytest.mark.slow
def test_a_damaged_block_is_a_store_error(tmp_path: Path) -> None:
    db = tmp_path / "store.duckdb"
    with Writer(db) as writer:
        state = SourceState("x", "file")
        data = lines(*(post("ann", f"k{k}", f"text {k}", rev=k, time=at(k)) for k in range(3000)))
        writer.commit(writer.stage(Chunk(data, 0, 0, len(data)), state))
    whole, block = db.read_bytes(), 256 << 10
    errors = []
    for place in range(3 * 4096 + block // 2, len(whole), block):
        db.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            with Store.open(db) as opened:
                opened.frame("runs/state")
                for batch in opened.batches(
                    "store/rollups/codes", 1000, start=at(), end=at() + timedelta(1)
                ):
                    assert len(batch)
        except StoreError as error:
            errors.append(str(error))
    assert all(str(db) in error for error in errors)
    assert any("cannot be" not in error for error in errors), "no block was damaged but metadata"


@pytest.fixture
def held(db: Path) -> Iterator[int]:
    """Have another process write to the store; give its number."""
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(flush=True); input()"
    command = [sys.executable, "-c", code, str(db)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.stdin.close()


@pytest.mark.slow
def test_waiting_for_another_process_is_logged_and_not_written_to_stderr(
    db: Path,
    held: int,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(database, "_WARN_AFTER", 0.1)
    monkeypatch.setattr(database, "_READER_PATIENCE", 0.5)
    with pytest.raises(StoreBusyError, match=f"in use by process {held}"):
        Store.open(db)
    assert capfd.readouterr() == ("", "")
    warning = f"waiting for process {held}, which uses {db}"
    # As `blueattr run` does, whose log may be JSON.
    with (
        LineLog("json") as log,
        warnings_to(partial(log, "warning", "")),
        pytest.raises(StoreBusyError),
    ):
        Store.open(db)
    (line,) = capfd.readouterr().err.splitlines()
    entry = json.loads(line)
    assert (entry["stage"], entry["message"]) == ("store", warning)


@pytest.mark.slow
def test_a_command_shows_the_warnings_of_its_own_run_only(
    db: Path, held: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(database, "_WARN_AFTER", 0.1)
    monkeypatch.setattr(database, "_READER_PATIENCE", 0.5)
    ended = run("status", "--db", db)
    assert ended.code == ExitCode.STORE_BUSY
    warning = f"waiting for process {held}, which uses {db}"
    assert ended.stderr.splitlines()[0] == f"blueattr: {warning}"
    with pytest.raises(StoreBusyError):
        Store.open(db)
    assert capfd.readouterr() == ("", "")


def test_only_lines_that_are_staged_need_a_parser(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parser() -> None:
        raise AssertionError("a parser was built")

    monkeypatch.setattr(store_batch, "Parser", parser)
    with Writer(db) as writer:
        roll_up(writer)
        data = lines(EVENTS[0])
        with pytest.raises(AssertionError, match="was built"):
            writer.stage(Chunk(data, 0, 0, len(data)), SourceState("y", "file"))
