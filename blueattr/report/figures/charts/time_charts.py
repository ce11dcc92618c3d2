"""Charts over time: how much there was, and who carried it, day by day or hour by hour."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from blueattr.report.figures.charts.drawing import Spec
from blueattr.report.figures.charts.theme import (
    FONT_SIZE,
    PERCENT,
    Look,
    Row,
    figure,
    share_label,
    tier_colour,
)

__all__ = ["when_chart"]


_POSTS, _ACCOUNTS = "posts, replies, reposts", "accounts"
_AXIS_WIDTH = 62
_STRIP = 120
_LABEL_HEIGHT, _LABEL_WIDTH = 14, 33
_HOURLY_TICKS = timedelta(hours=8)
_WIDE_DAY = 120
# What was not seen whole is pale.
_FADED = {"condition": {"test": "datum.whole", "value": 1}, "value": 0.45}


def when_chart(
    slots: Sequence[Row],
    shares: Sequence[Row],
    gaps: Sequence[Row],
    *,
    tiers: Sequence[str],
    bounds: tuple[datetime, datetime],
    look: Look,
) -> Spec:
    """Draw what was written as bars, and below them the shares of tiers as a strip of 100 %.

    Parameters
    ----------
    slots
        ``start``, ``end`` (aware times), ``records``, ``participants``, ``whole`` (whether all of
        it was seen): days, or hours. ``records`` may be None.
    shares
        ``start``, ``end`` (of a day), ``tier``, ``share``, ``whole``; without days that have no
        answer.
    gaps
        ``start``, ``end`` (ISO): what was not seen.
    tiers
        Names, from the top down.
    bounds
        The ends of the axis of time.
    """
    width = look.width - _AXIS_WIDTH
    first, last = bounds
    length: timedelta = last - first
    x = _time_axis(first, last, look)
    # The strip below has the labels.
    bare = {**x, "axis": {**x["axis"], "labels": not shares}}
    written = _written_layer(slots, bare, look)
    unseen = {
        "data": {"values": [{"start": gap["start"], "end": gap["end"]} for gap in gaps]},
        "mark": {"type": "rect", "color": look.muted, "opacity": 0.18},
        "encoding": {"x": bare, "x2": {"field": "end"}},
    }
    upper = {
        "width": width,
        "height": 120 if look.narrow else 150,
        "layer": [unseen, written] if gaps else [written],
    }
    parts = _stack(shares, tiers, look, width / (length / timedelta(days=1)))
    lower = {"width": width, "height": _STRIP, "layer": _strip_layers(parts, tiers, x, look)}
    return figure(
        look,
        spacing=14,
        resolve={"scale": {"color": "independent"}},
        vconcat=[upper, lower] if parts else [upper],
    )


def _written_layer(slots: Sequence[Row], x: Spec, look: Look) -> Spec:
    """Return the bars of records and, narrower, of their accounts."""
    bars = []
    for slot in slots:
        for what, field, inset in ((_POSTS, "records", 0.08), (_ACCOUNTS, "participants", 0.28)):
            if slot[field] is not None:
                bars.append({"what": what, "count": slot[field], "whole": slot["whole"],
                             **_inside(slot, inset)})  # fmt: skip
    return {
        "data": {"values": bars},
        "mark": {"type": "rect", "stroke": look.edge, "strokeWidth": 0.8},
        "encoding": {
            "x": x,
            "x2": {"field": "end"},
            "y": {"field": "count", "type": "quantitative", "title": None,
                  "axis": {"tickCount": 4, "format": "~s"}},
            "y2": {"datum": 0},
            "color": {"field": "what", "type": "nominal", "legend": {},
                      "scale": {"domain": [_POSTS, _ACCOUNTS],
                                "range": [look.grid, look.accent]}},
            "opacity": _FADED,
        },
    }  # fmt: skip


def _strip_layers(parts: Sequence[Row], tiers: Sequence[str], x: Spec, look: Look) -> list[Spec]:
    """Return the shares of tiers by day, stacked to 100 %, and the words in them."""
    y = {
        "type": "quantitative", "title": None, "scale": {"domain": [0, 1]},
        "axis": {"values": [0, 0.5, 1], "labelExpr": PERCENT, "grid": False},
    }  # fmt: skip
    strip = {
        "data": {"values": parts},
        "mark": {"type": "rect", "stroke": look.paper, "strokeWidth": 1},
        "encoding": {
            "x": x,
            "x2": {"field": "end"},
            "y": {**y, "field": "low"},
            "y2": {"field": "high"},
            "color": tier_colour(tiers, look, legend=True),
            "opacity": _FADED,
        },
    }
    labels = {
        "data": {"values": [part for part in parts if part["label"]]},
        "mark": {"type": "text", "fontSize": FONT_SIZE - 1},
        "encoding": {
            "x": {**x, "field": "middle"},
            "y": {**y, "field": "height"},
            "text": {"field": "label"},
            "color": {"field": "words", "type": "nominal", "scale": None},
        },
    }
    return [strip, labels]


def _inside(slot: Row, inset: float) -> dict[str, str]:
    """Return the ends of a bar that leaves part of its slot free on either side."""
    start, end = slot["start"], slot["end"]
    margin = (end - start) * inset
    return {"start": (start + margin).isoformat(), "end": (end - margin).isoformat()}


def _time_axis(first: datetime, last: datetime, look: Look) -> dict[str, Any]:
    """Encode time, with a label at the middle of a day, or at the start of an hour."""
    length = last - first
    hourly = length <= timedelta(days=2)
    if hourly:
        # At whole hours, of which midnight is one.
        step = timedelta(hours=next(h for h in (1, 2, 3, 6, 12) if length <= h * _HOURLY_TICKS))
        tick = first.replace(hour=0, minute=0, second=0, microsecond=0)
        ticks = [tick + step * k for k in range(1 + -(-(last - tick) // step))]
        at = [moment for moment in ticks if first <= moment <= last]
    else:
        step = timedelta(days=1)
        n = -(-length // step)
        at = [first + step * k + step / 2 for k in range(0, n, -(-n // (5 if look.narrow else 14)))]
    return {
        "field": "start",
        "type": "temporal",
        "title": None,
        "scale": {"type": "utc", "domain": [first.isoformat(), last.isoformat()]},
        "axis": {
            "format": "%-d %b %H:%M" if hourly and not look.narrow else
                      "%H:%M" if hourly else "%-d %b",
            "grid": False, "values": [1000 * int(moment.timestamp()) for moment in at],
            "ticks": hourly, "labelOverlap": True, "labelFlush": False,
        },
    }  # fmt: skip


def _stack(
    shares: Sequence[Row], tiers: Sequence[str], look: Look, day_width: float
) -> list[dict[str, Any]]:
    """Lay the shares of each day on each other, the top tier at the bottom."""
    on = dict(zip(tiers, look.on_tiers(len(tiers)), strict=True))
    reached: dict[object, float] = {}
    inset = 0.08 if day_width < _WIDE_DAY else 0.01
    parts = []
    for row in shares:
        low = reached.get(row["start"], 0.0)
        reached[row["start"]] = high = low + row["share"]
        fits = (high - low) * _STRIP >= _LABEL_HEIGHT and 0.84 * day_width >= _LABEL_WIDTH
        parts.append({
            **_inside(row, inset), "tier": row["tier"], "low": low, "high": high,
            "middle": (row["start"] + (row["end"] - row["start"]) / 2).isoformat(),
            "height": (low + high) / 2, "whole": row["whole"], "words": on[row["tier"]],
            "label": share_label(row["share"]) if fits else "",
        })  # fmt: skip
    return parts
