"""Following streams: reconnecting, falling back, committing, and knowing what was missed."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from blueattr.decode.chunk import Chunk
from blueattr.decode.clock import AHEAD
from blueattr.errors import SourceError
from blueattr.ingest.meter import Meter, Moment, Watch
from blueattr.ingest.pace import Commits, Freshness, Pace
from blueattr.ingest.read import read_source
from blueattr.ingest.result import Followed, Ingested, Outcome, mostly_rejected, nothing_of_it
from blueattr.ingest.resume import (
    MISPLACED,
    OVERLAP,
    is_decided,
    newest_event,
    pass_over,
    position_in_time,
    resume_after_gap,
    resume_at,
    resume_by_now,
    resume_from,
    resume_without_overlap,
    seen_of,
    step_back,
    without_far,
)
from blueattr.sources.backoff import Retries
from blueattr.sources.live.socket import ConnectionLost, ConnectionRefused, MessageTooLong
from blueattr.sources.live.stream import Misplaced, Resume, ServerError, Stream
from blueattr.sources.timing import Timing
from blueattr.store.commit.checkpoint import SourceState
from blueattr.store.commit.writer import Writer
from blueattr.store.database import DEFAULT_MEMORY
from blueattr.store.matching import Rule
from blueattr.store.rollups import roll_up

if TYPE_CHECKING:
    from blueattr.sources.archive.source import ArchiveSource

__all__ = ["Fill", "Until", "follow"]


# A run of months may find a gap a day; it reports the last few.
_GAPS_REPORTED = 20


Until = Literal["stopped", "live"]


Fill = Callable[[Stream, datetime], "ArchiveSource"]
"""Makes the source that fetches what a stream no longer has, from a time on."""


def follow(
    db: Path,
    streams: Sequence[Stream],
    *,
    until: Until = "stopped",
    limit: timedelta | None = None,
    start: datetime | None = None,
    fill: Fill | None = None,
    rules: Sequence[Rule] = (),
    memory: int = DEFAULT_MEMORY,
    stop: threading.Event | None = None,
    watch: Watch | None = None,
    timing: Timing | None = None,
    pace: Pace | None = None,
) -> Followed:
    """Follow the first of some streams that can be reached, into a store.

    It takes up where the store left off: at the server's own cursor where that is the newest thing
    the store has, or the server knows nothing else; else by time. What a server no longer has is a
    gap, or is fetched by `fill`.

    Parameters
    ----------
    db
        The store, made if it is not there.
    streams
        Servers of one kind, the preferred one first.
    until
        ``"live"``: end once the stream has caught up with the clock.
    limit
        End after this time, caught up or not.
    start
        Where a store that has seen nothing yet begins; by default at the live end.
    fill
        Makes a source of the archive, for what a server no longer has.
    rules
        Topics whose posts are matched when the days are summarised at the end, beside those that
        the store knows already; such as :func:`blueattr.panel.topics.shipped_rules`.
    memory
        Bytes the process may use.
    stop
        Set from outside to end cleanly: what was received is committed.
    watch
        Called about twice a second with how it goes. If it raises, following ends with that, after
        a commit.
    timing
        The clocks, chance and waiting; of the machine by default.
    pace
        When to commit, to count as live, and to reconnect.

    Raises
    ------
    SourceError
        Every server refuses what is asked of it, for good.
    StoreError
        The store cannot be written.
    """
    timing = timing or Timing()
    with Writer(db, memory, now=timing.now) as writer:
        follower = _Follower(
            writer,
            tuple(stream.holding(writer.shares.messages) for stream in streams),
            until,
            limit,
            start,
            fill,
            rules,
            stop or threading.Event(),
            watch,
            timing,
            pace or Pace(),
        )
        try:
            return follower.run()
        except KeyboardInterrupt:
            # Wherever it comes, as while a connection is closed: a commit may wait for readers.
            if follower.stop.is_set():
                writer.give_up()
            raise


@dataclass
class _Follower:
    """One connection after the other, until there is a reason to end.

    What to request is decided in `blueattr.ingest.resume`, when to commit in
    `blueattr.ingest.pace`, and when to try again in `blueattr.sources.backoff`.
    """

    writer: Writer
    streams: tuple[Stream, ...]
    until: Until
    limit: timedelta | None
    start: datetime | None
    fill: Fill | None
    rules: Sequence[Rule]
    stop: threading.Event
    watch: Watch | None
    timing: Timing
    pace: Pace
    gap_count: int = 0
    reconnects: int = 0
    trouble: str = ""
    # Cleared by a fetch until the stream brings something: what the archive lacks, too, is a gap.
    may_fill: bool = True
    was_silent: bool = False
    received: bool = False
    # How often in a row a message was passed over that ended the connection.
    passed_over: int = 0
    request: Resume = field(default_factory=Resume)

    def __post_init__(self) -> None:
        self.clock = self.timing.monotonic
        self.began = self.clock()
        self.meter = Meter(self.clock)
        self.freshness = Freshness(self.pace, self.clock)
        self.retries = Retries(len(self.streams), self.timing.jitter)
        self.stream = self.streams[0]
        # By name, of all sources of the store.
        self.states = without_far(self.writer.sources(), self.writer.last_near())
        # The source that sent the last event seen when asked for it, and that event's cursor.
        self.verified: tuple[str, int] | None = None
        self.commits = Commits(self.writer, self.states, self.pace, self.clock)
        # Names of the sources that this run read, in the order of their first event.
        self.changed: dict[str, None] = {}
        self.gaps: deque[str] = deque(maxlen=_GAPS_REPORTED)

    def run(self) -> Followed:
        events_before = self.writer.count_events()
        resume: Resume | None = None
        outcome: Outcome | None = None
        while outcome is None:
            self.stream = self.streams[self.retries.turn]
            self.request = resume or self._resume()
            try:
                outcome = self._connection()
                self.commits.commit()
            except ConnectionLost as lost:
                self.commits.commit()
                self._report(str(lost))
                resume, wait = self._next_try(lost)
                self.reconnects += 1
                if wait:
                    self._report(f"connecting again in {wait:.1f} s")
                outcome = self._wait(wait)
        if outcome != "stopped":
            # Whoever stops it wants it to end; the next run summarises what this one did not.
            roll_up(self.writer, self.rules)
        states = tuple(self.states[name] for name in self.changed)
        failures = tuple(failure for state in states for failure in nothing_of_it(state))
        mostly = tuple(sentence for state in states for sentence in mostly_rejected(state))
        return Followed(
            Ingested(states, (), failures, events_before, self.writer.count_events(), mostly),
            outcome,
            self.reconnects,
            self.gap_count,
            tuple(self.gaps),
            self._lag(),
            self.trouble if outcome == "unreachable" else "",
        )

    # --- one connection --------------------------------------------------------------------------

    def _connection(self) -> Outcome | None:
        """Read one connection until there is a reason to end; ConnectionLost if it ends first."""
        stream = self.stream
        self.received = False
        last_sign = self.clock()
        self.freshness.forget()
        begun_at = self._state()
        seen = seen_of(begun_at)
        ask = self.until == "live"
        with closing(stream.chunks(self.request, seen, self.timing.now, ask=ask)) as chunks:
            for chunk in chunks:
                now = self.clock()
                if chunk is None:
                    last_sign = now
                    if self._must_end():
                        raise ConnectionLost("not connected yet")
                    continue
                if chunk.data or chunk.skipped or chunk.refused:
                    self._stage(chunk, begun_at)
                    self.received = True
                    last_sign = now
                    self.passed_over = 0
                    asked_behind = self.request.tries and not self.request.overlaps
                    if asked_behind and not self._state().stalled:
                        raise _Unverified("what led up to the new events is asked for again")
                self.commits.commit_if_due()
                self._report()
                if chunk.goes_on:
                    # A run that ends with what it had before would never get on.
                    continue
                outcome = self._reason_to_end(chunk, now - last_sign)
                if outcome:
                    return outcome
                if now - last_sign > self.pace.silence:
                    raise _Silent(f"nothing came for {self.pace.silence:.0f} s")
        return None

    def _state(self) -> SourceState:
        """Return the state of the current stream."""
        name = self.stream.name
        return self.states.get(name) or SourceState(name, self.stream.kind)

    def _resume(self) -> Resume:
        if self._state().is_doubt_over(self._now().replace(tzinfo=None)):
            self.states[self.stream.name] = self._state().before_doubt()
        resume = resume_from(self.stream, self.states, self.start)
        if not self._state().ahead:
            resume = resume_by_now(self.stream, resume, self._now())
        verified = self.verified == (self.stream.name, resume.last)
        return replace(resume, verified=verified) if verified else resume

    def _stage(self, chunk: Chunk, begun_at: SourceState) -> None:
        """Stage what came of a connection that began at a state of its source."""
        if chunk.gap:
            # What was passed over would be sent, and passed over, again.
            if self._can_fill() and (chunk.data or not chunk.refused):
                raise _Missed(chunk.gap)
            self._note_gap(chunk.gap)
        before = self._state()
        after = self.writer.stage(chunk, before)
        if not self.stream.dialect.numbered:
            after = replace(after, position=position_in_time(before, after, self._now()))
        gets_on = after.position != max(begun_at.position, self.request.last or 0)
        after = replace(after, stalled=0 if gets_on else begun_at.stalled + 1)
        decided = is_decided(before, after, self._now())
        if decided:
            after = after.before_doubt()
        self._update(before, after)
        if self.request.overlaps and not chunk.gap:
            self.verified = after.name, after.position
        self.commits.staged(before)
        self.may_fill = True
        # A server that only repeats events is failing.
        newest = before.last_event
        later = newest is None or (after.last_event is not None and after.last_event > newest)
        if later or after.position > before.position:
            self.retries.worked()
        if decided:
            raise _Decided("what lay ahead of the clock is asked for again")

    def _note_gap(self, gap: str) -> None:
        self.gap_count += 1
        self.gaps.append(gap)
        self._report(f"a gap: {gap}")

    def _update(self, before: SourceState, after: SourceState) -> None:
        self.states[after.name] = after
        self.changed[after.name] = None
        self.meter.add(before, after)

    def _reason_to_end(self, chunk: Chunk, quiet: float) -> Outcome | None:
        if self.stop.is_set():
            return "stopped"
        if self._time_left() <= 0:
            return "time is up"
        if self.until == "live":
            # Nothing is told by the clock of events while none come.
            if chunk.data and self._is_fresh(chunk):
                return "live"
            # One that gives no sign of life is given up by its connection, or as silent.
            if quiet > self.pace.quiet and chunk.answered:
                self._check_quiet_stream(quiet)
                return "live"
        return None

    def _is_fresh(self, chunk: Chunk) -> bool:
        newest, lag = self._state().last_event, self._lag()
        if newest is None:
            return False
        if chunk.again:
            # The clock of events stands still while none is new.
            return self.freshness.is_of_now(lag)
        return self.freshness.has_caught_up(lag, newest, more=chunk.more)

    def _check_quiet_stream(self, quiet: float) -> None:
        """Raise ConnectionLost if a stream of which nothing came may have stopped on the way."""
        if not self.received and self.request.overlaps and self.stream.dialect.by_time:
            # A server that numbers its events anew may not have come to that number.
            self.states[self.stream.name] = replace(self._state(), stalled=0)
            raise ConnectionLost("no events came, not even the last ones seen")
        doubt = self.pace.doubt(quiet, self._state().last_event, self._lag())
        if doubt:
            raise ConnectionLost(doubt)

    def _must_end(self) -> bool:
        return self.stop.is_set() or self._time_left() <= 0

    def _time_left(self) -> float:
        if self.limit is None:
            return float("inf")
        return self.began + self.limit.total_seconds() - self.clock()

    # --- after a connection ----------------------------------------------------------------------

    def _next_try(self, lost: ConnectionLost) -> tuple[Resume | None, float]:
        """Return what to request next, if not what follows the store, and the seconds to wait.

        Raises
        ------
        SourceError
            Every server refuses the request, for good.
        """
        self.trouble = f"{self.stream.instance}: {lost}"
        self.was_silent = isinstance(lost, _Silent)
        if isinstance(lost, _Missed):
            return self._resume_past(str(lost)), self.retries.negotiated()
        was_passed_over = isinstance(lost, MessageTooLong) and self._pass_over(str(lost))
        if was_passed_over or isinstance(lost, _Unverified | _Decided | Misplaced):
            if isinstance(lost, Misplaced):
                self._step_back(renumbered=lost.renumbered)
            return None, self.retries.negotiated()
        if isinstance(lost, ServerError) and lost.name == "FutureCursor":
            new = replace(self._state().before_doubt(), position=0)
            self.states[new.name] = new
            gap = "the server's numbering has started over"
            return Resume(newest=newest_event(self.states), gap=gap), self.retries.negotiated()
        if isinstance(lost, ConnectionRefused):
            if lost.error == "CursorTooOld":
                reason = f"the server no longer had it ({lost.message or lost.error})"
                resume = resume_without_overlap(self.request, lost.message) or self._resume_past(
                    reason
                )
                return resume, self.retries.negotiated()
            if self.stream.dialect.adapts(lost):
                return None, self.retries.negotiated()
        wait = self.retries.failed(refused=lost.refuses, asked=lost.retry_after)
        if self.retries.refused:
            raise SourceError(f"{self.stream.instance} refuses the request: {lost}")
        return None, wait

    def _step_back(self, *, renumbered: bool) -> None:
        """Ask for what led up to the last event seen, too.

        That is kept at once, so that a process that ends then need not find it out again.
        """
        before = self._state()
        after = step_back(self.stream, before) if renumbered else replace(before, stalled=MISPLACED)
        self.states[after.name] = after
        self.commits.staged(before)
        self.commits.commit()

    def _pass_over(self, reason: str) -> bool:
        """Get beyond a message that is too long to be taken, once nothing else comes before it."""
        before = self._state()
        comes_first = self.request.tries > 1 or not self.stream.dialect.rewind
        if self.received or not comes_first or not before.position:
            return False
        chunk = pass_over(self.stream, before, self.passed_over, reason)
        if chunk.gap:
            self._note_gap(chunk.gap)
        self._update(before, replace(self.writer.stage(chunk, before), stalled=2))
        self.commits.staged(before)
        self.commits.commit()
        self.passed_over += 1
        return True

    def _resume_past(self, gap: str) -> Resume:
        """Return what to request where the server lacks what follows the newest event.

        The archive may have it; otherwise there is a gap.
        """
        if self._can_fill():
            cutover = self._fill_gap()
            if cutover:
                return resume_at(self.stream, cutover, newest_event(self.states))
            gap = f"{gap}; and the archive does not have it either"
        return resume_after_gap(self.request, newest_event(self.states), gap)

    def _can_fill(self) -> bool:
        since = newest_event(self.states) or self.start
        return self.fill is not None and self.may_fill and since is not None

    def _fill_gap(self) -> int | None:
        """Fetch from the archive what the stream lacks.

        Returns
        -------
        int or None
            The cursor at which the stream takes up; None if the archive failed.
        """
        since = newest_event(self.states) or self.start
        self.may_fill = False
        if self.fill is None or since is None:
            return None
        self._report(f"fetching from the archive what {self.stream.instance} no longer has")
        source = self.fill(self.stream, since - OVERLAP)
        before = after = self.writer.source(source.name) or SourceState(source.name, source.kind)
        try:
            after, failure = read_source(self.writer, source, before, None, self._must_end)
        except SourceError as error:
            failure = str(error)
        self._update(before, after)
        if failure:
            self._report(f"the archive: {failure}")
            return None
        return source.cutover

    def _wait(self, seconds: float) -> Outcome | None:
        """Wait before the next connection; return why there is none."""
        if self.until == "live" and self.retries.hopeless:
            return "unreachable"
        wait_until = self.clock() + seconds
        while not self.stop.is_set():
            if self._time_left() <= 0:
                # Silence is no outage; nor is one failure, unless there was nothing else.
                failed = self.retries.failures > 1 or not self.changed
                return "unreachable" if failed and not self.was_silent else "time is up"
            left = min(wait_until - self.clock(), self._time_left())
            if left <= 0:
                return None
            (self.timing.sleep or self.stop.wait)(left)
        return "stopped"

    # --- how it goes -----------------------------------------------------------------------------

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.timing.now(), UTC)

    def _lag(self) -> timedelta | None:
        """Return the age of the newest event of the current stream.

        None if it has none, or if that is so far ahead of the clock that the clock is wrong.
        """
        newest = self._state().last_event
        if newest is None:
            return None
        age = self._now() - newest.replace(tzinfo=UTC)
        return None if age < -AHEAD else max(age, timedelta(0))

    def _report(self, message: str = "") -> None:
        """Call `watch`, with what just happened."""
        if self.watch is None:
            return
        moment = Moment(
            self.stream.instance,
            self.meter.rate(),
            self._lag(),
            self.meter.kept,
            self.meter.rejected,
            self.reconnects,
            message,
        )
        try:
            self.watch(moment)
        except Exception:
            self.commits.commit()
            raise


class _Silent(ConnectionLost):
    """Nothing came: the server may have forgotten us, or have nothing to say."""


class _Unverified(ConnectionLost):
    """New events came, but what led up to them was not asked for: so it is, at once."""


class _Decided(ConnectionLost):
    """What lay ahead of the clock may come in now: so it is asked for again."""


class _Missed(ConnectionLost):
    """The stream lacks something that the archive may have."""
