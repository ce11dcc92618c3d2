"""Attribution: from a frame of features to the Aumann-Shapley value of every agent."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from blueattr import kernels
from blueattr.attribution.by_feature import FeatureSplit, feature_split
from blueattr.attribution.tiered import ActivePanel, PanelChoice, TieredPanel
from blueattr.attribution.tiers import DEFAULT_CUTOFFS
from blueattr.attribution.value import (
    Method,
    Remarks,
    TierShare,
    check_method,
    remark,
    share_out,
    solve_with_means,
)
from blueattr.display import Presented
from blueattr.indicators.base import Aggregator, Indicator
from blueattr.indicators.custom import OwnIndicator
from blueattr.indicators.find import find_indicator
from blueattr.kernels import FloatArray
from blueattr.provenance import Provenance

__all__ = ["AttributionResult", "attribute", "describe_active"]


@dataclass(frozen=True, repr=False)
class AttributionResult(Presented):
    """An indicator split among all agents of a panel, with what is needed to redo it.

    Parameters
    ----------
    indicator, aggregator, method
        What was attributed and how.
    steps
        K of the quadrature; None for a closed form.
    n_agents
        n.
    n_involved
        How many of them wrote something of the topic, or received a reply, repost or quote on it.
    total
        The indicator at full participation, v(N).
    attributed
        Σφ; equal to ``total`` up to rounding for a closed form, up to the quadrature's error
        otherwise. Shares are of this sum, so that they sum to 1.
    means
        m_a, m_b, m_c.
    moment
        M = m_a·m_b·m_c.
    cutoffs
        The tiers' cumulative percentages.
    tiers
        From the top to the tail.
    agents
        ``did`` (str), ``tier`` (enum), ``a``, ``b``, ``c``, ``value`` (φ), ``share`` (float64);
        by descending value, then by DID.
    provenance
        Where the features came from.
    remarks
        Linearity, quadrature error and origin of the indicator.
    panel
        ``"active"``, or ``"involved"`` where only those involved were asked about.
    active
        The active panel, of which these are those involved; None where the panel is active.
    leaders
        The agents with the largest values, each a `blueattr.studies.carriers.leaders.Leader`, where
        they were asked for.
    intervals
        How the intervals of their ranks were made, a
        `blueattr.studies.carriers.ranks.RankIntervals`, where they were asked for.
    bootstrap
        Intervals of its tier shares, a `blueattr.studies.bootstrap.Bootstrap` of this indicator,
        where they were asked for.
    sample
        What small samples would say, a `blueattr.studies.samples.samples.SampleSummary`, where
        there are some.
    groups
        What it is of groups, a `blueattr.attribution.groups.result.GroupShares`, where they were
        asked for.
    """

    indicator: str
    aggregator: Aggregator
    method: Method
    steps: int | None
    n_agents: int
    n_involved: int
    total: float
    attributed: float
    means: tuple[float, float, float]
    moment: float
    cutoffs: tuple[float, ...]
    tiers: tuple[TierShare, ...]
    agents: pl.DataFrame
    provenance: Provenance
    remarks: Remarks = field(default_factory=Remarks)
    panel: PanelChoice = "active"
    active: ActivePanel | None = None
    leaders: tuple[Any, ...] = ()
    intervals: Any = None
    bootstrap: Any = None
    sample: Any = None
    groups: Any = None

    @property
    def by_feature(self) -> FeatureSplit:
        """Whether the values can be split by feature, and how."""
        return feature_split(self)


# --- the value -----------------------------------------------------------------------------------


def attribute(
    frame: object,
    indicator: str | Indicator | OwnIndicator = "heat",
    *,
    method: str = "auto",
    steps: int | None = None,
    aggregator: Aggregator | None = None,
    cutoffs: Sequence[float] = DEFAULT_CUTOFFS,
    panel: str = "active",
    provenance: Provenance | None = None,
) -> AttributionResult:
    """Split a macro indicator among all agents of a panel.

    Parameters
    ----------
    frame
        The features, one row per agent: see `check_features`. They are used as they are.
    indicator
        ``"lin"``, ``"heat"``, ``"var"``, ``"gini"``, or another: see
        `blueattr.indicators.find.find_indicator`.
    method
        ``"closed form"``, ``"quadrature"`` by the midpoint rule, or ``"auto"``: the closed form
        where there is one.
    steps
        K of the quadrature, 30 by default.
    aggregator
        How features become the scalar of ``lin``, ``var`` and ``gini``; by default their mean.
    cutoffs
        Cumulative percentages of agents at which tiers end.
    panel
        ``"active"``: all agents. ``"involved"``: of these, who has a > 0 or c > 0; they keep the
        tier that they have among all.
    provenance
        Where the features came from; part of the result.

    Returns
    -------
    AttributionResult

    Raises
    ------
    UsageError
        For an unknown indicator, method or panel, steps that do not suit it, or bad cut-offs.
    FeatureError, EmptyPanelError
        As `check_features`; or if nobody is involved.
    ZeroTotalError
        When the indicator is 0 on this panel.

    Notes
    -----
    The Aumann-Shapley value of arXiv 2605.11404; docs/methods.md derives each closed form.

    Examples
    --------
    >>> import polars as pl
    >>> frame = pl.DataFrame({"did": ["x", "y"], "a": [1, 3], "b": [2, 2], "c": [0, 4]})
    >>> result = attribute(frame, "lin")
    >>> result.total, result.agents["value"].to_list()
    (2.0, [1.5, 0.5])
    """
    chosen = find_indicator(indicator)
    checked_method, steps = check_method(chosen, method, steps)
    aggregator = aggregator or Aggregator()
    tiered = TieredPanel.of(frame, cutoffs, panel)
    agents, involved = tiered.panel, tiered.panel.features.involved()
    solution, moments = solve_with_means(chosen, agents.features, aggregator, steps)
    attributed, shares = share_out(
        chosen, solution, agents.means, tiered.tiers, tiered.names, involved=involved
    )
    return AttributionResult(
        indicator=chosen.name,
        aggregator=aggregator,
        method=checked_method,
        steps=steps,
        n_agents=len(agents.dids),
        n_involved=int(np.count_nonzero(involved)),
        total=solution.total,
        attributed=attributed,
        means=agents.means,
        moment=math.prod(agents.means),
        cutoffs=tiered.cutoffs,
        tiers=shares,
        agents=_agents_frame(tiered, solution.values, attributed),
        provenance=provenance or Provenance(source="in memory"),
        remarks=remark(chosen, solution.total, moments, steps),
        panel=tiered.choice,
        active=describe_active(tiered, chosen, aggregator, steps),
    )


def describe_active(
    tiered: TieredPanel, indicator: Indicator, aggregator: Aggregator, steps: int | None
) -> ActivePanel | None:
    """Describe the active panel that those involved are a part of; None if the panel is active.

    Parameters
    ----------
    tiered
        The panel asked about.
    indicator, aggregator, steps
        What is measured on the active panel, as it is on those involved.
    """
    whole = tiered.active
    if whole is None:
        return None
    total = solve_with_means(indicator, whole.panel.features, aggregator, steps)[0].total
    return ActivePanel(len(whole.panel.dids), whole.agents_by_tier(), total)


def _agents_frame(tiered: TieredPanel, values: FloatArray, attributed: float) -> pl.DataFrame:
    panel, names = tiered.panel, tiered.names
    # The sort is stable and agents are in order of DID, so equal values stay in that order.
    order = kernels.argsort(-values)
    sorted_values = values[order]
    return pl.DataFrame(
        {
            "did": panel.dids.gather(order),
            "tier": pl.Series(names, dtype=pl.Enum(names)).gather(tiered.tiers[order]),
            "a": panel.features.a[order],
            "b": panel.features.b[order],
            "c": panel.features.c[order],
            "value": sorted_values,
            "share": sorted_values / attributed,
        }
    )
