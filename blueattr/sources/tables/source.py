"""A table of a data set as a source, like files and streams."""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np
import pyarrow as pa

from blueattr.decode import schema
from blueattr.decode.chunk import Chunk
from blueattr.errors import InputError
from blueattr.sources.tables.events import FIRST, Events, account_events, record_events
from blueattr.sources.tables.formats import FormatTable
from blueattr.sources.tables.read import TableFile, TextMaker
from blueattr.sources.tables.repeats import RepeatCounter

__all__ = ["NEEDS", "Engine", "TableSource"]


_ROWS = 1 << 15
_NO_LINES = np.zeros((0, 2), np.int64)

NEEDS = {
    "rkey": ("record",),
    "record_key": ("record",),
    "rev": ("rev",),
    "subject_rkey": ("parent", "subject"),
    "subject_key": ("parent", "subject"),
    "root_rkey": ("parent", "root"),
    "root_key": ("parent", "root"),
    "quoted_rkey": ("quoted",),
    "quoted_key": ("quoted",),
    "title": ("title",),
    "tags": ("tags",),
    "langs": ("langs",),
    "domains": ("links",),
    "mention_dids": ("mentions",),
    "labels": ("labels",),
    "replies": ("replies",),
    "reposts": ("reposts",),
    "quotes": ("quotes",),
}
"""Columns of ``sql/sources/tables/rows.sql`` that are NULL unless an importer gives one of some.

Most tables have few, and each column that is worked out costs time for each row.
"""


class Engine(TextMaker, Protocol):
    """What executes an importer, and sees nothing of the machine but its input."""

    def rows(
        self,
        text: str,
        name: str,
        tables: Mapping[str, pa.RecordBatchReader],
        form: str,
        size: int,
        *,
        needs: Mapping[str, Collection[str]],
        **parameters: Any,
    ) -> Iterator[pa.RecordBatch]:
        """Yield what a statement makes of tables, brought into a form."""

    def is_by_row(
        self, text: str, name: str, columns: Mapping[str, Sequence[str]], form: str
    ) -> bool:
        """Return whether a statement makes of each row rows that come in its place."""

    def close(self) -> None:
        """End it."""


