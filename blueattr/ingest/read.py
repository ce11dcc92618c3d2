"""Read sources to their ends into a store: files, windows of an archive, synthetic events."""

import math
import time
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby, repeat
from pathlib import Path
from queue import SimpleQueue

from blueattr.decode.chunk import Chunk
from blueattr.decode.clock import Horizon, Now
from blueattr.decode.parse import Parser, unparsed
from blueattr.decode.parser.scanner import is_compiled
from blueattr.errors import InputError, SourceError
from blueattr.ingest.result import Ingested, mostly_rejected, nothing_of_it
from blueattr.kernels.compiled import threads
from blueattr.sources import files
from blueattr.sources.parallel import run_ahead
from blueattr.sources.source import Source
from blueattr.sources.tables.source import TableSource
from blueattr.store.commit.checkpoint import SourceState
from blueattr.store.commit.writer import Writer
from blueattr.store.database import DEFAULT_MEMORY
from blueattr.store.engine.memory import Shares
from blueattr.store.matching import Rule
from blueattr.store.rollups import roll_up

__all__ = [
    "COMMIT_ROWS",
    "Progress",
    "ingest",
    "ingest_sources",
    "read_all",
    "read_source",
]


# A commit folds what waits into the whole store: seldom enough to be cheap, often enough that a
# killed run has little to do again and a reader gets in between.
COMMIT_ROWS = 1_500_000
# Part of a commit's cost grows with the store, so that a commit grows with it too.
_COMMIT_PART = 1 / 48
# What is left of a source and less than this part of what waits comes with it.
_LEFTOVER = 1 / 4
# What an archive sends is paid for, and what is not committed would be paid for again.
_COMMIT_PAID = 128 << 20
# A run that is killed or interrupted has this much to do again; or this many times what the last
# commit took, so that commits take a tenth of the time at most.
_COMMIT_SECONDS = 10.0
_COMMITS_APART = 10.0
# Bytes of lines that the store's engine decodes where the parser is not compiled yet: it takes ten
# times as long as the parser for them, which is a small part of what compiling takes.
_BEFORE_COMPILING = 64 << 20
# Of more files than this, progress is shown as that of all together.
_NAMED = 8


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
    now: Now = time.time,
) -> Ingested:
    """Read files of Jetstream lines, or a PLC directory export, into a store.

    Parameters
    ----------
    arguments, kind
        As for :func:`blueattr.sources.files.find`.
    db, rules, memory, progress, now
        As for :func:`ingest_sources`, which see for what is raised.
    """
    passed_over: list[str] = []
    sources = files.find(arguments, kind, passed_over, Shares.of(memory).window)
    done = ingest_sources(db, sources, rules=rules, memory=memory, progress=progress, now=now)
    return replace(done, passed_over=tuple(passed_over))


def ingest_sources(
    db: Path,
    sources: Sequence[Source],
    *,
    rules: Sequence[Rule] = (),
    memory: int = DEFAULT_MEMORY,
    progress: Progress | None = None,
    now: Now = time.time,
) -> Ingested:
    """Read sources to their ends into a store, from where each was left.

    Files share commits, in which each has its rows and its position, so that many small ones take
    hardly longer than a large one. A source that is damaged or cannot be reached does not keep the
    others out: what could be read of it is kept, and the failure is in the result.

    Parameters
    ----------
    db
        The store, made if it is not there.
    sources
        Files (:func:`blueattr.sources.files.find`), windows of an archive
        (:class:`blueattr.sources.archive.source.ArchiveSource`), or synthetic events
        (:class:`blueattr.synth.source.SynthSource`).
    rules
        Topics whose posts are matched when the days are summarised at the end, beside those that
        the store knows already; such as :func:`blueattr.panel.topics.shipped_rules`.
    memory
        Bytes the process may use.
    progress
        Called after each chunk.
    now
        The clock by which times that lie ahead are refused, in seconds since 1970.

    Raises
    ------
    InputError
        A file is not there.
    SourceError
        An archive cannot be asked what it holds.
    StoreError
        The store cannot be written.
    """
    with Writer(db, memory, now=now) as writer:
        before = writer.count_events()
        done = read_all(writer, sources, progress)
        roll_up(writer, rules)
        return replace(done, events_before=before, events_after=writer.count_events())


