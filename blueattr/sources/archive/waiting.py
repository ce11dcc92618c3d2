"""Blocks of an archive that wait to be handed on together."""

from dataclasses import dataclass, field

from blueattr.decode.binary.transcode import Decoded
from blueattr.decode.chunk import Chunk

__all__ = ["Waiting"]


@dataclass(slots=True)
class Waiting:
    """Blocks that wait to be handed on together.

    Parameters
    ----------
    position
        Sequence number after which they come.
    resume
        The last one that they reach.
    gap
        Why what comes before the first event is missing; None if it is not.
    for_rows
        Whether the gap is said with the first events, rather than with the first chunk.
    size
        Bytes of their lines.
    """

    position: int
    resume: int
    gap: str | None
    for_rows: bool = False
    size: int = 0
    blocks: list[Decoded] = field(default_factory=list)

    def add(self, decoded: Decoded) -> None:
        """Add the next block."""
        self.blocks.append(decoded)
        self.size += len(decoded.lines)
        self.resume = decoded.through_seq or self.resume

    def take(self, spent: int) -> Chunk:
        """Make a chunk of what waits; `spent` bytes were fetched so far."""
        says_gap = not self.for_rows or any(decoded.first_seq for decoded in self.blocks)
        chunk = Chunk(
            data=b"".join(decoded.lines for decoded in self.blocks),
            position=self.position,
            read=spent,
            resume=self.resume,
            gap=self.gap if says_gap else None,
            skipped=sum(decoded.skipped for decoded in self.blocks),
            refused=tuple(refused for decoded in self.blocks for refused in decoded.refused),
        )
        self.position, self.size, self.blocks = self.resume, 0, []
        self.gap = None if says_gap else self.gap
        return chunk
