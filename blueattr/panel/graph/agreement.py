"""How far two partitions of the same things agree: the adjusted Rand index."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

__all__ = ["adjusted_rand", "mean_agreement"]


Labels = npt.NDArray[np.int64]


def adjusted_rand(one: Labels, other: Labels) -> float:
    """Return the adjusted Rand index of two partitions.

    Parameters
    ----------
    one, other
        int64 (n,): the group of each thing, from 0 on.

    Returns
    -------
    float
        1 where both are the same partition, 0 on average where groups of the same sizes are drawn
        by chance; 1 where both have a single group, or only groups of one.

    Notes
    -----
    Hubert and Arabie (1985), doi:10.1007/BF01908075, equation 5.

    Examples
    --------
    >>> adjusted_rand(np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0]))
    1.0
    """
    both = one * (int(other.max(initial=0)) + 1) + other
    together = _pairs(np.unique(both, return_counts=True)[1])
    first, second = _pairs(np.bincount(one)), _pairs(np.bincount(other))
    of_all = _pairs(np.array([one.size]))
    by_chance = first * second / of_all if of_all else 0.0
    most = (first + second) / 2
    return 1.0 if most == by_chance else (together - by_chance) / (most - by_chance)


def mean_agreement(partitions: Sequence[Labels]) -> float:
    """Return the mean adjusted Rand index of all pairs of partitions, of at least two."""
    found = [adjusted_rand(one, other) for one, other in combinations(partitions, 2)]
    return sum(found) / len(found)


def _pairs(sizes: npt.NDArray[np.int64]) -> float:
    """Count the pairs of things within groups of these sizes."""
    return float(np.sum(sizes * (sizes - 1)) / 2)
