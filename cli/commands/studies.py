"""The commands bootstrap and sensitivity: how certain the shares are."""

from typing import Annotated

import typer

from blueattr.cli.features import FeaturesOptions
from blueattr.cli.grouping import grouped
from blueattr.cli.option_groups import (
    ABOUT,
    DETAILED,
    HOW,
    WHO,
    WINDOW,
    DetailedOutputOptions,
    QueryOptions,
    QuestionOptions,
)
from blueattr.cli.options import Seed
from blueattr.cli.sampling import DRAWS, SeedOptions


@grouped(
    (
        *ABOUT,
        "features",
        "columns",
        "indicator",
        "panel",
        "resamples",
        "seed",
        *WINDOW,
        "scale",
        "tiers",
        *HOW,
        *WHO,
        *DETAILED,
    )
)
def bootstrap(
    context: typer.Context,
    *,
    store: QueryOptions,
    own: FeaturesOptions,
    how: QuestionOptions,
    resamples: Annotated[
        int,
        typer.Option("--resamples", metavar="N", help="Number of resamples of the agents."),
    ] = 1000,
    seed: Seed = 0,
    output: DetailedOutputOptions,
) -> None:
    """Compute 95 % confidence intervals of tier shares.

    The agents are resampled with replacement.

    Example: blueattr bootstrap --topic mythos --resamples 2000 --db my.duckdb
    """
    from blueattr.analysis.studies import bootstrap_panel
    from blueattr.report import bootstrap_report
    from blueattr.studies.bootstrap import check_resamples

    own.check(context)
    output.check()
    check_resamples(resamples, seed)
    query, question = store.query(), how.question()
    result = bootstrap_panel(*own.load(query), question, resamples, seed)
    output.emit(bootstrap_report(result))


@grouped(
    (
        *ABOUT,
        "features",
        "columns",
        "indicator",
        "panel",
        "size",
        *DRAWS,
        *WINDOW,
        "scale",
        "tiers",
        *HOW,
        *WHO,
        *DETAILED,
    )
)
def sensitivity(
    context: typer.Context,
    *,
    store: QueryOptions,
    own: FeaturesOptions,
    how: QuestionOptions,
    size: Annotated[
        int | None,
        typer.Option(
            "--size",
            metavar="N",
            help="Size of the samples; 100 by default, or half a smaller panel.",
            show_default=False,
        ),
    ] = None,
    draws: SeedOptions,
    output: DetailedOutputOptions,
) -> None:
    """Show how the shares change under other choices.

    It varies the aggregator, the weights, the tier cut-offs and the scale; on a store also the
    window (shifted by up to three days), the bot filter, and popularity by follower counts where
    they are known; on a features file with followers also popularity.

    Example: blueattr sensitivity --topic mythos --indicator all --db my.duckdb
    """
    from blueattr.analysis.sensitivity import sensitivity_of_file, sensitivity_of_store
    from blueattr.report import sensitivity_report

    own.check(context)
    output.check()
    query, question = store.query(), how.question()
    sampling = draws.sampling(sizes=size)
    result = (
        sensitivity_of_store(query, question, sampling)
        if own.features is None
        else sensitivity_of_file(own.features, question, sampling, own.names)
    )
    output.emit(sensitivity_report(result))
