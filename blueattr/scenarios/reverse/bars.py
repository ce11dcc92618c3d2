"""Derivatives of a result by named arrays: what reverse mode carries from the end to the start."""

from collections.abc import Mapping

import numpy as np

from blueattr.kernels import FloatArray
from blueattr.scenarios.protocol import State

__all__ = ["Bars", "added", "risk_bars"]


Bars = Mapping[str, FloatArray]
"""The derivative of the result by each array of a state, (B, …); 0 by one that is not there."""


def added(first: Bars, second: Bars) -> dict[str, FloatArray]:
    """Add derivatives by the same arrays."""
    return {
        name: first[name] + second[name]
        if name in first and name in second
        else first.get(name, second.get(name, np.zeros(1)))
        for name in {**first, **second}
    }


def risk_bars(before: State, after: State, decay: float) -> tuple[Bars, Bars]:
    """Return the derivatives of λh + (1 - λ) surprise² by the states before and after."""
    slope = 2 * (1 - decay) * (after["growth"] - before["growth"])
    return {"growth": -slope, "risk": np.full(slope.shape, decay)}, {"growth": slope}
