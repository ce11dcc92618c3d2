"""How sure the ranks of a store's accounts are: counts by day, options, and what is said."""

import json
import math
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

import blueattr
from blueattr.analysis.by_day import days_of
from blueattr.errors import ExitCode
from blueattr.panel.query import PanelQuery, StoreView
from blueattr.store.database import Store
from support.cli_world import ok, refused, write_store

TOPIC = ("--topic", "mythos")


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_store(tmp_path_factory.mktemp("intervals") / "world.duckdb")


def test_the_counts_of_days_add_up_to_the_features(db: Path) -> None:
    with Store.open(db) as store:
        view = StoreView.of(store, PanelQuery(db, topic="mythos"))
        agent_days = view.agent_days(view.topic())
        daily = days_of(view, agent_days)
        frame = view.features(agent_days)
    assert len(daily.days) == 14
    assert daily.b_by_day
    sums: Counter[tuple[str, str]] = Counter()
    for agent, day, *counts in daily.counts.iter_rows():
        did = daily.dids[agent]
        assert day in daily.days
        for name, count in zip("abc", counts, strict=True):
            sums[did, name] += count
    assert len(daily.counts) > len(frame)
    for row in frame.iter_rows(named=True):
        for name in "abc":
            assert row[name] == pytest.approx(math.log1p(sums[row["did"], name]))


def test_a_day_that_nobody_saw_is_not_drawn(db: Path) -> None:
    with Store.open(db) as store:
        query = PanelQuery(db, topic="mythos", start=datetime(2026, 5, 1, tzinfo=UTC),
                           end=datetime(2026, 5, 29, tzinfo=UTC))  # fmt: skip
        view = StoreView.of(store, query)
        assert view.gaps
        daily = days_of(view, view.agent_days(view.topic()))
    assert len(daily.days) == 15


@pytest.mark.parametrize("more", [(), ("--by", "day")])
def test_attribute_names_intervals_and_choices(db: Path, more: tuple[str, ...]) -> None:
    asked = ["attribute", *TOPIC, "--db", db, "--top", 4, "--intervals", "--resamples", 200,
             "--seed", 3, *more]  # fmt: skip
    result = ok(*asked, "--format", "json").json
    (result,) = result.get("results", [result])
    result = result.get("whole", result)
    undefined = result["intervals"].pop("undefined_resamples")
    # All follows are of one day, which as good as a third of the resamples lack.
    assert 200 * 0.2 < undefined < 200 * 0.5
    assert result["intervals"] == {
        "days": 14, "resamples": 200, "seed": 3, "level": 0.95, "why": None
    }  # fmt: skip
    assert len(result["leaders"]) == 4
    for leader in result["leaders"]:
        assert 1 <= leader["rank_low"] <= leader["rank_high"]
        choices = {(one["choice"], one["setting"]): one["rank"] for one in leader["choices"]}
        assert choices["default", ""] == leader["rank"]
        assert {"scale", "panel", "bots"} <= {choice for choice, _ in choices}
        known = [rank for rank in choices.values() if rank is not None]
        assert (leader["rank_best"], leader["rank_worst"]) == (min(known), max(known))


@pytest.mark.slow
def test_tier_shares_have_the_intervals_of_the_command_bootstrap(db: Path) -> None:
    panel = [*TOPIC, "--db", db, "--indicator", "heat,lin", "--resamples", 200, "--seed", 3]
    shares = ok("attribute", *panel, "--intervals", "--format", "json").json["results"]
    alone = ok("bootstrap", *panel, "--format", "json").json
    assert len(shares) == len(alone["indicators"]) == 2
    for result, wanted in zip(shares, alone["indicators"], strict=True):
        found = result["bootstrap"]
        assert found["tiers"] == wanted["tiers"]
        assert found["undefined_resamples"] == wanted["undefined_resamples"]
        assert [found[x] for x in ("resamples", "seed", "level")] == [200, 3, 0.95]
        for tier, part in zip(found["tiers"], result["tiers"], strict=True):
            assert tier["low"] <= part["share"] == tier["share"] <= tier["high"]
    text = ok("attribute", *panel, "--intervals").text
    first = shares[0]["bootstrap"]["tiers"][0]
    low, high = (f"{round(100 * first[end])}" for end in ("low", "high"))
    assert re.search(rf"^heat +\(95 %\) +{low} to {high} %", text, re.MULTILINE)
    plain = ok("attribute", *TOPIC, "--db", db)
    assert "(95 %)" not in plain.text
    assert ok("attribute", *TOPIC, "--db", db, "--format", "json").json["bootstrap"] is None


