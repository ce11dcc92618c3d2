"""Figures of scales: shares on the full panel and in samples, by size, and by topic."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from blueattr.report.fields import Field, Fields
from blueattr.report.figures.charts import charts, study_charts
from blueattr.report.figures.exhibit import Exhibit, data_report, marked, rows_of, topic_title
from blueattr.report.numbers import percent, plural, points, spread
from blueattr.report.parts.answer import tier_names
from blueattr.report.parts.involvement import involved_note
from blueattr.report.parts.shared_fields import INDICATOR, TIER
from blueattr.report.results.comparisons import has_deviation, sample_name
from blueattr.report.results.fields.comparison import FLIP_NOTE
from blueattr.report.tables import Cell, Column, Table

if TYPE_CHECKING:
    from blueattr.attribution.attribute import AttributionResult
    from blueattr.studies.samples.samples import SampleSummary
    from blueattr.studies.scales import IndicatorScales, ScaleComparison

__all__ = [
    "SAMPLED",
    "SHARE",
    "TOPIC_FLIP",
    "attributions_exhibit",
    "flips_exhibit",
    "grouped_by_sign",
    "shares_exhibit",
    "sizes_exhibit",
]


_SIZE: Field[Any] = Field("size", "N, or n.", "int", "agents", "agents")

SHARE: Fields[Any] = Fields(
    INDICATOR["indicator"],
    Field(
        "sample",
        "The protocol, or `full` for all agents; in `flips` the share of all tiers but the top in "
        "the sample.",
        unit="share",
    ),
    _SIZE,
    Field("samples", "Samples that have an answer.", "int", "samples"),
    TIER["tier"],
    TIER["share"],
    Field(
        "std",
        "Standard deviation of `share` over samples; none for a single one.",
        "share",
        heading="standard deviation",
    ),
)
_SHARE_COLUMNS = SHARE.columns()
SAMPLED = {"visibility": "visible", "top": "top", "active": "active", "random": "at random"}
"""How a chart names the accounts of a sample, after their number."""


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _sample_rows(
    indicator: str, sample: "SampleSummary", tiers: Sequence[str]
) -> list[tuple[Cell, ...]]:
    """Return the tidy rows of one kind of sample; shares are None where it has no answer."""
    several = has_deviation(sample)
    shares = {part.tier: (part.share_mean, part.share_std if several else None)
             for part in sample.tiers}  # fmt: skip
    answers = sample.seeds - sample.undefined_seeds
    return [
        (indicator, sample.protocol, sample.size, answers, tier, *shares.get(tier, (None, None)))
        for tier in tiers
    ]


def _sample_cells(sample: "SampleSummary", tiers: Sequence[str]) -> list[str | None]:
    """Return the shares of one kind of sample as text."""
    several = has_deviation(sample)
    shares = {part.tier: spread(part.share_mean, part.share_std if several else None)
             for part in sample.tiers}  # fmt: skip
    return [shares.get(tier) for tier in tiers]


def _tier_columns(tiers: Sequence[str], cutoffs: Sequence[float]) -> list[Column]:
    names = tier_names(cutoffs)
    return [Column(tier, name, "figure") for tier, name in zip(tiers, names, strict=True)]


def grouped_by_sign(
    result: "ScaleComparison", headline: str
) -> "tuple[tuple[str, ScaleComparison], ...]":
    """Split a comparison so that no indicator stretches the axis of another.

    Parameters
    ----------
    headline
        The indicator that is by itself, first.

    Returns
    -------
    tuple
        For each part that is not empty its suffix, ``""``, ``-others`` or ``-signed``, and the
        comparison of its indicators. Signed are those with a share below 0.
    """
    parts: dict[str, list[IndicatorScales]] = {"": [], "-others": [], "-signed": []}
    for scales in result.indicators:
        if not scales.undefined:
            shares = [tier.share for tier in scales.full.tiers]
            shares += [tier.share_mean for sample in scales.samples for tier in sample.tiers]
            signed = "-signed" if min(shares) < 0 else "-others"
            parts["" if scales.indicator == headline else signed].append(scales)
    return tuple(
        (suffix, replace(result, indicators=tuple(indicators)))
        for suffix, indicators in parts.items()
        if indicators
    )


def attributions_exhibit(results: "Sequence[AttributionResult]") -> Exhibit:
    """Show tier shares at full scale alone."""
    first = results[0]
    tiers = [tier.tier for tier in first.tiers]
    rows: list[tuple[Cell, ...]] = [
        (result.indicator, "full", result.n_agents, None, tier.tier, tier.share, None)
        for result in results
        for tier in result.tiers
    ]
    columns = _tier_columns(tiers, first.cutoffs)
    table = Table(
        name="shares",
        title="Tier shares at full scale",
        columns=(*INDICATOR.columns(), *columns),
        rows=tuple(
            (result.indicator, *(percent(tier.share) for tier in result.tiers))
            for result in results
        ),
    )
    names = tier_names(first.cutoffs)
    bars = [
        {**row, "panel": "all accounts", "tier": names[tiers.index(row["tier"])]}
        for row in rows_of(_SHARE_COLUMNS, rows)
    ]
    shares = "; ".join(
        f"{row[0]}: "
        + ", ".join(
            f"{column.heading} {cell}" for column, cell in zip(columns, row[1:], strict=True)
        )
        for row in table.rows
    )
    return Exhibit(
        name="tier-shares",
        title="Who carried it",
        caption="Share carried by each tier of agents, ranked by followers.",
        alt=f"Stacked bars of tier shares. {shares}.",
        report=data_report("tier_shares", _SHARE_COLUMNS, rows, table, first.provenance),
        chart=marked(
            first.provenance,
            lambda look: charts.shares_chart(bars, names, look),
            involved_note(first.n_involved, first.n_agents, first.tiers)
            if first.panel == "active" and len(results) == 1
            else (),
        ),
    )


def shares_exhibit(result: "ScaleComparison", suffix: str = "") -> Exhibit | None:
    """Show tier shares at full scale and in samples; `suffix` ends the figure's name."""
    # Heat first: it is what makes a topic hot.
    indicators = sorted(
        (scales for scales in result.indicators if not scales.undefined),
        key=lambda scales: scales.indicator != "heat",
    )
    if not indicators:
        return None
    tiers = [tier.tier for tier in indicators[0].full.tiers]
    rows = _shares_rows(result, indicators, tiers)
    names = tier_names(result.cutoffs)
    bars = [
        {**row, "tier": names[tiers.index(row["tier"])],
         "panel": "all accounts" if row["sample"] == "full"
         else f"{row['size']:,} {SAMPLED.get(row['sample'], row['sample'])}"}
        for row in rows_of(_SHARE_COLUMNS, rows)
    ]  # fmt: skip
    table = _shares_table(result, indicators, tiers)
    return Exhibit(
        name=f"tier-shares{suffix}",
        title="Who carried it, and what a sample would have said",
        caption=f"Shares of {_listed([one.indicator for one in indicators])} by tier, "
        + ", ".join(names)
        + ", ranked by followers among all accounts. Samples: means over draws."
        + (" Negative shares lie to the left of 0." if suffix == "-signed" else ""),
        alt=f"Stacked bars of tier shares. {_shares_in_words(indicators, names)}.",
        report=data_report("tier_shares", _SHARE_COLUMNS, rows, table, result.provenance),
        chart=marked(
            result.provenance,
            lambda look: charts.shares_chart(bars, names, look),
            involved_note(result.n_involved, result.n_agents, indicators[0].full.tiers)
            if result.panel == "active" and len(indicators) == 1
            else (),
        ),
    )


