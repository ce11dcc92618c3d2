"""Groups agents by the communities that their replies, reposts and quotes make."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from blueattr.panel.graph.communities import Communities, find_communities
from blueattr.panel.graph.edges import Edges, edges_among
from blueattr.panel.groupers import Grouped
from blueattr.panel.query import StoreView
from blueattr.panel.topics import Topic

__all__ = ["COMMUNITY", "NOBODY", "community_names", "community_note", "group_by_community"]


COMMUNITY: Final = "community"
"""What users write."""

NOBODY: Final = "none"
"""The group of agents who interacted with nobody on the panel."""


def group_by_community(
    views: Sequence[StoreView], topic: Topic | None, seed: int = 0
) -> list[Grouped]:
    """Group the agents of windows by who interacts with whom on a topic, as c counts it.

    Parameters
    ----------
    views
        One window; or several, whose interactions make communities together.
    topic
        None for all events.
    seed
        Of the communities.

    Returns
    -------
    list of Grouped
        The groups of the agents of each window.

    Raises
    ------
    UsageError, NoAnswerError
        As `find_communities`.
    """
    agents = pl.concat([view.built.agents.select("account", "did") for view in views])
    agents = agents.unique("account").sort("did")
    numbers = agents["account"].to_numpy()
    place = np.zeros(int(numbers.max()) + 1, np.uint32)
    place[numbers] = np.arange(numbers.size, dtype=np.uint32)
    places = [place[view.built.agents["account"].to_numpy()] for view in views]
    edges = [
        _moved(edges_among(view, topic, view.influence.kinds), to)
        for view, to in zip(views, places, strict=True)
    ]
    found = find_communities(numbers.size, _together(edges), seed)
    handles: dict[str, str] = {}
    centres = agents["did"].gather(found.centres)
    for view in views:
        handles |= view.handles(centres)
    names = community_names(centres, handles)
    texts = pl.Series([NOBODY, *names], dtype=pl.String)
    plain = {name: f"{k}" for k, name in enumerate(names, 1)}
    return [
        Grouped(
            groups=texts.gather(found.labels[to] + 1),
            order=(*names, NOBODY),
            plain=plain,
            notes=(community_note(found),),
            communities=found,
        )
        for to in places
    ]


def community_names(centres: Iterable[str], handles: Mapping[str, str]) -> list[str]:
    """Name communities by their numbers, and by the account with the most interactions in each."""
    return [
        f"{k} (@{handles[did]})" if did in handles else f"{k} ({did})"
        for k, did in enumerate(centres, 1)
    ]


def community_note(found: Communities) -> str:
    """Say how communities were found, and how far other seeds find the same."""
    many = f"{found.count:,} communit{'y' if found.count == 1 else 'ies'}"
    return (
        f"{many} by who interacted with whom, as c counts it (Leiden, seed {found.seed}, "
        f"modularity {found.modularity:.2f}). Those of {found.seeds} seeds agree by "
        f"{found.stability:.2f}, the mean adjusted Rand index: 1 is the same each time, 0 chance. "
        f"{NOBODY}: agents who interacted with nobody on the panel."
    )


def _moved(edges: Edges, to: npt.NDArray[np.uint32]) -> Edges:
    return Edges(to[edges.source], to[edges.target], edges.code, edges.time, edges.left_out)


def _together(edges: Sequence[Edges]) -> Edges:
    source, target, code, time = (
        np.concatenate([getattr(one, name) for one in edges])
        for name in ("source", "target", "code", "time")
    )
    return Edges(source, target, code, time, edges[0].left_out)
