"""Numerics through the public functions: a million agents, threads, order, ties, extreme scales."""

import math

import numpy as np
import polars as pl
import pytest

import blueattr
from blueattr.attribution.value import solve
from blueattr.errors import BlueattrError
from blueattr.indicators.base import Aggregator, FeatureArrays
from blueattr.indicators.find import SHIPPED, find_indicator
from blueattr.kernels import compiled

N = 150_000  # enough for the kernels to use several threads


def heavy(n: int, seed: int = 0) -> FeatureArrays:
    """Most agents 0, few with much: what counts of a network look like."""
    rng = np.random.default_rng(seed)
    return FeatureArrays(*(np.log1p(np.floor(rng.pareto(0.8, n))) for _ in range(3)))


def frame(x: FeatureArrays) -> pl.DataFrame:
    return pl.DataFrame({"agent": np.arange(x.a.size), "a": x.a, "b": x.b, "c": x.c})


@pytest.fixture(scope="module")
def panel() -> pl.DataFrame:
    return frame(heavy(N))


@pytest.fixture(scope="module")
def million() -> FeatureArrays:
    return heavy(1_000_000)


@pytest.mark.few(2)
@pytest.mark.parametrize("name", SHIPPED)
def test_a_million_agents_lose_no_digits_of_the_sum_and_their_order_none(
    name: str, million: FeatureArrays
) -> None:
    values, total = solve(find_indicator(name), million, Aggregator())
    assert total > 0
    assert math.fsum(values) == pytest.approx(total, rel=1e-12)
    order = np.random.default_rng(5).permutation(values.size)
    moved = solve(find_indicator(name), million.take(order), Aggregator())
    assert moved.total == total
    assert np.array_equal(moved.values, values[order])


@pytest.mark.few(2)
@pytest.mark.parametrize("name", SHIPPED)
def test_threads_and_order_change_no_bit(
    name: str, panel: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = blueattr.attribute(panel, name)
    assert expected.attributed == pytest.approx(expected.total, rel=1e-9)
    used: list[int] = []
    for threads in (1, 3):

        def count(threads: int = threads) -> int:
            used.append(threads)
            return threads

        monkeypatch.setattr(compiled, "threads", count)
        again = blueattr.attribute(panel.sample(fraction=1, shuffle=True, seed=threads), name)
        assert again.total == expected.total
        assert again.tiers == expected.tiers
        assert again.agents.equals(expected.agents)
    assert set(used) == {1, 3}


@pytest.mark.parametrize("name", SHIPPED)
def test_equal_agents_have_equal_bits(name: str, panel: pl.DataFrame) -> None:
    agents = blueattr.attribute(panel, name).agents
    groups = agents.group_by("a", "b", "c").agg(pl.len(), pl.col("value").n_unique().alias("bits"))
    assert groups.filter(pl.col("len") > 1).height > 1000
    assert groups["bits"].to_list() == [1] * groups.height
    silent = agents.filter(a=0.0, b=0.0, c=0.0)
    assert silent.height > 100
    assert set(silent["value"].to_list()) == {0.0}


def test_gini_of_massive_ties_is_exact() -> None:
    """All but 10 of 100,000 agents have nothing: φ of those is known as a fraction."""
    n, rich = 100_000, 10
    s = np.zeros(n)
    s[:rich] = 3.0
    values, total = solve(find_indicator("gini"), FeatureArrays(s, s, s), Aggregator())
    each = 3.0 * (n - rich) / (n * 3.0 * rich)
    assert values[:rich].tolist() == pytest.approx([each] * rich, rel=1e-15)
    assert not values[rich:].any()
    assert total == pytest.approx(1 - rich / n, rel=1e-15)


@pytest.mark.parametrize("scale", [1e-12, 1e-6, 1e6, 1e12])
@pytest.mark.parametrize("name", SHIPPED)
def test_extreme_scales(name: str, scale: float) -> None:
    x = heavy(500)
    data = frame(FeatureArrays(x.a * scale, x.b * scale, x.c * scale))
    result = blueattr.attribute(data, name)
    assert result.total > 0
    assert result.attributed == pytest.approx(result.total, rel=1e-9)
    assert result.agents["value"].is_finite().all()
    comparison = blueattr.compare_scales(data, name, sizes=[50], seeds=2)
    assert comparison.indicators[0].samples[0].flip_mean is not None


@pytest.mark.parametrize("name", SHIPPED)
def test_scales_of_all_sizes_at_once(name: str) -> None:
    rng = np.random.default_rng(2)
    x = FeatureArrays(*(10 ** rng.uniform(-12, 12, 400) for _ in range(3)))
    result = blueattr.attribute(frame(x), name)
    assert result.attributed == pytest.approx(result.total, rel=1e-9)
    assert sum(tier.share for tier in result.tiers) == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("scale", [1e89, 1e-89])
def test_the_ends_of_what_is_accepted(name: str, scale: float) -> None:
    """A finite answer, or an error in words; never a NaN."""
    x = heavy(200)
    data = frame(FeatureArrays(x.a * scale, x.b * scale, x.c * scale))
    try:
        result = blueattr.attribute(data, name)
    except BlueattrError:
        return
    assert math.isfinite(result.total)
    assert result.agents["value"].is_finite().all()
    assert result.agents["share"].is_finite().all()
