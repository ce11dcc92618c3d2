"""What an ingest did with its sources, and how following a stream ended."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from blueattr.store.checkpoint import SourceState

__all__ = ["Followed", "Ingested", "Outcome"]


@dataclass(frozen=True, slots=True)
class Ingested:
    """What an ingest did with its sources.

    Parameters
    ----------
    sources
        Their states after it, in the order they were read.
    unchanged
        Names of those that were complete and unchanged, and so not read again.
    failures
        What went wrong with those that could not be read to their end.
    events_before, events_after
        Events in the store.
    """

    sources: tuple[SourceState, ...]
    unchanged: tuple[str, ...]
    failures: tuple[str, ...]
    events_before: int
    events_after: int


Outcome = Literal["stopped", "live", "time is up", "unreachable"]
"""Why following a stream ended."""


@dataclass(frozen=True, slots=True)
class Followed:
    """What following a stream did.

    Parameters
    ----------
    ingested
        The sources' states after it.
    outcome
        Why it ended.
    reconnects
        How often a connection had to be made anew.
    gap_count
        How often time was found missing in this run.
    gaps
        Why, for the last few of them; the store has all.
    lag
        Age of the newest event.
    trouble
        Where no server can be reached: the last thing that went wrong.
    """

    ingested: Ingested
    outcome: Outcome
    reconnects: int
    gap_count: int
    gaps: tuple[str, ...]
    lag: timedelta | None
    trouble: str = ""
