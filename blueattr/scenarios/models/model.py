"""What the three models have in common: a scenario made of a record."""

import abc
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from blueattr.kernels import FloatArray
from blueattr.scenarios.protocol import Array, Channel, Indicator, State
from blueattr.scenarios.record import Layout, Record

__all__ = ["DECAY", "Model", "risk"]


DECAY = 0.94
"""λ of the moving averages of squared surprises."""


class Model(abc.ABC):
    """A scenario made of a record; see `blueattr.scenarios.protocol.Scenario`.

    Parameters
    ----------
    record
        What was recorded, in the layout of the model.
    """

    name: ClassVar[str]
    layout: ClassVar[Layout]
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

    @property
    @abc.abstractmethod
    def indicators(self) -> Mapping[str, Indicator]:
        """The indicators, the default first."""


def risk(before: State, after: State, _: int) -> Array:
    """Return λh + (1 - λ) surprise²: the moving average of squared surprises, with this step's."""
    surprise = after["growth"] - before["growth"]
    return np.asarray(DECAY * before["risk"] + (1 - DECAY) * surprise * surprise)
