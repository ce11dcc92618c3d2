"""One attribution, or one for each of several indicators, laid out as a report."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import isclose
from typing import TYPE_CHECKING, Any, TypedDict

from blueattr.report.fields import Field, Fields, tidy_table
from blueattr.report.numbers import count, number, percent, plural, short
from blueattr.report.parts.answer import question_line
from blueattr.report.parts.first_screen import (
    MORE,
    caveats,
    indicator_sentence,
    leaders_table,
    tiers_table,
)
from blueattr.report.parts.groups import (
    GROUPED,
    ROW,
    group_rows,
    group_tables,
    groups_json,
    interaction_tables,
)
from blueattr.report.parts.involvement import involvement
from blueattr.report.parts.remarks import remark_facts, remarks_json
from blueattr.report.parts.resampled import bootstrap_json
from blueattr.report.parts.shared_fields import (
    ACTIVE_OBJECT,
    AGGREGATOR,
    AGGREGATOR_OBJECT,
    BY_FEATURE,
    CHOICE_RANKS,
    CUTOFFS,
    INDICATOR,
    INTERVALS,
    INVOLVED,
    LEADER,
    MEANS,
    MEANS_OBJECT,
    METHOD,
    MOMENT,
    SIZE,
    TIER,
    TOTALS,
    Computed,
    Indicated,
    Remarked,
    Tiered,
    tiers_json,
)
from blueattr.report.provenance import (
    ORIGIN,
    on_topic,
    origin_facts,
    origin_json,
    origin_warnings,
    panel_tables,
)
from blueattr.report.results.fields.comparison import DRAWN, FLIP, SAMPLE, SPREAD
from blueattr.report.tables import SCHEMA_VERSION, Column, Fact, Json, Report, Table

if TYPE_CHECKING:
    from blueattr.attribution.attribute import AttributionResult
    from blueattr.indicators.base import Aggregator
    from blueattr.studies.carriers.leaders import Leader
    from blueattr.studies.samples.samples import SampleSummary

__all__ = [
    "ANSWER",
    "aggregator_text",
    "attribution_report",
    "attributions_report",
    "means_fact",
    "method_facts",
    "method_text",
    "methods_text",
    "tier_extents",
]


def attribution_report(result: "AttributionResult") -> Report:
    """Lay out one attribution.

    Parameters
    ----------
    result
        The result of `blueattr.attribution.attribute.attribute`.

    Returns
    -------
    Report
        For people the tier shares, groups if there are some, the panel and the provenance; as data
        one row per tier, or per group; as JSON everything but the per-agent frame.
    """
    return Report(
        kind="attribution",
        **_answer((result,)),
        facts=_facts((result,)),
        warnings=origin_warnings(result.provenance, marked=True),
        data=_tidy((result,)),
        content=_content(result),
    )


def attributions_report(results: Sequence["AttributionResult"]) -> Report:
    """Lay out attributions of several indicators of one panel in one table.

    Parameters
    ----------
    results
        At least one, all of the same panel.

    Returns
    -------
    Report
        For people one row per indicator and tier; in JSON ``results`` has for each indicator
        the whole object of `attribution_report`.
    """
    first = results[0]
    return Report(
        kind="attributions",
        **_answer(results),
        facts=_facts(results),
        warnings=origin_warnings(first.provenance, marked=True),
        data=_tidy(results),
        content={
            "results": [
                {"schema_version": SCHEMA_VERSION, "kind": "attribution", **_content(result)}
                for result in results
            ]
        },
    )


ANSWER: Fields[Any] = Fields(
    Field("leaders", "The agents with the largest values, `--top` of them: one object each."),
    Field("by_feature", "Whether values are split by feature, and how."),
    Field(
        "intervals",
        "How the intervals of their ranks were made; none where they were not asked for.",
    ),
    Field(
        "bootstrap",
        "How sure the tier shares are, from resamples of the agents; none without `--intervals`.",
    ),
    Field(
        "sample",
        "What ten visibility samples of 100 agents would say; none where the panel has fewer than "
        "200 agents, or is read in chunks.",
    ),
    Field("who", "On a terminal: all agents of the panel, or small samples."),
)


class _Answer(TypedDict):
    summary: tuple[str, ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...]
    lists: tuple[Table, ...]
    details: tuple[Table, ...]
    more: str


def _answer(results: Sequence["AttributionResult"]) -> _Answer:
    """Return the parts of a report that answer, and those that say it in detail."""
    first, several = results[0], len(results) > 1
    main = next((one for one in results if one.indicator == "heat"), first)
    origin = first.provenance
    sentences = [indicator_sentence(one.indicator, one, one.tiers, one.sample) for one in results]
    asked = question_line(origin, first.n_agents)
    others = () if first.active is None else _involvement(results)
    line = caveats(first, [(one.indicator, one.tiers) for one in results])
    return _Answer(
        summary=(asked, *sentences),
        tables=(tiers_table(results), *group_tables(results)),
        notes=(*others, *([line] if line else [])),
        lists=(leaders_table(main.leaders, main.indicator, main.intervals, several=several),)
        if main.leaders
        else (),
        details=(_tier_table(results), *interaction_tables(results), *panel_tables(origin)),
        more=MORE,
    )


def _involvement(results: Sequence["AttributionResult"]) -> tuple[str, ...]:
    return involvement(results[0], [(r.indicator, r.tiers, r.active, r.total) for r in results])


def tier_extents(tiers: Sequence[str], cutoffs: Sequence[float]) -> tuple[str, ...]:
    """Name tiers with the part of the panel that they make up, as in ``middle 9 %``.

    Parameters
    ----------
    tiers
        Names, from the top down.
    cutoffs
        Cumulative percentages, one fewer.
    """
    edges = (0.0, *cutoffs, 100.0)
    widths = (after - before for before, after in pairwise(edges))
    return tuple(f"{name} {width:.6g} %" for name, width in zip(tiers, widths, strict=True))


def headline(result: "AttributionResult") -> str:
    """Return a sentence that sums up an attribution."""
    extents = tier_extents([tier.tier for tier in result.tiers], result.cutoffs)
    clauses = [
        f"the {extent} carries {percent(tier.share)}"
        for extent, tier in zip(extents, result.tiers, strict=True)
    ]
    about = on_topic(result.provenance)
    sentence = " and ".join((", ".join(clauses[:-1]), clauses[-1]))
    return (
        f"Of {result.indicator} {short(result.total)}{about}, shared out among "
        f"{plural(result.n_agents, 'agent')}, {sentence}."
    )


def method_text(method: str, steps: int | None) -> str:
    """Describe how the values were computed."""
    return method if steps is None else f"{method} with {plural(steps, 'step')}"


def aggregator_text(aggregator: "Aggregator") -> str:
    """Describe how the features become one number, as in ``mean; weights a 0.5, b 0.3, c 0.2``."""
    weights = zip("abc", aggregator.weights, strict=True)
    return f"{aggregator.name}; weights " + ", ".join(f"{x} {w:.4g}" for x, w in weights)


def methods_text(results: Iterable[Indicated]) -> str:
    """Describe the method for each indicator, or once if all indicators share it."""
    texts = {one.indicator: method_text(one.method, one.steps) for one in results}
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return "; ".join(f"{name}: {text}" for name, text in texts.items())


def means_fact(result: Computed) -> Fact:
    """Return the labelled line with the means of the features and their product."""
    a, b, c = map(short, result.means)
    return Fact("feature means", f"a {a}, b {b}, c {c}; their product M is {short(result.moment)}")


def method_facts(result: Tiered, indicators: "Sequence[Remarked]") -> tuple[Fact, ...]:
    """Return labelled lines that say how the values were computed.

    Parameters
    ----------
    result
        Of one panel.
    indicators
        The result for each indicator.
    """
    remarks = {one.indicator: one.remarks for one in indicators}
    cutoffs = " and ".join(f"{cutoff:.12g}" for cutoff in result.cutoffs)
    unused = [name for name, remark in remarks.items() if not remark.aggregates]
    exception = f"; not used by {', '.join(unused)}" if unused else ""
    return (
        Fact("method", f"Aumann-Shapley value, {methods_text(indicators)}"),
        *remark_facts(remarks),
        Fact("aggregator", aggregator_text(result.aggregator) + exception),
        Fact("tiers", f"cut at {cutoffs} % of the agents, ranked by followers (else by b)"),
        means_fact(result),
    )


def _content(result: "AttributionResult") -> dict[str, Json]:
    return {
        **INDICATOR.json(result),
        **METHOD.json(result),
        **SIZE.json(result),
        **TOTALS.json(result),
        "tiers": tiers_json(result.tiers),
        **groups_json(result.groups),
        **ACTIVE_OBJECT.json(result),
        "leaders": [_leader_json(k, leader) for k, leader in enumerate(result.leaders, 1)],
        "by_feature": BY_FEATURE.json(result.by_feature),
        "intervals": (None if result.intervals is None else INTERVALS.json(result.intervals)),
        "bootstrap": bootstrap_json(result.bootstrap),
        "sample": _sample_json(result.sample),
        **CUTOFFS.json(result),
        **AGGREGATOR_OBJECT.json(result),
        **MEANS_OBJECT.json(result),
        **remarks_json(result.remarks),
        **origin_json(result.provenance),
    }


def _leader_json(rank: int, leader: "Leader") -> dict[str, Json]:
    return {"rank": rank, **LEADER.json(leader), **CHOICE_RANKS.json(leader)}


def _sample_json(sample: "SampleSummary | None") -> dict[str, Json] | None:
    if sample is None:
        return None
    return {
        **SAMPLE.json(sample),
        **DRAWN.json(sample),
        "tiers": [SPREAD.json(tier) for tier in sample.tiers],
        **FLIP.json(sample),
    }


def _facts(results: Sequence["AttributionResult"]) -> tuple[Fact, ...]:
    first = results[0]
    return (
        *method_facts(first, results),
        *origin_facts(first.provenance),
    )


def _tier_table(results: Sequence["AttributionResult"]) -> Table:
    """Lay out the shares for people: one row per tier, per indicator where there are several."""
    several = len(results) > 1
    signed = any(
        not isclose(tier.share, tier.abs_share, rel_tol=1e-9, abs_tol=1e-12)
        for result in results
        for tier in result.tiers
    )
    others = any(result.n_involved < result.n_agents for result in results)
    rows = []
    for result in results:
        extents = tier_extents([tier.tier for tier in result.tiers], result.cutoffs)
        for extent, tier in zip(extents, result.tiers, strict=True):
            lead = INDICATOR.cells(result) if several else ()
            shares = TIER.cells(tier)[1:]
            involved = (tier.agents_involved, percent(tier.share - tier.share_involved))
            rows.append((
                *lead, extent, *(shares if signed else shares[:-1]), *(involved if others else ())
            ))  # fmt: skip
    columns = list(TIER.columns())
    if several:
        columns[:0] = INDICATOR.columns()
    if not signed:
        columns.pop()
    notes = []
    if others:
        columns += [INVOLVED["agents_involved"].column(), Column("others", "others", "figure")]
        notes.append(
            "others: the part of the share that is carried by agents who were not involved."
        )
    if signed:
        notes.append(
            "Some values are negative; the column of |values| has shares of absolute values."
        )
    notes.extend(
        f"{r.indicator}: the values sum to {number(r.attributed)}, not to {number(r.total)}: "
        f"{method_text(r.method, r.steps)} leaves a relative error of "
        f"{short(abs(r.attributed / r.total - 1))}."
        for r in results
        if not isclose(r.attributed, r.total, rel_tol=1e-9)
    )
    n = count(results[0].n_agents)
    return Table(
        name="tiers",
        title=f"Tier shares at full scale, n = {n}",
        columns=tuple(columns),
        rows=tuple(rows),
        notes=tuple(notes),
        bars="share",
    )


_TIDY = (
    ("result", INDICATOR),
    ("tier", TIER),
    ("tier", INVOLVED),
    ("result", TOTALS),
    ("result", SIZE),
    ("result", MEANS),
    ("result", MOMENT),
    ("result", CUTOFFS),
    ("result", AGGREGATOR),
    ("result", METHOD),
    ("origin", ORIGIN),
)


_TIDY_GROUPS = (
    ("result", INDICATOR),
    ("groups", GROUPED),
    ("row", ROW),
    ("result", TOTALS),
    ("result", SIZE),
    ("result", MEANS),
    ("result", MOMENT),
    ("result", CUTOFFS),
    ("result", AGGREGATOR),
    ("result", METHOD),
    ("origin", ORIGIN),
)


def _tidy(results: Sequence["AttributionResult"]) -> Table:
    if results[0].groups is not None:
        return _tidy_groups(results)
    rows = [
        {"result": result, "tier": tier, "origin": result.provenance}
        for result in results
        for tier in result.tiers
    ]
    return tidy_table("tiers", _TIDY, rows)


def _tidy_groups(results: Sequence["AttributionResult"]) -> Table:
    rows = [
        {"result": result, "groups": result.groups, "row": row, "origin": result.provenance}
        for result in results
        for row in group_rows(result.groups)
    ]
    return tidy_table("groups", _TIDY_GROUPS, rows)
