"""Closed forms against the definition: every coalition, a plain twin, and the axioms."""

import math
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.attribution.value import solve
from blueattr.errors import UsageError
from blueattr.indicators.base import (
    Aggregator,
    AggregatorName,
    FeatureArrays,
    MomentIndicator,
    Solution,
)
from blueattr.indicators.builtin import INDICATORS, get_indicator
from support import naive
from support.effort import law

LAWS = law(80)


NAMES = tuple(INDICATORS)
AGGREGATORS = [Aggregator(name) for name in get_args(AggregatorName)]


feature = st.sampled_from([0.0, 0.0, 1.0, 2.5]) | st.floats(1e-3, 1e3)
agents = st.tuples(feature, feature, feature)
panels = st.lists(agents, min_size=1, max_size=30)


def arrays(panel: naive.Features) -> FeatureArrays:
    a, b, c = np.array(panel, np.float64).reshape(-1, 3).T
    return FeatureArrays(a.copy(), b.copy(), c.copy())


def closed(name: str, panel: naive.Features, aggregator: Aggregator | None = None) -> Solution:
    return solve(INDICATORS[name], arrays(panel), aggregator or Aggregator())


def random_panel(n: int, seed: int) -> list[tuple[float, float, float]]:
    rng = np.random.default_rng(seed)
    x = rng.lognormal(size=(n, 3)) * (rng.random((n, 3)) < 0.7)
    x[1] = x[0]
    x[2] = 0
    return [(a, b, c) for a, b, c in x.tolist()]


def test_there_are_the_four() -> None:
    assert NAMES == ("lin", "heat", "var", "gini")
    assert [get_indicator(name).name for name in NAMES] == list(NAMES)


@pytest.mark.parametrize(
    ("name", "hint"), [("hate", "'heat'"), ("gin", "'gini'"), ("zz", "lin, h")]
)
def test_another_name_is_an_error_with_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(UsageError, match=hint):
        get_indicator(name)


@pytest.mark.parametrize("name", ["lin", "var", "gini"])
@pytest.mark.parametrize("n", [3, 5, 8, 12])
def test_closed_form_is_the_exact_shapley_value(name: str, n: int) -> None:
    panel = random_panel(n, seed=n)
    expected = naive.exact_shapley(naive.coalition_value(name, panel), n)
    assert any(expected)
    np.testing.assert_allclose(closed(name, panel).values, expected, rtol=1e-11, atol=1e-15)


def test_heat_comes_closer_to_the_shapley_value_as_agents_grow_in_number() -> None:
    kinds = [(3.0, 0.2, 1.0), (0.5, 2.0, 0.1), (0.1, 1.0, 2.0)]
    gaps = []
    for n in (3, 6, 12):
        panel = [kinds[i % 3] for i in range(n)]
        exact = np.array(naive.exact_shapley(naive.coalition_value("heat", panel), n))
        gaps.append(np.abs(closed("heat", panel).values - exact).sum() / exact.sum())
    assert gaps[0] > 1e-3
    assert gaps[1] < 0.6 * gaps[0]
    assert gaps[2] < 0.6 * gaps[1]


@pytest.mark.few(2)
@pytest.mark.parametrize("name", NAMES)
@LAWS
@given(panel=panels)
def test_closed_form_equals_its_plain_twin(name: str, panel: naive.Features) -> None:
    if not any(map(any, panel)):
        panel = [*panel, (1.0, 2.0, 3.0)]
    expected = naive.closed_form(name, panel)
    scale = max(map(abs, expected))
    # Where all agents are nearly equal, little but the rounding of s is left of its differences.
    largest = max(map(sum, panel)) / 3
    rounding = 4 * np.finfo(float).eps * {"gini": 1.0, "var": largest * largest}.get(name, 0.0)
    np.testing.assert_allclose(
        closed(name, panel).values, expected, rtol=1e-10, atol=max(1e-10 * scale, rounding, 1e-300)
    )


