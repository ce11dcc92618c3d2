"""What all figures look like: widths, colours, axes, labels; in terms of Vega-Lite."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import ceil, log10
from textwrap import wrap
from typing import Any, TypeAlias

from blueattr.report.escape import safe_text
from blueattr.report.figures.charts.drawing import VEGA_LITE, Spec
from blueattr.report.numbers import MINUS

__all__ = [
    "FONT_SIZE",
    "PAGE",
    "PAGE_NARROW",
    "PAPER",
    "PERCENT",
    "THOUSANDS",
    "Look",
    "Row",
    "apart",
    "cased",
    "decades",
    "facet",
    "figure",
    "label",
    "midnight",
    "multiples",
    "percent_decades",
    "share_axis",
    "share_label",
    "tier_colour",
    "title_lines",
    "with_note",
    "within",
]


Row: TypeAlias = Mapping[str, Any]
"""One row of the tidy data behind a figure, by column name."""


PERCENT = "format(100 * datum.value, '~g') + ' %'"
"""How an axis labels shares."""


THOUSANDS = "format(datum.value, ',')"
"""How an axis labels counts."""


FONT_SIZE = 12
_LONGEST_LABEL = 34
_AXIS_WIDTH = 42
_LETTER = 7
_PERCENT_WIDTH = 52
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
        Colours of tiers: dark, middle and light on light paper, the reverse on dark paper. They
        differ in lightness before anything else, so that they stay apart in grey.
    on_top, on_middle, on_tail
        Colours of words on them.
    edge
        Colour of the outline of marks that are too light for the paper by themselves.
    accent
        Colour of marks that belong to no tier.
    alert
        Colour of words that must not be missed.
    background
        What the figure paints behind itself; None for nothing.
    margin
        Around the whole figure, in CSS pixels.
    """

    width: int = 720
    columns: int = 4
    ink: str = "#1a1d21"
    muted: str = "#555c66"
    grid: str = "#e3e6ea"
    paper: str = "#ffffff"
    top: str = "#12344d"
    middle: str = "#5b9ac4"
    tail: str = "#cadeec"
    on_top: str = "#ffffff"
    on_middle: str = "#08131c"
    on_tail: str = "#14202b"
    edge: str = "#5d6b78"
    accent: str = "#0b5f9e"
    alert: str = "#8a3608"
    background: str | None = "#ffffff"
    margin: int = 12

    @property
    def narrow(self) -> bool:
        """Whether it is as on a phone."""
        return self.width < 500

    def tier_colours(self, n_tiers: int) -> list[str]:
        """Return the colour of each tier, from the top down; tiers in between share one."""
        return [self.top, *[self.middle] * (n_tiers - 2), self.tail]

    def on_tiers(self, n_tiers: int) -> list[str]:
        """Return the colour of words on each tier's colour, from the top down."""
        return [self.on_top, *[self.on_middle] * (n_tiers - 2), self.on_tail]


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
    on_top="var(--on-top)",
    on_middle="var(--on-middle)",
    on_tail="var(--on-tail)",
    edge="var(--edge)",
    accent="var(--accent)",
    alert="var(--alert)",
    background=None,
    margin=2,
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
        "padding": look.margin,
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


_JOINED_FROM = 480


def with_note(spec: Spec, mark: str, note: Sequence[str], look: Look) -> Spec:
    """Write a mark that nobody may overlook, and a note, below a whole figure; both may be empty.

    The lines of the note are joined where the figure is wide enough.
    """
    lines = [" ".join(note)] if note and look.width >= _JOINED_FROM else list(note)
    plain = {"fontSize": FONT_SIZE, "fontWeight": "normal", "color": look.muted}
    title: dict[str, Any] = {"orient": "bottom", "anchor": "end", "offset": 8}
    if not mark:
        title |= {"text": lines, **plain}
    else:
        title |= {"text": mark, "fontSize": FONT_SIZE, "fontWeight": "bold", "color": look.alert}
        if lines:
            title |= {"subtitle": lines} | {
                f"subtitle{name[0].upper()}{name[1:]}": value for name, value in plain.items()
            }
    return {**spec, "title": title}


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
    width = (look.width - _AXIS_WIDTH - room * columns) // columns
    return columns, {"width": width, "height": 150 if width < 200 else 200}


