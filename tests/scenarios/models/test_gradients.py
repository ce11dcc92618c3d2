"""Reverse mode beside complex steps, which know nothing of it."""

import numpy as np
import pytest

from blueattr.kernels import FloatArray
from blueattr.scenarios.games.game import ScenarioGame
from support.scenario_world import AGENTS, scenario

CASES = [
    (name, indicator, baseline, window)
    for name in ("economy", "market", "opinion")
    for indicator in scenario(name).indicators
    for baseline in scenario(name).baselines
    for window in (range(5, 6), range(1), range(4, 7))
]


def complex_steps(game: ScenarioGame, z: FloatArray) -> FloatArray:
    h = 1e-20
    points = z + 1j * h * np.eye(game.n)
    return game.values(points).imag / h


@pytest.mark.parametrize(("name", "indicator", "baseline", "window"), CASES)
def test_a_gradient_is_that_of_complex_steps_in_every_cell_of_a_window(
    name: str, indicator: str, baseline: str, window: range
) -> None:
    model = scenario(name)
    game = ScenarioGame(model, indicator, window, baseline, "cells", "smooth")
    rng = np.random.default_rng(1)
    z = rng.uniform(0.2, 0.9, (2, game.n))
    slopes = model.gradient(z.reshape(2, len(window), AGENTS), indicator, window, baseline).reshape(
        2, -1
    )
    expected = np.stack([complex_steps(game, one) for one in z])
    scale = np.abs(expected).max()
    if scale == 0:
        assert indicator == "lagged_inflation_risk"
        assert len(window) == 1
    assert np.abs(slopes - expected).max() <= 1e-11 * scale
