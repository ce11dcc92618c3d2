"""Members of a tar archive, one after the other, as they are read."""

import tarfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, BinaryIO, cast

from blueattr.errors import InputError

__all__ = ["members"]


_READ = 1 << 20


class _Stream:
    """Pieces of bytes as what can be read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, size: int) -> bytes:
        parts, found = [self._rest], len(self._rest)
        while found < size and (piece := next(self._pieces, b"")):
            parts.append(piece)
            found += len(piece)
        whole = b"".join(parts)
        self._rest = whole[size:]
        return whole[:size]


def members(pieces: Iterator[bytes], name: str) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield the names and the bytes of the files in a tar archive.

    Each is to be read before the next is asked for. What is no file, and hidden ones, as some
    systems add beside each file, are passed over.

    Raises
    ------
    InputError
        It is truncated or damaged, after what could be read.
    """
    stream = cast("BinaryIO", _Stream(pieces))
    try:
        with tarfile.open(fileobj=stream, mode="r|", bufsize=_READ) as archive:
            while (member := archive.next()) is not None:
                # It would remember all of them.
                cast("Any", archive).members.clear()
                if not member.isreg() or PurePosixPath(member.name).name.startswith("."):
                    continue
                file = archive.extractfile(member)
                if file is not None:
                    yield member.name, iter(lambda file=file: file.read(_READ), b"")  # type: ignore[misc]
    except tarfile.TarError as error:
        raise InputError(f"{name} is no whole tar archive: {error}") from None
