"""Compare decoders of archive blocks and firehose frames: blueattr and the protocol's package.

Blocks have 4,096 rows of the network's mix of collections (docs/data.md, "Synthetic events"),
compressed as the server does it. The peer is ``decode_block`` plus ``to_messages``, without CIDs
(blueattr does not compute them) and with them (its default); for frames it is
``parse_subscribe_repos_message`` plus ``CAR.from_bytes``. blueattr is timed to lines, and to event
rows in DuckDB: one group of blocks after another, and as an ingest does it, with a thread that
decodes the next group. Each round runs every method once, so that other load on the machine affects
all alike; medians of the rounds are reported, of wall-clock time and of processor time, which is
what one core alone would take.

    python bench/decoders.py --frames FRAMES.bin.zst --out decoders.json

FRAMES.bin.zst is a capture, zstd of [u32 length][frame]…; without it frames are synthetic.
"""

import argparse
import io
import json
import statistics
import struct
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import zstandard
from machine import describe

from blueattr.decode.binary.firehose import decode_frames
from blueattr.decode.binary.segments import decode_block
from blueattr.decode.binary.transcode import Decoded
from blueattr.decode.chunk import Chunk
from blueattr.sources.parallel import run_ahead
from blueattr.store.commit.checkpoint import SourceState
from blueattr.store.commit.writer import Writer
from blueattr.synth import SynthSpec, write_lines

ROOT = Path(__file__).resolve().parents[1]
# The encoders are helpers of the tests: blueattr itself writes neither format.
sys.path.insert(0, str(ROOT / "tests"))
from support.binary_builder import (  # noqa: E402 - found by the line above
    body_of,
    car,
    cbor,
    cid,
    frame_of,
    row_of,
)

PACKAGES = ("blueattr", "atproto", "libipld", "orjson", "zstandard", "numpy", "pyarrow", "duckdb")
BLOCK = 4096
# Blocks staged at once, since each statement has a fixed cost.
GROUP = 32


