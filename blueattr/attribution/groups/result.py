"""The result for groups of agents: the value of each, the panel without it, pairs of groups."""

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Group", "GroupShares", "Interaction", "OwenRule"]


OwenRule = Literal["value", "exact", "sampled"]
"""How Owen values were computed: they are the values by theorem; from all coalitions of groups; or
from orders of groups that were drawn."""


@dataclass(frozen=True, slots=True)
class Group:
    """What a group of agents carries.

    Parameters
    ----------
    group
        Its name, as it was given.
    agents
        How many agents are in it.
    value
        Σφ over them.
    share
        ``value`` / Σφ over all.
    owen
        Σ of their Owen values: groups enter whole.
    std_error
        Of ``owen``, where orders of groups were drawn; else None.
    without_silent
        The indicator if they had done nothing.
    without_absent
        The indicator on the panel without them; None where it has no agents, or no value on it.
    agents_involved, share_involved
        As in `blueattr.attribution.value.TierShare`.
    groups
        The groups within it, of two levels.
    joined
        Names of those within it that were joined into the last of them.
    """

    group: str
    agents: int
    value: float
    share: float
    owen: float
    std_error: float | None
    without_silent: float
    without_absent: float | None
    agents_involved: int
    share_involved: float
    groups: tuple["Group", ...] = ()
    joined: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Interaction:
    """What two groups do together.

    Parameters
    ----------
    group, other
        Their names.
    value
        The interactions of their members, summed up along the diagonal; None where the integrals do
        not converge.
    merged
        The indicator of both alone, less that of each alone.
    """

    group: str
    other: str
    value: float | None
    merged: float


@dataclass(frozen=True, slots=True)
class GroupShares:
    """An indicator of groups of agents.

    Parameters
    ----------
    by
        What groups the agents: one name a level, the outer one first.
    groups
        The outer groups.
    interactions
        Each pair of the first 16 groups once.
    joined
        The groups that were joined into the last one.
    owen
        How Owen values were computed.
    orders
        How many orders of groups were drawn; None where none were.
    notes
        What a reader must know of the groups, one sentence each.
    communities
        How they were found, a `blueattr.panel.graph.communities.Communities`, where they are
        communities.
    """

    by: tuple[str, ...]
    groups: tuple[Group, ...]
    interactions: tuple[Interaction, ...]
    joined: tuple[str, ...] = ()
    owen: OwenRule = "value"
    orders: int | None = None
    notes: tuple[str, ...] = ()
    communities: Any = None
