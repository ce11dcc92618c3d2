"""The fields of methods compared on scenarios, their JSON form and their tidy table."""

from typing import TYPE_CHECKING

from blueattr.report.fields import Field, Fields, tidy_table
from blueattr.report.tables import Json, Table

if TYPE_CHECKING:
    from blueattr.scenarios.games.compared import (
        ComparedForm,
        ComparedLine,
        ComparedRecord,
        ComparedRun,
        MeanAndSpread,
        ScenarioComparison,
    )

__all__ = [
    "FORM",
    "LINE",
    "OBJECTS",
    "RECORD",
    "RUN",
    "SETTINGS",
    "SPREAD",
    "SPREADS",
    "comparison_content",
    "comparison_table",
]


SETTINGS: "Fields[ScenarioComparison]" = Fields(
    Field("players", "Agents or cells.", get=lambda result: result.asked.players),
    Field("window", "How many steps up to the target agents may be absent in.", "int", "steps",
          get=lambda result: result.asked.window),
    Field("steps", "K of the path value, to begin with.", "int",
          get=lambda result: result.asked.budgets.steps),
    Field("permutations", "Budget of sampled Shapley values.", "int",
          get=lambda result: result.asked.budgets.permutations),
    Field("coalitions", "Budget of Banzhaf values.", "int",
          get=lambda result: result.asked.budgets.coalitions),
    Field("seeds", "Of what is sampled: one run for each."),
)  # fmt: skip
OBJECTS: "Fields[ScenarioComparison]" = Fields(
    Field("records", "One object for each record."),
    Field("games", "Of a record: the smooth and the discrete game."),
    Field("lines", "One object for each scenario, indicator, method and game: means over all "
          "records and seeds."),
)  # fmt: skip
RECORD: "Fields[ComparedRecord]" = Fields(
    Field("record", "The record: its file, or what it is.", get=lambda one: one.name),
    Field("scenario", "The simulation.", get=lambda one: one.game.scenario.name),
    Field("indicator", "What is attributed.", get=lambda one: one.game.indicator),
    Field("step", "The label of the target step.", get=lambda one: str(one.step),
          json=lambda one: one.step),
    Field("baseline", "What an absent agent does.", get=lambda one: one.game.baseline),
    Field("n_agents", "How many agents there are.", "int", "agents",
          get=lambda one: len(one.game.scenario.agents)),
    Field("recorded", "The indicator as it was recorded.", "float", "the indicator's"),
)  # fmt: skip
FORM: "Fields[ComparedForm]" = Fields(
    Field("game", "Smooth or discrete: whose exact Shapley values others are compared with.",
          get=lambda one: one.form),
    Field("total", "v(N).", "float", "the indicator's"),
    Field("v_empty", "v of nobody.", "float", "the indicator's", get=lambda one: one.empty),
    Field("mean_size", r"The mean of \|φ_i\| of the exact values.", "float", "the indicator's"),
)  # fmt: skip
_METHOD: "Field[ComparedRun]" = Field(
    "method",
    "`exact`, `path` (always of the smooth game), `shapley`, `banzhaf`, `leave-one-out`, `random`, "
    "`exact of the other game`, or a judge and its model.",
)
RUN: "Fields[ComparedRun]" = Fields(
    _METHOD,
    Field("seed", "Of what was drawn.", "int"),
    Field("mae", r"(1/n) Σ\|φ̂_i - φ_i\|.", "float", "the indicator's",
          get=lambda run: None if run.agreement is None else run.agreement.mae),
    Field("relative_error", r"That over the mean of \|φ_i\|.", "float",
          heading="MAE / mean |φ|"),
    Field("cosine", "Of the two vectors of values; none where one of them is 0.", "float",
          "-1 to 1", get=lambda run: None if run.agreement is None else run.agreement.cosine),
    Field("kendall_tau", "Kendall's τ-b of them.", "float", "-1 to 1", heading="Kendall",
          get=lambda run: None if run.agreement is None else run.agreement.kendall_tau),
    Field("top_three", "The part of the three largest exact values that are among the three "
          "largest.", "share", heading="top 3"),
    Field("top_overlap", "The same of the ten largest.", "share", heading="top 10",
          get=lambda run: None if run.agreement is None else run.agreement.top_overlap),
    Field("gap", r"\|Σφ̂ - (v(N) - v(nobody))\| before values are normalised, over that difference "
          r"(over Σ\|φ_i\| where the difference is next to nothing); none of random numbers and "
          "judges.", "float"),
    Field("seconds", "Wall time; none of judges.", "float", "s", heading="time"),
    Field("undefined", "Why there are no values; else empty."),
)  # fmt: skip
SPREADS = (
    "mae", "relative_error", "cosine", "kendall_tau", "top_three", "top_overlap", "gap", "seconds",
)  # fmt: skip
LINE: "Fields[ComparedLine]" = Fields(
    Field("scenario", "The simulation."),
    Field("indicator", "What is attributed."),
    Field("game", "Smooth or discrete: whose exact Shapley values others are compared with.",
          get=lambda one: one.form),
    Field("method", _METHOD.sentence),
    Field("runs", "Of a record: one object for each game, method and seed. Of a line: how many of "
          "them there are.", "int"),
    Field("undefined", "How many of them have no values.", "int"),
)  # fmt: skip
SPREAD: "Fields[MeanAndSpread]" = Fields(
    Field("mean", "Over all runs that have one.", "float"),
    Field("deviation", "The standard deviation; none of fewer than two.", "float"),
)


def comparison_content(result: "ScenarioComparison") -> dict[str, Json]:
    """Return the complete JSON form of a comparison."""
    return {
        **SETTINGS.json(result),
        "records": [_record_json(record) for record in result.records],
        "lines": [
            {**LINE.json(line), **{name: SPREAD.json(getattr(line, name)) for name in SPREADS}}
            for line in result.lines()
        ],
    }


def _record_json(record: "ComparedRecord") -> dict[str, Json]:
    return {
        **RECORD.json(record),
        "games": [FORM.json(form) for form in record.forms],
        "runs": [{"game": run.form, **RUN.json(run)} for run in record.runs],
    }


def comparison_table(result: "ScenarioComparison") -> Table:
    """Return the tidy table: one row per record, game, method and seed."""
    return tidy_table(
        "comparison",
        (
            ("record", RECORD),
            ("form", FORM),
            ("run", RUN),
            ("result", Fields(*list(SETTINGS)[:-1])),
        ),
        [
            {"record": record, "form": form, "run": run, "result": result}
            for record in result.records
            for form in record.forms
            for run in record.runs
            if run.form == form.form
        ],
    )
