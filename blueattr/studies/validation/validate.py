"""Validation: the Aumann-Shapley value and the baselines on the same panels, in one run."""

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, NamedTuple, TypeVar

import numpy as np

from blueattr import kernels
from blueattr.attribution.inputs import Panel
from blueattr.attribution.sampling import Sampler
from blueattr.attribution.tiers import rank
from blueattr.attribution.value import Method, check_method, solve
from blueattr.display import Presented
from blueattr.errors import UsageError, ZeroTotalError
from blueattr.indicators.base import Aggregator, FeatureArrays, Indicator, MomentIndicator, Solution
from blueattr.indicators.custom import OwnIndicator
from blueattr.indicators.find import find_indicator
from blueattr.kernels import FloatArray
from blueattr.provenance import IndicatorInfo, Provenance
from blueattr.studies.validation.agreement import Agreement, agreement
from blueattr.studies.validation.baselines import (
    DEFAULT_COALITIONS,
    DEFAULT_PERMUTATIONS,
    MOST_EXACT_AGENTS,
    SampledBanzhaf,
    SampledShapley,
    check_coalitions,
    check_permutations,
    exact_shapley,
    sampled_banzhaf,
    sampled_shapley,
)

__all__ = [
    "DEFAULT_EXACT",
    "DEFAULT_SIZES",
    "EXACT_PERMUTATIONS",
    "MethodName",
    "MethodRun",
    "Validation",
    "ValidationBlock",
    "validate",
]


MethodName = Literal["Aumann-Shapley", "exact Shapley", "sampled Shapley", "sampled Banzhaf"]


DEFAULT_SIZES = (100, 1000, 10_000)
DEFAULT_EXACT = 12
EXACT_PERMUTATIONS = (100, 1000, 10_000)
"""Also walked where exact values exist, so that a reader sees the estimates approach them."""
_DRAWS = 100
_ROUNDING = 1e-12  # relative errors below are rounding
_REPEATS, _ENOUGH_SECONDS = 5, 0.5
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class MethodRun:
    """One method on one panel.

    Parameters
    ----------
    method
        What was computed.
    budget
        Permutations or coalitions; 2^n for exact Shapley; None for Aumann-Shapley.
    agreement
        With the block's reference; the Banzhaf values as normalised. None where those cannot be.
    efficiency_error
        |Σφ - (v(N) - v(∅))|, of the Banzhaf values before they are normalised.
    largest_standard_error
        Over the agents; None for what is not sampled. Of the Banzhaf values as normalised, the
        factor being taken as given.
    largest_deviation
        The largest |φ̂ - φ| in units of its standard error, where φ is the exact Shapley value that
        φ̂ estimates; else None.
    undetermined
        Agents in all coalitions or in none; None for other methods.
    seconds, runs
        Wall time from checked features to values, the median of so many runs, compiled code being
        ready.
    law
        How the time grows with n, for a given budget.
    full_seconds
        On the full panel; None where it is out of reach, or the block is not the largest.
    extrapolated
        Whether ``full_seconds`` follows from ``seconds`` by the law, or was measured.
    """

    method: MethodName
    budget: int | None
    agreement: Agreement | None
    efficiency_error: float
    largest_standard_error: float | None
    largest_deviation: float | None
    undetermined: int | None
    seconds: float
    runs: int
    law: str
    full_seconds: float | None
    extrapolated: bool


@dataclass(frozen=True, slots=True)
class ValidationBlock:
    """All methods on one panel, for one indicator.

    Parameters
    ----------
    indicator, info
        The value function, and where it comes from; None for the four.
    method, steps
        How its Aumann-Shapley value is computed; K of the quadrature, None for a closed form.
    n_agents
        n of this panel, drawn uniformly from the full one.
    draw
        Which of the seed's draws it is, from 0: the first on which no indicator asked for is 0.
    total
        v(N).
    reference
        What the others are compared with: exact Shapley where n is small enough.
    runs
        The reference first; empty where there is no answer.
    undefined
        Why there is no answer, else empty.
    """

    indicator: str
    info: IndicatorInfo | None
    method: Method
    steps: int | None
    n_agents: int
    draw: int
    total: float
    reference: MethodName
    runs: tuple[MethodRun, ...]
    undefined: str


