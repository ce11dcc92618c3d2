"""The result of a validation: every method's values and cost, by indicator and panel."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from blueattr.attribution.tiered import PanelChoice
from blueattr.attribution.value import Method
from blueattr.display import Presented
from blueattr.indicators.base import Aggregator
from blueattr.provenance import IndicatorInfo, Provenance
from blueattr.studies.validation.agreement import Agreement

__all__ = ["MethodName", "MethodRun", "Validation", "ValidationBlock"]


MethodName = Literal["Aumann-Shapley", "exact Shapley", "sampled Shapley", "sampled Banzhaf"]


@dataclass(frozen=True, slots=True)
class MethodRun:
    """One method on one panel.

    Parameters
    ----------
    method
        Its name.
    budget
        Permutations or coalitions; 2^n for exact Shapley; None for Aumann-Shapley.
    agreement
        With the block's reference; of normalised Banzhaf values. None if they cannot be normalised.
    efficiency_error
        |Σφ - (v(N) - v(∅))|, of the Banzhaf values before they are normalised.
    largest_standard_error
        Over the agents; None if nothing is sampled. Of normalised Banzhaf values, with the factor
        taken as exact.
    largest_deviation
        The largest |φ̂ - φ| in units of its standard error, if φ̂ estimates a known exact Shapley
        value φ; else None.
    undetermined
        Agents in all coalitions or in none; None for other methods.
    seconds, runs
        Wall time from checked features to values, without compilation: the median of ``runs``.
    law
        How the time grows with n, for a given budget.
    full_seconds
        On the full panel; None for exact values, and for all blocks but the largest.
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
        Which of the seed's draws it is, from 0: the first on which no indicator is 0.
    total
        v(N).
    reference
        The method with which the others are compared: exact Shapley if n is at most 20.
    runs
        The reference first; empty if there is no answer.
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


@dataclass(frozen=True, repr=False)
class Validation(Presented):
    """The Aumann-Shapley value compared with baselines, with all that is needed to redo it.

    Parameters
    ----------
    blocks
        By indicator, then by ascending n.
    n_agents
        n of the full panel.
    sizes
        n of the blocks, ascending.
    left_out
        Default sizes that are larger than the panel.
    permutations, coalitions
        Budgets. Blocks with exact values also have
        `blueattr.studies.validation.methods.EXACT_PERMUTATIONS`.
    antithetic, seed, aggregator
        As for `blueattr.studies.validation.validate.validate`.
    means, moment
        m_a, m_b, m_c and M of the full panel.
    provenance
        Where the features came from.
    """

    blocks: tuple[ValidationBlock, ...]
    n_agents: int
    n_involved: int
    panel: PanelChoice
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

    def _in_short(self) -> Iterator[str]:
        yield from dict.fromkeys(block.indicator for block in self.blocks)
        yield from super()._in_short()
