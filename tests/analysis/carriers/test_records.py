"""Values of records against a plain twin, and the sums that they must have."""

from collections import Counter
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.analysis.carriers.records import records
from blueattr.attribution.attribute import attribute
from blueattr.attribution.by_feature import feature_values
from blueattr.errors import NoAnswerError
from blueattr.indicators.base import Aggregator
from blueattr.panel.influence import RECEIVED, Kind
from blueattr.panel.query import PanelQuery, StoreView
from blueattr.store.database import Store
from blueattr.studies.carriers.records import RecordValue
from support.cli_world import write_store
from support.effort import costly_law
from support.events_builder import (
    POST,
    REPOST,
    at,
    delete,
    did,
    follow,
    post,
    profile,
    repost,
    uri,
)
from support.record_world import INFLUENCES, TOPIC, Twin, author, ingested, split, world


@pytest.mark.slow
@costly_law(9)
@given(
    st.integers(0, 10_000), st.booleans(), st.sampled_from(["lin", "heat", "var", "gini"]),
    st.sampled_from([*product(["active", "involved"], INFLUENCES)]),
)  # fmt: skip
def test_values_of_records_are_those_of_the_twin_and_sum_to_the_parts(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    about: bool,
    indicator: str,
    how: tuple[str, tuple[Kind, ...]],
) -> None:
    panel, influence = how
    events = world(seed)
    db = ingested(tmp_path_factory.mktemp("records"), events)
    try:
        made, result, _ = split(db, about, indicator, panel, influence)
    except NoAnswerError:
        return
    twin = Twin(events, about=about, influence=influence)
    parts = feature_values(result, result.agents)
    value_a = dict(zip(result.agents["did"], parts["value_a"], strict=True))
    value_c = dict(zip(result.agents["did"], parts["value_c"], strict=True))
    written: Counter[str] = Counter()
    received: Counter[str] = Counter()
    for address in twin.written:
        written[author(address)] += twin.written[address]
    for address, counts in twin.received.items():
        received[author(address)] += counts.total()
    expected = {
        address: (
            twin.written[address] / written[author(address)] * value_a[author(address)]
            if twin.written[address]
            else 0.0,
            twin.received[address].total() / received[author(address)] * value_c[author(address)]
            if twin.received[address]
            else 0.0,
        )
        for address in {*twin.written, *twin.received}
        if author(address) in value_a
    }
    rows = {row["uri"]: row for row in made.records.iter_rows(named=True)}
    assert len(rows) == len(made.records)
    assert rows.keys() == {a for a in expected if twin.written[a] or twin.received[a]}
    for address, row in rows.items():
        assert (row["value_own"], row["value_received"]) == pytest.approx(expected[address])
        assert row["value"] == pytest.approx(sum(expected[address]))
        assert row["share"] == pytest.approx(sum(expected[address]) / result.attributed)
        assert row["state"] == twin.state(address), address
        for kind, column in RECEIVED.items():
            count = twin.received[address][kind]
            assert row[column] == (count if kind in (influence or RECEIVED) else None)
        known = twin.known.get(address)
        assert (row["time"] is None) == (known is None)
        text = None if known is None else known["commit"]["record"].get("text")
        assert row["text"] == text
    sums = made.records.group_by("did").agg(pl.col("value_own", "value_received", "value").sum())
    for name, own, answers, whole in sums.iter_rows():
        assert own == pytest.approx(value_a[name])
        assert answers == pytest.approx(value_c[name])
        hours = made.hours.filter(pl.col("did") == name)
        assert hours["value"].sum() == pytest.approx(whole)
    assert made.records["value"].to_list() == sorted(made.records["value"], reverse=True)


