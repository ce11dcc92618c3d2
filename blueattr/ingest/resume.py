"""Where a stream is taken up: by cursor or by time, from what the store has seen."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from blueattr.decode.chunk import Chunk
from blueattr.decode.clock import AHEAD
from blueattr.sources.live.stream import (
    Resume,
    Stream,
    StreamPosition,
    from_microseconds,
    microseconds,
)
from blueattr.store.commit.checkpoint import BY_BYTES, SourceState

__all__ = [
    "MISPLACED",
    "OVERLAP",
    "is_decided",
    "newest_event",
    "pass_over",
    "position_in_time",
    "resume_after_gap",
    "resume_at",
    "resume_by_now",
    "resume_from",
    "resume_without_overlap",
    "seen_of",
    "step_back",
    "without_far",
]


OVERLAP = timedelta(seconds=10)
"""Request this much before the newest event, at the same server or its archive.

A restarted server may renumber its last events.
"""

MISPLACED = 3
"""Of a source, connections that ended before anything new came, once such a one was suspected.

More are counted from here on: then its server has sent the last event seen since.
"""

# Another server may have seen the newest event earlier: a lagging one dates what it catches up with
# by its own clock.
_OVERLAP_ELSEWHERE = timedelta(minutes=10)


def without_far(states: Mapping[str, SourceState], near: datetime | None) -> dict[str, SourceState]:
    """Return the states of sources, of files without times of events far from all others.

    Parameters
    ----------
    states
        All sources of a store, by name.
    near
        When its last events are that do not lie far from all others
        (`blueattr.store.stretches.last_near`); None where it has none.
    """
    last = None if near is None else near.replace(tzinfo=None)
    return {
        name: replace(state, last_event=min(state.last_event, last))
        if last and state.last_event and state.kind in BY_BYTES
        else state
        for name, state in states.items()
    }


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
    mine = states.get(stream.name)
    is_known = mine is not None and mine.position and mine.last_event is None
    if mine is not None and is_known and (newest is None or not stream.dialect.by_time):
        # All that came of it was rejected.
        return resume_at(stream, mine.position, None, mine.stalled)
    if newest is None:
        return Resume(since=start)
    # The archive of a server counts as the server's stream does, if that is by numbers, too.
    archive = f"archive:{stream.instance} "
    own = [
        (state.last_event, state.position)
        for name, state in states.items()
        if state.position
        and state.last_event
        and (name == stream.name or (stream.dialect.numbered and name.startswith(archive)))
    ]
    if own:
        last_event, position = max(own)
        last_event = last_event.replace(tzinfo=UTC)
        if last_event >= newest - _OVERLAP_ELSEWHERE or not stream.dialect.by_time:
            stalled = states[stream.name].stalled if stream.name in states else 0
            return resume_at(stream, position, last_event, stalled)
    return Resume(since=newest - _OVERLAP_ELSEWHERE, newest=newest)


def resume_at(stream: Stream, position: int, newest: datetime | None, stalled: int = 0) -> Resume:
    """Return where a stream takes up after the event at a cursor of its own.

    Parameters
    ----------
    stalled
        Connections in a row that ended before anything new came. What led up to the event is asked
        for again, unless it was all that the last of them brought; the event itself is, unless it
        was all that came of that. So a stream gets on by one event in three connections, at least.
        Where what comes then does not seem to follow, it is `MISPLACED`: the event itself is asked
        for once more. If the server sends it, what it sends next follows, however much later, so
        that after a pause a stream gets on by one event in five connections.
    """
    if not stream.dialect.numbered:
        newest = from_microseconds(position)
    verified = stalled > MISPLACED
    tries = 1 if stalled == MISPLACED else min(stalled, 2)
    tries = tries if stream.dialect.rewind else 0
    rewind = (stream.dialect.rewind, 0, -1)[tries]
    return Resume(max(position - rewind, 1), position, None, newest, tries=tries, verified=verified)


def resume_by_now(stream: Stream, resume: Resume, now: datetime) -> Resume:
    """Return a request that asks for no time ahead of the clock.

    A server would begin at its live end, and say nothing of what came before. But where the last
    event seen is far ahead, and nothing new comes of asking for what lies before, it is the clock
    that is wrong.
    """
    cursor, since = resume.cursor, resume.since
    if cursor is not None and resume.last is not None and not stream.dialect.numbered:
        is_far = resume.last > microseconds(now + AHEAD)
        cursor = cursor if is_far and resume.tries > 1 else min(cursor, microseconds(now))
    return replace(resume, cursor=cursor, since=since and min(since, now))


def position_in_time(before: SourceState, after: SourceState, now: datetime) -> int:
    """Return the position of a stream whose cursor is a time, after events that were staged.

    A rejected event counts, too, since a connection may bring nothing else. One ahead of the clock
    does not, unless the newest event that was taken is: then it is the clock that is wrong.
    """
    latest = microseconds(now + AHEAD)
    newest = 0 if after.last_event is None else microseconds(after.last_event.replace(tzinfo=UTC))
    if newest > latest:
        return max(before.position, after.position)
    position = after.position if after.position <= latest else newest
    # A position ahead of the clock is of the first event of all, of which nothing could be told.
    return max(before.position if before.position <= latest else 0, position)


def is_decided(before: SourceState, after: SourceState, now: datetime) -> bool:
    """Return whether a stream is to be asked again for what lay ahead of the clock.

    So it is once most of what it sends does, so that the clock is wrong; or once the clock is
    beyond those events, and others come that are not ahead of it.

    Parameters
    ----------
    before, after
        The states of its source around a chunk.
    now
        By the clock.
    """
    if after.doubt_after is None:
        return False
    is_timely = after.kept + after.skipped > before.kept + before.skipped
    is_kept = after.ahead > before.ahead
    return is_kept or (is_timely and after.is_doubt_over(now.replace(tzinfo=None)))


def pass_over(stream: Stream, state: SourceState, times: int, reason: str) -> Chunk:
    """Return the chunk that passes over the next message, which ended a connection by its length.

    Its number is not known, since events of kinds that are not asked for are left out. So with each
    of the `times` that this did not pass it, twice as much is passed over. Then the next event may
    be, too, where it follows closely; but that is within the gap.
    """
    first_step = 1 if stream.dialect.numbered else 10_000
    after = state.position + (first_step << times)
    if times:
        return Chunk(b"", state.position, 0, after)
    refused = (("line too long", state.position, b""),)
    return Chunk(b"", state.position, 0, after, reason, refused=refused)


def seen_of(state: SourceState) -> StreamPosition:
    """Return how far a stream was seen."""
    newest = state.last_event
    return StreamPosition(state.position, state.mark, newest and newest.replace(tzinfo=UTC))


def step_back(stream: Stream, state: SourceState) -> SourceState:
    """Return the state of a stream whose server numbers its last events anew.

    Which of them were seen by other numbers is not known.
    """
    position = max(state.position - stream.dialect.rewind, 1)
    return replace(state, position=position, mark=None, stalled=0)


def resume_without_overlap(resume: Resume, told: str) -> Resume | None:
    """Return what to request where the server does not go back as far as it was asked to.

    It says how far it goes back: from there on, as in any overlap, it shows whether it numbers its
    events as before. If it does not say so, it is asked for the last event seen: what it sends next
    follows, however much later. If it has not even that, what comes after may be there.

    Parameters
    ----------
    resume
        What it was asked for.
    told
        What it said, for people: a number in it between the two is the first event that it has.

    Returns
    -------
    Resume or None
        None if nothing that was seen was asked for.
    """
    if not resume.overlaps or resume.cursor is None or resume.last is None:
        return None
    numbers = (int(digits) for digits in _NUMBER.findall(told))
    there = max((n for n in numbers if resume.cursor < n <= resume.last), default=resume.last)
    return replace(resume, cursor=there + (resume.cursor == resume.last))


_NUMBER = re.compile(r"(?<!\d)\d{1,18}(?!\d)", re.ASCII)


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
