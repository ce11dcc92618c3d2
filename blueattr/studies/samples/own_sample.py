"""A sample of the user's own, put right by what the user knows of how it was drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import polars as pl

from blueattr.attribution.frames import find_columns, quote, read_frame
from blueattr.attribution.inputs import Panel, check_column, check_dids, refuse
from blueattr.attribution.tiers import DEFAULT_CUTOFFS, check_cutoffs, tier_names
from blueattr.attribution.value import Method, check_method
from blueattr.display import Presented
from blueattr.errors import FeatureError, UsageError, ZeroTotalError
from blueattr.indicators.base import Aggregator, Indicator
from blueattr.indicators.custom import OwnIndicator
from blueattr.indicators.find import find_indicator
from blueattr.kernels import FloatArray, IndexArray
from blueattr.provenance import Provenance
from blueattr.studies.distinct import check_distinct
from blueattr.studies.samples.correction import Draw, bisect, cut_tiers, estimate, membership

__all__ = [
    "Chance",
    "ChanceKind",
    "Correction",
    "IndicatorCorrection",
    "KnownDraw",
    "TierEstimate",
    "correct_sample",
    "known_draw",
]


ChanceKind = Literal["pi", "weight", "size"]
_TIER = "tier"


@dataclass(frozen=True, slots=True)
class Chance:
    """The column that says how likely each agent of a sample was to be drawn.

    Parameters
    ----------
    kind
        ``"pi"``: the probability itself; ``"weight"``: its inverse; ``"size"``: what it was
        proportional to in each of the successive draws.
    column
        Its name.
    population_size
        W, the sum of that size over the whole population; only for ``"size"``.
    population
        n, the number of agents in the whole population, where it is known.
    """

    kind: ChanceKind
    column: str
    population_size: float | None = None
    population: int | None = None

    def __post_init__(self) -> None:
        """Check that what is needed is there, and makes sense."""
        if self.kind not in get_args(ChanceKind):
            raise UsageError(f"no column of chances is called {self.kind!r}")
        if (self.kind == "size") != (self.population_size is not None):
            raise UsageError(
                "--size and --population-size belong together: the sizes of the sampled agents, "
                "and the sum of the sizes of all agents there are"
            )
        if self.population_size is not None and not 0 < self.population_size < np.inf:
            raise UsageError(f"--population-size {self.population_size:g} should be above 0")
        if self.population is not None and self.population < 1:
            raise UsageError(f"--population {self.population} should be at least 1")


@dataclass(frozen=True)
class KnownDraw:
    """A sample with its chances and tiers.

    Parameters
    ----------
    panel
        Its agents.
    draw
        Their features and chances.
    tiers
        float64 (N, T), as for `blueattr.studies.samples.correction.estimate`.
    cut
        The order and the cut-offs by which tiers are estimated; None where they are known.
    """

    panel: Panel
    draw: Draw
    tiers: FloatArray
    cut: tuple[IndexArray, tuple[float, ...]] | None


@dataclass(frozen=True, slots=True)
class TierEstimate:
    """A tier's share as the sample has it, and as estimated for the whole.

    Parameters
    ----------
    tier
        Its name.
    raw
        In the sample, taken as a panel of its own.
    share
        Of the whole, estimated.
    std_error
        The standard error of the estimate.
    low, high
        The ends of its 95 % interval; None if too few agents carry the estimate.
    n_e
        On how many agents the estimate effectively rests.
    """

    tier: str
    raw: float
    share: float
    std_error: float
    low: float | None
    high: float | None
    n_e: float


@dataclass(frozen=True, slots=True)
class IndicatorCorrection:
    """The shares of one indicator.

    Parameters
    ----------
    indicator, method, steps
        As in `blueattr.attribution.attribute.AttributionResult`.
    tiers
        From the top to the tail.
    """

    indicator: str
    method: Method
    steps: int | None
    tiers: tuple[TierEstimate, ...]


@dataclass(frozen=True, repr=False)
class Correction(Presented):
    """What a sample of one's own says of the whole.

    Parameters
    ----------
    indicators
        In the order of the question.
    n_agents
        N, the agents of the sample.
    population_estimate
        n̂, how many agents the sample stands for.
    population
        n, if it is known.
    n_eff
        The effective size of the sample.
    chance
        Which column says how likely each agent was to be drawn.
    tiers_known
        Whether the sample says in which tier of the whole each agent is.
    aggregator, cutoffs, provenance
        As in `blueattr.attribution.attribute.AttributionResult`.
    """

    indicators: tuple[IndicatorCorrection, ...]
    n_agents: int
    population_estimate: float
    population: int | None
    n_eff: float
    chance: Chance
    tiers_known: bool
    aggregator: Aggregator
    cutoffs: tuple[float, ...]
    provenance: Provenance


def known_draw(frame: object, chance: Chance, cutoffs: Sequence[float]) -> KnownDraw:
    """Check a sample and find out how likely each of its agents was to be drawn.

    Parameters
    ----------
    frame
        The sample: see `blueattr.attribution.inputs.check_features`; with the column of `chance`,
        and perhaps a column ``tier`` with the tier of each agent in the whole.
    chance
        Which column says how likely each agent was to be drawn.
    cutoffs
        Checked cumulative percentages.

    Raises
    ------
    UsageError, FeatureError, EmptyPanelError
        As `check_features`; the column is missing, or a value makes no sense: the message names the
        agent.
    """
    data = read_frame(frame)
    key, _ = find_columns(data.columns, data.height)
    if chance.column not in data.columns:
        raise FeatureError(
            f"the sample has no column {quote(chance.column)} to say how likely each agent was to "
            f"be drawn; it has {', '.join(map(quote, data.columns))}"
        )
    if chance.population is not None and chance.population < data.height:
        raise UsageError(
            f"--population {chance.population:,} should be at least the {data.height:,} agents of "
            "the sample: it is the number of all agents there are"
        )
    panel = Panel.of(data)
    dids = check_dids(data[key]).alias("did")
    extra = [check_column(dids, data[chance.column]).alias("chance")]
    if has_tiers := _TIER in data.columns:
        extra.append(_tiers(dids, data[_TIER], tier_names(cutoffs)).alias(_TIER))
    # The panel is in order of DID.
    beside = pl.DataFrame([dids, *extra]).sort("did")
    probabilities = _probabilities(panel.dids, beside["chance"], chance)
    draw = Draw(panel.features, probabilities, chance.population if chance.kind == "size" else None)
    if has_tiers:
        numbers = beside[_TIER].to_numpy()
        return KnownDraw(panel, draw, membership(numbers, len(cutoffs) + 1), None)
    parts = cut_tiers(panel.order, draw.weights, cutoffs)
    return KnownDraw(panel, draw, parts, (panel.order, tuple(cutoffs)))


def _tiers(dids: pl.Series, column: pl.Series, names: Sequence[str]) -> pl.Series:
    """Return the numbers of tiers that are named, uint8 (N,)."""
    texts = column.cast(pl.String, strict=False)
    unknown = ~texts.is_in(names).fill_null(value=False)
    refuse(dids, column, unknown, f"which is none of {', '.join(names)}")
    numbers = {name: number for number, name in enumerate(names)}
    return texts.replace_strict(numbers, return_dtype=pl.UInt8)


def _probabilities(dids: pl.Series, column: pl.Series, chance: Chance) -> FloatArray:
    name = column.alias(chance.column)
    values = _chances(dids, name, chance)
    few = pl.Series(values < 1 / _MOST)
    what = f"which makes it stand for more than {_MOST:g} agents, more than there are"
    refuse(dids, name, few, what)
    return values


_MOST = 1e15  # beyond this, numbers of agents and their squares lose what tells agents apart


def _chances(dids: pl.Series, column: pl.Series, chance: Chance) -> FloatArray:
    values = column.to_numpy()
    match chance.kind:
        case "pi":
            refuse(
                dids, column, (column <= 0) | (column > 1), "but a probability is above 0, up to 1"
            )
            return values
        case "weight":
            refuse(dids, column, column < 1, "but a weight is 1 / probability, so at least 1")
            return 1 / values
        case "size":
            refuse(dids, column, column <= 0, "but who was drawn had a size above 0")
            return -np.expm1(-values * _threshold(values, chance.population_size or 0.0))


def _threshold(sizes: FloatArray, total: float) -> float:
    """Find τ with Σ_S w_i / (1 - e^(-w_i τ)) = W, by bisection.

    The sum falls from infinity to Σ_S w as τ rises, so that there is one if and only if Σ_S w < W.
    It lies between N/τ and Σ_S w + N/τ, which bounds τ.
    """
    with np.errstate(over="ignore"):  # a sum beyond float64 is more than any total
        drawn = float(sizes.sum())
    if drawn >= total:
        raise UsageError(
            f"--population-size {total:g} should be more than the {drawn:g} of the sample alone: "
            "it is the sum of the sizes of all agents there are"
        )
    low, high = sizes.size / total, sizes.size / (total - drawn)
    return bisect(lambda tau: float((sizes / -np.expm1(-sizes * tau)).sum()) > total, low, high)


def correct_sample(
    frame: object,
    indicators: Sequence[str | Indicator | OwnIndicator],
    chance: Chance,
    *,
    method: str = "auto",
    steps: int | None = None,
    aggregator: Aggregator | None = None,
    cutoffs: Sequence[float] = DEFAULT_CUTOFFS,
    provenance: Provenance | None = None,
) -> Correction:
    """Estimate tier shares of the whole from a sample whose agents had known chances.

    Parameters
    ----------
    frame, chance
        The sample: see `known_draw`.
    indicators
        Names, or indicators.
    method, steps, aggregator, cutoffs, provenance
        As for `blueattr.attribution.attribute.attribute`.

    Returns
    -------
    Correction

    Raises
    ------
    UsageError, FeatureError, EmptyPanelError
        As `known_draw`.
    ZeroTotalError
        When an indicator is 0 on the sample.

    Notes
    -----
    docs/methods.md, "Samples put right".
    """
    chosen = [find_indicator(one) for one in indicators]
    check_distinct("correction", "indicator", [one.name for one in chosen])
    edges, combine = check_cutoffs(cutoffs), aggregator or Aggregator()
    methods = [check_method(one, method, steps) for one in chosen]
    sample = known_draw(frame, chance, edges)
    population = float(sample.draw.weights.sum())
    return Correction(
        indicators=tuple(
            IndicatorCorrection(one.name, *how, _estimates(one, sample, combine, how[1], edges))
            for one, how in zip(chosen, methods, strict=True)
        ),
        n_agents=sample.panel.dids.len(),
        population_estimate=population,
        population=chance.population,
        n_eff=population**2 / float(sample.draw.weights @ sample.draw.weights),
        chance=chance,
        tiers_known=sample.cut is None,
        aggregator=combine,
        cutoffs=edges,
        provenance=provenance or Provenance(source="in memory"),
    )


def _estimates(
    indicator: Indicator,
    sample: KnownDraw,
    aggregator: Aggregator,
    steps: int | None,
    cutoffs: Sequence[float],
) -> tuple[TierEstimate, ...]:
    alone = Draw(sample.draw.features, np.ones(sample.panel.dids.len()))
    raw = estimate(indicator, alone, sample.tiers, aggregator, steps)
    found = estimate(indicator, sample.draw, sample.tiers, aggregator, steps, cut=sample.cut)
    if raw is None or found is None:
        why = indicator.zero_reason(sample.panel.means)
        raise ZeroTotalError(
            f"the indicator {indicator.name!r} is 0 on this sample, so there is nothing to share "
            f"out: {why}"
        )
    return tuple(
        TierEstimate(
            name, before, share, error, ends and ends[0], ends and ends[1], agents
        )
        for name, before, share, error, ends, agents in zip(
            tier_names(cutoffs), raw.shares, found.shares, found.errors, found.intervals,
            found.agents, strict=True,
        )
    )  # fmt: skip
