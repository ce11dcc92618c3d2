"""A way to a server that breaks: each websocket is cut after some messages."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from urllib.parse import urlsplit

__all__ = ["Dropping"]


_HEAD_END = b"\r\n\r\n"


class Dropping:
    """Passes on what a server on loopback and its clients send, and drops connections.

    Parameters
    ----------
    target
        ``ws://HOST:PORT`` of the server.
    messages
        Returns how many messages the next websocket lets through.

    Attributes
    ----------
    dropped
        Websockets that were cut.
    """

    def __init__(self, target: str, messages: Callable[[], int]) -> None:
        parts = urlsplit(target)
        self._address = (parts.hostname, parts.port)
        self._messages = messages
        self.dropped = 0
        self.url = ""

    @contextmanager
    def running(self) -> Iterator["Dropping"]:
        outer = self

        class Handler(BaseRequestHandler):
            def handle(self) -> None:
                with suppress(OSError):
                    outer._pass_on(self.request)

        class Server(ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False

        server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
        self.url = f"ws://127.0.0.1:{server.server_address[1]}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()

    def _pass_on(self, client: socket.socket) -> None:
        with socket.create_connection(self._address) as server:
            back = threading.Thread(target=_copy, args=(client, server), daemon=True)
            back.start()
            left = _Messages(self._messages())
            while data := server.recv(1 << 16):
                until = left.cut(data)
                client.sendall(data[:until])
                if until is not None:
                    self.dropped += 1
                    break
        with suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


class _Messages:
    """Counts the frames (RFC 6455, 5.2) that a server sends once it answered the handshake."""

    def __init__(self, most: int) -> None:
        self._left = most
        self._head = b""
        # None while the handshake is not answered; bytes of the current frame that are to come.
        self._body: int | None = None
        self._is_websocket = True

    def cut(self, data: bytes) -> int | None:
        """Return where in the data the last message ends; None if that is to come."""
        at = 0
        if self._body is None:
            self._head += data
            end = self._head.find(_HEAD_END)
            if end < 0:
                return None
            self._is_websocket = self._head.startswith(b"HTTP/1.1 101")
            at = len(data) - (len(self._head) - end - len(_HEAD_END))
            self._head, self._body = b"", 0
        while self._is_websocket and at < len(data):
            skipped = min(self._body, len(data) - at)
            self._body -= skipped
            at += skipped
            if self._body or at == len(data):
                break
            if self._left == 0:
                return at
            self._head += data[at : at + 1]
            at += 1
            self._begin()
        return None

    def _begin(self) -> None:
        """Read the head of a frame, once it is there."""
        size = self._head[1] & 0x7F if len(self._head) > 1 else 0
        more = {126: 2, 127: 8}.get(size, 0)
        if len(self._head) < 2 + more:
            return
        self._body = int.from_bytes(self._head[2:]) if more else size
        self._head = b""
        self._left -= 1
