"""A scale comparison laid out as a report: the full panel, and samples of it."""

from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING

from blueattr.report.numbers import percent, plural, points, short, spread
from blueattr.report.provenance import (
    gap_warnings,
    on_topic,
    origin_facts,
    panel_tables,
)
from blueattr.report.results.attributions import method_facts, tier_extents
from blueattr.report.results.comparison_data import (
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
    from blueattr.studies.samples import SampleSummary
    from blueattr.studies.scales import IndicatorScales, ScaleComparison

__all__ = ["comparison_report", "has_deviation", "method_lines", "sample_name"]


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
        for table in (_share_table(scales, result), _rescaling_table(scales))
    ]
    tables += panel_tables(result.provenance)
    return Report(
        kind="scale_comparison",
        summary=tuple(
            sentence for scales in result.indicators for sentence in _sentence(scales, result)
        ),
        tables=tuple(tables),
        facts=(
            *method_lines(result),
            *origin_facts(result.provenance),
        ),
        warnings=gap_warnings(result.provenance.gaps),
        data=comparison_table((result,)),
        content=comparison_content(result),
    )


def method_lines(result: "ScaleComparison") -> tuple[Fact, ...]:
    """Return labelled lines that describe the method and the samples."""
    return (
        *method_facts(result, result.indicators),
        Fact("samples", f"{plural(result.seeds, 'seed')} each, from base seed {result.seed}"),
    )


def _sentence(scales: "IndicatorScales", result: "ScaleComparison") -> tuple[str, ...]:
    """Compare the full panel with the first samples that have an answer."""
    first = next((sample for sample in scales.samples if sample.tiers), None)
    if first is None:
        return ()
    tiers = [tier.tier for tier in scales.full.tiers[1:]]
    others = " and ".join(filter(None, (", ".join(tiers[:-1]), tiers[-1])))
    carry = "carries" if len(tiers) == 1 else "carry"
    full = percent(sum(tier.share for tier in scales.full.tiers[1:]))
    sampled = percent(sum(tier.share_mean for tier in first.tiers[1:]))
    about = on_topic(result.provenance)
    sentence = (
        f"Of {scales.indicator}{about}, {others} {carry} {full} among all "
        f"{plural(result.n_agents, 'agent')}, and {sampled} in {sample_name(first)}."
    )
    return (sentence,)


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
        return (f"{sample_name(sample)}: none could be drawn, for {sample.unavailable}.",)
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
    words = [f"{where}: {percent(part)} of its square is in the {tier}."]
    worst = max(
        (test.worst for _, test in with_tiers if test.worst is not None),
        key=lambda misfit: misfit.relative,
        default=None,
    )
    if worst is not None:
        words.append(
            f"The agent with the largest relative error is {worst.did}, of the "
            f"{tiers[worst.tier]}: {percent(worst.relative)} of the larger of its two values."
        )
    return words
