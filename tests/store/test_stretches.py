"""Events far from all others: kept, and neither window nor coverage go by them."""

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.analysis.upkeep.status import status
from blueattr.ingest.read import ingest
from blueattr.panel.query import PanelQuery, StoreView
from blueattr.store import coverage
from blueattr.store.database import Store
from blueattr.store.stretches import DayStretch, stretches, within
from support.effort import costly_law
from support.events_builder import Event, at, delete, lines, post, tid
from support.spoiled_lines import A

LONG_AGO, LAST_WEEK = datetime(2020, 1, 1, 12, tzinfo=UTC), at(days=200)
NOW = at(days=207).timestamp()
BULK = [post(A, tid(k), "x", rev=k, time=at(240 * k)) for k in range(1, 221)]


def far(*times: datetime) -> list[Event]:
    return [post(A, tid(1000 + k), "far", rev=1, time=time) for k, time in enumerate(times)]


def asked(db: Path) -> tuple[Any, ...]:
    """Return the default window, what is covered, and what it leaves out."""
    with Store.open(db) as store:
        view = StoreView.of(store, PanelQuery(db))
        return view.window, coverage.covered(store), view.gaps, view.passed_over


def ingested(db: Path, *parts: list[Event]) -> Path:
    folder = db.with_suffix("")
    folder.mkdir()
    for number, part in enumerate(parts):
        path = folder / f"{number}.jsonl"
        path.write_bytes(lines(*part))
        ingest(db, [str(path)], now=lambda: NOW)
    return db


@pytest.mark.slow
def test_an_event_far_from_all_others_is_kept_and_moves_nothing(tmp_path: Path) -> None:
    window, covered, gaps, nothing = asked(ingested(tmp_path / "bulk.duckdb", BULK))
    assert nothing == ()
    both = far(LONG_AGO, LAST_WEEK)
    db = ingested(tmp_path / "far.duckdb", [both[0], *BULK, both[1]])
    said = "1 event of 2026-11-17 lies far from all others and does not move the window."
    assert asked(db) == (window, covered, gaps, (said,))
    found = status(db)
    assert found.totals["events"] == 222
    assert found.far == (said.replace("2026-11-17", "2020-01-01"), said)


@pytest.mark.slow
def test_a_store_with_nothing_but_few_events_goes_by_all_of_them(tmp_path: Path) -> None:
    db = ingested(tmp_path / "s.duckdb", BULK[:10], far(LAST_WEEK))
    window, covered, _, said = asked(db)
    assert (window.end, said, len(covered)) == (at(days=201), (), 2)


def test_days_that_hold_enough_are_not_far_however_large_the_rest_is() -> None:
    assert within([DayStretch(at(0), at(9))], LONG_AGO, LAST_WEEK) == (LONG_AGO, LAST_WEEK)


@pytest.mark.few(1)
@pytest.mark.parametrize(("others", "is_far"), [(1, True), (10, True), (11, False), (40, False)])
def test_few_events_are_far_by_their_share_of_the_largest_stretch(
    tmp_path: Path, others: int, *, is_far: bool
) -> None:
    late = [LAST_WEEK + timedelta(minutes=k) for k in range(others)]
    db = ingested(tmp_path / "s.duckdb", BULK, far(*late))
    with Store.open(db) as store:
        assert [(one.events, one.is_far) for one in stretches(store)] == [
            (220, False), (others, is_far),
        ]  # fmt: skip


@pytest.mark.slow
def test_a_deleted_event_is_no_event_however_far(tmp_path: Path) -> None:
    late = far(LAST_WEEK)
    gone = delete(A, "app.bsky.feed.post", tid(1000), rev=2, time=LAST_WEEK)
    db = ingested(tmp_path / "s.duckdb", [*BULK, *late], [gone])
    window, covered, _, said = asked(db)
    assert (window.end, said) == (at(days=1), ())
    assert [span.end for span in covered] == [at(240 * 220)]


@pytest.mark.slow
@costly_law(4)
@given(
    order=st.integers(0, 10**6),
    cuts=st.lists(st.integers(0, 230), max_size=3),
    fars=st.lists(
        st.sampled_from([LONG_AGO, LAST_WEEK, at(days=40), at(days=-100), at(days=199)]),
        min_size=1, max_size=3, unique=True,
    ),
)  # fmt: skip
def test_order_and_split_change_neither_window_nor_coverage(
    tmp_path_factory: pytest.TempPathFactory, order: int, cuts: list[int], fars: list[datetime]
) -> None:
    folder = tmp_path_factory.mktemp("order")
    events = [*BULK, *far(*fars)]
    one = asked(ingested(folder / "one.duckdb", events))
    rng = random.Random(order)  # noqa: S311 - drawn by Hypothesis
    # The bulk's ends in every part, since a file covers what lies between its own.
    rng.shuffle(events)
    ends = [0, *sorted(cuts), len(events)]
    parts = [[BULK[0], *events[a:b], BULK[-1]] for a, b in pairwise(ends)]
    assert asked(ingested(folder / "split.duckdb", *parts)) == one
    apart = asked(ingested(folder / "apart.duckdb", *([event] for event in far(*fars)), BULK))
    assert apart == one
