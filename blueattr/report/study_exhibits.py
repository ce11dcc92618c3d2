"""Figures of studies: how sure tier shares are, and how they change under other choices."""

from typing import TYPE_CHECKING

from blueattr.report import charts
from blueattr.report.exhibits import Exhibit, data_report, rows_of
from blueattr.report.figures import percent
from blueattr.report.tables import Cell, Column, Table

if TYPE_CHECKING:  # the arithmetic need not be imported to lay out its results
    from blueattr.choices import Sensitivity
    from blueattr.resampling import Bootstrap

__all__ = ["bootstrap_exhibit", "sensitivity_exhibit"]

_INTERVAL_COLUMNS = (
    Column("indicator", "indicator"),
    Column("tier", "tier"),
    Column("share", "share", "share"),
    Column("low", "low", "share"),
    Column("high", "high", "share"),
    Column("std_error", "standard error", "share"),
)
_CHOICE_COLUMNS = (
    Column("indicator", "indicator"),
    Column("choice", "choice"),
    Column("setting", "setting"),
    Column("effect", "effect"),
    Column("tier", "tier"),
    Column("share", "share", "share"),
)


def bootstrap_exhibit(result: "Bootstrap") -> Exhibit:
    """Show tier shares with their confidence intervals."""
    rows: list[tuple[Cell, ...]] = [
        (one.indicator, part.tier, part.share, part.low, part.high, part.std_error)
        for one in result.indicators
        for part in one.tiers
    ]
    tiers = [part.tier for part in result.indicators[0].tiers]
    table = Table(
        name="intervals",
        title=f"Tier shares with {percent(result.level)} confidence intervals",
        columns=_INTERVAL_COLUMNS,
        rows=tuple(rows),
    )
    drawn = [{**row, "row": row["tier"]} for row in rows_of(_INTERVAL_COLUMNS, rows)]
    listed = "; ".join(
        f"{row['indicator']}, {row['tier']}: {percent(row['share'])}, {percent(row['low'])} to "
        f"{percent(row['high'])}"
        for row in drawn
    )
    return Exhibit(
        name="bootstrap",
        title="How sure the shares are",
        caption=f"Tier shares and their {percent(result.level)} intervals over "
        f"{result.resamples:,} resamples of the agents.",
        alt=f"Points with intervals. {listed}.",
        report=data_report("intervals", _INTERVAL_COLUMNS, rows, table, result.provenance),
        chart=lambda look: charts.dots_chart(drawn, tiers, look),
    )


def sensitivity_exhibit(result: "Sensitivity") -> Exhibit | None:
    """Show tier shares under each choice."""
    rows: list[tuple[Cell, ...]] = [
        (one.indicator, row.choice, row.setting, row.effect, part.tier, part.share)
        for one in result.indicators
        for row in one.rows
        for part in row.tiers
    ]
    if not rows:
        return None
    tiers = list(dict.fromkeys(str(row[4]) for row in rows))
    table = Table("choices", "Tier shares by choice", _CHOICE_COLUMNS, tuple(rows))
    drawn = [
        {**row, "row": " ".join(filter(None, (row["choice"], row["setting"]))),
         "low": None, "high": None}
        for row in rows_of(_CHOICE_COLUMNS, rows)
    ]  # fmt: skip
    return Exhibit(
        name="sensitivity",
        title="The same question under other choices",
        caption="Tier shares under the default and under each other choice.",
        alt="Points of tier shares, one row a choice; the table has every number.",
        report=data_report("choices", _CHOICE_COLUMNS, rows, table, result.provenance),
        chart=lambda look: charts.dots_chart(drawn, tiers, look),
    )
