"""The archive: a past from before it began, chosen by the times of records, within a price."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from blueattr.errors import InputError, SourceError, UsageError
from blueattr.provenance import Window
from blueattr.sources.archive.accounts import DidSet, read_accounts
from blueattr.sources.archive.cost import BOOTSTRAP, WITNESSED
from blueattr.sources.archive.fill import gap_filler
from blueattr.store.commit.writer import Writer
from support import archive_child, crash
from support.archive_past import ACCOUNTS, BEGAN, fill_past, past_events
from support.archive_server import ArchiveServer
from support.archive_world import closes_after_blocks, lines, read, source
from support.effort import costly_law
from support.events_builder import Event, at, did, micros
from support.forked import processes
from support.store_content import content, expected

BEFORE = Window(at(days=-61), at(days=BEGAN))


@pytest.fixture(scope="module")
def shared() -> Iterator[ArchiveServer]:
    with ArchiveServer().running() as running:
        fill_past(running)
        yield running


@pytest.fixture
def server() -> Iterator[ArchiveServer]:
    with ArchiveServer().running() as running:
        fill_past(running)
        yield running


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[], Path]:
    count = iter(range(10_000))
    return lambda: tmp_path / f"{next(count)}.duckdb"


def within(events: list[Event], window: Window) -> list[Event]:
    return [e for e in events if micros(window.start) <= e["time_us"] < micros(window.end)]


def test_the_archive_has_times_of_every_kind() -> None:
    kinds = [event.get("time_from", "server") for event in past_events()]
    assert min(kinds.count(kind) for kind in ("server", "imported", "key")) > 5
    assert len(within(past_events(), BEFORE)) > 40


DAYS = st.floats(-61, BEGAN + 0.02, allow_nan=False)


@pytest.mark.slow
@costly_law(8, [HealthCheck.function_scoped_fixture])
@given(
    st.tuples(DAYS, DAYS).map(sorted),
    st.sampled_from([None, "a", "bf", ACCOUNTS]),
    st.sampled_from([0.1, 1.1]),
)
def test_a_window_has_what_was_written_in_it(
    shared: ArchiveServer,
    fresh: Callable[[], Path],
    ends: list[float],
    who: str | None,
    density: float,
) -> None:
    shared.density = density
    window = Window(at(days=ends[0]), at(1, days=ends[1]))
    accounts = None if who is None else DidSet(tuple(map(did, who)))
    reading = source(shared, window, accounts=accounts, chunk=4000)
    wanted = within(past_events(who or ACCOUNTS), window)
    db = fresh()
    if wanted or ends[1] > BEGAN:
        archive_child.ingest(db, reading)
    else:
        with pytest.raises(SourceError, match="nothing of the window"):
            archive_child.ingest(db, reading)
    assert content(db) == expected(wanted)


def test_times_are_told_apart(server: ArchiveServer) -> None:
    events = lines(read(source(server, BEFORE)))
    found = {event["time_from"] for event in events}
    assert found == {"imported", "key"}
    assert all(micros(BEFORE.start) <= e["time_us"] < micros(BEFORE.end) for e in events)


def test_a_scan_ends_where_the_bootstrap_does(server: ArchiveServer) -> None:
    reading = source(server, Window(at(days=-60), at(days=20)))
    read(reading)
    assert reading.complete
    names = {name for name, _ in server.served}
    # Four segments were fetched; in the fifth there are records that were read anew.
    assert "seg_0000000003.jss" in names
    for segment in server.segments[4:]:
        segment.write([[r for r in rows if r.kind != 7] for rows in segment.rows])
    server.served.clear()
    read(source(server, Window(at(days=-60), at(days=20))))
    fetched = [name for name, _ in server.served]
    assert set(fetched) >= {f"seg_000000000{n}.jss" for n in range(5)}
    # Beside what was fetched ahead.
    assert fetched.count("seg_0000000005.jss") <= 2


def test_the_past_is_no_gap_where_some_of_it_was_still_there(server: ArchiveServer) -> None:
    assert [chunk.gap for chunk in read(source(server, BEFORE)) if chunk.gap] == []
    # Of a time of which nothing is left, the archive says that it had not begun.
    late = source(server, Window(at(-1, days=BEGAN), at(days=BEGAN + 1)))
    assert [chunk.gap for chunk in read(late) if chunk.gap] == [
        f"before the archive of {late.host} begins"
    ]


def test_a_gap_of_a_stream_is_filled_without_a_scan(
    server: ArchiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLUEATTR_JETSTREAM_KEY", "k")

    class Stream:
        kind, origin = "jetstream", server.url

    fill = gap_filler(Stream())  # type: ignore[arg-type]
    assert fill is not None
    filling = fill(Stream(), at(days=-60))  # type: ignore[arg-type]
    found = lines(list(filling.chunks()))
    assert {event.get("time_from") for event in found} == {None, "imported"}


@pytest.mark.slow
def test_cut_at_every_block_nothing_is_paid_for_twice(
    server: ArchiveServer, tmp_path: Path
) -> None:
    db = tmp_path / "store.duckdb"
    allow = closes_after_blocks(server)
    window = Window(at(days=-60), at(1020, days=BEGAN))
    for cut in range(16):
        allow(cut)
        with pytest.raises(SourceError, match="run the same command"):
            archive_child.ingest(db, source(server, window))
    allow(None)
    archive_child.ingest(db, source(server, window))
    assert set(server.served.values()) == {1}
    assert content(db) == expected(within(past_events(), window))


@pytest.mark.slow
@pytest.mark.parametrize("point", ["staged", *crash.QUICK])
def test_killed_in_a_scan_of_the_bootstrap_the_store_is_as_if_not(
    point: str, server: ArchiveServer, tmp_path: Path
) -> None:
    """Killed twice at one point of a commit, it goes on where the last commit was."""
    server.delay = 0.02
    db = tmp_path / "store.duckdb"
    Writer(db).close()
    for _ in range(2):
        arguments = (point, 1, db, server.url, BEFORE)
        child = processes.Process(target=archive_child.killed_at, args=arguments)
        child.start()
        child.join(120)
        assert child.exitcode == -signal.SIGKILL
    archive_child.ingest(db, source(server, BEFORE, parallel=2))
    assert content(db) == expected(within(past_events(), BEFORE))
    # In flight, just arrived, and handed on but not committed.
    again = sum(server.served.values()) - len(server.served)
    assert again <= 2 * (2 + 1 + 1)


# --- accounts -------------------------------------------------------------------------------------


def test_only_blocks_of_the_accounts_are_paid_for(server: ArchiveServer) -> None:
    server.density = 1.1
    read(source(server, BEFORE, accounts=DidSet((did("c"),))))
    held = {
        (segment.name, number)
        for segment in server.segments
        for number, rows in enumerate(segment.rows)
        if any(row.did == did("c").encode() for row in rows)
    }
    assert set(server.served) <= held
    assert len(held) < 18
    assert {asked.method for asked in server.fetched()} == {"getBlock"}


@pytest.mark.slow
def test_more_accounts_than_a_plan_may_name(server: ArchiveServer, tmp_path: Path) -> None:
    others = [f"did:plc:{number}" for number in range(20_000)]
    accounts = DidSet(tuple(sorted([*map(did, "be"), *others])))
    db = tmp_path / "store.duckdb"
    archive_child.ingest(db, source(server, BEFORE, accounts=accounts, chunk=1 << 20))
    assert content(db) == expected(within(past_events("be"), BEFORE))
    assert set(server.served.values()) == {1}
    assert max(len(a.body["dids"]) for a in server.asked if a.method == "planSnapshot") == 10_000


FILES = {
    "a.csv": b"name,did\nx,did:plc:a\ny,did:plc:b\n",
    "bom.csv": b"\xef\xbb\xbfdid\r\ndid:plc:b\r\ndid:plc:a\r\n",
    "semicolons.csv": b'x;did\n"1;2";did:plc:a\n\n3;did:plc:b\n',
    "tabs.tsv": b"did\tx\ndid:plc:a\t1\ndid:plc:b\t\n",
    "a.jsonl": b'{"did": "did:plc:a", "x": 1}\n\n{"x": 2, "did": "did:plc:b"}\n',
    "a.txt": b"did:plc:a\n did:plc:b \n\ndid:plc:a\n",
}


@pytest.mark.parametrize("name", FILES)
def test_accounts_are_read_from_files_of_every_form(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(FILES[name])
    assert read_accounts(file).dids == (did("a"), did("b"))


def test_accounts_are_read_from_parquet(tmp_path: Path) -> None:
    file = tmp_path / "accounts"
    pl.DataFrame({"x": [1, 2], "did": [did("b"), did("a")]}).write_parquet(file)
    assert read_accounts(file).dids == (did("a"), did("b"))
    pl.DataFrame({"x": [1]}).write_parquet(file)
    with pytest.raises(InputError, match="no column 'did'"):
        read_accounts(file)


NO_ACCOUNTS = {
    b"": "names no account",
    b"did\n": "names no account",
    b"x,y\n1,2\n": "no column 'did'",
    b"did\nbob.example\n": "row 2 has no DID but 'bob.example'",
    b"did:plc:a\nbob\n": "line 2 has no DID but 'bob'",
    b'{"a": 1}\n': "line 1 has no key 'did'",
    b'{"did": 5}\n': "line 1 has no DID but '5'",
    b'{"did"\n': "line 1 is not JSON",
    b"\xff\xfe\x00d": "not UTF-8",
    b"PAR1 and more": "not Parquet that can be read",
}


@pytest.mark.parametrize("data", NO_ACCOUNTS)
def test_what_names_no_accounts_is_said(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "accounts"
    file.write_bytes(data)
    with pytest.raises(InputError, match=NO_ACCOUNTS[data]):
        read_accounts(file)
    with pytest.raises(InputError, match="No such file"):
        read_accounts(tmp_path / "nowhere")


# --- what it costs --------------------------------------------------------------------------------


@pytest.mark.parametrize("accounts", [None, DidSet((did("a"),))])
def test_what_costs_too_much_costs_nothing(server: ArchiveServer, accounts: Any) -> None:
    reading = source(server, BEFORE, accounts=accounts, most=500)
    with pytest.raises(UsageError, match=r"up to \d+\.\d kB, and --max-bytes permits 0\.5 kB"):
        read(reading)
    assert server.spent == 0
    assert not server.fetched()


def test_stages_say_what_is_spent_at_most(server: ArchiveServer) -> None:
    window = Window(at(days=-60), at(1020, days=BEGAN))
    stages = {stage.name: stage for stage in source(server, window).stages()}
    assert server.spent == 0
    assert set(stages) == {BOOTSTRAP, WITNESSED}
    whole = sum(len(segment.file) for segment in server.segments)
    assert sum(stage.size for stage in stages.values()) <= whole
    reading = source(server, window, most=whole)
    read(reading)
    assert 0 < reading.spent <= whole * 1.1
    # What is in the witnessed time alone has no other stage.
    (only,) = source(server, Window(at(990, days=BEGAN), at(1020, days=BEGAN))).stages()
    assert (only.name, only.segments) == (WITNESSED, 1)


def test_what_was_fetched_is_not_in_the_price(server: ArchiveServer) -> None:
    reading = source(server, BEFORE)
    before = sum(stage.size for stage in reading.stages())
    after = sum(stage.size for stage in reading.stages(48))
    assert 0 < after < before * 0.8
    assert sum(stage.size for stage in reading.stages(1000)) == 0


def test_an_archive_that_sends_more_than_it_said_is_stopped(
    server: ArchiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blueattr.sources.archive.source.share", lambda *_: 1)
    with pytest.raises(SourceError, match="--max-bytes permits"):
        read(source(server, BEFORE, most=3000))
    assert 3000 < server.spent < 6000
