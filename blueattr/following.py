"""Following streams: reconnecting, falling back, committing, and knowing what was missed."""

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from blueattr.errors import SourceError
from blueattr.jobs import COMMIT_ROWS, nothing_of_it, read_source
from blueattr.sources import Ingested, SourceState
from blueattr.sources.socket import ConnectionLost, ConnectionRefused
from blueattr.sources.streams import Resume, ServerError, Stream
from blueattr.store import DEFAULT_MEMORY, Writer

if TYPE_CHECKING:
    from blueattr.sources.archive import ArchiveSource

__all__ = ["Followed", "Moment", "Until", "follow"]

# Rows wait at least so long for a commit, and so many times as long as the last one took: a commit
# looks through the whole store.
_COMMIT_EVERY = 10.0
_COMMIT_SHARE = 10.0

# A stream is live when its events are this fresh; or when nothing more comes.
_LIVE = timedelta(seconds=10)
_QUIET = 3.0
_QUIET_AT_FIRST = 10.0
# Or when the clock of its events has gone little faster than ours for so many seconds.
_CLOCKS = 20
_PACE = 1.5

# What was seen may not be what another server, or the same one after a restart, saw last.
_REWIND_SAME = timedelta(seconds=10)
_REWIND_OTHER = timedelta(seconds=60)

# Waits between attempts: doubled from the first to the last, and spread, so that clients that a
# server dropped at once do not all come back at once.
_FIRST_WAIT = 1.0
_LAST_WAIT = 64.0
_SPREAD = (0.5, 1.5)
_LONGEST_ASKED_WAIT = 300.0
# Attempts at one server before the next is tried, and in all before a run that is to end gives up.
_ATTEMPTS_EACH = 2
_ATTEMPTS = 7

Until = Literal["stopped", "live"]
Outcome = Literal["stopped", "live", "time is up", "unreachable"]


@dataclass(frozen=True, slots=True)
class Moment:
    """How a follower is doing, for showing it.

    Parameters
    ----------
    server
        Whom it follows.
    rate
        Events per second, over the last few seconds.
    lag
        How far the newest event is behind the clock; None while there is none.
    kept, rejected
        Events since the start of the run.
    reconnects
        Since the start of the run.
    message
        What just happened, if anything.
    """

    server: str
    rate: float
    lag: timedelta | None
    kept: int
    rejected: int
    reconnects: int
    message: str = ""


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


Watch = Callable[[Moment], None]
Fill = Callable[[Stream, int], "ArchiveSource"]
"""Makes the source that fetches what a stream no longer has, after a sequence number."""


def follow(
    db: Path,
    streams: Sequence[Stream],
    *,
    until: Until = "stopped",
    limit: timedelta | None = None,
    start: datetime | None = None,
    fill: Fill | None = None,
    memory: int = DEFAULT_MEMORY,
    stop: threading.Event | None = None,
    watch: Watch | None = None,
) -> Followed:
    """Follow the first of some streams that can be reached, into a store.

    It takes up where the store left off: at the server's own cursor where that is the newest thing
    the store has, else by time. What a server no longer has is a gap, or is fetched by `fill`.

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
        Makes a source of the archive, for what a server refuses as too old.
    memory
        Bytes the process may use.
    stop
        Set from outside to end cleanly: what was received is committed.
    watch
        Told about twice a second how it goes.

    Raises
    ------
    SourceError
        Every server refuses what is asked of it, for good.
    StoreError
        The store cannot be written.
    """
    with Writer(db, memory) as writer:
        return _Follower(
            writer, tuple(streams), until, limit, start, fill, stop or threading.Event(), watch
        ).run()


