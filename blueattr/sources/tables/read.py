"""Files of tables as batches of rows of text: CSV, JSON, Parquet, compressed or in an archive."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv as arrow_csv

from blueattr.decode.cut_lines import LINE_LIMIT
from blueattr.errors import InputError
from blueattr.sources.forms import as_lines, begin_of, texts
from blueattr.sources.packing import LONGEST, WINDOW, codec_of
from blueattr.sources.packing import pieces as pieces_of
from blueattr.sources.tables.rows import TOO_LONG, whole_rows
from blueattr.sources.tables.tar import members
from blueattr.sources.tables.texts import (
    Packed,
    Readable,
    cells_of,
    check_text,
    decoded,
    delimiter_of,
    in_unicode,
    is_json,
    joined,
    valid,
    whole_lines,
    without,
)

__all__ = ["TableFile", "TextMaker"]


_BLOCK = 8 << 20
# Text of JSON is in memory several times while members are taken out of it.
_BLOCK_OF_JSON = 2 << 20
_ROWS = 1 << 16
# Lines of JSON by which it is told which members there are.
_LOOKED_AT = 2000
_TAR_AT = slice(257, 262)


class TextMaker(Protocol):
    """What makes text of values: an engine."""

    def fields(self, lines: pa.Array, names: Sequence[str]) -> tuple[pa.RecordBatch, int]:
        """Take members out of objects of JSON; say how many lines are none."""

    def texts(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return a batch with all columns as text."""


