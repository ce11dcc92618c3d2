"""What all figures look like: widths, colours, axes, labels; in terms of Vega-Lite."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import log10
from typing import Any, TypeAlias

from blueattr.report.escape import safe_text
from blueattr.report.figures.drawing import VEGA_LITE, Spec

__all__ = [
    "FONT_SIZE",
    "PAGE",
    "PAGE_NARROW",
    "PAPER",
    "PERCENT",
    "Look",
    "Row",
    "apart",
    "decades",
    "facet",
    "figure",
    "label",
    "midnight",
    "multiples",
    "share_axis",
    "tier_colour",
]


Row: TypeAlias = Mapping[str, Any]
"""One row of the tidy data behind a figure, by column name."""


PERCENT = "format(100 * datum.value, '~g') + ' %'"
"""How an axis labels shares."""


FONT_SIZE = 12
_LONGEST_LABEL = 34
_AXIS_WIDTH = 42
_FONT = "Arial, 'Liberation Sans', Helvetica, sans-serif"


@dataclass(frozen=True, slots=True)
class Look:
    """Where a figure is shown, and so how wide it is and where its colours come from.

    Parameters
    ----------
    width
        Of the whole figure, in CSS pixels.
    columns
        Of small multiples.
    ink, muted, grid, paper
        Colours of lines and words, of axes, of grid lines, and of what is behind them.
    top, middle, tail
        Colours of tiers. The three differ in lightness as well as in hue, so that they stay apart
        without colour vision and in black and white.
    on_tier
        Colour of words on a tier's colour.
    background
        What the figure paints behind itself; None for nothing.
    """

    width: int = 720
    columns: int = 4
    ink: str = "#1a1d21"
    muted: str = "#555c66"
    grid: str = "#e3e6ea"
    paper: str = "#ffffff"
    top: str = "#b4470c"
    middle: str = "#69717c"
    tail: str = "#0b5f9e"
    on_tier: str = "#ffffff"
    background: str | None = "#ffffff"

    @property
    def narrow(self) -> bool:
        """Whether it is as on a phone."""
        return self.width < 500

    def tier_colours(self, n_tiers: int) -> list[str]:
        """Return the colour of each tier, from the top down; tiers in between share one."""
        return [self.top, *[self.middle] * (n_tiers - 2), self.tail]


PAPER = Look()
"""A file of its own, for print."""


PAGE = Look(
    ink="var(--ink)",
    muted="var(--muted)",
    grid="var(--grid)",
    paper="var(--paper)",
    top="var(--top)",
    middle="var(--middle)",
    tail="var(--tail)",
    on_tier="var(--on-tier)",
    background=None,
)
"""In a page whose style sheet sets the colours, light or dark."""


PAGE_NARROW = replace(PAGE, width=340, columns=2)
"""The same on a phone."""


def figure(look: Look, *, data: Sequence[Row] | None = None, **parts: Any) -> Spec:
    """Return a specification of data, the given parts, and the settings of all figures."""
    axis = {
        "labelFontSize": FONT_SIZE, "titleFontSize": FONT_SIZE, "titleFontWeight": "normal",
        "titlePadding": 6,
        "labelColor": look.muted, "titleColor": look.muted, "domainColor": look.muted,
        "tickColor": look.muted, "gridColor": look.grid, "tickSize": 4, "domain": False,
    }  # fmt: skip
    return {
        "$schema": f"https://vega.github.io/schema/vega-lite/v{VEGA_LITE[0]}.json",
        "background": look.background,
        "padding": 2 if look.background is None else 12,
        **({} if data is None else {"data": {"values": list(data)}}),
        **parts,
        "config": {
            # A page describes each figure in one place, beside the table that is behind it.
            "aria": False,
            "font": _FONT,
            "view": {"stroke": None},
            "axis": axis,
            "axisX": {"domain": True},
            "header": {"labelFontSize": 13, "labelFontWeight": "bold", "labelColor": look.ink,
                       "title": None},
            "legend": {"labelFontSize": FONT_SIZE, "labelColor": look.ink, "title": None,
                       "orient": "top", "symbolType": "square", "symbolOpacity": 1,
                       "symbolStrokeWidth": 0, "offset": 6, "columnPadding": 14},
        },
    }  # fmt: skip


def facet(field: str, rows: Sequence[Row], *, above: bool = True) -> dict[str, Any]:
    """Return small multiples by the values of a field, in order of first appearance."""
    names = list(dict.fromkeys(label(row[field]) for row in rows))
    header = {"labelAnchor": "start", "labelPadding": 4, "title": None}
    if above:
        header["labelOrient"] = "top"
    else:
        header |= {"labelOrient": "left", "labelAngle": 0, "labelAlign": "left",
                   "labelAnchor": "middle", "labelLimit": 60}  # fmt: skip
    return {"field": field, "type": "nominal", "sort": names, "title": None, "header": header}


def multiples(rows: Sequence[Row], field: str, look: Look, room: int) -> tuple[int, dict[str, int]]:
    """Lay out small multiples of the values of a field.

    Parameters
    ----------
    rows, field
        The data, and the field whose values become multiples.
    room
        Pixels to leave free to the right of each multiple.

    Returns
    -------
    tuple
        The number of columns, and the size of each multiple.
    """
    columns = max(1, min(look.columns, len({row[field] for row in rows})))
    width = min(340, (look.width - _AXIS_WIDTH - room * columns) // columns)
    return columns, {"width": width, "height": 150 if width < 200 else 200}


def share_axis(field: str) -> dict[str, Any]:
    """Encode shares along an axis."""
    return {
        "field": field,
        "type": "quantitative",
        "title": None,
        "axis": {"labelExpr": PERCENT, "tickCount": 5},
    }


def tier_colour(tiers: Sequence[str], look: Look, *, legend: bool = False) -> dict[str, Any]:
    """Encode tiers by colour."""
    return {
        "field": "tier",
        "type": "nominal",
        "scale": {"domain": list(tiers), "range": look.tier_colours(len(tiers))},
        "legend": {} if legend else None,
    }


def label(text: str) -> str:
    """Make a name from a user's file safe and short enough for a figure."""
    name = safe_text(text, None)
    return name if len(name) <= _LONGEST_LABEL else name[: _LONGEST_LABEL - 1] + "…"


