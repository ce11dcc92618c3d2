"""The log of a run: inert, whole in every line, and added to a file."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from blueattr.errors import ExitCode
from blueattr.runs.log import LineLog, LogForm
from support.cli_world import harmless, ok, run
from support.run_folder import EVENTS, SETTINGS, done, drop, write

pytestmark = pytest.mark.usefixtures("run_folder")

HOSTILE = "a\x1b[31mb\nc\u202ed\x00 \udcff <script>" + "x" * 100_000


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_strangers_wrote_is_inert_in_a_log(form: LogForm, tmp_path: Path) -> None:
    path = tmp_path / "log"
    with LineLog(form, path) as log:
        log("warning", "run", f"ingest {HOSTILE}", HOSTILE, 1.25)
    raw = path.read_bytes()
    text = raw.decode()
    assert text.count("\n") == 1
    assert harmless(text)
    assert len(text) < 6000
    if form == "json":
        entry = json.loads(text)
        assert (entry["seconds"], entry["level"]) == (1.25, "warning")


_PRINTS_AND_IS_STOPPED = """\
import os, signal

names = ["a"]

def statistics(a, b, c):
    print("on stdout")
    if signal.getsignal(signal.SIGTERM) not in (signal.SIG_DFL, signal.default_int_handler):
        os.kill(os.getpid(), signal.SIGTERM)
    return a[:, None]

def value(means):
    return float(means[0])
"""

# The program as on a terminal, impatient with a store that another process uses, and with kernels
# that are not in the cache.
_IMPATIENT = """\
import logging, os
from blueattr.cli.main import app
from blueattr.runs import run
from blueattr.store import database

def report_topics(*arguments, **options):
    logging.getLogger("blueattr.kernels.compiled").info("compiling once")
    return report(*arguments, **options)

report, run.report_topics = run.report_topics, report_topics
database._WARN_AFTER = 0.0
os.isatty = lambda _: True
app()
"""
_HOLD = "import duckdb; store = duckdb.connect('store.duckdb'); print('held', flush=True); input()"


@pytest.mark.slow
def test_each_line_of_stderr_is_json_whatever_happens_in_a_run() -> None:
    ok("ingest", drop("1.jsonl", EVENTS), "--db", "store.duckdb", "--quiet")
    Path("own.py").write_text(_PRINTS_AND_IS_STOPPED)
    write(SETTINGS.replace('["heat"]', '["own.py"]'))
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        command = [sys.executable, "-c", _IMPATIENT, "run", "--log", "json"]
        with subprocess.Popen(command, stderr=subprocess.PIPE) as program:
            assert program.stderr is not None
            entries = []
            for line in program.stderr:
                entries.append(json.loads(line))
                if entries[-1]["stage"] == "store" and holder.poll() is None:
                    holder.communicate(b"\n")
    assert program.returncode == ExitCode.INTERRUPTED
    stages = {entry["stage"]: entry["message"] for entry in entries}
    assert stages["store"].startswith(f"waiting for process {holder.pid}")
    assert stages["kernels"].startswith("compiling")
    assert stages["indicators"].endswith("printed: on stdout")
    assert stages["signal"].startswith("stopping")
    assert stages["end"] == "interrupted"


@pytest.mark.slow
def test_an_indicator_that_prints_leaves_a_json_log_whole() -> None:
    drop("1.jsonl", EVENTS)
    Path("own.py").write_text(
        "import sys\n"
        "names = ['a']\n"
        "def statistics(a, b, c):\n"
        "    print('on stdout')\n"
        "    return a[:, None]\n"
        "def value(means):\n"
        "    print('on stderr', file=sys.stderr)\n"
        "    return float(means[0])\n"
    )
    write(SETTINGS.replace('["heat"]', '["own.py"]'))
    ended = done("--log", "json")
    entries = [json.loads(line) for line in ended.stderr.splitlines()]
    printed = {e["message"] for e in entries if e["stage"] == "indicators"}
    assert printed == {
        f"the indicator 'own' printed: {text}" for text in ("on stdout", "on stderr")
    }


@pytest.mark.slow
def test_a_log_file_is_added_to_and_stderr_stays_empty() -> None:
    drop("1.jsonl", EVENTS)
    write(SETTINGS + '[log]\nform = "json"\nfile = "run.log"\n')
    assert done().stderr == ""
    assert done(code=ExitCode.NOTHING_NEW).stderr == ""
    entries = [json.loads(line) for line in Path("run.log").read_bytes().splitlines()]
    assert [e["stage"].split()[0] for e in entries] == [
        "start", "ingest", "look", "attribute", "publish", "end", "start", "ingest", "look", "end",
    ]  # fmt: skip
    assert all(e["seconds"] is not None for e in entries if e["stage"] != "start")
    ended = run("run", "--log-file", "none/x.log")
    assert ended.code == ExitCode.OUTPUT
    assert "cannot write the log" in ended.stderr
