"""Compressed files: gzip, zstd, bzip2 and xz, known by how they begin."""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, BinaryIO, Protocol

import zstandard

from blueattr.errors import InputError

__all__ = ["CODECS", "LONGEST", "WINDOW", "begins_like", "codec_of", "pieces"]


CODECS = {".gz": "gzip", ".zst": "zstd", ".bz2": "bzip2", ".xz": "xz"}
"""Codecs by the ending of a file's name."""


WINDOW = 2 << 30
"""Bytes that a decompressor may use, unless told otherwise: the largest window of zstd."""


_READ = 1 << 18
# Bytes that are decompressed at a time.
_BLOCK = 1 << 16
# Of bzip2 and xz, a read that fails takes all down that it has decompressed. A file is read again;
# from a pipe nothing is rescued, so that a read must be small.
_TAKES_DOWN = ("bzip2", "xz")
_READ_UNSEEKABLE = 1 << 8
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
    loses = codec in _TAKES_DOWN
    size = _READ_UNSEEKABLE if loses and not file.seekable() else _READ
    try:
        while piece := stream.read(size):
            done += len(piece)
            yield piece
    except _FAILURES as error:
        again = loses and file.seekable()
        rescued = _rescue(file, name, codec, window, done) if again else b""
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


_FAILURES = (OSError, zlib.error, zstandard.ZstdError, lzma.LZMAError, InputError)


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
        return _Steps(_gunzipped(file))
    if codec == "zstd":
        return _Steps(_Frames(file, name, window).decompressed())
    if codec == "bzip2":
        return _Members(file, bz2.BZ2Decompressor)
    return _Members(file, lambda: _Xz(name, window))


class _Steps:
    """What is decompressed step by step, of which no failure takes down what came before it."""

    def __init__(self, steps: Iterator[bytes]) -> None:
        self._steps = steps
        self._rest = b""
        self._error: Exception | None = None

    def read(self, size: int) -> bytes:
        parts, found = [self._rest], len(self._rest)
        try:
            while found < size and self._error is None:
                step = next(self._steps, None)
                if step is None:
                    break
                parts.append(step)
                found += len(step)
        except _FAILURES as error:
            # Without the frames of the stack, which would hold on to the decompressor.
            self._error = error.with_traceback(None)
        if self._error is not None and not found:
            raise self._error
        whole = b"".join(parts)
        self._rest = whole[size:]
        return whole[:size]


# --- gzip ----------------------------------------------------------------------------------------

_GZIP = 16 + zlib.MAX_WBITS


def _gunzipped(file: BinaryIO) -> Iterator[bytes]:
    """Yield what the members of a file hold, one after the other."""
    decoder = zlib.decompressobj(_GZIP)
    is_within = False
    while data := file.read(_BLOCK):
        # Behind a member there may be zeros, up to the end of a block of a tape or a disk.
        while data := data if is_within else data.lstrip(b"\0"):
            saved, is_within = decoder.copy(), True
            try:
                yield from _inflated(decoder, data)
            except zlib.error:
                yield from _before_damage(saved, data)
                raise
            data = b""
            if decoder.eof:
                data, is_within = decoder.unused_data, False
                decoder = zlib.decompressobj(_GZIP)
    if is_within:
        raise OSError("Truncated")


def _inflated(decoder: Any, data: bytes) -> Iterator[bytes]:
    """Yield what bytes come to, at most so much at a time."""
    out = b""
    while not decoder.eof and (data or len(out) == _READ):
        out = decoder.decompress(data, _READ)
        data = decoder.unconsumed_tail
        yield out


def _before_damage(decoder: Any, data: bytes) -> Iterator[bytes]:
    """Yield what bytes come to that are damaged somewhere, up to there."""
    at, size = 0, len(data)
    while size:
        trial = decoder.copy()
        try:
            out = b"".join(_inflated(trial, data[at : at + size]))
        except zlib.error:
            size //= 2
        else:
            yield out
            decoder, at = trial, at + size
    # One byte of it may stand for many.
    rest = data[at : at + 1]
    with suppress(zlib.error):
        while out := decoder.decompress(rest, 1):
            yield out
            rest = decoder.unconsumed_tail


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
    """A file of zstd frames that is decompressed block by block, by what their headers say.

    The library says neither that data ends within a frame nor which window it would need; and of
    what it is given at once, it returns all or, after damage, nothing.
    RFC 8878, 3.1: frames, skippable frames and blocks.
    """

    def __init__(self, file: BinaryIO, name: str, window: int) -> None:
        self._file, self._name, self._window = file, name, window
        # What the next bytes are, how many they are, and those that are there; bytes to pass over.
        self._part, self._wanted, self._found = "magic", 4, b""
        self._skip = 0
        self._has_checksum = False
        self._descriptor = 0

    def decompressed(self) -> Iterator[bytes]:
        """Yield what the frames hold."""
        library = zstandard.ZstdDecompressor(max_window_size=WINDOW)
        decoder = library.decompressobj(read_across_frames=True)
        for data in self._blocks():
            if out := decoder.decompress(data):
                yield out

    def _blocks(self) -> Iterator[bytes]:
        """Yield all bytes, cut at least where a block ends."""
        while data := self._file.read(_BLOCK):
            begin = at = 0
            while at < len(data):
                if self._skip:
                    step = min(self._skip, len(data) - at)
                    self._skip -= step
                    at += step
                    if not self._skip:
                        yield data[begin:at]
                        begin = at
                    continue
                more = data[at : at + self._wanted - len(self._found)]
                self._found += more
                at += len(more)
                if len(self._found) == self._wanted:
                    found, self._found = self._found, b""
                    self._part, self._wanted = getattr(self, f"_{self._part}")(found)
            if begin < at:
                yield data[begin:at]
        if self._part != "magic" or self._found or self._skip:
            raise OSError("Truncated")

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
        self._has_checksum = bool(descriptor >> 2 & 1)
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
        if not header & 1:
            return "block", 3
        return ("checksum", 4) if self._has_checksum else ("magic", 4)

    def _checksum(self, _: bytes) -> tuple[str, int]:
        # The library compares it, when all that it is of has been returned.
        return "magic", 4


def _too_much(name: str, needs: str, window: int, command: str) -> InputError:
    return InputError(
        f"{name} cannot be read: {needs} more memory than the {_size(window)} that there are for "
        f"it; raise --memory-limit, or decompress it elsewhere: {command} FILE > NEW"
    )


def _size(size: int) -> str:
    if size >= 1 << 30:
        return f"{size / (1 << 30):,.{2 if size < 10 << 30 else 0}f}".removesuffix(".00") + " GiB"
    return f"{size / (1 << 20):,.3g} MiB"
