"""The bytes of tables as text: what they are, whole lines, parts put together, names of columns."""

import codecs
import csv
from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa

from blueattr.errors import InputError
from blueattr.sources.forms import other_form
from blueattr.sources.packing import codec_of

__all__ = [
    "Packed", "Readable", "cells_of", "check_text", "decoded", "delimiter_of", "in_unicode",
    "is_json", "joined", "valid", "whole_lines", "without",
]  # fmt: skip


_DELIMITERS = ",;\t|"
# Bytes of small files of an archive that are looked at together.
_TOGETHER = 1 << 18
_MARK = "\N{REPLACEMENT CHARACTER}"


class Readable:
    """Pieces of bytes as a file that Arrow reads.

    What a failure says is kept, and what follows is empty. (The error itself would hold on to every
    frame of the stack, and so to the engine, which complains if it is there when all ends.)
    """

    closed = False

    def __init__(self, pieces: Iterator[bytes], failure: list[str]) -> None:
        self._pieces, self._failure = pieces, failure
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        """Return so many bytes, or fewer at the end."""
        parts, found = [self._rest], len(self._rest)
        try:
            while (size < 0 or found < size) and (piece := next(self._pieces, b"")):
                parts.append(piece)
                found += len(piece)
        except InputError as error:
            self._failure.append(str(error))
        whole = b"".join(parts)
        if size < 0:
            size = len(whole)
        self._rest = whole[size:]
        return whole[:size]

    def readable(self) -> bool:
        """Return whether it can be read."""
        return True

    def close(self) -> None:
        """Leave the pieces as they are."""


def check_text(head: bytes, pieces: Iterator[bytes], name: str, codec: str = "") -> None:
    """Raise an error that says what a file is, if it is no text."""
    if not head.strip():
        # Or why nothing of it can be read.
        for _ in pieces:
            pass
        raise InputError(f"{name} is empty")
    if head.startswith(b"PAR1"):
        raise InputError(
            f"{name} is a Parquet file {f'compressed with {codec}' if codec else 'in an archive'}, "
            "which can only be read by itself; unpack it first"
        )
    if (other := other_form(head)) is not None:
        is_packed = other[0].startswith("compressed") or other[0].endswith("archive")
        way = "unpack it first" if is_packed else "what is to be imported must be a table"
        raise InputError(f"{name} is {other[0]}, and no table; {way}")
    if codec and (again := codec_of(head)):
        raise InputError(
            f"{name} is compressed twice, the second time with {again}; unpack it once"
        )
    if b"\0" in head.split(b"\n", 1)[0]:
        raise InputError(f"{name} is binary, and no table that is known")


def is_json(head: bytes) -> bool:
    """Return whether a text begins as JSON does."""
    return head.removeprefix(codecs.BOM_UTF8).lstrip(b" \t\r\n\x1e")[:1] in {b"{", b"["}


def in_unicode(batch: pa.RecordBatch, name: str, note: Callable[[int], None]) -> pa.RecordBatch:
    """Put a mark in the place of bytes that are no UTF-8, which no store takes; count the marks."""
    if _is_unicode(batch):
        return batch
    columns = [
        pa.array([_marked(text, note) for text in column.cast(pa.large_binary()).to_pylist()])
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
        else column
        for column in batch.columns
    ]
    marked = pa.record_batch(columns, names=batch.schema.names)
    if not _is_unicode(marked):
        raise InputError(f"{name} has texts that are not UTF-8, within lists or categories")
    return marked


def _is_unicode(batch: pa.RecordBatch) -> bool:
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _marked(data: bytes | None, note: Callable[[int], None]) -> str | None:
    return None if data is None else decoded(data, note)


def decoded(data: bytes, note: Callable[[int], None]) -> str:
    """Return text with a mark in the place of bytes that are no UTF-8; count the marks."""
    text = data.decode(errors="replace")
    _count_marks(text, data, note)
    return text


def valid(pieces: Iterator[bytes], note: Callable[[int], None]) -> Iterator[bytes]:
    """Put a mark in the place of bytes that are no UTF-8, which no store takes; count the marks."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for piece in pieces:
        held = decoder.getstate()[0]
        text = decoder.decode(piece)
        _count_marks(text, held + piece, note)
        yield text.encode()
    text = decoder.decode(b"", final=True)
    _count_marks(text, b"", note)
    yield text.encode()


def _count_marks(text: str, data: bytes, note: Callable[[int], None]) -> None:
    # A text may have marks of its own.
    if _MARK in text and (found := text.count(_MARK) - data.count(_MARK.encode())):
        note(found)


def whole_lines(
    pieces: Iterator[bytes], most: int, ends: tuple[bytes, ...] = (b"\n", b"\r")
) -> Iterator[bytes]:
    """Hold the last line back until its end is there.

    Of a line that is longer no more is held than tells so: it may be all that a file has.

    Parameters
    ----------
    pieces
        Bytes of lines.
    most
        Bytes that a line may have; one that has more is cut after the next byte.
    ends
        What ends a line.
    """
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        end = max(map(piece.rfind, ends)) + 1
        if end and held:
            first = min(place for place in map(piece.find, ends) if place >= 0)
            held.append(piece[: max(min(first, most + 1 - size), 0)])
            yield b"".join((*held, piece[first:end]))
            held, size = [], 0
        elif end:
            yield piece[:end]
        if rest := piece[end : end + max(most + 1 - size, 0)]:
            held.append(rest)
            size += len(rest)
    if held:
        yield b"".join(held)


class Packed:
    """A member of an archive that is compressed itself."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._file = Readable(pieces, [])

    def read(self, size: int = -1) -> bytes:
        """Return so many bytes, or fewer at the end."""
        return self._file.read(size)

    def seekable(self) -> bool:
        """Return whether it can be read again."""
        return False


def joined(parts: Iterable[Iterator[bytes]]) -> Iterator[bytes]:
    """Put parts one after the other, each on lines of its own; small ones make up one piece."""
    held: list[bytes] = []
    size = 0
    try:
        for part in parts:
            last = b"\n"
            for piece in part:
                last = piece[-1:] or last
                held.append(piece)
                size += len(piece)
                if size >= _TOGETHER:
                    yield b"".join(held)
                    held, size = [], 0
            if last != b"\n":
                held.append(b"\n")
    except InputError:
        yield b"".join(held)
        raise
    yield b"".join(held)


def without(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Leave so many bytes out."""
    for piece in pieces:
        yield piece[size:]
        size = max(size - len(piece), 0)


def cells_of(line: str) -> list[str]:
    """Return the values of a line."""
    return next(csv.reader([line], delimiter=delimiter_of(line)), [])


def delimiter_of(line: str) -> str:
    """Return what separates the values of a line."""
    return max(_DELIMITERS, key=lambda each: (_outside(line, each), each == ","))


def _outside(line: str, delimiter: str) -> int:
    """Count what separates values, outside quotation marks."""
    return sum(part.count(delimiter) for part in line.split('"')[::2])
