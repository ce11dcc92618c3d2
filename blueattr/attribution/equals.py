"""Says where followers do not rank a panel: where a cut falls among equals, or few have any."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from blueattr.attribution.tiered import TieredPanel
from blueattr.attribution.tiers import boundaries, tier_names
from blueattr.kernels import FloatArray, IndexArray
from blueattr.provenance import Provenance

__all__ = ["Cut", "cuts_of", "with_cuts", "with_ranking"]


_TOO_MANY = 10
"""One of so many agents of a tier may be in it by activity or name alone."""

_ENOUGH = 2
"""Of so many times the agents of a visibility sample some must have followers."""


class Cut(NamedTuple):
    """The followers of the last agent of a tier.

    Parameters
    ----------
    followers
        How many.
    above, equal
        The number of agents of the panel who have more, and who have as many.
    """

    followers: float
    above: int
    equal: int


def with_ranking(origin: Provenance, tiered: TieredPanel, samples: Sequence[int]) -> Provenance:
    """Return where a panel comes from, with sentences on how followers do not rank it.

    Parameters
    ----------
    origin
        Of the panel.
    tiered
        The panel.
    samples
        The numbers of agents of the visibility samples that are drawn of it; the smallest counts.

    Notes
    -----
    docs/methods.md, "Tiers".
    """
    ranked = tiered.active or tiered
    cuts = cuts_of(ranked.panel.followers, ranked.panel.order, ranked.cutoffs)
    size = min(samples, default=0)
    followed = int(np.count_nonzero(tiered.panel.followers))
    return _noted(origin, ranked.panel.order.size, ranked.cutoffs, cuts, size, followed)


def cuts_of(followers: FloatArray, order: IndexArray, cutoffs: Sequence[float]) -> list[Cut]:
    """Return the cut of each tier but the tail.

    Parameters
    ----------
    followers
        What ranks the agents, float64 (n,).
    order
        uint32 (n,): the agents from the most followed down.
    cutoffs
        The tiers' cumulative percentages.
    """
    levels = [float(followers[order[end - 1]]) for end in boundaries(order.size, cutoffs)]
    return [
        Cut(
            level,
            int(np.count_nonzero(followers > level)),
            int(np.count_nonzero(followers == level)),
        )
        for level in levels
    ]


def with_cuts(
    origin: Provenance, n: int, cutoffs: Sequence[float], cuts: Sequence[Cut]
) -> Provenance:
    """Do what `with_ranking` does by the cuts of a panel, of which no samples are drawn.

    Parameters
    ----------
    origin
        Of the panel.
    n
        The number of its agents.
    cutoffs
        The tiers' cumulative percentages.
    cuts
        Of each tier but the tail.
    """
    return _noted(origin, n, cutoffs, cuts, 0, n)


def _noted(  # noqa: PLR0917 - what there is to know
    origin: Provenance,
    n: int,
    cutoffs: Sequence[float],
    cuts: Sequence[Cut],
    size: int,
    followed: int,
) -> Provenance:
    notes = []
    ranked_by = origin.ranked_by
    if n > 1 and cuts[0].equal == n:
        ranked_by = "a"
        samples_too = ", and visibility samples are random ones" if size else ""
        notes.append(
            f"All {n:,} agents have equal {_unit(origin)} ({cuts[0].followers:g}), so that "
            f"the tiers go by activity, then by name{samples_too}."
        )
    else:
        notes += _cuts_among_equals(origin, n, cutoffs, cuts)
        if followed < _ENOUGH * size:
            have = "agent has" if followed == 1 else "agents have"
            notes.append(
                f"Only {followed:,} {have} any {_unit(origin)}, so that visibility samples of "
                f"{size:,} are nearly uniform."
            )
    if notes:
        notes.append(_remedy(origin))
    return replace(origin, ranking=tuple(notes), ranked_by=ranked_by)


def _cuts_among_equals(
    origin: Provenance, n: int, cutoffs: Sequence[float], cuts: Sequence[Cut]
) -> list[str]:
    edges = (0, *boundaries(n, cutoffs), n)
    notes = []
    for name, cut, (start, end), (_, last) in zip(
        tier_names(cutoffs)[:-1], cuts, pairwise(edges[:-1]), pairwise(edges[1:]), strict=True
    ):
        if not start < end < last:
            continue
        inside = end - max(start, cut.above)
        below = min(last, cut.above + cut.equal) - end
        # As many could be exchanged.
        if min(inside, below) * _TOO_MANY > end - start:
            notes.append(
                f"The {name} ends among {cut.equal:,} agents of equal {_unit(origin)} "
                f"({cut.followers:g}): {inside:,} of its {end - start:,} are in it by activity, "
                "then name."
            )
    return notes


def _unit(origin: Provenance) -> str:
    """Name what ranks the agents."""
    return "b" if origin.ranked_by == "b" else "followers"


def _remedy(origin: Provenance) -> str:
    """Say what to do about it."""
    if origin.window is None:
        return "A column followers with counts that differ would rank them."
    if origin.drawn:
        return (
            "To rank them, import follower counts (followers=COLUMN), or, where accounts are DIDs, "
            "run: blueattr hydrate"
        )
    return "To rank them, record follows (app.bsky.graph.follow), or run: blueattr hydrate"
