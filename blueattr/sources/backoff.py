"""When to try again after a failure, at which server, and when to give up.

Of the libraries for this, tenacity and stamina offer the doubling wait with jitter, which is one
line here. What the rest needs they leave to their user: a wait that the server asks for, one that
holds for all calls at once, servers that take turns, and patience that depends on whether a host
ever answered.
"""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["LONGEST_WAIT", "Backoff", "Retries"]


LONGEST_WAIT = 3600.0
"""A host that asks for a longer wait, in seconds, is given up."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double with each failure in a row, and the number of failures that is too many.

    Waits are spread at random, so that clients that a server dropped at once do not all come back
    at once.

    Parameters
    ----------
    first, ceiling
        Seconds before the second try, and at most, before they are spread.
    attempts
        Tries of one call.
    attempts_at_first
        Tries of one call at a host that has not answered yet.
    spread
        The range of factors that waits are multiplied by.
    """

    first: float
    ceiling: float
    attempts: int
    attempts_at_first: int
    spread: tuple[float, float] = (0.5, 1.0)

    def wait(self, failures: int, jitter: float) -> float:
        """Return the seconds to wait after that many failures in a row.

        Parameters
        ----------
        failures
            From 1.
        jitter
            A random number in [0, 1).
        """
        low, high = self.spread
        nominal = min(self.first * 2.0 ** min(failures - 1, 30), self.ceiling)
        return nominal * (low + jitter * (high - low))

    def gives_up(self, failures: int, *, answered: bool) -> bool:
        """Return whether a call failed too often, at a host that `answered` before or did not."""
        return failures >= (self.attempts if answered else self.attempts_at_first)


# The tries before a run that is to end gives up; at first a refusal is more likely our mistake.
_STREAMS = Backoff(first=1.0, ceiling=64.0, attempts=7, attempts_at_first=1, spread=(0.5, 1.5))
_LONGEST_ASKED_WAIT = 300.0
# How many times in a row the same server may be asked for something else without a wait.
_NEGOTIATIONS = 3
# Tries at one server before the next has its turn.
_TRIES_EACH = 2


class Retries:
    """Counts failed connections in a row to servers that stand in for each other.

    Parameters
    ----------
    servers
        How many there are.
    jitter
        Returns a random number in [0, 1).

    Attributes
    ----------
    turn
        The server whose turn it is, from 0.
    failures
        Connections in a row that brought nothing new.
    """

    def __init__(self, servers: int, jitter: Callable[[], float] = random.random) -> None:
        self._servers = servers
        self._jitter = jitter
        self._refusals: Counter[int] = Counter()
        self._worked = False
        self._tries = 0
        self._negotiations = 0
        self.turn = 0
        self.failures = 0

    def worked(self) -> None:
        """Note that something new came."""
        self._worked = True
        self._tries = self._negotiations = self.failures = 0
        self._refusals.clear()

    def failed(self, *, refused: bool = False, asked: float | None = None) -> float:
        """Note that a connection ended, or was not made; return the seconds to wait.

        Parameters
        ----------
        refused
            The server refuses the request, and would refuse it again.
        asked
            Seconds that the server asks to wait.
        """
        self.failures += 1
        self._tries += 1
        wait = _STREAMS.wait(self.failures, self._jitter())
        if refused:
            self._refusals[self.turn] += 1
        else:
            del self._refusals[self.turn]
        if asked is not None:
            wait = max(wait, min(asked, _LONGEST_ASKED_WAIT))
        if refused or self._tries >= _TRIES_EACH:
            self.turn = (self.turn + 1) % self._servers
            self._tries = 0
        return wait

    def negotiated(self) -> float:
        """Note that the same server is to be asked for something else; return the wait."""
        self._negotiations += 1
        more = self._negotiations - _NEGOTIATIONS
        return 0.0 if more <= 0 else _STREAMS.wait(more, self._jitter())

    @property
    def refused(self) -> bool:
        """Whether every server refuses the request, and trying again will not help."""
        return all(
            _STREAMS.gives_up(self._refusals[server], answered=self._worked)
            for server in range(self._servers)
        )

    @property
    def hopeless(self) -> bool:
        """Whether a run that is to end had better end now."""
        failures = max(self.failures, self._negotiations - _NEGOTIATIONS)
        return failures >= _STREAMS.attempts * self._servers
