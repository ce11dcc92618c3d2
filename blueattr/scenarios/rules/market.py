"""A step of the market: traders give limit orders, call auctions set the prices."""

from collections.abc import Mapping

import numpy as np

from blueattr.kernels import FloatArray, IntArray
from blueattr.scenarios.protocol import Array, State
from blueattr.scenarios.rules.book import Book, clear, smooth_price
from blueattr.scenarios.rules.risk import DECAY

__all__ = ["BUY", "SELL", "STOCKS", "WEIGHTS", "advance", "loss", "order_book", "places_of"]


STOCKS = ("FSEI", "CGEI", "EREI", "TTEI", "MEI", "CPEI", "IEEI", "TLEI", "REEI", "TSEI")
WEIGHTS = (33.014, 18.245, 13.160, 12.963, 8.946, 6.491, 3.137, 2.182, 0.969, 0.894)
"""The sector indices of TwinMarket, from the heaviest down, and their weights in per cent."""


BUY, SELL = 1, -1


Places = tuple[IntArray, IntArray]


def places_of(kept: Mapping[str, Array], stock: int) -> tuple[Places, Places]:
    """Return agents and places of the buy orders of a stock, and those of its sell orders."""
    given = (kept["stock"] == stock) & (kept["quantity"] > 0)
    buys, sells = (np.nonzero(given & (kept["side"] == side)) for side in (BUY, SELL))
    return (buys[0], buys[1]), (sells[0], sells[1])


def order_book(
    actions: State, kept: Mapping[str, Array], stock: int, price: Array
) -> tuple[Book, float]:
    """Return the orders of a stock, and the quantity that was recorded.

    Parameters
    ----------
    actions
        ``quantity``, (B, n, k).
    kept
        The other channels of this step, and what the quantities were, (n, k) each.
    stock
        Its index.
    price
        Of the step before, (B,).
    """
    buys, sells = places_of(kept, stock)
    quantity = actions["quantity"]
    book = Book(
        price=price,
        buys=quantity[:, buys[0], buys[1]],
        sells=quantity[:, sells[0], sells[1]],
        bids=kept["limit"][buys],
        asks=kept["limit"][sells],
    )
    return book, float(kept["quantity"][buys].sum() + kept["quantity"][sells].sum())


def advance(
    state: State,
    actions: State,
    kept: Mapping[str, Array],
    weights: FloatArray,
    *,
    smooth: bool,
    depth: float = 0.25,
) -> dict[str, Array]:
    """Return the prices after a step.

    Parameters
    ----------
    state, actions
        See `blueattr.scenarios.models.market.Market`, with a leading batch axis.
    kept
        The recorded actions, without it.
    weights
        Of the stocks in the index.
    smooth
        In which form.
    depth
        The share of the recorded quantity that the smooth form's dealer takes at the price limit.
    """
    prices = state["price"]
    columns = []
    for stock in range(weights.size):
        book, recorded = order_book(actions, kept, stock, prices[:, stock])
        columns.append(smooth_price(book, recorded, depth) if smooth else clear(book).price)
    after = np.stack(columns, axis=1)
    # Not a product of matrices, which adds up in another order in a batch of another size; and
    # where no price moves the growth is 0 to the last bit.
    moved = ((after - prices) * weights).sum(axis=1)
    growth = np.log1p(moved / (prices * weights).sum(axis=1))
    surprise = growth - state["growth"]
    return {
        "price": after,
        "growth": growth,
        "risk": DECAY * state["risk"] + (1 - DECAY) * surprise * surprise,
    }


def loss(_: State, after: State, __: int) -> Array:
    """Return the negative logarithm of the growth of the index."""
    return np.asarray(0.0 - after["growth"])
