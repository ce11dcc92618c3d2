"""Read sources to their ends into a store: files, windows of an archive, synthetic events."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import repeat
from pathlib import Path
from queue import SimpleQueue

from blueattr.decode.chunk import Chunk
from blueattr.decode.parser.parse import Parser
from blueattr.errors import InputError, SourceError
from blueattr.ingest.result import Ingested
from blueattr.kernels.compiled import threads
from blueattr.sources import files
from blueattr.sources.parallel import run_ahead
from blueattr.sources.source import Source
from blueattr.store.checkpoint import SourceState
from blueattr.store.database import DEFAULT_MEMORY
from blueattr.store.matching import Rule
from blueattr.store.rollups import roll_up
from blueattr.store.writer import Writer

__all__ = [
    "COMMIT_ROWS",
    "Progress",
    "ingest",
    "ingest_sources",
    "nothing_of_it",
    "read_source",
]


# A commit folds what waits into the whole store: seldom enough to be cheap, often enough that a
# killed run has little to do again and a reader gets in between.
COMMIT_ROWS = 1_500_000
# Part of a commit's cost grows with the store, so that a commit grows with it too.
_COMMIT_PART = 1 / 48
# What is left of a source and less than this part of what waits comes with it.
_LEFTOVER = 1 / 4
_COMMIT_BYTES = 320 << 20
# What may wait for the next commit while one is under way, which needs memory itself.
_BESIDE_COMMIT = 128 << 20
# What an archive sends is paid for, and what is not committed would be paid for again.
_COMMIT_PAID = 128 << 20
# Of a source of which little is kept, or that is slow, a killed run has this much to do again.
_COMMIT_SECONDS = 60.0


Progress = Callable[[str, int, int | None], None]
"""Told the source's name, bytes consumed and its size where known."""


# --- ingest --------------------------------------------------------------------------------------


def ingest(
    db: Path,
    arguments: list[str],
    *,
    kind: str = "file",
    rules: Sequence[Rule] = (),
    memory: int = DEFAULT_MEMORY,
    progress: Progress | None = None,
) -> Ingested:
    """Read files of Jetstream lines, or a PLC directory export, into a store.

    Parameters
    ----------
    arguments, kind
        As for :func:`blueattr.sources.files.find`.
    db, rules, memory, progress
        As for :func:`ingest_sources`, which see for what is raised.
    """
    sources = files.find(arguments, kind)
    return ingest_sources(db, sources, rules=rules, memory=memory, progress=progress)


def ingest_sources(
    db: Path,
    sources: Sequence[Source],
    *,
    rules: Sequence[Rule] = (),
    memory: int = DEFAULT_MEMORY,
    progress: Progress | None = None,
) -> Ingested:
    """Read sources to their ends into a store, from where each was left.

    One that is damaged or cannot be reached does not keep the others out: what could be read of it
    is kept, and the failure is in the result.

    Parameters
    ----------
    db
        The store, made if it is not there.
    sources
        Files (:func:`blueattr.sources.files.find`), windows of an archive
        (:class:`blueattr.sources.archive.source.ArchiveSource`), or synthetic events
        (:class:`blueattr.synth.SynthSource`).
    rules
        Topics whose posts are matched when the days are summarised at the end, beside those that
        the store knows already; such as :func:`blueattr.panel.topics.shipped_rules`.
    memory
        Bytes the process may use.
    progress
        Called after each chunk.

    Raises
    ------
    InputError
        A file is not there.
    SourceError
        An archive cannot be asked what it holds.
    StoreError
        The store cannot be written.
    """
    states, unchanged, failures = [], [], []
    with Writer(db, memory) as writer:
        before = writer.count_events()
        # Asked once: a question waits for the commit of the file before.
        stored = writer.sources(source.name for source in sources)
        for source in sources:
            known = stored.get(source.name)
            if (
                known is not None
                and source.fingerprint
                and (source.kind, source.fingerprint) == (known.kind, known.fingerprint)
            ):
                if known.complete:
                    unchanged.append(source.name)
                    states.append(known)
                    failures += nothing_of_it(known)
                    continue
                state = known
            else:
                state = SourceState(source.name, source.kind, source.fingerprint)
            state, failure = read_source(writer, source, state, progress)
            states.append(state)
            stored[source.name] = state
            if failure:
                failures.append(failure)
        roll_up(writer, rules)
        after = writer.count_events()
    return Ingested(tuple(states), tuple(unchanged), tuple(failures), before, after)


