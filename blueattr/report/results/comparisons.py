"""A scale comparison laid out as a report: the full panel, and samples of it."""

from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

from blueattr.report.fields import Field, Fields
from blueattr.report.numbers import percent, plural, points, short, spread
from blueattr.report.parts.answer import question_line, rounded
from blueattr.report.parts.first_screen import MORE, caveats, indicator_sentence
from blueattr.report.parts.involvement import involvement
from blueattr.report.parts.shared_fields import TIER
from blueattr.report.provenance import (
    origin_facts,
    origin_warnings,
    panel_tables,
)
from blueattr.report.results.attributions import method_facts, tier_extents
from blueattr.report.results.fields.comparison import (
    FLIP_NOTE,
    RESCALING,
    RUN_OBJECT,
    SAMPLE,
    comparison_content,
    comparison_table,
)
from blueattr.report.tables import Cell, Column, Fact, Report, Table

if TYPE_CHECKING:
    from blueattr.studies.rescaling import Rescaling
    from blueattr.studies.samples.corrected import CorrectedTier
    from blueattr.studies.samples.own_sample import TierEstimate
    from blueattr.studies.samples.samples import SampleSummary
    from blueattr.studies.scales import IndicatorScales, ScaleComparison

__all__ = [
    "CORRECTED_ROW",
    "comparison_report",
    "corrected_interval",
    "corrected_table",
    "has_deviation",
    "indicator_sentence",
    "method_lines",
    "sample_name",
]


def comparison_report(result: "ScaleComparison") -> Report:
    """Lay out a scale comparison.

    Parameters
    ----------
    result
        The result of `blueattr.studies.scales.compare_scales`.

    Returns
    -------
    Report
        For people two tables per indicator (shares, rescaling test), the panel and the
        provenance; as data one row per indicator, protocol, size and tier, the full panel under
        the protocol ``full``; as JSON everything, each sample included.
    """
    tables = [
        table
        for scales in result.indicators
        if not scales.undefined
        for table in (
            _share_table(scales, result),
            *filter(None, [corrected_table(scales)]),
            _rescaling_table(scales),
        )
    ]
    main = next((one for one in result.indicators if one.indicator == "heat"), result.indicators[0])
    others = (
        involvement(result, [(main.indicator, main.full.tiers, main.full.active, main.full.total)])
        if main.full.active is not None
        else ()
    )
    line = caveats(
        result, [(one.indicator, one.full.tiers) for one in result.indicators if one.full.tiers]
    )
    return Report(
        kind="scale_comparison",
        summary=(
            question_line(result.provenance, result.n_agents),
            *(
                indicator_sentence(
                    scales.indicator, result, scales.full.tiers, first_sample(scales)
                )
                + _corrected_sentence(first_sample(scales))
                for scales in result.indicators
                if scales.full.tiers
            ),
            *([result.sizes_note] if result.sizes_note else []),
        ),
        notes=(*others, *([line] if line else [])),
        details=panel_tables(result.provenance),
        more=MORE,
        tables=tuple(tables),
        facts=(
            *method_lines(result),
            *origin_facts(result.provenance),
        ),
        warnings=origin_warnings(result.provenance, marked=True),
        data=comparison_table((result,)),
        content=comparison_content(result),
    )


def _corrected_sentence(sample: "SampleSummary | None") -> str:
    if sample is None or sample.corrected is None:
        return ""
    share = rounded(sample.corrected.tiers[0].share_mean)
    return f" Put right by how likely each account was to be drawn, it says {share}."


def method_lines(result: "ScaleComparison") -> tuple[Fact, ...]:
    """Return labelled lines that describe the method and the samples."""
    return (
        *method_facts(result, result.indicators),
        Fact("samples", f"{plural(result.seeds, 'seed')} each, from base seed {result.seed}"),
    )


def first_sample(scales: "IndicatorScales") -> "SampleSummary | None":
    """Return the first kind of sample that has an answer."""
    return next((sample for sample in scales.samples if sample.tiers), None)


def sample_name(sample: "SampleSummary") -> str:
    """Name a row, as in ``visibility samples of 100``."""
    plural_s = "" if sample.deterministic else "s"
    article = "the " if sample.deterministic else ""
    return f"{article}{sample.protocol} sample{plural_s} of {sample.size:,}"


def has_deviation(sample: "SampleSummary") -> bool:
    """Return whether there are several answers, so that their standard deviation has a meaning."""
    return sample.seeds - sample.undefined_seeds > 1


