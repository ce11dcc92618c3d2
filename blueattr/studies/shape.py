"""The shape of a topic: its peak, how unusual that was, how fast it was over, and its cascades."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Cascade", "Cascades", "Peak", "cascades", "peak"]

_DAY = 24  # hours
_FAR = 40.0  # standard deviations beyond which a Poisson tail is nothing


@dataclass(frozen=True, slots=True)
class Peak:
    """The hour with most events, and what is before and after it.

    Parameters
    ----------
    place
        Which hour it is, from 0; the first of equal ones.
    events
        How many events it has.
    half_life
        Hours from the peak until half of what follows it is over; None if nothing follows.
    usual
        Mean events of the same hour on the earlier days; None if there are none.
    burst
        -log10 of the probability of as many events or more, if they were Poisson with that mean;
        None if `usual` is None or 0.
    """

    place: int
    events: int
    half_life: int | None
    usual: float | None
    burst: float | None


def peak(events: Sequence[int]) -> Peak | None:
    """Describe the peak of counts by hour.

    Parameters
    ----------
    events
        Of each hour, without a hole between the first and the last.

    Returns
    -------
    Peak or None
        None if there are no events.

    Notes
    -----
    docs/methods.md, "The shape of a topic".
    """
    if not any(events):
        return None
    place = max(range(len(events)), key=lambda k: (events[k], -k))
    most = events[place]
    after = np.cumsum(events[place + 1 :])
    follows = int(after[-1]) if after.size else 0
    earlier = events[place % _DAY : place : _DAY]
    usual = sum(earlier) / len(earlier) if earlier else None
    return Peak(
        place=place,
        events=most,
        half_life=int(np.searchsorted(2 * after, follows)) + 1 if follows else None,
        usual=usual,
        burst=_surprise(most, usual) if usual else None,
    )


def _surprise(least: int, mean: float) -> float:
    """Return -log10 P(X ≥ least) of a Poisson variable."""
    last = max(least, mean) + _FAR * math.sqrt(max(least, mean)) + _FAR
    logs = [
        k * math.log(mean) - mean - math.lgamma(k + 1) for k in range(least, math.ceil(last) + 1)
    ]
    largest = max(logs)
    total = largest + math.log(math.fsum(math.exp(one - largest) for one in logs))
    return max(0.0, -total / math.log(10))


@dataclass(frozen=True, slots=True)
class Cascade:
    """A post with all that answers and repeats it, directly or not.

    Parameters
    ----------
    root
        The number of the post.
    records
        How many records there are beside the root.
    depth
        The length of the longest chain from the root.
    width
        The largest number of records at one distance from it.
    """

    root: int
    records: int
    depth: int
    width: int


@dataclass(frozen=True, slots=True)
class Cascades:
    """All cascades of a topic.

    Parameters
    ----------
    count
        How many posts have at least one answer or repost, and answer no post themselves that is
        known.
    depth, width
        The largest of any.
    largest
        The one with most records; of equal ones the one whose root has the lowest number.
    """

    count: int
    depth: int
    width: int
    largest: Cascade


def cascades(child: npt.NDArray[np.int64], parent: npt.NDArray[np.int64]) -> Cascades | None:
    """Measure the trees that answers and reposts make.

    Parameters
    ----------
    child, parent
        int64 (m,), numbers of records from 0: that `child` answers or repeats `parent`. A record is
        the child of one other at most.

    Returns
    -------
    Cascades or None
        None without an answer or repost. Records that answer each other in a circle, which only
        somebody who forges them can write, belong to none.

    Notes
    -----
    docs/methods.md, "The shape of a topic". Level by level from the roots, each level at once.
    """
    if child.size == 0:
        return None
    order = np.argsort(parent, kind="stable")
    children, parents = child[order], parent[order]
    nodes = int(max(child.max(), parent.max())) + 1
    starts = np.searchsorted(parents, np.arange(nodes + 1))
    has_parent = np.zeros(nodes, np.bool_)
    has_parent[child] = True
    roots = np.flatnonzero(~has_parent & (np.diff(starts) > 0))
    if roots.size == 0:
        return None
    records = np.zeros(roots.size, np.int64)
    depths, widths = records.copy(), records.copy()
    level, tree, depth = roots, np.arange(roots.size), 0
    while level.size:
        counts = starts[level + 1] - starts[level]
        tree = np.repeat(tree, counts)
        level = children[np.repeat(starts[level] - np.cumsum(counts) + counts, counts)
                         + np.arange(counts.sum())]  # fmt: skip
        depth += 1
        here = np.bincount(tree, minlength=roots.size)
        records += here
        widths = np.maximum(widths, here)
        depths[here > 0] = depth
    first = int(np.argmax(records))
    return Cascades(
        count=int(roots.size),
        depth=int(depths.max()),
        width=int(widths.max()),
        largest=Cascade(
            int(roots[first]), int(records[first]), int(depths[first]), int(widths[first])
        ),
    )
