"""The result of a change: two windows, what came and went between them, and each agent's part."""

from dataclasses import dataclass, field
from typing import Any, Final, Literal

import polars as pl

from blueattr.attribution.tiered import PanelChoice
from blueattr.attribution.value import Remarks
from blueattr.display import Presented
from blueattr.indicators.base import Aggregator
from blueattr.provenance import Provenance

__all__ = ["KINDS", "ChangePart", "ChangeResult", "ChangeRule", "WindowValue"]


KINDS: Final = ("entered", "left", "raised", "lowered", "same")
"""What agents did between two windows: membership of the panel, else the sign of their part."""

ChangeRule = Literal["closed form", "Gauss-Legendre"]


@dataclass(frozen=True, slots=True)
class WindowValue:
    """An indicator in one of the two windows, on the panel of that window.

    Parameters
    ----------
    n_agents, n_involved, total, means
        As in `blueattr.attribution.attribute.AttributionResult`; the total to the bit, and 0 where
        an attribution has no answer because the indicator is 0.
    provenance
        Where its features came from.
    """

    n_agents: int
    n_involved: int
    total: float
    means: tuple[float, float, float]
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class ChangePart:
    """What some agents added to a change.

    Parameters
    ----------
    name
        The kind or the tier.
    agents
        How many they are, in one window or in both.
    value
        What they added by what they did. The size of the panel is not in it.
    share
        ``value`` / the change; None where the change is too small to be shared out.
    agents_involved
        How many of them were involved, a > 0 or c > 0, in at least one window.
    value_involved
        The part of ``value`` that these added.
    """

    name: str
    agents: int
    value: float
    share: float | None
    agents_involved: int
    value_involved: float


@dataclass(frozen=True, repr=False)
class ChangeResult(Presented):
    """What carried the change of an indicator from one window to another.

    Parameters
    ----------
    indicator, aggregator, cutoffs, panel
        As in `blueattr.attribution.attribute.AttributionResult`.
    rule, nodes
        How the integrals along the line between the windows were computed, and the number of
        points; None for a closed form.
    before, after
        The two windows.
    n_agents
        Agents of either panel.
    change
        The total after, less the total before.
    size
        What the number of agents of the panel added.
    movement
        Σ|φ|: what all agents added and took away, taken together.
    kinds
        A `ChangePart` for each of `KINDS`; with ``size`` they sum to ``change``.
    tiers
        From the top to the tail; with ``size`` they sum to ``change``.
    agents
        ``did`` (str), ``tier`` and ``kind`` (enums), ``value``, ``share`` (null where it is not
        defined), and ``size``, the agent's part of the line of that name (float64); by descending
        magnitude of the value, then by DID.
    undefined
        Why there are no shares; empty where there are.
    remarks
        Whether the indicator uses the aggregator, and its origin.
    notes
        What else a reader must know of this comparison, one sentence each.
    by, groups, joined
        What groups the agents, a `ChangePart` for each group, which with ``size`` sum to
        ``change``, and the names of small groups that were joined into the last one; None and
        empty where groups were not asked for.
    movers
        The agents with the largest values, each a `blueattr.studies.carriers.movers.Mover`, where
        they were asked for.
    """

    indicator: str
    aggregator: Aggregator
    rule: ChangeRule
    nodes: int | None
    before: WindowValue
    after: WindowValue
    n_agents: int
    change: float
    size: float
    movement: float
    kinds: tuple[ChangePart, ...]
    tiers: tuple[ChangePart, ...]
    agents: pl.DataFrame
    cutoffs: tuple[float, ...]
    panel: PanelChoice = "active"
    undefined: str = ""
    remarks: Remarks = field(default_factory=Remarks)
    notes: tuple[str, ...] = ()
    movers: tuple[Any, ...] = ()
    by: str | None = None
    groups: tuple[ChangePart, ...] = ()
    joined: tuple[str, ...] = ()

    @property
    def provenance(self) -> Provenance:
        """Where the features of the window after came from."""
        return self.after.provenance

    @property
    def movement_ratio(self) -> float | None:
        """``Σ|φ| / |change|``, at least 1; None where the change is too small to be shared out."""
        return None if self.undefined else self.movement / abs(self.change)
