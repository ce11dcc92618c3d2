"""A bootstrap laid out as a report: each tier's share with its confidence interval."""

from typing import TYPE_CHECKING

from blueattr.report.fields import Fields, tidy_table
from blueattr.report.numbers import percent, plural
from blueattr.report.parts.answer import question_line
from blueattr.report.parts.first_screen import MORE, caveats, indicator_sentence
from blueattr.report.parts.involvement import involvement
from blueattr.report.parts.remarks import remarks_json
from blueattr.report.parts.resampled import INTERVAL, LEVEL, RESAMPLED, RESAMPLES, SEED
from blueattr.report.parts.shared_fields import (
    ACTIVE_OBJECT,
    AGGREGATOR,
    AGGREGATOR_OBJECT,
    CUTOFFS,
    INDICATOR,
    MEANS_OBJECT,
    METHOD,
    SIZE,
    TOTALS,
)
from blueattr.report.provenance import (
    ORIGIN,
    origin_facts,
    origin_json,
    origin_warnings,
    panel_tables,
)
from blueattr.report.results.attributions import method_facts, tier_extents
from blueattr.report.tables import Fact, Json, Report, Table

if TYPE_CHECKING:
    from blueattr.studies.bootstrap import Bootstrap, IndicatorBootstrap

__all__ = ["bootstrap_report"]


_SHOWN = 5


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
    main = next((one for one in result.indicators if one.indicator == "heat"), result.indicators[0])
    others = (
        involvement(result, [(main.indicator, main.tiers, main.active, main.total)])
        if main.active is not None
        else ()
    )
    line = caveats(result, [(one.indicator, one.tiers) for one in result.indicators])
    return Report(
        kind="bootstrap",
        summary=(
            question_line(result.provenance, result.n_agents),
            *(_sentence(one, result) for one in result.indicators),
        ),
        tables=(_table(result),),
        notes=(*others, *([line] if line else [])),
        details=panel_tables(result.provenance),
        more=MORE,
        facts=(
            *method_facts(result, result.indicators),
            Fact(
                "resamples",
                f"{result.resamples:,} of {plural(result.n_agents, 'agent')} each, drawn with "
                f"replacement, seed {result.seed}; tiers are those of the full panel",
            ),
            *origin_facts(result.provenance),
        ),
        warnings=origin_warnings(result.provenance, marked=True),
        data=_tidy(result),
        content=_content(result),
    )


def _sentence(one: "IndicatorBootstrap", result: "Bootstrap") -> str:
    first = one.tiers[0]
    answer = indicator_sentence(one.indicator, result, one.tiers)
    return (
        f"{answer} {100 * result.level:g} % of resamples give "
        f"{percent(first.low, unit=False)} to {percent(first.high)}."
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
            (one.indicator, extents[tier.tier], *INTERVAL.cells(tier)[1:_SHOWN])
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
                **ACTIVE_OBJECT.json(one),
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
