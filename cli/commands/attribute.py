"""The commands attribute and compare-scales: the shares of agents, and those of samples."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blueattr.cli.clusters import CLUSTER, ClusterOptions, show_stages
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
    TopicsQueryOptions,
)
from blueattr.cli.options import AllTopics, GroupsOrDays, ManyGroups, Pseudonyms, Seed, Top
from blueattr.cli.output import say
from blueattr.cli.sampling import DRAWS, ComparisonOptions
from blueattr.errors import UsageError
from blueattr.user_path import named_file

if TYPE_CHECKING:
    from blueattr.analysis.asked.clusters import OnCluster
    from blueattr.analysis.asked.naming import Naming
    from blueattr.analysis.attribute import NamingOptions
    from blueattr.analysis.groups.grouping import ByGroup
    from blueattr.attribution.attribute import AttributionResult
    from blueattr.attribution.question import Question
    from blueattr.panel.query import PanelQuery


_NO_DAYS = (
    "--by day needs a store; a features file has no days, and a column of that name is --by "
    "column:day"
)


@grouped(
    (
        *ABOUT,
        "features",
        "columns",
        *CLUSTER,
        "indicator",
        "panel",
        *WINDOW,
        "scale",
        "tiers",
        *HOW,
        *WHO,
        "by",
        "many_groups",
        "top",
        "pseudonyms",
        "intervals",
        "resamples",
        "seed",
        "agents",
        *DETAILED,
    )
)
def attribute(
    context: typer.Context,
    *,
    store: QueryOptions,
    own: FeaturesOptions,
    on: ClusterOptions,
    how: QuestionOptions,
    by: GroupsOrDays = None,
    many_groups: ManyGroups = "join",
    top: Top = 10,
    pseudonyms: Pseudonyms = False,
    intervals: Annotated[
        bool,
        typer.Option(
            "--intervals",
            help="Also say how sure shares and ranks are: 95 % intervals from resamples, "
            "and ranks under other choices.",
            show_default=False,
        ),
    ] = False,
    resamples: Annotated[
        int,
        typer.Option("--resamples", metavar="N", help="Number of resamples for --intervals."),
    ] = 1000,
    seed: Seed = 0,
    agents: Annotated[
        str | None,
        typer.Option(
            "--agents",
            metavar="FILE",
            help="Also write what is known of each agent (one indicator) to a .parquet, .csv, "
            ".json or .jsonl file; with --cluster, a folder with a file for each part.",
            show_default=False,
        ),
    ] = None,
    output: DetailedOutputOptions,
) -> None:
    """Split an indicator among all agents, summed up by tier.

    A large Parquet file of features is read in chunks, so its size is not limited by memory. With
    --cluster, many workers share the parts of a panel.

    Example: blueattr attribute --topic mythos --agents agents.parquet
    """
    from blueattr.analysis.asked.naming import Naming
    from blueattr.analysis.attribute import NamingOptions, attribute_given, attribute_store
    from blueattr.analysis.groups.grouping import asked_by
    from blueattr.report import agents_to, attribution_report, attributions_report
    from blueattr.studies.carriers.leaders import check_intervals, check_top

    cluster = on.asked(own.features)
    if cluster is not None:
        own.check(context)
        output.check()
        if intervals:
            raise UsageError("--intervals needs the whole panel in memory; leave out --cluster")
        wanted = asked_by(by, many_groups, seed)
        if wanted == "day":
            raise UsageError(_NO_DAYS)
        store.query()
        beside = None if agents is None else Path(agents)
        naming = Naming.of(top=check_top(top), pseudonyms=pseudonyms, beside=beside or output.out)
        _attribute_on_cluster(own, cluster, how.question(), (top, naming, wanted), agents, output)
        return
    file = None if agents is None else named_file(agents)
    own.check(context)
    output.check(file)
    query, question = store.query(), how.question()
    check_top(top)
    wanted = asked_by(by, many_groups, seed)
    groups = None if wanted == "day" else wanted
    draws = groups is not None and groups.draws
    resampling = check_intervals(resamples, seed, intervals=intervals, draws=draws)
    if file is not None:
        question.check_one("--agents writes")
    naming = Naming.of(top=top, pseudonyms=pseudonyms, beside=file or output.out)
    names = NamingOptions(top, naming, resampling, everyone=file is not None, by=groups)
    if wanted == "day":
        if own.features is not None:
            raise UsageError(_NO_DAYS)
        _attribute_days(query, question, names, file, output)
        return
    results = _attribute_large(own, question, names, file)
    if results is None:
        results = (
            attribute_store(query, question, names)
            if own.features is None
            else attribute_given(
                *own.load(query, () if groups is None else groups.columns), question, names
            )
        )
        if file is not None:
            agents_to(file, results[0])
    if file is not None:
        say(f"written: {file}")
    single = len(results) == 1
    output.emit(attribution_report(results[0]) if single else attributions_report(results))


def _attribute_on_cluster(
    own: FeaturesOptions,
    cluster: "OnCluster",
    question: "Question",
    names: "tuple[int, Naming, ByGroup | None]",
    agents: str | None,
    output: DetailedOutputOptions,
) -> None:
    from blueattr.analysis.on_cluster import AgentsFolder, attribute_on_cluster
    from blueattr.report import attribution_report, attributions_report
    from blueattr.report.formats.streamed import agents_receiver

    assert own.features is not None  # noqa: S101 - for the type checker: see `ClusterOptions.asked`
    folder = None if agents is None else AgentsFolder(Path(agents), agents_receiver)
    top, naming, by = names
    with show_stages() as progress:
        results = attribute_on_cluster(
            own.features, question, cluster, columns=own.names, top=top, naming=naming,
            agents=folder, by=by, progress=progress, tell=lambda text: say(f"blueattr: {text}"),
        )  # fmt: skip
    if agents is not None:
        say(f"written: {agents}")
    single = len(results) == 1
    output.emit(attribution_report(results[0]) if single else attributions_report(results))


def _attribute_days(
    query: "PanelQuery",
    question: "Question",
    names: "NamingOptions",
    agents: Path | None,
    output: DetailedOutputOptions,
) -> None:
    from blueattr.analysis.attribute import shares_by_day
    from blueattr.report import agents_to, days_report

    shares = shares_by_day(query, question, names)
    if agents is not None:
        agents_to(agents, shares[0].whole)
        say(f"written: {agents}")
    output.emit(days_report(shares))


def _attribute_large(
    own: FeaturesOptions,
    question: "Question",
    names: "NamingOptions",
    agents: Path | None,
) -> "list[AttributionResult] | None":
    """Attribute a features file in chunks; None if there is none that needs it."""
    if own.features is None:
        return None
    from blueattr.analysis.attribute import attribute_file
    from blueattr.attribution.large.streaming import is_large
    from blueattr.report.formats.streamed import agents_receiver

    if not is_large(own.features):
        return None
    if names.resampling is not None:
        raise UsageError(f"--intervals needs all of {own.features} in memory, and it is too large")
    if names.by is not None:
        raise UsageError(f"--by needs all of {own.features} in memory, and it is too large")
    receive = None if agents is None else agents_receiver(agents)
    return attribute_file(
        own.features, question, receive, own.names, names.top, naming=names.naming
    )


@grouped(
    (
        "topic",
        "all_topics",
        "match",
        "topics",
        "db",
        "features",
        "columns",
        "indicator",
        "panel",
        "sizes",
        *DRAWS,
        "correct",
        *WINDOW,
        "scale",
        "tiers",
        *HOW,
        *WHO,
        "pseudonyms",
        *DETAILED,
    )
)
def compare_scales(
    context: typer.Context,
    *,
    store: TopicsQueryOptions,
    all_topics: AllTopics = False,
    own: FeaturesOptions,
    how: QuestionOptions,
    draws: ComparisonOptions,
    pseudonyms: Pseudonyms = False,
    output: DetailedOutputOptions,
) -> None:
    """Compare shares at full scale with those of small samples.

    The report says how far each share changes, and whether one factor would rescale the sample to
    the whole. With several topics, or --topic all-topics, it is the grid of the published
    comparison: how many of the flips are positive, and shares by sample size. With --correct, each
    sample also says what the shares of the whole are, and how sure that is.

    Example: blueattr compare-scales --topic mythos --sizes 100,500
    """
    from blueattr.analysis.asked.naming import Naming
    from blueattr.analysis.studies import compare_panel, compare_topics
    from blueattr.report import comparison_report, grid_report

    own.check(context)
    own.refuse_all_topics(all_topics)
    output.check()
    query, question, sampling = store.query(), how.question(), draws.sampling()
    naming = Naming.of(top=1, pseudonyms=pseudonyms, beside=output.out)
    topics = store.several(all_topics=all_topics)
    if topics:
        output.emit(grid_report(compare_topics(query, topics, question, sampling, naming)))
        return
    result = compare_panel(*own.load(query), question, sampling, naming)
    output.emit(comparison_report(result))
