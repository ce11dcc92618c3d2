"""What an ingest did with its sources."""

from dataclasses import dataclass

from blueattr.store.checkpoint import SourceState

__all__ = ["Ingested"]


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
