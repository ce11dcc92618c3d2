"""Commands about who counts: topics, panel and features."""

from pathlib import Path
from typing import Annotated

import typer

from blueattr.cli.options import (
    DEFAULT_DB,
    BotsFile,
    Db,
    End,
    Format,
    KeepBots,
    Length,
    Match,
    MaxRate,
    Memory,
    Missing,
    Out,
    PopularityOption,
    ScaleOption,
    Start,
    Topic,
    TopicsFile,
    query,
)
from blueattr.cli.output import check_out, emit, say
from blueattr.errors import UsageError

topics = typer.Typer(
    name="topics",
    help="List topics, and check how many take part in them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@topics.command("list")
def topics_list(topics: TopicsFile = None, form: Format = "text", out: Out = None) -> None:
    """List the topics that ship and those of your own file.

    Example: blueattr topics list --topics mine.toml
    """
    from blueattr.report.inventory_panel import topics_report
    from blueattr.topics import load

    emit(topics_report(tuple(load(topics).values())), form, out)


@topics.command("check")
def topics_check(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="TOPIC...", help="All topics by default.", show_default=False),
    ] = None,
    match: Match = [],  # noqa: B006 - typer reads it, nobody writes to it
    topics: TopicsFile = None,
    db: Db = DEFAULT_DB,
    start: Start = None,
    end: End = None,
    window: Length = None,
    memory: Memory = "4GB",
    form: Format = "text",
    out: Out = None,
) -> None:
    """Count participants and events of each topic by day.

    And say whether the published criterion holds: at least 1,000 participants on each of at least
    10 days of a 14-day window.

    Example: blueattr topics check mythos --db my.duckdb
    """
    from blueattr import jobs
    from blueattr.report.inventory_panel import topic_days_report

    if names and match:
        raise UsageError("check topics by name or by --match, not both")
    check_out(out)
    asked = query(
        db=db, memory=memory, topic=None, match=match, topics_file=topics,
        start=start, end=end, window=window,
    )  # fmt: skip
    emit(topic_days_report(jobs.check_topics(asked, list(dict.fromkeys(names or [])))), form, out)


def panel(
    db: Db = DEFAULT_DB,
    start: Start = None,
    end: End = None,
    window: Length = None,
    bots: BotsFile = None,
    keep_bots: KeepBots = False,
    max_rate: MaxRate = None,
    popularity: PopularityOption = "follows-received",
    missing_followers: Missing = "error",
    agents: Annotated[
        Path | None,
        typer.Option(
            "--agents",
            help="Also write the agents' DIDs to a .parquet, .csv, .json or .jsonl file.",
        ),
    ] = None,
    memory: Memory = "4GB",
    form: Format = "text",
    out: Out = None,
) -> None:
    """Show who counts as an agent, and what each filter takes away.

    Example: blueattr panel --from 2026-04-09 --to 2026-04-23 --db my.duckdb
    """
    from blueattr import jobs
    from blueattr.report import frame_to
    from blueattr.report.inventory_panel import panel_report

    check_out(out, agents)
    asked = query(
        db=db, memory=memory, topic="all", match=[], topics_file=None, start=start, end=end,
        window=window, bots_file=bots, keep_bots=keep_bots, max_rate=max_rate,
        popularity=popularity, missing_followers=missing_followers,
    )  # fmt: skip
    result = jobs.make_panel(asked)
    if agents is not None:
        frame_to(agents, result.agents.select("did"))
        say(f"written: {agents}")
    emit(panel_report(result.provenance), form, out)


def features(
    out: Annotated[
        Path,
        typer.Option("--out", help="A .parquet, .csv, .json or .jsonl file.", show_default=False),
    ],
    topic: Topic = "all",
    match: Match = [],  # noqa: B006 - typer reads it, nobody writes to it
    topics: TopicsFile = None,
    db: Db = DEFAULT_DB,
    start: Start = None,
    end: End = None,
    window: Length = None,
    scale: ScaleOption = "log1p",
    bots: BotsFile = None,
    keep_bots: KeepBots = False,
    max_rate: MaxRate = None,
    popularity: PopularityOption = "follows-received",
    missing_followers: Missing = "error",
    memory: Memory = "4GB",
) -> None:
    """Write one row per agent: did, a, b, c, and the raw counts behind them.

    The file can be given back to attribute and compare-scales with --features.

    Example: blueattr features --topic mythos --out features.parquet --db my.duckdb
    """
    from blueattr import jobs
    from blueattr.report import frame_to

    check_out(None, out)
    asked = query(
        db=db, memory=memory, topic=topic, match=match, topics_file=topics, start=start, end=end,
        window=window, scale=scale, bots_file=bots, keep_bots=keep_bots, max_rate=max_rate,
        popularity=popularity, missing_followers=missing_followers,
    )  # fmt: skip
    frame, _ = jobs.make_features(asked)
    frame_to(out, frame)
    say(f"written: {out} ({len(frame):,} agents)")
