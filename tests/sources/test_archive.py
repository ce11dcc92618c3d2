"""The archive: what it holds arrives once, whatever happens on the way, and the key stays here."""

import json
import logging
import multiprocessing
import os
import random
import signal
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest

from blueattr.decode.chunk import Chunk
from blueattr.errors import SourceError, UsageError
from blueattr.provenance import Window
from blueattr.sources.archive import client, fetch, plans
from blueattr.sources.archive import source as archive_source
from blueattr.sources.archive.client import ArchiveClient
from blueattr.sources.archive.key import KEY, ArchiveKey
from blueattr.sources.archive.source import ArchiveSource
from blueattr.sources.parallel import run_ahead
from blueattr.sources.timing import Timing
from blueattr.store.database import Store
from support import archive_child
from support.archive_server import ArchiveServer, Asked, Fault
from support.binary_builder import block_of
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
from support.forked import processes
from support.store_content import content, expected

SECRET = "jsk-Qm9vIQ==/+.~secret"  # noqa: S105 - of no archive
SEGMENTS, BLOCKS, ROWS = 4, 3, 8


def mixed(count: int) -> list[Event]:
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


EVENTS = mixed(SEGMENTS * BLOCKS * ROWS)
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


@pytest.fixture
def server() -> Iterator[ArchiveServer]:
    with ArchiveServer().running() as running:
        fill(running)
        yield running


def source(server: ArchiveServer, window: Window | None = None, **options: Any) -> ArchiveSource:
    """A source that hands on every block, and waits for nothing."""
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


# --- what is there arrives -----------------------------------------------------------------------

SHAPES = {
    "segments": {},
    "blocks": {"density": 1.1},
    "paged plans": {"density": 1.1, "entries": 1},
    "paged segments": {"entries": 1},
    "paged lists": {"page": 1},
}


@pytest.mark.parametrize("shape_of", SHAPES.values(), ids=SHAPES)
def test_all_that_is_there_arrives_once_in_order(
    server: ArchiveServer, shape_of: dict[str, float]
) -> None:
    for name, value in shape_of.items():
        setattr(server, name, value)
    if "density" in shape_of:
        # Blocks that are asked for one by one are those of a part of a segment.
        server.density = 0.9
    server.delay = 0.002
    reading = source(server, after=3, parallel=3)
    chunks = read(reading)
    assert shape(lines(chunks)) == shape(kept(EVENTS[3:]))
    assert sum(chunk.skipped for chunk in chunks) == len(EVENTS[3:]) - len(kept(EVENTS[3:]))
    assert all(chunk.refused == () and chunk.gap is None for chunk in chunks)
    assert chunks[0].position == 3
    assert chunks[-1].resume == len(EVENTS) == reading.cutover
    assert reading.complete
    assert reading.remarks == ()
    assert set(server.served.values()) == {1}
    assert len(server.served) == SEGMENTS * BLOCKS
    assert chunks[-1].read == reading.spent == server.spent
    assert 1 < server.most_at_once <= 4
    methods = Counter(asked.method for asked in server.asked)
    assert methods["listSegments"] == (SEGMENTS if "page" in shape_of else 1)
    assert (methods["planSnapshot"] > 1) == ("entries" in shape_of)
    assert methods["getSegment"] > 0


def test_single_blocks_are_asked_for_where_the_plan_says_so(server: ArchiveServer) -> None:
    server.density = 1.1
    assert shape(lines(read(source(server)))) == shape(kept(EVENTS))
    assert {asked.method for asked in server.fetched()} == {"getBlock"}


def test_parts_and_chunks_are_as_large_as_they_may(server: ArchiveServer) -> None:
    reading = source(server, part=1 << 20, chunk=1 << 20)
    (chunk,) = read(reading)
    assert shape(lines([chunk])) == shape(kept(EVENTS))
    # Header, footer and all blocks of each segment.
    assert len(server.fetched()) == 3 * SEGMENTS
    assert reading.size is not None
    assert abs(reading.size - server.spent) < server.spent / 10


def test_plans_ask_for_what_is_kept(server: ArchiveServer) -> None:
    read(source(server, after=3, before=50))
    (plan,) = [asked.body for asked in server.asked if asked.method == "planSnapshot"]
    assert plan == {
        "afterSeq": 3,
        "beforeSeq": 50,
        "kinds": ["commit", "identity", "account"],
        "collections": [
            "app.bsky.feed.post",
            "app.bsky.feed.repost",
            "app.bsky.graph.follow",
            "app.bsky.actor.profile",
        ],
    }


