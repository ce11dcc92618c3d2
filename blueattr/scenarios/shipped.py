"""The three scenarios that ship: their models, their scripts, and what they are about."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from blueattr.attribution.sampling import check_seed
from blueattr.errors import InputError, UsageError
from blueattr.scenarios.models.economy import Economy
from blueattr.scenarios.models.market import Market
from blueattr.scenarios.models.model import Model
from blueattr.scenarios.models.opinion import Opinion
from blueattr.scenarios.record import MOST_AGENTS, MOST_STEPS, Record
from blueattr.scenarios.rules.market import STOCKS
from blueattr.scenarios.scripts.economy import run_economy
from blueattr.scenarios.scripts.market import run_market
from blueattr.scenarios.scripts.network import links_of
from blueattr.scenarios.scripts.opinion import run_opinion
from blueattr.suggest import did_you_mean

__all__ = ["SHIPPED", "Shipped", "regularised", "run_scenario", "scenario_of"]


@dataclass(frozen=True, slots=True)
class Shipped:
    """One of the scenarios that ship.

    Parameters
    ----------
    model
        What makes a scenario of a record.
    run
        Makes a record: of so many agents, steps, and a seed.
    about
        What it simulates, in words.
    """

    model: type[Model]
    run: Callable[..., Record]
    about: str

    @property
    def indicators(self) -> tuple[str, ...]:
        """The names of its indicators, the default first."""
        names: Any = self.model.indicators  # a dict of the class
        return tuple(names)

    @property
    def baselines(self) -> tuple[str, ...]:
        """Its kinds of baseline, the default first."""
        kinds: Any = self.model.baselines  # a tuple of the class
        return tuple(kinds)


_LARGEST_SEED = (1 << 64) - 1  # of whole numbers in JSON
_SURROGATE = re.compile(r"[\ud800-\udfff]")


SHIPPED = {
    "economy": Shipped(Economy, run_economy, "agents work and consume; prices and wages follow"),
    "market": Shipped(Market, run_market, "traders give orders; call auctions set the prices"),
    "opinion": Shipped(Opinion, run_opinion, "agents post, read, like and dislike; beliefs move"),
}
"""The scenarios by their names."""


def run_scenario(
    name: str,
    *,
    agents: int = 20,
    steps: int = 24,
    seed: int = 0,
    stocks: int | None = None,
    network: str | None = None,
) -> Record:
    """Run a scripted, seeded simulation.

    Parameters
    ----------
    name
        ``economy``, ``market`` or ``opinion``.
    agents, steps
        How many: 1 to 1,000 agents, 1 to 10,000 steps.
    seed
        From 0 to 2^64 - 1. The same seed makes the same record.
    stocks
        Of the market: how many of its ten, from the heaviest down; by default all.
    network
        Of the opinion model: ``ba:M``, a Barabási-Albert network that says who can be read.

    Returns
    -------
    Record

    Raises
    ------
    UsageError
        There is no such scenario, or a number is not as above.

    Notes
    -----
    docs/scenarios.md.
    """
    if name not in SHIPPED:
        hint = did_you_mean(name, [*SHIPPED], f"there are {', '.join(SHIPPED)}", quoted=True)
        raise UsageError(f"no scenario is called {name!r}; {hint}")
    for what, number, most in (("agents", agents, MOST_AGENTS), ("steps", steps, MOST_STEPS)):
        if not 1 <= number <= most:
            raise UsageError(f"a scenario has 1 to {most:,} {what}, not {number:,}")
    check_seed(seed)
    if seed > _LARGEST_SEED:
        raise UsageError(f"the seed of a record is at most {_LARGEST_SEED:,}, not {seed:,}")
    options: dict[str, int] = {}
    if stocks is not None:
        if name != "market":
            raise UsageError(f"the {name} has no stocks; only the market has")
        if not 1 <= stocks <= len(STOCKS):
            raise UsageError(f"the market has 1 to {len(STOCKS)} stocks, not {stocks}")
        options["stocks"] = stocks
    if network is not None:
        if name != "opinion":
            raise UsageError(f"the {name} has no network; only opinion has")
        options["links"] = links_of(network, agents)
    return SHIPPED[name].run(agents, steps, seed, **options)


def regularised(record: Record, value: float | None) -> Record:
    """Return a record with another regulariser of the smooth form.

    Parameters
    ----------
    record
        It is not changed.
    value
        Of the economy the reserve κ in potential outputs of a step, of the market the dealer's
        depth, of the opinion model what is added to the views of a post; None for what it is.

    Raises
    ------
    UsageError
        It is out of bounds.
    """
    if value is None:
        return record
    model = SHIPPED[record.scenario].model
    allowed = model.layout.parameters[model.regulariser]
    if not allowed.low <= value <= allowed.high:
        raise UsageError(
            f"--regulariser of the {record.scenario} is {allowed.meaning}, "
            f"{allowed.low:g} to {allowed.high:g}, not {value:g}"
        )
    return replace(record, parameters={**record.parameters, model.regulariser: value})


def scenario_of(record: Record) -> Model:
    """Return the scenario of a record.

    Raises
    ------
    InputError
        What the record holds does not fit together: two agents have one name, a name is not
        Unicode, or an author or a stock is not there.
    """
    for what, names in (("agents", record.agents), ("steps", record.steps)):
        if len(set(names)) < len(names):
            raise InputError(f"two {what} have the same name")
        if any(_SURROGATE.search(str(name)) for name in names):
            raise InputError(f"a name of the {what} is not Unicode: it has half of a character")
    model = SHIPPED[record.scenario].model(record)
    model.check()
    return model
