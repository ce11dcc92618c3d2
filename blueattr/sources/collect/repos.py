"""Records as the servers of their accounts hold them, each found by the account's document."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, Literal, NamedTuple

from blueattr.errors import SourceError, UsageError
from blueattr.sources.collect.identity import DIRECTORY, document_address, own_server
from blueattr.sources.collect.posts import RecordName
from blueattr.sources.xrpc import Fault, Response, XrpcClient

__all__ = ["HeldRecord", "Repos"]


_GET = "/xrpc/com.atproto.repo.getRecord"
_GONE = ("RecordNotFound", "RepoNotFound", "RepoDeactivated", "RepoTakendown", "RepoSuspended",
         "NotFound")  # fmt: skip
# What servers say of accounts that they have not, without a name of the error.
_WORDS = (b"could not locate record", b"could not find repo", b"could not find user")


class HeldRecord(NamedTuple):
    """What became of a record.

    Parameters
    ----------
    outcome
        Whether its server has it, says that it is gone, or does not say.
    value
        What it holds.
    why
        Why the server does not say.
    """

    outcome: Literal["there", "gone", "unknown"]
    value: dict[str, Any] | None = None
    why: str = ""


class Repos:
    """The servers of accounts, asked for single records.

    Parameters
    ----------
    stack
        Holds connections, one to each server.
    connect
        Makes what calls an address.
    directory
        Where documents of ``did:plc`` are.
    """

    def __init__(
        self,
        stack: AsyncExitStack,
        connect: Callable[[str], XrpcClient],
        directory: str = DIRECTORY,
    ) -> None:
        self._stack, self._connect, self._directory = stack, connect, directory
        self._clients: dict[str, XrpcClient] = {}
        # The server of each account, or what is to be said of all of its records.
        self._servers: dict[str, str | HeldRecord] = {}
        # Servers that cannot be reached are not tried again for each record.
        self._silent: dict[str, HeldRecord] = {}

    async def record(self, name: RecordName) -> HeldRecord:
        """Ask an account's own server for a record.

        Raises
        ------
        BudgetSpent
            No more requests may be sent.
        """
        if name.did not in self._servers:
            self._servers[name.did] = await self._server(name.did)
        server = self._servers[name.did]
        if isinstance(server, HeldRecord):
            return server
        if server not in self._silent:
            try:
                client = await self._client(server)
                params = [("repo", name.did), ("collection", name.collection), ("rkey", name.rkey)]
                return await client.call(_GET, _held, params=params)
            except (SourceError, UsageError) as error:
                self._silent[server] = HeldRecord("unknown", why=str(error))
        return self._silent[server]

    async def _server(self, did: str) -> str | HeldRecord:
        try:
            host, path = document_address(did, self._directory)
            if host in self._silent:
                return self._silent[host]
            client = await self._client(host)
        except (SourceError, UsageError) as error:
            return HeldRecord("unknown", why=str(error))
        try:
            document = await client.call(path, _document)
        except SourceError as error:
            self._silent[host] = HeldRecord("unknown", why=str(error))
            return self._silent[host]
        if document is None:
            return HeldRecord("gone")
        try:
            return own_server(document, did, directory=self._directory)
        except SourceError as error:
            return HeldRecord("unknown", why=str(error))

    async def _client(self, url: str) -> XrpcClient:
        if url not in self._clients:
            self._clients[url] = await self._stack.enter_async_context(self._connect(url))
        return self._clients[url]


def _held(reply: Response) -> HeldRecord:
    if reply.status == 200:
        value = reply.document().get("value")
        if not isinstance(value, dict):
            raise Fault("answers with no record")
        return HeldRecord("there", value)
    is_gone = reply.error in _GONE or any(word in reply.body.lower() for word in _WORDS)
    if is_gone and reply.status in (400, 404, 410):
        return HeldRecord("gone")
    why = f"its server answers with status {reply.status} ({reply.error or 'no reason'})"
    return HeldRecord("unknown", why=why)


def _document(reply: Response) -> dict[str, Any] | None:
    if reply.status in (404, 410):
        return None
    if reply.status != 200:
        raise Fault(f"answers with status {reply.status}")
    return reply.document()
