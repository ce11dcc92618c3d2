"""A sensitivity analysis laid out as a report: one row per choice, the default first."""

from typing import TYPE_CHECKING, Any

from blueattr.report.fields import Field, Fields, tidy_table
from blueattr.report.numbers import UNDEFINED, percent, plural, points, short
from blueattr.report.parts.first_screen import MORE
from blueattr.report.parts.involvement import involved_part
from blueattr.report.parts.remarks import remarks_json
from blueattr.report.parts.shared_fields import (
    AGGREGATOR,
    AGGREGATOR_OBJECT,
    CUTOFFS,
    INDICATOR,
    INVOLVED,
    MEANS_OBJECT,
    METHOD,
    SIZE,
    TIER,
    tiers_json,
)
from blueattr.report.provenance import (
    ORIGIN,
    origin_facts,
    origin_json,
    origin_warnings,
    panel_tables,
)
from blueattr.report.results.attributions import method_facts
from blueattr.report.results.fields.comparison import FLIP, FLIP_NOTE
from blueattr.report.tables import Cell, Column, Fact, Json, Report, Table

if TYPE_CHECKING:
    from blueattr.studies.sensitivity import IndicatorSensitivity, Sensitivity, SensitivityRow

__all__ = [
    "CHOICE",
    "COMMON",
    "FLIP_SHOWN",
    "PARTS",
    "RANKS",
    "SAMPLES",
    "WHY",
    "sensitivity_report",
]


PARTS: Fields[Any] = Fields(Field("rows", "One object for each choice."))
CHOICE: "Fields[SensitivityRow]" = Fields(
    Field("choice", "What is chosen otherwise, and how."),
    Field("setting", "What is chosen otherwise, and how."),
    Field(
        "effect",
        "`default`, `computed`, `no effect` (the indicator does not use it) or `not available`.",
    ),
)
WHY: "Fields[SensitivityRow]" = Fields(
    Field("why", "Why there is no answer, or no flip.", json=lambda row: row.why or None),
)
_TOTAL: "Fields[SensitivityRow]" = Fields(
    Field("total", kind="float", get=lambda row: row.total if row.tiers else None),
)
_SIZE: "Fields[SensitivityRow]" = Fields(
    Field("n_agents", kind="int", get=lambda row: row.n_agents if row.tiers else None),
)
COMMON: "Fields[SensitivityRow]" = Fields(
    Field(
        "common_agents",
        "Agents that are in this panel and in the default one.",
        "int",
        "agents",
        get=lambda row: row.common if row.tiers else None,
    ),
)
FLIP_SHOWN: "Fields[SensitivityRow]" = Fields(
    Field("flip", "On a terminal, `flip_mean ± flip_std`.", "figure", "points"),
)
RANKS: "Fields[SensitivityRow]" = Fields(
    Field(
        "top_overlap",
        "Of the ten largest values under the default, how many are among the ten largest here.",
        "int",
        "agents, 0 to 10",
        heading="top 10",
    ),
    Field(
        "kendall_tau",
        "Kendall's τ-b of the values here and under the default, over the agents in both panels.",
        "float",
        "-1 to 1",
        heading="Kendall",
    ),
)
_RANKS_NOTE = (
    "top 10: agents that are among the ten largest values here and by default; Kendall: rank "
    "correlation with the default."
)

_DRAWN = "Of the samples that flips are from."
SAMPLES: "Fields[Sensitivity]" = Fields(
    Field("protocol", _DRAWN),
    Field("size", _DRAWN, "int"),
    Field("seeds", _DRAWN, "int"),
    Field("seed", _DRAWN, "int"),
    Field("size_note", "Why the samples are not of the default size; else empty."),
)


def sensitivity_report(result: "Sensitivity") -> Report:
    """Lay out a sensitivity analysis.

    Parameters
    ----------
    result
        The result of `blueattr.studies.sensitivity.sensitivity`.

    Returns
    -------
    Report
        For people one table per indicator; as data one row per indicator, choice and tier.
    """
    tables = [_table(one, result) for one in result.indicators]
    return Report(
        kind="sensitivity",
        summary=(
            *(_sentence(one) for one in result.indicators),
            *([result.size_note] if result.size_note else []),
            involved_part(
                result.provenance,
                result.n_involved,
                result.n_agents,
                [(one.indicator, one.rows[0].tiers) for one in result.indicators],
            ),
        ),
        tables=tuple(tables),
        details=panel_tables(result.provenance),
        more=MORE,
        facts=(
            *method_facts(result, result.indicators),
            Fact(
                "flips",
                f"from {result.protocol} samples of {result.size:,}, "
                f"{plural(result.seeds, 'seed')}, base seed {result.seed}",
            ),
            *origin_facts(result.provenance),
        ),
        warnings=origin_warnings(result.provenance),
        data=_tidy(result),
        content=_content(result),
    )


