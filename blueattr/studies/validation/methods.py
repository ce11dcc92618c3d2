"""The methods of a validation on one panel: each timed, and compared with the reference."""

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np

from blueattr import kernels
from blueattr.attribution.inputs import Panel
from blueattr.attribution.value import Method, solve
from blueattr.errors import ZeroTotalError
from blueattr.indicators.base import Aggregator, FeatureArrays, Indicator, MomentIndicator, Solution
from blueattr.kernels import FloatArray
from blueattr.provenance import IndicatorInfo
from blueattr.studies.validation.agreement import agreement
from blueattr.studies.validation.baselines import (
    MOST_EXACT_AGENTS,
    SampledBanzhaf,
    SampledShapley,
    exact_shapley,
    sampled_banzhaf,
    sampled_shapley,
)
from blueattr.studies.validation.result import MethodName, MethodRun, ValidationBlock
from blueattr.studies.validation.timing import WallTime, measure

__all__ = ["EXACT_PERMUTATIONS", "IndicatorMethod", "Methods"]


EXACT_PERMUTATIONS = (100, 1000, 10_000)
"""Budgets added where exact values exist, so that a reader sees the estimates approach them."""
_ROUNDING = 1e-12  # relative errors below this are rounding


class IndicatorMethod(NamedTuple):
    """An indicator, and how its Aumann-Shapley value is computed."""

    indicator: Indicator
    method: Method
    steps: int | None

    @property
    def info(self) -> IndicatorInfo | None:
        """Where the indicator comes from; None for the four."""
        return self.indicator.info if isinstance(self.indicator, MomentIndicator) else None


@dataclass(frozen=True)
class Methods:
    """Every method of a validation, with what they have in common on all of its panels.

    Parameters
    ----------
    full
        The full panel. Times of the largest block are measured on it, or extrapolated to it.
    aggregator
        Of ``lin``, ``var`` and ``gini``.
    permutations, coalitions
        Budgets, ascending.
    antithetic, seed
        As for `blueattr.studies.validation.baselines.sampled_shapley`.
    """

    full: Panel
    aggregator: Aggregator
    permutations: tuple[int, ...]
    coalitions: tuple[int, ...]
    antithetic: bool
    seed: int

    def total(self, how: IndicatorMethod, panel: Panel) -> float:
        """Return v(N) of a panel."""
        return self._solve(how, panel.features).total

    def warm_up(self, how: IndicatorMethod, panel: Panel) -> None:
        """Compile the kernels that `block` will time."""
        self.total(how, panel)
        self._shapley(how, panel, 4)
        self._banzhaf(how, panel, 2)

    def block(
        self, how: IndicatorMethod, panel: Panel, draw: int, *, largest: bool
    ) -> ValidationBlock:
        """Run every method on a panel.

        Parameters
        ----------
        how
            The indicator and its method.
        panel, draw
            The panel, and which of the seed's draws it is.
        largest
            Whether it is the largest panel, whose times are extrapolated to the full one.
        """
        n = len(panel.dids)
        reference: MethodName = "exact Shapley" if n <= MOST_EXACT_AGENTS else "Aumann-Shapley"
        total = self.total(how, panel)
        runs: tuple[MethodRun, ...] = ()
        if total != 0:
            runs = tuple(self._runs(how, panel, total, largest=largest))
        return ValidationBlock(
            indicator=how.indicator.name,
            info=how.info,
            method=how.method,
            steps=how.steps,
            n_agents=n,
            draw=draw,
            total=total,
            reference=reference,
            runs=runs,
            undefined="" if runs else how.indicator.zero_reason(panel.means),
        )

    def _solve(self, how: IndicatorMethod, features: FeatureArrays) -> Solution:
        return solve(how.indicator, features, self.aggregator, how.steps)

    def _shapley(self, how: IndicatorMethod, panel: Panel, permutations: int) -> SampledShapley:
        return sampled_shapley(
            panel,
            how.indicator,
            permutations=permutations,
            antithetic=self.antithetic,
            seed=self.seed,
            aggregator=self.aggregator,
        )

    def _banzhaf(self, how: IndicatorMethod, panel: Panel, coalitions: int) -> SampledBanzhaf:
        return sampled_banzhaf(
            panel, how.indicator, coalitions=coalitions, seed=self.seed, aggregator=self.aggregator
        )

    def _runs(
        self, how: IndicatorMethod, panel: Panel, total: float, *, largest: bool
    ) -> list[MethodRun]:
        n = len(panel.dids)
        sorts = not isinstance(how.indicator, MomentIndicator)
        law = "O(n log n)" if sorts else "O(n)"
        budgets, exact, runs = self.permutations, None, []
        values, cost = measure(lambda: self._solve(how, panel.features).values)
        reference = values
        if n <= MOST_EXACT_AGENTS:
            budgets = tuple(sorted({*budgets, *EXACT_PERMUTATIONS}))
            answer, exact_cost = measure(
                lambda: exact_shapley(panel, how.indicator, aggregator=self.aggregator)
            )
            reference = exact = answer.values
            runs.append(
                _run("exact Shapley", answer.coalitions, exact, reference=exact, total=total,
                     cost=exact_cost, law="O(n 2^n)", full=None)
            )  # fmt: skip
        full = WallTime(self._full_seconds(how, cost, n), 1) if largest else None
        runs.append(
            _run("Aumann-Shapley", None, values, reference=reference, total=total, cost=cost,
                 law=law, full=full)
        )  # fmt: skip
        for budget in budgets:
            sampled, cost = measure(partial(self._shapley, how, panel, budget))
            full = self._extrapolate(cost, n, sorts=sorts) if largest else None
            run = _run("sampled Shapley", budget, sampled.values, reference=reference, total=total,
                       cost=cost, law=f"{law} per permutation", full=full)  # fmt: skip
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
            estimate, cost = measure(partial(self._banzhaf, how, panel, budget))
            full = self._extrapolate(cost, n, sorts=False) if largest else None
            runs.append(_banzhaf_run(estimate, reference, cost, full))
        return runs

    def _full_seconds(self, how: IndicatorMethod, cost: WallTime, n: int) -> float:
        """Measure the Aumann-Shapley value on the full panel."""
        if n == len(self.full.dids):
            return cost.seconds
        return measure(lambda: self._solve(how, self.full.features))[1].seconds

    def _extrapolate(self, cost: WallTime, n: int, *, sorts: bool) -> WallTime:
        """Return the time on the full panel."""
        full = len(self.full.dids)
        logs = math.log2(max(full, 2)) / math.log2(max(n, 2)) if sorts else 1.0
        return WallTime(cost.seconds * (full / n) * logs, int(full == n))


