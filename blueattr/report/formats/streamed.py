"""Writes the per-agent frame of an attribution to a file, piece by piece."""

from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import polars as pl

from blueattr.atomic import write_with
from blueattr.report.formats.json import json_bytes
from blueattr.report.formats.render import AGENTS_FORMATS, by_extension
from blueattr.report.formats.tabular import METADATA_KEY, AgentsFormat, write_frame
from blueattr.report.results.attributions import attribution_report

if TYPE_CHECKING:
    from blueattr.attribution.attribute import AttributionResult

__all__ = ["agents_receiver", "write_agent_frames"]


def agents_receiver(
    path: Path,
) -> "Callable[[AttributionResult, Iterator[pl.DataFrame]], None]":
    """Return a function that writes the frames of one attribution to a file as they arrive.

    Parameters
    ----------
    path
        Ends in .parquet, .csv, .json or .jsonl.

    Raises
    ------
    UsageError
        For another extension, at once. What is returned raises `OutputError` when the file cannot
        be written.
    """
    form = by_extension(path, AGENTS_FORMATS)
    return lambda result, frames: write_with(
        path, lambda file: write_agent_frames(result, frames, form, file)
    )


def write_agent_frames(
    result: "AttributionResult", frames: Iterator[pl.DataFrame], form: AgentsFormat, file: BinaryIO
) -> None:
    """Write frames one below the other, as `blueattr.report.formats.tabular.write_agents` does.

    Parameters
    ----------
    result
        An attribution; its own frame is ignored.
    frames
        With the columns and types of ``result.agents``; at least one.
    form
        As for `write_agents`.
    file
        Receives the bytes.
    """
    if form == "parquet":
        _write_parquet(result, frames, file)
    elif form == "json":
        before = b"["
        for frame in frames:
            if frame.height:
                file.write(before + _text(frame, form).strip()[1:-1])
                before = b","
        file.write(b"]\n")
    else:
        for k, frame in enumerate(frames):
            text = _text(frame, form)
            file.write(text if k == 0 or form == "jsonl" else text.split(b"\n", 1)[1])


def _text(frame: pl.DataFrame, form: AgentsFormat) -> bytes:
    buffer = BytesIO()
    write_frame(frame, form, buffer)
    return buffer.getvalue()


def _write_parquet(
    result: "AttributionResult", frames: Iterator[pl.DataFrame], file: BinaryIO
) -> None:
    import pyarrow.parquet as pq  # noqa: PLC0415 - start-up time

    first = next(frames)
    report = json_bytes(attribution_report(result)).decode()
    schema = first.to_arrow(compat_level=pl.CompatLevel.oldest()).schema
    schema = schema.with_metadata({METADATA_KEY: report})
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for frame in chain([first], frames):
            table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
            writer.write_table(table.cast(schema))
