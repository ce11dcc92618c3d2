"""Methods compared on scenarios, laid out as a report: both games beside each other."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from blueattr.report.numbers import count, plural, short, spread
from blueattr.report.results.fields.scenario_comparison import (
    RUN,
    comparison_content,
    comparison_table,
)
from blueattr.report.results.validations import duration
from blueattr.report.tables import Cell, Column, Fact, Report, Table
from blueattr.scenarios.games.compared import EXACT, OTHER

if TYPE_CHECKING:
    from blueattr.scenarios.games.compared import (
        ComparedLine,
        ComparedRecord,
        MeanAndSpread,
        ScenarioComparison,
    )

__all__ = ["comparison_rows", "scenario_comparison_report"]


_METHODS = {
    EXACT: "exact Shapley",
    OTHER: "exact Shapley, other game",
    "path": "path value",
    "shapley": "Shapley, {permutations} permutations",
    "banzhaf": "Banzhaf, {coalitions} coalitions",
    "leave-one-out": "leave-one-out",
    "random": "random",
}
_UNDEFINED, _REFERENCE = "undefined", "reference"
_NOTES = (
    (
        "MAE: mean absolute error, relative to the mean absolute exact value of the same game; "
        "top 3, top 10: which part of the largest values is the same; ±: standard deviation."
    ),
    (
        "The path value is always that of the smooth game. Banzhaf, leave-one-out and random "
        "values are normalised; gaps are from before that."
    ),
)
_SHOWN = (
    "relative_error", "cosine", "kendall_tau", "top_three", "top_overlap", "gap", "seconds",
)  # fmt: skip
_FEW = 10


def comparison_rows(
    result: "ScenarioComparison", lines: Sequence["ComparedLine"]
) -> tuple[tuple[Cell, ...], ...]:
    """Return the rows of a table for people: method, game, and how close it comes."""
    budgets = result.asked.budgets
    words = {"permutations": count(budgets.permutations), "coalitions": count(budgets.coalitions)}
    return tuple(
        (_METHODS.get(line.method, line.method).format(**words) if line.method in _METHODS
         else line.method, line.form, *_figures(line))
        for line in lines
    )  # fmt: skip


def _figures(line: "ComparedLine") -> tuple[str | None, ...]:
    cost = _spread(line.gap), None if line.seconds.mean is None else duration(line.seconds.mean)
    if line.undefined == line.runs:
        return _UNDEFINED, None, None, None, None, None, None
    if line.method == EXACT:
        return _REFERENCE, None, None, None, None, *cost
    some = f" ({line.undefined} of {line.runs} {_UNDEFINED})" if line.undefined else ""
    error = _spread(line.relative_error)
    return (
        None if error is None else error + some,
        _spread(line.cosine),
        _spread(line.kendall_tau),
        *(None if one.mean is None else spread(one.mean, one.deviation)
          for one in (line.top_three, line.top_overlap)),
        *cost,
    )  # fmt: skip


def _spread(one: "MeanAndSpread") -> str | None:
    if one.mean is None:
        return None
    return f"{one.mean:.3g}" + ("" if one.deviation is None else f" ± {one.deviation:.2g}")


def scenario_comparison_report(result: "ScenarioComparison") -> Report:
    """Lay out methods compared with exact Shapley values.

    Parameters
    ----------
    result
        As `blueattr.scenarios.games.comparison.compare_scenarios` returns it.

    Returns
    -------
    Report
        For people one table per scenario and indicator, with both games beside each other; as
        data one row per record, game, method and seed; as JSON everything.
    """
    lines = [*result.lines()]
    groups = dict.fromkeys((line.scenario, line.indicator) for line in lines)
    own = {key: [line for line in lines if (line.scenario, line.indicator) == key]
           for key in groups}  # fmt: skip
    return Report(
        kind="scenario_comparison",
        summary=tuple(_sentence(some) for some in own.values()),
        warnings=_warnings(result),
        tables=tuple(_table(result, some) for some in own.values()),
        facts=_facts(result),
        data=comparison_table(result),
        content=comparison_content(result),
    )


def _table(result: "ScenarioComparison", lines: Sequence["ComparedLine"]) -> Table:
    first = lines[0]
    columns = (
        RUN["method"].column(),
        Column("game", "game", priority=0),
        *(RUN[name].column("figure") for name in _SHOWN),
    )
    some = [
        f"{_METHODS.get(line.method, line.method).split(',')[0]}, {line.form}: {line.undefined} of "
        f"{plural(line.runs, 'run')} {'is' if line.undefined == 1 else 'are'} undefined."
        for line in lines
        if line.undefined
    ]
    reasons = dict.fromkeys(
        f"{run.method}: {run.undefined}."
        for record in result.records
        if record.group == (first.scenario, first.indicator)
        for run in record.runs
        if run.undefined
    )
    return Table(
        name=f"{first.scenario} {first.indicator}",
        title=f"{first.scenario}, {first.indicator}: how close to exact Shapley values",
        columns=columns,
        rows=comparison_rows(result, lines),
        notes=(*_NOTES, *some, *[*reasons][:3]),
    )


def _sentence(lines: Sequence["ComparedLine"]) -> str:
    by = {(line.method, line.form): line for line in lines}
    path = by["path", "smooth"], by["path", "discrete"]
    errors = [line.relative_error.mean for line in path]
    beside = by[OTHER, "smooth"].cosine.mean
    same = "" if beside is None else (
        f" Exact Shapley values of the two games have a cosine of {beside:.3f}."
    )  # fmt: skip
    about = f"{lines[0].indicator} of the {lines[0].scenario}"
    if None in errors:
        return f"For {about} there is no path value to compare.{same}"
    return (
        f"For {about} the path value is off by {short(errors[0])} of the mean exact value in the "
        f"smooth game, and by {short(errors[1])} in the discrete game.{same}"
    )


def _warnings(result: "ScenarioComparison") -> tuple[str, ...]:
    lines = ["The path value answers for the smooth game, not for the discrete rules."]
    scenarios = {record.game.scenario.name: record.game.scenario for record in result.records}
    lines += [
        f"Smoothing changes the {name}'s game: its discrete Shapley value leads."
        for name, one in scenarios.items()
        if getattr(one, "leading_form", "smooth") == "discrete"
    ]
    if result.judges:
        lines.append(
            "Judges give no negative scores: they are compared with values in the direction of "
            "the change."
        )
    if any(record.game.n <= _FEW for record in result.records):
        lines.append(f"With {_FEW} players or fewer, the ten largest are all of them.")
    return tuple(lines)


def _facts(result: "ScenarioComparison") -> tuple[Fact, ...]:
    asked, seeds = result.asked, result.seeds
    budgets = asked.budgets
    drawn = str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    return (
        Fact("truth", "exact Shapley values of the stated game: another baseline, another truth"),
        Fact("open loop", "others' recorded actions do not react to who is absent"),
        Fact("players", f"{asked.players}, absent in {plural(asked.window, 'step')}"),
        Fact("budgets", f"K = {budgets.steps}, {plural(budgets.permutations, 'permutation')}, "
             f"{plural(budgets.coalitions, 'coalition')}"),
        Fact("seeds", drawn),
        *(Fact("record", _about(record)) for record in result.records),
    )  # fmt: skip


def _about(record: "ComparedRecord") -> str:
    ends = "; ".join(
        f"{form.form} v(N) {form.total:.6g}, v(nobody) {form.empty:.6g}" for form in record.forms
    )
    game = record.game
    return (
        f"{record.name}: {plural(len(game.scenario.agents), 'agent')}, {game.indicator} at step "
        f"{record.step}, baseline {game.baseline}; {ends}"
    )
