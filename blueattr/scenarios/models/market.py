"""The market: traders with limit orders in call auctions, after TwinMarket's rules."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import ClassVar

import numpy as np

from blueattr.errors import InputError
from blueattr.kernels import FloatArray, IntArray
from blueattr.scenarios.models.book import Book, clear, smooth_price
from blueattr.scenarios.models.model import DECAY, Model, risk
from blueattr.scenarios.protocol import Array, Indicator, State
from blueattr.scenarios.record import Column, Layout, Parameter

__all__ = ["BUY", "SELL", "STOCKS", "WEIGHTS", "Market", "advance", "order_book"]


STOCKS = ("FSEI", "CGEI", "EREI", "TTEI", "MEI", "CPEI", "IEEI", "TLEI", "REEI", "TSEI")
WEIGHTS = (33.014, 18.245, 13.160, 12.963, 8.946, 6.491, 3.137, 2.182, 0.969, 0.894)
"""The sector indices of TwinMarket, from the heaviest down, and their weights in per cent."""


BUY, SELL = 1, -1


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
    buys, sells = (
        np.nonzero((kept["stock"] == stock) & (kept["side"] == side) & (kept["quantity"] > 0))
        for side in (BUY, SELL)
    )
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
        See `Market.layout`, with a leading batch axis.
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
    growth = np.log(after @ weights / (prices @ weights))
    surprise = growth - state["growth"]
    return {
        "price": after,
        "growth": growth,
        "risk": DECAY * state["risk"] + (1 - DECAY) * surprise * surprise,
    }


def _loss(_: State, after: State, __: int) -> Array:
    return np.asarray(0.0 - after["growth"])


class Market(Model):
    """The market of a record.

    Notes
    -----
    docs/scenarios.md, "Market".
    """

    name = "market"
    first_peak = 2
    layout = Layout(
        states={
            "price": Column("m", low=1e-6),
            "growth": Column(),
            "risk": Column(low=0),
        },
        actions={
            "quantity": Column("nk", low=0, scaled=True),
            "stock": Column("nk", whole=True, low=0),
            "side": Column("nk", whole=True, low=SELL, high=BUY),
            "limit": Column("nk", low=0),
            "time": Column("nk", low=0),
        },
        noise={},
        parameters={
            "stocks": Parameter(list(STOCKS), meaning="the names of the stocks"),
            "weights": Parameter(list(WEIGHTS), meaning="their weights in the index"),
            "depth": Parameter(0.25, 1e-9, 100, "the share of a stock's recorded quantity that "
                               "the smooth form's dealer takes at the price limit"),
        },
    )  # fmt: skip
    indicators: ClassVar[Mapping[str, Indicator]] = {"loss": _loss, "index_risk": risk}
    baselines: ClassVar[Sequence[str]] = ("hold",)

    @cached_property
    def weights(self) -> FloatArray:
        """The weights of the stocks in the index."""
        return np.array(self.parameters["weights"], np.float64)

    def check(self) -> None:
        """Check that orders are of stocks that there are, have a side and a limit price."""
        if len(self.parameters["stocks"]) != self.weights.size:
            raise InputError("there are not as many weights as stocks")
        if not (np.isfinite(self.weights).all() and (self.weights > 0).all()):
            raise InputError("the weight of a stock is not above 0")
        orders = self.record.actions
        given = orders["quantity"] > 0
        if (orders["stock"][given] >= self.weights.size).any():
            raise InputError(
                f"there is no stock {int(orders['stock'].max())}: stocks count from 0 to "
                f"{self.weights.size - 1}"
            )
        if (orders["side"][given] == 0).any():
            raise InputError("an order neither buys (1) nor sells (-1)")
        if (orders["limit"][given] <= 0).any():
            raise InputError("an order has no limit price above 0")

    def baseline(self, kind: str) -> Mapping[str, FloatArray]:  # noqa: ARG002 - there is one
        """Return what an absent agent does: it gives no orders."""
        return self.nothing()

    def transition(self, state: State, actions: State, step: int, smooth: bool) -> State:
        """Return the state after a step."""
        kept: dict[str, FloatArray | IntArray] = {
            name: channel.values[step] for name, channel in self.channels.items()
        }
        return advance(
            state, actions, kept, self.weights, smooth=smooth, depth=self.parameters["depth"]
        )
