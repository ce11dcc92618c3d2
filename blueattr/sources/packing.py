"""Compressed files: gzip, zstd, bzip2 and xz, known by how they begin."""

import bz2
import lzma
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Protocol

import pyarrow as pa
import zstandard

from blueattr.errors import InputError

__all__ = ["CODECS", "LONGEST", "WINDOW", "begins_like", "codec_of", "pieces"]


CODECS = {".gz": "gzip", ".zst": "zstd", ".bz2": "bzip2", ".xz": "xz"}
"""Codecs by the ending of a file's name."""


WINDOW = 2 << 30
"""Bytes that a decompressor may use, unless told otherwise: the largest window of zstd."""


# Small enough that a damaged stream loses little before it is read byte by byte.
_READ = 1 << 20
# From an unseekable stream nothing is rescued, so that a failed read must be small.
_READ_UNSEEKABLE = 1 << 10
# Bytes that are decompressed at a time, where that is not the library's own choice.
_BLOCK = 1 << 16
_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    # A skippable frame, with which parallel compressors begin a file.
    **{bytes([0x50 + k]) + b"\x2a\x4d\x18": "zstd" for k in range(16)},
}
LONGEST = max(map(len, _MAGIC))
"""Bytes by which a codec is known."""


def codec_of(head: bytes) -> str | None:
    """Return the codec of what begins so; None where it is none of ours."""
    return next((codec for magic, codec in _MAGIC.items() if head.startswith(magic)), None)


def begins_like(head: bytes, codec: str | None) -> bool:
    """Return whether more bytes could make `head` the beginning of a codec's data."""
    return any(c == codec and magic.startswith(head) for magic, c in _MAGIC.items())


def pieces(file: BinaryIO, name: str, codec: str | None, window: int = WINDOW) -> Iterator[bytes]:
    """Yield what a file holds, decompressed.

    Parameters
    ----------
    file
        At its start, which is where it is read from again if it is damaged.
    name
        For messages.
    codec
        None for what is not compressed.
    window
        Bytes that the decompressor may use.

    Raises
    ------
    InputError
        After everything readable was yielded: it is truncated or damaged; or, with nothing read, it
        cannot be decompressed within `window`.
    """
    if codec is None:
        while piece := file.read(_READ):
            yield piece
        return
    done = 0
    stream = _decompressed(file, name, codec, window)
    size = _READ if file.seekable() else _READ_UNSEEKABLE
    try:
        while piece := stream.read(size):
            done += len(piece)
            yield piece
    except _FAILURES as error:
        rescued = _rescue(file, name, codec, window, done) if file.seekable() else b""
        if rescued:
            yield rescued
        done += len(rescued)
        if isinstance(error, InputError):
            raise
        state = "truncated" if "Truncated" in str(error) else "damaged"
        raise InputError(
            f"{name} is {state}: its {codec} data cannot be read after byte {done} "
            "(counted after decompression); everything before that is kept"
        ) from None


_FAILURES = (OSError, zstandard.ZstdError, lzma.LZMAError, InputError)


def _rescue(file: BinaryIO, name: str, codec: str, window: int, done: int) -> bytes:
    """Get at the bytes that a failed read took down with it, one by one."""
    file.seek(0)
    stream = _decompressed(file, name, codec, window)
    rescued = bytearray()
    try:
        while done:
            done -= len(stream.read(min(_READ, done)))
        while byte := stream.read(1):
            rescued += byte
    except _FAILURES:
        pass
    return bytes(rescued)


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def _decompressed(file: BinaryIO, name: str, codec: str, window: int) -> _Readable:
    if codec == "gzip":
        stream: _Readable = pa.CompressedInputStream(pa.PythonFile(_Unclosed(file), "r"), codec)
        return stream
    if codec == "zstd":
        decoder = zstandard.ZstdDecompressor(max_window_size=WINDOW)
        frames: Any = _Frames(file, name, window)
        opened: _Readable = decoder.stream_reader(frames, read_across_frames=True, closefd=False)
        return opened
    if codec == "bzip2":
        return _Members(file, bz2.BZ2Decompressor)
    return _Members(file, lambda: _Xz(name, window))


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


# --- bzip2 and xz --------------------------------------------------------------------------------


class _Members:
    """The members of a file, decompressed one after the other, at most so much at a time.

    Parameters
    ----------
    new
        Makes a decompressor for one member, as Python's own are.
    """

    def __init__(self, file: BinaryIO, new: Callable[[], Any]) -> None:
        self._file = file
        self._new = new
        self._decoder = new()

    def read(self, size: int) -> bytes:
        while True:
            data = b""
            if self._decoder.eof:
                # Between members of xz there may be zeros.
                data = self._decoder.unused_data.lstrip(b"\0")
                while not data:
                    if not (block := self._file.read(_BLOCK)):
                        return b""
                    data = block.lstrip(b"\0")
                self._decoder = self._new()
            elif self._decoder.needs_input and not (data := self._file.read(_BLOCK)):
                raise OSError("Truncated")
            if out := self._decoder.decompress(data, size):
                found: bytes = out
                return found


