"""Reports on samples put right, and on how large they should be."""

from typing import TYPE_CHECKING, Any

from blueattr.report.fields import Field, Fields, tidy_table
from blueattr.report.numbers import percent, plural
from blueattr.report.parts.answer import rounded
from blueattr.report.parts.shared_fields import (
    AGGREGATOR,
    AGGREGATOR_OBJECT,
    CUTOFFS,
    INDICATOR,
    METHOD,
    TIER,
)
from blueattr.report.provenance import ORIGIN, origin_facts, origin_json, origin_warnings
from blueattr.report.results.attributions import tier_extents
from blueattr.report.results.comparisons import corrected_interval
from blueattr.report.tables import Cell, Fact, Report, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blueattr.studies.samples.design import Design, DesignPoint, Designs
    from blueattr.studies.samples.own_sample import Correction, IndicatorCorrection, TierEstimate

__all__ = [
    "CURVE",
    "DESIGN",
    "DESIGNS",
    "DESIGN_OBJECT",
    "ESTIMATE",
    "SAMPLE",
    "correction_report",
    "curve_table",
    "design_report",
    "tiers_table",
]


ESTIMATE: "Fields[TierEstimate]" = Fields(
    TIER["tier"],
    Field("raw", "The tier's share in the sample, taken as a panel of its own.", "share"),
    Field("share", "Its share of the whole, estimated.", "share", heading="corrected"),
    Field("std_error", "The standard error of the estimate.", "share", heading="±"),
    Field("low", "The lower end of the 95 % interval; none where there is none.", "share"),
    Field("high", "The upper end.", "share"),
    Field("n_e", "On how many agents the estimate effectively rests.", "float", "agents"),
)
SAMPLE: "Fields[Correction]" = Fields(
    Field("n_agents", "N: the agents of the sample.", "int", "agents"),
    Field(
        "population_estimate",
        "n̂: how many agents the sample stands for, the sum of 1 / probability.",
        "float",
        "agents",
    ),
    Field("population", "n, as given by `--population`; else none.", "int", "agents"),
    Field("n_eff", "The effective size of the sample, (Σu)² / Σu².", "float", "agents"),
    Field(
        "chances",
        "What the column of chances has: `pi`, the probability; `weight`, its inverse; `size`, "
        "what it was proportional to.",
        get=lambda made: made.chance.kind,
    ),
    Field("chance_column", "Its name.", get=lambda made: made.chance.column),
    Field(
        "tiers_known",
        "Whether the sample has a column `tier`; else tiers are estimated.",
        "bool",
    ),
)
CURVE: "Fields[DesignPoint]" = Fields(
    Field("size", "N: agents of a sample.", "int", "agents"),
    Field(
        "half_width",
        "The largest half-width of the 95 % intervals of the tiers' corrected shares.",
        "share",
        get=lambda point: point.worst,
    ),
    Field(
        "n_e",
        "The least number of agents on which the estimate of a tier would effectively rest.",
        "float",
        "agents",
        get=lambda point: min(point.n_e),
    ),
    inside="curve",
)
DESIGN: "Fields[Design]" = Fields(
    Field("indicator", "What is split."),
    Field(
        "n",
        "The smallest sample of which no interval reaches further than `within` to each side, and "
        "in which at least 30 agents carry each estimate; none if only the whole would do.",
        "int",
        "agents",
        get=lambda made: made.size,
    ),
)
DESIGN_OBJECT: "Fields[Design]" = Fields(
    *DESIGN, Field("curve", "What samples of other sizes would give.")
)
DESIGNS: "Fields[Designs]" = Fields(
    Field("protocol", "How samples are to be drawn."),
    Field("within", "The largest half-width asked for.", "share"),
    Field(
        "population", "The number of agents there are; by a pilot, estimated.", "float", "agents"
    ),
    Field(
        "pilot", "The size of the pilot sample; none where all agents are known.", "int", "agents"
    ),
)
_TIDY_SAMPLE = (
    ("one", INDICATOR),
    ("tier", ESTIMATE),
    ("result", SAMPLE),
    ("result", CUTOFFS),
    ("result", AGGREGATOR),
    ("one", METHOD),
    ("origin", ORIGIN),
)
_TIDY_DESIGN = (
    ("design", DESIGN),
    ("point", CURVE),
    ("result", DESIGNS),
    ("result", CUTOFFS),
    ("origin", ORIGIN),
)
_SHOWN = 8  # rows of a curve, beside the one that is enough
_FEWEST = 30  # blueattr.studies.samples.correction.FEWEST: a report imports no arithmetic


def correction_report(result: "Correction") -> Report:
    """Lay out what a sample of one's own says of the whole.

    Parameters
    ----------
    result
        The result of `blueattr.studies.samples.own_sample.correct_sample`.

    Returns
    -------
    Report
        One row per indicator and tier.
    """
    return Report(
        kind="correction",
        summary=tuple(_answer(one, result) for one in result.indicators),
        tables=tuple(tiers_table(one, result.cutoffs) for one in result.indicators),
        facts=(
            Fact("sample", plural(result.n_agents, "agent")),
            Fact("stands for", _population(result)),
            Fact("effective size", f"{result.n_eff:,.0f}"),
            Fact("chances", f"column {result.chance.column} ({result.chance.kind})"),
            Fact(
                "tiers",
                "as the column tier has them"
                if result.tiers_known
                else f"estimated from the sample, by {result.provenance.ranked_by or 'b'}",
            ),
            *origin_facts(result.provenance),
        ),
        warnings=origin_warnings(result.provenance, marked=True),
        data=tidy_table(
            "shares",
            _TIDY_SAMPLE,
            (
                {"one": one, "tier": tier, "result": result, "origin": result.provenance}
                for one in result.indicators
                for tier in one.tiers
            ),
        ),
        content={
            **SAMPLE.json(result),
            **AGGREGATOR_OBJECT.json(result),
            **CUTOFFS.json(result),
            "indicators": [
                {
                    **INDICATOR.json(one),
                    **METHOD.json(one),
                    "tiers": [ESTIMATE.json(tier) for tier in one.tiers],
                }
                for one in result.indicators
            ],
            **origin_json(result.provenance),
        },
    )


