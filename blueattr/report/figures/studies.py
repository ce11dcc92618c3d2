"""Figures of studies: how sure tier shares are, and how they change under other choices."""

from typing import TYPE_CHECKING, Any

from blueattr.report.fields import Fields
from blueattr.report.figures import charts
from blueattr.report.figures.exhibit import Exhibit, data_report, rows_of
from blueattr.report.numbers import percent
from blueattr.report.results.bootstraps import INTERVAL
from blueattr.report.results.sensitivities import CHOICE
from blueattr.report.results.shared_fields import INDICATOR, TIER
from blueattr.report.tables import Cell, Table

if TYPE_CHECKING:
    from blueattr.studies.bootstrap import Bootstrap
    from blueattr.studies.sensitivity import Sensitivity

__all__ = ["bootstrap_exhibit", "sensitivity_exhibit"]


_SHARE: Fields[Any] = Fields(TIER["tier"], TIER["share"])
_INTERVAL_COLUMNS = (
    *INDICATOR.columns(),
    *_SHARE.columns(),
    INTERVAL["low"].column(),
    INTERVAL["high"].column(),
    INTERVAL["std_error"].column(heading="standard error"),
)
_CHOICE_COLUMNS = (*INDICATOR.columns(), *CHOICE.columns(), *_SHARE.columns())


def bootstrap_exhibit(result: "Bootstrap") -> Exhibit:
    """Show tier shares with their confidence intervals."""
    rows: list[tuple[Cell, ...]] = [
        (*INDICATOR.cells(one), *INTERVAL.cells(part))
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
    points = [{**row, "row": row["tier"]} for row in rows_of(_INTERVAL_COLUMNS, rows)]
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
        chart=lambda look: charts.dots_chart(points, tiers, look),
    )


def sensitivity_exhibit(result: "Sensitivity") -> Exhibit | None:
    """Show tier shares under each choice."""
    rows: list[tuple[Cell, ...]] = [
        (*INDICATOR.cells(one), *CHOICE.cells(row), *_SHARE.cells(part))
        for one in result.indicators
        for row in one.rows
        for part in row.tiers
    ]
    if not rows:
        return None
    tiers = list(dict.fromkeys(str(row[4]) for row in rows))
    table = Table("choices", "Tier shares by choice", _CHOICE_COLUMNS, tuple(rows))
    points = [
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
        chart=lambda look: charts.dots_chart(points, tiers, look),
    )
