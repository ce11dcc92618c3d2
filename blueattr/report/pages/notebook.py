"""Results in a program: as text, HTML, a tidy frame, and drawn; `blueattr.display` calls it."""

from collections.abc import Callable
from functools import partial, singledispatch
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from blueattr.analysis.carriers.graphs import GraphResult
from blueattr.analysis.judging import RecordJudgement, RecordJudgingPlan
from blueattr.analysis.panel import PanelResult
from blueattr.analysis.results import Results, TopicCounts, TopicList
from blueattr.analysis.upkeep.status import Status
from blueattr.attribution.attribute import AttributionResult
from blueattr.attribution.change.result import ChangeResult
from blueattr.attribution.days import DayShares
from blueattr.errors import UsageError
from blueattr.report.figures.agents import concentration_exhibit
from blueattr.report.figures.bridge import change_exhibit
from blueattr.report.figures.charts.drawing import Drawing
from blueattr.report.figures.charts.printing import printed, width_mm
from blueattr.report.figures.charts.theme import PAPER
from blueattr.report.figures.corrected import (
    corrected_exhibit,
    correction_exhibit,
    design_exhibit,
)
from blueattr.report.figures.days import days_exhibit
from blueattr.report.figures.exhibit import Exhibit
from blueattr.report.figures.scales import (
    attributions_exhibit,
    flips_exhibit,
    shares_exhibit,
    sizes_exhibit,
)
from blueattr.report.figures.scenarios import drivers_exhibit, games_exhibit, steps_exhibit
from blueattr.report.figures.studies import bootstrap_exhibit, sensitivity_exhibit
from blueattr.report.figures.topic import topic_exhibits
from blueattr.report.figures.why import parts_exhibit, ranks_exhibit
from blueattr.report.formats.html import environment, table_layout
from blueattr.report.formats.tabular import tidy_frame
from blueattr.report.inventory.panel import panel_report, topic_days_report, topics_report
from blueattr.report.inventory.status import status_report
from blueattr.report.results.attributions import attribution_report, attributions_report
from blueattr.report.results.bootstraps import bootstrap_report
from blueattr.report.results.changes import change_report, changes_report
from blueattr.report.results.comparisons import comparison_report
from blueattr.report.results.convergences import convergence_report
from blueattr.report.results.days import days_report
from blueattr.report.results.graphs import graph_report
from blueattr.report.results.grids import grid_report
from blueattr.report.results.judgements import judgement_report, judging_plan_report
from blueattr.report.results.own_samples import correction_report, design_report
from blueattr.report.results.posts import posts_report
from blueattr.report.results.scenario_comparisons import scenario_comparison_report
from blueattr.report.results.scenarios import scenario_attribution_report
from blueattr.report.results.sensitivities import sensitivity_report
from blueattr.report.results.validations import validation_report
from blueattr.report.results.why import why_report
from blueattr.report.tables import Report, Table
from blueattr.scenarios.games.attribution import ScenarioAttribution
from blueattr.scenarios.games.compared import ScenarioComparison
from blueattr.studies.bootstrap import Bootstrap
from blueattr.studies.carriers.posts import PostsResult
from blueattr.studies.carriers.why import WhyResult
from blueattr.studies.convergence import Convergence
from blueattr.studies.grid import ScaleGrid
from blueattr.studies.samples.design import Designs
from blueattr.studies.samples.own_sample import Correction
from blueattr.studies.scales import ScaleComparison
from blueattr.studies.sensitivity import Sensitivity
from blueattr.studies.topic import TopicReport, concentration
from blueattr.studies.validation.result import Validation

if TYPE_CHECKING:
    import polars as pl

__all__ = ["drawing_of", "figures_of", "frame_of", "html_of", "report_of", "text_of"]


_COLUMNS = 80


Figures = dict[str, Callable[[], Exhibit | None]]
"""By name; each is made on demand, and may have nothing to show."""


@singledispatch
def report_of(result: object) -> Report:
    """Lay out any result.

    Raises
    ------
    UsageError
        It is not a result.
    """
    raise UsageError(f"{type(result).__name__} is not a result that can be shown")


@singledispatch
def figures_of(result: object) -> Figures:
    """Name the figures of any result; the first is drawn unless another is named."""
    del result
    return {}


report_of.register(AttributionResult, attribution_report)
report_of.register(ChangeResult, change_report)
report_of.register(ScaleComparison, comparison_report)
report_of.register(ScaleGrid, grid_report)
report_of.register(Bootstrap, bootstrap_report)
report_of.register(Sensitivity, sensitivity_report)
report_of.register(PostsResult, posts_report)
report_of.register(WhyResult, why_report)
report_of.register(Correction, correction_report)
report_of.register(Designs, design_report)
report_of.register(Validation, validation_report)
report_of.register(Convergence, convergence_report)
report_of.register(Status, status_report)
report_of.register(PanelResult, panel_report)
report_of.register(GraphResult, graph_report)
report_of.register(ScenarioAttribution, scenario_attribution_report)
report_of.register(ScenarioComparison, scenario_comparison_report)
report_of.register(RecordJudgement, judgement_report)
report_of.register(RecordJudgingPlan, judging_plan_report)


@report_of.register(Results)
def _(result: Results[Any]) -> Report:
    first = result.parts[0]
    if isinstance(first, AttributionResult):
        # One indicator in a list is laid out like one by itself, as a command does.
        one = len(result) == 1
        return attribution_report(first) if one else attributions_report(result.parts)
    if isinstance(first, ChangeResult):
        return change_report(first) if len(result) == 1 else changes_report(result.parts)
    return days_report(result.parts) if isinstance(first, DayShares) else report_of(result.whole)


