"""The options of commands whose answer can also be a page or a figure."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from blueattr.cli.option_groups import DetailedOutputOptions, OutputOptions
from blueattr.cli.output import PAGE, check_out, check_page, is_page, say
from blueattr.user_path import named_file

if TYPE_CHECKING:
    from blueattr.report import Report

__all__ = ["FigureOutputOptions", "OrPageOptions", "PageOutputOptions"]


PageOut: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--out",
        parser=named_file,
        metavar="FILE",
        help="Write to a .html (a page), .txt, .json, .csv, .md, .tex or .parquet file.",
        show_default=False,
    ),
]


@dataclass
class OrPageOptions(OutputOptions):
    """Where the result goes, and in which format; or a page."""

    out: PageOut = None

    @property
    def is_page(self) -> bool:
        """Whether a page is asked for."""
        return is_page(self.out)

    def check(self, agents: Path | None = None) -> None:
        """Refuse files that could not be written."""
        if self.out is None or not self.is_page:
            check_out(self.out, agents, self.form, others=(PAGE,))
        else:
            check_page(self.out, self.form)
            check_out(None, agents)

    def emit_page(self, write: Callable[[Path], None]) -> None:
        """Write the page, by what writes it to a file."""
        assert self.out is not None  # noqa: S101 - a page has a name
        write(self.out)
        say(f"written: {self.out}")


@dataclass
class PageOutputOptions(OrPageOptions, DetailedOutputOptions):
    """The same, and whether text has every detail."""


# As of `blueattr.report.figures.charts.drawing.PictureFormat`, which is slow to import.
_PICTURES = (".png", ".svg", ".pdf")

FigureOut: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--out",
        parser=named_file,
        metavar="FILE",
        help="Write to a .png, .svg or .pdf (the figure), .txt, .json, .csv, .md, .tex or .parquet "
        "file.",
        show_default=False,
    ),
]


@dataclass
class FigureOutputOptions(DetailedOutputOptions):
    """Where the result goes, and in which format; or its figure."""

    out: FigureOut = None

    def check(self, agents: Path | None = None) -> None:
        """Refuse files that could not be written."""
        if self.out is not None and self.is_figure:
            check_page(self.out, self.form)
            check_out(None, agents)
        else:
            check_out(self.out, agents, self.form, others=_PICTURES)

    @property
    def is_figure(self) -> bool:
        """Whether the figure is asked for."""
        return self.out is not None and self.out.suffix.lower() in _PICTURES

    def emit_result(self, result: object, report: "Report") -> None:
        """Print or write a report of a result, or write the first figure of the result.

        Raises
        ------
        UsageError
            The figure has nothing to show.
        OutputError
            It cannot be written.
        """
        if self.out is None or not self.is_figure:
            self.emit(report)
            return
        from blueattr.report.pages.notebook import drawing_of

        drawing_of(result).save(self.out)
        say(f"written: {self.out}")
