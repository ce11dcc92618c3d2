"""An indicator on the full panel and on samples of it."""

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from blueattr.attribution.attribute import AttributionResult, describe_active
from blueattr.attribution.inputs import Panel
from blueattr.attribution.sampling import Protocol, Sampler
from blueattr.attribution.tiered import ActivePanel, TieredPanel
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
from blueattr.errors import ZeroTotalError
from blueattr.indicators.base import Aggregator, FeatureArrays, Indicator
from blueattr.kernels import FloatArray, IndexArray
from blueattr.studies.rescaling import Rescaling, mean_rescaling, rescaling_test
from blueattr.studies.samples.corrected import CorrectedSamples, average
from blueattr.studies.samples.correction import Draw, Estimate, estimate, membership

__all__ = [
    "AtFullScale",
    "FullScale",
    "Sample",
    "SampleRun",
    "SampleSummary",
    "SampledPanel",
    "TierSpread",
    "draw_repeat",
    "draw_samples",
    "full_scale",
    "repeats",
    "summarise",
]


@dataclass(frozen=True, slots=True)
class Sample:
    """The agents of a sample.

    Parameters
    ----------
    index
        uint32 (N,), their positions in the order they were drawn.
    threshold
        τ, the key of the agent that would have been drawn next; infinite if nobody was left. See
        `blueattr.attribution.sampling.Sampler.draw_keys`.
    """

    index: IndexArray
    threshold: float


@dataclass(frozen=True, slots=True)
class SampleRun:
    """One sample's answer.

    Parameters
    ----------
    seed
        Which repeat of the base seed drew it, from 0; None if nothing is random.
    n_agents
        N.
    total
        The indicator on the sample as a panel of its own.
    shares
        Of each tier of the full panel; None if the sample has no answer.
    flip
        The share of all tiers but the top at full scale, less the same in the sample; None if the
        sample has no answer.
    rescaling
        None if the sample has no answer, its agents have no value in the full panel, or the test
        is switched off.
    undefined
        Why the sample has no answer, else empty.
    estimate
        What it says of the whole once put right; None if that was not asked for, or cannot be.
    """

    seed: int | None
    n_agents: int
    total: float
    shares: tuple[float, ...] | None
    flip: float | None
    rescaling: Rescaling | None
    undefined: str
    estimate: Estimate | None = None


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
        Whether nothing is random; there is one sample then.
    tiers
        From the top to the tail; empty if no sample has an answer.
    flip_mean, flip_std
        None if no sample has an answer.
    rescaling
        Means, but the largest ratio spread; None if no sample has a test.
    runs
        The samples themselves.
    unavailable
        Why no sample could be drawn, else empty.
    corrected
        The samples put right; None if that was not asked for, or cannot be.
    why
        Why they cannot be put right, else empty.
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
    corrected: CorrectedSamples | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class FullScale:
    """An attribution on the full panel: v(N), Σφ and the tiers; no tiers if v(N) is 0.

    `active` describes the active panel, where the full panel are only those involved.
    """

    total: float
    attributed: float
    tiers: tuple[TierShare, ...]
    active: ActivePanel | None = None


@dataclass(frozen=True)
class AtFullScale:
    """An indicator's attribution on the full panel, with which samples are compared.

    Parameters
    ----------
    indicator, method, steps
        What was attributed, and how.
    values
        φ, float64 (n,).
    scale, remarks
        As in `blueattr.studies.scales.IndicatorScales`.
    undefined
        Why there is no answer, else empty.
    """

    indicator: Indicator
    method: Method
    steps: int | None
    values: FloatArray
    scale: FullScale
    remarks: Remarks
    undefined: str = ""


