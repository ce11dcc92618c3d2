"""The scale comparison: its numbers by hand, the theorem's positive half, undefined samples."""

import math
import statistics
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.attribution.attribute import attribute
from blueattr.attribution.inputs import Panel
from blueattr.attribution.sampling import PROTOCOLS, Sampler
from blueattr.attribution.tiers import assign_tiers
from blueattr.errors import SampleSizeError, UsageError, ZeroTotalError
from blueattr.indicators.base import Aggregator
from blueattr.indicators.builtin import INDICATORS
from blueattr.kernels import games
from blueattr.studies import scales as module
from blueattr.studies.rescaling import Rescaling, rescaling_test
from blueattr.studies.samples.correction import Draw, estimate, membership
from blueattr.studies.samples.samples import SampleSummary
from blueattr.studies.scales import compare_scales
from support import naive
from support.effort import law
from support.panels import frame

LAWS = law(60)
NAMES = tuple(INDICATORS)


def only(summary: SampleSummary) -> Rescaling:
    assert summary.rescaling is not None
    return summary.rescaling


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_one_sample_by_hand(name: str, protocol: str) -> None:
    data = frame()
    size = 40
    comparison = compare_scales(data, [name], protocols=[protocol], sizes=[size], seeds=2, seed=7)
    summary = comparison.indicators[0].samples[0]
    run = summary.runs[-1]

    panel = Panel.of(data)
    sampler = Sampler(panel.followers, panel.activity, panel.order)
    drawn = sampler.draw(summary.protocol, size, seed=7, repeat=run.seed or 0)
    dids = [panel.dids[int(i)] for i in drawn]
    sample = data.filter(pl.col("did").is_in(dids))
    assert sample.height == size
    on_sample = dict(
        zip(
            sample["did"],
            naive.closed_form(name, list(sample.select("a", "b", "c").iter_rows())),
            strict=True,
        )
    )
    on_panel = dict(
        zip(
            data["did"],
            naive.closed_form(name, list(data.select("a", "b", "c").iter_rows())),
            strict=True,
        )
    )
    tiers = naive.tiers(list(data.select("did", "followers", "a").iter_rows()), (1, 10))

    def shares(values: dict[str, float]) -> list[float]:
        parts = [math.fsum(v for did, v in values.items() if tiers[did] == k) for k in range(3)]
        return [part / math.fsum(values.values()) for part in parts]

    assert run.n_agents == size
    assert run.total == pytest.approx(math.fsum(on_sample.values()), rel=1e-11)
    assert run.shares == pytest.approx(shares(on_sample), rel=1e-9, abs=1e-12)
    flip = sum(shares(on_panel)[1:]) - sum(shares(on_sample)[1:])
    assert run.flip == pytest.approx(flip, rel=1e-9, abs=1e-12)

    x, y = [on_sample[did] for did in dids], [on_panel[did] for did in dids]
    factor = sum(p * q for p, q in zip(x, y, strict=True)) / sum(q * q for q in y)
    rest = math.hypot(*(p - factor * q for p, q in zip(x, y, strict=True)))
    ratios = [p / q for p, q in zip(x, y, strict=True) if q]
    got = run.rescaling
    assert got is not None
    assert got.scale_factor == pytest.approx(factor, rel=1e-10)
    assert got.relative_residual == pytest.approx(rest / math.hypot(*x), rel=1e-8, abs=1e-14)
    assert got.cosine == pytest.approx(factor * math.hypot(*y) / math.hypot(*x), rel=1e-12)
    spread = max(ratios) / min(ratios) if min(ratios) > 0 else math.inf
    assert got.ratio_spread == pytest.approx(spread, rel=1e-9)
    if name == "heat":  # the others have ties that only exact arithmetic sees
        assert got.kendall_tau == pytest.approx(naive.kendall_tau(x, y), abs=1e-12)
        assert got.spearman_rho == pytest.approx(naive.spearman_rho(x, y), abs=1e-12)


