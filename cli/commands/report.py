"""The command report: a page, figures for a paper, or the data behind them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from blueattr.analysis import parse
from blueattr.cli.features import FeaturesFile, refuse_store_options
from blueattr.cli.options import (
    DRAWS,
    HOW,
    WINDOW,
    ReportQuestionOptions,
    SamplingOptions,
    TopicsQueryOptions,
    grouped,
)
from blueattr.cli.output import say
from blueattr.errors import UsageError

if TYPE_CHECKING:
    from blueattr.studies.topic import TopicReport


@grouped(
    (
        "topic",
        "all_topics",
        "match",
        "topics",
        "db",
        "features",
        "out",
        "form",
        "indicator",
        "sizes",
        *DRAWS,
        "top",
        *WINDOW,
        "scale",
        "popularity",
        "missing_followers",
        "tiers",
        *HOW,
        "bots",
        "keep_bots",
        "max_rate",
        "memory",
    )
)
def report(
    context: typer.Context,
    *,
    store: TopicsQueryOptions,
    all_topics: Annotated[
        bool, typer.Option("--all-topics", help="Report on every topic.", show_default=False)
    ] = False,
    features: FeaturesFile = None,
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="PATH", help="A folder, made if there is none, or a .html file."
        ),
    ] = Path("report"),
    form: Annotated[
        Literal["html", "png", "svg", "json", "csv", "parquet"],
        typer.Option(
            "--format",
            help="One page (html), one file a figure (png, svg), or the data behind each figure "
            "(json, csv, parquet).",
        ),
    ] = "html",
    how: ReportQuestionOptions,
    draws: SamplingOptions,
    top: Annotated[
        int,
        typer.Option(
            "--top", metavar="N", help="Number of agents to name, those with the largest values."
        ),
    ] = 20,
) -> None:
    """Make a report with figures, tables and methods.

    It is one self-contained HTML file about one topic or several, which opens offline, loads
    nothing and runs nothing, and ends with the command that makes it again.

    Example: blueattr report --topic mythos --out report/ --db my.duckdb
    """
    from blueattr.analysis.topic_reports import report_features, report_topic, report_topics
    from blueattr.report.pages.gallery import check_target, write_report

    refuse_store_options(context, features)
    if all_topics and (store.topic is not None or features is not None):
        raise UsageError("--all-topics stands alone; leave out --topic and --features")
    check_target(out, form)
    query, question, sampling = store.query(), how.question(), draws.sampling()
    topics = parse.several_topics(parse.EVERY_TOPIC if all_topics else store.topic, store.match)
    reports: tuple[TopicReport, ...]
    if features is not None:
        reports = (report_features(features, question, sampling, top=top),)
    elif topics:
        reports = report_topics(query, topics, question, sampling, top=top)
    else:
        reports = (report_topic(query, question, sampling, top=top),)
    for path in write_report(reports, out, form):
        say(f"written: {path}")
