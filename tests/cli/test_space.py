"""Little space for the process: a crash in it ends in a sentence, and nothing else changes."""

import os
import signal
import subprocess
import sys

import pytest

from blueattr.errors import ExitCode

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
