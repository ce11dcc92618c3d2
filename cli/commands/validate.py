"""The commands validate and convergence: how right the attribution and its quadrature are."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from blueattr.analysis.asked import parse
from blueattr.cli.features import FeaturesOptions
from blueattr.cli.grouping import grouped
from blueattr.cli.option_groups import (
    ABOUT,
    DETAILED,
    HOW,
    WHO,
    WINDOW,
    DetailedOutputOptions,
    IndicatorOptions,
    QueryOptions,
    ValueOptions,
)
from blueattr.cli.options import Seed

if TYPE_CHECKING:
    from blueattr.analysis.studies import Budget


@dataclass
class BudgetOptions:
    """How much to compute for a validation."""

    n: Annotated[
        str | None,
        typer.Option(
            "--n",
            metavar="N,N",
            help="Sizes of the panels to draw; by default those of 100,1000,10000 that "
            "the panel allows.",
            show_default=False,
        ),
    ] = None
    exact: Annotated[
        int | None,
        typer.Option(
            "--exact",
            metavar="N",
            help="Size of the panel with exact Shapley values, up to 20; 12 by default.",
            show_default=False,
        ),
    ] = None
    permutations: Annotated[
        str,
        typer.Option(
            "--permutations",
            metavar="N,N",
            help="Permutations of sampled Shapley values.",
        ),
    ] = "1000"
    coalitions: Annotated[
        str,
        typer.Option(
            "--coalitions",
            metavar="N,N",
            help="Coalitions of sampled Banzhaf values.",
        ),
    ] = "200"
    antithetic: Annotated[
        bool,
        typer.Option(
            "--antithetic", help="Also walk each permutation backwards.", show_default=False
        ),
    ] = False
    seed: Seed = 0

    def budget(self) -> "Budget":
        """Return these options as a budget."""
        return parse.budget(**vars(self))


@grouped(
    (
        *ABOUT,
        "features",
        "columns",
        "indicator",
        "panel",
        "n",
        "exact",
        "permutations",
        "coalitions",
        "antithetic",
        "seed",
        *WINDOW,
        "scale",
        *HOW,
        *WHO,
        *DETAILED,
    )
)
def validate(
    context: typer.Context,
    *,
    store: QueryOptions,
    own: FeaturesOptions,
    how: ValueOptions,
    effort: BudgetOptions,
    output: DetailedOutputOptions,
) -> None:
    """Compare the attribution with Shapley and Banzhaf values.

    For each size a panel is drawn uniformly, and every method runs on the same agents: exact and
    sampled values, how close they are and how certain, how long they take, and how long they would
    take on all agents.

    Example: blueattr validate --features panel.parquet --n 100,1000
    """
    from blueattr.analysis.studies import validate_panel
    from blueattr.report.results.validations import validation_report

    own.check(context)
    output.check()
    query, question, budget = store.query(), how.question(), effort.budget()
    result = validate_panel(*own.load(query), question, budget)
    output.emit(validation_report(result))


@grouped(
    (
        *ABOUT,
        "features",
        "columns",
        "indicator",
        "panel",
        "steps",
        *WINDOW,
        "scale",
        "aggregator",
        "weights",
        *WHO,
        *DETAILED,
    )
)
def convergence(
    context: typer.Context,
    *,
    store: QueryOptions,
    own: FeaturesOptions,
    how: IndicatorOptions,
    steps: Annotated[
        str,
        typer.Option("--steps", metavar="N,N", help="Numbers of quadrature steps."),
    ] = "5,10,20,30,50,100,300",
    output: DetailedOutputOptions,
) -> None:
    """Measure the error of K-step quadrature on a panel.

    The report shows it beside the published end points.

    Example: blueattr convergence --topic mythos --db my.duckdb
    """
    from blueattr.analysis.studies import measure_convergence
    from blueattr.report.results.convergences import convergence_report

    own.check(context)
    output.check()
    query, question = store.query(), how.question(method="quadrature")
    tried = parse.numbers(steps, "--steps", int)
    output.emit(convergence_report(measure_convergence(*own.load(query), question, tried)))
