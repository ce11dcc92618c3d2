"""Events of binary formats as Jetstream v1 lines, and what one decoding gives; pure.

Every source ends in the same statement, ``sql/store/commit/batch/decode_lines.sql``, so that an
event means the same and is checked in the same way wherever it came from. A binary decoder
therefore judges only what a line could not carry.
"""

import base64
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import libipld
import orjson

__all__ = [
    "COLLECTIONS",
    "RECORD_LIMIT",
    "Decoded",
    "Notice",
    "account_line",
    "commit_line",
    "identity_line",
    "printable",
]


# What the decoder reads of a record (`blueattr.decode.cut_lines`); the rest is left out of the
# line, where it would cost time and could make a record that is fine impossible to write as JSON.
_FIELDS = {
    "app.bsky.feed.post": ("text", "reply", "tags", "facets", "embed", "langs", "labels"),
    "app.bsky.feed.repost": ("subject", "via"),
    "app.bsky.graph.follow": ("subject",),
    "app.bsky.actor.profile": ("labels",),
}


COLLECTIONS = tuple(_FIELDS)
"""Collections whose commits are kept."""


RECORD_LIMIT = 2 << 20
"""Longest record in bytes of DAG-CBOR; servers take at most 1 MiB."""


_LONGEST = 200


class Notice(NamedTuple):
    """What a server says about the stream itself.

    Parameters
    ----------
    kind
        ``"info"``, or ``"error"``, after which the server closes the stream.
    name, message
        In the server's words, printable and shortened; the message may be empty.
    """

    kind: str
    name: str
    message: str


@dataclass(frozen=True, slots=True)
class Decoded:
    r"""What a run of frames, or a block, holds.

    Parameters
    ----------
    lines
        Jetstream v1 lines, each ended by ``\n``, in the order of the source.
    events
        Number of them.
    skipped
        Events of kinds that are not kept.
    refused
        Events that could not be made a line, and frames that could not be read, which count as
        one: (reason, sequence number or the last known one, what shows why, as of
        `blueattr.decode.chunk.Chunk`).
    first_seq, last_seq
        Sequence numbers of what was read, the skipped included: of a stream the first and the last
        received, of a block the least and the greatest. None where there was none.
    first_us, last_us
        Earliest and latest time of what was read, the skipped included, µs since 1970: as the
        server states it, or of a block as `blueattr.decode.binary.block_times` has it.
    notices
        What the server said about the stream.
    through_seq
        Of a block, the greatest sequence number that was asked for, whatever its time and account;
        None where there was none.
    dated, earlier
        Of a block, how many of those records have a time of their own, by import or by key, or may
        have been seen when they were written; and how many of them are from before the archive
        began.
    known_mark, last_mark
        Of a stream: what tells the event with the number that was asked about, and the one of
        `last_seq`, from others with these numbers. None where they are not there, or it has no such
        thing.
    bounded
        Frames of a relay whose time was out of bounds; it has the time of the bound.
    is_clock_wrong
        Of a relay: whether most frames were ahead of our clock, and none was held against it.
    reached_us
        The time that a relay has reached (`blueattr.decode.binary.relay_times`), µs since 1970.
    """

    lines: bytes
    events: int
    skipped: int
    refused: list[tuple[str, int, bytes]] = field(default_factory=list)
    first_seq: int | None = None
    last_seq: int | None = None
    first_us: int | None = None
    last_us: int | None = None
    notices: list[Notice] = field(default_factory=list)
    through_seq: int | None = None
    dated: int = 0
    earlier: int = 0
    known_mark: int | None = None
    last_mark: int | None = None
    bounded: int = 0
    is_clock_wrong: bool = False
    reached_us: int | None = None


def commit_line(did: Any, time_us: int, commit: dict[str, Any], time_from: str = "server") -> bytes:
    """Write what happened to a record as a line.

    Parameters
    ----------
    did
        As it came; the decoder checks it.
    time_us
        Server time, µs since 1970.
    commit
        Of a collection of `COLLECTIONS`: rev, operation, collection, rkey and, where there is one,
        the record as libipld decodes it, of which only what is read is left.
    time_from
        Where the time comes from; one of `blueattr.decode.parser.layout.TIMES_FROM`.

    Raises
    ------
    ValueError
        It cannot be written as JSON: an integer below -2⁶³, or nested too deeply, in a field that
        is read.
    """
    record = commit.get("record")
    if type(record) is dict:
        fields = _FIELDS[commit["collection"]]
        commit["record"] = {name: record[name] for name in fields if name in record}
    event = {"did": did, "time_us": time_us, "kind": "commit", "commit": commit}
    return _dump(event if time_from == "server" else event | {"time_from": time_from})


def identity_line(did: Any, time_us: int, body: dict[str, Any]) -> bytes:
    """Write an identity event, of which the handle is read, as a line; raises as `commit_line`."""
    fields = {"did": did, "handle": body.get("handle")}
    return _dump({"did": did, "time_us": time_us, "kind": "identity", "identity": fields})


def account_line(did: Any, time_us: int, body: dict[str, Any]) -> bytes:
    """Write an account event (active, status) as a line; raises as `commit_line`."""
    fields = {"active": body.get("active"), "did": did, "status": body.get("status")}
    return _dump({"did": did, "time_us": time_us, "kind": "account", "account": fields})


def _dump(event: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(event, default=_link, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError as error:
        raise ValueError(str(error)) from None


def _link(value: Any) -> dict[str, str]:
    """Write bytes as atproto's JSON does; libipld gives links as the bytes of their CID."""
    try:
        return {"$link": libipld.encode_cid(value)}
    except ValueError:
        return {"$bytes": base64.b64encode(value).decode().rstrip("=")}


def printable(value: object) -> str:
    """Shorten what a server says of itself to what is safe to show."""
    text = value if isinstance(value, str) else repr(value)
    return text[:_LONGEST].encode("unicode_escape").decode()[:_LONGEST]
