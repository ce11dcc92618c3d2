"""Store connections that end the process, or fail, at a named point of a transaction.

They stand between blueattr and the engine, so that they know nothing of how a commit is written.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import duckdb
import pytest

POINTS = ("staged", "begun", "halfway", "folded", "committed", "detached")
"""Before a transaction begins, once it has begun, half-way through its statements, before and after
it commits, and once the file is let go of."""

BEFORE = POINTS[:4]
"""Those at which nothing of the transaction is kept yet."""

QUICK = ("halfway", "committed")
"""One of each side of the commit: what `make test` tries; `make test-all` tries the others too."""

OTHERS = tuple(point for point in POINTS if point not in QUICK)

EACH_POINT = pytest.mark.parametrize(
    "points",
    [
        pytest.param(QUICK, id="two"),
        pytest.param(OTHERS, id="others", marks=pytest.mark.slow),
    ],
)
"""Run a test with each part of the points, as `points`: both have some of each side."""


class Watched:
    """A connection that calls `reach(self, point)` at each point of its transactions.

    Statements of a transaction are the point ``"statement"``; `transaction` and `statement` are the
    numbers of the next ones, from 0, and `statements` says how many each earlier transaction had.
    """

    def __init__(self, real: Any, reach: Callable[["Watched", str], None]) -> None:
        self._real = real
        self._reach = reach
        self._open = False
        self.transaction = 0
        self.statement = 0
        self.statements: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def execute(self, query: Any, *parameters: Any) -> Any:
        self._state()
        done = self._real.execute(query, *parameters)
        if str(query).startswith("DETACH store") and len(self.statements) > self.transaction:
            self._reach(self, "detached")
            self.transaction += 1
        return done

    def sql(self, query: Any, **options: Any) -> Any:
        self._state()
        return self._real.sql(query, **options)

    def begin(self) -> Any:
        self._reach(self, "staged")
        done = self._real.begin()
        self._open, self.statement = True, 0
        self._reach(self, "begun")
        return done

    def commit(self) -> Any:
        self._reach(self, "folded")
        done = self._real.commit()
        self._open = False
        self.statements.append(self.statement)
        self._reach(self, "committed")
        return done

    def rollback(self) -> Any:
        self._open = False
        return self._real.rollback()

    def _state(self) -> None:
        if self._open:
            self._reach(self, "statement")
            self.statement += 1


@contextmanager
def watching(reach: Callable[[Watched, str], None]) -> Iterator[list[Watched]]:
    """Watch the connections that are opened meanwhile; yield them."""
    opened: list[Watched] = []

    def watched(real: Any) -> Watched:
        opened.append(Watched(real, reach))
        return opened[-1]

    with wrapping(watched):
        yield opened


@contextmanager
def wrapping(wrap: Callable[[Any], Any]) -> Iterator[None]:
    """Put something around each connection that is opened meanwhile."""
    connect = duckdb.connect
    with mock.patch.object(duckdb, "connect", lambda *a, **options: wrap(connect(*a, **options))):
        yield


@contextmanager
def killing(point: str, number: int = 1) -> Iterator[None]:
    """Kill this process at that point of a transaction, of whatever connection.

    `number` is the transaction's, from 0.
    """
    opened: list[Watched] = []

    def reach(course: Watched, reached: str) -> None:
        if sum(one.transaction for one in opened) != number:
            return
        if reached == "statement":
            before = [count for one in opened for count in one.statements]
            if course.statement == before[0] // 2:
                reached = "halfway"
        if reached == point:
            os.kill(os.getpid(), signal.SIGKILL)

    with watching(reach) as found:
        opened = found
        yield


def failing(step: int) -> Any:
    """Fail at that step of a connection's first transaction: its begin, a statement or its commit.

    The file behind the connection is said to be gone.
    """
    steps = -1

    def reach(course: Watched, reached: str) -> None:
        nonlocal steps
        if course.transaction == 0 and reached in ("staged", "statement", "folded"):
            steps += 1
            if steps == step:
                raise duckdb.IOException("the disk is gone")

    return watching(reach)
