"""From a report to bytes, and from bytes to a file that is whole or not there at all."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, TypeAlias, TypeVar

from blueattr.errors import OutputError, UsageError
from blueattr.report.escape import safe_text
from blueattr.report.jsonform import json_bytes
from blueattr.report.tables import Report

if TYPE_CHECKING:
    import polars as pl

    from blueattr.attribution import AttributionResult
    from blueattr.report.tabular import AgentsFormat
    from blueattr.report.text import Terminal

__all__ = ["Format", "agents_to", "format_of", "frame_to", "render", "write"]

Format: TypeAlias = Literal["text", "json", "csv", "parquet"]

_FORMATS: dict[str, Format] = {
    ".txt": "text",
    ".json": "json",
    ".csv": "csv",
    ".parquet": "parquet",
}
_AGENTS_FORMATS: "dict[str, AgentsFormat]" = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
}
_F = TypeVar("_F")


def render(report: Report, form: Format, terminal: "Terminal | None" = None) -> bytes:
    """Encode a report.

    Parameters
    ----------
    report
        Any.
    form
        ``text``, ``json``, ``csv`` or ``parquet``.
    terminal
        What text is laid out for; by default a pipe.

    Returns
    -------
    bytes
        The same for the same report, terminal and version of the libraries.
    """
    # Each form imports only the library it needs: Rich and Polars cost start-up time.
    match form:
        case "text":
            from blueattr.report.text import PIPED, text_bytes  # noqa: PLC0415 - start-up time

            return text_bytes(report, PIPED if terminal is None else terminal)
        case "json":
            return json_bytes(report)
        case "csv":
            from blueattr.report.tabular import csv_bytes  # noqa: PLC0415 - start-up time

            return csv_bytes(report)
        case "parquet":
            from blueattr.report.tabular import parquet_bytes  # noqa: PLC0415 - start-up time

            return parquet_bytes(report)


def format_of(path: Path) -> Format:
    """Choose a report's format by a file's extension.

    Raises
    ------
    UsageError
        For another extension than .txt, .json, .csv or .parquet.
    """
    return _by_extension(path, _FORMATS)


def _by_extension(path: Path, formats: dict[str, _F]) -> _F:
    try:
        return formats[path.suffix.lower()]
    except KeyError:
        raise UsageError(
            f"the format of {_shown(path)} is not known by its extension; "
            f"end the name in {', '.join(formats)}"
        ) from None


def write(path: Path, data: bytes) -> None:
    """Write a file so that it is never seen half written.

    Parameters
    ----------
    path
        An existing file is replaced; a device or pipe is written to.
    data
        All of it.

    Raises
    ------
    OutputError
        With the path and the reason; a file that was there before is then unchanged.
    """
    _write_with(path, lambda file: file.write(data))


def agents_to(path: Path, result: "AttributionResult") -> None:
    """Write the per-agent frame of an attribution, in the format of the file's extension.

    Parameters
    ----------
    path
        Ends in .parquet, .csv, .json or .jsonl.
    result
        An attribution; its frame has did, tier, a, b, c, value, share.

    Raises
    ------
    UsageError
        For another extension.
    OutputError
        When the file cannot be written.
    """
    from blueattr.report.tabular import write_agents  # noqa: PLC0415 - start-up time

    form = _by_extension(path, _AGENTS_FORMATS)
    _write_with(path, lambda file: write_agents(result, form, file))


def frame_to(path: Path, frame: "pl.DataFrame") -> None:
    """Write a frame with a ``did`` column, in the format of the file's extension.

    Parameters
    ----------
    path
        Ends in .parquet, .csv, .json or .jsonl.
    frame
        Any.

    Raises
    ------
    UsageError
        For another extension.
    OutputError
        When the file cannot be written.
    """
    from blueattr.report.tabular import write_frame  # noqa: PLC0415 - start-up time

    form = _by_extension(path, _AGENTS_FORMATS)
    _write_with(path, lambda file: write_frame(frame, form, file))


def _write_with(path: Path, fill: Callable[[BinaryIO], object]) -> None:
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            with path.open("wb") as file:  # a device or a pipe, which nothing may replace
                fill(file)
        else:
            _replace(path.resolve(), fill)  # a link is followed, not replaced
    except OSError as error:
        raise OutputError(f"cannot write {_shown(path)}: {error.strerror or error}") from error


def _replace(path: Path, fill: Callable[[BinaryIO], object]) -> None:
    if path.is_dir():
        raise IsADirectoryError(None, "it is a folder")
    if not path.parent.is_dir():
        raise FileNotFoundError(None, f"there is no folder {_shown(path.parent)}")
    part = path.with_name(f".blueattr-{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _shown(path: Path) -> str:
    return safe_text(str(path))
