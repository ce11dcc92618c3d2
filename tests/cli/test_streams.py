"""Streams: stdout is data and nothing else, in every format, on every kind of stream."""

import csv
import errno
import gzip
import io
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from blueattr.cli.main import app
from blueattr.errors import ExitCode
from support.cli_world import BLUEATTR, ok, process

REPORTS = {
    "status": ["status"],
    "panel": ["panel"],
    "topics list": ["topics", "list"],
    "topics check": ["topics", "check", "mythos"],
    "attribute": ["attribute", "--topic", "mythos"],
    "attribute all": ["attribute", "--indicator", "all"],
    "compare-scales": ["compare-scales", "--sizes", "5,20", "--seeds", "2"],
}


@pytest.mark.few(2)
@pytest.mark.parametrize("name", REPORTS)
def test_stdout_is_data_and_nothing_else_and_a_file_holds_the_same(
    name: str, db: Path, panel_file: Path, here: Path
) -> None:
    asked: list[object] = [*REPORTS[name]]
    if name in {"attribute all", "compare-scales"}:
        asked += ["--features", panel_file]
    elif name != "topics list":
        asked += ["--db", db]
    for form, ending in (("text", "txt"), ("json", "json"), ("csv", "csv")):
        done = ok(*asked, "--format", form)
        assert done.stderr == ""
        assert done.stdout.endswith(b"\n")
        if form == "text":
            assert b"\x1b" not in done.stdout
            assert len(done.text.splitlines()) > 3
        elif form == "json":
            assert done.json["schema_version"] == 1
            assert done.json["kind"]
        else:
            rows = list(csv.reader(io.StringIO(done.text), strict=True))
            assert len(rows) > 1
            assert {len(row) for row in rows} == {len(rows[0])}
        file = here / f"r.{ending}"
        written = ok(*asked, "--out", file)
        assert written.stdout == b""
        assert written.stderr == f"written: {file}\n"
        assert file.read_bytes() == done.stdout
    ok(*asked, "--out", "r.parquet")
    frame = pl.read_parquet("r.parquet")
    assert frame.columns == next(csv.reader(io.StringIO(Path("r.csv").read_text())))
    assert len(frame)
    report = json.loads(Path("r.json").read_text())
    assert json.loads(pl.read_parquet_metadata("r.parquet")["blueattr"]) == report


def test_a_run_repeats_itself_to_the_byte(db: Path) -> None:
    asked = ["compare-scales", "--topic", "all", "--sizes", "7", "--protocol", "all", "--db", db]
    assert ok(*asked, "--format", "json").stdout == ok(*asked, "--format", "json").stdout
    other = ok(*asked, "--format", "json", "--seed", "1").json
    assert other["indicators"] != ok(*asked, "--format", "json").json["indicators"]


@pytest.mark.slow
def test_ingest_reports_what_it_did(events_file: Path, here: Path) -> None:
    asked = ["ingest", events_file, "--db", here / "new" / "s.duckdb", "--format", "json"]
    first = ok(*asked).json
    assert first["events_before"] == 0
    assert first["events_after"] > 500
    assert first["failures"] == []
    (source,) = first["sources"]
    assert source["state"] == "complete"
    assert (
        source["lines"]
        == source["kept"] + source["skipped"]
        == len(events_file.read_bytes().splitlines())
    )
    again = ok(*asked).json
    assert again["events_before"] == again["events_after"] == first["events_after"]
    assert again["sources"][0]["state"] == "unchanged"


@pytest.mark.slow
def test_ingest_reads_standard_input(events_file: Path, here: Path, db: Path) -> None:
    store = here / "s.duckdb"
    ok("ingest", "-", "--db", store, stdin=gzip.compress(events_file.read_bytes()))
    days = ok("status", "--db", store, "--format", "csv").stdout
    assert days == ok("status", "--db", db, "--format", "csv").stdout
    assert days.count(b"\n") == 16


