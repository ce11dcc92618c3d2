"""Frames of the firehose (com.atproto.sync.subscribeRepos) to Jetstream v1 lines; pure.

A frame, of a relay or a PDS, is two DAG-CBOR objects, header and body; the records of a commit are
blocks of a CAR inside the body (atproto.com/specs/event-stream, atproto.com/specs/sync). Most
commits touch nothing that is kept: their paths tell, and their CAR is never opened.
"""

import io
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import libipld

from blueattr.decode.binary.relay_times import RelayTimes
from blueattr.decode.binary.transcode import (
    COLLECTIONS,
    Decoded,
    Notice,
    account_line,
    commit_line,
    identity_line,
    printable,
)
from blueattr.decode.clock import bounded_tid
from blueattr.decode.shapes import written

__all__ = ["FRAME_LIMIT", "decode_frames"]


FRAME_LIMIT = 5 << 20
"""Longest frame in bytes, as atproto.com/specs/event-stream recommends."""


_WANTED = tuple(f"{collection}/" for collection in COLLECTIONS)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The one form of CID in repositories: version 1, DAG-CBOR, SHA-256, so four bytes and the digest.
_CID = 36
_LONGEST = 2048
# A length of more bits than this is beyond any frame.
_LONGEST_SHIFT = 28
# The header {"op": 1, "t": …} as it begins where `op` comes first.
_OP_FIRST = b"\xa2\x62op\x01\x61t"


def _sort_header(frame: bytes) -> bytes:
    """Sort a header's keys as DAG-CBOR and its decoder require; some relays do not sort them."""
    if not frame.startswith(_OP_FIRST):
        return frame
    start = len(_OP_FIRST)
    # The kind is a text of fewer than 24 bytes: one byte says how many.
    end = start + 1 + (frame[start] & 0x1F) if len(frame) > start else start
    return b"\xa2\x61t" + frame[start:end] + b"\x62op\x01" + frame[end:]


def decode_frames(
    frames: Iterable[bytes], times: RelayTimes | None = None, now: float = 0.0
) -> Decoded:
    """Make lines of frames; whatever the frames hold, this does not raise.

    Parameters
    ----------
    frames
        In the order they were received.
    times
        Bounds the times of events; they stay as they are without it.
    now
        Our clock when they were received, in seconds since 1970.

    Returns
    -------
    Decoded
        An event is an operation of a commit, or an identity or account frame; other frames, such
        as ``#sync``, are one skipped event each. ``notices`` holds ``#info`` and error frames.
    """
    out = _Frames(times)
    parsed = [(frame, *_parsed(frame)) for frame in frames]
    if times is not None:
        known = [body["time"] for _, _, body in parsed if body.get("time") is not None]
        times.receive(known, now)
    for frame, header, body in parsed:
        out.read(frame, header, body)
    return Decoded(
        lines=out.lines.getvalue(),
        events=out.events,
        skipped=out.skipped,
        refused=out.refused,
        first_seq=out.first_seq,
        last_seq=out.last_seq,
        first_us=out.first_us,
        last_us=out.last_us,
        notices=out.notices,
        bounded=out.bounded,
        reached_us=None if times is None else times.reached_us,
        is_clock_wrong=times is not None and times.is_clock_wrong,
    )


