"""A cluster that loses a worker in each of its stages; beside `chain.py`, where workers find it."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from blueattr.cluster.address import ClusterAddress
from blueattr.cluster.dask_engine import DaskEngine
from blueattr.cluster.engine import Progress

__all__ = ["Deadly"]


class Deadly:
    """Kills the worker of the first task of each stage once that is done, and leaves a mark.

    Parameters
    ----------
    marks
        A folder for marks: a file for each worker that was killed.
    address, progress
        As of `blueattr.cluster.connect.connect`.
    """

    def __init__(
        self, marks: Path, address: ClusterAddress, progress: Progress | None = None
    ) -> None:
        self._marks = marks
        self._engine = DaskEngine(address, progress)

    def __enter__(self) -> "Deadly":
        self._engine.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._engine.__exit__(*error)

    @property
    def workers(self) -> int:
        """How many there are at a time."""
        return self._engine.workers

    def run(
        self, stage: str, task: Callable[[Any], Any], arguments: Sequence[Any]
    ) -> Iterator[tuple[int, Any]]:
        """Run tasks as any engine does."""
        jobs = [
            (task, argument, self._marks / stage if k == 0 else None)
            for k, argument in enumerate(arguments)
        ]
        return self._engine.run(stage, die_once, jobs)


def die_once(job: tuple[Callable[[Any], Any], Any, Path | None]) -> Any:
    """Run a task; the first time with a mark, end as one whom the system kills."""
    task, argument, mark = job
    result = task(argument)
    if mark is not None and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return result
