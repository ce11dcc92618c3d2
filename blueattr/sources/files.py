"""Lines from files, folders, globs and standard input; plain, gzip or zstd."""

import glob
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, ClassVar, cast

import pyarrow as pa

from blueattr.decode.chunk import Chunk
from blueattr.decode.cut_lines import LINE_LIMIT
from blueattr.errors import InputError, UsageError
from blueattr.sources.source import Source

__all__ = ["FileSource", "StandardInput", "find"]


CHUNK = 8 << 20
"""Bytes of lines handed on at a time: small enough that their memory is used again."""


# Small enough that a damaged stream loses little before it is read byte by byte.
_READ = 1 << 20
_CODECS = {".gz": "gzip", ".zst": "zstd"}
_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
# A skippable frame, with which parallel compressors begin a file.
_MAGIC |= {bytes([0x50 + k]) + b"\x2a\x4d\x18": "zstd" for k in range(16)}
# From an unseekable stream nothing is rescued, so that a failed read must be small.
_READ_UNSEEKABLE = 1 << 10
# What standard input is known by: its first line, or as much of it.
_HEAD = 1 << 12
_ENDINGS = (".jsonl", ".ndjson", ".json")


def find(arguments: list[str], kind: str = "file") -> list[Source]:
    """Resolve what a user named to sources, in the order of their names within each argument.

    Parameters
    ----------
    arguments
        Files, folders (searched for ``*.jsonl``, ``*.ndjson``, ``*.json``, each also ``.gz`` or
        ``.zst``), globs, or ``-`` for standard input.
    kind
        ``"file"`` for Jetstream lines, ``"plc"`` for a PLC directory export.

    Raises
    ------
    InputError
        Nothing is there.
    UsageError
        Standard input is named beside something else.
    """
    if "-" in arguments:
        if len(arguments) > 1:
            raise UsageError("standard input (-) must be the only source")
        return [StandardInput("plc" if kind == "plc" else "stdin")]
    found: dict[Path, None] = {}
    for argument in arguments:
        try:
            found.update(dict.fromkeys(path.resolve() for path in _paths(argument)))
        except OSError as error:
            raise InputError(f"cannot look for {argument!r}: {error.strerror}") from None
    return [FileSource(path, kind) for path in found]


def _paths(argument: str) -> list[Path]:
    path = Path(argument)
    # Path("") is the current folder, which nobody means by a variable that is empty.
    if argument and path.is_dir():
        paths = sorted(p for p in path.rglob("*") if p.is_file() and _is_lines(p))
        if not paths:
            raise InputError(f"no .jsonl, .ndjson or .json files (or .gz, .zst) in {path}")
    elif argument and path.exists():
        paths = [path]
    else:
        paths = sorted(Path(p) for p in glob.glob(argument, recursive=True))  # noqa: PTH207 - the pattern may be absolute
        paths = [p for p in paths if p.is_file()]
        if not paths:
            raise InputError(f"no such file: {argument!r}")
    return paths


def _is_lines(path: Path) -> bool:
    return path.name.removesuffix(".gz").removesuffix(".zst").endswith(_ENDINGS)


@dataclass(frozen=True)
class FileSource:
    """A file of lines.

    Parameters
    ----------
    path
        Absolute.
    kind
        ``"file"`` or ``"plc"``.
    """

    path: Path
    kind: str = "file"
    complete: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """The file's path; bytes of it that are not UTF-8 are spelt out."""
        return os.fsencode(self.path).decode(errors="backslashreplace")

    @cached_property
    def fingerprint(self) -> str:
        """Size and modification time: a file that was touched is read again from its start."""
        try:
            stat = self.path.stat()
        except OSError as error:
            raise InputError(f"cannot read {self.path}: {error.strerror}") from None
        return f"{stat.st_size}:{stat.st_mtime_ns}"

    @cached_property
    def size(self) -> int | None:
        """Bytes on disk."""
        return self.path.stat().st_size

    def chunks(self, position: int = 0) -> Iterator[Chunk]:
        """Yield whole lines from a byte offset on; see :class:`blueattr.sources.source.Source`."""
        try:
            with self.path.open("rb") as file:
                yield from _lines(file, self.name, self._codec(file), position)
        except OSError as error:
            raise InputError(f"cannot read {self.path}: {error.strerror or error}") from None

    def _codec(self, file: BinaryIO) -> str | None:
        named = _CODECS.get(self.path.suffix)
        head = file.read(4)
        file.seek(0)
        found = _codec_of(head)
        if any(codec == named and magic.startswith(head) for magic, codec in _MAGIC.items()):
            if found is None:
                raise InputError(
                    f"{self.path} is truncated: it ends at byte {len(head)}, before any {named} "
                    "data begins"
                )
        elif head and named != found:
            raise InputError(
                f"{self.path} is not what its name says at byte 0: it holds "
                f"{found or 'no ' + str(named)} data; rename it and ingest it again"
            )
        return found