def read_all(writer: Writer, sources: Sequence[Source], progress: Progress | None) -> Ingested:
    """Read sources to their ends, from where the writer knows that each was left.

    Returns
    -------
    Ingested
        Without a count of events. The last commit is perhaps still under way.
    """
    readings: list[_Reading] = []
    done: dict[str, SourceState] = {}
    # Asked once: a question waits for the commit of the file before.
    stored = writer.sources(source.name for source in sources)
    for source in sources:
        known = stored.get(source.name)
        reading = _Reading(source, SourceState(source.name, source.kind))
        readings.append(reading)
        try:
            reading.state.fingerprint = source.fingerprint
        except InputError as error:
            reading.failure, reading.wanted = str(error), False
            continue
        if (
            known is not None
            and source.fingerprint
            and (source.kind, source.fingerprint) == (known.kind, known.fingerprint)
        ):
            reading.state, reading.wanted = known, not known.complete
            if reading.wanted and _begins_anew(source):
                reading.state = known.replaced_by(source.fingerprint)
        elif known is not None and known.kind == source.kind:
            reading.state = known.replaced_by(source.fingerprint)
        if isinstance(source, TableSource):
            reading.state = replace(
                reading.state,
                drawn=source.drawn,
                remarks="\n".join(source.remarks) or None,
                counts=bool(reading.state.counts) if source.gives_records else None,
            )
    for _, group in groupby((r for r in readings if r.wanted), _shares):
        together = list(group)
        for reading in together:
            # Of two pipes that begin alike the second takes nothing from the first.
            if alike := done.get(reading.source.name):
                reading.state = alike.replaced_by(reading.state.fingerprint)
        _read_together(writer, together, progress)
        done |= {reading.source.name: reading.state for reading in together}
    return Ingested(
        tuple(r.state for r in readings),
        tuple(r.source.name for r in readings if not r.wanted and not r.failure),
        tuple(failure for r in readings for failure in r.failures),
        mostly_rejected=tuple(sentence for r in readings for sentence in mostly_rejected(r.state)),
    )


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
    reading = _Reading(source, state)
    _read_together(writer, [reading], progress, must_end)
    return reading.state, next(iter(reading.failures), "")


# --- one source or several -----------------------------------------------------------------------


@dataclass(slots=True)
class _Reading:
    """A source that is read, how far it is, and what went wrong."""

    source: Source
    state: SourceState
    failure: str = ""
    wanted: bool = True

    @property
    def failures(self) -> list[str]:
        return [self.failure] if self.failure else nothing_of_it(self.state)


def _begins_anew(source: Source) -> bool:
    """Return whether nothing of a source can be passed over, although it was read in part."""
    return isinstance(source, TableSource) and source.restarts


def _shares(reading: _Reading) -> Hashable:
    """Return what the sources that share commits have in common; files do, of one kind."""
    if isinstance(reading.source, files.FileSource):
        return reading.source.kind
    return id(reading)


