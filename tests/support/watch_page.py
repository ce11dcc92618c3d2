"""The page of a watch, served in a thread, and requests that say exactly what a test wants."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from blueattr.watch.guard import PageAddress
from blueattr.watch.serve import serve
from support.watch_pictures import Scripted

SECRET = "a token of a test, long enough"  # noqa: S105 - it opens nothing


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def serving(
    watching: Scripted, token: str | None = None, port: int = 0, failures: bool = False
) -> Iterator[PageAddress]:
    """Serve until the block ends; what `serve` raises is raised, unless failures are expected."""
    page = PageAddress("127.0.0.1", port or free_port(), token)
    stop = threading.Event()
    raised: list[BaseException] = []

    def run() -> None:
        try:
            serve(watching, page, stop)
        except BaseException as error:  # noqa: BLE001 - raised again below
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        while thread.is_alive():
            with socket.socket() as one:
                if one.connect_ex((page.host, page.port)) == 0:
                    break
        yield page
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive(), "the server does not end"
    assert bool(raised) == failures
    if raised:
        raise raised[0]


@dataclass(frozen=True)
class Answered:
    status: int
    headers: dict[str, str]
    body: bytes


def asked(
    page: PageAddress,
    path: str = "/",
    *,
    method: str = "GET",
    body: bytes = b"",
    until: bytes = b"",
    **headers: Any,
) -> Answered:
    """Ask for a path by a socket; a header that is None is left out."""
    said: dict[str, str | None] = {"Host": f"{page.host}:{page.port}", "Connection": "close"}
    said |= {key.replace("_", "-"): value for key, value in headers.items()}
    if body:
        said["Content-Length"] = str(len(body))
    lines = "".join(f"{key}: {value}\r\n" for key, value in said.items() if value is not None)
    with socket.create_connection((page.host, page.port), timeout=20) as one:
        read = b""
        # What is refused before it is read may be cut off: a status of 0.
        with suppress(ConnectionError):
            one.sendall(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body)
            while part := one.recv(1 << 16):
                read += part
                if until and until in read:
                    break
    head, _, content = read.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    found = dict(line.lower().split(": ", 1) for line in rest)
    return Answered(int(first.split()[1]) if first else 0, found, content)
