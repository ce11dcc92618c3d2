"""Commands about how sure it is: bootstrap and sensitivity."""

from typing import Annotated

import typer

from blueattr.cli.commands.attribute import chosen_features
from blueattr.cli.options import (
    ABOUT,
    DRAWS,
    HOW,
    OUTPUT,
    WHO,
    WINDOW,
    FeaturesFile,
    OutputOptions,
    QueryOptions,
    QuestionOptions,
    Seed,
    SeedOptions,
    grouped,
    only_for_a_store,
)
from blueattr.errors import UsageError


@grouped(
    (
        *ABOUT,
        "features",
        "indicator",
        "resamples",
        "seed",
        *WINDOW,
        "scale",
        "tiers",
        *HOW,
        *WHO,
        *OUTPUT,
    )
)
def bootstrap(
    context: typer.Context,
    *,
    store: QueryOptions,
    features: FeaturesFile = None,
    how: QuestionOptions,
    resamples: Annotated[
        int, typer.Option("--resamples", help="How often the agents are drawn anew.")
    ] = 1000,
    seed: Seed = 0,
    output: OutputOptions,
) -> None:
    """Give 95 % confidence intervals of tier shares, by drawing agents with replacement.

    Example: blueattr bootstrap --topic mythos --indicator all --resamples 2000 --db my.duckdb
    """
    from blueattr import report
    from blueattr.analysis import studies
    from blueattr.studies.bootstrap import check_resamples

    if features is not None:
        only_for_a_store(context)
    output.check()
    check_resamples(resamples, seed)
    asked = store.query()
    what = how.question()
    result = studies.bootstrap_panel(*chosen_features(features, asked), what, resamples, seed)
    output.emit(report.bootstrap_report(result))


@grouped(
    (
        *ABOUT,
        "features",
        "indicator",
        "size",
        *DRAWS,
        *WINDOW,
        "scale",
        "tiers",
        *HOW,
        *WHO,
        *OUTPUT,
    )
)
def sensitivity(
    context: typer.Context,
    *,
    store: QueryOptions,
    features: FeaturesFile = None,
    how: QuestionOptions,
    size: Annotated[int, typer.Option("--size", help="Agents of the samples that flip.")] = 100,
    draws: SeedOptions,
    output: OutputOptions,
) -> None:
    """Ask the same question under other choices, beside the answer under those given.

    Aggregator, weights, tier cut-offs, scale; on a store also the window shifted by up to three
    days, bots kept or removed, and popularity by follower counts where they are known; on a
    features file with followers also popularity by them.

    Example: blueattr sensitivity --topic mythos --indicator all --db my.duckdb
    """
    from blueattr import report
    from blueattr.analysis import studies

    if features is not None:
        only_for_a_store(context)
    output.check()
    asked = store.query()
    what = how.question()
    samples = draws.sampling(sizes=str(size))
    if len(samples.protocols) > 1:
        raise UsageError("sensitivity draws samples by one --protocol; name it")
    result = (
        studies.sensitivity_of_store(asked, what, samples)
        if features is None
        else studies.sensitivity_of_file(features, what, samples)
    )
    output.emit(report.sensitivity_report(result))
