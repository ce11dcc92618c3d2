"""Lines from files, folders, globs and standard input; compressed, too, and other forms of JSON."""

import errno
import fcntl
import glob
import hashlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, ClassVar, cast

from blueattr.decode.chunk import Chunk
from blueattr.decode.cut_lines import LINE_LIMIT
from blueattr.errors import InputError, UsageError
from blueattr.sources.forms import as_lines, is_cut
from blueattr.sources.hosts import download
from blueattr.sources.packing import CODECS, LONGEST, WINDOW, begins_like, codec_of
from blueattr.sources.packing import pieces as pieces_of
from blueattr.sources.source import Source
from blueattr.user_path import as_typed

__all__ = ["FileSource", "Pipe", "find", "is_standard_input"]


CHUNK = 8 << 20
"""Bytes of lines handed on at a time: small enough that their memory is used again."""


# What standard input is known by: its first line, or as much of it.
_HEAD = 1 << 12
_STANDARD_INPUT = ("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")
_ENDINGS = (".jsonl", ".ndjson", ".json")
# Archives whose endings name a codec, too: what they hold tells what they are.
_ARCHIVES = {".tgz": "gzip", ".tzst": "zstd", ".tbz": "bzip2", ".tbz2": "bzip2", ".txz": "xz"}
_READ_OF_A_FOLDER = ".jsonl, .ndjson or .json files (or these as .gz, .zst, .bz2 or .xz)"


def find(
    arguments: list[str],
    kind: str = "file",
    passed_over: list[str] | None = None,
    window: int = WINDOW,
) -> list[Source]:
    """Resolve what a user named to sources, in the order of their names within each argument.

    Parameters
    ----------
    arguments
        Files, folders (searched for ``*.jsonl``, ``*.ndjson``, ``*.json``, in upper case, too, each
        also ``.gz``, ``.zst``, ``.bz2`` or ``.xz``), globs, or ``-`` for standard input.
    kind
        ``"file"`` for Jetstream lines, ``"plc"`` for a PLC directory export.
    passed_over
        Gets a sentence for each folder with files that have another ending.
    window
        Bytes that decompressing a file may take.

    Raises
    ------
    InputError
        Nothing is there.
    UsageError
        Standard input is named beside something else.
    """
    piped = "plc" if kind == "plc" else "stdin"
    if "-" in arguments:
        if len(arguments) > 1:
            raise UsageError("standard input (-) must be the only source")
        _refuse_closed("-")
        return [Pipe("-", piped, window)]
    sources: dict[Path, Source] = {}
    for argument in arguments:
        try:
            for path in _paths(argument, kind, passed_over):
                # Where a pipe leads to has no name that can be opened, nor has a file that was
                # removed while it is open, such as a long here-document of a shell.
                real = path.resolve()
                if path.is_file() and real.exists():
                    sources[real] = FileSource(real, kind, window)
                else:
                    _refuse_closed(str(path))
                    _refuse_unreadable(path)
                    sources[path] = Pipe(str(path), piped, window)
        except OSError as error:
            raise InputError(f"cannot look for {as_typed(argument)!r}: {error.strerror}") from None
    return list(sources.values())


def _paths(argument: str, kind: str, passed_over: list[str] | None) -> list[Path]:
    path = Path(argument)
    # Path("") is the current folder, which nobody means by a variable that is empty.
    if argument and path.is_dir():
        # Of a folder no pipe is read: nobody may write to it.
        found = sorted(p for p in path.rglob("*") if not p.is_dir())
        paths = [p for p in found if p.is_file() and _is_lines(p)]
        others = [p for p in found if not (p.is_file() and _is_lines(p))]
        such = f"such as {others[0].name!r}" if others else ""
        if not paths:
            more = f", but {len(others):,} of other names, {such}" if others else ""
            raise InputError(f"no {_READ_OF_A_FOLDER} in {path}{more}")
        if others and passed_over is not None:
            passed_over.append(
                f"Passed over {len(others):,} of {len(found):,} files in {path}, {such}; of a "
                f"folder only {_READ_OF_A_FOLDER} are read."
            )
    elif argument and path.exists():
        paths = [path]
    else:
        command = download(argument, "--plc " if kind == "plc" else "")
        paths = matching_files(argument, f"; for one at an address: {command}" if command else "")
    return paths


def matching_files(pattern: str, more: str = "") -> list[Path]:
    """Return the files that a pattern matches, in order.

    Parameters
    ----------
    pattern
        As a shell's, with ``**`` for folders in folders.
    more
        What else there is to say where it matches none.

    Raises
    ------
    InputError
        It matches none.
    """
    paths = sorted(Path(p) for p in glob.glob(pattern, recursive=True))  # noqa: PTH207 - the pattern may be absolute
    paths = [p for p in paths if p.is_file()]
    if not paths:
        raise InputError(f"no such file: {as_typed(pattern)!r}{more}")
    return paths


