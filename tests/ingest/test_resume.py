"""Where a stream is taken up after what a store has of its server's archive."""

from datetime import timedelta

import pytest

from blueattr.decode.binary.transcode import Decoded
from blueattr.ingest.resume import position_in_time, resume_by_now, resume_from
from blueattr.sources.find import find_streams
from blueattr.sources.live.jetstream import JetstreamV2
from blueattr.sources.live.stream import Resume, StreamPosition
from blueattr.store.commit.checkpoint import SourceState
from support.events_builder import at, micros

NEWEST = at(60)


def states() -> dict[str, SourceState]:
    name = "archive:jetstream.example 2026-05-01..2026-05-02"
    last = NEWEST.replace(tzinfo=None)
    return {name: SourceState(name, "archive", position=5000, last_event=last)}


def test_a_stream_by_numbers_goes_on_from_those_of_its_archive() -> None:
    (stream,) = find_streams(["jetstream"], ["wss://jetstream.example"])
    resume = resume_from(stream, states(), None)
    assert (resume.last, resume.newest) == (5000, NEWEST)


def test_a_stream_by_time_does_not_take_a_number_for_one() -> None:
    (stream,) = find_streams(["wss://jetstream.example/subscribe"], [])
    resume = resume_from(stream, states(), None)
    assert (resume.cursor, resume.newest) == (None, NEWEST)
    assert resume.since == NEWEST - timedelta(minutes=10)


FAR = micros(at(days=20_000))


@pytest.mark.parametrize(
    ("position", "newest", "cursor", "now", "found"),
    [
        pytest.param(50, 50, 60, 70, 60, id="a rejected event is passed"),
        pytest.param(50, 50, FAR, 70, 50, id="one from the future is not"),
        pytest.param(50, 55, FAR, 70, 55, id="nor does it hide what came with it"),
        pytest.param(50, 50, 40, 70, 50, id="an earlier one moves nothing back"),
        pytest.param(50, 50, 60, -9000, 60, id="a clock that is behind does not stop it"),
        pytest.param(FAR, 50, 60, 70, 60, id="a position from the future is given up"),
    ],
)
def test_a_position_in_time_follows_what_came_but_not_into_the_future(
    position: int, newest: float, cursor: int, now: float, found: int
) -> None:
    def time(seconds: float) -> int:
        return int(seconds) if seconds == FAR else micros(at(seconds))

    before = SourceState("v1", "jetstream-v1", position=time(position), last_event=at(50))
    after = SourceState(
        "v1", "jetstream-v1", position=time(cursor), last_event=at(newest).replace(tzinfo=None)
    )
    assert position_in_time(before, after, at(now)) == time(found)


def test_behind_a_clock_that_is_wrong_a_stream_by_time_gets_on() -> None:
    """What lies before is asked for first, and what is new where that brings nothing new."""
    (stream,) = find_streams(["wss://jetstream.example/subscribe"], [])
    last = SourceState(
        stream.name, stream.kind, position=micros(NEWEST), last_event=NEWEST.replace(tzinfo=None)
    )
    behind = at(days=-400)
    asked = []
    for last.stalled in (0, 1, 2):
        resume = resume_by_now(stream, resume_from(stream, {stream.name: last}, None), behind)
        assert resume.newest == NEWEST, "what is seen is seen"
        asked.append(resume.cursor)
    assert asked == [micros(behind), micros(behind), micros(NEWEST) + 1]


@pytest.mark.parametrize(("last", "is_gap"), [(5000, True), (900, False)])
def test_where_many_numbers_lack_there_is_a_gap_though_the_last_event_is_not_known(
    last: int, *, is_gap: bool
) -> None:
    """As in an older store, at a server that keeps nothing; a few may be of other kinds."""
    dialect = JetstreamV2(compress=False)
    resume = Resume(max(last - dialect.rewind, 1), last, newest=NEWEST)
    first = Decoded(b"", 1, 0, [], last + 50, last + 50)
    assert (dialect.missed(resume, StreamPosition(last), first) is not None) == is_gap
