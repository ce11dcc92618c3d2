"""Validate: the attribution of a panel beside other values, and the error of its quadrature."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from blueattr.attribution.question import Question
from blueattr.provenance import Provenance
from blueattr.studies.convergence import Convergence, convergence
from blueattr.studies.validation.result import Validation
from blueattr.studies.validation.validate import validate

__all__ = ["Budget", "measure_convergence", "validate_panel"]


@dataclass(frozen=True, slots=True)
class Budget:
    """How much to compute for a validation; see `blueattr.studies.validation.validate.validate`."""

    permutations: tuple[int, ...]
    coalitions: tuple[int, ...]
    sizes: tuple[int, ...] | None = None
    exact: int | None = None
    antithetic: bool = False
    seed: int = 0


def validate_panel(
    frame: pl.DataFrame, origin: Provenance, question: Question, budget: Budget
) -> Validation:
    """Compare the attribution with exact and sampled Shapley and Banzhaf values.

    Parameters
    ----------
    frame, origin
        The panel: see `blueattr.analysis.features`.
    question
        What to attribute, and how; its tiers are ignored.
    budget
        The sizes of the panels, and the effort on each.
    """
    return validate(
        frame,
        question.indicators,
        sizes=budget.sizes,
        exact=budget.exact,
        permutations=budget.permutations,
        coalitions=budget.coalitions,
        antithetic=budget.antithetic,
        seed=budget.seed,
        method=question.method,
        steps=question.steps,
        aggregator=question.aggregator,
        provenance=origin,
    )


def measure_convergence(
    frame: pl.DataFrame, origin: Provenance, question: Question, steps: Sequence[int]
) -> Convergence:
    """Measure the error of K-step quadrature on a panel.

    Parameters
    ----------
    frame, origin
        The panel: see `blueattr.analysis.features`.
    question
        The indicators and the aggregator; the rest is ignored.
    steps
        The numbers of steps K.
    """
    return convergence(
        frame,
        question.indicators,
        steps=steps,
        aggregator=question.aggregator,
        provenance=origin,
    )
