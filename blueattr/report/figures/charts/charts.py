"""The kinds of chart a report has, as Vega-Lite specifications."""

from collections.abc import Sequence
from typing import Any

from blueattr.report.figures.charts.drawing import Spec
from blueattr.report.figures.charts.theme import (
    FONT_SIZE,
    PERCENT,
    THOUSANDS,
    Look,
    Row,
    apart,
    cased,
    decades,
    facet,
    figure,
    label,
    multiples,
    percent_decades,
    share_axis,
    share_label,
    tier_colour,
    title_lines,
    within,
)

__all__ = [
    "answer_chart",
    "concentration_chart",
    "shares_chart",
    "sizes_chart",
]


_ROUNDING = 1e-9
_LABEL_HEIGHT = 13
_LABEL_WIDTH = 38


def answer_chart(rows: Sequence[Row], tiers: Sequence[str], look: Look) -> Spec:
    """Draw tier shares as a few thick bars, for somebody who looks for ten seconds.

    Parameters
    ----------
    rows
        ``panel`` (the bar's name), ``note`` (a second line below it), ``tier``, ``share``.
    tiers
        Names, from the top down.
    """
    label_width = 0 if look.narrow else 172
    width = look.width - label_width - 8
    values = _stacked(rows, ("panel",), tiers, look, width=width, label_width=52)
    panels = list(dict.fromkeys(label(row["panel"]) for row in rows))
    notes = {label(row["panel"]): row["note"] for row in rows}
    # Above the bar there is room for its name on a phone, and for labels that do not fit in it.
    above = (20 if look.narrow else 0) + (18 if any(v["outside"] for v in values) else 0)
    y = {"field": "panel", "type": "nominal", "title": None, "sort": panels, "axis": None}
    names = [{"panel": name, "note": notes[name]} for name in panels]
    middle = above / 2
    if look.narrow:
        side = {"align": "left", "x": 0}
        heights, place = (-middle - 18, -middle - 18), {"align": "right", "x": width}
    else:
        side = place = {"align": "right", "x": -12}
        heights = (middle - 9, middle + 9)

    def words(field: str, at: dict[str, Any], height: float, **style: Any) -> dict[str, Any]:
        return {
            "data": {"values": names},
            "mark": {"type": "text", "align": at["align"], "baseline": "middle", "dy": height,
                     "limit": 0, **style},
            "encoding": {"x": {"value": at["x"]}, "y": y, "text": {"field": field}},
        }  # fmt: skip

    return figure(
        look,
        data=values,
        width=width,
        height={"step": 52 + above + (16 if look.narrow else 8)},
        layer=[
            *_bars(values, y, tiers, look, height=46, dy=middle, font=17, axis=False),
            words("panel", side, heights[0], fontSize=14, color=look.ink),
            words("note", place, heights[1], fontSize=FONT_SIZE, color=look.muted),
        ],
    )


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
    label_width = 112 if look.narrow else 126
    several = len({row["indicator"] for row in rows}) > 1
    width = look.width - label_width - (60 if several and not look.narrow else 0) - 18
    values = _stacked(
        rows, ("indicator", "panel"), tiers, look, width=width, label_width=_LABEL_WIDTH
    )
    above = 14 if any(value["outside"] for value in values) else 0
    y = {
        "field": "panel", "type": "nominal", "title": None, "sort": list(map(label, labels)),
        "axis": {"domain": False, "ticks": False, "grid": False, "labelPadding": 8,
                 "labelLimit": label_width, "labelColor": look.ink, "labelOffset": above / 2},
    }  # fmt: skip
    return figure(
        look,
        data=values,
        facet={"row": facet("indicator", rows, above=look.narrow or not several)},
        spacing=16 if look.narrow else 12,
        spec={
            "width": width,
            "height": {"step": 24 + above},
            "layer": _bars(values, y, tiers, look, height=18, dy=above / 2, font=FONT_SIZE),
        },
    )


