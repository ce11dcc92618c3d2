"""A key to a server: read from the environment, sent, and never shown, in this one place."""

import os
import re
from typing import ClassVar, Self

import httpx

from blueattr.errors import UsageError

__all__ = ["ServerKey"]


class ServerKey:
    """A key to a server: sent, and never shown.

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

    variable: ClassVar[str]
    """The environment variable that holds it."""

    def __init__(self, secret: str) -> None:
        if not re.fullmatch(r"[!-~]+", secret):
            raise UsageError(
                f"the key in {self.variable} has spaces, line ends or letters that no key has; "
                "copy it again"
            )
        self._secret = secret

    @classmethod
    def from_environment(cls) -> Self | None:
        """Read the key where it is set; None where it is not, or empty."""
        secret = os.environ.get(cls.variable, "").strip()
        return cls(secret) if secret else None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"

    def __reduce__(self) -> str:
        raise TypeError("a key is not stored")

    def hide(self, text: str) -> str:
        """Blank the key out of what a server or a library says."""
        return text.replace(self._secret, "...")

    def sign(self, request: httpx.Request) -> httpx.Request:
        """Put the key on a request."""
        request.headers["Authorization"] = f"Bearer {self._secret}"
        return request
