"""Studies of a panel: samples beside the whole, confidence intervals, other values."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from blueattr.analysis.asked.naming import OPEN, Naming
from blueattr.analysis.topics import choose_topics
from blueattr.attribution.question import Question, Sampling
from blueattr.panel.drawn import is_searched
from blueattr.panel.query import PanelQuery, StoreView
from blueattr.provenance import Provenance
from blueattr.store.database import Store
from blueattr.studies.bootstrap import Bootstrap, bootstrap
from blueattr.studies.convergence import Convergence, convergence
from blueattr.studies.grid import ScaleGrid, scale_grid
from blueattr.studies.scales import ScaleComparison, compare_scales
from blueattr.studies.validation.result import Validation
from blueattr.studies.validation.validate import validate

__all__ = [
    "Budget",
    "bootstrap_panel",
    "compare_panel",
    "compare_topics",
    "measure_convergence",
    "validate_panel",
]


def compare_panel(
    frame: pl.DataFrame,
    origin: Provenance,
    question: Question,
    sampling: Sampling,
    naming: Naming = OPEN,
) -> ScaleComparison:
    """Compare the shares of a whole panel with those of samples.

    Parameters
    ----------
    frame, origin
        The panel: see `blueattr.analysis.features`.
    question, sampling
        What to attribute, and which samples to draw.
    naming
        How to name accounts.
    """
    question = question.settled(origin.is_searched)
    made = compare_scales(
        frame, question.indicators, **sampling.draws, **question.how, provenance=origin
    )
    return naming.hide(made)


def compare_topics(
    query: PanelQuery,
    names: Sequence[str],
    question: Question,
    sampling: Sampling,
    naming: Naming = OPEN,
) -> ScaleGrid:
    """Compare scales for several topics of one store, with one window and one panel.

    Parameters
    ----------
    query
        The window and the panel; its topic is ignored.
    names
        The topics, or `blueattr.analysis.asked.parse.EVERY_TOPIC` alone.
    question, sampling
        What to attribute, and which samples to draw.
    naming
        How to name accounts.

    Raises
    ------
    UsageError
        A topic is named twice.
    UnknownTopicError
        There is no such topic.
    """
    with Store.open(query.db, query.memory) as store:
        chosen = choose_topics(store, names, query.topics_file)
        view = StoreView.of(store, query)
        question = question.settled(is_searched(store, view.window))

        def panels() -> Iterator[tuple[object, Provenance, str]]:
            for topic in chosen:
                counts = view.totals(topic)
                yield view.features(counts), view.origin(topic), view.no_match(topic, counts)

        made = scale_grid(panels(), question.indicators, **sampling.draws, **question.how)
        return naming.hide(made)


def bootstrap_panel(
    frame: pl.DataFrame, origin: Provenance, question: Question, resamples: int, seed: int
) -> Bootstrap:
    """Compute confidence intervals of tier shares by resampling the agents of a panel.

    Parameters
    ----------
    frame, origin
        The panel: see `blueattr.analysis.features`.
    question
        What to attribute, and how.
    resamples, seed
        See `blueattr.studies.bootstrap.bootstrap`.
    """
    question = question.settled(origin.is_searched)
    return bootstrap(
        frame,
        question.indicators,
        resamples=resamples,
        seed=seed,
        **question.how,
        provenance=origin,
    )


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
    question = question.settled(origin.is_searched)
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
        panel=question.choice,
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
    question = question.settled(origin.is_searched)
    return convergence(
        frame,
        question.indicators,
        steps=steps,
        aggregator=question.aggregator,
        panel=question.choice,
        provenance=origin,
    )
