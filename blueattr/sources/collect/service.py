"""Services that a topic is collected from: one budget, one pace, with or without a login."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Literal

from blueattr.errors import SourceError
from blueattr.sources.collect.identity import (
    DIRECTORY,
    document_address,
    own_server,
    resolve_handle,
)
from blueattr.sources.collect.login import Credentials, Session
from blueattr.sources.http import USER_AGENT
from blueattr.sources.xrpc import Fault, RequestBudget, Response, XrpcClient

__all__ = ["Outcome", "Service", "connect"]


Outcome = Literal["answered", "refused", "unknown method", "not found", "bad request"]


class Service:
    """Methods of a service, asked by name.

    Parameters
    ----------
    client
        Calls it.
    session
        Of the account to ask as; None to ask as nobody.
    """

    def __init__(self, client: XrpcClient, session: Session | None = None) -> None:
        self.client, self._session = client, session

    @property
    def has_login(self) -> bool:
        """Whether it is asked as an account."""
        return self._session is not None

    async def ask(
        self, method: str, params: list[tuple[str, str]]
    ) -> tuple[Outcome, dict[str, Any], str]:
        """Ask a method.

        Parameters
        ----------
        method
            Such as ``app.bsky.feed.getPosts``.
        params
            Its parameters.

        Returns
        -------
        tuple
            What came of it; the answer, empty where there is none; and the name of the error.

        Raises
        ------
        SourceError
            The service cannot be reached, or answers as no such service does.
        BudgetSpent
            No more requests may be sent.
        """
        path = f"/xrpc/{method}"
        if self._session is None:
            return await self.client.call(path, self._read, params=params)
        return await self._session.call(path, self._read, params)

    def _read(self, reply: Response) -> tuple[Outcome, dict[str, Any], str]:
        if reply.status == 200:
            return "answered", reply.document(), ""
        error = reply.error
        if reply.status in (404, 501) or error == "MethodNotImplemented":
            # A post that is gone is a 400 by the lexicons, at some services a 404.
            is_gone = error in ("NotFound", "RecordNotFound")
            return "not found" if is_gone else "unknown method", {}, error
        if reply.status in (401, 403):
            return "refused", {}, error
        if reply.status == 400:
            return (
                "not found" if error in ("NotFound", "RecordNotFound") else "bad request",
                {},
                error,
            )
        if 300 <= reply.status < 400:
            raise SourceError(
                f"{self.client.url} redirects to another address ({reply.status}); blueattr does "
                "not follow"
            )
        raise SourceError(f"{self.client.url} answers with status {reply.status}")


@asynccontextmanager
async def connect(
    appview: str,
    *,
    links: str | None = None,
    credentials: Credentials | None = None,
    server: str | None = None,
    directory: str = DIRECTORY,
    budget: RequestBudget,
    contact: str | None = None,
    on_wait: Callable[[float, str], None] | None = None,
    **options: Any,
) -> AsyncIterator[tuple[Service, XrpcClient | None]]:
    """Connect to the AppView, by way of an account's own server where there is a login.

    Parameters
    ----------
    appview
        Its address.
    links
        The address of a backlink index.
    credentials
        Of the account to ask as.
    server
        The address of that account's server; by default its DID document says it.
    directory
        Where documents of ``did:plc`` are.
    budget
        Of requests, to all hosts together.
    contact
        Whom an operator can write to; by default the account.
    on_wait
        Told the seconds and the reason before each wait.
    options
        As for `blueattr.sources.xrpc.XrpcClient`.

    Yields
    ------
    tuple
        The AppView, and what calls the backlink index.

    Raises
    ------
    SourceError
        The account, or its server, cannot be found.
    """
    whom = contact or (f"@{credentials.name}" if credentials else "no contact given")
    agent = f"{USER_AGENT} (collect; {whom})"

    def client(url: str) -> XrpcClient:
        made = XrpcClient(url, parallel=1, budget=budget, user_agent=agent, **options)
        if on_wait is not None:
            made.on_wait = on_wait
        return made

    async with AsyncExitStack() as stack:
        view = await stack.enter_async_context(client(appview))
        index = None if links is None else await stack.enter_async_context(client(links))
        if credentials is None:
            yield Service(view), index
            return
        if server is None:
            name = credentials.name
            handle = None if name.startswith("did:") else name
            did = name if handle is None else await resolve_handle(view, handle)
            host, path = document_address(did, directory)
            async with client(host) as asked:
                server = own_server(await asked.call(path, _document), did, handle, directory)
        own = await stack.enter_async_context(client(server))
        yield Service(own, Session(own, credentials)), index


def _document(reply: Response) -> dict[str, Any]:
    if reply.status != 200:
        raise Fault(f"answers with status {reply.status}")
    return reply.document()