def _parsed(frame: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the header and the body of a frame, its time read; empty ones where it is none."""
    if len(frame) > FRAME_LIMIT:
        return {}, {}
    try:
        header, body = libipld.decode_dag_cbor_multi(_sort_header(frame))
    except (ValueError, TypeError, RecursionError):
        return {}, {}
    if type(header) is not dict or type(body) is not dict:
        return {}, {}
    body["time"] = _micros(body.get("time"))
    return header, body


class _Frames:
    """What was read so far."""

    def __init__(self, times: RelayTimes | None) -> None:
        self.times = times
        self.bounded = 0
        # Many small lines would be given to the system and asked back each time.
        self.lines = io.BytesIO()
        self.events = 0
        self.skipped = 0
        self.refused: list[tuple[str, int, bytes]] = []
        self.notices: list[Notice] = []
        self.first_seq: int | None = None
        self.last_seq: int | None = None
        self.first_us: int | None = None
        self.last_us: int | None = None

    def keep(self, line: bytes) -> None:
        self.lines.write(line)
        self.events += 1

    def refuse(self, reason: str, sample: bytes) -> None:
        self.refused.append((reason, self.last_seq or 0, sample))

    def read(self, frame: bytes, header: dict[str, Any], body: dict[str, Any]) -> None:
        if len(frame) > FRAME_LIMIT:
            self.refuse("frame too long", b"")
            return
        match header.get("op"), header.get("t"):
            case 1, "#commit":
                if self._number(body, frame):
                    self._commit(body)
            case 1, "#identity" | "#account" as kind:
                if self._number(body, frame):
                    self._announcement(kind, body)
            case 1, "#info":
                self._notice("info", body.get("name"), body.get("message"))
            case -1, _:
                self._notice("error", body.get("error"), body.get("message"))
            case 1, str():
                # #sync, and kinds yet to come, which a reader is asked to pass over.
                if self._number(body, frame):
                    self.skipped += 1
            case _:
                self.refuse("not a firehose frame", frame)

    def _notice(self, kind: str, name: object, message: object) -> None:
        text = "" if message is None else printable(message)
        self.notices.append(Notice(kind, printable(name), text))

    def _number(self, body: dict[str, Any], frame: bytes) -> bool:
        """Take note of the frame's number and time; without a number it is no event."""
        seq = body.get("seq")
        if type(seq) is not int or not 0 <= seq < 2**63:
            self.refuse("not a firehose frame", frame)
            return False
        if self.first_seq is None:
            self.first_seq = seq
        self.last_seq = seq
        time_us = body["time"]
        if time_us is not None:
            if self.times is not None:
                account = body.get("repo", body.get("did"))
                bound_us = self.times.bound(str(account)[:_LONGEST], time_us)
                if bound_us < time_us and type(body.get("rev")) is str:
                    # It may be our clock that is behind: then this is of now, too.
                    body["rev"] = bounded_tid(body["rev"], bound_us, self.bounded)
                self.bounded += bound_us != time_us
                body["time"] = time_us = bound_us
            if self.first_us is None or time_us < self.first_us:
                self.first_us = time_us
            if self.last_us is None or time_us > self.last_us:
                self.last_us = time_us
        return True

    def _announcement(self, kind: str, body: dict[str, Any]) -> None:
        did, time_us = body.get("did"), body["time"]
        if time_us is None:
            self.refuse("bad time", written({"t": kind, "did": did}))
            return
        write = identity_line if kind == "#identity" else account_line
        try:
            self.keep(write(did, time_us, body))
        except ValueError:
            self.refuse("bad record", written({"t": kind, "did": did}))

    def _commit(self, body: dict[str, Any]) -> None:
        did, rev, ops, time_us = (body.get(name) for name in ("repo", "rev", "ops", "time"))
        # These come once and go into the line of each operation, so they must be short.
        if type(did) is not str or len(did) > _LONGEST:
            self.refuse("bad DID", written({"t": "#commit", "repo": did}))
        elif type(rev) is not str or len(rev) > _LONGEST:
            self.refuse("bad rev", written({"t": "#commit", "repo": did, "rev": rev}))
        elif type(ops) is not list:
            self.refuse("missing field", written({"t": "#commit", "repo": did, "ops": ops}))
        elif not ops and body.get("tooBig") is True:
            self.refuse("commit too big", written({"t": "#commit", "repo": did, "rev": rev}))
        else:
            _Commit(self, did, rev, time_us, body.get("blocks")).read(ops)


class _Commit:
    """The operations of a commit, which has one author, one revision and one time."""

    def __init__(self, out: _Frames, did: str, rev: str, time_us: int | None, car: Any) -> None:
        self.out = out
        self.did = did
        self.rev = rev
        self.time_us = time_us
        self.car = car
        self.blocks: dict[bytes, bytes] | None = None
        # Many operations may name one record, and each line names the author: what one commit
        # makes of them must not grow without bound.
        self.budget = 4 * FRAME_LIMIT

    def read(self, ops: list[Any]) -> None:
        for op in ops:
            path = op.get("path") if type(op) is dict else None
            if type(path) is not str:
                self.out.refuse("missing field", written({"repo": self.did, "ops": [op]}))
            elif not path.startswith(_WANTED):
                self.out.skipped += 1
            elif self.time_us is None:
                self.out.refuse("bad time", self._sample(op, path))
            else:
                reason = self._operation(op, path, self.time_us)
                if reason:
                    self.out.refuse(reason, self._sample(op, path))

    def _sample(self, op: dict[str, Any], path: str) -> bytes:
        collection, _, rkey = path.partition("/")
        named = {"action": op.get("action"), "collection": collection, "rkey": rkey}
        return written({"repo": self.did, "rev": self.rev, **named})

    def _operation(self, op: dict[str, Any], path: str, time_us: int) -> str | None:
        """Write an operation's line, or say why there is none."""
        if self.budget < 0:
            return "commit too big"
        action = op.get("action")
        collection, _, rkey = path.partition("/")
        commit = {"rev": self.rev, "operation": action, "collection": collection, "rkey": rkey}
        if action in ("create", "update"):
            if self.blocks is None:
                self.blocks = _blocks(self.car)
            cid = op.get("cid")
            block = self.blocks.get(cid) if type(cid) is bytes else None
            if block is None:
                return "missing block"
            self.budget -= len(block)
            try:
                commit["record"] = libipld.decode_dag_cbor(block)
            except (ValueError, RecursionError):
                return "not DAG-CBOR"
        try:
            line = commit_line(self.did, time_us, commit)
        except ValueError:
            return "bad record"
        self.budget -= len(line)
        self.out.keep(line)
        return None


def _blocks(car: Any) -> dict[bytes, bytes]:
    """Cut a CAR (version 1) into its blocks by CID; a broken one into those before the break.

    Only the blocks of wanted records are decoded then, and a bad one spoils no other.
    """
    found: dict[bytes, bytes] = {}
    if type(car) is not bytes:
        return found
    at, end, header = 0, len(car), True
    while at < end:
        size = shift = 0
        while True:
            byte = car[at]
            at += 1
            size |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
            if at == end or shift > _LONGEST_SHIFT:
                return found
        if at + size > end:
            return found
        if not header:
            found[car[at : at + _CID]] = car[at + _CID : at + size]
        header = False
        at += size
    return found


def _micros(time: Any) -> int | None:
    try:
        since = datetime.fromisoformat(time) - _EPOCH
    except (ValueError, TypeError, OverflowError):
        return None
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