@dataclass(frozen=True)
class StandardInput:
    """Lines from standard input, which cannot be resumed: they are read anew each time.

    What is piped in again is known by how it begins, so that it is the same source as before.
    """

    kind: str = "stdin"
    fingerprint: str = ""
    size: int | None = None
    complete: ClassVar[bool] = True

    @cached_property
    def name(self) -> str:
        """``-:`` and a hash of the first line."""
        return f"-:{hashlib.sha256(self._head).hexdigest()[:12]}"

    @cached_property
    def _head(self) -> bytes:
        return sys.stdin.buffer.readline(_HEAD)

    def chunks(self, position: int = 0) -> Iterator[Chunk]:
        """Yield whole lines; see :class:`blueattr.sources.source.Source`."""
        codec = _codec_of(self._head)
        file = cast("BinaryIO", _Rejoined(self._head, sys.stdin.buffer))
        yield from _lines(file, "standard input", codec, position)


class _Rejoined:
    """A stream whose beginning was already read."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = head
        self._rest = rest

    def read(self, size: int) -> bytes:
        head, self._head = self._head[:size], self._head[size:]
        return head or self._rest.read(size)

    def seekable(self) -> bool:
        return False

    def tell(self) -> int:
        raise OSError


def _codec_of(head: bytes) -> str | None:
    return next((codec for magic, codec in _MAGIC.items() if head.startswith(magic)), None)


def _lines(file: BinaryIO, name: str, codec: str | None, position: int) -> Iterator[Chunk]:
    # From one byte earlier, which tells whether a line begins here.
    pieces = _skip(_pieces(file, name, codec), max(position - 1, 0))
    resumed = position > 0
    # What was read and not yet handed on, and its size.
    rest: list[bytes] = []
    size = 0
    start = position
    read = 0
    # Whether these bytes belong to a line that was too long and is dealt with: they become blank.
    overlong = False
    failure: InputError | None = None
    while True:
        try:
            piece = next(pieces, b"")
        except InputError as error:
            piece, failure = b"", error
        if resumed and piece:
            resumed, overlong = False, not piece.startswith(b"\n")
            piece = piece[1:]
            if not piece:
                continue
        if overlong and piece:
            end = piece.find(b"\n")
            overlong = end < 0
            end = len(piece) if overlong else end
            piece = b" " * end + piece[end:]
        rest.append(piece)
        size += len(piece)
        if piece and size < CHUNK:
            continue
        data, tail = _cut(rest)
        if not piece and tail and failure is None:
            # The last line of a file may lack its end, if it is whole.
            failure = _truncated(tail, name, start + len(data))
            if failure is None:
                data, tail = data + tail, b""
        elif not data and len(tail) > 2 * LINE_LIMIT + CHUNK:
            # A line without an end in sight: hand it on, to be rejected as too long.
            data, tail, overlong = tail, b"", True
        if data:
            read = max(read, _tell(file))
            yield Chunk(data, start, read, start + len(data))
            start += len(data)
        rest, size = [tail], len(tail)
        if not piece:
            break
    if failure:
        raise failure


def _cut(pieces: list[bytes]) -> tuple[bytes, bytes]:
    """Cut after the last end of line, which is in the last piece but where lines are very long."""
    last = pieces[-1]
    if end := last.rfind(b"\n") + 1:
        return b"".join([*pieces[:-1], last[:end]]), last[end:]
    whole = b"".join(pieces)
    end = whole.rfind(b"\n") + 1
    return whole[:end], whole[end:]


def _truncated(last: bytes, name: str, position: int) -> InputError | None:
    if not last.strip():
        return None
    try:
        json.loads(last)
    except (ValueError, RecursionError):
        return InputError(
            f"{name} is truncated: it ends in the middle of the line at byte {position}; "
            "what came before is kept"
        )
    return None


def _pieces(file: BinaryIO, name: str, codec: str | None) -> Iterator[bytes]:
    if codec is None:
        while piece := file.read(_READ):
            yield piece
        return
    done = 0
    stream = _decompressed(file, codec)
    size = _READ if file.seekable() else _READ_UNSEEKABLE
    try:
        while piece := stream.read(size):
            done += len(piece)
            yield piece
    except OSError as error:
        rescued = _rescue(file, codec, done) if file.seekable() else b""
        if rescued:
            yield rescued
        done += len(rescued)
        state = "truncated" if "Truncated" in str(error) else "damaged"
        raise InputError(
            f"{name} is {state}: its {codec} data ends being readable after byte {done} "
            "(counted after decompression); what came before is kept"
        ) from None


def _rescue(file: BinaryIO, codec: str, done: int) -> bytes:
    """Get at the bytes that a failed read took down with it, one by one."""
    file.seek(0)
    stream = _decompressed(file, codec)
    while done:
        done -= len(stream.read(min(_READ, done)))
    rescued = bytearray()
    try:
        while byte := stream.read(1):
            rescued += byte
    except OSError:
        pass
    return bytes(rescued)


def _decompressed(file: BinaryIO, codec: str) -> pa.NativeFile:
    return pa.CompressedInputStream(pa.PythonFile(_Unclosed(file), "r"), codec)


class _Unclosed:
    """A file that Arrow can read but, as it would at the end of a stream, not close."""

    closed = False

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        pass


def _skip(pieces: Iterator[bytes], position: int) -> Iterator[bytes]:
    for piece in pieces:
        if position >= len(piece):
            position -= len(piece)
            continue
        yield piece[position:] if position else piece
        position = 0


def _tell(file: BinaryIO) -> int:
    try:
        return file.tell()
    except OSError:
        # A pipe has no position.
        return 0
