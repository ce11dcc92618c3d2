"""Commands about whether it is right: validate and convergence."""

from typing import Annotated

import typer

from blueattr.analysis import parse
from blueattr.cli.commands.attribute import chosen_features
from blueattr.cli.options import (
    ABOUT,
    HOW,
    OUTPUT,
    WHO,
    WINDOW,
    FeaturesFile,
    IndicatorOptions,
    OutputOptions,
    QueryOptions,
    Seed,
    ValueOptions,
    grouped,
    only_for_a_store,
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
    n: Annotated[
        str | None,
        typer.Option(
            "--n",
            help="Agents of the panels drawn, with commas; 100,1000,10000 by default, as far as "
            "there are so many.",
            show_default=False,
        ),
    ] = None,
    exact: Annotated[
        int | None,
        typer.Option(
            "--exact",
            help="Agents of the panel with exact Shapley values, 1 to 20; 12 by default.",
            show_default=False,
        ),
    ] = None,
    permutations: Annotated[
        str, typer.Option("--permutations", help="Of sampled Shapley, several with commas.")
    ] = "1000",
    coalitions: Annotated[
        str, typer.Option("--coalitions", help="Of sampled Banzhaf, several with commas.")
    ] = "200",
    antithetic: Annotated[
        bool,
        typer.Option(
            "--antithetic", help="Walk permutations backwards too, in pairs.", show_default=False
        ),
    ] = False,
    seed: Seed = 0,
    output: OutputOptions,
) -> None:
    """Compare the attribution with exact and sampled Shapley and Banzhaf values.

    Each number of agents is drawn uniformly from the panel, and every method runs on the same
    agents: how close, how sure, how long, and how long it would take on all agents.

    Example: blueattr validate --features panel.parquet --n 100,1000 --permutations 100,1000
    """
    from blueattr.report.results.validations import validation_report
    from blueattr.studies.validation.validate import validate as run

    if features is not None:
        only_for_a_store(context)
    output.check()
    asked = store.query()
    what = how.question()
    sizes = None if n is None else parse.numbers(n, "--n", int)
    budgets = parse.numbers(permutations, "--permutations", int)
    draws = parse.numbers(coalitions, "--coalitions", int)
    frame, origin = chosen_features(features, asked)
    result = run(
        frame,
        what.indicators,
        sizes=sizes,
        exact=exact,
        permutations=budgets,
        coalitions=draws,
        antithetic=antithetic,
        seed=seed,
        method=what.method,
        steps=what.steps,
        aggregator=what.aggregator,
        provenance=origin,
    )
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
        str, typer.Option("--steps", help="K of the quadrature, with commas.")
    ] = "5,10,20,30,50,100,300",
    output: OutputOptions,
) -> None:
    """Measure the error of K-step quadrature on this panel, beside the published end points.

    Example: blueattr convergence --topic mythos --db my.duckdb
    """
    from blueattr.report.results.convergences import convergence_report
    from blueattr.studies.convergence import convergence as run

    if features is not None:
        only_for_a_store(context)
    output.check()
    asked = store.query()
    what = how.question(method="quadrature")
    ks = parse.numbers(steps, "--steps", int)
    frame, origin = chosen_features(features, asked)
    result = run(frame, what.indicators, steps=ks, aggregator=what.aggregator, provenance=origin)
    output.emit(convergence_report(result))
