"""The command import: read tables of data sets into a store."""

import signal
from typing import Annotated, Any

import typer

from blueattr.cli.grouping import grouped
from blueattr.cli.option_groups import OutputOptions, StoreOptions
from blueattr.cli.options import DryRun, Out, Quiet
from blueattr.cli.output import say
from blueattr.cli.progress import Bars
from blueattr.cli.reading import exit_on, kept
from blueattr.errors import ExitCode, UsageError

_PRINTED = ("text", "json", "csv", "md", "tex")


@grouped()
def import_(
    *,
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE",
            help="Tables: Parquet, CSV, JSON lines or JSON arrays (the last three also as .gz, "
            ".zst, .bz2 or .xz, or in a tar archive), folders, globs; TABLE=FILE where a "
            "file does not say which table of its format it is.",
            show_default=False,
        ),
    ] = None,
    form: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="The format of the files (see --formats), or a file of SQL of your own; and how "
            "the report is printed, if not as text: json, csv, md or tex. Repeatable.",
            show_default=False,
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns",
            metavar="PART=COLUMN,...",
            help="Of a table of your own: which column plays which part, such as "
            "actor=author,time=created_at,text=body. Common names are known.",
            show_default=False,
        ),
    ] = None,
    drawn: Annotated[
        str | None,
        typer.Option(
            "--drawn",
            metavar="HOW",
            help="How the records were chosen: network, users, keywords or unknown.",
            show_default=False,
        ),
    ] = None,
    dry_run: DryRun = False,
    formats: Annotated[
        bool,
        typer.Option("--formats", help="List the formats that are known.", show_default=False),
    ] = False,
    store: StoreOptions,
    out: Out = None,
    quiet: Quiet = False,
) -> None:
    """Read tables of data sets into a store.

    What is missing for an answer is said before the first row is kept. Importing the same records
    again, or after or before the network sent them, changes nothing.

    Example: blueattr import posts.csv --columns actor=author --db my.duckdb
    """
    from blueattr.report.inventory.imports import formats_report

    known_as, printed = _sorted_out(form or [])
    output = OutputOptions(printed, out)
    output.check()
    if formats:
        output.emit(formats_report())
        return
    if not files:
        raise UsageError(
            "name the files to import, or list what is known: blueattr import --formats"
        )
    _import(files, known_as, columns, drawn, store, output, dry_run=dry_run, quiet=quiet)


def _sorted_out(names: list[str]) -> tuple[str | None, Any]:
    """Return the format of the files, and that of the report; each may be None."""
    of_reports = [name for name in names if name in _PRINTED]
    of_files = [name for name in names if name not in of_reports]
    for several in (of_reports, of_files):
        if len(several) > 1:
            raise UsageError(f"--format {several[0]} and --format {several[1]}: name one of them")
    return next(iter(of_files), None), next(iter(of_reports), None)


def _import(
    files: list[str],
    known_as: str | None,
    columns: str | None,
    drawn: str | None,
    store: StoreOptions,
    output: OutputOptions,
    *,
    dry_run: bool,
    quiet: bool,
) -> None:
    from blueattr.ingest.tables import import_tables, plan_import
    from blueattr.panel.topics import shipped_rules
    from blueattr.report.inventory.imports import dry_run_report, import_report, known_columns
    from blueattr.sources.tables.columns import parse_columns
    from blueattr.store.commit.writer import remove
    from blueattr.store.store_file import store_file

    plan = plan_import(
        files,
        store.db,
        format=known_as,
        columns=parse_columns(columns) if columns else None,
        drawn=drawn,
        memory=store.memory_limit,
    )
    if dry_run:
        output.emit(dry_run_report(plan, plan.first_rows()))
        return
    if not quiet:
        for sentence in known_columns(plan):
            say(f"blueattr: {sentence}")
    signal.siginterrupt(signal.SIGINT, True)
    is_new = not store_file(store.db).exists()
    with kept(), Bars(quiet=quiet) as bars:
        result = import_tables(
            store.db,
            plan,
            rules=shipped_rules(),
            memory=store.memory_limit,
            progress=bars.progress,
        )
    removed = is_new and bool(result.ingested.failures) and result.ingested.kept_nothing
    if removed:
        remove(store.db)
    output.emit(import_report(result, store.db, removed=removed))
    exit_on([result.ingested], ExitCode.INPUT)
