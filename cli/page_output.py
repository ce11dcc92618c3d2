"""The options of commands whose answer can also be a page."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from blueattr.cli.options import DetailedOutputOptions
from blueattr.cli.output import check_out, check_page, is_page, say

if TYPE_CHECKING:
    from blueattr.studies.carriers.why import WhyResult

__all__ = ["PageOutputOptions"]


PageOut: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE",
        help="Write to a .html (a page), .txt, .json, .csv, .md, .tex or .parquet file.",
        show_default=False,
    ),
]


@dataclass
class PageOutputOptions(DetailedOutputOptions):
    """The same, or a page."""

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

    def emit_page(self, result: "WhyResult") -> None:
        """Write the page of an account."""
        from blueattr.report.pages.answer import write_answer

        assert self.out is not None  # noqa: S101 - a page has a name
        write_answer(result, self.out)
        say(f"written: {self.out}")
