"""Scenarios laid out as reports: those that ship, a run, logs, and who drove an indicator."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from blueattr.kernels import FloatArray
from blueattr.report.numbers import percent, plural, short
from blueattr.report.tables import Cell, Column, Fact, Json, Report, Table
from blueattr.scenarios.games.attribution import recorded_values
from blueattr.scenarios.games.path import derivatives_of
from blueattr.scenarios.shipped import SHIPPED

if TYPE_CHECKING:
    from blueattr.scenarios.games.attribution import OtherForm, ScenarioAttribution
    from blueattr.scenarios.own import OwnScenario
    from blueattr.scenarios.protocol import Scenario
    from blueattr.scenarios.record import Record

__all__ = [
    "cells_tables",
    "scenario_attribution_report",
    "scenario_import_report",
    "scenario_list_report",
    "scenario_replay_report",
    "scenario_run_report",
]


_METHODS = {
    "path": "path value (K = {})",
    "exact": "exact Shapley value ({} coalitions)",
    "shapley": "Shapley value from {} permutations",
    "banzhaf": "Banzhaf value from {} coalitions, normalised",
    "leave-one-out": "leave-one-out, normalised",
    "random": "random numbers, normalised",
}
_LEADING = (Column("discrete_shapley", "discrete Shapley", "float", priority=0),)
_SAMPLED = (Column("standard_error", "standard error", "float"),)
_SHOWN = 20
_ROUNDING = 1e-6
_NOTHING = 1e-12


def scenario_list_report() -> Report:
    """Lay out the scenarios that ship."""
    rows: list[tuple[Cell, ...]] = []
    content: list[Json] = []
    for name, one in SHIPPED.items():
        indicators, baselines = one.indicators, one.baselines
        rows.append((name, one.about, ", ".join(indicators), ", ".join(baselines)))
        content.append(
            {"name": name, "about": one.about, "indicators": indicators, "baselines": baselines}
        )
    columns = (
        Column("name", "scenario"),
        Column("about", "what happens"),
        Column("indicators", "indicators"),
        Column("baselines", "baselines"),
    )
    return Report(
        kind="scenario_list",
        tables=(Table("scenarios", "", columns, tuple(rows)),),
        content={"scenarios": content},
    )


def scenario_run_report(record: "Record", out: Path) -> Report:
    """Lay out what a scripted run recorded, and where."""
    numbers = (len(record.agents), len(record.steps), record.seed)
    columns = (
        Column("scenario", "scenario"),
        Column("agents", "agents", "int"),
        Column("steps", "steps", "int"),
        Column("seed", "seed", "int"),
        Column("out", "record"),
    )
    names = [column.name for column in columns]
    row: tuple[Cell, ...] = (record.scenario, *numbers, str(out))
    return Report(
        kind="scenario_run",
        tables=(Table("run", "", columns, (row,)),),
        content=dict(zip(names, row, strict=True)),  # type: ignore[arg-type]  # texts and numbers
    )


def scenario_import_report(record: "Record", out: Path) -> Report:
    """Lay out what became of imported logs, and how far their replay is from them."""
    deviations: list[tuple[Cell, ...]] = [*record.deviation.items()]
    columns = (Column("what", "what"), Column("deviation", "largest deviation", "float"))
    who = f"{plural(len(record.agents), 'agent')} and {plural(len(record.steps), 'step')}"
    missed = _missed(record)
    return Report(
        kind="scenario_import",
        summary=(
            f"Logs of {record.origin} became a record of the {record.scenario}: {who}.",
            *(() if missed else ("The rules reproduce these logs.",)),
        ),
        warnings=(*missed, *record.remarks),
        tables=(Table("deviation", "replay against logs", columns, tuple(deviations)),),
        facts=(
            Fact("record", str(out)),
            Fact("files", plural(len(record.imported), "file")),
        ),
        content={
            "scenario": record.scenario,
            "origin": record.origin,
            "agents": len(record.agents),
            "steps": len(record.steps),
            "deviation": [
                {"what": what, "deviation": size} for what, size in record.deviation.items()
            ],
            "remarks": list(record.remarks),
            "imported": [{"file": one.name, "sha256": one.sha256} for one in record.imported],
            "out": str(out),
        },
    )


def _missed(record: "Record") -> list[str]:
    """Say what a replay by the rules misses of the logs; nothing where it is rounding."""
    apart = [kind for kind, size in record.deviation.items() if size > _known_to(record, kind)]
    if not apart:
        return []
    told = ", ".join(f"{kind} by up to {short(record.deviation[kind])}" for kind in apart)
    return [f"The rules do not reproduce these logs: they miss {told}. Answers are of the rules."]


def _known_to(record: "Record", kind: str) -> float:
    """Return by how much a replay may be off because numbers are rounded."""
    states = record.states.get("wealth" if kind == "income" else kind)
    size = 1.0 if states is None else float(abs(states).max(initial=1.0))
    return _ROUNDING * size


def scenario_replay_report(scenario: "OwnScenario") -> Report:
    """Lay out how a user's own simulation was replayed, and its indicators at every step."""
    values = {name: recorded_values(scenario, name) for name in scenario.indicators}
    columns = (
        Column("step", "step"),
        Column("indicator", "indicator", priority=0),
        Column("recorded", "recorded", "float", priority=0),
    )
    rows: list[tuple[Cell, ...]] = [
        (str(label), name, float(numbers[k]))
        for k, label in enumerate(scenario.steps)
        for name, numbers in values.items()
    ]
    deviation = {name: float(size) for name, size in scenario.replay().items()}
    worst = max(deviation, key=lambda name: deviation[name])
    table = Table("replay", "indicators as recorded", columns, tuple(rows))
    return Report(
        kind="scenario_replay",
        summary=(
            f"{scenario.name} keeps the protocol.",
            f"Its replay is at most {short(deviation[worst])} from the recorded states ({worst}).",
        ),
        tables=(table.first(_SHOWN),),
        facts=(
            *_origin_facts(scenario),
            Fact("agents", plural(len(scenario.agents), "agent")),
            Fact("derivatives", derivatives_of(scenario)),
            Fact("baselines", ", ".join(scenario.baselines)),
        ),
        data=table,
        content={
            "scenario": scenario.name,
            **_origin_json(scenario),
            "agents": len(scenario.agents),
            "baselines": scenario.baselines,
            "derivatives": derivatives_of(scenario),
            "deviation": [{"what": name, "deviation": size} for name, size in deviation.items()],
            "replay": [
                {"step": label, "indicator": name, "recorded": float(numbers[k])}
                for k, label in enumerate(scenario.steps)
                for name, numbers in values.items()
            ],
        },
    )  # fmt: skip


