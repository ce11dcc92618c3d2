"""What every page has: its style sheet, and figures with their words and data."""

import base64
import hashlib
from collections.abc import Callable
from importlib import resources
from typing import Any

from markupsafe import Markup

from blueattr.report.figures.charts.drawing import Spec
from blueattr.report.figures.charts.theme import PAGE, PAGE_NARROW
from blueattr.report.figures.exhibit import Exhibit
from blueattr.report.formats.html import table_layout
from blueattr.report.formats.tabular import csv_bytes
from blueattr.report.provenance import ORIGIN
from blueattr.report.tables import Report, Table

__all__ = ["exhibit_layout", "style_of_pages"]


# Most bytes of data that a page carries for one figure; larger data need CSV, JSON or Parquet.
_MOST_DATA = 200_000


def style_of_pages() -> tuple[Markup, str]:
    """Return the style sheet of pages, and its digest for their security policy."""
    style = (resources.files("blueattr.report") / "templates/page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return Markup(style), f"sha256-{digest}"  # noqa: S704 - a file of this package


def exhibit_layout(
    exhibit: Exhibit, number: int, topic: str, *, prefix: str, draw: Callable[[Spec], str]
) -> dict[str, Any]:
    """Lay out a figure for the template, with its data where they are not too large.

    Parameters
    ----------
    exhibit, number
        The figure, and its number on the page.
    topic
        What the name of its file of data begins with.
    prefix
        What its ids in the page begin with.
    draw
        Draws a specification as SVG.
    """
    data = exhibit.report.data
    assert data is not None  # noqa: S101 - an exhibit's report always has data
    bare = Report(data.name, (), data=_without_origin(data))
    content = csv_bytes(bare)
    fits = len(content) <= _MOST_DATA
    encoded = base64.b64encode(content).decode() if fits else ""
    # The drawing library has escaped all text in a figure.
    wide, narrow = (Markup(draw(exhibit.chart(look))) for look in (PAGE, PAGE_NARROW))  # noqa: S704
    return {
        "id": f"{prefix}-figure-{exhibit.name}",
        "number": number,
        "caption": exhibit.caption,
        "alt": exhibit.alt,
        "wide": wide,
        "narrow": narrow,
        "table": table_layout(
            exhibit.report.tables[0], f"{prefix}-table-{exhibit.name}",
            grouped=exhibit.name.startswith(("tier-shares", "share-by-size")),
        ),
        "file": f"{topic}-{exhibit.name}.csv",
        "csv": Markup("data:text/csv;charset=utf-8;base64," + encoded) if fits else "",  # noqa: S704 - base64
    }  # fmt: skip


def _without_origin(table: Table) -> Table:
    """Leave out the columns that are equal in every row: the page has them once."""
    keep = len(table.columns) - len(ORIGIN.columns())
    return Table(table.name, "", table.columns[:keep], tuple(row[:keep] for row in table.rows))
