"""Run ``blueattr`` as a user does: a process of its own, an exit code, two streams."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["EVER", "KEY", "ingest", "run", "start", "status"]


EVER = "2020-01-01"
"""Before anything that a server of these tests has seen."""


KEY = {"BLUEATTR_JETSTREAM_KEY": "loopback"}
"""The archive is open to anybody here; with a key set, what is missed is fetched from it."""


_PROGRAM = (sys.executable, "-c", "from blueattr.cli.main import app; app()")


def _environment(more: dict[str, str] | None) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("BLUEATTR_")}
    # One that is aborted writes down where its threads are.
    return plain | {"PYTHONFAULTHANDLER": "1"} | (more or {})


def start(*arguments: object, stdout: Any = None, stderr: Any = None) -> "subprocess.Popen[bytes]":
    """Start a command and return at once."""
    return subprocess.Popen(
        [*_PROGRAM, *map(str, arguments)], stdout=stdout, stderr=stderr, env=_environment(None)
    )


def run(
    *arguments: object, env: dict[str, str] | None = None, expect: int | None = 0
) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end, which must have this exit code; None: done, with a gap or not."""
    done = subprocess.run(
        [*_PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
        env=_environment(env),
    )
    expected = (0, 9) if expect is None else (expect,)
    assert done.returncode in expected, (arguments, done.returncode, done.stdout, done.stderr)
    return done


def ingest(
    db: Path, *arguments: object, env: dict[str, str] | None = None, expect: int | None = 0
) -> dict[str, Any]:
    """Ingest into a store and return the JSON of what was done."""
    done = run("ingest", *arguments, "--db", db, "--format", "json", env=env, expect=expect)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def status(db: Path) -> dict[str, Any]:
    """Return the JSON of what is in a store."""
    found: dict[str, Any] = json.loads(run("status", "--db", db, "--format", "json").stdout)
    return found