@pytest.mark.few(2)
@pytest.mark.parametrize("aggregator", AGGREGATORS, ids=lambda a: a.name)
@pytest.mark.parametrize("name", NAMES)
@LAWS
@given(panel=panels)
def test_efficiency(name: str, aggregator: Aggregator, panel: naive.Features) -> None:
    values, total = closed(name, panel, aggregator)
    size = math.fsum(np.abs(values))
    assert math.fsum(values) == pytest.approx(total, rel=1e-12, abs=1e-13 * size)


@pytest.mark.few(2)
@pytest.mark.parametrize("name", NAMES)
@LAWS
@given(panel=panels)
def test_total_is_the_indicator_at_full_participation(name: str, panel: naive.Features) -> None:
    if not any(map(any, panel)):
        panel = [*panel, (1.0, 2.0, 3.0)]
    expected = naive.coalition_value(name, panel)([True] * len(panel))
    size = max(x for agent in panel for x in agent)
    noise = 1e-12 * size * size if name == "var" else 1e-14
    assert closed(name, panel).total == pytest.approx(expected, rel=1e-10, abs=noise)


@pytest.mark.few(2)
@pytest.mark.parametrize("aggregator", AGGREGATORS, ids=lambda a: a.name)
@pytest.mark.parametrize("name", NAMES)
@LAWS
@given(panel=panels, copies=st.integers(2, 40))
def test_symmetry_is_bit_equal_and_dummies_get_nothing(
    name: str, aggregator: Aggregator, panel: naive.Features, copies: int
) -> None:
    panel = [*panel, (0.0, 0.0, 0.0)] * copies
    values = closed(name, panel, aggregator).values.reshape(copies, -1)
    assert (values == values[0]).all()
    assert (values[:, -1] == 0).all()


@pytest.mark.few(2)
@pytest.mark.parametrize("name", NAMES)
@LAWS
@given(panel=st.lists(agents, min_size=1, max_size=60), seed=st.integers(0, 1000))
def test_the_order_of_agents_changes_no_bit(name: str, panel: naive.Features, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(panel))
    values, total = closed(name, panel)
    moved = closed(name, [panel[i] for i in order])
    assert moved.total == total
    assert moved.values.tobytes() == values[order].tobytes()


@LAWS
@given(panel=panels, alpha=st.floats(-3, 3), beta=st.floats(-3, 3), steps=st.integers(1, 40))
def test_linearity(panel: naive.Features, alpha: float, beta: float, steps: int) -> None:
    heat, lin = INDICATORS["heat"], INDICATORS["lin"]
    assert isinstance(heat, MomentIndicator)
    assert isinstance(lin, MomentIndicator)
    both = MomentIndicator(
        name="both",
        formula="alpha heat + beta lin",
        statistics=("a", "b", "c", "s"),
        measure=lambda f, g: (*heat.measure(f, g), *lin.measure(f, g)),
        value=lambda m: alpha * heat.value(m[:3]) + beta * lin.value(m[3:]),
        gradient=lambda m: np.concatenate(
            [alpha * heat.gradient(m[:3]), beta * lin.gradient(m[3:])]
        ),
    )
    x, aggregator = arrays(panel), Aggregator()
    parts = [solve(i, x, aggregator, steps).values for i in (heat, lin)]
    combined = solve(both, x, aggregator, steps).values
    size = abs(alpha) * np.abs(parts[0]) + abs(beta) * np.abs(parts[1])
    expected = alpha * parts[0] + beta * parts[1]
    assert (np.abs(combined - expected) <= 1e-13 * size + 1e-300).all()


@pytest.mark.parametrize("scale", [1e-12, 1e-6, 1e6, 1e12])
@pytest.mark.parametrize("name", NAMES)
def test_extreme_scales(name: str, scale: float) -> None:
    panel = [(a * scale, b * scale, c * scale) for a, b, c in random_panel(50, seed=1)]
    values, total = closed(name, panel)
    expected = naive.closed_form(name, panel)
    assert total > 0
    assert math.fsum(values) == pytest.approx(total, rel=1e-13)
    np.testing.assert_allclose(values, expected, rtol=1e-10, atol=1e-13 * max(map(abs, expected)))


