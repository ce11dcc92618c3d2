"""Make docs/performance.md and its figures from what was measured.

That is docs/performance.json, which bench/full.py writes, and docs/questions.json, which
bench/questions.py writes.

python bench/performance.py
"""

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

DOCS = Path(__file__).parents[1] / "docs"
DATA = DOCS / "performance.json"
QUESTIONS = DOCS / "questions.json"
PAGE = DOCS / "performance.md"
TEMPLATE = Path(__file__).with_name("performance.template.md")
FIGURES = DOCS / "_static"

# Exponents are fitted to the sizes within this factor of the largest; below, start-up dominates.
SPAN = 30
# Tableau 10.
PALETTE = (
    "#4e79a7", "#f28e2b", "#e15759", "#76b7b2", "#59a14f", "#edc948", "#b07aa1", "#ff9da7",
    "#9c755f", "#bab0ac",
)  # fmt: skip
GREYS = ("#333333", "#999999")
Point = tuple[float, float]
Lines = dict[str, list[Point]]

STAGES = {
    "ingest a million": "ingest the next events, a million at most",
    "roll up": "summarise all days",
    "match a topic": "match a topic on all days",
    "panel": "build the panel",
    "features": "features of all events",
    "features of a topic": "features of a topic",
    "attribute": "`attribute`, whole process",
    "attribute, four indicators": "`attribute --indicator all`, whole process",
    "grid": "`compare-scales` of the whole grid, whole process",
}
LIMITS = {"group by": "`GROUP BY account`", "read": "read the file"}


# --- arithmetic ----------------------------------------------------------------------------------


def exponent(points: Sequence[Point]) -> float | None:
    """Fit p of y = k x^p by least squares on logarithms, to the largest sizes; None below two."""
    most = max((x for x, _ in points), default=0.0)
    upper = [(math.log(x), math.log(y)) for x, y in points if x * SPAN >= most and y > 0]
    if len(upper) < 2:
        return None
    x, y = np.array(upper).T
    return float(np.polyfit(x, y, 1)[0])


def lines_of(rows: Iterable[dict[str, Any]], size: str, what: str, names: Iterable[str]) -> Lines:
    """Return, by name, the points (size, value) of the rows that have that cost."""
    lines: Lines = {}
    for row in rows:
        for name in names:
            if name in row["costs"]:
                lines.setdefault(name, []).append((row[size], row["costs"][name][what]))
    return lines


# --- words ---------------------------------------------------------------------------------------


def seconds(value: float) -> str:
    """Format a duration with three digits."""
    if value >= 100:
        return f"{value:,.0f} s"
    return f"{value:.3g} s" if value >= 0.1 else f"{value * 1e3:.3g} ms"


def size_of(value: float) -> str:
    """Format a number of bytes."""
    return f"{value / 1e9:.2f} GB" if value >= 1e9 else f"{value / 1e6:,.0f} MB"


def power(value: float | None) -> str:
    """Format an exponent."""
    return "" if value is None else f"{value:.2f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Format a table whose first column is text and whose others are numbers."""
    marks = ["---", *("---:" for _ in head[1:])]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, marks, *rows))


def grown(lines: Lines, names: dict[str, str], write: Any) -> str:
    """Format a table with a row for each line: its value at each size, and its exponent."""
    sizes = sorted({x for points in lines.values() for x, _ in points})
    rows = []
    for name, points in lines.items():
        known = dict(points)
        values = [write(known[x]) if x in known else "" for x in sizes]
        rows.append([names.get(name, name), *values, power(exponent(points))])
    return table(["", *(f"{x:,.0f}" for x in sizes), "exponent"], rows)


# --- figures -------------------------------------------------------------------------------------


def panel(lines: Lines, limits: Iterable[str], x: str, y: str, names: dict[str, str]) -> Any:
    """Return the specification of a panel: lines on logarithmic axes, limits dashed."""
    values = [
        {"x": at, "y": value, "line": names.get(name, name).replace("`", "")}
        | {"kind": "limit" if name in limits else "measured"}
        for name, points in lines.items()
        for at, value in points
        if value > 0
    ]
    order = list(dict.fromkeys(value["line"] for value in values))
    dashed = {value["line"] for value in values if value["kind"] == "limit"}
    free, greys = iter(PALETTE), iter(GREYS)
    colours = [next(greys if line in dashed else free) for line in order]
    scale = {"type": "log", "nice": False}
    return {
        "width": 300,
        "height": 260,
        "data": {"values": values},
        "mark": {"type": "line", "point": {"size": 24}, "strokeWidth": 1.5},
        "encoding": {
            "x": {"field": "x", "type": "quantitative", "title": x, "scale": scale,
                  "axis": {"format": "~s", "tickCount": 6}},
            "y": {"field": "y", "type": "quantitative", "title": y, "scale": scale,
                  "axis": {"format": "~g", "tickCount": 6}},
            "color": {"field": "line", "type": "nominal", "title": None,
                      "scale": {"domain": order, "range": colours},
                      "legend": {"orient": "bottom", "columns": 2, "labelLimit": 300}},
            "strokeDash": {"field": "kind", "type": "nominal", "legend": None,
                           "scale": {"domain": ["measured", "limit"],
                                     "range": [[1, 0], [4, 3]]}},
        },
    }  # fmt: skip


