"""The scale comparison: the same question on the full panel and on small samples of it."""

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from blueattr.attribution.inputs import Panel
from blueattr.attribution.sampling import Protocol, Sampler, check_protocol
from blueattr.attribution.tiers import DEFAULT_CUTOFFS, assign_tiers, check_cutoffs, tier_names
from blueattr.attribution.value import (
    Method,
    Remarks,
    TierShare,
    check_method,
    remark,
    share_out,
    solve,
    solve_with_means,
)
from blueattr.display import Presented
from blueattr.errors import SampleSizeError, UsageError, ZeroTotalError
from blueattr.indicators.base import Aggregator, Indicator
from blueattr.indicators.custom import OwnIndicator
from blueattr.indicators.find import find_indicator
from blueattr.kernels import FloatArray, IndexArray
from blueattr.provenance import Provenance
from blueattr.studies.rescaling import Rescaling, mean_rescaling, rescaling_test

__all__ = [
    "AtFullScale",
    "Comparison",
    "FullScale",
    "IndicatorScales",
    "SampleRun",
    "SampleSummary",
    "ScaleComparison",
    "TierSpread",
    "compare_scales",
    "draws",
    "summarise",
]


@dataclass(frozen=True, slots=True)
class SampleRun:
    """One sample.

    Parameters
    ----------
    seed
        Which repeat of the base seed drew it, from 0; None where nothing is random.
    n_agents
        N.
    total
        The indicator on the sample as a panel of its own.
    shares
        Of each tier of the full panel; None where the sample has no answer.
    flip
        The share of all tiers but the top at full scale, less the same in the sample; None where
        the sample has no answer.
    rescaling
        None where the sample has no answer, the full panel gives its agents nothing, or no test
        was asked for.
    undefined
        Why the sample has no answer, else empty.
    """

    seed: int | None
    n_agents: int
    total: float
    shares: tuple[float, ...] | None
    flip: float | None
    rescaling: Rescaling | None
    undefined: str


@dataclass(frozen=True, slots=True)
class TierSpread:
    """A tier's share over the samples that have an answer."""

    tier: str
    share_mean: float
    share_std: float


@dataclass(frozen=True, slots=True)
class SampleSummary:
    """All samples of one protocol and size.

    Means and standard deviations (divisor: samples less one; 0 for a single sample) are over the
    samples that have an answer.

    Parameters
    ----------
    protocol, size
        How the samples were drawn, and N.
    seeds
        How many samples.
    undefined_seeds
        How many of them have no answer.
    deterministic
        Whether nothing is random; then there is one sample.
    tiers
        From the top to the tail; empty where no sample has an answer.
    flip_mean, flip_std
        None where no sample has an answer.
    rescaling
        Means, but for the ratio spread, which is the largest; None where no sample has one.
    runs
        The samples themselves.
    unavailable
        Why there are none, else empty.
    """

    protocol: Protocol
    size: int
    seeds: int
    undefined_seeds: int
    deterministic: bool
    tiers: tuple[TierSpread, ...]
    flip_mean: float | None
    flip_std: float | None
    rescaling: Rescaling | None
    runs: tuple[SampleRun, ...]
    unavailable: str = ""


@dataclass(frozen=True, slots=True)
class FullScale:
    """An attribution on the full panel: v(N), Σφ and the tiers, which are none where it is 0."""

    total: float
    attributed: float
    tiers: tuple[TierShare, ...]


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
        By protocol and size; none where the full panel has no answer.
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
        In the order asked for; within each, protocols and then sizes in the order asked for.
    n_agents
        n.
    protocols, sizes, seeds, seed
        What was drawn: ``seeds`` samples from the base ``seed``.
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


# --- samples -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AtFullScale:
    """An indicator's attribution on the full panel, to hold samples against."""

    indicator: Indicator
    method: Method
    steps: int | None
    values: FloatArray
    scale: FullScale
    remarks: Remarks
    undefined: str = ""


@dataclass(frozen=True)
class Comparison:
    """What is computed once per panel, and what is done with it per indicator and sample."""

    panel: Panel
    tiers: npt.NDArray[np.uint8]
    names: tuple[str, ...]
    aggregator: Aggregator

    def full(
        self, indicator: Indicator, method: str, steps: int | None, *, keep_undefined: bool = False
    ) -> AtFullScale:
        """Attribute on the full panel.

        Raises
        ------
        ZeroTotalError
            When the indicator is 0, unless that is to be kept as an answer.
        """
        checked, steps = check_method(indicator, method, steps)
        features = self.panel.features
        solution, moments = solve_with_means(indicator, features, self.aggregator, steps)
        remarks = remark(indicator, solution.total, moments, steps)
        try:
            attributed, shares = share_out(
                indicator, solution, self.panel.means, self.tiers, self.names
            )
        except ZeroTotalError:
            if not keep_undefined:
                raise
            scale, why = FullScale(0.0, 0.0, ()), indicator.zero_reason(self.panel.means)
            return AtFullScale(indicator, checked, steps, solution.values, scale, remarks, why)
        scale = FullScale(solution.total, attributed, shares)
        return AtFullScale(indicator, checked, steps, solution.values, scale, remarks)

    def run(
        self, full: AtFullScale, index: IndexArray, repeat: int | None, *, rescaling: bool = True
    ) -> SampleRun:
        """Attribute on a sample, and hold it against the full panel."""
        features = self.panel.features.take(index)
        solution = solve(full.indicator, features, self.aggregator, full.steps)
        means = features.means()
        try:
            _, parts = share_out(full.indicator, solution, means, self.tiers[index], self.names)
        except ZeroTotalError:
            reason = full.indicator.zero_reason(means)
            return SampleRun(repeat, index.size, 0.0, None, None, None, reason)
        shares = tuple(part.share for part in parts)
        flip = math.fsum(tier.share for tier in full.scale.tiers[1:]) - math.fsum(shares[1:])
        test = (
            rescaling_test(solution.values, full.values[index], self.tiers[index], len(self.names))
            if rescaling
            else None
        )
        if test is not None and test.worst is not None:
            who = replace(test.worst, did=self.panel.dids[int(index[test.worst.position])])
            test = replace(test, worst=who)
        return SampleRun(repeat, index.size, solution.total, shares, flip, test, "")


