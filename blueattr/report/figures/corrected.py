"""Figures of samples put right: beside the truth, and by the size of a sample."""

from typing import TYPE_CHECKING, Any

from blueattr.report.fields import Field, Fields
from blueattr.report.figures.charts import study_charts
from blueattr.report.figures.exhibit import Exhibit, data_report, marked, rows_of
from blueattr.report.figures.scales import SAMPLED, SHARE
from blueattr.report.numbers import count, percent, plural
from blueattr.report.parts.answer import tier_names
from blueattr.report.parts.shared_fields import INDICATOR, TIER
from blueattr.report.results.comparisons import CORRECTED_ROW, corrected_interval, has_deviation
from blueattr.report.results.own_samples import CURVE, ESTIMATE, curve_table, tiers_table
from blueattr.report.tables import Cell, Column, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blueattr.studies.samples.corrected import CorrectedTier
    from blueattr.studies.samples.design import Designs
    from blueattr.studies.samples.own_sample import Correction
    from blueattr.studies.samples.samples import SampleSummary
    from blueattr.studies.scales import IndicatorScales, ScaleComparison

__all__ = [
    "CELLS",
    "CORRECTED_SHARE",
    "corrected_exhibit",
    "corrected_sentences",
    "correction_exhibit",
    "design_exhibit",
]


_ENDS = "An end of the mean 95 % interval of a corrected share; none where there is none."
CORRECTED_SHARE: Fields[Any] = Fields(
    INDICATOR["indicator"],
    SHARE["sample"],
    SHARE["size"],
    SHARE["samples"],
    Field(
        "estimate",
        "`raw`: the share in the sample, as of a panel of its own. `corrected`: the share of all "
        "agents, estimated from the sample. None of all agents.",
    ),
    TIER["tier"],
    TIER["share"],
    SHARE["std"],
    Field("low", _ENDS, "share"),
    Field("high", _ENDS, "share"),
)
CELLS: Fields[Any] = Fields(CORRECTED_ROW["raw"], CORRECTED_ROW["corrected"], CORRECTED_ROW["held"])
"""What the table for people has of each tier, beside its share of all."""
_COLUMNS = CORRECTED_SHARE.columns()
_CURVE = (*INDICATOR.columns(), *CURVE.columns())
_OWN = (*INDICATOR.columns(), *ESTIMATE.columns())


def corrected_exhibit(result: "ScaleComparison", suffix: str = "") -> Exhibit | None:
    """Show shares as samples have them, as put right, and as they are; None if none is put right.

    Parameters
    ----------
    suffix
        Ends the figure's name.
    """
    indicators = [
        one for one in result.indicators if any(sample.corrected for sample in one.samples)
    ]
    if not indicators:
        return None
    names = tier_names(result.cutoffs)
    tiers = [part.tier for part in indicators[0].full.tiers]
    rows: list[tuple[Cell, ...]] = []
    dots: list[dict[str, Any]] = []
    several = len({row.protocol for one in indicators for row in one.samples if row.corrected}) > 1
    for one in indicators:
        whole: list[tuple[Cell, ...]] = [
            (one.indicator, "full", result.n_agents, None, None, part.tier, part.share, *[None] * 3)
            for part in one.full.tiers
        ]
        rows += whole
        dots += _dots(whole, f"all {count(result.n_agents)}")
        for sample in one.samples:
            if sample.corrected is None:
                continue
            raw, put_right = _rows(one.indicator, sample)
            rows += [*raw, *put_right]
            name = f"{count(sample.size)} {SAMPLED.get(sample.protocol, sample.protocol)}"
            ranges = [
                (min(drawn), max(drawn))
                for k, _ in enumerate(tiers)
                if (drawn := [run.shares[k] for run in sample.runs if run.shares is not None])
            ]
            dots += _dots(raw, name, ranges)
            # One kind of samples has room for a shorter name.
            dots += _dots(
                put_right,
                f"{name}, put right" if several else f"{count(sample.size)} put right",
            )
    for dot in dots:
        dot["tier"] = names[tiers.index(dot["tier"])]
    listed = " and ".join(one.indicator for one in indicators)
    return Exhibit(
        name=f"corrected{suffix}",
        title="What a sample shows, and what it can say",
        caption=f"Shares of {listed}. Of each sample: the shares among its accounts, with the "
        "range of the draws; and the shares of all accounts estimated from it, with the mean 95 % "
        "interval.",
        alt="Points with intervals. "
        + " ".join(
            words for one in indicators for words in corrected_sentences(one, result.cutoffs)
        ),
        report=data_report(
            "corrected_shares", _COLUMNS, rows, _table(indicators), result.provenance
        ),
        chart=marked(result.provenance, lambda look: study_charts.dots_chart(dots, names, look)),
    )