def draw(name: str, panels: Sequence[Any]) -> None:
    """Draw a figure of panels side by side."""
    from blueattr.report.figures.charts.drawing import Drawing

    spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "background": "white",
        "padding": 8,
        "hconcat": list(panels),
        "config": {"axis": {"gridColor": "#e6e6e6"}, "view": {"stroke": None},
                   "font": "sans-serif"},
    }  # fmt: skip
    Drawing(spec).save(FIGURES / f"performance-{name}.svg")


# --- the page ------------------------------------------------------------------------------------


def chain(row: dict[str, Any]) -> str:
    """Format the table of all stages on one store, next to the limits."""
    costs = row["costs"]
    peer = costs["group by"]["seconds"]
    fill = row["fill"]
    rows = [
        ["`synth --db`: fill the store (once)", seconds(fill["seconds"]),
         seconds(fill["processor_seconds"]), size_of(fill["peak_bytes"]),
         f"{fill['seconds'] / peer:.1f}"],
    ]  # fmt: skip
    for name, words in (*STAGES.items(), *LIMITS.items()):
        cost = costs[name]
        rows.append([
            words if name in STAGES else f"*{words}*", seconds(cost["seconds"]),
            seconds(cost["processor_seconds"]), size_of(cost["peak_bytes"]),
            f"{cost['seconds'] / peer:.2f}",
        ])  # fmt: skip
    head = ["", "time", "processor time", "peak memory", "times `GROUP BY`"]
    return table(head, rows)


def value_lines(rows: Sequence[dict[str, Any]]) -> tuple[Lines, Lines]:
    """Return time and memory of computing values, by method."""
    time: Lines = {}
    memory: Lines = {}
    for row in rows:
        for name, value in row.get("in_memory", {}).items():
            time.setdefault(name, []).append((row["n"], value))
        for name, value in row.get("in_memory_peak_bytes", {}).items():
            memory.setdefault(name, []).append((row["n"], value / 1e6))
        if "in_memory" in row:
            memory.setdefault("arrays", []).append((row["n"], row["n"] * 32 / 1e6))
        for name, cost in row["costs"].items():
            if name == "read":
                continue
            time.setdefault(name, []).append((row["n"], cost["seconds"]))
            memory.setdefault(name, []).append((row["n"], cost["peak_bytes"] / 1e6))
    return time, memory


VALUES = {
    "triad": "o = a + 2b + 3c",
    "sort": "`numpy.sort` of as many random numbers",
    "arrays": "three features and a value, 32 bytes an agent",
    "heat in chunks": "heat, in chunks from a file",
    "gini in chunks": "gini, in chunks from a file",
}


def ratios(row: dict[str, Any]) -> list[str]:
    """Format a row: the time of each indicator as a multiple of its limit."""
    known = row["in_memory"]
    by = [known[name] / known["triad"] for name in ("lin", "heat", "var")]
    return [
        f"{row['n']:,}",
        *(f"{ratio:.2f}" for ratio in by),
        f"{known['gini'] / known['sort']:.2f}",
    ]


def megabytes(lines: Lines) -> Lines:
    """Convert bytes to megabytes."""
    return {name: [(x, y / 1e6) for x, y in points] for name, points in lines.items()}


def next_events(rows: Sequence[dict[str, Any]]) -> str:
    """Format the table of the cost of the next events, in a store and in an empty one."""
    table_rows = []
    amounts = [(row, name) for row in rows for name in ("a million", "a commit")]
    for row, name in amounts:
        if f"ingest {name}" not in row["costs"]:
            continue
        first, more = (row["costs"][f"ingest {name}{when}"] for when in (" first", ""))
        cost = [c["processor_seconds"] / c["kept"] for c in (first, more)]
        table_rows.append([
            f"{row['events']:,}", f"{more['kept']:,.0f}", *(f"{c * 1e6:.2f} µs" for c in cost),
            f"{cost[1] / cost[0]:.2f}", size_of(more["peak_bytes"]),
        ])  # fmt: skip
    head = [
        "stored before",
        "ingested",
        "an event, in an empty store",
        "in this one",
        "times",
        "peak",
    ]
    return table(head, table_rows)


PACKAGES = ("blueattr", "duckdb", "numba", "numpy", "polars", "pyarrow")


