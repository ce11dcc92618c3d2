"""Figures of one account: the way from its features to its value, and how sure its rank is."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from blueattr.report.fields import Field, Fields
from blueattr.report.figures.bridge import bridge_chart
from blueattr.report.figures.charts.drawing import Spec
from blueattr.report.figures.charts.theme import (
    FONT_SIZE,
    THOUSANDS,
    Look,
    Row,
    decades,
    figure,
    label,
    title_lines,
)
from blueattr.report.figures.exhibit import Exhibit, data_report, marked, rows_of
from blueattr.report.numbers import MINUS, count, percent, short
from blueattr.report.parts.shared_fields import INDICATOR
from blueattr.report.results.fields.why import ACCOUNT, FEATURE
from blueattr.report.results.why import FEATURE_WORDS, account_name, parts_table, rank_words
from blueattr.report.tables import Table

if TYPE_CHECKING:
    from blueattr.report.tables import Cell
    from blueattr.studies.carriers.why import WhyResult

__all__ = ["PLACE", "STEP", "TABLE", "parts_exhibit", "ranks_chart", "ranks_exhibit"]


_ENDS = "Where the bar begins, and where it ends."
_UNIT = "the indicator's"
_BY_DAYS = "days resampled"
STEP: Fields[Any] = Fields(
    Field("step", "`a`, `b`, `c`, or `value`: all of them together."),
    Field("from", _ENDS, "float", _UNIT),
    Field("to", _ENDS, "float", _UNIT),
    Field("part", "`value` / the account's value; none where that is 0.", "share"),
)
PLACE: Fields[Any] = Fields(
    Field("choice", "What is chosen otherwise, and how; `days resampled` for the interval."),
    Field("setting", "What is chosen otherwise, and how; `days resampled` for the interval."),
    Field("rank", "1 + the number of agents with a larger value; none where it is not on that "
          "panel.", "int"),
    Field("rank_low", "The 95 % interval of the rank; none of a choice.", "int"),
    Field("rank_high", "The 95 % interval of the rank; none of a choice.", "int"),
)  # fmt: skip
TABLE: Fields[Any] = Fields(
    Field("interval", "The 95 % interval of the rank, as text.", "figure", heading="95 % interval"),
    FEATURE["feature"],
    FEATURE["count"],
    FEATURE["x"],
)
"""What only the tables for people have."""
_WHO = (ACCOUNT["did"].column(), ACCOUNT["handle"].column())


def _who(result: "WhyResult") -> tuple["Cell", ...]:
    return result.account.did, result.account.handle


def parts_exhibit(result: "WhyResult") -> Exhibit | None:
    """Show how the parts by feature make up the value; nothing where there is no split."""
    if not result.by_feature:
        return None
    at = 0.0
    steps: list[tuple[Cell, ...]] = []
    for one in result.by_feature:
        steps.append((one.feature, at, at + one.value, one.part))
        at += one.value
    steps.append(("value", 0.0, result.value, 1.0 if result.value else None))
    columns = (*INDICATOR.columns(), *_WHO, *STEP.columns())
    rows = [(result.indicator, *_who(result), *step) for step in steps]
    bars = [
        {
            "part": "value" if row["step"] == "value"
            else f"{FEATURE_WORDS[row['step']]} {row['step']}",
            "from": row["from"],
            "to": row["to"],
            "value": short(row["to"] - row["from"]).replace("-", MINUS),
            "share": "" if row["part"] is None or row["step"] == "value" else percent(row["part"]),
            "side": "total" if row["step"] == "value"
            else "up" if row["to"] >= row["from"] else "down",
        }
        for row in rows_of(columns, rows)
    ]  # fmt: skip
    numbers = "; ".join(f"{bar['part']} {bar['value']}" for bar in bars)
    name = account_name(result)
    return Exhibit(
        name="parts",
        title=f"What the value of {label(name)} is made of",
        caption=f"The value of {label(name)} on {result.indicator}, feature by feature. A wide "
        "figure also has the parts of its value, in brackets.",
        alt=f"Bars, each from where the one above it ends. {numbers}.",
        report=data_report("parts", columns, rows, parts_table(result), result.provenance),
        chart=marked(result.provenance, lambda look: bridge_chart(bars, result.indicator, look)),
    )


def ranks_exhibit(result: "WhyResult") -> Exhibit | None:
    """Show the interval of a rank, and the ranks under other choices; nothing without either."""
    account = result.account
    places: list[tuple[Cell, ...]] = []
    if account.rank_low is not None:
        places.append((_BY_DAYS, "", result.rank, account.rank_low, account.rank_high))
    places += [(one.choice, one.setting, one.rank, None, None) for one in account.choices]
    if not places:
        return None
    columns = (*INDICATOR.columns(), *_WHO, *PLACE.columns())
    rows = [(result.indicator, *_who(result), *place) for place in places]
    table = Table(
        name="choices",
        title=f"The rank of {label(account_name(result))}",
        columns=(
            PLACE["choice"].column(),
            PLACE["setting"].column(),
            PLACE["rank"].column(),
            TABLE["interval"].column(),
        ),
        rows=tuple(
            (choice, setting, rank, None if low is None else f"{low:,} to {high:,}")
            for choice, setting, rank, low, high in places
        ),
    )
    dots = [
        {
            "row": f"{row['choice']} {row['setting']}".strip(),
            "rank": row["rank"],
            "low": row["rank_low"],
            "high": row["rank_high"],
        }
        for row in rows_of(columns, rows)
        if row["rank"] is not None
    ]
    words = "; ".join(f"{dot['row']}: {count(dot['rank'])}" for dot in dots)
    return Exhibit(
        name="ranks",
        title="How sure its rank is",
        caption=f"{rank_words(result)}."
        + (" Points: its rank by default, and under other choices." if account.choices else ""),
        alt=f"Points on a logarithmic axis of ranks, one with an interval. {words}.",
        report=data_report("ranks", columns, rows, table, result.provenance),
        chart=marked(result.provenance, lambda look: ranks_chart(dots, look)),
    )


def ranks_chart(rows: Sequence[Row], look: Look) -> Spec:
    """Draw ranks as points on a logarithmic axis, with intervals where there are some.

    Parameters
    ----------
    rows
        ``row`` (the label), ``rank``, ``low`` and ``high``; the last two may be None.
    """
    values = [{**row, "row": label(row["row"]), "text": count(row["rank"])} for row in rows]
    names = [value["row"] for value in values]
    label_width = min(0.42 * look.width, 16 + 7 * max(map(len, names)))
    width = look.width - label_width - 40
    last = max(2, *(row["rank"] for row in rows), *(row["high"] or 1 for row in rows))
    y = {
        "field": "row", "type": "nominal", "title": None, "sort": names,
        "axis": {"domain": False, "ticks": False, "grid": True, "labelLimit": label_width,
                 "labelColor": look.ink, "labelPadding": 8},
    }  # fmt: skip

    def x(field: str) -> dict[str, Any]:
        return {
            "field": field, "type": "quantitative", "title": title_lines("rank", width),
            "scale": {"type": "log", "domain": [1, last]},
            "axis": {"values": decades(1, last, width), "labelExpr": THOUSANDS, "grid": False,
                     "labelFlush": False},
        }  # fmt: skip

    return figure(
        look,
        data=values,
        width=width,
        height={"step": 24},
        layer=[
            {
                "transform": [{"filter": "isValid(datum.low)"}],
                "mark": {"type": "rule", "strokeWidth": 3, "color": look.accent},
                "encoding": {"x": x("low"), "x2": {"field": "high"}, "y": y},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1,
                         "color": look.accent, "stroke": look.paper, "strokeWidth": 1},
                "encoding": {"x": x("rank"), "y": y},
            },
            {
                "mark": {"type": "text", "align": "center", "baseline": "bottom", "dy": -5,
                         "fontSize": FONT_SIZE, "color": look.ink},
                "encoding": {"x": x("rank"), "y": y, "text": {"field": "text"}},
            },
        ],
    )  # fmt: skip
