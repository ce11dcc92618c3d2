"""Records of scripted runs, and one step of a scenario played with any participation."""

from functools import cache
from typing import Any

import numpy as np

from blueattr.kernels import FloatArray
from blueattr.scenarios.models.model import Model
from blueattr.scenarios.shipped import run_scenario, scenario_of

SEED, AGENTS = 2026, 12
STEPS = {"economy": 24, "market": 24, "opinion": 30}


@cache
def scenario(name: str, agents: int = AGENTS, seed: int = SEED) -> Model:
    """The run of the anchors, or one of another size or seed."""
    stocks = 3 if name == "market" else None
    return scenario_of(
        run_scenario(name, agents=agents, steps=STEPS[name], seed=seed, stocks=stocks)
    )


def one_step(
    model: Any, indicator: str, baseline: str, step: int, z: Any, *, smooth: bool
) -> FloatArray:
    """v(z) of the step with a label, written from the definition: z is (B, n)."""
    index = model.steps.index(step)
    absent = model.baseline(baseline)
    state = {
        name: np.broadcast_to(value, (len(z), *np.shape(value)))
        for name, value in model.start(index).items()
    }
    actions = {}
    for name, channel in model.channels.items():
        did = channel.values[index]
        if channel.scaled:
            some = z.reshape(*z.shape, *(1,) * (did.ndim - 1))
            actions[name] = absent[name][index] + some * (did - absent[name][index])
        else:
            actions[name] = np.broadcast_to(did, (len(z), *did.shape))
    after = model.transition(state, actions, index, smooth)
    values: FloatArray = model.indicators[indicator](state, after, index)
    return values
