"""Coverage is what was seen: of files that are replaced, and of streams after a gap."""

import os
from datetime import datetime
from pathlib import Path

import pytest

from blueattr.decode.chunk import Chunk
from blueattr.ingest.read import ingest
from blueattr.store import coverage
from blueattr.store.commit.checkpoint import SourceState
from blueattr.store.commit.writer import Writer
from blueattr.store.database import Store
from support.events_builder import Event, at, lines, post, tid
from support.live_world import spans_of
from support.spoiled_lines import A


def day(number: int, *, until: int = 24) -> list[Event]:
    return [
        post(A, tid(100 * number + k), "x", rev=k, time=at(3600 * k, days=number))
        for k in range(until)
    ]


def put(path: Path, events: list[Event], *, age: int) -> Path:
    path.write_bytes(lines(*events))
    os.utime(path, (age, age))
    return path


def covered(db: Path) -> list[tuple[datetime, datetime]]:
    with Store.open(db) as store:
        return [(window.start, window.end) for window in coverage.covered(store)]


def sources_of(db: Path) -> list[SourceState]:
    with Writer(db) as writer:
        return list(writer.sources().values())


@pytest.mark.slow
def test_a_file_replaced_under_its_name_keeps_what_the_old_one_covered(tmp_path: Path) -> None:
    db, path = tmp_path / "s.duckdb", tmp_path / "events.jsonl"
    for age, number in enumerate((0, 3, 9, 6)):
        done = ingest(db, [str(put(path, day(number), age=age))])
        (state,) = done.sources
        assert (state.lines, state.kept) == (24, 24), "counts are of what is there now"
        assert done.events_after == 24 * (age + 1)
    assert covered(db) == [(at(days=n), at(3600 * 23, days=n)) for n in (0, 3, 6, 9)]


@pytest.mark.slow
def test_a_file_that_grows_or_is_touched_has_one_span(tmp_path: Path) -> None:
    db, path = tmp_path / "s.duckdb", tmp_path / "events.jsonl"
    for age, until in enumerate((5, 9, 9, 24)):
        ingest(db, [str(put(path, day(0, until=until), age=age))])
        assert spans_of(db) == {str(path): [(0.0, 3600.0 * (until - 1), "")]}
    ingest(db, [str(put(path, day(0, until=3), age=99))])
    assert spans_of(db) == {str(path): [(0.0, 3600.0 * 23, "")]}, "what was seen was seen"


@pytest.mark.few(1)
@pytest.mark.parametrize("at_once", [False, True])
def test_two_pipes_that_begin_with_the_same_line_cover_what_both_had(
    tmp_path: Path, *, at_once: bool
) -> None:
    db = tmp_path / "s.duckdb"
    pipes = []
    for events in (day(0), day(5)):
        read, write = os.pipe()
        os.write(write, b"the same line\n" + lines(*events))
        os.close(write)
        pipes.append(read)
    names = [f"/dev/fd/{read}" for read in pipes]
    for arguments in [names] if at_once else [names[:1], names[1:]]:
        ingest(db, arguments)
    for read in pipes:
        os.close(read)
    assert covered(db) == [(at(days=n), at(3600 * 23, days=n)) for n in (0, 5)]
    (state,) = sources_of(db)
    assert (state.name[:2], state.lines) == ("-:", 25), "counts are of what was read last"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["jetstream", "jetstream-v1", "firehose"])
def test_a_span_of_a_stream_does_not_grow_back_over_the_gap_before_it(
    tmp_path: Path, kind: str
) -> None:
    db, state = tmp_path / "s.duckdb", SourceState(f"{kind}:x", kind)
    chunks = [
        (None, [0, 10, 20]), ("nothing came", [7200, 7205]), (None, [7210, 30, 7220]),
        ("nothing came", [15, 14400]), (None, [14405]),
    ]  # fmt: skip
    for commit_each in (False, True):
        db = tmp_path / f"{commit_each}.duckdb"
        state = SourceState(f"{kind}:x", kind)
        with Writer(db) as writer:
            for number, (gap, seconds) in enumerate(chunks):
                data = lines(*(post(A, tid(s), "x", rev=1, time=at(s)) for s in seconds))
                chunk = Chunk(data, number, 0, number + 1, gap)
                state = writer.stage(chunk, state)
                if commit_each:
                    writer.commit(state)
                    state = writer.sources()[state.name]
            writer.commit(state)
        assert spans_of(db)[state.name] == [
            (0, 20, ""), (7200, 7220, "nothing came"), (14400, 14405, "nothing came"),
        ]  # fmt: skip
