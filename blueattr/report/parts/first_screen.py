"""The first screen of a terminal: the answer, tiers, who carries most, and one line of caveats."""

from typing import TYPE_CHECKING, Any, Protocol

from blueattr.report.numbers import plural, rough
from blueattr.report.parts.answer import (
    answer_sentence,
    rounded,
    rounded_range,
    sampled_accounts,
    tier_names,
)
from blueattr.report.parts.involvement import involved_part
from blueattr.report.parts.ranks import rank_cells, rank_columns, rank_notes
from blueattr.report.provenance import so_far, window_days
from blueattr.report.tables import Cell, Column, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blueattr.attribution.attribute import AttributionResult
    from blueattr.attribution.value import TierShare
    from blueattr.provenance import Provenance
    from blueattr.studies.bootstrap import Bootstrap, ShareInterval
    from blueattr.studies.carriers.leaders import Leader
    from blueattr.studies.carriers.ranks import RankIntervals
    from blueattr.studies.samples.samples import SampleSummary, TierSpread
    from blueattr.studies.scales import ScaleComparison

__all__ = ["MORE", "caveats", "indicator_sentence", "leaders_table", "tiers_table"]


MORE = "More: --verbose (panel, method, every parameter), blueattr report"
"""What ends a report whose details are left out."""


class OfTieredPanel(Protocol):
    """A result of a panel with tiers."""

    @property
    def panel(self) -> str:
        """As in `blueattr.attribution.attribute.AttributionResult`."""

    @property
    def n_involved(self) -> int:
        """How many agents are involved."""

    @property
    def cutoffs(self) -> tuple[float, ...]:
        """Where tiers end."""

    @property
    def provenance(self) -> "Provenance":
        """Where the features came from."""


def indicator_sentence(
    indicator: str,
    result: "OfTieredPanel",
    tiers: "Sequence[TierShare | ShareInterval]",
    sample: "SampleSummary | None" = None,
) -> str:
    """Return the answer on one indicator in a sentence.

    Parameters
    ----------
    indicator, result
        What was attributed, and the result of the panel.
    tiers
        At full scale; none where there is no answer.
    sample
        None, or without tiers, if there is none to compare with.
    """
    if not tiers or not result.cutoffs:
        return f"{indicator} has no tiers to compare."
    compared = None
    if sample is not None and sample.tiers:
        compared = sample.protocol, sample.size, sample.tiers[0].share_mean
    involved = None
    if result.panel == "involved":
        involved = tiers[0].agents_involved, result.n_involved
    return answer_sentence(
        indicator, result.provenance, result.cutoffs, tiers[0].share, compared, involved=involved
    )


def tiers_table(results: "Sequence[AttributionResult]") -> Table:
    """Lay out the shares of each tier, of the panel, with intervals if any, and of samples."""
    first = results[0]
    labels = tier_names(first.cutoffs)
    several = len(results) > 1
    rows: list[tuple[Cell, ...]] = []
    stacks: list[tuple[float, ...]] = []
    for result in results:
        lead = (result.indicator,) if several else ()
        rows.append((*lead, f"all {plural(result.n_agents, 'account')}", *_shares(result.tiers)))
        stacks.append(tuple(tier.share for tier in result.tiers))
        if result.bootstrap is not None:
            (resampled,) = result.bootstrap.indicators
            name = f"({100 * result.bootstrap.level:g} %)"
            rows.append((*lead, name, *(rounded_range(t.low, t.high) for t in resampled.tiers)))
            stacks.append(())
        sample = result.sample
        if sample is not None and sample.tiers:
            name = sampled_accounts(sample.protocol, sample.size)
            rows.append((*lead, name, *_spreads(sample.tiers)))
            stacks.append(tuple(tier.share_mean for tier in sample.tiers))
    columns = [Column("who", ""), *(Column(name, name, "figure") for name in labels)]
    if several:
        columns.insert(0, Column("indicator", "indicator"))
    return Table(
        name="tiers", title="", columns=tuple(columns), rows=tuple(rows), stacks=tuple(stacks)
    )


def _shares(tiers: "Sequence[TierShare]") -> tuple[str, ...]:
    return tuple(rounded(tier.share) for tier in tiers)


def _spreads(tiers: "Sequence[TierSpread]") -> tuple[str, ...]:
    return tuple(rounded(tier.share_mean) for tier in tiers)


def caveats(
    result: "AttributionResult | ScaleComparison | Bootstrap",
    indicators: "Sequence[tuple[str, Sequence[TierShare | ShareInterval]]]",
) -> str:
    """Say in a line who was involved, and how much of the window was seen.

    Parameters
    ----------
    result
        Of a panel.
    indicators
        Each with its tiers at full scale, of which the others carry a part.
    """
    origin = result.provenance
    parts = []
    if result.panel == "active":
        parts.append(involved_part(origin, result.n_involved, result.n_agents, indicators))
    window = origin.window
    if window is not None and not origin.gaps:
        days = window_days(window)
        if so_far(origin):
            parts.append("No gaps so far.")
        elif days is None:
            parts.append("All of the window was seen.")
        else:
            parts.append(
                f"All {days} days were seen whole." if days > 1 else "The day was seen whole."
            )
    return " ".join(parts)


def leaders_table(
    leaders: "Sequence[Leader]",
    indicator: str,
    intervals: "RankIntervals | None" = None,
    *,
    several: bool,
) -> Table:
    """Lay out the agents with the largest values: handle, share, counts.

    Parameters
    ----------
    leaders
        From the largest value down.
    indicator
        What was attributed.
    intervals
        How the intervals of their ranks were made; None where there are none.
    several
        Whether other indicators stand beside it.
    """
    counted = any(leader.written is not None for leader in leaders)
    ranked = any(leader.followers is not None for leader in leaders)
    columns = [Column("account", "account"), Column("share", "share", "figure")]
    if counted:
        columns += [Column("written", "written", "int"), Column("received", "received", "int")]
    if ranked:
        columns.append(Column("followers", "followers", "figure"))
    sure = rank_columns(leaders, intervals)
    rows = []
    for leader in leaders:
        cells: list[Any] = [leader.handle or leader.did, f"{100 * leader.share:.2f} %"]
        if counted:
            cells += [leader.written, leader.received]
        if ranked:
            cells.append(None if leader.followers is None else rough(leader.followers))
        rows.append((*cells, *rank_cells(leader, sure)))
    title = f"The largest shares of {indicator}" if several else ""
    return Table(
        f"leaders_{indicator}",
        title,
        (*columns, *sure),
        tuple(rows),
        rank_notes(leaders, intervals),
    )
