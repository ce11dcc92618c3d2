"""Pings of a monitor, which raises an alarm when a job fails, or does not come.

The form is that of Healthchecks (its documentation: "Signaling failures", "Measuring job run
time"): ``URL/start``, then ``URL/<exit code>``, both with the same ``rid``, so that overlapping
jobs are told apart.
"""

from collections.abc import Iterable
from uuid import uuid4

from blueattr.errors import ExitCode, UsageError
from blueattr.notify.post import delivered
from blueattr.sources.hosts import check_url
from blueattr.sources.timing import Timing

__all__ = ["Ping"]


_PATIENCE = 10.0


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
        self._parts = parts
        self.host = parts.netloc
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
        path = f"{self._parts.path.rstrip('/')}/{what}"
        parts = self._parts._replace(path=path, query=f"rid={self._rid}")
        trouble = delivered(parts, b"", self._timing, _PATIENCE)
        return f"the ping to {self.host} {trouble}" if trouble else ""
