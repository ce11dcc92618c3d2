"""How a result shows itself in a notebook: as HTML, as a frame, as a figure."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Drawer", "Presented", "draw_with"]


class Drawer(Protocol):
    """The module that shows results: `blueattr.report.pages.notebook`."""

    def html_of(self, result: Any, /) -> str:
        """Return a result as HTML without script."""

    def frame_of(self, result: Any, /) -> "pl.DataFrame":
        """Return a result as a tidy frame."""

    def drawing_of(self, result: Any, figure: str | None, /) -> Any:
        """Draw a figure of a result; by default, the first."""


_load: list[Callable[[], Drawer]] = []


def draw_with(load: Callable[[], Drawer]) -> None:
    """Set the drawer, which shows results.

    Parameters
    ----------
    load
        Returns the drawer. It is called only when a result is shown, so that arithmetic does not
        load a charting library.
    """
    _load[:] = [load]


def _drawer() -> Drawer:
    return _load[0]()


class Presented:
    """A result that a notebook can show; the drawer decides how it looks."""

    def _repr_html_(self) -> str:
        """Return sentences, tables and a figure as HTML without script, for a notebook."""
        return _drawer().html_of(self)

    def to_polars(self) -> "pl.DataFrame":
        """Return the result as a tidy frame, one row per row of its CSV and Parquet forms.

        Returns
        -------
        polars.DataFrame
            docs/methods.md describes its columns.
        """
        return _drawer().frame_of(self)

    def plot(self, figure: str | None = None) -> Any:
        """Draw the result.

        Parameters
        ----------
        figure
            The name of a figure; by default, the first.

        Returns
        -------
        blueattr.report.figures.drawing.Drawing
            A notebook shows it; ``.save("figure.png")`` or ``.svg`` writes it, ``.spec`` is its
            Vega-Lite specification.

        Raises
        ------
        UsageError
            The result has no such figure; the message names those it has.
        """
        return _drawer().drawing_of(self, figure)
