"""What an ingest did with its sources, and how following a stream ended."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from blueattr.store.commit.checkpoint import SourceState

__all__ = ["Followed", "Ingested", "Outcome", "mostly_rejected", "nothing_of_it"]


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
    mostly_rejected
        Sentences on those of whose lines that are not skipped at least half were rejected, not all.
    passed_over
        Sentences on folders of which not every file was read.
    """

    sources: tuple[SourceState, ...]
    unchanged: tuple[str, ...]
    failures: tuple[str, ...]
    events_before: int = 0
    events_after: int = 0
    mostly_rejected: tuple[str, ...] = ()
    passed_over: tuple[str, ...] = ()

    @property
    def kept_nothing(self) -> bool:
        """Whether no line of any source was kept, in this ingest or before."""
        return not any(state.kept for state in self.sources)


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


def nothing_of_it(state: SourceState) -> list[str]:
    """Return the failure of a source whose lines were rejected, but for those that are skipped.

    None if one was kept, or none rejected.
    """
    if state.kept or not state.rejected:
        return []
    judged = state.lines - state.skipped
    lines = f"all of its {judged:,} lines" if judged > 1 else "its one line"
    rejected = f"{_beside(state, judged)} {'were' if judged > 1 else 'was'} rejected{_worst(state)}"
    return [f"{state.name} holds nothing that blueattr keeps: {lines}{rejected}"]


def mostly_rejected(state: SourceState) -> list[str]:
    """Say that at least half of a source's lines were rejected, of those that are not skipped.

    Nothing is said where that is not so, or where none was kept (`nothing_of_it`).
    """
    rejected = sum(state.rejected.values())
    judged = state.lines - state.skipped
    if not state.kept or 2 * rejected < judged:
        return []
    lines = f"{rejected:,} of its {judged:,} lines{_beside(state, judged)}{_worst(state)}"
    return [f"{state.name} was mostly rejected: {lines}; what was kept stays"]


def _beside(state: SourceState, judged: int) -> str:
    return f" that {'are' if judged > 1 else 'is'} not skipped" if state.skipped else ""


def _worst(state: SourceState) -> str:
    worst = max(state.rejected, key=lambda reason: state.rejected[reason])
    return f"{', most' if len(state.rejected) > 1 else ''} as {worst!r}"
