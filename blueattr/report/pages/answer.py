"""One result, as an account explained, as one HTML file that loads nothing and runs nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blueattr.atomic import write
from blueattr.provenance import Provenance
from blueattr.report.citation import citation
from blueattr.report.figures.charts.drawing import Drawing
from blueattr.report.figures.exhibit import Exhibit
from blueattr.report.figures.posts import posts_layout
from blueattr.report.formats.html import environment, table_layout
from blueattr.report.pages.layout import exhibit_layout, style_of_pages
from blueattr.report.pages.notebook import figures_of, report_of
from blueattr.report.provenance import synthetic_banner
from blueattr.report.tables import Report, Table
from blueattr.studies.carriers.leaders import Leaders
from blueattr.studies.carriers.why import WhyResult

__all__ = ["OneResult", "answer_html", "one_result_html", "write_answer"]


@dataclass(frozen=True)
class OneResult:
    """What the page of one result has.

    Parameters
    ----------
    report
        The result laid out: its warnings, details and facts are shown.
    origin
        Where it comes from.
    question, title
        The lines above everything else.
    sentences
        The answer.
    exhibits, tables
        Below it, in this order.
    people
        Accounts with their posts.
    """

    report: Report
    origin: Provenance
    question: str
    title: str
    sentences: tuple[str, ...]
    exhibits: tuple[Exhibit, ...]
    tables: tuple[Table, ...]
    people: tuple[dict[str, Any], ...] = ()


def one_result_html(page: OneResult) -> str:
    """Lay out the page of one result.

    Returns
    -------
    str
        HTML that needs nothing else, under the security policy of every page.
    """
    report, origin = page.report, page.origin
    style, digest = style_of_pages()
    html: str = environment().get_template("answer.html.jinja").render(
        title=page.title.replace(" %", "\u00a0%"),
        question=page.question,
        sentences=page.sentences,
        banner=synthetic_banner(origin),
        warnings=report.warnings,
        exhibits=[
            exhibit_layout(
                exhibit, k, report.kind, prefix="r", draw=lambda spec: Drawing(spec).svg()
            )
            for k, exhibit in enumerate(page.exhibits, 1)
        ],
        tables=_laid_out(report, page.tables),
        people=page.people,
        details=_laid_out(report, report.details),
        facts=report.facts,
        version=origin.version,
        citation=citation(origin.version),
        style=style,
        style_hash=digest,
    )  # fmt: skip
    return html


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
    report = report_of(result)
    exhibits = [make() for make in figures_of(result).values()]
    shown = tuple(exhibit for exhibit in exhibits if exhibit is not None)
    # What stands behind a figure is not shown twice; posts are shown with their links.
    behind = {exhibit.report.tables[0].name for exhibit in shown} | {"posts"}
    tables = (*report.tables, *report.lists)
    question, title, *sentences = report.summary
    return one_result_html(
        OneResult(
            report=report,
            origin=result.provenance,
            question=question,
            title=title,
            sentences=(*sentences, *report.notes),
            exhibits=shown,
            tables=tuple(table for table in tables if table.name not in behind),
            people=tuple(_people(result)),
        )
    )


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
