"""An AppView on loopback that says and does what a test tells it to."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from support.loopback import answering

METHOD = "/xrpc/app.bsky.actor.getProfiles"


@dataclass
class Reply:
    """What is sent back; `fault` is done in place of it, or to it."""

    status: int = 200
    body: bytes = b'{"profiles": []}'
    headers: dict[str, str] = field(default_factory=dict)
    fault: str = ""  # close | cut | dribble | late (after another answer has arrived)


@dataclass
class Request:
    path: str
    actors: list[str]
    headers: dict[str, str]


Script = Callable[[int, list[str]], Reply | None]


def error(status: int, name: str = "InvalidRequest", message: str = "") -> Reply:
    return Reply(status, json.dumps({"error": name, "message": message}).encode())


class Server:
    """Knows some accounts.

    `script` is asked first, with the number of the request and its actors; where it gives nothing,
    the accounts it knows are the answer.
    """

    def __init__(self, known: dict[str, dict[str, Any]] | None = None) -> None:
        self.known = known or {}
        self.script: Script = lambda _number, _actors: None
        self.requests: list[Request] = []
        self.faults = 0
        self.delay = 0.0
        self.most_at_once = self._at_once = 0
        self.answered = threading.Event()
        self._lock = threading.Lock()
        self.url = ""

    @property
    def asked(self) -> list[str]:
        return [did for request in self.requests for did in request.actors]

    def profiles(self, actors: list[str]) -> bytes:
        found = [{"did": did, "handle": "x.y", **self.known[did]} for did in actors
                 if did in self.known]  # fmt: skip
        return json.dumps({"profiles": found}).encode()

    def reply(self, path: str, headers: dict[str, str]) -> Reply:
        parts = urlsplit(path)
        query = parse_qsl(parts.query, strict_parsing=True)
        assert {name for name, _ in query} == {"actors"}
        actors = [value for _, value in query]
        with self._lock:
            self.requests.append(Request(path, actors, headers))
            number = len(self.requests)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        time.sleep(self.delay)
        with self._lock:
            self._at_once -= 1
            reply = self.script(number, actors)
            self.faults += reply is not None
        return reply or Reply(body=self.profiles(actors))


@contextmanager
def serving(known: dict[str, dict[str, Any]] | None = None) -> Iterator[Server]:
    server = Server(known)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            reply = server.reply(self.path, {k.lower(): v for k, v in self.headers.items()})
            if reply.fault == "close":
                self.close_connection = True
                return
            if reply.fault == "late":
                server.answered.wait(60)
                time.sleep(0.2)  # for the client to read it
            self.send_response_only(reply.status)  # without a date of its own
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            if reply.fault == "dribble":
                for byte in reply.body:
                    time.sleep(0.02)
                    try:
                        self.wfile.write(bytes([byte]))
                    except OSError:
                        return
                return
            cut = reply.fault == "cut"
            self.close_connection = cut
            try:
                self.wfile.write(reply.body[: len(reply.body) // 2] if cut else reply.body)
                server.answered.set()
            except OSError:  # the client has read enough
                self.close_connection = True

    with answering(Handler) as server.url:
        yield server
