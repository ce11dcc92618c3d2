"""The opinion model: agents who post, read, like and dislike, after SocialLLM's rules."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from blueattr.errors import InputError
from blueattr.kernels import FloatArray
from blueattr.scenarios.models.model import Model
from blueattr.scenarios.models.smooth import clip, magnitude
from blueattr.scenarios.protocol import Array, Indicator, State
from blueattr.scenarios.record import Column, Layout, Parameter

__all__ = ["Opinion", "advance", "influence"]


LEARNING = 0.1
_FEEDBACK = 0.5


def influence(belief: Array, said: Array, sign: Array, *, smooth: bool = False) -> Array:
    """Return by how much a reaction moves a reader's belief: ± s(b) η (p - b).

    Parameters
    ----------
    belief
        b of the reader.
    said
        p, what the author said.
    sign
        1 for a like, -1 for a dislike.
    smooth
        In which form.
    """
    size = magnitude(belief) if smooth else np.abs(belief)
    return np.asarray(sign * (0.5 * (1 - 0.5 * size)) * LEARNING * (said - belief))


def advance(state: State, actions: State, *, smooth: bool, views: float = 0.5) -> dict[str, Array]:
    """Return the beliefs after a step.

    Parameters
    ----------
    state, actions
        See `Opinion.layout`, with a leading batch axis; what is kept is the same in the
        whole batch.
    smooth
        In which form.
    views
        What the smooth form adds to the views of a post, so that their ratio has no jump at 0.
    """
    presence = actions["presence"]
    n = presence.shape[1]
    said = actions["said"][0]
    authors, signs = actions["author"][0], actions["reaction"][0]
    belief = state["belief"] * np.ones_like(presence)
    readers = np.arange(n)
    for place in range(authors.shape[1]):
        author, sign = np.maximum(authors[:, place], 0), signs[:, place]
        if not sign.any():
            continue
        moved = presence * presence[:, author]
        moved = moved * influence(belief, said[author], sign, smooth=smooth)
        belief = belief + moved
        if not smooth:
            belief = np.clip(belief, -1.0, 1.0)
    seen, net = np.zeros((n, n)), np.zeros((n, n))
    for place in range(authors.shape[1]):
        read = authors[:, place] >= 0
        np.add.at(seen, (readers[read], authors[read, place]), 1.0)
        np.add.at(net, (readers[read], authors[read, place]), signs[read, place].astype(float))
    view, liked = presence @ seen, presence @ net
    if smooth:
        belief = belief * (1 + _FEEDBACK * presence * liked / (view + views))
        return {"belief": clip(belief, -1.0, 1.0)}
    ratio = np.where(view > 0, liked / np.maximum(view, 1.0), 0.0)
    return {"belief": np.clip(belief * (1 + _FEEDBACK * presence * ratio), -1.0, 1.0)}


def _polarisation(_: State, after: State, __: int) -> Array:
    away = after["belief"] - after["belief"].mean(axis=1)[:, None]
    return np.asarray((away * away).mean(axis=1))


class Opinion(Model):
    """The opinions of a record.

    Notes
    -----
    docs/scenarios.md, "Opinion".
    """

    name = "opinion"
    first_peak = 0
    layout = Layout(
        states={"belief": Column("n", low=-1, high=1)},
        actions={
            "presence": Column("n", low=0, high=1, scaled=True),
            "posted": Column("n", whole=True, low=0, high=1),
            "said": Column("n", low=-1, high=1),
            "author": Column("nk", whole=True, low=0, pad=-1),
            "reaction": Column("nk", whole=True, low=-1, high=1),
        },
        noise={},
        parameters={
            "views": Parameter(0.5, 1e-9, 100, "what the smooth form adds to the views of a post"),
        },
    )
    indicators: ClassVar[Mapping[str, Indicator]] = {"polarisation": _polarisation}
    baselines: ClassVar[Sequence[str]] = ("silent",)

    def check(self) -> None:
        """Check that authors are among the agents."""
        authors = self.record.actions["author"]
        if authors.size and authors.max() >= len(self.agents):
            raise InputError(
                f"there is no author {int(authors.max())}: agents count from 0 to "
                f"{len(self.agents) - 1}"
            )

    def baseline(self, kind: str) -> Mapping[str, FloatArray]:  # noqa: ARG002 - there is one
        """Return what an absent agent does: it does not post or read, and nobody reads it."""
        return self.nothing()

    def transition(self, state: State, actions: State, step: int, smooth: bool) -> State:  # noqa: ARG002 - nothing is drawn in a step
        """Return the state after a step."""
        return advance(state, actions, smooth=smooth, views=self.parameters["views"])
