"""Steps of a scenario with any participation, from the recorded state on."""

from collections.abc import Mapping

import numpy as np

from blueattr.scenarios.protocol import Array, Scenario, State

__all__ = ["actions_at", "play", "start_at"]


def start_at(scenario: Scenario, step: int, batch: int) -> State:
    """Return the recorded state before a step, the same in a whole batch."""
    return {
        name: np.broadcast_to(value, (batch, *np.shape(value)))
        for name, value in scenario.start(step).items()
    }


def actions_at(scenario: Scenario, absent: Mapping[str, Array], z: Array, step: int) -> State:
    """Return what agents do in a step: a⁰ + z (a - a⁰) in what participation scales.

    Parameters
    ----------
    scenario
        The simulation.
    absent
        The baseline a⁰ of all steps.
    z
        Participation, (B, n).
    step
        Its index.
    """
    actions: dict[str, Array] = {}
    for name, channel in scenario.channels.items():
        did = channel.values[step]
        if channel.scaled:
            nothing = absent[name][step]
            part = z.reshape(*z.shape, *(1,) * (did.ndim - 1))
            actions[name] = nothing + part * (did - nothing)
        else:
            actions[name] = np.broadcast_to(did, (len(z), *did.shape))
    return actions


def play(
    scenario: Scenario,
    absent: Mapping[str, Array],
    z: Array,
    window: range,
    *,
    smooth: bool,
) -> list[State]:
    """Return the states of a window: before its first step, and after each.

    Parameters
    ----------
    scenario, absent
        As for `actions_at`.
    z
        Participation, (B, steps of the window, n).
    window
        Indices of the steps.
    smooth
        In which form.
    """
    states = [start_at(scenario, window.start, len(z))]
    for place, step in enumerate(window):
        actions = actions_at(scenario, absent, z[:, place], step)
        with np.errstate(all="ignore"):  # what is not finite is found in the indicator
            states.append(scenario.transition(states[-1], actions, step, smooth))
    return states
