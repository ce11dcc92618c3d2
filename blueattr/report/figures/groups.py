"""The figure of groups: the share of each, and its Owen value where that is another number."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from blueattr.report.figures.charts.drawing import Spec
from blueattr.report.figures.charts.theme import FONT_SIZE, Look, Row, figure, label, share_axis
from blueattr.report.figures.exhibit import Exhibit, data_report, marked
from blueattr.report.numbers import MINUS, percent
from blueattr.report.parts.groups import GROUPED, ROW, group_rows, group_tables, spelled_levels
from blueattr.report.parts.shared_fields import INDICATOR

if TYPE_CHECKING:
    from blueattr.attribution.attribute import AttributionResult
    from blueattr.report.tables import Cell

__all__ = ["groups_chart", "groups_exhibit"]


_MOST_BARS = 20


def groups_exhibit(result: "AttributionResult") -> Exhibit | None:
    """Show the share of each outer group; nothing where there is only one."""
    groups = result.groups
    if groups is None or len(groups.groups) < 2:
        return None
    columns = (*INDICATOR.columns(), *GROUPED.columns(), *ROW.columns())
    rows: list[tuple[Cell, ...]] = [
        (*INDICATOR.cells(result), *GROUPED.cells(groups), *ROW.cells(row))
        for row in group_rows(groups)
    ]
    has_owen = groups.owen != "value"
    shown = groups.groups[:_MOST_BARS]
    bars = [
        {
            "group": name,
            "share": one.share,
            "owen": one.owen / result.total if has_owen else None,
            "label": _minus(percent(one.share)),
        }
        for name, one in zip(_apart([one.group for one in shown]), shown, strict=True)
    ]
    by = spelled_levels(groups)
    owen = " The line across a bar is the Owen value: groups enter whole." if has_owen else ""
    numbers = "; ".join(f"{bar['group']} {bar['label']}" for bar in bars)
    return Exhibit(
        name=f"{result.indicator}-groups",
        title=f"Groups by {by}",
        caption=f"The part of {result.indicator} that agents carry, by {by}.{owen}",
        alt=f"Bars by group. {numbers}.",
        report=data_report("groups", columns, rows, group_tables([result])[0], result.provenance),
        chart=marked(result.provenance, lambda look: groups_chart(bars, result.indicator, look)),
    )


def _minus(number: str) -> str:
    return number.replace("-", MINUS)


def _apart(names: Sequence[str]) -> list[str]:
    """Return names as a figure shows them, with numbers where two would look the same."""
    found: list[str] = []
    for name in names:
        shown, k = label(name), 2
        base = shown
        while shown in found:
            shown, k = f"{base} ({k})", k + 1
        found.append(shown)
    return found


_NUMBER = 62


def groups_chart(rows: Sequence[Row], unit: str, look: Look) -> Spec:
    """Draw the share of each group as a bar, and its Owen value as a line across it.

    Parameters
    ----------
    rows
        ``group`` (all different), ``share``, ``owen`` (None for no line) and ``label``.
    unit
        What the shares are of.
    """
    names = [row["group"] for row in rows]
    label_width = min(0.4 * look.width, 16 + 7 * max(map(len, names)))
    width = look.width - label_width - 20
    reach = [0.0, *(row["share"] for row in rows), *(row["owen"] or 0.0 for row in rows)]
    low, high = min(reach), max(reach)
    high += (high - low) * _NUMBER / (width - _NUMBER)  # room for the number of the longest bar
    values = [{**row, "right": max(row["share"], row["owen"] or 0.0, 0.0)} for row in rows]
    y = {
        "field": "group", "type": "nominal", "title": None, "sort": names,
        "axis": {"domain": False, "ticks": False, "grid": False, "labelLimit": label_width,
                 "labelColor": look.ink, "labelPadding": 8},
    }  # fmt: skip

    def x(field: str) -> dict[str, Any]:
        return {
            **share_axis(field, ()), "title": f"part of {label(unit)}",
            "scale": {"domain": [low, high], "nice": False},
        }  # fmt: skip

    layer: list[dict[str, Any]] = [
        {
            "mark": {"type": "bar", "height": 17, "color": look.middle, "stroke": look.edge,
                     "strokeWidth": 0.8},
            "encoding": {"x": x("share"), "y": y},
        },
        {
            "mark": {"type": "text", "align": "left", "baseline": "middle", "dx": 6,
                     "fontSize": FONT_SIZE, "color": look.ink},
            "encoding": {"x": x("right"), "y": y, "text": {"field": "label"}},
        },
    ]  # fmt: skip
    if any(row["owen"] is not None for row in rows):
        layer.append({
            "mark": {"type": "tick", "thickness": 3, "size": 24, "color": look.ink,
                     "opacity": 1},
            "encoding": {"x": x("owen"), "y": y},
        })  # fmt: skip
    return figure(look, data=values, width=width, height={"step": 26}, layer=layer)
