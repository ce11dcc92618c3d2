"""Where events come from: one module per kind of source, one interface."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Chunk", "Source"]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines of a source.

    Parameters
    ----------
    data
        Lines, each with its end; the last line of a source may lack it.
    position
        Byte offset of ``data`` in the source, after decompression.
    read
        Bytes of the source consumed so far, before decompression: for showing progress.
    """

    data: bytes
    position: int
    read: int


class Source(Protocol):
    """Something that yields lines and can be resumed."""

    @property
    def name(self) -> str:
        """How the store knows the source."""

    @property
    def kind(self) -> str:
        """``"file"``, ``"stdin"`` or ``"plc"``."""

    @property
    def fingerprint(self) -> str:
        """What tells whether the source is unchanged; empty where nothing can."""

    @property
    def size(self) -> int | None:
        """Bytes before decompression, where known."""

    def chunks(self, position: int = 0) -> Iterator[Chunk]:
        """Yield whole lines from a byte offset on.

        Raises
        ------
        InputError
            After everything readable was yielded: the source is truncated or not what its name
            says.
        """
