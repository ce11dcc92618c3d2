"""How a result shows itself: as text, as HTML in a notebook, as a frame, as a figure."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Drawer", "Presented", "draw_with"]


class Drawer(Protocol):
    """The module that shows results: `blueattr.report.pages.notebook`."""

    def html_of(self, result: Any, /) -> str:
        """Return a result as HTML without script."""

    def text_of(self, result: Any, /) -> str:
        """Return the text that a command prints of a result, 80 columns wide."""

    def frame_of(self, result: Any, /) -> "pl.DataFrame":
        """Return a result as a tidy frame."""

    def drawing_of(self, result: Any, figure: str | None, width: str | None, /) -> Any:
        """Draw a figure of a result, by default the first, of a width in print."""


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

    def __str__(self) -> str:
        """Return the text that a command prints, 80 columns wide."""
        return _drawer().text_of(self)

    def __repr__(self) -> str:
        """Return the result in short: what it is about, and of how many agents."""
        return f"{type(self).__name__}({', '.join(self._in_short())})"

    def _in_short(self) -> Iterator[str]:
        """Yield what tells this result from others, by the fields that most of them have."""
        result: Any = self
        parts = getattr(result, "indicators", ())
        yield from (part.indicator for part in parts)
        if hasattr(result, "indicator"):
            yield result.indicator
        topic = result.provenance.topic
        if topic is not None:
            yield topic.name
        yield f"{result.n_agents:,} agents"

    def _repr_html_(self) -> str:
        """Return sentences, tables and a figure as HTML without script, for a notebook."""
        return _drawer().html_of(self)

    def to_polars(self) -> "pl.DataFrame":
        """Return the result as a tidy frame, one row per row of its CSV and Parquet forms.

        Returns
        -------
        polars.DataFrame
            docs/numbers.md describes its columns.
        """
        return _drawer().frame_of(self)

    def plot(self, figure: str | None = None, *, width: str | None = None) -> Any:
        """Draw the result.

        Parameters
        ----------
        figure
            The name of a figure; by default, the first.
        width
            Its width in print, such as ``"85mm"`` or ``"3.35in"``; 70 to 500 mm.

        Returns
        -------
        blueattr.report.figures.charts.drawing.Drawing
            A notebook shows it; ``.save("figure.pdf")``, ``.svg`` or ``.png`` writes it, ``.spec``
            is its Vega-Lite specification.

        Raises
        ------
        UsageError
            The result has no such figure, and the message names those it has; or `width` is none.
        """
        return _drawer().drawing_of(self, figure, width)