@dataclass
class _Follower:
    writer: Writer
    streams: tuple[Stream, ...]
    until: Until
    limit: timedelta | None
    start: datetime | None
    fill: Fill | None
    stop: threading.Event
    watch: Watch | None
    known: dict[str, SourceState] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    reconnects: int = 0
    failures: int = 0
    refusals: int = 0
    trouble: str = ""
    dirty: bool = False
    asked: Resume = field(default_factory=Resume)
    clocks: deque[tuple[float, datetime]] = field(default_factory=lambda: deque(maxlen=_CLOCKS))

    def __post_init__(self) -> None:
        self.began = self.committed_at = self.measured_at = time.monotonic()
        self.commit_took = self.rate = 0.0
        self.kept_committed = 0
        self.known = {state.name: state for state in self.writer.sources()}
        self.rejected_before = sum(sum(s.rejected.values()) for s in self.known.values())
        self.kept_before = self.kept_measured = sum(s.kept for s in self.known.values())
        self.current = self.streams[0]

    def run(self) -> Followed:
        before = self.writer.count_events()
        turn, resume = 0, None
        outcome: Outcome | None = None
        while outcome is None:
            self.current = self.streams[turn % len(self.streams)]
            resume = resume or self._resume(self.current)
            try:
                outcome = self._connection(self.current, resume)
                self._commit()
            except _Ended as ended:
                self._commit()
                outcome = self._given_up()
                if outcome is None:
                    self._tell(str(ended.lost))
                    again = self._again(ended.lost, turn, progressed=ended.progressed)
                    resume, wait, turn = again
                    self.reconnects += 1
                    self._tell(f"connecting again in {wait:.1f} s")
                    outcome = self._wait(wait)
        after = self.writer.count_events()
        states = tuple(self.known[name] for name in dict.fromkeys(self.changed))
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
            if last >= seen - _REWIND_OTHER:
                cursor = max(newest.position - stream.dialect.rewind, 1)
                return Resume(cursor, newest.position, last - _REWIND_SAME, last)
        return Resume(since=seen - _REWIND_OTHER, seen=seen)

    # --- one connection --------------------------------------------------------------------------

    def _connection(self, stream: Stream, resume: Resume) -> Outcome | None:
        state = self.known.get(stream.name) or SourceState(stream.name, stream.kind)
        self.kept_committed = state.kept
        progressed = False
        opened = heard = time.monotonic()
        position = state.position
        self.asked = resume
        self.clocks.clear()
        try:
            with closing(stream.chunks(resume, position)) as chunks:
                for chunk in chunks:
                    now = time.monotonic()
                    if chunk.data or chunk.skipped or chunk.refused:
                        if chunk.gap is not None:
                            self.gaps.append(chunk.gap)
                            self._tell(f"a gap: {chunk.gap}")
                        state = self.writer.stage(chunk, state)
                        self.known[stream.name] = state
                        self.changed.append(stream.name)
                        self.dirty = progressed = True
                        self.failures = self.refusals = 0
                        heard = now
                    self._commit(due=True)
                    self._tell()
                    outcome = self._finished(now - heard, progressed=progressed)
                    if outcome:
                        return outcome
        except ConnectionLost as lost:
            # A connection that was quiet for long was a good one.
            raise _Ended(lost, progressed=progressed or time.monotonic() - opened > 60) from None
        return None

    def _finished(self, quiet: float, *, progressed: bool) -> Outcome | None:
        if self.stop.is_set():
            return "stopped"
        if self._time_is_up():
            return "time is up"
        if self.until == "live":
            if progressed and (self._is_fresh() or quiet > _QUIET):
                return "live"
            if quiet > _QUIET_AT_FIRST:
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
        now = time.monotonic()
        if not self.clocks or now - self.clocks[-1][0] >= 1:
            self.clocks.append((now, last))
        before, then = self.clocks[0]
        return lag <= _LIVE or (
            len(self.clocks) == _CLOCKS and (last - then).total_seconds() < _PACE * (now - before)
        )

    def _time_is_up(self) -> bool:
        return (
            self.limit is not None and time.monotonic() - self.began >= self.limit.total_seconds()
        )

    def _commit(self, *, due: bool = False) -> None:
        if not self.dirty:
            return
        state = self.known[self.current.name]
        waited = time.monotonic() - self.committed_at
        if (
            due
            and waited < max(_COMMIT_EVERY, _COMMIT_SHARE * self.commit_took)
            and state.kept - self.kept_committed < COMMIT_ROWS
        ):
            return
        began = time.monotonic()
        self.writer.commit(state)
        self.committed_at = time.monotonic()
        self.commit_took = self.committed_at - began
        self.kept_committed = state.kept
        self.dirty = False

    # --- after a connection ----------------------------------------------------------------------

    def _again(
        self, lost: ConnectionLost, turn: int, *, progressed: bool
    ) -> tuple[Resume | None, float, int]:
        """Decide how, when and with whom to go on: (resume where not as usual, seconds, turn)."""
        self.trouble = f"{self.current.instance}: {lost}"
        self.failures = 1 if progressed else self.failures + 1
        wait = min(_FIRST_WAIT * 2 ** (self.failures - 1), _LAST_WAIT) * random.uniform(*_SPREAD)  # noqa: S311 - spreads load
        seen = self._seen()
        if isinstance(lost, ConnectionRefused):
            if lost.error == "CursorTooOld":
                return self._too_old(lost, seen), 0.0 if self.failures < 2 else wait, turn
            if self.current.dialect.adapts(lost):
                return None, 0.0 if self.failures < 2 else wait, turn
            if lost.retry_after is not None:
                wait = max(wait, min(lost.retry_after, _LONGEST_ASKED_WAIT))
            if 400 <= lost.status < 500 and lost.status not in (408, 425, 429):
                self.refusals += 1
                # At once where nothing was had yet: more likely our mistake than theirs.
                patience = _ATTEMPTS if self.changed else 1
                if self.refusals >= patience * len(self.streams):
                    raise SourceError(f"{self.current.instance} refuses the request: {lost}")
                return None, wait, turn + 1
        if isinstance(lost, ServerError) and lost.name == "FutureCursor":
            gap = "the server's numbering has started over"
            return Resume(seen=seen, gap=gap), wait, turn
        if self.failures and self.failures % _ATTEMPTS_EACH == 0:
            turn += 1
        return None, wait, turn

    def _too_old(self, lost: ConnectionRefused, seen: datetime | None) -> Resume:
        asked = self.asked
        if asked.cursor is not None and asked.last is not None and asked.cursor < asked.last:
            # What was asked for beyond need is gone; the rest may be there.
            return replace(asked, cursor=asked.last, last=None)
        gap = f"the server no longer had it ({lost.message or lost.error})"
        if self.fill is not None and asked.last is not None:
            self._tell(f"fetching from the archive what {self.current.instance} no longer has")
            source = self.fill(self.current, asked.last)
            state = SourceState(source.name, source.kind)
            try:
                state = self.writer.source(source.name) or state
                state, failure = read_source(self.writer, source, state, None)
            except SourceError as error:
                failure = str(error)
            self.known[source.name] = state
            self.changed.append(source.name)
            if not failure and source.cutover is not None:
                cursor = max(source.cutover - self.current.dialect.rewind, 1)
                return Resume(cursor, source.cutover, seen=seen)
            self._tell(f"the archive: {failure}")
            gap = f"{gap}; nor could the archive give it"
        since = seen - _REWIND_OTHER if seen else None
        return Resume(since=since, seen=seen, gap=gap)

    def _given_up(self) -> Outcome | None:
        if self.stop.is_set():
            return "stopped"
        ends = self.until == "live"
        if ends and self.failures >= _ATTEMPTS * len(self.streams):
            return "unreachable"
        return None

    def _wait(self, seconds: float) -> Outcome | None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self.stop.wait(min(left, 0.5)):
                return "stopped"
            if self._time_is_up():
                # It is not connected, and has not been since it last failed.
                return "unreachable"
        return None

    # --- how it goes -----------------------------------------------------------------------------

    def _lag(self) -> timedelta | None:
        state = self.known.get(self.current.name)
        if state is None or state.last_event is None:
            return None
        return max(datetime.now(UTC) - state.last_event.replace(tzinfo=UTC), timedelta(0))

    def _tell(self, message: str = "") -> None:
        if self.watch is None:
            return
        kept = sum(state.kept for state in self.known.values())
        now = time.monotonic()
        if now - self.measured_at >= 2:
            self.rate = (kept - self.kept_measured) / (now - self.measured_at)
            self.measured_at, self.kept_measured = now, kept
        rejected = sum(sum(state.rejected.values()) for state in self.known.values())
        self.watch(
            Moment(
                self.current.instance,
                self.rate,
                self._lag(),
                kept - self.kept_before,
                rejected - self.rejected_before,
                self.reconnects,
                message,
            )
        )


class _Ended(Exception):  # noqa: N818 - how a connection tells its end
    def __init__(self, lost: ConnectionLost, *, progressed: bool) -> None:
        super().__init__(str(lost))
        self.lost = lost
        self.progressed = progressed
