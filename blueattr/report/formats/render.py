"""Encodes a report in a format, or in the one that a file's extension names."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

from blueattr.atomic import write_with
from blueattr.errors import UsageError
from blueattr.report.escape import safe_text
from blueattr.report.formats.json import json_bytes
from blueattr.report.tables import Report

if TYPE_CHECKING:
    import polars as pl

    from blueattr.attribution.attribute import AttributionResult
    from blueattr.provenance import Provenance
    from blueattr.report.formats.tabular import AgentsFormat
    from blueattr.report.formats.text import Terminal

__all__ = ["Format", "agents_to", "format_of", "frame_to", "render", "rows_to"]


Format: TypeAlias = Literal["text", "json", "csv", "md", "tex", "parquet"]


_FORMATS: dict[str, Format] = {
    ".txt": "text",
    ".json": "json",
    ".csv": "csv",
    ".md": "md",
    ".tex": "tex",
    ".parquet": "parquet",
}
AGENTS_FORMATS: "dict[str, AgentsFormat]" = {
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
        ``text``, ``json``, ``csv``, ``md``, ``tex`` or ``parquet``.
    terminal
        What text is laid out for; by default a pipe. Markdown and LaTeX have details where it is
        verbose.

    Returns
    -------
    bytes
        The same for the same report, terminal and version of the libraries.
    """
    # Each form imports only the library it needs: Rich and Polars cost start-up time.
    verbose = terminal is None or terminal.verbose
    match form:
        case "md":
            from blueattr.report.formats.markdown import (  # noqa: PLC0415 - start-up time
                markdown_bytes,
            )

            return markdown_bytes(report, verbose=verbose)
        case "tex":
            from blueattr.report.formats.tex import tex_bytes  # noqa: PLC0415 - start-up time

            return tex_bytes(report, verbose=verbose)
        case "text":
            from blueattr.report.formats.text import (  # noqa: PLC0415 - start-up time
                PIPED,
                text_bytes,
            )

            return text_bytes(report, PIPED if terminal is None else terminal)
        case "json":
            return json_bytes(report)
        case "csv":
            from blueattr.report.formats.tabular import csv_bytes  # noqa: PLC0415 - start-up time

            return csv_bytes(report)
        case "parquet":
            from blueattr.report.formats.tabular import (  # noqa: PLC0415 - start-up time
                parquet_bytes,
            )

            return parquet_bytes(report)


def format_of(path: Path, others: Sequence[str] = ()) -> Format:
    """Choose a report's format by a file's extension.

    Parameters
    ----------
    path
        The file.
    others
        What the name could end in as well, where it names no format.

    Raises
    ------
    UsageError
        For another extension than .txt, .json, .csv, .md, .tex or .parquet.
    """
    return by_extension(path, _FORMATS, others)


def by_extension(path: Path, formats: dict[str, _F], others: Sequence[str] = ()) -> _F:
    """Return the format that a file's extension names; see `format_of`.

    Raises
    ------
    UsageError
        No format has that extension.
    """
    try:
        return formats[path.suffix.lower()]
    except KeyError:
        raise UsageError(
            f"the format of {safe_text(str(path))} is not known by its extension; "
            f"end the name in {', '.join((*others, *formats))}"
        ) from None


def agents_to(path: Path, result: "AttributionResult") -> None:
    """Write the per-agent frame of an attribution, in the format of the file's extension.

    Parameters
    ----------
    path
        Ends in .parquet, .csv, .json or .jsonl.
    result
        An attribution; its frame is written as it is.

    Raises
    ------
    UsageError
        For another extension.
    OutputError
        When the file cannot be written.
    """
    from blueattr.report.formats.tabular import write_agents  # noqa: PLC0415 - start-up time

    form = by_extension(path, AGENTS_FORMATS)
    write_with(path, lambda file: write_agents(result, form, file))


def rows_to(path: Path, report: Report) -> None:
    """Write the rows behind a report, in the format of the file's extension.

    Parameters
    ----------
    path
        Ends in .parquet, .csv, .json or .jsonl.
    report
        Any.

    Raises
    ------
    UsageError
        For another extension.
    OutputError
        When the file cannot be written.
    """
    from blueattr.report.formats.tabular import rows_bytes  # noqa: PLC0415 - start-up time

    form = by_extension(path, AGENTS_FORMATS)
    write_with(path, lambda file: file.write(rows_bytes(report, form)))


def frame_to(path: Path, frame: "pl.DataFrame", origin: "Provenance") -> None:
    """Write a frame with a ``did`` column, in the format of the file's extension.

    Parameters
    ----------
    path
        Ends in .parquet, .csv, .json or .jsonl.
    frame
        Any.
    origin
        Where it comes from: in the metadata of a Parquet file, as JSON under ``blueattr``.

    Raises
    ------
    UsageError
        For another extension.
    OutputError
        When the file cannot be written.
    """
    from blueattr.report.formats.tabular import origin_metadata, write_frame  # noqa: PLC0415 - start-up time

    form = by_extension(path, AGENTS_FORMATS)
    metadata = origin_metadata(origin) if form == "parquet" else None
    write_with(path, lambda file: write_frame(frame, form, file, metadata))
