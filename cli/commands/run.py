"""The commands run and runs: do a scheduled run, and list those there were."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blueattr.cli.grouping import grouped
from blueattr.cli.option_groups import OutputOptions
from blueattr.cli.options import DryRun
from blueattr.cli.output import put, warnings_to
from blueattr.cli.settings import Config, Reports, SettingsOptions, read_settings
from blueattr.cli.signals import stopping
from blueattr.errors import BlueattrError, ExitCode, UsageError
from blueattr.user_path import named_file

if TYPE_CHECKING:
    from blueattr.runs.log import LineLog
    from blueattr.runs.plan import Plan


@grouped()
def run(
    context: typer.Context,
    options: SettingsOptions,
    *,
    metrics: Annotated[  # noqa: ARG001 - a setting, which is looked up by its name
        Path | None,
        typer.Option(
            "--metrics",
            parser=named_file,
            metavar="FILE",
            help="Write metrics for Prometheus to this file at the end.",
            show_default=False,
        ),
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Ingest what is new, and report on every topic.

    blueattr.toml names the sources and topics. Each report is a folder, and the link latest
    leads to the newest; if nothing is new, no report is written. Runs never overlap, and a
    run that was killed does not disturb the next. The log has a line for each stage. Options
    override the environment, which overrides the file.

    A monitor is pinged, metrics are written and notices are given as [ping], [metrics] and
    [notify] of the file say. --dry-run only says what would be done.

    Example: blueattr run --config blueattr.toml
    """
    from blueattr.report.escape import safe_text
    from blueattr.runs.log import LineLog
    from blueattr.runs.plan_file import make_plan

    settings = read_settings(context, options.config)
    if dry_run:
        from blueattr.runs.intent import intent

        said = (f"{verb:<8} {safe_text(what)}\n" for verb, what in intent(make_plan(settings)))
        put("".join(said).encode("utf-8", "replace"))
        return
    with (
        LineLog(settings["log", "form"], settings.path("log", "file")) as lines,
        warnings_to(partial(lines, "warning", "")),
    ):
        code = _logged(make_plan(settings), lines)
    if code != ExitCode.OK:
        # Not typer.Exit: it would add a plain line about the interrupt after the log.
        raise SystemExit(code)


def _logged(plan: "Plan", lines: "LineLog") -> int:
    """Do a run whose errors go to the log."""
    from blueattr.runs.run import run as do_run

    try:
        message = "stopping after this stage; once more to stop at once"
        with stopping(message, lines.notice) as stop:
            return do_run(plan, lines, stop).exit_code
    except BlueattrError as error:
        return error.exit_code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED


@grouped()
def runs(
    context: typer.Context,
    *,
    config: Config = None,
    reports: Reports = None,
    last: Annotated[
        int | None,
        typer.Option("--last", metavar="N", help="Show only the last N runs.", show_default=False),
    ] = None,
    output: OutputOptions,
) -> None:
    """List past runs: when, how long, with what outcome.

    Example: blueattr runs --reports reports/ --last 20
    """
    from blueattr.runs.history.listing import runs_report
    from blueattr.runs.history.record import read_runs

    output.check()
    if last is not None and last < 1:
        raise UsageError(f"--last is at least 1, not {last}")
    folder = reports
    if folder is None:
        folder = read_settings(context, config).path("output", "reports")
    assert folder is not None  # noqa: S101 - it has a default
    past = read_runs(folder)
    output.emit(runs_report(past if last is None else past[-last:], folder))