@dataclass(frozen=True)
class Validation(Presented):
    """The Aumann-Shapley value beside the baselines, with what is needed to redo it.

    Parameters
    ----------
    blocks
        By indicator, then by ascending n.
    n_agents
        n of the full panel.
    sizes
        n of the blocks, ascending.
    left_out
        Default sizes that the panel is too small for.
    permutations, coalitions
        Budgets. Blocks with exact values have `EXACT_PERMUTATIONS` as well.
    antithetic, seed, aggregator
        As for `validate`.
    means, moment
        m_a, m_b, m_c and M of the full panel.
    provenance
        Where the features came from.
    """

    blocks: tuple[ValidationBlock, ...]
    n_agents: int
    sizes: tuple[int, ...]
    left_out: tuple[int, ...]
    permutations: tuple[int, ...]
    coalitions: tuple[int, ...]
    antithetic: bool
    seed: int
    aggregator: Aggregator
    means: tuple[float, float, float]
    moment: float
    provenance: Provenance


# --- the blocks ----------------------------------------------------------------------------------


class _Timing(NamedTuple):
    seconds: float
    runs: int


def _timed(work: Callable[[], _T]) -> tuple[_T, _Timing]:
    """Run a few times; give the result and the median time."""
    seconds: list[float] = []
    while True:
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
        if len(seconds) == _REPEATS or sum(seconds) > _ENOUGH_SECONDS:
            return result, _Timing(statistics.median(seconds), len(seconds))


def _deviation(values: FloatArray, errors: FloatArray, exact: FloatArray) -> float | None:
    # An estimate that is exact up to rounding has no error to be measured in.
    varying = errors > _ROUNDING * np.abs(exact).max()
    if not varying.any():
        return None
    return float((np.abs(values - exact)[varying] / errors[varying]).max())


class _Asked(NamedTuple):
    indicator: Indicator
    method: Method
    steps: int | None

    @property
    def info(self) -> IndicatorInfo | None:
        return self.indicator.info if isinstance(self.indicator, MomentIndicator) else None


@dataclass(frozen=True)
class _Validation:
    """What is the same for all blocks."""

    panel: Panel
    aggregator: Aggregator
    permutations: tuple[int, ...]
    coalitions: tuple[int, ...]
    antithetic: bool
    seed: int

    def draw(self, size: int, asked: Sequence[_Asked]) -> tuple[Panel, int]:
        """Draw a panel on which no indicator is 0; the first one, where there is none such."""
        full = self.panel
        sampler = Sampler(full.followers, full.activity, full.order)
        first: Panel | None = None
        for repeat in range(_DRAWS if size < len(full.dids) else 1):
            index = np.sort(sampler.draw("random", size, seed=self.seed, repeat=repeat))
            features = full.features.take(index)
            followers = full.followers[index]
            drawn = Panel(
                dids=full.dids.gather(index),
                features=features,
                followers=followers,
                activity=full.activity[index],
                order=rank(followers, features.a),
                means=features.means(),
            )
            if all(self.total(one, drawn) for one in asked):
                return drawn, repeat
            first = first or drawn
        assert first is not None  # noqa: S101 - there is at least one draw
        return first, 0

    def solve(self, asked: _Asked, features: FeatureArrays) -> Solution:
        return solve(asked.indicator, features, self.aggregator, asked.steps)

    def total(self, asked: _Asked, panel: Panel) -> float:
        return self.solve(asked, panel.features).total

    def block(self, asked: _Asked, panel: Panel, draw: int, *, largest: bool) -> ValidationBlock:
        n = len(panel.dids)
        reference: MethodName = "exact Shapley" if n <= MOST_EXACT_AGENTS else "Aumann-Shapley"
        total = self.total(asked, panel)
        runs: tuple[MethodRun, ...] = ()
        if total != 0:
            runs = tuple(self.runs(asked, panel, total, largest=largest))
        return ValidationBlock(
            indicator=asked.indicator.name,
            info=asked.info,
            method=asked.method,
            steps=asked.steps,
            n_agents=n,
            draw=draw,
            total=total,
            reference=reference,
            runs=runs,
            undefined="" if runs else asked.indicator.zero_reason(panel.means),
        )

    def warm_up(self, asked: _Asked, panel: Panel) -> None:
        """Compile what will be timed."""
        self.total(asked, panel)
        self.shapley(asked, panel, 4)
        self.banzhaf(asked, panel, 2)

    def shapley(self, asked: _Asked, panel: Panel, permutations: int) -> SampledShapley:
        return sampled_shapley(
            panel,
            asked.indicator,
            permutations=permutations,
            antithetic=self.antithetic,
            seed=self.seed,
            aggregator=self.aggregator,
        )

    def banzhaf(self, asked: _Asked, panel: Panel, coalitions: int) -> SampledBanzhaf:
        return sampled_banzhaf(
            panel,
            asked.indicator,
            coalitions=coalitions,
            seed=self.seed,
            aggregator=self.aggregator,
        )

    def runs(self, asked: _Asked, panel: Panel, total: float, *, largest: bool) -> list[MethodRun]:
        n = len(panel.dids)
        sorts = not isinstance(asked.indicator, MomentIndicator)
        law = "O(n log n)" if sorts else "O(n)"
        budgets, exact, runs = self.permutations, None, []
        found, timing = _timed(lambda: self.solve(asked, panel.features).values)
        reference = found
        if n <= MOST_EXACT_AGENTS:
            budgets = tuple(sorted({*budgets, *EXACT_PERMUTATIONS}))
            answer, timing_exact = _timed(
                lambda: exact_shapley(panel, asked.indicator, aggregator=self.aggregator)
            )
            reference = exact = answer.values
            runs.append(
                _run("exact Shapley", answer.coalitions, exact, reference=exact, total=total,
                     timing=timing_exact, law="O(n 2^n)", full=None)
            )  # fmt: skip
        full = _Timing(self.full_seconds(asked, timing, n), 1) if largest else None
        runs.append(
            _run("Aumann-Shapley", None, found, reference=reference, total=total, timing=timing,
                 law=law, full=full)
        )  # fmt: skip
        for budget in budgets:
            sampled, timing = _timed(partial(self.shapley, asked, panel, budget))
            full = self.extrapolate(timing, n, sorts=sorts) if largest else None
            run = _run("sampled Shapley", budget, sampled.values, reference=reference, total=total,
                       timing=timing, law=f"{law} per permutation", full=full)  # fmt: skip
            errors = sampled.standard_errors
            runs.append(
                replace(
                    run,
                    largest_standard_error=float(errors.max()),
                    largest_deviation=(
                        None if exact is None else _deviation(sampled.values, errors, exact)
                    ),
                )
            )
        for budget in self.coalitions:
            drawn, timing = _timed(partial(self.banzhaf, asked, panel, budget))
            full = self.extrapolate(timing, n, sorts=False) if largest else None
            runs.append(_banzhaf_run(drawn, reference, timing, full))
        return runs

    def full_seconds(self, asked: _Asked, timing: _Timing, n: int) -> float:
        """Measure the Aumann-Shapley value on the full panel."""
        if n == len(self.panel.dids):
            return timing.seconds
        features = self.panel.features
        return _timed(lambda: self.solve(asked, features))[1].seconds

    def extrapolate(self, timing: _Timing, n: int, *, sorts: bool) -> _Timing:
        """Give the time on the full panel; its runs are 0 where it had to be extrapolated."""
        full = len(self.panel.dids)
        logs = math.log2(max(full, 2)) / math.log2(max(n, 2)) if sorts else 1.0
        return _Timing(timing.seconds * (full / n) * logs, int(full == n))