def of_machine(machine: dict[str, Any]) -> str:
    """Describe a machine and its versions."""
    packages = ", ".join(f"{name} {machine[name]}" for name in PACKAGES)
    return (
        f"{machine['cores']} cores of {machine['processor']}, "
        f"{machine['memory_bytes'] / 2**30:.0f} GiB, Python {machine['python']}, {packages}"
    )


def questions(asked: dict[str, Any]) -> str:
    """Format the table of questions about one store, the one that takes longest last."""
    costs = sorted(asked["costs"].items(), key=lambda one: one[1]["processor_seconds"])
    rows = [
        [words, *(f"{cost[key]:.1f} s" for key in ("processor_seconds", "seconds")),
         f"{cost['peak_bytes'] / 1e9:.2f} GB"]
        for words, cost in costs
    ]  # fmt: skip
    return table(["", "processor time", "time", "peak memory"], rows)


def beside(asked: dict[str, Any]) -> str:
    """Say whether other programs were busy while questions were asked."""
    load, cores = asked["load_at_start"], asked["machine"]["cores"]
    if load < cores / 2:
        return "Nothing else ran."
    return (
        f"Other programs ran, {load / cores:.0f} for each core, at a lower priority: both times "
        "are longer than alone on the machine, where a half to two thirds of them is usual."
    )


def page(data: dict[str, Any], asked: dict[str, Any], *, figures: bool = True) -> str:
    """Return the page of two measurements; draw its figures too."""
    machine = data["machine"]
    events, values, window = data["events"], data["values"], data["window"]
    names = {**STAGES, **{key: f"*{words}*" for key, words in LIMITS.items()}}
    plain = {**STAGES, **LIMITS}
    time = lines_of(events, "events", "seconds", [*STAGES, *LIMITS])
    memory = lines_of(events, "events", "peak_bytes", STAGES)
    full = min(events, key=lambda row: abs(row["agents"] - 1_671_587))
    panel_agents = f"{full['costs']['panel']['agents']:,.0f}"
    value_time, value_memory = value_lines(values)
    windows = window["windows"]
    window_time = lines_of(windows, "days", "seconds", ["panel", "features", "attribute"])
    window_memory = lines_of(windows, "days", "peak_bytes", ["panel", "features", "attribute"])
    if figures:
        draw("events", [
            panel(time, LIMITS, "events in the store", "seconds", plain),
            panel(megabytes(memory), (), "events in the store", "peak memory, MB", plain),
        ])  # fmt: skip
        draw("agents", [
            panel(value_time, ("triad", "sort"), "agents", "seconds", VALUES),
            panel(value_memory, ["arrays"], "agents", "peak memory, MB", VALUES),
        ])  # fmt: skip
        draw("window", [
            panel(window_time, (), "days of the window", "seconds", plain),
            panel(megabytes(window_memory), (), "days of the window", "peak memory, MB", plain),
        ])  # fmt: skip
    swapped = data["pages_swapped"]
    return TEMPLATE.read_text(encoding="utf-8").format(
        machine=of_machine(machine),
        questions=questions(asked),
        asked_of=of_machine(asked["machine"]),
        asked_rounds="once" if asked["rounds"] == 1 else f"{asked['rounds']} times",
        asked_size=size_of(asked["bytes"]),
        beside=beside(asked),
        rounds=data["rounds"],
        swapped="Nothing was swapped." if swapped == 0 else f"Pages swapped: {swapped}.",
        agents=f"{full['agents']:,}",
        panel_agents=panel_agents,
        events=f"{full['events'] / 1e6:.1f}",
        accounts=f"{full['accounts'] / 1e6:.2f}",
        size=size_of(full["bytes"]),
        per_event=f"{full['bytes'] / full['events']:.0f}",
        chain=chain(full),
        span=SPAN,
        most=f"{events[-1]['events'] / 1e6:.0f}",
        growth=grown(time, names, seconds),
        memory_growth=grown(memory, names, size_of),
        per_event_table=next_events(events),
        values=grown(value_time, VALUES, seconds),
        value_memory=grown(value_memory, VALUES, lambda mb: size_of(mb * 1e6)),
        ratios=table(
            ["agents", "lin / triad", "heat / triad", "var / triad", "gini / sort"],
            [ratios(row) for row in values if "in_memory" in row],
        ),
        largest=f"{values[-1]['n']:,}",
        window_agents=f"{window['agents']:,}",
        window_events=f"{window['events'] / 1e6:.1f}",
        windows=grown(window_time, names, seconds),
        window_memory=grown(window_memory, names, size_of),
    )


def main() -> None:
    """Write the page and its figures."""
    measured = (json.loads(path.read_text(encoding="utf-8")) for path in (DATA, QUESTIONS))
    PAGE.write_text(page(*measured), encoding="utf-8")


if __name__ == "__main__":
    main()
