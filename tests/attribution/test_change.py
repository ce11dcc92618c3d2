"""Changes: each agent's part is the integral of its slope, and the parts sum to the change."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.attribution.attribute import attribute
from blueattr.attribution.change.change import change
from blueattr.attribution.change.result import KINDS, ChangeResult
from blueattr.attribution.groups.partition import Labels
from blueattr.attribution.integrals import integrate
from blueattr.errors import (
    EmptyPanelError,
    NoAnswerError,
    NobodyInvolvedError,
    ZeroTotalError,
)
from blueattr.indicators.base import Aggregator, Indicator
from blueattr.indicators.builtin import INDICATORS
from blueattr.indicators.custom import own_indicator
from blueattr.kernels import FloatArray
from support.effort import law

FOUR = ("lin", "heat", "var", "gini")
Row = tuple[float, float, float]
Rows = dict[str, Row]


class Product:
    """An own indicator of two statistics, without a gradient."""

    names = ("ab", "c")
    name = "product"

    def statistics(self, a: FloatArray, b: FloatArray, c: FloatArray) -> FloatArray:
        return np.column_stack([a * b, c])

    def value(self, means: FloatArray) -> float:
        return means[0] * means[1] / (1 + means[1]) + np.sin(means[0])  # type: ignore[no-any-return]


OWN = own_indicator(Product())
EACH: tuple[str | Indicator, ...] = (*FOUR, "hill", OWN)


def frame(rows: Rows, **more: Sequence[float]) -> pl.DataFrame:
    columns = dict(zip("abc", zip(*rows.values(), strict=True), strict=True))
    return pl.DataFrame({"did": [*rows], **columns, **more})


def drawn(n: int, first: int, seed: int, *, raw: bool = False) -> Rows:
    rng = np.random.default_rng(seed)
    counts = rng.poisson((1.5, 4.0, 0.8), (n, 3)).astype(float)
    values = counts if raw else np.log1p(counts)
    return {f"d{first + k:03}": tuple(row) for k, row in enumerate(values.tolist())}


def by_did(result: ChangeResult) -> dict[str, dict[str, Any]]:
    return {row["did"]: row for row in result.agents.iter_rows(named=True)}


def name_of(indicator: str | Indicator) -> str:
    return indicator if isinstance(indicator, str) else indicator.name


# --- the definition -------------------------------------------------------------------------------


def functional(
    indicator: str | Indicator, rows: Sequence[Row]
) -> Callable[[FloatArray], FloatArray]:
    """The indicator of agents with masses, float64 (T, N): their means, or mean distances."""
    x = np.array(rows)
    s = x.mean(axis=1)
    if indicator == "gini":
        distances = np.abs(s[:, None] - s)
        return lambda masses: ((masses @ distances) * masses).sum(axis=1) / 2 / (masses @ s)
    if indicator == "lin":
        return lambda masses: masses @ s
    if indicator == "var":
        return lambda masses: masses @ (s * s) - (masses @ s) ** 2
    if indicator == "heat":
        return lambda masses: np.log1p((masses @ x).prod(axis=1))
    if indicator == "hill":
        return lambda masses: ((masses @ x) ** 2 / (1 + (masses @ x) ** 2)).mean(axis=1)
    g = np.column_stack([x[:, 0] * x[:, 1], x[:, 2]])
    return lambda masses: np.array([Product().value(m) for m in masses @ g])


def twin(indicator: str | Indicator, before: Rows, after: Rows) -> dict[str, float]:
    """φ by the definition: mass goes to each agent from one who is silent, along the line.

    The slope of each is a difference quotient, and the integral Simpson's rule.
    """
    rows = [(0.0, 0.0, 0.0), *before.values(), *after.values()]
    value = functional(indicator, rows)
    t = np.linspace(0, 1, 401)[:, None]
    simpson = np.array([1, *[4, 2] * 199, 4, 1]) / 1200
    n0, n1 = len(before), len(after)
    masses = np.hstack([0 * t, (1 - t) / n0 + np.zeros(n0), t / n1 + np.zeros(n1)])
    step = 1e-5
    phi = dict.fromkeys([*before, *after], 0.0)
    signs = [(did, -1 / n0) for did in before] + [(did, 1 / n1) for did in after]
    for k, (did, sign) in enumerate(signs, 1):
        moved = np.zeros_like(masses)
        moved[:, k], moved[:, 0] = step, -step
        slope = (value(masses + moved) - value(masses - moved)) / (2 * step)
        phi[did] += sign * float(simpson @ slope)
    return phi


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("indicator", EACH, ids=name_of)
def test_each_part_is_the_integral_of_the_slope_of_its_mass(
    indicator: str | Indicator, raw: bool
) -> None:
    before, after = drawn(31, 0, 5, raw=raw), drawn(19, 12, 6, raw=raw)
    result, expected = (
        change(frame(before), frame(after), indicator),
        twin(indicator, before, after),
    )
    ours = by_did(result)
    assert ours.keys() == expected.keys()
    assert len(ours) == 31
    largest = max(map(abs, expected.values()))
    for did, phi in expected.items():
        assert ours[did]["value"] + ours[did]["size"] == pytest.approx(phi, abs=1e-6 * largest)


# --- laws -----------------------------------------------------------------------------------------

count = st.integers(0, 6).map(float)
row = st.tuples(count, count, count)
window = st.dictionaries(st.sampled_from([f"d{k}" for k in range(12)]), row, min_size=1, max_size=9)
how = st.sampled_from(EACH)
aggregators = st.sampled_from([
    Aggregator(), Aggregator("log", (0.5, 0.5, 0.0)), Aggregator("geometric", (0.2, 0.3, 0.5))
])  # fmt: skip


@pytest.mark.slow
@law(150)
@given(window, window, how, aggregators, st.sampled_from(["active", "involved"]))
def test_kinds_and_tiers_sum_with_the_size_to_the_change(
    before: Rows, after: Rows, indicator: Any, aggregator: Aggregator, panel: str
) -> None:
    one: dict[str, Any] = {"aggregator": aggregator, "panel": panel}
    try:
        result = change(frame(before), frame(after), indicator, cutoffs=(10, 40), **one)
    except (ZeroTotalError, NobodyInvolvedError):
        return
    for total, rows in ((result.before.total, before), (result.after.total, after)):
        try:
            assert total == attribute(frame(rows), indicator, **one).total
        except ZeroTotalError:
            assert total == pytest.approx(0, abs=1e-15)
    assert result.change == result.after.total - result.before.total
    larger = max(abs(result.before.total), abs(result.after.total))
    slack = (1e-9 if indicator == "gini" else 1e-12) * larger
    for parts in (result.kinds, result.tiers):
        total = math.fsum([*(part.value for part in parts), result.size])
        assert total == pytest.approx(result.change, rel=0, abs=slack)
        assert sum(part.agents for part in parts) == result.n_agents
    phi = (result.agents["value"] + result.agents["size"]).to_list()
    assert math.fsum(phi) == pytest.approx(result.change, rel=0, abs=slack)
    assert result.movement == pytest.approx(math.fsum(map(abs, phi)), rel=1e-12, abs=1e-300)
    if result.movement_ratio is not None:
        assert result.movement_ratio >= 1 - 1e-9
        shares = [part.share for part in result.kinds]
        assert math.fsum(filter(None, shares)) == pytest.approx(1 - result.size / result.change)


@pytest.mark.slow
@law(60)
@given(window, window, how)
def test_the_windows_the_other_way_round_negate_every_part(
    before: Rows, after: Rows, indicator: Any
) -> None:
    try:
        one = change(frame(before), frame(after), indicator)
        other = change(frame(after), frame(before), indicator)
    except ZeroTotalError:
        return
    assert one.change == -other.change
    slack = 1e-13 * max(one.movement, abs(one.before.total), abs(one.after.total))
    back, names = (
        by_did(other),
        dict(zip(KINDS, ("left", "entered", "lowered", "raised", "same"), strict=True)),
    )
    for did, row in by_did(one).items():
        assert row["value"] == pytest.approx(-back[did]["value"], rel=0, abs=slack)
        assert row["size"] == pytest.approx(-back[did]["size"], rel=0, abs=slack)
        if abs(row["value"]) > slack:
            assert names[row["kind"]] == back[did]["kind"]


@pytest.mark.slow
@law(60)
@given(
    window,
    st.sampled_from(["lin", "heat", "var", "hill", "entropy", "threshold"]),
    st.integers(1, 5),
)
def test_from_silence_the_parts_are_the_values_of_an_attribution(
    after: Rows, indicator: str, others: int
) -> None:
    """Of any number of silent agents: what is 0 has no part in it."""
    before = {f"d{k}": (0.0, 0.0, 0.0) for k in range(others)}
    try:
        values = attribute(frame(after), indicator).agents
    except ZeroTotalError:
        return
    ours = by_did(change(frame(before), frame(after), indicator))
    for did, value in values.select("did", "value").iter_rows():
        phi = ours[did]["value"] + ours[did]["size"]
        assert phi == pytest.approx(value, rel=1e-11, abs=1e-14)


@law(40)
@given(window, how)
def test_where_nothing_changes_nobody_has_a_part(rows: Rows, indicator: Any) -> None:
    try:
        result = change(frame(rows), frame(rows), indicator)
    except ZeroTotalError:
        return
    assert (result.change, result.size, result.movement, result.movement_ratio) == (0, 0, 0, None)
    assert set(result.agents["kind"]) == {"same"}
    assert set(result.agents["value"]) == {0.0}
    assert result.undefined
    assert result.agents["share"].null_count() == result.n_agents
    assert [part.share for part in (*result.kinds, *result.tiers)] == [None] * 8


@pytest.mark.slow
@law(40)
@given(window, window, how, st.randoms())
def test_the_order_of_rows_changes_no_bit(
    before: Rows, after: Rows, indicator: Any, random: Any
) -> None:
    def shuffled(rows: Rows) -> Rows:
        dids = [*rows]
        random.shuffle(dids)
        return {did: rows[did] for did in dids}

    try:
        one = change(frame(before), frame(after), indicator)
    except ZeroTotalError:
        return
    other = change(frame(shuffled(before)), frame(shuffled(after)), indicator)
    assert one.agents.equals(other.agents)
    assert replace(one, agents=None) == replace(other, agents=None)  # type: ignore[arg-type]


# --- who came, who went, and tiers ----------------------------------------------------------------


def test_kinds_go_by_the_panel_and_then_by_the_sign() -> None:
    before = frame({"gone": (2, 0, 0), "more": (1, 0, 0), "less": (3, 0, 0), "same": (1, 1, 0)})
    after = frame({"new": (4, 0, 0), "more": (5, 0, 0), "less": (0, 0, 0), "same": (1, 1, 0)})
    result = change(before, after, "lin")
    kinds = dict(result.agents.select("did", "kind").iter_rows())
    assert kinds == {
        "gone": "left", "new": "entered", "more": "raised", "less": "lowered", "same": "same"
    }  # fmt: skip
    assert [part.name for part in result.kinds] == list(KINDS)
    assert [part.agents for part in result.kinds] == [1, 1, 1, 1, 1]
    assert [part.agents_involved for part in result.kinds] == [1, 1, 1, 1, 1]
    # Of four agents each way: s / 4, with s the mean of three features.
    expected = [4 / 12, -2 / 12, 4 / 12, -3 / 12, 0]
    assert [part.value for part in result.kinds] == pytest.approx(expected, abs=1e-15)
    assert result.size == 0
    # By magnitude; of equal ones by name.
    assert result.agents["did"].to_list() == ["more", "new", "less", "gone", "same"]


def test_under_var_more_activity_can_lower() -> None:
    before = {"x": (0.0, 0.0, 0.0), "y": (9.0, 9.0, 9.0), "z": (8.0, 8.0, 8.0)}
    result = change(frame(before), frame(before | {"x": (3.0, 3.0, 3.0)}), "var")
    assert by_did(result)["x"]["kind"] == "lowered"


def test_of_those_involved_one_can_enter_and_stay_active() -> None:
    before = frame({"x": (1, 1, 1), "y": (0, 5, 0), "z": (0, 3, 1)})
    after = frame({"x": (1, 1, 1), "y": (2, 5, 0), "z": (0, 3, 0)})
    result = change(before, after, panel="involved")
    kinds = dict(result.agents.select("did", "kind").iter_rows())
    assert (kinds["y"], kinds["z"]) == ("entered", "left")
    assert (result.before.n_agents, result.after.n_agents, result.n_agents) == (2, 2, 3)
    everyone = change(before, after)
    assert set(everyone.agents["kind"]) <= {"raised", "lowered", "same"}
    assert everyone.before.n_involved == everyone.after.n_involved == 2


def test_an_agent_has_one_tier_by_its_followers_after_or_else_before() -> None:
    dids = [f"d{k}" for k in range(9)]
    rows = dict.fromkeys(dids, (1.0, 1.0, 1.0))
    before = frame({**rows, "gone": (1.0, 1.0, 1.0)}, followers=[*range(9), 100])
    after = frame({**rows, "new": (1.0, 1.0, 1.0)}, followers=[50, *range(8), 40])
    result = change(before, after, "lin", cutoffs=(10, 30))
    tiers = dict(result.agents.select("did", "tier").iter_rows())
    assert [did for did, tier in tiers.items() if tier == "top"] == ["gone"]
    # Of 11 agents round(3.3) = 3 are in the upper two; d0 had no followers before.
    assert {did for did, tier in tiers.items() if tier == "middle"} == {"d0", "new"}
    assert [part.agents for part in result.tiers] == [1, 2, 8]
    # Those involved keep the tier that they have among all.
    quiet = after.with_columns(
        a=pl.when(pl.col("did") == "new").then(0.0).otherwise("a"),
        c=pl.when(pl.col("did") == "new").then(0.0).otherwise("c"),
    )
    involved = change(before, quiet, "lin", cutoffs=(10, 30), panel="involved")
    theirs = dict(involved.agents.select("did", "tier").iter_rows())
    assert theirs == {did: tier for did, tier in tiers.items() if did != "new"}


# --- numbers that are hard ------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1e3, 1e5, 1e8, 1e40])
def test_a_feature_that_rises_from_0_on_the_raw_scale(size: float) -> None:
    before = frame({"x": (0.0, size, size), "y": (0.0, 3.0, 2.0)})
    after = frame({"x": (7.0, size, size), "z": (size, 1.0, 0.0)})
    result = change(before, after)
    assert (result.before.total, result.after.total > 10) == (0, True)
    parts = math.fsum([*(part.value for part in result.kinds), result.size])
    assert parts == pytest.approx(result.change, rel=1e-12)
    assert result.nodes is not None
    assert result.nodes > 960


@pytest.mark.parametrize("near", [1e-8, 1e-30, 1e-100])
def test_panels_that_halve_reach_a_pole_beside_each_end(near: float) -> None:
    done = integrate(lambda rest, t: np.array([1 / (t + near), 1 / (rest + near), 1.0]), np.ones(3))
    expected = math.log1p(1 / near)
    assert done.values.tolist() == pytest.approx([expected, expected, 1.0], rel=1e-13)


def test_nodes_are_doubled_as_far_as_needed() -> None:
    smooth = integrate(lambda _, t: np.array([t**3]), np.ones(1))
    assert (smooth.values[0], smooth.nodes) == (pytest.approx(0.25, rel=1e-15), 32)
    bent = integrate(lambda _, t: np.array([1 / (t + 0.01)]), np.ones(1))
    assert (bent.values[0], bent.nodes) == (pytest.approx(math.log(101), rel=1e-13), 256)


def test_what_is_not_the_gradient_of_the_indicator_is_refused() -> None:
    heat: Any = INDICATORS["heat"]
    wrong: Any = replace(heat, gradient=lambda m: heat.gradient(m) * (1 + 1e-7))
    before, after = frame(drawn(20, 0, 1)), frame(drawn(20, 5, 2))
    with pytest.raises(NoAnswerError, match="the parts of 'heat' sum to"):
        change(before, after, wrong)
    nearly: Any = replace(heat, gradient=lambda m: heat.gradient(m) * (1 + 1e-12))
    assert change(before, after, nearly).nodes == 32


def test_a_change_far_below_the_movement_has_no_shares() -> None:
    before = frame({"x": (1.0, 0.0, 0.0), "y": (2.0, 0.0, 0.0)})
    after = frame({"x": (2.0 + 1e-7, 0.0, 0.0), "y": (1.0, 0.0, 0.0)})
    result = change(before, after, "lin")
    assert result.change > 0
    assert "no more than a millionth" in result.undefined
    more = change(before, after.with_columns(a=pl.col("a") * (1 + 1e-5)), "lin")
    assert more.undefined == ""
    assert more.movement_ratio == pytest.approx(more.movement / more.change)
    assert more.movement / more.change > 1e4


# --- refusals -------------------------------------------------------------------------------------


def test_windows_without_an_answer_are_refused_and_named() -> None:
    nobody = pl.DataFrame(
        schema={"did": pl.String, "a": pl.Float64, "b": pl.Float64, "c": pl.Float64}
    )
    some, quiet = frame({"x": (1, 1, 1), "y": (0, 1, 2)}), frame({"x": (0, 2, 0), "z": (0, 0, 0)})
    silent = frame({"x": (0, 0, 0)})
    with pytest.raises(EmptyPanelError, match="the window before has no agents"):
        change(nobody, some)
    with pytest.raises(EmptyPanelError, match="the window after has no agents"):
        change(some, nobody)
    with pytest.raises(NobodyInvolvedError, match="in the window before, no agent"):
        change(quiet, some, panel="involved")
    with pytest.raises(ZeroTotalError, match=r"0 in both windows.*a and c are 0 for every agent"):
        change(quiet, quiet)
    with pytest.raises(ZeroTotalError, match="no value in the window before"):
        change(silent, frame({"x": (1, 1, 1), "y": (0, 1, 3)}), "gini")
    # One window may have nothing of the topic.
    assert change(quiet, some).before.total == 0


# --- groups ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("indicator", [*FOUR, "hill"])
@pytest.mark.parametrize("panel", ["active", "involved"])
def test_groups_sum_with_the_size_to_the_change_and_are_those_of_the_window_after(
    indicator: str, panel: str
) -> None:
    rows = (drawn(60, 0, 1), drawn(70, 20, 2))
    of = [
        {did: None if k % 7 == 0 else f"g{(k + which) % 4}" for k, did in enumerate(one)}
        for which, one in enumerate(rows)
    ]
    labels = tuple(
        Labels.of("list", pl.Series([names[did] for did in sorted(names)], dtype=pl.String))
        for names in of
    )
    result = change(
        frame(rows[0]), frame(rows[1]), indicator, panel=panel, groups=(labels[0], labels[1])
    )
    assert result.by == "list"
    total = math.fsum(part.value for part in result.groups) + result.size
    allowed = 1e-9 * max(result.before.total, result.after.total)
    assert total == pytest.approx(result.change, abs=allowed)
    expected: dict[str, list[float]] = {}
    for did, row in by_did(result).items():
        name = of[1][did] if did in of[1] and inside(result, rows, did, panel) else of[0].get(did)
        expected.setdefault(name or "unknown", []).append(row["value"])
    agents = {part.name: part.agents for part in result.groups}
    assert len(agents) == 5
    assert agents == {name: len(values) for name, values in expected.items()}
    sums = {name: math.fsum(values) for name, values in expected.items()}
    assert {part.name: part.value for part in result.groups} == pytest.approx(sums, abs=1e-12)


def inside(result: ChangeResult, rows: Sequence[Rows], did: str, panel: str) -> bool:
    """Whether an agent is asked about in the window after."""
    a, _, c = rows[1][did]
    return panel == "active" or a > 0 or c > 0


def test_more_than_sixteen_groups_of_a_change_are_joined_and_named() -> None:
    rows = drawn(60, 0, 1)
    names = pl.Series([f"g{k % 20:02}" for k in range(60)])
    labels = Labels.of("list", names)
    result = change(frame(rows), frame(drawn(60, 0, 2)), "lin", groups=(labels, labels))
    assert len(result.groups) == 16
    assert result.groups[-1].name == "others"
    assert result.joined == tuple(f"g{k:02}" for k in range(15, 20))
    assert result.groups[-1].agents == 15
