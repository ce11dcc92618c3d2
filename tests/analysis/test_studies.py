"""Asking more than once: the grid of topics, shares by day, sensitivity; on a store and by hand."""

import csv
import io
import math
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from blueattr import kernels
from blueattr.analysis.attribute import attribute_panel, shares_by_day
from blueattr.analysis.features import make_features
from blueattr.analysis.studies import compare_topics
from blueattr.attribution.attribute import attribute
from blueattr.attribution.days import DayFeatures, attribute_days
from blueattr.attribution.question import Question, Sampling
from blueattr.errors import ExitCode, FeatureError, UnknownTopicError, UsageError
from blueattr.indicators.base import Aggregator
from blueattr.indicators.builtin import INDICATORS
from blueattr.panel.query import PanelQuery
from blueattr.provenance import Provenance, TopicInfo, Window
from blueattr.studies.grid import scale_grid
from blueattr.studies.scales import compare_scales
from blueattr.studies.sensitivity import PanelVariant, SensitivityRow, sensitivity
from support import naive
from support.cli_world import ok, run, write_store

FOUR = ["lin", "heat", "var", "gini"]
MINE = """
    [topics.cards]
    keywords = ["system card"]
    [topics.morning]
    keywords = ["good morning"]
"""


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_store(tmp_path_factory.mktemp("studies") / "world.duckdb")


