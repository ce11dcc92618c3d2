"""Files read straight into partitions: the same as through a store, whatever comes between."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, event, given
from hypothesis import strategies as st

from blueattr.analysis.upkeep.parted_status import status_of_partitions
from blueattr.analysis.upkeep.status import Status, status
from blueattr.errors import ExitCode
from blueattr.file_lock import FileLock
from blueattr.ingest import read
from blueattr.ingest.read import ingest
from blueattr.partitions import driver, tasks
from blueattr.partitions.export import export_partitions
from blueattr.partitions.fold import fold_bucket
from blueattr.partitions.folder import PartitionFolder
from blueattr.partitions.ingest import ingest_partitions
from blueattr.partitions.meta import NOTED, Meta, WrittenPart, read_notes
from blueattr.report.inventory.status import status_report
from blueattr.store.database import Store
from support.cli_world import Run, ok, refused, run, write_events
from support.effort import costly_law
from support.events_builder import Event, identity, lines, profile
from support.events_builder import at as moment
from support.rollup_checks import USUAL, histories


@pytest.fixture(autouse=True)
def _buckets_stay_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each bucket is a task, though there are few events, unless a test says otherwise."""
    monkeypatch.setattr(driver, "ROWS_OF_A_TASK", 0)


# --- the law -------------------------------------------------------------------------------------


SAID: list[Event] = [
    identity("ann", "ann.example", time=moment(days=1)),
    identity("bea", None, time=moment(days=1)),
    profile("ann", rev=950, time=moment(days=1)),
    profile("ann", rev=951, time=moment(days=2), operation="update", bot=True),
]


class KilledError(Exception):
    pass


@pytest.mark.slow
@costly_law(8, suppress=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data())
def test_what_files_bring_depends_on_no_order_repeat_or_kill(
    fresh: Callable[[], Path], data: st.DataObject
) -> None:
    folder = fresh()
    events = data.draw(st.permutations([*data.draw(histories()), *USUAL, *SAID]))
    count = data.draw(st.integers(1, 4), label="files")
    files = [folder / f"files/{k}.jsonl" for k in range(count)]
    files[0].parent.mkdir()
    again = data.draw(st.lists(st.sampled_from(events), max_size=9), label="repeated")
    for k, file in enumerate(files):
        file.write_bytes(lines(*events[k::count], *(again if k == 0 else [])))
    buckets, joined = data.draw(
        st.sampled_from([(3, 2), (2, 1), (1, 1)]), label="buckets, of a task"
    )
    first = data.draw(st.permutations(files))[: data.draw(st.integers(1, count))]
    place, falls = folder / "files/parts", data.draw(st.integers(0, 40), label="falls at")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(read, "_COMMIT_SECONDS", -1.0)  # each chunk is a commit
        patch.setattr(read, "_COMMITS_APART", 0.0)
        if data.draw(st.booleans(), label="compiled"):
            patch.setattr(read, "_BEFORE_COMPILING", 0)
        with killed_at(falls) as fell:
            try:
                ingest_partitions(place, [str(file) for file in first], buckets)
            except KilledError:
                assert fell
        event("killed" if fell else "not killed")
        (place / "ingest.work").mkdir(parents=True, exist_ok=True)  # as a kill leaves it
        (place / "ingest.work/notes.duckdb").write_bytes(b"half")
        ours = ingest_partitions(place, [str(folder / "files")], buckets)
    db = folder / "whole.duckdb"
    theirs = ingest(db, [str(file) for file in files])
    assert ours.sources == theirs.sources
    assert ours.failures == theirs.failures == ()
    meta = Meta.read(PartitionFolder(place))
    assert ours.events_after == meta.rows
    assert len(files_in(place)) == sum(part.files for part in meta.parts)
    with Store.open(db) as store:
        assert meta.notes == read_notes(store)
    export_partitions(db, folder / "theirs", 1)
    with folded_rows(folder) as rows, pytest.MonkeyPatch.context() as patch:
        patch.setattr(driver, "joined", lambda *_: joined)
        assert said(status_of_partitions(place)) == said(status(db))
    assert sorted(rows) == rows_in(folder / "theirs")
    unchanged = ingest_partitions(place, [str(folder / "files")])
    assert len(unchanged.unchanged) == count
    assert Meta.read(PartitionFolder(place)) == meta


def said(status: Status) -> dict[str, Any]:
    """What a report says, but for the place."""
    content = status_report(status, moment(days=9)).content
    assert content is not None
    place = ("db", "folder", "bytes", "rows_checked", "buckets", "sightings")
    return {name: value for name, value in content.items() if name not in place}


@contextmanager
def killed_at(write: int) -> Iterator[list[int]]:
    """Fail at some write of a folder, as if nothing came after it."""
    left, fell = write, list[int]()
    whole = PartitionFolder._writing

    def writing(folder: PartitionFolder, name: str) -> object:
        nonlocal left
        left -= 1
        if left < 0:
            fell.append(write)
            raise KilledError
        return whole(folder, name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PartitionFolder, "_writing", writing)
        yield fell


def files_in(place: Path) -> list[Path]:
    return sorted((place / "events").rglob("*.parquet"))


def rows_in(place: Path) -> list[str]:
    """All rows, as text, which can be sorted."""
    frames = [pl.read_parquet(file).cast({pl.Categorical: pl.String}) for file in files_in(place)]
    return sorted(map(repr, pl.concat(frames).rows()))


