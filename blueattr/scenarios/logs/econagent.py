"""Logs of EconAgent, as the simulate.py of IEEE writes them: JSON and CSV become a record."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from blueattr.errors import InputError
from blueattr.kernels import FloatArray
from blueattr.scenarios.logs.folder import LogFolder, LogTable, number_in, object_in
from blueattr.scenarios.logs.replay import widest
from blueattr.scenarios.models.economy import Economy
from blueattr.scenarios.record import LARGEST, Record, check_size
from blueattr.scenarios.record_file import shown
from blueattr.scenarios.rules.economy import (
    GRID,
    HOURS,
    PRICE_RESPONSE,
    START_INTEREST,
    WAGE_RESPONSE,
    advance,
)
from blueattr.scenarios.rules.risk import DECAY

__all__ = ["read_econagent"]


BoolArray = npt.NDArray[np.bool_]

_ACTIONS = "actions_json/all_actions.json"
_AGENTS = "metrics_csv/agent_metrics.csv"
_WORLD = "metrics_csv/world_metrics.csv"
_STEP = re.compile(r"step_(\d{1,9})", re.ASCII)
_PLANNER = "p"
_PERIODS = (1, 12)  # of IEEE, and of EconAgent
_EXACT = 1e-9  # relative; double precision and a sum over agents cost less


@dataclass(frozen=True)
class _Logs:
    """What the three files hold.

    Parameters
    ----------
    agents
        The names.
    work, consumption
        float64 (steps, n).
    wealth, wage, income
        float64 (steps + 1, n): the state after each step; the first row is the state before the
        first step.
    price, interest
        float64 (steps + 1,).
    rounding
        Half a unit of the last decimal in which wealth, skill and price are written.
    remarks
        What was assumed or left out.
    """

    agents: tuple[str, ...]
    work: FloatArray
    consumption: FloatArray
    wealth: FloatArray
    wage: FloatArray
    income: FloatArray
    price: FloatArray
    interest: FloatArray
    rounding: Mapping[str, float]
    remarks: tuple[str, ...]


def read_econagent(path: str | Path) -> Record:
    """Make a record of a folder of EconAgent's logs.

    Parameters
    ----------
    path
        A folder with ``actions_json/all_actions.json``, ``metrics_csv/agent_metrics.csv`` and
        ``metrics_csv/world_metrics.csv``.

    Returns
    -------
    Record
        Of the economy. Its stock is rebuilt from 0, and its random numbers from how prices and
        wages moved.

    Raises
    ------
    InputError
        A file is missing or not what it should be, or no random number explains a price or wage.
    """
    folder = LogFolder(path, "EconAgent's logs in JSON and CSV")
    logs = _read(folder)
    # What is asked of the period is small: how interest was paid shows in the wealth.
    replays = [_Replay.of(logs, period) for period in _PERIODS]
    best = min(replays, key=lambda one: one.deviation["wealth"])
    paid = "every step" if best.period == 1 else f"every {best.period} steps"
    remarks = [*logs.remarks, f"Interest is paid {paid}, as wealth shows."]
    if best.sold_out:
        remarks.append(
            f"Goods ran out in {best.sold_out} of {len(logs.work)} steps; the logs do not say who "
            "was served first, so the replay goes by index, and wealth may differ there."
        )
    return Record(
        scenario=Economy.name,
        parameters={"period": best.period},
        agents=logs.agents,
        steps=tuple(range(1, len(logs.work) + 1)),
        states={
            "wealth": logs.wealth,
            "wage": logs.wage,
            "goods": best.goods,
            "price": logs.price,
            "interest": logs.interest,
            "growth": best.growth,
            "risk": best.risk,
        },
        actions={"work": logs.work, "consumption": logs.consumption},
        noise={"wage_response": best.wage_response, "price_response": best.price_response},
        origin="econagent",
        imported=folder.imported,
        deviation=best.deviation,
        remarks=tuple(remarks),
    )


# --- files ---------------------------------------------------------------------------------------


def _read(folder: LogFolder) -> _Logs:
    actions = object_in(folder.json(_ACTIONS), f"{folder.name}/{_ACTIONS}")
    name = f"{folder.name}/{_ACTIONS}"
    numbers = []
    for key in actions:
        found = _STEP.fullmatch(key)
        if found is None or f"step_{int(found[1])}" != key:
            raise InputError(f"{name}: {shown(key)} is no step, such as step_1")
        numbers.append(int(found[1]))
    if not numbers:
        raise InputError(f"{name} has no steps")
    first_missing = next(k for k in range(1, len(numbers) + 2) if f"step_{k}" not in actions)
    if first_missing <= len(numbers):
        raise InputError(
            f"{name} lacks step_{first_missing}: the stock of goods is rebuilt from the first step "
            "on, so none may be missing"
        )
    first = object_in(actions["step_1"], f"{name}, step_1")
    agents = _in_order([one for one in first if one != _PLANNER])
    check_size(len(agents), len(numbers))
    if not agents:
        raise InputError(f"{name}: step_1 has no agents")
    work, consumption = _actions(actions, agents, len(numbers), name)
    return _states(folder, agents, work, consumption)


def _in_order(names: Sequence[str]) -> tuple[str, ...]:
    if all(one.isascii() and one.isdigit() and len(one) < 10 for one in names):
        return tuple(sorted(names, key=int))
    return tuple(sorted(names))


def _actions(
    actions: Mapping[str, object], agents: Sequence[str], steps: int, name: str
) -> tuple[FloatArray, FloatArray]:
    work, share = np.empty((steps, len(agents))), np.empty((steps, len(agents)))
    for step in range(steps):
        where = f"{name}, step_{step + 1}"
        row = object_in(actions[f"step_{step + 1}"], where)
        odd = {*row} - {_PLANNER} ^ {*agents}
        if odd:
            raise InputError(f"{where}: agent {shown(min(odd))} is not in each step")
        for k, agent in enumerate(agents):
            pair = row[agent]
            if not isinstance(pair, list) or len(pair) != 2:
                raise InputError(f"{where}: agent {shown(agent)} has no pair of work and share")
            told = f"{where}, agent {shown(agent)}"
            work[step, k] = number_in(pair[0], f"{told}: work", 0, 1)
            share[step, k] = number_in(pair[1], f"{told}: the index of the share", 0, 1 / GRID)
    return work, np.minimum(share * GRID, 1.0)


def _states(
    folder: LogFolder, agents: tuple[str, ...], work: FloatArray, share: FloatArray
) -> _Logs:
    table = folder.table(_AGENTS, ("agent_id", "timestep", "wealth", "income", "skill"))
    world = folder.table(_WORLD, ("timestep", "price", "interest_rate"))
    steps = len(work)
    prices, logged = _by_step(world, steps, {"price": 1.0, "interest_rate": 0.0})
    people, logged_agents = _by_agent(table, agents, steps)
    remarks = []
    whole: BoolArray = np.logical_and.reduce(logged_agents, axis=1)
    some: BoolArray = np.logical_or.reduce(logged_agents, axis=1)
    last = min(_last(logged), _last(whole))
    if last == 0:
        raise InputError(f"{world.name} and {table.name} do not both have timestep 1")
    for one, found in ((world, logged), (table, some)):
        if found[last + 1 :].any() and last < steps:
            raise InputError(f"{one.name} goes on after timestep {last + 1}, which is not whole")
    if last < steps:
        remarks.append(
            f"The actions of the last {steps - last} of {steps} steps are left out: there is no "
            "state after them."
        )
    if not (logged[0] and whole[0]):
        remarks += _assume_start(people, prices, work[0])
    return _Logs(
        agents=agents,
        work=work[:last],
        consumption=share[:last],
        wealth=people["wealth"][: last + 1],
        wage=people["skill"][: last + 1],
        income=people["income"][: last + 1],
        price=prices["price"][: last + 1],
        interest=prices["interest_rate"][: last + 1],
        rounding={
            "wealth": table.half_unit("wealth"),
            "skill": table.half_unit("skill"),
            "price": world.half_unit("price"),
        },
        remarks=tuple(remarks),
    )


def _last(logged: BoolArray) -> int:
    """Return the last of the timesteps 1, 2, … that are all there."""
    return int(np.argmin(np.append(logged[1:], False)))


def _by_step(
    world: LogTable, steps: int, columns: Mapping[str, float]
) -> tuple[dict[str, FloatArray], BoolArray]:
    """Return columns by timestep, and which timesteps there are."""
    numbers = {name: [*world.numbers(name, low)] for name, low in columns.items()}
    arrays = {name: np.zeros(steps + 1) for name in columns}
    logged = np.zeros(steps + 1, bool)
    for row, time in enumerate(_times(world, steps)):
        if time is None:
            continue
        if logged[time]:
            raise InputError(f"{world.name} has timestep {time} twice")
        logged[time] = True
        for name, values in numbers.items():
            arrays[name][time] = values[row]
    return arrays, logged


def _times(table: LogTable, steps: int) -> list[int | None]:
    """Return the timestep of each row; None after the last step."""
    times: list[int | None] = []
    for value in table.numbers("timestep", 0):
        if value != int(value):
            raise InputError(f"{table.name}: timestep {value:g} is not whole")
        times.append(int(value) if value <= steps else None)
    return times


def _by_agent(
    table: LogTable, agents: Sequence[str], steps: int
) -> tuple[dict[str, FloatArray], BoolArray]:
    """Return columns by timestep and agent, (steps + 1, n), and which there are."""
    lows = {"wealth": -LARGEST, "income": 0.0, "skill": 1.0}
    people = [one.strip() != _PLANNER for one in table.columns["agent_id"]]
    kept = LogTable(
        table.name,
        {
            name: [text for text, is_agent in zip(texts, people, strict=True) if is_agent]
            for name, texts in table.columns.items()
        },
    )
    numbers = {name: [*kept.numbers(name, low)] for name, low in lows.items()}
    place = {name: k for k, name in enumerate(agents)}
    arrays = {name: np.zeros((steps + 1, len(agents))) for name in lows}
    logged = np.zeros((steps + 1, len(agents)), bool)
    for row, (time, name) in enumerate(
        zip(_times(kept, steps), kept.columns["agent_id"], strict=True)
    ):
        k = place.get(name.strip())
        if k is None:
            raise InputError(f"{table.name}: agent {shown(name)} is not in {_ACTIONS}")
        if time is None:
            continue
        if logged[time, k]:
            raise InputError(f"{table.name} has agent {shown(name)} at timestep {time} twice")
        logged[time, k] = True
        for column, values in numbers.items():
            arrays[column][time, k] = values[row]
    return arrays, logged


def _assume_start(
    people: Mapping[str, FloatArray], prices: Mapping[str, FloatArray], work: FloatArray
) -> list[str]:
    """Fill in the state before the first step, which these logs do not have."""
    worked = work > 0
    wage = people["skill"][0]
    wage[worked] = people["income"][1, worked] / (HOURS * work[worked])
    wage[~worked] = people["skill"][1, ~worked]
    if (wage < 1).any():
        raise InputError(
            f"{_AGENTS}: the income of timestep 1 gives an hourly wage under 1 for someone who "
            "works"
        )
    people["wealth"][0] = 0.0
    prices["price"][0] = wage.mean()
    prices["interest_rate"][0] = START_INTEREST
    remarks = [
        (
            "The logs have no timestep 0: the run is taken to begin with no wealth and no stock, "
            f"an interest rate of {START_INTEREST:g}, and a price of the mean wage; a wage is the "
            "first income by the hour."
        )
    ]
    idle = int((~worked).sum())
    if idle:
        remarks.append(
            f"{idle} of {worked.size} agents are idle in the first step, so that no income shows "
            "their wage; they have that of after it."
        )
    return remarks


# --- replay --------------------------------------------------------------------------------------


@dataclass
class _Replay:
    """What the logs do not hold, rebuilt; and how far the replay is from what they hold."""

    period: int
    goods: FloatArray
    growth: FloatArray
    risk: FloatArray
    wage_response: FloatArray
    price_response: FloatArray
    deviation: dict[str, float] = field(default_factory=dict)
    sold_out: int = 0

    @classmethod
    def of(cls, logs: _Logs, period: int) -> "_Replay":
        steps, n = logs.work.shape
        growth = np.concatenate([[0.0], np.diff(np.log(logs.price))])
        risk = np.zeros(steps + 1)
        for step in range(1, steps):  # the first surprise is that of the start
            surprise = growth[step + 1] - growth[step]
            risk[step + 1] = DECAY * risk[step] + (1 - DECAY) * surprise * surprise
        replay = cls(
            period, np.zeros(steps + 1), growth, risk, np.zeros((steps, n)), np.zeros(steps)
        )
        for step in range(steps):
            replay._step(logs, step)
        return replay

    def _step(self, logs: _Logs, step: int) -> None:
        state = {
            "wealth": logs.wealth[step][None],
            "wage": logs.wage[step][None],
            "goods": self.goods[step : step + 1],
            "price": logs.price[step : step + 1],
            "interest": logs.interest[step : step + 1],
            "growth": self.growth[step : step + 1],
            "risk": self.risk[step : step + 1],
        }
        actions = {
            "work": logs.work[step][None], "consumption": logs.consumption[step][None],
        }  # fmt: skip
        still = {"wage_response": np.zeros(logs.work.shape[1]), "price_response": np.zeros(())}
        excess = float(
            advance(state, actions, still, step=step, smooth=False, period=self.period)["excess"][0]
        )
        self._responses(logs, step, excess)
        noise = {
            "wage_response": self.wage_response[step],
            "price_response": self.price_response[step],
        }
        after = advance(state, actions, noise, step=step, smooth=False, period=self.period)
        self.goods[step + 1] = after["goods"][0]
        self.sold_out += bool(excess > 0)
        worked = logs.work[step] > 0  # the income of who is idle keeps its last value
        earned = HOURS * logs.wage[step] * logs.work[step]
        self.deviation = widest(
            self.deviation,
            wealth=(after["wealth"][0], logs.wealth[step + 1]),
            wage=(after["wage"][0], logs.wage[step + 1]),
            price=(after["price"], logs.price[step + 1 : step + 2]),
            interest=(after["interest"], logs.interest[step + 1 : step + 2]),
            income=(earned[worked], logs.income[step + 1][worked]),
        )

    def _responses(self, logs: _Logs, step: int, excess: float) -> None:
        """Find the random numbers with which wages and the price moved as they did."""
        rounding, price = logs.rounding, logs.price[step]
        means = max(float(np.abs(logs.wealth[step : step + 2]).sum(axis=1).max()), price)
        # Of the excess: what rounding of the price and of everybody's wealth may change; what it
        # changes of the stock adds up.
        vague = rounding["price"] / price + rounding["wealth"] * logs.wealth.shape[1] / means
        vague *= step + 1
        for what, unit, now, after, found in (
            ("price", PRICE_RESPONSE, logs.price[step : step + 1],
             logs.price[step + 1 : step + 2], self.price_response[step : step + 1]),
            ("skill", WAGE_RESPONSE, logs.wage[step], logs.wage[step + 1],
             self.wage_response[step]),
        ):  # fmt: skip
            ratio = after / now - 1
            most = excess * unit
            found[:] = np.clip(ratio / most, 0.0, 1.0) if most != 0 else 0.0
            allowed = _EXACT + 2 * rounding[what] / now + unit * vague
            odd = np.abs(ratio - found * most) > allowed
            if odd.any():
                k = int(odd.argmax())
                whose = f" of agent {shown(logs.agents[k])}" if what == "skill" else ""
                needed = f"{ratio[k] / most:.6g}" if most != 0 else "any other than 0"
                raise InputError(
                    f"step {step + 1}: the {what}{whose} goes from {now[k]:.6g} to {after[k]:.6g}, "
                    f"while demand and goods are {excess:.4g} apart; the random number would be "
                    f"{needed}, and it is from 0 to 1. These logs are not of the rules that are "
                    "replayed, or steps are missing before the first"
                )
