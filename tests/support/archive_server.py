"""An archive on loopback, of segments that it makes itself, which misbehaves when told to."""

import io
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from blueattr.decode.binary.segments import Block, iter_blocks, read_segment
from support.binary_builder import Row, row_of, segment_of
from support.events_builder import Event

METHODS = "/xrpc/network.bsky.jetstream."
Json = Any


class Sealed:
    """A sealed segment: its rows by block, and the file that they make."""

    def __init__(self, index: int, blocks: list[list[Row]]) -> None:
        self.index = index
        self.name = f"seg_{index:010d}.jss"
        self.first = [min(row.seq for row in rows) for rows in blocks] or [0]
        self.last = [max(row.seq for row in rows) for rows in blocks] or [0]
        self.times = [row.witnessed_at for rows in blocks for row in rows] or [0]
        self.write(blocks)

    def write(self, blocks: list[list[Row]]) -> None:

        self.rows = blocks
        self.file = segment_of(blocks)
        self.contents = read_segment(io.BytesIO(self.file))
        self.frames = [frame for _, frame in iter_blocks(io.BytesIO(self.file))]

    @property
    def checksum(self) -> str:
        return self.contents.checksum

    @property
    def listed(self) -> Json:
        return {
            "name": self.name, "index": self.index, "sizeBytes": len(self.file),
            "checksum": self.checksum, "eventCount": self.contents.rows, "minSeq": self.first[0],
            "maxSeq": self.last[-1], "minWitnessedAt": min(self.times),
            "maxWitnessedAt": max(self.times),
        }  # fmt: skip


@dataclass
class Asked:
    """A request, and what became of it."""

    number: int
    method: str
    params: dict[str, str]
    body: Json
    headers: dict[str, str]
    raw: bytes
    fault: str = ""
    sent: int = 0

    @property
    def fetches(self) -> bool:
        return self.method in ("getBlock", "getSegment")


@dataclass
class Reply:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    blocks: list[tuple[str, int]] = field(default_factory=list)
    """Blocks that are all in the body."""


@dataclass
class Fault:
    """What to do in place of answering, or to the answer.

    `what` is one of: status (give this one), close (no answer), cut (close within the body), stall
    (send half of the body and wait), damage (flip a byte in the middle), garbage (another body),
    headers (with these instead; None for without), answer (JSON that this makes of the right one).
    """

    what: str
    status: int = 503
    body: bytes = b""
    headers: dict[str, str | None] = field(default_factory=dict)
    answer: Callable[[Json], Json] | None = None


Script = Callable[[Asked], Fault | None]


