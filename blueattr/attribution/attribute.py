"""Attribution: from a frame of features to the Aumann-Shapley value of every agent."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from blueattr import kernels
from blueattr.attribution.inputs import Panel
from blueattr.attribution.tiers import DEFAULT_CUTOFFS, assign_tiers, check_cutoffs, tier_names
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

__all__ = ["AttributionResult", "attribute"]


@dataclass(frozen=True)
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
    """

    indicator: str
    aggregator: Aggregator
    method: Method
    steps: int | None
    n_agents: int
    total: float
    attributed: float
    means: tuple[float, float, float]
    moment: float
    cutoffs: tuple[float, ...]
    tiers: tuple[TierShare, ...]
    agents: pl.DataFrame
    provenance: Provenance
    remarks: Remarks = field(default_factory=Remarks)


# --- the value -----------------------------------------------------------------------------------


def attribute(
    frame: object,
    indicator: str | Indicator | OwnIndicator = "heat",
    *,
    method: str = "auto",
    steps: int | None = None,
    aggregator: Aggregator | None = None,
    cutoffs: Sequence[float] = DEFAULT_CUTOFFS,
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
    provenance
        Where the features came from; part of the result.

    Returns
    -------
    AttributionResult

    Raises
    ------
    UsageError
        For an unknown indicator or method, steps that do not suit it, or bad cut-offs.
    FeatureError, EmptyPanelError
        As `check_features`.
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
    cutoffs = check_cutoffs(cutoffs)
    aggregator = aggregator or Aggregator()
    panel = Panel.of(frame)
    solution, moments = solve_with_means(chosen, panel.features, aggregator, steps)
    tiers, names = assign_tiers(panel.order, cutoffs), tier_names(cutoffs)
    attributed, shares = share_out(chosen, solution, panel.means, tiers, names)
    return AttributionResult(
        indicator=chosen.name,
        aggregator=aggregator,
        method=checked_method,
        steps=steps,
        n_agents=len(panel.dids),
        total=solution.total,
        attributed=attributed,
        means=panel.means,
        moment=math.prod(panel.means),
        cutoffs=cutoffs,
        tiers=shares,
        agents=_agents_frame(panel, solution.values, attributed, tiers, names),
        provenance=provenance or Provenance(source="in memory"),
        remarks=remark(chosen, solution.total, moments, steps),
    )


def _agents_frame(
    panel: Panel,
    values: FloatArray,
    attributed: float,
    tiers: npt.NDArray[np.uint8],
    names: Sequence[str],
) -> pl.DataFrame:
    # The sort is stable and agents are in order of DID, so equal values stay in that order.
    order = kernels.argsort(-values)
    sorted_values = values[order]
    return pl.DataFrame(
        {
            "did": panel.dids.gather(order),
            "tier": pl.Series(names, dtype=pl.Enum(names)).gather(tiers[order]),
            "a": panel.features.a[order],
            "b": panel.features.b[order],
            "c": panel.features.c[order],
            "value": sorted_values,
            "share": sorted_values / attributed,
        }
    )
