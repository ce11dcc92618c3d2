"""Naive encoders of firehose frames and archive blocks, from v1 events; nothing here is fast."""

import base64
import hashlib
import struct
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import libipld
import xxhash
import zstandard

from support.events_builder import Event

KINDS = {"create": 1, "update": 2, "delete": 3}
Frame = bytes


def cid(block: bytes) -> bytes:
    return b"\x01\x71\x12\x20" + hashlib.sha256(block).digest()


def cbor(value: Any) -> bytes:
    encoded: bytes = libipld.encode_dag_cbor(_ipld(value))
    return encoded


def _ipld(value: Any) -> Any:
    """Links and bytes as libipld has them, from the form they have in JSON."""
    if isinstance(value, list):
        return [_ipld(item) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"$link"}:
        return link(value["$link"])
    if set(value) == {"$bytes"}:
        return base64.b64decode(value["$bytes"] + "==")
    return {key: _ipld(item) for key, item in value.items()}


def link(text: str) -> bytes:
    return base64.b32decode(text[1:].upper() + "=" * (-(len(text) - 1) % 8))


def iso(time_us: int) -> str:
    time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


# --- the firehose


def uvarint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(0x80 | number & 0x7F)
        number >>= 7
    return bytes([*out, number])


def car(blocks: list[bytes]) -> bytes:
    sections = [
        cbor({"roots": [cid(b"")], "version": 1}),
        *(cid(block) + block for block in blocks),
    ]
    return b"".join(uvarint(len(section)) + section for section in sections)


def frame(kind: str, body: Any, op: int = 1) -> Frame:
    return cbor({"op": op, "t": kind}) + cbor(body)


def error(name: str, message: str | None = None) -> Frame:
    return cbor({"op": -1}) + cbor({"error": name} | ({"message": message} if message else {}))


def frame_of(seq: int, *events: Event, **body: Any) -> Frame:
    """One frame of the events: operations of one commit, or an identity or account event.

    `body` replaces fields of the body.
    """
    event = events[0]
    told = {"seq": seq, "time": iso(event["time_us"])}
    if event["kind"] != "commit":
        told |= {"did": event["did"], **event[event["kind"]], **body}
        return frame(f"#{event['kind']}", told)
    ops: list[dict[str, Any]] = []
    records = [b"\xa0"]
    for commit in (e["commit"] for e in events):
        record = cbor(commit["record"]) if "record" in commit else None
        if record is not None:
            records.append(record)
        ops.append(
            {
                "action": commit["operation"],
                "path": f"{commit['collection']}/{commit['rkey']}",
                "cid": record and cid(record),
            }
        )
    told |= {
        "repo": event["did"], "rev": event["commit"]["rev"], "since": None, "blobs": [],
        "commit": cid(b""), "rebase": False, "tooBig": False, "ops": ops,
        "blocks": car(records), **body,
    }  # fmt: skip
    return frame("#commit", told)


# --- the archive


class Row(NamedTuple):
    """One row of a block, its columns in the order of the format."""

    seq: int
    witnessed_at: int
    indexed_at: int
    kind: int
    collection: bytes
    did: bytes
    rkey: bytes
    rev: bytes
    payload: bytes


def row_of(seq: int, event: Event, **columns: Any) -> Row:
    did = event["did"].encode()
    if event["kind"] != "commit":
        kind = 4 if event["kind"] == "identity" else 5
        payload = cbor({"did": event["did"], **event[event["kind"]]})
        row = Row(seq, event["time_us"], 0, kind, b"", did, b"", b"", payload)
    else:
        c = event["commit"]
        payload = cbor(c["record"]) if "record" in c else b""
        row = Row(
            seq, event["time_us"], 0, KINDS[c["operation"]], c["collection"].encode(), did,
            c["rkey"].encode(), c["rev"].encode(), payload,
        )  # fmt: skip
    return row._replace(**columns)


def body_of(rows: list[Row]) -> bytes:
    out = struct.pack("<I", len(rows))
    for column, code in zip(("seq", "witnessed_at", "indexed_at", "kind"), "QqqB", strict=True):
        out += b"".join(struct.pack(f"<{code}", getattr(row, column)) for row in rows)
    texts = ("collection", "did", "rkey", "rev", "payload")
    for column, code in zip(texts, "BHBBI", strict=True):
        out += b"".join(struct.pack(f"<{code}", len(getattr(row, column))) for row in rows)
    return out + b"".join(b"".join(getattr(row, column) for row in rows) for column in texts)


def compress(body: bytes, *, checksum: bool = True, sized: bool = True) -> bytes:
    return zstandard.ZstdCompressor(
        level=1, write_checksum=checksum, write_content_size=sized
    ).compress(body)


def block_of(rows: list[Row]) -> bytes:
    return compress(body_of(rows))


def segment_of(blocks: list[list[Row]]) -> bytes:
    """A sealed segment; the bloom filters and the index of collections are filled with letters."""
    out, index = bytearray(256), b""
    for rows in blocks:
        frame = block_of(rows)
        seqs = [row.seq for row in rows] or [1]
        times = [row.witnessed_at for row in rows] or [0]
        index += struct.pack(
            "<QIIIQQqq", len(out), len(frame), len(body_of(rows)), len(rows),
            min(seqs), max(seqs), min(times), max(times),
        )  # fmt: skip
        out += struct.pack("<Q", len(frame)) + frame
    footer_at = len(out)
    footer = index + b"did bloom filter" + b"of each block" + b"collections"
    blooms = footer_at + len(index)
    every = [row for rows in blocks for row in rows]
    fields = struct.pack(
        "<HIIIQQqqQQQQQ", 1, len(blocks), len(every), len({row.did for row in every}),
        min((row.seq for row in every), default=0), max((row.seq for row in every), default=0),
        min((row.witnessed_at for row in every), default=0),
        max((row.witnessed_at for row in every), default=0),
        footer_at, blooms, blooms + 16, blooms + 29, footer_at,
    )  # fmt: skip
    out[12 : 12 + len(fields)] = fields
    return seal(bytes(out) + footer, footer_at)


def seal(segment: bytes, footer_at: int) -> bytes:
    """Set the checksum to what it must be."""
    checksum = xxhash.xxh3_64(segment[12:256] + segment[footer_at:]).intdigest()
    return b"jss0" + struct.pack("<Q", checksum) + segment[12:]