def _population(result: "Correction") -> str:
    known = "" if result.population is None else f"; there are {result.population:,}"
    return f"about {plural(round(result.population_estimate), 'agent')}{known}"


def _answer(one: "IndicatorCorrection", result: "Correction") -> str:
    first = one.tiers[0]
    top = tier_extents([tier.tier for tier in one.tiers], result.cutoffs)[0]
    between = (
        ", too few agents for an interval"
        if first.low is None or first.high is None
        else f" (95 %: {percent(first.low, unit=False)} to {percent(first.high)})"
    )
    return (
        f"{one.indicator}: the {top} of the whole have about {rounded(first.share)}{between}; in "
        f"the sample as it is, {rounded(first.raw)}."
    )


def tiers_table(one: "IndicatorCorrection", cutoffs: "Sequence[float]") -> Table:
    """Lay out the shares of the whole that a sample says, beside its own."""
    names = [tier.tier for tier in one.tiers]
    rows: list[tuple[Cell, ...]] = [
        (
            extent,
            percent(tier.raw),
            percent(tier.share),
            corrected_interval(tier),
            f"{tier.n_e:,.0f}",
        )
        for extent, tier in zip(tier_extents(names, cutoffs), one.tiers, strict=True)
    ]
    return Table(
        name="shares",
        title=f"{one.indicator}: shares of the whole, from the sample",
        columns=(
            ESTIMATE["tier"].column(),
            ESTIMATE["raw"].column("figure"),
            ESTIMATE["share"].column("figure"),
            ESTIMATE["low"].column("figure", "95 % interval"),
            ESTIMATE["n_e"].column("figure"),
        ),
        rows=tuple(rows),
        notes=(
            "n_e: agents that the estimate rests on.",
            f"Below {_FEWEST} there is no interval; below 100 it is rough.",
        ),
    )


def design_report(result: "Designs") -> Report:
    """Lay out how large a sample must be.

    Parameters
    ----------
    result
        The result of `blueattr.analysis.own_samples.design_panel` or `design_pilot`.

    Returns
    -------
    Report
        One row per indicator and size.
    """
    return Report(
        kind="design",
        summary=tuple(_enough(one, result) for one in result.indicators),
        tables=tuple(curve_table(one) for one in result.indicators if one.curve),
        facts=(
            Fact("samples", f"drawn by {result.protocol}, without replacement"),
            Fact("population", _whole(result)),
            *origin_facts(result.provenance),
        ),
        warnings=origin_warnings(result.provenance, marked=True),
        data=tidy_table(
            "curve",
            _TIDY_DESIGN,
            (
                {"design": one, "point": point, "result": result, "origin": result.provenance}
                for one in result.indicators
                for point in one.curve
            ),
        ),
        content={
            **DESIGNS.json(result),
            **CUTOFFS.json(result),
            "indicators": [
                DESIGN_OBJECT.json(one, curve=[CURVE.json(point) for point in one.curve])
                for one in result.indicators
            ],
            **_first(result),
            **origin_json(result.provenance),
        },
    )


def _first(result: "Designs") -> dict[str, Any]:
    """Return the answer on the only indicator at the top, where scripts look for it."""
    if len(result.indicators) > 1:
        return {}
    (one,) = result.indicators
    return {"n": one.size, "curve": [CURVE.json(point) for point in one.curve]}


def _whole(result: "Designs") -> str:
    agents = plural(round(result.population), "agent")
    return agents if result.pilot is None else f"about {agents}, by a pilot of {result.pilot:,}"


def _enough(one: "Design", result: "Designs") -> str:
    points = f"{100 * one.within:g} percentage points"
    if one.size is None:
        left_out = ""
        if one.curve and one.curve[-1].worst <= one.within:
            left_out = f", since some tier rests on fewer than {_FEWEST} agents in effect"
        return (
            f"{one.indicator}: no sample short of all agents knows each share within {points}"
            f"{left_out}."
        )
    return (
        f"{one.indicator}: a {result.protocol} sample of {one.size:,} agents knows each tier's "
        f"share within {points} (95 %)."
    )


def curve_table(one: "Design") -> Table:
    """Lay out how sure samples of some sizes are."""
    points = one.curve
    if len(points) > _SHOWN:
        step = (len(points) - 1) / (_SHOWN - 1)
        shown = {round(k * step) for k in range(_SHOWN)}
        points = tuple(
            point for k, point in enumerate(points) if k in shown or point.size == one.size
        )
    return Table(
        name="curve",
        title=f"{one.indicator}: how sure samples are",
        columns=(
            CURVE["size"].column(),
            CURVE["half_width"].column("figure", "half-width"),
            CURVE["n_e"].column("figure"),
        ),
        rows=tuple(
            (point.size, f"± {percent(point.worst)}", f"{min(point.n_e):,.0f}") for point in points
        ),
        notes=(
            "half-width: of the 95 % interval of the least certain tier, in percentage points.",
            (
                "n_e: agents that the least certain estimate rests on. A tier has an interval from "
                f"{_FEWEST} on."
            ),
        ),
    )
