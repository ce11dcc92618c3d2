"""Asking services until all is there, no more requests may be sent, or one fails."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Protocol

from blueattr.errors import SourceError
from blueattr.ingest.pace import CommitClock, Pace
from blueattr.ingest.result import Ingested
from blueattr.sources.xrpc import BudgetSpent
from blueattr.store.commit.checkpoint import SourceState
from blueattr.store.commit.writer import Writer
from blueattr.store.matching import Rule
from blueattr.store.rollups import roll_up

__all__ = ["Asked", "answer_clock", "ask_to_the_end"]


# A run that is killed asks again for what came since its last commit; commits take a fifth of the
# time at most.
_PACE = Pace(commit_seconds=2.0, commit_multiple=4.0, commit_rows=20_000)


class Asked(Protocol):
    """What became of a run that asks services."""

    is_limited: bool
    failure: str
    ingested: Ingested

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left to ask."""
        ...


def answer_clock(writer: Writer) -> CommitClock:
    """Say when answers of services are to be committed: to commit each one would cost more."""
    return CommitClock(writer, _PACE, time.monotonic)


def ask_to_the_end(
    asking: Coroutine[object, object, None],
    commit: Callable[[], None],
    finish: Callable[[bool], SourceState],
    *,
    result: Asked,
    writer: Writer,
    rules: Sequence[Rule],
) -> None:
    """Ask, keep what came, summarise, and note in the result how it ended.

    Parameters
    ----------
    asking
        Asks, and commits what comes.
    commit
        Commits what waits, where somebody ends the run.
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
    except (KeyboardInterrupt, SystemExit):
        commit()
        raise
    state = finish(result.is_whole)
    roll_up(writer, rules)
    result.ingested = Ingested((state,), (), (), before, writer.count_events())
