"""What runs tasks: a function and its arguments in, results out, in whatever order they come."""

import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

__all__ = ["InProcess", "Progress", "TaskEngine"]


_A = TypeVar("_A")
_R = TypeVar("_R")

Progress = Callable[[str, int, int | None], None]
"""Is told of a stage, how many of its tasks are done, and how many there are."""


class TaskEngine(Protocol):
    """Runs tasks.

    A task is a function of a module, and may be run more than once, on any worker: it returns what
    is small, and writes its files whole or not at all.
    """

    def run(
        self, stage: str, task: Callable[[_A], _R], arguments: Sequence[_A]
    ) -> Iterator[tuple[int, _R]]:
        """Yield the place of each argument with its result, as they are done.

        Parameters
        ----------
        stage
            What is done, in a word, for the progress.
        task
            See `TaskEngine`.
        arguments
            One for each task.

        Raises
        ------
        BlueattrError
            That of the first argument whose task raised one, whichever came first.
        ClusterError
            The cluster is lost.
        """
        ...


class InProcess(AbstractContextManager["InProcess"]):
    """Runs tasks one after another, in this process.

    Parameters
    ----------
    progress
        Is told how far they are.
    """

    workers = 1

    def __init__(self, progress: Progress | None = None) -> None:
        self._progress = progress

    def run(
        self, stage: str, task: Callable[[_A], _R], arguments: Sequence[_A]
    ) -> Iterator[tuple[int, _R]]:
        """Yield results in the order of the arguments: see `TaskEngine.run`."""
        for k, argument in enumerate(arguments):
            # As it would arrive elsewhere: a task may change what it is given.
            result = task(pickle.loads(pickle.dumps(argument)))  # noqa: S301 - our own bytes
            if self._progress is not None:
                self._progress(stage, k + 1, len(arguments))
            yield k, result

    def __exit__(self, *_: Any) -> None:
        """Nothing was opened."""
