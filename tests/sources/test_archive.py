"""The archive: what it holds arrives once, in order, and a window is exact."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from blueattr.errors import SourceError, UsageError
from blueattr.provenance import Window
from blueattr.sources.archive import source as archive_source
from blueattr.sources.archive.client import ArchiveClient
from blueattr.sources.archive.source import ArchiveSource
from support import archive_child
from support.archive_server import ArchiveServer, Asked, Fault
from support.archive_world import (
    BLOCKS,
    EVENTS,
    ROWS,
    SEGMENTS,
    Clock,
    archived_events,
    filled_archive,
    kept,
    lines,
    read,
    shape,
    source,
)
from support.binary_builder import block_of
from support.events_builder import (
    POST,
    at,
    delete,
    post,
)
from support.store_content import content, expected


@pytest.fixture
def server() -> Iterator[ArchiveServer]:
    with filled_archive() as running:
        yield running


# --- what is there arrives ------------------------------------------------------------------------


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


@pytest.mark.slow
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


@pytest.mark.slow
def test_the_rest_of_a_window_is_read_once_it_is_sealed(
    server: ArchiveServer, tmp_path: Path
) -> None:
    rest = archived_events(120)[96:]
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
        assert "cannot serve" in reading.remarks[0]
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


# --- compaction -----------------------------------------------------------------------------------


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


@pytest.mark.slow
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
        (Fault("status", 302, headers={"Location": "https://example.com"}), "redirects to another"),
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
