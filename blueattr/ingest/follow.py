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
from blueattr.errors import SourceError
from blueattr.ingest.meter import Meter, Moment, Watch
from blueattr.ingest.read import COMMIT_ROWS, nothing_of_it, read_source
from blueattr.ingest.result import Ingested
from blueattr.sources.backoff import Retries
from blueattr.sources.live.socket import ConnectionLost, ConnectionRefused
from blueattr.sources.live.stream import Resume, ServerError, Stream
from blueattr.sources.timing import Timing
from blueattr.store.checkpoint import SourceState
from blueattr.store.database import DEFAULT_MEMORY
from blueattr.store.matching import Rule
from blueattr.store.rollups import roll_up
from blueattr.store.writer import Writer

if TYPE_CHECKING:
    from blueattr.sources.archive.source import ArchiveSource

__all__ = ["Followed", "Pace", "Until", "follow"]


# A restarted server may renumber its last events, so the same server is asked a little before the
# newest event seen. Another server may have seen that event earlier: a lagging one dates what it
# catches up with by its own clock.
_REWIND_SAME = timedelta(seconds=10)
_REWIND_OTHER = timedelta(minutes=10)


Until = Literal["stopped", "live"]
Outcome = Literal["stopped", "live", "time is up", "unreachable"]


@dataclass(frozen=True, slots=True)
class Pace:
    """When a follower commits, when it counts as live, and when it reconnects.

    Parameters
    ----------
    commit_seconds
        Minimum seconds between commits.
    commit_multiple
        The same, as a multiple of the last commit's duration: a commit reads the whole store.
    fresh
        The stream is live when its newest event is at most this old ...
    quiet
        ... or when no event came for this many seconds: longer than a server that is catching up,
        and the network, may falter ...
    clock_samples, clock_speed
        ... or when over this many samples, a second apart, the clock of its events went less than
        this many times as fast as ours. That tells a server whose clock is not ours.
    silence
        Seconds without an event after which the follower reconnects: the server may have
        forgotten it.
    """

    commit_seconds: float = 10.0
    commit_multiple: float = 10.0
    fresh: timedelta = timedelta(seconds=10)
    quiet: float = 10.0
    clock_samples: int = 20
    clock_speed: float = 1.5
    silence: float = 90.0


@dataclass(frozen=True, slots=True)
class Followed:
    """What following did.

    Parameters
    ----------
    ingested
        The sources' states after it.
    outcome
        Why it ended.
    reconnects
        How often a connection had to be made anew.
    gaps
        Why time is missing that was found missing in this run; empty where nothing is.
    lag
        How far behind the clock the newest event is.
    trouble
        Where it is unreachable: the last thing that was wrong.
    """

    ingested: Ingested
    outcome: Outcome
    reconnects: int
    gaps: tuple[str, ...]
    lag: timedelta | None
    trouble: str = ""


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
        End after so long, caught up or not.
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
        Told about twice a second how it goes. If it raises, following ends with that, after a
        commit.
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
    with Writer(db, memory) as writer:
        return _Follower(
            writer,
            tuple(streams),
            until,
            limit,
            start,
            fill,
            rules,
            stop or threading.Event(),
            watch,
            timing or Timing(),
            pace or Pace(),
        ).run()


