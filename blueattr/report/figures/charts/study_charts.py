"""Charts of studies, as Vega-Lite specifications: topics, samples and other choices compared."""

from collections.abc import Sequence

from blueattr.report.figures.charts.drawing import Spec
from blueattr.report.figures.charts.theme import (
    FONT_SIZE,
    THOUSANDS,
    Look,
    Row,
    cased,
    decades,
    facet,
    figure,
    label,
    multiples,
    share_axis,
    tier_colour,
    title_lines,
)

__all__ = ["dots_chart", "flips_chart", "ranges_chart", "widths_chart"]


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
                     "strokeWidth": 1.8, "color": look.accent,
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
    label_width = min(0.36 * look.width, 16 + 7 * max(map(len, labels), default=0))
    columns = max(1, min(look.columns // 2, len({row["indicator"] for row in rows})))
    y = {
        "field": "row", "type": "nominal", "title": None, "sort": labels,
        "scale": {"paddingInner": 0.3},
        "axis": {"domain": False, "ticks": False, "grid": True, "labelLimit": label_width,
                 "labelColor": look.ink, "labelPadding": 8},
    }  # fmt: skip
    # Tiers lie side by side in a row, so that no interval covers another.
    place = {"y": y}
    if len(labels) > 1 and labels != list(tiers):
        place["yOffset"] = {"field": "tier", "type": "nominal", "sort": list(tiers)}
    # Shares below 0 have an axis of their own.
    signed = any(row["share"] < 0 for row in values)
    colour = tier_colour(tiers, look, legend=True)
    x = share_axis("low")
    ends = {**place, "x": {**x, "scale": {"zero": True}}, "x2": {"field": "high"}, "color": colour}
    return figure(
        look,
        data=values,
        facet=facet("indicator", rows),
        columns=columns,
        spacing={"row": 20, "column": 22},
        resolve={"scale": {"x": "independent" if signed else "shared"}},
        spec={
            "width": (look.width - label_width - 24 - 22 * (columns - 1)) // columns,
            "height": {"step": 15, "for": "offset"} if "yOffset" in place else {"step": 26},
            "layer": [
                *(
                    {**layer, "transform": [{"filter": "isValid(datum.low)"}]}
                    for layer in cased({"type": "rule", "strokeWidth": 3}, look, ends)
                ),
                {
                    "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1,
                             "stroke": look.edge, "strokeWidth": 1},
                    "encoding": {**place, "x": share_axis("share"),
                                 "fill": {**colour, "legend": None}},
                },
            ],
        },
    )  # fmt: skip


def ranges_chart(rows: Sequence[Row], tiers: Sequence[str], look: Look) -> Spec:
    """Draw how far each choice moves the share of each tier: a bar from the least to the largest.

    Parameters
    ----------
    rows
        ``row`` (the choice), ``tier``, ``share`` (by default), ``low``, ``high``.
    tiers
        Names, from the top down.
    """
    values = [{**row, "row": label(row["row"])} for row in rows]
    labels = list(dict.fromkeys(value["row"] for value in values))
    # A narrow figure has the setting below the choice.
    parts = [part for name in labels for part in (name.split(": ") if look.narrow else [name])]
    label_width = min(0.36 * look.width, 16 + 7 * max(map(len, parts), default=0))
    y = {
        "field": "row", "type": "nominal", "title": None, "sort": labels,
        "scale": {"paddingInner": 0.3},
        "axis": {"domain": False, "ticks": False, "grid": False, "labelLimit": label_width,
                 "labelColor": look.ink, "labelPadding": 8,
                 **({"labelExpr": "split(datum.label, ': ')"} if look.narrow else {})},
    }  # fmt: skip
    place = {"y": y, "yOffset": {"field": "tier", "type": "nominal", "sort": list(tiers)}}
    return figure(
        look,
        data=values,
        width=look.width - label_width - 24,
        height={"step": 14, "for": "offset"},
        layer=[
            {
                "mark": {"type": "bar", "stroke": look.edge, "strokeWidth": 0.8},
                "encoding": {
                    **place,
                    "x": {**share_axis("low"), "scale": {"zero": True}},
                    "x2": {"field": "high"},
                    "color": tier_colour(tiers, look, legend=True),
                },
            },
            {
                "mark": {"type": "tick", "thickness": 2.5, "color": look.ink, "size": 16},
                "encoding": {**place, "x": share_axis("share")},
            },
        ],
    )


def widths_chart(rows: Sequence[Row], within: float, look: Look) -> Spec:
    """Draw half-widths against the size of a sample, a small multiple per indicator.

    Parameters
    ----------
    rows
        ``indicator``, ``size``, ``half_width``, ``enough`` (whether it is the size to draw).
    within
        The half-width that was asked for.
    """
    columns, size = multiples(rows, "indicator", look, 30)
    values = [{**row, "indicator": label(row["indicator"]), "within": within} for row in rows]
    sizes = [row["size"] for row in rows] or [1, 10]
    x = {
        "field": "size", "type": "quantitative",
        "title": title_lines("agents in the sample", size["width"]),
        "scale": {"type": "log", "domain": [min(sizes), max(sizes)]},
        "axis": {"values": decades(min(sizes), max(sizes), size["width"]),
                 "labelExpr": THOUSANDS, "grid": False, "labelFlush": False},
    }  # fmt: skip
    place = {"x": x, "y": share_axis("half_width")}
    return figure(
        look,
        data=values,
        facet=facet("indicator", rows),
        columns=columns,
        spacing={"row": 44, "column": 30},
        bounds="flush",
        spec={
            **size,
            "layer": [
                {
                    "mark": {"type": "line", "strokeDash": [3, 3], "color": look.muted},
                    "encoding": {"x": x, "y": share_axis("within")},
                },
                {"mark": {"type": "line", "strokeWidth": 1.8, "color": look.accent},
                 "encoding": place},
                {
                    "transform": [{"filter": "datum.enough"}],
                    "mark": {"type": "point", "filled": True, "size": 46, "opacity": 1,
                             "color": look.accent},
                    "encoding": place,
                },
                {
                    "transform": [{"filter": "datum.enough"}],
                    "mark": {"type": "text", "baseline": "bottom", "dy": -5,
                             "fontSize": FONT_SIZE, "color": look.ink},
                    "encoding": {**place, "text": {"field": "size", "format": ","}},
                },
            ],
        },
    )  # fmt: skip
