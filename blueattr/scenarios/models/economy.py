"""The economy as a scenario: agents who work and consume, after EconAgent (Li et al. 2024)."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from blueattr.kernels import FloatArray
from blueattr.scenarios.models.model import Model
from blueattr.scenarios.protocol import Array, Indicator, State
from blueattr.scenarios.record import Layout, Parameter, RecordArray
from blueattr.scenarios.reverse import economy as reverse
from blueattr.scenarios.reverse.bars import Bars
from blueattr.scenarios.rules import economy as rules
from blueattr.scenarios.rules.risk import risk

__all__ = ["Economy"]


class Economy(Model):
    """The economy of a record.

    Notes
    -----
    docs/scenarios.md, "Economy".
    """

    name = "economy"
    regulariser = "reserve"
    first_peak = 1
    layout = Layout(
        states={
            "wealth": RecordArray("n"),
            "wage": RecordArray("n", low=1),
            "goods": RecordArray(),
            "price": RecordArray(low=1),
            "interest": RecordArray(low=0),
            "growth": RecordArray(),
            "risk": RecordArray(low=0),
        },
        actions={
            "work": RecordArray("n", low=0, high=1, scaled=True),
            "consumption": RecordArray("n", low=0, high=1, scaled=True),
        },
        noise={
            "wage_response": RecordArray("n", low=0, high=1),
            "price_response": RecordArray(low=0, high=1),
        },
        parameters={
            "reserve": Parameter(0.1, 1e-9, 100, "the reserve stock κ of the smooth form, "
                                 "in potential outputs of a step"),
            "period": Parameter(1, 1, 1000, "steps between two payments of interest"),
        },
    )  # fmt: skip
    indicators: ClassVar[Mapping[str, Indicator]] = {
        "inflation": rules.growth,
        "inflation_risk": risk,
        "lagged_inflation_risk": rules.lagged_risk,
        "pressure": rules.pressure,
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
        return rules.advance(
            state, actions, self._noise(step), step=step, smooth=smooth,
            reserve=self.parameters["reserve"], period=self.parameters["period"],
        )  # fmt: skip

    def indicator_bars(self, indicator: str, before: State, after: State) -> tuple[Bars, Bars]:
        """Return the derivatives of an indicator by the states before and after a step."""
        return reverse.indicator_bars(indicator, before, after)

    def pull_back(
        self, state: State, actions: State, after: State, bars: Bars, step: int
    ) -> tuple[Bars, Bars]:
        """Return derivatives by state and actions, from those by the state after."""
        return reverse.pull_back(
            state, actions, self._noise(step), after, bars, step=step,
            reserve=self.parameters["reserve"], period=self.parameters["period"],
        )  # fmt: skip

    def _noise(self, step: int) -> dict[str, Array]:
        return {name: array[step] for name, array in self.record.noise.items()}
