"""What a judge is shown of a user's own simulation, and the digest that its scores go by."""

import hashlib
import inspect
import json
from types import ModuleType

import numpy as np

from blueattr.judges.trace import Cell, Row, Trace, rounded
from blueattr.kernels import FloatArray
from blueattr.scenarios.games.game import ScenarioGame
from blueattr.scenarios.own import OwnScenario
from blueattr.scenarios.protocol import Array

__all__ = ["own_digest", "own_trace"]


_MOST_NUMBERS = 50


def own_trace(game: ScenarioGame, own: OwnScenario) -> Trace:
    """Return what a judge is shown of a game of a user's own simulation.

    Parameters
    ----------
    game, own
        The game, and its simulation.

    Returns
    -------
    Trace
        A row for each agent and step of the window: what is before the step of it, and of all;
        what it did in each channel, and what would replace that. The words are docstrings.

    Raises
    ------
    ScenarioError
        The indicator has no docstring: a judge must be told how it is computed.
    InputError
        A value is not finite.
    """
    formula = inspect.getdoc(own.definition.indicators[game.indicator])
    if not formula:
        raise own.fail(
            f"the indicator {game.indicator!r} has no docstring; a judge is told by it how the "
            "indicator is computed"
        )
    kept = [name for name, channel in own.channels.items() if not channel.scaled]
    columns = [
        *(f"{name} before" for name in own.start(game.window[0])),
        *(f"{name}{end}" for name in game.absent for end in ("", ", if replaced")),
        *kept,
    ]
    rows = []
    for place, step in enumerate(game.window):
        state = own.start(step)
        for agent in range(len(own.agents)):
            cells = [_of_agent(array, agent, len(own.agents)) for array in state.values()]
            for name, absent in game.absent.items():
                did = own.channels[name].values
                cells += [_cell(did[step, agent]), _cell(absent[step, agent])]
            cells += [_cell(own.channels[name].values[step, agent]) for name in kept]
            rows.append(Row(agent, place, tuple(cells)))
    return Trace(
        simulation=_about(own),
        indicator=game.indicator,
        formula=formula,
        value=game.total,
        baseline_value=game.empty,
        baseline_action=f"what stands below 'if replaced' (the baseline {game.baseline!r})",
        target=str(own.steps[game.window[-1]]),
        agents=tuple(own.agents),
        steps=tuple(str(own.steps[step]) for step in game.window),
        columns=tuple(columns),
        rows=tuple(rows),
    )


def _about(own: OwnScenario) -> str:
    """Return what the user wrote about the simulation, or its name."""
    made = own.definition
    written = made if isinstance(made, ModuleType) else type(made)
    of_python = getattr(written, "__module__", "") in {"builtins", "types"}
    return (None if of_python else inspect.getdoc(written)) or f"a simulation called {own.name}"


def _of_agent(array: Array, agent: int, n: int) -> Cell:
    """Return an agent's part of a state, or all of what does not belong to agents."""
    return _cell(array[agent] if array.ndim and len(array) == n else array)


def _cell(array: Array) -> Cell:
    if array.ndim == 0:
        return float(array)
    numbers = [str(rounded(float(number))) for number in array.ravel()]
    more = len(numbers) - _MOST_NUMBERS
    return "; ".join(numbers[:_MOST_NUMBERS]) + (f" [{more:,} more]" if more > 0 else "")


def own_digest(own: OwnScenario) -> str:
    """Return the SHA-256 of what a user's own simulation recorded, in hexadecimal."""
    digest = hashlib.sha256()

    def add(name: str, values: FloatArray) -> None:
        digest.update(json.dumps([name, values.shape]).encode())
        digest.update(np.ascontiguousarray(values, "<f8").tobytes())

    digest.update(json.dumps([list(own.agents), list(own.steps)]).encode())
    for name, channel in own.channels.items():
        add(f"{name} {channel.scaled}", channel.values.astype(np.float64))
    for step in range(len(own.steps)):
        for name, array in own.start(step).items():
            add(name, np.asarray(array, np.float64))
    return digest.hexdigest()
