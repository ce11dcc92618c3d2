"""Compacting a store: what was removed is gone from the bytes of the file, and nothing else is."""

import multiprocessing
import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from blueattr import atomic
from blueattr.errors import ExitCode, StoreBusyError, StoreError
from blueattr.ingest import read
from blueattr.store import compact as module
from blueattr.store.commit.writer import Writer
from blueattr.store.compact import compact
from blueattr.store.database import Store
from blueattr.store.forget import forget
from blueattr.store.lock import Lock
from support.cli_world import events, ok, refused, write_events
from support.events_builder import at, did, identity, lines, plc, plc_did, post
from support.store_content import rows

HANDLE = "xqzjvkw-7319.example.org"
TEXT = "Wqjx Zvkp 9182 Fhgt"
ANN = plc_did("ann")
NAME = ANN.removeprefix("did:plc:")
OWN = [
    identity(NAME, HANDLE, time=at(0)),
    *(post(NAME, f"p{k}", f"{TEXT} {k}", rev=9_000_000 + k, time=at(k)) for k in range(300)),
]


def store(path: Path) -> Path:
    file = path.with_suffix(".jsonl")
    file.write_bytes(lines(*events(), *OWN))
    read.ingest(path, [str(file)])
    export = path.with_suffix(".plc.jsonl")
    export.write_bytes(lines(plc("ann", created=at(0), handle=HANDLE)))
    read.ingest(path, [str(export)], kind="plc")
    return path


def everything(path: Path) -> Any:
    """All rows, in their order; and the tables, types, constraints and the view."""
    with Store.open(path) as opened:
        names = [name for (name,) in rows(opened, "SELECT table_name FROM duckdb_tables() "
                 "WHERE database_name = 'store' ORDER BY 1")]  # fmt: skip
        made = rows(opened, "SELECT sql FROM duckdb_tables() WHERE database_name = 'store' "
                    "ORDER BY 1")  # fmt: skip
        types = rows(opened, "SELECT type_name, labels::VARCHAR FROM duckdb_types() "
                     "WHERE database_name = 'store' AND NOT internal ORDER BY 1")  # fmt: skip
        view = rows(opened, "FROM event ORDER BY ALL")
        assert len(view) > 100
        return (
            {name: rows(opened, f"FROM {name} ORDER BY rowid") for name in names},
            made,
            types,
            view,
        )


def there(path: Path) -> list[bool]:
    data = path.read_bytes()
    return [word.encode() in data for word in (ANN, HANDLE, TEXT)]


@pytest.mark.slow
def test_what_was_forgotten_is_in_the_bytes_before_and_not_after(tmp_path: Path) -> None:
    db = store(tmp_path / "store.duckdb")
    assert there(db) == [True, True, True]
    with Writer(db) as writer:
        forget(writer, [ANN])
    before = everything(db)
    assert any(there(db)), "the engine left nothing to be gone"
    size = db.stat().st_size
    db.chmod(0o640)
    done = compact(db)
    assert there(db) == [False, False, False]
    assert everything(db) == before
    assert done == module.Compacted(size, db.stat().st_size)
    assert stat.S_IMODE(db.stat().st_mode) == 0o640
    assert sorted(p.name for p in tmp_path.glob("store.duckdb*")) == [
        "store.duckdb", "store.duckdb.lock"
    ]  # fmt: skip
    # And it goes on.
    read.ingest(db, [str(write_events(tmp_path / "more.jsonl"))])
    assert there(db) == [False, False, False]


@pytest.mark.slow
def test_the_command_says_how_many_bytes_went(tmp_path: Path) -> None:
    db = store(tmp_path / "store.duckdb")
    ok("forget", ANN, "--db", db)
    size = db.stat().st_size
    said = ok("compact", "--db", db, "--format", "json").json
    assert said["kind"] == "compact"
    assert (said["bytes_before"], said["bytes_after"]) == (size, db.stat().st_size)
    assert "MB" in ok("compact", "--db", db).text


