"""The figure of a change: the way from one total to the other, part by part."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from blueattr.provenance import spell_window
from blueattr.report.fields import Field, Fields
from blueattr.report.figures.charts.drawing import Spec
from blueattr.report.figures.charts.theme import FONT_SIZE, Look, Row, figure, label
from blueattr.report.figures.exhibit import Exhibit, data_report, marked
from blueattr.report.numbers import MINUS, percent, short
from blueattr.report.parts.shared_fields import INDICATOR
from blueattr.report.results.changes import signed, way_table
from blueattr.report.results.fields.change import KIND_WORDS, SIZE_WORDS, change_rows

if TYPE_CHECKING:
    from blueattr.attribution.change.result import ChangeResult
    from blueattr.report.tables import Cell

__all__ = ["STEP", "bridge_chart", "change_exhibit"]


_ENDS = "Where the bar begins, and where it ends."
_UNIT = "the indicator's"


@dataclass(frozen=True, slots=True)
class _Step:
    """A bar: a total from 0, or a part from where the one before it ends."""

    step: str
    words: str
    begin: float
    end: float
    share: float | None = None

    @property
    def is_total(self) -> bool:
        return self.step in {"before", "after"}


STEP: Fields[Any] = Fields(
    Field(
        "step",
        "Of the way from one total to the other: `before`, a kind of agents, `size` (that of the "
        "panel), `after`.",
    ),
    Field("from", _ENDS, "float", _UNIT, get=lambda step: step.begin),
    Field("to", _ENDS, "float", _UNIT, get=lambda step: step.end),
    Field("share", kind="share"),
)


def change_exhibit(result: "ChangeResult") -> Exhibit:
    """Show the way from the total before to the total after, part by part."""
    steps = _steps(result)
    columns = (*INDICATOR.columns(), *STEP.columns())
    rows: list[tuple[Cell, ...]] = [(*INDICATOR.cells(result), *STEP.cells(step)) for step in steps]
    bars = [
        {
            "part": step.words,
            "from": step.begin,
            "to": step.end,
            "value": _minus(short(step.end) if step.is_total else signed(step.end - step.begin)),
            "share": "" if step.share is None else _minus(percent(step.share)),
            "side": "total" if step.is_total else "up" if step.end >= step.begin else "down",
        }
        for step in steps
    ]
    windows = [one.provenance.window for one in (result.before, result.after)]
    when = "".join(f", {spell_window(window)}" for window in windows if window is not None)
    numbers = "; ".join(
        f"{bar['part']} {bar['value']}" + (f", {bar['share']}" if bar["share"] else "")
        for bar in bars
    )
    return Exhibit(
        name=f"{result.indicator}-change",
        title="What carried the change",
        caption=f"{result.indicator} before and after{when}; between them what accounts add that "
        "came, went, did more or did less, and the size of the panel. A wide figure also has the "
        "parts of the change, in brackets.",
        alt=f"Bars, each from where the one above it ends. {numbers}.",
        report=data_report("bridge", columns, rows, way_table(result), result.provenance),
        chart=marked(result.provenance, lambda look: bridge_chart(bars, result.indicator, look)),
    )


def _minus(number: str) -> str:
    return number.replace("-", MINUS)


def _steps(result: "ChangeResult") -> list[_Step]:
    """Return the bars; without agents who did the same, who add nothing."""
    at = result.before.total
    steps = [_Step("before", "before", 0.0, at)]
    for row in change_rows(result):
        if row.part in {"tier", "group"} or row.name == "same":
            continue
        words = SIZE_WORDS if row.part == "size" else KIND_WORDS[row.name]
        steps.append(_Step(row.name, words, at, at + row.value, row.share))
        at += row.value
    return [*steps, _Step("after", "after", 0.0, result.after.total)]


_NUMBER, _NUMBER_NARROW = 140, 76


def bridge_chart(rows: Sequence[Row], unit: str, look: Look) -> Spec:
    """Draw the way from one total to the other: each bar begins where the one above it ends.

    Parameters
    ----------
    rows
        ``part``, ``from``, ``to``, ``value`` and ``share`` (as they are written beside the bar; the
        share may be empty), and ``side``: ``total``, ``up`` or ``down``.
    unit
        What the axis measures.
    """
    room = _NUMBER_NARROW if look.narrow else _NUMBER
    names = [label(row["part"]) for row in rows]
    label_width = min(0.36 * look.width, 16 + 7 * max(map(len, names)))
    width = look.width - label_width - 20
    reach = [0.0, *(row["from"] for row in rows), *(row["to"] for row in rows)]
    low, high = min(reach), max(reach)
    # Right of the longest bar there is room for its number.
    high += (high - low) * room / (width - room)
    values = [
        {
            "part": name,
            "from": row["from"],
            "to": row["to"],
            "side": row["side"],
            "right": max(row["from"], row["to"]),
            "label": f"{row['value']} ({row['share']})"
            if row["share"] and not look.narrow
            else row["value"],
        }
        for row, name in zip(rows, names, strict=True)
    ]
    y = {
        "field": "part", "type": "nominal", "title": None, "sort": names,
        "axis": {"domain": False, "ticks": False, "grid": False, "labelLimit": label_width,
                 "labelColor": look.ink, "labelPadding": 8},
    }  # fmt: skip

    def x(field: str) -> dict[str, Any]:
        return {
            "field": field, "type": "quantitative", "title": label(unit),
            "scale": {"domain": [low, high], "nice": False}, "axis": {"tickCount": 4},
        }  # fmt: skip

    colour = {
        "field": "side", "type": "nominal", "legend": None,
        "scale": {"domain": ["total", "up", "down"], "range": [look.top, look.middle, look.tail]},
    }  # fmt: skip
    return figure(
        look,
        data=values,
        width=width,
        height={"step": 26},
        layer=[
            {
                "mark": {"type": "bar", "height": 17, "stroke": look.edge, "strokeWidth": 0.8},
                "encoding": {"x": x("from"), "x2": {"field": "to"}, "y": y, "color": colour},
            },
            {
                "mark": {"type": "text", "align": "left", "baseline": "middle", "dx": 6,
                         "fontSize": FONT_SIZE, "color": look.ink},
                "encoding": {"x": x("right"), "y": y, "text": {"field": "label"}},
            },
        ],
    )  # fmt: skip
