"""Shares by day: each UTC day of a window on its own, with the panel and tiers of the window."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from blueattr.attribution.attribute import AttributionResult
from blueattr.attribution.inputs import check_features
from blueattr.attribution.tiered import TieredPanel
from blueattr.attribution.value import TierShare, share_out, solve
from blueattr.display import Presented
from blueattr.errors import FeatureError, ZeroTotalError
from blueattr.indicators.base import FeatureArrays, Indicator
from blueattr.provenance import Window

__all__ = ["Day", "DayFeatures", "DayShares", "Hour", "attribute_days"]


@dataclass(frozen=True, slots=True)
class DayFeatures:
    """The features of one day.

    Parameters
    ----------
    day
        In UTC.
    window
        The part of it that lies in the whole window.
    frame
        Features of every agent of the window's panel; zeros for agents without activity. Or arrays
        of them that are checked: of those asked about, in order of DID.
    records
        With arrays: posts, replies and reposts of these agents.
    """

    day: date
    window: Window
    frame: pl.DataFrame | FeatureArrays
    records: int | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """One indicator on one day.

    Parameters
    ----------
    day, window
        As in `DayFeatures`.
    participants
        Agents with any activity.
    total, attributed
        v(N) and Σφ of the day.
    tiers
        Those of the whole panel; empty where the indicator is 0 on the day.
    undefined
        Why the indicator is 0 on the day, else empty.
    records
        Posts, replies and reposts of the agents; None where only features are known.
    """

    day: date
    window: Window
    participants: int
    total: float
    attributed: float
    tiers: tuple[TierShare, ...]
    undefined: str
    records: int | None = None


@dataclass(frozen=True, slots=True)
class Hour:
    """What agents wrote in an hour.

    Parameters
    ----------
    window
        The part of a UTC hour that lies in the whole window.
    records
        Posts, replies and reposts of the agents.
    participants
        Agents with any of them.
    """

    window: Window
    records: int
    participants: int


@dataclass(frozen=True, repr=False)
class DayShares(Presented):
    """One indicator on the whole window and on each of its days.

    Parameters
    ----------
    whole
        On the whole window.
    days
        On each UTC day.
    hours
        Of a short window: what was written in each hour; else empty.
    """

    whole: AttributionResult
    days: tuple[Day, ...]
    hours: tuple[Hour, ...] = ()

    def _in_short(self) -> Iterator[str]:
        yield from self.whole._in_short()  # noqa: SLF001 - a result of the same kind
        yield f"{len(self.days)} days"


def attribute_days(
    wholes: list[tuple[Indicator, AttributionResult]],
    days: Iterable[DayFeatures],
    tiered: TieredPanel | None = None,
) -> tuple[DayShares, ...]:
    """Attribute each day on its own.

    Parameters
    ----------
    wholes
        Indicators and their attributions on the whole window; of the same panel.
    days
        Of the same panel; consumed one at a time.
    tiered
        The panel with its tiers, where somebody has it: else its agents have to be put in order.

    Returns
    -------
    tuple of DayShares
        One per indicator. The indicator of a day is not a part of that of the window: only a
        linear one on raw counts adds up.

    Raises
    ------
    FeatureError
        When a day's agents are not those of the panel.

    Notes
    -----
    docs/methods.md, "Shares by day".
    """
    first = wholes[0][1]
    names = [tier.tier for tier in first.tiers]
    if tiered is None:
        by_did = first.agents.select("did", pl.col("tier").to_physical()).sort("did")
        dids, tiers = by_did["did"], by_did["tier"].cast(pl.UInt8).to_numpy()
    else:
        dids, tiers = tiered.panel.dids, tiered.tiers
    by_indicator: list[list[Day]] = [[] for _ in wholes]
    for each in days:
        features, records = _features(each, first, dids)
        means = features.means
        participants = int(np.count_nonzero(features.a))
        for (indicator, whole), answers in zip(wholes, by_indicator, strict=True):
            solution = solve(indicator, features, whole.aggregator, whole.steps)
            attributed, why = 0.0, ""
            shares: tuple[TierShare, ...] = ()
            try:
                attributed, shares = share_out(
                    indicator, solution, means, tiers, names, involved=features.involved()
                )
            except ZeroTotalError:
                why = indicator.zero_reason(means)
            total = 0.0 if why else solution.total
            answers.append(
                Day(
                    each.day, each.window, participants, total, attributed, shares, why, records
                )
            )  # fmt: skip
    return tuple(
        DayShares(whole, tuple(answers))
        for (_, whole), answers in zip(wholes, by_indicator, strict=True)
    )


def _features(
    each: DayFeatures, whole: AttributionResult, dids: pl.Series
) -> tuple[FeatureArrays, int | None]:
    """Return the features of the agents on a day, and their records where they are known."""
    if isinstance(each.frame, FeatureArrays):
        return each.frame, each.records
    checked = check_features(each.frame)
    if whole.panel == "involved":  # in the window, as all tiers and panels are of the window
        checked = checked.join(dids.to_frame(), on="did", how="semi", maintain_order="left")
    if not checked["did"].equals(dids):
        raise FeatureError(f"the agents of {each.day} are not those of the window's panel")
    records = int(checked["activity"].sum()) if "activity" in checked.columns else None
    return FeatureArrays(*(checked[name].to_numpy() for name in "abc")), records
