"""The moving average of squared surprises, which two of the simulations watch."""

import numpy as np

from blueattr.scenarios.protocol import Array, State

__all__ = ["DECAY", "risk"]


DECAY = 0.94
"""λ of the moving average."""


def risk(before: State, after: State, _: int) -> Array:
    """Return λh + (1 - λ) surprise²: the moving average of squared surprises, with this step's."""
    surprise = after["growth"] - before["growth"]
    return np.asarray(DECAY * before["risk"] + (1 - DECAY) * surprise * surprise)