@dataclass
class _Follower:
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
    gaps: list[str] = field(default_factory=list)
    reconnects: int = 0
    trouble: str = ""
    dirty: bool = False
    may_fill: bool = True
    silent: bool = False
    asked: Resume = field(default_factory=Resume)

    def __post_init__(self) -> None:
        self.clock = self.timing.monotonic
        self.began = self.committed_at = self.clock()
        self.meter = Meter(self.clock)
        self.commit_took = 0.0
        self.kept_committed = 0
        self.known = self.writer.sources()
        # Names of the sources that this run read, in the order of their first event.
        self.changed: dict[str, None] = {}
        # When we looked, and the time of the newest event then.
        self.clocks: deque[tuple[float, datetime]] = deque(maxlen=self.pace.clock_samples)
        self.retries = Retries(len(self.streams), self.timing.jitter)
        self.current = self.streams[0]

    def run(self) -> Followed:
        before = self.writer.count_events()
        resume: Resume | None = None
        outcome: Outcome | None = None
        while outcome is None:
            self.current = self.streams[self.retries.turn]
            self.asked = resume or self._resume(self.current)
            try:
                outcome = self._connection(self.current, self.asked)
                self._commit()
            except ConnectionLost as lost:
                self._commit()
                self._tell(str(lost))
                resume, wait = self._again(lost)
                self.reconnects += 1
                if wait:
                    self._tell(f"connecting again in {wait:.1f} s")
                outcome = self._wait(wait)
        if outcome != "stopped":
            # Who stops it wants it to end; what was not rolled up is at the next run.
            roll_up(self.writer, self.rules)
        after = self.writer.count_events()
        states = tuple(self.known[name] for name in self.changed)
        failures = tuple(failure for state in states for failure in nothing_of_it(state))
        return Followed(
            Ingested(states, (), failures, before, after),
            outcome,
            self.reconnects,
            tuple(self.gaps),
            self._lag(),
            self.trouble if outcome == "unreachable" else "",
        )

    # --- where to take up ------------------------------------------------------------------------

    def _seen(self) -> datetime | None:
        """Time of the newest event that any source has seen."""
        times = [s.last_event for s in self.known.values() if s.last_event and s.kind != "plc"]
        return max(times).replace(tzinfo=UTC) if times else None

    def _resume(self, stream: Stream) -> Resume:
        seen = self._seen()
        if seen is None:
            return Resume(since=self.start)
        # The archive of a server counts as the server's stream does.
        own = [
            state
            for name, state in self.known.items()
            if state.position
            and state.last_event
            and (name == stream.name or name.startswith(f"archive:{stream.instance} "))
        ]
        newest = max(own, key=lambda state: (state.last_event, state.position), default=None)
        if newest is not None and newest.last_event is not None:
            last = newest.last_event.replace(tzinfo=UTC)
            if last >= seen - _REWIND_OTHER or not stream.dialect.by_time:
                return self._at(newest.position, last)
        return Resume(since=seen - _REWIND_OTHER, seen=seen)

    def _at(self, position: int, last: datetime | None) -> Resume:
        cursor = max(position - self.current.dialect.rewind, 1)
        return Resume(cursor, position, last and last - _REWIND_SAME, last)

    # --- one connection --------------------------------------------------------------------------

    def _connection(self, stream: Stream, resume: Resume) -> Outcome | None:
        state = self.known.get(stream.name) or SourceState(stream.name, stream.kind)
        self.kept_committed = state.kept
        came = False
        heard = self.clock()
        self.clocks.clear()
        with closing(stream.chunks(resume, state.position)) as chunks:
            for chunk in chunks:
                now = self.clock()
                if chunk is None:
                    heard = now
                    if self._must_end():
                        raise ConnectionLost("not connected yet")
                    continue
                if chunk.data or chunk.skipped or chunk.refused:
                    state = self._take(chunk, state)
                    came = True
                    heard = now
                self._commit(due=True)
                self._tell()
                outcome = self._finished(now - heard, came=came)
                if outcome:
                    return outcome
                if now - heard > self.pace.silence:
                    raise _Silent(f"nothing came for {self.pace.silence:.0f} s")
        return None

    def _take(self, chunk: Chunk, state: SourceState) -> SourceState:
        if chunk.gap:
            if self._can_fill():
                raise _Missed(chunk.gap)
            self.gaps.append(chunk.gap)
            self._tell(f"a gap: {chunk.gap}")
        before = state
        state = self.writer.stage(chunk, state)
        self._note(before, state)
        self.dirty = self.may_fill = True
        # A server that only repeats events is failing.
        if before.last_event is None or (state.last_event and state.last_event > before.last_event):
            self.retries.worked()
        return state

    def _note(self, before: SourceState, after: SourceState) -> None:
        self.known[after.name] = after
        self.changed[after.name] = None
        self.meter.add(before, after)

    def _finished(self, quiet: float, *, came: bool) -> Outcome | None:
        if self.stop.is_set():
            return "stopped"
        if self._time_left() <= 0:
            return "time is up"
        if self.until == "live":
            if came and self._is_fresh():
                return "live"
            if quiet > self.pace.quiet:
                if not came and self.asked.again and self.current.dialect.by_time:
                    raise ConnectionLost("nothing came, not even what was seen last")
                return "live"
        return None

    def _is_fresh(self) -> bool:
        """Tell whether the stream has caught up.

        Its events are of now; or, where its clock is not ours, the clock of its events has for a
        while gone no faster than ours, as it would while catching up.
        """
        lag = self._lag()
        last = self.known[self.current.name].last_event
        if lag is None or last is None:
            return False
        now = self.clock()
        if not self.clocks or now - self.clocks[-1][0] >= 1:
            self.clocks.append((now, last))
        before, then = self.clocks[0]
        return lag <= self.pace.fresh or (
            len(self.clocks) == self.pace.clock_samples
            and (last - then).total_seconds() < self.pace.clock_speed * (now - before)
        )

    def _time_left(self) -> float:
        if self.limit is None:
            return float("inf")
        return self.began + self.limit.total_seconds() - self.clock()

    def _commit(self, *, due: bool = False) -> None:
        if not self.dirty:
            return
        state = self.known[self.current.name]
        waited = self.clock() - self.committed_at
        if (
            due
            and waited < max(self.pace.commit_seconds, self.pace.commit_multiple * self.commit_took)
            and state.kept - self.kept_committed < COMMIT_ROWS
        ):
            return
        began = self.clock()
        self.known[state.name] = self.writer.commit(state)
        self.committed_at = self.clock()
        self.commit_took = self.committed_at - began
        self.kept_committed = state.kept
        self.dirty = False

    # --- after a connection ----------------------------------------------------------------------

    def _again(self, lost: ConnectionLost) -> tuple[Resume | None, float]:
        """Decide how to go on, if not as usual, and how many seconds to wait before."""
        self.trouble = f"{self.current.instance}: {lost}"
        self.silent = isinstance(lost, _Silent)
        if isinstance(lost, _Missed):
            return self._lacking(str(lost)), self.retries.negotiated()
        if isinstance(lost, ServerError) and lost.name == "FutureCursor":
            gap = "the server's numbering has started over"
            return Resume(seen=self._seen(), gap=gap), self.retries.negotiated()
        if isinstance(lost, ConnectionRefused):
            if lost.error == "CursorTooOld":
                return self._too_old(lost), self.retries.negotiated()
            if self.current.dialect.adapts(lost):
                return None, self.retries.negotiated()
        wait = self.retries.failed(refused=lost.refuses, asked=lost.retry_after)
        if self.retries.refused:
            raise SourceError(f"{self.current.instance} refuses the request: {lost}")
        return None, wait

    def _too_old(self, lost: ConnectionRefused) -> Resume:
        asked = self.asked
        if asked.again and asked.last is not None:
            # What was asked for beyond need is gone; the rest may be there.
            return replace(asked, cursor=asked.last + 1)
        return self._lacking(f"the server no longer had it ({lost.message or lost.error})")

    def _lacking(self, gap: str) -> Resume:
        """Decide how to go on where the server lacks what follows the last event seen."""
        if self._can_fill():
            cutover = self._fetch()
            if cutover:
                return self._at(cutover, self._seen())
            gap = f"{gap}; nor could the archive give it"
        seen = self._seen()
        if self.asked.cursor is None:
            # It was asked by time already, and refused that.
            return Resume(seen=seen, gap=gap)
        return Resume(since=seen - _REWIND_OTHER if seen else None, seen=seen, gap=gap)

    def _can_fill(self) -> bool:
        return self.fill is not None and self.may_fill and bool(self._seen() or self.start)

    def _fetch(self) -> int | None:
        """Fetch from the archive what the stream lacks; return where the stream takes up."""
        since = self._seen() or self.start
        # Once: what the archive lacks, too, is a gap.
        self.may_fill = False
        if self.fill is None or since is None:
            return None
        self._tell(f"fetching from the archive what {self.current.instance} no longer has")
        source = self.fill(self.current, since - _REWIND_SAME)
        before = state = self.writer.source(source.name) or SourceState(source.name, source.kind)
        try:
            state, failure = read_source(self.writer, source, state, None, self._must_end)
        except SourceError as error:
            failure = str(error)
        self._note(before, state)
        if failure:
            self._tell(f"the archive: {failure}")
            return None
        return source.cutover

    def _must_end(self) -> bool:
        return self.stop.is_set() or self._time_left() <= 0

    def _wait(self, seconds: float) -> Outcome | None:
        if self.until == "live" and self.retries.hopeless:
            return "unreachable"
        until = self.clock() + seconds
        while not self.stop.is_set():
            if self._time_left() <= 0:
                # Silence is no outage; nor is one failure, unless it is all there was.
                if self.silent:
                    return "time is up"
                return (
                    "unreachable" if self.retries.failures > 1 or not self.changed else "time is up"
                )
            left = min(until - self.clock(), self._time_left())
            if left <= 0:
                return None
            (self.timing.sleep or self.stop.wait)(left)
        return "stopped"

    # --- how it goes -----------------------------------------------------------------------------

    def _lag(self) -> timedelta | None:
        state = self.known.get(self.current.name)
        if state is None or state.last_event is None:
            return None
        now = datetime.fromtimestamp(self.timing.now(), UTC)
        return max(now - state.last_event.replace(tzinfo=UTC), timedelta(0))

    def _tell(self, message: str = "") -> None:
        if self.watch is None:
            return
        moment = Moment(
            self.current.instance,
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
            self._commit()
            raise


class _Silent(ConnectionLost):
    """Nothing came: the server may have forgotten us, or have nothing to say."""


class _Missed(ConnectionLost):
    """The stream lacks something that the archive may have."""
