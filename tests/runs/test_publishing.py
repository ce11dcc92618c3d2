"""Folders of reports and the record of runs, killed at each step and on a disk that is full."""

import multiprocessing
import os
import resource
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from blueattr.errors import OutputError
from blueattr.notify import told_record
from blueattr.runs import publish as runs_publish
from blueattr.runs.history.record import RECORD, RunRecord, read_entries, read_runs
from blueattr.runs.publish import faults, latest, publish, report_folders
from support.cli_world import ok

# --- publishing, killed at each step -------------------------------------------------------------


def in_child(target: Callable[..., object], *arguments: object) -> int:
    child = multiprocessing.get_context("fork").Process(target=target, args=arguments)
    child.start()
    child.join(30)
    assert child.exitcode is not None
    return child.exitcode


def publish_and_die(folder: Path, text: str, steps: int) -> None:
    """Publish, but be gone before a number of steps are done."""
    left = steps

    def dying(function: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **options: Any) -> Any:
            nonlocal left
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
            return function(*arguments, **options)

        return step

    os.fsync = dying(os.fsync)
    for name in ("rename", "replace", "symlink_to", "mkdir", "unlink"):
        setattr(Path, name, dying(getattr(Path, name)))
    shutil.rmtree = dying(shutil.rmtree)  # type: ignore[assignment]
    vars(runs_publish)["write"] = dying(vars(runs_publish)["write"])
    report(folder, text)


def report(folder: Path, text: str) -> Path:
    def fill(part: Path) -> None:
        (part / "sub").mkdir()
        (part / "a.txt").write_text(text)
        (part / "sub" / "b.txt").write_text(text * 2)

    runs_publish.clear(folder)
    return publish(folder, "2026-05-01T000000Z", fill, {"text": text}, keep=2)


@pytest.mark.slow
def test_killed_at_every_step_of_publishing_the_latest_is_whole(tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    folder.mkdir()
    seen, steps = set(), 0
    report(folder, "first")
    for steps in range(100):
        code = in_child(publish_and_die, folder, f"{steps}", steps)
        found = latest(folder)
        assert found is not None
        assert (folder / "latest" / "a.txt").read_text() == found["text"]
        seen.add(found["text"])
        if code == 0:
            break
        assert code == -signal.SIGKILL
    assert steps > 10
    # Some were killed before the link was switched, some after.
    assert "first" in seen
    assert str(steps - 1) in seen
    report(folder, "last")
    assert latest(folder)["text"] == "last"  # type: ignore[index]
    assert len([p for p in folder.iterdir() if not p.is_symlink()]) == 2  # those that are kept


def test_a_manifest_tells_what_is_not_as_it_was(tmp_path: Path) -> None:
    folder = report(tmp_path, "x")
    assert faults(folder) == []
    (folder / "a.txt").write_text("y")
    (folder / "sub" / "b.txt").unlink()
    (folder / "c.txt").write_text("more")
    assert [fault.split()[0] for fault in faults(folder)] == ["a.txt", "c.txt", "sub/b.txt"]
    (folder / "manifest.json").write_text("{")
    assert "damaged" in faults(folder)[0]
    assert faults(tmp_path / "none") != []


def test_old_reports_are_kept_or_go_but_never_the_latest(tmp_path: Path) -> None:
    names = [f"2026-05-0{day}T000000Z" for day in range(1, 6)]
    (tmp_path / "2026-04-01").mkdir()  # not one of ours
    for name in names:
        publish(tmp_path, name, lambda part: (part / "a").write_text("a"), {})
    assert {p.name for p in tmp_path.iterdir()} == {*names, "latest", "2026-04-01"}
    # The clock went back: the newest by name is not the latest.
    publish(tmp_path, "2026-01-01T000000Z", lambda part: (part / "a").write_text("b"), {}, keep=3)
    left = {p.name for p in tmp_path.iterdir()}
    assert left == {"2026-01-01T000000Z", *names[-2:], "latest", "2026-04-01"}
    assert (tmp_path / "latest").readlink() == Path("2026-01-01T000000Z")
    publish(tmp_path, "2026-01-01T000000Z", lambda part: (part / "a").write_text("c"), {}, keep=1)
    assert (tmp_path / "latest").readlink() == Path("2026-01-01T000000Z-2")
    assert {p.name for p in tmp_path.iterdir()} == {
        "2026-01-01T000000Z-2", "latest", "2026-04-01",
    }  # fmt: skip


def test_reports_of_a_clock_that_was_ahead_do_not_outlive_those_since(tmp_path: Path) -> None:
    def at(name: str, keep: int) -> None:
        publish(tmp_path, name, lambda part: (part / "a").write_text("a"), {}, keep=keep)

    for name in ("2026-05-01T000000Z", "2028-01-01T000000Z", "2028-01-01T010000Z"):
        at(name, 9)
    at("2026-05-01T010000Z", 3)
    assert {*map(str, (p.name for p in report_folders(tmp_path)))} == {
        "2026-05-01T000000Z", "2026-05-01T010000Z", "2028-01-01T010000Z"
    }  # fmt: skip
    at("2026-05-01T020000Z", 3)
    assert [p.name for p in report_folders(tmp_path)] == [
        f"2026-05-01T0{hour}0000Z" for hour in range(3)
    ]


def test_what_fails_while_it_writes_leaves_nothing(tmp_path: Path) -> None:
    report(tmp_path, "x")

    def fail(part: Path) -> NoReturn:
        (part / "a").write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="No space left"):
        publish(tmp_path, "2026-05-02T000000Z", fail, {})
    assert latest(tmp_path)["text"] == "x"  # type: ignore[index]
    assert len(list(tmp_path.iterdir())) == 2
    (tmp_path / "latest").unlink()
    (tmp_path / "latest").mkdir()
    with pytest.raises(OutputError, match="not a link"):
        report(tmp_path, "y")


