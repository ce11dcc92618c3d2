"""The scale comparison: the same question on the full panel and on small samples of it."""

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from blueattr import kernels
from blueattr.attribution import Method, Panel, TierShare, check_method, share_out, solve
from blueattr.errors import UsageError, ZeroTotalError
from blueattr.indicators import Aggregator, Indicator, get_indicator
from blueattr.kernels import FloatArray, IndexArray
from blueattr.provenance import Provenance
from blueattr.sampling import Protocol, Sampler, check_protocol
from blueattr.tiers import DEFAULT_CUTOFFS, assign_tiers, check_cutoffs, tier_names

__all__ = [
    "FullScale",
    "IndicatorScales",
    "Rescaling",
    "SampleRun",
    "SampleSummary",
    "ScaleComparison",
    "TierSpread",
    "compare_scales",
    "rescaling_test",
]


@dataclass(frozen=True, slots=True)
class Rescaling:
    """How far φ^S, computed on a sample, is from a multiple of the full panel's φ on its agents.

    Parameters
    ----------
    scale_factor
        λ*, the least-squares factor.
    relative_residual
        ‖φ^S - λ*φ‖ / ‖φ^S‖.
    cosine
        Of the two vectors.
    kendall_tau, spearman_rho
        Kendall's τ-b, and Spearman's correlation with average ranks; None where one of the
        vectors is constant. Values within 1e-12 of each other are ties.
    ratio_spread
        The largest of the ratios φ^S_i / φ_i over the smallest, in magnitude; infinite where
        signs differ between agents, or where one of the two is 0 and the other is not. A global
        factor exists exactly when it is 1.
    """

    scale_factor: float
    relative_residual: float
    cosine: float
    kendall_tau: float | None
    spearman_rho: float | None
    ratio_spread: float


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
        None where the sample has no answer, or the full panel gives its agents nothing.
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


@dataclass(frozen=True, slots=True)
class FullScale:
    """An attribution on the full panel: v(N), Σφ and the tiers."""

    total: float
    attributed: float
    tiers: tuple[TierShare, ...]


@dataclass(frozen=True, slots=True)
class IndicatorScales:
    """One indicator on the full panel and on every kind of sample."""

    indicator: str
    full: FullScale
    samples: tuple[SampleSummary, ...]


@dataclass(frozen=True)
class ScaleComparison:
    """Indicators at full scale and in samples, with what is needed to redo the comparison.

    Parameters
    ----------
    indicators
        In the order asked for; within each, protocols and then sizes in the order asked for.
    n_agents
        n.
    protocols, sizes, seeds, seed
        What was drawn: ``seeds`` samples from the base ``seed``.
    aggregator, cutoffs, method, steps
        As in `blueattr.attribution.AttributionResult`.
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


_TIE = 1e-12
"""Values this close, relatively, differ by rounding alone: two agents whose features are each
other's, interchanged, have one s, which divided by n and by N may be a tie in one and not in the
other."""


# --- the rescaling test --------------------------------------------------------------------------


def _ratio_spread(sample: FloatArray, full: FloatArray) -> float:
    if np.any((full == 0) & (sample != 0)):
        return math.inf  # no multiple of 0 gives it
    ratios = sample[full != 0] / full[full != 0]
    if ratios.min() <= 0 <= ratios.max():
        return math.inf
    sizes = np.abs(ratios)
    return float(sizes.max() / sizes.min())


def rescaling_test(sample: FloatArray, full: FloatArray) -> Rescaling | None:
    """Compare the values computed on a sample with the full panel's values of the same agents.

    Parameters
    ----------
    sample
        φ^S, float64 (N,), not all 0.
    full
        φ restricted to S, float64 (N,), in the same order.

    Returns
    -------
    Rescaling or None
        None when either vector is 0: there is nothing to rescale.

    Notes
    -----
    docs/methods.md, "The rescaling test".
    """
    # Both are brought to about 1 first, so that no square leaves float64.
    unit_sample, unit_full = float(np.abs(sample).max()), float(np.abs(full).max())
    if unit_sample == 0 or unit_full == 0:
        return None
    x, y = sample / unit_sample, full / unit_full
    xx, yy = float(kernels.exact_sum(x * x)), float(kernels.exact_sum(y * y))
    xy = float(kernels.exact_sum(x * y))
    factor = xy / yy
    rest = x - factor * y
    correlations = kernels.rank_correlations(sample, full, tolerance=_TIE)
    tau, rho = correlations or (None, None)
    return Rescaling(
        scale_factor=factor * (unit_sample / unit_full),
        relative_residual=math.sqrt(float(kernels.exact_sum(rest * rest)) / xx),
        cosine=max(-1.0, min(1.0, xy / math.sqrt(xx) / math.sqrt(yy))),
        kendall_tau=tau,
        spearman_rho=rho,
        ratio_spread=_ratio_spread(sample, full),
    )


# --- samples -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _AtFullScale:
    """An indicator's attribution on the full panel, to hold samples against."""

    indicator: Indicator
    values: FloatArray
    scale: FullScale