def test_a_reader_that_has_enough_is_no_reason_to_complain() -> None:
    asked = shlex.join([str(BLUEATTR), "topics", "list"])
    # The reader is gone before anything is written.
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; (sleep 0.2; {asked}) | true"],
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.stderr == b""
    assert done.returncode == ExitCode.OUTPUT
    head = subprocess.run(
        ["bash", "-c", f"{asked} | head -1"], capture_output=True, check=True, timeout=60
    )
    assert head.stdout.startswith(b"Topics")
    assert head.stderr == b""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_and_closed_streams() -> None:
    asked = shlex.join([str(BLUEATTR), "topics", "list"])
    for redirection, says in ((">/dev/full", b"No space left"), (">&-", b"is closed")):
        done = subprocess.run(
            ["bash", "-c", f"{asked} {redirection}"], capture_output=True, check=False, timeout=60
        )
        assert done.returncode == ExitCode.OUTPUT
        assert done.stderr.startswith(b"blueattr: cannot write the result: ")
        assert says in done.stderr
        assert done.stderr.count(b"\n") == 1
    quiet = subprocess.run(
        ["bash", "-c", f"{BLUEATTR} status --bogus 2>&-"],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (quiet.returncode, quiet.stdout) == (ExitCode.USAGE, b"")


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ("- --plc - < /dev/null", ExitCode.USAGE, b"standard input (-) must be the only source"),
        ("/dev/stdin --plc - < /dev/null", ExitCode.USAGE, b"must be the only source"),
        ("- 0> /dev/null", ExitCode.INPUT, b"cannot read standard input"),
        ("--plc - 0> /dev/null", ExitCode.INPUT, b"cannot read standard input"),
    ],
)
def test_a_standard_input_that_cannot_be_read_leaves_no_store(
    here: Path, arguments: str, code: ExitCode, says: bytes
) -> None:
    command = f"{BLUEATTR} ingest --db new.duckdb {arguments}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=here, capture_output=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (code, b"")
    assert says in done.stderr
    assert list(here.glob("new.duckdb*")) == []


def test_a_process_says_the_same_in_any_locale() -> None:
    asked = ["topics", "list"]
    plain = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0",
             "PYTHONIOENCODING": "ascii"}  # fmt: skip
    done = process(*asked, env=plain)
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert rb"\u95a2\u7a0e" in done.stdout
    data = process(*asked, "--format", "json", env=plain)
    assert data.stdout == ok(*asked, "--format", "json").stdout


@pytest.mark.few(1)
@pytest.mark.parametrize("form", [("--plain",), ("--format", "jsonl")])
def test_a_watch_that_cannot_write_its_pictures_ends_with_7_and_a_sentence(
    form: tuple[str, ...], db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("watch", "--db", str(db), "--topic", "mythos", "--replay", "1000000x", *form)
    said = []
    for stdout in (_Unwritable(errno.ENOSPC), _Unwritable(errno.EPIPE)):
        err = io.StringIO()
        monkeypatch.setattr(sys, "argv", ["blueattr", *asked])
        monkeypatch.setattr(sys, "stdout", stdout)
        monkeypatch.setattr(sys, "stderr", err)
        with pytest.raises(SystemExit) as ended:
            app()
        assert ended.value.code == ExitCode.OUTPUT, err.getvalue()
        said.append((stdout.tried, err.getvalue()))
    assert said == [
        (True, "blueattr: cannot write the result: No space left on device\n"), (True, "")
    ]  # fmt: skip


class _Unwritable(io.StringIO):
    """A disk that is full, or a reader that has read enough; its descriptor is nobody's."""

    def __init__(self, error: int) -> None:
        super().__init__()
        self.error, self.tried = error, False

    def flush(self) -> None:
        self.tried = True
        raise OSError(self.error, os.strerror(self.error))

    def fileno(self) -> int:
        return os.dup(os.open(os.devnull, os.O_WRONLY))