def midnight(day: str) -> datetime:
    """Return the start of a UTC day."""
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def decades(least: int, largest: int) -> list[int]:
    """Return round numbers for a logarithmic axis: powers of ten, or with twos and fives.

    >>> decades(100, 20_000), decades(5, 20)
    ([100, 1000, 10000], [5, 10, 20])
    """
    powers = [10**k for k in range(int(log10(largest)) + 1)]
    steps = powers if largest >= 50 * least else [m * power for power in powers for m in (1, 2, 5)]
    return [step for step in steps if least <= step <= largest]


def apart(values: Sequence[float], gap: float) -> list[float]:
    """Move values as little as it takes for no two to be closer than a gap, in their order.

    >>> [round(x, 3) for x in apart([0.5, 0.52, 0.1], 0.1)]
    [0.46, 0.56, 0.1]
    """
    order = sorted(range(len(values)), key=lambda k: values[k])
    placed: list[list[float]] = []  # groups of labels that touch: [sum of values, count]
    for k in order:
        placed.append([values[k], 1])
        while len(placed) > 1:
            (low, below), (high, above) = placed[-2:]
            if high / above - low / below >= gap * (below + above) / 2:
                break
            placed[-2:] = [[low + high, below + above]]
    centres = [
        total / count + gap * (k - (count - 1) / 2)
        for total, count in placed
        for k in range(int(count))
    ]
    moved = [0.0] * len(values)
    for k, centre in zip(order, centres, strict=True):
        moved[k] = centre
    return moved
