"""The command that makes a report: a page to show, figures for a paper, or the data behind them."""

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
    Indicator,
    KeepBots,
    Length,
    Match,
    MaxRate,
    Memory,
    Method,
    Missing,
    PopularityOption,
    Protocol,
    ScaleOption,
    Seed,
    Seeds,
    Sizes,
    Start,
    Steps,
    Tiers,
    Topics,
    TopicsFile,
    Weights,
    only_for_a_store,
    query,
    question,
    sampling,
    several_topics,
)
from blueattr.cli.output import say
from blueattr.errors import UsageError

if TYPE_CHECKING:
    from blueattr.overview import TopicReport


def report(
    context: typer.Context,
    topic: Topics = None,
    all_topics: Annotated[
        bool, typer.Option("--all-topics", help="Each topic there is.", show_default=False)
    ] = False,
    match: Match = [],  # noqa: B006 - typer reads it, nobody writes to it
    topics: TopicsFile = None,
    db: Db = DEFAULT_DB,
    features: FeaturesFile = None,
    out: Annotated[
        Path,
        typer.Option("--out", help="A folder, made if it is not there; or a .html file."),
    ] = Path("report"),
    form: Annotated[
        Literal["html", "png", "svg", "json", "csv", "parquet"],
        typer.Option(
            "--format",
            help="One page (html), each figure by itself (png, svg), or the data behind each "
            "(json, csv, parquet).",
        ),
    ] = "html",
    indicator: Indicator = "all",
    sizes: Sizes = "100,1000",
    protocol: Protocol = "visibility",
    seeds: Seeds = 10,
    seed: Seed = 0,
    top: Annotated[
        int, typer.Option("--top", help="How many agents with the largest attribution to name.")
    ] = 20,
    start: Start = None,
    end: End = None,
    window: Length = None,
    scale: ScaleOption = "log1p",
    popularity: PopularityOption = "follows-received",
    missing_followers: Missing = "error",
    tiers: Tiers = "1,10",
    method: Method = "auto",
    steps: Steps = None,
    aggregator: AggregatorOption = "mean",
    weights: Weights = None,
    bots: BotsFile = None,
    keep_bots: KeepBots = False,
    max_rate: MaxRate = None,
    memory: Memory = "4GB",
) -> None:
    """Make a report that opens anywhere, offline: figures, tables, and how to make it again.

    One self-contained HTML file for one topic or several. It loads nothing and runs nothing.

    Example: blueattr report --topic mythos --out report/ --db my.duckdb
    """
    from blueattr import reports
    from blueattr.report import gallery

    if features is not None:
        only_for_a_store(context)
    if all_topics and (topic is not None or features is not None):
        raise UsageError("--all-topics stands alone; leave out --topic and --features")
    gallery.check_target(out, form)
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
    several = several_topics(reports.EVERY_TOPIC if all_topics else topic, match)
    made: tuple[TopicReport, ...]
    if features is not None:
        made = (reports.report_features(features, what, samples, top=top),)
    elif several:
        made = reports.report_topics(asked, several, what, samples, top=top)
    else:
        made = (reports.report_topic(asked, what, samples, top=top),)
    for path in gallery.write_report(made, out, form):
        say(f"written: {path}")
