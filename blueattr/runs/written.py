"""The files of a run's report."""

from pathlib import Path
from typing import TYPE_CHECKING, get_args

from blueattr.atomic import write
from blueattr.report import comparison_report, render
from blueattr.report.figures.charts.drawing import PictureFormat
from blueattr.report.pages.file_names import report_name
from blueattr.report.pages.gallery import write_report
from blueattr.runs.history.index import INDEX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blueattr.report.pages.gallery import Form
    from blueattr.studies.topic import TopicReport

__all__ = ["COMPARISON", "write_files"]


COMPARISON = "-comparison.json"
"""What ends the names of the files that every report has, one a topic."""


def write_files(
    reports: "Sequence[TopicReport]",
    forms: "Sequence[Form]",
    folder: Path,
    width: float | None = None,
) -> None:
    """Write reports of topics into a folder, and the comparison of scales of each as JSON.

    Parameters
    ----------
    reports
        One a topic.
    forms
        ``html``: one page; the others: a file for each figure.
    folder
        An empty one.
    width
        Of figures in print, in millimetres, if not by default.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    for form in forms:
        place = folder / INDEX if form == "html" else folder
        write_report(reports, place, form, width if form in get_args(PictureFormat) else None)
    for report in reports:
        origin = report.provenance
        stem = report_name(origin) if origin.topic is not None else "all"
        write(folder / f"{stem}{COMPARISON}", render(comparison_report(report.comparison), "json"))
