"""A stock's order book in a step: the call auction, and its smooth form."""

from dataclasses import dataclass

import numpy as np

from blueattr.kernels import FloatArray
from blueattr.scenarios.protocol import Array
from blueattr.scenarios.rules.smooth import logistic

__all__ = ["Auction", "Book", "Slopes", "clear", "fills", "price_slopes", "smooth_price"]


_THIN_SIDE, _MOST_COPIES = 2.5, 3
_SPREAD = 0.005
_LIMIT = 0.1
_BISECTIONS, _NEWTON_STEPS = 30, 4


@dataclass(frozen=True, slots=True)
class Book:
    """The orders of one stock in one step.

    Parameters
    ----------
    price
        P, of the step before.
    buys, sells
        float64 (B, orders of the side): quantities.
    bids, asks
        float64 (orders of the side,): limit prices.
    """

    price: Array
    buys: Array
    sells: Array
    bids: FloatArray
    asks: FloatArray


@dataclass(frozen=True, slots=True)
class Auction:
    """What a call auction finds, (B,) each.

    Parameters
    ----------
    price
        The closing price.
    volume
        What is traded.
    buy_copies, sell_copies
        How many times the thin side is repeated.
    """

    price: FloatArray
    volume: FloatArray
    buy_copies: FloatArray
    sell_copies: FloatArray


def clear(book: Book) -> Auction:
    """Hold a call auction: the lowest order price with the largest volume.

    The volume at p is the smaller of what is bought at p or more and sold at p or less. The side
    with less than 1/2.5 of the other's quantity is repeated. Where the best bid is under the best
    ask nothing is traded, and the price stays.
    """
    bought, sold = book.buys.sum(axis=1), book.sells.sum(axis=1)
    buy_copies, sell_copies = _copies(bought, sold), _copies(sold, bought)
    prices = np.unique(np.concatenate([book.bids, book.asks]))
    at_least = book.buys @ (book.bids[:, None] >= prices).astype(np.float64)
    at_most = book.sells @ (book.asks[:, None] <= prices).astype(np.float64)
    volumes = np.minimum(at_least * (1 + buy_copies)[:, None], at_most * (1 + sell_copies)[:, None])
    if prices.size == 0:
        zero = np.zeros(len(bought))
        return Auction(book.price + zero, zero, buy_copies, sell_copies)
    best = volumes.argmax(axis=1)
    volume = np.take_along_axis(volumes, best[:, None], axis=1)[:, 0]
    return Auction(np.where(volume > 0, prices[best], book.price), volume, buy_copies, sell_copies)


def _copies(side: FloatArray, other: FloatArray) -> FloatArray:
    """Return how many times a side's orders are repeated."""
    ratio = np.divide(other, side, out=np.zeros_like(side), where=side > 0)
    copies = np.minimum(np.floor(ratio) - 1, _MOST_COPIES)
    return np.where(ratio >= _THIN_SIDE, copies, 0.0)


def fills(
    quantity: FloatArray,
    rank: FloatArray,
    time: FloatArray,
    *,
    copies: int,
    worst: float,
    volume: float,
) -> FloatArray:
    """Return what each order of a side gets of the volume: by price, then by time.

    Parameters
    ----------
    quantity, rank, time
        float64 (orders,); those of a lower rank come first: -b of bids, a of asks.
    copies
        How many times the side is repeated; copies stand behind all originals at their price.
    worst
        The rank of the auction's price: orders of a higher one get nothing.
    volume
        What is traded.
    """
    n = quantity.size
    every = np.tile(np.arange(n), 1 + copies)
    is_copy = np.repeat(np.arange(1 + copies) > 0, n)
    order = np.lexsort((time[every], is_copy, rank[every]))
    order = order[rank[every][order] <= worst]
    wanted = quantity[every][order]
    got = np.clip(volume - (np.cumsum(wanted) - wanted), 0.0, wanted)
    filled = np.zeros(n)
    original = ~is_copy[order]
    filled[every[order][original]] = got[original]
    return filled


