"""Exact Shapley and path values beside the anchors of a second implementation."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from blueattr.errors import NoAnswerError, UsageError, ZeroTotalError
from blueattr.kernels import FloatArray
from blueattr.scenarios.games.game import Players, ScenarioGame
from blueattr.scenarios.games.methods import (
    Budgets,
    Method,
    choose_method,
    leave_one_out,
    normalise,
    solve,
)
from blueattr.scenarios.games.path import complex_steps, differences, path_value
from blueattr.studies.validation.agreement import agreement
from blueattr.studies.validation.estimates import shapley_of
from support.scenario_world import scenario

BUDGETS = Budgets()
KEYS = [
    ("economy", "inflation", "zero", 7), ("economy", "inflation", "zero", 12),
    ("economy", "inflation_risk", "zero", 14), ("economy", "pressure", "zero", 18),
    ("economy", "inflation", "mean", 12), ("economy", "inflation_risk", "mean", 14),
    ("economy", "pressure", "mean", 18), ("market", "loss", "hold", 3),
    ("market", "index_risk", "hold", 22), ("opinion", "polarisation", "silent", 1),
    ("opinion", "polarisation", "silent", 8), ("opinion", "polarisation", "silent", 12),
]  # fmt: skip
# mean |φ|, path: MAE / mean |φ|, cosine, τ, top 10, gap; leave-one-out (not normalised): MAE / mean
# |φ|, cosine
FIGURES = """
0.0053996 0.0346 0.99978 0.97 1.0 3.5e-05 0.45 0.988
0.008465 0.563 0.98457 0.97 1.0 0.0052 0.53 0.978
6.659e-06 0.786 0.90925 -0.515 0.8 0.00053 0.94 0.815
0.02491 1.75 0.98774 0.848 0.9 0.0057 0.7 0.963
0.00066637 0.0004 1.0 1.0 1.0 1.4e-06 0.014 0.9999
1.0637e-06 0.0013 1.0 1.0 1.0 1.9e-06 0.026 0.99998
0.0024444 0.0029 1.0 1.0 1.0 0.0026 0.053 0.9994
0.0041889 0.148 0.99679 0.933 0.9 0.0014 0.78 0.747
5.8026e-06 0.597 0.92723 0.785 1.0 0.00083 0.55 0.855
0.0014125 0.0857 0.99607 0.97 1.0 8.3e-05 0.87 0.966
0.0052717 0.2 0.98875 0.97 1.0 0.0011 0.65 0.879
0.00641 0.404 0.92466 0.758 0.9 0.0002 0.65 0.895
"""
ROWS = [
    (*key, *map(float, figures.split()))
    for key, figures in zip(KEYS, FIGURES.strip().splitlines(), strict=True)
]
VECTORS = {
    ("inflation", 7, "exact"): "0 -.00161426 -.000963904 -7.56653e-5 .00113439 .00218322 .00332356 "
    ".00473123 .00675627 .0092221 .0132623 .0215279",
    ("inflation", 7, "path"): "0 -.0013142 -.00071253 .000126283 .00131099 .00230356 .00335084 "
    ".00477374 .0067406 .00910072 .0129766 .0208285",
    ("polarisation", 1, "exact"): ".000863259 .000634517 .00205215 .00235627 .00170847 -.00141353 "
    ".00162958 .00279847 .00124233 .00100139 -.000352096 .000897747",
    ("polarisation", 1, "path"): ".00103248 .000693584 .00215255 .00220862 .00175257 -.00133526 "
    ".00150657 .00245465 .00142058 .00103468 -.000289306 .000785731",
}
# Shapley of the smooth game against that of the discrete one: cosine, MAE ratio, τ.
FORMS = [
    (0, 0.9977, 0.234, 0.970), (1, 0.9951, 0.261, 1.0), (2, 0.9395, 0.461, 0.970),
    (3, 0.9996, 0.257, 0.970), (7, 0.8371, 0.812, -0.567), (8, 0.5001, 0.835, 0.262),
    (9, 0.9952, 0.094, 0.909), (10, 0.9950, 0.180, 0.970), (11, 0.9943, 0.112, 1.0),
]  # fmt: skip


@cache
def game(  # noqa: PLR0917 - a key of the anchors
    name: str, indicator: str, baseline: str, step: int, form: Any = "smooth", agents: int = 12
) -> ScenarioGame:
    window = range(step - 1, step)
    return ScenarioGame(scenario(name, agents), indicator, window, baseline, "agents", form)


@cache
def exact(  # noqa: PLR0917 - a key of the anchors
    name: str, indicator: str, baseline: str, step: int, form: Any = "smooth", agents: int = 12
) -> FloatArray:
    return shapley_of(game(name, indicator, baseline, step, form, agents).all_coalitions())


@pytest.mark.parametrize("row", ROWS)
def test_path_and_leave_one_out_are_as_far_from_exact_values_as_the_anchors(
    row: tuple[Any, ...],
) -> None:
    key, (size, ratio, cosine, tau, top, gap, without, without_cosine) = row[:4], row[4:]
    reference = exact(*key)
    assert np.abs(reference).mean() == pytest.approx(size, rel=1e-4)
    found = path_value(game(*key))
    close = agreement(found.values, reference)
    assert close.mae / size == pytest.approx(ratio, abs=0.5e-4, rel=0.01)
    assert close.cosine == pytest.approx(cosine, abs=0.6e-5)
    assert close.kendall_tau == pytest.approx(tau, abs=0.6e-3)
    assert close.top_overlap == top
    assert (found.steps, found.derivatives) == (30, "reverse mode")
    assert found.gap == pytest.approx(gap, rel=0.05)
    raw = agreement(leave_one_out(game(*key)), reference)
    assert raw.mae / size == pytest.approx(without, abs=0.6e-2)
    assert raw.cosine == pytest.approx(without_cosine, abs=0.6e-3)


@pytest.mark.parametrize(("indicator", "step", "method"), VECTORS)
def test_the_vectors_are_the_anchors(indicator: str, step: int, method: Any) -> None:
    name, baseline = ("economy", "zero") if indicator == "inflation" else ("opinion", "silent")
    expected = np.array(VECTORS[indicator, step, method].split(), float)
    values = solve(game(name, indicator, baseline, step), method, BUDGETS).values
    np.testing.assert_allclose(values, expected, rtol=5e-6)


@pytest.mark.parametrize(("row", "cosine", "ratio", "tau"), FORMS)
def test_the_discrete_game_is_as_far_from_the_smooth_one_as_the_anchors(
    row: int, cosine: float, ratio: float, tau: float
) -> None:
    smooth, discrete = exact(*ROWS[row][:4]), exact(*ROWS[row][:4], "discrete")
    close = agreement(smooth, discrete)
    assert close.cosine == pytest.approx(cosine, abs=0.6e-4)
    assert close.mae / np.abs(discrete).mean() == pytest.approx(ratio, abs=0.6e-3)
    assert close.kendall_tau == pytest.approx(tau, abs=0.6e-3)


@pytest.mark.parametrize("row", ROWS)
def test_sampled_values_are_within_their_standard_errors_of_exact_ones(
    row: tuple[Any, ...],
) -> None:
    found = solve(game(*row[:4]), "shapley", Budgets(permutations=400, seed=3))
    assert found.standard_errors is not None
    assert (found.standard_errors > 0).any()
    off = np.abs(found.values - exact(*row[:4]))
    assert (off <= 4.5 * found.standard_errors + 1e-15).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "indicator", "baseline", "step", "ratio", "cosine", "tau", "top"),
    [
        ("economy", "inflation", "zero", 21, 0.811, 0.99098, 1.0, 1.0),
        ("economy", "inflation", "mean", 21, 0.0055, 1.0, 1.0, 1.0),
        ("opinion", "polarisation", "silent", 3, 0.0425, 0.99907, 0.958, 0.9),
        ("opinion", "polarisation", "silent", 29, 0.375, 0.94716, 0.758, 0.8),
    ],
)
def test_with_twenty_agents_and_a_million_coalitions_the_anchors_come_out(  # noqa: PLR0917
    name: str, indicator: str, baseline: str, step: int,
    ratio: float, cosine: float, tau: float, top: float,
) -> None:  # fmt: skip
    reference = exact(name, indicator, baseline, step, "smooth", 20)
    found = path_value(game(name, indicator, baseline, step, "smooth", 20))
    close = agreement(found.values, reference)
    assert close.mae / np.abs(reference).mean() == pytest.approx(ratio, rel=0.01)
    assert close.cosine == pytest.approx(cosine, abs=0.6e-5)
    assert close.kendall_tau == pytest.approx(tau, abs=0.6e-3)
    assert close.top_overlap == top


# --- the path value's rule -----------------------------------------------------------------------


def with_reserve(reserve: float) -> ScenarioGame:
    from dataclasses import replace  # noqa: PLC0415

    from blueattr.scenarios.shipped import scenario_of  # noqa: PLC0415

    record = replace(scenario("economy").record, parameters={"reserve": reserve})
    return ScenarioGame(scenario_of(record), "inflation", range(11, 12), "zero", "agents", "smooth")


def test_a_ratio_that_jumps_at_nobody_is_refused_with_what_to_do() -> None:
    with pytest.raises(NoAnswerError, match=r"does not converge.*--baseline mean or a larger"):
        path_value(with_reserve(1e-9))


def test_a_gap_that_does_not_halve_is_refused_at_once_and_not_after_many_more_steps() -> None:
    with pytest.raises(NoAnswerError, match=r"with 30 steps and by .* with 60\."):
        path_value(with_reserve(1e-9))


def test_where_the_gap_halves_the_steps_double_until_it_is_under_a_percent() -> None:
    found = path_value(with_reserve(0.1), 4)
    assert found.steps == 32
    assert found.gap_doubled < found.gap <= 0.01


@pytest.mark.parametrize("players", ["agents", "cells"])
def test_three_ways_to_derivatives_give_the_same_path_value(players: Players) -> None:
    one = ScenarioGame(
        scenario("opinion"), "polarisation", range(3, 6), "silent", players, "smooth"
    )
    points = (np.arange(30) + 0.5) / 30
    reverse = path_value(one).values
    for way, tolerance in ((complex_steps, 1e-12), (differences, 1e-6)):
        mean = sum(way(one, t) for t in points) / 30
        np.testing.assert_allclose(mean, reverse, rtol=0, atol=tolerance * np.abs(reverse).max())


# --- what is refused -----------------------------------------------------------------------------


def test_the_default_method_follows_the_form_and_the_number_of_players() -> None:
    assert choose_method("auto", "smooth", 1000) == "path"
    assert choose_method("auto", "discrete", 20) == "exact"
    assert choose_method("auto", "discrete", 21) == "shapley"


@pytest.mark.parametrize(
    ("method", "form", "players", "message"),
    [
        ("pth", "smooth", 3, "no method is called 'pth'"),
        ("path", "discrete", 3, "needs derivatives"),
        ("exact", "smooth", 21, "at most 20 players"),
    ],
)
def test_a_method_that_does_not_fit_is_refused(
    method: str, form: Any, players: int, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        choose_method(method, form, players)


@pytest.mark.parametrize(
    ("budgets", "message"),
    [
        (Budgets(steps=0), "1 to 960 steps"),
        (Budgets(permutations=1), "2 permutations"),
        (Budgets(coalitions=1), "2 coalitions"),
        (Budgets(seed=-1), "seed"),
    ],
)
def test_budgets_that_make_no_sense_are_refused(budgets: Budgets, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        budgets.check()


def test_banzhaf_values_of_another_sign_are_undefined() -> None:
    with pytest.raises(ZeroTotalError, match="no positive factor"):
        solve(game("economy", "pressure", "zero", 18), "banzhaf", BUDGETS)


def test_random_numbers_are_undefined_where_there_is_nothing_to_share_out() -> None:
    for method in ("random", "leave-one-out"):
        with pytest.raises(ZeroTotalError, match=r"v\(N\) - v\(∅\) is 0"):
            normalise(np.array([1.0, 2.0]), 0.0, method)
    assert normalise(np.array([1.0, 2.0]), -3.0, "random")[0].tolist() == [-1, -2]


def test_normalised_values_sum_to_the_change() -> None:
    one = game("opinion", "polarisation", "silent", 8)
    methods: list[Method] = ["banzhaf", "leave-one-out", "random"]
    for method in methods:
        found = solve(one, method, BUDGETS)
        assert found.values.sum() == pytest.approx(one.total - one.empty, rel=1e-12)
        assert found.raw_sum != pytest.approx(one.total - one.empty, rel=1e-3)


@pytest.mark.parametrize(
    ("raw", "change"),
    [([1.0, 1e-13 - 1], 0.5), ([1.0, 2.0], 1e-17), ([1.0, -1.0], 0.5), ([1.0, 2.0], 0.0)],
)
def test_values_that_cancel_and_changes_that_are_rounding_are_not_scaled_up_or_shared_out(
    raw: list[float], change: float
) -> None:
    with pytest.raises(ZeroTotalError, match="no positive factor"):
        normalise(np.array(raw), change, "leave-one-out")