@dataclass(frozen=True)
class _Comparison:
    """What is computed once per panel, and what is done with it per indicator and sample."""

    panel: Panel
    tiers: npt.NDArray[np.uint8]
    names: tuple[str, ...]
    aggregator: Aggregator
    steps: int | None

    def full(self, indicator: Indicator) -> _AtFullScale:
        solution = solve(indicator, self.panel.features, self.aggregator, self.steps)
        attributed, shares = share_out(
            indicator, solution, self.panel.means, self.tiers, self.names
        )
        scale = FullScale(solution.total, attributed, shares)
        return _AtFullScale(indicator, solution.values, scale)

    def run(self, full: _AtFullScale, index: IndexArray, repeat: int | None) -> SampleRun:
        features = self.panel.features.take(index)
        solution = solve(full.indicator, features, self.aggregator, self.steps)
        means = features.means()
        try:
            _, parts = share_out(full.indicator, solution, means, self.tiers[index], self.names)
        except ZeroTotalError:
            reason = full.indicator.zero_reason(means)
            return SampleRun(repeat, index.size, 0.0, None, None, None, reason)
        shares = tuple(part.share for part in parts)
        flip = math.fsum(tier.share for tier in full.scale.tiers[1:]) - math.fsum(shares[1:])
        rescaling = rescaling_test(solution.values, full.values[index])
        return SampleRun(repeat, index.size, solution.total, shares, flip, rescaling, "")


def _summarise(
    protocol: Protocol, size: int, runs: Sequence[SampleRun], names: Sequence[str]
) -> SampleSummary:
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
        rescaling=_mean_rescaling([run.rescaling for run in runs if run.rescaling is not None]),
        runs=tuple(runs),
    )


