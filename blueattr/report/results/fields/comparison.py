"""The fields of a scale comparison, its JSON form and its tidy table."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from math import isfinite
from operator import attrgetter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from blueattr.report.fields import Field, Fields, tidy_table
from blueattr.report.parts.remarks import remarks_json
from blueattr.report.parts.shared_fields import (
    ACTIVE_OBJECT,
    AGGREGATOR,
    AGGREGATOR_OBJECT,
    CUTOFFS,
    INDICATOR,
    INVOLVED,
    MEANS_OBJECT,
    METHOD,
    SIZE,
    TIER,
    TOTALS,
    UNDEFINED,
    tiers_json,
)
from blueattr.report.provenance import ORIGIN, origin_json
from blueattr.report.tables import Json, Table

if TYPE_CHECKING:
    from blueattr.studies.rescaling import Misfit, Rescaling
    from blueattr.studies.samples.corrected import CorrectedSamples, CorrectedTier
    from blueattr.studies.samples.samples import SampleRun, SampleSummary, TierSpread
    from blueattr.studies.scales import IndicatorScales, ScaleComparison

__all__ = [
    "CORRECTED",
    "CORRECTED_OBJECT",
    "CORRECTED_TIER",
    "DRAWN",
    "FLIP",
    "FLIP_NOTE",
    "PARTS",
    "RESCALING",
    "RESIDUALS",
    "RUN",
    "RUN_OBJECT",
    "SAMPLE",
    "SAMPLE_OBJECT",
    "SEED",
    "SPREAD",
    "TIER_RESIDUAL",
    "WORST",
    "comparison_content",
    "comparison_table",
]


_PROTOCOL = (
    "How samples are drawn: `visibility` with weight followers + 1, `active` with weight activity, "
    "`random` uniformly, `top` the most followed."
)
_SIZE = "N: agents of a sample."
SAMPLE: Fields[Any] = Fields(
    Field("protocol", _PROTOCOL, heading="sample"),
    Field("size", _SIZE, "int", "agents", heading="agents"),
)
SPREAD: "Fields[TierSpread]" = Fields(
    TIER["tier"],
    Field("share_mean", "Mean of the tier's share over samples.", "share"),
    Field(
        "share_std",
        "Their standard deviation, with one less than the number of samples as divisor; 0 for one "
        "sample.",
        "share",
        heading="±",
    ),
)
FLIP: Fields[Any] = Fields(
    Field(
        "flip_mean",
        "Mean over samples of the *flip*: the share of all tiers but the top at full scale, less "
        "the same in the sample. Positive: the sample understates them.",
        "share",
        "share; points on a terminal",
        heading="flip",
    ),
    Field(
        "flip_std",
        "Standard deviation of the flip over samples.",
        "share",
        heading="±",
    ),
)
FLIP_NOTE = (
    "flip: share of all tiers but the top, full panel less sample, in percentage points; "
    "positive: the sample understates it."
)
"""What a note below a table of flips says."""

DRAWN: "Fields[SampleSummary]" = Fields(
    Field("seeds", "Samples of each kind.", "int", "samples"),
    Field(
        "undefined_seeds",
        "Samples on which the indicator is 0, so that they have no shares; left out of all means.",
        "int",
        "samples",
    ),
    Field(
        "deterministic",
        "Whether nothing is random (`top`); there is one sample then.",
        "bool",
    ),
)
RESCALING: "Fields[Rescaling]" = Fields(
    Field(
        "lambda",
        "λ* = ⟨φ^S, φ⟩ / ⟨φ, φ⟩, the least-squares factor.",
        "float",
        heading="λ",
        get=lambda test: test.scale_factor,
    ),
    Field(
        "relative_residual",
        "‖φ^S - λ*φ‖ / ‖φ^S‖: the least relative error that any factor leaves.",
        "float",
        "relative",
        heading="residual",
    ),
    Field("cosine", "⟨φ^S, φ⟩ / (‖φ^S‖ ‖φ‖).", "float", "-1 to 1"),
    Field(
        "kendall_tau",
        "Kendall's τ-b of φ^S and φ; values within 1e-12 of each other are ties; none where one of "
        "them is constant.",
        "float",
        "-1 to 1",
        heading="Kendall",
    ),
    Field(
        "spearman_rho",
        "Spearman's correlation of the two, likewise.",
        "float",
        "-1 to 1",
        heading="Spearman",
    ),
    Field(
        "ratio_spread",
        "max φ^S_i/φ_i divided by the min: 1 exactly when a factor exists. None where it is "
        "infinite.",
        "float",
        "at least 1",
        heading="spread",
        get=lambda test: test.ratio_spread if isfinite(test.ratio_spread) else None,
    ),
    Field(
        "ratio_spread_infinite",
        "Whether it is: ratios have both signs, or one of the two is 0 and not the other.",
        "bool",
        get=lambda test: not isfinite(test.ratio_spread),
    ),
)
RESIDUALS: "Fields[Rescaling]" = Fields(
    Field(
        "factor_exists",
        "Whether `ratio_spread` is 1 within 1e-9.",
        "bool",
        get=lambda test: test.exact,
    ),
    Field(
        "tier_residuals",
        "Each tier's part of ‖φ^S - λ*φ‖²; they sum to 1. In CSV `tier_residual`, in the tier's "
        "row.",
        unit="share",
    ),
    Field("worst", "The agent that λ* misses by most, relatively."),
)
TIER_RESIDUAL: Fields[float] = Fields(
    Field(
        "tier_residual",
        "The tier's part of ‖φ^S - λ*φ‖², in CSV and Parquet.",
        "share",
        get=lambda residual: residual,
    ),
)
WORST: "Fields[Misfit]" = Fields(
    Field(
        "did",
        "Who it is; [none or a pseudonym](ethics.md#reports-that-name-nobody) where asked for.",
    ),
    Field("tier", "Of which tier it is."),
    Field(
        "relative_misfit",
        r"\|φ^S_i - λ*φ_i\| / max(\|φ^S_i\|, \|λ*φ_i\|).",
        "float",
        "0 to 2",
        get=lambda misfit: misfit.relative,
    ),
    inside="worst",
)
SAMPLE_OBJECT: "Fields[SampleSummary]" = Fields(
    *SAMPLE,
    *DRAWN,
    Field("tiers"),
    *FLIP,
    Field(
        "rescaling",
        "The test whether a factor turns φ on the sampled agents into φ^S. Of several samples: "
        "means, but the largest `ratio_spread`.",
    ),
    Field(
        "unavailable",
        "Why no sample could be drawn, as for too few active agents; none where one could.",
        get=lambda sample: sample.unavailable or None,
    ),
    Field(
        "corrected",
        "With `--correct`: what the samples say of the full panel, put right by how likely each "
        "agent was to be drawn. None without it, and where that cannot be done.",
    ),
    Field("why", "Why it cannot be done; else none.", get=lambda sample: sample.why or None),
    Field("runs", "Each sample by itself."),
)
_INTERVALS: Field[Any] = Field("intervals", "How many samples have an interval.", "int", "samples")
CORRECTED_TIER: "Fields[CorrectedTier]" = Fields(
    TIER["tier"],
    Field(
        "share_mean",
        "Mean of the tier's share of the full panel, as estimated from each sample.",
        "share",
        heading="corrected",
    ),
    Field("share_std", "Standard deviation of the estimates.", "share", heading="±"),
    Field(
        "low", "Mean of the lower ends of their 95 % intervals; none where there is none.", "share"
    ),
    Field("high", "Mean of the upper ends.", "share"),
    Field(
        "n_e",
        "How many agents an estimate effectively rests on: (Σu\\|e\\|)² / Σu²e², with u the "
        "inverse of the inclusion probability and e the influence of an agent. Below 30 there is "
        "no interval; below 100 it is rough.",
        "float",
        "agents",
        heading="n_e",
    ),
    _INTERVALS,
    Field(
        "coverage",
        "In how many of these the interval holds the share at full scale.",
        "int",
        "samples",
        heading="held",
    ),
    inside="corrected.tiers",
)
CORRECTED_OBJECT: "Fields[CorrectedSamples]" = Fields(
    Field("tiers"),
    Field(
        "flip_mean",
        "The share of all tiers but the top at full scale, less the mean of its estimates.",
        "share",
    ),
    Field("n_eff", "Mean effective size of a sample, (Σu)² / Σu².", "float", "agents"),
    Field(
        "tiers_known",
        "Whether it is known of each sampled agent in which tier of the full panel it is.",
        "bool",
    ),
    Field("seeds", "How many samples have an estimate.", "int", "samples"),
    Field("intervals", "How many samples have an interval of every tier.", "int", "samples"),
    Field(
        "coverage",
        "In how many of these all intervals hold the shares at full scale.",
        "int",
        "samples",
    ),
    inside="corrected",
)
_CORRECTED = "With `--correct`: `corrected.tiers[].{}`, in CSV and Parquet."
CORRECTED: "Fields[CorrectedTier]" = Fields(
    *(
        Field(
            f"corrected_{name}",
            _CORRECTED.format(name),
            CORRECTED_TIER[name].kind,
            CORRECTED_TIER[name].unit,
            get=attrgetter(name),
        )
        for name in ("share_mean", "share_std", "low", "high", "n_e", "coverage")
    ),
)
RUN: "Fields[SampleRun]" = Fields(
    Field("seed", "Which repeat it is, from 0; none where nothing is random.", "int"),
    Field("n_agents", "N.", "int", "agents"),
    Field("total", "The indicator on the sample.", "float", "the indicator's"),
    Field("shares", "Share of each tier in the sample, from the top down.", unit="share"),
    inside="runs",
)
RUN_OBJECT: "Fields[SampleRun]" = Fields(
    *RUN,
    Field(
        "flip",
        "The flip of one sample; on a terminal `flip_mean ± flip_std`.",
        "share",
    ),
    Field("rescaling"),
    *UNDEFINED,
)
SEED: Fields[Any] = Fields(Field("seed", "The base seed.", "int"))
PARTS: "Fields[ScaleComparison]" = Fields(
    Field("full", "The attribution of all agents; in CSV rows of protocol `full`."),
    Field("protocols", _PROTOCOL),
    Field("sizes", _SIZE, unit="agents"),
    Field("sizes_note", "Which of the default sizes the panel is too small for; else empty."),
    Field("samples", "One object for each protocol and size."),
)


def comparison_content(result: "ScaleComparison") -> dict[str, Json]:
    """Return the complete JSON form of a comparison."""
    return {
        **SIZE.json(result),
        "protocols": list(result.protocols),
        "sizes": list(result.sizes),
        "sizes_note": result.sizes_note,
        "seeds": result.seeds,
        **SEED.json(result),
        **METHOD.json(result),
        **AGGREGATOR_OBJECT.json(result),
        **CUTOFFS.json(result),
        **MEANS_OBJECT.json(result),
        "indicators": [_scales_json(scales) for scales in result.indicators],
        **origin_json(result.provenance),
    }


def _scales_json(scales: "IndicatorScales") -> dict[str, Json]:
    tiers = [tier.tier for tier in scales.full.tiers]
    return {
        **INDICATOR.json(scales),
        "full": {
            **TOTALS.json(scales.full),
            "tiers": tiers_json(scales.full.tiers),
            **ACTIVE_OBJECT.json(scales.full),
        },
        **UNDEFINED.json(scales),
        **METHOD.json(scales),
        **remarks_json(scales.remarks),
        "samples": [
            SAMPLE_OBJECT.json(
                sample,
                tiers=[SPREAD.json(tier) for tier in sample.tiers],
                rescaling=_rescaling_json(sample.rescaling, tiers),
                corrected=_corrected_json(sample.corrected),
                runs=[
                    RUN_OBJECT.json(run, rescaling=_rescaling_json(run.rescaling, tiers))
                    for run in sample.runs
                ],
            )
            for sample in scales.samples
        ],
    }


def _corrected_json(corrected: "CorrectedSamples | None") -> dict[str, Json] | None:
    if corrected is None:
        return None
    tiers = [CORRECTED_TIER.json(tier) for tier in corrected.tiers]
    return CORRECTED_OBJECT.json(corrected, tiers=tiers)


def _rescaling_json(test: "Rescaling | None", tiers: Sequence[str]) -> dict[str, Json] | None:
    if test is None:
        return None
    worst = test.worst
    return {
        **RESCALING.json(test),
        **RESIDUALS.json(
            test,
            tier_residuals=dict(zip(tiers, test.tier_residuals, strict=False)),
            worst=None if worst is None else WORST.json(worst, tier=tiers[worst.tier]),
        ),
    }


_TIDY = (
    ("scales", INDICATOR),
    ("sample", SAMPLE),
    ("tier", Fields(TIER["tier"])),
    ("full", Fields(TOTALS["total"])),
    ("full tier", INVOLVED),
    ("spread", Fields(SPREAD["share_mean"], SPREAD["share_std"])),
    ("corrected", CORRECTED),
    ("drawn", FLIP),
    ("drawn", DRAWN),
    ("rescaling", RESCALING),
    ("residual", TIER_RESIDUAL),
    ("result", SIZE),
    ("result", SEED),
    ("result", CUTOFFS),
    ("result", AGGREGATOR),
    ("scales", METHOD),
    ("origin", ORIGIN),
)


def comparison_table(results: "Sequence[ScaleComparison]") -> Table:
    """Return the tidy table: one row per comparison, indicator, protocol, size and tier.

    The full panel has the protocol ``full``; an indicator that is 0 on it has no rows.
    """
    return tidy_table("scales", _TIDY, (row for result in results for row in _rows(result)))


def _rows(result: "ScaleComparison") -> Iterator[dict[str, object]]:
    for scales in result.indicators:
        common = {"scales": scales, "result": result, "origin": result.provenance}
        full = SimpleNamespace(protocol="full", size=result.n_agents)
        for tier in scales.full.tiers:
            yield {
                **common,
                "sample": full,
                "tier": tier,
                "full": scales.full,
                "full tier": tier,
                "spread": SimpleNamespace(share_mean=tier.share, share_std=None),
                **dict.fromkeys(("corrected", "drawn", "rescaling", "residual")),
            }
        for sample in scales.samples:
            spreads = {tier.tier: tier for tier in sample.tiers}
            corrected = sample.corrected.tiers if sample.corrected else ()
            residuals = sample.rescaling.tier_residuals if sample.rescaling else ()
            for tier, residual, put_right in zip_longest(scales.full.tiers, residuals, corrected):
                yield {
                    **common,
                    "sample": sample,
                    "tier": tier,
                    "full": None,
                    "full tier": None,
                    "spread": spreads.get(tier.tier),
                    "corrected": put_right,
                    "drawn": sample,
                    "rescaling": sample.rescaling,
                    "residual": residual,
                }
