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
from datetime import UTC, datetime
from typing import Final

from blueattr.errors import UsageError
from blueattr.notify.notice import Notification
from blueattr.notify.post import delivered
from blueattr.sources.hosts import check_url
from blueattr.sources.timing import Timing

__all__ = ["SECRET", "Webhook", "signature"]


SECRET: Final = "BLUEATTR_WEBHOOK_SECRET"  # noqa: S105 - the name of the variable
"""The environment variable that holds the secret of a webhook: ``whsec_`` and Base64."""


_PREFIX = "whsec_"
# Bytes, as the specification asks for.
_SHORTEST, _LONGEST = 24, 64
_PATIENCE = 15.0


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
        self._parts = parts
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
        return delivered(
            self._parts, body, self._timing, _PATIENCE, lambda: self._signed(notice.key, body)
        )

    def _signed(self, key: str, body: bytes) -> dict[str, str]:
        timestamp = int(self._timing.now())
        return {
            "Content-Type": "application/json",
            "webhook-id": key,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(self._secret, key, timestamp, body),
        }


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