def _deviation(values: Sequence[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0


def _mean_rescaling(tests: Sequence[Rescaling]) -> Rescaling | None:
    if not tests:
        return None

    def mean(number: Callable[[Rescaling], float | None]) -> float | None:
        known = [value for value in map(number, tests) if value is not None]
        return statistics.fmean(known) if known else None

    return Rescaling(
        scale_factor=statistics.fmean(test.scale_factor for test in tests),
        relative_residual=statistics.fmean(test.relative_residual for test in tests),
        cosine=statistics.fmean(test.cosine for test in tests),
        kendall_tau=mean(lambda test: test.kendall_tau),
        spearman_rho=mean(lambda test: test.spearman_rho),
        ratio_spread=max(test.ratio_spread for test in tests),
    )


def _distinct(what: str, values: Sequence[object]) -> None:
    if not values:
        raise UsageError(f"a comparison needs at least one {what}")
    if len(set(values)) < len(values):
        raise UsageError(f"each {what} is named once, not {', '.join(map(str, values))}")


def _draws(
    sampler: Sampler, protocol: Protocol, sizes: Sequence[int], seeds: int, seed: int
) -> Iterator[tuple[int | None, dict[int, IndexArray]]]:
    """Draw the largest sample of each repeat once; smaller ones are its beginning."""
    for repeat in range(1 if protocol == "top" else seeds):
        drawn = sampler.draw(protocol, max(sizes), seed=seed, repeat=repeat)
        yield (None if protocol == "top" else repeat), {size: drawn[:size] for size in sizes}


def compare_scales(
    frame: object,
    indicators: Sequence[str | Indicator] = ("heat",),
    *,
    protocols: Sequence[str] = ("visibility",),
    sizes: Sequence[int] = (100, 1000),
    seeds: int = 10,
    seed: int = 0,
    method: str = "closed form",
    steps: int | None = None,
    aggregator: Aggregator | None = None,
    cutoffs: Sequence[float] = DEFAULT_CUTOFFS,
    provenance: Provenance | None = None,
) -> ScaleComparison:
    """Ask the same question of the full panel and of small samples of it.

    A sample is a panel of its own, n = N; its agents keep the tiers they have in the full panel.

    Parameters
    ----------
    frame
        The features: see `blueattr.attribution.check_features`.
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
        As for `blueattr.attribution.attribute`.

    Returns
    -------
    ScaleComparison

    Raises
    ------
    UsageError
        For arguments that make no sense.
    FeatureError, EmptyPanelError
        As `blueattr.attribution.check_features`.
    SampleSizeError
        When a sample is larger than the panel, or than those its protocol can draw.
    ZeroTotalError
        When an indicator is 0 on the full panel. Where it is 0 on a sample only, that sample is
        counted as undefined.

    Notes
    -----
    docs/methods.md, "Samples" and "The rescaling test".
    """
    _distinct("indicator", [i if isinstance(i, str) else i.name for i in indicators])
    _distinct("protocol", protocols)
    _distinct("sample size", sizes)
    chosen = [get_indicator(i) if isinstance(i, str) else i for i in indicators]
    checked_protocols = tuple(check_protocol(name) for name in protocols)
    if seeds < 1:
        raise UsageError(f"a comparison needs at least one seed, not {seeds}")
    methods = [check_method(indicator, method, steps) for indicator in chosen]
    checked_method, steps = methods[0]
    cutoffs = check_cutoffs(cutoffs)
    names = tier_names(cutoffs)
    aggregator = aggregator or Aggregator()

    panel = Panel.of(frame)
    sampler = Sampler(panel.followers, panel.activity, panel.order)
    for protocol in checked_protocols:
        for size in sizes:
            sampler.check_size(protocol, size)
    comparison = _Comparison(panel, assign_tiers(panel.order, cutoffs), names, aggregator, steps)
    full = [comparison.full(indicator) for indicator in chosen]

    summaries: dict[str, list[SampleSummary]] = {i.name: [] for i in chosen}
    for protocol in checked_protocols:
        runs: dict[tuple[str, int], list[SampleRun]] = {}
        for repeat, drawn in _draws(sampler, protocol, sizes, seeds, seed):
            for size, index in drawn.items():
                for one in full:
                    run = comparison.run(one, index, repeat)
                    runs.setdefault((one.indicator.name, size), []).append(run)
        for (name, size), done in runs.items():
            summaries[name].append(_summarise(protocol, size, done, names))

    return ScaleComparison(
        indicators=tuple(
            IndicatorScales(one.indicator.name, one.scale, tuple(summaries[one.indicator.name]))
            for one in full
        ),
        n_agents=len(panel.dids),
        protocols=checked_protocols,
        sizes=tuple(sizes),
        seeds=seeds,
        seed=seed,
        aggregator=aggregator,
        cutoffs=cutoffs,
        method=checked_method,
        steps=steps,
        means=panel.means,
        moment=math.prod(panel.means),
        provenance=provenance or Provenance(source="in memory"),
    )
