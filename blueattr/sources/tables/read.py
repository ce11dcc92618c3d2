"""Files of tables as batches of rows of text: CSV, JSON, Parquet, compressed or in an archive."""

import codecs
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

from blueattr.errors import InputError
from blueattr.sources.forms import as_lines
from blueattr.sources.packing import LONGEST, WINDOW, codec_of
from blueattr.sources.packing import pieces as pieces_of
from blueattr.sources.tables.tar import members

__all__ = ["TableFile", "TextMaker"]


_HEAD = 1 << 18
_BLOCK = 8 << 20
_ROWS = 1 << 16
_DELIMITERS = ",;\t|"
# Lines of JSON by which it is told which members there are.
_LOOKED_AT = 2000
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
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
        head, _ = _head(_in_utf8(pieces))
        line = next(iter(head.decode(errors="replace").splitlines()), "")
        return tuple(next(csv.reader([line], delimiter=_delimiter(line)), []))

    def batches(self, names: Sequence[str], maker: TextMaker) -> Iterator[pa.RecordBatch]:
        """Yield its rows, with the columns of these names alone, as text.

        Raises
        ------
        InputError
            After everything readable was yielded: it is damaged or truncated.
        """
        form, pieces = self._form()
        if form == "parquet":
            yield from self._parquet_rows(names, maker)
        elif form == "json":
            yield from self._json_rows(pieces, names, maker)
        else:
            yield from self._csv_rows(pieces, names)

    # --- what it is -------------------------------------------------------------------------------

    def _form(self) -> tuple[str, Iterator[bytes]]:
        pieces = self._pieces()
        head, pieces = _head(pieces)
        name = str(self.path)
        if head.startswith(b"PAR1"):
            return "parquet", pieces
        if head[_TAR_AT] == b"ustar":
            parts = members(pieces, name)
            first = next(parts, None)
            if first is None:
                raise InputError(f"{name} is a tar archive with no file in it")
            head, inner = _head(_unpacked(first, name, self.window))
            rest = (_unpacked(part, name, self.window) for part in parts)
            if _is_json(head):
                return "json", _joined(chain([inner], rest))
            return "csv", _joined(chain([inner], rest), header=self.has_header)
        if head[8:12] == b"DUCK":
            raise InputError(
                f"{name} is a DuckDB database; write its tables to Parquet first: duckdb {name} "
                "\"COPY TABLE TO 'TABLE.parquet'\""
            )
        if not head.strip():
            raise InputError(f"{name} is empty")
        return ("json" if _is_json(head) else "csv"), pieces

    def _pieces(self) -> Iterator[bytes]:
        file = self._asked(lambda: self.path.open("rb"))
        with file:
            head = file.read(LONGEST)
            file.seek(0)
            self.read = 0
            try:
                for piece in pieces_of(file, str(self.path), codec_of(head), self.window):
                    self.read = file.tell()
                    yield piece
            except OSError as error:
                raise InputError(f"cannot read {self.path}: {error.strerror or error}") from None

    def _asked(self, question: Callable[[], Any]) -> Any:
        try:
            return question()
        except OSError as error:
            raise InputError(f"cannot read {self.path}: {error.strerror}") from None

    # --- JSON -------------------------------------------------------------------------------------

    def _lines(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Yield pieces that end with a line."""
        rest = b""
        for piece in as_lines(pieces, str(self.path), packed=False):
            whole = rest + piece if rest else piece
            end = whole.rfind(b"\n") + 1
            rest = whole[end:]
            if end:
                yield whole[:end]
        if rest.strip():
            yield rest

    def _members(self, pieces: Iterator[bytes]) -> list[str]:
        found: dict[str, None] = {}
        seen = 0
        for piece in self._lines(pieces):
            for line in piece.split(b"\n"):
                with suppress(ValueError, RecursionError):
                    value = json.loads(line)
                    if isinstance(value, dict):
                        found.update(dict.fromkeys(map(str, value)))
                seen += 1
                if seen >= _LOOKED_AT:
                    return [name for name in found if '"' not in name]
        return [name for name in found if '"' not in name]

    def _json_rows(
        self, pieces: Iterator[bytes], names: Sequence[str], maker: TextMaker
    ) -> Iterator[pa.RecordBatch]:
        waiting: list[bytes] = []
        size = 0

        def batch() -> pa.RecordBatch:
            text = b"".join(waiting).decode(errors="replace")
            waiting.clear()
            lines = [line for line in text.split("\n") if line.strip()]
            rows, bad = maker.fields(pa.array(lines, pa.string()), names)
            self.bad_lines += bad
            return rows

        for piece in self._lines(pieces):
            waiting.append(piece)
            size += len(piece)
            if size >= _BLOCK:
                size = 0
                yield batch()
        if waiting:
            yield batch()

    # --- separated values -------------------------------------------------------------------------

    def _separated(self, pieces: Iterator[bytes]) -> tuple[list[str], str, Iterator[bytes]]:
        """Return the names of the columns, what separates them, and all bytes in UTF-8."""
        head, pieces = _head(_in_utf8(pieces))
        text = head.decode(errors="replace")
        line = text.splitlines()[0] if text.splitlines() else ""
        delimiter = _delimiter(line)
        try:
            first = next(csv.reader(text.splitlines(keepends=True), delimiter=delimiter), [])
        except csv.Error as error:
            raise InputError(f"{self.path} is no table of separated values: {error}") from None
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
        failure: list[InputError] = []

        def pass_over(_: Any) -> str:
            self.bad_lines += 1
            return "skip"

        stream = _Readable(pieces, failure)
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
            if "Empty CSV" not in str(error):
                raise InputError(f"{self.path} cannot be read as a table: {error}") from None
        if failure:
            raise failure[0]

    # --- Parquet ----------------------------------------------------------------------------------

    def _parquet(self) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(self.path)
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{self.path} is no Parquet file that can be read: {error}") from None

    def _parquet_rows(self, names: Sequence[str], maker: TextMaker) -> Iterator[pa.RecordBatch]:
        file = self._parquet()
        there = [name for name in names if name in file.schema_arrow.names]
        total, done = max(file.metadata.num_rows, 1), 0
        try:
            for batch in file.iter_batches(_ROWS, columns=there):
                done += len(batch)
                self.read = self.size * done // total
                texts = maker.texts(batch)
                columns = [
                    texts.column(name) if name in there else pa.nulls(len(batch), pa.string())
                    for name in names
                ]
                yield pa.record_batch(columns, names=list(names))
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{self.path} is damaged: {error}") from None


class _Readable:
    """Pieces of bytes as a file that Arrow reads; a failure is kept, and what follows is empty."""

    closed = False

    def __init__(self, pieces: Iterator[bytes], failure: list[InputError]) -> None:
        self._pieces, self._failure = pieces, failure
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        parts, found = [self._rest], len(self._rest)
        try:
            while (size < 0 or found < size) and (piece := next(self._pieces, b"")):
                parts.append(piece)
                found += len(piece)
        except InputError as error:
            self._failure.append(error)
        whole = b"".join(parts)
        if size < 0:
            size = len(whole)
        self._rest = whole[size:]
        return whole[:size]

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        pass


def _head(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return the first bytes, and all pieces."""
    first: list[bytes] = []
    size = 0
    while size < _HEAD and (piece := next(pieces, b"")):
        first.append(piece)
        size += len(piece)
    return b"".join(first), chain(first, pieces)


def _is_json(head: bytes) -> bool:
    text = head
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            text = head.decode(encoding, errors="replace").encode(errors="replace")
            break
    return text.lstrip()[:1] in {b"{", b"["}


def _in_utf8(pieces: Iterator[bytes]) -> Iterator[bytes]:
    first = next(pieces, b"")
    encoding = next((name for mark, name in _MARKS.items() if first.startswith(mark)), "utf-8")
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    for piece in chain([first], pieces):
        if text := decoder.decode(piece):
            yield text.encode(errors="replace")
    if text := decoder.decode(b"", final=True):
        yield text.encode(errors="replace")


def _unpacked(member: tuple[str, Iterator[bytes]], name: str, window: int) -> Iterator[bytes]:
    called, pieces = member
    head, pieces = _head(pieces)
    codec = codec_of(head)
    if codec is None:
        return pieces
    stream = cast("BinaryIO", _Packed(pieces))
    return pieces_of(stream, f"{called} in {name}", codec, window)


class _Packed:
    """A member of an archive that is compressed itself."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._file = _Readable(pieces, [])

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def seekable(self) -> bool:
        return False


def _joined(parts: Iterable[Iterator[bytes]], *, header: bool = False) -> Iterator[bytes]:
    """Put members one after the other, each on lines of its own, with one header for all."""
    title = b""
    for number, part in enumerate(parts):
        last = b"\n"
        if header and number:
            part = _without(part, title)  # noqa: PLW2901 - the same member
        for piece in part:
            if header and not number and not title:
                title = piece.split(b"\n", 1)[0].rstrip(b"\r")
            if piece:
                last = piece[-1:]
                yield piece
        if last != b"\n":
            yield b"\n"


def _without(part: Iterator[bytes], title: bytes) -> Iterator[bytes]:
    head, pieces = _head(part)
    if head.split(b"\n", 1)[0].rstrip(b"\r") != title:
        return pieces
    cut = head.find(b"\n") + 1 or len(head)
    size = cut

    def rest() -> Iterator[bytes]:
        left = size
        for piece in pieces:
            if left >= len(piece):
                left -= len(piece)
                continue
            yield piece[left:]
            left = 0

    return rest()


def _delimiter(line: str) -> str:
    return max(_DELIMITERS, key=lambda each: (_outside(line, each), each == ","))


def _outside(line: str, delimiter: str) -> int:
    """Count what separates values, outside quotation marks."""
    return sum(part.count(delimiter) for part in line.split('"')[::2])
