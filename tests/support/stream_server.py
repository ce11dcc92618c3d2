"""Jetstream v1 and v2, a relay and an archive on loopback, which misbehave when told to.

It speaks websocket by hand, so that it can also speak it wrongly, to the byte.
"""

import base64
import hashlib
import json
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import zstandard

from support import archive_server, binary_builder, stream_protocols
from support.events_builder import Event, dumps
from support.stream_protocols import beginning, error_of, message_of

if TYPE_CHECKING:
    from support.archive_server import ArchiveServer

V2 = "/xrpc/network.bsky.jetstream.subscribeEvents"
V1 = "/subscribe"
FIREHOSE = "/xrpc/com.atproto.sync.subscribeRepos"
DICTIONARY = "/xrpc/network.bsky.jetstream.getZstdDictionary"
_KINDS = {V2: "v2", V1: "v1", FIREHOSE: "firehose", DICTIONARY: "dictionary"}

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def wire(payload: bytes, opcode: int = TEXT, *, fin: bool = True, size: int | None = None) -> bytes:
    """A frame as a server sends it; `size` is what it claims to hold, if not what it does."""
    size = len(payload) if size is None else size
    head = bytes([fin << 7 | opcode])
    if size < 126:
        return head + bytes([size]) + payload
    if size < 1 << 16:
        return head + bytes([126]) + struct.pack(">H", size) + payload
    return head + bytes([127]) + struct.pack(">Q", size) + payload


def close_frame(code: int, reason: str = "") -> bytes:
    return wire(struct.pack(">H", code) + reason.encode(), CLOSE)


def train(number: int) -> zstandard.ZstdCompressionDict:
    """Make the dictionary of that number, as an operator would."""
    samples = [
        dumps(
            {"$type": "message", "payload": {"seq": k, "did": f"did:plc:{k * 7919}", "n": k % 13}}
        )
        for k in range(2000)
    ]
    return zstandard.train_dictionary(
        4096, [sample.encode() for sample in samples], dict_id=number, threads=0
    )


@dataclass
class Asked:
    """A request, what became of it, and how many messages it got."""

    number: int
    kind: str
    params: dict[str, list[str]]
    headers: dict[str, str]
    raw: bytes
    fault: str = ""
    subscribed: bool = False
    sent: int = 0
    wire_bytes: int = 0
    pings: int = 0
    closed_with: int | None = None
    seqs: list[int] = field(default_factory=list)

    @property
    def cursor(self) -> int | None:
        return int(self.params["cursor"][0]) if "cursor" in self.params else None


@dataclass
class Fault:
    """What to do in place of answering, or after so many messages.

    `what` is one of: refuse (HTTP, with `status`, `body`, `headers`; the body in a packet of its
    own), raw (`data` in place of an answer), drip (refuse, with a body that does not end), hang (no
    answer), close (with `code` and `reason`), cut (end the connection after `data`,
    or after so many bytes of the next message where `part` is given), reset (the same, with a
    reset), stall (send nothing more, but answer pings), deaf (not even those), send (`data`, and go
    on), replace (the frame of the next message by `data`, and go on), error (an error frame named
    `error`, then close).
    """

    what: str
    after: int = 0
    status: int = 503
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    code: int = 1000
    reason: str = ""
    data: bytes = b""
    part: int | None = None
    error: str = ""


def xrpc_error(status: int, error: str, message: str = "") -> Fault:
    return Fault("refuse", status=status, body=stream_protocols.xrpc_error(error, message))


Script = Callable[[Asked], Fault | None]


def in_turn(*faults: Fault | None) -> Script:
    """Each subscription gets the next fault; when they are used up, none."""
    left = list(faults)

    def script(asked: Asked) -> Fault | None:
        return left.pop(0) if left and asked.kind in ("v1", "v2", "firehose") else None

    return script


