"""Charts of scenarios: signed values of agents, an indicator over the steps, both games."""

from collections.abc import Sequence
from typing import Any

from blueattr.report.figures.charts.drawing import Spec
from blueattr.report.figures.charts.theme import FONT_SIZE, Look, Row, figure, label

__all__ = ["drivers_chart", "games_chart", "steps_chart"]


_LETTER = 7
_LEAST_BARS = 60
_SCALE_WIDTH = 62


def _names(rows: Sequence[Row], look: Look) -> tuple[list[str], float, dict[str, Any]]:
    """Return the names of agents, the width that they need, and the axis that has them."""
    names = [row["name"] for row in rows]
    # Names that are cut to the same letters are told apart by their places.
    width = min(0.32 * look.width, 16 + _LETTER * max(map(len, names)))
    y = {
        "field": "name", "type": "nominal", "title": None, "sort": names,
        "axis": {"domain": False, "ticks": False, "grid": False, "labelLimit": width,
                 "labelColor": look.ink, "labelPadding": 8},
    }  # fmt: skip
    return names, width, y


def drivers_chart(rows: Sequence[Row], unit: str, look: Look) -> Spec:
    """Draw what agents add as bars to the right of 0, and what they take away to the left.

    Parameters
    ----------
    rows
        ``name`` (no two the same), ``value``, and as they are written beside the bar ``number`` and
        ``share`` (which may be empty).
    unit
        What the axis measures.
    """
    _, label_width, y = _names(rows, look)
    width = look.width - label_width - 20
    values = [row["value"] for row in rows]
    low, high = min(0.0, *values), max(0.0, *values)
    bars = [
        {
            "name": row["name"],
            "value": row["value"],
            "side": "down" if row["value"] < 0 else "up",
            "label": f"{row['number']} ({row['share']})"
            if row["share"] and not look.narrow
            else row["number"],
        }
        for row in rows
    ]
    # Beside the longest bars there is room for their numbers.
    left, right = (_room(bars, side) for side in ("down", "up"))
    a_pixel = (high - low) / max(width - left - right, _LEAST_BARS)
    ends = [low - left * a_pixel, high + right * a_pixel]
    x = {
        "field": "value", "type": "quantitative", "title": label(unit),
        "scale": {"domain": ends, "nice": False}, "axis": {"tickCount": 4},
    }  # fmt: skip
    colour = {
        "field": "side", "type": "nominal", "legend": None,
        "scale": {"domain": ["up", "down"], "range": [look.middle, look.tail]},
    }  # fmt: skip

    def words(side: str, align: str, dx: int) -> Spec:
        return {
            "transform": [{"filter": f"datum.side == '{side}'"}],
            "mark": {"type": "text", "align": align, "baseline": "middle", "dx": dx,
                     "fontSize": FONT_SIZE, "color": look.ink},
            "encoding": {"x": x, "y": y, "text": {"field": "label"}},
        }  # fmt: skip

    return figure(
        look,
        data=bars,
        width=width,
        height={"step": 24},
        layer=[
            {
                "mark": {"type": "bar", "height": 15, "stroke": look.edge, "strokeWidth": 0.8},
                "encoding": {"x": x, "y": y, "color": colour},
            },
            {
                "data": {"values": [{"zero": 0}]},
                "mark": {"type": "rule", "color": look.muted, "strokeWidth": 1},
                "encoding": {"x": {**x, "field": "zero"}},
            },
            words("up", "left", 6),
            words("down", "right", -6),
        ],
    )


def _room(bars: Sequence[Row], side: str) -> float:
    """Return how much room the numbers beside the bars of a side take."""
    longest = max((len(bar["label"]) for bar in bars if bar["side"] == side), default=0)
    return _LETTER * longest + 12 if longest else 0.0


