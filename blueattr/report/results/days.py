"""Shares by day laid out as a report: the whole window, and each of its days."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from blueattr.report.fields import Field, Fields, tidy_table
from blueattr.report.numbers import iso, percent
from blueattr.report.parts.shared_fields import (
    INDICATOR,
    INVOLVED,
    METHOD,
    SIZE,
    TIER,
    TOTALS,
    UNDEFINED,
    tiers_json,
)
from blueattr.report.provenance import ORIGIN, so_far
from blueattr.report.results.attributions import attributions_report, tier_extents
from blueattr.report.tables import Cell, Column, Report, Table

if TYPE_CHECKING:
    from blueattr.attribution.days import Day, DayShares

__all__ = ["DAY", "PARTS", "days_report"]


_IN_WINDOW = "The part of it that is in the window."
DAY: "Fields[Day]" = Fields(
    Field("day", "The day.", "date"),
    Field("start", _IN_WINDOW, "time", get=lambda day: day.window.start),
    Field("end", _IN_WINDOW, "time", get=lambda day: day.window.end),
    Field(
        "participants",
        "Agents with any activity, a_i > 0, on that day or in that hour.",
        "int",
        "agents",
        heading="active",
    ),
    Field(
        "records",
        "Posts, replies and reposts of the agents on that day or in that hour; none for a "
        "features file.",
        "int",
        "records",
    ),
)
PARTS: "Fields[DayShares]" = Fields(
    Field("whole", "The attribution of the whole window."),
    Field("days", "One object for each day."),
)


def days_report(results: "Sequence[DayShares]") -> Report:
    """Lay out shares by day.

    Parameters
    ----------
    results
        At least one, all of the same panel and days.

    Returns
    -------
    Report
        For people what `attributions_report` has, and a table by day for each indicator; as data
        one row per indicator, day and tier.
    """
    whole = attributions_report([result.whole for result in results])
    content = whole.content or {}
    wholes = content["results"]
    assert isinstance(wholes, Sequence)  # noqa: S101 - what attributions_report says it gives
    return replace(
        whole,
        kind="attribution_by_day",
        tables=(*whole.tables, *map(_table, results)),
        data=_tidy(results),
        content={
            "results": [
                {"indicator": result.whole.indicator, "whole": one,
                 "days": [
                     {**DAY.json(day), **TOTALS.json(day), "tiers": tiers_json(day.tiers),
                      **UNDEFINED.json(day)}
                     for day in result.days
                 ]}
                for result, one in zip(results, wholes, strict=True)
            ]
        },
    )  # fmt: skip


def _table(result: "DayShares") -> Table:
    names = [tier.tier for tier in result.whole.tiers]
    rows: list[tuple[Cell, ...]] = []
    notes = ["Each day is a window of its own, with the panel and tiers of the whole window."]
    origin = result.whole.provenance
    for day in result.days:
        shares = {tier.tier: percent(tier.share) for tier in day.tiers}
        total = None if day.undefined else day.total
        rows.append((day.day, day.participants, total, *(shares.get(name) for name in names)))
        if day.undefined:
            notes.append(f"{iso(day.day)}: no answer ({day.undefined}).")
        if day.window.end == (origin.window and origin.window.end) and so_far(origin):
            notes.append(f"{iso(day.day)}{so_far(origin)}: the day is not over.")
        if day.window.end - day.window.start < timedelta(days=1):
            notes.append(
                f"{iso(day.day)}: the window has only {iso(day.window.start)} to "
                f"{iso(day.window.end)}."
            )
    return Table(
        name="days",
        bars="total",
        title=f"{result.whole.indicator}: tier shares by day (UTC)",
        columns=(
            DAY["day"].column(),
            DAY["participants"].column(),
            Column("total", result.whole.indicator, "float"),
            *(
                Column(name, extent, "figure")
                for name, extent in zip(
                    names, tier_extents(names, result.whole.cutoffs), strict=True
                )
            ),
        ),
        rows=tuple(rows),
        notes=tuple(notes),
    )


_TIDY = (
    ("whole", INDICATOR),
    ("day", DAY),
    ("day", TOTALS),
    ("tier", Fields(TIER["tier"], TIER["agents"])),
    ("tier of day", Fields(TIER["value"], TIER["share"], TIER["abs_share"], *INVOLVED)),
    ("day", UNDEFINED),
    ("whole", SIZE),
    ("whole", METHOD),
    ("origin", ORIGIN),
)


def _tidy(results: "Sequence[DayShares]") -> Table:
    rows = [
        {
            "whole": result.whole,
            "day": day,
            "tier": tier,
            "tier of day": next((part for part in day.tiers if part.tier == tier.tier), None),
            "origin": result.whole.provenance,
        }
        for result in results
        for day in result.days
        for tier in result.whole.tiers
    ]
    return tidy_table("days", _TIDY, rows)
