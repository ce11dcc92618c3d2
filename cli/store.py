"""What is in a store."""

import typer

from blueattr.cli.options import DEFAULT_DB, Db, Format, Memory, Out, memory_limit
from blueattr.cli.output import emit


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status")(status)


def status(
    db: Db = DEFAULT_DB, memory: Memory = "4GB", form: Format = "text", out: Out = None
) -> None:
    """Show what is in the store.

    Time coverage and gaps, events by kind and day, accounts, sources, rejected lines by reason.

    Example: blueattr status --db my.duckdb
    """
    from blueattr import jobs  # noqa: PLC0415 - start-up time
    from blueattr.report.inventory import status_report  # noqa: PLC0415 - start-up time

    emit(status_report(jobs.status(db, memory_limit(memory))), form, out)
