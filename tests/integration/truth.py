"""What a server says it has, read by plain clients that share no code with blueattr.

Every reader returns events as Jetstream's lines spell them, so that
:func:`store_content.expected` can fold them and the decoder's plain twin can judge them.
"""

import json
import time
import urllib.request
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import libipld
from atproto_jetstream.archive.segment import decode_block
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from support.events_builder import Event
from support.store_content import Content, content, expected

__all__ = [
    "archive_events",
    "archive_segments",
    "assert_same",
    "assert_same_but_for_times",
    "firehose_events",
    "jetstream_v1",
    "jetstream_v2",
    "listen",
    "micros",
    "repositories",
    "settle",
    "until",
    "v2_url",
]


METHOD = "network.bsky.jetstream"
KINDS = {1: "create", 2: "update", 3: "delete", 7: "create"}
QUIET = 1.5


def v2_url(server: str, cursor: int | None = None) -> str:
    """Address of the whole of Jetstream v2's stream, from a cursor or from now on."""
    where = "" if cursor is None else f"?cursor={cursor}"
    return f"{server}/xrpc/{METHOD}.subscribeEvents{where}"


def listen(url: str, quiet: float = QUIET) -> list[bytes]:
    """Read a websocket until nothing came for some seconds."""
    with connect(url, max_size=None, compression=None) as socket:
        return list(_messages(socket, quiet))


def _messages(socket: ClientConnection, quiet: float) -> Iterator[bytes]:
    while True:
        try:
            message = socket.recv(timeout=quiet)
        except (TimeoutError, ConnectionClosed):
            return
        yield message.encode() if isinstance(message, str) else message


def jetstream_v2(server: str, cursor: int = 0) -> list[Event]:
    """Read all that Jetstream v2 has from a cursor on; its traffic must have ended."""
    frames = [json.loads(frame) for frame in listen(v2_url(server, cursor))]
    assert all(frame["$type"] == "message" for frame in frames), frames[-1]
    return frames


def jetstream_v1(server: str, cursor: int = 1) -> list[Event]:
    """Read all that Jetstream v1 has from a sequence number on."""
    return [json.loads(frame) for frame in listen(f"{server}/subscribe?cursor={cursor}")]


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=30) as response:  # noqa: S310 - loopback, http
        return bytes(response.read())


def archive_segments(server: str) -> list[dict[str, Any]]:
    """Sealed segments as the server lists them."""
    found: list[dict[str, Any]] = []
    where = ""
    while True:
        page = json.loads(_get(f"{server}/xrpc/{METHOD}.listSegments?limit=1000{where}"))
        found += page["segments"]
        if not page.get("cursor"):
            return found
        where = f"&cursor={page['cursor']}"


def archive_events(server: str) -> list[Event]:
    """Decode every block of every sealed segment, through ``getBlock`` and the SDK's decoder."""
    found: list[Event] = []
    for segment in archive_segments(server):
        if segment["eventCount"] == 0:
            continue
        block, before = 0, len(found)
        while len(found) < before + segment["eventCount"]:
            url = f"{server}/xrpc/{METHOD}.getBlock?segment={segment['name']}&blockIndex={block}"
            found += [_row(row) for row in decode_block(_get(url))]
            block += 1
    return found


def _row(row: Any) -> Event:
    event: Event = {"did": row.did, "time_us": row.time_us, "seq": row.seq}
    if row.kind in KINDS:
        commit = {
            "rev": row.rev,
            "operation": KINDS[row.kind],
            "collection": row.collection,
            "rkey": row.rkey,
        }
        if row.kind != 3:
            commit["record"] = _plain(libipld.decode_dag_cbor(row.payload))
        return {**event, "kind": "commit", "commit": commit}
    kind = {4: "identity", 5: "account", 6: "sync"}[row.kind]
    return {**event, "kind": kind, kind: _plain(libipld.decode_dag_cbor(row.payload))}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    # Links and bytes; no field that is kept holds either.
    return "" if isinstance(value, bytes) else value


def firehose_events(server: str, cursor: int = 0, quiet: float = QUIET) -> list[Event]:
    """Read all that a relay or PDS has after a cursor."""
    found: list[Event] = []
    for frame in listen(f"{server}/xrpc/com.atproto.sync.subscribeRepos?cursor={cursor}", quiet):
        header, body = libipld.decode_dag_cbor_multi(frame)
        assert header["op"] == 1, body
        found += _firehose(header["t"], body)
    return found


def _firehose(kind: str, body: dict[str, Any]) -> Iterator[Event]:
    if kind == "#info":
        return
    moment = datetime.fromisoformat(body["time"]).astimezone(UTC)
    event: Event = {
        "did": body["repo"] if kind == "#commit" else body["did"],
        "time_us": (moment - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1),
        "seq": body["seq"],
        "kind": kind[1:],
    }
    if kind != "#commit":
        yield {**event, kind[1:]: _plain(body)}
        return
    _, blocks = libipld.decode_car(body["blocks"])
    for op in body["ops"]:
        collection, rkey = op["path"].split("/")
        commit = {
            "rev": body["rev"],
            "operation": op["action"],
            "collection": collection,
            "rkey": rkey,
        }
        if op["action"] != "delete":
            commit["record"] = _plain(blocks[op["cid"]])
        yield {**event, "commit": commit}


