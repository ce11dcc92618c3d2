"""Change points: when the posts of a minute, or what a tier carries, began to differ.

Both are found by cumulative sums (Page 1954, doi:10.1093/biomet/41.1-2.100): what speaks for a
change is added up from minute to minute and never falls below 0. A sum that passes a limit of h
does so by chance at most once in e^h minutes (Lorden 1971, doi:10.1214/aoms/1177693055), and the
change began where it was 0 last.
"""

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

__all__ = ["LEARNED", "ChangeFound", "CountChanges", "ShareChanges"]


_LIMIT = 12.0  # e^12 minutes are 16 weeks; eight sums are kept, so one false alarm in two weeks
_TIMES = 1.5  # as many, or one in 1.5: the change of a count that is looked for
_ALL_THE_SAME = 1.25  # a level that is so near the old one, either way, was a burst that is over
_POINTS, _WITHIN = 0.05, 30  # of a share, in minutes
_LEAST = 0.035  # less is not told, however steady the share was; single posts may carry as much
_STEADIEST = 0.0005  # of a share in a minute: no share is taken to be steadier

# What is usual is learned from minutes that are older than half an hour, so that a change does not
# count as usual; at least an hour of them, at most a day.
_GUARD, _FEWEST, _MOST = 30, 60, 24 * 60
_BLOCK = 5  # minutes whose sums tell how much counts come in clusters

LEARNED = _GUARD + _FEWEST
"""Minutes from the beginning, or from a change, to the first that can be told."""


@dataclass(frozen=True, slots=True)
class ChangeFound:
    """A change that was found.

    Parameters
    ----------
    began
        The first minute of the new level.
    before, after
        The level before and since.
    """

    began: int
    before: float
    after: float


@dataclass(slots=True)
class _Sum:
    """What speaks for a change in one direction, and since when."""

    value: float = 0.0
    since: int = 0

    def add(self, evidence: float, minute: int) -> float:
        if self.value == 0.0:
            self.since = minute
        self.value = max(self.value + evidence, 0.0)
        return self.value


class CountChanges:
    """Finds where a count of each minute became 1.5 times as large, or fell to two thirds.

    The evidence of a minute is the logarithm of how much more likely its count is at the changed
    rate, both by Poisson, over the dispersion: where events come in clusters, each says less. At a
    rate of r a minute and a dispersion of d, a rise by half is found after about 12 d / (0.108 r)
    minutes: within half an hour from r = 4 d on.
    """

    def __init__(self) -> None:
        self._counts: deque[int] = deque(maxlen=_GUARD + _MOST)
        self._up, self._down = _Sum(), _Sum()

    def see(self, minute: int, count: int) -> ChangeFound | None:
        """Take the count of the next minute, and return a change that it completes.

        Parameters
        ----------
        minute
            Its number.
        count
            Of a whole minute.
        """
        found = None
        if len(self._counts) >= LEARNED:
            usual = np.fromiter(self._counts, np.float64)[:-_GUARD]
            rate, dispersion = usual.mean(), _dispersion(usual)
            for change, times in ((self._up, _TIMES), (self._down, 1 / _TIMES)):
                evidence = count * math.log(times) - rate * (times - 1)
                if change.add(evidence / dispersion, minute) > _LIMIT:
                    found = change, float(rate)
        self._counts.append(count)
        if found is None:
            return None
        change, before = found
        level = list(self._counts)[change.since - minute - 1 :]
        after = float(np.mean(level))
        self._up, self._down = _Sum(), _Sum()
        if before / _ALL_THE_SAME < after < before * _ALL_THE_SAME:
            return None
        self._counts = deque(level, maxlen=_GUARD + _MOST)
        return ChangeFound(change.since, before, after)


def _dispersion(counts: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> float:
    """Return how much more counts vary than those of a Poisson process: 1 for one, never less."""
    blocks = counts[: counts.size // _BLOCK * _BLOCK].reshape(-1, _BLOCK).sum(axis=1)
    mean = blocks.mean()
    return max(float(blocks.var(ddof=1) / mean), 1.0) if mean else 1.0


class ShareChanges:
    """Finds where a share rose or fell by five points within half an hour.

    Shares of a window that slides wander: each follows from the one before. So the differences from
    minute to minute are looked at, which are independent of each other where nothing changes. The
    evidence is the logarithm of how much more likely a difference is where the share moves by five
    points in half an hour, both by a normal distribution with the variance that differences had.
    """

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None
        self._steps = _Steps()
        self._up, self._down = _Drift(1), _Drift(-1)

    def see(self, time: float, share: float) -> ChangeFound | None:
        """Take the share at a later time, and return a change that it completes.

        Parameters
        ----------
        time
            In minutes; one that is not later is passed over.
        share
            A part of 1.
        """
        if self._last is None:
            self._last = time, share
            return None
        began, before = self._last
        if time <= began:
            return None
        self._last = time, share
        variance = self._steps.variance(time)
        found = None
        if variance is not None:
            for drift in (self._up, self._down):
                if drift.passes(began, before, time - began, share - before, variance):
                    found = ChangeFound(int(drift.since), drift.level, share)
        self._steps.add(time, time - began, share - before)
        if found is not None:
            self._steps = _Steps()
            self._up, self._down = _Drift(1), _Drift(-1)
        return found


class _Steps:
    """How a share moved, of which only what is older than half an hour is usual; with its sums."""

    def __init__(self) -> None:
        self._new: deque[tuple[float, float, float]] = deque()
        self._usual: deque[tuple[float, float, float]] = deque()
        self._minutes = self._squares = 0.0

    def add(self, time: float, length: float, step: float) -> None:
        """Keep a step of so many minutes that ends at a time."""
        self._new.append((time, length, step * step))

    def variance(self, time: float) -> float | None:
        """Return the variance of a minute's difference so far; None before it is learned."""
        while self._new and self._new[0][0] <= time - _GUARD:
            self._usual.append(self._new.popleft())
            self._count(self._usual[-1], 1)
        while self._usual and self._usual[0][0] < time - _GUARD - _MOST:
            self._count(self._usual.popleft(), -1)
        if self._minutes < _FEWEST:
            return None
        return max(self._squares / self._minutes, _STEADIEST**2)

    def _count(self, step: tuple[float, float, float], times: int) -> None:
        _, length, square = step
        self._minutes += times * length
        self._squares += times * square


@dataclass(slots=True)
class _Drift:
    """What speaks for a share that moves in one direction, since when, and from where."""

    sign: int
    value: float = 0.0
    since: float = 0.0
    level: float = 0.0

    def passes(
        self, began: float, before: float, length: float, step: float, variance: float
    ) -> bool:
        """Add a step of so many minutes, and return whether there is a change."""
        if self.value == 0.0:
            self.since, self.level = began, before
        slope = _POINTS / _WITHIN
        evidence = slope * (self.sign * step - slope * length / 2) / variance
        self.value = max(self.value + evidence, 0.0)
        moved = self.sign * (before + step - self.level)
        return self.value > _LIMIT and moved >= _LEAST
