"""An exhibit: a figure with its words, the data behind it and a function that draws it.

An exhibit is a pure function of a result. Its data are tidy, so that CSV, Parquet and JSON carry
them unchanged; its table shows the same to people.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from blueattr.provenance import spell_window
from blueattr.report.fields import Field, Fields
from blueattr.report.figures.charts.drawing import Spec
from blueattr.report.figures.charts.theme import Look, Row, with_note
from blueattr.report.formats.json import table_json
from blueattr.report.parts.answer import about
from blueattr.report.provenance import (
    ORIGIN,
    origin_json,
    origin_warnings,
    so_far,
    synthetic_mark,
)
from blueattr.report.tables import Cell, Column, Fact, Report, Table

if TYPE_CHECKING:
    from blueattr.provenance import Provenance

__all__ = ["FIGURE", "Exhibit", "data_report", "marked", "rows_of", "topic_title"]


_SHOWN = "The same as the page shows it, and the notes below it."

FIGURE: Fields[Any] = Fields(
    Field("data", "The rows of the CSV file."),
    Field("table", _SHOWN),
    Field("table_notes", _SHOWN),
    Field("topics", "Where each topic's rows come from."),
)
"""What the JSON form of every figure has."""


@dataclass(frozen=True)
class Exhibit:
    """A figure with its title, caption and data.

    Parameters
    ----------
    name
        Of its file.
    title
        What the figure is about.
    caption
        How to read it.
    alt
        What it shows, for readers who cannot see it.
    report
        The data behind it; its table is for people.
    chart
        Returns the specification of its chart in a look.
    """

    name: str
    title: str
    caption: str
    alt: str
    report: Report
    chart: Callable[[Look], Spec]


def marked(
    origin: "Provenance", chart: Callable[[Look], Spec], note: tuple[str, ...] = ()
) -> Callable[[Look], Spec]:
    """Let a chart of synthetic data say so in every form that it is drawn in.

    Parameters
    ----------
    note
        What else is to stand below the chart, in short lines that may be joined.
    """
    mark = synthetic_mark(origin)
    return chart if not mark and not note else lambda look: with_note(chart(look), mark, note, look)


def topic_title(origin: "Provenance") -> str:
    """Return the title of what a report is about."""
    words = about(origin)
    # The name of a topic or a file stays as somebody wrote it.
    return words if origin.topic is not None or words == origin.source else words.capitalize()


def _origin_in_short(origin: "Provenance") -> tuple[Fact, ...]:
    facts = [Fact("about", topic_title(origin))]
    if origin.window is not None:
        facts.append(Fact("window", spell_window(origin.window) + so_far(origin)))
    return (*facts, Fact("source", origin.source), Fact("blueattr", origin.version))


def rows_of(columns: Sequence[Column], rows: Sequence[tuple[Cell, ...]]) -> list[Row]:
    """Return each row as a dictionary by column names."""
    names = [column.name for column in columns]
    return [dict(zip(names, row, strict=True)) for row in rows]


def data_report(
    name: str,
    columns: Sequence[Column],
    rows: Sequence[tuple[Cell, ...]],
    table: Table,
    origin: "Provenance",
    *,
    origins: "Sequence[Provenance] | None" = None,
) -> Report:
    """Return a report with the data behind a figure and its table for people.

    Parameters
    ----------
    name
        Its kind in JSON.
    columns, rows
        The tidy data.
    table
        The same for people.
    origin
        Once in JSON, and in every row of CSV and Parquet.
    origins
        The origin of each row, where rows are of several topics.
    """
    cells = [ORIGIN.cells(one) for one in origins or [origin] * len(rows)]
    return Report(
        kind=name,
        tables=(table,),
        facts=_origin_in_short(origin) if origins is None else (),
        warnings=origin_warnings(origin),
        data=Table(
            name,
            "",
            (*columns, *ORIGIN.columns()),
            tuple((*row, *more) for row, more in zip(rows, cells, strict=True)),
        ),
        content={
            "title": table.title,
            "table": table_json(table),
            "table_notes": list(table.notes),
            "data": table_json(Table(name, "", tuple(columns), tuple(rows))),
            **(
                origin_json(origin)
                if origins is None
                else {"topics": [origin_json(one) for one in dict.fromkeys(origins)]}
            ),
        },
    )
