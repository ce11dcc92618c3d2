"""Which servers may be used: by encrypted addresses, unless others are allowed or local."""

import ipaddress
import re
import shlex
from urllib.parse import SplitResult, urlsplit

from blueattr.errors import UsageError

__all__ = [
    "FIREHOSES",
    "JETSTREAMS",
    "as_http",
    "as_websocket",
    "check_url",
    "download",
    "instance",
    "is_loopback",
]


JETSTREAMS = ("wss://jetstream.us-east.bsky.network", "wss://jetstream.us-west.bsky.network")
"""Public Jetstream v2 instances."""


FIREHOSES = ("wss://bsky.network",)
"""Public relays."""


# Of a name or password nothing is shown.
_FILE = re.compile(r"(?is)(?:https?|ftps?|sftp)://[^@/]*/.+")
_ENCRYPTED = {"wss", "https"}
_PLAIN = {"ws", "http"}
_AS_HTTP = {"wss": "https", "ws": "http"}
_AS_WEBSOCKET = {"https": "wss", "http": "ws"}


def check_url(url: str, *, insecure: bool = False, only_http: bool = False) -> SplitResult:
    """Refuse an address that is not encrypted, or is no address.

    Parameters
    ----------
    url
        ``wss://``, ``https://``, and on loopback or where `insecure` also ``ws://``, ``http://``.
    insecure
        The user accepts plain text (``--insecure``).
    only_http
        Neither a websocket nor plain text elsewhere is possible.

    Raises
    ------
    UsageError
        The address is refused; the message does not repeat a password that it holds.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"not an address: {url!r} ({error})") from None
    if parts.username is not None or parts.password is not None:
        raise UsageError(f"the address of {host} holds a name or password; leave them out")
    schemes = {"https", "http"} if only_http else _ENCRYPTED | _PLAIN
    if parts.scheme not in schemes or not host or not _is_host(host):
        expected = "https://HOST" if only_http else "wss://HOST or https://HOST"
        raise UsageError(f"not an address: {url!r}; expected {expected}")
    if parts.scheme in _PLAIN and not insecure and not is_loopback(host):
        raise UsageError(
            f"{url} is not encrypted: anybody on the way could "
            + (
                "read and change it; use https://"
                if only_http
                else "change what is stored; use "
                f"{'wss' if parts.scheme == 'ws' else 'https'}://, or --insecure"
            )
        )
    return parts


def _is_host(host: str) -> bool:
    """Return whether this could be a host; what is not ASCII is written as xn--…."""
    if ":" in host:
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            return False
        return True
    return bool(re.fullmatch(r"([a-zA-Z0-9_-]{1,63}\.)*[a-zA-Z0-9_-]{1,63}\.?", host))


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, so that nobody overhears."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def as_http(parts: SplitResult) -> str:
    """Return the ``http(s)://host:port`` of an address."""
    return f"{_AS_HTTP.get(parts.scheme, parts.scheme)}://{parts.netloc}"


def as_websocket(parts: SplitResult) -> str:
    """Return the ``ws(s)://host:port`` of an address."""
    return f"{_AS_WEBSOCKET.get(parts.scheme, parts.scheme)}://{parts.netloc}"


def instance(parts: SplitResult) -> str:
    """Return the host and port by which an instance, and so its cursors, are known."""
    return parts.netloc.lower()


def download(url: str, option: str = "") -> str:
    """Return the command that reads the file at an address; empty for what is no such address.

    Parameters
    ----------
    url
        The address.
    option
        Of ``blueattr ingest``.

    Examples
    --------
    >>> download("https://example.org/export.jsonl", "--plc ")
    'curl -fsSL https://example.org/export.jsonl | blueattr ingest --plc -'
    """
    if _FILE.fullmatch(url) is None:
        return ""
    return f"curl -fsSL {shlex.quote(url)} | blueattr ingest {option}-"
