"""A bootstrap laid out as a report: each tier's share with its confidence interval."""

from typing import TYPE_CHECKING

from blueattr.report.attributions import (
    aggregator_json,
    cutoffs_text,
    method_facts,
    methods_text,
    tier_extents,
    weights_text,
)
from blueattr.report.figures import percent, plural
from blueattr.report.origin import (
    ORIGIN_COLUMNS,
    gap_warnings,
    origin_cells,
    origin_facts,
    origin_json,
    panel_table,
)
from blueattr.report.remarks import remarks_json
from blueattr.report.tables import Column, Fact, Json, Report, Table

if TYPE_CHECKING:  # the arithmetic need not be imported to lay out its results
    from blueattr.resampling import Bootstrap, IndicatorBootstrap

__all__ = ["bootstrap_report"]


def bootstrap_report(result: "Bootstrap") -> Report:
    """Lay out a bootstrap.

    Parameters
    ----------
    result
        What `blueattr.resampling.bootstrap` gives.

    Returns
    -------
    Report
        One row per indicator and tier.
    """
    tables = [_table(result)]
    if result.provenance.panel:
        tables.append(panel_table(result.provenance.panel))
    return Report(
        kind="bootstrap",
        summary=tuple(_sentence(one, result) for one in result.indicators),
        tables=tuple(tables),
        facts=(
            *method_facts(
                result,
                {one.indicator: one.remarks for one in result.indicators},
                methods_text({o.indicator: (o.method, o.steps) for o in result.indicators}),
            ),
            Fact(
                "resamples",
                f"{result.resamples:,} of {plural(result.n_agents, 'agent')} each, drawn with "
                f"replacement, seed {result.seed}; tiers are those of the full panel",
            ),
            *origin_facts(result.provenance),
        ),
        warnings=gap_warnings(result.provenance.gaps),
        data=_tidy(result),
        content=_content(result),
    )


def _sentence(one: "IndicatorBootstrap", result: "Bootstrap") -> str:
    first = one.tiers[0]
    topic = result.provenance.topic
    on = "" if topic is None else f" on {topic.name}"
    return (
        f"Of {one.indicator}{on}, the {first.tier} carries {percent(first.share)}; "
        f"{100 * result.level:g} % of resamples give {percent(first.low, unit=False)} to "
        f"{percent(first.high)}."
    )


def _table(result: "Bootstrap") -> Table:
    names = [tier.tier for tier in result.indicators[0].tiers]
    extents = dict(zip(names, tier_extents(names, result.cutoffs), strict=True))
    tail = 50 * (1 - result.level)
    return Table(
        name="shares",
        title=f"Tier shares with {100 * result.level:g} % percentile intervals",
        columns=(
            Column("indicator", "indicator"),
            Column("tier", "tier"),
            Column("share", "share", "share"),
            Column("low", f"{tail:g} %", "share"),
            Column("high", f"{100 - tail:g} %", "share"),
            Column("std_error", "std. error", "share"),
        ),
        rows=tuple(
            (one.indicator, extents[tier.tier], tier.share, tier.low, tier.high, tier.std_error)
            for one in result.indicators
            for tier in one.tiers
        ),
        notes=tuple(
            f"{one.indicator}: {plural(one.undefined_resamples, 'resample')} of "
            f"{result.resamples:,} without an answer, the indicator being 0 there; left out."
            for one in result.indicators
            if one.undefined_resamples
        ),
    )


def _content(result: "Bootstrap") -> dict[str, Json]:
    m_a, m_b, m_c = result.means
    return {
        "n_agents": result.n_agents,
        "resamples": result.resamples,
        "seed": result.seed,
        "level": result.level,
        "aggregator": aggregator_json(result.aggregator),
        "tier_cutoffs": list(result.cutoffs),
        "means": {"a": m_a, "b": m_b, "c": m_c},
        "moment": result.moment,
        "indicators": [
            {
                "indicator": one.indicator,
                "method": one.method,
                "steps": one.steps,
                "total": one.total,
                "undefined_resamples": one.undefined_resamples,
                "tiers": [
                    {
                        "tier": tier.tier,
                        "share": tier.share,
                        "low": tier.low,
                        "high": tier.high,
                        "std_error": tier.std_error,
                    }
                    for tier in one.tiers
                ],
                **remarks_json(one.remarks),
            }
            for one in result.indicators
        ],
        **origin_json(result.provenance),
    }


def _tidy(result: "Bootstrap") -> Table:
    columns = (
        Column("indicator", "indicator"),
        Column("tier", "tier"),
        Column("share", "share", "share"),
        Column("low", "low", "share"),
        Column("high", "high", "share"),
        Column("std_error", "standard error", "share"),
        Column("total", "total", "float"),
        Column("level", "level", "float"),
        Column("resamples", "resamples", "int"),
        Column("undefined_resamples", "without answer", "int"),
        Column("seed", "seed", "int"),
        Column("n_agents", "n", "int"),
        Column("tier_cutoffs", "tier cut-offs"),
        Column("aggregator", "aggregator"),
        Column("weights", "weights"),
        Column("method", "method"),
        Column("steps", "steps", "int"),
        *ORIGIN_COLUMNS,
    )
    rows = tuple(
        (
            *(one.indicator, tier.tier, tier.share, tier.low, tier.high, tier.std_error),
            *(one.total, result.level, result.resamples, one.undefined_resamples, result.seed),
            result.n_agents,
            cutoffs_text(result.cutoffs),
            result.aggregator.name,
            weights_text(result.aggregator),
            one.method,
            one.steps,
            *origin_cells(result.provenance),
        )
        for one in result.indicators
        for tier in one.tiers
    )
    return Table("shares", "", columns, rows)