def _below_the_top(row: "SensitivityRow") -> float:
    return sum(tier.share for tier in row.tiers[1:])


def _sentence(one: "IndicatorSensitivity") -> str:
    computed = [row for row in one.rows if row.effect == "computed"]
    if not computed:
        return f"For {one.indicator}, no other choice has an answer on this data."
    rows = [*computed, one.rows[0]]
    # With other cut-offs the top is another part of the panel.
    shares = [_below_the_top(row) for row in rows if row.choice != "tiers"]
    flips = [row.flip_mean for row in rows if row.flip_mean is not None]
    positive = sum(flip > 0 for flip in flips)
    return (
        f"Under the default and {plural(len(computed), 'other choice')}, {positive} of "
        f"{plural(len(flips), 'flip')} of {one.indicator} are positive; with the same tiers, all "
        f"but the top carry {percent(min(shares))} to {percent(max(shares))} "
        f"({percent(_below_the_top(one.rows[0]))} by default)."
    )


def _table(one: "IndicatorSensitivity", result: "Sensitivity") -> Table:
    names = [tier.tier for tier in one.rows[0].tiers]
    rows: list[tuple[Cell, ...]] = []
    notes = []
    reasons: dict[str, list[str]] = {}
    for row in one.rows:
        shares = {tier.tier: percent(tier.share) for tier in row.tiers}
        label = f"{row.choice} {row.setting}".strip()
        overlap = UNDEFINED if row.top_overlap is None else f"{row.top_overlap} of 10"
        rows.append(
            (
                label,
                *(shares.get(name, UNDEFINED) for name in names),
                points(row.flip_mean, row.flip_std if result.seeds > 1 else None),
                overlap,
                short(row.kendall_tau),
                "" if row.effect in {"default", "computed"} else row.effect,
            )
        )
        if row.why:
            reasons.setdefault(row.why, []).append(label)
        elif row.effect == "computed" and row.common < one.rows[0].n_agents:
            notes.append(
                f"{label}: {plural(row.n_agents, 'agent')}, {row.common:,} of them in common."
            )
    return Table(
        name="sensitivity",
        title=f"{one.indicator}: tier shares under other choices",
        columns=(
            CHOICE["choice"].column(),
            *(Column(name, name, "figure") for name in names),
            *FLIP_SHOWN.columns(),
            *(field.column("figure") for field in RANKS),
            Column("effect", ""),
        ),
        rows=tuple(rows),
        notes=(
            FLIP_NOTE,
            _RANKS_NOTE,
            *notes,
            *(f"{', '.join(labels)}: {why}." for why, labels in reasons.items()),
        ),
    )


def _content(result: "Sensitivity") -> dict[str, Json]:
    return {
        **SIZE.json(result),
        **SAMPLES.json(result),
        **AGGREGATOR_OBJECT.json(result),
        **CUTOFFS.json(result),
        **MEANS_OBJECT.json(result),
        "indicators": [
            {
                **INDICATOR.json(one),
                **METHOD.json(one),
                "rows": [_row_json(row) for row in one.rows],
                **remarks_json(one.remarks),
            }
            for one in result.indicators
        ],
        **origin_json(result.provenance),
    }


def _row_json(row: "SensitivityRow") -> dict[str, Json]:
    return {
        **CHOICE.json(row),
        **WHY.json(row),
        **_SIZE.json(row),
        **_TOTAL.json(row),
        "tiers": tiers_json(row.tiers),
        **FLIP.json(row),
        **COMMON.json(row),
        **RANKS.json(row),
    }


_TIDY = (
    ("one", INDICATOR),
    ("row", CHOICE),
    ("tier", Fields(TIER["tier"], TIER["share"], *INVOLVED)),
    ("row", _TOTAL),
    ("row", FLIP),
    ("row", _SIZE),
    ("row", COMMON),
    ("row", RANKS),
    ("row", WHY),
    ("result", SAMPLES),
    ("result", CUTOFFS),
    ("result", AGGREGATOR),
    ("one", METHOD),
    ("origin", ORIGIN),
)


def _tidy(result: "Sensitivity") -> Table:
    rows = [
        {"one": one, "row": row, "tier": tier, "result": result, "origin": result.provenance}
        for one in result.indicators
        for row in one.rows
        for tier in row.tiers or (None,)
    ]
    return tidy_table("sensitivity", _TIDY, rows)
