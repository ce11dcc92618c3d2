"""The bootstrap: confidence intervals of tier shares, from resamples of the agents."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from blueattr import kernels
from blueattr.attribution.attribute import describe_active
from blueattr.attribution.equals import with_ranking
from blueattr.attribution.inputs import Panel
from blueattr.attribution.sampling import check_seed
from blueattr.attribution.tiered import ActivePanel, PanelChoice, TieredPanel
from blueattr.attribution.tiers import DEFAULT_CUTOFFS
from blueattr.attribution.value import (
    Method,
    Remarks,
    TierShare,
    check_method,
    diagonal_weights,
    remark,
    share_out,
    solve_with_means,
)
from blueattr.display import Presented
from blueattr.errors import UsageError, ZeroTotalError
from blueattr.indicators.base import Aggregator, Indicator, MomentIndicator, PairwiseIndicator
from blueattr.indicators.custom import OwnIndicator
from blueattr.indicators.find import find_indicator
from blueattr.kernels import FloatArray, IntArray, resampling
from blueattr.provenance import Provenance
from blueattr.studies.distinct import check_distinct

__all__ = [
    "LEVEL",
    "Bootstrap",
    "IndicatorBootstrap",
    "ShareInterval",
    "bootstrap",
    "check_resamples",
]


LEVEL = 0.95
_MOST_RESAMPLES = 1_000_000
_FEWEST_RESAMPLES = 100
"""With fewer, the ends of a 95 % interval would be the extremes of the resamples."""


@dataclass(frozen=True, slots=True)
class ShareInterval:
    """A tier's share with its confidence interval.

    Parameters
    ----------
    tier
        Its name.
    share
        On the panel itself.
    low, high
        The 2.5th and 97.5th percentile over resamples.
    std_error
        The standard deviation over resamples.
    agents_involved, share_involved
        As in `blueattr.attribution.value.TierShare`, on the panel itself.
    """

    tier: str
    share: float
    low: float
    high: float
    std_error: float
    agents_involved: int
    share_involved: float


@dataclass(frozen=True, slots=True)
class IndicatorBootstrap:
    """The shares of one indicator.

    Parameters
    ----------
    indicator, method, steps, remarks
        As in `blueattr.attribution.attribute.AttributionResult`.
    total
        The indicator on the panel.
    tiers
        From the top to the tail.
    undefined_resamples
        Number of resamples on which the indicator is 0, so that they have no shares; left out.
    active
        As in `blueattr.attribution.attribute.AttributionResult`.
    """

    indicator: str
    method: Method
    steps: int | None
    total: float
    tiers: tuple[ShareInterval, ...]
    undefined_resamples: int
    remarks: Remarks = field(default_factory=Remarks)
    active: ActivePanel | None = None


@dataclass(frozen=True, repr=False)
class Bootstrap(Presented):
    """Confidence intervals of tier shares, with what is needed to redo them.

    Parameters
    ----------
    indicators
        In the order of the question.
    resamples, seed, level
        Number of resamples, base seed, and level of the intervals.
    n_agents, n_involved, panel, aggregator, cutoffs, means, moment, provenance
        As in `blueattr.attribution.attribute.AttributionResult`.
    """

    indicators: tuple[IndicatorBootstrap, ...]
    resamples: int
    seed: int
    level: float
    n_agents: int
    n_involved: int
    panel: PanelChoice
    aggregator: Aggregator
    cutoffs: tuple[float, ...]
    means: tuple[float, float, float]
    moment: float
    provenance: Provenance


@dataclass(frozen=True)
class _Draw:
    """How many agents each resample draws from each block, and its random stream."""

    starts: IntArray
    counts: IntArray
    streams: npt.NDArray[np.uint64]

    @classmethod
    def of(cls, starts: IntArray, resamples: int, seed: int) -> "_Draw":
        n = int(starts[-1])
        multinomial, streams = np.random.SeedSequence(seed).spawn(2)
        counts = np.random.default_rng(multinomial).multinomial(
            n, np.diff(starts) / n, size=resamples
        )
        return cls(starts, counts, streams.generate_state(resamples, np.uint64).astype(np.uint64))


def check_resamples(resamples: int, seed: int) -> None:
    """Check the number of resamples, and the seed.

    Raises
    ------
    UsageError
        For fewer than 100 or more than a million, or a negative seed.
    """
    if not _FEWEST_RESAMPLES <= resamples <= _MOST_RESAMPLES:
        raise UsageError(
            f"a bootstrap takes {_FEWEST_RESAMPLES} to {_MOST_RESAMPLES:,} resamples, "
            f"not {resamples}"
        )
    check_seed(seed)


def bootstrap(
    frame: object,
    indicators: Sequence[str | Indicator | OwnIndicator] = ("heat",),
    *,
    resamples: int = 1000,
    seed: int = 0,
    method: str = "auto",
    steps: int | None = None,
    aggregator: Aggregator | None = None,
    cutoffs: Sequence[float] = DEFAULT_CUTOFFS,
    panel: str = "active",
    provenance: Provenance | None = None,
) -> Bootstrap:
    """Compute percentile confidence intervals of tier shares by resampling agents.

    A resample is a panel of n agents, drawn with replacement. Agents keep the tier that they have
    in the full panel.

    Parameters
    ----------
    frame
        The features: see `blueattr.attribution.inputs.check_features`.
    indicators
        See `blueattr.indicators.find.find_indicator`.
    resamples
        R, from 100 to 1,000,000.
    seed
        At least 0.
    method, steps, aggregator, cutoffs, panel, provenance
        As for `blueattr.attribution.attribute.attribute`.

    Returns
    -------
    Bootstrap
        The same for every number of threads.

    Raises
    ------
    UsageError
        For bad arguments.
    FeatureError, EmptyPanelError
        As `blueattr.attribution.inputs.check_features`.
    ZeroTotalError
        When an indicator is 0 on the panel, or on every resample.

    Notes
    -----
    Efron (1979), "Bootstrap methods: another look at the jackknife", Ann. Statist. 7(1). The cost
    is O(R n), about a nanosecond each, and O(n log n) once for ``gini``: docs/methods.md,
    "Bootstrap".
    """
    check_resamples(resamples, seed)
    chosen = [find_indicator(indicator) for indicator in indicators]
    check_distinct("bootstrap", "indicator", [indicator.name for indicator in chosen])
    methods = [check_method(indicator, method, steps) for indicator in chosen]
    aggregator = aggregator or Aggregator()

    tiered = TieredPanel.of(frame, cutoffs, panel)
    agents, names = tiered.panel, tiered.names
    involved = agents.features.involved()
    work = _Resampling(agents, tiered.tiers, len(names), aggregator, resamples, seed)
    moments = [i for i in chosen if isinstance(i, MomentIndicator)]
    sums = work.moment_sums(moments)
    results = []
    for indicator, (checked, k) in zip(chosen, methods, strict=True):
        solution, means = solve_with_means(indicator, agents.features, aggregator, k)
        _, shares = share_out(
            indicator, solution, agents.means, tiered.tiers, names, involved=involved
        )
        values = (
            work.moment_values(indicator, sums[indicator.name], k)
            if isinstance(indicator, MomentIndicator)
            else work.pairwise_values(indicator)
        )
        resampled = _shares(values)
        if not len(resampled):
            raise ZeroTotalError(
                f"the indicator {indicator.name!r} is 0 on every resample: too few agents have "
                "what it measures"
            )
        results.append(
            IndicatorBootstrap(
                indicator=indicator.name,
                method=checked,
                steps=k,
                total=solution.total,
                tiers=tuple(
                    _interval(part, column)
                    for part, column in zip(shares, resampled.T, strict=True)
                ),
                undefined_resamples=resamples - len(resampled),
                remarks=remark(indicator, solution.total, means, k),
                active=describe_active(tiered, indicator, aggregator, k),
            )
        )
    return Bootstrap(
        indicators=tuple(results),
        resamples=resamples,
        seed=seed,
        level=LEVEL,
        n_agents=len(agents.dids),
        n_involved=int(np.count_nonzero(involved)),
        panel=tiered.choice,
        aggregator=aggregator,
        cutoffs=tiered.cutoffs,
        means=agents.means,
        moment=math.prod(agents.means),
        provenance=with_ranking(provenance or Provenance(source="in memory"), tiered, ()),
    )


def _shares(values: FloatArray) -> FloatArray:
    """Divide by the sum over tiers; leave out resamples whose values are all 0."""
    totals = values.sum(axis=1)
    # A difference of moments that should be 0 may be a little rounding.
    defined = np.abs(totals) > 1e-12 * np.abs(values).sum(axis=1)
    shares: FloatArray = values[defined] / totals[defined, None]
    return shares


def _interval(part: TierShare, resampled: FloatArray) -> ShareInterval:
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    deviation = float(resampled.std(ddof=1)) if resampled.size > 1 else 0.0
    return ShareInterval(
        part.tier,
        part.share,
        float(low),
        float(high),
        deviation,
        part.agents_involved,
        part.share_involved,
    )


@dataclass(frozen=True)
class _Resampling:
    """Resamples of a panel, and sums over tiers in each of them."""

    panel: Panel
    tiers: npt.NDArray[np.uint8]
    n_tiers: int
    aggregator: Aggregator
    resamples: int
    seed: int

    def moment_sums(self, indicators: Sequence[MomentIndicator]) -> dict[str, FloatArray]:
        """Sum the statistics of all indicators in one pass: for each, float64 (R, tiers, p)."""
        if not indicators:
            return {}
        measured = {i.name: i.measure(self.panel.features, self.aggregator) for i in indicators}
        order = np.argsort(self.tiers, kind="stable")
        columns, of_statistic = _different(
            [column for statistics in measured.values() for column in statistics]
        )
        table = np.stack([column[order] for column in columns])
        starts, groups = _blocks(np.bincount(self.tiers, minlength=self.n_tiers).tolist())
        draw = _Draw.of(starts, self.resamples, self.seed)
        sums = resampling.resample_sums(
            table, starts, groups, draw.counts, draw.streams, self.n_tiers
        )
        # In the order of statistics in memory, too: of another, numpy adds up in another order.
        sums = np.ascontiguousarray(sums[:, :, of_statistic])
        ends = np.cumsum([len(statistics) for statistics in measured.values()])
        return dict(zip(measured, np.split(sums, ends[:-1], axis=2), strict=True))

    def moment_values(
        self, indicator: MomentIndicator, sums: FloatArray, steps: int | None
    ) -> FloatArray:
        """Return n Σφ by tier, float64 (R, tiers), with weights at each resample's means."""
        means = sums.sum(axis=1) / len(self.tiers)
        weights = np.array([diagonal_weights(indicator, m, steps) for m in means])
        values: FloatArray = np.einsum("rtp,rp->rt", sums, weights)
        return values

    def pairwise_values(self, _: PairwiseIndicator) -> FloatArray:
        """Return n² μ Σφ by tier, float64 (R, tiers): the sums of the excess over others."""
        s, _total = self.aggregator.apply(self.panel.features)
        order = kernels.argsort(s)
        starts, _groups = _blocks([s.size])
        draw = _Draw.of(starts, self.resamples, self.seed)
        return resampling.resample_excess(
            s[order], self.tiers[order], starts, draw.counts, draw.streams, self.n_tiers
        )


def _different(columns: Sequence[FloatArray]) -> tuple[list[FloatArray], list[int]]:
    """Return the columns that differ, and which of these each is: several indicators ask for s."""
    kept: list[FloatArray] = []
    which = []
    for column in columns:
        alike = (k for k, one in enumerate(kept) if np.array_equal(one, column))
        which.append(next(alike, len(kept)))
        if which[-1] == len(kept):
            kept.append(column)
    return kept, which


def _blocks(sizes: Sequence[int]) -> tuple[IntArray, IntArray]:
    """Cut groups of agents into blocks that do not cross groups.

    Returns
    -------
    ndarray
        int64 (blocks + 1,), where each block starts, and the end.
    ndarray
        int64 (blocks,), the group of each block.
    """
    starts, groups, done = [0], [], 0
    for group, size in enumerate(sizes):
        for start in range(0, size, resampling.BLOCK):
            starts.append(done + min(start + resampling.BLOCK, size))
            groups.append(group)
        done += size
    return np.array(starts), np.array(groups)
