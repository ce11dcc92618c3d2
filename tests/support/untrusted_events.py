"""Events whose times nobody can trust, and events to reject; and their judge without a store."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pyarrow as pa

from support import binary_builder
from support.events_builder import Event, dumps, post
from support.stream_protocols import message_of

__all__ = ["HOSTILE", "Judge", "hostile", "key_of", "spoiled", "written"]


# What servers may write for a time: µs since 1970 in one protocol, text in the others.
HOSTILE: dict[str, tuple[int, str]] = {
    "2099": (4_070_908_800_000_000, "2099-01-01T00:00:00.000000Z"),
    "1970": (1, "1970-01-01T00:00:00.000001Z"),
    "the year 1": (-62_135_596_800_000_000, "0001-01-01T00:00:00.000000Z"),
    "2021": (1_609_459_200_000_000, "2021-01-01T00:00:00.000000Z"),
    "negative": (-1, "1969-12-31T23:59:59.999999Z"),
    "beyond 64 bits": (1 << 64, "+292278-01-01T00:00:00.000000Z"),
    "the year 9999": (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
}

_HOSTILE, _BAD_KEY = "hostile", "no key!"
_LAST_REV = "j" + 12 * "z"
_FIRST, _END = datetime(2020, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001 - as stored


def hostile(event: Event, kind: str) -> Event:
    """Make an event claim another time than the one at which its server has it."""
    return {**event, _HOSTILE: kind}


def spoiled(who: str, number: int, time: datetime) -> Event:
    """Return an event that is rejected for its key; its time is as good as any."""
    return post(who, f"{_BAD_KEY}{number}", rev=number, time=time)


def written(protocol: str, seq: int, event: Event) -> bytes:
    """Write the event as a server sends it."""
    if _HOSTILE not in event:
        return message_of(protocol, seq, event)
    plain = {key: value for key, value in event.items() if key != _HOSTILE}
    time_us, text = HOSTILE[event[_HOSTILE]]
    if protocol == "v1":
        return dumps({**plain, "time_us": time_us}).encode()
    if protocol == "firehose":
        return binary_builder.frame_of(seq, plain, time=text)
    frame = json.loads(message_of(protocol, seq, plain))
    frame["payload"]["time"] = text
    return dumps(frame).encode()


def is_hostile(event: Event) -> bool:
    """Whether its time is not its own."""
    return _HOSTILE in event


def key_of(line: bytes) -> str:
    """Return the record key of a line."""
    event = json.loads(line)
    event = event.get("payload", event)
    return str(event.get("commit", event)["rkey"])


class Judge:
    """Decodes unusual lines in place of a store: plain Python instead of the engine's statements.

    `rejected` are the keys of those that it did not keep.
    """

    def __init__(self) -> None:
        self.rejected: set[str] = set()
        self._lines: pa.Table | None = None
        self._end = _END
        self._last_rev = _LAST_REV

    def register(self, _name: str, lines: pa.Table) -> None:
        self._lines = lines

    def unregister(self, _name: str) -> None:
        """Keep them: they are judged after this."""

    def run(self, _statement: str, **given: Any) -> None:
        self._end = given.get("end", self._end)
        self._last_rev = given.get("last_rev", self._last_rev)

    @contextmanager
    def ample_memory(self) -> Iterator[None]:
        """Take what there is: plain Python has no limit."""
        yield

    def frame(self, _statement: str) -> Any:
        assert self._lines is not None
        rows = list(_judged(self._lines.to_pylist(), self._end, self._last_rev))
        self.rejected -= {row["key"] for row in rows if row["verdict"] == ""}
        self.rejected |= {row["key"] for row in rows if row["verdict"] != ""}
        return SimpleNamespace(to_dicts=lambda: rows)


def _judged(
    lines: Iterable[dict[str, Any]], end: datetime, last_rev: str
) -> Iterable[dict[str, Any]]:
    """Judge each line by itself."""
    for line in lines:
        time = _time_of(line["line"])
        is_known = time is not None and _FIRST <= time < _END
        is_ahead = is_known and time is not None and time >= end
        place = line["position"]
        key = key_of(line["line"])
        if key.startswith(_BAD_KEY):
            verdict = "bad record key"
        elif not is_known or is_ahead:
            verdict = "bad time"
        else:
            verdict = "bad rev" if _rev_of(line["line"]) > last_rev else ""
        yield {
            "part": place["part"], "verdict": verdict, "lines": 1, "synthetic": False,
            "ahead": verdict == "bad time" and is_ahead, "positions": [], "key": key,
            "first_event": time if is_known else None, "last_event": time if is_known else None,
            "ahead_from": time, "ahead_until": time, "ahead_at": place["position"],
        }  # fmt: skip


def _rev_of(line: str) -> str:
    event = json.loads(line)
    event = event.get("payload", event)
    return str(event.get("commit", event)["rev"])


def _time_of(line: str) -> datetime | None:
    event = json.loads(line)
    event = event.get("payload", event)
    if "time_us" in event:
        time_us = event["time_us"]
        if not 0 <= time_us <= HOSTILE["the year 9999"][0]:
            return None
        return datetime.fromtimestamp(0, UTC).replace(tzinfo=None) + timedelta(microseconds=time_us)
    try:
        return datetime.fromisoformat(event["time"]).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
