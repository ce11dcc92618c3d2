"""Little space for the process: a crash in it ends in a sentence, and nothing else changes."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from blueattr.errors import ExitCode
from support.cli_world import BLUEATTR
from support.events_builder import lines, mixed
from support.store_content import content, expected

# Does what is asked for in place of a command, under the watch of the command line.
_PROGRAM = """
import os, resource, signal, sys
from blueattr.cli import main
def command(**_):
    print("began", os.getppid(), flush=True)
    exec(sys.argv[1])
main._app = command
if sys.argv[2]:
    resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]),) * 2)
main.app()
"""


def watched(what: str, limit: str = f"{3 << 30}") -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", _PROGRAM, what, limit]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("by", ["ABRT", "SEGV"])
def test_a_crash_in_little_space_ends_in_a_sentence(by: str) -> None:
    child = watched(f"os.kill(os.getpid(), signal.SIG{by})")
    _, said = child.communicate()
    assert child.returncode == ExitCode.FAILURE
    assert said == (
        "blueattr: not enough memory: this process may use 3072 MB of address space, and was "
        f"ended by SIG{by} when a library found no more; raise the limit (ulimit -v)\n"
    )


def test_exit_codes_and_signals_pass_through_what_watches() -> None:
    child = watched("sys.exit(9)")
    out, _ = child.communicate()
    assert (child.returncode, out) == (ExitCode.GAPS, f"began {child.pid}\n")
    with watched("import time; time.sleep(60)") as child:
        assert child.stdout is not None
        assert child.stdout.readline() == f"began {child.pid}\n"
        child.send_signal(signal.SIGTERM)
        assert child.wait() == -signal.SIGTERM


def test_what_is_watched_ends_when_what_watches_is_killed() -> None:
    # Its output stays open as long as it is there.
    with watched("print(os.getpid(), flush=True); import time; time.sleep(60)") as child:
        assert child.stdout is not None
        assert child.stdout.readline() == f"began {child.pid}\n"
        worker = int(child.stdout.readline())
        child.kill()
        ended, _, _ = select.select([child.stdout], [], [], 30)
        if not ended:
            os.kill(worker, signal.SIGKILL)
        assert ended
        assert child.stdout.read() == ""


def test_without_a_limit_nothing_is_watched() -> None:
    child = watched("sys.exit(9)", limit="")
    out, _ = child.communicate()
    assert child.returncode == ExitCode.GAPS
    assert out == f"began {os.getpid()}\n"


@pytest.mark.parametrize(
    "error",
    [
        "MemoryError()",
        'RuntimeError("can\'t start new thread")',
        'type("Panic", (BaseException,), {})("Resource temporarily unavailable (os error 11)")',
    ],
)
def test_a_lack_of_memory_is_a_sentence_and_no_traceback(error: str) -> None:
    child = watched(f"raise {error}", limit="")
    _, said = child.communicate()
    assert child.returncode == ExitCode.FAILURE
    assert said == "blueattr: not enough memory; use a machine with more memory\n"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ('MemoryError("")', "not enough memory"),
        ('OSError("Could not find libllvmlite.so")', "not enough memory"),
        ('errors.NoMemoryError("not enough memory (x); " + errors.NoMemoryError.more)',
         "not enough memory (x)"),
    ],
)  # fmt: skip
def test_where_space_is_limited_the_sentence_says_which_limit_to_raise(
    error: str, said: str
) -> None:
    child = watched(f"from blueattr import errors; raise {error}")
    _, words = child.communicate()
    assert child.returncode == ExitCode.FAILURE
    assert words == f"blueattr: {said}; raise the limit (ulimit -v)\n"


@pytest.mark.slow
def test_an_ingest_finds_enough_space_where_it_is_little(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_bytes(lines(*mixed(40)))
    command = f"ulimit -v 2800000; exec {BLUEATTR} ingest x.jsonl --db x.duckdb -q"
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True,
                          check=False)  # fmt: skip
    # Each thread of a library needs some, and there are as many as processors.
    if (os.cpu_count() or 1) <= 4:
        assert done.returncode == ExitCode.OK, done.stderr
        assert content(tmp_path / "x.duckdb") == expected(mixed(40))
    else:
        assert done.returncode == ExitCode.OK or "(ulimit -v)" in done.stderr