@pytest.mark.parametrize("density", [0.1, 1.1])
@pytest.mark.parametrize(
    ("start", "end"), [(0, 96), (0, 1), (10, 11), (5, 17), (23, 24), (24, 48), (30, 90), (95, 96)]
)
def test_a_window_is_exact_and_pays_for_no_other_blocks(
    server: ArchiveServer, density: float, start: int, end: int
) -> None:
    server.density = density
    reading = source(server, Window(at(start), at(end)))
    chunks = read(reading)
    assert shape(lines(chunks)) == shape(kept(EVENTS[start:end]))
    blocks = {(k // (BLOCKS * ROWS), k // ROWS % BLOCKS) for k in range(start, end)}
    assert server.served == {(f"seg_{a:010d}.jss", b): 1 for a, b in blocks}
    assert reading.complete == (end < 96)
    assert reading.cutover == (None if end < 96 else 96)


def test_windows_that_overlap_give_one_store(server: ArchiveServer, tmp_path: Path) -> None:
    db = tmp_path / "store.duckdb"
    for start, end in [(0, 60), (40, 97), (0, 60), (20, 70)]:
        archive_child.ingest(db, source(server, Window(at(start), at(end)), chunk=1 << 20))
    assert content(db) == expected(kept(EVENTS))


def test_a_window_says_what_it_lacks(server: ArchiveServer) -> None:
    reading = source(server, Window(at(-50), at(500)))
    chunks = read(reading)
    before, after = reading.remarks
    assert "holds 2026-05-01 00:00:00 UTC to 2026-05-01 00:01:35 UTC" in before
    assert "before" in before
    assert "blueattr ingest" in after
    assert [chunk.gap for chunk in chunks[:2]] == [
        f"before the archive of {reading.host} begins",
        None,
    ]
    assert (reading.complete, reading.cutover) == (False, len(EVENTS))
    # Said once, not with every resumption.
    assert read(source(server, Window(at(-50), at(500))), 50)[0].gap is None
    for window, words in [
        (Window(at(-9), at(0)), "nothing of the window"),
        (Window(at(96), at(99)), "blueattr ingest follows it live"),
    ]:
        with pytest.raises(SourceError, match=words):
            read(source(server, window))
    with pytest.raises(UsageError, match="is empty"):
        source(server, Window(at(5), at(5)))


def test_a_window_in_which_the_server_was_down_is_empty(server: ArchiveServer) -> None:
    server.seal([post("a", "late", rev=999, time=at(1000))], 1)
    reading = source(server, Window(at(200), at(300)))
    assert read(reading) == []
    assert reading.complete
    assert "no events of the window" in reading.remarks[0]
    assert not server.fetched()


def test_segments_that_never_held_anything_have_no_time() -> None:
    with ArchiveServer().running() as server:
        server.page = 1
        server.seal([], 0)
        server.seal(EVENTS[:24], 3)
        server.seal([], 0)
        with pytest.raises(SourceError, match="holds 2026-05-01 00:00:00 UTC to 2026-05-01 00:00"):
            read(source(server, Window(at(-50), at(-40))))
        reading = source(server, Window(at(0), at(40)))
        assert shape(lines(read(reading))) == shape(kept(EVENTS[:24]))
        assert (reading.cutover, len(reading.remarks)) == (24, 1)


def test_the_rest_of_a_window_is_read_once_it_is_sealed(
    server: ArchiveServer, tmp_path: Path
) -> None:
    rest = mixed(120)[96:]
    window = Window(at(50), at(110))
    db = tmp_path / "store.duckdb"
    first = source(server, window)
    assert not archive_child.ingest(db, first).complete
    assert first.cutover == 96
    server.seal(rest, 4)
    served = Counter(server.served)
    second = source(server, window)
    assert (second.name, second.fingerprint) == (first.name, first.fingerprint)
    assert archive_child.ingest(db, second).complete
    assert {name for name, _ in server.served - served} == {"seg_0000000004.jss"}
    assert content(db) == expected(kept(EVENTS[50:] + rest[:14]))


def test_an_archive_made_anew_has_another_fingerprint(server: ArchiveServer) -> None:
    one = source(server, Window(at(50), at(60))).fingerprint
    server.compact(2)
    assert source(server, Window(at(50), at(60))).fingerprint == one
    assert source(server, Window(at(90), at(99))).fingerprint != one
    server.segments.clear()
    server.seal(EVENTS, 3, skip=5)
    assert source(server, Window(at(50), at(60))).fingerprint not in ("", one)


@pytest.mark.parametrize("after", [0, 5, 50, 95, 96, 200])
def test_a_gap_is_filled_up_to_where_a_stream_takes_up(server: ArchiveServer, after: int) -> None:
    reading = source(server, after=after)
    chunks = read(reading)
    assert shape(lines(chunks)) == shape(kept(EVENTS[after:]))
    assert reading.cutover == max(after, 96)
    assert reading.complete


def test_a_gap_is_filled_no_further_than_asked(server: ArchiveServer) -> None:
    reading = source(server, after=8, before=33)
    chunks = read(reading)
    assert shape(lines(chunks)) == shape(kept(EVENTS[8:33]))
    assert (reading.complete, reading.cutover, chunks[-1].resume) == (True, 33, 33)
    reading = source(server, after=90, before=120)
    read(reading)
    assert (reading.complete, reading.cutover) == (False, 96)


def test_what_the_archive_never_had_is_a_gap() -> None:
    with ArchiveServer().running() as server:
        with pytest.raises(SourceError, match=r"holds nothing yet"):
            read(source(server))
        server.seal(EVENTS[:24], 4, skip=10)
        reading = source(server, after=5)
        chunks = read(reading)
        assert [chunk.gap for chunk in chunks[:2]] == [
            f"before the archive of {reading.host} begins",
            None,
        ]
        assert "cannot give" in reading.remarks[0]
        assert read(source(server, after=10))[0].gap is None


def test_segments_that_seal_meanwhile_are_left_to_the_stream(server: ArchiveServer) -> None:
    server.entries = 1

    def script(asked: Asked) -> None:
        if len(server.fetched()) == 5 and len(server.segments) == SEGMENTS:
            server.seal([post("late", "r1", rev=500, time=at(200))], 1)
            for number in range(SEGMENTS):
                server.compact(number)

    server.script = script
    reading = source(server)
    assert shape(lines(read(reading))) == shape(kept(EVENTS))
    assert len(server.segments) == SEGMENTS + 1
    assert reading.cutover == 96
    assert reading.replans >= 1


def test_events_beyond_the_archives_end_are_not_taken(server: ArchiveServer) -> None:
    """Or the stream would take up where nobody has been yet."""
    server.density = 1.1
    last = server.segments[-1]
    last.frames[-1] = block_of([*last.rows[-1], last.rows[-1][-1]._replace(seq=10**6)])

    def stretch(page: Any) -> Any:
        page["segments"][-1]["maxSeq"] = 10**7
        return page

    server.script = lambda asked: (
        Fault("answer", answer=stretch) if asked.method == "planSnapshot" else None
    )
    reading = source(server)
    chunks = read(reading)
    assert shape(lines(chunks)) == shape(kept(EVENTS))
    assert reading.cutover == chunks[-1].resume == 96


# --- interrupted at any place --------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Any:
    db = tmp_path_factory.mktemp("whole") / "store.duckdb"
    with ArchiveServer().running() as server:
        fill(server)
        state = archive_child.ingest(db, source(server, chunk=1 << 20))
    found = content(db)
    assert found == expected(kept(EVENTS))
    assert len(found.records) > 30
    assert (state.kept, state.skipped) == (len(EVENTS) - LIKES, LIKES)
    assert LIKES > 10
    return found


def test_cut_at_every_block_the_store_is_as_if_not(
    server: ArchiveServer, tmp_path: Path, whole: Any
) -> None:
    db = tmp_path / "store.duckdb"
    allowed: int | None = 0

    def script(asked: Asked) -> Fault | None:
        server.density = (0.1, 1.1)[len(server.served) % 2]
        if asked.fetches and allowed is not None and len(server.served) > allowed:
            return Fault("close")
        return None

    server.script = script
    positions = []
    for cut in range(SEGMENTS * BLOCKS - 1):
        allowed = cut
        reading = source(server)
        with pytest.raises(SourceError, match=r"what came before is kept: give the same command"):
            archive_child.ingest(db, reading)
        with Store.open(db) as store:
            positions.append(store.frame("analysis/sources")["position"][0])
    allowed = None
    state = archive_child.ingest(db, source(server))
    assert server.faults["close"] >= SEGMENTS * BLOCKS - 1
    assert positions == [ROWS * (k + 1) for k in range(SEGMENTS * BLOCKS - 1)]
    assert set(server.served.values()) == {1}
    assert len(server.served) == SEGMENTS * BLOCKS
    assert content(db) == whole
    assert (state.kept, state.skipped) == (len(EVENTS) - LIKES, LIKES)


def test_killed_at_random_blocks_the_store_is_as_if_not(
    server: ArchiveServer, tmp_path: Path, whole: Any
) -> None:
    rng = random.Random(3)  # noqa: S311 - the same moments every time
    db = tmp_path / "store.duckdb"
    child: Any = None
    killed_at = 0

    def script(asked: Asked) -> None:
        if child is not None and asked.fetches and len(server.fetched()) >= killed_at:
            os.kill(child.pid, signal.SIGKILL)

    server.script = script
    server.delay = 0.02
    options = {"parallel": 2, "part": 1, "chunk": 1}
    codes = []
    while 0 not in codes:
        killed_at = len(server.fetched()) + rng.randrange(5, 16)
        child = processes.Process(target=archive_child.run, args=(db, server.url, None, options))
        child.start()
        child.join(120)
        codes.append(child.exitcode)
        assert len(codes) < 20
    kills = codes.count(-signal.SIGKILL)
    assert set(codes) == {0, -signal.SIGKILL}
    assert kills >= 2
    assert content(db) == whole
    # In flight, just arrived, and handed on but not committed.
    again = sum(server.served.values()) - len(server.served)
    assert again <= kills * (2 + 1 + 1)
    assert len(server.served) == SEGMENTS * BLOCKS


FAULTS = {
    "503": Fault("status", 503),
    "520": Fault("status", 520),
    "closed": Fault("close"),
    "cut": Fault("cut"),
    "damaged": Fault("damage"),
    "empty": Fault("garbage"),
    "garbage": Fault("garbage", body=b"<html>" * 30_000),
    "compressed": Fault("headers", headers={"Content-Encoding": "gzip"}),
}
PARTS = FAULTS | {
    "no range": Fault("headers", headers={"Content-Range": None}),
    "other range": Fault("headers", headers={"Content-Range": "bytes 1-2/3"}),
    "endless range": Fault("headers", headers={"Content-Range": "bytes 0-9/*"}),
}


@pytest.mark.parametrize("fault", PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("density", [0.1, 1.1])
def test_every_fault_on_the_way_is_mended_by_another_try(
    server: ArchiveServer, fault: Fault, density: float
) -> None:
    if density > 1 and "Content-Range" in fault.headers:
        pytest.skip("blocks come whole")
    server.density = density
    seen: set[str] = set()

    def script(asked: Asked) -> Fault | None:
        what = f"{asked.method} {asked.params} {asked.body} {asked.headers.get('range')}"
        if what in seen or (not asked.fetches and "Content-Range" in fault.headers):
            return None
        seen.add(what)
        return fault

    server.script = script
    clock = Clock()
    told: list[tuple[float, str]] = []
    reading = source(
        server, timing=clock.timing, on_wait=lambda seconds, why: told.append((seconds, why))
    )
    assert shape(lines(read(reading))) == shape(kept(EVENTS))
    assert server.faults[fault.what] == len(seen) > SEGMENTS * BLOCKS
    assert [seconds for seconds, _ in told] == clock.waits
    # What was damaged came, and what was cut came in part; an answer is not read on for nothing.
    if fault.what in ("cut", "damage"):
        assert reading.spent == server.spent > sum(len(s.file) for s in server.segments)
    assert reading.spent <= server.spent
    assert set(server.served.values()) == {2 if fault.what == "headers" else 1}


def test_waits_grow_to_a_ceiling_and_end(server: ArchiveServer) -> None:
    clock = Clock()
    server.script = lambda asked: Fault("status", 502) if asked.method == "getSegment" else None
    with pytest.raises(SourceError, match=r"502, 10 times in a row \(getSegment seg_0000000000"):
        read(source(server, timing=clock.timing))
    assert clock.waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    clock = Clock()
    half = Timing(now=clock.timing.now, monotonic=clock.timing.monotonic, sleep=clock.sleep,
                  jitter=lambda: 0.0)  # fmt: skip
    server.script = lambda asked: Fault("close")
    with pytest.raises(SourceError, match=r"cannot be reached .* 4 times in a row"):
        read(source(server, timing=half))
    assert clock.waits == [0.25, 0.5, 1]


def test_nobody_there_is_an_error() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(SourceError, match=r"cannot be reached") as caught:
            read(ArchiveSource(url, timing=Clock().timing))
    assert caught.value.exit_code == 8


@pytest.mark.parametrize("density", [0.1, 1.1])
@pytest.mark.parametrize("block", [0, 1, 5, 11])
def test_a_block_that_stays_damaged_ends_the_reading_where_it_is(
    server: ArchiveServer, density: float, block: int
) -> None:
    server.density = density
    number, index = divmod(block, BLOCKS)
    segment = server.segments[number]
    frame = segment.frames[index]
    bad = frame[:-1] + bytes([frame[-1] ^ 1])
    segment.frames[index] = bad
    segment.file = segment.file.replace(frame, bad)
    reading = source(server, part=1 << 20)
    chunks, error = fail(reading, r"damaged data .* 3 times in a row")
    assert segment.name in str(error)
    assert not reading.complete
    assert reading.cutover is None
    assert shape(lines(chunks)) == shape(kept(EVENTS[: block * ROWS]))
    # The others are not paid for again.
    served = server.served
    del served[segment.name, index]
    assert set(served.values()) <= {1}


@pytest.mark.parametrize("what", ["header", "index", "footer"])
def test_contents_that_stay_damaged_are_an_error(server: ArchiveServer, what: str) -> None:
    segment = server.segments[1]
    where = {"header": 30, "index": segment.contents.blocks[-1].offset + 400, "footer": -1}[what]
    file = bytearray(segment.file)
    file[where] ^= 1
    segment.file = bytes(file)
    chunks, _ = fail(source(server), r"damaged .* 3 times in a row .*seg_0000000001")
    assert shape(lines(chunks)) == shape(kept(EVENTS[:24]))


def test_a_segment_in_place_of_another_is_noticed(server: ArchiveServer) -> None:
    one, other = server.segments[1], server.segments[2]
    one.frames, other.frames = other.frames, one.frames
    server.density = 1.1
    with pytest.raises(SourceError, match=r"events of another segment"):
        read(source(server, before=90))
    server.density = 0.1
    file, name = other.file, one.checksum
    one.file = file
    assert name != other.checksum
    with pytest.raises(SourceError, match=r"checksum of another"):
        read(source(server))


def test_blocks_out_of_order_are_an_error(server: ArchiveServer) -> None:
    """Or what is resumed after the first would leave out the others."""
    segment = server.segments[1]
    segment.write(segment.rows[::-1])
    chunks, _ = fail(source(server), "whose blocks are out of order")
    assert shape(lines(chunks)) == shape(kept(EVENTS[:24]))


# --- compaction ----------------------------------------------------------------------------------


@pytest.mark.parametrize("density", [0.1, 1.1])
@pytest.mark.parametrize("moment", range(0, 12, 3))
def test_segments_that_are_compacted_meanwhile_are_planned_again(
    server: ArchiveServer, density: float, moment: int
) -> None:
    server.density = density
    done = False

    def script(asked: Asked) -> None:
        nonlocal done
        if not done and asked.fetches and len(server.fetched()) > min(moment, 11):
            done = True
            for number in range(SEGMENTS):
                server.compact(number)

    server.script = script
    reading = source(server, parallel=2)
    assert shape(lines(read(reading))) == shape(kept(EVENTS))
    assert done
    assert reading.replans == 1
    assert max(server.served.values()) <= 2


def test_compactions_may_be_many_where_there_is_progress_between(
    server: ArchiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_source, "_STALLS", 3)
    done: set[int] = set()

    def script(asked: Asked) -> None:
        reached = len(server.served) // 2
        if asked.fetches and reached not in done:
            done.add(reached)
            for number in range(SEGMENTS):
                server.compact(number)

    server.script = script
    server.density = 1.1
    reading = source(server)
    assert shape(lines(read(reading))) == shape(kept(EVENTS))
    assert reading.replans >= 5


def test_what_a_compaction_drops_is_not_missed(server: ArchiveServer, tmp_path: Path) -> None:
    # Creates that are deleted later on are dropped from a segment that was not yet fetched.
    events = [
        *(post("a", f"x{k}", rev=k + 1, time=at(k)) for k in range(24)),
        *(post("b", f"y{k}", rev=k + 30, time=at(24 + k)) for k in range(24)),
        *(delete("b", POST, f"y{k}", rev=k + 60, time=at(48 + k)) for k in range(0, 24, 2)),
    ]
    server.segments.clear()
    for k in range(0, 60, 12):
        server.seal(events[k : k + 12], 3)
    dropped = {f"y{k}".encode() for k in range(0, 12, 2)}

    def script(asked: Asked) -> None:
        if asked.fetches and len(server.fetched()) == 7:
            server.compact(2, lambda row: row.rkey not in dropped)

    server.script = script
    db = tmp_path / "store.duckdb"
    reading = source(server)
    archive_child.ingest(db, reading)
    assert reading.replans == 1
    assert content(db) == expected([e for e in events if not (
        e["commit"]["operation"] == "create" and e["commit"]["rkey"].encode() in dropped
    )])  # fmt: skip


def test_a_block_emptied_by_a_compaction_is_passed(server: ArchiveServer) -> None:
    server.compact(1, lambda row: not 33 <= row.seq <= 40)
    server.compact(3, lambda row: row.seq < 89)
    for density in (0.1, 1.1):
        server.density = density
        reading = source(server)
        left = [e for k, e in enumerate(EVENTS, 1) if not 33 <= k <= 40 and k < 89]
        assert shape(lines(read(reading))) == shape(kept(left))
        assert reading.cutover == 96


@pytest.mark.parametrize("what", ["gone", "412", "another", "grown"])
@pytest.mark.parametrize("density", [0.1, 1.1])
def test_plans_of_what_is_never_there_end_in_an_error(
    server: ArchiveServer, what: str, density: float
) -> None:
    server.density = density
    fault = {
        "gone": Fault("status", 404, b'{"error":"SegmentNotFound"}'),
        "412": Fault("status", 412),
        "another": Fault("headers", headers={"ETag": '"0123456789abcdef"'}),
        "grown": Fault("status", 416),
    }[what]
    server.script = lambda asked: fault if asked.fetches else None
    clock = Clock()
    with pytest.raises(SourceError, match=r"plans segments that it does not have, 7 times"):
        read(source(server, timing=clock.timing))
    assert clock.waits == [1, 2, 4, 8, 16]
    assert server.faults[fault.what] >= 7


def test_a_server_that_is_no_jetstream_is_told_from_one(server: ArchiveServer) -> None:
    for fault, words in [
        (Fault("headers", headers={"ETag": None}), "which generation"),
        (Fault("status", 404), "has no archive"),
        (Fault("status", 302, headers={"Location": "https://example.com"}), "sends us elsewhere"),
        (Fault("status", 418), "refuses listSegments: 418"),
        (Fault("status", 400, b'{"error":"InvalidRequest","message":"\\u001b[2J"}'),
         "refuses listSegments: 400 InvalidRequest$"),
        (Fault("status", 400, b'{"error":"\\u001b[2J"}'), "refuses listSegments: 400$"),
        (Fault("status", 400, b'{"error":[]}'), "refuses listSegments: 400$"),
        (Fault("status", 400, b"[" * 60_000), "refuses listSegments: 400$"),
    ]:  # fmt: skip
        server.script = lambda asked, fault=fault: (  # type: ignore[misc]
            fault if asked.fetches == (fault.what == "headers") else None
        )
        with pytest.raises(SourceError, match=words):
            read(source(server))
    server.script = lambda _asked: None

    def whole(asked: Asked) -> Fault | None:
        if asked.method == "getSegment":
            return Fault("status", 200, headers={"ETag": f'"{server.segments[0].checksum}"'})
        return None

    server.script = whole
    with pytest.raises(SourceError, match=r"does not serve parts"):
        read(source(server))


# --- quotas --------------------------------------------------------------------------------------


def _in(seconds: int) -> str:
    return format_datetime(datetime.fromtimestamp(micros(BASE) / 1e6 + seconds, UTC), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "17"}, 17),
        ({"Retry-After": "3600"}, 3600),
        ({"Retry-After": _in(90)}, 90),
        ({"Retry-After": _in(-90)}, 0.5),
        ({"Retry-After": "0"}, 0.5),
        ({"Retry-After": "soon"}, 5),
        ({"Retry-After": "-1"}, 5),
        ({}, 5),
        ({"RateLimit-Reset": "44"}, 44),
        ({"RateLimit-Reset": str(micros(BASE) // 10**6 + 77)}, 77),
        # By the server's clock, which is an hour ahead.
        ({"RateLimit-Reset": str(micros(BASE) // 10**6 + 3677), "Date": _in(3600)}, 77),
        ({"Retry-After": _in(3690), "Date": _in(3600)}, 90),
    ],
)
def test_a_quota_is_waited_for_as_long_as_the_server_says(
    server: ArchiveServer, headers: dict[str, str | None], wait: float
) -> None:
    clock = Clock()
    told: list[tuple[float, str]] = []
    begun = clock.time
    # The server's clock says what ours does, unless it is told otherwise.
    fault = Fault("status", 429, headers={"Date": _in(0), **headers})
    refusals = 0

    def script(asked: Asked) -> Fault | None:
        nonlocal refusals
        if asked.fetches and len(server.served) == 5 and refusals == 0:
            refusals += 1
            return fault
        return None

    server.script = script
    reading = source(
        server, timing=clock.timing, on_wait=lambda seconds, why: told.append((seconds, why))
    )
    assert shape(lines(read(reading))) == shape(kept(EVENTS))
    assert server.faults["status"] == 1
    assert clock.time - begun == pytest.approx(wait)
    ((seconds, why),) = told
    assert seconds == pytest.approx(wait)
    assert "permits no more for now" in why
    assert reading.spent == server.spent


def test_while_one_waits_for_the_quota_nobody_asks(server: ArchiveServer) -> None:
    # Real time: the threads must be seen not to ask.
    server.density = 1.1
    server.delay = 0.01
    asked_in_vain = 0

    def script(asked: Asked) -> Fault | None:
        nonlocal asked_in_vain
        if not asked.fetches or len(server.served) < 4:
            return None
        if asked_in_vain >= 8:
            return None
        asked_in_vain += 1
        return Fault("status", 429, headers={"Retry-After": "1"})

    server.script = script
    waits: list[float] = []
    lock = threading.Lock()
    clock = Clock()

    def sleep(seconds: float) -> None:
        with lock:
            waits.append(seconds)
            clock.time += seconds

    told: list[float] = []
    timing = Timing(now=clock.timing.now, monotonic=clock.timing.monotonic, sleep=sleep)
    reading = source(
        server, parallel=4, timing=timing, on_wait=lambda seconds, _why: told.append(seconds)
    )
    assert shape(lines(read(reading))) == shape(kept(EVENTS))
    assert asked_in_vain == 8
    # Told once for the calls that were refused together.
    assert 1 <= len(told) < 8


def test_a_quota_that_is_refilled_now_and_then_is_enough(
    server: ArchiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_QUOTA_WAITS", 2)
    refused = False

    def script(asked: Asked) -> Fault | None:
        nonlocal refused
        refused = not refused
        return Fault("status", 429) if refused else None

    server.script = script
    assert shape(lines(read(source(server)))) == shape(kept(EVENTS))
    assert server.faults["status"] > 10


@pytest.mark.parametrize(
    ("wait", "words"),
    [("3601", "asks to wait for 1.0 hours"), ("1", "permitted nothing, 41 times")],
)
def test_a_quota_that_is_not_refilled_ends_the_reading(
    server: ArchiveServer, wait: str, words: str
) -> None:
    fault = Fault("status", 429, headers={"Retry-After": wait})
    server.script = lambda asked: fault if asked.fetches and len(server.served) >= 6 else None
    chunks, _ = fail(source(server), words)
    assert shape(lines(chunks)) == shape(kept(EVENTS[: 6 * ROWS]))


# --- nonsense ------------------------------------------------------------------------------------


def _first(**changes: Any) -> Callable[[Any], Any]:
    return lambda page: {**page, "segments": [{**page["segments"][0], **changes},
                                              *page["segments"][1:]]}  # fmt: skip


def _page(**changes: Any) -> Callable[[Any], Any]:
    return lambda page: {**page, **changes}


PLANS: dict[str, Callable[[Any], Any]] = {
    "not an object": lambda _page: [],
    "nothing": lambda _page: None,
    "no segments": lambda page: {k: v for k, v in page.items() if k != "segments"},
    "negative": _page(plannedThroughSeq=-1),
    "text": _page(plannedThroughSeq="96"),
    "huge": _page(plannedThroughSeq=10**30, sealedTipSeq=10**30),
    "beyond": _page(sealedTipSeq=97, plannedThroughSeq=97),
    "stands still": _page(plannedThroughSeq=0),
    "goes back": _page(plannedThroughSeq=3),
    "empty page": _page(plannedThroughSeq=50, segments=[]),
    "name is a path": _first(name="../../etc/passwd"),
    "name is another's": _first(name="seg_0000000000.jss/../x"),
    "checksum is text": _first(checksum="../../../../../x"),
    "unknown mode": _first(mode="torrent"),
    "no blocks": _first(mode="blocks"),
    "blocks of a segment": _first(blocks=[{"first": 0, "last": 1}]),
    "blocks backwards": _first(mode="blocks", blocks=[{"first": 2, "last": 1}]),
    "blocks twice": _first(mode="blocks", blocks=[{"first": 0, "last": 1}] * 2),
    "negative block": _first(mode="blocks", blocks=[{"first": -1, "last": 1}]),
    "endless blocks": _first(mode="blocks", blocks=[{"first": 0, "last": 2**62}]),
    "seqs backwards": _first(minSeq=9, maxSeq=4),
    "not asked for": _first(minSeq=1, maxSeq=5),
    "far away": _first(minSeq=200, maxSeq=300),
    "out of order": lambda page: {**page, "segments": page["segments"][::-1]},
    "twice": lambda page: {**page, "segments": page["segments"][:1] * 2},
}


@pytest.mark.parametrize("answer", PLANS.values(), ids=PLANS)
def test_plans_that_make_no_sense_are_an_error(
    server: ArchiveServer, answer: Callable[[Any], Any]
) -> None:
    server.script = lambda asked: (
        Fault("answer", answer=answer) if asked.method == "planSnapshot" else None
    )
    with pytest.raises(SourceError, match=r"gives an answer .* 3 times in a row \(planSnapshot\)"):
        read(source(server, after=5, before=96))
    assert server.faults["answer"] == 3
    assert not server.fetched()


LISTS: dict[str, Callable[[Any], Any]] = {
    "not an object": lambda _page: "x",
    "empty page": lambda _page: {"segments": [], "cursor": "1"},
    "same page": _page(cursor="0"),
    "names": _first(name="/etc/passwd"),
    "times": _first(minWitnessedAt=2**70),
    "times backwards": _first(minWitnessedAt=9, maxWitnessedAt=1),
    "before time": _first(minWitnessedAt=-5),
    "seqs": _first(minSeq=-4),
    "size": _first(sizeBytes=-4),
    "index": _first(index=-1),
    "order": lambda page: {**page, "segments": page["segments"][::-1]},
}


@pytest.mark.parametrize("answer", LISTS.values(), ids=LISTS)
def test_lists_that_make_no_sense_are_an_error(
    server: ArchiveServer, answer: Callable[[Any], Any]
) -> None:
    server.script = lambda asked: (
        Fault("answer", answer=answer) if asked.method == "listSegments" else None
    )
    with pytest.raises(SourceError, match=r"gives an answer .* 3 times in a row \(listSegments\)"):
        read(source(server))
    assert 3 <= server.faults["answer"] <= 4


@pytest.mark.parametrize(
    "body", [b"", b"[" * 100_000, b"\xff\xfe", b"{", b'{"segments": NaN}', b"9" * 10_000]
)
def test_answers_that_are_no_json_are_an_error(server: ArchiveServer, body: bytes) -> None:
    server.script = lambda _asked: Fault("garbage", body=body)
    with pytest.raises(SourceError, match=r"\(listSegments\)"):
        read(source(server))
    assert server.faults["garbage"] == 3


def test_events_out_of_order_are_an_error(server: ArchiveServer) -> None:
    server.density = 1.1
    segment = server.segments[0]
    segment.frames[2] = segment.frames[0]
    with pytest.raises(SourceError, match=r"out of order"):
        read(source(server))


def test_sizes_are_bounded(server: ArchiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(client, "_LARGEST_JSON", 200)
        with pytest.raises(SourceError, match=r"more than 200 bytes, .*\(listSegments\)"):
            read(source(server))
    with monkeypatch.context() as patch:
        patch.setattr(fetch, "_LARGEST_BLOCK", 100)
        with pytest.raises(SourceError, match=r"block larger than there can be"):
            read(source(server))
        server.density = 1.1
        with pytest.raises(SourceError, match=r"more than 100 bytes"):
            read(source(server))
    with monkeypatch.context() as patch:
        server.density = 0.1
        patch.setattr(fetch, "_LARGEST_FOOTER", 100)
        with pytest.raises(SourceError, match=r"footer is not in it"):
            read(source(server))
    with monkeypatch.context() as patch:
        patch.setattr(plans, "_MOST_BLOCKS", 3)
        server.density = 1.1
        with pytest.raises(SourceError, match=r"more blocks than there can be"):
            read(source(server))
    assert shape(lines(read(source(server)))) == shape(kept(EVENTS))


def test_no_more_is_fetched_ahead_than_said(server: ArchiveServer) -> None:
    server.density = 1.1
    chunks = source(server, parallel=2).chunks()
    for handed, _ in enumerate(chunks, 1):
        # Handed on, done and next, and two under way.
        assert len(server.fetched()) <= handed + 2 + 1


# --- stopping ------------------------------------------------------------------------------------


def test_a_server_that_stalls_is_asked_again(
    server: ArchiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_SILENCE", 0.2)
    stalled = False

    def script(asked: Asked) -> Fault | None:
        nonlocal stalled
        if asked.fetches and len(server.served) == 7 and not stalled:
            stalled = True
            return Fault("stall")
        return None

    server.script = script
    assert shape(lines(read(source(server)))) == shape(kept(EVENTS))
    assert server.faults["stall"] == 1


def test_a_server_that_dribbles_is_given_up(
    server: ArchiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(client, "_LONGEST_CALL", -1.0)
    with pytest.raises(SourceError, match=r"is too slow, 4 times in a row"):
        read(source(server, timing=clock.timing))


def test_a_reader_that_stops_waits_for_nobody(server: ArchiveServer) -> None:
    """The server would stall for a minute; this returns while it does."""
    server.density = 1.1
    server.script = lambda asked: (
        Fault("stall") if asked.fetches and asked.params["blockIndex"] != "0" else None
    )
    chunks = source(server, parallel=3).chunks()
    list(islice(chunks, 1))
    chunks.close()  # type: ignore[attr-defined]
    assert not server.released.is_set()


def test_a_wait_ends_when_the_reader_stops(server: ArchiveServer) -> None:
    """The wait would be an hour; the thread that waits ends while it lasts."""
    waiting = threading.Event()
    server.density = 1.1
    fault = Fault("status", 429, headers={"Retry-After": "3600"})
    server.script = lambda asked: fault if asked.fetches and len(server.fetched()) > 2 else None
    before = set(threading.enumerate())
    reading = source(
        server, timing=Timing(), parallel=2, on_wait=lambda _seconds, _why: waiting.set()
    )
    chunks = reading.chunks()
    next(chunks)
    assert waiting.wait(30)
    ours = [t for t in threading.enumerate() if t not in before and t.name.startswith("fetch")]
    assert ours
    chunks.close()  # type: ignore[attr-defined]
    for thread in ours:
        thread.join(30)
        assert not thread.is_alive()


# --- the key -------------------------------------------------------------------------------------


@pytest.fixture
def guarded() -> Iterator[ArchiveServer]:
    with ArchiveServer(SECRET).running() as running:
        fill(running)
        yield running


def test_the_key_is_sent_and_seen_nowhere_else(
    guarded: ArchiveServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(KEY, f" {SECRET}\n")
    caplog.set_level(logging.DEBUG)
    key = ArchiveKey.from_environment()
    assert key is not None
    told: list[str] = []
    guarded.density = 0.9
    guarded.segments = guarded.segments[:2]
    seen: set[str] = set()

    def script(asked: Asked) -> Fault | None:
        what = f"{asked.method}{asked.params}{asked.headers.get('range')}"
        if what in seen:
            return None
        seen.add(what)
        return [Fault("status", 503, SECRET.encode()), Fault("close"), Fault("cut")][len(seen) % 3]

    guarded.script = script
    db = tmp_path / "store.duckdb"
    reading = source(
        guarded, Window(at(9), at(500)), key=key, on_wait=lambda _seconds, why: told.append(why)
    )
    archive_child.ingest(db, reading)
    assert content(db) == expected(kept(EVENTS[9:48]))
    assert {a.method for a in guarded.asked} == {
        "listSegments", "planSnapshot", "getSegment", "getBlock",
    }  # fmt: skip
    assert set(guarded.faults) == {"status", "close", "cut"}
    for asked in guarded.asked:
        # On every call of the archive's, once, and in no other place.
        assert asked.headers["authorization"] == f"Bearer {SECRET}"
        assert asked.raw.count(SECRET.encode()) == 1
    assert told
    assert "authorization" not in caplog.text.lower()
    assert "getBlock" in caplog.text
    for text in (
        *told, caplog.text, *capfd.readouterr(), repr(key), str(key), f"{key:}", repr(reading),
        str(vars(reading)), reading.name, reading.fingerprint, *reading.remarks,
    ):  # fmt: skip
        assert SECRET not in text
    for path in tmp_path.iterdir():
        assert SECRET.encode() not in path.read_bytes()
    with pytest.raises(TypeError, match="not stored"):
        multiprocessing.reduction.ForkingPickler.dumps(key)


def test_errors_name_the_variable_and_never_the_key(guarded: ArchiveServer) -> None:
    for key, words in [
        (None, f"set {KEY} in the environment"),
        (ArchiveKey("wrong"), f"does not accept the key in {KEY}"),
    ]:
        with pytest.raises(SourceError, match=words) as caught:
            read(source(guarded, key=key))
        assert "wrong" not in str(caught.value)
    letters = "abcdefghijkl"
    guarded.key = letters
    for fault in (
        Fault("status", 403, letters.encode()),
        Fault("status", 400, json.dumps({"error": letters, "message": letters}).encode()),
        Fault("status", 418, headers={"Location": letters}),
        Fault("headers", headers={"Content-Encoding": letters}),
        Fault("headers", headers={"Content-Length": letters}),
        Fault("garbage", body=json.dumps({letters: letters, "segments": letters}).encode()),
    ):
        guarded.script = lambda _asked, fault=fault: fault  # type: ignore[misc]
        with pytest.raises(SourceError) as caught:
            read(source(guarded, key=ArchiveKey(letters)))
        error: BaseException | None = caught.value
        while error is not None:
            if error.__suppress_context__ and error is not caught.value:
                break
            assert letters not in str(error)
            error = error.__cause__
        assert guarded.faults[fault.what] >= 1
    for bad in ("two words", "line\nbreak", "lett\u00e9r", "\x00", ""):
        with pytest.raises(UsageError, match=KEY) as refused:
            ArchiveKey(bad)
        assert not bad or bad not in str(refused.value)


def test_no_key_where_the_variable_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY, raising=False)
    assert ArchiveKey.from_environment() is None
    monkeypatch.setenv(KEY, " ")
    assert ArchiveKey.from_environment() is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_key_follows_no_redirect(guarded: ArchiveServer, status: int) -> None:
    with ArchiveServer().running() as other:
        fill(other)
        fault = Fault("status", status, headers={"Location": f"{other.url}/xrpc/x"})
        guarded.script = lambda asked: fault if asked.fetches else None
        with pytest.raises(SourceError, match=r"sends us elsewhere"):
            read(source(guarded, key=ArchiveKey(SECRET)))
        assert guarded.faults["status"] >= 1
        assert other.asked == []


def test_the_key_is_not_sent_in_plain_text_over_a_network(
    guarded: ArchiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(guarded.url.rpartition(":")[2])
    found = socket.getaddrinfo

    def resolve(host: Any, *arguments: Any, **options: Any) -> Any:
        known = host in ("archive.example", b"archive.example")
        return found("127.0.0.1" if known else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    url = f"http://archive.example:{port}"
    with pytest.raises(UsageError, match="not encrypted"):
        ArchiveSource(url, key=ArchiveKey(SECRET))
    with pytest.raises(SourceError, match=f"key in {KEY} is not sent in plain text"):
        read(ArchiveSource(url, key=ArchiveKey(SECRET), insecure=True))
    assert guarded.asked
    assert all(SECRET.encode() not in asked.raw for asked in guarded.asked)


def test_no_proxy_stands_between_this_machine_and_itself(
    guarded: ArchiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ArchiveServer().running() as proxy:
        for name in ("http_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        read(source(guarded, key=ArchiveKey(SECRET)))
        assert proxy.asked == []


# --- threads -------------------------------------------------------------------------------------


def test_results_come_in_order_and_few_are_ahead() -> None:
    rng = random.Random(1)  # noqa: S311 - the same every time
    done: list[int] = []
    handed = 0

    def job(k: int, seconds: float) -> int:
        threading.Event().wait(seconds)
        done.append(k)
        return k

    def jobs() -> Iterator[Callable[[], int]]:
        for k in range(40):
            assert k - handed <= 4
            yield partial(job, k, rng.random() / 200)

    for k, result in enumerate(run_ahead(jobs(), 4)):
        assert result == k
        handed += 1
    assert handed == 40
    assert done != sorted(done)


@pytest.mark.parametrize("where", ["job", "generator"])
def test_a_failure_comes_after_what_was_before_it(where: str) -> None:
    begun: list[int] = []

    def job(k: int) -> int:
        begun.append(k)
        if where == "job" and k == 5:
            raise KeyError(k)
        return k

    def jobs() -> Iterator[Callable[[], int]]:
        for k in range(50):
            if where == "generator" and k == 5:
                raise KeyError(k)
            yield partial(job, k)

    results: list[int] = []
    ordered = run_ahead(jobs(), 3)
    with pytest.raises(KeyError):
        results += ordered
    assert results == [0, 1, 2, 3, 4]
    assert max(begun) <= 5 + 3


def test_an_address_is_checked() -> None:
    for url in ("ftp://x", "http://example.com", "https://u:p@example.com", "x", "https://[::1"):
        with pytest.raises(UsageError):
            ArchiveSource(url)
        with pytest.raises(UsageError):
            ArchiveClient(url)
    name = ArchiveSource("wss://Jetstream.example", Window(at(0), at(60))).name
    assert name == "archive:jetstream.example 2026-05-01..2026-05-01T00:01:00"
    assert ArchiveSource("https://x.example", after=7).name == "archive:x.example 7.."
    assert archive_source._PART <= 8 << 20