@pytest.mark.slow
def test_a_link_to_a_store_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    db = store(tmp_path / "deep" / "store.duckdb")
    link = tmp_path / "link.duckdb"
    link.symlink_to(db)
    before = everything(db)
    compact(link)
    assert link.is_symlink()
    assert everything(db) == before


@pytest.mark.slow
def test_there_must_be_a_store_and_nobody_who_writes(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store"):
        compact(tmp_path / "none.duckdb")
    assert not list(tmp_path.iterdir())
    refused(ExitCode.STORE, "compact", "--db", tmp_path / "none.duckdb", says="no store")
    db = store(tmp_path / "store.duckdb")
    lock = Lock(db)
    try:
        with pytest.raises(StoreBusyError):
            compact(db)
    finally:
        lock.close()


# --- killed and failing ---------------------------------------------------------------------------

POINTS = ("begun", "copying", "copied", "synced", "replaced")
"""Before anything, before the new file is complete, once it is, once it is on the disk, and once it
is in the place of the old one."""


def at_point(point: str, reached: Callable[[], None]) -> None:
    """Let something happen at a point of a compaction."""
    copy_to, replace = Writer.copy_to, Path.replace
    if point in {"begun", "copied"}:

        def copying(writer: Writer, path: Path) -> None:
            if point == "begun":
                reached()
            copy_to(writer, path)
            reached()

        Writer.copy_to = copying  # type: ignore[method-assign, assignment]
    elif point == "copying":
        connect = duckdb.connect

        class Halfway:
            def __init__(self, real: Any) -> None:
                self._real = real

            def __getattr__(self, name: str) -> Any:
                return getattr(self._real, name)

            def execute(self, query: Any, *parameters: Any) -> Any:
                if str(query).startswith("CHECKPOINT fresh"):
                    reached()
                return self._real.execute(query, *parameters)

        vars(duckdb)["connect"] = lambda *a, **k: Halfway(connect(*a, **k))
    elif point == "synced":

        def syncing(path: Path) -> None:
            atomic.sync(path)
            reached()

        vars(module)["sync"] = syncing
    else:

        def replacing(path: Path, target: Path) -> Path:
            done = replace(path, target)
            reached()
            return done

        Path.replace = replacing  # type: ignore[method-assign, assignment]


def compact_and_die(path: Path, point: str) -> None:
    at_point(point, lambda: os.kill(os.getpid(), signal.SIGKILL))
    compact(path)


def compact_and_fail(path: Path, point: str) -> None:
    def fail() -> None:
        raise OSError(28, "No space left on device")

    at_point(point, fail)
    with pytest.raises(StoreError, match=r"No space left on device"):
        compact(path)
    assert not list(path.parent.glob("*.compact*"))


def in_child(target: Callable[[Path, str], None], path: Path, point: str) -> int | None:
    child = multiprocessing.get_context("fork").Process(target=target, args=(path, point))
    child.start()
    child.join(60)
    return child.exitcode


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Any]:
    db = store(tmp_path_factory.mktemp("compact") / "store.duckdb")
    with Writer(db) as writer:
        forget(writer, [ANN])
    return db.read_bytes(), everything(db)


@pytest.mark.slow
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_each_point_the_store_is_whole(
    point: str, tmp_path: Path, forgetful: tuple[bytes, Any]
) -> None:
    data, content = forgetful
    db = tmp_path / "store.duckdb"
    db.write_bytes(data)
    assert in_child(compact_and_die, db, point) == -signal.SIGKILL
    assert everything(db) == content
    assert (db.read_bytes() == data) == (point != "replaced")
    compact(db)
    assert everything(db) == content
    assert there(db) == [False, False, False]
    assert not list(tmp_path.glob("*.compact*"))


@pytest.mark.few(2)
@pytest.mark.parametrize("point", POINTS[:-1])
def test_a_fault_at_each_point_leaves_the_old_store(
    point: str, tmp_path: Path, forgetful: tuple[bytes, Any]
) -> None:
    data, content = forgetful
    db = tmp_path / "store.duckdb"
    db.write_bytes(data)
    assert in_child(compact_and_fail, db, point) == 0
    assert db.read_bytes() == data
    assert everything(db) == content
    assert did("agent001") in str(content)
