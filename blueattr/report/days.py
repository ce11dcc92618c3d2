"""Shares by day laid out as a report: the whole window, and each of its days."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from blueattr.report.attributions import attributions_report, tier_extents, tiers_json
from blueattr.report.figures import iso, percent
from blueattr.report.origin import ORIGIN_COLUMNS, origin_cells
from blueattr.report.tables import Cell, Column, Json, Report, Table

if TYPE_CHECKING:  # the arithmetic need not be imported to lay out its results
    from blueattr.days import Day, DayShares

__all__ = ["days_report"]


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
    first, *rest = whole.tables
    content = whole.content or {}
    wholes = content["results"]
    assert isinstance(wholes, Sequence)  # noqa: S101 - what attributions_report says it gives
    return replace(
        whole,
        kind="attribution_by_day",
        tables=(first, *map(_table, results), *rest),
        data=_tidy(results),
        content={
            "results": [
                {"indicator": result.whole.indicator, "whole": one,
                 "days": [_day_json(day) for day in result.days]}
                for result, one in zip(results, wholes, strict=True)
            ]
        },
    )  # fmt: skip


def _table(result: "DayShares") -> Table:
    names = [tier.tier for tier in result.whole.tiers]
    rows: list[tuple[Cell, ...]] = []
    notes = ["Each day is a window of its own, with the panel and tiers of the whole."]
    for day in result.days:
        shares = {tier.tier: percent(tier.share) for tier in day.tiers}
        total = None if day.undefined else day.total
        rows.append((day.day, day.participants, total, *(shares.get(name) for name in names)))
        if day.undefined:
            notes.append(f"{iso(day.day)}: no answer ({day.undefined}).")
        if day.window.end - day.window.start < timedelta(days=1):
            notes.append(
                f"{iso(day.day)}: the window has it from {iso(day.window.start)} to "
                f"{iso(day.window.end)} only."
            )
    return Table(
        name="days",
        bars="total",
        title=f"{result.whole.indicator}: tier shares by day (UTC)",
        columns=(
            Column("day", "day", "date"),
            Column("participants", "active", "int"),
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


def _day_json(day: "Day") -> dict[str, Json]:
    return {
        "day": iso(day.day),
        "start": iso(day.window.start),
        "end": iso(day.window.end),
        "participants": day.participants,
        "total": day.total,
        "attributed": day.attributed,
        "tiers": tiers_json(day.tiers),
        "undefined": day.undefined or None,
    }


def _tidy(results: "Sequence[DayShares]") -> Table:
    columns = (
        Column("indicator", "indicator"),
        Column("day", "day", "date"),
        Column("start", "start", "time"),
        Column("end", "end", "time"),
        Column("participants", "active", "int"),
        Column("total", "total", "float"),
        Column("attributed", "attributed", "float"),
        Column("tier", "tier"),
        Column("agents", "agents", "int"),
        Column("value", "value", "float"),
        Column("share", "share", "share"),
        Column("abs_share", "absolute share", "share"),
        Column("undefined", "without answer"),
        Column("n_agents", "n", "int"),
        Column("method", "method"),
        Column("steps", "steps", "int"),
        *ORIGIN_COLUMNS,
    )
    rows: list[tuple[Cell, ...]] = []
    for result in results:
        whole = result.whole
        for day in result.days:
            given = {tier.tier: tier for tier in day.tiers}
            for tier in whole.tiers:
                part = given.get(tier.tier)
                cells: tuple[Cell, ...] = (
                    (None, None, None) if part is None else (part.value, part.share, part.abs_share)
                )
                rows.append(
                    (
                        *(whole.indicator, day.day, day.window.start, day.window.end),
                        *(day.participants, day.total, day.attributed),
                        *(tier.tier, tier.agents, *cells, day.undefined or None),
                        *(whole.n_agents, whole.method, whole.steps),
                        *origin_cells(whole.provenance),
                    )
                )
    return Table("days", "", columns, tuple(rows))
