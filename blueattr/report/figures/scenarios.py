"""Figures of scenarios: who drove an indicator, the steps before and after, both games."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from blueattr.report.fields import Field, Fields
from blueattr.report.figures.charts.scenario_charts import (
    drivers_chart,
    games_chart,
    steps_chart,
)
from blueattr.report.figures.charts.theme import label
from blueattr.report.figures.exhibit import FIGURE, Exhibit, data_report, rows_of
from blueattr.report.numbers import MINUS, percent, short
from blueattr.report.tables import Cell, Table
from blueattr.scenarios.games.attribution import recorded_values

if TYPE_CHECKING:
    from blueattr.scenarios.games.attribution import ScenarioAttribution

__all__ = ["drivers_exhibit", "games_exhibit", "steps_exhibit"]


_MOST = 20
_UNIT = "the indicator's"
SCENARIO_FIGURE: Fields[Any] = Fields(
    Field("title", "What the figure shows."),
    FIGURE["data"],
    FIGURE["table"],
    FIGURE["table_notes"],
)
AGENT: Fields[Any] = Fields(
    Field("index", "The agent's number, from 0.", "int"),
    Field("agent", "Its name."),
)
DRIVER: Fields[Any] = Fields(
    Field("value", "Its value.", "float", _UNIT),
    Field("share", "Its value over the sum of all absolute values.", "share"),
    Field("absolute_share", "The same without its sign.", "share", heading="of all movement"),
)
SCENARIO_STEP: Fields[Any] = Fields(
    Field("place", "The number of the step, from 0.", "int"),
    Field("step", "Its label."),
    Field("recorded", "The indicator after it, as it was recorded.", "float", _UNIT),
    Field("in_window", "Whether agents may be absent in it.", "bool", heading="in window"),
    Field("is_target", "Whether it is the step that is asked about.", "bool", heading="target"),
)
BOTH: Fields[Any] = Fields(
    Field("smooth", "Its Shapley value in the smooth game.", "float", _UNIT),
    Field("discrete", "Its Shapley value in the discrete game.", "float", _UNIT),
)
_DRIVER_COLUMNS = (*AGENT.columns(), *DRIVER.columns())
_BOTH_COLUMNS = (*AGENT.columns(), *BOTH.columns())


def _signed(value: float) -> str:
    return short(value).replace("-", MINUS)


def _apart(names: Sequence[str]) -> list[str]:
    """Return names for an axis, short and no two the same."""
    shown = [label(name) for name in names]
    return [
        name if shown.count(name) == 1 else f"{name[:24]} #{place}"
        for place, name in enumerate(shown, 1)
    ]


def drivers_exhibit(result: "ScenarioAttribution") -> Exhibit:
    """Show who drove the indicator: what agents add, and what they take away."""
    names, shares = result.game.scenario.agents, result.shares
    order = sorted(range(len(names)), key=lambda k: (-abs(result.values[k]), k))
    columns = _DRIVER_COLUMNS
    rows: list[tuple[Cell, ...]] = [
        (
            k,
            names[k],
            float(result.values[k]),
            None if shares is None else float(shares[k]),
            None if shares is None else abs(float(shares[k])),
        )
        for k in order
    ]
    few = sorted(rows[:_MOST], key=lambda row: -row[2])  # type: ignore[operator]  # a number
    listed = rows_of(columns, few)
    bars = [
        {
            "name": name,
            "value": row["value"],
            "number": _signed(row["value"]),
            "share": "" if row["absolute_share"] is None else percent(row["absolute_share"]),
        }
        for row, name in zip(listed, _apart([row["agent"] for row in listed]), strict=True)
    ]
    rest = len(rows) - len(few)
    more = f" The {_MOST} that move it most of {len(rows):,} agents." if rest else ""
    table = Table("drivers", "Who drove it", columns, tuple(rows)).first(_MOST)
    told = "; ".join(f"{bar['name']} {bar['number']}" for bar in bars)
    return Exhibit(
        name="drivers",
        title="Who drove it",
        caption=f"What each agent adds to {result.indicator} (to the right) or takes away from it "
        f"(to the left).{more} A wide figure also has each agent's part of all movement, in "
        "brackets.",
        alt=f"Bars to the right and left of 0. {told}.",
        report=data_report("drivers", columns, rows, table, result.provenance),
        chart=lambda look: drivers_chart(bars, result.indicator, look),
    )


def steps_exhibit(result: "ScenarioAttribution") -> Exhibit:
    """Show the indicator after each step, with the step that is asked about."""
    scenario, window = result.game.scenario, result.game.window
    values = recorded_values(scenario, result.indicator)
    columns = SCENARIO_STEP.columns()
    rows: list[tuple[Cell, ...]] = [
        (k, str(step), float(values[k]), k in window, k == window[-1])
        for k, step in enumerate(scenario.steps)
    ]
    points = rows_of(columns, rows)
    least, most = (points[int(k)] for k in (values.argmin(), values.argmax()))
    target = label(str(result.step))
    return Exhibit(
        name="steps",
        title="When",
        caption=f"{result.indicator} after each step, as it was recorded. The large point is step "
        f"{target}; shaded: the steps in which agents may be absent.",
        alt=f"A line over {len(rows):,} steps, from {short(least['recorded'])} after step "
        f"{label(least['step'])} to {short(most['recorded'])} after step {label(most['step'])}; "
        f"{short(result.recorded)} after step {target}, which is marked.",
        report=data_report(
            "steps",
            columns,
            rows,
            Table("steps", f"{result.indicator} by step", columns, tuple(rows)),
            result.provenance,
        ),
        chart=lambda look: steps_chart(points, result.indicator, look),
    )


def games_exhibit(result: "ScenarioAttribution") -> Exhibit | None:
    """Show Shapley values of the smooth and of the discrete game; nothing with many players."""
    other, names = result.other, result.game.scenario.agents
    smooth, discrete = result.shapley_by_agent("smooth"), result.shapley_by_agent("discrete")
    if smooth is None or discrete is None:
        return None
    order = sorted(range(len(names)), key=lambda k: (-abs(discrete[k]), k))
    columns = _BOTH_COLUMNS
    rows: list[tuple[Cell, ...]] = [
        (k, names[k], float(smooth[k]), float(discrete[k])) for k in order
    ]
    listed = rows_of(columns, sorted(rows[:_MOST], key=lambda row: -row[3]))  # type: ignore[operator]  # a number
    points = [
        {"name": name, "smooth": row["smooth"], "discrete": row["discrete"]}
        for row, name in zip(listed, _apart([row["agent"] for row in listed]), strict=True)
    ]
    how = "Exact" if other.exact else "Sampled"
    close = other.shapley
    near = (
        f" Their cosine is {close.cosine:.3f}."
        if close is not None and close.cosine is not None
        else ""
    )
    told = "; ".join(
        f"{point['name']} {_signed(point['discrete'])} and {_signed(point['smooth'])}"
        for point in points
    )
    return Exhibit(
        name="games",
        title="Both games",
        caption=f"{how} Shapley values of each agent in the discrete game, whose rules are the "
        f"original ones, and in the smooth game, for which the path value answers.{near}",
        alt=f"Two points for each agent, discrete and smooth. {told}.",
        report=data_report(
            "games",
            columns,
            rows,
            Table("games", "Shapley values of both games", columns, tuple(rows)).first(_MOST),
            result.provenance,
        ),
        chart=lambda look: games_chart(points, result.indicator, look),
    )
