"""What a judge is shown of a scenario: the true formula, and what each agent did at each step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from blueattr.judges.trace import Cell, Mention, Row, Trace
from blueattr.scenarios.models.economy import Economy
from blueattr.scenarios.models.market import Market
from blueattr.scenarios.models.model import Model
from blueattr.scenarios.models.opinion import Opinion
from blueattr.scenarios.own import OwnScenario
from blueattr.scenarios.own_trace import own_trace
from blueattr.scenarios.rules.market import BUY

if TYPE_CHECKING:
    from blueattr.scenarios.games.game import ScenarioGame

__all__ = ["trace_of"]


FORMULAS = {
    "inflation": "the logarithm of the price after the step over the price before it",
    "inflation_risk": "0.94 times the moving average of squared surprises before the step, plus "
    "0.06 times the square of this step's surprise; a surprise is how much the logarithmic growth "
    "of the price differs from that of the step before",
    "lagged_inflation_risk": "the moving average of squared surprises before the step, where a "
    "surprise is how much the logarithmic growth of the price differs from that of the step before",
    "pressure": "a fifth of the sum of excess demand, the mean square of the part of its means "
    "that an agent spends, the concentration of demand, the gap between wished consumption and net "
    "income relative to all means, and the squared surprise of inflation in units of 0.1; times 1 "
    "plus the concentration of wealth, from 0 to 1",
    "loss": "minus the logarithm of the index after the step over the index before it; the index "
    "is the weighted sum of the prices of all stocks",
    "index_risk": "0.94 times the moving average of squared surprises before the step, plus 0.06 "
    "times the square of this step's surprise; a surprise is how much the logarithmic growth of "
    "the index differs from that of the step before",
    "polarisation": "the variance of the beliefs of all agents after the step",
}
"""Each indicator in words."""


_BASELINES = {
    "zero": "it does not work and consumes nothing, and keeps its wealth",
    "mean": "it works and consumes as much as all agents did in the mean of all steps",
    "hold": "it gives no orders",
    "silent": "it does not post or read, and nobody sees what it posted",
}


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a model's cells are written.

    Parameters
    ----------
    about
        The simulation in words.
    columns
        What the cells are.
    cells
        Returns them, of a model, a step and an agent.
    """

    about: str
    columns: tuple[str, ...]
    cells: Callable[[Any, int, int], tuple[Cell, ...]]


def _economy(model: Economy, step: int, agent: int) -> tuple[Cell, ...]:
    actions, states = model.record.actions, model.record.states
    return (
        float(states["wealth"][step, agent]),
        float(states["wage"][step, agent]),
        float(actions["work"][step, agent]),
        float(actions["consumption"][step, agent]),
    )


def _market(model: Market, step: int, agent: int) -> tuple[Cell, ...]:
    orders = {name: array[step, agent] for name, array in model.record.actions.items()}
    stocks, prices = model.parameters["stocks"], model.record.states["price"][step]
    words = [
        f"{'buy' if side == BUY else 'sell'} {quantity:g} {stocks[stock]} at {limit:g} "
        f"(last price {prices[stock]:.6g})"
        for quantity, stock, side, limit in zip(
            orders["quantity"], orders["stock"], orders["side"], orders["limit"], strict=True
        )
        if quantity > 0
    ]
    return ("; ".join(words) or "no orders",)


def _opinion(model: Opinion, step: int, agent: int) -> tuple[Cell, ...]:
    actions = model.record.actions
    posted = bool(actions["posted"][step, agent])
    said: float | None = float(actions["said"][step, agent]) if posted else None
    belief = float(model.record.states["belief"][step, agent])
    words: dict[int, list[str | Mention]] = {1: [], 0: [], -1: []}
    pairs = zip(actions["author"][step, agent], actions["reaction"][step, agent], strict=True)
    for author, reaction in pairs:
        if author >= 0:
            listed = words[int(reaction)]
            listed += ([", "] if listed else []) + [Mention(int(author))]
    return (belief, said, words[1] or None, words[-1] or None, words[0] or None)


_KINDS: Mapping[str, _Kind] = {
    "economy": _Kind(
        "An economy. In each step agents work and are paid by the hour, are taxed, get an equal "
        "part of all tax, and spend a share of what they have on goods. Price and wages rise where "
        "more is wanted than there is, and fall where less is.",
        ("wealth before", "hourly wage before", "part of the hours worked", "share of means spent"),
        _economy,
    ),
    "market": _Kind(
        "A stock market. In each step traders give orders with limit prices, and a call auction "
        "sets the price of each stock.",
        ("orders",),
        _market,
    ),
    "opinion": _Kind(
        "A social network. In each step agents post their belief, from -1 to 1, read posts of "
        "others, and like or dislike some. A like moves the reader towards what was said, a "
        "dislike away from it; likes and dislikes of a post make its author's belief stronger or "
        "weaker.",
        ("belief before", "posted", "liked posts of", "disliked posts of", "read only posts of"),
        _opinion,
    ),
}


def trace_of(game: "ScenarioGame") -> Trace:
    """Return what a judge is shown of a game.

    Parameters
    ----------
    game
        Of a scenario that ships, or a user's own; the values are those of its form.

    Returns
    -------
    Trace
        With the indicator at the target with everyone and with nobody, and a row for each agent
        and step of the window.

    Raises
    ------
    InputError
        A value is not finite.
    ScenarioError
        A user's own simulation does not say how its indicator is computed.
    """
    model = game.scenario
    if isinstance(model, OwnScenario):
        return own_trace(game, model)
    if not isinstance(model, Model):
        raise TypeError("a trace is made of a scenario that ships or is found")
    kind = _KINDS[model.name]
    return Trace(
        simulation=kind.about,
        indicator=game.indicator,
        formula=FORMULAS[game.indicator],
        value=game.total,
        baseline_value=game.empty,
        baseline_action=_BASELINES[game.baseline],
        target=str(model.steps[game.window[-1]]),
        agents=tuple(model.agents),
        steps=tuple(str(model.steps[step]) for step in game.window),
        columns=kind.columns,
        rows=tuple(
            Row(agent, place, kind.cells(model, step, agent))
            for place, step in enumerate(game.window)
            for agent in range(len(model.agents))
        ),
    )
