"""Quadrature's convergence laid out as a report, with the published errors."""

from typing import TYPE_CHECKING

from blueattr.report.fields import Field, Fields, tidy_table
from blueattr.report.numbers import plural, short
from blueattr.report.parts.first_screen import MORE
from blueattr.report.parts.remarks import definition_json, origin_text
from blueattr.report.parts.shared_fields import (
    AGGREGATOR,
    AGGREGATOR_OBJECT,
    INDICATOR,
    MEANS_OBJECT,
    MOMENT,
    SIZE,
)
from blueattr.report.provenance import (
    ORIGIN,
    origin_facts,
    origin_json,
    origin_warnings,
    panel_tables,
)
from blueattr.report.results.attributions import aggregator_text, means_fact
from blueattr.report.tables import Cell, Fact, Json, Report, Table

if TYPE_CHECKING:
    from blueattr.studies.convergence import Convergence, ConvergenceRow, ConvergenceSeries

__all__ = ["PARTS", "REFERENCE", "ROW", "SAME", "convergence_report"]


PARTS: "Fields[Convergence]" = Fields(
    Field("series", "One object for each indicator."),
    Field("rows", "One object for each K."),
)
ROW: "Fields[ConvergenceRow]" = Fields(
    Field("steps", kind="int", heading="K"),
    Field("error", r"Σ\|φ^K_i - φ_i\| / Σ\|φ_i\| over all agents.", "float", "relative"),
    Field(
        "order",
        "log(e'/e) / log(K/K') from the row before; of a series the least-squares slope of "
        "-log(error) over log(K). The error falls as 1/K to this power.",
        "float",
    ),
    Field(
        "predicted",
        "For `heat`, the same error where M is 0.52.",
        "float",
        "relative",
        heading="error at M = 0.52",
    ),
    Field("published", "For `heat`, what the paper gives at this K.", "float", "relative"),
)
REFERENCE: "Fields[ConvergenceSeries]" = Fields(
    Field(
        "reference_steps",
        "K of the quadrature that stands for the exact value where there is no closed form.",
        "int",
        "steps",
    ),
)
SAME: "Fields[ConvergenceSeries]" = Fields(
    Field("order", kind="float"),
    Field("same", "Whether quadrature is the closed form, for every K.", "bool"),
)


_ROUNDING = 1e-12  # as blueattr.studies.convergence.ROUNDING

_HEAT_NOTES = (
    (
        "order: the power of 1/K by which the error falls from the row above. It is 2 for the "
        "midpoint rule; near M = 2, where the leading error vanishes, it is 4."
    ),
    "The error depends on M and K alone.",
)


def convergence_report(result: "Convergence") -> Report:
    """Lay out quadrature's convergence.

    Parameters
    ----------
    result
        The result of `blueattr.studies.convergence.convergence`.

    Returns
    -------
    Report
        For people one table per indicator and the provenance; as data one row per indicator and
        number of steps; as JSON everything.
    """
    tables = [_table(series, result) for series in result.series]
    return Report(
        kind="convergence",
        summary=tuple(_sentence(series) for series in result.series),
        tables=tuple(tables),
        details=panel_tables(result.provenance),
        more=MORE,
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
            means_fact(result),
            *origin_facts(result.provenance),
        ),
        warnings=origin_warnings(result.provenance),
        data=_tidy(result),
        content=_content(result),
    )


def _sentence(series: "ConvergenceSeries") -> str:
    first, last = series.rows[0], series.rows[-1]
    if series.order is None:
        if max(row.error for row in series.rows) <= _ROUNDING:
            return f"For {series.indicator}, quadrature is exact for every K, up to rounding."
        return (
            f"For {series.indicator}, the error is {short(first.error)} with K = {first.steps:,}."
        )
    return (
        f"For {series.indicator}, the error falls from {short(first.error)} with K = "
        f"{first.steps:,} to {short(last.error)} with K = {last.steps:,}, as 1/K to the power "
        f"{series.order:.3f}."
    )


def _table(series: "ConvergenceSeries", result: "Convergence") -> Table:
    heat = series.rows[0].predicted is not None
    columns = [
        ROW["steps"].column(),
        ROW["error"].column("figure"),
        ROW["order"].column("figure"),
    ]
    notes = []
    if series.reference_steps:
        fine = plural(series.reference_steps, "step")
        notes.append(f"{series.indicator} has no closed form: compared with {fine}.")
    if series.same:
        notes.append("A sum over pairs: quadrature equals the closed form for every K.")
    elif series.order is None:
        notes.append("No order: the errors are rounding, or there is only one K.")
    if heat:
        columns += [ROW["predicted"].column("figure"), ROW["published"].column("figure")]
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
    return {
        **SIZE.json(result),
        "steps": list(result.steps),
        **AGGREGATOR_OBJECT.json(result),
        **MEANS_OBJECT.json(result),
        "series": [
            {
                **INDICATOR.json(series),
                "definition": definition_json(series.info),
                **REFERENCE.json(series),
                **SAME.json(series),
                "rows": [ROW.json(row) for row in series.rows],
            }
            for series in result.series
        ],
        **origin_json(result.provenance),
    }


_TIDY = (
    ("series", INDICATOR),
    ("row", ROW),
    ("series", REFERENCE),
    ("result", SIZE),
    ("result", MOMENT),
    ("result", AGGREGATOR),
    ("origin", ORIGIN),
)


def _tidy(result: "Convergence") -> Table:
    rows = [
        {"series": series, "row": row, "result": result, "origin": result.provenance}
        for series in result.series
        for row in series.rows
    ]
    return tidy_table("convergence", _TIDY, rows)
