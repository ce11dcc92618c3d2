"""Figures for print: of a given width, for which charts are drawn and not shrunk."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from blueattr.errors import UsageError
from blueattr.report.escape import safe_text
from blueattr.report.figures.charts.drawing import UNITS_PER_MM, Drawing, Spec
from blueattr.report.figures.charts.metadata import figure_about
from blueattr.report.figures.charts.theme import PAPER, Look
from blueattr.report.figures.exhibit import Exhibit, topic_title
from blueattr.report.numbers import plural

if TYPE_CHECKING:
    from blueattr.provenance import Provenance

__all__ = ["LEAST", "MOST", "drawing_of_width", "print_look", "printed", "width_mm"]


LEAST, MOST = 70.0, 500.0
"""The widths in millimetres that a figure can have: text stays legible, and a sheet has room."""


_LENGTH = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(mm|cm|in)\s*", re.ASCII)
_MILLIMETRES = {"mm": 1.0, "cm": 10.0, "in": 25.4}
_MARGIN = 2
_TRIES = 4
# In units of a drawing: no chart is drawn for less, and a difference that nobody sees.
_NARROWEST = 150.0
_CLOSE = 0.5
# From what width on there is room for so many small multiples side by side.
_COLUMNS = ((640.0, 4), (450.0, 3), (0.0, 2))


def width_mm(text: str) -> float:
    """Read the width of a figure.

    Parameters
    ----------
    text
        A number and a unit: ``85mm``, ``8.5cm`` or ``3.35in``; 70 to 500 mm.

    Returns
    -------
    float
        In millimetres.

    Raises
    ------
    UsageError
        It is no such length.

    Examples
    --------
    >>> width_mm("85mm"), width_mm("8.5 cm"), width_mm("4in")
    (85.0, 85.0, 101.6)
    """
    found = _LENGTH.fullmatch(text)
    if found is None:
        raise UsageError(
            f"a width is a number with mm, cm or in, such as 85mm, not {safe_text(text)!r}"
        )
    width = round(float(found[1]) * _MILLIMETRES[found[2]], 3)
    if not LEAST <= width <= MOST:
        raise UsageError(f"a figure is {LEAST:g} to {MOST:g} mm wide, not {width:g} mm")
    return width


def print_look(width: float) -> Look:
    """Return the look of a figure for print whose plot is so many units of a drawing wide."""
    columns = next(count for least, count in _COLUMNS if width >= least)
    return replace(PAPER, width=round(width), columns=columns, margin=_MARGIN)


def drawing_of_width(
    chart: Callable[[Look], Spec], width: float, about: Mapping[str, str] | None = None
) -> Drawing:
    """Draw a chart for a width in print, with its text in the size of any other width.

    Parameters
    ----------
    chart
        Returns the specification of a chart in a look.
    width
        In millimetres.
    about
        As of `blueattr.report.figures.charts.drawing.Drawing`.

    Returns
    -------
    Drawing
        Exactly so wide. How wide axes and labels make a chart is known once it is drawn, so that it
        is drawn a few times; what is left is scaled.
    """
    aim = width * UNITS_PER_MM
    asked = aim
    best: tuple[float, Drawing] | None = None
    for _ in range(_TRIES):
        drawing = Drawing(chart(print_look(asked)), about or {}, width)
        off = drawing.size()[0] - aim
        if best is None or abs(off) < best[0]:
            best = abs(off), drawing
        if abs(off) < _CLOSE or asked - off < _NARROWEST:
            break
        asked -= off
    assert best is not None  # noqa: S101 - it was tried at least once
    return best[1]


class OfPanel(Protocol):
    """A result of a panel."""

    @property
    def n_agents(self) -> int:
        """How many agents it has."""

    @property
    def provenance(self) -> "Provenance":
        """Where its features came from."""


def printed(exhibit: Exhibit, panels: Sequence[OfPanel], width: float | None = None) -> Drawing:
    """Draw an exhibit for print, with what its file says about it.

    Parameters
    ----------
    exhibit, panels
        The exhibit, and the results that it shows, at least one.
    width
        In millimetres; None for what the chart needs.
    """
    origins = [panel.provenance for panel in panels]
    title = topic_title(origins[0]) if len(origins) == 1 else plural(len(origins), "topic")
    n_agents = [panel.n_agents for panel in panels]
    about = figure_about(f"{title}: {exhibit.title}", exhibit.alt, origins, n_agents)
    if width is not None:
        return drawing_of_width(exhibit.chart, width, about)
    return Drawing(exhibit.chart(PAPER), about)
