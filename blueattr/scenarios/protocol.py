"""What a simulation must offer so that its agents can be credited: the protocol `Scenario`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from blueattr.kernels import FloatArray

__all__ = ["Array", "Channel", "Indicator", "Scenario", "State"]


Array = npt.NDArray[Any]
"""float64; complex128 in the smooth form, where a derivative is computed by a complex step."""


State = Mapping[str, Array]
"""Arrays by name, each with a leading batch axis B: what a step begins with, or ends with."""


Indicator = Callable[[State, State, int], Array]
"""The state before a step, the one after it, and the step's index, to a number each: (B,)."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One part of what agents do in a step.

    Parameters
    ----------
    values
        (steps, n, …): what was done.
    scaled
        Whether participation scales it, as hours, shares and quantities; else it is kept as it was
        recorded, as a limit price or what was said.
    """

    values: npt.NDArray[np.float64] | npt.NDArray[np.int64]
    scaled: bool


@runtime_checkable
class Scenario(Protocol):
    """A simulation that ran: what its agents did, and what would have come of something else.

    Steps are counted from 0 in all methods; `steps` has the labels by which users name them.

    With participation z ∈ [0, 1]ⁿ agent i does a⁰ + z_i (a - a⁰) in each scaled channel, where a is
    what it did and a⁰ its baseline. Others do not react: their recorded actions stay. Random
    numbers belong to a step and an agent, and are the same whoever takes part.

    An optional method ``gradient(z, indicator, window, baseline)`` takes participation in the
    steps of a window, float64 (B, steps of the window, n), and returns the derivatives of the
    smooth form's indicator after the last of them, in the same shape. Without it derivatives are
    complex steps, or central differences where the transition does not take complex numbers.

    Notes
    -----
    docs/scenarios.md, "The game" and "Your own simulation".
    """

    @property
    def name(self) -> str:
        """The name of the simulation."""

    @property
    def agents(self) -> Sequence[str]:
        """The names of the n agents."""

    @property
    def steps(self) -> Sequence[int | str]:
        """The labels of the steps, in order."""

    @property
    def channels(self) -> Mapping[str, Channel]:
        """What agents did, by the name of the channel."""

    @property
    def baselines(self) -> Sequence[str]:
        """The kinds of baseline, the default first."""

    def baseline(self, kind: str) -> Mapping[str, FloatArray]:
        """Return what an absent agent does: (steps, n, …) for each scaled channel."""

    def start(self, step: int) -> Mapping[str, Array]:
        """Return the recorded state before a step, without a batch axis."""

    def transition(self, state: State, actions: State, step: int, smooth: bool) -> State:
        """Return the state after a step.

        Parameters
        ----------
        state, actions
            Arrays with a leading batch axis B, the same for all of them; they may be read-only.
        step
            Its index, by which the step's random numbers are found.
        smooth
            Whether in the smooth form, which is differentiable and takes complex arrays, or in the
            discrete form, whose actions are those of a coalition.

        Returns
        -------
        State
            Arrays with the same batch axis.
        """

    @property
    def indicators(self) -> Mapping[str, Indicator]:
        """The functions that say how a step went, the default first."""
