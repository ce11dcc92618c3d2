"""Commands about how sure it is: bootstrap and sensitivity."""

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
    Protocol,
    ScaleOption,
    Seed,
    Seeds,
    Start,
    Steps,
    Tiers,
    Topic,
    TopicsFile,
    Weights,
    only_for_a_store,
    query,
    question,
    sampling,
)
from blueattr.cli.output import check_out, emit
from blueattr.errors import UsageError


def bootstrap(
    context: typer.Context,
    topic: Topic = None,
    match: Match = [],  # noqa: B006 - typer reads it, nobody writes to it
    topics: TopicsFile = None,
    db: Db = DEFAULT_DB,
    features: FeaturesFile = None,
    indicator: Indicator = "heat",
    resamples: Annotated[
        int, typer.Option("--resamples", help="How often the agents are drawn anew.")
    ] = 1000,
    seed: Seed = 0,
    start: Start = None,
    end: End = None,
    window: Length = None,
    scale: ScaleOption = "log1p",
    tiers: Tiers = "1,10",
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
    """Give 95 % confidence intervals of tier shares, by drawing agents with replacement.

    Example: blueattr bootstrap --topic mythos --indicator all --resamples 2000 --db my.duckdb
    """
    from blueattr import report, studies
    from blueattr.resampling import check_resamples

    if features is not None:
        only_for_a_store(context)
    check_out(out)
    check_resamples(resamples, seed)
    asked = query(
        db=db, memory=memory, topic=topic, match=match, topics_file=topics, start=start, end=end,
        window=window, scale=scale, bots_file=bots, keep_bots=keep_bots, max_rate=max_rate,
        popularity=popularity, missing_followers=missing_followers,
    )  # fmt: skip
    what = question(
        indicator=indicator, method=method, steps=steps, aggregator=aggregator, weights=weights,
        tiers=tiers,
    )  # fmt: skip
    result = studies.bootstrap_panel(*chosen_features(features, asked), what, resamples, seed)
    emit(report.bootstrap_report(result), form, out)


def sensitivity(
    context: typer.Context,
    topic: Topic = None,
    match: Match = [],  # noqa: B006 - typer reads it, nobody writes to it
    topics: TopicsFile = None,
    db: Db = DEFAULT_DB,
    features: FeaturesFile = None,
    indicator: Indicator = "heat",
    size: Annotated[int, typer.Option("--size", help="Agents of the samples that flip.")] = 100,
    protocol: Protocol = "visibility",
    seeds: Seeds = 10,
    seed: Seed = 0,
    start: Start = None,
    end: End = None,
    window: Length = None,
    scale: ScaleOption = "log1p",
    tiers: Tiers = "1,10",
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
    """Ask the same question under other choices, beside the answer under those given.

    Aggregator, weights, tier cut-offs, scale; on a store also the window shifted by up to three
    days, bots kept or removed, and popularity by follower counts where they are known; on a
    features file with followers also popularity by them.

    Example: blueattr sensitivity --topic mythos --indicator all --db my.duckdb
    """
    from blueattr import report, studies

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
        tiers=tiers,
    )  # fmt: skip
    samples = sampling(protocol=protocol, sizes=str(size), seeds=seeds, seed=seed)
    if len(samples.protocols) > 1:
        raise UsageError("sensitivity draws samples by one --protocol; name it")
    result = (
        studies.sensitivity_of_store(asked, what, samples)
        if features is None
        else studies.sensitivity_of_file(features, what, samples)
    )
    emit(report.sensitivity_report(result), form, out)
