"""The commands deposit and rehydrate: what others may keep of a study, and what is left of it."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from blueattr.cli.grouping import grouped
from blueattr.cli.options import (
    ABOUT,
    HOW,
    WHO,
    WINDOW,
    Format,
    Pseudonyms,
    QueryOptions,
    QuestionOptions,
    Verbose,
)
from blueattr.cli.output import emit


@grouped(
    (
        *ABOUT,
        "indicator",
        "panel",
        *WINDOW,
        "scale",
        "tiers",
        *HOW,
        *WHO,
        "license_",
        "title",
        "coarsen",
        "pseudonyms",
        "memory",
        "out",
        "form",
        "verbose",
    )
)
def deposit(
    *,
    store: QueryOptions,
    how: QuestionOptions,
    license_: Annotated[
        str,
        typer.Option(
            "--license",
            metavar="LICENCE",
            help="What others may do with it: an SPDX identifier, such as CC-BY-4.0, or an "
            "https:// address.",
            show_default=False,
        ),
    ],
    title: Annotated[
        str | None,
        typer.Option("--title", metavar="WORDS", help="Its name.", show_default=False),
    ] = None,
    coarsen: Annotated[
        Literal["hour", "day"] | None,
        typer.Option(
            "--coarsen",
            metavar="TIME",
            help="Cut times to the hour or the day; with --pseudonyms, to the hour at least.",
            show_default=False,
        ),
    ] = None,
    pseudonyms: Pseudonyms = False,
    out: Annotated[
        Path,
        typer.Option("--out", metavar="FOLDER", help="Where; it must not be there yet."),
    ] = Path("deposit"),
    form: Format = None,
    verbose: Verbose = False,
) -> None:
    """Write what others may keep of a study: records, agents with values, settings, metadata.

    The folder holds no text and no handle. Records are AT-URIs, by which others ask for them again
    (blueattr rehydrate); with --pseudonyms they are hashes, as accounts are. Its metadata are
    an RO-Crate and Croissant.

    Example: blueattr deposit --topic mythos --out deposit/ --license CC-BY-4.0
    """
    from blueattr.analysis.asked.naming import Naming
    from blueattr.analysis.deposit.study import check_licence, make_study
    from blueattr.report.deposit.folder import check_folder, write_study
    from blueattr.report.results.deposits import deposit_report

    check_folder(out)
    check_licence(license_)
    query, question = store.query(), how.question()
    naming = Naming.of(top=1, pseudonyms=pseudonyms, beside=out)
    study = make_study(
        query, question, licence=license_, title=title, naming=naming, coarse=coarsen
    )
    emit(deposit_report(write_study(study, out)), form, verbose=verbose)
