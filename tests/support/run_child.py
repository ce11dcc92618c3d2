"""A process that does a scheduled run and is killed at a named point of it."""

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blueattr import atomic
from blueattr.runs import run as runs_run
from blueattr.runs.history.record import RunRecord
from support.cli_world import run

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["POINTS", "run_and_die"]


POINTS = ("published", "noted", "writing", "indexed")
"""Once the report is published; once its shares are noted; once the list of runs is written, but
not under its name; and once it has its name, but the run's end is not noted."""


def _die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def run_and_die(folder: Path, point: str) -> None:
    """Do a run in a folder up to a point."""
    os.chdir(folder)
    if point == "writing":
        replace = Path.replace

        def dying(path: Path, target: Path) -> Path:
            if target.name == "index.html" and atomic.is_part(path.name):
                _die()
            return replace(path, target)

        Path.replace = dying  # type: ignore[method-assign, assignment]
    elif point == "indexed":
        _after(vars(runs_run), "write_index")
    else:
        note: Callable[..., None] = RunRecord.note

        def noting(record: RunRecord, what: str, name: str, **fields: Any) -> None:
            if (what, point) == ("shares", "published"):
                _die()
            note(record, what, name, **fields)
            if (what, point) == ("shares", "noted"):
                _die()

        RunRecord.note = noting  # type: ignore[method-assign, assignment]
    run("run")


def _after(names: dict[str, Any], name: str) -> None:
    function = names[name]

    def dying(*arguments: Any, **options: Any) -> None:
        function(*arguments, **options)
        _die()

    names[name] = dying
