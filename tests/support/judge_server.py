"""A server of chat completions on loopback that says and does what a test tells it to."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from support.loopback import answering


@dataclass
class Reply:
    """What is sent back; `fault` is done in place of it, or to it."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    fault: str = ""  # close | cut | stall


@dataclass
class Request:
    raw: bytes
    path: str
    headers: dict[str, str]

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.raw)
        return found

    @property
    def prompt(self) -> str:
        """The last message of the user."""
        text: str = self.json["messages"][-1]["content"]
        return text

    @property
    def form(self) -> str:
        """How the answer is asked for."""
        asked: str = self.json.get("response_format", {"type": "text"})["type"]
        return asked

    @property
    def keys(self) -> list[str]:
        """The keys that the schema asks for."""
        schema = self.json["response_format"]["json_schema"]["schema"]
        assert schema["additionalProperties"] is False
        assert schema["required"] == list(schema["properties"])
        return list(schema["required"])

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of the table in the first message of the user that has one."""
        text = self.json["messages"][1]["content"]
        boundary = re.search(r"^BEGIN ([0-9a-f]{32})$", text, re.MULTILINE)
        assert boundary is not None
        block = text.split(f"BEGIN {boundary[1]}\n")[1].split(f"\nEND {boundary[1]}")[0]
        lines = [json.loads(line) for line in block.splitlines()]
        return [line for line in lines if "row" in line]


def chat(text: str, finish: str = "stop", choice: dict[str, Any] | None = None) -> Reply:
    """Answer with a completion."""
    body = {
        "object": "chat.completion",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": text},
             "finish_reason": finish, **(choice or {})}
        ],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
    }  # fmt: skip
    return Reply(body=json.dumps(body).encode())


def error(status: int, message: str = "no", **headers: str) -> Reply:
    body = json.dumps({"error": {"message": message, "code": status, "type": "error"}}).encode()
    return Reply(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


Script = Callable[[int, Request], Reply]


class Server:
    """Answers with what `script` returns, given the number of a request from 1 and the request."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[Request] = []
        self.errors: list[BaseException] = []
        self.stop = threading.Event()
        self._lock = threading.Lock()
        self.url = ""

    def reply(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
            number = len(self.requests)
        try:
            return self.script(number, request)
        except BaseException as failure:  # what fails here must fail the test
            self.errors.append(failure)
            raise


@contextmanager
def serving(script: Script) -> Iterator[Server]:
    server = Server(script)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = server.reply(Request(raw, self.path, headers))
            self.close_connection = True
            if reply.fault == "close":
                return
            if reply.fault == "stall":
                server.stop.wait(30)
                return
            self.send_response_only(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            cut = reply.fault == "cut"
            self.wfile.write(reply.body[: len(reply.body) // 2] if cut else reply.body)

        do_GET = do_POST  # noqa: N815 - as http.server names it

    with answering(Handler) as server.url:
        try:
            yield server
        finally:
            server.stop.set()
    assert server.errors == []
