"""Figures of days: an indicator day by day, shared out by tier, and what was not seen."""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from blueattr.provenance import Window
from blueattr.report.fields import Field, Fields
from blueattr.report.figures.charts import time_charts
from blueattr.report.figures.exhibit import Exhibit, data_report, marked
from blueattr.report.numbers import count, iso, percent, plural, short
from blueattr.report.parts.answer import tier_names
from blueattr.report.parts.shared_fields import TIER, TOTALS
from blueattr.report.provenance import WHOLE
from blueattr.report.results.days import DAY
from blueattr.report.tables import Cell, Column, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blueattr.attribution.days import Day, DayShares
    from blueattr.provenance import Gap, Provenance

__all__ = [
    "HOUR",
    "NOTE",
    "UNSEEN",
    "day_note",
    "days_exhibit",
    "hours_exhibit",
    "unseen_seconds",
]


_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)


UNSEEN: Fields[Any] = Fields(
    Field(
        "unseen_seconds",
        "Length of gaps on that day, or in that hour.",
        "float",
        "s",
        "seconds not seen",
    ),
)
NOTE: Fields[Any] = Fields(
    Field("note", "Which part of the day is outside the window or was not seen.")
)

HOUR: Fields[Any] = Fields(DAY["start"], DAY["end"], DAY["participants"], DAY["records"])
_HOUR_COLUMNS = (*HOUR.columns(), *UNSEEN.columns())

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
    if not result.days:
        return None
    whole, origin = result.whole, result.whole.provenance
    names = tier_names(whole.cutoffs)
    unit = _HOUR if result.hours else _DAY
    slots: list[dict[str, Any]] = [
        {"start": part.window.start, "end": part.window.end, "records": part.records,
         "participants": part.participants, "whole": _whole(part.window, origin, unit)}
        for part in result.hours or result.days
        if origin.so_far is None or part.window.start <= origin.so_far
    ]  # fmt: skip
    strip: list[dict[str, Any]] = [
        {"start": day.window.start, "end": day.window.end, "tier": name, "share": part.share,
         "whole": _whole(day.window, origin)}
        for day in result.days
        for name, part in zip(names, day.tiers, strict=False)
    ]  # fmt: skip
    gaps = [{"start": iso(gap.start), "end": iso(gap.end)} for gap in origin.gaps]
    each, many, busiest = _busiest(result)
    note = " Shaded: not seen by any source." if gaps else ""
    pale = "" if all(slot["whole"] for slot in (*slots, *strip)) else " Pale: not seen whole."
    bounds = result.days[0].window.start, result.days[-1].window.end
    return Exhibit(
        name=f"{whole.indicator}-by-day",
        title="When",
        caption=f"Above: the posts, replies and reposts of each UTC {each}, and their accounts. "
        f"Below: who carried the {whole.indicator} of each day, each day by itself, in per "
        f"cent.{pale}{note}",
        alt=f"Bars of posts and accounts {many}, above a strip of tier shares by day. The most "
        f"accounts, {busiest}.",
        report=data_report(
            "by_day", _DAY_COLUMNS, _rows_by_tier(result), _days_table(result), origin
        ),
        chart=marked(
            origin,
            lambda look: time_charts.when_chart(
                slots, strip, gaps, tiers=names, bounds=bounds, look=look
            ),
        ),
    )


def _rows_by_tier(result: "DayShares") -> list[tuple[Cell, ...]]:
    """Return the data behind the figure: a row for each tier of each day."""
    rows: list[tuple[Cell, ...]] = []
    for day in result.days:
        parts = {part.tier: part for part in day.tiers}
        unseen = unseen_seconds(day, result.whole.provenance)
        rows += [
            (*DAY.cells(day), day.total, tier.tier, *_VALUE.cells(parts.get(tier.tier)), unseen)
            for tier in result.whole.tiers
        ]
    return rows