@pytest.mark.parametrize("name", NAMES)
def test_both_extreme_scales_at_once(name: str) -> None:
    panel = [(1e-12, 1e12, 1e-12), (1e12, 1e-12, 1e-12), (1e-12, 1e-12, 1e12), (0.0, 0.0, 1.0)]
    values, total = closed(name, panel)
    np.testing.assert_allclose(values, naive.closed_form(name, panel), rtol=1e-13)
    assert math.fsum(values) == pytest.approx(total, rel=1e-13)


def test_var_of_near_equals_keeps_its_digits() -> None:
    """All s within a millionth of one another: the textbook formula would have four digits left."""
    s = 1 + 1e-6 * np.random.default_rng(0).random(10_000)
    values, total = solve(INDICATORS["var"], FeatureArrays(s, s, s), Aggregator("mean", (1, 0, 0)))
    assert total == pytest.approx(float(np.var(s - 1)), rel=1e-9)
    assert math.fsum(values) == pytest.approx(total, rel=1e-9)


def test_one_agent_with_everything_among_zeros() -> None:
    panel = [(0.0, 0.0, 0.0)] * 99_999 + [(3.0, 3.0, 3.0)]
    n = 100_000
    assert closed("gini", panel).values[-1] == pytest.approx(
        3 * (n - 1) / (n * n * 3 / n), rel=1e-15
    )
    assert closed("var", panel).values[-1] == pytest.approx(3 * (3 - 3 / n) / n, rel=1e-15)
    assert closed("lin", panel).values[-1] == pytest.approx(3 / n, rel=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_to_share_out_gives_zeros(name: str) -> None:
    for panel in ([(0.0, 0.0, 0.0)] * 5, [(0.1, 0.7, 0.0)] * 5):
        values, total = closed(name, panel)
        assert (total == 0) == (not values.any())
        assert np.isfinite(values).all()
    assert closed("heat", [(1.0, 2.0, 0.0), (3.0, 1.0, 0.0)]).total == 0
    for name_ in ("var", "gini"):
        for n in (2, 3, 7, 1000):
            equal = closed(name_, [(0.1, 0.7, 0.3)] * n)
            assert equal.total == 0
            assert not equal.values.any()


def test_zero_reasons_name_what_is_missing() -> None:
    assert INDICATORS["heat"].zero_reason((1.0, 0.0, 2.0)).startswith("b is 0")
    assert INDICATORS["heat"].zero_reason((0.0, 1.0, 0.0)).startswith("a and c are 0")
    assert "same for every agent" in INDICATORS["gini"].zero_reason((1.0, 0.0, 0.0))
    assert "is 0 for every agent" in INDICATORS["var"].zero_reason((0.0, 0.0, 0.0))


def test_aggregators() -> None:
    x = arrays([(1.0, 8.0, 27.0), (0.0, 3.0, 5.0)])
    assert Aggregator().apply(x)[0] == pytest.approx([12.0, 8 / 3])
    assert Aggregator("log").apply(x)[0] == pytest.approx([math.log(13), math.log(11 / 3)])
    assert Aggregator("geometric").apply(x)[0] == pytest.approx([6.0, 0.0])
    assert Aggregator("mean", (0.5, 0.5, 0.0)).apply(x)[0] == pytest.approx([4.5, 1.5])


@pytest.mark.parametrize(
    ("name", "weights", "hint"),
    [
        ("maen", (1 / 3, 1 / 3, 1 / 3), "'mean'"),
        ("mean", (1.0, 1.0, 1.0), "sum to 1, not 3"),
        ("mean", (-0.5, 1.0, 0.5), "from 0 to 1"),
        ("mean", (math.nan, 0.5, 0.5), "from 0 to 1"),
        ("mean", (0.5, 0.5), "three weights"),
    ],
)
def test_aggregators_that_make_no_sense(name: str, weights: tuple[float, ...], hint: str) -> None:
    with pytest.raises(UsageError, match=hint):
        Aggregator(name, weights)  # type: ignore[arg-type]  # what is refused
