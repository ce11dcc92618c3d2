"""Who an account is: a handle's DID, a DID's document, and the server that holds its records."""

import re
from typing import Any
from urllib.parse import unquote, urlsplit

from blueattr.decode.schema import DID
from blueattr.decode.schema import HANDLE as HANDLE_FORM
from blueattr.errors import SourceError, UsageError
from blueattr.sources.hosts import check_url, is_loopback
from blueattr.sources.xrpc import Response, XrpcClient

__all__ = ["DIRECTORY", "document_address", "is_handle", "own_server", "resolve_handle"]


DIRECTORY = "https://plc.directory"
"""Where the documents of accounts of ``did:plc`` are."""


_RESOLVE = "/xrpc/com.atproto.identity.resolveHandle"
_SERVER = "AtprotoPersonalDataServer"


def is_handle(text: str) -> bool:
    """Return whether a text is a handle."""
    return len(text) <= 253 and re.fullmatch(HANDLE_FORM, text) is not None


def document_address(did: str, directory: str = DIRECTORY) -> tuple[str, str]:
    """Return the host and the path where the document of a DID is.

    Raises
    ------
    SourceError
        Nothing is known of such DIDs, or the address in it cannot be used.

    Examples
    --------
    >>> document_address("did:web:example.org")
    ('https://example.org', '/.well-known/did.json')
    """
    if did.startswith("did:plc:"):
        return directory, f"/{did}"
    if did.startswith("did:web:") and did.count(":") == 2:
        host = f"https://{unquote(did.removeprefix('did:web:'))}"
        return _usable(host, did, directory), "/.well-known/did.json"
    raise SourceError(f"{did} is neither of did:plc nor of did:web")


async def resolve_handle(client: XrpcClient, handle: str) -> str:
    """Ask a service for the DID of a handle.

    Raises
    ------
    SourceError
        It knows none.
    """
    reply = await client.call(_RESOLVE, _itself, params=[("handle", handle)])
    did = reply.document().get("did") if reply.status == 200 else None
    if not isinstance(did, str) or not re.fullmatch(DID, did):
        raise SourceError(f"{client.url} knows no account {handle}")
    return did


def own_server(
    document: dict[str, Any], did: str, handle: str | None = None, directory: str = DIRECTORY
) -> str:
    """Return the address of the server that holds an account's records.

    Parameters
    ----------
    document
        Of the DID.
    did
        That it must be of.
    handle
        That it must name, where given: else anybody could say of a handle which server gets the
        password.
    directory
        Where documents of ``did:plc`` are.

    Raises
    ------
    SourceError
        The document is of another account, or names no server that may be used.
    """
    if document.get("id") != did:
        raise SourceError(f"the document of {did} is of another account")
    names = document.get("alsoKnownAs")
    known = [n.lower() for n in names if isinstance(n, str)] if isinstance(names, list) else []
    if handle is not None and f"at://{handle}" not in known:
        raise SourceError(f"{did}, which {handle} is said to be, does not call itself so")
    services = document.get("service")
    for service in services if isinstance(services, list) else ():
        if not isinstance(service, dict) or service.get("type") != _SERVER:
            continue
        address = service.get("serviceEndpoint")
        if str(service.get("id")).endswith("#atproto_pds") and isinstance(address, str):
            return _usable(address, did, directory).rstrip("/")
    raise SourceError(f"the document of {did} names no server of its records")


def _usable(address: str, did: str, directory: str) -> str:
    """Return an address that an account names, if it may be asked.

    Raises
    ------
    SourceError
        It is none, is not encrypted, or leads to what listens on this machine alone.
    """
    try:
        host = check_url(address, only_http=True).hostname or ""
    except UsageError as error:
        raise SourceError(f"the server of {did} cannot be used: {error}") from None
    # A stranger's document must not make us ask the services of whoever reads it.
    if is_loopback(host) and not is_loopback(urlsplit(directory).hostname or ""):
        raise SourceError(f"the server of {did} cannot be used: {address} is this machine")
    return address


def _itself(reply: Response) -> Response:
    return reply