def _run(
    method: MethodName,
    budget: int | None,
    values: FloatArray,
    *,
    reference: FloatArray,
    total: float,
    timing: _Timing,
    law: str,
    full: _Timing | None,
) -> MethodRun:
    return MethodRun(
        method=method,
        budget=budget,
        agreement=agreement(values, reference),
        efficiency_error=abs(float(kernels.exact_sum(values)) - total),
        largest_standard_error=None,
        largest_deviation=None,
        undetermined=None,
        seconds=timing.seconds,
        runs=timing.runs,
        law=law,
        full_seconds=None if full is None else full.seconds,
        extrapolated=full is not None and full.runs == 0,
    )


def _banzhaf_run(
    drawn: SampledBanzhaf, reference: FloatArray, timing: _Timing, full: _Timing | None
) -> MethodRun:
    raw = _run("sampled Banzhaf", drawn.coalitions, drawn.values, reference=reference,
               total=drawn.total, timing=timing, law="O(n) per coalition", full=full)  # fmt: skip
    raw = replace(raw, undetermined=drawn.undetermined)
    try:
        normalised = drawn.normalised
    except ZeroTotalError:  # the row says so: it has no agreement
        return replace(raw, agreement=None)
    factor = drawn.total / float(kernels.exact_sum(drawn.values))
    return replace(
        raw,
        agreement=agreement(normalised, reference),
        largest_standard_error=factor * float(drawn.standard_errors.max()),
    )


