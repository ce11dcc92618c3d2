"""Derivatives of the economy's smooth form in reverse mode."""

from collections.abc import Mapping

import numpy as np

from blueattr.kernels import FloatArray
from blueattr.scenarios.protocol import Array, State
from blueattr.scenarios.reverse.bars import Bars, risk_bars
from blueattr.scenarios.rules import economy as model
from blueattr.scenarios.rules.risk import DECAY
from blueattr.scenarios.rules.smooth import logistic

__all__ = ["indicator_bars", "pull_back"]


def indicator_bars(indicator: str, before: State, after: State) -> tuple[Bars, Bars]:
    """Return the derivatives of an indicator by the states before and after a step."""
    one = np.ones(after["growth"].shape)
    if indicator == "inflation":
        return {}, {"growth": one}
    if indicator == "lagged_inflation_risk":
        return {"risk": one}, {}
    if indicator == "inflation_risk":
        return risk_bars(before, after, DECAY)
    return _pressure_bars(before, after)


def _pressure_bars(before: State, after: State) -> tuple[Bars, Bars]:
    amplifier, parts = model.pressure_parts(before, after)
    wealth = after["wealth"]
    n = wealth.shape[1]
    total = wealth.sum(axis=1)
    some = np.where(total == 0, 1.0, total)
    unequal = n * (wealth * wealth).sum(axis=1) / some**2
    by_unequal = np.where(total == 0, 0.0, parts / 5 / max(n - 1, 1))
    by_wealth = by_unequal[:, None] * (
        2 * n * wealth / (some**2)[:, None] - (2 * unequal / some)[:, None]
    )
    surprise = (after["growth"] - before["growth"]) / model.UNIT_OF_SURPRISE**2
    by_growth = amplifier / 5 * 2 * surprise
    bars = dict.fromkeys(model.PARTS, amplifier / 5)
    return {"growth": -by_growth}, {**bars, "wealth": by_wealth, "growth": by_growth}


