"""The commands validate and convergence: how right the attribution and its quadrature are."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from blueattr.analysis import parse
from blueattr.cli.features import FeaturesFile, load_panel, refuse_store_options
from blueattr.cli.options import (
    ABOUT,
    HOW,
    OUTPUT,
    WHO,
    WINDOW,
    IndicatorOptions,
    OutputOptions,
    QueryOptions,
    Seed,
    ValueOptions,
    grouped,
)

if TYPE_CHECKING:
    from blueattr.analysis.validate import Budget


@dataclass
class BudgetOptions:
    """How much to compute for a validation."""

    n: Annotated[
        str | None,
        typer.Option(
            "--n",
            metavar="NUMBERS",
            help="Sizes of the panels to draw, with commas; by default those of 100,1000,10000 "
            "that the panel allows.",
            show_default=False,
        ),
    ] = None
    exact: Annotated[
        int | None,
        typer.Option(
            "--exact",
            metavar="N",
            help="Size of the panel with exact Shapley values, 1 to 20; 12 by default.",
            show_default=False,
        ),
    ] = None
    permutations: Annotated[
        str,
        typer.Option(
            "--permutations",
            metavar="NUMBERS",
            help="Permutations of sampled Shapley, several with commas.",
        ),
    ] = "1000"
    coalitions: Annotated[
        str,
        typer.Option(
            "--coalitions",
            metavar="NUMBERS",
            help="Coalitions of sampled Banzhaf, several with commas.",
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
        from blueattr.analysis.validate import Budget

        return Budget(
            permutations=parse.numbers(self.permutations, "--permutations", int),
            coalitions=parse.numbers(self.coalitions, "--coalitions", int),
            sizes=None if self.n is None else parse.numbers(self.n, "--n", int),
            exact=self.exact,
            antithetic=self.antithetic,
            seed=self.seed,
        )


@grouped(
    (
        *ABOUT,
        "features",
        "indicator",
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
        *OUTPUT,
    )
)
def validate(
    context: typer.Context,
    *,
    store: QueryOptions,
    features: FeaturesFile = None,
    how: ValueOptions,
    effort: BudgetOptions,
    output: OutputOptions,
) -> None:
    """Compare the attribution with Shapley and Banzhaf values.

    For each size a panel is drawn uniformly, and every method runs on the same agents: exact and
    sampled values, how close they are and how certain, how long they take, and how long they would
    take on all agents.

    Example: blueattr validate --features panel.parquet --n 100,1000 --permutations 100,1000
    """
    from blueattr.analysis.validate import validate_panel
    from blueattr.report.results.validations import validation_report

    refuse_store_options(context, features)
    output.check()
    query, question, budget = store.query(), how.question(), effort.budget()
    result = validate_panel(*load_panel(features, query), question, budget)
    output.emit(validation_report(result))


@grouped(
    (
        *ABOUT,
        "features",
        "indicator",
        "steps",
        *WINDOW,
        "scale",
        "aggregator",
        "weights",
        *WHO,
        *OUTPUT,
    )
)
def convergence(
    context: typer.Context,
    *,
    store: QueryOptions,
    features: FeaturesFile = None,
    how: IndicatorOptions,
    steps: Annotated[
        str,
        typer.Option(
            "--steps", metavar="NUMBERS", help="Numbers of quadrature steps K, with commas."
        ),
    ] = "5,10,20,30,50,100,300",
    output: OutputOptions,
) -> None:
    """Measure the error of K-step quadrature on a panel.

    The report shows it beside the published end points.

    Example: blueattr convergence --topic mythos --db my.duckdb
    """
    from blueattr.analysis.validate import measure_convergence
    from blueattr.report.results.convergences import convergence_report

    refuse_store_options(context, features)
    output.check()
    query, question = store.query(), how.question(method="quadrature")
    tried = parse.numbers(steps, "--steps", int)
    output.emit(
        convergence_report(measure_convergence(*load_panel(features, query), question, tried))
    )
