"""Follow a Jetstream on loopback as fast as it sends: kept events a second, from socket to store.

A server process sends frames of version 2, compressed with a dictionary and prepared before, as
fast as the client takes them: only kept events, as `blueattr synth` draws them. blueattr is timed
as a whole: connecting, receiving, decompressing, decoding, staging, and committing to a new DuckDB
file. The peer only receives and decompresses, with the websocket package that the protocol's SDK
uses. Each round runs both; medians of the rounds are reported.

    python bench/live.py --events 300000 --out live.json
"""

import argparse
import asyncio
import base64
import hashlib
import io
import json
import multiprocessing
import socket
import statistics
import struct
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import zstandard
from machine import describe

from blueattr.decode.binary.transcode import COLLECTIONS
from blueattr.ingest.follow import follow
from blueattr.sources.find import find_streams
from blueattr.sources.timing import Timing
from blueattr.synth import SynthSpec, write_lines

if TYPE_CHECKING:
    from collections.abc import Callable

PACKAGES = ("blueattr", "picows", "websockets", "zstandard", "duckdb", "pyarrow")
METHOD = "network.bsky.jetstream.subscribeEvents"
GOAL = 60_000


# --- the server ----------------------------------------------------------------------------------


def make_frames(count: int) -> tuple[bytes, bytes, int, float]:
    """Draw kept events.

    Returns
    -------
    tuple
        The bytes to send, the dictionary, the number of events, and the time of the last one
        (seconds since 1970).
    """
    frames: list[bytes | bytearray | memoryview] = []
    last = 0
    agents = max(500, count // 20)
    out = io.BytesIO()
    write_lines(SynthSpec(agents=agents, days=8, seed=3), out)
    for line in out.getvalue().splitlines():
        event = orjson.loads(line)
        commit = event.get("commit", {})
        if event["kind"] == "commit" and commit["collection"] not in COLLECTIONS:
            continue
        last = max(last, event["time_us"])
        event_time = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=event["time_us"])
        body = {
            "$type": f"{METHOD}#{event['kind']}",
            "seq": len(frames) + 1,
            "did": event["did"],
            "time": event_time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            **commit,
            **{kind: event[kind] for kind in ("identity", "account") if kind in event},
        }
        frames.append(orjson.dumps({"$type": "message", "payload": body}))
        if len(frames) == count:
            break
    # As large as the dictionaries of the public servers.
    dictionary = zstandard.train_dictionary(112_640, frames[:: max(1, len(frames) // 20_000)])
    compressor = zstandard.ZstdCompressor(level=3, dict_data=dictionary)
    wire = bytearray()
    for frame in frames:
        payload = compressor.compress(frame)
        size = len(payload)
        wire += b"\x82"
        wire += bytes([size]) if size < 126 else b"\x7e" + struct.pack(">H", size)
        wire += payload
    return bytes(wire), dictionary.as_bytes(), len(frames), last / 1e6


def serve(count: int, pipe: Pipe) -> None:
    """Answer one connection after another, until the process is terminated."""
    wire, dictionary, count, last = make_frames(count)
    with socket.create_server(("127.0.0.1", 0)) as server:
        pipe.send((server.getsockname()[1], len(wire), count, last))
        while True:
            connection, _ = server.accept()
            with connection:
                try:
                    answer(connection, wire, dictionary)
                except OSError:
                    continue


def answer(connection: socket.socket, wire: bytes, dictionary: bytes) -> None:
    """Send the dictionary, or all events, and wait for the client to close."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(1 << 16)
    if b"getZstdDictionary" in head:
        reply = f"HTTP/1.1 200 OK\r\nContent-Length: {len(dictionary)}\r\nConnection: close\r\n\r\n"
        connection.sendall(reply.encode() + dictionary)
        return
    headers = dict(
        line.lower().split(": ", 1)[:1] + line.split(": ", 1)[1:]
        for line in head.decode().split("\r\n")[1:]
        if ": " in line
    )
    key = headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()  # noqa: S324 - RFC 6455
    reply = (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
    connection.sendall(reply.encode() + wire)
    while connection.recv(1 << 16):
        pass


# --- the clients ---------------------------------------------------------------------------------


def blueattr(url: str, count: int, last: float) -> int:
    """Follow into a new store until the last event is in it."""
    with tempfile.TemporaryDirectory() as folder:
        done = follow(
            Path(folder) / "store.duckdb",
            find_streams(["jetstream"], [url]),
            until="live",
            # A clock by which only the last events are live.
            timing=Timing(now=lambda: last + 9.9),
        )
    (state,) = done.ingested.sources
    if state.rejected or done.reconnects or done.gaps or state.kept < 0.999 * count:
        raise ValueError(f"the store does not hold what was sent: {done}")
    return state.kept


def receive_only(url: str, count: int) -> int:
    """Receive and decompress every frame, and discard it."""
    import urllib.request

    from websockets.asyncio.client import connect

    address = url.replace("ws://", "http://") + "/xrpc/network.bsky.jetstream.getZstdDictionary"
    with urllib.request.urlopen(address) as response:  # noqa: S310 - this machine
        blob = response.read()
    decompress = zstandard.ZstdDecompressor(
        dict_data=zstandard.ZstdCompressionDict(blob)
    ).decompress

    async def receive() -> None:
        address = f"{url}/xrpc/{METHOD}"
        async with connect(
            address, compression=None, max_size=8 << 20, ping_interval=None
        ) as frames:
            for _ in range(count):
                frame = await frames.recv()
                if isinstance(frame, str):
                    raise TypeError("a text frame")
                decompress(frame)

    asyncio.run(receive())
    return count


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("out/bench-live.json"))
    asked = parser.parse_args()
    about: dict[str, Any] = {"machine": describe(PACKAGES), "runs": asked.repeats}
    print(", ".join(f"{name} {value}" for name, value in about["machine"].items()))
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(
        target=serve, args=(asked.events, theirs), daemon=True
    )
    server.start()
    port, size, count, last = ours.recv()
    url = f"ws://127.0.0.1:{port}"
    print(f"{count:,} events, {size / 1e6:,.1f} MB compressed")
    methods: dict[str, Callable[[], int]] = {
        "receive only": lambda: receive_only(url, count),
        "blueattr": lambda: blueattr(url, count, last),
    }
    rates: dict[str, list[float]] = {name: [] for name in methods}
    try:
        for turn in range(asked.repeats + 1):
            for name, work in methods.items():
                begun = time.perf_counter()
                received = work()
                rate = received / (time.perf_counter() - begun)
                if turn:  # the first round warms up
                    rates[name].append(rate)
    finally:
        server.terminate()
        server.join()
    medians = {name: statistics.median(runs) for name, runs in rates.items()}
    for name, rate in medians.items():
        ratio = rate / medians["receive only"]
        print(f"{name:16} {rate:12,.0f} events/s {ratio:8.2f} x")
    reached = medians["blueattr"] / GOAL
    print(f"goal             {GOAL:12,} events/s, of which blueattr reaches {reached:.2f}")
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(
        json.dumps({**about, "events": count, "events_per_second": medians, "all": rates}, indent=2)
        + "\n"
    )
    print(f"written: {asked.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
