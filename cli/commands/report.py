"""The command report: a page, figures for a paper, or the data behind them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from blueattr.cli.clusters import WORKERS, WorkerOptions, show_stages
from blueattr.cli.features import FeaturesOptions
from blueattr.cli.grouping import grouped
from blueattr.cli.option_groups import HOW, WINDOW, ReportQuestionOptions, TopicsQueryOptions
from blueattr.cli.options import AllTopics, EventsFolder, Groups, ManyGroups, Pseudonyms, Top
from blueattr.cli.output import say
from blueattr.cli.sampling import DRAWS, SamplingOptions
from blueattr.cli.typed import refuse_beside_events
from blueattr.errors import UsageError
from blueattr.user_path import named_page

if TYPE_CHECKING:
    from blueattr.report.pages.gallery import Form
    from blueattr.studies.topic import TopicReport


@grouped(
    (
        "record",
        "topic",
        "all_topics",
        "match",
        "topics",
        "db",
        "events",
        *WORKERS,
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
    record: Annotated[
        str | None,
        typer.Argument(
            metavar="[RECORD]",
            help="The record of a simulation, in place of a store; see scenario attribute --out "
            "page.html for other questions than the default one.",
            show_default=False,
        ),
    ] = None,
    store: TopicsQueryOptions,
    all_topics: AllTopics = False,
    events: EventsFolder = None,
    on: WorkerOptions,
    own: FeaturesOptions,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            parser=named_page,
            metavar="PATH",
            help="A folder, made if there is none, or a .html file.",
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
    nothing and runs nothing, and ends with the command that makes it again. Of partitions it is
    that of the store of the same events. With the record of a simulation it says who drove the
    simulation's first indicator, at its peak.

    Example: blueattr report --topic mythos --out report/ --db my.duckdb
    """
    from blueattr.analysis.asked.naming import Naming
    from blueattr.analysis.asked.windows import period
    from blueattr.analysis.groups.grouping import groups_of_report
    from blueattr.analysis.topic_reports import report_features, report_topic, report_topics
    from blueattr.report.figures.charts.printing import width_mm
    from blueattr.report.pages.gallery import check_target, write_report

    if record is not None:
        _report_record(context, record, out, form, width)
        return
    own.check(context)
    cluster = on.asked(events)
    if events is not None:
        refuse_beside_events(context, "db", "features")
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
    elif events is not None:
        from blueattr.analysis.parted_reports import report_partitions

        with show_stages() as progress:
            reports = report_partitions(
                events, query, topics, question, sampling, beside=out, **how_told,
                against=earlier, cluster=cluster, progress=progress,
            )  # fmt: skip
    elif topics:
        reports = report_topics(query, topics, question, sampling, **how_told, against=earlier)
    else:
        reports = (report_topic(query, question, sampling, **how_told, against=earlier),)
    for path in write_report(reports, out, form, printed):
        say(f"written: {path}")


_OF_A_RECORD = frozenset({"record", "out", "form", "width"})


def _report_record(
    context: typer.Context, record: str, out: Path, form: "Form", width: str | None
) -> None:
    """Report who drove the first indicator of a record, at its peak."""
    from blueattr.library.scenarios import attribute_scenario
    from blueattr.report.figures.charts.printing import width_mm
    from blueattr.report.pages.gallery import check_target
    from blueattr.report.pages.scenario import write_scenario_report

    for parameter in context.command.params:
        source = context.get_parameter_source(str(parameter.name))
        typed = source is not None and source.name == "COMMANDLINE"
        if typed and parameter.name not in _OF_A_RECORD:
            raise UsageError(
                f"a record of a simulation takes --out, --format and --width, not "
                f"{parameter.opts[0]}; blueattr scenario attribute answers other questions"
            )
    printed = None if width is None else width_mm(width)
    check_target(out, form, printed)
    result = attribute_scenario(record)
    for path in write_scenario_report(result, out, form, printed):
        say(f"written: {path}")
