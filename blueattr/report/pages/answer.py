"""One account explained, as one HTML file that loads nothing and runs nothing."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from blueattr.atomic import write
from blueattr.report.citation import citation
from blueattr.report.figures.charts.drawing import Drawing
from blueattr.report.figures.posts import posts_layout
from blueattr.report.formats.html import environment, table_layout
from blueattr.report.pages.layout import exhibit_layout, style_of_pages
from blueattr.report.pages.notebook import figures_of, report_of
from blueattr.report.provenance import synthetic_banner
from blueattr.report.tables import Report, Table
from blueattr.studies.carriers.leaders import Leaders
from blueattr.studies.carriers.why import WhyResult

__all__ = ["answer_html", "write_answer"]


def answer_html(result: WhyResult) -> str:
    """Lay out why an account has its value, as a page.

    Parameters
    ----------
    result
        Of one account.

    Returns
    -------
    str
        HTML that needs nothing else, under the security policy of every page.
    """
    report, origin = report_of(result), result.provenance
    style, digest = style_of_pages()
    exhibits = [make() for make in figures_of(result).values()]
    shown = [exhibit for exhibit in exhibits if exhibit is not None]
    # What stands behind a figure is not shown twice; posts are shown with their links.
    behind = {exhibit.report.tables[0].name for exhibit in shown} | {"posts"}
    tables = (*report.tables, *report.lists)
    question, title, *sentences = report.summary
    html: str = environment().get_template("answer.html.jinja").render(
        title=title.replace(" %", "\u00a0%"),
        question=question,
        sentences=(*sentences, *report.notes),
        banner=synthetic_banner(origin),
        warnings=report.warnings,
        exhibits=[
            exhibit_layout(
                exhibit, k, report.kind, prefix="r", draw=lambda spec: Drawing(spec).svg()
            )
            for k, exhibit in enumerate(shown, 1)
        ],
        tables=_laid_out(report, [table for table in tables if table.name not in behind]),
        people=_people(result),
        details=_laid_out(report, report.details),
        facts=report.facts,
        version=origin.version,
        citation=citation(origin.version),
        style=style,
        style_hash=digest,
    )  # fmt: skip
    return html


def _people(result: WhyResult) -> list[dict[str, Any]]:
    return posts_layout(Leaders(result.indicator, (result.account,)))


def _laid_out(report: Report, tables: Sequence[Table]) -> list[dict[str, Any]]:
    return [table_layout(table, f"{report.kind}-{table.name}") for table in tables]


def write_answer(result: WhyResult, path: Path) -> None:
    """Write the page of a result to a file, whole or not at all.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    write(path, answer_html(result).encode())
