"""Posts to who is told: tried a few times, then told why not."""

import time
from collections.abc import Callable, Mapping
from urllib.parse import SplitResult

from blueattr.sources.backoff import Backoff
from blueattr.sources.hosts import is_loopback
from blueattr.sources.http import TOO_MANY, TRANSIENT, NoAnswer, post_small, requested_wait
from blueattr.sources.timing import Timing

__all__ = ["delivered"]


# Who does not answer must not keep a run.
_BACKOFF = Backoff(first=1.0, ceiling=8.0, attempts=3, attempts_at_first=3)
# Who asks to wait for longer, in seconds, is not asked again.
_LONGEST_WAIT = 30.0


def delivered(
    parts: SplitResult,
    body: bytes,
    timing: Timing,
    patience: float,
    headers: Callable[[], Mapping[str, str]] = dict,
) -> str:
    """Post something; return what went wrong, or nothing.

    Parameters
    ----------
    parts
        The address, checked by :func:`blueattr.sources.hosts.check_url`.
    body
        What is posted.
    timing
        Clocks, chance and waiting.
    patience
        Most seconds of each of three tries.
    headers
        Makes those of each try.
    """
    failed = 0
    while True:
        trouble, wait = _try(parts, body, timing, patience, headers())
        failed += 1
        if wait is None or wait > _LONGEST_WAIT or _BACKOFF.gives_up(failed, answered=False):
            return trouble
        wait = max(wait, _BACKOFF.wait(failed, timing.jitter()))
        (timing.sleep or time.sleep)(wait)


def _try(
    parts: SplitResult,
    body: bytes,
    timing: Timing,
    patience: float,
    headers: Mapping[str, str],
) -> tuple[str, float | None]:
    """Return what went wrong, and the seconds after which another try may go right."""
    try:
        answer = post_small(
            parts.geturl(),
            body,
            limit=0,  # who has said by a status that it has it, and breaks off then, has it
            patience=patience,
            headers=headers,
            direct=is_loopback(parts.hostname or ""),
        )
    except NoAnswer as error:
        return f"does not answer ({error})", 0.0
    if 200 <= answer.status < 300:
        return "", None
    trouble = f"answers with status {answer.status}"
    if answer.status in {TOO_MANY, *TRANSIENT}:
        return trouble, requested_wait(answer.headers, timing.now()) or 0.0
    return trouble, None
