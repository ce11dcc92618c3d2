"""Segments of an archive, fetched in parts or by the block, verified and decoded."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, BinaryIO, cast

from blueattr.decode.binary.segments import Block, decode_block, read_segment
from blueattr.decode.binary.transcode import Decoded
from blueattr.errors import InputError, SourceError
from blueattr.sources.archive.client import ArchiveClient, Damaged, FilePart

if TYPE_CHECKING:
    import pyarrow as pa
    from atproto_jetstream.archive.planner import WorkUnit

__all__ = ["FetchedBlocks", "Range", "Work", "fetch_block", "fetch_segment", "read_contents"]


# Some 4,096 events; a hundred times what is usual.
_LARGEST_BLOCK = 64 << 20
# Block index, Bloom filters, collections: some four megabytes of a segment of 261.
_LARGEST_FOOTER = 64 << 20
_HEADER = 256
_FOOTER_AT = slice(58, 66)
_LENGTH = 8


@dataclass(frozen=True, slots=True)
class FetchedBlocks:
    """Blocks, in order, and why there are no more of them."""

    blocks: list[Decoded]
    failure: SourceError | None = None


Work = Callable[[], FetchedBlocks]
"""Fetches and decodes some blocks."""


@dataclass(frozen=True, slots=True)
class Range:
    """Which events are wanted.

    Parameters
    ----------
    after, before
        Those with sequence numbers after the one, up to and with the other; None for all.
    start_us, end_us
        Those from the one time on, before the other; µs since 1970.
    begins_us
        When the archive began to see events; None where no record is dated by its key.
    dids
        Those of these accounts; None for all.
    """

    after: int
    before: int | None
    start_us: int
    end_us: int
    begins_us: int | None = None
    dids: "pa.Array | None" = None

    def wants(self, block: Block) -> bool:
        """Return whether a block may hold any."""
        return (
            block.rows > 0
            and block.last_seq > self.after
            and (self.before is None or block.first_seq <= self.before)
        )

    def decode(self, frame: bytes, unit: "WorkUnit", block: Block | None = None) -> Decoded:
        """Make lines of those in a block.

        Parameters
        ----------
        frame
            The block.
        unit
            What was planned, in whose bounds its sequence numbers must be.
        block
            What the segment's index says of it, where that is known.

        Raises
        ------
        Damaged
            It is not a block, or another one.
        """
        try:
            decoded = decode_block(
                frame,
                after_seq=self.after,
                before_seq=self.before,
                start_us=self.start_us,
                end_us=self.end_us,
                begins_us=self.begins_us,
                dids=self.dids,
                block=block,
            )
        except InputError as error:
            raise Damaged(f"sends damaged data ({error})") from None
        if decoded.first_seq is not None and decoded.last_seq is not None:
            inside = unit.min_seq <= decoded.first_seq <= decoded.last_seq <= unit.max_seq
            if not inside:
                raise Damaged("sends events of another segment")
        return decoded


def fetch_block(
    client: ArchiveClient, unit: "WorkUnit", index: int, events: Range
) -> FetchedBlocks:
    """Fetch and decode a single block; raises as :meth:`ArchiveClient.fetch`."""
    decoded = client.fetch(
        "getBlock",
        {"segment": unit.segment, "blockIndex": index},
        lambda part: events.decode(part.data, unit),
        etag=f"{unit.checksum}:{index}",
        limit=_LARGEST_BLOCK,
    )
    return FetchedBlocks([decoded])


def fetch_segment(
    client: ArchiveClient, unit: "WorkUnit", blocks: Iterable[Block], events: Range, size: int
) -> Iterator[Work]:
    """Yield what fetches and decodes a segment's blocks, several at a time.

    Parameters
    ----------
    unit
        The segment, as planned.
    blocks
        Its contents.
    events
        Blocks that cannot hold any of these are not fetched.
    size
        Bytes to fetch at a time; one block at least.
    """
    part: list[Block] = []
    for block in blocks:
        if not events.wants(block):
            continue
        if part and (block.offset != _end(part[-1]) or _end(block) - part[0].offset > size):
            yield partial(_fetch_part, client, unit, part, events)
            part = []
        part.append(block)
    if part:
        yield partial(_fetch_part, client, unit, part, events)


def _fetch_part(
    client: ArchiveClient, unit: "WorkUnit", blocks: list[Block], events: Range
) -> FetchedBlocks:
    done: list[Decoded] = []
    step = len(blocks)
    while len(done) < len(blocks):
        some = blocks[len(done) : len(done) + step]
        span = some[0].offset, _end(some[-1])
        try:
            decoded = client.fetch(
                "getSegment",
                {"name": unit.segment},
                partial(_decode, unit, some, events),
                etag=unit.checksum,
                limit=span[1] - span[0],
                span=span,
            )
        except SourceError as error:
            return FetchedBlocks(done, error)
        done += decoded
        # A damaged block is asked for again alone, so that the others are paid for once.
        step = len(blocks) if len(decoded) == len(some) else 1
    return FetchedBlocks(done)


def _decode(unit: "WorkUnit", blocks: list[Block], events: Range, part: FilePart) -> list[Decoded]:
    """Decode blocks up to a damaged one; a single one must not be."""
    done: list[Decoded] = []
    for block in blocks:
        # The length before the frame is in the index, too, which is under a checksum.
        begin = block.offset - blocks[0].offset + _LENGTH
        try:
            done.append(events.decode(part.data[begin : begin + block.compressed], unit, block))
        except Damaged:
            if len(blocks) == 1:
                raise
            break
    return done


def read_contents(client: ArchiveClient, name: str, checksum: str) -> tuple[Block, ...]:
    """Fetch a segment's header and footer, and verify what they say of its blocks.

    Parameters
    ----------
    name, checksum
        As listed or planned.

    Raises
    ------
    Changed, SourceError
        As :meth:`blueattr.sources.archive.client.ArchiveClient.fetch`.
    """
    fetch = partial(client.fetch, "getSegment", {"name": name}, _same, etag=checksum)

    def attempt() -> tuple[Block, ...]:
        header = fetch(limit=_HEADER, span=(0, _HEADER))
        at = int.from_bytes(header.data[_FOOTER_AT], "little")
        if not _HEADER <= at < header.size <= at + _LARGEST_FOOTER:
            raise Damaged("sends a segment whose footer is not in it")
        footer = fetch(limit=_LARGEST_FOOTER, span=(at, None))
        try:
            segment = read_segment(cast("BinaryIO", _Outline(header.data, at, footer.data)))
        except InputError as error:
            raise Damaged(f"sends damaged data ({error})") from None
        if segment.checksum != checksum:
            raise Damaged("sends a segment with the checksum of another")
        filled = [block for block in segment.blocks if block.rows]
        if any(block.compressed > _LARGEST_BLOCK for block in filled):
            raise Damaged("sends a segment with a block that is too large")
        if any(one.last_seq >= other.first_seq for one, other in pairwise(filled)):
            raise Damaged("sends a segment whose blocks are out of order")
        return segment.blocks

    return client.persist(attempt, f"getSegment {name}")


class _Outline:
    """A segment as a file from which the blocks were left out."""

    def __init__(self, header: bytes, footer_at: int, footer: bytes) -> None:
        self._pieces = {0: header, footer_at: footer}
        self._size = footer_at + len(footer)
        self._at = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (self._size if whence == 2 else 0)
        return self._at

    def read(self, size: int = -1) -> bytes:
        piece = self._pieces[self._at]
        return piece if size < 0 else piece[:size]


def _same(part: FilePart) -> FilePart:
    return part


def _end(block: Block) -> int:
    return block.offset + _LENGTH + block.compressed
