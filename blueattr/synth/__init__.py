"""Generate synthetic events, calibrated to the real network, at any size.

The figures are published counts of the real network (docs/data.md, "Synthetic events"). Time is
divided into slices; the events of a slice are drawn at once, from accounts whose rates are fixed at
the start. So memory is bounded by the accounts (about 100 bytes each) and one slice.
"""

import contextlib
import gzip
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl
import zstandard

from blueattr.atomic import write_with
from blueattr.synth.directory import operations
from blueattr.synth.lines import lines
from blueattr.synth.network import SynthSpec
from blueattr.synth.stream import KINDS, OPERATIONS, SCHEMA, STATUSES, SyntheticStream
from blueattr.synth.text import Names, contents

__all__ = [
    "KINDS",
    "OPERATIONS",
    "SAMPLE_SPEC",
    "SCHEMA",
    "STATUSES",
    "Names",
    "SynthCounts",
    "SynthSpec",
    "contents",
    "event_batches",
    "write_directory",
    "write_file",
    "write_lines",
]

SAMPLE_SPEC = SynthSpec(agents=2500, like_fraction=0.01, topic_share=0.3, activity=0.33)
"""The spec of ``data/sample.jsonl.zst``. To keep the file small, it has few likes (the pipeline
skips them) and a third of the usual events per account; to give enough to attribute, five times the
usual fraction of its posts is on the topics."""


@dataclass(frozen=True, slots=True)
class SynthCounts:
    """What a call wrote: lines, bytes before compression, lines by kind and operation."""

    lines: int
    size: int
    by_kind: dict[str, int] = field(default_factory=dict)


def event_batches(spec: SynthSpec) -> Iterator[pl.DataFrame]:
    """Generate the events as columns, in the order of the stream.

    Parameters
    ----------
    spec
        What to generate.

    Yields
    ------
    pl.DataFrame
        Rows of `SCHEMA`: 1 to about 300,000. ``seq`` counts from 1 without gaps. ``time_us``
        ascends except for about 5 % of neighbours; each account's events are in order, and no
        reply, repost, like or delete comes before the record that it names.

    Notes
    -----
    docs/data.md, "Synthetic events". Accounts are numbers. `Names` returns their DIDs and handles,
    `contents` the texts of posts, so that a caller pays only for the strings it needs.
    """
    return SyntheticStream(spec).batches()


_LINES = 100_000


def write_lines(spec: SynthSpec, out: BinaryIO) -> SynthCounts:
    """Write the events as Jetstream v1 lines.

    Parameters
    ----------
    spec
        What to generate.
    out
        A file open for writing bytes.

    Returns
    -------
    SynthCounts
        Counts of the lines and bytes written.

    Notes
    -----
    The ``cid`` of a record looks like a CID but is made from the record key: it can be neither
    resolved nor verified.
    """
    names = Names(spec.seed)
    count = size = 0
    by_kind: Counter[str] = Counter()
    waiting: list[pl.DataFrame] = []

    def flush() -> None:
        nonlocal size
        if waiting:
            size += out.write(lines(pl.concat(waiting), names))
            waiting.clear()

    for batch in event_batches(spec):
        tally = batch.group_by("kind", "operation").len()
        for kind, operation, number in tally.iter_rows():
            by_kind[kind if kind in {"identity", "account"} else f"{kind} {operation}"] += number
        count += batch.height
        waiting.append(batch)
        if sum(b.height for b in waiting) >= _LINES:
            flush()
    flush()
    return SynthCounts(count, size, dict(sorted(by_kind.items())))


def write_file(spec: SynthSpec, path: Path, *, level: int = 9) -> SynthCounts:
    """Write the events to a file, all of them or none.

    Parameters
    ----------
    spec
        What to generate.
    path
        The file. It is compressed with zstd if its name ends in ``.zst``, with gzip if in ``.gz``.
    level
        Compression level.

    Raises
    ------
    OutputError
        The file cannot be written; no part of it is left.
    """
    return write_with(path, lambda file: _write_compressed(spec, file, path.suffix, level))


def write_directory(spec: SynthSpec, path: Path, *, level: int = 9) -> int:
    """Write what the PLC directory would export of the accounts, all of it or nothing.

    Parameters
    ----------
    spec, path, level
        As for `write_file`.

    Returns
    -------
    int
        How many operations there are.

    Raises
    ------
    OutputError
        The file cannot be written; no part of it is left.
    """
    lines = operations(spec)

    def write(file: BinaryIO) -> None:
        with _compressor(path.suffix, file, level) as out:
            for part in lines.to_frame().iter_slices(_LINES):
                out.write("\n".join([*part.to_series(), ""]).encode())

    write_with(path, write)
    return lines.len()


def _write_compressed(spec: SynthSpec, file: BinaryIO, suffix: str, level: int) -> SynthCounts:
    with _compressor(suffix, file, level) as out:
        return write_lines(spec, out)


def _compressor(suffix: str, file: BinaryIO, level: int) -> Any:
    # No time or name is written to either format, so the same events give the same bytes.
    if suffix == ".zst":
        # A window of 16 MB, since identifiers repeat after hours; every decoder accepts it.
        parameters = zstandard.ZstdCompressionParameters.from_level(level, window_log=24)
        compressor = zstandard.ZstdCompressor(compression_params=parameters)
        return compressor.stream_writer(file, closefd=False)
    if suffix == ".gz":
        return gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=level, mtime=0)
    return contextlib.nullcontext(file)