class ArchiveServer:
    """Serves ``listSegments``, ``planSnapshot``, ``getSegment`` and ``getBlock``.

    `script` is asked before each answer whether to misbehave. `served` counts the blocks that went
    out whole, and `spent` the bytes of segments and blocks.
    """

    def __init__(self, key: str | None = None) -> None:
        self.key = key
        self.segments: list[Sealed] = []
        self.page = 1000
        self.entries = 100_000
        self.density = 0.75
        self.delay = 0.0
        self.script: Script = lambda _asked: None
        self.asked: list[Asked] = []
        self.served: Counter[tuple[str, int]] = Counter()
        self.spent = 0
        self.most_at_once = self._at_once = 0
        self.url = ""
        self._lock = threading.Lock()
        self.released = threading.Event()

    def seal(self, events: list[Event], blocks: int, *, skip: int = 0) -> None:
        """Append a segment of the events, in so many blocks; `skip` numbers are left out before."""
        first = max((segment.last[-1] for segment in self.segments), default=0) + 1 + skip
        rows = [row_of(first + k, event) for k, event in enumerate(events)]
        size = -(-len(rows) // max(blocks, 1)) or 1
        cut = [rows[k : k + size] for k in range(0, len(rows), size)]
        self.segments.append(Sealed(len(self.segments), cut))

    def compact(self, number: int, keep: Callable[[Row], bool] = lambda _row: True) -> None:
        """Write a segment anew, without some rows; its checksum is another in any case."""
        segment = self.segments[number]
        before = segment.checksum
        rows = [[row for row in block if keep(row)] for block in segment.rows]
        segment.write(rows)
        if segment.checksum == before:
            # An operator's import of timestamps rewrites segments, too; here it changes no time.
            row = rows[0][0]
            rows[0][0] = row._replace(
                witnessed_at=row.witnessed_at - 1, indexed_at=row.indexed_at or row.witnessed_at
            )
            segment.write(rows)
        assert segment.checksum != before

    @property
    def faults(self) -> Counter[str]:
        return Counter(asked.fault for asked in self.asked if asked.fault)

    def fetched(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.fetches]

    # --- answers

    def reply(self, asked: Asked) -> Reply:
        handler = getattr(self, "_" + asked.method, None)
        if handler is None:
            return _error(404, "MethodNotImplemented")
        if self.key is not None and asked.headers.get("authorization") != f"Bearer {self.key}":
            return _error(401, "AuthenticationRequired")
        reply: Reply = handler(asked)
        return reply

    def _listSegments(self, asked: Asked) -> Reply:  # noqa: N802 - the method's name
        begin = int(asked.params.get("cursor", 0))
        size = min(int(asked.params.get("limit", 100)), self.page)
        listed = [segment.listed for segment in self.segments[begin : begin + size]]
        more = begin + size < len(self.segments)
        return _json({"segments": listed} | ({"cursor": str(begin + size)} if more else {}))

    def _planSnapshot(self, asked: Asked) -> Reply:  # noqa: N802 - the method's name
        after = asked.body.get("afterSeq", 0)
        before = asked.body.get("beforeSeq")
        if before is not None and before <= after:
            return _error(400, "InvalidRequest")
        dids = {did.encode() for did in asked.body.get("dids", ())}
        if len(dids) > 10_000:
            return _error(400, "InvalidRequest")
        tip = max((segment.last[-1] for segment in self.segments), default=0)
        tip = tip if before is None else min(tip, before)
        planned: list[Json] = []
        through, entries = tip, 0
        for segment in self.segments:
            chosen = [
                k
                for k, rows in enumerate(segment.rows)
                if rows
                and segment.last[k] > after
                and segment.first[k] <= tip
                and (not dids or any(row.did in dids for row in rows))
            ]
            if not chosen:
                continue
            item = {
                "name": segment.name, "index": segment.index, "checksum": segment.checksum,
                "minSeq": segment.first[0], "maxSeq": segment.last[-1], "mode": "segment",
            }  # fmt: skip
            if entries and entries >= self.entries:
                break
            if len(chosen) >= self.density * len(segment.rows):
                planned.append(item)
                entries += 1
                through = segment.last[-1]
                continue
            ranges: list[Json] = []
            for k in chosen:
                if ranges and ranges[-1]["last"] == k - 1:
                    ranges[-1]["last"] = k
                else:
                    ranges.append({"first": k, "last": k})
            allowed = ranges[: max(self.entries - entries, 1)]
            planned.append(item | {"mode": "blocks", "blocks": allowed})
            entries += len(allowed)
            through = segment.last[allowed[-1]["last"]]
            if len(allowed) < len(ranges):
                break
        else:
            through = tip
        stats = dict.fromkeys(
            ("segmentsExamined", "segmentsMatched", "blocksMatched", "entries"), entries
        )
        return _json(
            {"plannedThroughSeq": through, "sealedTipSeq": tip, "segments": planned, "stats": stats}
        )

    def _find(self, name: str) -> Sealed | None:
        return next((segment for segment in self.segments if segment.name == name), None)

    def _getBlock(self, asked: Asked) -> Reply:  # noqa: N802 - the method's name
        segment, number = self._find(asked.params["segment"]), int(asked.params["blockIndex"])
        if segment is None or number >= len(segment.frames):
            return _error(404, "SegmentNotFound" if segment is None else "BlockNotFound")
        headers = {"ETag": f'"{segment.checksum}:{number}"'}
        return Reply(200, segment.frames[number], headers, [(segment.name, number)])

    def _getSegment(self, asked: Asked) -> Reply:  # noqa: N802 - the method's name
        segment = self._find(asked.params["name"])
        if segment is None:
            return _error(404, "SegmentNotFound")
        headers = {"ETag": f'"{segment.checksum}"'}
        size = len(segment.file)
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", asked.headers.get("range", ""))
        if match is None or asked.headers.get("if-range", headers["ETag"]) != headers["ETag"]:
            return Reply(200, segment.file, headers)
        first, last = int(match[1]), min(int(match[2] or size - 1), size - 1)
        if first > last:
            return Reply(416, b"", {"Content-Range": f"bytes */{size}"})
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        inside = [
            (segment.name, block.index)
            for block in segment.contents.blocks
            if first <= block.offset and _end(block) <= last + 1
        ]
        return Reply(206, segment.file[first : last + 1], headers, inside)

    # --- serving

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            time.sleep(self.delay)
            yield
        finally:
            with self._lock:
                self._at_once -= 1

    @contextmanager
    def running(self) -> Iterator["ArchiveServer"]:
        archive = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body in one packet, or the client's acknowledgement is waited for.
            wbufsize = 1 << 16

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
                pass

            def do_GET(self) -> None:
                self._answer(b"")

            def do_POST(self) -> None:
                self._answer(self.rfile.read(int(self.headers["Content-Length"])))

            def _answer(self, raw: bytes) -> None:
                with archive._counted():
                    try:
                        self._serve(raw)
                    except (BrokenPipeError, ConnectionResetError):
                        self.close_connection = True

            def _serve(self, raw: bytes) -> None:
                url = urlsplit(self.path)
                with archive._lock:
                    asked = Asked(
                        number=len(archive.asked),
                        method=url.path.removeprefix(METHODS),
                        params=dict(parse_qsl(url.query)),
                        body=json.loads(raw) if raw else None,
                        headers={name.lower(): value for name, value in self.headers.items()},
                        raw=f"{self.requestline}\n{self.headers}".encode() + raw,
                    )
                    archive.asked.append(asked)
                    fault = archive.script(asked)
                    reply = archive.reply(asked)
                if fault is not None:
                    asked.fault = fault.what
                    reply = _spoil(reply, fault)
                what = "" if fault is None else fault.what
                if what == "close":
                    self.close_connection = True
                    return
                body = reply.body
                self.send_response_only(reply.status)
                if "Date" not in reply.headers:
                    self.send_header("Date", self.date_time_string())
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in reply.headers:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                sent = body[: len(body) // 2] if what in ("cut", "stall") else body
                # Counted before the client can have it, and ask what was counted.
                with archive._lock:
                    if asked.fetches and reply.status in (200, 206):
                        asked.sent = len(sent)
                        archive.spent += len(sent)
                        if len(sent) == len(body):
                            archive.served.update(reply.blocks)
                self.wfile.write(sent)
                self.wfile.flush()
                if what == "stall":
                    archive.released.wait(60)
                if what in ("cut", "stall"):
                    self.close_connection = True

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                """Print nothing about a client that was killed."""

        server = Server(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield self
        finally:
            self.released.set()
            server.shutdown()
            server.server_close()
            thread.join()


def _spoil(reply: Reply, fault: Fault) -> Reply:
    headers = dict(reply.headers)
    for name, value in fault.headers.items():
        headers.pop(name, None)
        if value is not None:
            headers[name] = value
    body = reply.body
    match fault.what:
        case "status":
            return Reply(fault.status, fault.body, headers if fault.status == 206 else {
                name: value for name, value in fault.headers.items() if value is not None
            })  # fmt: skip
        case "damage":
            middle = len(body) // 2
            body = body[:middle] + bytes([body[middle] ^ 0xFF]) + body[middle + 1 :]
        case "garbage":
            body = fault.body
        case "answer":
            assert fault.answer is not None
            body = json.dumps(fault.answer(json.loads(body))).encode()
        case _:
            return Reply(reply.status, body, headers, reply.blocks)
    return Reply(reply.status, body, headers)


def _end(block: Block) -> int:
    return block.offset + 8 + block.compressed


def _json(value: Json) -> Reply:
    return Reply(200, json.dumps(value).encode(), {"Content-Type": "application/json"})


def _error(status: int, name: str, message: str = "") -> Reply:
    return Reply(status, json.dumps({"error": name, "message": message}).encode())