class _Xz:
    """A decompressor of xz that says what is wrong where memory is."""

    def __init__(self, name: str, window: int) -> None:
        self._name, self._window = name, window
        self._decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=window)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._decoder, name)

    def decompress(self, data: bytes, size: int) -> bytes:
        try:
            return self._decoder.decompress(data, size)
        except (lzma.LZMAError, MemoryError) as error:
            if isinstance(error, MemoryError) or "Memory" in str(error):
                raise _too_much(self._name, "its xz data need", self._window, "xz -dc") from None
            raise


# --- zstd ----------------------------------------------------------------------------------------


class _Frames:
    """A file of zstd frames that looks at their headers as it is read.

    The library says neither that data ends within a frame nor which window it would need.
    RFC 8878, 3.1: frames, skippable frames and blocks.
    """

    def __init__(self, file: BinaryIO, name: str, window: int) -> None:
        self._file, self._name, self._window = file, name, window
        # What the next bytes are, how many they are, and those that are there; bytes to pass over.
        self._part, self._wanted, self._found = "magic", 4, b""
        self._skip = 0
        self._checksum = 0
        self._descriptor = 0
        # Where the last frame begins in what was read last; why it is refused. Not as an error,
        # which would hold on to every frame of the stack, and the library's reader to it for ever.
        self._begin = -1
        self._refused = ""

    def read(self, size: int = -1) -> bytes:
        if self._refused:
            raise InputError(self._refused)
        data = self._file.read(size)
        if not data and (self._part != "magic" or self._found or self._skip):
            raise OSError("Truncated")
        try:
            self._follow(data)
        except InputError as error:
            # The frames before it are decompressed first.
            self._refused = str(error)
            if self._begin <= 0:
                raise
            return data[: self._begin]
        return data

    def _follow(self, data: bytes) -> None:
        at = 0
        self._begin = -1
        while at < len(data):
            step = min(self._skip, len(data) - at)
            self._skip -= step
            at += step
            if self._part == "magic" and not self._found:
                self._begin = at
            more = data[at : at + self._wanted - len(self._found)]
            self._found += more
            at += len(more)
            if len(self._found) == self._wanted:
                found, self._found = self._found, b""
                self._part, self._wanted = getattr(self, f"_{self._part}")(found)

    def _magic(self, found: bytes) -> tuple[str, int]:
        if codec_of(found) != "zstd":
            # The library will refuse it.
            return "magic", 4
        return ("header", 1) if found == b"\x28\xb5\x2f\xfd" else ("skippable", 4)

    def _skippable(self, found: bytes) -> tuple[str, int]:
        self._skip = int.from_bytes(found, "little")
        return "magic", 4

    def _header(self, found: bytes) -> tuple[str, int]:
        descriptor = self._descriptor = found[0]
        single = descriptor >> 5 & 1
        self._checksum = 4 * (descriptor >> 2 & 1)
        dictionary = (0, 1, 2, 4)[descriptor & 3]
        content = (single, 2, 4, 8)[descriptor >> 6]
        return "fields", 1 - single + dictionary + content

    def _fields(self, found: bytes) -> tuple[str, int]:
        single = self._descriptor >> 5 & 1
        size = (0, 1, 2, 4)[self._descriptor & 3]
        rest = found[1 - single :]
        if dictionary := int.from_bytes(rest[:size], "little"):
            raise InputError(
                f"{self._name} was compressed with a zstd dictionary (number {dictionary}), as "
                "messages of Jetstream are; with that: zstd -dc -D DICTIONARY FILE > NEW"
            )
        if single:
            content = int.from_bytes(rest[size:], "little")
            window = content + 256 * (self._descriptor >> 6 == 1)
        else:
            window = (1 << 10 + (found[0] >> 3)) // 8 * (8 + (found[0] & 7))
        if window > max(self._window, 8 << 20):
            if window > WINDOW:
                raise InputError(
                    f"{self._name} cannot be read: its window of {_size(window)} is more than the "
                    f"{_size(WINDOW)} that zstd allows; compress it again without --ultra --long"
                )
            needs = f"it was compressed with a window of {_size(window)}, which needs"
            raise _too_much(self._name, needs, self._window, "zstd -dc --long=31")
        return "block", 3

    def _block(self, found: bytes) -> tuple[str, int]:
        header = int.from_bytes(found, "little")
        self._skip = 1 if header >> 1 & 3 == 1 else header >> 3
        if header & 1:
            self._skip += self._checksum
            return "magic", 4
        return "block", 3


def _too_much(name: str, needs: str, window: int, command: str) -> InputError:
    return InputError(
        f"{name} cannot be read: {needs} more memory than the {_size(window)} that there are for "
        f"it; raise --memory-limit, or decompress it elsewhere: {command} FILE > NEW"
    )


def _size(size: int) -> str:
    if size >= 1 << 30:
        return f"{size / (1 << 30):,.{2 if size < 10 << 30 else 0}f}".removesuffix(".00") + " GiB"
    return f"{size / (1 << 20):,.3g} MiB"
