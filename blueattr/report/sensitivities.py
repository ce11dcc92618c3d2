"""A sensitivity analysis laid out as a report: one row per choice, beside the default."""

from typing import TYPE_CHECKING

from blueattr.report.attributions import (
    aggregator_json,
    cutoffs_text,
    method_facts,
    methods_text,
    tiers_json,
    weights_text,
)
from blueattr.report.figures import UNDEFINED, percent, plural, points, short
from blueattr.report.origin import (
    ORIGIN_COLUMNS,
    gap_warnings,
    origin_cells,
    origin_facts,
    origin_json,
    panel_table,
)
from blueattr.report.remarks import remarks_json
from blueattr.report.tables import Cell, Column, Fact, Json, Report, Table

if TYPE_CHECKING:  # the arithmetic need not be imported to lay out its results
    from blueattr.choices import IndicatorSensitivity, Sensitivity, SensitivityRow

__all__ = ["sensitivity_report"]


def sensitivity_report(result: "Sensitivity") -> Report:
    """Lay out a sensitivity analysis.

    Parameters
    ----------
    result
        What `blueattr.choices.sensitivity` gives.

    Returns
    -------
    Report
        For people one table per indicator; as data one row per indicator, choice and tier.
    """
    tables = [_table(one, result) for one in result.indicators]
    if result.provenance.panel:
        tables.append(panel_table(result.provenance.panel))
    return Report(
        kind="sensitivity",
        summary=tuple(_sentence(one) for one in result.indicators),
        tables=tuple(tables),
        facts=(
            *method_facts(
                result,
                {one.indicator: one.remarks for one in result.indicators},
                methods_text({o.indicator: (o.method, o.steps) for o in result.indicators}),
            ),
            Fact(
                "flips",
                f"from {result.protocol} samples of {result.size:,}, "
                f"{plural(result.seeds, 'seed')}, base seed {result.seed}",
            ),
            *origin_facts(result.provenance),
        ),
        warnings=gap_warnings(result.provenance.gaps),
        data=_tidy(result),
        content=_content(result),
    )


def _below_the_top(row: "SensitivityRow") -> float:
    return sum(tier.share for tier in row.tiers[1:])


def _sentence(one: "IndicatorSensitivity") -> str:
    computed = [row for row in one.rows if row.effect == "computed"]
    if not computed:
        return f"Of {one.indicator}, no other choice has an answer on this data."
    answered = [*computed, one.rows[0]]
    # With other cut-offs the top is another part of the panel.
    shares = [_below_the_top(row) for row in answered if row.choice != "tiers"]
    flips = [row.flip_mean for row in answered if row.flip_mean is not None]
    positive = sum(flip > 0 for flip in flips)
    return (
        f"Under {plural(len(computed), 'other choice')}, {positive} of "
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
            Column("choice", "choice"),
            *(Column(name, name, "figure") for name in names),
            Column("flip", "flip", "figure"),
            Column("top_overlap", "top 10", "figure"),
            Column("kendall_tau", "Kendall", "figure"),
            Column("effect", ""),
        ),
        rows=tuple(rows),
        notes=(
            "flip: what all tiers but the top lose in the sample, in percentage points.",
            "top 10, Kendall: largest values, and ranks, in common with the default.",
            *notes,
            *(f"{', '.join(labels)}: {why}." for why, labels in reasons.items()),
        ),
    )


def _content(result: "Sensitivity") -> dict[str, Json]:
    m_a, m_b, m_c = result.means
    return {
        "n_agents": result.n_agents,
        "protocol": result.protocol,
        "size": result.size,
        "seeds": result.seeds,
        "seed": result.seed,
        "aggregator": aggregator_json(result.aggregator),
        "tier_cutoffs": list(result.cutoffs),
        "means": {"a": m_a, "b": m_b, "c": m_c},
        "moment": result.moment,
        "indicators": [
            {
                "indicator": one.indicator,
                "method": one.method,
                "steps": one.steps,
                "rows": [_row_json(row) for row in one.rows],
                **remarks_json(one.remarks),
            }
            for one in result.indicators
        ],
        **origin_json(result.provenance),
    }


def _row_json(row: "SensitivityRow") -> dict[str, Json]:
    answered = bool(row.tiers)
    return {
        "choice": row.choice,
        "setting": row.setting,
        "effect": row.effect,
        "why": row.why or None,
        "n_agents": row.n_agents if answered else None,
        "total": row.total if answered else None,
        "tiers": tiers_json(row.tiers),
        "flip_mean": row.flip_mean,
        "flip_std": row.flip_std,
        "common_agents": row.common if answered else None,
        "top_overlap": row.top_overlap,
        "kendall_tau": row.kendall_tau,
    }


def _tidy(result: "Sensitivity") -> Table:
    columns = (
        Column("indicator", "indicator"),
        Column("choice", "choice"),
        Column("setting", "setting"),
        Column("effect", "effect"),
        Column("tier", "tier"),
        Column("share", "share", "share"),
        Column("total", "total", "float"),
        Column("flip_mean", "mean flip", "share"),
        Column("flip_std", "its deviation", "share"),
        Column("n_agents", "n", "int"),
        Column("common_agents", "in common", "int"),
        Column("top_overlap", "of the ten largest", "int"),
        Column("kendall_tau", "Kendall τ-b", "float"),
        Column("why", "why"),
        Column("protocol", "protocol"),
        Column("size", "size", "int"),
        Column("seeds", "seeds", "int"),
        Column("seed", "base seed", "int"),
        Column("tier_cutoffs", "default tier cut-offs"),
        Column("aggregator", "default aggregator"),
        Column("weights", "default weights"),
        Column("method", "method"),
        Column("steps", "steps", "int"),
        *ORIGIN_COLUMNS,
    )
    rows: list[tuple[Cell, ...]] = []
    for one in result.indicators:
        for row in one.rows:
            answered = bool(row.tiers)
            parts: list[tuple[str | None, float | None]] = [
                (tier.tier, tier.share) for tier in row.tiers
            ]
            rows.extend(
                (
                    *(one.indicator, row.choice, row.setting, row.effect, tier, share),
                    row.total if answered else None,
                    *(row.flip_mean, row.flip_std),
                    *((row.n_agents, row.common) if answered else (None, None)),
                    *(row.top_overlap, row.kendall_tau, row.why),
                    *(result.protocol, result.size, result.seeds, result.seed),
                    cutoffs_text(result.cutoffs),
                    result.aggregator.name,
                    weights_text(result.aggregator),
                    one.method,
                    one.steps,
                    *origin_cells(result.provenance),
                )
                for tier, share in parts or [(None, None)]
            )
    return Table("sensitivity", "", columns, tuple(rows))
