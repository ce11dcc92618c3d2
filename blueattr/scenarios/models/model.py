"""What the three models have in common: a scenario made of a record."""

import abc
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from blueattr.kernels import FloatArray
from blueattr.scenarios.play import actions_at, play
from blueattr.scenarios.protocol import Array, Channel, Indicator, State
from blueattr.scenarios.record import Layout, Record
from blueattr.scenarios.reverse.bars import Bars, added

__all__ = ["Model"]


class Model(abc.ABC):
    """A scenario made of a record; see `blueattr.scenarios.protocol.Scenario`.

    Parameters
    ----------
    record
        What was recorded, in the layout of the model.
    """

    name: ClassVar[str]
    layout: ClassVar[Layout]
    leading_form: ClassVar[str] = "smooth"
    """The form of the game that is asked unless another is named."""

    regulariser: ClassVar[str]
    """The parameter that keeps a ratio of the smooth form from jumping where nobody acts."""

    first_peak: ClassVar[int]
    """The index of the first step that may be a peak: what comes before follows from the start."""

    def __init__(self, record: Record) -> None:
        self.record = record
        defaults = {key: one.default for key, one in self.layout.parameters.items()}
        self.parameters: Mapping[str, Any] = {**defaults, **record.parameters}

    @property
    def agents(self) -> Sequence[str]:
        """The names of the agents."""
        return self.record.agents

    @property
    def steps(self) -> Sequence[int | str]:
        """The labels of the steps."""
        return self.record.steps

    @cached_property
    def channels(self) -> Mapping[str, Channel]:
        """What agents did."""
        return {
            name: Channel(self.record.actions[name], column.scaled)
            for name, column in self.layout.actions.items()
        }

    def check(self) -> None:
        """Check that what the record holds fits together.

        Raises
        ------
        InputError
            It does not.
        """
        return

    def start(self, step: int) -> Mapping[str, Array]:
        """Return the recorded state before a step."""
        return {name: self.record.states[name][step] for name in self.layout.states}

    def nothing(self) -> dict[str, FloatArray]:
        """Return the baseline of an agent that does nothing at all: 0 in each scaled channel."""
        return {
            name: np.zeros(channel.values.shape)
            for name, channel in self.channels.items()
            if channel.scaled
        }

    @property
    @abc.abstractmethod
    def baselines(self) -> Sequence[str]:
        """The kinds of baseline, the default first."""

    @abc.abstractmethod
    def baseline(self, kind: str) -> Mapping[str, FloatArray]:
        """Return what an absent agent does."""

    @abc.abstractmethod
    def transition(self, state: State, actions: State, step: int, smooth: bool) -> State:
        """Return the state after a step."""

    @abc.abstractmethod
    def indicator_bars(self, indicator: str, before: State, after: State) -> tuple[Bars, Bars]:
        """Return the derivatives of an indicator by the states before and after a step."""

    @abc.abstractmethod
    def pull_back(
        self, state: State, actions: State, after: State, bars: Bars, step: int
    ) -> tuple[Bars, Bars]:
        """Return derivatives by state and actions, from those by the state after: reverse mode."""

    def gradient(self, z: FloatArray, indicator: str, window: range, baseline: str) -> FloatArray:
        """Return the derivatives of the smooth form's indicator, in reverse mode.

        Parameters
        ----------
        z
            Participation, float64 (B, steps of the window, n).
        indicator, baseline
            Their names.
        window
            Indices of the steps.

        Returns
        -------
        ndarray
            float64 (B, steps of the window, n).
        """
        absent = self.baseline(baseline)
        states = play(self, absent, z, window, smooth=True)
        before, bars = self.indicator_bars(indicator, states[-2], states[-1])
        slopes = np.empty(z.shape)
        for place in reversed(range(len(window))):
            step = window[place]
            actions = actions_at(self, absent, z[:, place], step)
            by_state, by_actions = self.pull_back(
                states[place], actions, states[place + 1], bars, step
            )
            slopes[:, place] = self._by_presence(by_actions, absent, step)
            bars = added(by_state, before)
            before = {}
        return slopes

    def _by_presence(self, bars: Bars, absent: Mapping[str, FloatArray], step: int) -> FloatArray:
        """Return derivatives by participation, (B, n), from those by what it scales."""
        total: FloatArray = np.zeros(1)
        for name, by_action in bars.items():
            change = self.channels[name].values[step] - absent[name][step]
            part = by_action * change
            total = total + part.reshape(*part.shape[:2], -1).sum(axis=2)
        return total

    @property
    @abc.abstractmethod
    def indicators(self) -> Mapping[str, Indicator]:
        """The indicators, the default first."""
