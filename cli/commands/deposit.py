"""The commands deposit and rehydrate: what others may keep of a study, and what is left of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from blueattr.cli.asking import Appview, Contact, MaxRequests, Pace, end_asking
from blueattr.cli.grouping import grouped
from blueattr.cli.option_groups import (
    ABOUT,
    HOW,
    WHO,
    WINDOW,
    OutputOptions,
    QueryOptions,
    QuestionOptions,
    StoreOptions,
)
from blueattr.cli.options import Format, Pseudonyms, Quiet, Verbose
from blueattr.cli.output import emit
from blueattr.cli.request_line import RequestLine
from blueattr.cli.signals import interrupting

if TYPE_CHECKING:
    from blueattr.ingest.rehydrate import Rehydrated


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


@dataclass
class RehydrateOptions:
    """Whom to ask for the records of a deposit."""

    appview: Appview = "https://public.api.bsky.app"
    servers: Annotated[
        bool,
        typer.Option(
            "--servers",
            help="Ask each account's own server for everything, and no AppView.",
            show_default=False,
        ),
    ] = False
    max_requests: MaxRequests = 3000
    pace: Pace = 4.0
    contact: Contact = None


@grouped()
def rehydrate(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="A deposit.", show_default=False)
    ],
    *,
    asked: RehydrateOptions,
    store: StoreOptions,
    output: OutputOptions,
    quiet: Quiet = False,
) -> None:
    """Ask for the records of a deposit again, and say which were deleted or changed.

    Posts are asked for at the AppView, 25 a request; what it does not show, and reposts, at each
    account's own server. What is there is kept in the store; the same command goes on where the
    last one stopped. It ends with exit code 9 where --max-requests ended it.

    Example: blueattr rehydrate deposit/ --db again.duckdb
    """
    from blueattr.ingest.collection import check_asking
    from blueattr.ingest.rehydrate import rehydrate as run
    from blueattr.panel.topics import shipped_rules
    from blueattr.report.inventory.rehydrations import rehydrate_report
    from blueattr.sources.deposits import read_deposit

    output.check()
    check_asking((asked.appview,), asked.max_requests, asked.contact)
    study = read_deposit(folder)
    with interrupting(), RequestLine(quiet=quiet) as line:
        done = run(
            store.db,
            study,
            appview=None if asked.servers else asked.appview,
            most=asked.max_requests,
            contact=asked.contact,
            rules=shipped_rules(),
            memory=store.memory_limit,
            progress=lambda so_far: line.show(_so_far(so_far)),
            on_wait=line.wait,
            rate=asked.pace,
        )
    output.emit(rehydrate_report(done))
    end_asking(done)


def _so_far(done: "Rehydrated") -> str:
    return (
        f"{done.requests:,} of {done.most:,} requests  "
        f"{len(done.fates):,} of {len(done.study.records):,} records"
    )
