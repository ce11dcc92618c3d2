"""What lies ahead of the clock is refused, by every decoder alike; and when the clock is wrong."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from blueattr.decode.chunk import Chunk
from blueattr.decode.clock import OPEN, Evidence, Horizon
from blueattr.decode.parse import Parser
from blueattr.store.commit.checkpoint import SourceState
from blueattr.store.commit.writer import Writer
from support import naive_decode
from support.events_builder import as_v2, at, dumps, lines, micros, plc
from support.spoiled_lines import VALID

NOW = at(3600)
LATEST = micros(NOW + timedelta(minutes=5))
LETTERS = "234567abcdefghijklmnopqrstuvwxyz"
WITH_REV = [event for event in VALID if event["kind"] == "commit"]


def tid_of(micros_: int, rest: int) -> str:
    number = micros_ << 10 | rest
    return "".join(LETTERS[number >> 5 * place & 31] for place in range(12, -1, -1))


def judged(line: str, now: datetime = NOW) -> str:
    """Return the verdict of the statement, with the parser's."""
    verdict, _ = naive_decode.decode(line, now.replace(tzinfo=None))
    parts, left = Parser(1).parse(line.encode() + b"\n", 0, Horizon.of(now.timestamp()))
    if len(left) == 0:
        assert verdict in {"", "skip"}
    assert sum(part.ahead for part in parts) <= (verdict == "bad time")
    return verdict


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("clock") / "s.duckdb"
    with Writer(path, now=NOW.timestamp) as writer:
        yield writer


def stage(store: Writer, line: str, kind: str = "file") -> SourceState:
    """Stage a line after two that are not ahead of the clock, so that the clock is believed."""
    operation = plc("a", at(0))
    fine = [operation, operation] if kind == "plc" else [VALID[0], VALID[1]]
    data = lines(*fine) + line.encode() + b"\n"
    return store.stage(Chunk(data, 0, 0, len(data)), SourceState(line, kind))


@pytest.mark.few(2)
@pytest.mark.parametrize("event", VALID, ids=lambda event: dumps(event)[40:100])
def test_a_time_more_than_five_minutes_ahead_is_refused_by_every_decoder(
    store: Writer, event: Any
) -> None:
    for time_us, fine in [(LATEST, True), (LATEST + 1, False), (3_786_825_600_000_000, False)]:
        moved = event | {"time_us": time_us}
        for written in (dumps(moved), dumps(as_v2(moved)), dumps(as_v2(moved, framed=False))):
            verdict = judged(written)
            assert (verdict == "bad time") == (not fine), written
            state = stage(store, written)
            assert state.rejected == ({} if fine else {"bad time": 1}), written
            assert state.last_event is not None
            assert micros(state.last_event.replace(tzinfo=UTC)) <= LATEST
            assert state.ahead == 0


@pytest.mark.few(2)
@pytest.mark.parametrize("event", WITH_REV, ids=lambda event: dumps(event)[40:100])
def test_a_revision_more_than_five_minutes_ahead_is_refused_by_every_decoder(
    store: Writer, event: Any
) -> None:
    cases = [
        (tid_of(LATEST, 1023), True), (tid_of(LATEST + 1, 0), False), ("bzzzzzzzzzzzz", False),
        ("jzzzzzzzzzzzz", False),
    ]  # fmt: skip
    if naive_decode.decode(dumps(event))[0] == "skip" and event["commit"]["rkey"] != "other":
        cases = [(rev, True) for rev, _ in cases]  # of what is not kept nothing else is read
    for rev, fine in cases:
        moved = json.loads(json.dumps(event))
        moved["commit"]["rev"] = rev
        for written in (dumps(moved), dumps(as_v2(moved))):
            assert (judged(written) == "bad rev") == (not fine), written
            assert stage(store, written).rejected == ({} if fine else {"bad rev": 1}), written


def test_a_directory_entry_ahead_of_the_clock_is_refused(store: Writer) -> None:
    assert stage(store, dumps(plc("b", NOW + timedelta(minutes=4))), "plc").rejected == {}
    for created in (NOW + timedelta(minutes=6), datetime(2099, 1, 1, tzinfo=UTC)):
        assert stage(store, dumps(plc("b", created)), "plc").rejected == {"bad time": 1}


@pytest.mark.parametrize("now", [-1e9, 0.0, 1e9, 4e9, 5e9, 1e12])
def test_a_clock_of_any_year_has_a_horizon(now: float) -> None:
    horizon = Horizon.of(now)
    assert 0 < horizon.end_us <= OPEN.end_us
    assert "2222222222222" < horizon.last_tid <= OPEN.last_tid
    assert (horizon == OPEN) == (now > 4.1e9)
    assert len(horizon.last_tid) == 13
    assert horizon.end.year >= 1970


def test_a_source_speaks_against_the_clock_only_by_most_of_its_events() -> None:
    assert Evidence().against_clock(1, 0)
    assert not Evidence().against_clock(1, 1)
    assert not Evidence(timely=1).against_clock(1, 0)
    evidence = Evidence(timely=10**6)
    assert not evidence.against_clock(100, 0)
    assert evidence.against_clock(101, 0)
    for _ in range(101):
        evidence.add(1, 0)
    assert evidence.against_clock(1, 0)
    evidence.add(0, 10**6)
    evidence.doubt()
    assert evidence.against_clock(1, 0)