@pytest.mark.slow
def test_what_received_an_interaction_is_listed_whatever_it_is(tmp_path: Path) -> None:
    events = [
        post("a", "old", "before", rev=1, time=at(days=1)),
        post("a", "off", "lunch", rev=2, time=at(days=3)),
        post("a", "on", TOPIC, rev=3, time=at(days=3)),
        post("a", "gone", TOPIC, rev=4, time=at(days=3)),
        *(
            post("b", f"r{k}", TOPIC, rev=10 + k, time=at(k * 3600, days=4),
                 parent=uri("a", key))
            for k, key in enumerate(["old", "off", "on", "gone", "lost"])
        ),
        repost("b", "s", uri("a", "on"), rev=20, time=at(days=5)),
        follow("b", "f", "a", rev=21, time=at(days=3)),
        delete("a", POST, "gone", rev=30, time=at(days=6)),
        profile("a", rev=40, time=at(0), operation="update"),
        profile("b", rev=41, time=at(0), operation="update"),
    ]  # fmt: skip
    db = ingested(tmp_path, sorted(events, key=lambda event: event["time_us"]))
    made, result, _ = split(db, True, "heat", dids=[did("a")])
    states = dict(zip(made.records["uri"], made.records["state"], strict=True))
    assert states == {
        uri("a", "old"): "outside the window",
        uri("a", "off"): "off topic",
        uri("a", "on"): "counted",
        uri("a", "gone"): "deleted",
        uri("a", "lost"): "unseen",
    }
    assert made.records["uri"][0] == uri("a", "on")
    links = {one.uri: one.link for _, one in RecordValue.each(made.records)}
    assert links[uri("a", "gone")] is links[uri("a", "lost")] is None
    assert links[uri("a", "old")] == f"https://bsky.app/profile/{did('a')}/post/old"
    made_up = made.records.with_columns(synthetic=True)
    assert {one.link for _, one in RecordValue.each(made_up)} == {None}
    # Each interaction counts when it happened: one an hour, from the old post's on.
    first = at(days=4)
    hours = dict(zip(made.hours["hour"], made.hours["value"], strict=True))
    assert {first + timedelta(hours=k) for k in range(5)} <= hours.keys()
    assert first - timedelta(days=3) not in hours
    value_c = feature_values(result, result.agents)["value_c"][0]
    assert hours[first] == pytest.approx(value_c / 6)
    assert len(split(db, True, "heat", most=2)[0].records.filter(pl.col("did") == did("a"))) == 2


@pytest.mark.slow
def test_a_repost_of_ones_own_counts_as_written_and_not_as_received(tmp_path: Path) -> None:
    events = [
        post("a", "on", TOPIC, rev=1, time=at(days=3)),
        repost("a", "s", uri("a", "on"), rev=2, time=at(days=4)),
        post("b", "on", TOPIC, rev=3, time=at(days=3)),
        profile("a", rev=40, time=at(0), operation="update"),
        profile("b", rev=41, time=at(0), operation="update"),
    ]
    db = ingested(tmp_path, sorted(events, key=lambda event: event["time_us"]))
    made, _, _ = split(db, True, "lin", dids=[did("a")])
    rows = {row["uri"]: row for row in made.records.iter_rows(named=True)}
    assert rows.keys() == {uri("a", "on"), uri("a", "s", REPOST)}
    assert rows[uri("a", "on")]["reposts_received"] == 0
    assert rows[uri("a", "s", REPOST)]["kind"] == "repost"
    assert rows[uri("a", "on")]["value"] == rows[uri("a", "s", REPOST)]["value"] > 0


def test_summarised_days_have_the_same_records(tmp_path: Path) -> None:
    """A store that an ingest of files has summarised, and its records read one by one."""
    db = write_store(tmp_path / "world.duckdb")
    with Store.open(db) as store:
        view = StoreView.of(store, PanelQuery(db, topic="mythos"))
        topic = view.topic()
        agent_days = view.agent_days(topic)
        frame = view.features(agent_days)
        result = attribute(frame, "lin")
        made = records(view, topic, frame, result)
        # Another window takes the tables in between.
        StoreView.of(store, PanelQuery(db, topic="mythos", length=timedelta(days=3))).totals(topic)
        again = records(view, topic, frame, result)
    assert made.records.equals(again.records)
    parts = feature_values(result, result.agents)
    assert made.records["value_own"].sum() == pytest.approx(parts["value_a"].sum())
    assert made.records["value_received"].sum() == pytest.approx(parts["value_c"].sum())
    assert made.records["value"].sum() > 0


@pytest.mark.parametrize(
    ("indicator", "aggregator"), [("hill", "mean"), ("lin", "log"), ("gini", "geometric")]
)
def test_what_has_no_split_by_feature_has_none_by_record(
    indicator: str, aggregator: Any, tmp_path: Path
) -> None:
    db = write_store(tmp_path / "world.duckdb")
    with Store.open(db) as store:
        view = StoreView.of(store, PanelQuery(db, topic="mythos"))
        topic = view.topic()
        frame = view.features(view.totals(topic))
        result = attribute(frame, indicator, aggregator=Aggregator(aggregator))
        with pytest.raises(NoAnswerError, match="cannot be split among records"):
            records(view, topic, frame, result)