def _shares_rows(
    result: "ScaleComparison", indicators: "Sequence[IndicatorScales]", tiers: Sequence[str]
) -> list[tuple[Cell, ...]]:
    """Return the data behind the figure: a row for each tier of each panel and sample."""
    rows: list[tuple[Cell, ...]] = []
    for scales in indicators:
        rows += [
            (scales.indicator, "full", result.n_agents, None, tier, part.share, None)
            for tier, part in zip(tiers, scales.full.tiers, strict=True)
        ]
        for sample in scales.samples:
            rows += _sample_rows(scales.indicator, sample, tiers)
    return rows


def _shares_table(
    result: "ScaleComparison", indicators: "Sequence[IndicatorScales]", tiers: Sequence[str]
) -> Table:
    """Return what people read beside the figure: a row for each panel and sample."""
    rows: list[tuple[Cell, ...]] = []
    for scales in indicators:
        shares = [percent(part.share) for part in scales.full.tiers]
        rows.append((scales.indicator, "all accounts", result.n_agents, *shares, None))
        for sample in scales.samples:
            flip = points(sample.flip_mean, sample.flip_std if has_deviation(sample) else None)
            cells = _sample_cells(sample, tiers)
            rows.append((scales.indicator, sample.protocol, sample.size, *cells, flip))
    undefined = (
        f"{scales.indicator} has no answer on this panel: {scales.undefined}."
        for scales in result.indicators
        if scales.undefined
    )
    return Table(
        name="shares",
        title="Tier shares: all agents against samples",
        columns=(
            *INDICATOR.columns(),
            SHARE["sample"].column(),
            _SIZE.column(),
            *_tier_columns(tiers, result.cutoffs),
            Column("flip", "flip", "figure"),
        ),
        rows=tuple(rows),
        notes=(FLIP_NOTE, "±: standard deviation over samples.", *undefined),
    )


