"""The command that makes a report: a page to show, figures for a paper, or the data behind them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from blueattr.analysis import parse
from blueattr.cli.options import (
    DRAWS,
    HOW,
    WINDOW,
    FeaturesFile,
    ReportQuestionOptions,
    SamplingOptions,
    TopicsQueryOptions,
    grouped,
    only_for_a_store,
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
        bool, typer.Option("--all-topics", help="Each topic there is.", show_default=False)
    ] = False,
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
    how: ReportQuestionOptions,
    draws: SamplingOptions,
    top: Annotated[
        int, typer.Option("--top", help="How many agents with the largest attribution to name.")
    ] = 20,
) -> None:
    """Make a report that opens anywhere, offline: figures, tables, and how to make it again.

    One self-contained HTML file for one topic or several. It loads nothing and runs nothing.

    Example: blueattr report --topic mythos --out report/ --db my.duckdb
    """
    from blueattr.analysis import studies, topic_reports
    from blueattr.report.pages import gallery

    if features is not None:
        only_for_a_store(context)
    if all_topics and (store.topic is not None or features is not None):
        raise UsageError("--all-topics stands alone; leave out --topic and --features")
    gallery.check_target(out, form)
    asked = store.query()
    what = how.question()
    samples = draws.sampling()
    several = parse.several_topics(studies.EVERY_TOPIC if all_topics else store.topic, store.match)
    made: tuple[TopicReport, ...]
    if features is not None:
        made = (topic_reports.report_features(features, what, samples, top=top),)
    elif several:
        made = topic_reports.report_topics(asked, several, what, samples, top=top)
    else:
        made = (topic_reports.report_topic(asked, what, samples, top=top),)
    for path in gallery.write_report(made, out, form):
        say(f"written: {path}")
