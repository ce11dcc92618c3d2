"""Samples put right: estimates of the whole's shares, and how uncertain they are."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.attribution.sampling import Sampler
from blueattr.attribution.tiered import TieredPanel
from blueattr.attribution.tiers import rank
from blueattr.attribution.value import share_out, solve
from blueattr.errors import UsageError
from blueattr.indicators.base import Aggregator, FeatureArrays, Indicator, MomentIndicator
from blueattr.indicators.builtin import INDICATORS
from blueattr.indicators.find import find_indicator
from blueattr.studies.samples.correction import (
    FEWEST,
    Draw,
    Estimate,
    cut_tiers,
    estimate,
    linearise,
    membership,
)
from support.effort import law
from support.panels import frame

Floats = npt.NDArray[np.float64]
LAWS = law(40)
ALL = [*INDICATORS.values(), find_indicator("hill")]
MEAN = Aggregator()


def of(tiered: TieredPanel, protocol: str, size: int, repeat: int) -> tuple[Draw, Floats]:
    """Draw a sample; return it with the tiers of its agents."""
    sampler = Sampler.of(tiered.panel)
    drawn, keys = sampler.draw_keys(protocol, size, repeat=repeat)  # type: ignore[arg-type]
    index = drawn[:size]
    threshold = float(keys[size]) if keys.size > size else np.inf
    chances = sampler.inclusion(protocol, index, threshold)  # type: ignore[arg-type]
    features = tiered.panel.features.take(index)
    return Draw(features, chances), membership(tiered.tiers[index], len(tiered.names))


def truth(tiered: TieredPanel, indicator: Indicator) -> list[float]:
    features = tiered.panel.features
    solution = solve(indicator, features, MEAN, steps(indicator))
    _, parts = share_out(
        indicator, solution, tiered.panel.means, tiered.tiers, tiered.names,
        involved=features.involved(),
    )  # fmt: skip
    return [part.share for part in parts]


def steps(indicator: Indicator) -> int | None:
    is_own = isinstance(indicator, MomentIndicator) and indicator.weights is None
    return 30 if is_own and indicator.closed_form is None else None


def certain(found: Estimate | None) -> Estimate:
    assert found is not None
    return found


@st.composite
def draws(draw: st.DrawFn) -> tuple[Draw, Floats]:
    """A sample of few agents, with ties, zeros and weights from 1 to 100, in three tiers."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(4, 12))
    x = np.log1p(np.floor(rng.pareto(0.8, (3, n)) * draw(st.sampled_from([0.5, 2.0, 50.0]))))
    x[:, 0] += 1.0
    features = FeatureArrays(*(np.ascontiguousarray(row) for row in x))
    tiers = membership(rng.integers(0, 3, n).astype(np.uint8), 3)
    population = draw(st.sampled_from([None, 500]))
    return Draw(features, 1 / rng.uniform(1, 100, n), population), tiers


@pytest.mark.few(2)
@pytest.mark.parametrize("indicator", ALL, ids=lambda one: one.name)
@LAWS
@given(given_draw=draws())
def test_an_influence_is_the_slope_of_the_share_by_the_weight(
    indicator: Indicator, given_draw: tuple[Draw, Floats]
) -> None:
    draw, tiers = given_draw
    found = linearise(indicator, draw, tiers, MEAN)
    if found is None:
        return
    for i in range(draw.probabilities.size):
        shares = []
        step = 1e-5 * draw.weights[i]
        for sign in (1, -1):
            weights = draw.weights.copy()
            weights[i] += sign * step
            moved = Draw(draw.features, 1 / weights, draw.population)
            at = linearise(indicator, moved, tiers, MEAN)
            assert at is not None
            shares.append((weights * at.values) @ tiers)
        slope = (shares[0] - shares[1]) / (2 * step)
        scale = np.abs(found.influences).max()
        assert found.influences[i] == pytest.approx(slope, rel=1e-5, abs=1e-6 * scale + 1e-12)


@pytest.mark.parametrize("indicator", ALL, ids=lambda one: one.name)
@LAWS
@given(given_draw=draws())
def test_more_of_everybody_moves_no_share(
    indicator: Indicator, given_draw: tuple[Draw, Floats]
) -> None:
    draw, tiers = given_draw
    draw = Draw(draw.features, draw.probabilities)
    found = linearise(indicator, draw, tiers, MEAN)
    if found is None:
        return
    assert draw.weights @ found.values == pytest.approx(1, abs=1e-12)
    size = draw.weights @ np.abs(found.influences)
    assert draw.weights @ found.influences == pytest.approx(
        np.zeros(3), abs=1e-8 * size.max() + 1e-12
    )


