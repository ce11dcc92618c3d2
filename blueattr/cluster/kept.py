"""Finished tasks are kept in a folder, so that the same command again does only what is left."""

import contextlib
import hashlib
import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from blueattr.cluster.engine import TaskEngine
from blueattr.cluster.files import arriving
from blueattr.cluster.same import identity

__all__ = ["Kept"]


_A = TypeVar("_A")
_R = TypeVar("_R")


class Kept:
    """Runs tasks by another engine, but for those whose results are there.

    A result is known by a digest of the task, the versions of everything that computes, and the
    argument; so an argument has a digest of the files that it names. A result that says by
    ``files`` what else the task has written, with sizes, counts only while these files are there.

    Parameters
    ----------
    engine
        Runs the others.
    folder
        Every worker sees it, and nobody else writes to it: what is read there is trusted.
    """

    def __init__(self, engine: TaskEngine, folder: Path) -> None:
        self._engine, self._folder = engine, folder
        self.reused = 0
        """How many tasks were not run."""

    def run(
        self, stage: str, task: Callable[[_A], _R], arguments: Sequence[_A]
    ) -> Iterator[tuple[int, _R]]:
        """Yield results, first those that are there: see `TaskEngine.run`."""
        jobs = [_Job(task, one, self._folder / f"{stage}-{_key(task, one)}") for one in arguments]
        waiting = []
        for k, job in enumerate(jobs):
            found = _finished(job.target)
            if found is None:
                waiting.append(k)
            else:
                self.reused += 1
                yield k, found[0]
        for place, result in self._engine.run(stage, _keep, [jobs[k] for k in waiting]):
            yield waiting[place], result


@dataclass(frozen=True)
class _Job:
    task: Callable[[Any], Any]
    argument: Any
    target: Path


def _keep(job: _Job) -> Any:
    """Run a task, on a worker, and keep its result."""
    result = job.task(job.argument)
    with arriving(job.target) as path:
        path.write_bytes(pickle.dumps(result))
    return result


def _key(task: Callable[..., Any], argument: object) -> str:
    told = (task.__module__, task.__qualname__, identity(), argument)
    return hashlib.sha256(pickle.dumps(told)).hexdigest()[:32]


def _finished(path: Path) -> tuple[Any] | None:
    with contextlib.suppress(OSError, pickle.UnpicklingError, EOFError):
        result = pickle.loads(path.read_bytes())  # noqa: S301 - the folder is the user's own
        if all(file.stat().st_size == size for file, size in getattr(result, "files", ())):
            return (result,)
    return None