@pytest.mark.slow
def test_text_and_markdown_show_how_sure_a_rank_is(db: Path) -> None:
    asked = ["attribute", *TOPIC, "--indicator", "lin", "--db", db]
    text = ok(*asked, "--intervals").text
    assert "rank, 95 %: the rank in 95 % of 1,000 resamples of the 14 days, seed 0." in text
    assert " to " in text.split("rank, 95 %")[1]
    assert "| rank, 95 % |" in ok(*asked, "--intervals", "--format", "md").text
    assert "rank" not in ok(*asked).text


@pytest.mark.slow
def test_a_short_window_and_a_file_have_no_interval_and_say_so(db: Path, tmp_path: Path) -> None:
    short = ["attribute", *TOPIC, "--db", db, "--intervals", "--window", "3d", "--indicator", "lin"]
    result = ok(*short, "--format", "json").json
    why = "only 3 days of the window were seen, and an interval needs 7"
    assert result["intervals"]["why"] == why
    assert {leader["rank_low"] for leader in result["leaders"]} == {None}
    assert result["leaders"][0]["choices"]
    assert f"Ranks have no interval: {why}." in ok(*short).text
    panel = tmp_path / "panel.parquet"
    pl.DataFrame({"did": ["x", "y"], "a": [1, 2], "b": [3, 1], "c": [2, 2]}).write_parquet(panel)
    own = ok("attribute", "--features", panel, "--intervals", "--format", "json").json
    assert own["intervals"]["why"] == "there are no days to resample"
    assert own["leaders"][0]["choices"]


def test_options_that_would_change_nothing_are_refused(db: Path) -> None:
    asked = ["attribute", *TOPIC, "--db", db]
    refused(ExitCode.USAGE, *asked, "--resamples", 500, says="are about --intervals")
    refused(ExitCode.USAGE, *asked, "--seed", 1, says="are about --intervals")
    refused(ExitCode.USAGE, *asked, "--intervals", "--top", 0, says="--top 0 names nobody")
    refused(ExitCode.USAGE, *asked, "--intervals", "--resamples", 9, says="100 to 1,000,000")
    with pytest.raises(blueattr.BlueattrError, match="are about intervals"):
        blueattr.open(db).attribute("mythos", resamples=500)


@pytest.mark.slow
def test_a_report_always_says_how_sure_ranks_are(db: Path, tmp_path: Path) -> None:
    common = ["report", *TOPIC, "--db", db, "--sizes", 5, "--seeds", 1, "--top", 3]
    ok(*common, "--indicator", "heat", "--format", "json", "--out", tmp_path / "data")
    rows = json.loads((tmp_path / "data" / "mythos-leaders-heat.json").read_bytes())["data"]
    assert len(rows) == 3
    asked = ["attribute", *TOPIC, "--db", db, "--top", 3, "--intervals", "--format", "json"]
    leaders = ok(*asked).json["leaders"]
    for row, leader in zip(rows, leaders, strict=True):
        for name in ("did", "rank", "rank_low", "rank_high", "rank_best", "rank_worst"):
            assert row[name] == leader[name], name
        assert row["rank_high"] is not None
    ok(*common, "--indicator", "heat", "--out", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "rank, 95 %" in page
    assert "resamples of the 14 days" in page
