"""Clocks, chance and waiting, for whatever tries again; tests have their own."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Timing"]


@dataclass(frozen=True, slots=True)
class Timing:
    """The clocks, chance, and how to wait.

    Parameters
    ----------
    now
        Seconds since 1970.
    monotonic
        Seconds since any moment.
    sleep
        Waits for a number of seconds; None to wait, but no longer than until a stop.
    jitter
        A number in [0, 1).
    """

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] | None = None
    jitter: Callable[[], float] = random.random
