"""Commands about who carried it: attribute and compare-scales."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

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
    Sizes,
    Start,
    Steps,
    Tiers,
    Topic,
    Topics,
    TopicsFile,
    Weights,
    only_for_a_store,
    query,
    question,
    sampling,
    several_topics,
)
from blueattr.cli.output import check_out, emit, say
from blueattr.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

    from blueattr.attribution import AttributionResult
    from blueattr.jobs import PanelQuery, Question
    from blueattr.provenance import Provenance


def chosen_features(file: Path | None, asked: "PanelQuery") -> "tuple[pl.DataFrame, Provenance]":
    """Read a panel of the user's own, or make one from a store."""
    from blueattr import jobs

    return jobs.make_features(asked) if file is None else jobs.load_features(file)


def attribute(
    context: typer.Context,
    topic: Topic = None,
    match: Match = [],  # noqa: B006 - typer reads it, nobody writes to it
    topics: TopicsFile = None,
    db: Db = DEFAULT_DB,
    features: FeaturesFile = None,
    indicator: Indicator = "heat",
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
    by: Annotated[
        Literal["day"] | None,
        typer.Option(
            "--by",
            help="Also each UTC day of the window by itself, with the panel and tiers of the "
            "whole.",
            show_default=False,
        ),
    ] = None,
    agents: Annotated[
        Path | None,
        typer.Option(
            "--agents",
            help="Also write every agent's attribution: did, tier, a, b, c, value, share; to a "
            ".parquet, .csv, .json or .jsonl file. One indicator only.",
            show_default=False,
        ),
    ] = None,
    memory: Memory = "4GB",
    form: Format = "text",
    out: Out = None,
) -> None:
    """Split a macro indicator among all agents, and sum it up by tier.

    A Parquet file of millions of agents is read in chunks, so that any number of them will do.

    Example: blueattr attribute --topic mythos --agents agents.parquet --db my.duckdb
    """
    from blueattr import jobs, report, studies

    if features is not None:
        only_for_a_store(context)
    check_out(out, agents)
    asked = query(
        db=db, memory=memory, topic=topic, match=match, topics_file=topics, start=start, end=end,
        window=window, scale=scale, bots_file=bots, keep_bots=keep_bots, max_rate=max_rate,
        popularity=popularity, missing_followers=missing_followers,
    )  # fmt: skip
    what = question(
        indicator=indicator, method=method, steps=steps, aggregator=aggregator, weights=weights,
        tiers=tiers,
    )  # fmt: skip
    if agents is not None and len(what.indicators) > 1:
        raise UsageError("--agents writes one indicator; name it with --indicator")
    if by is not None:
        if features is not None:
            raise UsageError("--by day asks a store; a features file has no days")
        by_day = studies.shares_by_day(asked, what)
        if agents is not None:
            report.agents_to(agents, by_day[0].whole)
            say(f"written: {agents}")
        emit(report.days_report(by_day), form, out)
        return
    results = _in_chunks(features, what, agents) if features is not None else None
    if results is None:
        results = jobs.attribute_panel(*chosen_features(features, asked), what)
        if agents is not None:
            report.agents_to(agents, results[0])
    if agents is not None:
        say(f"written: {agents}")
    single = len(results) == 1
    emit(
        report.attribution_report(results[0]) if single else report.attributions_report(results),
        form,
        out,
    )


def _in_chunks(
    features: Path, what: "Question", agents: Path | None
) -> "list[AttributionResult] | None":
    """Attribute a file that is too large to be read whole; None of another."""
    from blueattr import streaming
    from blueattr.report.streamed import agents_receiver

    if not streaming.is_large(features):
        return None
    return streaming.attribute_file(
        features,
        what.indicators,
        method=what.method,
        steps=what.steps,
        aggregator=what.aggregator,
        cutoffs=what.cutoffs,
        receive=None if agents is None else agents_receiver(agents),
    )


def compare_scales(
    context: typer.Context,
    topic: Topics = None,
    match: Match = [],  # noqa: B006 - typer reads it, nobody writes to it
    topics: TopicsFile = None,
    db: Db = DEFAULT_DB,
    features: FeaturesFile = None,
    indicator: Indicator = "heat",
    sizes: Sizes = "100,1000",
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
    """Ask the same question at full scale and of small samples, and test for a rescaling factor.

    With several topics, or --topic all-topics, the grid of the published comparison: how many of
    the flips are positive, and shares by sample size.

    Example: blueattr compare-scales --topic mythos --indicator all --db my.duckdb
    """
    from blueattr import jobs, report, studies

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
    samples = sampling(protocol=protocol, sizes=sizes, seeds=seeds, seed=seed)
    several = several_topics(topic, match)
    if several:
        emit(report.grid_report(studies.compare_topics(asked, several, what, samples)), form, out)
        return
    result = jobs.compare_panel(*chosen_features(features, asked), what, samples)
    emit(report.comparison_report(result), form, out)
