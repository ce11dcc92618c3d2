"""Baselines against the definition: every coalition, naive walks, standard errors that are true."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.attribution.inputs import Panel
from blueattr.attribution.value import solve
from blueattr.errors import EmptyPanelError, FeatureError, UsageError, ZeroTotalError
from blueattr.indicators.base import Aggregator, FeatureArrays, MomentIndicator, PairwiseIndicator
from blueattr.indicators.builtin import INDICATORS
from blueattr.kernels import FloatArray, games
from blueattr.studies.validation.baselines import exact_shapley, sampled_banzhaf, sampled_shapley
from support import naive
from support.effort import law

LAW = law(60)
NAMES = tuple(INDICATORS)
ADDITIVE_IN_PAIRS = ("lin", "var", "gini")


feature = st.sampled_from([0.0, 0.0, 1.0, 2.5]) | st.floats(1e-3, 1e3)
agents = st.tuples(feature, feature, feature)


def frame(panel: naive.Features) -> pl.DataFrame:
    a, b, c = np.array(panel, np.float64).reshape(-1, 3).T
    return pl.DataFrame({"did": [f"{i:07d}" for i in range(len(a))], "a": a, "b": b, "c": c})


def random_panel(n: int, seed: int = 0) -> list[tuple[float, float, float]]:
    """Skewed, with zeros; agents 0 and 1 are equal, agent 2 has nothing."""
    rng = np.random.default_rng(seed)
    x = rng.lognormal(size=(n, 3)) * (rng.random((n, 3)) < 0.7)
    x[0] = 1.0
    x[1] = x[0]
    x[2] = 0
    return [(a, b, c) for a, b, c in x.tolist()]


def own(name: str, value: Callable[[FloatArray], float], like: str) -> MomentIndicator:
    base = INDICATORS[like]
    assert isinstance(base, MomentIndicator)
    return replace(base, name=name, value=value, closed_form=None)


def exact(name: str, panel: naive.Features) -> list[float]:
    return naive.exact_shapley(naive.coalition_value(name, panel), len(panel))


def exact_banzhaf(name: str, panel: naive.Features) -> list[float]:
    n, value = len(panel), naive.coalition_value(name, panel)
    v = [value([bool(bits >> i & 1) for i in range(n)]) for bits in range(1 << n)]
    return [
        math.fsum(v[bits | 1 << i] - v[bits] for bits in range(1 << n) if not bits >> i & 1)
        / (1 << (n - 1))
        for i in range(n)
    ]


# --- exact Shapley -------------------------------------------------------------------------------


@pytest.mark.few(2)
@pytest.mark.parametrize("name", NAMES)
@LAW
@given(panel=st.lists(agents, min_size=1, max_size=7))
def test_exact_shapley_equals_its_plain_twin(name: str, panel: naive.Features) -> None:
    if not any(map(any, panel)):
        panel = [*panel, (1.0, 2.0, 3.0)]
    result = exact_shapley(frame(panel), name)
    expected = exact(name, panel)
    # What differs is rounding, of values as large as those of the largest coalition.
    value = naive.coalition_value(name, panel)
    n = len(panel)
    size = max(value([bool(bits >> i & 1) for i in range(n)]) for bits in range(1 << n))
    np.testing.assert_allclose(result.values, expected, rtol=1e-10, atol=1e-13 * size + 1e-15)
    assert result.coalitions == 1 << n
    assert math.fsum(result.values) == pytest.approx(result.total, rel=1e-9, abs=1e-13 * size)


@pytest.mark.parametrize("name", NAMES)
def test_exact_shapley_of_twenty_agents(name: str) -> None:
    """2^20 coalitions; equal agents, an agent with nothing, and the value where it is known."""
    panel = random_panel(20)
    result = exact_shapley(frame(panel), name)
    assert result.coalitions == 1 << 20
    assert math.fsum(result.values) == pytest.approx(result.total, rel=1e-12)
    assert result.values[0] == pytest.approx(result.values[1], rel=1e-12)
    assert result.values[2] == 0
    assert result.values[0] != 0
    closed = solve(INDICATORS[name], Panel.of(frame(panel)).features, Aggregator()).values
    if name in ADDITIVE_IN_PAIRS:
        np.testing.assert_allclose(result.values, closed, rtol=1e-11, atol=1e-15)
    else:
        assert 1e-4 < np.abs(result.values / result.total - closed / result.total).max() < 0.1


def test_exact_shapley_never_becomes_an_estimate() -> None:
    with pytest.raises(UsageError, match="at most 20 agents, not 21"):
        exact_shapley(frame(random_panel(21)))


def test_one_agent_gets_everything() -> None:
    for name in ("lin", "heat"):
        result = exact_shapley(frame([(1.0, 2.0, 3.0)]), name)
        assert result.values.tolist() == [pytest.approx(result.total)]
        sampled = sampled_shapley(frame([(1.0, 2.0, 3.0)]), name, permutations=2)
        assert sampled.values.tolist() == [pytest.approx(result.total)]
        assert sampled.standard_errors.tolist() == [0.0]


# --- permutations --------------------------------------------------------------------------------


def walk(name: str, panel: naive.Features, order: list[int]) -> list[float]:
    """What each agent adds, from the definition."""
    value = naive.coalition_value(name, panel)
    present = [False] * len(panel)
    added, before = [0.0] * len(panel), 0.0
    for i in order:
        present[i] = True
        now = value(present)
        added[i] = now - before
        before = now
    return added


def orders(n: int, permutations: int, seed: int) -> list[list[int]]:
    starts = np.random.SeedSequence(seed, spawn_key=(10,)).generate_state(permutations, np.uint64)
    return [games.permutation(n, start).tolist() for start in starts]


@pytest.mark.few(2)
@pytest.mark.parametrize("antithetic", [False, True])
@pytest.mark.parametrize("name", NAMES)
@LAW
@given(panel=st.lists(agents, min_size=1, max_size=12), seed=st.integers(0, 99))
def test_sampled_shapley_equals_its_plain_twin(
    name: str, antithetic: bool, panel: naive.Features, seed: int
) -> None:
    if not any(map(any, panel)):
        panel = [*panel, (1.0, 2.0, 3.0)]
    drawn = orders(len(panel), 3, seed)
    seen = [np.array(walk(name, panel, order)) for order in drawn]
    size = max(float(np.abs(one).sum()) for one in seen)
    if antithetic:
        seen = [
            (one + np.array(walk(name, panel, order[::-1]))) / 2
            for one, order in zip(seen, drawn, strict=True)
        ]
    result = sampled_shapley(
        frame(panel), name, permutations=6 if antithetic else 3, antithetic=antithetic, seed=seed
    )
    # What cancels in a marginal contribution is as large as a squared feature.
    size = max(float(np.abs(one).sum()) for one in seen) + max(map(max, panel)) ** 2
    np.testing.assert_allclose(
        result.values, np.mean(seen, axis=0), rtol=1e-10, atol=1e-15 * size + 1e-15
    )
    np.testing.assert_allclose(
        result.standard_errors,
        np.std(seen, axis=0, ddof=1) / math.sqrt(3),
        rtol=1e-7,
        atol=1e-12 * size + 1e-15,
    )


def test_permutations_are_uniform() -> None:
    """All 24 orders of four agents, by a chi-squared test far out in its tail."""
    starts = np.random.SeedSequence(1).generate_state(24_000, np.uint64)
    seen: dict[tuple[int, ...], int] = {}
    for start in starts:
        order = tuple(games.permutation(4, start).tolist())
        seen[order] = seen.get(order, 0) + 1
    assert len(seen) == 24
    assert sum((count - 1000) ** 2 / 1000 for count in seen.values()) < 60  # 23 degrees of freedom


def test_every_agent_is_as_likely_at_every_place() -> None:
    n, draws = 50, 5000
    starts = np.random.SeedSequence(2).generate_state(draws, np.uint64)
    places = np.zeros((n, n))
    for start in starts:
        order = games.permutation(n, start)
        assert sorted(order.tolist()) == list(range(n))
        places[np.arange(n), order] += 1
    chi = ((places - draws / n) ** 2 / (draws / n)).sum()
    assert abs(chi - (n - 1) ** 2) < 6 * math.sqrt(2 * (n - 1) ** 2)


@pytest.mark.parametrize("antithetic", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_sampled_shapley_is_within_its_standard_errors(name: str, antithetic: bool) -> None:
    panel = random_panel(12)
    expected = exact_shapley(frame(panel), name)
    for seed in range(3):
        result = sampled_shapley(
            frame(panel), name, permutations=1000, antithetic=antithetic, seed=seed
        )
        distance = np.abs(result.values - expected.values)
        assert (distance <= 5 * result.standard_errors + 1e-14).all()
        assert result.values[2] == 0
        assert result.standard_errors[2] == 0
        assert math.fsum(result.values) == pytest.approx(result.total, rel=1e-9)
        assert result.total == pytest.approx(expected.total, rel=1e-12)
    assert (result.standard_errors[[0, 1]] > 1e-5).all() == (
        name == "heat" or (name != "lin" and not antithetic)
    )


@pytest.mark.slow
def test_standard_errors_are_true() -> None:
    """Over many seeds the error in units of its standard error has variance 1."""
    panel = frame(random_panel(10))
    expected = exact_shapley(panel, "heat").values
    for antithetic in (False, True):
        z = []
        for seed in range(300):
            result = sampled_shapley(panel, permutations=200, antithetic=antithetic, seed=seed)
            busy = result.standard_errors > 0
            z.append(((result.values - expected)[busy] / result.standard_errors[busy])[0])
        assert 0.8 < float(np.std(z)) < 1.25
        assert abs(float(np.mean(z))) < 0.3


def test_sampled_shapley_converges_as_one_over_the_root() -> None:
    panel = frame(random_panel(12))
    expected = exact_shapley(panel, "heat").values
    errors = []
    for permutations in (100, 1600, 25_600):
        runs = [
            sampled_shapley(panel, permutations=permutations, seed=seed).values
            for seed in range(12)
        ]
        errors.append(math.sqrt(float(np.mean([(run - expected) ** 2 for run in runs]))))
    assert 2.5 < errors[0] / errors[1] < 6.4  # 4 is the law
    assert 2.5 < errors[1] / errors[2] < 6.4


@pytest.mark.parametrize("name", ["var", "gini"])
def test_antithetic_pairs_are_exact_where_only_pairs_of_agents_interact(name: str) -> None:
    panel = random_panel(40)
    result = sampled_shapley(frame(panel), name, permutations=4, antithetic=True)
    expected = solve(INDICATORS[name], Panel.of(frame(panel)).features, Aggregator()).values
    np.testing.assert_allclose(result.values, expected, rtol=1e-9, atol=1e-14)
    alone = sampled_shapley(frame(panel), name, permutations=4)
    assert not np.allclose(alone.values, expected, rtol=1e-3)


def test_antithetic_pairs_help_heat() -> None:
    panel = frame(random_panel(30))
    alone = sampled_shapley(panel, permutations=2000).standard_errors
    pairs = sampled_shapley(panel, permutations=2000, antithetic=True).standard_errors
    assert pairs.max() < 0.7 * alone.max()


@pytest.mark.parametrize("name", NAMES)
def test_large_panels_stay_efficient(name: str) -> None:
    rng = np.random.default_rng(4)
    n = 20_000
    x = rng.pareto(1.2, (n, 3)) * (rng.random((n, 3)) < 0.4)
    result = sampled_shapley(frame(x.tolist()), name, permutations=6)
    assert math.fsum(result.values) == pytest.approx(result.total, rel=1e-9)
    assert (result.values[(x == 0).all(axis=1)] == 0).all()
    assert np.isfinite(result.standard_errors).all()


def test_gini_with_massive_ties() -> None:
    panel = [(0.0, 0.0, 0.0)] * 300 + [(1.0, 1.0, 1.0)] * 20 + [(3.0, 3.0, 3.0)]
    result = sampled_shapley(frame(panel), "gini", permutations=4, antithetic=True)
    np.testing.assert_allclose(result.values, naive.closed_form("gini", panel), rtol=1e-12)
    assert not result.values[:300].any()


@pytest.mark.parametrize("scale", [1e-12, 1e12])
@pytest.mark.parametrize("name", NAMES)
def test_extreme_scales(name: str, scale: float) -> None:
    panel = frame([(a * scale, b * scale, c * scale) for a, b, c in random_panel(12)])
    expected = exact_shapley(panel, name)
    result = sampled_shapley(panel, name)
    assert expected.total > 0
    assert math.fsum(result.values) == pytest.approx(expected.total, rel=1e-9)
    distance = np.abs(result.values - expected.values)
    assert (distance <= 5 * result.standard_errors + 1e-12 * expected.total).all()
    assert np.isfinite(sampled_banzhaf(panel, name).normalised).all()


# --- seeds, threads, order -----------------------------------------------------------------------


def _bytes(result: Any) -> tuple[bytes, bytes]:
    return result.values.tobytes(), result.standard_errors.tobytes()


@pytest.mark.few(2)
@pytest.mark.parametrize("name", NAMES)
def test_seeds_decide_and_threads_and_order_do_not(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = frame(random_panel(2000))
    moved = panel.sample(fraction=1, shuffle=True, seed=7)
    assert moved["did"].to_list() != panel["did"].to_list()
    for baseline in (sampled_shapley, sampled_banzhaf):
        seen = set()
        for threads in (1, 2, 5):
            with monkeypatch.context() as patch:
                patch.setattr("blueattr.kernels.compiled.threads", lambda threads=threads: threads)
                patch.setattr("blueattr.kernels.compiled.SPREAD_FROM", 1)
                seen.add(_bytes(baseline(panel, name, seed=3)))
        seen.add(_bytes(baseline(moved, name, seed=3)))
        assert len(seen) == 1
        other = _bytes(baseline(panel, name, seed=4))
        assert (other in seen) == (name == "lin" and baseline is sampled_shapley)


def test_the_first_permutations_of_a_seed_do_not_depend_on_their_number() -> None:
    panel = frame(random_panel(6))
    few = sampled_shapley(panel, permutations=2, seed=9)
    many = [sampled_shapley(panel, permutations=m, seed=9).values for m in (3, 4)]
    third = 3 * many[0] - 2 * few.values
    assert third.sum() == pytest.approx(few.total)
    assert (3 * many[0] + walk("heat", random_panel(6), orders(6, 4, 9)[3])) / 4 == pytest.approx(
        many[1]
    )


@pytest.mark.parametrize("baseline", [sampled_shapley, sampled_banzhaf])
def test_a_panel_is_as_good_as_its_frame(baseline: Any) -> None:
    data = frame(random_panel(30))
    assert _bytes(baseline(data, "gini")) == _bytes(baseline(Panel.of(data), "gini"))
    result = baseline(data, "gini")
    assert result.dids.to_list() == data["did"].to_list()


# --- Banzhaf -------------------------------------------------------------------------------------


def memberships(n: int, coalitions: int, seed: int) -> list[list[bool]]:
    """Who is in, found out one agent at a time: with s 1 for one and 0 for the others."""
    starts = np.random.SeedSequence(seed, spawn_key=(11,)).generate_state(coalitions, np.uint64)
    sums = games.coalition_sums(np.eye(n), starts.astype(np.uint64))
    assert set(np.unique(sums)) <= {0.0, 1.0}
    return [[total == 1 for total in column] for column in sums.T.tolist()]


@pytest.mark.few(2)
@pytest.mark.parametrize("name", NAMES)
@LAW
@given(
    panel=st.lists(agents, min_size=1, max_size=12),
    coalitions=st.integers(2, 12),
    seed=st.integers(0, 99),
)
def test_sampled_banzhaf_equals_its_plain_twin(
    name: str, panel: naive.Features, coalitions: int, seed: int
) -> None:
    if not any(map(any, panel)):
        panel = [*panel, (1.0, 2.0, 3.0)]
    drawn = memberships(len(panel), coalitions, seed)
    value = naive.coalition_value(name, panel)
    v = np.array([value(present) for present in drawn])
    result = sampled_banzhaf(frame(panel), name, coalitions=coalitions, seed=seed)
    size = float(np.abs(v).max())
    undetermined = 0
    for i in range(len(panel)):
        inside = np.array([present[i] for present in drawn])
        sides = [v[inside], v[~inside]]
        one_sided = not (sides[0].size and sides[1].size)
        undetermined += one_sided
        expected = 0.0 if one_sided else sides[0].mean() - sides[1].mean()
        error = math.sqrt(
            sum((side if side.size > 1 else v).var(ddof=1) / max(side.size, 1) for side in sides)
        )
        assert result.values[i] == pytest.approx(expected, rel=1e-10, abs=1e-13 * size)
        assert result.standard_errors[i] == pytest.approx(error, rel=1e-6, abs=1e-7 * size + 1e-15)
    assert result.undetermined == undetermined


def test_coalitions_are_fair_coins() -> None:
    n, coalitions = 150, 4000
    drawn = np.array(memberships(n, coalitions, 0), dtype=np.float64)
    assert drawn.shape == (coalitions, n)
    deviations = np.abs(drawn.mean(axis=0) - 0.5)
    assert deviations.max() < 5 * 0.5 / math.sqrt(coalitions)
    correlations = np.corrcoef(drawn.T) - np.eye(n)
    assert np.abs(correlations).max() < 6 / math.sqrt(coalitions)


@pytest.mark.few(2)
@pytest.mark.parametrize("name", NAMES)
def test_sampled_banzhaf_is_within_its_standard_errors(name: str) -> None:
    panel = random_panel(10)
    expected = np.array(exact_banzhaf(name, panel))
    for seed in range(3):
        result = sampled_banzhaf(frame(panel), name, coalitions=500, seed=seed)
        assert (np.abs(result.values - expected) <= 5 * result.standard_errors).all()
        assert result.undetermined == 0
        assert math.fsum(result.normalised) == pytest.approx(result.total, rel=1e-12)
        assert np.sign(result.normalised).tolist() == np.sign(result.values).tolist()
    large = sampled_banzhaf(frame(panel), name, coalitions=50_000)
    assert (np.abs(large.values - expected) <= 5 * large.standard_errors).all()
    np.testing.assert_allclose(large.standard_errors, 0.1 * result.standard_errors, rtol=0.15)


def test_agents_in_all_coalitions_or_in_none_are_counted_and_get_zero() -> None:
    panel = random_panel(200)
    result = sampled_banzhaf(frame(panel), coalitions=3)
    drawn = np.array(memberships(200, 3, 0))
    one_sided = drawn.all(axis=0) | ~drawn.any(axis=0)
    assert result.undetermined == one_sided.sum() > 20
    assert (result.values[one_sided] == 0).all()
    assert (result.values[~one_sided] != 0).all()
    assert np.isfinite(result.standard_errors).all()
    assert (result.standard_errors > 0).all()
    assert sampled_banzhaf(frame(panel), coalitions=200).undetermined == 0


def test_banzhaf_without_a_positive_factor_has_no_shares() -> None:
    equal = frame([(1.0, 1.0, 1.0)] * 6)
    result = sampled_banzhaf(equal, "var")
    assert result.total == 0
    with pytest.raises(ZeroTotalError, match="no positive factor"):
        _ = result.normalised
    with pytest.raises(ZeroTotalError, match="draw more"):
        _ = sampled_banzhaf(frame([(0.0, 0.0, 0.0)] * 3), "lin").normalised


# --- indicators of one's own ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("like", "value"),
    [
        ("heat", lambda m: math.log1p(math.prod(m))),  # of one point only
        ("heat", lambda m: np.log1p(m[0] * m[1] * m[2])),  # of many at once
        ("var", lambda m: m[0] - m[1] * m[1]),
        ("lin", lambda m: m.sum()),  # of many points this is another function
    ],
)
def test_python_indicators_play_the_same_game_as_the_compiled_ones(
    like: str, value: Callable[[FloatArray], float]
) -> None:
    mine, panel = own("mine", value, like), frame(random_panel(9))
    np.testing.assert_allclose(
        exact_shapley(panel, mine).values, exact_shapley(panel, like).values, rtol=1e-12, atol=1e-16
    )
    for antithetic in (False, True):
        ours = sampled_shapley(panel, mine, permutations=20, antithetic=antithetic)
        theirs = sampled_shapley(panel, like, permutations=20, antithetic=antithetic)
        np.testing.assert_allclose(ours.values, theirs.values, rtol=1e-10, atol=1e-15)
        np.testing.assert_allclose(
            ours.standard_errors, theirs.standard_errors, rtol=1e-6, atol=1e-14
        )
    np.testing.assert_allclose(
        sampled_banzhaf(panel, mine).values, sampled_banzhaf(panel, like).values, rtol=1e-10
    )


def test_an_indicator_that_takes_a_known_name_is_not_mistaken_for_it() -> None:
    mine = own("heat", lambda m: 2.0 * m[0], "heat")
    panel = frame(random_panel(9))
    assert sampled_shapley(panel, mine).values == pytest.approx(2 * panel["a"].to_numpy() / 9)


def test_an_indicator_that_is_not_finite_is_an_error() -> None:
    def broken(m: FloatArray) -> float:
        return float(m[0]) if m[1] == 0 or m[1] > 0.5 else math.inf

    mine = own("broken", broken, "heat")
    panel = frame([(1.0, 1.0, 1.0)] * 6)
    for baseline in (exact_shapley, sampled_shapley, sampled_banzhaf):
        with pytest.raises(FeatureError, match="'broken' is not finite"):
            baseline(panel, mine)


def test_an_indicator_that_is_not_zero_where_nobody_is_is_an_error() -> None:
    with pytest.raises(UsageError, match="not 0 where nobody takes part"):
        sampled_shapley(frame(random_panel(5)), own("off", lambda m: 1.0 + m[0], "lin"))


def test_an_unknown_sum_over_pairs_is_an_error() -> None:
    gini = INDICATORS["gini"]
    assert isinstance(gini, PairwiseIndicator)
    with pytest.raises(UsageError, match="'pairs', which sums over pairs"):
        exact_shapley(frame(random_panel(5)), replace(gini, name="pairs"))


@pytest.mark.parametrize("name", ["lin", "var", "gini"])
def test_aggregators_reach_the_game(name: str) -> None:
    panel, log = frame(random_panel(10)), Aggregator("log", (0.5, 0.25, 0.25))
    x: FeatureArrays = Panel.of(panel).features
    expected = solve(INDICATORS[name], x, log).values
    np.testing.assert_allclose(
        exact_shapley(panel, name, aggregator=log).values, expected, rtol=1e-11, atol=1e-15
    )
    result = sampled_shapley(panel, name, aggregator=log, permutations=4, antithetic=True)
    np.testing.assert_allclose(result.values, expected, rtol=1e-9, atol=1e-14)
    assert result.aggregator == log


# --- what is refused -----------------------------------------------------------------------------


def test_numbers_that_make_no_sense() -> None:
    panel = frame(random_panel(5))
    for permutations in (1, 0, -3):
        with pytest.raises(UsageError, match="needs 2 permutations"):
            sampled_shapley(panel, permutations=permutations)
    for permutations in (2, 5):
        with pytest.raises(UsageError, match="an even number"):
            sampled_shapley(panel, permutations=permutations, antithetic=True)
    with pytest.raises(UsageError, match="at least 2 coalitions"):
        sampled_banzhaf(panel, coalitions=1)
    for baseline in (sampled_shapley, sampled_banzhaf):
        with pytest.raises(UsageError, match="seed"):
            baseline(panel, seed=-1)
    with pytest.raises(UsageError, match="'heat'"):
        exact_shapley(panel, "hate")
    with pytest.raises(EmptyPanelError):
        exact_shapley(panel.clear())
