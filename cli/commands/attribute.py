"""Commands about who carried it: attribute and compare-scales."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from blueattr.cli.options import (
    ABOUT,
    DRAWS,
    HOW,
    OUTPUT,
    WHO,
    WINDOW,
    FeaturesFile,
    OutputOptions,
    QueryOptions,
    QuestionOptions,
    SamplingOptions,
    TopicsQueryOptions,
    grouped,
    only_for_a_store,
)
from blueattr.cli.output import say
from blueattr.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

    from blueattr.attribution.attribute import AttributionResult
    from blueattr.attribution.question import Question
    from blueattr.panel.query import PanelQuery
    from blueattr.provenance import Provenance


def chosen_features(file: Path | None, asked: "PanelQuery") -> "tuple[pl.DataFrame, Provenance]":
    """Read a panel of the user's own, or make one from a store."""
    from blueattr.analysis.features import load_features, make_features

    return make_features(asked) if file is None else load_features(file)


@grouped(
    (
        *ABOUT,
        "features",
        "indicator",
        *WINDOW,
        "scale",
        "tiers",
        *HOW,
        *WHO,
        "by",
        "agents",
        *OUTPUT,
    )
)
def attribute(
    context: typer.Context,
    *,
    store: QueryOptions,
    features: FeaturesFile = None,
    how: QuestionOptions,
    by: Annotated[
        Literal["day"] | None,
        typer.Option(
            "--by",
            help="Also each UTC day of the window by itself, with the panel and tiers of the "
            "whole.",
            show_default=False,
        ),
    ] = None,
    agents: Annotated[
        Path | None,
        typer.Option(
            "--agents",
            help="Also write every agent's attribution: did, tier, a, b, c, value, share; to a "
            ".parquet, .csv, .json or .jsonl file. One indicator only.",
            show_default=False,
        ),
    ] = None,
    output: OutputOptions,
) -> None:
    """Split a macro indicator among all agents, and sum it up by tier.

    A Parquet file of millions of agents is read in chunks, so that any number of them will do.

    Example: blueattr attribute --topic mythos --agents agents.parquet --db my.duckdb
    """
    from blueattr import report
    from blueattr.analysis import studies
    from blueattr.analysis.attribute import attribute_panel

    if features is not None:
        only_for_a_store(context)
    output.check(agents)
    asked = store.query()
    what = how.question()
    if agents is not None and len(what.indicators) > 1:
        raise UsageError("--agents writes one indicator; name it with --indicator")
    if by is not None:
        if features is not None:
            raise UsageError("--by day asks a store; a features file has no days")
        by_day = studies.shares_by_day(asked, what)
        if agents is not None:
            report.agents_to(agents, by_day[0].whole)
            say(f"written: {agents}")
        output.emit(report.days_report(by_day))
        return
    results = _in_chunks(features, what, agents) if features is not None else None
    if results is None:
        results = attribute_panel(*chosen_features(features, asked), what)
        if agents is not None:
            report.agents_to(agents, results[0])
    if agents is not None:
        say(f"written: {agents}")
    single = len(results) == 1
    output.emit(
        report.attribution_report(results[0]) if single else report.attributions_report(results)
    )


def _in_chunks(
    features: Path, what: "Question", agents: Path | None
) -> "list[AttributionResult] | None":
    """Attribute a file that is too large to be read whole; None of another."""
    from blueattr.attribution import streaming
    from blueattr.report.formats.streamed import agents_receiver

    if not streaming.is_large(features):
        return None
    return streaming.attribute_file(
        features,
        what.indicators,
        **what.how,
        receive=None if agents is None else agents_receiver(agents),
    )


@grouped(
    (
        *ABOUT,
        "features",
        "indicator",
        "sizes",
        *DRAWS,
        *WINDOW,
        "scale",
        "tiers",
        *HOW,
        *WHO,
        *OUTPUT,
    )
)
def compare_scales(
    context: typer.Context,
    *,
    store: TopicsQueryOptions,
    features: FeaturesFile = None,
    how: QuestionOptions,
    draws: SamplingOptions,
    output: OutputOptions,
) -> None:
    """Ask the same question at full scale and of small samples, and test for a rescaling factor.

    With several topics, or --topic all-topics, the grid of the published comparison: how many of
    the flips are positive, and shares by sample size.

    Example: blueattr compare-scales --topic mythos --indicator all --db my.duckdb
    """
    from blueattr import report
    from blueattr.analysis import studies
    from blueattr.analysis.attribute import compare_panel

    if features is not None:
        only_for_a_store(context)
    output.check()
    asked = store.query()
    what = how.question()
    samples = draws.sampling()
    several = store.several()
    if several:
        output.emit(report.grid_report(studies.compare_topics(asked, several, what, samples)))
        return
    result = compare_panel(*chosen_features(features, asked), what, samples)
    output.emit(report.comparison_report(result))
