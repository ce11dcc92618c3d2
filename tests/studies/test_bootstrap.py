"""The bootstrap: its kernels against plain twins, its intervals against theory, its seeds."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest

from blueattr import kernels
from blueattr.attribution.attribute import attribute
from blueattr.attribution.inputs import Panel
from blueattr.attribution.tiers import assign_tiers
from blueattr.attribution.value import solve
from blueattr.errors import UsageError, ZeroTotalError
from blueattr.indicators.base import Aggregator, FeatureArrays
from blueattr.indicators.find import SHIPPED, find_indicator
from blueattr.kernels import resampling
from blueattr.studies.bootstrap import _blocks, _Draw, bootstrap


def frame(n: int = 400, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "did": [f"did:plc:{i:06}" for i in range(n)],
            "a": np.log1p(np.floor(rng.pareto(1.0, n))),
            "b": np.log1p(np.floor(rng.pareto(1.0, n) * 5)),
            "c": np.log1p(np.floor(rng.pareto(0.8, n))),
        }
    )


def times_drawn(draw: _Draw, r: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """How often a resample has each agent, told by the kernel through one column per agent."""
    n = int(draw.starts[-1])
    groups = np.zeros(draw.starts.size - 1, np.int64)
    return np.concatenate([
        resampling.resample_sums(
            np.ascontiguousarray(part), draw.starts, groups, draw.counts[r : r + 1],
            draw.streams[r : r + 1], 1,
        )[0, 0]
        for part in np.array_split(np.eye(n), 8)
    ])  # fmt: skip


@pytest.mark.parametrize("sizes", [[7], [3, 30, 267], [1, 99, 5000]])
def test_resamples_have_n_agents_of_whole_times(sizes: list[int]) -> None:
    starts, groups = _blocks(sizes)
    assert starts[0] == 0
    assert starts[-1] == sum(sizes)
    assert np.diff(starts).max() <= resampling.BLOCK
    assert [int(np.diff(starts)[groups == g].sum()) for g in range(len(sizes))] == sizes
    draw = _Draw.of(starts, 20, 3)
    ones = np.ones((1, sum(sizes)))
    drawn = resampling.resample_sums(ones, starts, groups, draw.counts, draw.streams, len(sizes))
    assert drawn.sum(axis=(1, 2)).tolist() == [sum(sizes)] * 20
    assert len({*drawn[:, -1, 0].tolist()}) > 1 or len(sizes) == 1
    if sum(sizes) > 1000:
        return
    for r in range(20):
        times = times_drawn(draw, r)
        assert times.sum() == sum(sizes)
        assert np.array_equal(times, np.round(times))


def test_every_agent_is_as_likely_in_full_blocks_and_in_others() -> None:
    """Counts of 2 full blocks and a rest: mean 1, and the variance of a multinomial, 1 - 1/n."""
    n, resamples = 2 * resampling.BLOCK + 700, 400
    starts, groups = _blocks([n])
    draw = _Draw.of(starts, resamples, 0)
    assert starts.tolist() == [0, 2048, 4096, n]
    x = np.random.default_rng(0).random((2, n))
    sums = resampling.resample_sums(x, starts, groups, draw.counts, draw.streams, 1)[:, 0]
    for k in range(2):
        error = (sums[:, k] - x[k].sum()) / math.sqrt(n * x[k].var())
        assert abs(error.mean()) < 4 / math.sqrt(resamples)
        assert error.var() == pytest.approx(1, abs=4 * math.sqrt(2 / resamples))
    # Each agent of a block, by itself: marks on single agents at all the block's corners.
    marks = np.array([0, 1, 2047, 2048, 4095, 4096, n - 1])
    table = np.zeros((marks.size, n))
    table[np.arange(marks.size), marks] = 1
    many = _Draw.of(starts, 20_000, 1)
    counts = resampling.resample_sums(table, starts, groups, many.counts, many.streams, 1)[:, 0]
    assert np.allclose(counts.mean(axis=0), 1, atol=4 / math.sqrt(20_000))
    assert np.allclose(counts.var(axis=0), 1 - 1 / n, atol=0.06)


def test_sums_are_added_up_in_the_same_order_whatever_most_agents_lack() -> None:
    """Four running sums a block, of every agent: also of what few have, and of a last resample."""
    rng = np.random.default_rng(2)
    n, resamples = 203, 3
    starts, groups = _blocks([20, 183])
    draw = _Draw.of(starts, resamples, 5)
    table = np.log1p(rng.integers(1, 99, (3, n))).astype(np.float64)
    table[1, rng.random(n) < 0.94] = 0.0
    made = resampling.resample_sums(table, starts, groups, draw.counts, draw.streams, 2)
    assert 3 < np.count_nonzero(table[1, 20:]) <= 183 // resampling._SELDOM
    for r in range(resamples):
        times = times_drawn(draw, r)
        for k, column in enumerate(table):
            for group, (first, stop) in enumerate(pairwise(starts.tolist())):
                lanes = [0.0] * 4
                for i in range(stop - first):
                    lane = i % 4 if i < (stop - first) // 4 * 4 else 0
                    lanes[lane] += float(column[first + i]) * float(times[first + i])
                expected = (lanes[0] + lanes[1]) + (lanes[2] + lanes[3])
                assert made[r, group, k] == expected


def resampled_shares(
    name: str, data: pl.DataFrame, times: np.ndarray[Any, np.dtype[np.float64]], tiers: Any
) -> list[float]:
    """The definition: a panel of the agents drawn, each as often as it was drawn."""
    panel = Panel.of(data)
    index = np.repeat(np.arange(times.size), times.astype(int))
    features = FeatureArrays(*(x[index] for x in panel.features))
    values = solve(find_indicator(name), features, Aggregator()).values
    parts = [math.fsum(values[tiers[index] == t]) for t in range(3)]
    return [part / math.fsum(parts) for part in parts]


@pytest.mark.few(2)
@pytest.mark.parametrize("name", SHIPPED)
def test_shares_of_resamples_are_those_of_panels_made_of_them(name: str) -> None:
    data, resamples, seed = frame(), 100, 5
    result = bootstrap(data, [name], resamples=resamples, seed=seed)
    panel = Panel.of(data)
    tiers = assign_tiers(panel.order, (1.0, 10.0))
    pairwise = name == "gini"
    s, _ = Aggregator().apply(panel.features)
    order = kernels.argsort(s) if pairwise else np.argsort(tiers, kind="stable")
    starts, _groups = _blocks([400] if pairwise else np.bincount(tiers).tolist())
    draw = _Draw.of(starts, resamples, seed)
    drawn = []
    for r in range(resamples):
        times = np.zeros(400)
        times[order] = times_drawn(draw, r)
        drawn.append(resampled_shares(name, data, times, tiers))
    (one,) = result.indicators
    assert one.undefined_resamples == 0
    for k, tier in enumerate(one.tiers):
        column = [shares[k] for shares in drawn]
        assert tier.low == pytest.approx(np.quantile(column, 0.025), rel=1e-9)
        assert tier.high == pytest.approx(np.quantile(column, 0.975), rel=1e-9)
        assert tier.std_error == pytest.approx(np.std(column, ddof=1), rel=1e-9)
    expected = attribute(data, name).tiers
    assert [t.share for t in one.tiers] == [t.share for t in expected]


def test_standard_error_of_a_linear_share_is_that_of_a_ratio() -> None:
    """Of lin the share is a ratio of means, whose standard error the delta method gives."""
    data = frame(5000)
    (one,) = bootstrap(data, ["lin"], resamples=2000).indicators
    panel = Panel.of(data)
    tiers = assign_tiers(panel.order, (1.0, 10.0))
    s, _ = Aggregator().apply(panel.features)
    for k, tier in enumerate(one.tiers):
        residual = s * (tiers == k) - tier.share * s
        expected = residual.std() / math.sqrt(s.size) / s.mean()
        assert tier.std_error == pytest.approx(expected, rel=0.07)
        assert tier.high - tier.low == pytest.approx(2 * 1.96 * expected, rel=0.1)


def test_seed_and_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["heat", "gini", "entropy"]
    expected = bootstrap(frame(), names, resamples=150, seed=1)
    used: list[int] = []
    for threads in (1, 2, 5):

        def count(threads: int = threads) -> int:
            used.append(threads)
            return threads

        monkeypatch.setattr("blueattr.kernels.compiled.threads", count)
        assert bootstrap(frame(), names, resamples=150, seed=1) == expected
    assert set(used) == {1, 2, 5}
    assert bootstrap(frame(), names, resamples=150, seed=2) != expected
    # What is asked for together does not matter; the order of rows does not either.
    (alone,) = bootstrap(frame(), ["entropy"], resamples=150, seed=1).indicators
    assert alone == expected.indicators[2]
    assert bootstrap(frame().reverse(), names, resamples=150, seed=1) == expected


@pytest.mark.slow
def test_own_indicators_by_quadrature() -> None:
    closed = bootstrap(frame(), ["hill"], resamples=100)
    fine = bootstrap(frame(), ["hill"], resamples=100, method="quadrature", steps=300)
    assert (fine.indicators[0].method, fine.indicators[0].steps) == ("quadrature", 300)
    for p, q in zip(closed.indicators[0].tiers, fine.indicators[0].tiers, strict=True):
        assert p.low == pytest.approx(q.low, rel=1e-3)


def test_resamples_without_an_answer_are_counted() -> None:
    """One agent of fifty has all the c: about a third of resamples lack it, and heat is 0."""
    data = frame(50).with_columns(c=pl.Series([1.0] + [0.0] * 49))
    (one,) = bootstrap(data, ["heat"], resamples=500).indicators
    assert one.undefined_resamples / 500 == pytest.approx((1 - 1 / 50) ** 50, abs=0.1)
    assert sum(tier.share for tier in one.tiers) == pytest.approx(1)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ({"resamples": 99}, "100 to 1,000,000"),
        ({"resamples": 2_000_000}, "100 to 1,000,000"),
        ({"seed": -1}, "whole number"),
        ({"indicators": []}, "at least one indicator"),
        ({"indicators": ["lin", "lin"]}, "each indicator is named once"),
    ],
)
def test_what_makes_no_sense(arguments: dict[str, Any], hint: str) -> None:
    with pytest.raises(UsageError, match=hint):
        bootstrap(frame(20), **arguments)


def test_a_panel_without_an_answer() -> None:
    with pytest.raises(ZeroTotalError, match="c is 0"):
        bootstrap(frame(20).with_columns(c=pl.lit(0.0)), ["heat"], resamples=100)
