"""The command posts: what carried an indicator and when, by records, hours and days."""

from typing import Annotated

import typer

from blueattr.cli.grouping import grouped
from blueattr.cli.option_groups import (
    ABOUT,
    DETAILED,
    WHO,
    WINDOW,
    DetailedOutputOptions,
    IndicatorOptions,
    QueryOptions,
)


@grouped(
    (
        *ABOUT,
        "indicator",
        *WINDOW,
        "panel",
        "scale",
        *WHO,
        "aggregator",
        "weights",
        "top",
        *DETAILED,
    )
)
def posts(
    *,
    store: QueryOptions,
    how: IndicatorOptions,
    top: Annotated[
        int,
        typer.Option(
            "--top",
            metavar="N",
            help="How many posts to show, those with the largest values; 0 shows none.",
        ),
    ] = 10,
    output: DetailedOutputOptions,
) -> None:
    """Show which posts carried an indicator, and when.

    Each account's value by activity and influence is split among its records, hours and days; what
    popularity carries is of none. Together they are the total that attribute prints.

    Example: blueattr posts --topic mythos --db my.duckdb
    """
    from blueattr.analysis.carriers.posts import check_posts, posts_store
    from blueattr.report.results.posts import posts_report

    output.check()
    query, question = store.query(), how.question()
    output.emit(posts_report(posts_store(query, question, top=check_posts(top))))
