"""The archive: whatever happens on the way, the store is as if it had not."""

import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from blueattr.errors import SourceError
from blueattr.sources.archive import client, fetch, plans
from blueattr.sources.archive.source import ArchiveSource
from blueattr.sources.timing import Timing
from blueattr.store.commit.writer import Writer
from blueattr.store.database import Store
from support import archive_child, crash
from support.archive_server import ArchiveServer, Asked, Fault
from support.archive_world import (
    BLOCKS,
    EVENTS,
    LIKES,
    ROWS,
    SEGMENTS,
    Clock,
    closes_after_blocks,
    fail,
    fill,
    filled_archive,
    kept,
    lines,
    read,
    shape,
    source,
)
from support.forked import processes
from support.store_content import content, expected


@pytest.fixture
def server() -> Iterator[ArchiveServer]:
    with filled_archive() as running:
        yield running


# --- interrupted at any place ---------------------------------------------------------------------


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


@pytest.mark.slow
def test_cut_at_every_block_the_store_is_as_if_not(
    server: ArchiveServer, tmp_path: Path, whole: Any
) -> None:
    db = tmp_path / "store.duckdb"
    allow = closes_after_blocks(server)
    positions = []
    for cut in range(SEGMENTS * BLOCKS - 1):
        allow(cut)
        reading = source(server)
        with pytest.raises(
            SourceError, match=r"everything before that is kept: run the same command"
        ):
            archive_child.ingest(db, reading)
        with Store.open(db) as store:
            positions.append(store.frame("analysis/upkeep/sources")["position"][0])
    allow(None)
    state = archive_child.ingest(db, source(server))
    assert server.faults["close"] >= SEGMENTS * BLOCKS - 1
    assert positions == [ROWS * (k + 1) for k in range(SEGMENTS * BLOCKS - 1)]
    assert set(server.served.values()) == {1}
    assert len(server.served) == SEGMENTS * BLOCKS
    assert content(db) == whole
    assert (state.kept, state.skipped) == (len(EVENTS) - LIKES, LIKES)


@pytest.mark.slow
@crash.EACH_POINT
def test_killed_at_each_point_of_a_commit_the_store_is_as_if_not(
    points: tuple[str, ...], server: ArchiveServer, tmp_path: Path, whole: Any
) -> None:
    """Killed again and again; only what was under way is paid for twice."""
    server.delay = 0.02
    db = tmp_path / "store.duckdb"
    Writer(db).close()
    for point in points:
        child = processes.Process(target=archive_child.killed_at, args=(point, 1, db, server.url))
        child.start()
        child.join(120)
        assert child.exitcode == -signal.SIGKILL, point
    archive_child.ingest(db, source(server, parallel=2))
    assert content(db) == whole
    # In flight, just arrived, and handed on but not committed.
    again = sum(server.served.values()) - len(server.served)
    assert again <= len(points) * (2 + 1 + 1)
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


# --- nonsense -------------------------------------------------------------------------------------


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
    with pytest.raises(
        SourceError, match=r"gives an invalid answer .* 3 times in a row \(planSnapshot\)"
    ):
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
    with pytest.raises(
        SourceError, match=r"gives an invalid answer .* 3 times in a row \(listSegments\)"
    ):
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
        with pytest.raises(SourceError, match=r"block that is too large"):
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
        with pytest.raises(SourceError, match=r"too many blocks"):
            read(source(server))
    assert shape(lines(read(source(server)))) == shape(kept(EVENTS))


def test_no_more_is_fetched_ahead_than_said(server: ArchiveServer) -> None:
    server.density = 1.1
    chunks = source(server, parallel=2).chunks()
    for handed, _ in enumerate(chunks, 1):
        # Handed on, done and next, and two under way.
        assert len(server.fetched()) <= handed + 2 + 1