def _read_together(
    writer: Writer,
    readings: Sequence[_Reading],
    progress: Progress | None,
    must_end: Callable[[], bool] | None = None,
) -> None:
    """Read sources to their ends one after the other, committing when there is enough of them."""
    sizes = [reading.source.size for reading in readings]
    left_of_all = sum(math.inf if size is None else size for size in sizes)
    shown = f"{len(readings):,} files" if len(readings) > _NAMED else ""
    read_before = 0
    begun = None if readings[0].state.position else 0
    committed = time.monotonic()
    # Those that a commit is to note, in the order in which they were read.
    waiting: dict[int, _Reading] = {}
    for reading, chunk in _steps(readings, writer.horizon):
        waiting[id(reading)] = reading
        source = reading.source
        if chunk is None:
            if not reading.failure:
                reading.state = replace(reading.state, complete=source.complete)
            if isinstance(source, TableSource):
                reading.state = replace(reading.state, remarks="\n".join(source.remarks) or None)
            read_before += source.size or 0
            continue
        reading.state = writer.stage(chunk, reading.state, later=True)
        read = read_before + chunk.read
        if progress and shown:
            progress(shown, read, None if math.isinf(left_of_all) else int(left_of_all))
        elif progress:
            progress(source.name, chunk.read, source.size)
        rows, size = writer.waiting
        begun = read if begun is None else begun
        done = read - begun
        left = left_of_all - read
        if (
            (rows >= max(COMMIT_ROWS, writer.records * _COMMIT_PART) and left >= done * _LEFTOVER)
            or size >= writer.shares.lines
            or (source.kind == "archive" and done >= _COMMIT_PAID)
            or time.monotonic() - committed
            >= max(_COMMIT_SECONDS, _COMMITS_APART * writer.commit_seconds)
        ):
            _commit(writer, waiting.values())
            waiting.clear()
            begun = read
            committed = time.monotonic()
        elif size >= writer.shares.beside:
            writer.finish()
        if must_end is not None and must_end():
            reading.state = replace(reading.state, complete=source.complete)
            waiting[id(reading)] = reading
            break
    _commit(writer, waiting.values())


def _commit(writer: Writer, readings: Collection[_Reading]) -> None:
    for reading in readings:
        reading.state = writer.settle(reading.state)
    writer.commit(*(reading.state for reading in readings), wait=False)
    for reading in readings:
        reading.state = reading.state.after_commit()


_Step = tuple[_Reading, Chunk | None]


def _steps(readings: Sequence[_Reading], horizon: Callable[[], Horizon]) -> Iterator[_Step]:
    """Yield the chunks of each source, and None at its end, when its failure is known."""
    source = readings[0].source
    # Not of a pipe: a thread that waits for its next line would outlive an interrupt.
    ahead = isinstance(source, files.FileSource) and source.kind != "plc"
    return _parsed(_chunks(readings), horizon) if ahead else _chunks(readings)


def _chunks(readings: Iterable[_Reading]) -> Iterator[_Step]:
    for reading in readings:
        try:
            for chunk in reading.source.chunks(reading.state.position):
                yield reading, chunk
        except (InputError, SourceError) as error:
            reading.failure = str(error)
        yield reading, None


def _parsed(steps: Iterator[_Step], horizon: Callable[[], Horizon]) -> Iterator[_Step]:
    """Read, decompress and parse the next chunks of files while the ones before are staged.

    Where the parser is not compiled yet, the first chunks are left to the store's engine, so that
    nobody waits for a compilation to read a small file.
    """
    cores = threads()
    left = 0 if is_compiled() else _BEFORE_COMPILING
    # For those that are parsed, that wait for their turn, and the one whose turn it is.
    parsers: SimpleQueue[Parser] = SimpleQueue()
    for _ in range(cores + 2):
        parsers.put(Parser(1))

    def leave(reading: _Reading, chunk: Chunk) -> tuple[_Step, None]:
        return (reading, replace(chunk, unparsed=unparsed(chunk.data, chunk.position))), None

    def parse(reading: _Reading, chunk: Chunk) -> tuple[_Step, Parser]:
        parser = parsers.get()
        parts, unparsed = parser.parse(chunk.data, chunk.position, horizon())
        return (reading, replace(chunk, parsed=tuple(parts), unparsed=unparsed)), parser

    def read() -> Iterator[Callable[[], tuple[_Step, Parser | None]]]:
        nonlocal left
        for step in run_ahead(repeat(lambda: next(steps, None)), 1):
            if step is None:
                return
            reading, chunk = step
            if chunk is None:
                yield partial(lambda step: (step, None), step)
                continue
            left -= len(chunk.data)
            yield partial(leave if left >= 0 else parse, reading, chunk)

    for step, parser in run_ahead(read(), cores):
        yield step
        if parser is not None:
            parsers.put(parser)
