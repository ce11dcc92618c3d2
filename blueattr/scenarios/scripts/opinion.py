"""Scripted agents of the opinion model: they post, read, like and dislike at random."""

import math

import numpy as np

from blueattr.kernels import FloatArray, IntArray
from blueattr.scenarios.models.opinion import Opinion
from blueattr.scenarios.record import Record
from blueattr.scenarios.rules.opinion import advance, influence
from blueattr.scenarios.scripts.numbering import number, padded, stacked
from blueattr.scenarios.streams import OPINION, NumberStream

__all__ = ["run_opinion"]


_START = 0.5
_POST, _POST_SLOPE = 0.5, 0.5
_REACT, _REACT_SLOPE = 0.4, 0.3
_READ_LEAST = 0.3
_LIKE_WITHIN = 0.3
_AFTER_SILENCE = 1.2


def run_opinion(agents: int, steps: int, seed: int) -> Record:
    """Run the opinion model with scripted agents.

    Parameters
    ----------
    agents, steps
        How many, at least 1 each.
    seed
        At least 0.

    Returns
    -------
    Record

    Notes
    -----
    docs/scenarios.md, "Opinion".
    """
    stream = NumberStream(seed, OPINION)
    belief = _START * (2 * stream.uniform(agents) - 1)
    beliefs, posts, said, read = [belief], [], [], []
    silent = False
    for _ in range(steps):
        chance = (_POST + _POST_SLOPE * np.abs(belief)) * (_AFTER_SILENCE if silent else 1.0)
        posted = stream.uniform(agents) < np.minimum(chance, 1.0)
        silent = not posted.any()
        how_many = stream.uniform(agents)
        order, reacting = stream.uniform((agents, agents)), stream.uniform((agents, agents))
        authors, reactions = _read(belief, posted, how_many, order, reacting)
        actions = {
            "presence": np.ones((1, agents)),
            "said": np.where(posted, belief, 0.0)[None],
            "author": authors[None],
            "reaction": reactions[None],
        }
        said.append(actions["said"][0])
        posts.append(posted.astype(np.int64))
        read.append({"author": authors, "reaction": reactions})
        belief = advance({"belief": belief[None]}, actions, smooth=False)["belief"][0]
        beliefs.append(belief)
    return Record(
        scenario="opinion",
        parameters={},
        agents=number(agents),
        steps=tuple(range(1, steps + 1)),
        states={"belief": stacked(beliefs)},
        actions={
            "presence": np.ones((steps, agents)),
            "posted": np.stack(posts),
            "said": stacked(said),
            **padded(read, Opinion.layout.actions),
        },
        noise={},
        seed=seed,
    )


def _read(
    belief: FloatArray,
    posted: np.ndarray[tuple[int], np.dtype[np.bool_]],
    how_many: FloatArray,
    order: FloatArray,
    reacting: FloatArray,
) -> tuple[IntArray, IntArray]:
    """Return whom each agent reads, in order, and whether it likes or dislikes that."""
    n = belief.size
    authors = np.flatnonzero(posted)
    most = authors.size
    if most == 0:
        return np.zeros((n, 0), np.int64), np.zeros((n, 0), np.int64)
    least = max(math.ceil(_READ_LEAST * most - 1e-9), 1)
    counts = least + np.floor(how_many * (most - least + 1)).astype(np.int64)
    reads = authors[np.argsort(order[:, authors], axis=1, kind="stable")]
    now, agents = belief.copy(), np.arange(n)
    listed, reactions = np.zeros((n, most), np.int64), np.zeros((n, most), np.int64)
    for place in range(most):
        author = reads[:, place]
        reading = place < counts
        reacts = reading & (reacting[agents, author] < _REACT + _REACT_SLOPE * np.abs(now))
        likes = np.abs(now - belief[author]) < _LIKE_WITHIN
        sign = np.where(reacts, np.where(likes, 1, -1), 0)
        now = np.clip(now + influence(now, belief[author], sign), -1.0, 1.0)
        listed[:, place] = np.where(reading, author, -1)
        reactions[:, place] = sign
    return listed, reactions
