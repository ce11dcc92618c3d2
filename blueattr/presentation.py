"""What every result can do in a notebook: show itself, give its frame, plot itself."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Presented"]


def _presenter() -> Any:
    # By name and when first asked: reports are made of results, so results cannot import them,
    # and arithmetic must not wait for a charting library.
    return import_module("blueattr.report.notebook")


class Presented:
    """A result that a notebook can show; how it looks is for the report package to say."""

    def _repr_html_(self) -> str:
        """Give what a notebook shows: sentences, tables and a figure, as HTML without script."""
        shown: str = _presenter().html_of(self)
        return shown

    def to_polars(self) -> "pl.DataFrame":
        """Give the result as a tidy frame, one row per row of its CSV and Parquet forms.

        Returns
        -------
        polars.DataFrame
            docs/methods.md says what its columns are.
        """
        frame: pl.DataFrame = _presenter().frame_of(self)
        return frame

    def plot(self, figure: str | None = None) -> Any:
        """Draw the result.

        Parameters
        ----------
        figure
            Which of its figures, by name; by default the first.

        Returns
        -------
        blueattr.report.drawing.Drawing
            A notebook shows it; ``.save("figure.png")`` or ``.svg`` writes it, ``.spec`` is its
            Vega-Lite specification.

        Raises
        ------
        UsageError
            For another figure; the message names those there are.
        """
        return _presenter().drawing_of(self, figure)
