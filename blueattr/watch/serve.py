"""The page of a watch: the only place that listens, by Starlette and uvicorn."""

import asyncio
import hashlib
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from blueattr.errors import OutputError
from blueattr.notify.metrics import exposition
from blueattr.watch.ending import raise_failure
from blueattr.watch.guard import COOKIE, PageAddress, is_host_allowed, is_own_origin
from blueattr.watch.payload import payload, picture_metrics
from blueattr.watch.picture import Picture, Watching

__all__ = ["Board", "page_app", "serve"]


_MOST_STREAMS = 100
_MOST_CONNECTIONS = 300
_LONGEST_HEAD = 16 * 1024
_LONGEST_FORM = 4096
_PATIENCE = 10.0
_BEAT = 10.0
_REFUSAL = 1.0
_MOST_REFUSALS = 20
_RETRY = 1500
_MONTH = 30 * 86400
_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    b"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    b"require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS = (
    (b"content-security-policy", _POLICY),
    (b"x-content-type-options", b"nosniff"),
    # Without any referrer, browsers would not say where a form comes from.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)  # fmt: skip
_FILES = {
    "/watch.js": ("watch.js", "text/javascript"),
    "/watch.css": ("watch.css", "text/css"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
# Seen without the token: what the form needs, and whether the server is there.
_OPEN = frozenset({"/login", "/healthz", "/watch.css", "/icon.svg"})


def _asset(name: str) -> bytes:
    return (files("blueattr.watch") / "page" / name).read_bytes()


class Board:
    """The newest picture, for whoever looks: one writer in a thread, readers in an event loop."""

    def __init__(self) -> None:
        self.picture: Picture | None = None
        self.over = False
        self.failure: BaseException | None = None
        self.streams = 0
        self._message = b""
        self._number = 0
        self._lock = threading.Lock()

    def put(self, picture: Picture) -> None:
        """Show another picture."""
        message = b"event: picture\ndata: " + payload(picture) + b"\n\n"
        with self._lock:
            self.picture, self._message = picture, message
            self._number += 1

    def end(self, failure: BaseException | None = None) -> None:
        """Say that no more pictures come."""
        self.failure = failure
        self.over = True

    def newer(self, seen: int) -> tuple[int, bytes]:
        """Return the number and the message of the newest picture, empty if it was seen."""
        with self._lock:
            return self._number, self._message if self._number > seen else b""


class _Guarded:
    """Lets through what names this host and comes from no other page, and sets the headers."""

    def __init__(self, app: ASGIApp, page: PageAddress) -> None:
        self._app, self._page = app, page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        refusal = self._refusal(HTTPConnection(scope))
        await (refusal or self._app)(scope, receive, with_headers)

    def _refusal(self, asked: HTTPConnection) -> Response | None:
        if sum(len(key) + len(value) for key, value in asked.headers.raw) > _LONGEST_HEAD:
            return PlainTextResponse("these headers are too long\n", 431)
        hosts = asked.headers.getlist("host")
        if len(hosts) != 1 or not is_host_allowed(hosts[0], self._page):
            return PlainTextResponse("this is another host\n", 421)
        origin = asked.headers.get("origin")
        if origin is not None and not is_own_origin(origin, hosts[0]):
            return PlainTextResponse("asked for by another page\n", 403)
        path = asked.url.path
        if path in _OPEN or self._knows(asked):
            return None
        if path == "/":
            return Response(_asset("login.html"), 401, {"www-authenticate": "Bearer"}, "text/html")
        return PlainTextResponse("give the token first\n", 401, {"www-authenticate": "Bearer"})

    def _knows(self, asked: HTTPConnection) -> bool:
        kind, _, given = asked.headers.get("authorization", "").partition(" ")
        if self._page.token is not None and kind.lower() == "bearer":
            return self._page.is_token(given.strip())
        return self._page.is_pass(asked.cookies.get(COOKIE, ""))


def page_app(board: Board, page: PageAddress) -> ASGIApp:
    """Return the application that serves the page.

    Parameters
    ----------
    board
        What is shown.
    page
        Where it is, and what it takes to see it.
    """
    refused = 0
    index = _asset("index.html")
    version = hashlib.sha256(b"".join(map(_asset, ("index.html", "watch.js", "watch.css"))))
    hello = f"retry: {_RETRY}\nevent: hello\ndata: {version.hexdigest()[:16]}\n\n".encode()

    async def root(_: Request) -> Response:
        return Response(index, media_type="text/html")

    async def file(request: Request) -> Response:
        name, kind = _FILES[request.url.path]
        return Response(_asset(name), media_type=kind)

    async def events(_: Request) -> Response:
        if board.streams >= _MOST_STREAMS:
            return PlainTextResponse("too many look\n", 503, {"retry-after": "30"})
        return StreamingResponse(_stream(board, hello), media_type="text/event-stream",
                                 headers={"x-accel-buffering": "no"})  # fmt: skip

    async def session(_: Request) -> Response:
        return Response(status_code=204)

    async def metrics(_: Request) -> Response:
        made = exposition(picture_metrics(board.picture)) if board.picture is not None else b""
        return Response(made, media_type="text/plain; version=0.0.4; charset=utf-8")

    async def healthz(_: Request) -> Response:
        well = board.failure is None
        return PlainTextResponse("ok\n" if well else "no more pictures\n", 200 if well else 503)

    async def login(request: Request) -> Response:
        nonlocal refused
        given = await _token_of(request)
        if given is not None and page.is_token(given):
            secure = request.headers.get("origin", "").startswith("https://")
            answer = RedirectResponse("/", 303)
            answer.set_cookie(COOKIE, page.pass_value, max_age=_MONTH, path="/", httponly=True,
                              samesite="strict", secure=secure)  # fmt: skip
            return answer
        if refused >= _MOST_REFUSALS:
            return PlainTextResponse("too many wrong tokens; wait\n", 429, {"retry-after": "5"})
        # Whoever guesses waits.
        refused += 1
        try:
            await asyncio.sleep(_REFUSAL)
        finally:
            refused -= 1
        wrong = _asset("login.html").replace(b"<!-- refused -->", b"That is not the token.")
        return Response(wrong, 403, media_type="text/html")

    routes = [
        Route("/", root),
        *(Route(path, file) for path in _FILES),
        Route("/events", events),
        Route("/session", session),
        Route("/metrics", metrics),
        Route("/healthz", healthz),
        Route("/login", login, methods=["POST"]),
    ]
    return _Guarded(Starlette(routes=routes), page)


async def _token_of(request: Request) -> str | None:
    """Return the token of a form, None where there is none, or it is too long or too slow."""
    body = b""
    with suppress(TimeoutError, ClientDisconnect):
        async with asyncio.timeout(_PATIENCE):
            async for part in request.stream():
                body += part
                if len(body) > _LONGEST_FORM:
                    return None
            fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=5)
            return fields.get("token", [None])[0]
    return None


async def _stream(board: Board, hello: bytes) -> AsyncIterator[bytes]:
    """Yield each picture as it comes; who reads slowly misses those between."""
    loop = asyncio.get_running_loop()
    board.streams += 1
    try:
        yield hello
        seen, said = 0, loop.time()
        while not (board.over and board.newer(seen)[0] == seen):
            seen, message = board.newer(seen)
            if message or loop.time() - said >= _BEAT:
                said = loop.time()
                yield message or b"event: beat\ndata:\n\n"
            await asyncio.sleep(0.05)
        yield b"event: over\ndata:\n\n"
        while True:
            await asyncio.sleep(_BEAT)
            yield b"event: beat\ndata:\n\n"
    finally:
        board.streams -= 1


class _Impatient(H11Protocol):
    """Closes a connection on which no whole request comes in time."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.loop.call_later(_PATIENCE, self._close_if_idle, None)

    def on_response_complete(self) -> None:
        done = self.cycle
        super().on_response_complete()  # may begin the next one
        self.loop.call_later(_PATIENCE, self._close_if_idle, done)

    def _close_if_idle(self, last: object) -> None:
        if self.cycle is last and not self.transport.is_closing():
            self.transport.close()


class _Server(uvicorn.Server):
    """Ends when it is told to; signals are handled by whoever told it to begin."""

    def __init__(self, config: uvicorn.Config, stop: threading.Event, board: Board) -> None:
        super().__init__(config)
        self._stop, self._board = stop, board

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle no signals."""
        yield

    async def on_tick(self, counter: int) -> bool:
        """Return whether to end."""
        ended = self._stop.is_set() or self._board.failure is not None
        return ended or await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close what is open: streams would never end by themselves."""
        for connection in list(self.server_state.connections):
            if connection.transport is not None:
                connection.transport.close()
        await super().shutdown(sockets)


def serve(
    watching: Watching,
    page: PageAddress,
    stop: threading.Event | None = None,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve the page until `stop` is set.

    Parameters
    ----------
    watching
        What is shown.
    page
        Where, and what it takes to see it.
    stop
        Set by a signal.
    ready
        Called when it listens.

    Raises
    ------
    OutputError
        Nothing can listen at this address.
    BlueattrError
        What `watching` raised.
    """
    board, ended = Board(), stop or threading.Event()
    config = uvicorn.Config(
        page_app(board, page), http=_Impatient, ws="none", lifespan="off", log_config=None,
        log_level="critical", access_log=False, proxy_headers=False, server_header=False,
        limit_concurrency=_MOST_CONNECTIONS, h11_max_incomplete_event_size=_LONGEST_HEAD,
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    listening = _listen(page)
    ready()
    thread = threading.Thread(target=_watch, args=(watching, board), name="pictures", daemon=True)
    thread.start()
    try:
        _Server(config, ended, board).run(sockets=[listening])
    finally:
        watching.stop()
        thread.join(_PATIENCE)
    raise_failure(board)


def _watch(watching: Watching, board: Board) -> None:
    try:
        for picture in watching.pictures():
            board.put(picture)
    except BaseException as error:  # noqa: BLE001 - `serve` raises it again
        board.end(error)
    else:
        board.end()


def _listen(page: PageAddress) -> socket.socket:
    try:
        found = socket.getaddrinfo(page.host, page.port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        made = socket.socket(family, kind, protocol)
        if os.name == "posix":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind(address)
            made.listen(_MOST_CONNECTIONS)
        except OSError:
            made.close()
            raise
    except OSError as error:
        why = error.strerror or str(error)
        raise OutputError(f"cannot serve at {page.host}:{page.port}: {why}") from None
    made.setblocking(False)
    return made
