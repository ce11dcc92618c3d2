"""The commands correct and design: samples put right, and how large they should be."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blueattr.analysis.asked import parse
from blueattr.cli import completion
from blueattr.cli.features import Columns, FeaturesOptions
from blueattr.cli.grouping import grouped
from blueattr.cli.option_groups import (
    ABOUT,
    DETAILED,
    HOW,
    WHO,
    WINDOW,
    QueryOptions,
    QuestionOptions,
    SampleQuestionOptions,
)
from blueattr.cli.page_output import FigureOutputOptions
from blueattr.errors import UsageError

if TYPE_CHECKING:
    from blueattr.studies.samples.own_sample import Chance


@dataclass
class ChanceOptions:
    """What is known of how a sample was drawn."""

    pi: Annotated[
        str | None,
        typer.Option(
            "--pi",
            metavar="COLUMN",
            help="The column with the probability that the agent was drawn.",
            show_default=False,
        ),
    ] = None
    weight: Annotated[
        str | None,
        typer.Option(
            "--weight",
            metavar="COLUMN",
            help="The column with 1 / that probability.",
            show_default=False,
        ),
    ] = None
    size: Annotated[
        str | None,
        typer.Option(
            "--size",
            metavar="COLUMN",
            help="The column with what it was proportional to, such as followers + 1.",
            show_default=False,
        ),
    ] = None
    population_size: Annotated[
        float | None,
        typer.Option(
            "--population-size",
            metavar="W",
            help="With --size: its sum over all agents there are.",
            show_default=False,
        ),
    ] = None
    population: Annotated[
        int | None,
        typer.Option(
            "--population",
            metavar="N",
            help="The number of all agents there are, if it is known.",
            show_default=False,
        ),
    ] = None

    def chance(self) -> "Chance | None":
        """Return what is known; see `blueattr.analysis.own_samples.chance`."""
        from blueattr.analysis.own_samples import chance

        return chance(**vars(self))


_CHANCES = ("pi", "weight", "size", "population_size", "population")


@grouped(("sample", *_CHANCES, "columns", "indicator", "tiers", *HOW, "form", "out", "verbose"))
def correct(
    *,
    sample: Annotated[
        Path,
        typer.Argument(
            metavar="SAMPLE",
            help="A sample with did (or agent), a, b, c, perhaps followers and tier, and a column "
            "that says how likely each agent was to be drawn: CSV, Parquet, JSON or Arrow.",
        ),
    ],
    chances: ChanceOptions,
    columns: Columns = None,
    how: SampleQuestionOptions,
    output: FigureOutputOptions,
) -> None:
    """Estimate the shares of the whole from a sample of your own.

    It needs to be known how likely each agent was to be drawn; then the shares can be put right, at
    the price of variance.

    Example: blueattr correct sample.csv --pi probability
    """
    from blueattr.analysis.own_samples import correct_own
    from blueattr.report.results.own_samples import correction_report

    output.check()
    names = {} if columns is None else parse.columns(columns)
    result = correct_own(sample, names, how.question(), chances.chance())
    output.emit_result(result, correction_report(result))


@grouped(
    (
        "within",
        "protocol",
        *ABOUT,
        "features",
        "pilot",
        "columns",
        *_CHANCES,
        "indicator",
        "panel",
        *WINDOW,
        "scale",
        "tiers",
        *HOW,
        *WHO,
        *DETAILED,
    )
)
def design(
    context: typer.Context,
    *,
    within: Annotated[
        str,
        typer.Option(
            "--within",
            metavar="PP",
            help="The largest half-width of a tier's 95 % interval, in percentage points.",
        ),
    ] = "2pp",
    protocol: Annotated[
        str,
        typer.Option(
            "--protocol",
            metavar="NAME",
            help="How agents are drawn: visibility or random.",
            autocompletion=completion.protocols,
        ),
    ] = "visibility",
    store: QueryOptions,
    own: FeaturesOptions,
    pilot: Annotated[
        Path | None,
        typer.Option(
            "--pilot",
            metavar="SAMPLE",
            help="A first sample of your own in place of a whole panel, as for blueattr correct.",
            show_default=False,
        ),
    ] = None,
    chances: ChanceOptions,
    how: QuestionOptions,
    output: FigureOutputOptions,
) -> None:
    """Say how large a sample must be for its corrected shares to be sure enough.

    Example: blueattr design --topic mythos --within 2pp --out design.svg
    """
    from blueattr.analysis.own_samples import design_panel, design_pilot, half_width
    from blueattr.report.results.own_samples import design_report

    output.check()
    share, question, how_drawn = half_width(within), how.question(), chances.chance()
    if pilot is not None:
        own.check_pilot(context)
        result = design_pilot(
            pilot, own.names, question, share, protocol=protocol, how_drawn=how_drawn
        )
    else:
        if how_drawn is not None:
            raise UsageError("--pi, --weight and --size are columns of a sample; give --pilot")
        own.check(context)
        result = design_panel(*own.load(store.query()), question, share, protocol)
    output.emit_result(result, design_report(result))