@dataclass(frozen=True)
class SampledPanel:
    """A panel on which, and on samples of which, indicators are attributed.

    Parameters
    ----------
    tiered
        The full panel, with its tiers.
    aggregator
        Of ``lin``, ``var`` and ``gini``.
    """

    tiered: TieredPanel
    aggregator: Aggregator

    @property
    def panel(self) -> Panel:
        """The full panel's agents."""
        return self.tiered.panel

    def full(
        self,
        indicator: Indicator,
        method: str,
        steps: int | None,
        *,
        keep_undefined: bool = False,
        no_answer: str = "",
    ) -> AtFullScale:
        """Attribute an indicator on the full panel.

        Parameters
        ----------
        indicator, method, steps
            As for `blueattr.attribution.attribute.attribute`.
        keep_undefined
            Report an indicator that is 0 as undefined.
        no_answer
            Why no indicator has an answer here, else empty.

        Raises
        ------
        ZeroTotalError
            When the indicator is 0 and `keep_undefined` is false.
        """
        checked, steps = check_method(indicator, method, steps)
        features = self.panel.features
        solution, moments = solve_with_means(indicator, features, self.aggregator, steps)
        remarks = remark(indicator, solution.total, moments, steps)
        if no_answer:
            scale = FullScale(0.0, 0.0, ())
            return AtFullScale(
                indicator, checked, steps, solution.values, scale, remarks, no_answer
            )
        try:
            attributed, shares = share_out(
                indicator,
                solution,
                self.panel.means,
                self.tiered.tiers,
                self.tiered.names,
                involved=features.involved(),
            )
        except ZeroTotalError:
            if not keep_undefined:
                raise
            why = indicator.zero_reason(self.panel.means)
            scale = FullScale(0.0, 0.0, ())
            return AtFullScale(indicator, checked, steps, solution.values, scale, remarks, why)
        active = describe_active(self.tiered, indicator, self.aggregator, steps)
        scale = FullScale(solution.total, attributed, shares, active)
        return AtFullScale(indicator, checked, steps, solution.values, scale, remarks)

    def run(
        self,
        full: AtFullScale,
        index: IndexArray,
        repeat: int | None,
        *,
        rescaling: bool = True,
        features: FeatureArrays | None = None,
    ) -> SampleRun:
        """Attribute on a sample, and compare it with the full panel.

        Parameters
        ----------
        full
            The indicator on the full panel, which has an answer.
        index
            uint32 (N,), positions of the sample's agents.
        repeat
            Which repeat drew it; None if nothing is random.
        rescaling
            Whether to test for a rescaling factor.
        features
            Of the sample's agents, where somebody has them.
        """
        if index.size == len(full.values) and not rescaling:
            # Everybody is in it, and the order of agents changes no bit.
            shares = tuple(tier.share for tier in full.scale.tiers)
            return SampleRun(repeat, index.size, full.scale.total, shares, 0.0, None, "")
        values = full.values[index] if rescaling else None
        return self.run_on(
            full.indicator, full.steps, full.scale, index,
            repeat=repeat, values=values, features=features,
        )  # fmt: skip

    def run_on(
        self,
        indicator: Indicator,
        steps: int | None,
        scale: FullScale,
        index: IndexArray,
        *,
        repeat: int | None,
        values: FloatArray | None = None,
        features: FeatureArrays | None = None,
    ) -> SampleRun:
        """Do the same, if of the full panel only the shares are known.

        Parameters
        ----------
        indicator, steps
            What was attributed, and how.
        scale
            Its answer on the full panel.
        index, repeat
            As for `run`.
        values
            φ of the sample's agents on the full panel, float64 (N,), to test for a rescaling
            factor; None for no test.
        features
            As for `run`.
        """
        features = features or self.panel.features.take(index)
        solution = solve(indicator, features, self.aggregator, steps)
        means, tiers, names = features.means, self.tiered.tiers[index], self.tiered.names
        try:
            _, parts = share_out(
                indicator, solution, means, tiers, names, involved=features.involved()
            )
        except ZeroTotalError:
            reason = indicator.zero_reason(means)
            return SampleRun(repeat, index.size, 0.0, None, None, None, reason)
        shares = tuple(part.share for part in parts)
        flip = math.fsum(tier.share for tier in scale.tiers[1:]) - math.fsum(shares[1:])
        test = None
        if values is not None:
            test = rescaling_test(solution.values, values, tiers, len(names))
        if test is not None and test.worst is not None:
            who = replace(test.worst, did=self.panel.dids[int(index[test.worst.position])])
            test = replace(test, worst=who)
        return SampleRun(repeat, index.size, solution.total, shares, flip, test, "")

    def correct(
        self, full: AtFullScale, sampler: Sampler, protocol: Protocol, sample: Sample
    ) -> Estimate | None:
        """Estimate the tier shares of the full panel from a sample.

        Parameters
        ----------
        full
            The indicator on the full panel.
        sampler, protocol, sample
            What was drawn, and how.

        Returns
        -------
        Estimate or None
            None if the indicator is 0 on the sample.
        """
        index = sample.index
        draw = Draw(
            self.panel.features.take(index),
            sampler.inclusion(protocol, index, sample.threshold),
            # With the number of all agents a variance is better known, but from equal chances.
            self.panel.dids.len() if protocol == "visibility" else None,
        )
        tiers = membership(self.tiered.tiers[index], len(self.tiered.names))
        return estimate(full.indicator, draw, tiers, self.aggregator, full.steps)


