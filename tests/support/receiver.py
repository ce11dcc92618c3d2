"""A server on loopback that takes pings and webhooks, and answers as a test says."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

from support.loopback import answering


@dataclass
class Received:
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """What came, and the statuses that the next requests get; then 204.

    After a negative one, the connection ends within the answer.
    """

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def paths(self) -> list[str]:
        return [one.path for one in self.received]


@contextmanager
def receiving(statuses: Sequence[int] = ()) -> Iterator[Receiver]:
    receiver = Receiver(statuses=[*statuses])

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            with receiver.lock:
                receiver.received.append(Received(parts.path, parse_qs(parts.query), headers, body))
                status = receiver.statuses.pop(0) if receiver.statuses else 204
            self.send_response(abs(status))
            self.send_header("Content-Length", "0" if status > 0 else "9")
            self.end_headers()
            self.close_connection = status < 0

    with answering(Handler) as url:
        receiver.url = url
        yield receiver
