"""Baselines for the Aumann-Shapley value: exact and sampled Shapley, sampled Banzhaf."""

from dataclasses import dataclass

import polars as pl

from blueattr import kernels
from blueattr.attribution.inputs import Panel
from blueattr.attribution.value import check_method, solve
from blueattr.errors import UsageError, ZeroTotalError
from blueattr.indicators.base import Aggregator, Indicator
from blueattr.indicators.custom import OwnIndicator
from blueattr.indicators.find import find_indicator
from blueattr.kernels import FloatArray
from blueattr.studies.validation.estimates import banzhaf_means, permutation_means, shapley_of
from blueattr.studies.validation.games import Game, make_game

__all__ = [
    "DEFAULT_COALITIONS",
    "DEFAULT_PERMUTATIONS",
    "MOST_EXACT_AGENTS",
    "ExactShapley",
    "SampledBanzhaf",
    "SampledShapley",
    "check_coalitions",
    "check_permutations",
    "exact_shapley",
    "sampled_banzhaf",
    "sampled_shapley",
]


MOST_EXACT_AGENTS = 20
DEFAULT_PERMUTATIONS = 1000
DEFAULT_COALITIONS = 200


@dataclass(frozen=True)
class ExactShapley:
    """The Shapley value, from all coalitions.

    Parameters
    ----------
    indicator, aggregator
        The value function.
    dids
        str (n,), ascending.
    values
        float64 (n,), in that order.
    total
        v(N), to which they sum; v(∅) is 0.
    coalitions
        2^n.
    """

    indicator: str
    aggregator: Aggregator
    dids: pl.Series
    values: FloatArray
    total: float
    coalitions: int


@dataclass(frozen=True)
class SampledShapley:
    """The Shapley value, estimated from random permutations.

    Parameters
    ----------
    indicator, aggregator, dids, total
        As for `ExactShapley`.
    values
        float64 (n,): mean marginal contributions. They sum to ``total`` up to rounding, because
        those along one permutation do.
    standard_errors
        float64 (n,), of each mean; with ``antithetic`` from the means of the pairs.
    permutations
        Number of permutations, backward ones included.
    antithetic
        Whether every second permutation is the reverse of the one before.
    seed
        Permutation k of a seed does not depend on their number.
    """

    indicator: str
    aggregator: Aggregator
    dids: pl.Series
    values: FloatArray
    standard_errors: FloatArray
    total: float
    permutations: int
    antithetic: bool
    seed: int


@dataclass(frozen=True)
class SampledBanzhaf:
    """The Banzhaf value, estimated from random coalitions by maximum sample reuse.

    Parameters
    ----------
    indicator, aggregator, dids, total
        As for `ExactShapley`.
    values
        float64 (n,): mean v(S) over the coalitions with the agent, less the mean over those
        without it. They do not sum to ``total``; see `normalised`.
    standard_errors
        float64 (n,), of these differences.
    coalitions
        Number of coalitions.
    undetermined
        Number of agents that are in all coalitions or in none. One of their two means does not
        exist and is replaced by the mean over all coalitions: their value is 0, and their
        standard error at least the standard deviation of v(S). The probability is
        2^(1 - coalitions) for each agent.
    seed
        Coalition m of a seed does not depend on their number.
    """

    indicator: str
    aggregator: Aggregator
    dids: pl.Series
    values: FloatArray
    standard_errors: FloatArray
    total: float
    coalitions: int
    undetermined: int
    seed: int

    @property
    def normalised(self) -> FloatArray:
        """The values times the factor that makes them sum to v(N), float64 (n,).

        Raises
        ------
        ZeroTotalError
            When no positive factor does: too few coalitions, or v(N) is 0.
        """
        attributed = float(kernels.exact_sum(self.values))
        if attributed == 0 or self.total / attributed <= 0:
            raise ZeroTotalError(
                f"the Banzhaf estimates of {self.indicator!r} sum to {attributed:g} and the "
                f"indicator is {self.total:g}, so that no positive factor makes them shares of "
                "it; draw more coalitions"
            )
        normalised: FloatArray = self.values * (self.total / attributed)
        return normalised


