"""The committer: one commit at a time, beside what the caller goes on with."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import Protocol

__all__ = ["Committer", "InlineCommitter", "ThreadCommitter"]


Work = Callable[[], int]


class Committer(Protocol):
    """Runs commits, one after the other."""

    def start(self, work: Work) -> None:
        """Begin a commit; the one before is finished."""

    def finish(self) -> int | None:
        """Wait for the commit that is under way and return its result; None if there is none.

        Raises
        ------
        Exception
            What the commit raised; on every later call, too.
        """

    def close(self) -> None:
        """Wait for the commit that is under way, whatever comes of it, and run no more."""


class ThreadCommitter:
    """Runs each commit in a thread, so that decoding goes on beside it.

    Parameters
    ----------
    given_up
        Set here when somebody who waits for a commit is interrupted: a commit that itself waits
        for the file is to wait no more.
    interrupt
        Ends the statement that a commit is executing.
    """

    def __init__(self, given_up: Event, interrupt: Callable[[], None]) -> None:
        self._given_up = given_up
        self._interrupt = interrupt
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._running: Future[int] | None = None

    def start(self, work: Work) -> None:
        """Begin a commit; the one before is finished."""
        self._running = self._executor.submit(work)

    def finish(self) -> int | None:
        """Wait for the commit that is under way; see `Committer`."""
        if self._running is None:
            return None
        try:
            result = self._running.result()
        except BaseException:
            # Who is interrupted here will not wait in close() either.
            if not self._running.done():
                self._given_up.set()
            raise
        self._running = None
        return result

    def close(self) -> None:
        """Wait for the commit that is under way; a second interrupt ends it."""
        try:
            if self._running is not None and not self._given_up.is_set():
                self._running.exception()
        finally:
            # Asked to end while that was waited for.
            self._given_up.set()
            while self._running is not None and not self._running.done():
                self._interrupt()
                time.sleep(0.05)
            self._executor.shutdown()


class InlineCommitter:
    """Runs each commit before `start` returns: for tests that step through one.

    What a commit raises comes from `finish`, as from a thread.
    """

    def __init__(self) -> None:
        self._error: BaseException | None = None
        self._result: int | None = None

    def start(self, work: Work) -> None:
        """Run a commit."""
        try:
            self._result = work()
        except BaseException as error:  # noqa: BLE001 - for finish()
            self._error = error

    def finish(self) -> int | None:
        """Return what the commit returned, or raise what it raised; see `Committer`."""
        if self._error is not None:
            raise self._error
        result, self._result = self._result, None
        return result

    def close(self) -> None:
        """Do nothing: no commit is under way."""
