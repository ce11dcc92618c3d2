"""The discrete rules on what was recorded: how far the replay is from the logs."""

from collections.abc import Mapping

import numpy as np

from blueattr.kernels import FloatArray
from blueattr.scenarios.models.model import Model
from blueattr.scenarios.play import play
from blueattr.scenarios.protocol import State

__all__ = ["replayed", "widest"]


def replayed(model: Model, step: int) -> State:
    """Return the state after a step by the discrete rules, from the recorded state before it."""
    everyone = np.ones((1, 1, len(model.agents)))
    absent = model.baseline(model.baselines[0])
    after = play(model, absent, everyone, range(step, step + 1), smooth=False)[1]
    return {name: array[0] for name, array in after.items()}


def widest(so_far: Mapping[str, float], **pairs: tuple[FloatArray, FloatArray]) -> dict[str, float]:
    """Return the largest difference of each kind, with another step in it.

    Parameters
    ----------
    so_far
        Of the steps before.
    pairs
        What was replayed and what the logs have, as arrays of one shape, by the kind.
    """
    found = dict(so_far)
    for name, (ours, theirs) in pairs.items():
        apart = float(np.abs(np.asarray(ours) - np.asarray(theirs)).max(initial=0.0))
        found[name] = max(found.get(name, 0.0), apart)
    return found