def repositories(server: str) -> dict[tuple[str, str, str], Any]:
    """Every record that exists, out of the repositories themselves: by DID, collection and key."""
    found: dict[tuple[str, str, str], Any] = {}
    cursor = ""
    while True:
        page = json.loads(_get(f"{server}/xrpc/com.atproto.sync.listRepos?limit=500{cursor}"))
        for repo in page["repos"]:
            car = _get(f"{server}/xrpc/com.atproto.sync.getRepo?did={repo['did']}")
            header, blocks = libipld.decode_car(car)
            tree = blocks[header["roots"][0]]["data"]
            found |= {
                (repo["did"], *path.split("/")): _plain(blocks[cid])
                for path, cid in _leaves(blocks, tree)
            }
        if not page.get("cursor") or not page["repos"]:
            return found
        cursor = f"&cursor={page['cursor']}"


def _leaves(blocks: dict[bytes, Any], node: bytes) -> Iterator[tuple[str, bytes]]:
    """Walk a Merkle search tree (atproto.com/specs/repository) in the order of its keys."""
    if blocks[node]["l"] is not None:
        yield from _leaves(blocks, blocks[node]["l"])
    key = b""
    for entry in blocks[node]["e"]:
        key = key[: entry["p"]] + entry["k"]
        yield key.decode(), entry["v"]
        if entry["t"] is not None:
            yield from _leaves(blocks, entry["t"])


def assert_same(db: Path, events: Iterable[Event], at_least: int = 1) -> Content:
    """Hold a store against a plain fold of events; it is not empty."""
    held, truth = content(db), expected(list(events))
    assert len(truth.records) >= at_least
    for part, mine, theirs in zip(Content._fields, held, truth, strict=True):
        assert mine == theirs, _difference(part, mine, theirs)
    return held


def assert_same_but_for_times(
    db: Path, events: Iterable[Event], slack: timedelta, at_least: int = 1
) -> Content:
    """The same, where the server was killed and so saw some events a second time.

    It then names a later time than the one that was followed saw. A record's time may be earlier
    than the server's by up to `slack`, never later, and an account may have had its status at two
    times; all else is equal.
    """
    held, truth = content(db), expected(list(events))
    assert len(truth.records) >= at_least
    assert held.accounts == truth.accounts
    assert held.plc == truth.plc
    assert set(held.records) == set(truth.records), _difference(
        "records", held.records, truth.records
    )
    for key, (rev, removed, seen, *rest) in held.records.items():
        rev_there, removed_there, seen_there, *rest_there = truth.records[key]
        mine, theirs = (rev, removed, rest), (rev_there, removed_there, rest_there)
        assert mine == theirs, f"{key}: {mine}, not {theirs}"
        # A record of which the server holds only the delete was seen by us before.
        if seen_there is not None:
            assert seen is not None, key
            assert seen_there - slack <= seen <= seen_there, (key, seen, seen_there)
    without_times = [{(s[0], *s[2:]) for s in where.statuses} for where in (held, truth)]
    assert without_times[0] == without_times[1]
    assert {d: h[1:] for d, h in held.handles.items()} == {
        d: h[1:] for d, h in truth.handles.items()
    }
    assert {d: (p[0], p[2]) for d, p in held.profiles.items()} == {
        d: (p[0], p[2]) for d, p in truth.profiles.items()
    }
    return held


def _difference(part: str, mine: Any, theirs: Any) -> str:
    if isinstance(mine, dict):
        wrong = [k for k in mine.keys() & theirs.keys() if mine[k] != theirs[k]]
        lacking = sorted(theirs.keys() - mine.keys())
        extra = [(key, mine[key]) for key in sorted(mine.keys() - theirs.keys())]
        told = [(k, mine[k], theirs[k]) for k in wrong[:3]]
    else:
        wrong, told = [], []
        lacking, extra = sorted(theirs - mine), sorted(mine - theirs)
    return (
        f"{part}: {len(lacking)} lacking {lacking[:3]}, {len(extra)} too many {extra[:3]}, "
        f"{len(wrong)} others {told}"
    )


def settle() -> None:
    """Wait until nothing is so new that ``--until-live`` ends without having read all of it."""
    time.sleep(11)


def micros(moment: str) -> int:
    """Return an ISO 8601 time in unix microseconds."""
    return (datetime.fromisoformat(moment) - datetime.fromtimestamp(0, UTC)) // timedelta(
        microseconds=1
    )


def until(what: Any, seconds: float = 60.0) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.1)
