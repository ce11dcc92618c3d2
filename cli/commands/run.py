"""Scheduled runs: run does one, runs lists them."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from blueattr.cli.options import OutputOptions, grouped
from blueattr.cli.output import warnings_to
from blueattr.cli.settings import Config, Reports, SettingsOptions, read_settings
from blueattr.cli.signals import stopping
from blueattr.errors import BlueattrError, ExitCode, UsageError

if TYPE_CHECKING:
    from blueattr.runs.log import LineLog
    from blueattr.runs.plan import Plan


@grouped()
def run(
    context: typer.Context,
    options: SettingsOptions,
) -> None:
    """Do what blueattr.toml says: ingest what is new, and report on every topic.

    Reports are folders, with a link called latest to the newest; where nothing is new none is
    written. One run at a time; what a killed run leaves is no obstacle to the next. The log has a
    line for each stage. Options here win over the environment, and that over the file.

    Example: blueattr run --config blueattr.toml
    """
    from blueattr.runs.log import LineLog
    from blueattr.runs.plan_file import make_plan

    settings = read_settings(context, options.config)
    with (
        LineLog(settings["log", "form"], settings.path("log", "file")) as lines,
        warnings_to(partial(lines, "warning", "")),
    ):
        code = _logged(make_plan(settings), lines)
    if code != ExitCode.OK:
        # Not typer's Exit, of which a plain line about an interrupt would come after the log.
        raise SystemExit(code)


def _logged(plan: "Plan", lines: "LineLog") -> int:
    """Run; whatever a user can cause is said in the log."""
    from blueattr.runs import run as runs_run

    try:
        message = "stopping after this stage; once more to stop at once"
        with stopping(message, lines.notice) as stop:
            return runs_run.run(plan, lines, stop).exit_code
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
        typer.Option("--last", help="Only so many, the newest.", show_default=False),
    ] = None,
    output: OutputOptions,
) -> None:
    """List the runs there were: when, how long, what came of them.

    Example: blueattr runs --reports reports/ --last 20
    """
    from blueattr.runs.listing import runs_report
    from blueattr.runs.record import read_runs

    output.check()
    if last is not None and last < 1:
        raise UsageError(f"--last is at least 1, not {last}")
    folder = reports
    if folder is None:
        folder = read_settings(context, config).path("output", "reports")
    assert folder is not None  # noqa: S101 - it has a default
    found = read_runs(folder)
    output.emit(runs_report(found if last is None else found[-last:], folder))
