"""The commands attribute and compare-scales: the shares of agents, and those of samples."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

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
    SamplingOptions,
    TopicsQueryOptions,
    grouped,
)
from blueattr.cli.output import say
from blueattr.errors import UsageError

if TYPE_CHECKING:
    from blueattr.attribution.attribute import AttributionResult
    from blueattr.attribution.question import Question
    from blueattr.panel.query import PanelQuery


@grouped(
    (
        *ABOUT,
        "features",
        "indicator",
        *WINDOW,
        "scale",
        "tiers",
        *HOW,
        *WHO,
        "by",
        "agents",
        *OUTPUT,
    )
)
def attribute(
    context: typer.Context,
    *,
    store: QueryOptions,
    features: FeaturesFile = None,
    how: QuestionOptions,
    by: Annotated[
        Literal["day"] | None,
        typer.Option(
            "--by",
            help="Also attribute each UTC day of the window, with the panel and tiers of the whole "
            "window.",
            show_default=False,
        ),
    ] = None,
    agents: Annotated[
        Path | None,
        typer.Option(
            "--agents",
            metavar="FILE",
            help="Also write the attribution of each agent (did, tier, a, b, c, value, share) to a "
            ".parquet, .csv, .json or .jsonl file. One indicator only.",
            show_default=False,
        ),
    ] = None,
    output: OutputOptions,
) -> None:
    """Split an indicator among all agents, summed up by tier.

    A large Parquet file of features is read in chunks, so its size is not limited by memory.

    Example: blueattr attribute --topic mythos --agents agents.parquet --db my.duckdb
    """
    from blueattr.report import agents_to, attribution_report, attributions_report

    refuse_store_options(context, features)
    output.check(agents)
    query, question = store.query(), how.question()
    if agents is not None and len(question.indicators) > 1:
        raise UsageError("--agents writes one indicator; name it with --indicator")
    if by is not None:
        if features is not None:
            raise UsageError("--by day needs a store; a features file has no days")
        _attribute_days(query, question, agents, output)
        return
    results = None if features is None else _attribute_large(features, question, agents)
    if results is None:
        from blueattr.analysis.attribute import attribute_panel

        results = attribute_panel(*load_panel(features, query), question)
        if agents is not None:
            agents_to(agents, results[0])
    if agents is not None:
        say(f"written: {agents}")
    single = len(results) == 1
    output.emit(attribution_report(results[0]) if single else attributions_report(results))


def _attribute_days(
    query: "PanelQuery", question: "Question", agents: Path | None, output: OutputOptions
) -> None:
    from blueattr.analysis.attribute import shares_by_day
    from blueattr.report import agents_to, days_report

    shares = shares_by_day(query, question)
    if agents is not None:
        agents_to(agents, shares[0].whole)
        say(f"written: {agents}")
    output.emit(days_report(shares))


def _attribute_large(
    features: Path, question: "Question", agents: Path | None
) -> "list[AttributionResult] | None":
    """Attribute a features file in chunks; None if it is small enough to be read whole."""
    from blueattr.analysis.attribute import attribute_file
    from blueattr.attribution.streaming import is_large
    from blueattr.report.formats.streamed import agents_receiver

    if not is_large(features):
        return None
    return attribute_file(features, question, None if agents is None else agents_receiver(agents))


@grouped(
    (
        *ABOUT,
        "features",
        "indicator",
        "sizes",
        *DRAWS,
        *WINDOW,
        "scale",
        "tiers",
        *HOW,
        *WHO,
        *OUTPUT,
    )
)
def compare_scales(
    context: typer.Context,
    *,
    store: TopicsQueryOptions,
    features: FeaturesFile = None,
    how: QuestionOptions,
    draws: SamplingOptions,
    output: OutputOptions,
) -> None:
    """Compare shares at full scale with those of small samples.

    The report says how far each share changes, and whether one factor would rescale the sample to
    the whole. With several topics, or --topic all-topics, it is the grid of the published
    comparison: how many of the flips are positive, and shares by sample size.

    Example: blueattr compare-scales --topic mythos --indicator all --db my.duckdb
    """
    from blueattr.analysis.compare import compare_panel, compare_topics
    from blueattr.report import comparison_report, grid_report

    refuse_store_options(context, features)
    output.check()
    query, question, sampling = store.query(), how.question(), draws.sampling()
    topics = store.several()
    if topics:
        output.emit(grid_report(compare_topics(query, topics, question, sampling)))
        return
    result = compare_panel(*load_panel(features, query), question, sampling)
    output.emit(comparison_report(result))
