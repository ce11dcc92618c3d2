"""What every source offers."""

from collections.abc import Iterator
from typing import Protocol

from blueattr.decode.chunk import Chunk

__all__ = ["Source"]


class Source(Protocol):
    """Something that yields lines and can be resumed."""

    @property
    def name(self) -> str:
        """How the store knows the source."""

    @property
    def kind(self) -> str:
        """``"file"``, ``"stdin"``, ``"plc"``, ``"archive"``, ``"import"``, ``"synth"``, …."""

    @property
    def fingerprint(self) -> str:
        """What tells whether the source is unchanged; empty where nothing can."""

    @property
    def size(self) -> int | None:
        """The whole of what `Chunk.read` counts, where known."""

    @property
    def complete(self) -> bool:
        """After the last chunk: whether all was read that will ever be there."""

    def chunks(self, position: int = 0) -> Iterator[Chunk]:
        """Yield whole lines from a byte offset or cursor on.

        Raises
        ------
        InputError
            After everything readable was yielded: the source is truncated or not what its name
            says.
        """
