"""How long a method takes: the median of a few runs."""

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

__all__ = ["WallTime", "measure"]


_T = TypeVar("_T")


_REPEATS, _ENOUGH_SECONDS = 5, 0.5


class WallTime(NamedTuple):
    """Median seconds, and the number of runs; 0 runs if the time is extrapolated."""

    seconds: float
    runs: int


def measure(work: Callable[[], _T]) -> tuple[_T, WallTime]:
    """Run a function up to five times; return its result and the median time."""
    seconds: list[float] = []
    while True:
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
        if len(seconds) == _REPEATS or sum(seconds) > _ENOUGH_SECONDS:
            return result, WallTime(statistics.median(seconds), len(seconds))