@dataclass
class TableSource:
    """All files of one table of a data set, as they were named in one command.

    Parameters
    ----------
    format
        The name of its format, by which accounts and records that are not the network's are named.
    layout
        What it is, and the statement that makes records of it.
    files
        Of the table, in order.
    columns
        The columns of `files` that the statement reads, by the names by which it reads them.
    lookups
        Files of the other tables that it needs, by their names.
    engine
        Makes an engine.
    end
        Times from here on lie ahead of the clock; naive UTC.
    origin
        The importer's file, for messages.
    drawn
        How the records were chosen.
    """

    format: str
    layout: FormatTable
    files: tuple[TableFile, ...]
    columns: Mapping[str, str]
    lookups: Mapping[str, tuple[TableFile, ...]]
    engine: Callable[[], Engine]
    end: datetime
    origin: str
    drawn: str = "unknown"
    unknown: tuple[int, int] = field(default=(0, 0), init=False)
    """Replies, and quotes, so far of which nothing tells whose post they answer or quote."""
    acts: tuple[int, int, int] = field(default=(0, 0, 0), init=False)
    """Replies, reposts and quotes so far, of all rows that were read."""
    _failures: list[str] = field(default_factory=list, init=False)
    kind: ClassVar[str] = "import"
    complete: ClassVar[bool] = True

    @cached_property
    def name(self) -> str:
        """``import:``, format and table, and the files."""
        paths = [str(file.path) for file in self.files]
        said = paths[0]
        if len(paths) > 1:
            mark = hashlib.sha256("\0".join(sorted(paths)).encode()).hexdigest()[:8]
            said += f" and {len(paths) - 1} more ({mark})"
        return f"import:{self.format}/{self.layout.name}:{said}"

    @property
    def gives_records(self) -> bool:
        """Whether it gives records; else it says something of accounts."""
        return self.layout.gives == "records"

    @cached_property
    def fingerprint(self) -> str:
        """Sizes and times of the files, and the importer: another one makes other records."""
        parts = [file.fingerprint for file in sorted(self.files, key=lambda file: file.path)]
        parts += [file.fingerprint for files in self.lookups.values() for file in files]
        parts += [self.layout.query, repr(sorted(self.columns.items()))]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]

    @cached_property
    def size(self) -> int | None:
        """Bytes on disk."""
        return sum(file.size for file in self.files)

    @cached_property
    def restarts(self) -> bool:
        """Whether it is to be read from its start again: its statement may order its rows anew."""
        names = {"input": [*self.columns]} | {
            name: self._layout_columns(files) for name, files in self.lookups.items()
        }
        engine = self.engine()
        try:
            return not engine.is_by_row(self.layout.query, self.origin, names, self._form)
        finally:
            engine.close()

    def _layout_columns(self, files: tuple[TableFile, ...]) -> list[str]:
        return [*(files[0].columns or files[0].names())]

    def chunks(self, position: int = 0) -> Iterator[Chunk]:
        """Yield record events from a row on; see :class:`blueattr.sources.source.Source`."""
        engine, maker = self.engine(), self.engine()
        repeats = RepeatCounter()
        row = bad = 0
        self._failures.clear()
        self._refused_lines()
        try:
            for batch in self._rows(engine, maker):
                events = self._events(batch, row, repeats, max(position - row, 0))
                row += len(batch)
                self.acts = _sum(self.acts, events.acts)
                new_bad, before = self._bad_lines, bad
                bad, lines = new_bad, self._refused_lines()
                if row <= position:
                    continue
                refused = events.refused + _no_rows(row, new_bad - before) + lines
                self.unknown = _sum(self.unknown, events.unknown)
                yield Chunk(
                    b"",
                    row - len(batch),
                    sum(file.read for file in self.files),
                    row,
                    skipped=events.skipped,
                    refused=refused,
                    account_events=events.staged,
                    named=(events.named, events.span),
                    stated=events.stated,
                    counted=events.counted,
                    unparsed=_NO_LINES,
                )
            if refused := _no_rows(row, self._bad_lines - bad) + self._refused_lines():
                # Of what came after the last row.
                read = sum(file.read for file in self.files)
                yield Chunk(b"", row, read, row, refused=refused, unparsed=_NO_LINES)
        finally:
            engine.close()
            maker.close()
            pa.default_memory_pool().release_unused()
        if self._failures:
            raise InputError(self._failures[0])

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader of an answer must know, of what was read so far, one sentence each."""
        return (*self.layout.notes, *self.marked)

    @property
    def marked(self) -> tuple[str, ...]:
        """Say of each file how many of its letters are not in UTF-8."""
        return tuple(
            f"{file.path.name} is not in UTF-8: {file.marks:,} of its letters cannot be read, and "
            "\N{REPLACEMENT CHARACTER} stands for each, so that no topic finds a word with one."
            for file in self.files
            if file.marks
        )

    @property
    def _bad_lines(self) -> int:
        return sum(file.bad_lines for file in self.files)

    def _refused_lines(self) -> tuple[tuple[str, int, bytes], ...]:
        """Return lines that were left out since this was asked last."""
        found = [(reason, line, b"") for file in self.files for reason, line in file.refused]
        for file in self.files:
            file.refused.clear()
        return tuple(found)

    def _events(
        self, batch: pa.RecordBatch, row: int, repeats: RepeatCounter, begin: int
    ) -> Events:
        if self.layout.gives == "accounts":
            return account_events(batch, row, begin)
        return record_events(batch, row, repeats, self.end, begin)

    def _rows(self, engine: Engine, maker: Engine) -> Iterator[pa.RecordBatch]:
        tables = {"input": _reader(self.files, self.columns, maker, self._failures)}
        for name, files in self.lookups.items():
            columns = {column: column for column in self._layout_columns(files)}
            tables[name] = _reader(files, columns, maker, self._failures)
        return engine.rows(
            self.layout.query,
            self.origin,
            tables,
            self._form,
            _ROWS,
            needs=NEEDS,
            prefix=f"x:{self.format}:",
            did=schema.DID,
            handle=schema.HANDLE,
            language=schema.LANGUAGE,
            host=schema.HOST,
            label=schema.LABEL,
            first=FIRST,
            last=self.end,
            as_of=self._as_of,
        )

    @property
    def _form(self) -> str:
        return f"sources/tables/{'accounts' if self.layout.gives == 'accounts' else 'rows'}"

    @property
    def _as_of(self) -> datetime:
        """When what a table says of accounts was so, where no column says it."""
        if self.layout.as_of:
            return datetime.fromisoformat(self.layout.as_of)
        newest = max(file.modified for file in self.files)
        return max(min(newest, self.end - timedelta(seconds=1)), FIRST)

    def first_rows(self, most: int) -> list[dict[str, Any]]:
        """Return the first rows as the importer's statement gives them, of the form."""
        engine, maker = self.engine(), self.engine()
        found: list[dict[str, Any]] = []
        try:
            for batch in self._rows(engine, maker):
                found += batch.slice(0, most - len(found)).to_pylist()
                if len(found) >= most:
                    break
            return found
        finally:
            engine.close()
            maker.close()


def _no_rows(row: int, lines: int) -> tuple[tuple[str, int, bytes], ...]:
    """Return the rejections of lines before a row that are none."""
    return (("no row of a table", row, b""),) * lines


def _sum(one: Any, other: Any) -> Any:
    """Add two tuples of numbers."""
    return tuple(a + b for a, b in zip(one, other, strict=True))


def _reader(
    files: Sequence[TableFile],
    columns: Mapping[str, str],
    maker: TextMaker,
    failures: list[str],
) -> pa.RecordBatchReader:
    """Return the rows of files one after the other; what goes wrong ends a file, and is kept."""
    form = pa.schema([(name, pa.string()) for name in columns])
    # One column may play two parts: a handle names the actor, and is its handle.
    there = [*dict.fromkeys(columns.values())]
    places = [there.index(name) for name in columns.values()]

    def batches() -> Iterator[pa.RecordBatch]:
        for file in files:
            try:
                for batch in file.batches(there, maker):
                    yield pa.record_batch([batch.column(k) for k in places], schema=form)
            except InputError as error:
                failures.append(str(error))

    return pa.RecordBatchReader.from_batches(form, batches())
