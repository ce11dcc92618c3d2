"""The key to an archive: read, sent, and never shown, in this one place."""

import os
import re

import httpx

from blueattr.errors import UsageError

__all__ = ["KEY", "ArchiveKey"]


KEY = "BLUEATTR_JETSTREAM_KEY"
"""The environment variable that holds the key to an archive."""


class ArchiveKey:
    """The key to an archive: sent, and never shown.

    Parameters
    ----------
    secret
        Opaque; visible ASCII characters only.

    Raises
    ------
    UsageError
        It holds characters that cannot be sent.
    """

    __slots__ = ("_secret",)

    def __init__(self, secret: str) -> None:
        if not re.fullmatch(r"[!-~]+", secret):
            raise UsageError(
                f"the key in {KEY} has spaces, line ends or letters that no key has; copy it again"
            )
        self._secret = secret

    @classmethod
    def from_environment(cls) -> "ArchiveKey | None":
        """Read the key where it is set; None where it is not, or empty."""
        secret = os.environ.get(KEY, "").strip()
        return cls(secret) if secret else None

    def __repr__(self) -> str:
        return "ArchiveKey(...)"

    def __reduce__(self) -> str:
        raise TypeError("a key is not stored")

    def hide(self, text: str) -> str:
        """Blank the key out of what a server or a library says."""
        return text.replace(self._secret, "...")

    def sign(self, request: httpx.Request) -> None:
        """Put the key on a request."""
        request.headers["Authorization"] = f"Bearer {self._secret}"