def smooth_price(book: Book, recorded: float, depth: float) -> Array:
    """Return the price at which smoothed buyers, sellers and a dealer balance.

    p solves Σ_buy z q s((b - p)/τ) - Σ_sell z q s((p - a)/τ) + L (P - p) = 0, where s is the
    logistic function, τ = 0.005 P and L = depth·V/(0.1 P). The left side is strictly decreasing in
    p, so there is one root.

    Parameters
    ----------
    book
        With quantities of whatever participation, and complex where derivatives are computed.
    recorded
        V, the quantity that was recorded on that stock and step, without copies.
    depth
        The share of V that the dealer takes at the limit.
    """
    price = np.broadcast_to(book.price, book.buys.shape[:1])
    if recorded == 0:
        return price.copy()
    dealer = depth * recorded / _LIMIT  # L·P
    real = _Balance(price.real, book.buys.real, book.sells.real, book.bids, book.asks, dealer)
    # At this distance the dealer alone outweighs everybody.
    reach = real.price * (1 + (real.buys.sum(axis=1) + real.sells.sum(axis=1)) / dealer)
    low, high = real.price - reach, real.price + reach
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        above = real.at(middle)[0] > 0
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    full = _Balance(price, book.buys, book.sells, book.bids, book.asks, dealer)
    root: Array = 0.5 * (low + high)
    for _ in range(_NEWTON_STEPS):
        value, slope = full.at(root)
        root = root - value / slope
    return root


@dataclass(frozen=True, slots=True)
class _Balance:
    """What is bought less what is sold, as a function of the price."""

    price: Array
    buys: Array
    sells: Array
    bids: FloatArray
    asks: FloatArray
    dealer: float

    def at(self, p: Array) -> tuple[Array, Array]:
        """Return the balance at p, (B,), and its derivative by p."""
        width = (_SPREAD * self.price)[:, None]
        wants = logistic((self.bids - p[:, None]) / width)
        gives = logistic((p[:, None] - self.asks) / width)
        buys, sells = self.buys * wants, self.sells * gives
        dealer = self.dealer / self.price
        value = buys.sum(axis=1) - sells.sum(axis=1) + dealer * (self.price - p)
        steepness = (buys * (1 - wants)).sum(axis=1) + (sells * (1 - gives)).sum(axis=1)
        return value, -steepness / width[:, 0] - dealer


@dataclass(frozen=True, slots=True)
class Slopes:
    """The derivatives of a smooth price.

    Parameters
    ----------
    price
        (B,), by the price of the step before.
    buys, sells
        (B, orders of the side), by the quantities.
    """

    price: FloatArray
    buys: FloatArray
    sells: FloatArray


def price_slopes(book: Book, root: FloatArray, recorded: float, depth: float) -> Slopes:
    """Return the derivatives of `smooth_price`, by the implicit function theorem.

    Parameters
    ----------
    book, recorded, depth
        As for `smooth_price`, of real quantities.
    root
        What it returned.
    """
    if recorded == 0:
        return Slopes(np.ones(root.shape), np.zeros(book.buys.shape), np.zeros(book.sells.shape))
    dealer = depth * recorded / _LIMIT
    balance = _Balance(book.price, book.buys, book.sells, book.bids, book.asks, dealer)
    steepness = -balance.at(root)[1]
    width = (_SPREAD * book.price)[:, None]
    over, under = book.bids - root[:, None], root[:, None] - book.asks
    wants, gives = logistic(over / width), logistic(under / width)
    moved = (book.sells * gives * (1 - gives) * under).sum(axis=1)
    moved = moved - (book.buys * wants * (1 - wants) * over).sum(axis=1)
    by_price = moved / (width[:, 0] * book.price) + dealer * root / book.price**2
    return Slopes(by_price / steepness, wants / steepness[:, None], -gives / steepness[:, None])