def _refuse_unreadable(path: Path) -> None:
    """Refuse what cannot be opened, before there is a store for it."""
    try:
        if path.is_fifo():
            # Whoever writes to it would be left alone once it is closed.
            if not os.access(path, os.R_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        elif not path.is_file():
            os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None


def _refuse_closed(typed: str) -> None:
    if not is_standard_input(typed):
        return
    # What was opened since may have its number.
    if sys.stdin is None:
        raise InputError("standard input is closed; name a file")
    try:
        way = fcntl.fcntl(0, fcntl.F_GETFL) & os.O_ACCMODE
    except OSError:
        return
    if way == os.O_WRONLY:
        raise InputError(f"cannot read standard input: {os.strerror(errno.EBADF)}")


def is_standard_input(typed: str) -> bool:
    """Return whether a name that a user typed is one of standard input."""
    return typed in _STANDARD_INPUT


def _is_lines(path: Path) -> bool:
    name = path.name.lower()
    packing = next((packing for packing in CODECS if name.endswith(packing)), "")
    return name.removesuffix(packing).endswith(_ENDINGS)


@dataclass(frozen=True)
class FileSource:
    """A file of lines.

    Parameters
    ----------
    path
        Absolute.
    kind
        ``"file"`` or ``"plc"``.
    window
        Bytes that decompressing it may take.
    """

    path: Path
    kind: str = "file"
    window: int = WINDOW
    complete: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """The file's path; bytes of it that are not UTF-8 are spelt out."""
        return os.fsencode(self.path).decode(errors="backslashreplace")

    @cached_property
    def fingerprint(self) -> str:
        """Size and modification time: a file that was touched is read again from its start."""
        return f"{self._stat.st_size}:{self._stat.st_mtime_ns}"

    @property
    def size(self) -> int | None:
        """Bytes on disk."""
        return self._stat.st_size

    @cached_property
    def _stat(self) -> os.stat_result:
        try:
            return self.path.stat()
        except OSError as error:
            raise InputError(f"cannot read {self.path}: {error.strerror}") from None

    def chunks(self, position: int = 0) -> Iterator[Chunk]:
        """Yield whole lines from a byte offset on; see :class:`blueattr.sources.source.Source`."""
        try:
            with self.path.open("rb") as file:
                yield from _lines(file, self.name, self._codec(file), position, self.window)
        except OSError as error:
            raise InputError(f"cannot read {self.path}: {error.strerror or error}") from None

    def _codec(self, file: BinaryIO) -> str | None:
        by_name = (CODECS | _ARCHIVES).get(self.path.suffix.lower())
        head = file.read(LONGEST)
        file.seek(0)
        actual = codec_of(head)
        if begins_like(head, by_name):
            if actual is None:
                raise InputError(
                    f"{self.path} is truncated: it ends at byte {len(head)}, before any {by_name} "
                    "data begins"
                )
        elif head and by_name != actual:
            raise InputError(
                f"{self.path} is not what its name says at byte 0: it holds "
                f"{actual or 'no ' + str(by_name)} data; rename it and ingest it again"
            )
        return actual


@dataclass(frozen=True)
class Pipe:
    """Lines from standard input or a pipe, which cannot be resumed: they are read anew each time.

    What comes again is known by how it begins, so that it is the same source as before, through
    whatever pipe.

    Parameters
    ----------
    typed
        The path of the pipe, as the user typed it; ``-`` for standard input.
    kind
        ``"stdin"`` or ``"plc"``.
    window
        Bytes that decompressing it may take.
    """

    typed: str = "-"
    kind: str = "stdin"
    window: int = WINDOW
    fingerprint: str = ""
    size: int | None = None
    complete: ClassVar[bool] = True

    @cached_property
    def name(self) -> str:
        """``-:`` and a hash of the first line."""
        return f"-:{hashlib.sha256(self._head).hexdigest()[:12]}"

    @property
    def _said(self) -> str:
        return "standard input" if self.typed == "-" else self.typed

    @cached_property
    def _file(self) -> BinaryIO:
        if self.typed == "-":
            return sys.stdin.buffer
        try:
            return Path(self.typed).open("rb")
        except OSError as error:
            raise InputError(f"cannot read {self._said}: {error.strerror}") from None

    @cached_property
    def _head(self) -> bytes:
        try:
            return self._file.readline(_HEAD)
        except OSError as error:
            raise InputError(f"cannot read {self._said}: {error.strerror}") from None

    def chunks(self, position: int = 0) -> Iterator[Chunk]:
        """Yield whole lines; see :class:`blueattr.sources.source.Source`."""
        codec = codec_of(self._head)
        file = cast("BinaryIO", _Rejoined(self._head, self._file))
        try:
            yield from _lines(file, self._said, codec, position, self.window)
        finally:
            if self.typed != "-":
                self._file.close()


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


def _lines(
    file: BinaryIO, name: str, codec: str | None, position: int, window: int
) -> Iterator[Chunk]:
    lines = as_lines(pieces_of(file, name, codec, window), name, packed=codec is not None)
    # From one byte earlier, which tells whether a line begins here.
    pieces = _skip(lines, max(position - 1, 0))
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
    if not last.strip() or not is_cut(last):
        return None
    return InputError(
        f"{name} is truncated: it ends in the middle of the line at byte {position}; "
        "everything before that is kept"
    )


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
