"""What servers of the three streaming protocols answer, apart from how it is sent."""

from dataclasses import dataclass, field

from support import binary_builder
from support.events_builder import V2_TYPE, Event, as_v2, dumps

PROTOCOLS = ("v2", "v1", "firehose")

Log = list[tuple[int, Event]]
"""Events with their sequence numbers."""

# From here on a Jetstream takes a cursor for a time.
_TIME = 10**15


@dataclass
class Beginning:
    """Where in its log a server begins to send, and what it says before.

    `refusal` is the status and body of a server that refuses, `error` is the name of the error that
    is its only message.
    """

    index: int = 0
    notices: list[bytes] = field(default_factory=list)
    refusal: tuple[int, bytes] | None = None
    error: str = ""


def beginning(protocol: str, log: Log, floor: int, cursor: int | None) -> Beginning:
    """Where a server begins that has the log from the sequence number `floor` on."""
    tip = log[-1][0] if log else 0
    if cursor is None:
        return Beginning(len(log))
    if protocol == "firehose":
        if cursor > tip:
            return Beginning(error="FutureCursor")
        info = binary_builder.frame("#info", {"name": "OutdatedCursor", "message": "too old"})
        notices = [info] if cursor + 1 < floor else []
        return Beginning(_index_of(log, max(cursor + 1, floor)), notices)
    if cursor >= _TIME:
        index = next(
            (k for k, (seq, e) in enumerate(log) if e["time_us"] >= cursor and seq >= floor),
            len(log),
        )
        is_clamped = protocol == "v2" and index == _index_of(log, floor) > 0
        return Beginning(index, [_outdated(floor)] if is_clamped else [])
    if cursor < floor:
        return Beginning(refusal=(400, xrpc_error("CursorTooOld", f"the oldest is {floor}")))
    # From the live end, if the cursor is in the future.
    return Beginning(_index_of(log, cursor))


def _index_of(log: Log, number: int) -> int:
    return next((k for k, (seq, _) in enumerate(log) if seq >= number), len(log))


def xrpc_error(error: str, message: str = "") -> bytes:
    return dumps({"error": error, "message": message}).encode()


def _outdated(floor: int) -> bytes:
    payload = {
        "$type": V2_TYPE + "info", "name": "OutdatedCursor", "message": f"resumed from {floor}",
    }  # fmt: skip
    return dumps({"$type": "message", "payload": payload}).encode()


def message_of(protocol: str, seq: int, event: Event) -> bytes:
    """Write the event as a server sends it, not compressed."""
    if protocol == "firehose":
        return binary_builder.frame_of(seq, event)
    if protocol == "v1":
        return dumps(event).encode()
    frame = as_v2(event)
    frame["payload"] = {"$type": frame["payload"]["$type"], "seq": seq, **frame["payload"]}
    return dumps(frame).encode()


def error_of(protocol: str, error: str, message: str = "so it is") -> bytes:
    """Write the message by which a server says that it ends the stream."""
    if protocol == "firehose":
        return binary_builder.error(error, message)
    return dumps({"$type": "error", "error": error, "message": message}).encode()
