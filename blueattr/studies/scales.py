"""The scale comparison: attributions of the full panel and of small samples of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from blueattr.attribution.inputs import Panel
from blueattr.attribution.sampling import Protocol, Sampler, check_protocol
from blueattr.attribution.tiers import DEFAULT_CUTOFFS, assign_tiers, check_cutoffs, tier_names
from blueattr.attribution.value import (
    Method,
    Remarks,
    check_method,
)
from blueattr.display import Presented
from blueattr.errors import SampleSizeError, UsageError
from blueattr.indicators.base import Aggregator, Indicator
from blueattr.indicators.custom import OwnIndicator
from blueattr.indicators.find import find_indicator
from blueattr.provenance import Provenance
from blueattr.studies.distinct import check_distinct
from blueattr.studies.samples import (
    FullScale,
    SampleRun,
    SampleSummary,
    TieredPanel,
    draw_samples,
    summarise,
)

__all__ = ["IndicatorScales", "ScaleComparison", "compare_scales"]


@dataclass(frozen=True, slots=True)
class IndicatorScales:
    """One indicator on the full panel and on every kind of sample.

    Parameters
    ----------
    indicator
        Its name.
    full
        The full panel's answer.
    samples
        By protocol and size; empty if the full panel has no answer.
    method, steps, remarks
        As in `blueattr.attribution.attribute.AttributionResult`.
    undefined
        Why the full panel has no answer, else empty.
    """

    indicator: str
    full: FullScale
    samples: tuple[SampleSummary, ...]
    method: Method = "closed form"
    steps: int | None = None
    remarks: Remarks = field(default_factory=Remarks)
    undefined: str = ""


@dataclass(frozen=True)
class ScaleComparison(Presented):
    """Indicators at full scale and in samples, with what is needed to redo the comparison.

    Parameters
    ----------
    indicators
        In the order of the question; within each, by protocol, then by size.
    n_agents
        n.
    protocols, sizes, seeds, seed
        Of the samples: ``seeds`` of each kind, from the base ``seed``.
    aggregator, cutoffs
        As in `blueattr.attribution.attribute.AttributionResult`.
    method, steps
        Those of the first indicator; each has its own.
    means, moment
        m_a, m_b, m_c and M of the full panel.
    provenance
        Where the features came from.
    """

    indicators: tuple[IndicatorScales, ...]
    n_agents: int
    protocols: tuple[Protocol, ...]
    sizes: tuple[int, ...]
    seeds: int
    seed: int
    aggregator: Aggregator
    cutoffs: tuple[float, ...]
    method: Method
    steps: int | None
    means: tuple[float, float, float]
    moment: float
    provenance: Provenance


def _check_size(sampler: Sampler, protocol: Protocol, size: int, *, keep: bool) -> str:
    """Check that there are enough agents; with `keep`, return the reason if there are not."""
    try:
        sampler.check_size(protocol, size)
    except SampleSizeError:
        if not keep or size > sampler.order.size:
            raise
        return f"only {sampler.available(protocol):,} agents were active"
    return ""


def compare_scales(
    frame: object,
    indicators: Sequence[str | Indicator | OwnIndicator] = ("heat",),
    *,
    protocols: Sequence[str] = ("visibility",),
    sizes: Sequence[int] = (100, 1000),
    seeds: int = 10,
    seed: int = 0,
    method: str = "auto",
    steps: int | None = None,
    aggregator: Aggregator | None = None,
    cutoffs: Sequence[float] = DEFAULT_CUTOFFS,
    provenance: Provenance | None = None,
    keep_undefined: bool = False,
    rescaling: bool = True,
) -> ScaleComparison:
    """Attribute indicators on the full panel and on small samples of it.

    A sample is a panel of its own, n = N. Its agents keep the tier that they have in the full
    panel.

    Parameters
    ----------
    frame
        The features: see `blueattr.attribution.inputs.check_features`.
    indicators
        Names, or indicators.
    protocols
        ``visibility``, ``top``, ``active``, ``random``.
    sizes
        Numbers of agents N.
    seeds
        How many samples of each kind; ``top`` is deterministic and is drawn once.
    seed
        The base seed.
    method, steps, aggregator, cutoffs, provenance
        As for `blueattr.attribution.attribute.attribute`.
    keep_undefined
        Report an indicator that is 0 on the full panel, and a size for which too few agents were
        active, as undefined instead of raising.
    rescaling
        Test whether a factor rescales each sample; for large samples this takes most of the time.

    Returns
    -------
    ScaleComparison

    Raises
    ------
    UsageError
        For bad arguments.
    FeatureError, EmptyPanelError
        As `blueattr.attribution.inputs.check_features`.
    SampleSizeError
        When a sample is larger than the panel, or larger than its protocol can draw.
    ZeroTotalError
        When an indicator is 0 on the full panel and `keep_undefined` is false. A sample on which
        it is 0 counts as undefined.

    Notes
    -----
    docs/methods.md, "Samples" and "The rescaling test".
    """
    chosen = [find_indicator(i) for i in indicators]
    check_distinct("comparison", "indicator", [i.name for i in chosen])
    check_distinct("comparison", "protocol", protocols)
    check_distinct("comparison", "sample size", sizes)
    checked_protocols = tuple(check_protocol(name) for name in protocols)
    if seeds < 1:
        raise UsageError(f"a comparison needs at least one seed, not {seeds}")
    for indicator in chosen:
        check_method(indicator, method, steps)
    cutoffs = check_cutoffs(cutoffs)
    names = tier_names(cutoffs)
    aggregator = aggregator or Aggregator()

    panel = Panel.of(frame)
    sampler = Sampler(panel.followers, panel.activity, panel.order)
    unavailable = {
        (protocol, size): _check_size(sampler, protocol, size, keep=keep_undefined)
        for protocol in checked_protocols
        for size in sizes
    }
    tiered_panel = TieredPanel(panel, assign_tiers(panel.order, cutoffs), names, aggregator)
    full = [
        tiered_panel.full(indicator, method, steps, keep_undefined=keep_undefined)
        for indicator in chosen
    ]

    summaries: dict[str, list[SampleSummary]] = {i.name: [] for i in chosen}
    for protocol in checked_protocols:
        runs: dict[tuple[str, int], list[SampleRun]] = {}
        possible = [size for size in sizes if not unavailable[protocol, size]]
        for repeat, samples in draw_samples(sampler, protocol, possible, seeds, seed):
            for size, index in samples.items():
                for one in (answer for answer in full if not answer.undefined):
                    run = tiered_panel.run(one, index, repeat, rescaling=rescaling)
                    runs.setdefault((one.indicator.name, size), []).append(run)
        for one in (answer for answer in full if not answer.undefined):
            name = one.indicator.name
            summaries[name].extend(
                summarise(protocol, size, runs.get((name, size), []), names,
                          unavailable[protocol, size])
                for size in sizes
            )  # fmt: skip

    return ScaleComparison(
        indicators=tuple(
            IndicatorScales(
                one.indicator.name,
                one.scale,
                tuple(summaries[one.indicator.name]),
                one.method,
                one.steps,
                one.remarks,
                one.undefined,
            )
            for one in full
        ),
        n_agents=len(panel.dids),
        protocols=checked_protocols,
        sizes=tuple(sizes),
        seeds=seeds,
        seed=seed,
        aggregator=aggregator,
        cutoffs=cutoffs,
        method=full[0].method,
        steps=full[0].steps,
        means=panel.means,
        moment=math.prod(panel.means),
        provenance=provenance or Provenance(source="in memory"),
    )