def _origin_facts(scenario: object) -> list[Fact]:
    """Say where a user's own simulation comes from."""
    origin = getattr(scenario, "origin", None)
    if origin is None:
        return []
    digest = f" (SHA-256 {origin.sha256})" if origin.sha256 else ""
    return [Fact("simulation", f"{origin.text}{digest}")]


def _origin_json(scenario: object) -> dict[str, Json]:
    origin, record = getattr(scenario, "origin", None), getattr(scenario, "record", None)
    if record is not None:
        return {"origin": record.origin, "sha256": None}
    return {"origin": None if origin is None else origin.text,
            "sha256": None if origin is None else origin.sha256}  # fmt: skip


def scenario_attribution_report(result: "ScenarioAttribution") -> Report:
    """Lay out who drove an indicator of a scenario.

    Parameters
    ----------
    result
        As `blueattr.scenarios.games.attribution.attribute_scenario` returns it.
    """
    game, found = result.game, result.found
    names = game.scenario.agents
    leading = _leading(result)
    first = result.values if leading is None else leading
    order = sorted(range(len(names)), key=lambda k: (-first[k], k))
    rows = [_row(result, k, leading) for k in order]
    columns = (
        Column("index", "index", "int"),
        Column("agent", "agent", priority=0),
        *(() if leading is None else _LEADING),
        Column("value", "value", "float", priority=0),
        Column("share", "share", "share"),
        *(() if _errors(result) is None else _SAMPLED),
    )
    table = Table("agents", "who drove it", columns, tuple(rows))
    # Who moves it most is shown, whichever way.
    most = {*sorted(order, key=lambda k: (-abs(first[k]), k))[:_SHOWN]}
    shown = [row for row in rows if row[0] in most] + [row for row in rows if row[0] not in most]
    return Report(
        kind="scenario_attribution",
        summary=(_sentence(result),),
        warnings=tuple(_warnings(result)),
        tables=(replace(table, rows=tuple(shown)).first(_SHOWN), *cells_tables(result)),
        facts=tuple(_facts(result)),
        data=table,
        content={
            "scenario": game.scenario.name,
            **_origin_json(game.scenario),
            "record": result.digest,
            "indicator": game.indicator,
            "step": result.step,
            "window": len(game.window),
            "players": game.players,
            "baseline": game.baseline,
            "game": game.form,
            "method": found.method,
            "budget": found.budget,
            "seed": result.seed,
            "total": result.total,
            "v_empty": result.empty,
            "change": result.change,
            "recorded": result.recorded,
            "gap": found.gap,
            "gap_doubled": found.gap_doubled,
            "derivatives": found.derivatives,
            "raw_sum": found.raw_sum,
            "churn": result.churn,
            "regulariser": _regulariser(game.scenario),
            "other_game": _other(result.other),
            "agents": [
                {"index": k, "agent": names[k], **_numbers(result, k, leading)}
                for k in range(len(names))
            ],
            **_cells_json(result),
        },
    )


