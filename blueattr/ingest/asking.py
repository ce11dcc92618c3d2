"""Asking services until all is there, no more requests may be sent, or one fails."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Protocol

from blueattr.errors import SourceError
from blueattr.ingest.result import Ingested
from blueattr.sources.xrpc import BudgetSpent
from blueattr.store.commit.checkpoint import SourceState
from blueattr.store.commit.writer import Writer
from blueattr.store.matching import Rule
from blueattr.store.rollups import roll_up

__all__ = ["Asked", "CommitClock", "ask_to_the_end"]


# Least seconds between commits: a run that is killed asks for what came in them again. And which
# part of the time commits may take.
_SECONDS = 2.0
_PART = 5
# A commit of so many rows does not wait.
_ROWS = 20_000


class Asked(Protocol):
    """What became of a run that asks services."""

    is_limited: bool
    failure: str
    ingested: Ingested

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left to ask."""
        ...


class CommitClock:
    """Says when answers of services are to be committed: to commit each one would cost more.

    Parameters
    ----------
    writer
        Of the store that takes what comes.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._since = time.monotonic()

    @property
    def is_due(self) -> bool:
        """Whether there is much that waits, or it waits for long."""
        apart = max(_SECONDS, (_PART - 1) * self._writer.commit_seconds)
        return self._writer.waiting[0] >= _ROWS or time.monotonic() - self._since >= apart

    def restart(self) -> None:
        """Count anew, as after each commit."""
        self._since = time.monotonic()


def ask_to_the_end(
    asking: Coroutine[object, object, None],
    finish: Callable[[bool], SourceState],
    result: Asked,
    writer: Writer,
    rules: Sequence[Rule],
) -> None:
    """Ask, keep what came, summarise, and note in the result how it ended.

    Parameters
    ----------
    asking
        Asks, and commits what comes.
    finish
        Makes the last commit, given whether all is there; returns what is known of the source.
    result
        Of the run.
    writer
        Of the store that takes what comes.
    rules
        Topics to summarise.

    Raises
    ------
    StoreError
        The store cannot be written.
    """
    before = writer.count_events()
    try:
        asyncio.run(asking)
    except BudgetSpent:
        result.is_limited = True
    except SourceError as error:
        result.failure = str(error)
    state = finish(result.is_whole)
    roll_up(writer, rules)
    result.ingested = Ingested((state,), (), (), before, writer.count_events())
