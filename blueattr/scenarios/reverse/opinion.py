"""Derivatives of the opinion model's smooth form in reverse mode."""

import numpy as np

from blueattr.kernels.reading import unread_all
from blueattr.scenarios.protocol import State
from blueattr.scenarios.reverse.bars import Bars
from blueattr.scenarios.rules import opinion as model
from blueattr.scenarios.rules.smooth import clip_slope

__all__ = ["indicator_bars", "pull_back"]


def indicator_bars(_: str, __: State, after: State) -> tuple[Bars, Bars]:
    """Return the derivatives of the polarisation by the states before and after a step."""
    belief = after["belief"]
    away = belief - belief.mean(axis=1)[:, None]
    return {}, {"belief": 2 * away / belief.shape[1]}


def pull_back(
    state: State, actions: State, bars: Bars, *, views: float, reading: model.Reading
) -> tuple[Bars, Bars]:
    """Return derivatives by the state before and by the actions, from those by the state after.

    Parameters
    ----------
    state, actions, views, reading
        As for `blueattr.scenarios.rules.opinion.advance`.
    bars
        Derivatives by what it returned.
    """
    presence = np.ascontiguousarray(actions["presence"])
    belief = np.ascontiguousarray(state["belief"] + 0 * presence)
    moved = reading.move(belief, presence, smooth=True)
    view, liked = reading.counts(presence)
    ratio = liked / (view + views)
    factor = 1 + model.FEEDBACK * presence * ratio
    by_product = bars["belief"] * clip_slope(moved * factor, -1.0, 1.0)
    by_ratio = by_product * moved * model.FEEDBACK * presence
    by_liked = by_ratio / (view + views)
    by_view = -by_liked * ratio
    by_belief, by_presence = unread_all(
        belief, presence, reading.said, reading.first, reading.authors, reading.signs,
        model.LEARNING, model.WIDTH, by_product * factor,
    )  # fmt: skip
    by_presence = by_presence + by_product * moved * model.FEEDBACK * ratio
    by_presence = by_presence + np.concatenate([by_view, by_liked], axis=1) @ reading.weights.T
    return {"belief": by_belief}, {"presence": by_presence}
