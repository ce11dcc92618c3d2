"""Pings of a monitor, which raises an alarm when a job fails, or does not come.

The form is that of Healthchecks (its documentation: "Signaling failures", "Measuring job run
time"): ``URL/start``, then ``URL/<exit code>``, both with the same ``rid``, so that overlapping
jobs are told apart.
"""

import time
from collections.abc import Iterable
from uuid import uuid4

from blueattr.errors import ExitCode, UsageError
from blueattr.sources.backoff import Backoff
from blueattr.sources.hosts import check_url, is_loopback
from blueattr.sources.http import TOO_MANY, TRANSIENT, NoAnswer, post_small
from blueattr.sources.timing import Timing

__all__ = ["Ping"]


_LARGEST_ANSWER = 1 << 10
# A monitor that does not answer must not keep a run: 3 tries, of 10 s each.
_PATIENCE = 10.0
_BACKOFF = Backoff(first=1.0, ceiling=8.0, attempts=3, attempts_at_first=3)


class Ping:
    """The pings of one job.

    Parameters
    ----------
    url
        Where to; ``https://``, or ``http://`` on loopback. It is a secret of the monitor's, so that
        no message repeats its path.
    fine
        Exit codes that are no failure, and are said as 0.
    timing
        Clocks, chance and waiting.

    Raises
    ------
    UsageError
        The address is refused.
    """

    def __init__(self, url: str, fine: Iterable[int] = (), timing: Timing | None = None) -> None:
        parts = check_url(url, only_http=True)
        if parts.query or parts.fragment:
            raise UsageError(
                f"the address of {parts.hostname} has parts after ? or #; pings add their own"
            )
        self._url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self.host = parts.netloc
        self._direct = is_loopback(parts.hostname or "")
        self._fine = frozenset(fine)
        self._timing = timing or Timing()
        self._rid = uuid4()

    def started(self) -> str:
        """Say that the job has begun; return what went wrong with that, or nothing."""
        return self._send("start")

    def ended(self, code: int) -> str:
        """Say with what exit code it ended; return what went wrong with that, or nothing."""
        return self._send(str(int(ExitCode.OK) if code in self._fine else int(code)))

    def _send(self, what: str) -> str:
        failed = 0
        while True:
            try:
                answer = post_small(
                    f"{self._url}/{what}?rid={self._rid}",
                    b"",
                    limit=_LARGEST_ANSWER,
                    patience=_PATIENCE,
                    direct=self._direct,
                )
            except NoAnswer as error:
                trouble = f"does not answer ({error})"
            else:
                if 200 <= answer.status < 300:
                    return ""
                trouble = f"answers with status {answer.status}"
                if answer.status not in {TOO_MANY, *TRANSIENT}:
                    return f"the ping to {self.host} {trouble}"
            failed += 1
            if _BACKOFF.gives_up(failed, answered=False):
                return f"the ping to {self.host} {trouble}"
            (self._timing.sleep or time.sleep)(_BACKOFF.wait(failed, self._timing.jitter()))
