"""Who may see the page of a watch: its address, the token, and what a request must say."""

import hashlib
import hmac
import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from blueattr.errors import UsageError

__all__ = ["COOKIE", "TOKEN", "PageAddress", "is_host_allowed", "is_own_origin", "page_address"]


TOKEN: Final = "BLUEATTR_SERVE_TOKEN"  # noqa: S105 - the name of a variable, which holds it
"""The environment variable that holds the token."""


COOKIE: Final = "blueattr_watch"
"""The cookie of a browser that gave the token."""


_SHORTEST = 16
_PORTS = range(1, 65536)
_LOOPBACK_NAMES = frozenset({"localhost", "localhost."})


@dataclass(frozen=True, slots=True)
class PageAddress:
    """Where the page is, and what it takes to see it.

    Parameters
    ----------
    host
        A name or an IP address.
    port
        A port.
    token
        What must be given; None where nothing must.
    """

    host: str
    port: int
    token: str | None = None

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return _is_loopback(self.host)

    @property
    def url(self) -> str:
        """The address for a browser."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/"

    def is_token(self, given: str) -> bool:
        """Return whether this is the token, in a time that does not depend on how far it is."""
        return self.token is None or hmac.compare_digest(given.encode(), self.token.encode())

    @property
    def pass_value(self) -> str:
        """What the cookie of a browser that gave the token holds: not the token, but made of it.

        A server that starts again with the same token knows the browser still.
        """
        key = (self.token or "").encode()
        return hmac.new(
            key, b"blueattr watch: this browser gave the token", hashlib.sha256
        ).hexdigest()

    def is_pass(self, cookie: str) -> bool:
        """Return whether a cookie was given to a browser that gave the token."""
        return self.token is None or hmac.compare_digest(cookie.encode(), self.pass_value.encode())


def _is_loopback(host: str) -> bool:
    if host.lower() in _LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def page_address(text: str, environ: Mapping[str, str] | None = None) -> PageAddress:
    """Read the address that ``--serve`` names.

    Parameters
    ----------
    text
        A host and a port, such as ``127.0.0.1:8765``.
    environ
        Defaults to the process's environment.

    Raises
    ------
    UsageError
        It is no host and port; or it is not on loopback and there is no token; or the token is
        shorter than 16 characters.

    Examples
    --------
    >>> page_address("127.0.0.1:8765", {}).url
    'http://127.0.0.1:8765/'
    """
    environ = os.environ if environ is None else environ
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):([0-9]{1,5})", text.strip())
    if match is None or int(match[3]) not in _PORTS:
        raise UsageError(
            f"--serve {text!r} is not a host and a port; write 127.0.0.1:8765 or [::1]:8765"
        )
    token = environ.get(TOKEN) or None
    page = PageAddress(match[1] or match[2], int(match[3]), token)
    if token is None and not page.loopback:
        raise UsageError(
            f"--serve {text} can be reached from other machines; set {TOKEN} in the environment to "
            "a secret that browsers must give, or use 127.0.0.1"
        )
    if token is not None and len(token) < _SHORTEST:
        raise UsageError(f"{TOKEN} has {len(token)} characters; give it {_SHORTEST} or more")
    return page


def is_host_allowed(host: str, page: PageAddress) -> bool:
    """Return whether a request may name this host.

    On loopback only loopback may be named: a page elsewhere whose name leads here (DNS rebinding)
    names its own. The port may be another one, as of a tunnel. Elsewhere the token is asked for,
    which the browser keeps for one host.

    Examples
    --------
    >>> here = PageAddress("127.0.0.1", 8765)
    >>> is_host_allowed("localhost:9000", here), is_host_allowed("evil.test:8765", here)
    (True, False)
    """
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::[0-9]{1,5})?", host)
    if match is None:
        return False
    return not page.loopback or _is_loopback(match[1] or match[2])


def is_own_origin(origin: str, host: str) -> bool:
    """Return whether a request comes from a page of the host that it names."""
    return urlsplit(origin).netloc.lower() == host.lower() != ""