def _cells(result: "ScenarioAttribution") -> list[tuple[str | int, int, str, float]]:
    """Return step, index, agent and value of each cell, in order of steps and agents."""
    if result.game.players != "cells":
        return []
    scenario, window = result.game.scenario, result.game.window
    values = result.found.values.reshape(len(window), -1)
    return [
        (scenario.steps[step], k, scenario.agents[k], float(values[place, k]))
        for place, step in enumerate(window)
        for k in range(len(scenario.agents))
    ]


def cells_tables(result: "ScenarioAttribution") -> list[Table]:
    """Lay out the values of the cells that move an indicator most; nothing of agents."""
    columns = (
        Column("step", "step"),
        Column("index", "index", "int"),
        Column("agent", "agent", priority=0),
        Column("value", "value", "float", priority=0),
    )
    most = sorted(_cells(result), key=lambda row: -abs(row[3]))
    rows: list[tuple[Cell, ...]] = [(str(step), k, name, value) for step, k, name, value in most]
    title = "who drove it, and when"
    return [Table("cells", title, columns, tuple(rows)).first(_SHOWN)] if rows else []


def _cells_json(result: "ScenarioAttribution") -> dict[str, Json]:
    rows = _cells(result)
    keys = ("step", "index", "agent", "value")
    return {"cells": [dict(zip(keys, row, strict=True)) for row in rows]} if rows else {}


def _regulariser(scenario: "Scenario") -> float | None:
    """Return the parameter that keeps a ratio of the smooth form from jumping, where known."""
    name = getattr(scenario, "regulariser", None)
    return None if name is None else float(scenario.parameters[name])  # type: ignore[attr-defined]  # a model's


def _numbers(
    result: "ScenarioAttribution", k: int, leading: FloatArray | None
) -> dict[str, float | None]:
    return {
        **({} if leading is None else {"discrete_shapley": float(leading[k])}),
        "value": float(result.values[k]),
        "share": None if result.shares is None else float(result.shares[k]),
        **({} if (errors := _errors(result)) is None else {"standard_error": float(errors[k])}),
    }


def _errors(result: "ScenarioAttribution") -> FloatArray | None:
    """Return the standard errors of agents that are players; None where nothing is sampled."""
    return result.found.standard_errors if result.game.players == "agents" else None


def _row(result: "ScenarioAttribution", k: int, leading: FloatArray | None) -> tuple[Cell, ...]:
    return k, result.game.scenario.agents[k], *_numbers(result, k, leading).values()


def _other(other: "OtherForm") -> dict[str, Json]:
    close = other.shapley
    return {
        "game": other.form,
        "total": other.total,
        "v_empty": other.empty,
        "exact": other.exact,
        "cosine": None if close is None else close.cosine,
        "kendall_tau": None if close is None else close.kendall_tau,
        "relative_error": other.relative_error,
        "undefined": other.undefined or None,
    }


