"""Whether a webhook is one: written from the specification of Standard Webhooks, not from our code.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
from collections.abc import Mapping

__all__ = ["verified"]


def _hmac_sha256(key: bytes, message: bytes) -> bytes:
    """HMAC by its definition (RFC 2104), for keys of up to 64 bytes."""
    assert len(key) <= 64
    padded = key.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded) + message).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in padded) + inner).digest()


def verified(secret: bytes, headers: Mapping[str, str], body: bytes) -> bool:
    """Return whether one of the signatures of a message is ours."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    ours = base64.b64encode(_hmac_sha256(secret, signed)).decode()
    return f"v1,{ours}" in headers["webhook-signature"].split(" ")