def share_axis(field: str, ticks: Sequence[float] = ()) -> dict[str, Any]:
    """Encode shares along an axis; `ticks` only where they are known beforehand."""
    return {
        "field": field,
        "type": "quantitative",
        "title": None,
        "axis": {"labelExpr": PERCENT, **({"values": list(ticks)} if ticks else {"tickCount": 5})},
    }


def cased(mark: dict[str, Any], look: Look, encoding: dict[str, Any]) -> list[dict[str, Any]]:
    """Draw a line or a rule twice: as its own outline, which light colours need, and above it.

    Parameters
    ----------
    mark
        A line or rule with a ``strokeWidth``.
    encoding
        With the colour.
    """
    outline = {key: value for key, value in encoding.items() if key != "color"}
    tier = {"field": "tier", "type": "nominal"}
    return [
        {
            "mark": {**mark, "strokeWidth": mark["strokeWidth"] + 1.6, "color": look.edge},
            "encoding": {**outline, "detail": tier},
        },
        {"mark": mark, "encoding": encoding},
    ]


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


def title_lines(title: str, width: float) -> str | list[str]:
    """Break the title of an axis into lines where the axis is too narrow for it.

    >>> title_lines("accounts, largest share first", 300)
    'accounts, largest share first'
    >>> title_lines("accounts, largest share first", 110)
    ['accounts, largest', 'share first']
    """
    lines = wrap(title, max(1, int(width / (_LETTER - 1))))
    return lines if len(lines) > 1 else title


def midnight(day: str) -> datetime:
    """Return the start of a UTC day."""
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def share_label(share: float) -> str:
    """Write a share on a mark: in whole per cent, with a minus sign as on an axis.

    >>> share_label(0.114), share_label(0.001), share_label(0.0)
    ('11 %', '<1 %', '0 %')
    """
    if 0 < share < 0.005:
        return "<1 %"
    return f"{round(100 * share) + 0:d} %".replace("-", MINUS)


def decades(least: int, largest: int, width: float) -> list[int]:
    """Return the ticks of a logarithmic axis: both ends, and round numbers with room between.

    Parameters
    ----------
    least, largest
        The ends, at least 1.
    width
        Of the axis in pixels.

    Examples
    --------
    >>> decades(100, 20_000, 300), decades(5, 20, 300), decades(100, 2257, 150)
    ([100, 1000, 20000], [5, 10, 20], [100, 200, 500, 2257])
    """
    if least == largest:
        return [least]
    a_pixel = log10(largest / least) / width
    powers = [10**k for k in range(int(log10(largest)) + 1)]
    steps = powers if largest >= 50 * least else [m * power for power in powers for m in (1, 2, 5)]
    ticks = [least]

    def room(one: int, two: int) -> bool:
        letters = len(f"{one:,}") + len(f"{two:,}")
        return log10(two / one) > a_pixel * (10 + letters * _LETTER / 2)

    for step in steps:
        if ticks[-1] < step < largest and room(ticks[-1], step) and room(step, largest):
            ticks.append(step)
    return [*ticks, largest]


def percent_decades(least: float, width: float) -> list[float]:
    """Return the ticks of a logarithmic axis of shares that ends at 1, with room between.

    >>> percent_decades(0.0005, 300), percent_decades(6e-7, 130)
    ([1.0, 0.1, 0.01, 0.001], [1.0, 0.001, 1e-06])
    """
    decade = width / -log10(least)
    every = max(1, ceil(_PERCENT_WIDTH / decade))
    return [10.0**-k for k in range(0, int(-log10(least)) + 1, every)]


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


def within(centres: Sequence[float], gap: float, bounds: tuple[float, float]) -> list[float]:
    """Move labels that are apart between two bounds, so that they stay apart where there is room.

    >>> within([-1, 0, 5], 1, (-1, 9))
    [-0.5, 0.5, 5]
    """
    order = sorted(range(len(centres)), key=lambda k: centres[k])
    moved = list(centres)
    edge = bounds[0] - gap / 2
    for k in order:
        edge = moved[k] = max(moved[k], edge + gap)
    edge = bounds[1] + gap / 2
    for k in reversed(order):
        edge = moved[k] = min(moved[k], edge - gap)
    return moved
