"""Questions to a scenario: defaults, peaks, both forms, and what is refused."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from blueattr.errors import NoAnswerError, UsageError, ZeroTotalError
from blueattr.report.figures.scenarios import games_exhibit
from blueattr.report.results.scenarios import scenario_attribution_report
from blueattr.scenarios.games.attribution import (
    ScenarioQuestion,
    attribute_scenario,
    recorded_values,
)
from blueattr.scenarios.games.beside import beside
from blueattr.scenarios.games.methods import Budgets
from blueattr.scenarios.models.economy import Economy
from blueattr.scenarios.shipped import run_scenario, scenario_of
from support.scenario_world import scenario


@pytest.mark.parametrize(
    ("name", "indicator", "step", "baseline", "form", "method", "recorded"),
    [
        ("economy", "inflation", 12, "zero", "smooth", "path", 0.029833594),
        ("market", "loss", 3, "hold", "discrete", "exact", 0.064390604),
        ("opinion", "polarisation", 12, "silent", "smooth", "path", 0.54982325),
    ],
)
def test_the_defaults_ask_the_first_indicator_at_its_peak(  # noqa: PLR0917 - a row of a table
    name: str, indicator: str, step: int, baseline: str, form: str, method: str, recorded: float
) -> None:
    found = attribute_scenario(scenario(name))
    game = found.game
    assert (game.indicator, found.step, game.baseline) == (indicator, step, baseline)
    assert (game.form, found.found.method) == (form, method)
    assert found.recorded == pytest.approx(recorded, rel=1e-7)
    assert found.values.sum() == pytest.approx(found.change, rel=0.01)
    assert found.shares is not None
    assert np.abs(found.shares).sum() == pytest.approx(1)
    assert found.churn == pytest.approx(np.abs(found.values).sum() / abs(found.change))


def test_the_other_form_stands_beside_the_answer_as_in_the_anchors() -> None:
    smooth = attribute_scenario(scenario("market"), ScenarioQuestion(form="smooth"))
    discrete = attribute_scenario(scenario("market"))
    for found, other in ((smooth, discrete), (discrete, smooth)):
        assert found.other.form == other.game.form
        assert (found.other.total, found.other.empty) == (other.total, other.empty)
        assert found.other.exact
        assert found.other.shapley is not None
        assert found.other.shapley.cosine == pytest.approx(0.8371, abs=1e-4)
        assert found.other.relative_error == pytest.approx(0.812, abs=1e-3)


def test_recorded_values_are_those_of_the_recorded_states() -> None:
    record = scenario("economy").record
    np.testing.assert_array_equal(
        recorded_values(scenario("economy"), "inflation"), record.states["growth"][1:]
    )
    changed = replace(record, states={**record.states, "growth": record.states["growth"] + 1})
    model = type(scenario("economy"))(changed)
    values = recorded_values(model, "inflation")
    np.testing.assert_array_equal(values[:-1], changed.states["growth"][1:-1])


def test_values_of_agents_are_the_sums_of_their_cells_and_a_label_may_be_text() -> None:
    asked = ScenarioQuestion(step="8", window=2, players="cells", method="path")
    found = attribute_scenario(scenario("opinion"), asked)
    assert found.step == 8
    assert found.found.values.size == 24
    np.testing.assert_array_equal(found.values, found.found.values.reshape(2, 12).sum(axis=0))


def test_a_step_that_nobody_moves_is_no_answer_and_a_wider_window_is() -> None:
    asked = ScenarioQuestion(indicator="lagged_inflation_risk", step=14)
    with pytest.raises(ZeroTotalError, match=r"nobody moves .* --window 2"):
        attribute_scenario(scenario("economy"), asked)
    with pytest.raises(ZeroTotalError, match="banzhaf sum to 0"):
        attribute_scenario(scenario("economy"), replace(asked, method="banzhaf"))
    wider = replace(asked, window=2, baseline="mean")
    assert attribute_scenario(scenario("economy"), wider).values.any()


def test_the_discrete_game_answers_where_the_smooth_one_cannot_and_says_why() -> None:
    record = run_scenario("economy", agents=5, steps=6, seed=1)
    low = np.full_like(record.states["price"], 1.5)
    model = scenario_of(replace(record, states={**record.states, "price": low}))
    with pytest.raises(NoAnswerError, match="ask the discrete game"):
        attribute_scenario(model, ScenarioQuestion(step=6))
    found = attribute_scenario(model, ScenarioQuestion(step=6, form="discrete"))
    assert found.values.any()
    assert "the smooth form does not have" in found.other.undefined
    assert (found.other.total, found.other.empty, found.other.shapley) == (None, None, None)
    report = scenario_attribution_report(found)
    assert any("The smooth game is not compared" in line for line in report.warnings)
    assert games_exhibit(found) is None
    assert beside(found).methods == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"indicator": "inflatio"}, "did you mean 'inflation'"),
        ({"baseline": "hold"}, "there are zero, mean"),
        ({"form": "rough"}, "there are smooth, discrete"),
        ({"players": "people"}, "there are agents, cells"),
        ({"step": 25}, "the steps are 1 to 24"),
        ({"window": 0}, "does not fit"),
        ({"step": 3, "window": 4}, "3 end with step 3"),
        ({"method": "exact", "players": "cells", "step": 5, "window": 2}, "at most 20 players"),
        ({"budgets": Budgets(permutations=0)}, "permutations"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        attribute_scenario(scenario("economy"), ScenarioQuestion(**change))


def test_what_is_not_finite_is_no_answer_and_no_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    record = run_scenario("economy", agents=3, steps=3, seed=1)
    goods = record.states["goods"].copy()
    goods[1] = -0.1 * 3 * 168  # with the reserve nothing is left: 0/0 where nobody acts
    odd = scenario_of(replace(record, states={**record.states, "goods": goods}))
    with pytest.raises(NoAnswerError, match="not finite where some agents are absent"):
        attribute_scenario(odd, ScenarioQuestion("pressure", step=2))
    monkeypatch.setattr(Economy, "gradient", lambda _self, z, *_: z / 0)
    with pytest.raises(NoAnswerError, match="derivative of 'inflation' is not finite"):
        attribute_scenario(scenario_of(record), ScenarioQuestion(step=2))
