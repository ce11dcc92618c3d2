"""A step of the economy: agents work and consume, prices and wages follow."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from blueattr.errors import NoAnswerError
from blueattr.scenarios.protocol import Array, State
from blueattr.scenarios.rules.risk import DECAY
from blueattr.scenarios.rules.smooth import logistic, smooth_max, softplus

__all__ = [
    "GRID",
    "HOURS",
    "KINK",
    "PARTS",
    "PRICE_RESPONSE",
    "START_INTEREST",
    "UNIT_OF_SURPRISE",
    "WAGE_RESPONSE",
    "Form",
    "advance",
    "growth",
    "lagged_risk",
    "pressure",
    "pressure_parts",
    "rule_slope",
    "tax_slope",
]


HOURS = 168.0
OUTPUT = 1.0
GRID = 0.02
START_INTEREST = 0.03
WAGE_RESPONSE, PRICE_RESPONSE = 0.05, 0.10
_CUTOFFS = np.array([9700.0, 39475.0, 84200.0, 160725.0, 204100.0, 510300.0]) / 12
_RATES = np.array([0.10, 0.12, 0.22, 0.24, 0.32, 0.35, 0.37])
_TAX_WIDTH = 50.0  # dollars
KINK = 0.05
_TINY = 1e-8  # of the original, where neither demand nor goods are
_INTEREST_WIDTH = 0.005
UNIT_OF_SURPRISE = 0.1
_LEAST_PRICE = 2.0


@dataclass(frozen=True)
class Form:
    """The functions in which the two forms of a step differ."""

    smooth: bool

    def tax(self, income: Array) -> Array:
        """Return the tax of each income, by brackets."""
        steps = np.diff(_RATES)
        total: Array = _RATES[0] * income
        for cutoff, step in zip(_CUTOFFS.tolist(), steps.tolist(), strict=True):
            over = income - cutoff
            total = total + step * (
                softplus(over, _TAX_WIDTH) if self.smooth else np.maximum(over, 0.0)
            )
        return total

    def positive(self, x: Array) -> Array:
        """Return max(x, 0)."""
        return softplus(x, KINK) if self.smooth else np.asarray(np.maximum(x, 0.0))

    def excess(self, demand: Array, goods: Array, reserve: float) -> Array:
        """Return the excess demand g, in [-1, 1]."""
        if self.smooth:
            return np.asarray((demand - goods) / (smooth_max(demand, goods) + reserve))
        return np.asarray((demand - goods) / (np.maximum(demand, goods) + _TINY))

    def served(self, wanted: Array, demand: Array, goods: Array, reserve: float) -> Array:
        """Return what each agent gets of the goods; in the discrete form in order of index."""
        if self.smooth:
            ratio = demand / (goods + reserve)
            eighth = ratio**2 * ratio**2
            share = (1.0 + eighth * eighth) ** -0.125
            return np.asarray(share[:, None] * wanted)
        left = goods[:, None] - (np.cumsum(wanted, axis=1) - wanted)
        return np.asarray(np.clip(left, 0.0, wanted))

    def floored(self, x: Array) -> Array:
        """Return a wage or price that is at least 1; the smooth form has no floor."""
        return x if self.smooth else np.asarray(np.maximum(x, 1.0))

    def interest(self, x: Array) -> Array:
        """Return an interest rate that is not negative."""
        return softplus(x, _INTEREST_WIDTH) if self.smooth else np.asarray(np.maximum(x, 0.0))


def advance(
    state: State,
    actions: State,
    noise: Mapping[str, Array],
    *,
    step: int,
    smooth: bool,
    reserve: float = 0.1,
    period: int = 1,
) -> dict[str, Array]:
    """Return the state after a step, with what the indicators need besides.

    Parameters
    ----------
    state, actions
        See `blueattr.scenarios.models.economy.Economy`, with a leading batch axis.
    noise
        The random responses of wages (n,) and of the price, of this step.
    step
        Its index.
    smooth
        In which form.
    reserve
        κ as a fraction of potential output: the reserve that smooths the ratio of demand to goods.
    period
        Steps between two payments of interest.

    Raises
    ------
    NoAnswerError
        In the smooth form, which has no floor of 1 under prices, one falls under 2.
    """
    form = Form(smooth)
    wage, price, goods = state["wage"], state["price"], state["goods"]
    worked, share = actions["work"], actions["consumption"]
    n = worked.shape[1]
    kappa = reserve * n * HOURS * OUTPUT

    income = HOURS * wage * worked
    goods = goods + OUTPUT * HOURS * worked.sum(axis=1)
    tax = form.tax(income)
    if not smooth:
        tax = np.minimum(tax, np.maximum(state["wealth"] + income, 0.0))
    net = income - tax + tax.mean(axis=1)[:, None]
    means = state["wealth"] + net
    demanded = share * means / price[:, None]
    demand = demanded.sum(axis=1)
    bought = form.served(demanded, demand, goods, kappa)
    excess = form.excess(demand, goods, kappa)
    new_price = form.floored(price * (1.0 + noise["price_response"] * excess * PRICE_RESPONSE))
    if smooth and new_price.size and float(new_price.real.min()) < _LEAST_PRICE:
        raise NoAnswerError(
            f"in step index {step} a price falls to {float(new_price.real.min()):.3g}, where the "
            "floor of 1 would matter, which the smooth form does not have; ask the discrete game"
        )
    response = noise["wage_response"] * (WAGE_RESPONSE * excess)[:, None]
    growth = np.log(new_price / price)
    surprise = growth - state["growth"]
    pays = (step + 1) % period == 0
    kept = means - price[:, None] * bought
    spent = price[:, None] * bought
    wealth = kept * (1.0 + state["interest"])[:, None] if pays else kept
    interest = state["interest"]
    if pays and step > 0:
        idle = 1.0 - worked.mean(axis=1) if smooth else (worked == 0).mean(axis=1)
        rule = _rule(price, new_price, idle)
        interest = form.interest(rule)
    all_means = means.sum(axis=1)
    wish = (share * means).sum(axis=1) - net.sum(axis=1)
    return {
        "wealth": wealth,
        "wage": form.floored(wage * (1.0 + response)),
        "goods": goods - bought.sum(axis=1),
        "price": new_price,
        "interest": interest,
        "growth": growth,
        "risk": DECAY * state["risk"] + (1 - DECAY) * surprise * surprise
        if step > 0
        else state["risk"],
        "excess": excess,
        # What `pressure` adds up; no part of the state.
        "excess_part": form.positive(excess),
        "budget_part": (_ratio(spent, means) ** 2).mean(axis=1),
        "concentration_part": (demanded * demanded).sum(axis=1) / (demand * demand + kappa * kappa),
        "gap_part": form.positive(_ratio(wish, all_means)),
    }


def _rule(price: Array, new_price: Array, idle: Array) -> Array:
    """Return the interest rate of a Taylor rule, before it is kept from falling under 0."""
    inflation = new_price / price - 1
    return np.asarray(0.01 + 0.02 + 0.5 * (inflation - 0.02) + 0.5 * (0.04 - idle))


def rule_slope(price: Array, new_price: Array, worked: Array) -> Array:
    """Return the derivative of the smooth form's interest rate by that of the rule."""
    rule = _rule(price, new_price, 1.0 - worked.mean(axis=1))
    return logistic(rule / _INTEREST_WIDTH)