def _shares_in_words(indicators: "Sequence[IndicatorScales]", names: Sequence[str]) -> str:
    return "; ".join(
        f"{scales.indicator}: "
        + ", ".join(
            f"{tier} {percent(part.share)}"
            for tier, part in zip(names, scales.full.tiers, strict=True)
        )
        + "".join(
            f", against {', '.join(percent(part.share_mean) for part in sample.tiers)} in "
            f"{sample_name(sample)}"
            for sample in scales.samples
            if sample.tiers
        )
        for scales in indicators
    )


def sizes_exhibit(result: "ScaleComparison", suffix: str = "") -> Exhibit | None:
    """Show how tier shares change with the size of the sample, up to the full panel."""
    indicators = [scales for scales in result.indicators if not scales.undefined]
    if not indicators:
        return None
    tiers = [tier.tier for tier in indicators[0].full.tiers]
    rows: list[tuple[Cell, ...]] = []
    text_rows: list[tuple[Cell, ...]] = []
    for scales in indicators:
        for sample in scales.samples:
            rows += _sample_rows(scales.indicator, sample, tiers)
            shares = _sample_cells(sample, tiers)
            text_rows.append((scales.indicator, sample.protocol, sample.size, *shares))
    table = Table(
        name="sizes",
        title="Tier shares by sample size",
        columns=(
            *INDICATOR.columns(),
            SHARE["sample"].column(),
            _SIZE.column(),
            *_tier_columns(tiers, result.cutoffs),
        ),
        rows=tuple(text_rows),
        notes=("±: standard deviation over samples.",),
    )
    single = len(result.protocols) == 1
    names = tier_names(result.cutoffs)
    lines = [
        {
            **row,
            "tier": names[tiers.index(row["tier"])],
            "facet": row["indicator"] if single else f"{row['indicator']}, {row['sample']}",
        }
        for row in rows_of(_SHARE_COLUMNS, rows)
    ]
    protocols = ", ".join(result.protocols)
    alt = "; ".join(
        f"{scales.indicator}: the {tiers[-1]} goes from "
        f"{percent(first.tiers[-1].share_mean)} in samples of {first.size:,} to "
        f"{percent(last.tiers[-1].share_mean)} of {last.size:,}"
        for scales in indicators
        if (samples := [sample for sample in scales.samples if sample.tiers])
        for first, last in [(samples[0], samples[-1])]
    )
    whole = "; at the right end, the full panel" if max(result.sizes) == result.n_agents else ""
    sizes = f"{result.sizes[0]:,} to {result.sizes[-1]:,} accounts"
    return Exhibit(
        name=f"share-by-size{suffix}",
        title="The answer depends on how many accounts you ask",
        caption=f"Shares of {_listed([one.indicator for one in indicators])} by tier, in "
        f"{protocols} samples of {sizes} (logarithmic axis){whole}. Bands: one standard deviation "
        "over draws.",
        alt=f"Lines of tier shares against sample size. {alt}.",
        report=data_report("share_by_size", _SHARE_COLUMNS, rows, table, result.provenance),
        chart=marked(result.provenance, lambda look: charts.sizes_chart(lines, names, look)),
    )


