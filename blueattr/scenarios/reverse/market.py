"""Derivatives of the market's smooth form, by the implicit function theorem."""

from collections.abc import Mapping

import numpy as np

from blueattr.kernels import FloatArray
from blueattr.scenarios.protocol import Array, State
from blueattr.scenarios.reverse.bars import Bars, risk_bars
from blueattr.scenarios.rules.book import price_slopes
from blueattr.scenarios.rules.market import order_book, places_of
from blueattr.scenarios.rules.risk import DECAY

__all__ = ["indicator_bars", "pull_back"]


def indicator_bars(indicator: str, before: State, after: State) -> tuple[Bars, Bars]:
    """Return the derivatives of an indicator by the states before and after a step."""
    if indicator == "loss":
        return {}, {"growth": np.full(after["growth"].shape, -1.0)}
    return risk_bars(before, after, DECAY)


def pull_back(
    state: State,
    actions: State,
    kept: Mapping[str, Array],
    weights: FloatArray,
    after: State,
    *,
    bars: Bars,
    depth: float,
) -> tuple[Bars, Bars]:
    """Return derivatives by the state before and by the actions, from those by the state after.

    Parameters
    ----------
    state, actions, kept, weights, depth
        As for `blueattr.scenarios.rules.market.advance`.
    after
        What it returned.
    bars
        Derivatives by that.
    """
    old, new = state["price"], after["price"]
    zero = np.zeros(len(old))
    by_risk = bars.get("risk", zero)
    slope = 2 * (1 - DECAY) * (after["growth"] - state["growth"]) * by_risk
    by_growth = bars.get("growth", zero) + slope
    by_new = bars.get("price", np.zeros(new.shape)) + by_growth[:, None] * (
        weights / (new @ weights)[:, None]
    )
    by_old = -by_growth[:, None] * (weights / (old @ weights)[:, None])
    by_quantity = np.zeros(actions["quantity"].shape)
    for stock in range(weights.size):
        book, recorded = order_book(actions, kept, stock, old[:, stock])
        slopes = price_slopes(book, new[:, stock], recorded, depth)
        bar = by_new[:, stock]
        by_old[:, stock] += bar * slopes.price
        for (agents, places), by_order in zip(
            places_of(kept, stock), (slopes.buys, slopes.sells), strict=True
        ):
            by_quantity[:, agents, places] += bar[:, None] * by_order
    return (
        {"price": by_old, "growth": -slope, "risk": DECAY * by_risk},
        {"quantity": by_quantity},
    )
