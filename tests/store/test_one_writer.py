"""One writer whatever the path, and a store that is exchanged or removed while it is written to."""

import os
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import duckdb
import polars as pl
import pytest

from blueattr import atomic
from blueattr.decode.chunk import Chunk
from blueattr.errors import ExitCode, NoStoreError, StoreBusyError, StoreError
from blueattr.ingest import follow as following
from blueattr.sources.find import find_streams
from blueattr.store import compact as compacting
from blueattr.store import lock as locking
from blueattr.store.commit.checkpoint import SourceState
from blueattr.store.commit.committer import ThreadCommitter
from blueattr.store.commit.writer import Writer, remove
from blueattr.store.database import Store
from support.cli_world import ok, refused
from support.effort import quick_ones
from support.events_builder import Event, at, lines, post
from support.store_content import content, rows


def append(writer: Writer, state: SourceState, *events: Event) -> SourceState:
    data = lines(*events)
    end = state.position + len(data)
    return writer.commit(writer.stage(Chunk(data, state.position, 0, end), state))


def events(name: str) -> list[Event]:
    return [post(name, "x", f"by {name}", rev=1, time=at(1))]


SOURCE = SourceState("x", "file")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "store.duckdb"
    with Writer(path) as writer:
        append(writer, SOURCE, *events("ann"))
    return path


@pytest.fixture
def db(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(made, tmp_path))


# --- readers --------------------------------------------------------------------------------------


