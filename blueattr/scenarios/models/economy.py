"""The economy: agents who work and consume, after EconAgent (Li et al. 2024)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from blueattr.errors import NoAnswerError
from blueattr.kernels import FloatArray
from blueattr.scenarios.models.model import DECAY, Model, risk
from blueattr.scenarios.models.smooth import smooth_max, softplus
from blueattr.scenarios.protocol import Array, Indicator, State
from blueattr.scenarios.record import Column, Layout, Parameter

__all__ = ["GRID", "HOURS", "START_INTEREST", "Economy", "advance"]


HOURS = 168.0
OUTPUT = 1.0
GRID = 0.02
START_INTEREST = 0.03
_WAGE_RESPONSE, _PRICE_RESPONSE = 0.05, 0.10
_CUTOFFS = np.array([9700.0, 39475.0, 84200.0, 160725.0, 204100.0, 510300.0]) / 12
_RATES = np.array([0.10, 0.12, 0.22, 0.24, 0.32, 0.35, 0.37])
_TAX_WIDTH = 50.0  # dollars
_KINK = 0.05
_TINY = 1e-8  # of the original, where neither demand nor goods are
_INTEREST_WIDTH = 0.005
_UNIT_OF_SURPRISE = 0.1
_LEAST_PRICE = 2.0


@dataclass(frozen=True)
class _Form:
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
        return softplus(x, _KINK) if self.smooth else np.asarray(np.maximum(x, 0.0))

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
        See `Economy.layout`, with a leading batch axis.
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
    form = _Form(smooth)
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
    new_price = form.floored(price * (1.0 + noise["price_response"] * excess * _PRICE_RESPONSE))
    if smooth and new_price.size and float(new_price.real.min()) < _LEAST_PRICE:
        raise NoAnswerError(
            f"in step index {step} a price falls to {float(new_price.real.min()):.3g}, where the "
            "floor of 1 would matter, which the smooth form does not have; ask the discrete game"
        )
    response = noise["wage_response"] * (_WAGE_RESPONSE * excess)[:, None]
    growth = np.log(new_price / price)
    surprise = growth - state["growth"]
    pays = (step + 1) % period == 0
    kept = means - price[:, None] * bought
    spent = price[:, None] * bought
    wealth = kept * (1.0 + state["interest"])[:, None] if pays else kept
    interest = state["interest"]
    if pays and step > 0:
        idle = 1.0 - worked.mean(axis=1) if smooth else (worked == 0).mean(axis=1)
        rule = 0.01 + 0.02 + 0.5 * (new_price / price - 1 - 0.02) + 0.5 * (0.04 - idle)
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
        # What `pressure` adds up; no part of the state.
        "excess_part": form.positive(excess),
        "budget_part": (_ratio(spent, means) ** 2).mean(axis=1),
        "concentration_part": (demanded * demanded).sum(axis=1) / (demand * demand + kappa * kappa),
        "gap_part": form.positive(_ratio(wish, all_means)),
    }


def _ratio(x: Array, y: Array) -> Array:
    """Return x/y, and 0 where y is 0: nobody has anything."""
    return np.asarray(np.divide(x, y, out=np.zeros_like(x * y), where=y != 0))


def _growth(_: State, after: State, __: int) -> Array:
    return after["growth"]


def _lagged_risk(before: State, _: State, __: int) -> Array:
    return before["risk"]


def _pressure(before: State, after: State, _: int) -> Array:
    """Return the wealth-amplified pressure: blueattr's reading of the paper's words."""
    wealth = after["wealth"]
    n = wealth.shape[1]
    total = wealth.sum(axis=1)
    unequal = _ratio(n * (wealth * wealth).sum(axis=1), total * total)
    amplifier = 1.0 + np.where(total == 0, 0.0, unequal - 1.0) / max(n - 1, 1)
    surprise = (after["growth"] - before["growth"]) / _UNIT_OF_SURPRISE
    parts = (
        after["excess_part"]
        + after["budget_part"]
        + after["concentration_part"]
        + after["gap_part"]
        + surprise * surprise
    )
    return np.asarray(amplifier * parts / 5.0)


class Economy(Model):
    """The economy of a record.

    Notes
    -----
    docs/scenarios.md, "Economy".
    """

    name = "economy"
    first_peak = 1
    layout = Layout(
        states={
            "wealth": Column("n"),
            "wage": Column("n", low=1),
            "goods": Column(),
            "price": Column(low=1),
            "interest": Column(low=0),
            "growth": Column(),
            "risk": Column(low=0),
        },
        actions={
            "work": Column("n", low=0, high=1, scaled=True),
            "consumption": Column("n", low=0, high=1, scaled=True),
        },
        noise={
            "wage_response": Column("n", low=0, high=1),
            "price_response": Column(low=0, high=1),
        },
        parameters={
            "reserve": Parameter(0.1, 1e-9, 100, "the reserve stock κ of the smooth form, "
                                 "in potential outputs of a step"),
            "period": Parameter(1, 1, 1000, "steps between two payments of interest"),
        },
    )  # fmt: skip
    indicators: ClassVar[Mapping[str, Indicator]] = {
        "inflation": _growth,
        "inflation_risk": risk,
        "lagged_inflation_risk": _lagged_risk,
        "pressure": _pressure,
    }
    baselines: ClassVar[Sequence[str]] = ("zero", "mean")

    def baseline(self, kind: str) -> Mapping[str, FloatArray]:
        """Return what an absent agent does.

        Parameters
        ----------
        kind
            ``zero``: it does not work and consumes nothing, and keeps its wealth. ``mean``: it
            works and consumes as much as all agents did in the mean of all steps.
        """
        if kind == "zero":
            return self.nothing()
        return {
            name: np.full(channel.values.shape, channel.values.mean())
            for name, channel in self.channels.items()
            if channel.scaled
        }

    def transition(self, state: State, actions: State, step: int, smooth: bool) -> State:
        """Return the state after a step."""
        noise = {name: array[step] for name, array in self.record.noise.items()}
        return advance(
            state, actions, noise, step=step, smooth=smooth,
            reserve=self.parameters["reserve"], period=self.parameters["period"],
        )  # fmt: skip
