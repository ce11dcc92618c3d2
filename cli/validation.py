"""Commands about whether it is right: validate and convergence."""

from typing import Annotated

import typer

from blueattr.cli.attribution import chosen_features
from blueattr.cli.options import (
    DEFAULT_DB,
    AggregatorOption,
    BotsFile,
    Db,
    End,
    FeaturesFile,
    Format,
    Indicator,
    KeepBots,
    Length,
    Match,
    MaxRate,
    Memory,
    Method,
    Missing,
    Out,
    PopularityOption,
    ScaleOption,
    Seed,
    Start,
    Steps,
    Topic,
    TopicsFile,
    Weights,
    numbers,
    only_for_a_store,
    query,
    question,
)
from blueattr.cli.output import check_out, emit


def validate(
    context: typer.Context,
    topic: Topic = None,
    match: Match = [],  # noqa: B006 - typer reads it, nobody writes to it
    topics: TopicsFile = None,
    db: Db = DEFAULT_DB,
    features: FeaturesFile = None,
    indicator: Indicator = "heat",
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
    start: Start = None,
    end: End = None,
    window: Length = None,
    scale: ScaleOption = "log1p",
    method: Method = "auto",
    steps: Steps = None,
    aggregator: AggregatorOption = "mean",
    weights: Weights = None,
    bots: BotsFile = None,
    keep_bots: KeepBots = False,
    max_rate: MaxRate = None,
    popularity: PopularityOption = "follows-received",
    missing_followers: Missing = "error",
    memory: Memory = "4GB",
    form: Format = "text",
    out: Out = None,
) -> None:
    """Compare the attribution with exact and sampled Shapley and Banzhaf values.

    Each number of agents is drawn uniformly from the panel, and every method runs on the same
    agents: how close, how sure, how long, and how long it would take on all agents.

    Example: blueattr validate --features panel.parquet --n 100,1000 --permutations 100,1000
    """
    from blueattr.report.validations import validation_report
    from blueattr.validation import validate as run

    if features is not None:
        only_for_a_store(context)
    check_out(out)
    asked = query(
        db=db, memory=memory, topic=topic, match=match, topics_file=topics, start=start, end=end,
        window=window, scale=scale, bots_file=bots, keep_bots=keep_bots, max_rate=max_rate,
        popularity=popularity, missing_followers=missing_followers,
    )  # fmt: skip
    what = question(
        indicator=indicator, method=method, steps=steps, aggregator=aggregator, weights=weights,
        tiers="1,10",
    )  # fmt: skip
    sizes = None if n is None else numbers(n, "--n", int)
    budgets = numbers(permutations, "--permutations", int)
    draws = numbers(coalitions, "--coalitions", int)
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
    emit(validation_report(result), form, out)


def convergence(
    context: typer.Context,
    topic: Topic = None,
    match: Match = [],  # noqa: B006 - typer reads it, nobody writes to it
    topics: TopicsFile = None,
    db: Db = DEFAULT_DB,
    features: FeaturesFile = None,
    indicator: Indicator = "heat",
    steps: Annotated[
        str, typer.Option("--steps", help="K of the quadrature, with commas.")
    ] = "5,10,20,30,50,100,300",
    start: Start = None,
    end: End = None,
    window: Length = None,
    scale: ScaleOption = "log1p",
    aggregator: AggregatorOption = "mean",
    weights: Weights = None,
    bots: BotsFile = None,
    keep_bots: KeepBots = False,
    max_rate: MaxRate = None,
    popularity: PopularityOption = "follows-received",
    missing_followers: Missing = "error",
    memory: Memory = "4GB",
    form: Format = "text",
    out: Out = None,
) -> None:
    """Measure the error of K-step quadrature on this panel, beside the published end points.

    Example: blueattr convergence --topic mythos --db my.duckdb
    """
    from blueattr.convergence import convergence as run
    from blueattr.report.convergences import convergence_report

    if features is not None:
        only_for_a_store(context)
    check_out(out)
    asked = query(
        db=db, memory=memory, topic=topic, match=match, topics_file=topics, start=start, end=end,
        window=window, scale=scale, bots_file=bots, keep_bots=keep_bots, max_rate=max_rate,
        popularity=popularity, missing_followers=missing_followers,
    )  # fmt: skip
    what = question(
        indicator=indicator, method="quadrature", steps=None, aggregator=aggregator,
        weights=weights, tiers="1,10",
    )  # fmt: skip
    ks = numbers(steps, "--steps", int)
    frame, origin = chosen_features(features, asked)
    result = run(frame, what.indicators, steps=ks, aggregator=what.aggregator, provenance=origin)
    emit(convergence_report(result), form, out)
