"""Results to stdout or a file, everything else to stderr."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

import typer

from blueattr.errors import ExitCode, OutputError, UsageError

if TYPE_CHECKING:
    from blueattr.report import Report


# The parent of every log that the library writes.
_LOG = logging.getLogger("blueattr")


def check_out(out: Path | None, agents: Path | None = None) -> None:
    """Refuse files that could not be written, before the work starts.

    Parameters
    ----------
    out, agents
        The values of ``--out`` and ``--agents``.

    Raises
    ------
    UsageError
        The extension of `out` names no format, or both are the same file.
    OutputError
        The folder of a file does not exist.
    """
    from blueattr.report import format_of

    if out is not None:
        format_of(out)
    for path in (out, agents):
        if path is not None and not path.parent.is_dir():
            raise OutputError(f"cannot write {path}: there is no folder {path.parent}")
    if out is not None and agents is not None and out.resolve() == agents.resolve():
        raise UsageError(f"--out and --agents are both {out}; name two different files")


def emit(report: "Report", form: Literal["text", "json", "csv"], out: Path | None = None) -> None:
    """Print a report, or write it to a file in the format of its extension.

    Raises
    ------
    UsageError
        The file's extension names no format.
    OutputError
        The file or stdout cannot be written.
    """
    from blueattr.atomic import write
    from blueattr.report import format_of, render
    from blueattr.runs.log import discard

    if out is not None:
        write(out, render(report, format_of(out)))
        say(f"written: {out}")
        return
    stdout: TextIO | None = sys.stdout
    if stdout is None:  # as after >&-
        raise OutputError("cannot write the result: standard output is closed; use --out FILE")
    terminal = None
    if form == "text":
        from blueattr.report.formats.text import Terminal

        terminal = Terminal.of(stdout)
    data = render(report, form, terminal)
    try:
        stdout.buffer.write(data)
        stdout.buffer.flush()
    except OSError as error:
        discard(stdout)
        if isinstance(error, BrokenPipeError):  # the reader has read enough, as `head` does
            raise typer.Exit(ExitCode.OUTPUT) from None
        raise OutputError(f"cannot write the result: {error.strerror or error}") from None


class _Handler(logging.Handler):
    """Passes each message of the library to a function, with the package it comes from."""

    def __init__(self, take: Callable[[str, str], None]) -> None:
        super().__init__()
        self._take = take

    def emit(self, record: logging.LogRecord) -> None:
        package = record.name.split(".")[1]
        self._take(package, record.getMessage())


@contextmanager
def warnings_to(take: Callable[[str, str], None]) -> Iterator[None]:
    """Pass the warnings that the library logs to `take`, and to nobody else of the command line.

    Parameters
    ----------
    take
        Called with the package that a warning comes from, such as ``"store"``, and the message.
    """
    handlers, propagate = _LOG.handlers[:], _LOG.propagate
    _LOG.handlers[:] = [_Handler(take)]
    _LOG.propagate = False  # the code of an indicator may have set up logging of its own
    try:
        yield
    finally:
        _LOG.handlers[:], _LOG.propagate = handlers, propagate


def announce_compiling() -> None:
    """Pass on with the warnings, once, that kernels are compiled because no cache has them."""
    logging.getLogger("blueattr.kernels").setLevel(logging.INFO)


def show_warning(_package: str, message: str) -> None:
    """Show a warning of the library, such as that the store is in use, on stderr."""
    say(f"blueattr: {message}")


def say(message: str) -> None:
    """Write a message that is not a result to stderr."""
    from blueattr.report.escape import safe_text
    from blueattr.runs.log import write_if_read

    lines = (safe_text(line, 2000) for line in message.splitlines())
    write_if_read(sys.stderr, "\n".join(lines) + "\n")