def network_events(count: int) -> list[dict[str, Any]]:
    """Draw events of the network's mix, in the form of Jetstream v1."""
    out = io.BytesIO()
    write_lines(SynthSpec(agents=max(500, count // 60), days=8, seed=3), out)
    return [json.loads(line) for line in out.getvalue().splitlines()[:count]]


def make_blocks(events: list[dict[str, Any]]) -> list[bytes]:
    """Encode events as blocks of the archive."""
    compressor = zstandard.ZstdCompressor(level=3, write_checksum=True)
    rows = [row_of(seq, event) for seq, event in enumerate(events, 1)]
    return [compressor.compress(body_of(rows[i : i + BLOCK])) for i in range(0, len(rows), BLOCK)]


def make_frames(events: list[dict[str, Any]]) -> list[bytes]:
    """Encode each event as a frame, with as many other blocks in its CAR as a real frame has."""
    tree = [
        cbor(
            {"e": [{"k": bytes([n, i]), "p": i, "t": cid(b"t"), "v": cid(b"v")} for i in range(5)]}
        )
        for n in range(9)
    ]
    frames = []
    for seq, event in enumerate(events, 1):
        record = event.get("commit", {}).get("record")
        body = {"blocks": car([*tree, *([cbor(record)] if record is not None else [])])}
        frames.append(frame_of(seq, event, **(body if event["kind"] == "commit" else {})))
    return frames


def read_frames(path: Path) -> list[bytes]:
    """Split a capture into frames."""
    with path.open("rb") as file:
        raw = zstandard.ZstdDecompressor().stream_reader(file).read()
    frames, at = [], 0
    while at < len(raw):
        (size,) = struct.unpack_from("<I", raw, at)
        frames.append(raw[at + 4 : at + 4 + size])
        at += 4 + size
    return frames


def rounds(methods: dict[str, Callable[[], int]], repeats: int) -> dict[str, tuple[float, float]]:
    """Return each method's median rates, per wall-clock second and per processor second."""
    rates: dict[str, list[tuple[float, float]]] = {name: [] for name in methods}
    for turn in range(repeats + 1):
        for name, work in methods.items():
            start, worked = time.perf_counter(), time.process_time()
            count = work()
            seconds, cores = time.perf_counter() - start, time.process_time() - worked
            if turn:  # the first round warms up
                rates[name].append((count / seconds, count / cores))
    return {
        name: (statistics.median(r[0] for r in runs), statistics.median(r[1] for r in runs))
        for name, runs in rates.items()
    }


def archive(writer: Writer, blocks: list[bytes], repeats: int) -> dict[str, tuple[float, float]]:
    """Measure rows a second, of all collections."""
    from atproto_jetstream.archive.events import to_messages
    from atproto_jetstream.archive.segment import decode_block as peer_decode_block

    groups = [blocks[i : i + GROUP] for i in range(0, len(blocks), GROUP)]

    def peer(with_cid: bool) -> int:
        # Four blocks are enough: the peer has no fixed cost.
        for block in blocks[:4]:
            for _ in to_messages(peer_decode_block(block), with_cid=with_cid):
                pass
        return 4 * BLOCK

    def decode(group: list[bytes]) -> list[Decoded]:
        return [decode_block(block) for block in group]

    def lines() -> int:
        return sum(d.events + d.skipped for d in map(decode_block, blocks))

    def rows() -> int:
        return stage(writer, map(decode, groups))

    def rows_ahead() -> int:
        return stage(writer, run_ahead((partial(decode, group) for group in groups), threads=1))

    return rounds(
        {
            "peer": lambda: peer(with_cid=False),
            "peer, with CIDs": lambda: peer(with_cid=True),
            "blueattr, lines": lines,
            "blueattr, event rows": rows,
            "blueattr, as an ingest": rows_ahead,
        },
        repeats,
    )


def firehose(writer: Writer, frames: list[bytes], repeats: int) -> dict[str, tuple[float, float]]:
    """Measure frames a second."""
    from atproto_core.car import CAR
    from atproto_firehose import parse_subscribe_repos_message
    from atproto_subscription.frames import Frame, MessageFrame

    def peer() -> int:
        for frame in frames:
            parsed = Frame.from_bytes(frame)
            if not isinstance(parsed, MessageFrame):
                raise TypeError("an error frame")
            blocks = getattr(parse_subscribe_repos_message(parsed), "blocks", None)
            if blocks:
                CAR.from_bytes(blocks)
        return len(frames)

    many = frames * max(1, 30_000 // len(frames))

    def lines() -> int:
        decode_frames(many)
        return len(many)

    def rows() -> int:
        stage(writer, [[decode_frames(many)]])
        return len(many)

    return rounds({"peer": peer, "blueattr, lines": lines, "blueattr, event rows": rows}, repeats)


def stage(writer: Writer, groups: Iterable[list[Decoded]]) -> int:
    """Decode lines to event rows and discard them; return the number of all events."""
    state = SourceState("bench", "archive")
    for group in groups:
        lines, skipped = b"".join(d.lines for d in group), sum(d.skipped for d in group)
        state = writer.stage(Chunk(lines, position=0, read=0, resume=0, skipped=skipped), state)
    writer.run("store/commit/batch/staging")
    if state.rejected:
        raise ValueError(f"rejected: {state.rejected}")
    return state.lines


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--blocks", type=int, default=64)
    parser.add_argument("--frames", type=Path, help="a capture of the firehose")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--out", type=Path, default=Path("out/bench-decoders.json"))
    asked = parser.parse_args()
    warnings.simplefilter("ignore")  # the peer warns about deprecations

    machine = describe(PACKAGES)
    print(", ".join(f"{name} {value}" for name, value in machine.items()))

    events = network_events(asked.blocks * BLOCK)
    blocks = make_blocks(events)
    captured = asked.frames is not None
    frames = read_frames(asked.frames) if captured else make_frames(events[:3000])
    results = []
    with (
        tempfile.TemporaryDirectory() as folder,
        Writer(Path(folder) / "store.duckdb") as writer,
    ):
        for task, unit, rates in (
            (f"archive, {len(blocks)} blocks of {BLOCK:,} rows", "rows/s",
             archive(writer, blocks, asked.repeats)),
            (f"firehose, {len(frames):,} frames {'captured' if captured else 'synthetic'}",
             "frames/s", firehose(writer, frames, asked.repeats)),
        ):  # fmt: skip
            for method, (rate, core) in rates.items():
                times, core_times = rate / rates["peer"][0], core / rates["peer"][1]
                print(
                    f"{task:36} {method:22} {rate:10,.0f} {unit:8} {times:5.1f} x"
                    f" {core:10,.0f} a core {core_times:5.1f} x",
                    flush=True,
                )
                results.append(
                    {
                        "task": task,
                        "method": method,
                        "unit": unit,
                        "rate": rate,
                        "times_peer": times,
                        "rate_of_a_core": core,
                        "times_peer_of_a_core": core_times,
                    }
                )
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(
        json.dumps({"machine": machine, "runs": asked.repeats, "results": results}, indent=2) + "\n"
    )
    print(f"written: {asked.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
