"""The market as a scenario: traders with limit orders, after TwinMarket's rules."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import ClassVar

import numpy as np

from blueattr.errors import InputError
from blueattr.kernels import FloatArray
from blueattr.scenarios.models.model import Model
from blueattr.scenarios.protocol import Array, Indicator, State
from blueattr.scenarios.record import Layout, Parameter, RecordArray
from blueattr.scenarios.reverse import market as reverse
from blueattr.scenarios.reverse.bars import Bars
from blueattr.scenarios.rules import market as rules
from blueattr.scenarios.rules.risk import risk

__all__ = ["Market"]


class Market(Model):
    """The market of a record.

    Notes
    -----
    docs/scenarios.md, "Market".
    """

    name = "market"
    leading_form = "discrete"
    regulariser = "depth"
    first_peak = 2
    layout = Layout(
        states={
            "price": RecordArray("m", low=1e-6),
            "growth": RecordArray(),
            "risk": RecordArray(low=0),
        },
        actions={
            "quantity": RecordArray("nk", low=0, scaled=True),
            "stock": RecordArray("nk", whole=True, low=0),
            "side": RecordArray("nk", whole=True, low=rules.SELL, high=rules.BUY),
            "limit": RecordArray("nk", low=0),
            "time": RecordArray("nk", low=0),
        },
        noise={},
        parameters={
            "stocks": Parameter(list(rules.STOCKS), meaning="the names of the stocks"),
            "weights": Parameter(list(rules.WEIGHTS), meaning="their weights in the index"),
            "depth": Parameter(0.25, 1e-9, 100, "the share of a stock's recorded quantity that "
                               "the smooth form's dealer takes at the price limit"),
        },
    )  # fmt: skip
    indicators: ClassVar[Mapping[str, Indicator]] = {"loss": rules.loss, "index_risk": risk}
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
        return rules.advance(
            state, actions, self._kept(step), self.weights, smooth=smooth,
            depth=self.parameters["depth"],
        )  # fmt: skip

    def indicator_bars(self, indicator: str, before: State, after: State) -> tuple[Bars, Bars]:
        """Return the derivatives of an indicator by the states before and after a step."""
        return reverse.indicator_bars(indicator, before, after)

    def pull_back(
        self, state: State, actions: State, after: State, bars: Bars, step: int
    ) -> tuple[Bars, Bars]:
        """Return derivatives by state and actions, from those by the state after."""
        return reverse.pull_back(
            state, actions, self._kept(step), self.weights, after,
            bars=bars, depth=self.parameters["depth"],
        )  # fmt: skip

    def _kept(self, step: int) -> dict[str, Array]:
        return {name: channel.values[step] for name, channel in self.channels.items()}
