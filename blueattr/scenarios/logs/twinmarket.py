"""Logs of TwinMarket: daily orders and closing prices become a record of the market."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from blueattr.errors import InputError
from blueattr.kernels import FloatArray
from blueattr.scenarios.logs.folder import LogFolder, number_in, object_in
from blueattr.scenarios.logs.replay import replayed, widest
from blueattr.scenarios.models.market import Market
from blueattr.scenarios.protocol import Array
from blueattr.scenarios.record import Record, check_size
from blueattr.scenarios.record_file import shown
from blueattr.scenarios.rules.market import BUY, SELL, STOCKS, WEIGHTS
from blueattr.scenarios.rules.risk import DECAY
from blueattr.scenarios.scripts.numbering import padded

__all__ = ["read_twinmarket"]


_RECORDS, _RESULTS = "trading_records", "simulation_results"
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_ENGINE = "ZYF"  # the engine's own copies of a thin side's orders
_FIRST_PRICE = 10.0
_WIDEST_FIRST = 0.11  # orders are within a tenth of the last price, rounded to cents
_SIDES = {"buy": BUY, "sell": SELL}


@dataclass(frozen=True, slots=True)
class _Order:
    """One order of a day."""

    user: str
    stock: str
    side: int
    quantity: float
    limit: float
    time: float


@dataclass
class _Days:
    """What the files hold, by the day.

    Parameters
    ----------
    orders
        Of each day on which there was trading.
    prices
        Closing prices of stocks, of each day that has a summary.
    users
        Everybody in a trading record.
    copies
        How many orders were the engine's.
    unlike
        The largest difference between the quantity that a user decided on and that of its orders.
    """

    orders: dict[str, list[_Order]] = field(default_factory=dict)
    prices: dict[str, dict[str, float]] = field(default_factory=dict)
    users: set[str] = field(default_factory=set)
    copies: int = 0
    unlike: float = 0.0


def read_twinmarket(path: str | Path) -> Record:
    """Make a record of a folder of TwinMarket's logs.

    Parameters
    ----------
    path
        A folder with ``trading_records/DATE.json`` and
        ``simulation_results/DATE/daily_summary_DATE.csv``, and where there are any
        ``DATE_orders.json`` in one of these folders.

    Returns
    -------
    Record
        Of the market; its steps are the days.

    Raises
    ------
    InputError
        A file is missing or not what it should be.
    """
    folder = LogFolder(path, "TwinMarket's logs, which has trading_records/DATE.json")
    days = _read(folder)
    traded = sorted(days.orders)
    # A summary before the first order has the prices that trading begins with.
    dates = [day for day in sorted({*traded, *days.prices}) if day >= traded[0]]
    stocks = [name for name in STOCKS if name in _stocks(days)]
    users = tuple(sorted(days.users))
    check_size(len(users), len(dates))
    if not stocks:
        raise InputError(f"{folder.name} has no orders and no prices")
    first = _first_prices(days, stocks, dates[0], folder.name)
    actions = _actions([days.orders.get(day, []) for day in dates], users, stocks)
    weights = [dict(zip(STOCKS, WEIGHTS, strict=True))[name] for name in stocks]
    prices = np.vstack([first, np.zeros((len(dates), len(stocks)))])
    record = Record(
        scenario=Market.name,
        parameters={"stocks": stocks, "weights": weights},
        agents=users,
        steps=tuple(dates),
        states={"price": prices, "growth": np.zeros(len(dates) + 1), "risk": np.zeros(len(prices))},
        actions=actions,
        noise={},
        origin="twinmarket",
        imported=folder.imported,
    )
    deviation = _replay(record, days, dates, stocks)
    return Record(
        **{
            **vars(record),
            "deviation": {**deviation, "quantity": days.unlike},
            "remarks": tuple(_remarks(days, dates, stocks)),
        }
    )


def _remarks(days: _Days, dates: Sequence[str], stocks: Sequence[str]) -> Iterator[str]:
    if len(stocks) < len(STOCKS):
        yield f"The logs have {len(stocks)} of {len(STOCKS)} stocks; the index is of those."
    for missing, without, so in (
        ([d for d in dates if d not in days.orders], "trading records", "count as without orders"),
        ([d for d in dates if d not in days.prices], "a summary", "close at the replay's prices"),
    ):
        if missing:
            yield (
                f"Days without {without}, which {so}: {len(missing):,} ({', '.join(missing[:3])}"
                f"{' and others' if len(missing) > 3 else ''})."
            )
    if days.copies:
        yield (
            f"{days.copies:,} orders of {_ENGINE} are the engine's own copies, and left out: the "
            "rules make them."
        )


# --- files ---------------------------------------------------------------------------------------


def _read(folder: LogFolder) -> _Days:
    days = _Days()
    for name in folder.names(_RECORDS):
        date = name.removesuffix(".json")
        if _DATE.fullmatch(date) and name.endswith(".json"):
            decided = [*_decisions(folder, date, days)]
            given = _given(folder, date, days)
            if given is not None:
                days.unlike = max(days.unlike, _unlike(decided, given))
            days.orders[date] = decided if given is None else given
    if not days.orders:
        folder.read(f"{_RECORDS}/DATE.json")  # says what is missing, or that there are pickles
    for date in folder.names(_RESULTS):
        name = f"{_RESULTS}/{date}/daily_summary_{date}.csv"
        if _DATE.fullmatch(date) and folder.find(name):
            days.prices[date] = _closing(folder, name)
    if not days.users:
        raise InputError(f"{folder.name}/{_RECORDS} has no users")
    for name in _stocks(days):
        if name not in STOCKS:
            raise InputError(
                f"{folder.name} has the stock {shown(name)}, whose weight in the index is not "
                f"known; there are {', '.join(STOCKS)}"
            )
    return days


def _stocks(days: _Days) -> list[str]:
    ordered = {order.stock for orders in days.orders.values() for order in orders}
    return sorted(ordered.union(*days.prices.values()))


def _decisions(folder: LogFolder, date: str, days: _Days) -> Iterator[_Order]:
    """Yield the orders of a day as users decided on them, in the order of the file."""
    name = f"{_RECORDS}/{date}.json"
    full = f"{folder.name}/{name}"
    time = 0
    for user, record in object_in(folder.json(name), full).items():
        if user == _ENGINE:
            continue
        if not user:
            raise InputError(f"{full} has a user without a name")
        days.users.add(user)
        who = f"{full}, {shown(user)}"
        decisions = object_in(record, who).get("stock_decisions") or {}
        for stock, decision in object_in(decisions, who).items():
            told = f"{who}, {shown(stock)}"
            side = _side(object_in(decision, told).get("action"), told)
            if side is None:
                continue
            for quantity, limit in _parts(decision, told):
                if quantity > 0:
                    yield _Order(user, stock, side, quantity, limit, float(time))
                    time += 1


def _side(action: object, told: str) -> int | None:
    """Return the side of a decision; None of those who hold."""
    word = action.lower() if isinstance(action, str) else ""
    if word == "hold":
        return None
    if word not in _SIDES:
        raise InputError(f"{told}: the action is {shown(action)}, not buy, sell or hold")
    return _SIDES[word]


def _parts(decision: Mapping[str, Any], told: str) -> Iterator[tuple[float, float]]:
    """Yield quantity and limit price of each order that a decision is split into."""
    parts = decision.get("sub_orders") or [
        {"quantity": decision.get("quantity"), "price": decision.get("target_price")}
    ]
    if not isinstance(parts, list):
        raise InputError(f"{told}: sub_orders is {shown(parts)}, not a list")
    for part in parts:
        yield _sized(object_in(part, f"{told}: an order"), told)


def _sized(order: Mapping[str, Any], told: str) -> tuple[float, float]:
    quantity = number_in(order.get("quantity"), f"{told}: the quantity", 0)
    price = number_in(order.get("price"), f"{told}: the price", 0) if quantity > 0 else 0.0
    if quantity > 0 and price == 0:
        raise InputError(f"{told}: an order has the price 0")
    return quantity, price


def _given(folder: LogFolder, date: str, days: _Days) -> list[_Order] | None:
    """Return the orders of a day as the engine got them, with times; None if there is no file."""
    own = f"{date}_orders.json"
    name = folder.find(f"{_RECORDS}/{own}", f"{_RESULTS}/{date}/{own}", own)
    if name is None:
        return None
    full = f"{folder.name}/{name}"
    found: list[tuple[object, _Order]] = []
    for stock, sides in object_in(folder.json(name), full).items():
        told = f"{full}, {shown(stock)}"
        for key, orders in object_in(sides, told).items():
            side = next((s for word, s in _SIDES.items() if key.lower().startswith(word)), None)
            if side is None:
                continue
            if not isinstance(orders, list):
                raise InputError(f"{told}: {shown(key)} is no list of orders")
            for order in orders:
                user = object_in(order, f"{told}: an order").get("user_id")
                user = str(user) if isinstance(user, int) else user
                if user == _ENGINE:
                    days.copies += 1
                    continue
                if not isinstance(user, str) or user not in days.users:
                    raise InputError(f"{told}: the user {shown(user)} has no trading record")
                quantity, price = _sized(order, f"{told}, {shown(user)}")
                if quantity > 0:
                    made = _Order(user, stock, side, quantity, price, 0.0)
                    found.append((order.get("timestamp"), made))
    return _timed(found, full)


def _timed(found: Sequence[tuple[object, _Order]], full: str) -> list[_Order]:
    """Return orders with their rank in time, those of one time in the order of the file."""
    if not found:
        return []
    times: list[Any]
    if all(isinstance(time, int | float) and not isinstance(time, bool) for time, _ in found):
        times = [time for time, _ in found]
    else:
        try:
            times = [datetime.fromisoformat(str(time)).isoformat() for time, _ in found]
        except ValueError:
            raise InputError(
                f"{full}: the timestamp of an order is neither a number nor a time such as "
                "2023-06-15T09:30:00"
            ) from None
    ranks = np.empty(len(found))
    ranks[sorted(range(len(found)), key=times.__getitem__)] = np.arange(len(found))
    return [
        _Order(order.user, order.stock, order.side, order.quantity, order.limit, float(rank))
        for (_, order), rank in zip(found, ranks, strict=True)
    ]


def _unlike(decided: Sequence[_Order], given: Sequence[_Order]) -> float:
    """Return the largest difference of what a user decided on and what it ordered."""
    apart: dict[tuple[str, str, int], float] = {}
    for sign, orders in ((1, decided), (-1, given)):
        for order in orders:
            key = (order.user, order.stock, order.side)
            apart[key] = apart.get(key, 0.0) + sign * order.quantity
    return max((abs(one) for one in apart.values()), default=0.0)


def _closing(folder: LogFolder, name: str) -> dict[str, float]:
    table = folder.table(name, ("stock_code", "closing_price"))
    found: dict[str, float] = {}
    prices = table.numbers("closing_price", 1e-6)
    for code, price in zip(table.columns["stock_code"], prices, strict=True):
        if code in found:
            raise InputError(f"{table.name} has the stock {shown(code)} twice")
        found[code] = price
    return found


# --- record --------------------------------------------------------------------------------------


def _first_prices(days: _Days, stocks: Sequence[str], date: str, name: str) -> FloatArray:
    """Return the prices before the first day: those of an earlier summary, else 10."""
    earlier = [day for day in sorted(days.prices) if day < date]
    known: dict[str, float] = {}
    for day in earlier:
        known |= days.prices[day]
    for stock in stocks:
        limits = [order.limit for order in days.orders[date] if order.stock == stock]
        price = known.get(stock, _FIRST_PRICE)
        if limits and abs(float(np.median(limits)) / price - 1) > _WIDEST_FIRST:
            raise InputError(
                f"{name}: orders of {stock} on {date} are at {np.median(limits):.6g}, which is "
                f"not within a tenth of the price before, {price:g}; put the daily summary of "
                "the day before into simulation_results"
            )
    return np.array([known.get(stock, _FIRST_PRICE) for stock in stocks])


def _actions(
    steps: Sequence[Sequence[_Order]], users: Sequence[str], stocks: Sequence[str]
) -> dict[str, Array]:
    places = {user: k for k, user in enumerate(users)}
    codes = {stock: k for k, stock in enumerate(stocks)}
    longest = 0
    lists: list[list[list[_Order]]] = []
    for orders in steps:
        mine: list[list[_Order]] = [[] for _ in users]
        for order in orders:
            mine[places[order.user]].append(order)
        longest = max(longest, *(len(one) for one in mine))
        lists.append(mine)
    check_size(len(users), len(steps), longest)
    filled = []
    for mine in lists:
        columns: dict[str, Array] = {
            column: np.zeros((len(users), longest), np.int64 if layout.whole else np.float64)
            for column, layout in Market.layout.actions.items()
        }
        for k, orders in enumerate(mine):
            for place, order in enumerate(orders):
                columns["quantity"][k, place] = order.quantity
                columns["stock"][k, place] = codes[order.stock]
                columns["side"][k, place] = order.side
                columns["limit"][k, place] = order.limit
                columns["time"][k, place] = order.time
        filled.append(columns)
    return padded(filled, Market.layout.actions)


def _replay(
    record: Record, days: _Days, dates: Sequence[str], stocks: Sequence[str]
) -> dict[str, float]:
    """Fill in the states after each day, and return how far the replay is from them."""
    model = Market(record)
    price, growth, risk = (record.states[name] for name in ("price", "growth", "risk"))
    deviation: dict[str, float] = {"price": 0.0}
    for step, date in enumerate(dates):
        ours = replayed(model, step)["price"]
        closing = days.prices.get(date)
        # A stock without a line in the summary was not traded.
        after = (
            ours
            if closing is None
            else np.array([closing.get(s, price[step, k]) for k, s in enumerate(stocks)])
        )
        deviation = widest(deviation, price=(ours, after))
        price[step + 1] = after
        growth[step + 1] = np.log((after @ model.weights) / (price[step] @ model.weights))
        surprise = growth[step + 1] - growth[step]
        risk[step + 1] = DECAY * risk[step] + (1 - DECAY) * surprise * surprise
    return deviation
