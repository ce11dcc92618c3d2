"""A file is written whole or not at all, and failures name the file and the reason."""

import errno
import os
import stat
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from blueattr.atomic import write, write_files
from blueattr.errors import OutputError, UsageError
from blueattr.report import agents_to, format_of, render
from support.report_cases import ATTRIBUTION, STATUS

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.json", "json"),
        ("a.CSV", "csv"),
        ("a.b.parquet", "parquet"),
        ("a.txt", "text"),
        ("a.md", "md"),
        ("a.tex", "tex"),
    ],
)
def test_the_extension_chooses_the_format(name: str, form: str) -> None:
    assert format_of(Path(name)) == form


@pytest.mark.parametrize("name", ["a", "a.xlsx", ".json", "a.json.gz"])
def test_an_unknown_extension_is_refused(name: str, tmp_path: Path) -> None:
    ends = r"end the name in \.txt, \.json, \.csv, \.md, \.tex, \.parquet"
    with pytest.raises(UsageError, match=ends):
        format_of(Path(name))
    with pytest.raises(UsageError, match=r"end the name in \.parquet, \.csv, \.json, \.jsonl"):
        agents_to(tmp_path / "a.xlsx", ATTRIBUTION)


def test_a_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")
    write(path, render(STATUS, "json"))
    assert path.read_bytes() == render(STATUS, "json")
    assert list(tmp_path.iterdir()) == [path]


def test_the_umask_decides_who_reads(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write(tmp_path / "a.json", b"{}")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.json").stat().st_mode) == 0o640


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link.json").symlink_to(tmp_path / "real" / "a.json")
    write(tmp_path / "link.json", b"{}")
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "real" / "a.json").read_bytes() == b"{}"


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    path = tmp_path / "pipe.csv"
    os.mkfifo(path)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(path.read_bytes()), daemon=True)
    reader.start()
    write(path, b"a,b\n")
    reader.join(timeout=10)
    assert received == [b"a,b\n"]
    assert path.is_fifo()


def test_a_failure_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")
    fired = []

    def full(descriptor: int) -> None:
        fired.append(descriptor)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"report\.json: No space left on device"):
        write(path, b"new")
    assert fired
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_files_of_a_folder_are_all_there_or_none(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    (old / "a.txt").write_text("old")
    (old / "link.txt").symlink_to(tmp_path / "aim.txt")

    def fill(folder: Path, fails: str = "") -> tuple[Path, ...]:
        write(folder / "a.txt", b"new")
        if fails == "disk":
            raise OSError(errno.ENOSPC, "No space left on device")
        if fails == "write":
            write(folder / "none" / "b.txt", b"")
        if fails == "stopped":
            raise KeyboardInterrupt
        write(folder / "link.txt", b"b")
        return folder / "a.txt", folder / "link.txt"

    for folder in (old, tmp_path / "new", tmp_path / "deep" / "er"):
        for fails, says in (("disk", "No space left"), ("write", "there is no folder")):
            with pytest.raises(OutputError, match=f"^cannot write.* {folder}.*{says}") as caught:
                write_files(folder, partial(fill, fails=fails))
            assert ".part" not in str(caught.value)
        with pytest.raises(KeyboardInterrupt):
            write_files(folder, partial(fill, fails="stopped"))
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["a.txt", "link.txt", "old"]
    assert (old / "a.txt").read_text() == "old"
    for folder in (old, tmp_path / "deep" / "er"):
        assert write_files(folder, fill) == (folder / "a.txt", folder / "link.txt")
        assert sorted(each.name for each in folder.iterdir()) == ["a.txt", "link.txt"]
        assert (folder / "a.txt").read_text() == "new"
    assert (tmp_path / "aim.txt").read_text() == "b"
    (old / "a.txt").unlink()
    (old / "a.txt").mkdir()
    with pytest.raises(OutputError, match=r"cannot write to .*a\.txt is a folder"):
        write_files(old, fill)
    assert sorted(each.name for each in old.iterdir()) == ["a.txt", "link.txt"]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"there is no folder .*nowhere"):
        write(tmp_path / "nowhere" / "a.json", b"")
    with pytest.raises(OutputError, match="it is a folder"):
        write(tmp_path, b"")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        write(tmp_path / "file" / "a.json", b"")


def test_a_hostile_name_is_shown_harmless(tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught:
        write(tmp_path / "\x1b[2J" / "a.json", b"")
    assert "\x1b" not in str(caught.value)
    assert r"\x1b[2J" in str(caught.value)


@pytest.mark.parametrize("form", ["parquet", "csv", "json", "jsonl"])
def test_agents_are_whole(form: str, tmp_path: Path) -> None:
    path = tmp_path / f"agents.{form}"
    agents_to(path, ATTRIBUTION)
    readers: dict[str, Callable[[Path], pl.DataFrame]] = {
        "parquet": pl.read_parquet,
        "csv": pl.read_csv,
        "json": pl.read_json,
        "jsonl": pl.read_ndjson,
    }
    frame = readers[form](path)
    assert frame.columns == ["did", "tier", "a", "b", "c", "value", "share"]
    for name in ("a", "b", "c", "value", "share"):
        assert frame[name].to_list() == ATTRIBUTION.agents[name].to_list()


def test_an_agents_file_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        agents_to(tmp_path / "agents.parquet", ATTRIBUTION)
    assert not list(tmp_path.iterdir())


def test_reports_are_imported_without_their_libraries() -> None:
    code = (
        "import sys, blueattr.report;"
        "print([m for m in ('polars', 'rich', 'numba', 'duckdb', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
