"""Figures of reports as files of their own: pictures for a paper, or the data behind each."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from blueattr.atomic import write
from blueattr.errors import OutputError, UsageError
from blueattr.report.figures.agents import leaders_report
from blueattr.report.figures.drawing import Drawing
from blueattr.report.figures.exhibit import topic_title
from blueattr.report.figures.scales import flips_exhibit
from blueattr.report.figures.theme import PAPER
from blueattr.report.figures.topic import topic_exhibits
from blueattr.report.formats.render import render
from blueattr.report.pages.page import slug, write_page

if TYPE_CHECKING:
    from blueattr.report.figures.exhibit import Exhibit
    from blueattr.report.tables import Report
    from blueattr.studies.topic import TopicReport

__all__ = ["Form", "check_target", "make_folder", "write_report"]


Form: TypeAlias = Literal["html", "png", "svg", "json", "csv", "parquet"]


def check_target(out: Path, form: Form) -> None:
    """Check that a report of this form can be written to a place.

    Parameters
    ----------
    out
        A folder; for a page also a file that ends in .html.
    form
        One page, or one file for each figure in a format for pictures or for data.

    Raises
    ------
    UsageError
        It is another kind of file, or a file where several are to be written.
    """
    suffix = out.suffix.lower()
    if suffix == ".html" and form != "html":
        raise UsageError(f"each figure is a file of its own; name a folder for them, not {out}")
    if suffix.removeprefix(".") in {*get_args(Form), "txt", "pdf"} - {"html"}:
        raise UsageError(f"a report goes to a folder or to a .html file, not to {out}")


def write_report(
    reports: "Sequence[TopicReport]", out: Path, form: Form = "html"
) -> tuple[Path, ...]:
    """Write reports as one page, or each of their figures by itself.

    Parameters
    ----------
    reports
        One topic, or several of one panel and window.
    out, form
        As for `check_target`; a folder is made where there is none.

    Returns
    -------
    tuple of Path
        The files, each whole: ``<topic>.html``, or ``<topic>-<figure>.<form>`` for each figure.

    Raises
    ------
    UsageError
        As `check_target`.
    OutputError
        When a folder cannot be made or a file cannot be written.
    """
    check_target(out, form)
    names = _names(reports)
    if form == "html":
        if out.suffix.lower() == ".html":
            path = out
        else:
            path = make_folder(out) / f"{names[0] if len(reports) == 1 else 'all-topics'}.html"
        write_page(reports, path)
        return (path,)
    folder = make_folder(out)
    written = []
    if form == "png" or form == "svg":  # noqa: PLR1714 - tells the type checker what is left
        for stem, exhibit in _figures(reports, names):
            written.append(folder / f"{stem}.{form}")
            Drawing(exhibit.chart(PAPER)).save(written[-1])
    else:
        for stem, report in _data(reports, names):
            written.append(folder / f"{stem}.{form}")
            write(written[-1], render(report, form))
    return tuple(written)


def make_folder(path: Path) -> Path:
    """Make a folder unless it exists.

    Raises
    ------
    OutputError
        It cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {path}: {error.strerror}") from None
    return path


def _names(reports: "Sequence[TopicReport]") -> list[str]:
    """Name each topic's files; two topics never share a name."""
    names: list[str] = []
    for report in reports:
        origin = report.provenance
        name = slug(origin.topic.name if origin.topic is not None else topic_title(origin))
        names.append(name if name not in names else f"{name}-{len(names) + 1}")
    return names


def _figures(
    reports: "Sequence[TopicReport]", names: Sequence[str]
) -> "Iterator[tuple[str, Exhibit]]":
    overview = flips_exhibit([r.comparison for r in reports]) if len(reports) > 1 else None
    if overview is not None:
        yield f"all-topics-{overview.name}", overview
    for report, name in zip(reports, names, strict=True):
        for exhibit in topic_exhibits(report):
            yield f"{name}-{exhibit.name}", exhibit


def _data(reports: "Sequence[TopicReport]", names: Sequence[str]) -> "Iterator[tuple[str, Report]]":
    for stem, exhibit in _figures(reports, names):
        yield stem, exhibit.report
    for report, name in zip(reports, names, strict=True):
        for leaders in report.leaders:
            stem = f"{name}-leaders-{slug(leaders.indicator)}"
            yield stem, leaders_report(leaders, report.provenance)