# --- the baselines -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Inputs:
    """The checked arguments of a baseline."""

    indicator: Indicator
    aggregator: Aggregator
    panel: Panel

    @classmethod
    def of(
        cls, frame: object, indicator: str | Indicator | OwnIndicator, aggregator: Aggregator | None
    ) -> "_Inputs":
        return cls(
            find_indicator(indicator),
            aggregator or Aggregator(),
            frame if isinstance(frame, Panel) else Panel.of(frame),
        )

    @property
    def n(self) -> int:
        return len(self.panel.dids)

    def total(self) -> float:
        """Return v(N) as the attribution computes it; this also checks the statistics."""
        _, steps = check_method(self.indicator, "auto", None)
        return solve(self.indicator, self.panel.features, self.aggregator, steps).total

    def game(self) -> Game:
        return make_game(self.indicator, self.panel.features, self.aggregator)


def check_permutations(permutations: int, *, antithetic: bool) -> None:
    """Check that permutations are enough for a standard error.

    Raises
    ------
    UsageError
        For fewer than 2; with antithetic pairs for an odd number or fewer than 4.
    """
    if permutations < (4 if antithetic else 2) or (antithetic and permutations % 2):
        needed = "an even number of permutations, at least 4" if antithetic else "2 permutations"
        raise UsageError(f"a standard error needs {needed}, not {permutations}")


def check_coalitions(coalitions: int) -> None:
    """Check that coalitions are enough for a standard error.

    Raises
    ------
    UsageError
        For fewer than 2.
    """
    if coalitions < 2:
        raise UsageError(f"a standard error needs at least 2 coalitions, not {coalitions}")


def exact_shapley(
    frame: object,
    indicator: str | Indicator | OwnIndicator = "heat",
    *,
    aggregator: Aggregator | None = None,
) -> ExactShapley:
    """Compute the Shapley value from all 2^n coalitions.

    Parameters
    ----------
    frame
        The features, of at most 20 agents: see `blueattr.attribution.inputs.check_features`; or a
        `blueattr.attribution.inputs.Panel`.
    indicator
        A name, or an indicator: see `blueattr.indicators.find.find_indicator`.
    aggregator
        Of ``lin``, ``var`` and ``gini``; by default the mean.

    Returns
    -------
    ExactShapley
        φ_i = Σ_{S∌i} |S|! (n - |S| - 1)! / n! · (v(S + i) - v(S)). Subset sums cost O(2^n) and the
        differences O(n 2^n).

    Raises
    ------
    UsageError
        For more than 20 agents; it never falls back on sampling.
    FeatureError, EmptyPanelError
        As `blueattr.attribution.inputs.check_features`.

    Notes
    -----
    Shapley (1953), "A value for n-person games"; docs/methods.md, "Baselines".

    Examples
    --------
    >>> frame = pl.DataFrame({"did": ["x", "y"], "a": [1, 3], "b": [2, 2], "c": [0, 4]})
    >>> exact_shapley(frame, "lin").values.tolist()
    [0.5, 1.5]
    """
    inputs = _Inputs.of(frame, indicator, aggregator)
    n = inputs.n
    if n > MOST_EXACT_AGENTS:
        raise UsageError(
            f"the exact Shapley value needs all 2^n coalitions, so at most {MOST_EXACT_AGENTS} "
            f"agents, not {n:,}; sample it for more"
        )
    total = inputs.total()
    v = inputs.game().all_coalitions()
    values = shapley_of(v)
    return ExactShapley(
        indicator=inputs.indicator.name,
        aggregator=inputs.aggregator,
        dids=inputs.panel.dids,
        values=values,
        total=total,
        coalitions=v.size,
    )


