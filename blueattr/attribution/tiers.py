"""Tiers: agents ranked by followers on the full panel, cut at cumulative percentages."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from blueattr import kernels
from blueattr.errors import UsageError
from blueattr.kernels import FloatArray, IndexArray

__all__ = ["DEFAULT_CUTOFFS", "assign_tiers", "boundaries", "check_cutoffs", "rank", "tier_names"]


DEFAULT_CUTOFFS = (1.0, 10.0)
_MOST_CUTOFFS = 20


def check_cutoffs(cutoffs: Sequence[float]) -> tuple[float, ...]:
    """Check cumulative percentages.

    Parameters
    ----------
    cutoffs
        Between 0 and 100, both excluded, strictly increasing; at least one and at most 20.

    Returns
    -------
    tuple of float

    Raises
    ------
    UsageError
        When they are not as above.
    """
    try:
        checked = tuple(float(p) for p in cutoffs)
    except (TypeError, ValueError):
        raise UsageError(f"tier cut-offs are percentages, not {cutoffs!r}") from None
    if not 1 <= len(checked) <= _MOST_CUTOFFS:
        raise UsageError(f"there are 1 to {_MOST_CUTOFFS} tier cut-offs, not {len(checked)}")
    if not all(0 < p < 100 for p in checked):
        raise UsageError(f"tier cut-offs lie between 0 and 100 per cent: {_joined(checked)} do not")
    if any(after <= before for before, after in pairwise(checked)):
        raise UsageError(
            f"tier cut-offs are cumulative, so they increase: {_joined(checked)} do not"
        )
    return checked


def _joined(cutoffs: tuple[float, ...]) -> str:
    return ",".join(f"{p:g}" for p in cutoffs)


def tier_names(cutoffs: Sequence[float]) -> tuple[str, ...]:
    """Name the tiers, from the most followed down.

    One cut-off gives top and tail, two top, middle and tail, more of them top, middle 1,
    middle 2, … and tail.

    Parameters
    ----------
    cutoffs
        Checked cumulative percentages.

    Returns
    -------
    tuple of str
        One more than there are cut-offs.
    """
    between = len(cutoffs) - 1
    middle = ["middle"] if between == 1 else [f"middle {k}" for k in range(1, between + 1)]
    return ("top", *middle, "tail")


def boundaries(n: int, cutoffs: Sequence[float]) -> tuple[int, ...]:
    """Return the rank at which each tier but the last ends.

    Parameters
    ----------
    n
        The number of agents, at least 1.
    cutoffs
        Checked cumulative percentages.

    Returns
    -------
    tuple of int
        round(n·p/100), halves to even as Python rounds; at least 1, so that the top is never empty.

    Notes
    -----
    docs/methods.md, "Tiers".
    """
    return tuple(max(1, round(n * p / 100)) for p in cutoffs)


def rank(followers: FloatArray, activity: FloatArray) -> IndexArray:
    """Rank agents by followers, then by activity, both descending, then by position.

    Parameters
    ----------
    followers, activity
        float64 (n,). Agents in order of DID make the DID the last tie-break.

    Returns
    -------
    ndarray
        uint32 (n,), the positions of the agents from the first rank to the last.
    """
    return kernels.argsort(-followers, kernels.argsort(-activity))


def assign_tiers(order: IndexArray, cutoffs: Sequence[float]) -> npt.NDArray[np.uint8]:
    """Assign each agent to its tier.

    Parameters
    ----------
    order
        uint32 (n,), as `rank` returns it.
    cutoffs
        Checked cumulative percentages.

    Returns
    -------
    ndarray
        uint8 (n,), 0 for the top.
    """
    n = order.size
    edges = (0, *boundaries(n, cutoffs), n)
    tiers = np.empty(n, np.uint8)
    for tier, (start, stop) in enumerate(pairwise(edges)):
        tiers[order[start:stop]] = tier
    return tiers
