"""What a follower has kept so far, and how fast: for showing it while it runs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from blueattr.store.commit.checkpoint import SourceState

__all__ = ["Meter", "Moment", "Watch"]


# Seconds over which the rate is measured.
_MEASURE = 2.0


@dataclass(frozen=True, slots=True)
class Moment:
    """How a follower is doing.

    Parameters
    ----------
    server
        The server that it follows.
    rate
        Events per second, over the last few seconds.
    lag
        Age of the newest event; None while there is none.
    kept, rejected
        Events since the start of the run.
    reconnects
        Since the start of the run.
    message
        What just happened; empty if nothing did.
    """

    server: str
    rate: float
    lag: timedelta | None
    kept: int
    rejected: int
    reconnects: int
    message: str = ""


Watch = Callable[[Moment], None]


class Meter:
    """Count the events that a run keeps and rejects, and measure their rate.

    Parameters
    ----------
    clock
        Seconds since any moment.

    Attributes
    ----------
    kept, rejected
        Events since the start of the run.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._measured_at, self._kept_then = clock(), 0
        self._rate = 0.0
        self.kept = self.rejected = 0

    def add(self, before: SourceState, after: SourceState) -> None:
        """Count what a source brought between two of its states."""
        self.kept += after.kept - before.kept
        self.rejected += sum(after.rejected.values()) - sum(before.rejected.values())

    def rate(self) -> float:
        """Return the events kept per second, measured at most every two seconds."""
        now = self._clock()
        if now - self._measured_at >= _MEASURE:
            self._rate = (self.kept - self._kept_then) / (now - self._measured_at)
            self._measured_at, self._kept_then = now, self.kept
        return self._rate