def steps_chart(rows: Sequence[Row], unit: str, look: Look) -> Spec:
    """Draw an indicator after each step, with the window shaded and the target step marked.

    Parameters
    ----------
    rows
        ``place`` (from 0), ``step`` (the label), ``recorded``, ``in_window``, ``is_target``.
    unit
        What the axis of values measures.
    """
    width = look.width - _SCALE_WIDTH
    values = [{**row, "step": label(str(row["step"]))} for row in rows]
    count = len(values)
    letters = max(len(value["step"]) for value in values)
    most = max(2, int(width / (16 + _LETTER * letters)))
    every = -(-count // most)
    shown = [value["place"] for value in values[::every]]
    words = {str(value["place"]): value["step"] for value in values}
    window = [value["place"] for value in values if value["in_window"]]
    x = {
        "field": "place", "type": "quantitative", "title": "step",
        "scale": {"domain": [-0.5, count - 0.5], "nice": False},
        "axis": {"values": shown, "grid": False, "labelOverlap": False,
                 "labelExpr": f"({_object(words)})[format(datum.value, 'd')]"},
    }  # fmt: skip
    y = {
        "field": "recorded", "type": "quantitative", "title": label(unit),
        "scale": {"zero": False}, "axis": {"tickCount": 4},
    }  # fmt: skip
    target = [value for value in values if value["is_target"]]
    return figure(
        look,
        data=values,
        width=width,
        height=150 if look.narrow else 190,
        layer=[
            {
                "data": {"values": [{"begin": min(window) - 0.5, "end": max(window) + 0.5}]},
                "mark": {"type": "rect", "color": look.muted, "opacity": 0.18},
                "encoding": {"x": {**x, "field": "begin"}, "x2": {"field": "end"}},
            },
            {
                "mark": {"type": "line", "color": look.accent, "strokeWidth": 2},
                "encoding": {"x": x, "y": y},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 18, "opacity": 1,
                         "color": look.accent},
                "encoding": {"x": x, "y": y},
            },
            {
                "data": {"values": target},
                "mark": {"type": "point", "filled": True, "size": 110, "opacity": 1,
                         "color": look.alert, "stroke": look.paper, "strokeWidth": 1.5},
                "encoding": {"x": x, "y": y},
            },
        ],
    )  # fmt: skip


def _object(words: dict[str, str]) -> str:
    """Return labels as an object of an expression; every character is spelled out."""
    pairs = (f"'{place}': '{_spelled(text)}'" for place, text in words.items())
    return "{" + ", ".join(pairs) + "}"


def _spelled(text: str) -> str:
    units = text.encode("utf-16-be", "replace")
    return "".join(f"\\u{units[k : k + 2].hex()}" for k in range(0, len(units), 2))


def games_chart(rows: Sequence[Row], unit: str, look: Look) -> Spec:
    """Draw Shapley values of both forms: a filled point for the discrete, a hollow for the smooth.

    Parameters
    ----------
    rows
        ``name`` (no two the same), ``smooth``, ``discrete``.
    unit
        What the axis measures.
    """
    _, label_width, y = _names(rows, look)
    y["axis"]["grid"] = True
    ends = [row[form] for row in rows for form in ("smooth", "discrete")]
    points = [
        {"name": row["name"], "form": f"{form} game", "value": row[form]}
        for row in rows
        for form in ("discrete", "smooth")
    ]
    spans = [{"name": row["name"], "low": min(row["smooth"], row["discrete"]),
              "high": max(row["smooth"], row["discrete"])} for row in rows]  # fmt: skip
    x = {
        "type": "quantitative", "title": label(unit), "axis": {"tickCount": 4},
        "scale": {"domain": [min(0.0, *ends), max(0.0, *ends)], "nice": False, "padding": 8},
    }  # fmt: skip
    colour = {
        "field": "form", "type": "nominal",
        "scale": {"domain": ["discrete game", "smooth game"], "range": [look.top, look.tail]},
        "legend": {"symbolType": "circle", "symbolStrokeWidth": 1.2,
                   "symbolStrokeColor": look.edge},
    }  # fmt: skip
    return figure(
        look,
        data=points,
        width=look.width - label_width - 24,
        height={"step": 20},
        layer=[
            {
                "data": {"values": spans},
                "mark": {"type": "rule", "strokeWidth": 1.5, "color": look.muted},
                "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "y": y},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 64, "opacity": 1,
                         "stroke": look.edge, "strokeWidth": 1.2},
                "encoding": {"x": {**x, "field": "value"}, "y": y, "fill": colour},
            },
        ],
    )  # fmt: skip
