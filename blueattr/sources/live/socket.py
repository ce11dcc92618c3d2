"""One websocket connection, read in the background into a bounded buffer of messages."""

import asyncio
import base64
import json
import logging
import os
import threading
import time
from collections import deque
from contextlib import suppress
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import picows

from blueattr.decode.shapes import Beginning
from blueattr.sources.hosts import as_http
from blueattr.sources.http import (
    TOO_MANY,
    TRANSIENT,
    USER_AGENT,
    NoAnswer,
    get_small,
    requested_wait,
)

__all__ = [
    "MESSAGE_LIMIT",
    "Connection",
    "ConnectionLost",
    "ConnectionRefused",
    "MessageTooLong",
    "Oversized",
]


MESSAGE_LIMIT = 8 << 20
"""Largest message in bytes, before and after decompression; a commit is at most 2 MB."""


# A message up to this long is passed over; a longer one ends the connection.
_PASSED_OVER = 64 << 20
# Bytes of it that are kept, for its shape.
_BEGINNING = 200


class Oversized(Beginning):
    """The first bytes of a message that is longer than `MESSAGE_LIMIT`, and was passed over."""


# What may wait for the consumer, as during a commit. Beyond it the socket is not read, and the
# server waits; for long it will not, and then the connection is made anew.
_BUFFER = 96 << 20
# What a message costs beside its bytes, so that empty ones fill the buffer too.
_OVERHEAD = 64
_OPEN_TIMEOUT = 20.0
# Seconds without a frame before a ping, and again before the connection is given up.
_PING_AFTER = 20.0
# Of a refusal's body, only a short message is expected.
_REFUSAL_LIMIT = 1 << 16


# What picows would log is in the exceptions here.
_QUIET = logging.getLogger("blueattr.socket")
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False


class ConnectionLost(Exception):  # noqa: N818 - an event, caught where reconnecting is decided
    """The connection could not be opened, or ended; the message says how.

    Attributes
    ----------
    refuses
        Whether the server refuses the request, and would refuse it again.
    retry_after
        Seconds that the server asks to wait; None if it does not.
    """

    refuses = False
    retry_after: float | None = None


class MessageTooLong(ConnectionLost):
    """The next message is so long that the connection cannot get beyond it."""


