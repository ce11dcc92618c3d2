"""When what comes is committed, and when a stream has caught up with the clock."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from blueattr.ingest.read import COMMIT_ROWS
from blueattr.store.commit.checkpoint import SourceState
from blueattr.store.commit.writer import Writer

__all__ = ["CommitClock", "Commits", "Freshness", "Pace"]


@dataclass(frozen=True, slots=True)
class Pace:
    """When a follower commits, when it counts as live, and when it reconnects.

    Parameters
    ----------
    commit_seconds
        Minimum seconds between commits.
    commit_multiple
        The same, as a multiple of the last commit's duration: a commit reads the whole store.
    commit_rows
        How many may wait for a commit, however short the time; their bytes are bounded by memory.
    fresh
        The stream is live when its newest event is at most this old ...
    quiet
        ... or when no event came for this many seconds, longer than a server that is catching up,
        and the network, may falter, while the server answered a ping ...
    quiet_age
        ... and its newest event is less old than this ...
    clock_samples, clock_speed
        ... or when over this many samples, a second apart, the clock of its events went less than
        this many times as fast as ours. So a server whose clock is not ours is recognised.
    silence
        Seconds without an event after which the follower reconnects: the server may have
        forgotten it.
    """

    commit_seconds: float = 10.0
    commit_multiple: float = 10.0
    commit_rows: int = COMMIT_ROWS
    fresh: timedelta = timedelta(seconds=10)
    quiet: float = 10.0
    quiet_age: timedelta = timedelta(minutes=10)
    clock_samples: int = 20
    clock_speed: float = 1.5
    silence: float = 90.0

    def doubt(self, quiet: float, newest: datetime | None, lag: timedelta | None) -> str:
        """Say why a stream of which nothing came for so many seconds may not have caught up.

        Parameters
        ----------
        newest, lag
            Time and age of its newest event. The age is None where the clock is behind the event.

        Returns
        -------
        str
            Empty if it has caught up.
        """
        silence = f"no event came for {quiet:.0f} s"
        if newest is None:
            return f"{silence}, nor any before"
        if lag is not None and lag >= self.quiet_age:
            return f"{silence}, and the newest is of {newest:%Y-%m-%d %H:%M:%S}"
        return ""


class CommitClock:
    """Says when what is staged is to be committed.

    Parameters
    ----------
    writer
        The store, into which it is staged.
    pace
        The intervals.
    clock
        Seconds since any moment.
    """

    def __init__(self, writer: Writer, pace: Pace, clock: Callable[[], float]) -> None:
        self._writer, self._pace, self._clock = writer, pace, clock
        self._ended_at = clock()
        self._duration = 0.0

    @property
    def is_due(self) -> bool:
        """Whether much waits, or the last commit was not a moment ago."""
        interval = max(self._pace.commit_seconds, self._pace.commit_multiple * self._duration)
        rows, size = self._writer.waiting
        is_much = rows >= self._pace.commit_rows or size >= self._writer.shares.lines
        return is_much or self._clock() - self._ended_at >= interval

    @contextmanager
    def committing(self) -> Iterator[None]:
        """Take the time of a commit; the next one is due some time after it."""
        began = self._clock()
        yield
        self._ended_at = self._clock()
        self._duration = self._ended_at - began


class Commits:
    """Commits what one stream after the other staged, at a follower's pace.

    Parameters
    ----------
    writer
        The store, into which the chunks are staged.
    states
        The states of its sources, by name; a commit replaces one.
    pace
        The intervals.
    clock
        Seconds since any moment.
    """

    def __init__(
        self,
        writer: Writer,
        states: dict[str, SourceState],
        pace: Pace,
        clock: Callable[[], float],
    ) -> None:
        self._writer, self._states = writer, states
        self._clock = CommitClock(writer, pace, clock)
        # Name of the source whose chunks are staged; None while nothing is.
        self._staged: str | None = None

    def staged(self, before: SourceState) -> None:
        """Note that a chunk of a source is staged, and the state that it had before."""
        if self._staged is None:
            self._staged = before.name

    def commit_if_due(self) -> None:
        """Commit what is staged, unless the last commit was a moment ago."""
        if self._staged is not None and self._clock.is_due:
            self.commit()

    def commit(self) -> None:
        """Commit what is staged, if anything is."""
        if self._staged is None:
            return
        with self._clock.committing():
            self._states[self._staged] = self._writer.commit(self._states[self._staged])
            self._staged = None


class Freshness:
    """Judges by the times of its events whether a stream has caught up with the clock.

    Parameters
    ----------
    pace
        The limits.
    clock
        Seconds since any moment.
    """

    def __init__(self, pace: Pace, clock: Callable[[], float]) -> None:
        self._pace, self._clock = pace, clock
        # When a sample was taken, and the time of the newest event then.
        self._samples: deque[tuple[float, datetime]] = deque(maxlen=pace.clock_samples)

    def forget(self) -> None:
        """Start anew, as with each connection."""
        self._samples.clear()

    def is_of_now(self, lag: timedelta | None) -> bool:
        """Return whether an event is of now, by its age, if known."""
        return lag is not None and lag <= self._pace.fresh

    def has_caught_up(self, lag: timedelta | None, newest: datetime, *, more: bool) -> bool:
        """Return whether the stream is live, by its newest event and the lag of that, if known.

        The event is of now; or, where the server's clock is not ours, the clock of its events has
        for a while gone no faster than ours, as it would while catching up. If more has come and
        waits, it may be we who are slow.
        """
        now = self._clock()
        if not self._samples or now - self._samples[-1][0] >= 1:
            self._samples.append((now, newest))
        sampled_at, newest_then = self._samples[0]
        return self.is_of_now(lag) or (
            not more
            and len(self._samples) == self._pace.clock_samples
            and (newest - newest_then).total_seconds() < self._pace.clock_speed * (now - sampled_at)
        )