def _share_table(scales: "IndicatorScales", result: "ScaleComparison") -> Table:
    names = [tier.tier for tier in scales.full.tiers]
    lengths: list[float | None] = [sum(tier.share for tier in scales.full.tiers[1:])]
    rows: list[tuple[Cell, ...]] = [
        ("full panel", result.n_agents, *(percent(tier.share) for tier in scales.full.tiers), None)
    ]
    for sample in scales.samples:
        shares = {
            tier.tier: spread(tier.share_mean, tier.share_std if has_deviation(sample) else None)
            for tier in sample.tiers
        }
        flip = points(sample.flip_mean, sample.flip_std if has_deviation(sample) else None)
        rows.append((sample.protocol, sample.size, *(shares.get(name) for name in names), flip))
        below = sum(tier.share_mean for tier in sample.tiers[1:])
        lengths.append(below if sample.tiers else None)
    return Table(
        name="shares",
        lengths=tuple(lengths),
        lengths_heading="rest",
        title=f"{scales.indicator}: tier shares, full panel against samples",
        columns=(
            *SAMPLE.columns(),
            *(
                Column(name, extent, "figure")
                for name, extent in zip(names, tier_extents(names, result.cutoffs), strict=True)
            ),
            RUN_OBJECT["flip"].column("figure"),
        ),
        rows=tuple(rows),
        notes=(
            FLIP_NOTE,
            *_spread_notes(scales.samples),
            *(note for sample in scales.samples for note in _undefined_notes(sample)),
        ),
    )


def corrected_table(scales: "IndicatorScales") -> Table | None:
    """Lay out what samples say of the whole, beside what they show and what is true.

    None if nobody asked for it.
    """
    rows: list[tuple[Cell, ...]] = []
    for sample in scales.samples:
        if sample.corrected is None:
            continue
        raw = {tier.tier: tier.share_mean for tier in sample.tiers}
        for full, tier in zip(scales.full.tiers, sample.corrected.tiers, strict=True):
            rows.append(
                (
                    sample.protocol,
                    sample.size,
                    tier.tier,
                    percent(full.share),
                    percent(raw.get(tier.tier)),
                    percent(tier.share_mean),
                    corrected_interval(tier),
                    f"{tier.n_e:,.0f}",
                    f"{tier.coverage} of {tier.intervals}" if tier.intervals else None,
                )
            )
    reasons = tuple(
        f"{protocol}: cannot be corrected, because {why}."
        for protocol, why in dict.fromkeys((one.protocol, one.why) for one in scales.samples)
        if why
    )
    if not rows and not reasons:
        return None
    return Table(
        name="corrected",
        title=f"{scales.indicator}: what samples say of the full panel, once corrected",
        columns=(
            *SAMPLE.columns(),
            TIER["tier"].column(),
            Column("share", "full panel", "figure"),
            *(field.column("figure") for field in CORRECTED_ROW),
        ),
        rows=tuple(rows),
        notes=(*(_CORRECTED_NOTES if rows else ()), *reasons),
    )


def corrected_interval(tier: "CorrectedTier | TierEstimate") -> str | None:
    """Write the interval of an estimated share, and whether it is rough; None if there is none."""
    if tier.low is None or tier.high is None:
        return None
    # Where all were drawn, the interval is one number, and right.
    is_rough = tier.n_e < _ROUGH and tier.low < tier.high
    return f"{percent(tier.low)} to {percent(tier.high)}" + " (rough)" * is_rough


CORRECTED_ROW: Fields[Any] = Fields(
    Field("raw", "Mean share in the samples, each taken as a panel of its own.", "share"),
    Field("corrected", "Mean of the tier's share of all agents, as estimated from each.", "share"),
    Field("interval", "Mean 95 % interval of the estimates.", heading="95 % interval"),
    Field("n_e", "How many agents an estimate effectively rests on.", "float", "agents"),
    Field("held", "In how many of the samples that have an interval it holds the truth."),
)
_ROUGH = 100  # blueattr.studies.samples.correction.ROUGH: a report imports no arithmetic
_CORRECTED_NOTES = (
    "corrected: an agent of a sample stands for all that are as hard to draw; means over seeds.",
    "n_e: agents that the estimate rests on. Below 30 there is no interval; below 100 it is rough.",
    "held: in how many samples the interval holds the full panel's share.",
)


