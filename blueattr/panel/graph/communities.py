"""Communities of the agents that interact on a topic: a partition that modularity prefers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from blueattr.errors import NoAnswerError, UsageError
from blueattr.panel.graph.agreement import mean_agreement
from blueattr.panel.graph.edges import Edges

__all__ = ["SEEDS", "Communities", "find_communities"]


SEEDS = 10
"""How many seeds the stability is measured over."""

_SEEDS = 1 << 64
_ROUNDS = 3  # ten take three times as long, for 0.001 to 0.002 more of modularity on a large graph


@dataclass(frozen=True, eq=False)
class Communities:
    """Communities of agents, numbered from the largest on.

    Parameters
    ----------
    labels
        int64 (n,): the community of each agent, from 0 on; -1 for agents without an edge.
    sizes
        int64: the agents of each community, descending; of equal ones, that of the agent that is
        first by DID comes first.
    centres
        int64: the agent of each community with the most interactions, the first by DID of equals.
    seed
        Of the partition.
    seeds
        How many seeds were tried: this one, and those that follow it.
    stability
        The mean adjusted Rand index of all pairs of their partitions: 1 where all are the same.
    modularity
        Of the partition.
    """

    labels: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    centres: npt.NDArray[np.int64]
    seed: int
    seeds: int
    stability: float
    modularity: float

    @property
    def count(self) -> int:
        """The number of communities."""
        return int(self.sizes.size)


def find_communities(n: int, edges: Edges, seed: int = 0) -> Communities:
    """Partition agents by who interacts with whom, whichever of the two acts.

    Parameters
    ----------
    n
        The number of agents.
    edges
        Their interactions: each adds 1 to the weight between the two.
    seed
        From 0 on. The partition is that of this seed.

    Raises
    ------
    UsageError
        networkit, which finds them, is not installed.
    NoAnswerError
        There are no interactions.

    Notes
    -----
    The Leiden algorithm (Traag, Waltman and van Eck 2019, doi:10.1038/s41598-019-41695-z), as
    networkit has it, on one thread: the same seed gives the same partition.
    """
    networkit = _networkit()
    if not len(edges):
        raise NoAnswerError(
            "there are no communities: no agent of the panel interacted with another"
        )
    low = np.minimum(edges.source, edges.target).astype(np.int64)
    high = np.maximum(edges.source, edges.target).astype(np.int64)
    pairs, weights = np.unique(low * n + high, return_counts=True)
    low, high = np.divmod(pairs, n)
    weight = weights.astype(np.float64)
    strength = (np.bincount(low, weight, n) + np.bincount(high, weight, n)).astype(np.float64)
    linked = np.flatnonzero(strength)
    place = np.zeros(n, np.int64)
    place[linked] = np.arange(linked.size)
    ends = place[low].astype(np.uint64), place[high].astype(np.uint64)
    threads = networkit.getMaxNumberOfThreads()
    networkit.setNumberOfThreads(1)
    try:
        graph = networkit.GraphFromCoo((weight, ends), n=linked.size, weighted=True, directed=False)
        found = [_partition(networkit, graph, seed + k) for k in range(SEEDS)]
    finally:
        networkit.setNumberOfThreads(threads)
    labels, sizes, centres = _by_size(found[0], strength[linked])
    of_all = np.full(n, -1, np.int64)
    of_all[linked] = labels
    return Communities(
        labels=of_all,
        sizes=sizes,
        centres=linked[centres],
        seed=seed,
        seeds=SEEDS,
        stability=mean_agreement(found),
        modularity=_modularity(labels, ends, weight, strength[linked]),
    )


def _networkit() -> Any:
    try:
        import networkit  # noqa: PLC0415 - an extra, which few ask for
    except ImportError:
        raise UsageError(
            "communities need networkit, which is not installed; run: pip install networkit"
        ) from None
    return networkit


def _partition(networkit: Any, graph: Any, seed: int) -> npt.NDArray[np.int64]:
    networkit.setSeed(seed % _SEEDS, False)  # of all threads, which are one
    found = networkit.community.ParallelLeiden(graph, iterations=_ROUNDS)
    found.run()
    partition = found.getPartition()
    partition.compact()
    return np.asarray(partition.getVector(), np.int64)


def _by_size(
    labels: npt.NDArray[np.int64], strength: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return labels by descending size of communities, the sizes, and the strongest of each."""
    _, first, labels, sizes = np.unique(
        labels, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.lexsort((first, -sizes))
    place = np.empty(order.size, np.int64)
    place[order] = np.arange(order.size)
    labels = place[labels]
    # The last assignment to a community stays: of the strongest, the first by DID.
    ascending = np.lexsort((-np.arange(labels.size), strength))
    centres = np.zeros(order.size, np.int64)
    centres[labels[ascending]] = ascending
    return labels, sizes[order].astype(np.int64), centres


def _modularity(
    labels: npt.NDArray[np.int64],
    ends: tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]],
    weight: npt.NDArray[np.float64],
    strength: npt.NDArray[np.float64],
) -> float:
    """Return Newman's modularity (2004, doi:10.1103/PhysRevE.69.026113)."""
    total = float(weight.sum())
    low, high = (labels[end.astype(np.int64)] for end in ends)
    inside = float(weight[low == high].sum()) / total
    parts = np.bincount(labels, strength) / (2 * total)
    return inside - float(np.sum(parts**2))