def _table(indicators: "Sequence[IndicatorScales]") -> Table:
    """Lay out the truth beside what samples show and say; narrow enough for a phone."""
    rows: list[tuple[Cell, ...]] = [
        (
            one.indicator,
            f"{count(sample.size)} {SAMPLED.get(sample.protocol, sample.protocol)}",
            full.tier,
            percent(full.share),
            raw,
            _with_interval(put_right),
            f"{put_right.coverage} of {put_right.intervals}" if put_right.intervals else None,
        )
        for one in indicators
        for sample in one.samples
        if sample.corrected is not None
        for full, put_right, raw in zip(
            one.full.tiers,
            sample.corrected.tiers,
            # Weights can give an answer where the sample as it is has none.
            [percent(part.share_mean) for part in sample.tiers] or ["-"] * len(one.full.tiers),
            strict=True,
        )
    ]
    return Table(
        name="corrected",
        title="What samples show, and say once put right",
        columns=(
            *INDICATOR.columns(),
            CORRECTED_SHARE["sample"].column(),
            TIER["tier"].column(),
            Column("share", "all", "figure"),
            CELLS["raw"].column("figure"),
            CELLS["corrected"].column("figure", "put right"),
            CELLS["held"].column("figure"),
        ),
        rows=tuple(rows),
        notes=(
            "put right: the mean of the estimates, with the mean 95 % interval where there is one.",
            "held: in how many samples the interval holds the share of all.",
        ),
    )


def _with_interval(tier: "CorrectedTier") -> str:
    if tier.low is None or tier.high is None:
        return percent(tier.share_mean)
    low, high = percent(tier.low, unit=False), percent(tier.high, unit=False)
    return f"{percent(tier.share_mean)} ({low} to {high})"


def corrected_sentences(scales: "IndicatorScales", cutoffs: "Sequence[float]") -> tuple[str, ...]:
    """Say what the top tier carries, and what each kind of samples shows of it and says put right.

    The last sentences say which kinds cannot be put right, and why. None if nobody asked.
    """
    samples = [one for one in scales.samples if one.corrected is not None and one.tiers]
    reasons = dict.fromkeys((one.protocol, one.why) for one in scales.samples if one.why)
    share = percent(scales.full.tiers[0].share)
    truth = f"Of all accounts, the {tier_names(cutoffs)[0]} carry {share} of {scales.indicator}."
    return (
        *([truth] if samples else []),
        *map(_sentence, samples),
        *(f"{protocol}: cannot be put right, because {why}." for protocol, why in reasons),
    )


def _sentence(sample: "SampleSummary") -> str:
    assert sample.corrected is not None  # noqa: S101 - nobody asks for others
    top = sample.corrected.tiers[0]
    interval = corrected_interval(top)
    sure = (
        "too few of their accounts count for an interval"
        if interval is None
        else f"the 95 % interval, {interval} on average, held it in {top.coverage} of "
        f"{plural(top.intervals, 'draw')}"
    )
    return (
        f"{count(sample.size)} {SAMPLED.get(sample.protocol, sample.protocol)} accounts show "
        f"{percent(sample.tiers[0].share_mean)}; put right by how likely each was to be drawn, "
        f"they say {percent(top.share_mean)} ({sure})."
    )


