"""Many small files: as cheap as one, each with its own counts, and whole after a kill."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from blueattr.ingest import read
from blueattr.sources import files
from blueattr.sources.files import FileSource
from blueattr.store.commit.writer import Writer
from support import crash, ingest_child
from support.events_builder import Event, at, lines, mixed, plc
from support.forked import run
from support.store_content import content, expected, sources

EVENTS = mixed(120)
ODD = (
    b"\xff\n",
    b"not json\n",
    b'{"kind": "commit"}\n',
    b'{"a": 1\n',
    b'{"\\u0064id":"x"}\n',
    b"\n",
)


def folder_of(tmp_path: Path, events: list[Event], each: int, *, odd: bool = False) -> Path:
    """Write a folder of files of so many events, some with odd lines of their own."""
    folder = tmp_path / "folder"
    folder.mkdir()
    for k in range(0, len(events), each):
        number = k // each
        data = lines(*events[k : k + each])
        if odd:
            data += b"".join(ODD[: number % (len(ODD) + 1)]) * (1 + number % 3)
        (folder / f"{number:05d}.jsonl").write_bytes(data)
    return folder


def effort(work: Callable[[], object]) -> tuple[int, int]:
    """Return how many commits and statements the engine was asked for."""
    commits = statements = 0

    class Counting:
        def __init__(self, real: object) -> None:
            self._real = real

        def __getattr__(self, name: str) -> object:
            nonlocal commits, statements
            commits += name == "commit"
            statements += name in {"execute", "sql"}
            return getattr(self._real, name)

    with crash.wrapping(Counting):
        work()
    return commits, statements


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["file", "plc"])
def test_many_files_take_as_many_commits_and_statements_as_one_and_one_more_at_most(
    tmp_path: Path, kind: str
) -> None:
    events = (
        EVENTS if kind == "file" else [plc(chr(97 + k % 26), at(k), "a.org") for k in range(120)]
    )
    folder = folder_of(tmp_path, events, 2, odd=True)
    paths = sorted(folder.iterdir())
    whole = tmp_path / "whole.jsonl"
    whole.write_bytes(b"".join(path.read_bytes() for path in paths))
    assert len(paths) == 60

    def ingest(store: str, *arguments: Path) -> tuple[int, int]:
        return effort(lambda: read.ingest(tmp_path / store, [*map(str, arguments)], kind=kind))

    one, many = ingest("one", whole), ingest("many", folder)
    assert one[0] >= 2
    assert many[0] <= one[0]
    assert many[1] <= one[1] + 1
    assert content(tmp_path / "one") == content(tmp_path / "many")
    # Nothing is new: all unchanged, all touched, or all but one.
    assert ingest("many", folder)[1] <= ingest("one", whole)[1] + 1
    for path in (*paths, whole):
        path.write_bytes(path.read_bytes() + b"\n")
    one, many = ingest("one", whole), ingest("many", folder)
    assert (many[0] <= one[0], many[1] <= one[1] + 1) == (True, True)


@pytest.mark.slow
def test_each_file_has_the_counts_and_samples_it_would_have_alone(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, EVENTS, 15, odd=True)
    (folder / "empty.jsonl").touch()
    (folder / "zcut.jsonl").write_bytes(lines(*EVENTS[:3]) + b'{"did": "x')
    together = read.ingest(tmp_path / "together", [str(folder)])
    apart = [read.ingest(tmp_path / "apart", [str(path)]) for path in sorted(folder.iterdir())]
    assert sources(tmp_path / "together") == sources(tmp_path / "apart")
    assert content(tmp_path / "together") == content(tmp_path / "apart") == expected(EVENTS)
    assert [s.name for s in together.sources] == [s.sources[0].name for s in apart]
    assert list(together.failures) == [failure for one in apart for failure in one.failures]
    assert len(together.failures) == 1
    rejected, samples = sources(tmp_path / "together")[1:]
    assert len({name for name, *_ in rejected}) > 6
    assert samples


@pytest.mark.slow
@pytest.mark.parametrize("point", crash.QUICK)
def test_killed_in_a_commit_of_many_files_the_next_run_ends_with_the_same_store(
    tmp_path: Path, point: str
) -> None:
    folder = folder_of(tmp_path, EVENTS, 4, odd=True)
    assert run(ingest_child.ingest, tmp_path / "whole", folder) == 0
    whole = content(tmp_path / "whole"), sources(tmp_path / "whole")
    db = tmp_path / "killed"
    Writer(db).close()
    assert run(ingest_child.killed_at, db, folder, point) == -signal.SIGKILL
    reached = sources(db)[0]
    assert 0 < len(reached) < len(whole[1][0])
    # What a file's position says is there, and nothing else is.
    seen: list[Event] = []
    for k, path in enumerate(sorted(folder.iterdir())):
        if str(path) in reached:
            data = path.read_bytes()[: reached[str(path)][2]]
            seen += EVENTS[4 * k : 4 * k + 4][: data.count(b'"did":"did:plc:')]
    assert content(db) == expected(seen)
    read.ingest(db, [str(folder)])
    assert (content(db), sources(db)) == whole


@pytest.mark.slow
def test_small_files_are_not_held_back_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "COMMIT_ROWS", 20)
    folder = folder_of(tmp_path, EVENTS, 5)
    commits, _ = effort(lambda: read.ingest(tmp_path / "store", [str(folder)]))
    # Migrations and rollups commit, too.
    one = effort(lambda: Writer(tmp_path / "none").close())[0]
    assert commits - one >= 4
    assert content(tmp_path / "store") == expected(EVENTS)


@pytest.mark.slow
def test_what_waits_is_committed_before_a_pipe_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(lines(*EVENTS))
    seen = {}

    class Slow(files.Pipe):
        def chunks(self, position: int = 0):  # type: ignore[no-untyped-def]
            seen.update(sources(db)[0])
            return super().chunks(position)

    db = tmp_path / "store"
    piped = tmp_path / "piped"
    piped.write_bytes(lines(*EVENTS[:1]))
    read.ingest_sources(db, [FileSource(path), Slow(str(piped))])
    assert str(path) in seen


@pytest.mark.slow
def test_a_file_that_vanishes_keeps_no_other_out(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, EVENTS, 60)
    found = files.find([str(folder)])
    (folder / "00000.jsonl").unlink()
    done = read.ingest_sources(tmp_path / "store", found)
    assert len(done.failures) == 1
    assert "00000.jsonl" in done.failures[0]
    assert content(tmp_path / "store") == expected(EVENTS[60:])
    assert done.unchanged == ()


@pytest.mark.slow
def test_progress_of_many_files_is_that_of_all_together(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, EVENTS, 2)
    calls: list[tuple[str, int, int | None]] = []
    read.ingest(tmp_path / "store", [str(folder)], progress=lambda *call: calls.append(call))
    size = sum(path.stat().st_size for path in folder.iterdir())
    assert {(name, whole) for name, _, whole in calls} == {("60 files", size)}
    assert [done for _, done, _ in calls] == sorted(done for _, done, _ in calls)
    assert calls[-1][1] == size
