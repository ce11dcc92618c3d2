"""Figures of days: an indicator day by day, shared out by tier, and what was not seen."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from blueattr.report.fields import Field, Fields
from blueattr.report.figures import charts
from blueattr.report.figures.exhibit import Exhibit, data_report, rows_of
from blueattr.report.numbers import count, iso, number, percent, plural, short
from blueattr.report.results.attributions import tier_extents
from blueattr.report.results.days import DAY
from blueattr.report.results.shared_fields import TIER, TOTALS
from blueattr.report.tables import Cell, Column, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blueattr.attribution.days import Day, DayShares
    from blueattr.provenance import Gap

__all__ = ["NOTE", "UNSEEN", "days_exhibit"]


UNSEEN: Fields[Any] = Fields(
    Field("unseen_seconds", "Length of gaps on that day.", "float", "s", "seconds not seen"),
)
NOTE: Fields[Any] = Fields(Field("note", "What of the day is not in the window or was not seen."))

_VALUE: Fields[Any] = Fields(TIER["value"], TIER["share"])
_DAY_COLUMNS = (
    *DAY.columns(),
    TOTALS["total"].column(),
    TIER["tier"].column(),
    *_VALUE.columns(),
    *UNSEEN.columns(),
)


def days_exhibit(result: "DayShares") -> Exhibit | None:
    """Show an indicator day by day, shared out by tier, and what was not seen."""
    whole, origin = result.whole, result.whole.provenance
    if not result.days:
        return None
    tiers = [tier.tier for tier in whole.tiers]
    rows: list[tuple[Cell, ...]] = []
    text_rows: list[tuple[Cell, ...]] = []
    for day in result.days:
        tier_shares = {part.tier: part for part in day.tiers}
        unseen = _unseen(day, origin.gaps)
        rows += [
            (
                *DAY.cells(day),
                day.total,
                tier,
                *_VALUE.cells(tier_shares.get(tier)),
                unseen.total_seconds(),
            )
            for tier in tiers
        ]
        shares = (
            percent(tier_shares[tier].share) if tier in tier_shares else None for tier in tiers
        )
        total = None if day.undefined else short(day.total)
        text_rows.append((day.day, day.participants, total, *shares, _seen_note(day, unseen)))
    table = Table(
        name="days",
        title=f"{whole.indicator} by day (UTC)",
        columns=(
            DAY["day"].column(),
            DAY["participants"].column(heading="active agents"),
            Column("total", whole.indicator, "figure"),
            *(
                Column(tier, extent, "figure")
                for tier, extent in zip(tiers, tier_extents(tiers, whole.cutoffs), strict=True)
            ),
            *NOTE.columns(),
        ),
        rows=tuple(text_rows),
        notes=(
            "Each day is a window of its own, with the panel and tiers of the whole window.",
            *(
                f"{iso(day.day)}: no answer ({day.undefined})."
                for day in result.days
                if day.undefined
            ),
        ),
    )
    bars = [
        {**row, "day": iso(row["day"]),
         "partial": row["end"] - row["start"] < timedelta(days=1)}
        for row in rows_of(_DAY_COLUMNS, rows)
    ]  # fmt: skip
    gaps = [{"start": iso(gap.start), "end": iso(gap.end)} for gap in origin.gaps]
    most = max(result.days, key=lambda day: day.total)
    note = " Shaded: not seen by any source." if gaps else ""
    return Exhibit(
        name=f"{whole.indicator}-by-day",
        title=f"{whole.indicator.capitalize()} by day",
        caption=f"{whole.indicator.capitalize()} of each UTC day by itself, shared out by tier. "
        f"Pale: days that the window has only a part of.{note}",
        alt=f"Stacked bars of {whole.indicator} on {plural(len(result.days), 'day')}: the most, "
        f"{number(most.total)}, on {iso(most.day)}, with {count(most.participants)} active "
        "agents.",
        report=data_report("by_day", _DAY_COLUMNS, rows, table, origin),
        chart=lambda look: charts.days_chart(bars, gaps, tiers, whole.indicator, look),
    )


def _unseen(day: "Day", gaps: "Sequence[Gap]") -> timedelta:
    window = day.window
    parts = (min(gap.end, window.end) - max(gap.start, window.start) for gap in gaps)
    return sum((part for part in parts if part > timedelta()), timedelta())


def _seen_note(day: "Day", unseen: timedelta) -> str:
    notes = []
    length = day.window.end - day.window.start
    if length < timedelta(days=1):
        notes.append(f"{_hours(length)} in the window")
    if unseen:
        notes.append(f"{_hours(unseen)} not seen")
    return ", ".join(notes)


def _hours(span: timedelta) -> str:
    seconds = span.total_seconds()
    return f"{seconds / 3600:.1f} h" if seconds >= 360 else f"{seconds:.0f} s"