@dataclass
class TableFile:
    """A file with a table.

    Parameters
    ----------
    path
        Absolute.
    columns
        The names of its columns, where it does not say them itself; of JSON, the members to take.
    has_header
        Whether text of separated values begins with the names of its columns.
    window
        Bytes that decompressing it may take.
    """

    path: Path
    columns: tuple[str, ...] = ()
    has_header: bool = True
    window: int = WINDOW
    read: int = field(default=0, init=False)
    """Bytes read so far, before decompression."""
    bad_lines: int = field(default=0, init=False)
    """Lines so far that are no rows."""
    refused: list[tuple[str, int]] = field(default_factory=list, init=False)
    """Why lines are none, and their numbers, of those that would take others with them."""
    _lines_read: int = field(default=0, init=False)
    marks: int = field(default=0, init=False)
    """Marks so far in the place of bytes that are no UTF-8."""
    _codec: str = field(default="", init=False)
    # Why files of an archive end early, one sentence each.
    _cut_off: list[str] = field(default_factory=list, init=False)

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return int(self._asked(self.path.stat).st_size)

    @property
    def fingerprint(self) -> str:
        """Size and modification time."""
        stat = self._asked(self.path.stat)
        return f"{stat.st_size}:{stat.st_mtime_ns}"

    @property
    def modified(self) -> datetime:
        """When it was last written to, naive UTC."""
        stamp = self._asked(self.path.stat).st_mtime
        return datetime.fromtimestamp(int(stamp), UTC).replace(tzinfo=None)

    def names(self) -> tuple[str, ...]:
        """Return the names of its columns, as far as its beginning has them.

        Raises
        ------
        InputError
            It cannot be read, or is no table.
        """
        form, pieces = self._form()
        if form == "parquet":
            return tuple(self._parquet().schema_arrow.names)
        if form == "json":
            return tuple(dict.fromkeys((*self.columns, *self._members(pieces))))
        return tuple(self._separated(pieces)[0])

    def first_names(self) -> tuple[str, ...]:
        """Return the same, or what stands in their place; nothing if it is no table."""
        form, pieces = self._form()
        if form != "csv":
            return self.names()
        head, _ = begin_of(pieces)
        line = next(iter(head.decode(errors="replace").splitlines()), "")
        return tuple(cells_of(line))

    def batches(self, names: Sequence[str], maker: TextMaker) -> Iterator[pa.RecordBatch]:
        """Yield its rows, with the columns of these names alone, as text.

        Raises
        ------
        InputError
            After everything readable was yielded: it is damaged or truncated.
        """
        form, pieces = self._form()
        self.marks = 0
        if form == "parquet":
            yield from self._parquet_rows(names, maker)
        elif form == "json":
            yield from self._json_rows(pieces, names, maker)
        else:
            yield from self._csv_rows(pieces, names)

    # --- what it is -------------------------------------------------------------------------------

    def _form(self) -> tuple[str, Iterator[bytes]]:
        """Return which form its table has, and all bytes, in UTF-8 if they are text."""
        self._cut_off.clear()
        head, pieces = texts(self._pieces())
        name = str(self.path)
        if head.startswith(b"PAR1") and not self._codec:
            return "parquet", pieces
        if head[_TAR_AT] == b"ustar":
            parts = ((called, *texts(part)) for called, part in self._members_of(pieces))
            # One that is cut off may have nothing.
            first = next((one for one in parts if one[1] or not self._cut_off), None)
            if first is None:
                self._refuse_failures([])
                raise InputError(f"{name} is a tar archive with no file in it")
            called, head, inner = first
            check_text(head, inner, f"{called} in {name}")
            whole = chain([(called, inner)], ((called, part) for called, _, part in parts))
            if is_json(head):
                return "json", joined(part for _, part in whole)
            return "csv", self._one_table(whole)
        if head[8:12] == b"DUCK":
            raise InputError(
                f"{name} is a DuckDB database; write its tables to Parquet first: duckdb {name} "
                "\"COPY TABLE TO 'TABLE.parquet'\""
            )
        check_text(head, pieces, name, self._codec)
        return ("json" if is_json(head) else "csv"), pieces

    def _members_of(self, pieces: Iterator[bytes]) -> Iterator[tuple[str, Iterator[bytes]]]:
        """Yield the files of an archive, decompressed if they are compressed."""
        name = str(self.path)
        for called, member in members(pieces, name):
            head, part = begin_of(member)
            codec = codec_of(head)
            if codec is not None:
                stream = cast("BinaryIO", Packed(part))
                part = self._as_far_as(pieces_of(stream, f"{called} in {name}", codec, self.window))
            yield called, part

    def _as_far_as(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Yield whole lines of a file of an archive, as far as it can be decompressed."""
        try:
            yield from whole_lines(pieces, LINE_LIMIT)
        except InputError as error:
            self._cut_off.append(str(error))

    def _refuse_failures(self, failure: list[str]) -> None:
        """Raise an error once all rows are read that can be, if not all could be."""
        if found := failure + self._cut_off:
            more = f"; so are {len(found) - 1} more of its files" if len(found) > 1 else ""
            raise InputError(found[0] + more)

    def _one_table(self, parts: Iterable[tuple[str, Iterator[bytes]]]) -> Iterator[bytes]:
        """Put files of one table one after the other, with one header for all.

        Raises
        ------
        InputError
            Of one after the first, the header names other columns, or in another order.
        """
        title: list[str] = []

        def rows(called: str, part: Iterator[bytes]) -> Iterator[bytes]:
            head, pieces = begin_of(part)
            line = head.split(b"\n", 1)[0]
            text = line.decode(errors="replace").removeprefix("\ufeff").rstrip("\r")
            cells = [cell.strip() for cell in cells_of(text)]
            if not title:
                title.extend(cells)
            elif cells == title:
                yield from without(pieces, len(line) + 1)
                return
            elif 2 * len({*cells} & {*title}) >= len(title):
                raise InputError(
                    f"{called} in {self.path} has other columns than the file before it: "
                    f"{', '.join(cells)[:80]}; take it out and import it by itself"
                )
            yield from pieces

        if not self.has_header:
            return joined(part for _, part in parts)
        return joined(rows(called, part) for called, part in parts)

    def _pieces(self) -> Iterator[bytes]:
        file = self._asked(lambda: self.path.open("rb"))
        with file:
            self._codec = codec_of(file.read(LONGEST)) or ""
            file.seek(0)
            self.read = 0
            try:
                for piece in pieces_of(file, str(self.path), self._codec or None, self.window):
                    self.read = file.tell()
                    yield piece
            except OSError as error:
                raise InputError(f"cannot read {self.path}: {error.strerror or error}") from None

    def _asked(self, question: Callable[[], Any]) -> Any:
        try:
            return question()
        except OSError as error:
            raise InputError(f"cannot read {self.path}: {error.strerror}") from None

    def _note_marks(self, found: int) -> None:
        self.marks += found

    # --- JSON -------------------------------------------------------------------------------------

    def _lines(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Yield pieces that end with a line; of one that is too long, no more than tells that."""
        lines = as_lines(pieces, str(self.path), packed=False)
        return whole_lines(lines, LINE_LIMIT, (b"\n",))

    def _members(self, pieces: Iterator[bytes]) -> list[str]:
        found: dict[str, None] = {}
        seen = 0
        try:
            for piece in self._lines(pieces):
                for line in piece.decode(errors="replace").split("\n"):
                    with suppress(ValueError, RecursionError):
                        value = json.loads(line)
                        if isinstance(value, dict):
                            found.update(dict.fromkeys(map(str, value)))
                    seen += 1
                if seen >= _LOOKED_AT:
                    break
        except InputError:
            # It is said when the rows before it are kept.
            if not found:
                raise
        return [name for name in found if '"' not in name]

    def _json_rows(
        self, pieces: Iterator[bytes], names: Sequence[str], maker: TextMaker
    ) -> Iterator[pa.RecordBatch]:
        failure: list[str] = []
        stream = Readable(self._lines(pieces), failure)
        rest, self._lines_read = b"", 0
        while block := stream.read(_BLOCK_OF_JSON):
            # Whole lines, so that what is cut off is the last one.
            end = block.rfind(b"\n") + 1
            if end:
                yield self._batch(rest + block[:end], names, maker)
                rest = b""
            rest += block[end:]
        if rest.strip():
            yield self._batch(rest, names, maker)
        self._refuse_failures(failure)

    def _batch(self, block: bytes, names: Sequence[str], maker: TextMaker) -> pa.RecordBatch:
        if len(block) > LINE_LIMIT:
            block = self._without_long(block)
        text = decoded(block, self._note_marks)
        lines = [line for line in text.split("\n") if line.strip()]
        self._lines_read += len(lines)
        rows, bad = maker.fields(pa.array(lines, pa.string()), names)
        self.bad_lines += bad
        return rows

    def _without_long(self, block: bytes) -> bytes:
        """Leave out lines that are too long, and note which they are."""
        lines = [line for line in block.split(b"\n") if line.strip()]
        long = [k for k, line in enumerate(lines, 1) if len(line) > LINE_LIMIT]
        self.refused += ((TOO_LONG, self._lines_read + k) for k in long)
        self._lines_read += len(long)
        return b"\n".join(line for line in lines if len(line) <= LINE_LIMIT)

    # --- separated values -------------------------------------------------------------------------

    def _separated(self, pieces: Iterator[bytes]) -> tuple[list[str], str, Iterator[bytes]]:
        """Return the names of the columns, what separates them, and all bytes in UTF-8."""
        head, pieces = begin_of(pieces)
        text = head.decode(errors="replace").removeprefix("\ufeff")
        line = text.splitlines()[0] if text.splitlines() else ""
        delimiter = delimiter_of(line)
        try:
            first = next(csv.reader(text.splitlines(keepends=True), delimiter=delimiter), [])
        except csv.Error:
            why = "perhaps a quotation mark is not closed"
            if '"' not in line:
                why = f"a value has more than {csv.field_size_limit():,} letters"
            raise InputError(
                f"{self.path} does not begin with the names of its columns: in its first line, "
                f"{why}"
            ) from None
        names = [name.strip() for name in first] if self.has_header else list(self.columns)
        if not self.has_header and len(first) != len(names):
            raise InputError(
                f"{self.path} should have {len(names)} columns and no header "
                f"({', '.join(names)}), and has {len(first)}"
            )
        if self.has_header and not any(name.isidentifier() for name in names):
            raise InputError(
                f"{self.path} does not begin with the names of its columns: {line[:80]!r}"
            )
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise InputError(f"{self.path} has two columns {twice!r}; rename one")
        return names, delimiter, pieces

    def _csv_rows(self, pieces: Iterator[bytes], names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        there, delimiter, pieces = self._separated(pieces)
        present = [name for name in names if name in there]
        failure: list[str] = []

        def pass_over(_: Any) -> str:
            self.bad_lines += 1
            return "skip"

        rows = whole_rows(
            whole_lines(valid(pieces, self._note_marks), _BLOCK),
            delimiter,
            len(there),
            _BLOCK,
            lambda reason, line: self.refused.append((reason, line)),
        )
        stream = Readable(rows, failure)
        try:
            reader = arrow_csv.open_csv(
                pa.PythonFile(cast("BinaryIO", stream), "r"),
                arrow_csv.ReadOptions(
                    block_size=_BLOCK,
                    column_names=there,
                    skip_rows_after_names=0,
                    skip_rows=1 if self.has_header else 0,
                ),
                arrow_csv.ParseOptions(
                    delimiter=delimiter, newlines_in_values=True, invalid_row_handler=pass_over
                ),
                arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(there, pa.string()),
                    include_columns=present,
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=True,
                    null_values=[""],
                    check_utf8=False,
                ),
            )
            schema = pa.schema([(name, pa.string()) for name in names])
            for batch in reader:
                columns = [
                    batch.column(name) if name in present else pa.nulls(len(batch), pa.string())
                    for name in names
                ]
                yield pa.record_batch(columns, schema=schema)
        except pa.ArrowInvalid as error:
            if not failure and "Empty CSV" not in str(error):
                raise InputError(
                    f"{self.path} cannot be read to its end; rows before that are kept"
                ) from None
        self._refuse_failures(failure)

    # --- Parquet ----------------------------------------------------------------------------------

    def _parquet(self) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(self.path)
        except (pa.ArrowException, OSError):
            raise self._damaged() from None

    def _parquet_rows(self, names: Sequence[str], maker: TextMaker) -> Iterator[pa.RecordBatch]:
        file = self._parquet()
        there = [name for name in names if name in file.schema_arrow.names]
        total, done = max(file.metadata.num_rows, 1), 0
        try:
            for batch in file.iter_batches(_ROWS, columns=there):
                done += len(batch)
                self.read = self.size * done // total
                texts = maker.texts(in_unicode(batch, str(self.path), self._note_marks))
                columns = [
                    texts.column(name) if name in there else pa.nulls(len(batch), pa.string())
                    for name in names
                ]
                yield pa.record_batch(columns, names=list(names))
        except (pa.ArrowException, OSError):
            raise self._damaged() from None

    def _damaged(self) -> InputError:
        return InputError(
            f"{self.path} is a Parquet file that is truncated or damaged; rows that could be read "
            "are kept"
        )