@pytest.mark.parametrize("aggregator", ["mean", "log", "geometric"])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_linear_indicator_always_has_a_rescaling_factor(aggregator: str, seed: int) -> None:
    """The theorem's positive half: at every size and protocol φ^S is n/N times φ."""
    data = frame(seed=seed)
    kind = Aggregator(aggregator)  # type: ignore[arg-type]  # the parameters are its three names
    comparison = compare_scales(
        data, ["lin"], protocols=PROTOCOLS, sizes=[5, 30, 200, 400], aggregator=kind, seeds=4
    )
    samples = comparison.indicators[0].samples
    answered = [summary for summary in samples if summary.undefined_seeds < summary.seeds]
    assert len(samples) == 16
    assert len(answered) >= 15  # the five most followed may all have a feature of 0
    for summary in answered:
        test = only(summary)
        assert test.ratio_spread == pytest.approx(1, abs=4e-15)
        assert test.scale_factor == pytest.approx(600 / summary.size, rel=1e-14)
        assert test.relative_residual < 1e-15
        assert test.cosine == pytest.approx(1, abs=1e-15)
        for number in (test.kendall_tau, test.spearman_rho):
            assert number is None or number == pytest.approx(1, abs=1e-15)


def test_agents_with_interchanged_features_are_ties_at_every_scale() -> None:
    n = 300
    data = pl.DataFrame(
        {
            "did": [f"{i:04}" for i in range(n)],
            "a": [(0.1, 0.7, 1.3)[i % 3] for i in range(n)],
            "b": [(0.7, 1.3, 0.1)[i % 3] for i in range(n)],
            "c": [(1.3, 0.1, 0.7)[i % 3] + i // 100 for i in range(n)],
        }
    )
    summary = compare_scales(data, ["lin"], sizes=[7, 90, 130]).indicators[0].samples
    assert [only(s).kendall_tau for s in summary] == [1.0, 1.0, 1.0]


def test_heat_has_a_factor_where_the_sums_stay_in_proportion() -> None:
    """(A_S : B_S : C_S) = (A : B : C) on every sample of agents of one kind, and on no other."""
    base = np.arange(1.0, 101.0)
    alike = pl.DataFrame({"did": [f"{i:03}" for i in range(100)], "a": base, "b": base, "c": base})
    same = compare_scales(alike, ["heat"], sizes=[10], protocols=["random"]).indicators[0]
    assert only(same.samples[0]).ratio_spread == pytest.approx(1, abs=1e-14)
    different = compare_scales(frame(), ["heat"], sizes=[10], protocols=["random"]).indicators[0]
    assert only(different.samples[0]).ratio_spread > 1.1


def test_the_whole_panel_is_a_sample_without_flip() -> None:
    comparison = compare_scales(
        frame(), NAMES, protocols=["random", "top", "visibility"], sizes=[600], seeds=2
    )
    for indicator in comparison.indicators:
        assert len(indicator.samples) == 3
        for summary in indicator.samples:
            assert summary.flip_mean == 0
            assert summary.flip_std == 0
            assert only(summary).scale_factor == pytest.approx(1, rel=1e-15)
            assert only(summary).ratio_spread == 1


@pytest.mark.parametrize("panel", ["active", "involved"])
def test_samples_without_a_test_of_rescaling_have_the_same_shares(panel: str) -> None:
    """They are drawn in no order, and that of everybody is not attributed again: to the bit."""
    data = frame()
    n = compare_scales(data, ["lin"], panel=panel, sizes=[1], seeds=1).n_agents
    names, sizes = (*NAMES, "entropy"), [5, 60, n]
    chosen: dict[str, Any] = {"sizes": sizes, "panel": panel, "protocols": ["visibility", "top"]}
    drawn = compare_scales(data, names, seeds=3, **chosen)
    fewer = compare_scales(data, names, seeds=3, rescaling=False, **chosen)
    for one, other in zip(drawn.indicators, fewer.indicators, strict=True):
        assert len(other.samples) == 6
        for summary, without in zip(one.samples, other.samples, strict=True):
            runs = tuple(replace(run, rescaling=None) for run in summary.runs)
            assert without == replace(summary, rescaling=None, runs=runs)


@pytest.mark.parametrize("name", NAMES)
def test_full_scale_equals_attribute(name: str) -> None:
    comparison = compare_scales(frame(), [name], sizes=[50], seeds=1, cutoffs=(5, 50))
    result = attribute(frame(), name, cutoffs=(5, 50))
    full = comparison.indicators[0].full
    assert (full.total, full.attributed, full.tiers) == (
        result.total,
        result.attributed,
        result.tiers,
    )
    assert (comparison.means, comparison.moment) == (result.means, result.moment)


def test_summary_is_of_its_runs() -> None:
    comparison = compare_scales(
        frame(), ["heat", "var"], protocols=["visibility"], sizes=[20, 60], seeds=5, seed=3
    )
    for indicator in comparison.indicators:
        assert [s.size for s in indicator.samples] == [20, 60]
        for summary in indicator.samples:
            assert [run.seed for run in summary.runs] == [0, 1, 2, 3, 4]
            flips = [run.flip for run in summary.runs if run.flip is not None]
            assert len(flips) == 5
            assert len(set(flips)) == 5
            assert summary.flip_mean == pytest.approx(statistics.fmean(flips))
            assert summary.flip_std == pytest.approx(np.std(flips, ddof=1))
            assert [tier.tier for tier in summary.tiers] == ["top", "middle", "tail"]
            for k, tier in enumerate(summary.tiers):
                column = [run.shares[k] for run in summary.runs if run.shares]
                assert tier.share_mean == pytest.approx(statistics.fmean(column))
                assert tier.share_std == pytest.approx(np.std(column, ddof=1))
            tests = [run.rescaling for run in summary.runs if run.rescaling]
            mean = only(summary)
            assert mean.cosine == pytest.approx(statistics.fmean(t.cosine for t in tests))
            assert mean.scale_factor == pytest.approx(
                statistics.fmean(t.scale_factor for t in tests)
            )
            assert mean.relative_residual == pytest.approx(
                statistics.fmean(t.relative_residual for t in tests)
            )
            assert mean.ratio_spread == max(t.ratio_spread for t in tests)


def test_top_is_drawn_once() -> None:
    summary = compare_scales(frame(), protocols=["top"], sizes=[30]).indicators[0].samples[0]
    assert summary.deterministic
    assert (summary.seeds, len(summary.runs), summary.runs[0].seed) == (1, 1, None)
    assert summary.flip_std == 0
    assert all(tier.share_std == 0 for tier in summary.tiers)


def test_samples_without_an_answer_are_counted_and_explained() -> None:
    """Two agents of a hundred have influence, so that most small samples have M = 0."""
    rng = np.random.default_rng(0)
    c = np.zeros(100)
    c[[3, 4]] = 1.0
    data = pl.DataFrame(
        {"did": [f"{i:03}" for i in range(100)], "a": rng.random(100), "b": rng.random(100), "c": c}
    )
    summary = (
        compare_scales(data, protocols=["random"], sizes=[20], seeds=20).indicators[0].samples[0]
    )
    without = [run for run in summary.runs if run.undefined]
    assert 0 < len(without) == summary.undefined_seeds < 20
    for run in without:
        assert run.undefined == "c is 0 for every agent, so that M = 0"
        assert (run.total, run.shares, run.flip, run.rescaling) == (0.0, None, None, None)
    answers = [run.flip for run in summary.runs if run.flip is not None]
    assert len(answers) == 20 - len(without)
    assert summary.flip_mean == pytest.approx(statistics.fmean(answers))

    nobody = data.with_columns(c=pl.when(pl.col("did") == "099").then(1.0).otherwise(0.0))
    nobody = nobody.with_columns(followers=pl.lit(100) - pl.col("did").cast(pl.Int64))
    empty = compare_scales(nobody, protocols=["top"], sizes=[50]).indicators[0].samples[0]
    assert empty.undefined_seeds == 1
    assert (empty.tiers, empty.flip_mean, empty.flip_std, empty.rescaling) == ((), None, None, None)


def test_a_sample_of_one_has_no_inequality() -> None:
    comparison = compare_scales(frame(), NAMES, sizes=[1], seeds=3)
    by_name = {one.indicator: one.samples[0] for one in comparison.indicators}
    assert by_name["var"].undefined_seeds == by_name["gini"].undefined_seeds == 3
    assert "same for every agent" in by_name["var"].runs[0].undefined
    assert by_name["lin"].undefined_seeds < 3
    assert only(by_name["lin"]).kendall_tau is None


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_rows_changes_nothing(name: str) -> None:
    expected = compare_scales(frame(), [name], protocols=PROTOCOLS, sizes=[25], seeds=3)
    shuffled = frame().sample(fraction=1, shuffle=True, seed=5)
    assert compare_scales(shuffled, [name], protocols=PROTOCOLS, sizes=[25], seeds=3) == expected


def test_sizes_and_indicators_do_not_change_one_another() -> None:
    many = compare_scales(frame(), NAMES, protocols=PROTOCOLS, sizes=[10, 80], seeds=2)
    for indicator in many.indicators:
        alone = compare_scales(
            frame(), [indicator.indicator], protocols=["active"], sizes=[10], seeds=2
        )
        match = next(s for s in indicator.samples if (s.protocol, s.size) == ("active", 10))
        assert alone.indicators[0].samples == (match,)


def test_samples_of_a_large_panel_that_threads_attribute_stay_in_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And what is not ours, which need not be fit for that, is attributed in one thread."""
    asked: dict[str, Any] = {"protocols": ("visibility", "top"), "sizes": (20, 60), "seeds": 5}
    data = frame(80)
    alone = compare_scales(data, ("heat", "gini"), **asked)
    others = compare_scales(data, ("heat", "hill"), **asked)
    monkeypatch.setattr(module, "_MANY", 1)
    spread: list[int] = []

    def counted(work: Any, items: Any) -> Any:
        spread.append(len(items))
        return games.in_order(work, items)

    monkeypatch.setattr(module, "in_order", counted)
    assert compare_scales(data, ("heat", "gini"), **asked) == alone
    assert spread == [5, 1]
    assert compare_scales(data, ("heat", "hill"), **asked) == others
    assert spread == [5, 1]


def test_quadrature_is_carried_through() -> None:
    fine = compare_scales(frame(), sizes=[50], seeds=1, method="quadrature", steps=500)
    closed = compare_scales(frame(), sizes=[50], seeds=1)
    assert (fine.method, fine.steps) == ("quadrature", 500)
    assert (closed.method, closed.steps) == ("closed form", None)
    p, q = fine.indicators[0].samples[0], closed.indicators[0].samples[0]
    assert p.flip_mean == pytest.approx(q.flip_mean, rel=1e-4)
    assert only(p).scale_factor != only(q).scale_factor
    assert only(p).scale_factor == pytest.approx(only(q).scale_factor, rel=1e-4)


def test_more_is_asked_for_than_there_is() -> None:
    with pytest.raises(SampleSizeError, match=r"601 agents .* 600"):
        compare_scales(frame(), sizes=[10, 601])
    with pytest.raises(SampleSizeError, match="only"):
        compare_scales(frame(), protocols=["active"], sizes=[599])
    with pytest.raises(ZeroTotalError, match="c is 0"):
        compare_scales(frame().with_columns(c=pl.lit(0.0)), sizes=[10])


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ({"indicators": ["haet"]}, "'heat'"),
        ({"indicators": []}, "at least one indicator"),
        ({"indicators": ["lin", "lin"]}, "each indicator"),
        ({"protocols": ["tops"]}, "'top'"),
        ({"protocols": ["top", "top"]}, "each protocol"),
        ({"sizes": []}, "at least one sample size"),
        ({"sizes": [0]}, "at least one agent"),
        ({"sizes": [5, 5]}, "each sample size"),
        ({"seeds": 0}, "at least one seed"),
        ({"seed": -1}, "whole number"),
        ({"steps": 5}, "no steps"),
        ({"cutoffs": (10, 1)}, "increase"),
    ],
)
def test_arguments_that_make_no_sense(arguments: dict[str, object], hint: str) -> None:
    with pytest.raises(UsageError, match=hint):
        compare_scales(frame(50), **({"sizes": [5]} | arguments))  # type: ignore[arg-type]  # what is refused


# --- the rescaling test --------------------------------------------------------------------------

# Features are 0 or at least 1e-90: no value is so small that its reciprocal is infinite.
entry = st.sampled_from([-1.0, 0.0, 1.0, 2.0]) | st.floats(-1e3, 1e3).filter(
    lambda v: v == 0 or abs(v) >= 1e-290
)


@LAWS
@given(
    st.lists(entry.filter(lambda v: abs(v) > 1e-6), min_size=2, max_size=20), st.floats(0.01, 99)
)
def test_a_multiple_is_recognised(full: list[float], factor: float) -> None:
    y = np.array(full)
    for sign in (1, -1):
        test = rescaling_test(y * factor * sign, y)
        assert test is not None
        assert test.scale_factor == pytest.approx(factor * sign, rel=1e-12)
        assert test.relative_residual < 1e-12
        assert test.ratio_spread == pytest.approx(1, abs=1e-12)
        assert test.kendall_tau is None or test.kendall_tau == pytest.approx(sign)


@LAWS
@given(st.lists(st.tuples(entry, entry), min_size=1, max_size=20))
def test_every_number_is_finite_or_said_to_be_none(pairs: list[tuple[float, float]]) -> None:
    x, y = np.array(pairs, np.float64).T.copy()
    test = rescaling_test(x, y)
    if test is None:
        assert not x.any() or not y.any()
        return
    assert -1 <= test.cosine <= 1
    assert 0 <= test.relative_residual <= 1 + 1e-12
    assert test.ratio_spread >= 1
    assert math.isfinite(test.scale_factor)
    for number in (test.kendall_tau, test.spearman_rho):
        assert number is None or -1 <= number <= 1


@pytest.mark.parametrize(
    ("sample", "full", "spread"),
    [
        ([2.0, 4.0], [1.0, 2.0], 1.0),
        ([2.0, 6.0], [1.0, 2.0], 1.5),
        ([2.0, -4.0], [1.0, 2.0], math.inf),
        ([-2.0, -6.0], [1.0, 2.0], 1.5),
        ([2.0, 0.0], [1.0, 2.0], math.inf),
        ([2.0, 0.0], [1.0, 0.0], 1.0),
        ([2.0, 1.0], [1.0, 0.0], math.inf),
    ],
)
def test_ratio_spread(sample: list[float], full: list[float], spread: float) -> None:
    test = rescaling_test(np.array(sample), np.array(full))
    assert test is not None
    assert test.ratio_spread == spread


def test_extreme_scales_do_not_leave_float64() -> None:
    test = rescaling_test(np.array([3e-200, 1e-200]), np.array([3e180, 1e180]))
    assert test is not None
    assert test.cosine == pytest.approx(1)
    assert test.relative_residual == pytest.approx(0, abs=1e-15)


def test_where_the_best_factor_errs() -> None:
    """λ* by hand: each tier's part of the squared residual, and the agent it misses by most."""
    full = np.array([1.0, 2.0, 3.0, 4.0])
    sample = np.array([2.0, 4.0, 6.0, 0.0])
    test = rescaling_test(sample, full, np.array([0, 1, 1, 2], np.uint8), 3)
    assert test is not None
    factor = (2 + 8 + 18) / 30
    rest = sample - factor * full
    parts = [rest[0] ** 2, rest[1] ** 2 + rest[2] ** 2, rest[3] ** 2]
    assert test.scale_factor == pytest.approx(factor)
    assert test.tier_residuals == pytest.approx([part / sum(parts) for part in parts])
    assert test.worst is not None
    assert (test.worst.position, test.worst.tier, test.worst.relative) == (3, 2, 1.0)
    assert not test.exact
    multiple = rescaling_test(2 * full, full, np.array([0, 1, 1, 2], np.uint8), 3)
    assert multiple is not None
    assert (multiple.exact, multiple.tier_residuals, multiple.worst) == (True, (), None)


def test_no_other_factor_leaves_less() -> None:
    rng = np.random.default_rng(0)
    sample, full = rng.random(30), rng.random(30)
    test = rescaling_test(sample, full)
    assert test is not None
    least = test.relative_residual * np.linalg.norm(sample)
    for factor in np.linspace(-1, 3, 2001):
        assert np.linalg.norm(sample - factor * full) >= least - 1e-12


def test_corrected_samples_are_the_averages_of_the_estimates_from_each() -> None:
    data = frame(3000)
    comparison = compare_scales(data, ["heat", "gini"], sizes=[100, 600], seeds=6, correct=True)
    panel = Panel.of(data)
    sampler = Sampler.of(panel)
    for scales in comparison.indicators:
        truth = [tier.share for tier in scales.full.tiers]
        for summary in scales.samples:
            assert summary.corrected is not None
            assert summary.why == ""
            estimates = []
            for repeat in range(6):
                drawn, keys = sampler.draw_keys("visibility", summary.size, repeat=repeat)
                index = drawn[: summary.size]
                chances = 1 - np.exp(-(panel.followers[index] + 1) * keys[summary.size])
                draw = Draw(panel.features.take(index), chances)
                tiers = membership(assign_tiers(panel.order, (1.0, 10.0))[index], 3)
                one = estimate(INDICATORS[scales.indicator], draw, tiers, Aggregator())
                assert one is not None
                estimates.append(one)
            for place, tier in enumerate(summary.corrected.tiers):
                shares = [one.shares[place] for one in estimates]
                assert tier.share_mean == pytest.approx(statistics.fmean(shares), rel=1e-9)
                assert tier.share_std == pytest.approx(statistics.stdev(shares), rel=1e-9)
                ends = [one.intervals[place] for one in estimates]
                there = [pair for pair in ends if pair is not None]
                assert tier.intervals == len(there)
                assert tier.coverage == sum(low <= truth[place] <= high for low, high in there)
            flips = [sum(truth[1:]) - sum(one.shares[1:]) for one in estimates]
            assert summary.corrected.flip_mean == pytest.approx(statistics.fmean(flips), abs=1e-9)
    assert compare_scales(data).indicators[0].samples[0].corrected is None


def test_what_cannot_be_corrected_says_why_and_the_others_are() -> None:
    comparison = compare_scales(frame(), ["heat"], protocols=PROTOCOLS, sizes=[50], correct=True)
    by_protocol = {one.protocol: one for one in comparison.indicators[0].samples}
    assert {name: one.corrected is None for name, one in by_protocol.items()} == {
        "visibility": False, "top": True, "active": True, "random": False,
    }  # fmt: skip
    assert "had no chance" in by_protocol["top"].why
    able = int((frame()["activity"] > 0).sum())
    assert f"{600 - able} of 600 agents" in by_protocol["active"].why
    assert by_protocol["active"].tiers  # the samples themselves are there as ever
    everyone = frame().with_columns(pl.col("activity") + 1)
    made = compare_scales(everyone, ["heat"], protocols=["active"], sizes=[50], correct=True)
    assert made.indicators[0].samples[0].corrected is not None