def _choose_sizes(
    sampler: Sampler, sizes: Sequence[int] | None, exact: int | None
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Settle the sizes of the blocks; give them, and the default ones that are left out."""
    n = sampler.order.size
    if exact is not None and not 1 <= exact <= MOST_EXACT_AGENTS:
        raise UsageError(f"exact values exist for 1 to {MOST_EXACT_AGENTS} agents, not {exact}")
    small = min(DEFAULT_EXACT, n) if exact is None else exact
    chosen = DEFAULT_SIZES if sizes is None else tuple(sizes)
    left_out = tuple(size for size in chosen if size > n) if sizes is None else ()
    if left_out == chosen:
        chosen = (n,)
    chosen = tuple(sorted({small, *chosen} - set(left_out)))
    for size in chosen:
        sampler.check_size("random", size)
    return chosen, left_out


def _distinct(what: str, values: Sequence[object]) -> None:
    if not values:
        raise UsageError(f"a validation needs at least one {what}")
    if len(set(values)) < len(values):
        raise UsageError(f"each {what} is named once, not {', '.join(map(str, values))}")


def validate(
    frame: object,
    indicators: Sequence[str | Indicator | OwnIndicator] = ("heat",),
    *,
    sizes: Sequence[int] | None = None,
    exact: int | None = None,
    permutations: Sequence[int] = (DEFAULT_PERMUTATIONS,),
    coalitions: Sequence[int] = (DEFAULT_COALITIONS,),
    antithetic: bool = False,
    seed: int = 0,
    method: str = "auto",
    steps: int | None = None,
    aggregator: Aggregator | None = None,
    provenance: Provenance | None = None,
) -> Validation:
    """Compute the Aumann-Shapley value and the baselines on the same panels, in one run.

    For each size a panel is drawn uniformly from the given one, without replacement: the first of
    up to 100 draws on which no indicator asked for is 0. It is a panel of its own, n = its size.

    Parameters
    ----------
    frame
        The features: see `blueattr.attribution.inputs.check_features`.
    indicators
        Names, or indicators.
    sizes
        n of the panels; by default those of 100, 1,000 and 10,000 that the panel allows, or all of
        it if it is smaller.
    exact
        n of the panel that also has exact Shapley values, 1 to 20; 12 by default, or all agents
        where there are fewer.
    permutations, coalitions
        Budgets of the sampled methods, each of which makes a run.
    antithetic, seed
        As for `blueattr.studies.validation.baselines.sampled_shapley`; the seed also draws the
        panels.
    method, steps, aggregator, provenance
        As for `blueattr.attribution.attribute.attribute`.

    Returns
    -------
    Validation

    Raises
    ------
    UsageError
        For arguments that make no sense.
    FeatureError, EmptyPanelError
        As `blueattr.attribution.inputs.check_features`.
    SampleSizeError
        When a size asked for is larger than the panel.
    ZeroTotalError
        When an indicator is 0 on the full panel.

    Notes
    -----
    docs/methods.md, "Validation".
    """
    chosen = [find_indicator(indicator) for indicator in indicators]
    _distinct("indicator", [indicator.name for indicator in chosen])
    for what, values in (("number of permutations", permutations), ("budget", coalitions)):
        _distinct(what, values)
    if sizes is not None:
        _distinct("size", sizes)
    for budget in permutations:
        check_permutations(budget, antithetic=antithetic)
    for budget in coalitions:
        check_coalitions(budget)
    asked = [_Asked(one, *check_method(one, method, steps)) for one in chosen]

    panel = Panel.of(frame)
    sampler = Sampler(panel.followers, panel.activity, panel.order)
    drawn_sizes, left_out = _choose_sizes(sampler, sizes, exact)
    plan = _Validation(
        panel=panel,
        aggregator=aggregator or Aggregator(),
        permutations=tuple(sorted(permutations)),
        coalitions=tuple(sorted(coalitions)),
        antithetic=antithetic,
        seed=seed,
    )
    for one in asked:
        _refuse_zero(one.indicator, plan.total(one, panel), panel)
    drawn = [plan.draw(size, asked) for size in drawn_sizes]
    blocks: list[ValidationBlock] = []
    for one in asked:
        plan.warm_up(one, drawn[0][0])
        for smaller, draw in drawn:
            blocks.append(plan.block(one, smaller, draw, largest=smaller is drawn[-1][0]))
    return Validation(
        blocks=tuple(blocks),
        n_agents=len(panel.dids),
        sizes=drawn_sizes,
        left_out=left_out,
        permutations=plan.permutations,
        coalitions=plan.coalitions,
        antithetic=antithetic,
        seed=seed,
        aggregator=plan.aggregator,
        means=panel.means,
        moment=math.prod(panel.means),
        provenance=provenance or Provenance(source="in memory"),
    )


def _refuse_zero(indicator: Indicator, total: float, panel: Panel) -> None:
    if total == 0:
        raise ZeroTotalError(
            f"the indicator {indicator.name!r} is 0 on this panel, so there is nothing to "
            f"validate: {indicator.zero_reason(panel.means)}"
        )
