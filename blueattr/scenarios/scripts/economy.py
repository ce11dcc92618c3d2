"""Scripted agents of the economy: EconAgent's composite policy without a language model."""

import numpy as np

from blueattr.kernels import FloatArray
from blueattr.scenarios.protocol import Array
from blueattr.scenarios.record import Record
from blueattr.scenarios.rules.economy import GRID, HOURS, START_INTEREST, advance
from blueattr.scenarios.scripts.numbering import number, stacked
from blueattr.scenarios.streams import ECONOMY, NumberStream

__all__ = ["run_economy"]


_DRAWS = 1000
_HIGHEST_SKILL, _PARETO = 950.0, 8.0
_EXPONENT = 0.1


def skills(stream: NumberStream, n: int) -> FloatArray:
    """Draw hourly wages: the mean of 1,000 sorted draws from a cut-off Pareto distribution."""
    draws = (1 - stream.uniform((_DRAWS, n))) ** (-1 / _PARETO) - 1
    capped = np.minimum(_HIGHEST_SKILL, (_HIGHEST_SKILL - 1) * draws + 1)
    mean: FloatArray = np.sort(capped, axis=1).mean(axis=0)
    return mean


def run_economy(agents: int, steps: int, seed: int) -> Record:
    """Run the economy with scripted agents.

    Parameters
    ----------
    agents, steps
        How many, at least 1 each.
    seed
        At least 0.

    Returns
    -------
    Record

    Notes
    -----
    docs/scenarios.md, "Economy".
    """
    stream = NumberStream(seed, ECONOMY)
    wage = skills(stream, agents)
    by_length = stream.uniform(agents) < 0.5
    state = _begin(wage)
    fields = tuple(state)
    states, actions, noises = [state], [], []
    last_income = np.zeros(agents)
    for step in range(steps):
        noise = {
            "wage_response": stream.uniform(agents),
            "price_response": stream.uniform(1)[0],
        }
        wealth, wage = state["wealth"][0], state["wage"][0]
        price, rate = float(state["price"][0]), float(state["interest"][0])
        worked = _works(stream.uniform(agents), wealth, wage, rate)
        income = HOURS * wage * worked
        share = np.where(
            by_length,
            _by_length(wealth, income, price),
            _by_cats(wealth, income, last_income, rate),
        )
        share = np.clip(np.floor(share / GRID) * GRID, 0.0, 1.0)
        last_income = np.where(income > 0, income, last_income)
        action = {"work": worked[None], "consumption": share[None]}
        after = advance(state, action, noise, step=step, smooth=False)
        state = {name: after[name] for name in fields}
        states.append(state)
        actions.append(action)
        noises.append(noise)
    return Record(
        scenario="economy",
        parameters={},
        agents=number(agents),
        steps=tuple(range(1, steps + 1)),
        states={name: stacked([each[name][0] for each in states]) for name in fields},
        actions={name: stacked([each[name][0] for each in actions]) for name in actions[0]},
        noise={name: stacked([each[name] for each in noises]) for name in noises[0]},
        seed=seed,
    )


def _begin(wage: FloatArray) -> dict[str, Array]:
    return {
        "wealth": np.zeros((1, wage.size)),
        "wage": wage[None],
        "goods": np.zeros(1),
        "price": np.array([wage.mean()]),
        "interest": np.array([START_INTEREST]),
        "growth": np.zeros(1),
        "risk": np.zeros(1),
    }


def _works(u: FloatArray, wealth: FloatArray, wage: FloatArray, rate: float) -> FloatArray:
    some = np.where(wealth > 0, wealth, 1.0)
    chance = np.where(wealth > 0, (HOURS * wage / (some * (1 + rate))) ** _EXPONENT, 1.0)
    return np.where(u < np.minimum(chance, 1.0), 1.0, 0.0)


def _by_length(wealth: FloatArray, income: FloatArray, price: float) -> FloatArray:
    share: FloatArray = (price / (wealth + income)) ** _EXPONENT
    return share


def _by_cats(
    wealth: FloatArray, income: FloatArray, last_income: FloatArray, rate: float
) -> FloatArray:
    h1 = 1 / (1 + rate)
    last = np.where(last_income > 0, last_income, np.where(income > 0, income, 1.0))
    growth = income / last - 1
    wanted = wealth / last - h1
    # Where the agent is idle, its income is 0, and so is what it consumes.
    ratio = 1 + (wanted - h1 * growth) / np.where(income > 0, 1 + growth, 1.0)
    return np.where(income > 0, ratio * income / (wealth + income), 0.0)
