"""Scripted agents of the opinion model: they post, read, like and dislike at random."""

import numpy as np
import numpy.typing as npt

from blueattr.kernels import FloatArray, IntArray
from blueattr.scenarios.models.opinion import Opinion
from blueattr.scenarios.record import Record
from blueattr.scenarios.rules.opinion import advance, influence
from blueattr.scenarios.scripts.network import barabasi_albert
from blueattr.scenarios.scripts.numbering import number, padded, stacked
from blueattr.scenarios.streams import OPINION, NumberStream

__all__ = ["run_opinion"]


_START = 0.5
_POST, _POST_SLOPE = 0.5, 0.5
_REACT, _REACT_SLOPE = 0.4, 0.3
_READ_LEAST = 0.3
_LIKE_WITHIN = 0.3
_AFTER_SILENCE = 1.2


def run_opinion(agents: int, steps: int, seed: int, links: int = 0) -> Record:
    """Run the opinion model with scripted agents.

    Parameters
    ----------
    agents, steps
        How many, at least 1 each.
    seed
        At least 0.
    links
        M of a Barabási-Albert network in which agents read their neighbours and themselves; with 0
        everybody reads everybody.

    Returns
    -------
    Record

    Notes
    -----
    docs/scenarios.md, "Opinion".
    """
    stream = NumberStream(seed, OPINION)
    belief = _START * (2 * stream.uniform(agents) - 1)
    near = np.ones((agents, agents), bool)
    if links:
        near = barabasi_albert(stream, agents, links) | np.eye(agents, dtype=bool)
    beliefs, posts, said, read = [belief], [], [], []
    silent = False
    for _ in range(steps):
        chance = (_POST + _POST_SLOPE * np.abs(belief)) * (_AFTER_SILENCE if silent else 1.0)
        posted = stream.uniform(agents) < np.minimum(chance, 1.0)
        silent = not posted.any()
        how_many = stream.uniform(agents)
        order, reacting = stream.uniform((agents, agents)), stream.uniform((agents, agents))
        authors, reactions = _read(belief, posted & near, how_many, order, reacting)
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
        parameters={"links": links} if links else {},
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
    shown: npt.NDArray[np.bool_],
    how_many: FloatArray,
    order: FloatArray,
    reacting: FloatArray,
) -> tuple[IntArray, IntArray]:
    """Return whom each agent reads, in order, and whether it likes or dislikes that.

    `shown` says which author's post each agent may read, (n, n).
    """
    n = belief.size
    each = shown.sum(axis=1)
    most = int(each.max())
    if most == 0:
        return np.zeros((n, 0), np.int64), np.zeros((n, 0), np.int64)
    least = np.minimum(np.maximum(np.ceil(_READ_LEAST * each - 1e-9), 1), each)
    counts = (least + np.floor(how_many * (each - least + 1))).astype(np.int64)
    # Uniform numbers are under 1, so whom an agent may not read comes last.
    reads = np.argsort(np.where(shown, order, 1.0), axis=1, kind="stable")[:, :most]
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
