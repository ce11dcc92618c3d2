"""Notices to an address of one's own, signed as Standard Webhooks.

https://www.standardwebhooks.com: headers ``webhook-id``, ``webhook-timestamp`` and
``webhook-signature``, which is ``v1,`` and the HMAC-SHA256 of ``ID.TIMESTAMP.BODY`` in Base64.
"""

import base64
import binascii
import hashlib
import hmac
import json
import os
import time
from datetime import UTC, datetime
from typing import Final

from blueattr.errors import UsageError
from blueattr.notify.notice import Notification
from blueattr.sources.backoff import Backoff
from blueattr.sources.hosts import check_url, is_loopback
from blueattr.sources.http import TOO_MANY, TRANSIENT, NoAnswer, post_small, requested_wait
from blueattr.sources.timing import Timing

__all__ = ["SECRET", "Webhook", "signature"]


SECRET: Final = "BLUEATTR_WEBHOOK_SECRET"  # noqa: S105 - the name of the variable
"""The environment variable that holds the secret of a webhook: ``whsec_`` and Base64."""


_PREFIX = "whsec_"
# Bytes, as the specification asks for.
_SHORTEST, _LONGEST = 24, 64
_LARGEST_ANSWER = 1 << 12
_PATIENCE = 15.0
_BACKOFF = Backoff(first=1.0, ceiling=8.0, attempts=3, attempts_at_first=3)
# A receiver that asks for longer gets the notice at the next check.
_LONGEST_WAIT = 30.0


def signature(secret: bytes, key: str, timestamp: int, body: bytes) -> str:
    """Return the signature of a message.

    Parameters
    ----------
    secret
        The key.
    key, timestamp
        ``webhook-id``, and the seconds since 1970 in ``webhook-timestamp``.
    body
        What is posted.

    Examples
    --------
    >>> key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    >>> signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    signed = b".".join([key.encode(), str(timestamp).encode(), body])
    return "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()


class Webhook:
    """An address that takes notices as JSON.

    Parameters
    ----------
    url
        ``https://``, or ``http://`` on loopback.
    timing
        Clocks, chance and waiting.

    Raises
    ------
    UsageError
        The address is refused, or the environment holds no secret for it, or none of its form.
    """

    def __init__(self, url: str, timing: Timing | None = None) -> None:
        parts = check_url(url, only_http=True)
        self.name = f"webhook {parts.netloc}"
        self._url = url
        self._direct = is_loopback(parts.hostname or "")
        self._secret = _secret()
        self._timing = timing or Timing()

    def deliver(self, notice: Notification) -> str:
        """Send a notice; return what went wrong, or nothing.

        A notice that is sent again has the same ``webhook-id``, by which receivers know it.
        """
        now = datetime.fromtimestamp(self._timing.now(), UTC)
        body = json.dumps(
            {
                "type": f"blueattr.{notice.kind}",
                "timestamp": now.isoformat(timespec="seconds").replace("+00:00", "Z"),
                "data": {"title": notice.title, "text": notice.text, **notice.data},
            },
            allow_nan=False,
        ).encode()
        failed = 0
        while True:
            trouble, wait = self._try(notice.key, body)
            failed += 1
            if wait is None or wait > _LONGEST_WAIT or _BACKOFF.gives_up(failed, answered=False):
                return trouble
            wait = max(wait, _BACKOFF.wait(failed, self._timing.jitter()))
            (self._timing.sleep or time.sleep)(wait)

    def _try(self, key: str, body: bytes) -> tuple[str, float | None]:
        """Return what went wrong, and the seconds after which another try may go right."""
        timestamp = int(self._timing.now())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": key,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(self._secret, key, timestamp, body),
        }
        try:
            answer = post_small(
                self._url,
                body,
                limit=_LARGEST_ANSWER,
                patience=_PATIENCE,
                headers=headers,
                direct=self._direct,
            )
        except NoAnswer as error:
            return f"does not answer ({error})", 0.0
        if 200 <= answer.status < 300:
            return "", None
        trouble = f"answers with status {answer.status}"
        if answer.status in {TOO_MANY, *TRANSIENT}:
            return trouble, requested_wait(answer.headers, self._timing.now()) or 0.0
        return trouble, None


def _secret() -> bytes:
    text = os.environ.get(SECRET, "").strip()
    if not text:
        raise UsageError(
            f"a webhook is signed with a secret; set {SECRET} in the environment to {_PREFIX} and "
            f"{_SHORTEST} to {_LONGEST} random bytes in Base64"
        )
    try:
        secret = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if not _SHORTEST <= len(secret) <= _LONGEST:
        raise UsageError(
            f"the secret in {SECRET} is not {_PREFIX} and {_SHORTEST} to {_LONGEST} bytes in Base64"
        )
    return secret