def _spread_notes(samples: Sequence["SampleSummary"]) -> tuple[str, ...]:
    notes = []
    if any(has_deviation(sample) for sample in samples):
        notes.append("±: standard deviation over seeds.")
    fixed = dict.fromkeys(sample.protocol for sample in samples if sample.deterministic)
    notes.extend(f"{protocol}: deterministic, one sample of each size." for protocol in fixed)
    return tuple(notes)


def _undefined_notes(sample: "SampleSummary") -> tuple[str, ...]:
    """Return notes on samples without an answer, with the reason."""
    if sample.unavailable:
        return (f"{sample_name(sample)}: none could be drawn, because {sample.unavailable}.",)
    if not sample.undefined_seeds:
        return ()
    reasons = dict.fromkeys(run.undefined for run in sample.runs if run.undefined)
    return (
        f"{sample_name(sample)}: {sample.undefined_seeds:,} of {sample.seeds:,} without an answer "
        f"({'; '.join(reasons)}); the others are averaged."
        if sample.undefined_seeds < sample.seeds
        else f"{sample_name(sample)}: no answer ({'; '.join(reasons)}).",
    )


def _rescaling_table(scales: "IndicatorScales") -> Table:
    rows: list[tuple[Cell, ...]] = []
    notes = []
    for sample in scales.samples:
        test = sample.rescaling
        if test is None:
            rows.append((sample.protocol, sample.size, *[None] * 6))
            if not sample.unavailable:
                notes.append(f"{sample_name(sample)}: nothing to compare, so no test.")
            continue
        rows.append(
            (
                sample.protocol,
                sample.size,
                short(test.scale_factor),
                short(test.relative_residual),
                short(test.cosine),
                short(test.kendall_tau),
                short(test.spearman_rho),
                short(test.ratio_spread) if isfinite(test.ratio_spread) else "infinite",
            )
        )
        if test.kendall_tau is None or test.spearman_rho is None:
            notes.append(
                f"{sample_name(sample)}: no rank correlation, because all values are equal."
            )
    return Table(
        name="rescaling",
        title=f"{scales.indicator}: is the sample's attribution a multiple of the full panel's?",
        columns=(
            *SAMPLE.columns(),
            *(field.column("figure") for field in RESCALING if field.kind == "float"),
        ),
        rows=tuple(rows),
        notes=(*_verdict(scales.samples, [tier.tier for tier in scales.full.tiers]), *notes),
    )


def _verdict(samples: Sequence["SampleSummary"], tiers: Sequence[str]) -> tuple[str, ...]:
    """Describe the result of the rescaling test; claim only what was measured on this data."""
    tests = [(sample, sample.rescaling) for sample in samples if sample.rescaling is not None]
    exact = [sample for sample, test in tests if test.exact]
    others = [(sample, test) for sample, test in tests if not test.exact]
    residuals = [test.relative_residual for _, test in others]
    words = []
    if exact and not residuals:
        words.append("One global factor λ rescales every sample: the spread is 1.")
    elif exact:
        which = ", ".join(sample_name(sample) for sample in exact)
        words.append(f"One global factor λ rescales {which}: the spread is 1.")
    if residuals:
        least, most = short(min(residuals)), short(max(residuals))
        error = least if least == most else f"{least} to {most}"
        where = " the other samples" if exact else " these samples"
        words.append(
            f"No global factor rescales{where}: "
            f"the best one, λ, leaves a relative error of {error}."
        )
    words.extend(_largest_errors(others, tiers))
    return tuple(words)


def _largest_errors(
    tests: "Sequence[tuple[SampleSummary, Rescaling]]", tiers: Sequence[str]
) -> list[str]:
    """Name the tier and the agent with the largest error of the best factor."""
    with_tiers = [(sample, test) for sample, test in tests if test.tier_residuals]
    if not with_tiers:
        return []
    # Where most of the error lies, among the samples that a factor fits least.
    sample, test = max(with_tiers, key=lambda pair: pair[1].relative_residual)
    part = max(test.tier_residuals)
    tier = tiers[test.tier_residuals.index(part)]
    where = f"The error is largest in {sample_name(sample)}"
    words = [f"{where}; {percent(part)} of the squared error is in the {tier}."]
    worst = max(
        (test.worst for _, test in with_tiers if test.worst is not None),
        key=lambda misfit: misfit.relative,
        default=None,
    )
    if worst is not None:
        words.append(
            f"The agent with the largest relative error is {_named(worst.did)}{tiers[worst.tier]}: "
            f"its two values differ by {percent(worst.relative)} of the larger."
        )
    return words


def _named(did: str | None) -> str:
    return "in the " if did is None else f"{did}, in the "