def summarise(
    protocol: Protocol,
    size: int,
    runs: Sequence[SampleRun],
    names: Sequence[str],
    unavailable: str = "",
) -> SampleSummary:
    """Average the samples of one kind that have an answer."""
    shares = [run.shares for run in runs if run.shares is not None]
    flips = [run.flip for run in runs if run.flip is not None]
    return SampleSummary(
        protocol=protocol,
        size=size,
        seeds=len(runs),
        undefined_seeds=len(runs) - len(shares),
        deterministic=protocol == "top",
        tiers=tuple(
            TierSpread(name, statistics.fmean(column), _deviation(column))
            for name, column in zip(names, zip(*shares, strict=True), strict=True)
        )
        if shares
        else (),
        flip_mean=statistics.fmean(flips) if flips else None,
        flip_std=_deviation(flips) if flips else None,
        rescaling=mean_rescaling([run.rescaling for run in runs if run.rescaling is not None]),
        runs=tuple(runs),
        unavailable=unavailable,
    )


def _deviation(values: Sequence[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0


def _distinct(what: str, values: Sequence[object]) -> None:
    if not values:
        raise UsageError(f"a comparison needs at least one {what}")
    if len(set(values)) < len(values):
        raise UsageError(f"each {what} is named once, not {', '.join(map(str, values))}")


def _check_size(sampler: Sampler, protocol: Protocol, size: int, *, keep: bool) -> str:
    """Check that there are enough agents; say what lacks, where it may lack."""
    try:
        sampler.check_size(protocol, size)
    except SampleSizeError:
        if not keep or size > sampler.order.size:
            raise
        return f"only {sampler.available(protocol):,} agents were active"
    return ""


def draws(
    sampler: Sampler, protocol: Protocol, sizes: Sequence[int], seeds: int, seed: int
) -> Iterator[tuple[int | None, dict[int, IndexArray]]]:
    """Draw the largest sample of each repeat once; smaller ones are its beginning."""
    for repeat in range((1 if protocol == "top" else seeds) if sizes else 0):
        drawn = sampler.draw(protocol, max(sizes), seed=seed, repeat=repeat)
        yield (None if protocol == "top" else repeat), {size: drawn[:size] for size in sizes}


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
    """Ask the same question of the full panel and of small samples of it.

    A sample is a panel of its own, n = N; its agents keep the tiers they have in the full panel.

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
        active, as undefined there.
    rescaling
        Test whether a factor rescales each sample, which on large samples takes most of the time.

    Returns
    -------
    ScaleComparison

    Raises
    ------
    UsageError
        For arguments that make no sense.
    FeatureError, EmptyPanelError
        As `blueattr.attribution.inputs.check_features`.
    SampleSizeError
        When a sample is larger than the panel, or than those its protocol can draw.
    ZeroTotalError
        When an indicator is 0 on the full panel, unless that is to be kept. Where it is 0 on a
        sample only, that sample is counted as undefined.

    Notes
    -----
    docs/methods.md, "Samples" and "The rescaling test".
    """
    chosen = [find_indicator(i) for i in indicators]
    _distinct("indicator", [i.name for i in chosen])
    _distinct("protocol", protocols)
    _distinct("sample size", sizes)
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
    comparison = Comparison(panel, assign_tiers(panel.order, cutoffs), names, aggregator)
    full = [
        comparison.full(indicator, method, steps, keep_undefined=keep_undefined)
        for indicator in chosen
    ]

    summaries: dict[str, list[SampleSummary]] = {i.name: [] for i in chosen}
    for protocol in checked_protocols:
        runs: dict[tuple[str, int], list[SampleRun]] = {}
        possible = [size for size in sizes if not unavailable[protocol, size]]
        for repeat, drawn in draws(sampler, protocol, possible, seeds, seed):
            for size, index in drawn.items():
                for one in (answer for answer in full if not answer.undefined):
                    run = comparison.run(one, index, repeat, rescaling=rescaling)
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
