"""Who is told: a monitor and a webhook that sometimes fail, and note what came."""

import base64
import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from support.loopback import answering
from support.webhooks import verified

__all__ = ["SECRET", "Arrival", "WeekReceiver"]


SECRET = bytes(range(32))
"""Of the webhook."""


_FAILURES = (500, 503, 429, 410, 0)
"""Statuses; 0 takes what comes and ends the connection without an answer."""


@dataclass
class Arrival:
    """A notice that came once or more: what it says, and what each try was answered."""

    kind: str
    data: dict[str, Any]
    answers: list[int] = field(default_factory=list)

    @property
    def taken(self) -> int:
        """How often the sender was told that it was taken."""
        return sum(200 <= one < 300 for one in self.answers)


class WeekReceiver:
    """The receiver.

    Parameters
    ----------
    chance
        Draws what fails.
    """

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.is_down = False
        self.often = 0.1  # what fails of what comes, while it is not down
        self.arrivals: dict[str, Arrival] = {}
        self.pings: list[tuple[str, str]] = []
        self.wrong: list[str] = []
        self.failures = 0
        self.url = ""
        self._lock = threading.Lock()

    @property
    def secret(self) -> str:
        """The secret as the environment has it."""
        return "whsec_" + base64.b64encode(SECRET).decode()

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """Note what came; return the status of the answer."""
        with self._lock:
            fails = self.is_down or self.chance.random() < self.often
            status = self.chance.choice(_FAILURES) if fails else self.chance.choice((200, 202, 204))
            self.failures += fails
            if path.startswith("/ping/"):
                what, _, query = path.removeprefix("/ping/").partition("?rid=")
                self.pings.append((what, query))
                return status
            if not verified(SECRET, headers, body):
                self.wrong.append(f"a signature that does not fit: {headers}")
            sent = json.loads(body)
            found = self.arrivals.setdefault(
                headers["webhook-id"], Arrival(sent["type"].removeprefix("blueattr."), sent["data"])
            )
            if found.data != sent["data"]:
                self.wrong.append("another notice under the same webhook-id")
            found.answers.append(status)
            return status

    @contextmanager
    def running(self) -> Iterator[None]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status = receiver.take(self.path, headers, body)
                if not status:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

        with answering(Handler) as url:
            self.url = url
            yield
