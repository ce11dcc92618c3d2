"""A window that slides counts what the store counts of the same window."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from blueattr.panel.counts import WindowCounts
from blueattr.panel.features import COUNTS
from blueattr.provenance import Window
from blueattr.store.account_numbers import past_account
from blueattr.store.commit.writer import Writer
from blueattr.store.database import Store
from blueattr.store.matching import Rule
from blueattr.store.rollups import roll_up
from blueattr.watch.rows import Statuses, read_records, read_statuses, read_topic
from blueattr.watch.window_state import WindowState, microseconds
from support.effort import costly_law
from support.events_builder import Event, account, at, follow, post, quoting, repost, uri
from support.rollup_checks import DAYS, MYTHOS, OTHER, append, histories

FIRST, LAST = at(days=-2), at(days=DAYS + 2)
MICROSECOND = timedelta(microseconds=1)


def naive(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(tzinfo=None)


class Sliding(NamedTuple):
    """A window that slides from one end to the next, over records that come in parts."""

    length: timedelta
    ends: list[datetime]
    rule: Rule | None
    quotes: bool
    hours: int


def fed(db: Path, case: Sliding) -> WindowState:
    """The state before it slides, with all records."""
    with Store.open(db) as store:
        past = past_account(store)
        topic = None
        if case.rule is not None:
            topic = read_topic(
                store, case.rule, naive(FIRST), naive(LAST), past, quotes=case.quotes
            )
        statuses = read_statuses(store, past)
        state = WindowState(past, case.length // MICROSECOND, statuses, topic, by_day=True)
        start = FIRST
        while start < LAST:
            end = start + timedelta(hours=case.hours)
            state.feed(read_records(store, naive(start), naive(min(end, LAST)), past))
            start = end
    return state


def nonzero(counts: pl.DataFrame) -> list[tuple[int, ...]]:
    return counts.filter(pl.any_horizontal(pl.col(COUNTS) != 0)).rows()


def check(db: Path, case: Sliding) -> int:
    """Compare, and return how many accounts had any count."""
    state, counted = fed(db, case), 0
    for end in case.ends:
        state.slide(microseconds(end))
        with Store.open(db) as store:
            asked = WindowCounts(store, Window(end - case.length, end))
            wanted, layout = asked.totals(case.rule, quotes=case.quotes), asked.lay_out()
            busy = asked.busy_days(1)
        mine = state.lay_out()
        assert nonzero(state.totals()) == nonzero(wanted)
        assert mine.active.tolist() == layout.active.tolist()
        assert mine.inactive.tolist() == sorted(layout.inactive.tolist())
        assert mine.followed.tolist() == layout.followed.tolist()
        assert mine.follows.tolist() == layout.follows.tolist()
        assert state.busy_days(1).rows() == sorted(busy.rows())
        counted += len(nonzero(wanted))
    return counted


CASES = st.builds(
    Sliding,
    length=st.sampled_from([timedelta(hours=12), timedelta(days=1), timedelta(days=2.5)]),
    ends=st.lists(
        st.builds(
            lambda end, instant: at(days=end / 8) + instant * MICROSECOND,
            st.integers(0, 8 * DAYS + 8),
            st.integers(0, 1),
        ),
        min_size=1,
        max_size=4,
    ).map(sorted),
    rule=st.sampled_from([None, MYTHOS, OTHER]),
    quotes=st.booleans(),
    hours=st.sampled_from([7, 24, 300]),
)


@pytest.mark.slow
@costly_law(8, suppress=[HealthCheck.function_scoped_fixture])
@given(histories(), CASES, st.booleans())
def test_a_window_that_slides_counts_what_the_store_counts(
    fresh: Callable[[], Path], events: list[Event], case: Sliding, summarised: bool
) -> None:
    db = fresh() / "store.duckdb"
    with Writer(db) as writer:
        append(writer, *events[: len(events) // 2])
        if summarised:
            roll_up(writer, [MYTHOS], at(days=DAYS).date())
        append(writer, *events[len(events) // 2 :])
    check(db, case)


# Whatever hangs on a match, and whoever goes and comes back, within and beyond the window.
SMALL = [
    post("ann", "p", "mythos", rev=1, time=at(0)),
    post("bea", "r", "yes", rev=2, time=at(3600), parent=uri("ann", "p")),
    repost("cyd", "s", uri("ann", "p"), rev=3, time=at(7200)),
    post("dot", "q", "see", rev=4, time=at(7200), embed=quoting(uri("bea", "m"), media=False)),
    post("bea", "m", "mythos", rev=5, time=at(9000)),
    follow("cyd", "f", "ann", rev=6, time=at(9000)),
    account("ann", "takendown", time=at(days=0.5)),
    account("ann", None, time=at(days=0.75)),
    account("cyd", "deleted", time=at(days=0.8)),
    repost("bea", "t", uri("ann", "p"), rev=7, time=at(days=0.9)),
]


@pytest.mark.slow
def test_what_hangs_on_a_match_comes_and_goes_with_it(tmp_path: Path) -> None:
    db = tmp_path / "store.duckdb"
    with Writer(db) as writer:
        append(writer, *SMALL)
    every = [0.2, 0.55, 0.78, 0.85, 0.95, 1.01, 1.1]
    for rule, days in ((MYTHOS, every), (None, every[1::3])):
        case = Sliding(timedelta(days=1), [at(days=day) for day in days], rule, True, 24)
        assert check(db, case) > len(days)


def test_a_window_does_not_slide_back() -> None:
    none = Statuses(np.empty(0, np.int64), np.empty(0, np.uint32), np.empty(0, np.bool_))
    state = WindowState(1, 10, none)
    state.slide(20)
    with pytest.raises(ValueError, match="slides forward"):
        state.slide(19)
