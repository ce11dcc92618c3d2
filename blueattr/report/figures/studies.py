"""Figures of studies: how sure tier shares are, and how they change under other choices."""

from typing import TYPE_CHECKING, Any

from blueattr.report.fields import Fields
from blueattr.report.figures.charts import study_charts
from blueattr.report.figures.exhibit import Exhibit, data_report, marked, rows_of
from blueattr.report.numbers import percent
from blueattr.report.parts.answer import tier_names
from blueattr.report.parts.resampled import INTERVAL
from blueattr.report.parts.shared_fields import INDICATOR, INVOLVED, TIER
from blueattr.report.results.sensitivities import CHOICE
from blueattr.report.tables import Cell, Column, Table

if TYPE_CHECKING:
    from blueattr.studies.bootstrap import Bootstrap
    from blueattr.studies.sensitivity import (
        IndicatorSensitivity,
        Sensitivity,
        SensitivityRow,
    )

__all__ = ["bootstrap_exhibit", "sensitivity_exhibit"]


_CUT = "tiers"
_FEW_NOTES = 4

_SHARE: Fields[Any] = Fields(TIER["tier"], TIER["share"])
_INTERVAL: Fields[Any] = Fields(
    *_SHARE, INTERVAL["low"], INTERVAL["high"], INTERVAL["std_error"], *INVOLVED
)
_INTERVAL_COLUMNS = (*INDICATOR.columns(), *_INTERVAL.columns())
_CHOICE_COLUMNS = (*INDICATOR.columns(), *CHOICE.columns(), *_SHARE.columns())


def bootstrap_exhibit(result: "Bootstrap") -> Exhibit:
    """Show tier shares with their confidence intervals."""
    rows: list[tuple[Cell, ...]] = [
        (*INDICATOR.cells(one), *_INTERVAL.cells(part))
        for one in result.indicators
        for part in one.tiers
    ]
    tiers = [part.tier for part in result.indicators[0].tiers]
    names = tier_names(result.cutoffs)
    table = Table(
        name="intervals",
        title=f"Tier shares with {percent(result.level)} confidence intervals",
        columns=_INTERVAL_COLUMNS,
        rows=tuple(rows),
    )
    points = [
        {**row, "tier": names[tiers.index(row["tier"])]} for row in rows_of(_INTERVAL_COLUMNS, rows)
    ]
    points = [{**row, "row": row["tier"]} for row in points]
    numbers = "; ".join(
        f"{row['indicator']}, {row['tier']}: {percent(row['share'])}, {percent(row['low'])} to "
        f"{percent(row['high'])}"
        for row in points
    )
    return Exhibit(
        name="bootstrap",
        title="How sure the shares are",
        caption=f"Tier shares and their {percent(result.level)} intervals over "
        f"{result.resamples:,} resamples of the agents.",
        alt=f"Points with intervals. {numbers}.",
        report=data_report("intervals", _INTERVAL_COLUMNS, rows, table, result.provenance),
        chart=marked(result.provenance, lambda look: study_charts.dots_chart(points, names, look)),
    )


def sensitivity_exhibit(result: "Sensitivity") -> Exhibit | None:
    """Show how far each choice moves the share of each tier."""
    rows: list[tuple[Cell, ...]] = [
        (*INDICATOR.cells(one), *CHOICE.cells(row), *_SHARE.cells(part))
        for one in result.indicators
        for row in one.rows
        for part in row.tiers
    ]
    if not rows:
        return None
    names = tier_names(result.cutoffs)
    table = Table(
        name="choices",
        title="Tier shares by choice",
        columns=(
            *INDICATOR.columns(),
            CHOICE["choice"].column(),
            CHOICE["setting"].column(),
            *(
                Column(tier, name, "figure")
                for tier, name in zip(
                    dict.fromkeys(str(row[-2]) for row in rows), names, strict=False
                )
            ),
        ),
        rows=tuple(
            (
                one.indicator,
                row.choice,
                row.setting,
                *(
                    [percent(part.share) for part in row.tiers]
                    if row.effect != "no effect"
                    else [row.effect] * len(names)
                ),
            )
            for one in result.indicators
            for row in one.rows
            if len(row.tiers) == len(names)
        ),
        notes=_notes(result),
    )
    ranges = [part for one in result.indicators for part in _ranges(one, names)]
    several = len(result.indicators) > 1
    for part in ranges:
        part["row"] = f"{part['indicator']}: {part['row']}" if several else part["row"]
    moved = dict.fromkeys(part["row"] for part in ranges)
    named = ", ".join(moved) or "none"
    return Exhibit(
        name="sensitivity",
        title="The same question under other choices",
        caption="How far each choice moves the share of each tier: a bar from the smallest to "
        "the largest share, and a line at the default. Other cut-offs make other tiers, so only "
        "the table has them.",
        alt=f"Bars of ranges, one row a choice: {named}. The table has every number.",
        report=data_report("choices", _CHOICE_COLUMNS, rows, table, result.provenance),
        chart=marked(
            result.provenance, lambda look: study_charts.ranges_chart(ranges, names, look)
        ),
    )


def _ranges(one: "IndicatorSensitivity", names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the least and the largest share of each tier under each choice, and the default."""
    default = one.rows[0]
    by_choice: dict[str, list[SensitivityRow]] = {}
    for row in one.rows[1:]:
        # Other cut-offs make other tiers, which have nothing to compare.
        if row.effect == "computed" and row.tiers and row.choice != _CUT:
            by_choice.setdefault(row.choice, []).append(row)
    ranges = []
    for choice, rows in by_choice.items():
        settings = [row.setting for row in rows]
        name = f"{choice}: {settings[0]}" if len(settings) == 1 else choice
        for k, tier in enumerate(names):
            shares = [row.tiers[k].share for row in (default, *rows)]
            ranges.append({
                "indicator": one.indicator, "row": name, "tier": tier, "share": shares[0],
                "low": min(shares), "high": max(shares),
            })  # fmt: skip
    return ranges


def _notes(result: "Sensitivity") -> tuple[str, ...]:
    """Say which choices have no answer."""
    missing = [
        f"{row.choice} {row.setting}: {row.why}."
        for row in result.indicators[0].rows
        if row.effect == "not available"
    ]
    if len(missing) <= _FEW_NOTES:
        return tuple(missing)
    return (*missing[:_FEW_NOTES], f"In all, {len(missing)} choices have no answer.")
