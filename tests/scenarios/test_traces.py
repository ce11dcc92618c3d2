"""Traces for judges: the true values and formulas, and every action of the window."""

import numpy as np
import pytest

from blueattr.judges.trace import Mention, Trace
from blueattr.scenarios.games.game import ScenarioGame
from blueattr.scenarios.shipped import SHIPPED
from blueattr.scenarios.trace import FORMULAS, trace_of
from support.scenario_world import AGENTS, scenario


def trace(name: str, window: range) -> tuple[Trace, ScenarioGame]:
    model = scenario(name)
    indicator = next(iter(model.indicators))
    form = model.leading_form
    game = ScenarioGame(model, indicator, window, model.baselines[0], "agents", form)  # type: ignore[arg-type]  # one of the two
    return trace_of(game), game


@pytest.mark.parametrize("name", [*SHIPPED])
def test_a_trace_has_a_row_for_each_cell_and_both_values_of_the_game(name: str) -> None:
    found, game = trace(name, range(5, 8))
    assert len(found.rows) == 3 * AGENTS
    assert found.steps == ("6", "7", "8")
    assert found.target == "8"
    assert (found.value, found.baseline_value) == (game.total, game.empty)
    assert found.value != found.baseline_value
    assert found.agents == tuple(game.scenario.agents)


def test_every_indicator_that_ships_has_its_formula_in_words() -> None:
    assert set(FORMULAS) == {name for one in SHIPPED for name in scenario(one).indicators}


def test_what_workers_did_is_in_their_rows() -> None:
    found, _ = trace("economy", range(6, 7))
    record = scenario("economy").record
    spent = found.columns.index("share of means spent")
    cells = [row.cells[spent] for row in found.rows]
    np.testing.assert_array_equal(cells, record.actions["consumption"][6])


def test_orders_are_told_in_words_and_an_idle_trader_gives_none() -> None:
    found, _ = trace("market", range(2, 3))
    orders = scenario("market").record.actions["quantity"][2]
    told = [str(row.cells[0]) for row in found.rows]
    assert [text == "no orders" for text in told] == [not one.any() for one in orders]
    assert sum(text.count("buy ") + text.count("sell ") for text in told) == (orders > 0).sum()


def test_readers_name_authors_by_number_so_that_a_judge_can_be_given_other_names() -> None:
    found, _ = trace("opinion", range(1))
    authors = scenario("opinion").record.actions["author"][0]
    for row in found.rows:
        lists = [cell for cell in row.cells[2:] if cell is not None]
        named = [part.agent for cell in lists for part in cell if isinstance(part, Mention)]  # type: ignore[union-attr]  # lists of words
        assert sorted(named) == sorted(a for a in authors[row.agent].tolist() if a >= 0)
