"""A chunk: what a source yields and a store stages."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from blueattr.decode.parser.scanner import Scanned
    from blueattr.kernels import IntArray

__all__ = ["Chunk"]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines of a source, or events that never were lines.

    Parameters
    ----------
    data
        Lines, each with its end; the last line of a source may lack it.
    position
        Where ``data`` begins in the source: byte offset after decompression, or cursor.
    read
        Bytes of the source consumed so far, before decompression, or seconds of time gone through:
        for showing progress.
    resume
        Where the source goes on after ``data``.
    gap
        Why what lies between the chunk before and this one was not seen; None where nothing is
        missing.
    skipped
        Events that were left out before they became lines, as being of kinds that are not kept.
    refused
        What could not be made a line: (reason, position, shortened sample).
    parsed
        Events as the parser gives them, or would, had they been lines.
    told
        Events of accounts, in columns of ``sql/store/batch/staging.sql``.
    left
        int64 (k, 2): where in ``data`` the lines are that are not in ``parsed``; None where it is
        still to be parsed.
    """

    data: bytes
    position: int
    read: int
    resume: int
    gap: str | None = None
    skipped: int = 0
    refused: tuple[tuple[str, int, str], ...] = ()
    parsed: "tuple[Scanned, ...]" = ()
    told: "pa.Table | None" = None
    left: "IntArray | None" = None
