"""What tests of archives share: the events of one, a clock, and how a source is read."""

import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest

from blueattr.decode.chunk import Chunk
from blueattr.errors import SourceError
from blueattr.provenance import Window
from blueattr.sources.archive.source import ArchiveSource
from blueattr.sources.timing import Timing
from support.archive_server import ArchiveServer, Asked, Fault
from support.events_builder import (
    BASE,
    FOLLOW,
    POST,
    Event,
    account,
    at,
    delete,
    follow,
    identity,
    like,
    micros,
    post,
    profile,
    repost,
    uri,
)

__all__ = [
    "BLOCKS",
    "EVENTS",
    "LIKES",
    "ROWS",
    "SECRET",
    "SEGMENTS",
    "Clock",
    "archived_events",
    "check",
    "closes_after_blocks",
    "fail",
    "fill",
    "filled_archive",
    "kept",
    "lines",
    "read",
    "shape",
    "source",
]

SECRET = "jsk-Qm9vIQ==/+.~secret"  # noqa: S105 - of no archive

SEGMENTS, BLOCKS, ROWS = 4, 3, 8


def archived_events(count: int) -> list[Event]:
    """Events of every kind, some of them of collections that are not kept."""
    rng = random.Random(7)  # noqa: S311 - the same events every time
    out: list[Event] = []
    for k in range(count):
        who, other, rkey = rng.choice("abcdef"), rng.choice("abcdef"), f"r{rng.randrange(12)}"
        out.append(
            rng.choice(
                [
                    post(who, rkey, f"text {k}", rev=k, time=at(k)),
                    post(who, rkey, f"text {k}", rev=k, time=at(k), parent=uri(other, "r1")),
                    repost(who, rkey, uri(other, "r1"), rev=k, time=at(k)),
                    follow(who, rkey, other, rev=k, time=at(k)),
                    like(who, rkey, uri(other, "r1"), rev=k, time=at(k)),
                    like(who, rkey, uri(other, "r2"), rev=k, time=at(k)),
                    delete(who, rng.choice([POST, FOLLOW]), rkey, rev=k, time=at(k)),
                    profile(who, rev=k, time=at(k), bot=rng.random() < 0.5),
                    identity(who, f"{rkey}.org", time=at(k)),
                    account(who, rng.choice([None, None, "deleted"]), time=at(k)),
                ]
            )
        )
    return out


EVENTS = archived_events(SEGMENTS * BLOCKS * ROWS)

LIKES = sum(e["kind"] == "commit" and "like" in e["commit"]["collection"] for e in EVENTS)


class Clock:
    """Time that passes when someone waits for it."""

    def __init__(self) -> None:
        self.time = micros(BASE) / 1e6
        self.waits: list[float] = []
        self._lock = threading.Lock()
        self.timing = Timing(
            now=lambda: self.time,
            monotonic=lambda: self.time,
            sleep=self.sleep,
            jitter=lambda: 1.0,
        )

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        with self._lock:
            self.time += seconds
            self.waits.append(seconds)


def fill(server: ArchiveServer) -> None:
    for k in range(0, len(EVENTS), BLOCKS * ROWS):
        server.seal(EVENTS[k : k + BLOCKS * ROWS], BLOCKS)


@contextmanager
def filled_archive(key: str | None = None) -> Iterator[ArchiveServer]:
    """Run a server of the events."""
    with ArchiveServer(key).running() as running:
        fill(running)
        yield running


def source(server: ArchiveServer, window: Window | None = None, **options: Any) -> ArchiveSource:
    """Make a source that hands on every block and never waits."""
    given: dict[str, Any] = {"parallel": 1, "part": 1, "chunk": 1, "timing": Clock().timing}
    return ArchiveSource(server.url, window, **(given | options))


def read(reading: ArchiveSource, position: int = 0) -> list[Chunk]:
    chunks = list(reading.chunks(position))
    check(chunks)
    return chunks


def fail(reading: ArchiveSource, words: str) -> tuple[list[Chunk], SourceError]:
    """What came before an error, and the error."""
    chunks: list[Chunk] = []
    with pytest.raises(SourceError, match=words) as caught:
        chunks += reading.chunks()
    check(chunks)
    return chunks, caught.value


def check(chunks: list[Chunk]) -> None:
    """Chunks are in order and leave nothing out."""
    for one, other in pairwise(chunks):
        assert one.resume == other.position < other.resume
        assert one.read <= other.read


def lines(chunks: list[Chunk]) -> list[Event]:
    return [json.loads(line) for chunk in chunks for line in chunk.data.splitlines()]


def kept(events: list[Event]) -> list[Event]:
    return [e for e in events if e["kind"] != "commit" or "like" not in e["commit"]["collection"]]


def shape(events: list[Event]) -> list[Any]:
    """What tells events apart, whatever else a line says of them."""
    return [(e["did"], e["time_us"], e["kind"], e.get("commit", {}).get("rev")) for e in events]


def closes_after_blocks(server: ArchiveServer) -> Callable[[int | None], None]:
    """Let a server close what asks for more than some blocks, none at first.

    Returns
    -------
    Callable
        Sets how many it serves; None for all.
    """
    allowed: int | None = 0

    def script(asked: Asked) -> Fault | None:
        server.density = (0.1, 1.1)[len(server.served) % 2]
        if asked.fetches and allowed is not None and len(server.served) > allowed:
            return Fault("close")
        return None

    def allow(blocks: int | None) -> None:
        nonlocal allowed
        allowed = blocks

    server.script = script
    return allow