def _sentence(result: "ScenarioAttribution") -> str:
    game, values = result.game, result.values
    empty = short(_end(result.empty, result))
    lead = (
        f"{game.indicator} at step {result.step} of the {game.scenario.name} is "
        f"{short(result.total)}, and {empty} had everyone done the baseline '{game.baseline}'"
    )
    if (leading := _leading(result)) is not None:
        return (
            f"{lead}; by the discrete Shapley value, which leads, {_most(leading, result)} drove "
            f"it most, and {_most(values, result)} in the smooth game."
        )
    return f"{lead}; {_most(values, result)} drove it most{', down' if _is_down(values) else ''}."


def _most(values: FloatArray, result: "ScenarioAttribution") -> str:
    """Return who moves the indicator most, up or down."""
    return str(result.game.scenario.agents[int(abs(values).argmax())])


def _is_down(values: FloatArray) -> bool:
    return bool(values[abs(values).argmax()] < 0)


def _leading(result: "ScenarioAttribution") -> FloatArray | None:
    """Return discrete Shapley values, if they lead and the answer is of the smooth game."""
    if result.game.form != "smooth" or not _discrete_leads(result):
        return None
    values = result.shapley_by_agent("discrete")
    return values if values is not None and values.any() else None


def _discrete_leads(result: "ScenarioAttribution") -> bool:
    return getattr(result.game.scenario, "leading_form", "smooth") == "discrete"


def _end(value: float, result: "ScenarioAttribution") -> float:
    """Return an end of the game for people: 0 where it is nothing but rounding."""
    return 0.0 if abs(value) < _NOTHING * abs(result.change) else value


def _warnings(result: "ScenarioAttribution") -> list[str]:
    other, game = result.other, result.game
    record = getattr(game.scenario, "record", None)
    lines = [] if record is None else _missed(record)
    if result.found.method == "path":
        lines.append("The path value answers for the smooth game, not for the discrete rules.")
    if _discrete_leads(result):
        ask = "; ask --game discrete" if game.form == "smooth" and not other.values else ""
        lines.append(
            f"Smoothing changes the {game.scenario.name}'s game, so the discrete Shapley value "
            f"leads{ask}."
        )
    if other.undefined:
        lines.append(f"The {other.form} game is not compared: {other.undefined}.")
    elif not other.values:
        lines.append(
            f"How the smooth and the discrete game agree is not computed for {game.n:,} players."
        )
    if other.shapley is not None and other.shapley.cosine is not None:
        how = "exact" if other.exact else "sampled"
        lines.append(
            f"Shapley values ({how}) of the smooth and of the discrete game have a cosine of "
            f"{other.shapley.cosine:.3f}."
        )
    if result.shares is None:
        lines.append("The values cancel to next to nothing, so there are no shares.")
    return lines


def _other_ends(result: "ScenarioAttribution") -> str:
    other = result.other
    if other.total is None or other.empty is None:
        return f"{other.form}: undefined"
    return f"{other.form}: v(N) {other.total:.6g}, v(nobody) {_end(other.empty, result):.6g}"


def _facts(result: "ScenarioAttribution") -> list[Fact]:
    game, found = result.game, result.found
    how = _METHODS[found.method].format("" if found.budget is None else f"{found.budget:,}")
    facts = [
        Fact("method", f"{how} of the {game.form} game, players: {game.players}"),
        Fact("window", f"{plural(len(game.window), 'step')} up to step {result.step}"),
        Fact("ends", f"v(N) {result.total:.6g}, v(nobody) {_end(result.empty, result):.6g}"),
        Fact("recorded", f"{result.recorded:.6g}"),
        Fact("other game", _other_ends(result)),
        Fact("open loop", "others' recorded actions do not react to who is absent"),
        *_origin_facts(game.scenario),
    ]
    if result.digest is not None and getattr(game.scenario, "origin", None) is None:
        facts.append(Fact("record", f"{result.provenance.source}, SHA-256 {result.digest}"))
    if found.gap is not None:
        facts.append(
            Fact("gap", f"{percent(found.gap)}; {percent(found.gap_doubled)} with twice the steps")
        )
    if (regulariser := _regulariser(game.scenario)) is not None:
        facts.append(Fact("regulariser", f"{regulariser:g} ({game.scenario.regulariser})"))  # type: ignore[attr-defined]  # what has a value has a name
    if result.churn is not None:
        facts.append(Fact("cancelling", f"sum of |values| / |their sum| is {short(result.churn)}"))
    return facts
