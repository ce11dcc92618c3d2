"""A step of the opinion model: agents read posts, like and dislike, and beliefs move."""

from dataclasses import dataclass

import numpy as np

from blueattr.kernels import FloatArray, IntArray
from blueattr.kernels.reading import read_all
from blueattr.scenarios.protocol import Array, State
from blueattr.scenarios.rules.smooth import clip

__all__ = ["FEEDBACK", "LEARNING", "WIDTH", "Reading", "advance", "influence", "polarisation"]


LEARNING = 0.1
FEEDBACK = 0.5
WIDTH = 0.02


def influence(belief: Array, said: Array, sign: Array) -> Array:
    """Return by how much a reaction moves a reader's belief: ± s(b) η (p - b).

    Parameters
    ----------
    belief
        b of the reader.
    said
        p, what the author said.
    sign
        1 for a like, -1 for a dislike.
    """
    return np.asarray(sign * LEARNING * (0.5 - 0.25 * np.abs(belief)) * (said - belief))


def advance(
    state: State,
    actions: State,
    *,
    smooth: bool,
    views: float = 0.5,
    reading: "Reading | None" = None,
) -> dict[str, Array]:
    """Return the beliefs after a step.

    Parameters
    ----------
    state, actions
        See `blueattr.scenarios.models.opinion.Opinion`, with a leading batch axis; what is kept
        is the same in the whole batch.
    smooth
        In which form.
    views
        What the smooth form adds to the views of a post, so that their ratio has no jump at 0.
    reading
        That of these actions, where it is known.
    """
    presence = np.asarray(actions["presence"])
    reading = reading or Reading.of(actions)
    belief = np.ascontiguousarray(state["belief"] + 0 * presence)
    belief = reading.move(belief, presence, smooth=smooth)
    view, liked = reading.counts(presence)
    if smooth:
        belief = belief * (1 + FEEDBACK * presence * liked / (view + views))
        return {"belief": clip(belief, -1.0, 1.0)}
    ratio = np.where(view > 0, liked / np.maximum(view, 1.0), 0.0)
    return {"belief": np.clip(belief * (1 + FEEDBACK * presence * ratio), -1.0, 1.0)}


# Larger products of matrices are shared out among threads, which then wait for each other as long
# as the product takes; coalitions are shared out among threads already.
_ALONE, _FEW_ROWS = 300_000, 16


@dataclass(frozen=True, slots=True)
class Reading:
    """Who read whom in a step, and how they reacted.

    Parameters
    ----------
    said
        float64 (n,): what authors said.
    first, authors, signs
        See `blueattr.kernels.reading.read_all`.
    weights
        float64 (n, 2 n), readers by authors: how often each was read, and likes less dislikes.
    """

    said: FloatArray
    first: IntArray
    authors: IntArray
    signs: FloatArray
    weights: FloatArray

    @classmethod
    def of(cls, actions: State) -> "Reading":
        """Return the reading of the actions of a step."""
        authors, signs = actions["author"][0], actions["reaction"][0]
        n = len(authors)
        readers, places = np.nonzero(authors >= 0)
        weights = np.zeros((n, 2 * n))
        seen, net = weights[:, :n], weights[:, n:]
        np.add.at(seen, (readers, authors[readers, places]), 1.0)
        np.add.at(net, (readers, authors[readers, places]), signs[readers, places].astype(float))
        readers, places = np.nonzero(signs)
        return cls(
            said=np.ascontiguousarray(actions["said"][0], np.float64),
            first=np.searchsorted(readers, np.arange(n + 1)).astype(np.int64),
            authors=authors[readers, places].astype(np.int64),
            signs=signs[readers, places].astype(np.float64),
            weights=weights,
        )

    def counts(self, presence: Array) -> tuple[Array, Array]:
        """Return views, and likes less dislikes, of each author's post: (B, n) each."""
        weights = self.weights
        n, rows = len(weights), _ALONE // weights.size
        if rows < _FEW_ROWS:
            both = presence @ weights
        else:
            starts = range(0, len(presence), rows)
            both = np.concatenate([presence[start : start + rows] @ weights for start in starts])
        return both[:, :n], both[:, n:]

    def move(self, belief: Array, presence: Array, *, smooth: bool) -> Array:
        """Return beliefs, (B, n), after everybody has read."""
        width = WIDTH if smooth else 0.0
        return read_all(
            belief, presence, self.said, self.first, self.authors, self.signs, LEARNING, width
        )


def polarisation(_: State, after: State, __: int) -> Array:
    """Return the variance of the beliefs."""
    away = after["belief"] - after["belief"].mean(axis=1)[:, None]
    return np.asarray((away * away).mean(axis=1))