def _stacked(
    rows: Sequence[Row],
    keys: Sequence[str],
    tiers: Sequence[str],
    look: Look,
    *,
    width: float,
    label_width: float,
) -> list[dict[str, Any]]:
    """Lay the shares of each bar end to end; those below 0 go to the left of it.

    A label that is wider than its part of the bar goes outside, above it, clear of its neighbours.
    """
    on = dict(zip(tiers, look.on_tiers(len(tiers)), strict=True))
    values: list[dict[str, Any]] = []
    edges: dict[tuple[object, ...], float] = {}
    for row in rows:
        if row["share"] is None:
            continue
        bar = {key: label(row[key]) for key in keys}
        key = (*bar.values(), row["share"] < 0)
        start = edges.get(key, 0.0)
        edges[key] = end = start + row["share"]
        values.append({
            **bar, "tier": row["tier"], "start": start, "end": end, "middle": (start + end) / 2,
            "label": share_label(row["share"]), "outside": None, "words": on[row["tier"]],
        })  # fmt: skip
    ends = [0.0, 1.0, *(value["start"] for value in values), *(value["end"] for value in values)]
    a_pixel = (max(ends) - min(ends)) / width
    room = label_width * a_pixel
    by_bar: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for value in values:
        by_bar.setdefault(tuple(value[key] for key in keys), []).append(value)
    for parts in by_bar.values():
        narrow = [part for part in parts if abs(part["end"] - part["start"]) < room]
        places = within(
            apart([part["middle"] for part in narrow], room), room, (min(ends), max(ends))
        )
        for part, place in zip(narrow, places, strict=True):
            part["outside"], part["label"], part["middle"] = part["label"], "", place
    return values


def _bars(
    values: Sequence[Row],
    y: dict[str, Any],
    tiers: Sequence[str],
    look: Look,
    *,
    height: float,
    dy: float,
    font: int,
    axis: bool = True,
) -> list[dict[str, Any]]:
    """Draw stacked bars with their labels; `dy` is how far they lie below the middle of a step."""
    colour = tier_colour(tiers, look, legend=True)
    hidden: dict[str, Any] = {} if axis else {"axis": None}
    fits = all(value["start"] >= 0 and value["end"] <= 1 + _ROUNDING for value in values)
    ticks = ((0, 0.5, 1) if look.narrow else (0, 0.2, 0.4, 0.6, 0.8, 1)) if fits else ()
    place = {"field": "middle", "type": "quantitative"}
    weight = "bold" if font > FONT_SIZE else "normal"
    return [
        {
            "mark": {"type": "bar", "height": height, "yOffset": dy, "stroke": look.paper,
                     "strokeWidth": 1},
            "encoding": {"x": {**share_axis("start", ticks), **hidden}, "x2": {"field": "end"},
                         "y": y, "color": colour},
        },
        {
            "mark": {"type": "text", "fontSize": font, "baseline": "middle", "dy": dy,
                     "fontWeight": weight},
            "encoding": {"x": place, "y": y, "text": {"field": "label"},
                         "color": {"field": "words", "type": "nominal", "scale": None}},
        },
        {
            "transform": [{"filter": "isValid(datum.outside)"}],
            "mark": {"type": "text", "fontSize": font, "fontWeight": weight,
                     "baseline": "bottom", "dy": dy - height / 2 - 1, "color": look.ink},
            "encoding": {"x": place, "y": y, "text": {"field": "outside"}},
        },
    ]  # fmt: skip


