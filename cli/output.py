"""Results to stdout or a file, everything else to stderr."""

import logging
import os
import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import typer

from blueattr.errors import ExitCode, OutputError, UsageError
from blueattr.user_path import followed, refuse_address

if TYPE_CHECKING:
    from blueattr.report import Report
    from blueattr.report.formats.render import Format


PAGE = ".html"
# The parent of every log that the library writes.
_LOG = logging.getLogger("blueattr")


def check_out(
    out: Path | None,
    agents: Path | None = None,
    form: "Format | None" = None,
    *,
    others: tuple[str, ...] = (),
) -> None:
    """Refuse files that could not be written, before the work starts.

    Parameters
    ----------
    out, agents
        The values of ``--out`` and ``--agents``.
    form
        The value of ``--format``.
    others
        Endings of what else the command writes, see `check_page`.

    Raises
    ------
    UsageError
        The extension of `out` names no format or another one than `form`, or both are the same
        file.
    OutputError
        The folder of a file does not exist, no file can be there, or it is an address.
    """
    for path in (out, agents):
        if path is not None:
            refuse_address(path)
    _format(form, out, others)
    for path in (out, agents):
        if path is not None:
            _check_folder(path)
    if out is not None and agents is not None and same_file(out, agents):
        raise UsageError(f"--out and --agents are both {out}; name two different files")


def _check_folder(path: Path) -> None:
    try:
        followed(path)
        is_folder = path.parent.is_dir()
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None
    if not is_folder:
        raise OutputError(f"cannot write {path}: there is no folder {path.parent}")


def is_page(out: Path | None) -> bool:
    """Return whether a file is a page, by its name."""
    return out is not None and out.suffix.lower() == PAGE


def check_page(out: Path, form: "Format | None") -> None:
    """Refuse a page or a picture that could not be written; see `check_out`."""
    refuse_address(out)
    if form is not None:
        raise UsageError(f"--format {form} and --out {out} name two formats; leave out --format")
    _check_folder(out)


def same_file(one: Path, other: Path) -> bool:
    """Return whether two paths are one file, or would be where letter case makes no difference."""
    # Where no file can be, this is no place to say so.
    if os.path.exists(one) and os.path.exists(other):  # noqa: PTH110
        return one.samefile(other)
    paths = map(os.path.realpath, (one, other))
    names = (unicodedata.normalize("NFC", path).casefold() for path in paths)
    return len({*names}) == 1


def _format(form: "Format | None", out: Path | None, others: tuple[str, ...] = ()) -> "Format":
    """Return the format that the extension of a file names, or that of stdout."""
    from blueattr.report import format_of

    if out is None:
        return form or "text"
    named = format_of(out, others)
    if form not in {None, named}:
        raise UsageError(f"--format {form} and --out {out} name two formats; leave out --format")
    return named


def emit(
    report: "Report",
    form: "Format | None" = None,
    out: Path | None = None,
    *,
    verbose: bool = False,
) -> None:
    """Print a report, or write it to a file in the format of its extension.

    Parameters
    ----------
    report
        Any.
    form
        The format on stdout, by default text.
    out
        The file.
    verbose
        Whether text has every detail.

    Raises
    ------
    UsageError
        The file's extension names no format, or another one than `form`.
    OutputError
        The file or stdout cannot be written.
    """
    from blueattr.atomic import write
    from blueattr.report import render

    form = _format(form, out)
    terminal = None
    if form in {"text", "md", "tex"}:
        from blueattr.report.formats.text import PIPED, Terminal

        plain = PIPED if out is not None or sys.stdout is None else Terminal.of(sys.stdout)
        terminal = replace(plain, verbose=verbose)
    if out is not None:
        write(out, render(report, form, terminal))
        say(f"written: {out}")
        return
    put(render(report, form, terminal))


def put(data: bytes) -> None:
    """Write a result to stdout.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    stdout: TextIO | None = sys.stdout
    if stdout is None:  # as after >&-
        raise OutputError("cannot write the result: standard output is closed; use --out FILE")
    try:
        stdout.buffer.write(data)
        stdout.buffer.flush()
    except OSError as error:
        _end_of(stdout, error)


def _end_of(stdout: TextIO, error: OSError) -> NoReturn:
    from blueattr.runs.log import discard

    discard(stdout)
    if isinstance(error, BrokenPipeError):  # the reader has read enough, as `head` does
        raise typer.Exit(ExitCode.OUTPUT) from None
    raise OutputError(f"cannot write the result: {error.strerror or error}") from None


class LastingOutput:
    """Stdout for as long as there is something to write: what cannot be written ends as in `put`.

    All else, such as whether it is a terminal, is that of `sys.stdout`.
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stdout, name)

    def write(self, text: str) -> int:
        """Write a text; see `put` for what it raises."""
        try:
            return sys.stdout.write(text)
        except OSError as error:
            _end_of(sys.stdout, error)

    def flush(self) -> None:
        """Flush; see `put` for what it raises."""
        try:
            sys.stdout.flush()
        except OSError as error:
            _end_of(sys.stdout, error)


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
