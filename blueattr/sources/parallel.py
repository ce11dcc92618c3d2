"""Work done by several threads, its results in order."""

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from typing import TypeVar

__all__ = ["run_ahead"]


_T = TypeVar("_T")
_Todo = queue.SimpleQueue[tuple["Future[_T]", Callable[[], _T]] | None]


def run_ahead(
    jobs: Iterator[Callable[[], _T]], threads: int, ahead: int | None = None
) -> Generator[_T]:
    """Yield what jobs return, in their order, while the next ones are under way.

    Parameters
    ----------
    jobs
        Called for in the caller's thread, as late as possible; what this raises comes after the
        results of the jobs before.
    threads
        Jobs under way at most; there may be one result more, that of the first in line.
    ahead
        Jobs and results that may wait for the caller, beside the first in line; as many as threads
        by default.

    Notes
    -----
    The threads are daemons: a job that hangs holds up nobody who wants to stop. Once this generator
    is closed, or a job raised, no other job is begun.
    """
    todo: _Todo[_T] = queue.SimpleQueue()
    for _ in range(threads):
        threading.Thread(target=_serve, args=(todo,), name="fetch", daemon=True).start()
    waiting: deque[Future[_T]] = deque()
    failure: Exception | None = None
    try:
        while True:
            while failure is None and len(waiting) <= (ahead or threads):
                try:
                    job = next(jobs)
                except StopIteration:
                    break
                except Exception as error:  # noqa: BLE001 - raised when its turn comes
                    failure = error
                    break
                waiting.append(Future())
                todo.put((waiting[-1], job))
            if waiting:
                yield waiting.popleft().result()
            elif failure is not None:
                raise failure
            else:
                return
    finally:
        for future in waiting:
            future.cancel()
        for _ in range(threads):
            todo.put(None)


def _serve(todo: _Todo[_T]) -> None:
    while (given := todo.get()) is not None:
        future, job = given
        if not future.set_running_or_notify_cancel():
            continue
        try:
            result = job()
        except BaseException as error:  # noqa: BLE001 - raised where the result is waited for
            future.set_exception(error)
        else:
            future.set_result(result)
        # Lest a thread that waits keeps what it has long handed over.
        del given, future, job
