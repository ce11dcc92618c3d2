"""Attribution of a frame: checking, quadrature, tiers, and that order changes nothing."""

import itertools
import math
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.attribution.attribute import attribute
from blueattr.attribution.inputs import Panel, check_features
from blueattr.attribution.value import check_method, midpoint_weights, solve
from blueattr.errors import EmptyPanelError, FeatureError, UsageError, ZeroTotalError
from blueattr.indicators.base import Aggregator, FeatureArrays, MomentIndicator
from blueattr.indicators.builtin import INDICATORS
from blueattr.provenance import Provenance
from support import naive
from support.effort import law

LAWS = law(60)
NAMES = tuple(INDICATORS)


def frame(n: int = 300, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    followers = np.floor(rng.pareto(1.0, n) * 5)
    activity = np.floor(rng.pareto(1.0, n) * (rng.random(n) < 0.6))
    return pl.DataFrame(
        {
            "did": [f"did:plc:{i:06}" for i in rng.permutation(n)],
            "a": np.log1p(activity),
            "b": np.log1p(followers),
            "c": np.floor(rng.pareto(1.2, n)),
            "followers": followers.astype(np.int64),
            "activity": activity.astype(np.int64),
        }
    )


def rows(data: pl.DataFrame) -> list[tuple[float, float, float]]:
    return list(data.select("a", "b", "c").iter_rows())


# --- quadrature ----------------------------------------------------------------------------------


def panel_of_moment(moment: float, n: int = 40) -> FeatureArrays:
    """A panel whose M is the one asked for."""
    x = FeatureArrays(*(np.random.default_rng(k).lognormal(size=n) for k in range(3)))
    scale = (moment / math.prod(x.means)) ** (1 / 3)
    return FeatureArrays(x.a * scale, x.b * scale, x.c * scale)


def relative_error(x: FeatureArrays, steps: int) -> float:
    heat, aggregator = INDICATORS["heat"], Aggregator()
    exact = solve(heat, x, aggregator).values
    return float(np.abs(solve(heat, x, aggregator, steps).values - exact).sum() / exact.sum())


def test_quadrature_reproduces_the_published_errors() -> None:
    """The two published points, 4.0e-3 and 1.1e-6, and the row that is predicted between them."""
    x = panel_of_moment(0.52)
    row = {5: 4.0e-3, 10: 1.0e-3, 20: 2.5e-4, 30: 1.1e-4, 50: 4.0e-5, 100: 1.0e-5, 300: 1.1e-6}
    errors = {steps: relative_error(x, steps) for steps in row}
    assert errors == pytest.approx(row, rel=0.02)
    assert [f"{errors[steps]:.1e}" for steps in (5, 300)] == ["4.0e-03", "1.1e-06"]


@pytest.mark.parametrize("moment", [0.01, 0.52, 3.0, 50.0])
def test_quadrature_error_falls_as_one_over_k_squared(moment: float) -> None:
    x = panel_of_moment(moment)
    errors = [relative_error(x, steps) for steps in (50, 100, 200, 400)]
    for coarse, fine in itertools.pairwise(errors):
        assert coarse / fine == pytest.approx(4, rel=0.01)


@pytest.mark.parametrize("steps", [1, 2, 7, 30])
def test_quadrature_equals_its_plain_twin(steps: int) -> None:
    data = frame(50)
    values = solve(INDICATORS["heat"], Panel.of(data).features, Aggregator(), steps).values
    expected = naive.heat_quadrature(rows(data.sort("did")), steps)
    np.testing.assert_allclose(values, expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["lin", "var", "gini"])
@pytest.mark.parametrize("steps", [1, 2, 30])
def test_quadrature_is_exact_where_the_gradient_is_linear(name: str, steps: int) -> None:
    closed = attribute(frame(), name)
    quadrature = attribute(frame(), name, method="quadrature", steps=steps)
    assert (closed.method, closed.steps) == ("closed form", None)
    assert (quadrature.method, quadrature.steps) == ("quadrature", steps)
    assert quadrature.total == pytest.approx(closed.total, rel=1e-12)
    both = closed.agents.join(quadrature.agents, on="did", suffix="_q")
    size = closed.agents["value"].abs().max()
    assert isinstance(size, float)
    assert both.height == 300
    np.testing.assert_allclose(both["value_q"], both["value"], rtol=1e-11, atol=1e-13 * size)


def test_heat_against_fine_quadrature() -> None:
    x = panel_of_moment(2.0, n=12)
    assert relative_error(x, 20_000) < 1e-9


def test_midpoints() -> None:
    """∫ t² dt by K = 2: (1/16 + 9/16) / 2."""
    weights = midpoint_weights(lambda m: m * m, np.array([1.0, 2.0]), 2)
    assert weights.tolist() == [0.3125, 1.25]


def test_quadrature_takes_thirty_steps_by_default() -> None:
    assert attribute(frame(), method="quadrature").steps == 30


def test_shares_sum_to_one_even_with_one_step() -> None:
    result = attribute(frame(), method="quadrature", steps=1)
    assert abs(result.attributed / result.total - 1) > 1e-3
    assert math.fsum(tier.share for tier in result.tiers) == pytest.approx(1, rel=1e-15)
    assert result.agents["share"].sum() == pytest.approx(1, rel=1e-12)


def test_own_moment_indicator() -> None:
    """A saturating indicator of one statistic: F(m) = m / (1 + m), whose φ is known."""
    own = MomentIndicator(
        name="saturation",
        formula="mean a / (1 + mean a)",
        statistics=("a",),
        measure=lambda features, _: (features.a,),
        value=lambda m: float(m[0] / (1 + m[0])),
        gradient=lambda m: 1 / (1 + m) ** 2,
    )
    with pytest.raises(UsageError, match="no closed form"):
        attribute(frame(), own, method="closed form")
    result = attribute(frame(), own, method="quadrature", steps=2000)
    sums = result.agents["a"].sum()
    np.testing.assert_allclose(
        result.agents["value"], result.agents["a"] / sums * result.total, rtol=1e-6
    )


def test_own_indicator_that_is_not_zero_without_agents() -> None:
    own = MomentIndicator("one", "1", ("a",), lambda f, _: (f.a,), lambda _: 1.0, np.zeros_like)
    with pytest.raises(UsageError, match="nobody takes part"):
        attribute(frame(), own, method="quadrature")


def test_own_statistic_that_overflows() -> None:
    own = MomentIndicator(
        "cube",
        "mean of exp(a)",
        ("x",),
        lambda f, _: (f.a * np.inf,),
        lambda m: float(m[0]),
        np.ones_like,
    )
    data = frame().with_columns(a=pl.lit(1.0))
    with pytest.raises(FeatureError, match="too large for the indicator 'cube'"):
        attribute(data, own, method="quadrature")


@pytest.mark.parametrize(
    ("method", "steps", "hint"),
    [
        ("closed form", 5, "no steps"),
        ("quadrature", 0, "1 to 1000000"),
        ("quadrature", -3, "1 to 1000000"),
        ("quadrature", 1_000_001, "1 to 1000000"),
        ("exact", None, "closed form, quadrature"),
    ],
)
def test_methods_that_make_no_sense(method: str, steps: int | None, hint: str) -> None:
    with pytest.raises(UsageError, match=hint):
        attribute(frame(), method=method, steps=steps)


@pytest.mark.parametrize("steps", [1, 1_000_000])
def test_the_fewest_and_the_most_steps_are_taken(steps: int) -> None:
    assert check_method(INDICATORS["heat"], "quadrature", steps) == ("quadrature", steps)


# --- results -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_result_can_be_recomputed_by_hand(name: str) -> None:
    data = frame()
    result = attribute(data, name, cutoffs=(2, 20))
    expected = dict(zip(data["did"], naive.closed_form(name, rows(data)), strict=True))
    tiers = naive.tiers(list(data.select("did", "followers", "a").iter_rows()), (2, 20))
    agents = result.agents.to_dicts()
    assert [agent["did"] for agent in agents] == [
        did for did, _ in sorted(expected.items(), key=lambda e: (-e[1], e[0]))
    ] or name in {"var", "gini", "lin"}  # near ties may be sorted by their last bit
    assert len(agents) == result.n_agents == 300
    size = max(map(abs, expected.values()))
    for agent in agents:
        assert agent["value"] == pytest.approx(expected[agent["did"]], rel=1e-11, abs=1e-13 * size)
        assert agent["tier"] == ("top", "middle", "tail")[tiers[agent["did"]]]
        assert agent["share"] == pytest.approx(agent["value"] / result.total, rel=1e-12)
    assert [tier.tier for tier in result.tiers] == ["top", "middle", "tail"]
    assert [tier.agents for tier in result.tiers] == [6, 54, 240]
    magnitude = math.fsum(map(abs, expected.values()))
    for k, tier in enumerate(result.tiers):
        inside = [value for did, value in expected.items() if tiers[did] == k]
        assert tier.value == pytest.approx(math.fsum(inside), rel=1e-11)
        assert tier.share == pytest.approx(math.fsum(inside) / result.total, rel=1e-11)
        assert tier.abs_share == pytest.approx(math.fsum(map(abs, inside)) / magnitude, rel=1e-11)
    assert result.total == pytest.approx(math.fsum(expected.values()), rel=1e-11)
    assert result.attributed == pytest.approx(result.total, rel=1e-12)
    assert result.means == pytest.approx([math.fsum(data[k]) / 300 for k in "abc"], rel=1e-15)
    assert result.moment == pytest.approx(math.prod(result.means), rel=1e-15)
    assert (result.indicator, result.cutoffs) == (name, (2.0, 20.0))


def test_var_has_both_signs_and_absolute_shares_differ() -> None:
    result = attribute(frame().with_columns(pl.col("c").log1p()), "var")
    assert result.agents["value"].min() < 0 < result.agents["value"].max()  # type: ignore[operator]  # polars types min as any literal
    assert math.fsum(tier.abs_share for tier in result.tiers) == pytest.approx(1)
    assert any(abs(tier.abs_share - tier.share) > 0.01 for tier in result.tiers)


def test_agents_are_sorted_by_value_and_then_by_did() -> None:
    data = frame()
    agents = attribute(data, "heat").agents
    keys = list(zip((-agents["value"]).to_list(), agents["did"].to_list(), strict=True))
    assert keys == sorted(keys)
    assert agents["value"].n_unique() < agents.height  # there are ties
    assert agents.columns == ["did", "tier", "a", "b", "c", "value", "share"]
    assert agents.schema["tier"] == pl.Enum(["top", "middle", "tail"])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", ["closed form", "quadrature"])
def test_the_order_of_rows_changes_no_bit(name: str, method: str) -> None:
    data = frame()
    expected = attribute(data, name, method=method)
    for seed in range(3):
        shuffled = data.sample(fraction=1, shuffle=True, seed=seed)
        assert shuffled["did"].to_list() != data["did"].to_list()
        again = attribute(shuffled, name, method=method)
        assert (again.total, again.tiers, again.means) == (
            expected.total,
            expected.tiers,
            expected.means,
        )
        assert again.agents.equals(expected.agents)


def test_tiers_by_b_where_followers_are_not_known() -> None:
    data = frame().drop("followers", "activity")
    expected = naive.tiers(list(data.select("did", "b", "a").iter_rows()), (1, 10))
    agents = attribute(data).agents
    names = ("top", "middle", "tail")
    assert {a["did"]: a["tier"] for a in agents.to_dicts()} == {
        did: names[k] for did, k in expected.items()
    }


def test_tiers_by_followers_where_they_disagree_with_b() -> None:
    data = frame().with_columns(b=pl.col("b").max() - pl.col("b"))
    top = attribute(data).agents.filter(pl.col("tier") == "top")["did"]
    most = data.sort("followers", descending=True)["did"].head(3)
    assert sorted(top) == sorted(most)


@pytest.mark.parametrize("cutoffs", [(5.0,), (1.0, 10.0, 50.0)])
def test_other_numbers_of_tiers(cutoffs: tuple[float, ...]) -> None:
    result = attribute(frame(), cutoffs=cutoffs)
    assert len(result.tiers) == len(cutoffs) + 1
    assert sum(tier.agents for tier in result.tiers) == 300
    assert math.fsum(tier.share for tier in result.tiers) == pytest.approx(1)


def test_one_agent_is_the_top_and_has_everything() -> None:
    data = pl.DataFrame({"did": ["x"], "a": [1], "b": [2], "c": [3]})
    result = attribute(data, "heat")
    assert [(tier.agents, tier.share) for tier in result.tiers] == [(1, 1), (0, 0), (0, 0)]


def test_provenance_is_carried() -> None:
    given_ = Provenance(source="here", notes=("a note",))
    assert attribute(frame(), provenance=given_).provenance is given_
    assert attribute(frame()).provenance == Provenance(source="in memory")


@pytest.mark.parametrize(
    ("name", "a", "b", "hint"),
    [
        ("heat", [1.0, 2.0], [0.0, 0.0], "'heat' is 0 .*: b is 0 for every agent"),
        ("lin", [0.0, 0.0], [0.0, 0.0], "aggregate of the features is 0 for every agent"),
        ("var", [2.0, 2.0], [1.0, 1.0], "is the same for every agent"),
        ("gini", [2.0, 1.0], [1.0, 2.0], "is the same for every agent"),
    ],
)
@pytest.mark.parametrize("method", ["closed form", "quadrature"])
def test_zero_totals_say_why(
    name: str, a: list[float], b: list[float], hint: str, method: str
) -> None:
    data = pl.DataFrame({"did": ["x", "y"], "a": a, "b": b, "c": [a[0] and 0.3] * 2})
    with pytest.raises(ZeroTotalError, match=hint):
        attribute(data, name, method=method)


@pytest.mark.parametrize("n", range(2, 40))
def test_rounding_is_not_taken_for_variance(n: int) -> None:
    """F is a difference of moments; agents here differ by their last bit."""
    a = 0.7 + np.random.default_rng(n).integers(0, 2, n) * 2.0**-53
    data = pl.DataFrame({"did": list(map(str, range(n))), "a": a, "b": 0.7, "c": 0.3})
    only_a = Aggregator("mean", (1.0, 0.0, 0.0))
    with pytest.raises(ZeroTotalError, match="same for every agent"):
        attribute(data, "var", method="quadrature", aggregator=only_a)


def test_raw_counts_weigh_samples_where_they_are_known() -> None:
    data = frame().sort("did")
    panel = Panel.of(data)
    assert panel.followers.tolist() == data["followers"].to_list()
    assert panel.activity.tolist() == data["activity"].to_list()
    bare = Panel.of(data.drop("followers", "activity"))
    assert bare.followers.tolist() == data["b"].to_list()
    assert bare.activity.tolist() == data["a"].to_list()


# --- checking ------------------------------------------------------------------------------------


def one(**columns: Any) -> dict[str, list[Any]]:
    return {"did": ["x", "y"], "a": [1, 2], "b": [1, 2], "c": [1, 2], **columns}


@pytest.mark.parametrize(
    ("columns", "hint"),
    [
        ({"a": [1.0, math.nan]}, r"agent 'y': column 'a' is nan, not a finite number"),
        ({"b": [math.inf, 1.0]}, r"agent 'x': column 'b' is inf, not a finite"),
        ({"c": [1.0, -0.5]}, r"agent 'y': column 'c' is -0.5, less than 0"),
        ({"a": [None, 1.0]}, r"agent 'x': column 'a' has no value"),
        ({"a": ["many", "2"]}, r"agent 'x': column 'a' is 'many', which is not a number"),
        ({"a": ["1", "many"]}, r"agent 'y': column 'a' is 'many', which is not a number"),
        ({"a": [1, "many"]}, r"agent 'y': column 'a' is 'many', which is not a number"),
        ({"a": ["1", "-2"]}, r"agent 'y': column 'a' is -2, less than 0 \(row 2\)"),
        ({"a": ["1", "1e400"]}, r"agent 'y': column 'a' is 1e400, not a finite number"),
        ({"a": ["1", ""]}, r"agent 'y': column 'a' is '', which is not a number"),
        ({"a": [1, True]}, r"agent 'y': column 'a' is 'True', which is not a number"),
        ({"a": [1, date(2026, 5, 1)]}, r"agent 'y': column 'a' is '2026-05-01', which is not"),
        ({"a": [1]}, r"the columns of the features differ in length: 'did' has 2, 'a' has 1"),
        ({"a": 1}, r"the features are not a table: a column is not a list"),
        ({"a": [1, [2]]}, r"agent 'y': column 'a' is '\[2\]', which is not a number \(row 2\)"),
        ({"a": [[1], [2]]}, r"agent 'x': column 'a' is '\[1\]', which is not a number"),
        ({"a": [True, False]}, r"column 'a' is True, which is not a number \(row 1, and 1 more"),
        ({"a": [None, None]}, r"column 'a' has no value \(row 1, and 1 more agent\)"),
        ({"a": [1e91, 1.0]}, r"agent 'x': column 'a' is 1e\+91, outside"),
        ({"a": [1.0, 1e-91]}, r"agent 'y': column 'a' is 1e-91, outside"),
        ({"followers": [1, -1]}, r"agent 'y': column 'followers' is -1, less than 0"),
        ({"activity": [1, None]}, r"agent 'y': column 'activity' has no value"),
        ({"did": ["x", "x"]}, r"agent 'x' occurs more than once"),
        ({"did": ["x", None]}, r"^row 2 has no did"),
        ({"did": ["x", ""]}, r"^row 2 has no did"),
        ({"did": [1.5, 2.5]}, r"not numbers with fractions such as 1.5"),
        ({"did": [True, False]}, r"not true and false such as True"),
        ({"did": [date(2026, 5, 1)] * 2}, r"not dates or times such as '2026-05-01'"),
        ({" a": [1, 2]}, r"the columns 'a' and ' a' could each be a"),
        ({"B": [1, 2]}, r"the columns 'b' and 'B' could each be b: name the one .* as b=B"),
    ],
)
def test_features_that_make_no_sense(columns: dict[str, list[Any]], hint: str) -> None:
    with pytest.raises(FeatureError, match=hint):
        check_features(one(**columns))


def test_hostile_names_are_harmless_in_messages() -> None:
    bad = one(did=["\x1b[31mred\u202e\n", "y"], a=[-1, -2])
    with pytest.raises(FeatureError) as raised:
        check_features(bad)
    assert str(raised.value).isprintable()
    assert "\\x1b[31mred\\u202e\\n" in str(raised.value)
    with pytest.raises(FeatureError) as raised:
        check_features(one(did=["z" * 10_000, "y"], a=[-1, 1]))
    assert len(str(raised.value)) < 300


def test_missing_columns_are_named() -> None:
    with pytest.raises(FeatureError, match=r"no column did \(or agent\), c; they have 'a', 'b'"):
        check_features({"a": [1], "b": [2]})


def test_an_empty_panel() -> None:
    with pytest.raises(EmptyPanelError):
        attribute(frame().head(0))


@pytest.mark.parametrize("thing", [3, None, [1, 2], "features.csv"])
def test_what_is_not_a_frame(thing: object) -> None:
    with pytest.raises(UsageError, match="table"):
        check_features(thing)


def test_every_kind_of_table_is_read() -> None:
    class Exporter:
        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return pa.table(one()).__arrow_c_stream__(requested_schema)

    expected = check_features(one())
    for table in (pl.DataFrame(one()), pl.LazyFrame(one()), pa.table(one()), Exporter()):
        assert check_features(table).equals(expected)
    agents = {"agent" if k == "did" else k: v for k, v in one().items()}
    assert check_features(agents).equals(expected)
    assert check_features(one(did=[7, 8]))["did"].to_list() == ["7", "8"]


def test_canonical_form() -> None:
    checked = check_features(one(did=["b", "a"], a=[-0.0, 5], extra=["p", "q"], followers=[3, 4]))
    assert checked.schema == {
        "did": pl.String,
        "a": pl.Float64,
        "b": pl.Float64,
        "c": pl.Float64,
        "followers": pl.Float64,
    }
    assert checked.rows() == [("a", 5.0, 2.0, 2.0, 4.0), ("b", 0.0, 1.0, 1.0, 3.0)]
    assert math.copysign(1, checked["a"][1]) == 1


@LAWS
@given(
    st.lists(st.tuples(*[st.just(0.0) | st.floats(1e-90, 1e90)] * 3), min_size=1, max_size=8),
    st.sampled_from(NAMES),
    st.sampled_from([("closed form", None), ("quadrature", 3)]),
)
def test_whatever_is_accepted_gives_finite_numbers(
    features: list[tuple[float, float, float]], name: str, how: tuple[str, int | None]
) -> None:
    a, b, c = zip(*features, strict=True)
    data = {"did": [str(i) for i in range(len(a))], "a": a, "b": b, "c": c}
    try:
        result = attribute(data, name, method=how[0], steps=how[1])
    except ZeroTotalError:
        return
    numbers = [result.total, result.attributed, result.moment, *result.means]
    numbers += [x for tier in result.tiers for x in (tier.value, tier.share, tier.abs_share)]
    assert all(map(math.isfinite, numbers))
    assert result.agents["value"].is_finite().all()
    assert result.agents["share"].is_finite().all()
