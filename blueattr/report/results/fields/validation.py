"""The fields of a validation, its JSON form and its tidy table."""

from typing import TYPE_CHECKING

from blueattr.report.fields import Field, Fields, tidy_table
from blueattr.report.parts.remarks import definition_json
from blueattr.report.parts.shared_fields import (
    AGGREGATOR,
    AGGREGATOR_OBJECT,
    INDICATOR,
    MEANS_OBJECT,
    METHOD,
    SIZE,
    UNDEFINED,
)
from blueattr.report.provenance import ORIGIN, origin_json
from blueattr.report.tables import Json, Table

if TYPE_CHECKING:
    from blueattr.studies.validation.agreement import Agreement
    from blueattr.studies.validation.result import MethodRun, Validation, ValidationBlock

__all__ = [
    "AGREEMENT",
    "BLOCK",
    "BUDGET",
    "BUDGETS",
    "FULL",
    "PARTS",
    "REFERENCE",
    "RUN",
    "RUN_OBJECT",
    "TIME",
    "validation_content",
    "validation_table",
]


PARTS: "Fields[Validation]" = Fields(Field("blocks", "One object for each indicator and panel."))
_SIZES = "Numbers of agents of the panels, and default sizes that are larger than the full panel."
_BUDGET_UNIT = "permutations, coalitions"
_SEED: "Field[Validation]" = Field("seed", "Of the panels, permutations and coalitions.", "int")
_ANTITHETIC: "Field[Validation]" = Field(
    "antithetic", "Whether each permutation is walked backwards too.", "bool"
)
BUDGETS: "Fields[Validation]" = Fields(
    Field("sizes", _SIZES, unit="agents"),
    Field("left_out", _SIZES, unit="agents"),
    Field("permutations", "Budgets of the sampled values.", unit=_BUDGET_UNIT),
    Field("coalitions", "Budgets of the sampled values.", unit=_BUDGET_UNIT),
    _ANTITHETIC,
    _SEED,
)
FULL: "Fields[Validation]" = Fields(
    Field(
        "full_agents",
        "n of all, in CSV and Parquet.",
        "int",
        "agents",
        get=lambda result: result.n_agents,
    ),
    _SEED,
    _ANTITHETIC,
)
BLOCK: "Fields[ValidationBlock]" = Fields(
    Field("n_agents", "n of this panel, drawn uniformly from all.", "int", "agents", heading="n"),
    inside="blocks",
)
REFERENCE: "Fields[ValidationBlock]" = Fields(
    Field(
        "draw",
        "Which draw of the panel it is, from 0: the first on which no indicator is 0.",
        "int",
    ),
    Field("total", kind="float"),
    Field(
        "reference",
        "What the others are compared with: `exact Shapley` for n ≤ 20, else `Aumann-Shapley`.",
    ),
)
RUN: "Fields[MethodRun]" = Fields(
    Field("method", "`Aumann-Shapley`, `exact Shapley`, `sampled Shapley` or `sampled Banzhaf`."),
    inside="runs",
)
BUDGET: "Fields[MethodRun]" = Fields(
    Field("budget", "Permutations or coalitions; 2^n for the exact value.", "int"),
)
AGREEMENT: "Fields[Agreement]" = Fields(
    Field("mae", r"(1/n) Σ\|φ̂_i - φ_i\|.", "float", "the indicator's", heading="MAE"),
    Field("cosine", "Of the two vectors of values.", "float", "-1 to 1"),
    Field("kendall_tau", "Kendall's τ-b of them.", "float", "-1 to 1", heading="Kendall"),
    Field(
        "top_overlap",
        "The part of the reference's ten largest values that are among the ten largest here.",
        "share",
        heading="top 10",
    ),
)
TIME: "Fields[MethodRun]" = Fields(
    Field(
        "efficiency_error",
        r"\|Σφ̂ - v(N)\|; of Banzhaf values before they are normalised.",
        "float",
        "the indicator's",
        heading="efficiency error",
    ),
    Field(
        "largest_standard_error",
        "The largest standard error of any agent; none for values that are not sampled.",
        "float",
        "the indicator's",
        heading="largest s.e.",
    ),
    Field(
        "largest_deviation",
        r"max \|φ̂_i - φ_i\| in units of its standard error, where φ is the exact Shapley value.",
        "float",
        heading="largest error / s.e.",
    ),
    Field(
        "undetermined",
        "Agents in all coalitions or in none, whose estimate is 0; of Banzhaf values alone.",
        "int",
        "agents",
    ),
    Field(
        "seconds",
        "Wall time from checked features to values, on every core.",
        "float",
        "s",
        heading="time",
    ),
    Field(
        "runs",
        "In a block one object for each method and budget; in one of these, the timed runs that "
        "`seconds` is the median of.",
        "int",
        "runs",
    ),
    Field("law", "How the time grows with n.", heading="grows as"),
    Field("full_seconds", "Time on all agents.", "float", "s", heading="on all"),
    Field(
        "extrapolated",
        "Whether that follows from `seconds` by the law, or was measured.",
        "bool",
    ),
)
RUN_OBJECT: "Fields[MethodRun]" = Fields(
    *RUN,
    *BUDGET,
    Field(
        "agreement",
        "How close to the reference; none where estimates cannot be normalised.",
        heading="how close",
    ),
    *TIME,
)


def validation_content(result: "Validation") -> dict[str, Json]:
    """Return the complete JSON form of a validation."""
    return {
        **SIZE.json(result),
        **BUDGETS.json(result),
        **AGGREGATOR_OBJECT.json(result),
        **MEANS_OBJECT.json(result),
        "blocks": [
            {
                **INDICATOR.json(block),
                "definition": definition_json(block.info),
                **METHOD.json(block),
                **BLOCK.json(block),
                **REFERENCE.json(block),
                "runs": [_run_json(run) for run in block.runs],
                **UNDEFINED.json(block),
            }
            for block in result.blocks
        ],
        **origin_json(result.provenance),
    }


def _run_json(run: "MethodRun") -> dict[str, Json]:
    close = run.agreement
    return RUN_OBJECT.json(run, agreement=None if close is None else AGREEMENT.json(close))


_TIDY = (
    ("block", INDICATOR),
    ("block", Fields(METHOD["steps"])),
    ("block", BLOCK),
    ("block", REFERENCE),
    ("run", RUN),
    ("run", BUDGET),
    ("agreement", AGREEMENT),
    ("run", TIME),
    ("result", FULL),
    ("result", AGGREGATOR),
    ("origin", ORIGIN),
)


def validation_table(result: "Validation") -> Table:
    """Return the tidy table: one row per indicator, panel, method and budget."""
    rows = [
        {
            "block": block,
            "run": run,
            "agreement": run.agreement,
            "result": result,
            "origin": result.provenance,
        }
        for block in result.blocks
        for run in block.runs
    ]
    return tidy_table("validation", _TIDY, rows)