def pull_back(  # noqa: PLR0915 - a statement for each of the step's, backwards
    state: State,
    actions: State,
    noise: Mapping[str, Array],
    after: State,
    bars: Bars,
    *,
    step: int,
    reserve: float,
    period: int,
) -> tuple[Bars, Bars]:
    """Return derivatives by the state before and by the actions, from those by the state after.

    Parameters
    ----------
    state, actions, noise, step, reserve, period
        As for `blueattr.scenarios.rules.economy.advance`.
    after
        What it returned.
    bars
        Derivatives by that.
    """
    worked, share = actions["work"], actions["consumption"]
    price, goods_before, wage = state["price"], state["goods"], state["wage"]
    batch, n = worked.shape
    zero, zeros = np.zeros(batch), np.zeros((batch, n))

    def bar(name: str) -> FloatArray:
        return np.asarray(bars.get(name, zeros if name in {"wealth", "wage"} else zero))

    # Forward again, as far as it is needed.
    kappa = reserve * n * model.HOURS
    income = model.HOURS * wage * worked
    goods = goods_before + model.HOURS * worked.sum(axis=1)
    form = model.Form(smooth=True)
    tax = form.tax(income)
    net = income - tax + tax.mean(axis=1)[:, None]
    means = state["wealth"] + net
    wanted = share * means / price[:, None]
    demand = wanted.sum(axis=1)
    ratio = demand / (goods + kappa)
    base = 1.0 + ratio**8
    served = base**-0.125
    bought = served[:, None] * wanted
    spent = price[:, None] * bought
    excess = form.excess(demand, goods, kappa)
    pays = (step + 1) % period == 0
    response, own_response = noise["price_response"], noise["wage_response"]

    by_price, by_means, by_net, by_share = zero, zeros, zeros, zeros
    # Wealth, and interest.
    factor = 1.0 + state["interest"] if pays else np.ones(batch)
    by_kept = bar("wealth") * factor[:, None]
    by_interest = (bar("wealth") * (means - spent)).sum(axis=1) if pays else zero
    by_means = by_means + by_kept
    by_spent = -by_kept
    # Budget stress.
    some = np.where(means == 0, 1.0, means)
    stress = np.where(means == 0, 0.0, spent / some)
    by_stress = np.where(means == 0, 0.0, bar("budget_part")[:, None] * 2 * stress / n)
    by_spent = by_spent + by_stress / some
    by_means = by_means - by_stress * stress / some
    # Goods bought, and the stock.
    by_bought = by_spent * price[:, None] - bar("goods")[:, None]
    by_price = by_price + (by_spent * bought).sum(axis=1)
    by_goods = bar("goods")
    by_served = (by_bought * wanted).sum(axis=1)
    by_wanted = by_bought * served[:, None]
    # Concentration.
    squares = demand * demand + kappa * kappa
    concentration = (wanted * wanted).sum(axis=1) / squares
    by_wanted = by_wanted + (bar("concentration_part") * 2 / squares)[:, None] * wanted
    by_demand = -bar("concentration_part") * concentration * 2 * demand / squares
    # Interest rate, growth and risk.
    surprise = after["growth"] - state["growth"]
    by_risk = bar("risk") * 2 * (1 - DECAY) * surprise if step > 0 else zero
    by_growth = bar("growth") + by_risk
    by_worked = zeros
    by_rule = zero
    if pays and step > 0:
        by_rule = bar("interest") * model.rule_slope(price, after["price"], worked)
        by_worked = by_worked + (0.5 * by_rule / n)[:, None]
    else:
        by_interest = by_interest + bar("interest")
    by_new_price = bar("price") + by_growth / after["price"] + 0.5 * by_rule / price
    by_price = by_price - by_growth / price - 0.5 * by_rule * after["price"] / price**2
    # Price and wages.
    by_price = by_price + by_new_price * after["price"] / price
    by_excess = by_new_price * price * response * model.PRICE_RESPONSE
    by_excess = by_excess + bar("excess_part") * logistic(excess / model.KINK)
    scale = own_response * model.WAGE_RESPONSE
    by_wage = bar("wage") * (1.0 + scale * excess[:, None])
    by_excess = by_excess + (bar("wage") * wage * scale).sum(axis=1)
    # Excess demand.
    gap, both = demand - goods, demand + goods
    root = np.sqrt(gap * gap + (model.KINK * both) ** 2)
    some_root = np.where(root == 0, 1.0, root)
    largest = 0.5 * (both + root) + kappa
    by_largest = -by_excess * excess / largest
    tilt = model.KINK**2 * both
    by_demand = by_demand + by_excess / largest
    by_demand = by_demand + by_largest * 0.5 * (1 + (gap + tilt) / some_root)
    by_goods = by_goods - by_excess / largest
    by_goods = by_goods + by_largest * 0.5 * (1 + (tilt - gap) / some_root)
    # The share that is served.
    by_ratio = by_served * -(served / base) * ratio**7
    by_demand = by_demand + by_ratio / (goods + kappa)
    by_goods = by_goods - by_ratio * ratio / (goods + kappa)
    by_wanted = by_wanted + by_demand[:, None]
    # The systemic gap.
    all_means = means.sum(axis=1)
    some_means = np.where(all_means == 0, 1.0, all_means)
    wish = ((share * means).sum(axis=1) - net.sum(axis=1)) / some_means
    by_wish = np.where(
        all_means == 0, 0.0, bar("gap_part") * logistic(wish / model.KINK) / some_means
    )
    by_means = by_means + by_wish[:, None] * share - (by_wish * wish)[:, None]
    by_share = by_share + by_wish[:, None] * means
    by_net = by_net - by_wish[:, None]
    # What is wanted.
    by_share = by_share + by_wanted * means / price[:, None]
    by_means = by_means + by_wanted * share / price[:, None]
    by_price = by_price - (by_wanted * wanted).sum(axis=1) / price
    # Tax and income.
    by_net = by_net + by_means
    by_tax = by_net.mean(axis=1)[:, None] - by_net
    by_income = by_net + by_tax * model.tax_slope(income)
    by_worked = by_worked + model.HOURS * by_goods[:, None] + by_income * model.HOURS * wage
    by_wage = by_wage + by_income * model.HOURS * worked
    return (
        {
            "wealth": by_means,
            "wage": by_wage,
            "goods": by_goods,
            "price": by_price,
            "interest": by_interest,
            "growth": -by_risk,
            "risk": bar("risk") * (DECAY if step > 0 else 1.0),
        },
        {"work": by_worked, "consumption": by_share},
    )
