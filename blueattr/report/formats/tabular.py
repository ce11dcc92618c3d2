"""Reports and per-agent frames as CSV and Parquet: tidy rows, numbers untouched, text harmless."""

import contextlib
import os
import re
from collections.abc import Iterator
from datetime import date
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, Literal, TypeAlias

import polars as pl

from blueattr.report.escape import FORMULA, HIDDEN, guard_cell, safe_json
from blueattr.report.formats.json import json_bytes
from blueattr.report.numbers import iso
from blueattr.report.provenance import origin_json
from blueattr.report.results.attributions import attribution_report
from blueattr.report.tables import Cell, Column, Kind, Report, Table

if TYPE_CHECKING:
    from blueattr.attribution.attribute import AttributionResult
    from blueattr.provenance import Provenance

__all__ = [
    "METADATA_KEY",
    "AgentsFormat",
    "csv_bytes",
    "origin_metadata",
    "parquet_bytes",
    "tidy_frame",
    "write_agents",
]


AgentsFormat: TypeAlias = Literal["parquet", "csv", "json", "jsonl"]


_DTYPES: dict[Kind, pl.DataType] = {
    "text": pl.String(),
    "figure": pl.String(),
    "int": pl.Int64(),
    "float": pl.Float64(),
    "share": pl.Float64(),
    "bool": pl.Boolean(),
    "date": pl.Date(),
    "time": pl.Datetime("us", "UTC"),
}
METADATA_KEY = "blueattr"
"""What a Parquet file has a report under, in its metadata."""
_TEXTS = ("did", "handle", "id", "label", "community", "source", "target", "agent", "record",
          "subject", "quoted")  # fmt: skip
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def _data(report: Report) -> Table:
    return report.tables[0] if report.data is None else report.data


def tidy_frame(report: Report) -> pl.DataFrame:
    """Return a report's data as a frame.

    Parameters
    ----------
    report
        Any.

    Returns
    -------
    DataFrame
        One row per row of the report's data table, columns by its columns' names and kinds:
        String, Int64, Float64, Boolean, Date, or Datetime in microseconds and UTC. Null where
        there is no value.
    """
    table = _data(report)
    return pl.DataFrame(
        {
            column.name: pl.Series(
                column.name,
                [_encodable(row[k]) for row in table.rows],
                _DTYPES[column.kind],
            )
            for k, column in enumerate(table.columns)
        }
    )


def _encodable(cell: Cell) -> Cell:
    """Spell out lone surrogates, which no UTF-8 file can hold (from file names, for example)."""
    if not isinstance(cell, str):
        return cell
    return _SURROGATE.sub(lambda m: m[0].encode("unicode_escape").decode("ascii"), cell)


def csv_bytes(report: Report) -> bytes:
    """Encode a report's data as CSV (RFC 4180, lines ending in LF, UTF-8, with a header).

    Parameters
    ----------
    report
        Any.

    Returns
    -------
    bytes
        Floats in their shortest exact form, times in ISO 8601 with ``Z``, an empty cell where
        there is no value, text as `blueattr.report.escape.guard_cell` leaves it.
    """
    table = _data(report)
    frame = pl.DataFrame(
        {
            column.name: [_csv_cell(row[k]) for row in table.rows]
            for k, column in enumerate(table.columns)
        },
        schema={column.name: _csv_dtype(column) for column in table.columns},
    )
    return frame.write_csv().encode()


def _csv_dtype(column: Column) -> pl.DataType:
    return pl.String() if column.kind in {"date", "time"} else _DTYPES[column.kind]


def _csv_cell(cell: Cell) -> Cell:
    if isinstance(cell, str):
        return guard_cell(cell)
    return iso(cell) if isinstance(cell, date) else cell


def parquet_bytes(report: Report) -> bytes:
    """Encode a report's data as Parquet.

    Parameters
    ----------
    report
        Any.

    Returns
    -------
    bytes
        `tidy_frame`, with the report's complete JSON form in the file's metadata under the key
        ``blueattr``.
    """
    buffer = BytesIO()
    tidy_frame(report).write_parquet(buffer, metadata={METADATA_KEY: json_bytes(report).decode()})
    return buffer.getvalue()


def rows_bytes(report: Report, form: AgentsFormat) -> bytes:
    """Encode the rows behind a report.

    Parameters
    ----------
    report
        Any.
    form
        ``json`` is one list of objects, ``jsonl`` one object in each line.
    """
    if form == "csv":
        return csv_bytes(report)
    if form == "parquet":
        return parquet_bytes(report)
    frame = tidy_frame(report)
    text = frame.write_json() + "\n" if form == "json" else frame.write_ndjson()
    return safe_json(text).encode()


def write_agents(result: "AttributionResult", form: AgentsFormat, file: BinaryIO) -> None:
    """Write the per-agent frame of an attribution.

    Parameters
    ----------
    result
        An attribution.
    form
        ``parquet`` has the report's complete JSON form in its metadata under ``blueattr``;
        ``json`` is one list of objects, ``jsonl`` one object in each line.
    file
        Receives the bytes.
    """
    metadata = {}
    if form == "parquet":
        metadata[METADATA_KEY] = json_bytes(attribution_report(result)).decode()
    write_frame(result.agents, form, file, metadata)


def write_frame(
    frame: pl.DataFrame, form: AgentsFormat, file: BinaryIO, metadata: dict[str, str] | None = None
) -> None:
    """Write a frame whose texts from outside are in columns of a few names: see `_TEXTS`.

    Parameters
    ----------
    frame
        One row per agent.
    form
        As for `write_agents`.
    metadata
        Of a Parquet file.
    """
    match form:
        case "parquet":
            with _failures_of_the_disk(file):
                frame.write_parquet(file, metadata=metadata)
        case "csv":
            texts = [_guarded(frame[name]) for name in _TEXTS if name in frame.columns]
            with _failures_of_the_disk(file):
                frame.with_columns(texts).write_csv(file)
        case "json" | "jsonl":
            text = frame.write_json() + "\n" if form == "json" else frame.write_ndjson()
            # Most panels have nothing to spell out, and a million agents are a long text.
            texts = [frame[name] for name in _TEXTS if name in frame.columns]
            if any(column.str.contains(HIDDEN).any() for column in texts):
                text = safe_json(text)
            file.write(text.encode())


@contextlib.contextmanager
def _failures_of_the_disk(file: BinaryIO) -> Iterator[None]:
    """Raise what Polars says of a disk that is full or broken as Python would."""
    try:
        yield
    except (pl.exceptions.ComputeError, OSError) as error:
        number = re.search(r"\(os error (\d+)\)", str(error))
        if number is not None:
            raise OSError(int(number[1]), os.strerror(int(number[1]))) from error
        if "transport error" in str(error):
            # Of the end of a file Polars says no more than that; the system says why.
            file.write(bytes(1 << 20))
            file.flush()
        raise


def origin_metadata(origin: "Provenance") -> dict[str, str]:
    """Return the metadata of a Parquet file with what agents or features come from."""
    report = Report(kind="features", tables=(), content=origin_json(origin))
    return {METADATA_KEY: json_bytes(report).decode()}


def _guarded(column: pl.Series) -> pl.Series:
    """Apply `guard_cell` to every value that needs it; most columns have none."""
    needed = column.str.contains(f"{FORMULA}|{HIDDEN}").fill_null(value=False)
    if not needed.any():
        return column
    cells = zip(column, needed, strict=True)
    return pl.Series(
        column.name, [guard_cell(cell) if guard else cell for cell, guard in cells], pl.String
    )