def full_scale(result: AttributionResult) -> FullScale:
    """Return what samples of the panel of an attribution are compared with."""
    return FullScale(result.total, result.attributed, result.tiers, result.active)


def summarise(
    protocol: Protocol,
    size: int,
    runs: Sequence[SampleRun],
    full: FullScale,
    *,
    unavailable: str = "",
    why: str = "",
) -> SampleSummary:
    """Average the samples of one protocol and size that have an answer.

    Parameters
    ----------
    protocol, size
        Of the samples.
    runs
        The samples.
    full
        The answer at full scale.
    unavailable
        Why there are no samples, else empty.
    why
        Why they cannot be put right, else empty.
    """
    names = [tier.tier for tier in full.tiers]
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
        corrected=average(
            [run.estimate for run in runs if run.estimate is not None],
            [tier.share for tier in full.tiers],
            names,
        ),
        why=why,
    )


def _deviation(values: Sequence[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0


def draw_samples(
    sampler: Sampler,
    protocol: Protocol,
    sizes: Sequence[int],
    seeds: int,
    seed: int,
    *,
    in_order: bool = True,
) -> Iterator[tuple[int | None, dict[int, Sample]]]:
    """Yield the samples of each repeat by size; smaller ones are the beginning of the largest.

    Parameters
    ----------
    sampler
        Of the panel.
    protocol, sizes, seeds, seed
        As for `blueattr.studies.scales.compare_scales`; ``top`` has one repeat.
    in_order
        Whether it matters in which order agents are drawn, and what τ is. Otherwise they are in any
        order, and τ is not a number.
    """
    for repeat in repeats(protocol, sizes, seeds):
        samples = draw_repeat(sampler, protocol, sizes, seed, repeat, in_order=in_order)
        yield None if protocol == "top" else repeat, samples


def repeats(protocol: Protocol, sizes: Sequence[int], seeds: int) -> range:
    """Return the numbers of the repeats that are drawn: one where nothing is random."""
    return range((1 if protocol == "top" else seeds) if sizes else 0)


def draw_repeat(
    sampler: Sampler,
    protocol: Protocol,
    sizes: Sequence[int],
    seed: int,
    repeat: int,
    *,
    in_order: bool = True,
) -> dict[int, Sample]:
    """Draw the samples of one repeat by size: see `draw_samples`."""
    if not in_order:
        sets = sampler.draw_sets(protocol, sizes, seed=seed, repeat=repeat)
        return {size: Sample(index, math.nan) for size, index in sets.items()}
    drawn, keys = sampler.draw_keys(protocol, max(sizes), seed=seed, repeat=repeat)
    return {
        size: Sample(drawn[:size], float(keys[size]) if size < keys.size else math.inf)
        for size in sizes
    }