def test_who_is_interrupted_as_a_commit_begins_waits_for_no_reader(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = ThreadCommitter.start

    def interrupted(committer: ThreadCommitter, work: Callable[[], int]) -> None:
        begin(committer, work)
        raise KeyboardInterrupt

    attempts: list[str] = []

    def in_use(_store: Store, *, read_only: bool) -> str:
        assert not read_only
        attempts.append("another process")
        assert len(attempts) < 20, "it waits on"
        return attempts[-1]

    with Writer(db) as writer:
        state = writer.sources()["x"]
        monkeypatch.setattr(ThreadCommitter, "start", interrupted)
        monkeypatch.setattr(Store, "_attempt", in_use)
        with pytest.raises(KeyboardInterrupt):
            append(writer, state, *events("bob"))
    assert len(attempts) < 20


def test_who_is_asked_twice_to_end_a_stream_waits_for_no_reader_wherever_that_comes(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second Ctrl-C may come while a connection is closed, and a commit waits beside it."""
    attempts: list[str] = []

    def in_use(_store: Store, *, read_only: bool) -> str:
        assert not read_only
        attempts.append("another process")
        assert len(attempts) < 20, "it waits on"
        return attempts[-1]

    def interrupted(follower: following._Follower) -> NoReturn:
        writer = follower.writer
        state = writer.sources()["x"]
        data = lines(*events("bob"))
        chunk = Chunk(data, state.position, 0, state.position + len(data))
        after = writer.stage(chunk, state)
        monkeypatch.setattr(Store, "_attempt", in_use)
        writer.commit(after, wait=False)
        follower.stop.set()
        raise KeyboardInterrupt

    monkeypatch.setattr(following._Follower, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        following.follow(db, find_streams(["jetstream"]))
    assert len(attempts) < 20


# --- one writer -----------------------------------------------------------------------------------


def by_link(db: Path) -> Path:
    (db.parent / "link").symlink_to(db)
    return db.parent / "link"


def by_link_to_link(db: Path) -> Path:
    (db.parent / "second").symlink_to(by_link(db).name)
    return db.parent / "second"


def by_hard_link(db: Path) -> Path:
    (db.parent / "elsewhere").mkdir()
    os.link(db, db.parent / "elsewhere" / "other.duckdb")
    return db.parent / "elsewhere" / "other.duckdb"


def by_folder(db: Path) -> Path:
    (db.parent / "folder").symlink_to(db.parent, target_is_directory=True)
    return db.parent / "folder" / db.name


def by_dots(db: Path) -> Path:
    (db.parent / "deep").mkdir()
    return db.parent / "deep" / ".." / db.name


def without_the_lock(db: Path) -> Path:
    Path(f"{db}.lock").unlink()
    return db


def with_another_lock(db: Path) -> Path:
    Path(f"{db}.lock").unlink()
    Path(f"{db}.lock").write_text("1")
    return db


WAYS = [
    by_link, by_link_to_link, by_hard_link, by_folder, by_dots, without_the_lock, with_another_lock
]  # fmt: skip


@pytest.mark.few(1)
@pytest.mark.parametrize("way", quick_ones(WAYS, (by_link, by_hard_link, without_the_lock)))
def test_a_second_writer_is_refused_whatever_the_path(
    db: Path, way: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(db)
    with Writer(db) as writer:
        other = way(db)
        monkeypatch.setattr(locking, "LOCK_PATIENCE", 0.0)
        with pytest.raises(StoreBusyError, match="writing to"):
            Writer(other, lock_patience=0.0)
        append(writer, SourceState("y", "file"), *events("bea"))
    with Writer(other, lock_patience=0.0) as writer:  # which can be taken now
        assert writer.count_events() == 2
    assert len(content(other).records) == len(before.records) + 1


def test_a_lock_that_was_removed_is_there_again_from_the_next_commit_on(db: Path) -> None:
    with Writer(db) as writer:
        without_the_lock(db)
        append(writer, SourceState("y", "file"), *events("bea"))
        assert Path(f"{db}.lock").read_text() == str(os.getpid())


def test_whoever_took_a_lock_that_was_removed_has_it(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the file of a store cannot be locked itself, as elsewhere than on Linux."""
    monkeypatch.setattr(sys, "platform", "darwin")
    with Writer(db) as first:
        without_the_lock(db)
        with Writer(db) as second:
            append(second, SourceState("y", "file"), *events("bea"))
            with pytest.raises(StoreBusyError, match=str(os.getpid())):
                first.count_events()
    assert len(content(db).records) == 2


def test_links_stay_and_what_is_beside_a_store_is_beside_its_file(db: Path, tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "link.duckdb"
    link.symlink_to(db)
    with Writer(link) as writer:
        append(writer, SourceState("y", "file"), *events("bea"))
    assert [path.name for path in link.parent.iterdir()] == [link.name]
    new = tmp_path / "links" / "new.duckdb"
    new.symlink_to(tmp_path / "made.duckdb")
    Writer(new).close()
    assert (tmp_path / "made.duckdb").exists()
    remove(new)
    assert not (tmp_path / "made.duckdb").exists()
    assert new.is_symlink()


def test_a_store_with_more_names_is_not_compacted(db: Path) -> None:
    by_hard_link(db)
    with pytest.raises(StoreError, match="2 names"):
        compacting.compact(db)


def test_what_is_renamed_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[int, str]] = []
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        synced.append((len(list(tmp_path.glob("*.duckdb"))), name))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    Writer(tmp_path / "store.duckdb").close()
    # The file before it has its name, and the folder after.
    assert synced == [(0, "store.duckdb.new"), (1, tmp_path.name)]
    synced.clear()
    atomic.write(tmp_path / "x.txt", b"x")
    assert [name for _, name in synced][-1] == tmp_path.name


# --- the store under one's feet -------------------------------------------------------------------


def put_back(db: Path, backup: Path) -> None:
    shutil.copy(backup, db.with_name("copy"))
    db.with_name("copy").replace(db)


def put_back_in_place(db: Path, backup: Path) -> None:
    db.write_bytes(backup.read_bytes())


def removed(db: Path, _: Path) -> None:
    db.unlink()


def moved_away(db: Path, _: Path) -> None:
    db.rename(db.with_name("gone"))


def emptied(db: Path, _: Path) -> None:
    os.truncate(db, 0)


def cut(db: Path, _: Path) -> None:
    os.truncate(db, db.stat().st_size // 2)


def another(db: Path, _: Path) -> None:
    with duckdb.connect(db.with_name("made")) as connection:
        connection.execute("CREATE TABLE t (x INTEGER)")
    db.with_name("made").replace(db)


def overwritten_by_another(db: Path, _: Path) -> None:
    with duckdb.connect(db.with_name("made")) as connection:
        connection.execute("CREATE TABLE t (x INTEGER)")
    db.write_bytes(db.with_name("made").read_bytes())


def of_a_store_just_as_far(db: Path, _: Path) -> None:
    """Another store, with as many commits and the same numbers."""
    other = db.with_name("twin.duckdb")
    with Writer(other) as writer:
        append(writer, append(writer, SOURCE, *events("cyd")), *events("dan"))
    db.write_bytes(other.read_bytes())


CHANGES = [
    put_back, put_back_in_place, removed, moved_away, emptied, cut, another,
    overwritten_by_another, of_a_store_just_as_far,
]  # fmt: skip
QUICK = (put_back, removed, emptied, of_a_store_just_as_far)


def everything_beside(db: Path) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes()
        for path in db.parent.iterdir()
        if not path.name.endswith(".lock")
    }


@pytest.mark.few(1)
@pytest.mark.parametrize("change", quick_ones(CHANGES, QUICK))
def test_a_store_that_is_exchanged_between_commits_is_left_alone(
    db: Path, change: Callable[[Path, Path], None]
) -> None:
    backup = db.with_name("backup")
    shutil.copy(db, backup)
    with Writer(db) as writer:
        state = append(writer, writer.source("x") or SOURCE, *events("bea"))
        change(db, backup)
        before = everything_beside(db)
        with pytest.raises(StoreError, match=str(db)):
            append(writer, state, *events("eve"))
        with pytest.raises(StoreError):
            writer.count_events()
    assert everything_beside(db) == before


@pytest.mark.parametrize("change", [removed, put_back])
def test_a_store_that_is_exchanged_as_it_is_opened_is_neither_made_nor_taken_for_damaged(
    db: Path, change: Callable[[Path, Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    backup, hold = db.with_name("backup"), locking.Lock.hold
    shutil.copy(db, backup)

    def held(lock: locking.Lock) -> None:
        hold(lock)
        change(db, backup)

    monkeypatch.setattr(locking.Lock, "hold", held)
    with pytest.raises(StoreError, match="replaced, emptied or removed"):
        Writer(db)
    assert db.exists() == (change is put_back)


@pytest.mark.few(1)
@pytest.mark.parametrize(
    "change", quick_ones([change for change in CHANGES if change is not cut], QUICK)
)
def test_it_is_not_compacted_over(
    db: Path, change: Callable[[Path, Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = db.with_name("backup")
    shutil.copy(db, backup)
    with Writer(db) as writer:
        append(writer, writer.source("x") or SOURCE, *events("bea"))
    copy_to = Writer.copy_to
    before: dict[str, bytes] = {}

    def copied(writer: Writer, path: Path) -> None:
        copy_to(writer, path)
        change(db, backup)
        before.update(everything_beside(db))

    monkeypatch.setattr(Writer, "copy_to", copied)
    with pytest.raises(StoreError, match=str(db)):
        compacting.compact(db)
    left = everything_beside(db)
    del before[f"{db.name}.compact"]
    assert left == before


def test_a_backup_of_what_is_there_is_no_other_store(db: Path) -> None:
    with Writer(db) as writer:
        put_back_in_place(db, Path(shutil.copy(db, db.with_name("backup"))))
        append(writer, SourceState("y", "file"), *events("bea"))
    assert len(content(db).records) == 2


def test_a_link_that_leads_elsewhere_is_another_store(db: Path, tmp_path: Path) -> None:
    link = by_link(db)
    shutil.copy(db, tmp_path / "other.duckdb")
    with Writer(link) as writer:
        link.unlink()
        link.symlink_to(tmp_path / "other.duckdb")
        with pytest.raises(StoreError, match="replaced"):
            append(writer, SourceState("y", "file"), *events("bea"))
    assert len(content(db).records) == len(content(tmp_path / "other.duckdb").records) == 1


def test_what_only_changes_a_store_makes_none(tmp_path: Path) -> None:
    for command in ("rollup", "compact", "hydrate"):
        refused(ExitCode.STORE, command, "--db", tmp_path / "x.duckdb", says="no store")
    with pytest.raises(NoStoreError):
        Writer(tmp_path / "x.duckdb", create=False)
    assert not (tmp_path / "x.duckdb").exists()


def test_answers_of_an_appview_are_about_accounts_not_numbers(db: Path) -> None:
    """Between its batches another store may come, in which the numbers are others'."""
    with Writer(db) as writer:
        with writer._attached():
            ((account, did),) = rows(writer, "SELECT id, did FROM account")
        when = at(1).replace(tzinfo=None)
        answers = pl.DataFrame(
            {
                "account": [account], "did": ["did:plc:other"], "asked_at": [when],
                "found": [True], "followers": [7], "created_at": [when],
            },
            schema_overrides={"account": pl.UInt32},
        )  # fmt: skip
        hydrated = "SELECT count(*) FROM hydration"
        writer.hydrate(answers)
        with writer._attached():
            assert rows(writer, hydrated) == [(0,)]
        writer.hydrate(answers.with_columns(did=pl.lit(did)))
        with writer._attached():
            assert rows(writer, hydrated) == [(1,)]


def test_a_store_that_is_written_over_while_it_is_read_is_noticed(db: Path) -> None:
    backup = Path(shutil.copy(db, db.with_name("backup")))
    with Writer(db) as writer:
        append(writer, SourceState("y", "file"), *events("bea"))

    def read() -> None:
        with Store.open(db) as store:
            assert len(rows(store, "FROM record"))
            put_back_in_place(db, backup)

    with pytest.raises(StoreError, match="written over"):
        read()
    with Store.open(db) as store:
        put_back(db, backup)  # the file that is open is whole
        assert len(rows(store, "FROM record"))


def test_a_reader_beside_a_writer_waits_and_reads(db: Path) -> None:
    """Within one process, too, where to close a file ends all locks on it."""
    with Writer(db) as writer:
        read: list[int] = []

        def count() -> None:
            with Store.open(by_link(db)) as store:
                read.append(len(rows(store, "FROM record")))

        state = SourceState("y", "file")
        thread = threading.Thread(target=count)
        thread.start()
        append(writer, state, *events("bea"))
        thread.join()
    assert read[0] in (1, 2)
    ok("status", "--db", db)