def _days_table(result: "DayShares") -> Table:
    """Return what people read beside the figure: a row for each day."""
    whole, origin = result.whole, result.whole.provenance
    tiers = [tier.tier for tier in whole.tiers]
    rows: list[tuple[Cell, ...]] = []
    for day in result.days:
        shares = {part.tier: percent(part.share) for part in day.tiers}
        rows.append((
            day.day,
            day.records,
            day.participants,
            None if day.undefined else short(day.total),
            *(shares.get(tier) for tier in tiers),
            day_note(day, origin),
        ))  # fmt: skip
    undefined = (
        f"{iso(day.day)}: no answer ({day.undefined})." for day in result.days if day.undefined
    )
    return Table(
        name="days",
        title=f"{whole.indicator} by day (UTC)",
        columns=(
            DAY["day"].column(),
            DAY["records"].column(heading="posts"),
            DAY["participants"].column(heading="accounts"),
            Column("total", whole.indicator, "figure"),
            *(
                Column(tier, name, "figure")
                for tier, name in zip(tiers, tier_names(whole.cutoffs), strict=True)
            ),
            *NOTE.columns(),
        ),
        rows=tuple(rows),
        notes=(
            "Each day is a window of its own, with the panel and tiers of the whole window.",
            *undefined,
        ),
    )


def _busiest(result: "DayShares") -> tuple[str, str, str]:
    """Return what bars are of, how many there are, and when most accounts wrote, in words."""
    if result.hours:
        hour = max(result.hours, key=lambda hour: hour.participants)
        start = hour.window.start
        when = f"from {start:%H:%M} to {hour.window.end:%H:%M} on {iso(start.date())}"
        busiest = f"{count(hour.participants)}, wrote {when}"
        return "hour", f"in {plural(len(result.hours), 'hour')}", busiest
    day = max(result.days, key=lambda day: day.participants)
    many = f"on {plural(len(result.days), 'day')}"
    return "day", many, f"{count(day.participants)}, wrote on {iso(day.day)}"


def hours_exhibit(result: "DayShares") -> Exhibit | None:
    """Show what was written hour by hour; None where the window is too long for it."""
    if not result.hours:
        return None
    origin = result.whole.provenance
    rows = [
        (*HOUR.cells(hour), _unseen_in(hour.window, origin.gaps).total_seconds())
        for hour in result.hours
    ]
    table = Table(
        name="hours",
        title="What was written, by hour (UTC)",
        columns=(
            Column("start", "hour", "time"),
            HOUR["records"].column(heading="posts"),
            HOUR["participants"].column(heading="accounts"),
        ),
        rows=tuple((hour.window.start, hour.records, hour.participants) for hour in result.hours),
    )
    by_day = days_exhibit(result)
    assert by_day is not None  # noqa: S101 - a window has days where it has hours
    return replace(
        by_day,
        name="by-hour",
        report=data_report("by_hour", _HOUR_COLUMNS, rows, table, origin),
    )


def unseen_seconds(day: "Day", origin: "Provenance") -> float:
    """Return how long no source saw a day, in seconds."""
    return _unseen_in(day.window, origin.gaps).total_seconds()


def day_note(day: "Day", origin: "Provenance") -> str:
    """Say what of a day is not in the window or was not seen; empty if it was seen whole."""
    return _seen_note(day, _unseen_in(day.window, origin.gaps), origin)


def _seen(window: Window, origin: "Provenance") -> timedelta:
    """Return how much of a day or hour is in the window, is over, and was seen."""
    end = window.end if origin.so_far is None else min(window.end, origin.so_far)
    return max(end - window.start, timedelta()) - _unseen_in(Window(window.start, end), origin.gaps)


def _whole(window: Window, origin: "Provenance", length: timedelta = _DAY) -> bool:
    """Return whether a day, or another unit of time, was seen as long as it is."""
    return _seen(window, origin) >= length - WHOLE * (length / _DAY)


def _unseen_in(window: Window, gaps: "Sequence[Gap]") -> timedelta:
    parts = (min(gap.end, window.end) - max(gap.start, window.start) for gap in gaps)
    return sum((part for part in parts if part > timedelta()), timedelta())


def _seen_note(day: "Day", unseen: timedelta, origin: "Provenance") -> str:
    if _whole(day.window, origin):
        return ""
    notes = []
    length = _seen(day.window, origin) + unseen
    if length < timedelta(days=1) - WHOLE:
        notes.append(f"{_hours(length)} in the window")
    if unseen:
        notes.append(f"{_hours(unseen)} not seen")
    return ", ".join(notes)


def _hours(span: timedelta) -> str:
    seconds = span.total_seconds()
    return f"{seconds / 3600:.1f} h" if seconds >= 360 else f"{seconds:.0f} s"
