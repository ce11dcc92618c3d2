"""How large a sample must be: what a design promises, samples give."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.attribution.sampling import Sampler
from blueattr.attribution.tiered import TieredPanel
from blueattr.errors import NoAnswerError, UsageError
from blueattr.indicators.base import Aggregator, FeatureArrays
from blueattr.indicators.builtin import INDICATORS
from blueattr.studies.samples.correction import FEWEST, Draw, estimate, membership
from blueattr.studies.samples.design import Population, design, threshold
from support.effort import law
from support.panels import frame

MEAN = Aggregator()


def whole(n: int = 4000, protocol: str = "visibility") -> tuple[TieredPanel, Population]:
    tiered = TieredPanel.of(frame(n), (1.0, 10.0))
    weights = Sampler.of(tiered.panel).draw_weights(protocol)  # type: ignore[arg-type]
    draw = Draw(tiered.panel.features, np.ones(n))
    return tiered, Population(draw, membership(tiered.tiers, 3), weights)


@law(50)
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 0.99))
def test_at_the_threshold_chances_add_up_to_the_size(seed: int, part: float) -> None:
    rng = np.random.default_rng(seed)
    k = int(rng.integers(1, 30))
    weights, counts = np.exp(rng.uniform(-5, 12, k)), np.floor(rng.uniform(1, 1000, k))
    size = part * counts.sum()
    tau = threshold(weights, counts, size)
    assert counts @ -np.expm1(-weights * tau) == pytest.approx(size, rel=1e-9)


@pytest.mark.parametrize("name", ["heat", "gini"])
@pytest.mark.parametrize("protocol", ["visibility", "random"])
def test_samples_are_as_sure_as_a_design_promises(name: str, protocol: str) -> None:
    tiered, population = whole(protocol=protocol)
    sampler, indicator = Sampler.of(tiered.panel), INDICATORS[name]
    made = design(indicator, population, 0.05, MEAN, protocol=protocol)  # type: ignore[arg-type]
    point = min(made.curve, key=lambda one: abs(one.size - 800))
    estimates = []
    for repeat in range(120):
        drawn, keys = sampler.draw_keys(protocol, point.size, repeat=repeat)  # type: ignore[arg-type]
        index = drawn[: point.size]
        chances = sampler.inclusion(protocol, index, float(keys[point.size]))  # type: ignore[arg-type]
        draw = Draw(tiered.panel.features.take(index), chances)
        one = estimate(indicator, draw, membership(tiered.tiers[index], 3), MEAN)
        assert one is not None
        estimates.append(one.shares)
    spread = 1.96 * np.array(estimates).std(axis=0, ddof=1)
    assert np.all(np.array(point.half_widths) / spread > 0.7)
    assert np.all(np.array(point.half_widths) / spread < 1.45)


def test_the_size_of_a_design_is_enough_and_one_less_is_not() -> None:
    _, population = whole()
    for within in (0.02, 0.05):
        made = design(INDICATORS["heat"], population, within, MEAN)
        assert made.size is not None
        # The curve has it, for whoever draws one.
        assert made.size in [point.size for point in made.curve]
        below, at = (
            design(INDICATORS["heat"], population, within, MEAN, sizes=[size]).curve[0]
            for size in (made.size - 1, made.size)
        )
        assert at.worst <= within
        assert min(at.n_e) >= FEWEST
        assert below.worst > within or min(below.n_e) < FEWEST
    widths = [point.worst for point in made.curve]
    assert widths == sorted(widths, reverse=True)


def test_a_pilot_sample_says_about_what_the_whole_panel_says() -> None:
    tiered, population = whole(20_000)
    heat, sampler = INDICATORS["heat"], Sampler.of(tiered.panel)
    true = design(heat, population, 0.03, MEAN).size
    assert true is not None
    found = []
    for repeat in range(20):
        drawn, keys = sampler.draw_keys("visibility", 1000, repeat=repeat)
        index = drawn[:1000]
        chances = sampler.inclusion("visibility", index, float(keys[1000]))
        pilot = Population(
            Draw(tiered.panel.features.take(index), chances),
            membership(tiered.tiers[index], 3),
            population.weights[index],
        )
        found.append(design(heat, pilot, 0.03, MEAN).size)
    assert np.median([size for size in found if size]) == pytest.approx(true, rel=0.25)


def test_nothing_short_of_the_whole_is_sure_enough_is_said() -> None:
    _, population = whole(400)
    assert design(INDICATORS["heat"], population, 1e-9, MEAN).size is None


@pytest.mark.parametrize("within", [0.0, 1.0, -0.1, float("nan")])
def test_a_half_width_that_is_no_share_is_refused(within: float) -> None:
    with pytest.raises(UsageError, match="half-width"):
        design(INDICATORS["heat"], whole(400)[1], within, MEAN)


def test_an_indicator_that_is_0_has_no_design() -> None:
    zero = FeatureArrays(np.zeros(50), np.ones(50), np.ones(50))
    tiers = membership(np.zeros(50, np.uint8), 3)
    population = Population(Draw(zero, np.ones(50)), tiers, np.ones(50))
    with pytest.raises(NoAnswerError, match="is 0"):
        design(INDICATORS["heat"], population, 0.1, MEAN)
