"""Figures of agents: how concentrated an attribution is, and who has the largest."""

from typing import TYPE_CHECKING, Any

from blueattr.report.fields import Field, Fields
from blueattr.report.figures.charts import charts
from blueattr.report.figures.exhibit import Exhibit, data_report, marked, rows_of
from blueattr.report.numbers import percent, plural
from blueattr.report.parts.shared_fields import INDICATOR, LEADER, TIER
from blueattr.report.tables import Cell, Column, Report, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blueattr.provenance import Provenance
    from blueattr.studies.carriers.leaders import Leaders
    from blueattr.studies.topic import Concentration

__all__ = ["CURVE", "RANK", "concentration_exhibit", "leaders_report"]


# Of the agents, these parts are named in the table and labelled in the figure.
_LANDMARKS = (0.0001, 0.001, 0.01, 0.1, 0.5)
_LABELLED = (0.001, 0.01, 0.1)


CURVE: Fields[Any] = Fields(
    INDICATOR["indicator"],
    TIER["agents"],
    Field("part", "`agents` / n.", "share", heading="part of the panel"),
    TIER["share"],
)
_CURVE_COLUMNS = CURVE.columns()

RANK: Fields[int] = Fields(Field("rank", "From 1, by descending value.", "int"))


def concentration_exhibit(
    curves: "Sequence[Concentration]", origin: "Provenance", suffix: str = ""
) -> Exhibit | None:
    """Show how much the agents with the largest attribution carry."""
    if not curves:
        return None
    n_agents = curves[0].n_agents
    landmarks = {
        part: count for part in _LANDMARKS if 1 <= (count := round(n_agents * part)) < n_agents
    }
    # On a small panel several parts are the same few agents; the largest part names them.
    landmarks = {
        part: count for count, part in {count: part for part, count in landmarks.items()}.items()
    }
    rows = [
        (curve.indicator, agents, agents / n_agents, share)
        for curve in curves
        for agents, share in zip(curve.agents, curve.shares, strict=True)
    ]
    by_agents = [dict(zip(curve.agents, curve.shares, strict=True)) for curve in curves]
    text_rows: list[tuple[Cell, ...]] = [
        (f"{100 * part:g} %", count, *(percent(shares.get(count)) for shares in by_agents))
        for part, count in landmarks.items()
    ]
    table = Table(
        name="concentration",
        title="Cumulative share of the agents with the largest attribution",
        columns=(
            Column("part", "of the agents", "figure"),
            Column("agents", "agents", "int"),
            *(Column(curve.indicator, curve.indicator, "figure") for curve in curves),
        ),
        rows=tuple(text_rows),
        notes=tuple(
            f"Half of {curve.indicator} is carried by {plural(curve.half, 'agent')}, "
            f"{_fine_percent(curve.half / n_agents)} of all."
            for curve in curves
        ),
    )
    labelled = {landmarks[part] for part in _LABELLED if part in landmarks}
    points = [
        {**row, "landmark": row["agents"] in labelled} for row in rows_of(_CURVE_COLUMNS, rows)
    ]
    alt = " ".join(table.notes)
    return Exhibit(
        name=f"concentration{suffix}",
        title="How concentrated it is",
        caption="A Lorenz curve read from the top: how much the accounts with the largest values "
        "carry together, against the part of all accounts that they are (logarithmic axis). "
        "Dashed: the curve if all accounts had the same share.",
        alt=f"Lines of cumulative share. {alt}",
        report=data_report("concentration", _CURVE_COLUMNS, rows, table, origin),
        chart=marked(origin, lambda look: charts.concentration_chart(points, look)),
    )


def _fine_percent(fraction: float) -> str:
    return f"{100 * fraction:.2g} %" if fraction < 0.01 else percent(fraction)


def leaders_report(leaders: "Leaders", origin: "Provenance") -> Report:
    """Lay out the agents with the largest attribution of one indicator."""
    columns = (*INDICATOR.columns(), *RANK.columns(), *LEADER.columns())
    rows = tuple(
        (leaders.indicator, rank, *LEADER.cells(agent))
        for rank, agent in enumerate(leaders.agents, 1)
    )
    table = Table(
        name="leaders",
        title=f"Accounts with the largest shares of {leaders.indicator}",
        columns=columns[1:],
        rows=tuple(row[1:] for row in rows),
        bars="share",
    )
    return data_report("leaders", columns, rows, table, origin)
