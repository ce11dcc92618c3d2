"""Where the bootstrap of an archive ends: what it fetched of the network before it saw events."""

from bisect import bisect_left
from collections.abc import Sequence

from blueattr.decode.binary.transcode import Decoded

__all__ = ["BootstrapEnd"]


# A quarter of a million events, if a block has 4,096.
_BLOCKS = 64
# Of what is written while an archive looks on, less than this is of records that are older.
_PART = 100


class BootstrapEnd:
    """Tells from the blocks of an archive, in order, when they are no longer of its bootstrap.

    They are not once a whole segment, or 64 blocks of it, has hardly any record from before the
    archive began: less than one of a hundred. Records whose time is unknown say nothing.

    Parameters
    ----------
    last_seqs
        The last sequence number of each segment, ascending.
    """

    def __init__(self, last_seqs: Sequence[int]) -> None:
        self._last_seqs = last_seqs
        self._segment = -1
        self._begin()

    def _begin(self) -> None:
        self._blocks = self._dated = self._earlier = 0

    @property
    def _is_over(self) -> bool:
        return self._dated > 0 and self._earlier * _PART < self._dated

    def with_block(self, decoded: Decoded) -> bool:
        """Take the next block into account; return whether the bootstrap has ended with it."""
        through = decoded.through_seq or 0
        segment = bisect_left(self._last_seqs, through)
        if segment != self._segment or self._blocks == _BLOCKS:
            self._segment = segment
            self._begin()
        self._blocks += 1
        self._dated += decoded.dated
        self._earlier += decoded.earlier
        is_last = segment < len(self._last_seqs) and through == self._last_seqs[segment]
        return (is_last or self._blocks == _BLOCKS) and self._is_over
