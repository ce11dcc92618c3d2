"""The scale comparison: attributions of the full panel and of small samples of it."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from blueattr.attribution.equals import with_ranking
from blueattr.attribution.sampling import Protocol, Sampler, check_protocol, fit_sizes
from blueattr.attribution.tiered import PanelChoice, TieredPanel
from blueattr.attribution.tiers import DEFAULT_CUTOFFS
from blueattr.attribution.value import (
    Method,
    Remarks,
    check_method,
)
from blueattr.display import Presented
from blueattr.errors import NobodyInvolvedError, SampleSizeError, UsageError
from blueattr.indicators.base import Aggregator, Indicator
from blueattr.indicators.builtin import INDICATORS
from blueattr.indicators.custom import OwnIndicator
from blueattr.indicators.find import find_indicator
from blueattr.kernels.games import in_order
from blueattr.provenance import Provenance
from blueattr.studies.distinct import check_distinct
from blueattr.studies.samples.corrected import obstacle
from blueattr.studies.samples.correction import Estimate
from blueattr.studies.samples.samples import (
    AtFullScale,
    FullScale,
    Sample,
    SampledPanel,
    SampleRun,
    SampleSummary,
    draw_repeat,
    repeats,
    summarise,
)

__all__ = ["IndicatorScales", "ScaleComparison", "compare_scales"]


_MANY = 1 << 17
"""With fewer agents, samples are attributed one after the other: more threads are no help."""


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


@dataclass(frozen=True, repr=False)
class ScaleComparison(Presented):
    """Indicators at full scale and in samples, with what is needed to redo the comparison.

    Parameters
    ----------
    indicators
        In the order of the question; within each, by protocol, then by size.
    n_agents, n_involved, panel
        As in `blueattr.attribution.attribute.AttributionResult`.
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
    sizes_note
        Which of the default sizes were left out, and why; else empty.
    """

    indicators: tuple[IndicatorScales, ...]
    n_agents: int
    n_involved: int
    panel: PanelChoice
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
    sizes_note: str = ""


def _check_size(sampler: Sampler, protocol: Protocol, size: int, *, keep: bool) -> str:
    """Check that there are enough agents; with `keep`, return the reason if there are not."""
    try:
        sampler.check_size(protocol, size)
    except SampleSizeError:
        if not keep or size > sampler.order.size:
            raise
        return f"only {sampler.available(protocol):,} agents were active"
    return ""


def _runs_of_samples(
    sampled: SampledPanel,
    answered: Sequence[AtFullScale],
    draw: Callable[[int], dict[int, Sample]],
    numbers: Sequence[int],
    estimate: Callable[..., Estimate | None] | None,
    *,
    protocol: Protocol,
    rescaling: bool,
) -> dict[tuple[str, int], list[SampleRun]]:
    """Attribute indicators on the samples of one protocol; by indicator and size.

    `draw` returns those of a repeat, one of `numbers`; `estimate` puts a sample right, where that
    is asked for and possible.
    """
    n = len(sampled.panel.dids)

    def runs_of(number: int) -> Iterator[tuple[tuple[str, int], SampleRun]]:
        for size, sample in draw(number).items():
            whole = size == n and not rescaling
            features = None if whole else sampled.panel.features.take(sample.index)
            for one in answered:
                run = sampled.run(
                    one, sample.index, None if protocol == "top" else number,
                    rescaling=rescaling, features=features,
                )  # fmt: skip
                if estimate is not None:
                    run = replace(run, estimate=estimate(one, sample=sample))
                yield (one.indicator.name, size), run

    # A user's code need not be fit for several threads at a time.
    ours = all(INDICATORS.get(one.indicator.name) is one.indicator for one in answered)
    every = in_order if ours and n >= _MANY else map
    runs: dict[tuple[str, int], list[SampleRun]] = {}
    for of_repeat in every(lambda number: list(runs_of(number)), numbers):
        for key, run in of_repeat:
            runs.setdefault(key, []).append(run)
    return runs


def compare_scales(
    frame: object,
    indicators: Sequence[str | Indicator | OwnIndicator] = ("heat",),
    *,
    protocols: Sequence[str] = ("visibility",),
    sizes: Sequence[int] | None = None,
    seeds: int = 10,
    seed: int = 0,
    method: str = "auto",
    steps: int | None = None,
    aggregator: Aggregator | None = None,
    cutoffs: Sequence[float] = DEFAULT_CUTOFFS,
    panel: str = "active",
    provenance: Provenance | None = None,
    keep_undefined: bool = False,
    no_answer: str = "",
    rescaling: bool = True,
    correct: bool = False,
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
        Numbers of agents N; None for 100 and 1,000 as far as the panel is larger, or half of it.
    seeds
        How many samples of each kind; ``top`` is deterministic and is drawn once.
    seed
        The base seed.
    method, steps, aggregator, cutoffs, panel, provenance
        As for `blueattr.attribution.attribute.attribute`.
    keep_undefined
        Report an indicator that is 0 on the full panel, and a size for which too few agents were
        active, as undefined instead of raising.
    no_answer
        With `keep_undefined`: why no indicator has an answer on this panel, such as that no post
        matched; else empty.
    rescaling
        Test whether a factor rescales each sample; for large samples this takes most of the time.
    correct
        Also put samples right: estimate from each what the shares of the full panel are, by the
        probability with which each of its agents was drawn.

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
    docs/methods.md, "Samples", "The rescaling test" and "Samples put right".
    """
    chosen = [find_indicator(i) for i in indicators]
    check_distinct("comparison", "indicator", [i.name for i in chosen])
    check_distinct("comparison", "protocol", protocols)
    if sizes is not None:
        check_distinct("comparison", "sample size", sizes)
    checked_protocols = tuple(check_protocol(name) for name in protocols)
    if seeds < 1:
        raise UsageError(f"a comparison needs at least one seed, not {seeds}")
    for indicator in chosen:
        check_method(indicator, method, steps)
    aggregator = aggregator or Aggregator()

    try:
        tiered = TieredPanel.of(frame, cutoffs, panel)
    except NobodyInvolvedError as error:
        if not keep_undefined:
            raise
        tiered, no_answer = TieredPanel.of(frame, cutoffs), str(error)
    agents = tiered.panel
    sampler = Sampler.of(agents)
    keep_small = keep_undefined or sizes is None
    sizes, sizes_note = fit_sizes(len(agents.dids), sizes)
    unavailable = {
        (protocol, size): _check_size(sampler, protocol, size, keep=keep_small)
        for protocol in checked_protocols
        for size in sizes
    }
    sampled = SampledPanel(tiered, aggregator)
    full = [
        sampled.full(indicator, method, steps, keep_undefined=keep_undefined, no_answer=no_answer)
        for indicator in chosen
    ]

    answered = [answer for answer in full if not answer.undefined]
    summaries: dict[str, list[SampleSummary]] = {i.name: [] for i in chosen}
    for protocol in checked_protocols:
        why = obstacle(sampler, protocol) if correct else ""
        possible = [size for size in sizes if not unavailable[protocol, size]]
        draw = partial(
            draw_repeat, sampler, protocol, possible, seed, in_order=rescaling or correct
        )
        put_right = partial(sampled.correct, sampler=sampler, protocol=protocol)
        runs = _runs_of_samples(
            sampled, answered, draw, repeats(protocol, possible, seeds),
            put_right if correct and not why else None, protocol=protocol, rescaling=rescaling,
        )  # fmt: skip
        for one in answered:
            name = one.indicator.name
            summaries[name].extend(
                summarise(protocol, size, runs.get((name, size), []), one.scale,
                          unavailable=unavailable[protocol, size], why=why)
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
        n_agents=len(agents.dids),
        n_involved=int(np.count_nonzero(agents.features.involved())),
        panel=tiered.choice,
        protocols=checked_protocols,
        sizes=sizes,
        sizes_note=sizes_note,
        seeds=seeds,
        seed=seed,
        aggregator=aggregator,
        cutoffs=tiered.cutoffs,
        method=full[0].method,
        steps=full[0].steps,
        means=agents.means,
        moment=math.prod(agents.means),
        provenance=with_ranking(
            provenance or Provenance(source="in memory"),
            tiered,
            sizes if "visibility" in checked_protocols else (),
        ),
    )
