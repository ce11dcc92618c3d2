"""A sample of one's own, put right: chances of three kinds, tiers known or estimated."""

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.attribution.sampling import Sampler
from blueattr.attribution.tiered import TieredPanel
from blueattr.attribution.tiers import tier_names
from blueattr.errors import FeatureError, UsageError, ZeroTotalError
from blueattr.studies.samples.own_sample import Chance, correct_sample, known_draw
from support.effort import law
from support.panels import frame

CUTS = (1.0, 10.0)


def drawn(size: int = 500, n: int = 4000, repeat: int = 0) -> tuple[pl.DataFrame, float, float]:
    """Return a visibility sample with its chances in every spelling, and W."""
    whole = frame(n).sort("did")
    tiered = TieredPanel.of(whole, CUTS)
    sampler = Sampler.of(tiered.panel)
    index, keys = sampler.draw_keys("visibility", size, repeat=repeat)
    sample, tau = index[:size], float(keys[size])
    chances = sampler.inclusion("visibility", sample, tau)
    weights = sampler.draw_weights("visibility")
    names = np.array(tier_names(CUTS))
    found = whole[sample.astype(np.int64)].with_columns(
        pi=chances, u=1 / chances, w=weights[sample], tier=names[tiered.tiers[sample]]
    )
    return found, float(weights.sum()), tau


def test_probability_and_weight_say_the_same_and_the_order_of_rows_nothing() -> None:
    sample, _, _ = drawn()
    by_pi = correct_sample(sample, ["heat", "gini"], Chance("pi", "pi"))
    shuffled = sample.sample(fraction=1, shuffle=True, seed=4)
    by_weight = correct_sample(shuffled, ["heat", "gini"], Chance("weight", "u"))
    for one, other in zip(by_pi.indicators, by_weight.indicators, strict=True):
        for tier, same in zip(one.tiers, other.tiers, strict=True):
            assert tier.share == pytest.approx(same.share, rel=1e-12)
            assert tier.std_error == pytest.approx(same.std_error, rel=1e-9)
    assert by_pi.population_estimate == pytest.approx(float(sample["u"].sum()))
    u = sample["u"].to_numpy()
    assert by_pi.n_eff == pytest.approx(u.sum() ** 2 / (u @ u))


def test_sizes_and_their_sum_give_about_the_chances_of_the_draw() -> None:
    sample, total, tau = drawn()
    known = known_draw(sample, Chance("size", "w", total, 4000), CUTS)
    chances = sample.sort("did")["pi"].to_numpy()
    found = known.draw.probabilities
    assert found == pytest.approx(chances, rel=0.1)
    weights = sample.sort("did")["w"].to_numpy()
    unsure = found < 0.9
    solved = -np.log1p(-found[unsure]) / weights[unsure]
    assert solved == pytest.approx(np.full(solved.size, solved[0]), rel=1e-6)
    assert float((weights / found).sum()) == pytest.approx(total, rel=1e-9)
    assert solved[0] == pytest.approx(tau, rel=0.1)


@law(50)
@given(st.integers(0, 2**32 - 1), st.floats(1e-9, 1e9))
def test_there_is_a_threshold_for_every_sum_above_that_of_the_sample(
    seed: int, more: float
) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 30))
    sizes = np.exp(rng.uniform(-3, 9, n))
    sample = frame(n).with_columns(w=sizes)
    total = float(sizes.sum()) * (1 + more)
    known = known_draw(sample, Chance("size", "w", total), CUTS)
    weights = sample.sort("did")["w"].to_numpy()
    assert float((weights / known.draw.probabilities).sum()) == pytest.approx(total, rel=1e-6)


