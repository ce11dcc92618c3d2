"""A calibrated event generator: what the network's stream looks like, at any size.

The figures are published counts of the real network (docs/data.md, "Synthetic events"). Time is
cut into slices; a slice's events are drawn at once, from accounts whose rates are fixed at the
start, so memory is bounded by the accounts (about 100 bytes each) and one slice.
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
from blueattr.synth.lines import lines
from blueattr.synth.network import SynthSpec
from blueattr.synth.stream import KINDS, OPERATIONS, SCHEMA, STATUSES, Stream
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
    "write_file",
    "write_lines",
]


SAMPLE_SPEC = SynthSpec(agents=2500, like_fraction=0.01, topic_share=0.3, activity=0.33)
"""What ``data/sample.jsonl.zst`` holds. To be small it has few likes, since the pipeline skips
them, and a third of the usual events for each account; to have enough to attribute, five times the
usual part of its posts is on the topics."""


@dataclass(frozen=True, slots=True)
class SynthCounts:
    """What was written: lines, bytes before compression, lines by kind and operation."""

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
        Of `SCHEMA`, at most some 300,000 rows, never empty. ``seq`` counts from 1 without gaps.
        ``time_us`` ascends but for about 5 % of neighbours; an account's own events are in order,
        and no reply, repost, like or removal comes before what it names.

    Notes
    -----
    docs/data.md, "Synthetic events". Accounts are numbers; `Names` tells their DIDs and
    handles, `contents` what posts say, so that a reader pays only for the strings it wants.
    """
    return Stream(spec).batches()


_LINES = 100_000


def write_lines(spec: SynthSpec, out: BinaryIO) -> SynthCounts:
    """Write the events as Jetstream v1 lines.

    Parameters
    ----------
    spec
        What to generate.
    out
        Open for writing bytes.

    Returns
    -------
    SynthCounts
        What was written.

    Notes
    -----
    The ``cid`` of a record has the form of one and is made of its key: it can be neither resolved
    nor verified.
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
        Compressed with zstd when it ends in ``.zst``, with gzip when in ``.gz``.
    level
        Of the compression.

    Raises
    ------
    OutputError
        The file cannot be written; nothing of it is left behind.
    """
    return write_with(path, lambda file: _write_compressed(spec, file, path.suffix, level))


def _write_compressed(spec: SynthSpec, file: BinaryIO, suffix: str, level: int) -> SynthCounts:
    with _compressor(suffix, file, level) as out:
        return write_lines(spec, out)


def _compressor(suffix: str, file: BinaryIO, level: int) -> Any:
    # Neither format holds a time or a name, so the same events give the same bytes.
    if suffix == ".zst":
        # A window of 16 MB: identifiers come back after hours, and any decoder takes it.
        parameters = zstandard.ZstdCompressionParameters.from_level(level, window_log=24)
        compressor = zstandard.ZstdCompressor(compression_params=parameters)
        return compressor.stream_writer(file, closefd=False)
    if suffix == ".gz":
        return gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=level, mtime=0)
    return contextlib.nullcontext(file)
