"""The app: the table of commands, and the one place where an error becomes an exit code."""

import os
import sys
from collections.abc import Callable
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
from blueattr.cli.output import announce_compiling, show_warning, warnings_to
from blueattr.errors import BlueattrError, ExitCode
from blueattr.version import __version__

_HELP = """Who carried it? blueattr splits a macro event on Bluesky among every account that took
part, and shows the answer you would have got from a small sample of visible accounts.

Start with `blueattr demo`, or with events of your own: `blueattr ingest events.jsonl.zst`, then
`blueattr attribute --topic mythos` and `blueattr compare-scales --topic mythos`.

Exit codes: 0 success, 1 failure, 2 bad option, 3 bad input (what could be read was kept), 4 no
answer on this data, 5 store in use, 6 store unusable, 7 cannot write, 8 source unreachable, 9 done
but with a gap, 10 nothing new, 11 another run in progress, 130 interrupted."""


_app = typer.Typer(
    name="blueattr",
    help=_HELP,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"blueattr {__version__}")
        raise typer.Exit


@_app.callback()
def _root(
    _: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    pass


# In the order of the help, where groups come last.
_COMMANDS: dict[str, Callable[..., None]] = {
    "ingest": ingest.ingest,
    "status": store.status,
    "hydrate": hydrate.hydrate,
    "rollup": store.rollup,
    "panel": panel.panel,
    "features": panel.features,
    "attribute": attribute.attribute,
    "compare-scales": attribute.compare_scales,
    "validate": validate.validate,
    "convergence": validate.convergence,
    "bootstrap": studies.bootstrap,
    "sensitivity": studies.sensitivity,
    "report": report.report,
    "run": run.run,
    "runs": run.runs,
    "schedule": schedule.schedule,
    "demo": demo.demo,
    "synth": demo.synth,
}

_GROUPS = (panel.topics, config.config)

for _name, _command in _COMMANDS.items():
    _app.command(_name)(_command)

for _group in _GROUPS:
    _app.add_typer(_group)


def app() -> NoReturn:
    """Run the command line and exit with its exit code."""
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
        # A failure that no module expects, such as a disk that breaks.
        _fail(f"blueattr: {error}", ExitCode.FAILURE)
    except MemoryError:
        _fail("blueattr: not enough memory; use a machine with more of it", ExitCode.FAILURE)
    if code == ExitCode.INTERRUPTED:  # typer returns it if it is the first to see Ctrl-C
        _fail("blueattr: interrupted", ExitCode.INTERRUPTED)
    sys.exit(code if isinstance(code, int) else ExitCode.OK)


def _hold_descriptors() -> None:
    """Open /dev/null in place of each standard stream that is closed.

    Otherwise the next file that is opened, which may be the store, gets the stream's number, and
    everything that is written to the stream.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one


def _usage(error: typer.TyperException) -> str:
    """Return typer's message and where to find help; the message itself may be a help text."""
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
