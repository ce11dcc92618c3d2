"""Windows of an archive, one after another, into one store: nothing is fetched twice."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from blueattr.errors import SourceError, UsageError
from blueattr.ingest.archive import cost, fetch
from blueattr.provenance import Window
from blueattr.sources.archive.accounts import DidSet
from blueattr.store import forget
from blueattr.store.commit.writer import Writer
from blueattr.store.database import Store
from support import archive_child
from support.archive_past import ACCOUNTS, BEGAN, fill_past, past_events
from support.archive_server import ArchiveServer, Asked, Fault
from support.archive_world import source
from support.effort import costly_law
from support.events_builder import Event, at, did, micros
from support.store_content import content, expected


@pytest.fixture
def server() -> Iterator[ArchiveServer]:
    with ArchiveServer().running() as running:
        fill_past(running)
        yield running


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[], Path]:
    count = iter(range(10_000))
    return lambda: tmp_path / f"{next(count)}.duckdb"


def window(start: float, end: float) -> Window:
    return Window(at(days=start), at(days=end))


def some(who: str | None) -> DidSet | None:
    return None if who is None else DidSet(tuple(map(did, who)))


def inside(of: Window, who: str | None) -> list[Event]:
    return [
        event
        for event in past_events(who or ACCOUNTS)
        if micros(of.start) <= event["time_us"] < micros(of.end)
    ]


def fetched(server: ArchiveServer, db: Path, of: Window, who: str | None = None) -> int:
    """Fetch a window; return how many bytes came."""
    before = server.spent
    done = fetch(db, source(server, of, accounts=some(who), chunk=1 << 16))
    assert done.spent == server.spent - before
    return done.spent


WIDE, NARROW = window(-40, 20), window(-10, 5)


@pytest.mark.slow
def test_the_same_and_less_cost_nothing(server: ArchiveServer, tmp_path: Path) -> None:
    db = tmp_path / "s.duckdb"
    assert fetched(server, db, WIDE) > 0
    assert fetched(server, db, WIDE) == fetched(server, db, NARROW) == 0
    assert fetched(server, db, NARROW, "ab") == 0
    assert content(db) == expected(inside(WIDE, None))
    assert all(stage.size == 0 for stage in cost(db, source(server, NARROW)))


@pytest.mark.slow
def test_accounts_that_were_fetched_are_not_fetched_again(
    server: ArchiveServer, tmp_path: Path
) -> None:
    server.density = 1.1
    db = tmp_path / "s.duckdb"
    assert fetched(server, db, WIDE, "abc") > 0
    assert fetched(server, db, NARROW, "ac") == 0
    before = len(server.asked)
    assert fetched(server, db, WIDE, "bcd") > 0
    plans = [
        asked.body["dids"] for asked in server.asked[before:] if asked.method == "planSnapshot"
    ]
    assert plans
    assert all(dids == [did("d")] for dids in plans)
    assert content(db) == expected(inside(WIDE, "abcd"))
    # All of them were not, nor others in between.
    assert fetched(server, db, WIDE) > 0
    assert content(db) == expected(inside(WIDE, None))


@pytest.mark.slow
def test_a_longer_time_costs_what_is_new_of_what_the_archive_saw(
    server: ArchiveServer, tmp_path: Path
) -> None:
    db = tmp_path / "s.duckdb"
    seen = Window(at(1004, days=BEGAN), at(1030, days=BEGAN))
    longer = Window(at(1000, days=BEGAN), at(1040, days=BEGAN))
    fetched(server, db, seen)
    inner = {
        (segment.name, number)
        for segment in server.segments[4:]
        for number, rows in enumerate(segment.rows)
        if all(micros(seen.start) <= row.witnessed_at < micros(seen.end) for row in rows)
    }
    assert inner
    server.served.clear()
    fetched(server, db, longer)
    assert not inner & set(server.served)
    assert content(db) == expected(inside(longer, None))


@pytest.mark.slow
def test_what_was_broken_off_is_not_paid_for_in_a_shorter_or_longer_time(
    server: ArchiveServer, tmp_path: Path
) -> None:
    def script(asked: Asked) -> Fault | None:
        return Fault("close") if asked.fetches and len(server.served) > 6 else None

    for other in (NARROW, window(-50, 25)):
        db = tmp_path / f"{other.start:%d}.duckdb"
        server.served.clear()
        server.script = script
        with pytest.raises(SourceError):
            archive_child.ingest(db, source(server, WIDE))
        server.script = lambda _asked: None
        paid = set(server.served)
        assert len(paid) == 7
        server.served.clear()
        done = fetch(db, source(server, other))
        assert done.ingested.failures == ()
        if other is NARROW:
            # But for a block in which the time begins or ends.
            assert len(paid & set(server.served)) <= 1
        held, wanted = content(db).records, expected(inside(other, None)).records
        assert {key: held[key] for key in wanted} == wanted


REQUESTS = st.lists(
    st.tuples(
        st.tuples(st.integers(-50, 31), st.integers(-50, 31)).map(sorted),
        st.sampled_from([None, None, "ab", "bcd", "f"]),
    ),
    min_size=1,
    max_size=4,
)


@pytest.mark.slow
@costly_law(4, [HealthCheck.function_scoped_fixture])
@given(REQUESTS)
def test_requests_in_any_order_give_what_they_ask_for(
    server: ArchiveServer, fresh: Callable[[], Path], requests: list[tuple[list[int], str | None]]
) -> None:
    db = fresh()
    wanted: dict[str, Event] = {}
    for (start, end), who in requests:
        of = window(start, end + 1)
        fetched(server, db, of, who)
        wanted |= {str(event): event for event in inside(of, who)}
        assert fetched(server, db, of, who) == 0 or not inside(of, who)
    assert content(db) == expected(list(wanted.values()))


def test_too_dear_leaves_no_store(server: ArchiveServer, tmp_path: Path) -> None:
    db = tmp_path / "s.duckdb"
    with pytest.raises(UsageError, match="--max-bytes permits"):
        fetch(db, source(server, WIDE, most=100))
    assert not db.exists()
    assert server.spent == 0


@pytest.mark.slow
def test_who_is_forgotten_is_not_in_a_list_of_accounts(
    server: ArchiveServer, tmp_path: Path
) -> None:
    db = tmp_path / "s.duckdb"
    fetched(server, db, WIDE, "ab")
    with Writer(db) as writer:
        forget.forget(writer, [did("a")])
    name = source(server, WIDE, accounts=some("ab")).name
    with Store.open(db) as store:
        assert store.rows("store/source_accounts", names=[name])[:] == [(name, did("b"))]
