"""Scripted traders of the market: they follow the last move, or go against it, with noise."""

import numpy as np

from blueattr.kernels import FloatArray, IntArray
from blueattr.scenarios.models.market import Market
from blueattr.scenarios.protocol import Array
from blueattr.scenarios.record import Record
from blueattr.scenarios.rules.book import Auction, clear, fills
from blueattr.scenarios.rules.market import (
    BUY,
    SELL,
    STOCKS,
    WEIGHTS,
    advance,
    order_book,
)
from blueattr.scenarios.scripts.numbering import number, padded, stacked
from blueattr.scenarios.streams import MARKET, NumberStream

__all__ = ["run_market"]


_FIRST_PRICE = 10.0
_MOMENTUM = 0.7
_VALUE = 1e6
_ACTIVE = 0.8
_MOST_ORDERS = 3
_NOISE = 1.5
_FACTOR, _MOST_SHARE = 5.0, 30.0
_LOT = 100
_SPREAD, _LIMIT = 0.03, 0.1


def run_market(agents: int, steps: int, seed: int, stocks: int = 10) -> Record:
    """Run the market with scripted traders.

    Parameters
    ----------
    agents, steps
        How many, at least 1 each.
    seed
        At least 0.
    stocks
        How many of the ten, from the heaviest down.

    Returns
    -------
    Record

    Notes
    -----
    docs/scenarios.md, "Market".
    """
    stream = NumberStream(seed, MARKET)
    weights = np.array(WEIGHTS[:stocks])
    style = np.where(stream.uniform(agents) < _MOMENTUM, 1.0, -1.0)
    value = _VALUE * np.exp(stream.normal(agents))
    cash = value / 2
    held = np.repeat(_lots(value / 2 / stocks / _FIRST_PRICE)[:, None], stocks, axis=1)
    state: dict[str, Array] = {
        "price": np.full((1, stocks), _FIRST_PRICE), "growth": np.zeros(1), "risk": np.zeros(1),
    }  # fmt: skip
    states, actions = [state], []
    move = np.zeros(stocks)
    for _ in range(steps):
        active = stream.uniform(agents) < _ACTIVE
        ranks = stream.uniform((agents, stocks))
        signal = style[:, None] * move * 100 + _NOISE * stream.normal((agents, stocks))
        drawn = stream.normal((agents, stocks))
        times = stream.uniform((agents, stocks))
        price = state["price"][0]
        limit = np.clip(price * (1 + _SPREAD * drawn), price * (1 - _LIMIT), price * (1 + _LIMIT))
        limit = np.round(limit, 2)
        share = np.minimum(_FACTOR * np.abs(signal), _MOST_SHARE) / 100
        wanted = np.maximum(_lots(share * value[:, None] / limit), _LOT)
        buys = signal > 0
        possible = np.where(buys, _lots((cash / 3)[:, None] / limit), _lots(held))
        quantity = np.where(active[:, None], np.minimum(wanted, possible), 0.0)
        chosen = np.argsort(ranks, axis=1, kind="stable")[:, :_MOST_ORDERS]
        side = np.where(buys, BUY, SELL)
        action = _orders(chosen, quantity, side, limit, times)
        batch = {"quantity": action["quantity"][None]}
        after = advance(state, batch, action, weights, smooth=False)
        for stock in range(stocks):
            book, _recorded = order_book(batch, action, stock, state["price"][:, stock])
            bought = _filled(action, stock, clear(book))
            held[:, stock] += bought
            cash = cash - bought * after["price"][0, stock]
        move = after["price"][0] / price - 1
        state = after
        states.append(state)
        actions.append(action)
    return Record(
        scenario="market",
        parameters={"stocks": list(STOCKS[:stocks]), "weights": list(WEIGHTS[:stocks])},
        agents=number(agents),
        steps=tuple(range(1, steps + 1)),
        states={name: stacked([each[name][0] for each in states]) for name in Market.layout.states},
        actions=padded(actions, Market.layout.actions),
        noise={},
        seed=seed,
    )


def _lots(shares: FloatArray) -> FloatArray:
    rounded: FloatArray = np.floor(shares / _LOT) * _LOT
    return rounded


def _orders(
    chosen: IntArray, quantity: FloatArray, side: IntArray, limit: FloatArray, times: FloatArray
) -> dict[str, Array]:
    """Return the orders of each agent, those without a quantity as padding at the end."""
    given = np.take_along_axis(quantity, chosen, axis=1)
    first = np.argsort(given <= 0, axis=1, kind="stable")
    chosen = np.take_along_axis(chosen, first, axis=1)
    given = np.take_along_axis(given, first, axis=1)
    some = given > 0
    columns: dict[str, Array] = {"quantity": given, "stock": chosen}
    for name, array in (("side", side), ("limit", limit), ("time", times)):
        columns[name] = np.take_along_axis(array, chosen, axis=1)
    return {name: np.where(some, column, 0) for name, column in columns.items()}


def _filled(orders: dict[str, Array], stock: int, auction: Auction) -> FloatArray:
    """Return how many shares of a stock each agent buys; negative what it sells."""
    net = np.zeros(len(orders["quantity"]))
    for side, copies in ((BUY, auction.buy_copies), (SELL, auction.sell_copies)):
        agents, places = np.nonzero(
            (orders["stock"] == stock) & (orders["side"] == side) & (orders["quantity"] > 0)
        )
        filled = fills(
            orders["quantity"][agents, places],
            orders["limit"][agents, places] * -side,
            orders["time"][agents, places],
            copies=int(copies[0]),
            worst=float(auction.price[0]) * -side,
            volume=float(auction.volume[0]),
        )
        np.add.at(net, agents, side * filled)
    return net