@contextmanager
def folded_rows(scratch: Path) -> Iterator[list[str]]:
    """Collect the rows of each bucket that is folded: as a store has them, written again."""
    found = list[str]()

    def fold(*arguments: Any) -> None:
        fold_bucket(*arguments)
        again = scratch / f"again{len([*scratch.glob('again*')])}"
        export_partitions(arguments[4], again, 1)
        found.extend(rows_in(again))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks, "fold_bucket", fold)
        yield found


# --- the command ---------------------------------------------------------------------------------


def ingested(*arguments: object) -> Run:
    return run("ingest", *arguments, "--format", "json", "--quiet")


@pytest.mark.slow
def test_the_command_reads_files_to_the_panel_that_a_store_gives(
    panel_file: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There are 1,024 buckets, and few events, so that one task takes all of them."""
    monkeypatch.setattr(driver, "ROWS_OF_A_TASK", 500_000)
    write_events(here / "events.jsonl")
    made = ok("ingest", "events.jsonl", "--events", "parts", "--quiet")
    assert made.text.startswith("parts holds ")
    assert " rows, 0 before." in made.text
    assert "complete" in made.text
    done = ok("features", "--events", "parts", "--topic", "mythos", "--out", "panel/")
    assert "agents in 1 part)" in done.stderr
    frames = [pl.read_parquet(file) for file in sorted(Path("panel").iterdir())]
    assert Meta.read(PartitionFolder("parts")).buckets == 1024
    assert len(frames) == 1
    assert frames[0].equals(pl.read_parquet(panel_file))
    again = ingested("events.jsonl", "--events", "parts").json
    assert [source["state"] for source in again["sources"]] == ["unchanged"]
    assert again["rows_before"] == again["rows_after"] == Meta.read(PartitionFolder("parts")).rows
    assert sorted(path.name for path in Path("parts").iterdir()) == ["events", "meta.json"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "question",
    [
        ("status",),
        ("topics", "check", "mythos", "trump-tariffs", "--window", "3d", "--influence", "replies"),
    ],
    ids=lambda words: words[0],
)
def test_what_is_said_of_partitions_is_what_the_store_says(
    question: tuple[str, ...], both: tuple[Path, Path]
) -> None:
    parts, db = both
    ours = ok(*question, "--events", parts, "--format", "json").json
    theirs = ok(*question, "--db", db, "--format", "json").json
    own = {"folder", "buckets", "sightings"}, {"db", "rows_checked"}
    if question == ("status",):
        assert [ours.keys() - theirs.keys(), theirs.keys() - ours.keys()] == [*own]
        assert ours["events"] > 900
        assert theirs.pop("bytes") != ours.pop("bytes")
    assert {k: v for k, v in ours.items() if k not in own[0]} == {
        k: v for k, v in theirs.items() if k not in own[1]
    }


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Partitions and a store of the same file."""
    place = tmp_path_factory.mktemp("both")
    file = write_events(place / "events.jsonl")
    file.write_bytes(file.read_bytes() + b"no line\n")
    ingest(place / "db", [str(file)])
    ingest_partitions(place / "parts", [str(file)], 2)
    return place / "parts", place / "db"


GOOD = lines(profile("ann", rev=1, time=moment(days=1)))


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("content", "code"),
    [
        (GOOD + b"{}\nno line\n", ExitCode.MOSTLY_REJECTED),
        (b"no line\n", ExitCode.INPUT),
    ],
    ids=["mostly rejected", "nothing of it"],
)
def test_rejected_lines_are_counted_and_told_as_by_a_store(
    content: bytes, code: ExitCode, here: Path
) -> None:
    Path("some.jsonl").write_bytes(content)
    ours, theirs = (ingested("some.jsonl", *where) for where in (("--events", "e"), ("--db", "s")))
    assert ours.code == theirs.code == code
    assert ours.stderr == theirs.stderr
    of_both = ours.json.keys() & theirs.json.keys()
    assert {"sources", "failures", "passed_over"} <= of_both
    assert all(ours.json[name] == theirs.json[name] for name in of_both)
    # A wrong file is no reason for a folder.
    assert Path("e").exists() is (code is not ExitCode.INPUT)


@pytest.mark.parametrize(
    ("code", "arguments", "words"),
    [
        (2, ("--events", "x"), "--events is for files"),
        (2, ("jetstream", "--events", "x"), "--events is for files"),
        (2, ("a.jsonl", "--buckets", "4"), "--buckets is for --events"),
        (2, ("a.jsonl", "--events", "x", "--db", "y"), "--db would change nothing"),
        (2, ("a.jsonl", "--events", "x", "--buckets", "0"), "from 1 to 9,999"),
        (3, ("a.jsonl", "--events", "x"), "a.jsonl"),
        (2, ("sound.jsonl", "--events", "two", "--buckets", "3"), "has 2 buckets"),
        (7, ("sound.jsonl", "--events", "of a store"), "was exported from a store"),
        (5, ("sound.jsonl", "--events", "held"), "is writing to held"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    code: int, arguments: tuple[str, ...], words: str, here: Path
) -> None:
    Path("sound.jsonl").write_bytes(GOOD)
    Path("held").mkdir()
    two = Meta(2, notes={name: [] for name in NOTED})
    two.write(PartitionFolder("two"))
    of_store = two.with_part(WrittenPart("store-1-records", 0, 0, 0))
    of_store.write(PartitionFolder("of a store"))
    before = {path: path.stat().st_mtime_ns for path in here.rglob("*") if path.is_file()}
    with FileLock(Path("held/ingest.lock")):
        assert words in refused(ExitCode(code), "ingest", *arguments).stderr
    left = {path: path.stat().st_mtime_ns for path in here.rglob("*") if path.is_file()}
    left.pop(here / "held/ingest.lock")
    assert left == before