# --- the record ----------------------------------------------------------------------------------


def start(record: RunRecord, name: str) -> None:
    record.note("start", name, started="2026-05-01T00:00:00+00:00", pid=os.getpid())


def end(record: RunRecord, name: str) -> None:
    record.note("end", name, outcome="fine", exit_code=0, seconds=1.0)


def test_what_a_kill_leaves_of_a_line_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / RECORD
    with RunRecord(tmp_path) as record:
        start(record, "one")
        end(record, "one")
    whole = path.read_bytes()
    assert whole.count(b"\n") == 2
    for cut in {*range(1, len(whole), 5), whole.index(b"\n"), whole.index(b"\n") + 1}:
        for room in (b"", b"\n" * 10, b"\n" * 70_000, b"\0" * 5):
            path.write_bytes(whole[:cut] + room)
            with RunRecord(tmp_path) as record:
                start(record, "two")
                end(record, "two")
            found = read_runs(tmp_path)
            assert (found[-1].name, found[-1].outcome) == ("two", "fine")
            if cut > whole.index(b"\n"):
                assert found[0].name == "one"
            if cut % 50 > 2:  # all of them cost seconds
                break


def test_a_killed_run_stands_there_as_killed(tmp_path: Path) -> None:
    def die(folder: Path) -> None:
        record = RunRecord(folder)
        start(record, "one")
        record.note("stage", "one", stage="ingest", seconds=0.5, message="3 files")
        os.kill(os.getpid(), signal.SIGKILL)

    assert in_child(die, tmp_path) == -signal.SIGKILL
    (found,) = read_runs(tmp_path)
    assert (found.outcome, found.exit_code, found.seconds) == ("killed", None, None)
    assert [stage.message for stage in found.stages] == ["3 files"]
    with RunRecord(tmp_path) as record:
        start(record, "two")
        assert [r.outcome for r in read_runs(tmp_path)] == ["killed", "going"]
        end(record, "two")
    assert [r.outcome for r in read_runs(tmp_path)] == ["killed", "fine"]


def test_a_disk_that_fills_up_keeps_no_end_from_being_told(tmp_path: Path) -> None:
    def fill(folder: Path) -> None:
        with RunRecord(folder) as record:
            start(record, "one")
            # No file may grow beyond what the record has taken.
            size = (folder / RECORD).stat().st_size
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
            other = os.open(folder / "x", os.O_CREAT | os.O_WRONLY)
            assert os.write(other, b"x" * size) == size
            with pytest.raises(OSError, match="large"):
                os.write(other, b"x")
            end(record, "one")

    signal_ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        assert in_child(fill, tmp_path) == 0
    finally:
        signal.signal(signal.SIGXFSZ, signal_ignored)
    assert [r.outcome for r in read_runs(tmp_path)] == ["fine"]


def test_a_line_of_which_a_part_fits_on_the_disk_is_not_noted_and_spoils_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.pwrite
    with RunRecord(tmp_path) as record:
        start(record, "one")
        with monkeypatch.context() as patch:
            patch.setattr(os, "pwrite", lambda file, data, at: write(file, data[:9], at))
            with pytest.raises(OutputError, match="the disk is full"):
                record.note("notice", "one", notice={})
        end(record, "one")
    assert [entry["what"] for entry in read_entries(tmp_path)] == ["start", "end"]


def test_no_run_starts_that_could_not_be_recorded(tmp_path: Path) -> None:
    with RunRecord(tmp_path) as record:
        start(record, "one")
        end(record, "one")
    before = (tmp_path / RECORD).read_bytes()

    def fill(folder: Path) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        with pytest.raises(OutputError):
            RunRecord(folder)

    assert in_child(fill, tmp_path) == 0
    assert (tmp_path / RECORD).read_bytes() == before


def test_the_room_that_a_run_reserves_is_not_read_line_by_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = []
    parse = told_record._entry

    def noting(line: bytes) -> dict[str, Any] | None:
        parsed.append(line)
        return parse(line)

    monkeypatch.setattr(told_record, "_entry", noting)
    with RunRecord(tmp_path) as record:
        start(record, "one")
        assert (tmp_path / RECORD).stat().st_size > 1 << 15
        assert [run.outcome for run in read_runs(tmp_path)] == ["going"]
    assert len(parsed) == 1


def test_nothing_of_a_record_is_trusted(tmp_path: Path) -> None:
    (tmp_path / RECORD).write_bytes(
        b'{}\n[]\n{"run": "x"}\n{"run": "x", "what": "end"}\nx\n\xff\n'
        b'{"run": "y", "what": "stage", "stage": "s", "seconds": 1, "message": "m"}\n'
    )
    assert read_runs(tmp_path) == []
    assert ok("runs", "--reports", tmp_path).text.startswith("0 runs")
