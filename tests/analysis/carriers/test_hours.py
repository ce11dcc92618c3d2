"""What is written by hour: every record of the agents, in the hour it was written in."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from blueattr.analysis.carriers.hours import HOURLY, hours_of
from blueattr.panel.counts import WindowCounts
from blueattr.panel.query import PanelQuery, StoreView
from blueattr.provenance import Window
from blueattr.store.database import Store
from support.cli_world import write_store

WRITTEN = ("posts", "replies", "reposts")


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_store(tmp_path_factory.mktemp("hours") / "world.duckdb")


@pytest.fixture(scope="module")
def busiest(db: Path) -> datetime:
    """The start of the two days with most records."""
    with Store.open(db) as store:
        view = StoreView.of(store, PanelQuery(db, topic="all"))
        by_day = view.agent_days(None).group_by("day").agg(pl.col("posts").sum()).sort("day")
    days = by_day.with_columns(two=pl.col("posts") + pl.col("posts").shift(-1))
    day = days.sort("two", descending=True, nulls_last=True)["day"][0]
    return datetime.combine(day, datetime.min.time(), UTC)


@pytest.mark.few(1)
@pytest.mark.parametrize("topic", ["mythos", "all"])
@pytest.mark.parametrize("minutes", [0, 17])
def test_hours_have_the_records_of_the_agents_days(
    db: Path, busiest: datetime, topic: str, minutes: int
) -> None:
    start = busiest + timedelta(minutes=minutes)
    query = PanelQuery(db, topic=topic, start=start, end=start + timedelta(hours=47))
    with Store.open(db) as store:
        view = StoreView.of(store, query)
        chosen = view.topic()
        hours = hours_of(view, chosen)
        by_account = view.account_hours(chosen)
        days = view.agent_days(chosen).join(
            view.built.agents.select("account"), on="account", how="semi"
        )
    assert [hour.window.start for hour in hours[1:]] == [hour.window.end for hour in hours[:-1]]
    assert (hours[0].window.start, hours[-1].window.end) == (start, query.end)
    assert all(hour.window.end - hour.window.start <= timedelta(hours=1) for hour in hours)
    assert {hour.window.start.minute for hour in hours[1:]} == {0}
    wanted = Counter({
        (row["account"], row["day"]): sum(row[name] for name in WRITTEN)
        for row in days.iter_rows(named=True)
    })  # fmt: skip
    found: Counter[tuple[int, object]] = Counter()
    for account, hour, records in by_account.select("account", "hour", "records").iter_rows():
        found[account, hour.date()] += records
    assert +found == +wanted
    assert sum(hour.records for hour in hours) == wanted.total() > 0
    assert all((hour.records > 0) == (hour.participants > 0) for hour in hours)
    assert all(hour.participants <= hour.records for hour in hours)
    if topic == "all":
        assert any(hour.records > hour.participants for hour in hours)


def test_an_hour_has_what_a_window_of_that_hour_has(db: Path, busiest: datetime) -> None:
    query = PanelQuery(
        db, topic="all", start=busiest, end=busiest + timedelta(hours=30, minutes=30)
    )
    with Store.open(db) as store:
        view = StoreView.of(store, query)
        agents = view.built.agents.select("account")
        hours = hours_of(view, None)
        assert len(hours) == 31
        for hour in [*hours[::7], hours[-1]]:
            counts = WindowCounts(store, Window(hour.window.start, hour.window.end))
            alone = counts.agent_days(None).join(agents, on="account", how="semi")
            written = alone.select(pl.sum_horizontal(WRITTEN).alias("n")).filter(pl.col("n") > 0)
            assert hour.records == (written["n"].sum() or 0)
            assert hour.participants == len(written)


def test_longer_windows_have_no_hours(db: Path, busiest: datetime) -> None:
    for more, some in ((timedelta(), True), (timedelta(microseconds=1), False)):
        query = PanelQuery(db, topic="all", start=busiest, end=busiest + HOURLY + more)
        with Store.open(db) as store:
            assert bool(hours_of(StoreView.of(store, query), None)) == some


def test_a_topic_is_matched_once_for_days_and_hours(
    db: Path, busiest: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And again once other tables have taken the place of its own."""
    query = PanelQuery(db, topic="mythos", start=busiest, end=busiest + HOURLY)
    with Store.open(db) as store:
        steps: list[str] = []
        run = Store.run

        def noted(self: Store, step: str, **parameters: object) -> None:
            steps.append(step)
            run(self, step, **parameters)

        monkeypatch.setattr(Store, "run", noted)
        view = StoreView.of(store, query)
        topic = view.topic()
        view.agent_days(topic)
        first = hours_of(view, topic)
        assert steps.count("panel/window_events") == 1
        other = StoreView.of(store, PanelQuery(db, topic="mythos"))
        other.agent_days(topic)
        assert hours_of(view, topic) == first
        assert steps.count("panel/window_events") == 3
        view.agent_days(other.topic("wrestlemania"))
        assert hours_of(view, topic) == first
