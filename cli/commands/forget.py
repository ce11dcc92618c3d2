"""The commands forget and compact: remove accounts, and their bytes."""

from pathlib import Path
from typing import Annotated

import typer

from blueattr.cli.grouping import grouped
from blueattr.cli.option_groups import OutputOptions, StoreOptions
from blueattr.cli.options import DryRun
from blueattr.cli.output import say
from blueattr.cli.settings import Reports, read_settings, settings_there


@grouped(("dids", "deleted", "reports", "dry_run", "db", "memory", "form", "out"))
def forget(
    context: typer.Context,
    *,
    dids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DID",
            help="The accounts; of imported tables also x:FORMAT:NAME.",
            show_default=False,
        ),
    ] = None,
    deleted: Annotated[
        bool,
        typer.Option(
            "--deleted",
            help="Forget all accounts that the store knows as deleted.",
            show_default=False,
        ),
    ] = False,
    reports: Reports = None,
    dry_run: DryRun = False,
    store: StoreOptions,
    output: OutputOptions,
) -> None:
    """Erase accounts from the store, and keep them out.

    Their posts, replies, reposts, follows, handles, profiles and answers of the AppView are
    removed, and no source brings them back. What others wrote stays. Reports that name them, in
    --reports FOLDER and in the folder that blueattr.toml names, are made again without them, or
    removed.

    Example: blueattr forget did:plc:ewvi7nxzyoun6zhxrhs64oiz --db my.duckdb
    """
    from blueattr.analysis.upkeep.forget import erase, finish, who_leaves
    from blueattr.report.inventory.forgotten import forget_report
    from blueattr.report.numbers import plural
    from blueattr.runs.forgotten import naming_reports, purge, remove_data

    output.check()
    folders = [] if reports is None else [reports]
    if settings_there():
        known = read_settings(context, None, flags=False).path("output", "reports")
        folders += [known] if known is not None and known.is_dir() else []
    folders = list(dict.fromkeys(map(Path.resolve, folders)))
    db, memory = store.db, store.memory_limit
    leaving = who_leaves(db, dids or [], deleted=deleted, folders=folders, memory=memory)
    naming = naming_reports(folders, leaving.names, say)
    asked = len(leaving.dids)
    if not folders:
        say("no reports are looked through: name their folder with --reports, now; once the store "
            "has forgotten, reports that show only a handle cannot be found")  # fmt: skip
    elif leaving.without_handle:
        say(f"warning: the handle of {plural(leaving.without_handle, 'account')} is not known (any "
            "more), and reports that show only the handle cannot be found; search your reports "
            "for the handle by hand: grep -ril HANDLE FOLDER")  # fmt: skip
    for source in leaving.sources:
        say(f"the name of a source has the DID: {source}; the store replaces it, and reads the "
            "source from its start next time; rename or remove it yourself")  # fmt: skip
    if dry_run:
        paths = (*naming.reports, *naming.files)
        output.emit(forget_report(db, asked, leaving.known, naming=paths, dry_run=True))
        return
    erase(db, leaving, memory, lambda: remove_data(naming))
    done = purge(naming, leaving.names, db, memory, say)
    for path in (*done.made_again, *done.removed):
        say(f"{'made again' if path in done.made_again else 'removed'}: {path}")
    for path in sorted(finish(db, leaving, folders)):
        say(f"an earlier forget did not finish the reports in {path}: once more, --reports {path}")
    output.emit(
        forget_report(db, asked, leaving.known, made_again=done.made_again, removed=done.removed)
    )


@grouped()
def compact(store: StoreOptions, output: OutputOptions) -> None:
    """Rewrite the store without the bytes of what was removed.

    It needs disk space for a second file beside the first. If it is interrupted at any moment, the
    store stays whole.

    Example: blueattr compact --db my.duckdb
    """
    from blueattr.report.inventory.forgotten import compact_report
    from blueattr.store.compact import compact as compact_store

    output.check()
    output.emit(compact_report(store.db, compact_store(store.db, store.memory_limit)))