_DIFFERENCE = "full - sample, and its standard deviation over samples."

TOPIC_FLIP: Fields[Any] = Fields(
    Field("title", "What the figure is of; in `flips` the topic.", heading="topic"),
    INDICATOR["indicator"],
    Field("protocol", "How the sample is drawn."),
    _SIZE,
    Field(
        "full", "Share of all tiers but the top, among all agents.", "share", heading="all agents"
    ),
    Field("sample", kind="share"),
    Field("flip", _DIFFERENCE, "share"),
    Field("flip_std", _DIFFERENCE, "share", heading="standard deviation"),
)
_FLIP_COLUMNS = TOPIC_FLIP.columns()


def flips_exhibit(comparisons: "Sequence[ScaleComparison]") -> Exhibit | None:
    """Show for several topics what all tiers but the top carry, and what a sample says."""
    first = comparisons[0]
    rows: list[tuple[Cell, ...]] = []
    origins = []
    text_rows: list[tuple[Cell, ...]] = []
    for comparison in comparisons:
        name = topic_title(comparison.provenance)
        cells: list[str | None] = []
        for scales in comparison.indicators:
            sample = next((s for s in scales.samples if s.tiers), None)
            if sample is None or sample.flip_mean is None:
                cells.append(None)
                continue
            several = has_deviation(sample)
            rows.append((
                name, scales.indicator, sample.protocol, sample.size,
                sum(part.share for part in scales.full.tiers[1:]),
                sum(part.share_mean for part in sample.tiers[1:]),
                sample.flip_mean, sample.flip_std if several else None,
            ))  # fmt: skip
            origins.append(comparison.provenance)
            cells.append(points(sample.flip_mean, sample.flip_std if several else None))
        text_rows.append((name, *cells))
    if not rows:
        return None
    positive = sum(row[6] > 0 for row in rows if isinstance(row[6], float))
    kinds = dict.fromkeys(f"{row[2]} samples of {row[3]:,}" for row in rows)
    sentence = (
        f"In {positive} of {plural(len(rows), 'comparison')}, the sample understates what all "
        "accounts but the most followed carry."
    )
    table = Table(
        name="flips",
        title="Flips by topic and indicator, in percentage points",
        columns=(
            Column("topic", "topic"),
            *(Column(s.indicator, s.indicator, "figure") for s in first.indicators),
        ),
        rows=tuple(text_rows),
        notes=(f"{sentence} {FLIP_NOTE.capitalize()}",),
    )
    pairs = [{**row, "topic": row["title"]} for row in rows_of(_FLIP_COLUMNS, rows)]
    return Exhibit(
        name="flips",
        title="All topics at a glance",
        caption="Share carried by all tiers but the top: among all agents (filled) and in "
        f"{', '.join(kinds)} (open).",
        alt=f"Pairs of points by topic and indicator. {sentence}",
        report=data_report("flips", _FLIP_COLUMNS, rows, table, first.provenance, origins=origins),
        chart=marked(first.provenance, lambda look: study_charts.flips_chart(pairs, look)),
    )
