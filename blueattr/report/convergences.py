"""Quadrature's convergence laid out as a report, beside the published end points."""

from typing import TYPE_CHECKING

from blueattr.report.attributions import aggregator_json, aggregator_text, weights_text
from blueattr.report.figures import plural, short
from blueattr.report.origin import (
    ORIGIN_COLUMNS,
    gap_warnings,
    origin_cells,
    origin_facts,
    origin_json,
    panel_table,
)
from blueattr.report.remarks import definition_json, origin_text
from blueattr.report.tables import Cell, Column, Fact, Json, Report, Table

if TYPE_CHECKING:  # the arithmetic need not be imported to lay out its results
    from blueattr.convergence import Convergence, ConvergenceSeries

__all__ = ["convergence_report"]

_ROUNDING = 1e-12  # as blueattr.convergence.ROUNDING
_HEAT_NOTES = (
    (
        "order: how fast the error falls from the row above. The law of the midpoint rule is 2; "
        "near M = 2, where the integrand ends level, its leading error vanishes and 4 is seen."
    ),
    "The error depends on M and K alone.",
)


def convergence_report(result: "Convergence") -> Report:
    """Lay out quadrature's convergence.

    Parameters
    ----------
    result
        What `blueattr.convergence.convergence` gives.

    Returns
    -------
    Report
        For people one table per indicator and the provenance; as data one row per indicator and
        number of steps; as JSON everything.
    """
    tables = [_table(series, result) for series in result.series]
    if result.provenance.panel:
        tables.append(panel_table(result.provenance.panel))
    m_a, m_b, m_c = (short(mean) for mean in result.means)
    return Report(
        kind="convergence",
        summary=tuple(_sentence(series) for series in result.series),
        tables=tuple(tables),
        facts=(
            Fact("method", "Aumann-Shapley value, midpoint quadrature with K steps"),
            Fact("error", "sum of |difference| over all agents, relative to the sum of |value|"),
            *(
                Fact("indicator", f"{series.indicator}: {origin_text(series.info)}")
                for series in result.series
                if series.info is not None
            ),
            Fact("agents", plural(result.n_agents, "agent")),
            Fact("aggregator", aggregator_text(result.aggregator)),
            Fact(
                "feature means",
                f"a {m_a}, b {m_b}, c {m_c}; their product M is {short(result.moment)}",
            ),
            *origin_facts(result.provenance),
        ),
        warnings=gap_warnings(result.provenance.gaps),
        data=_tidy(result),
        content=_content(result),
    )


def _sentence(series: "ConvergenceSeries") -> str:
    first, last = series.rows[0], series.rows[-1]
    if series.order is None:
        if max(row.error for row in series.rows) <= _ROUNDING:
            return f"Of {series.indicator}, quadrature is exact for every K, up to rounding."
        return f"Of {series.indicator}, the error is {short(first.error)} with K = {first.steps:,}."
    return (
        f"Of {series.indicator}, the error falls from {short(first.error)} with K = "
        f"{first.steps:,} to {short(last.error)} with K = {last.steps:,}, as 1/K to the power "
        f"{series.order:.3f}."
    )


def _table(series: "ConvergenceSeries", result: "Convergence") -> Table:
    heat = series.rows[0].predicted is not None
    columns = [
        Column("steps", "K", "int"),
        Column("error", "error", "figure"),
        Column("order", "order", "figure"),
    ]
    notes = []
    if series.reference_steps:
        fine = plural(series.reference_steps, "step")
        notes.append(f"{series.indicator} has no closed form: compared with {fine}.")
    if series.same:
        notes.append("A sum over pairs: K midpoints average to its closed form, for every K.")
    elif series.order is None:
        notes.append("No order: what is left is rounding, or there is one K.")
    if heat:
        columns.append(Column("predicted", "error at M = 0.52", "figure"))
        columns.append(Column("published", "published", "figure"))
        notes.extend(_HEAT_NOTES)
        notes.append(
            f"M is {short(result.moment)} on this panel; the published numbers are of one topic "
            "with n = 10,000, and follow for M from 0.511 to 0.525."
        )
    rows: list[tuple[Cell, ...]] = []
    for row in series.rows:
        cells: tuple[Cell, ...] = (
            row.steps,
            f"{row.error:.2e}",
            None if row.order is None else f"{row.order:.3f}",
        )
        if heat:
            predicted, published = row.predicted, row.published
            cells += (
                None if predicted is None else f"{predicted:.2e}",
                None if published is None else f"{published:.1e}",
            )
        rows.append(cells)
    return Table(
        name="convergence",
        title=f"{series.indicator}: relative L1 error of K-step quadrature",
        columns=tuple(columns),
        rows=tuple(rows),
        notes=tuple(notes),
    )


def _content(result: "Convergence") -> dict[str, Json]:
    m_a, m_b, m_c = result.means
    return {
        "n_agents": result.n_agents,
        "steps": list(result.steps),
        "aggregator": aggregator_json(result.aggregator),
        "means": {"a": m_a, "b": m_b, "c": m_c},
        "moment": result.moment,
        "series": [
            {
                "indicator": series.indicator,
                "definition": definition_json(series.info),
                "reference_steps": series.reference_steps,
                "order": series.order,
                "same": series.same,
                "rows": [
                    {
                        "steps": row.steps,
                        "error": row.error,
                        "order": row.order,
                        "predicted": row.predicted,
                        "published": row.published,
                    }
                    for row in series.rows
                ],
            }
            for series in result.series
        ],
        **origin_json(result.provenance),
    }


_TIDY_COLUMNS = (
    Column("indicator", "indicator"),
    Column("steps", "K", "int"),
    Column("error", "error", "float"),
    Column("order", "order", "float"),
    Column("predicted", "error at M = 0.52", "float"),
    Column("published", "published", "float"),
    Column("reference_steps", "reference K", "int"),
    Column("n_agents", "n", "int"),
    Column("moment", "M", "float"),
    Column("aggregator", "aggregator"),
    Column("weights", "weights"),
    *ORIGIN_COLUMNS,
)


def _tidy(result: "Convergence") -> Table:
    common: tuple[Cell, ...] = (
        result.n_agents,
        result.moment,
        result.aggregator.name,
        weights_text(result.aggregator),
        *origin_cells(result.provenance),
    )
    rows = tuple(
        (
            *(series.indicator, row.steps, row.error, row.order, row.predicted, row.published),
            series.reference_steps,
            *common,
        )
        for series in result.series
        for row in series.rows
    )
    return Table("convergence", "", _TIDY_COLUMNS, rows)
