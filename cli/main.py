"""The app: its commands, and the one place where an error becomes an exit code."""

import os
import sys
from typing import Annotated, NoReturn

import typer

from blueattr.cli.commands import (
    attribute,
    config,
    demo,
    hydrate,
    ingest,
    panel,
    report,
    run,
    schedule,
    store,
    studies,
    validate,
)
from blueattr.cli.output import show_warning, warnings_to
from blueattr.cli.progress import announce_compiling
from blueattr.errors import BlueattrError, ExitCode
from blueattr.version import __version__

_HELP = """Who carried it? blueattr splits a macro event on Bluesky among every account that took
part, and shows what a small sample of visible accounts would have said instead.

Start with `blueattr demo`, or with events of your own: `blueattr ingest events.jsonl.zst`, then
`blueattr attribute --topic mythos` and `blueattr compare-scales --topic mythos`.

Exit codes: 0 fine, 1 failure, 2 bad option, 3 bad input (what could be read was kept), 4 no answer
on this data, 5 store in use, 6 store unusable, 7 cannot write, 8 source unreachable, 9 done but
with a gap, 10 nothing new, 11 another run going, 130 interrupted."""


_app = typer.Typer(
    name="blueattr",
    help=_HELP,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"blueattr {__version__}")
        raise typer.Exit


@_app.callback()
def _root(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


# In the order of `blueattr --help`.
_app.command("ingest")(ingest.ingest)
_app.command("status")(store.status)
_app.command("hydrate")(hydrate.hydrate)
_app.command("rollup")(store.rollup)

_app.add_typer(panel.topics)

_app.command("panel")(panel.panel)

_app.command("features")(panel.features)

_app.command("attribute")(attribute.attribute)

_app.command("compare-scales")(attribute.compare_scales)

_app.command("validate")(validate.validate)

_app.command("convergence")(validate.convergence)

_app.command("bootstrap")(studies.bootstrap)

_app.command("sensitivity")(studies.sensitivity)

_app.command("report")(report.report)
_app.command("run")(run.run)
_app.command("runs")(run.runs)
_app.add_typer(config.config)
_app.command("schedule")(schedule.schedule)
_app.command("demo")(demo.demo)
_app.command("synth")(demo.synth)


def app() -> NoReturn:
    """Run the command line and leave with its exit code."""
    _hold_descriptors()
    if os.isatty(2):
        announce_compiling()
    try:
        with warnings_to(show_warning):
            code = _app(prog_name="blueattr", standalone_mode=False)
    except typer.TyperException as error:
        _fail(_usage(error), ExitCode.USAGE)
    except BlueattrError as error:
        _fail(f"blueattr: {error}", error.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        code = ExitCode.INTERRUPTED
    except RuntimeError as error:
        if str(error) != "Query interrupted":  # DuckDB on Ctrl-C; its version is pinned
            raise
        code = ExitCode.INTERRUPTED
    except OSError as error:
        # What the modules do not expect of a file, such as a disk that fails under it.
        _fail(f"blueattr: {error}", ExitCode.FAILURE)
    except MemoryError:
        _fail("blueattr: not enough memory; use a machine with more of it", ExitCode.FAILURE)
    if code == ExitCode.INTERRUPTED:  # what typer makes of Ctrl-C, where it is the first to see it
        _fail("blueattr: interrupted", ExitCode.INTERRUPTED)
    sys.exit(code if isinstance(code, int) else ExitCode.OK)


def _hold_descriptors() -> None:
    """Open /dev/null in place of a standard stream that was closed.

    Else the next file opened, which may be the store, gets its number, and with it whatever is
    written to that stream.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one


def _usage(error: typer.TyperException) -> str:
    """Say what typer refused and where the options are told; its message may be a help text."""
    message = error.format_message()
    if message.startswith("Usage: "):
        return message
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "blueattr"
    return f"blueattr: {message}\nsee: {command} --help"


def _fail(message: str, code: ExitCode) -> NoReturn:
    from blueattr.cli.output import say

    say(message)
    sys.exit(code)
