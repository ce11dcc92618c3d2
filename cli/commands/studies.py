"""The commands bootstrap and sensitivity: how certain the shares are."""

from typing import Annotated

import typer

from blueattr.cli.features import FeaturesFile, load_panel, refuse_store_options
from blueattr.cli.options import (
    ABOUT,
    DRAWS,
    HOW,
    OUTPUT,
    WHO,
    WINDOW,
    OutputOptions,
    QueryOptions,
    QuestionOptions,
    Seed,
    SeedOptions,
    grouped,
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
        int,
        typer.Option("--resamples", metavar="N", help="Number of resamples of the agents."),
    ] = 1000,
    seed: Seed = 0,
    output: OutputOptions,
) -> None:
    """Compute 95 % confidence intervals of tier shares.

    The agents are resampled with replacement.

    Example: blueattr bootstrap --topic mythos --indicator all --resamples 2000 --db my.duckdb
    """
    from blueattr.analysis.bootstrap import bootstrap_panel
    from blueattr.report import bootstrap_report
    from blueattr.studies.bootstrap import check_resamples

    refuse_store_options(context, features)
    output.check()
    check_resamples(resamples, seed)
    query, question = store.query(), how.question()
    result = bootstrap_panel(*load_panel(features, query), question, resamples, seed)
    output.emit(bootstrap_report(result))


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
    size: Annotated[
        int, typer.Option("--size", metavar="N", help="Size of the samples that flip.")
    ] = 100,
    draws: SeedOptions,
    output: OutputOptions,
) -> None:
    """Show how the shares change under other choices.

    It varies the aggregator, the weights, the tier cut-offs and the scale; on a store also the
    window (shifted by up to three days), the bot filter, and popularity by follower counts where
    they are known; on a features file with followers also popularity.

    Example: blueattr sensitivity --topic mythos --indicator all --db my.duckdb
    """
    from blueattr.analysis.sensitivity import sensitivity_of_file, sensitivity_of_store
    from blueattr.report import sensitivity_report

    refuse_store_options(context, features)
    output.check()
    query, question = store.query(), how.question()
    sampling = draws.sampling(sizes=str(size))
    if len(sampling.protocols) > 1:
        raise UsageError("sensitivity draws samples by one --protocol; name it")
    result = (
        sensitivity_of_store(query, question, sampling)
        if features is None
        else sensitivity_of_file(features, question, sampling)
    )
    output.emit(sensitivity_report(result))