def test_tiers_are_those_that_the_sample_names_and_else_estimated() -> None:
    sample, _, _ = drawn()
    named = correct_sample(sample, ["heat"], Chance("pi", "pi"))
    estimated = correct_sample(sample.drop("tier"), ["heat"], Chance("pi", "pi"))
    assert (named.tiers_known, estimated.tiers_known) == (True, False)
    for one, other in zip(named.indicators[0].tiers, estimated.indicators[0].tiers, strict=True):
        assert one.share != other.share
        assert abs(one.share - other.share) < 3 * other.std_error
    assert math.fsum(t.share for t in estimated.indicators[0].tiers) == pytest.approx(1)
    assert math.fsum(t.raw for t in estimated.indicators[0].tiers) == pytest.approx(1)
    with pytest.raises(FeatureError, match="'elsewhere', which is none of top, middle, tail"):
        correct_sample(sample.with_columns(tier=pl.lit("elsewhere")), ["heat"], Chance("pi", "pi"))


def test_the_whole_is_inside_the_intervals_as_often_as_they_say() -> None:
    whole = TieredPanel.of(frame(4000), CUTS)
    values = whole.panel.features
    total = sum(x / x.sum() for x in values) / 3
    truth = [float(total[whole.tiers == tier].sum()) for tier in range(3)]
    held = []
    for repeat in range(60):
        sample, _, _ = drawn(800, repeat=repeat)
        (made,) = correct_sample(sample.drop("tier"), ["heat"], Chance("pi", "pi")).indicators
        for tier, share in zip(made.tiers, truth, strict=True):
            if tier.low is not None and tier.high is not None:
                held.append(tier.low <= share <= tier.high)
    assert len(held) > 120
    assert 0.85 < np.mean(held) <= 1


BAD: list[tuple[Any, str]] = [
    ({"kind": "pi", "column": "none"}, "no column 'none'"),
    ({"kind": "pi", "column": "w"}, "a probability is above 0"),
    ({"kind": "weight", "column": "pi"}, "at least 1"),
    ({"kind": "pi", "column": "did"}, "not a number"),
    ({"kind": "size", "column": "w", "population_size": 1.0}, "more than the"),
    ({"kind": "pi", "column": "pi", "population": 49}, "49 should be at least the 50 agents"),
]


@pytest.mark.parametrize(("chance", "words"), BAD)
def test_chances_that_make_no_sense_are_refused_with_the_agent(
    chance: dict[str, Any], words: str
) -> None:
    sample, _, _ = drawn(50)
    with pytest.raises((UsageError, FeatureError), match=words):
        correct_sample(sample, ["heat"], Chance(**chance))


@pytest.mark.parametrize(
    ("cells", "chance", "words"),
    [
        ([1e-320] + [0.5] * 49, Chance("pi", "x"), "'x' is 1e-320, which makes it stand for more"),
        ([1e308] * 50, Chance("weight", "x"), r"more than there are \(and 49 more agents\)"),
        ([1e-300] + [1.0] * 49, Chance("size", "x", 500.0), "'x' is 1e-300, which makes it"),
        ([1.0] * 50, Chance("size", "x", 1e300), "which makes it stand for more"),
        ([1e308] * 50, Chance("size", "x", 1.7e308), "more than the inf of the sample alone"),
    ],
    ids=["probability", "weights", "size", "total", "sizes"],
)
def test_chances_that_numbers_cannot_hold_are_refused(
    cells: list[float], chance: Chance, words: str
) -> None:
    sample = drawn(50)[0].with_columns(x=pl.Series(cells))
    with pytest.raises((UsageError, FeatureError), match=words):
        correct_sample(sample, ["heat"], chance)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("size", "w"), "belong together"),
        (("pi", "pi", 5.0), "belong together"),
        (("size", "w", 0.0), "above 0"),
        (("size", "w", math.inf), "above 0"),
        (("pi", "pi", None, 0), "at least 1"),
    ],
)
def test_what_says_nothing_of_chances_is_refused(arguments: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Chance(*arguments)


def test_a_sample_without_any_heat_has_no_answer() -> None:
    sample = drawn(50)[0].with_columns(c=pl.lit(0.0))
    with pytest.raises(ZeroTotalError, match="is 0 on this sample"):
        correct_sample(sample, ["heat"], Chance("pi", "pi"))
