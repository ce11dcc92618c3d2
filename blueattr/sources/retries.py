"""When, and at which server, to try again after a connection ended."""

import random
from collections import Counter
from collections.abc import Callable

from blueattr.sources.socket import ConnectionLost, ConnectionRefused

__all__ = ["Retries"]

# Doubled from the first to the last, and spread, so that clients that a server dropped at once do
# not all come back at once.
_FIRST_WAIT = 1.0
_LAST_WAIT = 64.0
_LONGEST_ASKED_WAIT = 300.0
# What is answered by asking otherwise needs no wait, unless it does not end.
_AT_ONCE = 3

# Tries at one server before the next has its turn, and in all before a run that is to end gives up.
_TRIES_EACH = 2
_TRIES = 7

# "Not for you", but for: timeout, too early, too many.
_PASSING = (408, 425, 429)


class Retries:
    """Counts failures in a row, and waits longer with each.

    Parameters
    ----------
    servers
        How many there are.
    jitter
        Gives a number in [0, 1).

    Attributes
    ----------
    turn
        Whose turn it is, from 0.
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

    def failed(self, lost: ConnectionLost) -> float:
        """Note that a connection ended, or was not made; return the seconds to wait."""
        self.failures += 1
        self._tries += 1
        wait = _wait(self.failures, self._jitter())
        if _refuses(lost):
            self._refusals[self.turn] += 1
        else:
            del self._refusals[self.turn]
        if isinstance(lost, ConnectionRefused) and lost.retry_after is not None:
            wait = max(wait, min(lost.retry_after, _LONGEST_ASKED_WAIT))
        if _refuses(lost) or self._tries >= _TRIES_EACH:
            self.turn = (self.turn + 1) % self._servers
            self._tries = 0
        return wait

    def negotiated(self) -> float:
        """Note that the same server is to be asked for something else; return the wait."""
        self._negotiations += 1
        more = self._negotiations - _AT_ONCE
        return 0.0 if more <= 0 else _wait(more, self._jitter())

    @property
    def refused(self) -> bool:
        """Whether every server refuses what is asked of it, and trying again will not help.

        At once where nothing was had yet: more likely our mistake than theirs.
        """
        patience = _TRIES if self._worked else 1
        return all(self._refusals[server] >= patience for server in range(self._servers))

    @property
    def hopeless(self) -> bool:
        """Whether a run that is to end had better end without."""
        return max(self.failures, self._negotiations - _AT_ONCE) >= _TRIES * self._servers


def _wait(failures: int, jitter: float) -> float:
    return min(_FIRST_WAIT * 2.0 ** min(failures - 1, 30), _LAST_WAIT) * (0.5 + jitter)


def _refuses(lost: ConnectionLost) -> bool:
    return (
        isinstance(lost, ConnectionRefused)
        and 200 <= lost.status < 500
        and lost.status not in _PASSING
    )
