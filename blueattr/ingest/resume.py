"""Where a stream is taken up: by cursor or by time, from what the store has seen."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from blueattr.sources.live.stream import Resume, Stream
from blueattr.store.checkpoint import SourceState

__all__ = [
    "OVERLAP",
    "newest_event",
    "resume_after_gap",
    "resume_at",
    "resume_from",
    "resume_without_overlap",
]


OVERLAP = timedelta(seconds=10)
"""Request this much before the newest event, at the same server or its archive.

A restarted server may renumber its last events.
"""

# Another server may have seen the newest event earlier: a lagging one dates what it catches up with
# by its own clock.
_OVERLAP_ELSEWHERE = timedelta(minutes=10)


def newest_event(states: Mapping[str, SourceState]) -> datetime | None:
    """Return the time of the newest event that any source has seen; UTC."""
    times = [s.last_event for s in states.values() if s.last_event and s.kind != "plc"]
    return max(times).replace(tzinfo=UTC) if times else None


def resume_from(
    stream: Stream, states: Mapping[str, SourceState], start: datetime | None
) -> Resume:
    """Return where a stream takes up after what the sources of a store have seen.

    At the server's own cursor, where that is about the newest thing the store has, or the server
    understands nothing else; otherwise by time.

    Parameters
    ----------
    stream
        The server.
    states
        All sources of the store, by name.
    start
        Where a store that has seen nothing yet begins; None for the live end.
    """
    newest = newest_event(states)
    if newest is None:
        return Resume(since=start)
    # The archive of a server counts as the server's stream does.
    own = [
        (state.last_event, state.position)
        for name, state in states.items()
        if state.position
        and state.last_event
        and (name == stream.name or name.startswith(f"archive:{stream.instance} "))
    ]
    if own:
        last_event, position = max(own)
        last_event = last_event.replace(tzinfo=UTC)
        if last_event >= newest - _OVERLAP_ELSEWHERE or not stream.dialect.by_time:
            return resume_at(stream, position, last_event)
    return Resume(since=newest - _OVERLAP_ELSEWHERE, newest=newest)


def resume_at(stream: Stream, position: int, newest: datetime | None) -> Resume:
    """Return where a stream takes up after the event at a cursor of its own."""
    cursor = max(position - stream.dialect.rewind, 1)
    return Resume(cursor, position, newest and newest - OVERLAP, newest)


def resume_without_overlap(resume: Resume) -> Resume | None:
    """Return what to request where the server does not go back as far as the overlap does.

    What comes after the last event may be there. None if there was no overlap.
    """
    if not resume.overlaps or resume.last is None:
        return None
    return replace(resume, cursor=resume.last + 1)


def resume_after_gap(resume: Resume, newest: datetime | None, gap: str) -> Resume:
    """Return what to request where the server lacks what follows the newest event.

    Parameters
    ----------
    resume
        What it was asked for.
    newest
        Time of the newest event.
    gap
        Why something is missing.
    """
    if resume.cursor is None or newest is None:
        # It was asked by time already, and refused that.
        return Resume(newest=newest, gap=gap)
    return Resume(since=newest - _OVERLAP_ELSEWHERE, newest=newest, gap=gap)