class ConnectionRefused(ConnectionLost):
    """The server answered the handshake with something else than a websocket.

    Parameters
    ----------
    status
        The HTTP status.
    error, message
        The XRPC error's name and message, where the body holds one; empty otherwise.
    retry_after
        Seconds the server asks to wait.
    """

    def __init__(
        self, status: int, error: str = "", message: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(f"HTTP {status}" + (f", {error}: {message}" if error else ""))
        self.status = status
        self.error = error
        self.message = message
        self.retry_after = retry_after
        self.refuses = 200 <= status < 500 and status not in (TOO_MANY, *TRANSIENT)


class Connection:
    """A websocket, being opened, whose messages wait, in order, until they are taken.

    Parameters
    ----------
    url
        Checked already: see :func:`blueattr.sources.hosts.check_url`.
    headers
        Sent with the handshake, beside ``User-Agent``.
    buffer
        Bytes that may wait to be taken before the socket is no longer read.
    ping_after
        Seconds without a frame after which the server is asked for a sign of life; after as many
        again without one the connection is given up.
    """

    def __init__(
        self,
        url: str,
        headers: dict[str, str] | None = None,
        *,
        buffer: int = _BUFFER,
        ping_after: float = _PING_AFTER,
    ) -> None:
        self._url = url
        self._ping_after = ping_after
        self._headers = {"User-Agent": USER_AGENT, **(headers or {})}
        self._limit = buffer
        self._messages: deque[bytes] = deque()
        # Each counter has one writer, so that neither needs a lock.
        self._received = 0
        self._taken = 0
        self._frames = 0
        self._kept = 0
        # How many messages had come when the last ping of `answers` was sent, and what the last
        # answer said.
        self._asked_at: int | None = None
        self._answer = b""
        self._arrived = threading.Event()
        self._opened = threading.Event()
        self._paused = False
        self._closing = False
        self._refusal: ConnectionLost | None = None
        self._ended = ""
        self._is_too_long = False
        self._transport: picows.WSTransport | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="blueattr-socket", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def waiting(self) -> int:
        """Bytes that wait to be taken, with what messages cost beside theirs."""
        return self._received - self._taken

    def is_open(self, patience: float) -> bool:
        """Wait up to `patience` seconds for the server's answer; return whether it has come.

        Raises
        ------
        ConnectionRefused
            The server refused.
        ConnectionLost
            It could not be reached.
        """
        answered = self._opened.wait(patience)
        if answered and self._refusal is not None:
            raise self._refusal
        return answered

    def take(self, patience: float, most: int) -> list[bytes]:
        """Return messages that arrived, waiting up to `patience` seconds for one.

        Parameters
        ----------
        most
            Stop taking messages beyond this many bytes.

        Raises
        ------
        ConnectionLost
            The connection ended, and every message that came before was taken.
        """
        if not self._messages and not self._ended:
            self._arrived.wait(patience)
        self._arrived.clear()
        ended = self._ended
        messages: list[bytes] = []
        size = 0
        while self._messages and size < most:
            messages.append(self._messages.popleft())
            size += len(messages[-1]) + _OVERHEAD
        self._taken += size
        if self._paused and self.waiting <= self._limit // 2:
            self._call(self._resume)
        if not messages and ended:
            raise (MessageTooLong if self._is_too_long else ConnectionLost)(ended)
        return messages

    def answers(self) -> bool:
        """Return whether the server has answered a ping that was sent after its last message.

        The first call after a message sends it.
        """
        kept = self._kept
        if self._asked_at != kept:
            self._asked_at = kept
            self._call(lambda: self._ping(kept))
        return self._answer == _payload(kept)

    def close(self) -> None:
        """End the connection; what was not taken is dropped."""
        self._closing = True
        self._call(self._disconnect)
        # One that is still being opened ends by itself, soon, and is not waited for.
        if self._opened.is_set():
            self._thread.join()

    def _call(self, function: Any) -> None:
        # The loop may be gone already, and with it whatever there was to do.
        if self._loop is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(function)

    def _run(self) -> None:
        reason = ""
        try:
            asyncio.run(self._session())
        except picows.WSError as error:
            reason = _reason(error)
            self._is_too_long |= picows.WSCloseCode.MESSAGE_TOO_BIG in error.args
            if not self._opened.is_set():
                self._refusal = _refusal(error, self._url, self._headers)
        except (OSError, TimeoutError, ValueError) as error:
            reason = str(error) or f"no answer in {_OPEN_TIMEOUT:.0f} s"
            self._refusal = ConnectionLost(reason)
        finally:
            self._ended = self._ended or reason or "the connection broke"
            self._opened.set()
            self._arrived.set()

    async def _session(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with asyncio.timeout(1.5 * _OPEN_TIMEOUT):
            self._transport, _ = await picows.ws_connect(
                lambda: _Listener(self),
                self._url,
                extra_headers=self._headers,
                websocket_handshake_timeout=_OPEN_TIMEOUT,
                logger_name=_QUIET,
                max_frame_size=_PASSED_OVER,
                # An address was checked; where it leads elsewhere, it is refused.
                max_redirects=0,
            )
        if self._closing:
            self._disconnect()
        self._opened.set()
        disconnected = asyncio.ensure_future(self._transport.wait_disconnected())
        frames, pinged = 0, False
        while not (await asyncio.wait([disconnected], timeout=self._ping_after))[0]:
            # While we do not read, an answer would not be seen.
            if self._frames > frames or self._paused:
                frames, pinged = self._frames, False
            elif not pinged:
                self._transport.send_ping()
                pinged = True
            else:
                self._end(f"the server gave no sign of life for {2 * self._ping_after:.0f} s")
                self._transport.disconnect(graceful=False)
        await disconnected

    def _end(self, reason: str) -> None:
        self._ended = self._ended or reason

    def _ping(self, kept: int) -> None:
        if self._transport is not None and not self._transport.is_disconnected:
            self._transport.send_ping(_payload(kept))

    def _keep(self, message: bytes, transport: picows.WSTransport) -> None:
        self._messages.append(message)
        self._kept += 1
        self._received += len(message) + _OVERHEAD
        if not self._paused and self.waiting > self._limit:
            self._paused = True
            transport.underlying_transport.pause_reading()

    def _resume(self) -> None:
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.underlying_transport.resume_reading()

    def _disconnect(self) -> None:
        if self._transport is not None:
            self._transport.disconnect(graceful=False)


class _Listener(picows.WSListener):
    """Joins the frames of a message."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._parts: list[bytes] = []
        self._size = 0

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        connection, kind = self._connection, frame.msg_type
        connection._frames += 1  # noqa: SLF001 - its own part
        if connection._ended:  # noqa: SLF001 - its own part
            # What is still handed on lies behind what ended it, which may be a message too long.
            return
        is_whole = kind in (picows.WSMsgType.BINARY, picows.WSMsgType.TEXT) and frame.fin
        # One that is longer is handed on, too, if it comes whole before the connection is closed.
        if is_whole and frame.payload_size <= _PASSED_OVER:
            message = frame.get_payload_as_bytes()
            if len(message) > MESSAGE_LIMIT:
                message = Oversized(message[:_BEGINNING])
            connection._keep(message, transport)  # noqa: SLF001 - its own part
        elif kind in (
            picows.WSMsgType.BINARY, picows.WSMsgType.TEXT, picows.WSMsgType.CONTINUATION
        ):  # fmt: skip
            # Empty parts are parts too.
            self._size += frame.payload_size + _OVERHEAD
            if self._size <= MESSAGE_LIMIT:
                self._parts.append(frame.get_payload_as_bytes())
            elif len(self._parts) > 1:
                self._parts = [b"".join(self._parts)[:_BEGINNING]]
            if self._size > _PASSED_OVER:
                connection._is_too_long = True  # noqa: SLF001 - its own part
                self._end(transport, f"the server sent a message of over {_PASSED_OVER:,} bytes")
            elif frame.fin:
                message = b"".join(self._parts)
                if self._size > MESSAGE_LIMIT:
                    message = Oversized(message[:_BEGINNING])
                connection._keep(message, transport)  # noqa: SLF001 - its own part
                self._parts, self._size = [], 0
        elif kind == picows.WSMsgType.PONG:
            connection._answer = frame.get_payload_as_bytes()  # noqa: SLF001 - its own part
        elif kind == picows.WSMsgType.CLOSE:
            reason = bytes(frame.get_close_message() or b"").decode(errors="replace")[:200]
            code = frame.get_close_code()
            how = f"code {getattr(code, 'value', code)}" + (f", {reason!r}" if reason else "")
            transport.send_close(code)
            self._end(transport, f"the server closed the connection ({how})")
        if frame.last_in_buffer:
            connection._arrived.set()  # noqa: SLF001 - its own part

    def _end(self, transport: picows.WSTransport, reason: str) -> None:
        self._connection._end(reason)  # noqa: SLF001 - its own part
        transport.disconnect()


def _payload(kept: int) -> bytes:
    """Return what a ping says that is sent after so many messages; the answer says the same."""
    return b"%d" % kept


def _reason(error: picows.WSError) -> str:
    """Return what the other side did wrong; the arguments of some errors begin with a code."""
    return str(error.args[-1])[:200] if error.args else type(error).__name__


def _refusal(error: picows.WSError, url: str, headers: dict[str, str]) -> ConnectionLost:
    response = getattr(error, "response", None)
    if response is None:
        return ConnectionLost(_reason(error))
    status = int(response.status)
    body = getattr(error, "raw_body", None) or b""
    lower_headers = {name.lower(): value for name, value in response.headers.items()}
    retry_after = requested_wait(lower_headers, time.time())
    name, message = _xrpc_error(body)
    if not name and 400 <= status < 500:
        # The body may come in a packet of its own, for which the handshake did not wait.
        name, message = _xrpc_error(_ask_again(url, headers))
    return ConnectionRefused(status, name, message, retry_after)


def _xrpc_error(body: bytes) -> tuple[str, str]:
    """Read the error's name and message (atproto.com/specs/xrpc, "Error Responses")."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return "", ""
    if not isinstance(answer, dict):
        return "", ""
    return str(answer.get("error") or "")[:100], str(answer.get("message") or "")[:500]


def _ask_again(url: str, headers: dict[str, str]) -> bytes:
    handshake = {
        **headers,
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
    }
    parts = urlsplit(url)
    address = as_http(parts) + urlunsplit(("", "", parts.path, parts.query, ""))
    try:
        answer = get_small(address, limit=_REFUSAL_LIMIT, patience=_OPEN_TIMEOUT, headers=handshake)
    except NoAnswer:
        return b""
    return answer.body if 400 <= answer.status < 500 else b""
