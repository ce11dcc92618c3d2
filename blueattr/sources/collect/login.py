"""A login with an app password: read from the environment, sent to one server, and never shown."""

import os
import re
from collections.abc import Callable
from typing import TypeVar

from blueattr.errors import SourceError, UsageError
from blueattr.sources.collect.identity import is_handle
from blueattr.sources.xrpc import Response, XrpcClient

__all__ = ["HANDLE", "PASSWORD", "Credentials", "Session"]


HANDLE = "BLUEATTR_HANDLE"
"""The environment variable that holds the handle, or the DID, of the account to log in with."""


PASSWORD = "BLUEATTR_APP_PASSWORD"  # noqa: S105 - the variable's name
"""The environment variable that holds its app password."""


_CREATE = "/xrpc/com.atproto.server.createSession"
_REFRESH = "/xrpc/com.atproto.server.refreshSession"
# How a server says that a token is too old; it may end at any call.
_EXPIRED = ("ExpiredToken", "InvalidToken", "AuthMissing", "AuthenticationRequired")


_T = TypeVar("_T")


class Credentials:
    """The name and the app password of an account: sent, and never shown.

    Parameters
    ----------
    name
        A handle or a DID.
    password
        An app password, which its owner can withdraw.

    Raises
    ------
    UsageError
        They cannot be what they should be.
    """

    __slots__ = ("_password", "name")

    def __init__(self, name: str, password: str) -> None:
        name = name.strip().removeprefix("@")
        if not (is_handle(name) or re.fullmatch(r"did:[a-z]+:[a-zA-Z0-9._:%-]+", name)):
            raise UsageError(f"{HANDLE} holds no handle such as you.bsky.social, and no DID")
        if not re.fullmatch(r"[!-~]+", password):
            raise UsageError(
                f"the password in {PASSWORD} has spaces, line ends or letters that no app password "
                "has; copy it again"
            )
        self.name = name if name.startswith("did:") else name.lower()
        self._password = password

    @classmethod
    def from_environment(cls) -> "Credentials | None":
        """Read them where they are set; None where neither is.

        Raises
        ------
        UsageError
            Only one of them is set.
        """
        name = os.environ.get(HANDLE, "").strip()
        password = os.environ.get(PASSWORD, "").strip()
        if bool(name) != bool(password):
            unset = PASSWORD if name else HANDLE
            raise UsageError(f"a login needs both {HANDLE} and {PASSWORD}; {unset} is not set")
        return cls(name, password) if name else None

    def __repr__(self) -> str:
        return "Credentials(...)"

    def __reduce__(self) -> str:
        raise TypeError("a password is not stored")

    def body(self) -> dict[str, str]:
        """Return what is sent to log in."""
        return {"identifier": self.name, "password": self._password}


class Session:
    """A login at an account's own server, which passes other questions on; its tokens stay here.

    Parameters
    ----------
    client
        Calls the server.
    credentials
        Of the account.
    """

    __slots__ = ("_access", "_client", "_credentials", "_refresh")

    def __init__(self, client: XrpcClient, credentials: Credentials) -> None:
        self._client, self._credentials = client, credentials
        self._access = self._refresh = ""

    def __repr__(self) -> str:
        return "Session(...)"

    def __reduce__(self) -> str:
        raise TypeError("a session is not stored")

    async def call(
        self, path: str, read: Callable[[Response], _T], params: list[tuple[str, str]]
    ) -> _T:
        """Call a method as the account; log in first, and again where the login has ended.

        Raises
        ------
        SourceError
            The server refuses the login, or as `XrpcClient.call`.
        """
        if not self._access:
            await self._log_in()
        fresh = await self._asked(path, params)
        if fresh is None:
            await self._renew()
            fresh = await self._asked(path, params)
        if fresh is None:
            raise SourceError(f"{self._client.url} ends each login at once; {_about_password()}")
        return read(fresh)

    async def _asked(self, path: str, params: list[tuple[str, str]]) -> Response | None:
        """Ask once; None where the token is not accepted any more."""
        return await self._client.call(
            path,
            lambda reply: None if _has_ended(reply) else reply,
            params=params,
            headers={"Authorization": f"Bearer {self._access}"},
        )

    async def _renew(self) -> None:
        headers = {"Authorization": f"Bearer {self._refresh}"}
        reply = await self._client.call(_REFRESH, _itself, body={}, headers=headers)
        if reply.status == 200:
            self._keep(reply)
        else:
            await self._log_in()

    async def _log_in(self) -> None:
        reply = await self._client.call(_CREATE, _itself, body=self._credentials.body())
        if reply.status == 200:
            self._keep(reply)
            return
        if 300 <= reply.status < 400:
            raise SourceError(
                f"{self._client.url} redirects the login to another address ({reply.status}); "
                "blueattr does not follow, because the password is for this host alone"
            )
        # In no words of the server's: it knows the password.
        raise SourceError(
            f"{self._client.url} refuses the login ({reply.status}): {_about_password()}"
        )

    def _keep(self, reply: Response) -> None:
        found = reply.document()
        access, refresh = found.get("accessJwt"), found.get("refreshJwt")
        for token in (access, refresh):
            if not isinstance(token, str) or not re.fullmatch(r"[!-~]+", token):
                raise SourceError(f"{self._client.url} gives no token to a login")
        self._access, self._refresh = str(access), str(refresh)


def _itself(reply: Response) -> Response:
    return reply


def _has_ended(reply: Response) -> bool:
    return reply.status in (400, 401) and reply.error in _EXPIRED


def _about_password() -> str:
    return f"look at {HANDLE} and at the app password in {PASSWORD}"
