"""The command report: a page, figures for a paper, or the data behind them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from blueattr.cli.features import FeaturesOptions
from blueattr.cli.grouping import grouped
from blueattr.cli.options import (
    HOW,
    WINDOW,
    AllTopics,
    Groups,
    ManyGroups,
    Pseudonyms,
    ReportQuestionOptions,
    Top,
    TopicsQueryOptions,
)
from blueattr.cli.output import say
from blueattr.cli.sampling import DRAWS, SamplingOptions
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
        "columns",
        "out",
        "form",
        "width",
        "indicator",
        "panel",
        "by",
        "many_groups",
        "sizes",
        *DRAWS,
        "top",
        "pseudonyms",
        *WINDOW,
        "against",
        "scale",
        "popularity",
        "missing_followers",
        "influence",
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
    all_topics: AllTopics = False,
    own: FeaturesOptions,
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="PATH", help="A folder, made if there is none, or a .html file."
        ),
    ] = Path("report"),
    form: Annotated[
        Literal["html", "png", "svg", "pdf", "json", "csv", "parquet", "md", "tex", "datasette"],
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="A page (html), its figures (png, svg, pdf), the data behind each "
            "(json, csv, parquet) or its table (md, tex); or everything in an "
            "SQLite file (datasette).",
        ),
    ] = "html",
    width: Annotated[
        str | None,
        typer.Option(
            "--width",
            metavar="LENGTH",
            help="Width of each figure in print, such as 85mm, 18cm or 3.35in.",
            show_default=False,
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="DATE..DATE",
            help="Also show what carried the change since these days, as many as the window has.",
            show_default=False,
        ),
    ] = None,
    by: Groups = None,
    many_groups: ManyGroups = "join",
    how: ReportQuestionOptions,
    draws: SamplingOptions,
    top: Top = 10,
    pseudonyms: Pseudonyms = False,
) -> None:
    """Make a report with figures, tables and methods.

    It is one self-contained HTML file about one topic or several, which opens offline, loads
    nothing and runs nothing, and ends with the command that makes it again.

    Example: blueattr report --topic mythos --out report/ --db my.duckdb
    """
    from blueattr.analysis.asked.naming import Naming
    from blueattr.analysis.asked.windows import period
    from blueattr.analysis.groups.grouping import groups_of_report
    from blueattr.analysis.topic_reports import report_features, report_topic, report_topics
    from blueattr.report.figures.charts.printing import width_mm
    from blueattr.report.pages.gallery import check_target, write_report

    own.check(context)
    own.refuse_all_topics(all_topics)
    printed = None if width is None else width_mm(width)
    check_target(out, form, printed)
    query, question, sampling = store.query(), how.question(), draws.sampling()
    naming = Naming.of(top=top, pseudonyms=pseudonyms, beside=out)
    groups = groups_of_report(by, many_groups, sampling.seed)
    how_told: Any = {
        "top": top, "naming": naming, "accounts": form == "datasette", "by": groups,
    }  # fmt: skip
    earlier = None if against is None else period(against, "--against")
    if earlier is not None and own.features is not None:
        raise UsageError("--against needs a store; a features file has no days")
    topics = store.several(all_topics=all_topics)
    reports: tuple[TopicReport, ...]
    if own.features is not None:
        reports = (
            report_features(own.features, question, sampling, columns=own.names, **how_told),
        )
    elif topics:
        reports = report_topics(query, topics, question, sampling, **how_told, against=earlier)
    else:
        reports = (report_topic(query, question, sampling, **how_told, against=earlier),)
    for path in write_report(reports, out, form, printed):
        say(f"written: {path}")
