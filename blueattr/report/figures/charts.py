"""The kinds of chart a report has, as Vega-Lite specifications."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from blueattr.report.figures.drawing import Spec
from blueattr.report.figures.theme import (
    FONT_SIZE,
    PERCENT,
    Look,
    Row,
    apart,
    decades,
    facet,
    figure,
    label,
    midnight,
    multiples,
    share_axis,
    tier_colour,
)

__all__ = [
    "concentration_chart",
    "days_chart",
    "dots_chart",
    "flips_chart",
    "shares_chart",
    "sizes_chart",
]


_LABEL_HEIGHT = 13
_LABEL_WIDTH = 34


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
            "indicator": label(row["indicator"]), "panel": label(row["panel"]),
            "tier": row["tier"], "start": start, "end": end, "middle": (start + end) / 2,
            "share": row["share"],
        })  # fmt: skip
    # A label is drawn where its part of the bar is long enough for it.
    ends = [0.0, 1.0, *(value["start"] for value in values), *(value["end"] for value in values)]
    reach = max(ends) - min(ends)
    for value in values:
        share = value.pop("share")
        fits = abs(share) / reach * width > _LABEL_WIDTH
        value["label"] = f"{100 * share:.0f} %" if fits else ""
    colour = tier_colour(tiers, look, legend=True)
    y = {
        "field": "panel", "type": "nominal", "title": None, "sort": list(map(label, labels)),
        "axis": {"domain": False, "ticks": False, "grid": False, "labelPadding": 6,
                 "labelLimit": label_width, "labelColor": look.ink},
    }  # fmt: skip
    bars = {
        "mark": {"type": "bar", "height": {"band": 0.78}, "stroke": look.paper, "strokeWidth": 1},
        "encoding": {
            "x": {**share_axis("start"), "title": None},
            "x2": {"field": "end"},
            "color": colour,
        },
    }
    text = {
        "mark": {"type": "text", "fontSize": FONT_SIZE, "baseline": "middle"},
        "encoding": {
            "x": {"field": "middle", "type": "quantitative"},
            "text": {"field": "label"},
            "color": {"value": look.on_tier},
        },
    }
    return figure(
        look,
        data=values,
        facet={"row": facet("indicator", rows, above=look.narrow)},
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
    room = 50 if len(tiers) < 4 else 62
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
        "field": "size", "type": "quantitative", "title": "agents in the sample",
        "scale": {"type": "log", "domain": [smallest, biggest]},
        "axis": {"values": decades(smallest, biggest), "format": "~s", "grid": False,
                 "labelOverlap": "greedy", "labelSeparation": 6, "labelFlush": False},
    }  # fmt: skip
    band = {
        "mark": {"type": "area", "opacity": 0.22},
        "encoding": {
            "x": x,
            "y": share_axis("low"),
            "y2": {"field": "high"},
            "color": colour,
        },
    }
    line = {
        "mark": {"type": "line", "strokeWidth": 1.8, "strokeCap": "round"},
        "encoding": {"x": x, "y": share_axis("share"), "color": colour},
    }
    dots = {
        "mark": {"type": "point", "filled": True, "size": 16, "opacity": 1},
        "encoding": {"x": x, "y": share_axis("share"), "color": colour},
    }
    names = {
        "transform": [{"filter": "isValid(datum.at)"}],
        "mark": {"type": "text", "align": "left", "dx": 6, "fontSize": FONT_SIZE},
        "encoding": {
            "x": x,
            "y": share_axis("at"),
            "text": {"field": "tier"},
            "color": colour,
        },
    }
    return figure(
        look,
        data=values + ends,
        facet=facet("facet", rows),
        columns=columns,
        spacing={"row": 44, "column": room},
        bounds="flush",
        spec={
            **size,
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
    columns, size = multiples(rows, "indicator", look, 26)
    least = min((0.1, *(row["part"] for row in rows)))
    values = [
        {"indicator": label(row["indicator"]), "part": row["part"], "share": row["share"],
         "equal": row["part"],
         # At the left end there is no room for a label.
         "label": f"{100 * row['share']:.0f} %"
         if row["landmark"] and row["part"] > 2.5 * least else None}
        for row in rows
    ]  # fmt: skip
    most = max((1.0, *(row["share"] for row in rows)))
    x = {
        "field": "part", "type": "quantitative", "title": "agents, largest first",
        "scale": {"type": "log", "domain": [least, 1]},
        "axis": {"values": [10.0**-k for k in range(9) if 10.0**-k >= least], "labelExpr": PERCENT,
                 "grid": False, "labelOverlap": "greedy"},
    }  # fmt: skip

    def y(field: str) -> dict[str, Any]:
        axis = share_axis(field)
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
                 "fontSize": FONT_SIZE, "color": look.ink},
        "encoding": {"x": x, "y": y("share"), "text": {"field": "label"}},
    }  # fmt: skip
    return figure(
        look,
        data=values,
        facet=facet("indicator", rows),
        columns=columns,
        spacing={"row": 44, "column": 26},
        bounds="flush",
        spec={**size, "layer": [equal, line, dots, text]},
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
    labelled = [1000 * int(midnight(day).timestamp()) for day in days[::every]]
    end = (midnight(days[-1]) + timedelta(days=1)).date().isoformat()
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
            "color": tier_colour(tiers, look, legend=True),
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
    return figure(
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
        {"topic": label(row["topic"]), "indicator": label(row["indicator"]),
         "full": row["full"], "sample": row["sample"]}
        for row in rows
        if row["full"] is not None and row["sample"] is not None
    ]  # fmt: skip
    label_width = 110
    topics = list(dict.fromkeys(label(row["topic"]) for row in rows))
    y = {
        "field": "topic", "type": "nominal", "title": None, "sort": topics,
        "axis": {"domain": False, "ticks": False, "grid": True, "labelLimit": label_width,
                 "labelColor": look.ink, "labelPadding": 6},
    }  # fmt: skip
    rule = {
        "mark": {"type": "rule", "strokeWidth": 1.5, "color": look.muted},
        "encoding": {"x": share_axis("sample"), "x2": {"field": "full"}, "y": y},
    }
    points = [
        {
            "mark": {"type": "point", "filled": filled, "size": 46, "opacity": 1,
                     "strokeWidth": 1.8, "color": look.tail,
                     **({} if filled else {"fill": look.paper})},
            "encoding": {"x": share_axis(field), "y": y},
        }
        for field, filled in (("sample", False), ("full", True))
    ]  # fmt: skip
    columns = look.columns // 2
    return figure(
        look,
        data=values,
        facet=facet("indicator", rows),
        columns=columns,
        spacing={"row": 20, "column": 22},
        spec={
            "width": (look.width - label_width - 16 - 22 * (columns - 1)) // columns,
            "height": {"step": 20},
            "layer": [rule, *points],
        },
    )


def dots_chart(rows: Sequence[Row], tiers: Sequence[str], look: Look) -> Spec:
    """Draw shares as points by tier, with an interval about each where there is one.

    Parameters
    ----------
    rows
        ``indicator``, ``row`` (the label), ``tier``, ``share``, ``low``, ``high``; the last two
        may be None.
    tiers
        Names, from the top down.
    """
    values = [
        {**row, "indicator": label(row["indicator"]), "row": label(row["row"])}
        for row in rows
        if row["share"] is not None
    ]
    labels = list(dict.fromkeys(label(row["row"]) for row in rows))
    label_width = min(200, 12 + 6 * max(map(len, labels), default=0))
    columns = max(1, min(look.columns // 2, len({row["indicator"] for row in rows})))
    y = {
        "field": "row", "type": "nominal", "title": None, "sort": labels,
        "axis": {"domain": False, "ticks": False, "grid": True, "labelLimit": label_width,
                 "labelColor": look.ink, "labelPadding": 6},
    }  # fmt: skip
    colour = tier_colour(tiers, look, legend=True)
    interval = {
        "transform": [{"filter": "isValid(datum.low)"}],
        "mark": {"type": "rule", "strokeWidth": 2, "opacity": 0.55},
        "encoding": {"x": share_axis("low"), "x2": {"field": "high"}, "y": y, "color": colour},
    }
    points = {
        "mark": {"type": "point", "filled": True, "size": 44, "opacity": 1},
        "encoding": {"x": share_axis("share"), "y": y, "color": colour},
    }
    return figure(
        look,
        data=values,
        facet=facet("indicator", rows),
        columns=columns,
        spacing={"row": 20, "column": 22},
        spec={
            "width": (look.width - label_width - 16 - 22 * (columns - 1)) // columns,
            "height": {"step": 20},
            "layer": [interval, points],
        },
    )