@report_of.register
def _(result: TopicList) -> Report:
    return topics_report(result.topics)


@report_of.register
def _(result: TopicCounts) -> Report:
    return topic_days_report(result.topics)


@report_of.register
def _(result: DayShares) -> Report:
    return days_report([result])


@report_of.register
def _(result: TopicReport) -> Report:
    return comparison_report(result.comparison)


@figures_of.register
def _(result: AttributionResult) -> Figures:
    return {
        "tier-shares": lambda: attributions_exhibit([result]),
        "concentration": lambda: concentration_exhibit([concentration(result)], result.provenance),
    }


@figures_of.register(Results)
def _(result: Results[Any]) -> Figures:
    first = result.parts[0]
    if isinstance(first, AttributionResult):
        return {"tier-shares": lambda: attributions_exhibit(result.parts)}
    if isinstance(first, ChangeResult):
        return {
            f"bridge-{name}": partial(change_exhibit, part)
            for name, part in zip(result.names, result.parts, strict=True)
        }
    if isinstance(first, DayShares):
        return {
            f"by-day-{name}": partial(days_exhibit, part)
            for name, part in zip(result.names, result.parts, strict=True)
        }
    return figures_of(result.whole)


@figures_of.register
def _(result: ScaleComparison) -> Figures:
    return {
        "tier-shares": lambda: shares_exhibit(result),
        "share-by-size": lambda: sizes_exhibit(result),
        "corrected": lambda: corrected_exhibit(result),
    }


@figures_of.register
def _(result: ScaleGrid) -> Figures:
    return {"flips": lambda: flips_exhibit(result.topics)}


@figures_of.register
def _(result: ChangeResult) -> Figures:
    return {"bridge": lambda: change_exhibit(result)}


@figures_of.register
def _(result: WhyResult) -> Figures:
    return {"parts": lambda: parts_exhibit(result), "ranks": lambda: ranks_exhibit(result)}


@figures_of.register
def _(result: ScenarioAttribution) -> Figures:
    return {
        "drivers": lambda: drivers_exhibit(result),
        "steps": lambda: steps_exhibit(result),
        "games": lambda: games_exhibit(result),
    }


@figures_of.register
def _(result: DayShares) -> Figures:
    return {"by-day": lambda: days_exhibit(result)}


@figures_of.register
def _(result: Bootstrap) -> Figures:
    return {"bootstrap": lambda: bootstrap_exhibit(result)}


@figures_of.register
def _(result: Sensitivity) -> Figures:
    return {"sensitivity": lambda: sensitivity_exhibit(result)}


@figures_of.register
def _(result: Correction) -> Figures:
    return {"corrected": lambda: correction_exhibit(result)}


@figures_of.register
def _(result: Designs) -> Figures:
    return {"design": lambda: design_exhibit(result)}


@figures_of.register
def _(result: TopicReport) -> Figures:
    return {exhibit.name: partial(_same, exhibit) for exhibit in topic_exhibits(result)}


def _same(exhibit: Exhibit) -> Exhibit:
    return exhibit


def text_of(result: object) -> str:
    """Return the text that a command prints of a result, on a terminal of 80 columns."""
    from blueattr.report.formats.text import Terminal, text_of  # noqa: PLC0415 - start-up time

    return text_of(report_of(result), Terminal(width=_COLUMNS)).removesuffix("\n")


def frame_of(result: object) -> "pl.DataFrame":
    """Return a result's tidy frame, as in its CSV and Parquet forms."""
    return tidy_frame(report_of(result))


def drawing_of(result: object, figure: str | None = None, width: str | None = None) -> Drawing:
    """Draw one of a result's figures, as for paper, of a width such as 85mm.

    Raises
    ------
    UsageError
        There is no such figure, or it has nothing to show on this result; or it is no width.
    """
    millimetres = None if width is None else width_mm(width)
    figures = figures_of(result)
    if not figures:
        raise UsageError(f"a {type(result).__name__} has no figure; its table has every number")
    name = next(iter(figures)) if figure is None else figure
    if name not in figures:
        raise UsageError(f"there is no figure {name!r}; there are {', '.join(figures)}")
    exhibit = figures[name]()
    if exhibit is None:
        raise UsageError(
            f"the figure {name!r} has nothing to show: there is no answer on this data"
        )
    return printed(exhibit, _panels(result), millimetres)


def _panels(result: Any) -> list[Any]:
    """Return the results of one panel each that a result has."""
    match result:
        case ScaleGrid():
            return list(result.topics)
        case TopicReport():
            return [result.comparison]
        case DayShares():
            return [result.whole]
        case Results():
            first = result.parts[0]
            alone = isinstance(first, AttributionResult | ChangeResult | DayShares)
            return _panels(first if alone else result.whole)
        case _:
            return [result]


def _tables(report: Report) -> tuple[Table, ...]:
    return (*report.tables, *report.lists, *report.details)


def html_of(result: object) -> str:
    """Show a result as HTML: its sentences, first figure, tables, and provenance."""
    report = report_of(result)
    first = next(iter(figures_of(result).values()), None)
    exhibit = None if first is None else first()
    # The drawing library has escaped what words there are in a figure.
    svg = None if exhibit is None else Markup(Drawing(exhibit.chart(PAPER)).svg())  # noqa: S704
    html: str = environment().get_template("notebook.html.jinja").render(
        summary=(*report.summary, *report.notes),
        warnings=report.warnings,
        figure=svg,
        alt="" if exhibit is None else exhibit.alt,
        tables=[table_layout(table, f"table-{k}") for k, table in enumerate(_tables(report))],
        facts=report.facts,
    )  # fmt: skip
    return html