def tax_slope(income: Array) -> Array:
    """Return the derivative of the smooth form's tax by each income."""
    slope: Array = np.full(income.shape, _RATES[0])
    for cutoff, step in zip(_CUTOFFS.tolist(), np.diff(_RATES).tolist(), strict=True):
        slope = slope + step * logistic((income - cutoff) / _TAX_WIDTH)
    return slope


def _ratio(x: Array, y: Array) -> Array:
    """Return x/y, and 0 where y is 0: nobody has anything."""
    return np.asarray(np.divide(x, y, out=np.zeros_like(x * y), where=y != 0))


def growth(_: State, after: State, __: int) -> Array:
    """Return the logarithm of the growth of the price."""
    return after["growth"]


def lagged_risk(before: State, _: State, __: int) -> Array:
    """Return the moving average of squared surprises before the step."""
    return before["risk"]


PARTS = ("excess_part", "budget_part", "concentration_part", "gap_part")
"""What a step returns for `pressure` beside the state."""


def pressure_parts(before: State, after: State) -> tuple[Array, Array]:
    """Return what the wealth amplifies with, and the sum of the five parts of the pressure."""
    wealth = after["wealth"]
    n = wealth.shape[1]
    total = wealth.sum(axis=1)
    unequal = _ratio(n * (wealth * wealth).sum(axis=1), total * total)
    amplifier = 1.0 + np.where(total == 0, 0.0, unequal - 1.0) / max(n - 1, 1)
    surprise = (after["growth"] - before["growth"]) / UNIT_OF_SURPRISE
    parts = surprise * surprise
    for name in PARTS:
        parts = parts + after[name]
    return amplifier, parts


def pressure(before: State, after: State, _: int) -> Array:
    """Return the wealth-amplified pressure: blueattr's reading of the paper's words."""
    amplifier, parts = pressure_parts(before, after)
    return np.asarray(amplifier * parts / 5.0)
