"""The command why: one account's part of an indicator, and what it is made of."""

from functools import partial
from typing import Annotated

import typer

from blueattr.cli.features import FeaturesOptions
from blueattr.cli.grouping import grouped
from blueattr.cli.option_groups import (
    ABOUT,
    DETAILED,
    HOW,
    WHO,
    WINDOW,
    QueryOptions,
    QuestionOptions,
)
from blueattr.cli.options import Seed
from blueattr.cli.page_output import PageOutputOptions


@grouped(
    (
        "account",
        *ABOUT,
        "features",
        "columns",
        "indicator",
        "panel",
        *WINDOW,
        "scale",
        "tiers",
        *HOW,
        *WHO,
        "choices",
        "resamples",
        "seed",
        "top",
        *DETAILED,
    )
)
def why(
    context: typer.Context,
    *,
    account: Annotated[
        str,
        typer.Argument(
            metavar="ACCOUNT",
            help="Its handle or DID; with --features the name of an agent.",
            show_default=False,
        ),
    ],
    store: QueryOptions,
    own: FeaturesOptions,
    how: QuestionOptions,
    choices: Annotated[
        bool,
        typer.Option(
            "--choices",
            help="Also rank the account under each choice of sensitivity.",
            show_default=False,
        ),
    ] = False,
    resamples: Annotated[
        int,
        typer.Option(
            "--resamples",
            metavar="N",
            help="Number of resamples of the days, for the interval of its rank.",
        ),
    ] = 1000,
    seed: Seed = 0,
    top: Annotated[
        int,
        typer.Option(
            "--top",
            metavar="N",
            help="How many of its posts to show, and of the accounts it answered and was "
            "answered by.",
        ),
    ] = 10,
    output: PageOutputOptions,
) -> None:
    """Show why an account has its value: what it is made of, and how sure its rank is.

    Its parts by activity, popularity and influence, its posts and its days each add up to its
    value. It also says whom the account replied to, who amplified it, and what the indicator is
    without it.

    Example: blueattr why user.bsky.social --topic mythos --out why.html
    """
    from blueattr.analysis.carriers.why import details, why_given, why_store
    from blueattr.report.results.why import why_report

    own.check(context)
    output.check()
    query, question = store.query(), how.question()
    wanted = details(choices=choices, resamples=resamples, seed=seed, top=top)
    if own.features is None:
        result = why_store(query, question, account, wanted)
    else:
        result = why_given(own.features, question, account, wanted, own.names)
    if output.is_page:
        from blueattr.report.pages.answer import write_answer

        output.emit_page(partial(write_answer, result))
    else:
        output.emit(why_report(result))
