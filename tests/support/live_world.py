"""What tests of following share: events, a clock that is theirs, and how a run goes."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from blueattr.ingest import follow as ingest_follow
from blueattr.ingest.meter import Moment
from blueattr.ingest.result import Followed
from blueattr.provenance import Gap
from blueattr.sources.find import find_streams
from blueattr.sources.live.stream import Stream, Transport
from blueattr.sources.timing import Timing
from blueattr.store import coverage
from blueattr.store.database import Store
from support.events_builder import Event, at, mixed, post
from support.store_content import rows
from support.stream_server import StreamServer

__all__ = [
    "END",
    "EVENTS",
    "HURRIED",
    "PROTOCOLS",
    "START",
    "Run",
    "begun",
    "end_of",
    "gaps_of",
    "hurried",
    "known",
    "moment_of",
    "seed",
    "spans_of",
    "story",
    "streams_of",
    "suppress",
]


PROTOCOLS = ("v2", "v1", "firehose")
START = at(-5)
HURRIED = Transport(seconds=0.02)


def story(count: int) -> list[Event]:
    """Events of every kind, a second apart; the last one is kept."""
    return [*mixed(count - 1), post("end", "end", rev=count, time=at(count - 1))]


def end_of(events: Sequence[Event]) -> float:
    """When the last of them was, in seconds since 1970."""
    return float(max(event["time_us"] for event in events)) / 1e6


def hurried(streams: Sequence[Stream], transport: Transport = HURRIED) -> tuple[Stream, ...]:
    """Copy the streams, so that they hand messages on at once."""
    return tuple(replace(stream, transport=transport) for stream in streams)


def streams_of(protocol: str, *servers: StreamServer) -> tuple[Stream, ...]:
    urls = [server.url for server in servers]
    if protocol == "v2":
        return hurried(find_streams(["jetstream"], urls))
    return hurried(find_streams([f"{url}/subscribe" if protocol == "v1" else url for url in urls]))


class Run:
    """A run whose clock says that it is when its last event was, and that does not wait.

    Its clock goes `tick` seconds faster each time that it is looked after.
    """

    def __init__(self, now: float, tick: float = 0.0) -> None:
        self.tick = tick
        self.waits: list[float] = []
        self.told: list[str] = []
        self.stop = threading.Event()
        self.moments: list[Moment] = []
        self.on_moment: Callable[[Moment], None] = lambda _moment: None
        # Only the last event is fresh.
        now += 9.5
        self.timing = Timing(now=lambda: now, sleep=self._sleep, jitter=lambda: 0.5)
        self.skipped = 0.0

    def _sleep(self, seconds: float) -> None:
        # Nothing passes but on its clock.
        self.waits.append(seconds)
        self.skipped += seconds

    def watch(self, moment: Moment) -> None:
        self.skipped += self.tick
        self.moments.append(moment)
        if moment.message:
            self.told.append(moment.message)
        self.on_moment(moment)

    def follow(self, db: Path, streams: Sequence[Stream], **options: Any) -> Followed:
        timing = Timing(
            now=self.timing.now,
            monotonic=lambda: Timing().monotonic() + self.skipped,
            sleep=self._sleep,
            jitter=self.timing.jitter,
        )
        options = {"until": "live", "start": START, **options}
        return ingest_follow.follow(
            db, streams, stop=self.stop, watch=self.watch, timing=timing, **options
        )


def seed(db: Path, protocol: str, server: StreamServer, events: Sequence[Event]) -> None:
    """Make the store know the server, by its first event: a relay is taken up at its end else."""
    run = Run(end_of(events[:1]))
    given = threading.Event()

    def first(_moment: Moment) -> None:
        subscribed = any(asked.subscribed for asked in server.asked)
        if subscribed and not given.is_set():
            given.set()
            server.add(events[0])

    run.on_moment = first
    assert run.follow(db, streams_of(protocol, server)).outcome == "live"
    server.asked.clear()


def gaps_of(db: Path) -> tuple[Gap, ...]:
    with Store.open(db) as store:
        spans = coverage.covered(store)
        return coverage.gaps(store, following_window(spans)) if spans else ()


def following_window(spans: Sequence[Any]) -> Any:
    from blueattr.provenance import Window  # noqa: PLC0415 - only here

    return Window(spans[0].start, spans[-1].end)


def spans_of(db: Path) -> dict[str, list[tuple[float | None, float | None, str]]]:
    """Spans by source, in seconds since the base of the events."""
    out: dict[str, list[tuple[float | None, float | None, str]]] = {}
    base = at(0).replace(tzinfo=None)
    with Store.open(db) as store:
        query = "SELECT source, first_event, last_event, gap FROM span ORDER BY source, rowid"
        for source, first, last, gap in rows(store, query):
            seconds = [
                None if moment is None else (moment - base) / timedelta(seconds=1)
                for moment in (first, last)
            ]
            out.setdefault(source, []).append((seconds[0], seconds[1], gap))
    return out


def moment_of(event: Event) -> datetime:
    return at(0) + timedelta(microseconds=event["time_us"] - int(at(0).timestamp() * 1e6))


EVENTS = story(18)

END = end_of(EVENTS)


def begun(protocol: str, server: StreamServer, db: Path) -> tuple[Stream, ...]:
    """Add the events to a server, so that a run asks for them."""
    if protocol == "firehose":
        return known(protocol, server, db)
    server.replace([])
    server.add(*EVENTS)
    return streams_of(protocol, server)


def known(protocol: str, server: StreamServer, db: Path) -> tuple[Stream, ...]:
    """Add the events to a server, and the first of them to a store."""
    server.replace([])
    seed(db, protocol, server, EVENTS)
    server.add(*EVENTS[1:])
    return streams_of(protocol, server)