def sizes_chart(rows: Sequence[Row], tiers: Sequence[str], look: Look) -> Spec:
    """Draw tier shares against sample size, a small multiple per indicator (and protocol).

    Parameters
    ----------
    rows
        ``facet``, ``size``, ``tier``, ``share``, ``std``; shares may be None.
    tiers
        Names, from the top down.
    """
    room = 16 + 7 * max(map(len, tiers))
    columns, size = multiples(rows, "facet", look, room)
    values = [
        {"facet": label(row["facet"]), "size": row["size"], "tier": row["tier"],
         "share": row["share"], "low": row["share"] - (row["std"] or 0.0),
         "high": row["share"] + (row["std"] or 0.0)}
        for row in rows
        if row["share"] is not None
    ]  # fmt: skip
    sizes = [value["size"] for value in values] or [1, 10]
    smallest, biggest = min(sizes), max(sizes)
    reach = [0.0, 1.0, *(v["low"] for v in values), *(v["high"] for v in values)]
    gap = (max(reach) - min(reach)) * _LABEL_HEIGHT / size["height"]
    ends = []
    for name in dict.fromkeys(value["facet"] for value in values):
        of_facet = [value for value in values if value["facet"] == name]
        largest = max(value["size"] for value in of_facet)
        last = [value for value in of_facet if value["size"] == largest]
        heights = apart([value["share"] for value in last], gap)
        ends += [
            {**value, "at": height} for value, height in zip(last, heights, strict=True)
        ]  # fmt: skip
    colour = tier_colour(tiers, look)
    x = {
        "field": "size", "type": "quantitative",
        "title": title_lines("accounts in the sample", size["width"]),
        "scale": {"type": "log", "domain": [smallest, biggest]},
        "axis": {"values": decades(smallest, biggest, size["width"]), "labelExpr": THOUSANDS,
                 "grid": False, "labelFlush": False},
    }  # fmt: skip
    band = {
        "mark": {"type": "area", "opacity": 0.3},
        "encoding": {
            "x": x,
            "y": share_axis("low"),
            "y2": {"field": "high"},
            "color": colour,
        },
    }
    line = {"type": "line", "strokeWidth": 2.2, "strokeCap": "round"}
    dots = {
        "mark": {"type": "point", "filled": True, "size": 34, "opacity": 1, "stroke": look.edge,
                 "strokeWidth": 0.8},
        "encoding": {"x": x, "y": share_axis("share"), "fill": colour},
    }  # fmt: skip
    names = {
        "transform": [{"filter": "isValid(datum.at)"}],
        "mark": {"type": "text", "align": "left", "dx": 8, "fontSize": FONT_SIZE,
                 "color": look.ink},
        "encoding": {"x": x, "y": share_axis("at"), "text": {"field": "tier"}},
    }  # fmt: skip
    return figure(
        look,
        data=values + ends,
        facet=facet("facet", rows),
        columns=columns,
        spacing={"row": 44, "column": room},
        bounds="flush",
        spec={
            **size,
            "layer": [
                band,
                *cased(line, look, {"x": x, "y": share_axis("share"), "color": colour}),
                dots,
                names,
            ],
        },
    )


def concentration_chart(rows: Sequence[Row], look: Look) -> Spec:
    """Draw the cumulative share of the largest agents, a small multiple per indicator.

    Parameters
    ----------
    rows
        ``indicator``, ``part`` (k/n), ``share``, ``landmark`` (whether the point is labelled).
    """
    columns, size = multiples(rows, "indicator", look, 30)
    least = min((0.1, *(row["part"] for row in rows)))
    values = [
        {"indicator": label(row["indicator"]), "part": row["part"], "share": row["share"],
         "equal": row["part"],
         # At the left end there is no room for a label.
         "label": share_label(row["share"])
         if row["landmark"] and row["part"] > 2.5 * least else None}
        for row in rows
    ]  # fmt: skip
    most = max((1.0, *(row["share"] for row in rows)))
    x = {
        "field": "part", "type": "quantitative",
        "title": title_lines("accounts, largest share first", size["width"]),
        "scale": {"type": "log", "domain": [least, 1]},
        "axis": {"values": percent_decades(least, size["width"]), "labelExpr": PERCENT,
                 "grid": False, "labelFlush": False},
    }  # fmt: skip

    def y(field: str) -> dict[str, Any]:
        axis = share_axis(field)
        return {**axis, "scale": {"domain": [min(0.0, *(r["share"] for r in rows)), most]}}

    equal = {
        "mark": {"type": "line", "strokeDash": [3, 3], "strokeWidth": 1, "color": look.muted},
        "encoding": {"x": x, "y": y("equal")},
    }
    line = {
        "mark": {"type": "line", "strokeWidth": 1.8, "color": look.accent},
        "encoding": {"x": x, "y": y("share")},
    }
    marked = {"filter": "isValid(datum.label)"}
    dots = {
        "transform": [marked],
        "mark": {"type": "point", "filled": True, "size": 30, "opacity": 1, "color": look.accent},
        "encoding": {"x": x, "y": y("share")},
    }
    text = {
        "transform": [marked],
        "mark": {"type": "text", "align": "right", "baseline": "bottom", "dx": -4, "dy": -2,
                 "fontSize": FONT_SIZE, "color": look.ink},
        "encoding": {"x": x, "y": y("share"), "text": {"field": "label"}},
    }  # fmt: skip
    return figure(
        look,
        data=values,
        facet=facet("indicator", rows),
        columns=columns,
        spacing={"row": 44, "column": 30},
        bounds="flush",
        spec={**size, "layer": [equal, line, dots, text]},
    )
