"""The commands topics list, topics check, panel and features: who counts, and what they did."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blueattr.cli.clusters import WORKERS, WorkerOptions, show_stages
from blueattr.cli.grouping import grouped
from blueattr.cli.help import SectionedCommand, WholeGroup
from blueattr.cli.option_groups import (
    ABOUT,
    OUTPUT,
    WHO,
    WINDOW,
    FeaturesQueryOptions,
    OutputOptions,
    TopicPanelOptions,
    WindowOptions,
)
from blueattr.cli.options import EventsFolder, InfluenceOption, Match, Pseudonyms, TopicsFile
from blueattr.cli.output import check_out, say
from blueattr.cli.typed import refuse_beside_events
from blueattr.errors import UsageError
from blueattr.user_path import named_file

if TYPE_CHECKING:
    from blueattr.cluster.address import ClusterAddress

topics = typer.Typer(
    name="topics",
    cls=WholeGroup,
    help="List topics, and count their participants.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


@topics.command("list", cls=SectionedCommand)
@grouped()
def topics_list(
    *,
    topics: TopicsFile = None,
    output: OutputOptions,
) -> None:
    """List the bundled topics and those of your own file.

    Example: blueattr topics list --topics mine.toml
    """
    from blueattr.panel.topics import load
    from blueattr.report.inventory.panel import topics_report

    output.emit(topics_report(tuple(load(topics).values())))


@topics.command("check", cls=SectionedCommand)
@grouped(("names", "match", "topics", "db", "events", *WINDOW, "influence", *OUTPUT))
def topics_check(
    *,
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="TOPIC", help="Topics; all by default.", show_default=False),
    ] = None,
    match: Match = [],  # noqa: B006 - typer reads it, nobody writes to it
    topics: TopicsFile = None,
    events: EventsFolder = None,
    store: WindowOptions,
    influence: InfluenceOption = None,
    output: OutputOptions,
) -> None:
    """Count the participants and events of topics by day.

    The report says whether the published criterion holds: at least 1,000 participants on each of
    at least 10 days of a 14-day window.

    Example: blueattr topics check mythos --db my.duckdb
    """
    from blueattr.report.inventory.panel import topic_days_report

    if names and match:
        raise UsageError("check topics by name or by --match, not both")
    output.check()
    query = store.query(match=match, topics=topics, influence=influence)
    once = list(dict.fromkeys(names or []))
    if events is None:
        from blueattr.analysis.topics import check_topics

        output.emit(topic_days_report(check_topics(query, once)))
        return
    from blueattr.analysis.parted_topics import check_topics_of_partitions

    refuse_beside_events(context, "db")
    with show_stages() as progress:
        found = check_topics_of_partitions(events, query, once, progress)
    output.emit(topic_days_report(found))


@grouped((*ABOUT, *WINDOW, *WHO, "agents", "pseudonyms", *OUTPUT))
def panel(
    *,
    store: TopicPanelOptions,
    agents: Annotated[
        Path | None,
        typer.Option(
            "--agents",
            parser=named_file,
            metavar="FILE",
            help="Also write the agents' DIDs, and who is involved, to a .parquet, .csv, "
            ".json or .jsonl file.",
        ),
    ] = None,
    pseudonyms: Pseudonyms = False,
    output: OutputOptions,
) -> None:
    """Show who counts as an agent, and what each filter removes.

    With a topic, it also says how many of the agents were involved: they wrote about it, or were
    answered, reposted or quoted.

    Example: blueattr panel --topic mythos --from 2026-04-09 --to 2026-04-23
    """
    from blueattr.analysis.asked.naming import Naming
    from blueattr.analysis.features import with_label
    from blueattr.analysis.panel import make_panel
    from blueattr.report import frame_to
    from blueattr.report.inventory.panel import panel_report

    output.check(agents)
    naming = Naming.of(top=1, pseudonyms=pseudonyms, beside=agents or output.out)
    result = make_panel(store.query(), naming)
    if agents is not None:
        named = ["did"] if result.n_involved is None else ["did", "involved"]
        frame = with_label(result.agents.select(named), result.provenance)
        frame_to(agents, frame, result.provenance)
        say(f"written: {agents}")
    output.emit(panel_report(result))


@grouped(("out", "events", *WORKERS, "pseudonyms", *ABOUT, *WINDOW, "scale", *WHO, "memory"))
def features(
    *,
    context: typer.Context,
    out: Annotated[
        str,
        typer.Option(
            "--out",
            metavar="FILE",
            help="A .parquet, .csv, .json or .jsonl file; with --events a folder.",
            show_default=False,
        ),
    ],
    events: EventsFolder = None,
    on: WorkerOptions,
    pseudonyms: Pseudonyms = False,
    store: FeaturesQueryOptions,
) -> None:
    """Write the features of each agent to a file.

    It has one row per agent: did, a, b, c, and the raw counts behind them. Other commands read it
    with --features. Of partitions it is a folder of parts.

    Example: blueattr features --topic mythos --out features.parquet
    """
    cluster = on.asked(events)
    if events is not None:
        _features_of_events(context, events, Path(out), store, cluster)
        return
    from blueattr.analysis.asked.naming import Naming
    from blueattr.analysis.features import make_features, with_label
    from blueattr.report import frame_to

    file = named_file(out)
    check_out(None, file)
    naming = Naming.of(top=1, pseudonyms=pseudonyms, beside=file)
    frame, origin = make_features(store.query(), naming)
    frame_to(file, with_label(frame, origin), origin)
    say(f"written: {file} ({len(frame):,} agents)")


def _features_of_events(
    context: typer.Context,
    events: Path,
    out: Path,
    store: FeaturesQueryOptions,
    cluster: "ClusterAddress | None",
) -> None:
    from blueattr.analysis.events_folder import features_of_partitions
    from blueattr.report.numbers import plural

    refuse_beside_events(context, "db", "pseudonyms")
    with show_stages() as progress:
        made = features_of_partitions(events, store.query(), out, cluster, progress)
    say(f"written: {out} ({plural(made.agents, 'agent')} in {plural(made.parts, 'part')})")
