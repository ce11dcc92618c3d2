"""Members of a tar archive, one after the other, as they are read."""

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, BinaryIO, cast

from blueattr.errors import InputError

__all__ = ["members"]


# With each header that is read tarfile copies the rest of what it holds.
_READ = 1 << 14
_END = 512
# Of a file in it, so that little is lost with the end of an archive that is cut off.
_READ_OF_FILE = 1 << 16


class _Stream:
    """Pieces of bytes as what can be read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""
        self._last = b""

    @property
    def is_cut(self) -> bool:
        """Whether it ended without the block of zeros that ends an archive."""
        return not self._rest and any(self._last)

    def read(self, size: int) -> bytes:
        parts, found = [self._rest], len(self._rest)
        while found < size and (piece := next(self._pieces, b"")):
            parts.append(piece)
            found += len(piece)
        whole = b"".join(parts)
        self._rest = whole[size:]
        self._last = (self._last + whole[:size])[-_END:]
        return whole[:size]


def members(pieces: Iterator[bytes], name: str) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield the names and the bytes of the files in a tar archive.

    Each is to be read before the next is asked for. What is no file, and hidden ones, as some
    systems add beside each file, are passed over.

    Raises
    ------
    InputError
        It is truncated or damaged, after what could be read; also while a file in it is read.
    """
    stream = _Stream(pieces)
    file_of = cast("BinaryIO", stream)
    with _whole(name), tarfile.open(fileobj=file_of, mode="r|", bufsize=_READ) as archive:
        while (member := archive.next()) is not None:
            # It would remember all of them.
            cast("Any", archive).members.clear()
            if not member.isreg() or member.name.rpartition("/")[2].startswith("."):
                continue
            file = archive.extractfile(member)
            if file is not None:
                yield member.name, _bytes_of(file, name)
        if stream.is_cut:
            # A header that is cut off, or lacking, is an end to tarfile.
            raise tarfile.ReadError


def _bytes_of(file: IO[bytes], name: str) -> Iterator[bytes]:
    with _whole(name):
        while piece := file.read(_READ_OF_FILE):
            yield piece


@contextmanager
def _whole(name: str) -> Iterator[None]:
    try:
        yield
    except tarfile.TarError:
        raise InputError(
            f"{name} is a tar archive that is truncated or damaged; what could be read is kept"
        ) from None
