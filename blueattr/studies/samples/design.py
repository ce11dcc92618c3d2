"""How large a sample must be for its corrected shares to be as sure as one wants."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from blueattr.attribution.sampling import Protocol
from blueattr.attribution.tiered import PanelChoice
from blueattr.display import Presented
from blueattr.errors import NoAnswerError, UsageError
from blueattr.indicators.base import Aggregator, Indicator
from blueattr.kernels import FloatArray
from blueattr.provenance import Provenance
from blueattr.studies.samples.correction import FEWEST, NORMAL_95, Draw, bisect, linearise

__all__ = ["Design", "DesignPoint", "Designs", "Population", "design", "threshold"]


_POINTS = 40  # of the curve


@dataclass(frozen=True)
class Population:
    """A panel, or a pilot sample that stands for one, from which samples would be drawn.

    Parameters
    ----------
    draw
        Its agents; of a whole panel, each with probability 1.
    tiers
        float64 (N, T), as for `blueattr.studies.samples.correction.estimate`.
    weights
        float64 (N,), w_i > 0 of the protocol: see
        `blueattr.attribution.sampling.Sampler.draw_weights`.
    """

    draw: Draw
    tiers: FloatArray
    weights: FloatArray

    @property
    def size(self) -> float:
        """The number of agents that it stands for."""
        return float(self.draw.weights.sum())


@dataclass(frozen=True, slots=True)
class DesignPoint:
    """What samples of one size would give.

    Parameters
    ----------
    size
        N.
    half_widths
        Of the 95 % interval of each tier's corrected share, from the top down.
    n_e
        How many agents each tier's estimate would effectively rest on.
    """

    size: int
    half_widths: tuple[float, ...]
    n_e: tuple[float, ...]

    @property
    def worst(self) -> float:
        """The largest of the half-widths."""
        return max(self.half_widths)


@dataclass(frozen=True, slots=True)
class Design:
    """The smallest sample that is sure enough, and what others would give.

    Parameters
    ----------
    indicator, protocol, within
        What was asked for: the half-width as a share.
    size
        The smallest N at which the interval of no tier reaches further than `within` to each side,
        and every tier has one; None if no sample short of the whole does.
    curve
        By ascending size; without the whole, which is certain.
    """

    indicator: str
    protocol: Protocol
    within: float
    size: int | None
    curve: tuple[DesignPoint, ...]


@dataclass(frozen=True, repr=False)
class Designs(Presented):
    """How large a sample must be, by indicator.

    Parameters
    ----------
    indicators
        One of each indicator, in the order of the question.
    protocol, within
        What was asked for.
    population
        The number of agents there are; estimated from a pilot.
    pilot
        The size of the pilot sample; None if all agents are known.
    cutoffs, panel, provenance
        As in `blueattr.attribution.attribute.AttributionResult`.
    """

    indicators: tuple[Design, ...]
    protocol: Protocol
    within: float
    population: float
    pilot: int | None
    cutoffs: tuple[float, ...]
    panel: PanelChoice
    provenance: Provenance

    @property
    def n_agents(self) -> int:
        """The population in whole agents."""
        return round(self.population)


def threshold(weights: FloatArray, counts: FloatArray, size: float) -> float:
    """Find τ with Σ c_i (1 - e^(-w_i τ)) = N, by bisection.

    Parameters
    ----------
    weights
        float64 (k,), w_i > 0.
    counts
        float64 (k,), for how many agents each stands, c_i.
    size
        N, above 0 and below Σc.

    Returns
    -------
    float
        τ > 0. The sum rises from 0 to Σc with τ, so there is one.
    """
    low, high = 0.0, size / float(counts @ weights)
    while float(counts @ -np.expm1(-weights * high)) < size:
        low, high = high, 2 * high
    return bisect(lambda tau: float(counts @ -np.expm1(-weights * tau)) < size, low, high)


def design(
    indicator: Indicator,
    population: Population,
    within: float,
    aggregator: Aggregator,
    steps: int | None = None,
    *,
    protocol: Protocol = "visibility",
    sizes: Sequence[int] | None = None,
) -> Design:
    """Find the smallest sample whose corrected shares are sure enough.

    Parameters
    ----------
    indicator, aggregator, steps
        What to attribute, as for `blueattr.attribution.value.solve`.
    population
        From whom samples would be drawn.
    within
        The largest half-width of a tier's 95 % interval, as a share: above 0 and below 1.
    protocol
        By which the samples would be drawn, for the result.
    sizes
        Those of the curve; None for some between 10 (1 of 10 agents or fewer) and the whole, and
        the one that is enough.

    Returns
    -------
    Design

    Raises
    ------
    UsageError
        When `within` is not as above.
    NoAnswerError
        When the indicator is 0 on the population.

    Notes
    -----
    The variance that a sample of N will have, V(N) = Σ e_i² (1/π_i - 1) over the panel, from a
    pilot Σ u_i e_i² (1/π'_i - 1), with the influences e of docs/methods.md, "Samples put right".
    """
    if not 0 < within < 1:
        raise UsageError(f"a half-width is a share between 0 and 1, not {within:g}")
    found = linearise(indicator, population.draw, population.tiers, aggregator, steps)
    if found is None:
        raise NoAnswerError(f"the indicator {indicator.name!r} is 0 here, so that it has no shares")
    table = _Weights.of(population, found.influences)
    whole = math.floor(population.size)
    enough = _smallest(table, within, whole)
    if sizes is None:
        smallest = 10 if whole > 10 else 1
        spread = np.geomspace(smallest, whole, _POINTS).round().astype(int).tolist()
        sizes = sorted({*spread, *([] if enough is None else [enough])})
    return Design(
        indicator=indicator.name,
        protocol=protocol,
        within=within,
        size=enough,
        curve=tuple(table.point(size) for size in sizes if size < whole),
    )


@dataclass(frozen=True)
class _Weights:
    """The agents by their weights, of which a large panel has few different ones."""

    weights: FloatArray  # (k,)
    counts: FloatArray  # (k,), Σu
    squares: FloatArray  # (k, T), Σ u e²
    sizes: FloatArray  # (T,), Σ u |e|

    @classmethod
    def of(cls, population: Population, influences: FloatArray) -> "_Weights":
        weights, place = np.unique(population.weights, return_inverse=True)
        u = population.draw.weights

        def by_weight(values: FloatArray) -> FloatArray:
            return np.bincount(place, values, weights.size).astype(np.float64, copy=False)

        return cls(
            weights,
            by_weight(u),
            np.column_stack([by_weight(u * e * e) for e in influences.T]),
            u @ np.abs(influences),
        )

    def point(self, size: int) -> DesignPoint:
        """Say what samples of a size below that of the population would give."""
        chances = -np.expm1(-self.weights * threshold(self.weights, self.counts, size))
        odds = 1 / chances
        errors = np.sqrt((odds - 1) @ self.squares)
        agents = np.divide(
            self.sizes**2, odds @ self.squares, out=np.full_like(self.sizes, np.inf),
            where=self.sizes > 0,
        )  # fmt: skip
        return DesignPoint(size, tuple((NORMAL_95 * errors).tolist()), tuple(agents.tolist()))

    def is_enough(self, size: int, within: float) -> bool:
        """Return whether samples of a size have an interval for each tier, none too wide."""
        point = self.point(size)
        return point.worst <= within and min(point.n_e) >= FEWEST


def _smallest(table: _Weights, within: float, whole: int) -> int | None:
    """Find the smallest sample that is enough: more agents never make one less sure."""
    low, high = 0, whole
    while high - low > 1:
        middle = (low + high) // 2
        if table.is_enough(middle, within):
            high = middle
        else:
            low = middle
    return high if high < whole else None