def sampled_shapley(
    frame: object,
    indicator: str | Indicator | OwnIndicator = "heat",
    *,
    permutations: int = DEFAULT_PERMUTATIONS,
    antithetic: bool = False,
    seed: int = 0,
    aggregator: Aggregator | None = None,
) -> SampledShapley:
    """Estimate the Shapley value: the mean marginal contribution over random permutations.

    A permutation costs n additions to the running sums of a moment indicator, and O(n log n) for
    ``gini``. ``lin``, ``heat``, ``var`` and ``gini`` are compiled and use every core. The F of
    another indicator is Python, evaluated for a whole permutation at once if F takes arrays of
    points, else point by point. The result does not depend on the number of threads.

    Parameters
    ----------
    frame, indicator, aggregator
        As for `exact_shapley`, of any number of agents.
    permutations
        How many, at least 2.
    antithetic
        Walk each permutation backwards as well. This reduces variance if marginal contributions
        are monotonic in the agents before. The number of permutations, which includes the
        backward ones, must be even and at least 4.
    seed
        At least 0.

    Returns
    -------
    SampledShapley

    Raises
    ------
    UsageError
        For numbers that are not as above.
    FeatureError, EmptyPanelError
        As `blueattr.attribution.inputs.check_features`.

    Notes
    -----
    Castro, Gómez & Tejada (2009), "Polynomial calculation of the Shapley value based on
    sampling", Comput. Oper. Res. 36(5); antithetic pairs: Mitchell et al. (2022), "Sampling
    permutations for Shapley value estimation", JMLR 23. docs/methods.md, "Baselines".
    """
    inputs = _Inputs.of(frame, indicator, aggregator)
    check_permutations(permutations, antithetic=antithetic)
    estimate = permutation_means(
        inputs.game(), inputs.n, permutations=permutations, antithetic=antithetic, seed=seed
    )
    return SampledShapley(
        indicator=inputs.indicator.name,
        aggregator=inputs.aggregator,
        dids=inputs.panel.dids,
        values=estimate.values,
        standard_errors=estimate.standard_errors,
        total=inputs.total(),
        permutations=permutations,
        antithetic=antithetic,
        seed=seed,
    )


def sampled_banzhaf(
    frame: object,
    indicator: str | Indicator | OwnIndicator = "heat",
    *,
    coalitions: int = DEFAULT_COALITIONS,
    seed: int = 0,
    aggregator: Aggregator | None = None,
) -> SampledBanzhaf:
    """Estimate the Banzhaf value by maximum sample reuse.

    Every agent is in each coalition with probability ½, and every coalition is used for every
    agent: φ̂_i = mean v(S∋i) - mean v(S∌i). A coalition costs O(n), for ``gini`` after one sort.

    Parameters
    ----------
    frame, indicator, aggregator
        As for `exact_shapley`, of any number of agents.
    coalitions
        How many, at least 2. With few of them an agent may be in all or in none: see
        `SampledBanzhaf`.
    seed
        At least 0.

    Returns
    -------
    SampledBanzhaf
        A standard error is √(s²_in / n_in + s²_out / n_out); where fewer than two coalitions are
        on a side, the variance of v(S) over all coalitions takes the place of that side's.

    Raises
    ------
    UsageError
        For numbers that are not as above.
    FeatureError, EmptyPanelError
        As `blueattr.attribution.inputs.check_features`.

    Notes
    -----
    Wang & Jia (2023), "Data Banzhaf", AISTATS, arXiv 2205.15466; docs/methods.md, "Baselines".
    """
    inputs = _Inputs.of(frame, indicator, aggregator)
    check_coalitions(coalitions)
    estimate = banzhaf_means(inputs.game(), inputs.n, coalitions=coalitions, seed=seed)
    return SampledBanzhaf(
        indicator=inputs.indicator.name,
        aggregator=inputs.aggregator,
        dids=inputs.panel.dids,
        values=estimate.values,
        standard_errors=estimate.standard_errors,
        total=inputs.total(),
        coalitions=coalitions,
        undetermined=estimate.undetermined,
        seed=seed,
    )