@LAWS
@given(given_draw=draws())
def test_the_four_closed_forms_are_those_of_any_function_of_means(
    given_draw: tuple[Draw, Floats],
) -> None:
    draw, tiers = given_draw
    draw = Draw(draw.features, draw.probabilities)
    for name in ("heat", "var"):
        known = INDICATORS[name]
        assert isinstance(known, MomentIndicator)
        copied = MomentIndicator(
            "copy", "", known.statistics, known.measure, known.value, known.gradient,
            weights=known.weights,
        )  # fmt: skip
        one, other = (linearise(which, draw, tiers, MEAN) for which in (known, copied))
        if one is None or other is None:
            assert one is other
            continue
        assert one.values == pytest.approx(other.values, rel=1e-9, abs=1e-12)
        scale = np.abs(one.influences).max()
        # With everybody in one tier, all of them are 0 and the scale is that of rounding.
        near = pytest.approx(other.influences, rel=1e-6, abs=1e-7 * scale + 1e-12)
        assert one.influences == near


@pytest.mark.parametrize("protocol", ["visibility", "random"])
@pytest.mark.parametrize("indicator", ALL, ids=lambda one: one.name)
def test_a_sample_of_everybody_has_the_shares_of_the_whole_for_certain(
    indicator: Indicator, protocol: str
) -> None:
    tiered = TieredPanel.of(frame(), (1.0, 10.0))
    found = certain(estimate(indicator, *of(tiered, protocol, 600, 0), MEAN, steps(indicator)))
    assert found.shares == pytest.approx(truth(tiered, indicator), abs=1e-9)
    assert found.errors == (0, 0, 0)
    assert found.population == 600
    assert [low == high for low, high in filter(None, found.intervals)] == [True] * 3


@pytest.mark.parametrize("protocol", ["visibility", "random"])
def test_weights_of_samples_add_up_to_the_whole_on_average(protocol: str) -> None:
    tiered = TieredPanel.of(frame(), (1.0, 10.0))
    a = tiered.panel.features.a
    found = []
    for repeat in range(400):
        draw, _ = of(tiered, protocol, 60, repeat)
        found.append((draw.weights.sum(), draw.weights @ draw.features.a))
    means, sums = np.mean(found, axis=0), np.array([600, a.sum()])
    errors = np.std(found, axis=0, ddof=1) / np.sqrt(400)
    assert np.all(np.abs(means - sums) <= 4 * errors + 1e-9)


@pytest.mark.parametrize("protocol", ["visibility", "random"])
@pytest.mark.parametrize("indicator", ALL, ids=lambda one: one.name)
def test_estimates_are_right_on_average_and_as_uncertain_as_they_say(
    indicator: Indicator, protocol: str
) -> None:
    tiered = TieredPanel.of(frame(4000), (1.0, 10.0))
    wanted = np.array(truth(tiered, indicator))
    runs = [
        certain(estimate(indicator, *of(tiered, protocol, 800, repeat), MEAN, steps(indicator)))
        for repeat in range(120)
    ]
    shares = np.array([run.shares for run in runs])
    spread = shares.std(axis=0, ddof=1)
    # A ratio is biased by the order of its variance: much less than one standard deviation.
    assert np.all(np.abs(shares.mean(axis=0) - wanted) < 0.35 * spread)
    said = np.array([run.errors for run in runs]).mean(axis=0)
    assert np.all((said / spread > 0.6) & (said / spread < 1.5))
    held = [
        low <= share <= high
        for run in runs
        for (low, high), share in zip(filter(None, run.intervals), wanted, strict=False)
        if None not in run.intervals
    ]
    if protocol == "visibility":
        assert len(held) > 120
        assert 0.85 < np.mean(held) <= 1