def _deviation(values: FloatArray, errors: FloatArray, exact: FloatArray) -> float | None:
    """Return the largest error in units of its standard error."""
    # An estimate that is exact up to rounding has no error to be measured in.
    varying = errors > _ROUNDING * np.abs(exact).max()
    if not varying.any():
        return None
    return float((np.abs(values - exact)[varying] / errors[varying]).max())


def _run(
    method: MethodName,
    budget: int | None,
    values: FloatArray,
    *,
    reference: FloatArray,
    total: float,
    cost: WallTime,
    law: str,
    full: WallTime | None,
) -> MethodRun:
    return MethodRun(
        method=method,
        budget=budget,
        agreement=agreement(values, reference),
        efficiency_error=abs(float(kernels.exact_sum(values)) - total),
        largest_standard_error=None,
        largest_deviation=None,
        undetermined=None,
        seconds=cost.seconds,
        runs=cost.runs,
        law=law,
        full_seconds=None if full is None else full.seconds,
        extrapolated=full is not None and full.runs == 0,
    )


def _banzhaf_run(
    estimate: SampledBanzhaf, reference: FloatArray, cost: WallTime, full: WallTime | None
) -> MethodRun:
    raw = _run("sampled Banzhaf", estimate.coalitions, estimate.values, reference=reference,
               total=estimate.total, cost=cost, law="O(n) per coalition", full=full)  # fmt: skip
    raw = replace(raw, undetermined=estimate.undetermined)
    try:
        normalised = estimate.normalised
    except ZeroTotalError:  # a note in the report says so
        return replace(raw, agreement=None)
    factor = estimate.total / float(kernels.exact_sum(estimate.values))
    return replace(
        raw,
        agreement=agreement(normalised, reference),
        largest_standard_error=factor * float(estimate.standard_errors.max()),
    )
