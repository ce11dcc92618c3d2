"""What HTTP services have in common: small answers, status codes, waits and error messages."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

import httpx

from blueattr.version import __version__

__all__ = [
    "TOO_MANY",
    "TRANSIENT",
    "USER_AGENT",
    "NoAnswer",
    "SmallAnswer",
    "certificates",
    "describe",
    "get_small",
    "post_small",
    "requested_wait",
]


USER_AGENT = f"blueattr/{__version__}"
TOO_MANY = 429
TRANSIENT = (408, 425, 500, 502, 503, 504, *range(520, 531))
"""Status codes that may be gone at the next try."""


certificates = cache(httpx.create_ssl_context)
"""Those that this machine trusts. Reading a hundred takes as long as fetching a block."""


# RateLimit-Reset is seconds to wait at some servers, a unix time at others; so is Retry-After.
_LEAST_UNIX_TIME = 10**9


class NoAnswer(Exception):  # noqa: N818 - callers do without the answer
    """A server did not answer a request, or not with HTTP."""


@dataclass(frozen=True, slots=True)
class SmallAnswer:
    """An answer to a request.

    Parameters
    ----------
    status
        The HTTP status.
    body
        The body, as far as it was read.
    complete
        Whether that is all of it.
    headers
        Their names are looked up in lower case.
    """

    status: int
    body: bytes
    complete: bool
    headers: Mapping[str, str] = field(default_factory=dict)


def get_small(
    url: str, *, limit: int, patience: float, headers: Mapping[str, str] | None = None
) -> SmallAnswer:
    """Get something that is expected to be small, and read no more of it than that.

    Parameters
    ----------
    url
        Checked already: see :func:`blueattr.sources.hosts.check_url`.
    limit
        Most bytes of the body.
    patience
        Most seconds for all of it, and for each part.
    headers
        Sent beside ``User-Agent``.

    Raises
    ------
    NoAnswer
        The server cannot be reached, or breaks off.
    """
    return _exchange("GET", url, limit, patience, {"headers": headers or {}})


def post_small(
    url: str,
    body: bytes,
    *,
    limit: int,
    patience: float,
    headers: Mapping[str, str] | None = None,
    sign: Callable[[httpx.Request], httpx.Request] | None = None,
    direct: bool = False,
) -> SmallAnswer:
    """Post something to which a small answer is expected; a redirect is an answer, not followed.

    Parameters
    ----------
    url, limit, patience, headers
        As for `get_small`; with a limit of 0, the status is all of the answer.
    body
        What is posted.
    sign
        Puts a key on the request.
    direct
        Use no proxy: none stands between this machine and itself.

    Raises
    ------
    NoAnswer
        The server cannot be reached, or breaks off.
    """
    request = {"headers": headers or {}, "content": body, "auth": sign, "trust_env": not direct}
    return _exchange("POST", url, limit, patience, request)


def _exchange(
    method: str, url: str, limit: int, patience: float, request: dict[str, Any]
) -> SmallAnswer:
    request["headers"] = {"User-Agent": USER_AGENT, **request["headers"]}
    body = b""
    deadline = time.monotonic() + patience
    try:
        with httpx.stream(
            method,
            url,
            timeout=patience,
            follow_redirects=False,
            verify=certificates(),
            **request,
        ) as response:
            if not limit:
                return SmallAnswer(
                    response.status_code, b"", complete=False, headers=response.headers
                )
            for part in response.iter_bytes():
                body += part
                if len(body) > limit or time.monotonic() > deadline:
                    return SmallAnswer(
                        response.status_code, body[:limit], complete=False, headers=response.headers
                    )
    except httpx.HTTPError as error:
        raise NoAnswer(describe(error)) from None
    return SmallAnswer(response.status_code, body, complete=True, headers=response.headers)


def requested_wait(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds that a response asks to wait, or None if it asks for nothing.

    ``Retry-After`` counts before ``RateLimit-Reset``. Where either is a point in time, it is
    compared with the response's own ``Date``, so that the result is right even if the server's
    clock is not.

    Parameters
    ----------
    headers
        Of the response; looked up in lower case.
    now
        Unix time by our clock, for a response without a ``Date``.

    Examples
    --------
    >>> requested_wait({"retry-after": "17"}, 0.0)
    17.0
    >>> late = {"date": "Fri, 01 May 2026 10:00:00 GMT"}
    >>> requested_wait({**late, "retry-after": "Fri, 01 May 2026 10:01:30 GMT"}, 0.0)
    90.0
    >>> requested_wait({"ratelimit-reset": "soon"}, 0.0) is None
    True
    """
    sent_at = _unix_time(headers.get("date", ""))
    for name in ("retry-after", "ratelimit-reset"):
        text = headers.get(name, "").strip()
        if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,9})?", text):
            number = float(text)
            if number < _LEAST_UNIX_TIME:
                return number
            until: float | None = number
        else:
            until = _unix_time(text)
        if until is not None:
            return max(until - (now if sent_at is None else sent_at), 0.0)
    return None


def _unix_time(text: str) -> float | None:
    """Parse an HTTP date; None if it is not one."""
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()


def describe(error: BaseException) -> str:
    """Return an error's message as one line that a terminal can show."""
    text = str(error).partition("\n")[0][:200] or type(error).__name__
    return "".join(c if c.isprintable() else " " for c in text)
