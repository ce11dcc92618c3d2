"""The app, and the one place where an error becomes an exit code."""

import os
import re
import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from blueattr.cli.output import announce_compiling, show_warning, warnings_to
from blueattr.cli.space import more_space, too_little_space, watch_over
from blueattr.cli.table import Root
from blueattr.errors import (
    BlueattrError,
    ExitCode,
    NoMemoryError,
    NoStoreError,
    SampleSizeError,
)
from blueattr.version import __version__

_HELP = """Who carried it? blueattr splits a macro event on Bluesky among all accounts that were
active, and shows the answer you would have got from a small sample of visible accounts.

To begin:

\b
  blueattr demo
  blueattr ingest events.jsonl.zst
  blueattr attribute --topic mythos
  blueattr compare-scales --topic mythos"""

_EXIT_CODES = """Exit codes: 0 success, 1 failure, 2 bad option, 3 bad input (everything readable
was kept), 4 no answer on this data, 5 store in use, 6 store unusable, 7 cannot write, 8 source
unreachable, 9 done but with a gap, 10 nothing new, 11 another run in progress, 12 most lines of a
source were rejected (the others were kept), 130 interrupted."""


# What typer and pydantic say, and what people understand.
_OTHER_WORDS = (
    ("Value error, ", ""),
    ("Input should be a valid integer,? ?.*", "it should be a whole number"),
    ("Input should be a valid number,? ?.*", "it should be a number"),
    (
        r"No such option: --all-topics.*",
        "No such option: --all-topics; this asks about one topic, compare-scales about several",
    ),
)


_app = typer.Typer(
    name="blueattr",
    cls=Root,
    help=_HELP,
    epilog=_EXIT_CODES,
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


# How libraries say that the machine has no memory, or no thread, to give.
_NO_MEMORY = re.compile("Resource temporarily unavailable|can't start new thread")


def app() -> NoReturn:
    """Run the command line and exit with its exit code."""
    _hold_descriptors()
    if (refusal := too_little_space() or watch_over()) is not None:
        _fail(f"blueattr: {refusal}", ExitCode.FAILURE)
    if os.isatty(2):
        announce_compiling()
    try:
        with warnings_to(show_warning):
            code = _app(prog_name="blueattr", standalone_mode=False)
    except typer.TyperException as error:
        _fail(_usage(error), ExitCode.USAGE)
    except NoStoreError as error:
        _fail(f"blueattr: {error}, or name yours with --db FILE or BLUEATTR_DB", error.exit_code)
    except SampleSizeError as error:
        _fail(f"blueattr: {error}{_size_option(sys.argv)}", error.exit_code)
    except BlueattrError as error:
        _fail(f"blueattr: {_with_remedy(error)}", error.exit_code)
    except (typer.Abort, KeyboardInterrupt) as error:
        code = _interrupted(error)
    except OSError as error:
        _fail_for_system(error)
    except MemoryError:
        _fail_for_memory()
    except BaseException as error:  # noqa: BLE001 - a panic of Polars is no Exception
        code = _code_of(error)
    if code == ExitCode.INTERRUPTED:  # typer returns it if it is the first to see Ctrl-C
        _fail("blueattr: interrupted", ExitCode.INTERRUPTED)
    sys.exit(code if isinstance(code, int) else ExitCode.OK)


def _hold_descriptors() -> None:
    """Open something in place of each standard stream that is closed.

    Otherwise the next file that is opened, which may be the store, gets the stream's number, and
    everything that is written to the stream. It is /dev/null, but for standard input a socket: who
    names /dev/stdin is told that it cannot be opened, where /dev/null would be an empty file.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            # What is opened gets the lowest free number, which is this one.
            if descriptor == 0:
                import socket

                socket.socket(socket.AF_UNIX).detach()
            else:
                os.open(os.devnull, os.O_RDWR)


def _size_option(arguments: Sequence[str]) -> str:
    """Name the option that asked for samples that are too large: commands have different ones."""
    typed = {argument.partition("=")[0] for argument in arguments}
    return "".join(f" with {name}" for name in ("--sizes", "--size", "--n") if name in typed)


def _usage(error: typer.TyperException) -> str:
    """Return typer's message and where to find help; the message itself may be a help text."""
    message = error.format_message()
    if message.startswith("Usage: "):
        return message
    for theirs, ours in _OTHER_WORDS:
        message = re.sub(theirs, ours, message)
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "blueattr"
    return f"blueattr: {message}\nsee: {command} --help"


def _code_of(error: BaseException) -> ExitCode:
    """Return the exit code of an error of the libraries that has no type of its own."""
    if str(error) == "Query interrupted":  # DuckDB on Ctrl-C; its version is pinned
        return ExitCode.INTERRUPTED
    if _NO_MEMORY.search(str(error)):
        _fail_for_memory()
    raise error


def _with_remedy(error: BlueattrError) -> str:
    """Return what an error says; where a limit leaves the process too little memory, which one."""
    return str(error).replace(NoMemoryError.more, more_space() or NoMemoryError.more)


def _fail_for_system(error: OSError) -> NoReturn:
    """End with a failure that no module expects, such as a disk that breaks."""
    if error.errno is None and more_space() is not None:
        _fail_for_memory()  # a library that could not be loaded
    _fail(f"blueattr: {error}", ExitCode.FAILURE)


def _interrupted(error: BaseException) -> ExitCode:
    """Return the exit code of Ctrl-C, unless what Python compiled of a module is cut.

    Python itself cuts it on a full disk, and typer takes that for the end of somebody's input.
    """
    if not isinstance(error.__cause__, EOFError):
        return ExitCode.INTERRUPTED
    at, path = error.__cause__.__traceback__, None
    while at is not None:
        path = at.tb_frame.f_locals.get("bytecode_path", path)
        at = at.tb_next
    if path is not None:
        _fail(
            f"blueattr: {path} is cut, as a full disk leaves what Python compiles; remove it, and "
            "the next run makes it again",
            ExitCode.FAILURE,
        )
    raise error.__cause__


def _fail_for_memory() -> NoReturn:
    more = more_space() or NoMemoryError.more
    _fail(f"blueattr: not enough memory; {more}", ExitCode.FAILURE)


def _fail(message: str, code: ExitCode) -> NoReturn:
    from blueattr.cli.output import say

    say(message)
    sys.exit(code)
