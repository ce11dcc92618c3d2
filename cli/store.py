"""Commands about the store: ingest and status."""

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blueattr.cli.options import DEFAULT_DB, Db, Format, Memory, Out, memory_limit
from blueattr.cli.output import check_out, emit, say
from blueattr.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from rich.progress import TaskID

    from blueattr.jobs import Progress


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("ingest")(ingest)
    app.command("status")(status)


def ingest(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE...",
            help="Files of Jetstream JSON lines (v1 or v2; plain, .gz or .zst), folders, globs, or "
            "- for standard input.",
            show_default=False,
        ),
    ] = None,
    plc: Annotated[
        list[str] | None,
        typer.Option(
            "--plc",
            help="A PLC directory export, for creation times and handles; may be given several "
            "times, beside or without events.",
            show_default=False,
        ),
    ] = None,
    db: Db = DEFAULT_DB,
    memory: Memory = "4GB",
    form: Format = "text",
    out: Out = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress.", show_default=False)
    ] = False,
) -> None:
    """Read events into the store.

    Reading a file again, or files that overlap, changes nothing. A damaged file does not keep the
    others out: what could be read is kept, and the command ends with exit code 3.

    Example: blueattr ingest events.jsonl.zst more/ --db my.duckdb
    """
    from blueattr import jobs  # noqa: PLC0415 - start-up time
    from blueattr.report.inventory import ingest_report  # noqa: PLC0415 - start-up time

    if not sources and not plc:
        raise UsageError("name something to ingest: files, folders, globs, - or --plc FILE")
    # Polars, by now imported, lets an interrupted read go on; a pipe would be waited for for ever.
    signal.siginterrupt(signal.SIGINT, True)
    bytes_allowed = memory_limit(memory)
    check_out(out)
    with _Bars(quiet=quiet) as bars:
        done = [
            jobs.ingest(db, arguments, kind=kind, memory=bytes_allowed, progress=bars.progress)
            for kind, arguments in (("plc", plc), ("file", sources))
            if arguments
        ]
    emit(ingest_report(done, db), form, out)
    failures = [failure for result in done for failure in result.failures]
    for failure in failures:
        say(f"blueattr: {failure}")
    if failures:
        raise typer.Exit(ExitCode.INPUT)


class _Bars:
    """A bar by bytes on a terminal's stderr; nothing elsewhere."""

    def __init__(self, *, quiet: bool) -> None:
        self.progress: Progress | None = None
        self._quiet = quiet or not sys.stderr.isatty()

    def __enter__(self) -> "_Bars":
        if self._quiet:
            return self
        from rich.console import Console  # noqa: PLC0415 - start-up time
        from rich.progress import (  # noqa: PLC0415 - start-up time
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        from blueattr.report.escape import safe_text  # noqa: PLC0415 - start-up time

        self._display = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        tasks: dict[str, TaskID] = {}

        def progress(name: str, done: int, size: int | None) -> None:
            if name not in tasks:
                label = safe_text(Path(name).name, 40)
                tasks[name] = self._display.add_task(label, total=size)
            self._display.update(tasks[name], completed=done)

        self.progress = progress
        self._display.start()
        return self

    def __exit__(self, *_: object) -> None:
        if not self._quiet:
            self._display.stop()


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
