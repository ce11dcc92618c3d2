"""A bootstrap laid out as a report: each tier's share with its confidence interval."""

from typing import TYPE_CHECKING

from blueattr.report.fields import Field, Fields, tidy_table
from blueattr.report.numbers import percent, plural
from blueattr.report.provenance import (
    ORIGIN,
    gap_warnings,
    on_topic,
    origin_facts,
    origin_json,
    panel_tables,
)
from blueattr.report.results.attributions import method_facts, tier_extents
from blueattr.report.results.remarks import remarks_json
from blueattr.report.results.shared_fields import (
    AGGREGATOR,
    AGGREGATOR_OBJECT,
    CUTOFFS,
    INDICATOR,
    MEANS_OBJECT,
    METHOD,
    SIZE,
    TIER,
    TOTALS,
)
from blueattr.report.tables import Fact, Json, Report, Table

if TYPE_CHECKING:
    from blueattr.studies.bootstrap import Bootstrap, IndicatorBootstrap, ShareInterval

__all__ = ["INTERVAL", "LEVEL", "RESAMPLED", "RESAMPLES", "SEED", "bootstrap_report"]


_PERCENTILES = "The 2.5th and the 97.5th percentile of the tier's share over resamples."
INTERVAL: "Fields[ShareInterval]" = Fields(
    TIER["tier"],
    TIER["share"],
    Field("low", _PERCENTILES, "share"),
    Field("high", _PERCENTILES, "share"),
    Field(
        "std_error",
        "Standard deviation of the share over resamples.",
        "share",
        heading="std. error",
    ),
)
RESAMPLES: "Fields[Bootstrap]" = Fields(
    Field("resamples", "How many resamples of n agents each.", "int", "resamples"),
)
SEED: "Fields[Bootstrap]" = Fields(Field("seed", "The base seed.", "int"))
LEVEL: "Fields[Bootstrap]" = Fields(
    Field("level", "Of the interval between `low` and `high`: 0.95.", "float", "share"),
)
RESAMPLED: "Fields[IndicatorBootstrap]" = Fields(
    Field(
        "undefined_resamples",
        "Those on which the indicator is 0; left out.",
        "int",
        "resamples",
    ),
)


def bootstrap_report(result: "Bootstrap") -> Report:
    """Lay out a bootstrap.

    Parameters
    ----------
    result
        The result of `blueattr.studies.bootstrap.bootstrap`.

    Returns
    -------
    Report
        One row per indicator and tier.
    """
    tables = [_table(result)]
    tables += panel_tables(result.provenance)
    return Report(
        kind="bootstrap",
        summary=tuple(_sentence(one, result) for one in result.indicators),
        tables=tuple(tables),
        facts=(
            *method_facts(result, result.indicators),
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
    about = on_topic(result.provenance)
    return (
        f"Of {one.indicator}{about}, the {first.tier} carries {percent(first.share)}; "
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
            *INDICATOR.columns(),
            INTERVAL["tier"].column(),
            INTERVAL["share"].column(),
            INTERVAL["low"].column(heading=f"{tail:g} %"),
            INTERVAL["high"].column(heading=f"{100 - tail:g} %"),
            INTERVAL["std_error"].column(),
        ),
        rows=tuple(
            (one.indicator, extents[tier.tier], *INTERVAL.cells(tier)[1:])
            for one in result.indicators
            for tier in one.tiers
        ),
        notes=tuple(
            f"{one.indicator}: {plural(one.undefined_resamples, 'resample')} of "
            f"{result.resamples:,} left out, because the indicator is 0 on them."
            for one in result.indicators
            if one.undefined_resamples
        ),
    )


def _content(result: "Bootstrap") -> dict[str, Json]:
    return {
        **SIZE.json(result),
        **RESAMPLES.json(result),
        **SEED.json(result),
        **LEVEL.json(result),
        **AGGREGATOR_OBJECT.json(result),
        **CUTOFFS.json(result),
        **MEANS_OBJECT.json(result),
        "indicators": [
            {
                **INDICATOR.json(one),
                **METHOD.json(one),
                **_TOTAL.json(one),
                **RESAMPLED.json(one),
                "tiers": [INTERVAL.json(tier) for tier in one.tiers],
                **remarks_json(one.remarks),
            }
            for one in result.indicators
        ],
        **origin_json(result.provenance),
    }


_TOTAL = Fields(TOTALS["total"])
_TIDY = (
    ("one", INDICATOR),
    ("tier", INTERVAL),
    ("one", _TOTAL),
    ("result", LEVEL),
    ("result", RESAMPLES),
    ("one", RESAMPLED),
    ("result", SEED),
    ("result", SIZE),
    ("result", CUTOFFS),
    ("result", AGGREGATOR),
    ("one", METHOD),
    ("origin", ORIGIN),
)


def _tidy(result: "Bootstrap") -> Table:
    rows = [
        {"one": one, "tier": tier, "result": result, "origin": result.provenance}
        for one in result.indicators
        for tier in one.tiers
    ]
    return tidy_table("shares", _TIDY, rows)