def _rows(
    indicator: str, sample: "SampleSummary"
) -> tuple[list[tuple[Cell, ...]], list[tuple[Cell, ...]]]:
    """Return the tidy rows of a kind of samples: as they are, and put right."""
    corrected = sample.corrected
    assert corrected is not None  # noqa: S101 - nobody asks for others
    start = (indicator, sample.protocol, sample.size)
    several = has_deviation(sample)
    raw: list[tuple[Cell, ...]] = [
        (
            *start, sample.seeds - sample.undefined_seeds, "raw", part.tier, part.share_mean,
            part.share_std if several else None, None, None,
        )
        for part in sample.tiers
    ]  # fmt: skip
    put_right: list[tuple[Cell, ...]] = [
        (
            *start, corrected.seeds, "corrected", part.tier, part.share_mean,
            part.share_std if several else None, part.low, part.high,
        )
        for part in corrected.tiers
    ]  # fmt: skip
    return raw, put_right


def _dots(
    rows: list[tuple[Cell, ...]], label: str, ranges: list[tuple[float, float]] | None = None
) -> list[dict[str, Any]]:
    """Return the points of one row of the chart, with other ranges than the tidy rows have."""
    dots = [{**row, "row": label} for row in rows_of(_COLUMNS, rows)]
    for dot, (low, high) in zip(dots, ranges or (), strict=False):
        dot["low"], dot["high"] = low, high
    return dots


def correction_exhibit(result: "Correction") -> Exhibit:
    """Show the shares in a sample of one's own, and those of the whole that it stands for."""
    names = tier_names(result.cutoffs)
    rows: list[tuple[Cell, ...]] = [
        (*INDICATOR.cells(one), *ESTIMATE.cells(part))
        for one in result.indicators
        for part in one.tiers
    ]
    tiers = [part.tier for part in result.indicators[0].tiers]
    dots = []
    for row in rows_of(_OWN, rows):
        tier = names[tiers.index(row["tier"])]
        dots.append(
            {**row, "row": "in the sample", "tier": tier, "share": row["raw"],
             "low": None, "high": None}
        )  # fmt: skip
        dots.append({**row, "row": "of the whole", "tier": tier})
    table = tiers_table(result.indicators[0], result.cutoffs)
    words = "; ".join(
        f"{one.indicator}, {part.tier}: {percent(part.raw)} in the sample, {percent(part.share)} "
        "of the whole"
        for one in result.indicators
        for part in one.tiers
    )
    return Exhibit(
        name="correction",
        title="What the sample shows, and what it can say",
        caption="Shares in the sample, and estimated shares of the whole with their 95 % "
        "intervals.",
        alt=f"Points with intervals. {words}.",
        report=data_report("corrected_shares", _OWN, rows, table, result.provenance),
        chart=marked(result.provenance, lambda look: study_charts.dots_chart(dots, names, look)),
    )


def design_exhibit(result: "Designs") -> Exhibit:
    """Show how sure the shares are by the size of the sample, and which size is enough."""
    rows: list[tuple[Cell, ...]] = [
        (*INDICATOR.cells(one), *CURVE.cells(point))
        for one in result.indicators
        for point in one.curve
    ]
    sizes = {one.indicator: one.size for one in result.indicators}
    points = [
        {**row, "enough": row["size"] == sizes[row["indicator"]]} for row in rows_of(_CURVE, rows)
    ]
    words = "; ".join(
        f"{one.indicator}: {'no size' if one.size is None else f'{one.size:,}'} is enough"
        for one in result.indicators
    )
    return Exhibit(
        name="design",
        title="How large the sample must be",
        caption="The half-width of the widest 95 % interval of a tier's corrected share, by the "
        f"size of a {result.protocol} sample. The horizontal line: {percent(result.within)}.",
        alt=f"Lines that fall with the size of the sample. {words}.",
        report=data_report(
            "design_curve", _CURVE, rows, curve_table(result.indicators[0]), result.provenance
        ),
        chart=marked(
            result.provenance, lambda look: study_charts.widths_chart(points, result.within, look)
        ),
    )