def test_a_sample_that_is_taken_as_it_is_credits_the_top_and_a_corrected_one_does_not() -> None:
    tiered = TieredPanel.of(frame(4000), (1.0, 10.0))
    heat = INDICATORS["heat"]
    wanted = truth(tiered, heat)[0]
    raw, corrected = [], []
    for repeat in range(20):
        draw, tiers = of(tiered, "visibility", 200, repeat)
        raw.append(
            certain(estimate(heat, Draw(draw.features, np.ones(200)), tiers, MEAN)).shares[0]
        )
        corrected.append(certain(estimate(heat, draw, tiers, MEAN)).shares[0])
    assert np.mean(raw) > 2 * wanted
    assert abs(np.mean(corrected) - wanted) < 0.2 * wanted


def test_few_agents_of_a_tier_and_none_at_all_get_no_interval() -> None:
    tiered = TieredPanel.of(frame(4000), (1.0, 10.0))
    draw, tiers = of(tiered, "visibility", 40, 0)
    found = certain(estimate(INDICATORS["heat"], draw, tiers, MEAN))
    for agents, interval in zip(found.agents, found.intervals, strict=True):
        assert (interval is None) == (agents < FEWEST)
    draw, tiers = of(tiered, "random", 300, 0)
    without = np.zeros_like(tiers)
    without[:, 1:] = membership(np.ones(300, np.uint8), 3)[:, 1:]
    assert certain(estimate(INDICATORS["lin"], draw, without, MEAN)).intervals[0] is None


def test_the_most_followed_have_no_probability_of_being_drawn() -> None:
    sampler = Sampler.of(TieredPanel.of(frame(), (1.0, 10.0)).panel)
    with pytest.raises(UsageError, match="nothing at random"):
        sampler.inclusion("top", sampler.draw("top", 10), 0.0)


def test_an_indicator_that_is_0_in_the_sample_gives_no_estimate() -> None:
    zero = FeatureArrays(np.zeros(5), np.ones(5), np.ones(5))
    draw = Draw(zero, np.full(5, 0.5))
    tiers = membership(np.zeros(5, np.uint8), 3)
    assert estimate(INDICATORS["heat"], draw, tiers, MEAN) is None
    for name in ("var", "gini"):
        assert estimate(INDICATORS[name], draw, tiers, MEAN) is None


def test_equal_agents_give_no_variance_where_the_number_of_all_is_known_too() -> None:
    ones = FeatureArrays(np.ones(5), np.ones(5), np.ones(5))
    tiers = membership(np.zeros(5, np.uint8), 3)
    for population in (None, 7, 40):
        draw = Draw(ones, np.full(5, 0.25), population)
        assert estimate(INDICATORS["var"], draw, tiers, MEAN) is None


@LAWS
@given(st.integers(0, 2**32 - 1), st.integers(2, 40))
def test_estimated_tiers_split_the_estimated_whole_at_their_cut_offs(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    u = rng.uniform(1, 30, n)
    order = rank(np.floor(rng.pareto(1.0, n)), np.zeros(n))
    tiers = cut_tiers(order, u, (1.0, 10.0, 50.0))
    assert tiers.sum(axis=1) == pytest.approx(np.ones(n))
    assert tiers.min() >= 0
    assert u @ tiers / u.sum() == pytest.approx([0.01, 0.09, 0.4, 0.5])
    # Nobody is in a lower tier than who comes after.
    above = np.cumsum(tiers[order], axis=1)
    assert np.all(np.diff(above, axis=0) <= 1e-12)


def test_estimated_tiers_are_right_on_average_and_more_uncertain() -> None:
    tiered = TieredPanel.of(frame(4000), (1.0, 10.0))
    heat, sampler = INDICATORS["heat"], Sampler.of(tiered.panel)
    wanted = np.array(truth(tiered, heat))
    known, cut = [], []
    for repeat in range(100):
        draw, tiers = of(tiered, "visibility", 800, repeat)
        index = sampler.draw("visibility", 800, repeat=repeat)
        order = rank(tiered.panel.followers[index], draw.features.a)
        parts = cut_tiers(order, draw.weights, tiered.cutoffs)
        known.append(certain(estimate(heat, draw, tiers, MEAN)))
        cut.append(certain(estimate(heat, draw, parts, MEAN, cut=(order, tiered.cutoffs))))
    shares = np.array([one.shares for one in cut])
    spread, said = shares.std(axis=0, ddof=1), np.array([one.errors for one in cut]).mean(axis=0)
    assert np.all(np.abs(shares.mean(axis=0) - wanted) < 0.4 * spread)
    assert np.all((said / spread > 0.6) & (said / spread < 1.5))