def frame(n: int = 300, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    followers = np.floor(rng.pareto(1.0, n) * 5)
    activity = np.floor(rng.pareto(1.0, n) * 2)
    return pl.DataFrame(
        {
            "did": [f"did:plc:{i:06}" for i in range(n)],
            "a": np.log1p(activity),
            "b": np.log1p(followers),
            "c": np.log1p(np.floor(rng.pareto(0.8, n))),
            "followers": followers,
            "activity": activity,
        }
    )


def named(name: str) -> Provenance:
    return Provenance(source="test", topic=TopicInfo(name, name, "test"))


# --- the grid ------------------------------------------------------------------------------------


def test_a_grid_is_its_comparisons() -> None:
    panels = [(frame(seed=k), named(f"topic{k}")) for k in range(3)]
    options: dict[str, Any] = {"protocols": ["visibility", "random"], "sizes": [20, 50], "seeds": 3}
    grid = scale_grid(panels, FOUR, **options)
    for comparison, (data, origin) in zip(grid.topics, panels, strict=True):
        assert comparison == compare_scales(data, FOUR, provenance=origin, **options)
    flips = grid.flips()
    assert len(flips) == 3 * 4 * 2 * 2
    assert [f.topic for f in flips[::16]] == ["topic0", "topic1", "topic2"]
    sample = grid.topics[1].indicators[2].samples[3]
    same = [f for f in flips if (f.topic, f.indicator) == ("topic1", "var")][3]
    assert (same.mean, same.std) == (sample.flip_mean, sample.flip_std)
    for count in grid.counts():
        these = [f for f in flips if (f.protocol, f.size) == (count.protocol, count.size)]
        assert count.defined == len(these) == 12
        assert count.positive == sum((f.mean or 0) > 0 for f in these)
    assert 0 < sum(f.positive for f in flips) < len(flips)


def test_what_a_topic_lacks_leaves_the_rest_of_the_grid() -> None:
    """No c at all on one topic, and few who were active on it."""
    poor = frame(seed=1).with_columns(c=pl.lit(0.0), activity=pl.Series([1.0] * 30 + [0.0] * 270))
    grid = scale_grid(
        [(frame(), named("rich")), (poor, named("poor"))],
        FOUR, protocols=["active", "random"], sizes=[20, 50], seeds=2,
    )  # fmt: skip
    rich, other = grid.topics
    assert not any(scales.undefined for scales in rich.indicators)
    heat = other.indicators[1]
    assert heat.undefined == "c is 0 for every agent, so that M = 0"
    assert (heat.samples, heat.full.tiers) == ((), ())
    kinds = {(s.protocol, s.size): s for s in other.indicators[0].samples}
    assert kinds["active", 50].unavailable == "only 30 agents were active"
    assert kinds["active", 50].flip_mean is None
    assert kinds["active", 20].flip_mean is not None
    assert kinds["random", 50].flip_mean is not None
    counts = {(c.protocol, c.size): c.defined for c in grid.counts()}
    assert counts == {("active", 20): 7, ("active", 50): 4, ("random", 20): 7, ("random", 50): 7}
    undefined = [f for f in grid.flips() if f.topic == "poor" and f.mean is None]
    assert {f.undefined for f in undefined} == {heat.undefined, "only 30 agents were active"}


@pytest.mark.slow
def test_the_grid_of_a_store(db: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(MINE)
    common = ["--db", db, "--topics", mine, "--sizes", "5,20", "--seeds", 2, "--protocol",
              "visibility,top", "--indicator", "all"]  # fmt: skip
    result = ok("compare-scales", "--topic", "mythos,morning,wrestlemania", *common, "--format",
                "json").json  # fmt: skip
    assert result["kind"] == "scale_grid"
    assert [t["topic"]["name"] for t in result["topics"]] == ["mythos", "morning", "wrestlemania"]
    for name, found in zip(("mythos", "morning"), result["topics"], strict=False):
        alone = run("compare-scales", "--topic", name, *common, "--format", "json")
        if alone.code == 0:
            assert found == alone.json
    assert result["topics"][0]["kind"] == "scale_comparison"
    # Nobody wrote about wrestling: follows alone are no answer of any indicator.
    for scales in result["topics"][2]["indicators"]:
        assert scales["undefined"].startswith("no post matched 'wrestlemania' (keywords")
    counts = result["flips"]["counts"]
    flips = [f for f in result["flips"]["flips"] if (f["protocol"], f["size"]) == ("visibility", 5)]
    assert counts[0]["positive"] == sum(f["positive"] is True for f in flips) > 0
    assert counts[0]["defined"] == sum(f["positive"] is not None for f in flips) < len(flips) == 12
    text = ok("compare-scales", "--topic", "mythos,morning,wrestlemania", *common).text
    assert f"{counts[0]['positive']} of {counts[0]['defined']} flips are positive" in text
    assert "heat on wrestlemania: no answer (no post matched" in text
    assert "full: " in text
    rows = list(csv.DictReader(io.StringIO(
        ok("compare-scales", "--topic", "all-topics", *common, "--format", "csv").text
    )))  # fmt: skip
    assert {row["topic"] for row in rows} >= {"mythos", "cards", "morning"}
    assert {row["protocol"] for row in rows} == {"full", "visibility", "top"}


def test_shares_and_samples_take_one_attribution_of_the_whole_panel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes = []
    combine, exact_sums = kernels.combine, kernels.exact_sums

    def combined(a: kernels.FloatArray, *rest: Any) -> kernels.FloatArray:
        sizes.append(a.size)
        return combine(a, *rest)

    def summed(*vectors: kernels.FloatArray) -> Any:
        sizes.append(vectors[0].size)
        return exact_sums(*vectors)

    monkeypatch.setattr(kernels, "combine", combined)
    monkeypatch.setattr(kernels, "exact_sums", summed)
    (result,) = attribute_panel(frame(), Provenance("x"), Question(("heat",)))
    assert result.sample is not None
    # The means and the values of all; those of each sample.
    assert sizes.count(300) == 2
    assert sizes.count(100) == 2 * result.sample.seeds == 20


def test_window_and_panel_are_settled_once(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = []
    real = PanelQuery.agents

    def agents(*arguments: Any) -> Any:
        built.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(PanelQuery, "agents", agents)
    names = ("mythos", "wrestlemania", "the-masters")
    grid = compare_topics(PanelQuery(db), names, Question(), Sampling(sizes=(5,), seeds=1))
    assert len(grid.topics) == 3
    assert len(built) == 1


@pytest.mark.parametrize(
    ("topics", "says"),
    [
        ("mythos,mythos", "twice"),
        ("mythos,all-topics", "cannot be combined"),
        ("mythos,mythso", "did you mean mythos?"),
    ],
)
def test_topics_that_make_no_sense(db: Path, topics: str, says: str) -> None:
    done = run("compare-scales", "--topic", topics, "--db", db)
    assert done.code in {ExitCode.USAGE, ExitCode.NO_ANSWER}
    assert says in done.stderr
    with pytest.raises((UsageError, UnknownTopicError)):
        compare_topics(PanelQuery(db), tuple(topics.split(",")), Question(), Sampling())


# --- shares by day -------------------------------------------------------------------------------


def test_days_by_hand() -> None:
    """Tiers of the whole, features of the day."""
    whole = attribute(frame(), "heat")
    day = frame(seed=9).with_columns(followers=pl.lit(0.0))
    start = datetime(2026, 4, 1, tzinfo=UTC)
    features = DayFeatures(start.date(), Window(start, start + timedelta(days=1)), day)
    (shares,) = attribute_days([(INDICATORS["heat"], whole)], [features])
    (found,) = shares.days
    values = naive.closed_form("heat", list(day.select("a", "b", "c").iter_rows()))
    tier_of = dict(whole.agents.select("did", "tier").iter_rows())
    for tier in found.tiers:
        mine = [v for v, did in zip(values, day["did"], strict=True) if tier_of[did] == tier.tier]
        assert tier.value == pytest.approx(math.fsum(mine), rel=1e-12)
        assert tier.agents == len(mine)
        assert tier.share == pytest.approx(math.fsum(mine) / math.fsum(values), rel=1e-12)
    assert found.participants == int((day["a"] > 0).sum())
    coarse = attribute(frame(), "heat", method="quadrature", steps=2)
    (shares,) = attribute_days([(INDICATORS["heat"], coarse)], [features])
    values = naive.heat_quadrature(list(day.select("a", "b", "c").iter_rows()), 2)
    assert shares.days[0].attributed == pytest.approx(math.fsum(values), rel=1e-12)
    with pytest.raises(FeatureError, match="not those of the window's panel"):
        attribute_days(
            [(INDICATORS["heat"], whole)],
            [DayFeatures(start.date(), features.window, day.head(299))],
        )


@pytest.mark.slow
def test_days_of_a_store(db: Path) -> None:
    """Raw counts of a linear indicator add up over days; each day is the window of that day."""
    options = ["--topic", "mythos", "--db", db, "--scale", "raw", "--indicator", "lin,heat"]
    found = ok("attribute", *options, "--by", "day", "--format", "json").json
    assert found["kind"] == "attribution_by_day"
    whole = ok("attribute", *options, "--format", "json").json
    assert [one["whole"] for one in found["results"]] == whole["results"]
    lin, heat = found["results"]
    assert [day["day"] for day in lin["days"]] == sorted({day["day"] for day in lin["days"]})
    assert len(lin["days"]) == 14
    assert lin["days"][0]["start"] == whole["results"][0]["window"]["start"]
    assert lin["days"][-1]["end"] == whole["results"][0]["window"]["end"]
    for k, tier in enumerate(lin["whole"]["tiers"]):
        parts = [day["tiers"][k]["value"] for day in lin["days"] if not day["undefined"]]
        assert math.fsum(parts) == pytest.approx(tier["value"], rel=1e-9)
    undefined = [day for day in heat["days"] if day["undefined"]]
    assert undefined
    assert all(day["tiers"] == [] and day["total"] == 0 for day in undefined)
    rows = list(csv.DictReader(io.StringIO(
        ok("attribute", *options, "--by", "day", "--format", "csv").text
    )))  # fmt: skip
    assert len(rows) == 2 * 14 * 3
    text = ok("attribute", *options, "--by", "day").text
    assert "heat: tier shares by day (UTC)" in text
    assert f"{undefined[0]['day']}: no answer" in text


def test_a_day_of_a_store_is_its_window(db: Path) -> None:
    """The features of a day are those of a window of that day, for those in both panels."""
    day = datetime(2026, 5, 3, tzinfo=UTC)
    query = PanelQuery(db, "all", start=day, end=day + timedelta(days=1))
    alone, _ = make_features(query)
    wide = PanelQuery(db, "all", start=day - timedelta(days=2), end=day + timedelta(days=5))
    seen: list[DayFeatures] = []

    def spy(wholes: Any, days: Any) -> Any:
        seen.extend(days)
        return attribute_days(wholes, seen)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("blueattr.analysis.attribute.attribute_days", spy)
        shares_by_day(wide, Question(("lin",)))
    (found,) = [each for each in seen if each.day == date(2026, 5, 3)]
    assert isinstance(found.frame, pl.DataFrame)
    both = alone.join(found.frame, on="did", suffix="_day")
    assert both.height > 10
    for name in ("a", "b", "c"):
        assert both[name].to_list() == both[f"{name}_day"].to_list()
    assert both["a"].sum() > 0


def test_by_day_needs_a_store(tmp_path: Path) -> None:
    frame().write_csv(tmp_path / "panel.csv")
    done = run("attribute", "--features", tmp_path / "panel.csv", "--by", "day")
    assert (done.code, "has no days" in done.stderr) == (ExitCode.USAGE, True)


# --- sensitivity ---------------------------------------------------------------------------------


def row(rows: tuple[SensitivityRow, ...], choice: str, setting: str = "") -> SensitivityRow:
    (found,) = [r for r in rows if (r.choice, r.setting) == (choice, setting)]
    return found


def test_rows_are_what_the_choice_alone_gives() -> None:
    """Each number against the plain functions, called with the other choice."""
    data, other = frame(), frame(280, seed=4)
    variants = [
        PanelVariant("panel", "other", other),
        PanelVariant("panel", "none", None, "because"),
        PanelVariant("panel", "dead", data.with_columns(a=pl.lit(0.0), b=pl.lit(0.0),
                                                        c=pl.lit(0.0))),
        PanelVariant("panel", "small", data.head(30)),
    ]  # fmt: skip
    result = sensitivity(data, ["var"], variants=variants, size=40, seeds=3, seed=2)
    (one,) = result.indicators
    default = attribute(data, "var")
    base = one.rows[0]
    assert (base.effect, base.top_overlap, base.kendall_tau) == ("default", 10, 1.0)
    assert base.tiers == default.tiers

    def expect(found: SensitivityRow, frame: pl.DataFrame, **options: Any) -> None:
        answer = attribute(frame, "var", **options)
        scales = compare_scales(frame, ["var"], sizes=[40], seeds=3, seed=2, **options)
        sample = scales.indicators[0].samples[0]
        assert (found.tiers, found.total) == (answer.tiers, answer.total)
        assert (found.flip_mean, found.flip_std) == (sample.flip_mean, sample.flip_std)
        both = default.agents.join(answer.agents, on="did", suffix="_other").sort("did")
        assert found.common == both.height
        x, y = both["value"].to_list(), both["value_other"].to_list()
        tau = naive.kendall_tau(x, y)
        assert found.kendall_tau == pytest.approx(tau, abs=1e-3)
        top = [set(both.sort(k, descending=True)["did"].head(10)) for k in ("value", "value_other")]
        assert found.top_overlap == len(top[0] & top[1])

    expect(row(one.rows, "aggregator", "log"), data, aggregator=Aggregator("log"))
    expect(
        row(one.rows, "weights", "a, b, c 0.5, 0.25, 0.25"),
        data,
        aggregator=Aggregator("mean", (0.5, 0.25, 0.25)),
    )
    expect(row(one.rows, "tiers", "cut at 5 and 20 %"), data, cutoffs=(5, 20))
    expect(row(one.rows, "panel", "other"), other)
    assert row(one.rows, "panel", "other").common == 280
    none = row(one.rows, "panel", "none")
    assert (none.effect, none.why, none.tiers) == ("not available", "because", ())
    dead = row(one.rows, "panel", "dead")
    assert dead.effect == "not available"
    assert "nothing to share out" in dead.why
    small = row(one.rows, "panel", "small")
    assert small.tiers
    assert small.flip_mean is None
    assert "larger than the panel" in small.why


def test_what_an_indicator_does_not_use_has_no_effect() -> None:
    result = sensitivity(frame(), ["heat", "hill", "lin"], size=20, seeds=1)
    for one in result.indicators:
        idle = {r.choice for r in one.rows if r.effect == "no effect"}
        assert idle == (set() if one.indicator == "lin" else {"aggregator", "weights"})
        for found in one.rows:
            if found.effect == "no effect":
                assert found.tiers == one.rows[0].tiers
    # And it is so: heat under another aggregator is heat.
    heat = attribute(frame(), "heat", aggregator=Aggregator("geometric"))
    assert heat.tiers == result.indicators[0].rows[0].tiers


@pytest.mark.slow
def test_sensitivity_of_a_store(db: Path) -> None:
    options = ["--topic", "mythos", "--db", db, "--from", "2026-05-02", "--to", "2026-05-12",
               "--size", 10, "--seeds", 2, "--indicator", "lin,heat"]  # fmt: skip
    found = ok("sensitivity", *options, "--format", "json").json
    assert (found["kind"], found["size"]) == ("sensitivity", 10)
    lin, heat = found["indicators"]
    rows = {(r["choice"], r["setting"]): r for r in lin["rows"]}
    assert rows["aggregator", "log"]["effect"] == "computed"
    window = {k[1]: r for k, r in rows.items() if k[0] == "window"}
    assert len(window) == 6
    assert window["shifted by -1 day"]["effect"] == "computed"
    assert window["shifted by +2 days"]["effect"] == "computed"
    moved = ok(
        "attribute", "--topic", "mythos", "--db", db, "--from", "2026-05-01", "--to", "2026-05-11",
        "--indicator", "lin", "--format", "json",
    ).json  # fmt: skip
    assert window["shifted by -1 day"]["tiers"] == moved["tiers"]
    bots = ok(
        "attribute", "--topic", "mythos", "--db", db, "--from", "2026-05-02", "--to", "2026-05-12",
        "--indicator", "lin", "--format", "json", "--keep-bots",
    ).json  # fmt: skip
    assert rows["bots", "kept"]["tiers"] == bots["tiers"]
    assert rows["bots", "kept"]["n_agents"] == bots["n_agents"] > found["n_agents"]
    raw = ok(
        "attribute", "--topic", "mythos", "--db", db, "--from", "2026-05-02", "--to", "2026-05-12",
        "--indicator", "lin", "--format", "json", "--scale", "raw",
    ).json  # fmt: skip
    assert rows["scale", "raw"]["tiers"] == raw["tiers"]
    assert {r["effect"] for r in heat["rows"] if r["choice"] == "aggregator"} == {"no effect"}
    text = ok("sensitivity", *options).text
    assert "no effect" in text
    rows_csv = list(
        csv.DictReader(io.StringIO(ok("sensitivity", *options, "--format", "csv").text))
    )
    assert {r["choice"] for r in rows_csv} >= {"default", "window", "bots", "scale", "popularity"}


def test_windows_that_are_not_covered_are_said_to_be_so(db: Path) -> None:
    found = ok("sensitivity", "--topic", "mythos", "--db", db, "--size", 10, "--seeds", 1,
               "--format", "json").json  # fmt: skip
    shifted = [r for r in found["indicators"][0]["rows"] if r["choice"] == "window"]
    assert shifted[-1]["effect"] == "not available"
    assert shifted[-1]["why"] == "no source covers all of that window"


def test_sensitivity_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "panel.parquet"
    data = frame()
    data.write_parquet(path)
    options = ["--features", path, "--size", 20, "--seeds", 2, "--format", "json"]
    (one,) = ok("sensitivity", *options).json["indicators"]
    rows = {(r["choice"], r["setting"]): r for r in one["rows"]}
    expected = attribute(data.with_columns(b=pl.col("followers")), "heat")
    found = rows["popularity", "followers"]
    assert [t["share"] for t in found["tiers"]] == [t.share for t in expected.tiers]
    scaled = attribute(data.with_columns(pl.col("a", "b", "c").log1p()), "heat")
    found = rows["scale", "log(1 + x) of the features"]
    assert [t["share"] for t in found["tiers"]] == [t.share for t in scaled.tiers]
    data.drop("followers").write_parquet(path)
    (one,) = ok("sensitivity", *options).json["indicators"]
    rows = {(r["choice"], r["setting"]): r for r in one["rows"]}
    assert "no column followers" in rows["popularity", "followers"]["why"]


def test_bootstrap_command(db: Path) -> None:
    options = ["--topic", "mythos", "--db", db, "--resamples", 200, "--indicator", "lin,gini"]
    found = ok("bootstrap", *options, "--format", "json").json
    assert (found["kind"], found["resamples"], found["level"]) == ("bootstrap", 200, 0.95)
    for one in found["indicators"]:
        for tier in one["tiers"]:
            assert tier["low"] <= tier["high"]
    assert "95 % of resamples" in ok("bootstrap", *options).text
    rows = list(csv.DictReader(io.StringIO(ok("bootstrap", *options, "--format", "csv").text)))
    assert len(rows) == 2 * 3
    done = run("bootstrap", "--topic", "mythos", "--db", "no/such.duckdb", "--resamples", 5)
    assert (done.code, "100 to" in done.stderr) == (ExitCode.USAGE, True)


def test_own_indicators_on_the_command_line(db: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text(
        "import numpy as np\n"
        "names = ('a', 'c')\n"
        "def statistics(a, b, c):\n    return np.column_stack([a, c])\n"
        "def value(m):\n    return np.sqrt(m[0] * m[1]) + m[0] ** 2\n"
    )
    options = ["--topic", "mythos", "--db", db, "--indicator", f"heat,{mine}"]
    found = ok("attribute", *options, "--format", "json").json["results"]
    assert [one["method"] for one in found] == ["closed form", "quadrature"]
    assert found[1]["indicator"] == "mine"
    assert found[1]["definition"]["file"] == str(mine)
    assert len(found[1]["definition"]["sha256"]) == 64
    assert found[1]["definition"]["gradient"] == "complex step"
    assert found[1]["quadrature"]["gap"] < 1e-3
    text = ok("attribute", *options, "--verbose").text
    assert "gradient by complex step" in text
    grid = ok("compare-scales", *options, "--sizes", 10, "--seeds", 2, "--format", "json").json
    assert [one["method"] for one in grid["indicators"]] == ["closed form", "quadrature"]
    mine.write_text(mine.read_text().replace("m[0] ** 2", "1 / 0"))
    done = run("attribute", *options)
    assert done.code == ExitCode.USAGE
    assert "ZeroDivisionError" in done.stderr
    assert "mine.py, line 6" in done.stderr
    assert "Traceback" not in done.stderr
