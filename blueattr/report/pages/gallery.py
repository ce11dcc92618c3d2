"""Figures of reports as files of their own: pictures for a paper, or the data behind each."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from blueattr.atomic import write, write_files
from blueattr.errors import UsageError
from blueattr.report.figures.agents import leaders_report
from blueattr.report.figures.charts.drawing import PictureFormat
from blueattr.report.figures.charts.printing import printed
from blueattr.report.figures.posts import records_report
from blueattr.report.figures.scales import flips_exhibit
from blueattr.report.figures.topic import topic_data, topic_exhibits
from blueattr.report.formats.render import render
from blueattr.report.pages.dataset import write_dataset
from blueattr.report.pages.file_names import file_name, report_name
from blueattr.report.pages.page import write_page
from blueattr.user_path import refuse_address

if TYPE_CHECKING:
    from blueattr.report.figures.exhibit import Exhibit
    from blueattr.report.tables import Report
    from blueattr.studies.topic import TopicReport

__all__ = ["Form", "check_target", "write_report"]


Form: TypeAlias = Literal[
    "html", "png", "svg", "pdf", "json", "csv", "parquet", "md", "tex", "datasette"
]


def check_target(out: Path, form: Form, width: float | None = None) -> None:
    """Check that a report of this form can be written to a place.

    Parameters
    ----------
    out
        A folder; for a page also a file that ends in .html.
    form
        One page, or one file for each figure in a format for pictures or for data.
    width
        Of pictures in millimetres; None for what each needs.

    Raises
    ------
    UsageError
        It is another kind of file, or a file where several are to be written; or what has a width
        is no picture.
    OutputError
        It is an address.
    """
    refuse_address(out)
    if width is not None and form not in get_args(PictureFormat):
        pictures = ", ".join(get_args(PictureFormat))
        raise UsageError(f"--width is for figures; choose --format {pictures}, not {form}")
    suffix = out.suffix.lower()
    if suffix == ".html" and form != "html":
        raise UsageError(f"each figure is a file of its own; name a folder for them, not {out}")
    if suffix.removeprefix(".") in {*get_args(Form), "txt", "sqlite"} - {"html"}:
        raise UsageError(f"a report goes to a folder or to a .html file, not to {out}")


def write_report(
    reports: "Sequence[TopicReport]", out: Path, form: Form = "html", width: float | None = None
) -> tuple[Path, ...]:
    """Write reports as one page, or each of their figures by itself.

    Parameters
    ----------
    reports
        One topic, or several of one panel and window.
    out, form, width
        As for `check_target`; a folder is made where there is none.

    Returns
    -------
    tuple of Path
        The files, each whole: ``<topic>.html``, ``<topic>-<figure>.<form>`` for each figure, or
        ``<topic>.sqlite`` and ``<topic>-metadata.json``.

    Raises
    ------
    UsageError
        As `check_target`.
    OutputError
        When a folder cannot be made or a file cannot be written; then nothing is there that was
        not there before.
    """
    check_target(out, form, width)
    names = [report_name(report.provenance) for report in reports]
    stem = names[0] if len(reports) == 1 else "all-topics"

    def fill(folder: Path) -> Sequence[Path]:
        if form == "html":
            write_page(reports, folder / f"{stem}.html")
            return (folder / f"{stem}.html",)
        if form == "datasette":
            return write_dataset(reports, folder, stem)
        written = []
        if form == "png" or form == "svg" or form == "pdf":  # noqa: PLR1714 - for the type checker
            for name, exhibit, shown in _figures(reports, names):
                written.append(folder / f"{name}.{form}")
                printed(exhibit, [one.comparison for one in shown], width).save(written[-1])
        else:
            for name, report in _data(reports, names):
                written.append(folder / f"{name}.{form}")
                write(written[-1], render(report, form))
        return written

    if form == "html" and out.suffix.lower() == ".html":
        write_page(reports, out)
        return (out,)
    return write_files(out, fill)


def _figures(
    reports: "Sequence[TopicReport]",
    names: Sequence[str],
    of_topic: "Callable[[TopicReport], tuple[Exhibit, ...]]" = topic_exhibits,
) -> "Iterator[tuple[str, Exhibit, Sequence[TopicReport]]]":
    """Yield each figure, the stem of its file's name, and the reports that it shows."""
    overview = flips_exhibit([r.comparison for r in reports]) if len(reports) > 1 else None
    if overview is not None:
        yield f"all-topics-{overview.name}", overview, reports
    for report, name in zip(reports, names, strict=True):
        for exhibit in of_topic(report):
            yield f"{name}-{exhibit.name}", exhibit, (report,)


def _data(reports: "Sequence[TopicReport]", names: Sequence[str]) -> "Iterator[tuple[str, Report]]":
    for stem, exhibit, _ in _figures(reports, names, topic_data):
        yield stem, exhibit.report
    for report, name in zip(reports, names, strict=True):
        for leaders in report.leaders:
            stem = f"{name}-leaders-{file_name(leaders.indicator)}"
            yield stem, leaders_report(leaders, report.provenance)
            posts = records_report(leaders, report.provenance)
            if posts is not None:
                yield f"{name}-records-{file_name(leaders.indicator)}", posts