def read_source(
    writer: Writer,
    source: Source,
    state: SourceState,
    progress: Progress | None,
    must_end: Callable[[], bool] | None = None,
) -> tuple[SourceState, str]:
    """Read a source to its end, committing as it goes; or until it must end, asked between chunks.

    The last commit is perhaps still under way on return, as `Writer.commit` has it.

    Returns
    -------
    tuple
        Its state, and what went wrong; empty where nothing did.
    """
    failure = ""
    begun = None if state.position else 0
    committed = time.monotonic()
    try:
        chunks = source.chunks(state.position)
        if isinstance(source, files.FileSource) and source.kind != "plc":
            # Not of a pipe: a thread that waits for its next line would outlive an interrupt.
            chunks = _parsed(chunks)
        for chunk in chunks:
            state = writer.stage(chunk, state, later=True)
            if progress:
                progress(source.name, chunk.read, source.size)
            rows, size = writer.waiting
            begun = chunk.read if begun is None else begun
            done = chunk.read - begun
            left = math.inf if source.size is None else source.size - chunk.read
            if (
                (
                    rows >= max(COMMIT_ROWS, writer.records * _COMMIT_PART)
                    and left >= done * _LEFTOVER
                )
                or size >= _COMMIT_BYTES
                or (source.kind == "archive" and done >= _COMMIT_PAID)
                or time.monotonic() - committed >= _COMMIT_SECONDS
            ):
                state = writer.settle(state)
                state = writer.commit(state, wait=False)
                begun = chunk.read
                committed = time.monotonic()
            elif size >= _BESIDE_COMMIT:
                writer.finish()
            if must_end is not None and must_end():
                break
        state = replace(state, complete=source.complete)
    except (InputError, SourceError) as error:
        failure = str(error)
    state = writer.settle(state)
    state = writer.commit(state, wait=False)
    return state, failure or next(iter(nothing_of_it(state)), "")


def _parsed(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    """Read, decompress and parse the next chunks of a file while the ones before are staged."""
    cores = threads()
    # For those that are parsed, that wait for their turn, and the one whose turn it is.
    parsers: SimpleQueue[Parser] = SimpleQueue()
    for _ in range(cores + 2):
        parsers.put(Parser(1))

    def parse(chunk: Chunk) -> tuple[Chunk, Parser]:
        parser = parsers.get()
        parts, unparsed = parser.parse(chunk.data, chunk.position)
        return replace(chunk, parsed=tuple(parts), unparsed=unparsed), parser

    def read() -> Iterator[Callable[[], tuple[Chunk, Parser]]]:
        for chunk in run_ahead(repeat(lambda: next(chunks, None)), 1):
            if chunk is None:
                return
            yield partial(parse, chunk)

    for chunk, parser in run_ahead(read(), cores):
        yield chunk
        parsers.put(parser)


def nothing_of_it(state: SourceState) -> list[str]:
    """Return the failure of a source all of whose lines were rejected; none if some were kept."""
    if not state.lines or state.lines > sum(state.rejected.values()):
        return []
    worst = max(state.rejected, key=lambda reason: state.rejected[reason])
    message = (
        f"{state.name} holds none of what was expected: all of its {state.lines:,} lines were "
        f"rejected, most as {worst!r}"
    )
    return [message]
