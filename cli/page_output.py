"""The options of commands whose answer can also be a page."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from blueattr.cli.options import DetailedOutputOptions, OutputOptions
from blueattr.cli.output import check_out, check_page, is_page, say
from blueattr.user_path import named_file

__all__ = ["OrPageOptions", "PageOutputOptions"]


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
            check_out(self.out, agents, self.form, or_page=True)
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
