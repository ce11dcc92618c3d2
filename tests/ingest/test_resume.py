"""Where a stream is taken up after what a store has of its server's archive."""

from datetime import timedelta

from blueattr.ingest.resume import resume_from
from blueattr.sources.find import find_streams
from blueattr.store.checkpoint import SourceState
from support.events_builder import at

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