class StreamServer:
    """A log of events, served live by three protocols.

    `floor` is the first sequence number that it still has, `script` is asked before each answer
    whether to misbehave. `v1_dictionary` is what v1 compresses with where a client asks for it.
    """

    def __init__(self, events: list[Event] | None = None) -> None:
        self.log: list[tuple[int, Event]] = []
        self.floor = 1
        self.script: Script = lambda _asked: None
        self.asked: list[Asked] = []
        self.dictionary: zstandard.ZstdCompressionDict | None = None
        self.known_dictionaries: set[int] = set()
        self.v1_dictionary: zstandard.ZstdCompressionDict | None = None
        self.archive: ArchiveServer | None = None
        self.url = ""
        self.instance = ""
        self._changed = threading.Condition()
        self._stopping = False
        self.add(*(events or []))

    # --- what it holds

    def add(self, *events: Event, first: int | None = None) -> None:
        """Append events; the first gets the next number, or the one given."""
        with self._changed:
            number = first or (self.log[-1][0] + 1 if self.log else 1)
            self.log.extend((number + k, event) for k, event in enumerate(events))
            self._changed.notify_all()

    def replace(self, log: list[tuple[int, Event]]) -> None:
        """Hold something else from now on, as after a restart."""
        with self._changed:
            self.log = log

    def use_dictionary(self, number: int) -> None:
        self.dictionary = train(number)
        self.known_dictionaries = {number}

    @property
    def faults(self) -> Counter[str]:
        return Counter(asked.fault for asked in self.asked if asked.fault)

    def subscriptions(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.kind in ("v1", "v2", "firehose")]

    # --- answers

    def message(self, asked: Asked, seq: int, event: Event) -> bytes:
        """Write the event as a subscriber gets it."""
        return self._framed(asked, message_of(asked.kind, seq, event))

    def _framed(self, asked: Asked, message: bytes) -> bytes:
        if asked.kind == "firehose":
            return wire(message, BINARY)
        if "zstdDictionary" in asked.params:
            dictionary = self.dictionary
        elif "compress" in asked.params:
            dictionary = self.v1_dictionary
        else:
            dictionary = None
        if dictionary is None:
            return wire(message)
        return wire(zstandard.ZstdCompressor(dict_data=dictionary).compress(message), BINARY)

    def _wanted(self, asked: Asked, event: Event) -> bool:
        wanted = asked.params.get("collections", asked.params.get("wantedCollections"))
        if event["kind"] != "commit" or wanted is None:
            return True
        return event["commit"].get("collection") in wanted

    # --- serving

    def _serve(self, connection: socket.socket) -> None:
        head, rest = _read_head(connection)
        if not head:
            return
        request, *lines = head.decode("latin-1").split("\r\n")
        url = urlsplit(request.split(" ")[1])
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in lines)
        }
        while len(rest) < int(headers.get("content-length", 0)):
            rest += connection.recv(1 << 16)
        asked = Asked(
            number=len(self.asked),
            kind=_KINDS.get(url.path, "other"),
            params=parse_qs(url.query),
            headers=headers,
            raw=head + b"\r\n\r\n" + rest,
        )
        with self._changed:
            self.asked.append(asked)
            fault = self.script(asked)
        if fault is not None:
            asked.fault = fault.what
        if fault is not None and fault.what == "refuse":
            _refuse(connection, fault)
        elif fault is not None and fault.what == "raw":
            connection.sendall(fault.data)
        elif fault is not None and fault.what == "drip":
            told = f"HTTP/1.1 {fault.status} So\r\nContent-Length: 60000\r\n\r\n"
            connection.sendall(told.encode())
            while not self._stopping:
                connection.sendall(b" ")
                threading.Event().wait(0.01)
        elif fault is not None and fault.what == "hang":
            self._pause(connection)
        elif asked.kind == "dictionary":
            blob = b"" if self.dictionary is None else self.dictionary.as_bytes()
            _respond(connection, 200 if blob else 404, blob)
        elif asked.kind == "other":
            self._ask_archive(connection, asked, url.path)
        else:
            self._subscribe(connection, asked, fault)

    def _ask_archive(self, connection: socket.socket, asked: Asked, path: str) -> None:
        if self.archive is None or not path.startswith(archive_server.METHODS):
            _respond(connection, 404, b"nothing here")
            return
        body = asked.raw.partition(b"\r\n\r\n")[2]
        question = archive_server.Asked(
            number=len(self.archive.asked),
            method=path.removeprefix(archive_server.METHODS),
            params={name: values[0] for name, values in asked.params.items()},
            body=json.loads(body) if body else None,
            headers=asked.headers,
            raw=asked.raw,
        )
        self.archive.asked.append(question)
        fault = self.archive.script(question)
        if fault is not None:
            question.fault = fault.what
            _respond(connection, fault.status, fault.body)
            return
        reply = self.archive.reply(question)
        self.archive.served.update(reply.blocks)
        _respond(connection, reply.status, reply.body, reply.headers)

    def _subscribe(self, connection: socket.socket, asked: Asked, fault: Fault | None) -> None:
        wanted = asked.params.get("zstdDictionary")
        if wanted is not None and int(wanted[0]) not in self.known_dictionaries:
            _refuse(connection, xrpc_error(400, "UnknownZstdDictionary", "another"))
            return
        with self._changed:
            start = beginning(asked.kind, self.log, self.floor, asked.cursor)
            asked.subscribed = True
        if start.refusal is not None:
            asked.fault = asked.fault or "too old"
            status, body = start.refusal
            _refuse(connection, Fault("refuse", status=status, body=body))
            return
        key = asked.headers["sec-websocket-key"] + _GUID
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()  # noqa: S324 - RFC 6455
        head = f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n"
        connection.sendall(f"HTTP/1.1 101 Switching Protocols\r\n{head}\r\n".encode())
        if start.error:
            asked.fault = asked.fault or start.error
            connection.sendall(wire(binary_builder.error(start.error), BINARY) + close_frame(1008))
            return
        index = start.index
        for notice in start.notices:
            connection.sendall(self._framed(asked, notice))
        gone = threading.Event()
        deaf = fault is not None and fault.what == "deaf"
        if not deaf:
            listener = threading.Thread(
                target=self._listen, args=(connection, asked, gone), daemon=True
            )
            listener.start()
        self._send(connection, asked, fault, index, gone)

    def _send(
        self,
        connection: socket.socket,
        asked: Asked,
        fault: Fault | None,
        index: int,
        gone: threading.Event,
    ) -> None:
        while not (gone.is_set() or self._stopping):
            frame = None
            if index < len(self.log):
                seq, event = self.log[index]
                if not self._wanted(asked, event):
                    index += 1
                    continue
                frame = self.message(asked, seq, event)
            if fault is not None and asked.sent == fault.after and (frame or fault.part is None):
                if self._misbehave(connection, asked, fault, frame, gone):
                    return
                frame = None if fault.what == "replace" else frame
                index += fault.what == "replace"
                fault = None
            if frame is None:
                with self._changed:
                    if index >= len(self.log):
                        self._changed.wait(0.02)
                continue
            # Noted before: the client may have it, and ask, at once.
            asked.seqs.append(self.log[index][0])
            asked.wire_bytes += len(frame)
            connection.sendall(frame)
            asked.sent += 1
            index += 1

    def _misbehave(
        self,
        connection: socket.socket,
        asked: Asked,
        fault: Fault,
        frame: bytes | None,
        gone: threading.Event,
    ) -> bool:
        """Do it; tell whether that was all."""
        match fault.what:
            case "close":
                connection.sendall(close_frame(fault.code, fault.reason))
                gone.wait(2)
            case "cut" | "reset":
                connection.sendall(fault.data + (frame or b"")[: fault.part or 0])
                if fault.what == "reset":
                    connection.setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                    )
            case "stall" | "deaf":
                self._pause(connection, gone)
            case "error":
                connection.sendall(self._framed(asked, error_of(asked.kind, fault.error)))
                connection.sendall(close_frame(1008))
            case _:
                connection.sendall(fault.data)
                return False
        return True

    def _pause(self, connection: socket.socket, gone: threading.Event | None = None) -> None:
        while not self._stopping and not (gone is not None and gone.wait(0.02)):
            if gone is None:
                # Only the end of it is noticed.
                connection.settimeout(0.02)
                with suppress(TimeoutError):
                    if not connection.recv(1, socket.MSG_PEEK):
                        return

    def _listen(self, connection: socket.socket, asked: Asked, gone: threading.Event) -> None:
        """Answer pings, until the client closes."""
        with suppress(OSError, struct.error, IndexError):
            while True:
                head = _exactly(connection, 2)
                size = head[1] & 0x7F
                if size == 126:
                    (size,) = struct.unpack(">H", _exactly(connection, 2))
                mask = _exactly(connection, 4)
                payload = bytes(
                    byte ^ mask[k % 4] for k, byte in enumerate(_exactly(connection, size))
                )
                opcode = head[0] & 0xF
                if opcode == PING:
                    asked.pings += 1
                    connection.sendall(wire(payload, PONG))
                elif opcode == CLOSE:
                    asked.closed_with = struct.unpack(">H", payload[:2])[0] if payload else 1005
                    break
        gone.set()

    @contextmanager
    def running(self, port: int = 0) -> Iterator["StreamServer"]:
        outer = self

        class Handler(BaseRequestHandler):
            def handle(self) -> None:
                # Little is on the way: what the client does not read, the server still has.
                self.request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
                # A client that is gone, or was killed, is no error.
                with suppress(ConnectionError, TimeoutError, BrokenPipeError):
                    outer._serve(self.request)

        class Server(ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False
            allow_reuse_address = True

        self._stopping = False
        server = Server(("127.0.0.1", port), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        self.instance = f"127.0.0.1:{server.server_address[1]}"
        self.url = f"ws://{self.instance}"
        try:
            yield self
        finally:
            self._stopping = True
            server.shutdown()
            server.server_close()
            thread.join()


def _read_head(connection: socket.socket) -> tuple[bytes, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(1 << 16)
        if not piece:
            return b"", b""
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise OSError("gone")
        data += piece
    return data


def _respond(
    connection: socket.socket, status: int, body: bytes, headers: dict[str, str] | None = None
) -> None:
    told = {"Content-Length": str(len(body)), "Connection": "close", **(headers or {})}
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    connection.sendall(f"HTTP/1.1 {status} So\r\n{lines}\r\n".encode() + body)


def _refuse(connection: socket.socket, fault: Fault) -> None:
    """Refuse; head and body come in packets of their own, as they do from far away."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    told = {"Content-Length": str(len(fault.body)), "Connection": "close", **fault.headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    connection.sendall(f"HTTP/1.1 {fault.status} So\r\n{lines}\r\n".encode())
    threading.Event().wait(0.02)
    connection.sendall(fault.body)
