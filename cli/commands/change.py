"""The command change: what carried the rise or fall of an indicator between two windows."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from blueattr.analysis.asked.windows import two_windows
from blueattr.cli import completion
from blueattr.cli.grouping import grouped
from blueattr.cli.option_groups import ABOUT, DETAILED, WHO, IndicatorOptions, TopicOptions
from blueattr.cli.options import GroupsOfChange, Pseudonyms, Tiers, Top
from blueattr.cli.page_output import FigureOutputOptions

if TYPE_CHECKING:
    from blueattr.analysis.asked.windows import ComparedWindows


Before: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--before",
        metavar="DATE..DATE",
        help="The days before, in UTC; the last one is included.",
        show_default=False,
    ),
]
After: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--after",
        metavar="DATE..DATE",
        help="The days after, as many as before.",
        show_default=False,
    ),
]
Since: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="DATE",
        help="In place of both: DATE to the last event, against as long before it; or yesterday "
        "or last-week, whole days up to the last whole one in the store.",
        show_default=False,
        autocompletion=completion.since,
    ),
]


@dataclass
class TieredOptions(IndicatorOptions):
    """What to attribute, and the tiers to sum it up by."""

    tiers: Tiers = "1,10"


@dataclass
class WindowsOptions:
    """Two windows."""

    before: Before = None
    after: After = None
    since: Since = None

    def compared(self) -> "ComparedWindows":
        """Return which two windows to compare."""
        return two_windows(**vars(self))


@grouped(
    (
        *ABOUT,
        "indicator",
        "before",
        "after",
        "since",
        "panel",
        "by",
        "scale",
        "tiers",
        *WHO,
        "aggregator",
        "weights",
        "top",
        "pseudonyms",
        *DETAILED,
    )
)
def change(
    *,
    store: TopicOptions,
    windows: WindowsOptions,
    how: TieredOptions,
    by: GroupsOfChange = None,
    top: Top = 10,
    pseudonyms: Pseudonyms = False,
    output: FigureOutputOptions,
) -> None:
    """Show what carried the rise or fall of an indicator between two windows.

    Accounts that came, that went, that did more or less, and the size of the panel: together they
    are the difference of the two totals that attribute prints.

    Example: blueattr change --topic mythos --since last-week --db my.duckdb
    """
    from blueattr.analysis.asked.naming import Naming
    from blueattr.analysis.change import change_store
    from blueattr.analysis.groups.grouping import groups_of_report
    from blueattr.report import change_report, changes_report
    from blueattr.studies.carriers.leaders import check_top

    output.check()
    query, compared, question = store.query(), windows.compared(), how.question()
    if output.is_figure:
        question.check_one("a figure shows the change of")
    naming = Naming.of(top=check_top(top), pseudonyms=pseudonyms, beside=output.out)
    groups = groups_of_report(by)
    results = change_store(query, compared, question, top=top, naming=naming, by=groups)
    if len(results) == 1:
        output.emit_result(results[0], change_report(results[0]))
    else:
        output.emit(changes_report(results))
