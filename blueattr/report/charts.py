"""How figures look: Vega-Lite specifications of the five kinds of chart a report has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import log10
from typing import Any

from blueattr.report.drawing import VEGA_LITE, Spec
from blueattr.report.escape import safe_text

__all__ = [
    "PAGE",
    "PAGE_NARROW",
    "PAPER",
    "Look",
    "Row",
    "concentration_chart",
    "days_chart",
    "flips_chart",
    "shares_chart",
    "sizes_chart",
]

Row = Mapping[str, Any]
"""One row of the tidy data behind a figure, by column name."""

_PERCENT = "format(100 * datum.value, '~g') + ' %'"
_FONT_SIZE = 12
_LABEL_HEIGHT = 13
_LONGEST_LABEL = 28
_LABEL_WIDTH = 34
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
    middle: str = "#757d89"
    tail: str = "#0b5f9e"
    on_tier: str = "#ffffff"
    background: str | None = "#ffffff"

    @property
    def narrow(self) -> bool:
        """Whether it is as on a phone."""
        return self.width < 500

    def tier_colours(self, n_tiers: int) -> list[str]:
        """Give each tier its colour, from the top down; those in between share one."""
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


def shares_chart(rows: Sequence[Row], tiers: Sequence[str], look: Look) -> Spec:
    """Draw tier shares as stacked bars, one bar per panel or sample, one block per indicator.

    Parameters
    ----------
    rows
        ``indicator``, ``panel`` (the bar's label), ``tier``, ``share``.
    tiers
        Names, from the top down.
    """
    labels = list(dict.fromkeys(row["panel"] for row in rows))
    label_width = 96 if look.narrow else 106
    width = look.width - (92 if look.narrow else 126)
    values = []
    edges: dict[tuple[str, str, bool], float] = {}
    for row in rows:
        if row["share"] is None:
            continue
        # Negative shares go to the left of zero.
        key = (row["indicator"], row["panel"], row["share"] < 0)
        start = edges.get(key, 0.0)
        edges[key] = end = start + row["share"]
        values.append({
            "indicator": _label(row["indicator"]), "panel": _label(row["panel"]),
            "tier": row["tier"], "start": start, "end": end, "middle": (start + end) / 2,
            "label": f"{100 * row['share']:.0f} %"
            if abs(row["share"]) * width > _LABEL_WIDTH else "",
        })  # fmt: skip
    colour = _tier_colour(tiers, look, legend=True)
    y = {
        "field": "panel", "type": "nominal", "title": None, "sort": list(map(_label, labels)),
        "axis": {"domain": False, "ticks": False, "grid": False, "labelPadding": 6,
                 "labelLimit": label_width, "labelColor": look.ink},
    }  # fmt: skip
    bars = {
        "mark": {"type": "bar", "height": {"band": 0.78}, "stroke": look.paper, "strokeWidth": 1},
        "encoding": {
            "x": {**_share_axis("start"), "title": None},
            "x2": {"field": "end"},
            "color": colour,
        },
    }
    text = {
        "mark": {"type": "text", "fontSize": _FONT_SIZE, "baseline": "middle"},
        "encoding": {
            "x": {"field": "middle", "type": "quantitative"},
            "text": {"field": "label"},
            "color": {"value": look.on_tier},
        },
    }
    return _figure(
        look,
        data=values,
        facet={"row": _facet("indicator", rows, above=look.narrow)},
        spacing=16 if look.narrow else 12,
        spec={
            "width": width,
            "height": {"step": 22},
            "encoding": {"y": y},
            "layer": [bars, text],
        },
    )


def sizes_chart(rows: Sequence[Row], tiers: Sequence[str], look: Look) -> Spec:
    """Draw tier shares against sample size, a small multiple per indicator (and protocol).

    Parameters
    ----------
    rows
        ``facet``, ``size``, ``tier``, ``share``, ``std``; shares may be None.
    tiers
        Names, from the top down.
    """
    values = [
        {"facet": _label(row["facet"]), "size": row["size"], "tier": row["tier"],
         "share": row["share"], "low": row["share"] - (row["std"] or 0.0),
         "high": row["share"] + (row["std"] or 0.0)}
        for row in rows
        if row["share"] is not None
    ]  # fmt: skip
    ends = []
    for facet in dict.fromkeys(value["facet"] for value in values):
        of_facet = [value for value in values if value["facet"] == facet]
        largest = max(value["size"] for value in of_facet)
        last = [value for value in of_facet if value["size"] == largest]
        heights = _apart([value["share"] for value in last], _LABEL_HEIGHT / 150)
        ends += [
            {**value, "at": height} for value, height in zip(last, heights, strict=True)
        ]  # fmt: skip
    colour = _tier_colour(tiers, look)
    largest = max((value["size"] for value in values), default=10)
    x = {
        "field": "size", "type": "quantitative", "title": "agents in the sample",
        "scale": {"type": "log", "domain": [min((v["size"] for v in values), default=1), largest]},
        "axis": {"values": _decades(largest), "format": "~s", "grid": False},
    }  # fmt: skip
    band = {
        "mark": {"type": "area", "opacity": 0.22},
        "encoding": {
            "x": x,
            "y": _share_axis("low"),
            "y2": {"field": "high"},
            "color": colour,
        },
    }
    line = {
        "mark": {"type": "line", "strokeWidth": 1.8, "strokeCap": "round"},
        "encoding": {"x": x, "y": _share_axis("share"), "color": colour},
    }
    dots = {
        "mark": {"type": "point", "filled": True, "size": 16, "opacity": 1},
        "encoding": {"x": x, "y": _share_axis("share"), "color": colour},
    }
    names = {
        "transform": [{"filter": "isValid(datum.at)"}],
        "mark": {"type": "text", "align": "left", "dx": 6, "fontSize": _FONT_SIZE},
        "encoding": {
            "x": x,
            "y": _share_axis("at"),
            "text": {"field": "tier"},
            "color": colour,
        },
    }
    room = 50 if len(tiers) < 4 else 62
    return _figure(
        look,
        data=values + ends,
        facet=_facet("facet", rows),
        columns=look.columns,
        spacing={"row": 44, "column": room},
        bounds="flush",
        spec={
            **_multiple_size(look, room),
            "layer": [band, line, dots, names],
        },
    )


def concentration_chart(rows: Sequence[Row], look: Look) -> Spec:
    """Draw the cumulative share of the largest agents, a small multiple per indicator.

    Parameters
    ----------
    rows
        ``indicator``, ``part`` (k/n), ``share``, ``landmark`` (whether the point is labelled).
    """
    least = min((0.1, *(row["part"] for row in rows)))
    values = [
        {"indicator": _label(row["indicator"]), "part": row["part"], "share": row["share"],
         "equal": row["part"],
         "label": f"{100 * row['share']:.0f} %" if row["landmark"] else None}
        for row in rows
    ]  # fmt: skip
    most = max((1.0, *(row["share"] for row in rows)))
    x = {
        "field": "part", "type": "quantitative", "title": "agents, largest first",
        "scale": {"type": "log", "domain": [least, 1]},
        "axis": {"values": [10.0**-k for k in range(9) if 10.0**-k >= least], "labelExpr": _PERCENT,
                 "grid": False, "labelOverlap": "greedy"},
    }  # fmt: skip

    def y(field: str) -> dict[str, Any]:
        axis = _share_axis(field)
        return {**axis, "scale": {"domain": [min(0.0, *(r["share"] for r in rows)), most]}}

    equal = {
        "mark": {"type": "line", "strokeDash": [3, 3], "strokeWidth": 1, "color": look.muted},
        "encoding": {"x": x, "y": y("equal")},
    }
    line = {
        "mark": {"type": "line", "strokeWidth": 1.8, "color": look.tail},
        "encoding": {"x": x, "y": y("share")},
    }
    marked = {"filter": "isValid(datum.label)"}
    dots = {
        "transform": [marked],
        "mark": {"type": "point", "filled": True, "size": 30, "opacity": 1, "color": look.tail},
        "encoding": {"x": x, "y": y("share")},
    }
    text = {
        "transform": [marked],
        "mark": {"type": "text", "align": "right", "baseline": "bottom", "dx": -4, "dy": -2,
                 "fontSize": _FONT_SIZE, "color": look.ink},
        "encoding": {"x": x, "y": y("share"), "text": {"field": "label"}},
    }  # fmt: skip
    return _figure(
        look,
        data=values,
        facet=_facet("indicator", rows),
        columns=look.columns,
        spacing={"row": 44, "column": 26},
        bounds="flush",
        spec={**_multiple_size(look, 26), "layer": [equal, line, dots, text]},
    )


def days_chart(
    rows: Sequence[Row], gaps: Sequence[Row], tiers: Sequence[str], title: str, look: Look
) -> Spec:
    """Draw an indicator by day as bars stacked by tier, with what was not seen shaded.

    Parameters
    ----------
    rows
        ``day`` (ISO), ``tier``, ``value``, ``partial`` (whether the window has all of the day).
    gaps
        ``start``, ``end`` (ISO).
    tiers
        Names, from the top down.
    title
        Of the vertical axis.
    """
    values = [
        {"day": f"{row['day']}T12:00:00Z", "tier": row["tier"], "value": row["value"] or 0.0,
         "order": tiers.index(row["tier"]), "whole": not row["partial"]}
        for row in rows
    ]  # fmt: skip
    days = sorted({row["day"] for row in rows})
    width = look.width - 62
    middle = width / len(days) / 2
    every = -(-len(days) // (5 if look.narrow else 10))
    labelled = [1000 * int(_midnight(day).timestamp()) for day in days[::every]]
    end = (_midnight(days[-1]) + timedelta(days=1)).date().isoformat()
    x = {
        "field": "day", "type": "temporal", "title": None,
        "scale": {"type": "utc", "domain": [f"{days[0]}T00:00:00Z", f"{end}T00:00:00Z"]},
        "axis": {"format": "%-d %b", "grid": False, "values": labelled, "ticks": False,
                 "labelOffset": middle, "labelOverlap": True, "labelBound": True,
                 "labelFlush": False},
    }  # fmt: skip
    bars = {
        "data": {"values": values},
        "mark": {"type": "bar", "stroke": look.paper, "strokeWidth": 0.5},
        "encoding": {
            "x": {**x, "timeUnit": "utcyearmonthdate", "bandPosition": 0.5},
            "y": {
                "field": "value", "type": "quantitative", "title": title, "stack": "zero",
                "axis": {"tickCount": 5, "format": "~g"},
            },
            "color": _tier_colour(tiers, look, legend=True),
            "order": {"field": "order"},
            "opacity": {"condition": {"test": "datum.whole", "value": 1}, "value": 0.45},
        },
    }  # fmt: skip
    unseen = {
        "data": {"values": [{"start": gap["start"], "end": gap["end"]} for gap in gaps]},
        "mark": {"type": "rect", "color": look.muted, "opacity": 0.18},
        "encoding": {
            "x": {**x, "field": "start"},
            "x2": {"field": "end"},
        },
    }
    return _figure(
        look,
        width=width,
        height=170 if look.narrow else 200,
        layer=[unseen, bars] if gaps else [bars],
    )


def flips_chart(rows: Sequence[Row], look: Look) -> Spec:
    """Draw what all tiers but the top carry at full scale and in samples: two points a topic.

    Parameters
    ----------
    rows
        ``topic``, ``indicator``, ``full``, ``sample``; the last two may be None.
    """
    values = [
        {"topic": _label(row["topic"]), "indicator": _label(row["indicator"]),
         "full": row["full"], "sample": row["sample"]}
        for row in rows
        if row["full"] is not None and row["sample"] is not None
    ]  # fmt: skip
    label_width = 110
    topics = list(dict.fromkeys(_label(row["topic"]) for row in rows))
    y = {
        "field": "topic", "type": "nominal", "title": None, "sort": topics,
        "axis": {"domain": False, "ticks": False, "grid": True, "labelLimit": label_width,
                 "labelColor": look.ink, "labelPadding": 6},
    }  # fmt: skip
    rule = {
        "mark": {"type": "rule", "strokeWidth": 1.5, "color": look.muted},
        "encoding": {"x": _share_axis("sample"), "x2": {"field": "full"}, "y": y},
    }
    points = [
        {
            "mark": {"type": "point", "filled": filled, "size": 46, "opacity": 1,
                     "strokeWidth": 1.8, "color": look.tail,
                     **({} if filled else {"fill": look.paper})},
            "encoding": {"x": _share_axis(field), "y": y},
        }
        for field, filled in (("sample", False), ("full", True))
    ]  # fmt: skip
    columns = look.columns // 2
    return _figure(
        look,
        data=values,
        facet=_facet("indicator", rows),
        columns=columns,
        spacing={"row": 20, "column": 22},
        spec={
            "width": (look.width - label_width - 16 - 22 * (columns - 1)) // columns,
            "height": {"step": 20},
            "layer": [rule, *points],
        },
    )


# --- what they have in common ---------------------------------------------------------------------


def _figure(look: Look, *, data: Sequence[Row] | None = None, **parts: Any) -> Spec:
    axis = {
        "labelFontSize": _FONT_SIZE, "titleFontSize": _FONT_SIZE, "titleFontWeight": "normal",
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
            "legend": {"labelFontSize": _FONT_SIZE, "labelColor": look.ink, "title": None,
                       "orient": "top", "symbolType": "square", "symbolStrokeWidth": 0,
                       "offset": 6, "columnPadding": 14},
        },
    }  # fmt: skip


def _facet(field: str, rows: Sequence[Row], *, above: bool = True) -> dict[str, Any]:
    names = list(dict.fromkeys(_label(row[field]) for row in rows))
    header = {"labelAnchor": "start", "labelPadding": 4, "title": None}
    if above:
        header["labelOrient"] = "top"
    else:
        header |= {"labelOrient": "left", "labelAngle": 0, "labelAlign": "left",
                   "labelAnchor": "middle", "labelLimit": 60}  # fmt: skip
    return {"field": field, "type": "nominal", "sort": names, "title": None, "header": header}


def _multiple_size(look: Look, room: int) -> dict[str, int]:
    axis = 42
    return {"width": (look.width - axis - room * look.columns) // look.columns, "height": 150}


def _share_axis(field: str) -> dict[str, Any]:
    return {
        "field": field,
        "type": "quantitative",
        "title": None,
        "axis": {"labelExpr": _PERCENT, "tickCount": 5},
    }


def _tier_colour(tiers: Sequence[str], look: Look, *, legend: bool = False) -> dict[str, Any]:
    return {
        "field": "tier",
        "type": "nominal",
        "scale": {"domain": list(tiers), "range": look.tier_colours(len(tiers))},
        "legend": {} if legend else None,
    }


def _label(text: str) -> str:
    """Make a name from a user's file fit to be drawn."""
    shown = safe_text(text, None)
    return shown if len(shown) <= _LONGEST_LABEL else shown[: _LONGEST_LABEL - 1] + "…"


def _midnight(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def _decades(largest: int) -> list[int]:
    return [10**k for k in range(int(log10(largest)) + 1)] if largest >= 1 else []


def _apart(values: Sequence[float], gap: float) -> list[float]:
    """Move values as little as it takes for no two to be closer than a gap, in their order.

    >>> [round(x, 3) for x in _apart([0.5, 0.52, 0.1], 0.1)]
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
    found = [0.0] * len(values)
    for k, centre in zip(order, centres, strict=True):
        found[k] = centre
    return found
