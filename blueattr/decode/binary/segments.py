"""Jetstream v2's archive: sealed segments to blocks, and blocks to Jetstream v1 lines; pure.

A block is one zstd frame of columns: fixed-width arrays, then the collections, DIDs, record keys,
revs and DAG-CBOR payloads of its rows, each concatenated (github.com/bluesky-social/jetstream,
docs/README.md 3.1 and 3.2). The fixed columns are read without a loop, and payloads of collections
that are not kept are never decoded.
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

import libipld
import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
import zstandard

from blueattr.decode.arrow import texts
from blueattr.decode.binary.block_times import key_times, row_times
from blueattr.decode.binary.transcode import (
    COLLECTIONS,
    RECORD_LIMIT,
    Decoded,
    account_line,
    commit_line,
    identity_line,
)
from blueattr.decode.parser.identifiers import FIRST_US
from blueattr.decode.parser.layout import TIMES_FROM
from blueattr.decode.shapes import written
from blueattr.errors import InputError

__all__ = ["BLOCK_LIMIT", "Block", "Segment", "decode_block", "iter_blocks", "read_segment"]


BLOCK_LIMIT = 256 << 20
"""Largest block after decompression, in bytes; blocks of 4,096 rows have some 3 MB."""


_ROW_LIMIT = 1 << 18
_COLUMNS = ("<u8", "<i8", "<i8", "u1", "u1", "<u2", "u1", "u1", "<u4")
_ROW_BYTES = sum(np.dtype(column).itemsize for column in _COLUMNS)
_OPERATIONS = {1: "create", 2: "update", 3: "delete", 7: "create"}
"""By row kind; 7 is a record of a repository that was read anew."""
_CREATE, _DELETE, _IDENTITY, _ACCOUNT, _SYNC, _RESYNC = 1, 3, 4, 5, 6, 7
_KEPT = texts(COLLECTIONS).cast(pa.binary())


_MAGIC = b"jss0"
_VERSION = 1
# magic, checksum, version, blocks, events, DIDs, seqs, times, and the offsets of the footer, the
# bloom filters (of all blocks, of each), the collections and the block index.
_HEADER = struct.Struct("<4sQHIIIQQqqQQQQQ")
_HEADER_BYTES = 256
_CHECKED_FROM = 12
_BLOCK = struct.Struct("<QIIIQQqq")
_LENGTH = struct.Struct("<Q")
_BLOCK_COUNT_LIMIT = 1 << 20
_FOOTER_LIMIT = 256 << 20


Ints = npt.NDArray[np.int64]
# Kind, collection, time, DID, record key, rev, payload.
_Row = tuple[int, str, int, str, str, str, bytes]


@dataclass(frozen=True, slots=True)
class Block:
    """An entry of a segment's block index.

    Parameters
    ----------
    index
        Number of the block in its segment, from 0.
    offset
        Of its length in the file, which its frame follows.
    compressed, uncompressed
        Bytes of the frame, and of what is in it.
    rows
        Events in it; a compaction may leave none.
    first_seq, last_seq, first_us, last_us
        Between which its rows were before any compaction; times are those at which the server saw
        them, µs since 1970.
    """

    index: int
    offset: int
    compressed: int
    uncompressed: int
    rows: int
    first_seq: int
    last_seq: int
    first_us: int
    last_us: int


@dataclass(frozen=True, slots=True)
class Segment:
    """What the header and the block index of a sealed segment say.

    Parameters
    ----------
    checksum
        XXH3 of the header and of all that follows the blocks, 16 hexadecimal digits: what
        ``planSnapshot`` and ``listSegments`` call the checksum, and ``getSegment``'s ETag. The
        blocks are not under it; each has its own in its zstd frame.
    rows
        Events in it.
    first_seq, last_seq, first_us, last_us
        As of `Block`.
    blocks
        In the order of the file.
    """

    checksum: str
    rows: int
    first_seq: int
    last_seq: int
    first_us: int
    last_us: int
    blocks: tuple[Block, ...]


def decode_block(
    frame: bytes,
    *,
    after_seq: int = 0,
    before_seq: int | None = None,
    start_us: int | None = None,
    end_us: int | None = None,
    begins_us: int | None = None,
    dids: pa.Array | None = None,
    block: Block | None = None,
) -> Decoded:
    """Make lines of a block.

    Parameters
    ----------
    frame
        As ``getBlock`` sends it, or `iter_blocks` finds it.
    after_seq, before_seq
        Rows of sequence numbers after the one, up to and with the other, as ``planSnapshot`` has
        it. Other rows are as if they were not there.
    start_us, end_us
        Rows from the one time on, before the other; µs since 1970.
    begins_us
        When the archive began to see events: what is older by its key has the time of its key. None
        if that is not known.
    dids
        Rows of these accounts alone, as binary; None for all.
    block
        What the segment's index says of the block, to be checked.

    Returns
    -------
    Decoded
        A row is an event; its time is as `blueattr.decode.binary.block_times.row_times` has it, and
        its line says where that comes from, if it is not the server's own.

    Raises
    ------
    InputError
        The block is damaged: not a zstd frame, too large, or columns that do not add up.
    """
    body = _decompress(frame)
    try:
        columns = _Columns(body)
    except ValueError as error:
        raise InputError(f"damaged block: {error}") from None
    seq = columns.seq
    if block is not None:
        _compare(block, len(body), seq)
    asked = np.ones(len(seq), np.bool_)
    if after_seq > 0:
        asked &= seq > after_seq
    if before_seq is not None:
        asked &= seq <= before_seq
    if not asked.any():
        return Decoded(b"", 0, 0)
    dated = columns.tell_times(begins_us) & asked
    time_us = columns.time_us
    earlier = 0 if begins_us is None else int(np.count_nonzero(dated & (time_us < begins_us)))
    passed = Decoded(
        b"", 0, 0, through_seq=int(seq[asked].max()), dated=int(dated.sum()), earlier=earlier
    )
    chosen = asked
    if dids is not None:
        chosen &= columns.is_by(dids)
    if start_us is not None:
        chosen &= time_us >= start_us
    if end_us is not None:
        chosen &= time_us < end_us
    rows = np.flatnonzero(chosen)
    if not len(rows):
        return passed
    kept = np.flatnonzero(chosen & columns.kept)
    # Thousands of small lines would be given to the system and asked back with every block.
    lines = io.BytesIO()
    refused: list[tuple[str, int, bytes]] = []
    times_from = columns.time_from[kept].tolist()
    for number, row, source in zip(seq[kept].tolist(), columns.rows(kept), times_from, strict=True):
        try:
            lines.write(_line(row, TIMES_FROM[source]))
        except _RefusedError as refusal:
            refused.append((refusal.reason, number, refusal.sample))
    return replace(
        passed,
        lines=lines.getvalue(),
        events=len(kept) - len(refused),
        skipped=len(rows) - len(kept),
        refused=refused,
        first_seq=int(seq[rows].min()),
        last_seq=int(seq[rows].max()),
        first_us=int(time_us[rows].min()),
        last_us=int(time_us[rows].max()),
    )


class _RefusedError(Exception):
    """A row that cannot be made a line."""

    def __init__(self, reason: str, about: dict[str, Any]) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sample = written(about)


class _Columns:
    """The columns of a block, checked to add up.

    Identifiers are read as Latin-1, in which every byte is a character: they are ASCII, and what
    is not is found when they are checked.
    """

    def __init__(self, body: bytes) -> None:
        if len(body) < 4:
            raise ValueError("no row count")
        n = int.from_bytes(body[:4], "little")
        if n > _ROW_LIMIT or 4 + n * _ROW_BYTES > len(body):
            raise ValueError(f"{n} rows in {len(body)} bytes")
        at = 4
        fixed = []
        for column in _COLUMNS:
            fixed.append(np.frombuffer(body, column, n, at))
            at += fixed[-1].nbytes
        seq, self._witnessed, self._indexed, self._kind, *lengths = fixed
        if n and int(seq.max()) >= 2**63:
            raise ValueError("a sequence number of more than 63 bits")
        self.seq: Ints = seq.astype(np.int64)
        self._ends = []
        for length in lengths:
            ends = np.full(n + 1, at)
            np.cumsum(length, dtype=np.int64, out=ends[1:])
            ends[1:] += at
            self._ends.append(ends)
            at = int(ends[-1])
        if at != len(body):
            raise ValueError(f"columns of {at} bytes in {len(body)}")
        self._body = body
        found = pl.Series(pc.index_in(self._binary(0), value_set=_KEPT))
        self._collection = found.fill_null(-1).to_numpy()
        self.time_us, self.time_from = row_times(self._kind, self._witnessed, self._indexed)
        kind = self._kind
        commit = ((kind >= 1) & (kind <= _DELETE)) | (kind == _RESYNC)
        self.kept = np.where(commit, self._collection >= 0, kind != _SYNC)

    def _binary(self, column: int) -> pa.Array:
        ends = pa.py_buffer(self._ends[column].astype(np.int32))
        size = len(self._ends[column]) - 1
        return pa.Array.from_buffers(pa.binary(), size, [None, ends, pa.py_buffer(self._body)])

    def is_by(self, dids: pa.Array) -> npt.NDArray[np.bool_]:
        """Return which rows are of one of these accounts."""
        found: npt.NDArray[np.bool_] = pc.is_in(self._binary(1), value_set=dids).to_numpy(
            zero_copy_only=False
        )
        return found

    def tell_times(self, begins_us: int | None) -> npt.NDArray[np.bool_]:
        """Set ``time_us`` and ``time_from``, as `row_times` has them.

        Returns which rows are of records that have a time of their own.
        """
        key_us = key_times(self._body, self._ends[2])
        self.time_us, self.time_from = row_times(
            self._kind, self._witnessed, self._indexed, key_us, begins_us
        )
        made = (self._kind == _CREATE) | (self._kind == _RESYNC)
        own: npt.NDArray[np.bool_] = made & ((key_us >= FIRST_US) | (self._indexed != 0))
        return own

    def rows(self, chosen: npt.NDArray[np.intp]) -> Iterator[_Row]:
        """Yield kind, collection, time, DID, record key, rev and payload of the chosen rows."""
        names = np.array([*COLLECTIONS, ""], dtype=object)[self._collection[chosen]]
        return zip(
            self._kind[chosen].tolist(),
            names.tolist(),
            self.time_us[chosen].tolist(),
            self._texts(1, chosen),
            self._texts(2, chosen),
            self._texts(3, chosen),
            self._pieces(4, chosen),
            strict=True,
        )

    def _bounds(self, column: int, chosen: npt.NDArray[np.intp]) -> Iterator[tuple[int, int]]:
        ends = self._ends[column]
        return zip(ends[chosen].tolist(), ends[chosen + 1].tolist(), strict=True)

    def _texts(self, column: int, chosen: npt.NDArray[np.intp]) -> list[str]:
        first = int(self._ends[column][0])
        text = str(self._body[first : self._ends[column][-1]], "latin-1")
        return [text[a - first : b - first] for a, b in self._bounds(column, chosen)]

    def _pieces(self, column: int, chosen: npt.NDArray[np.intp]) -> Iterator[bytes]:
        return (self._body[a:b] for a, b in self._bounds(column, chosen))


def _line(row: _Row, time_from: str) -> bytes:
    kind, collection, time_us, did, rkey, rev, payload = row
    operation = _OPERATIONS.get(kind)
    if operation is None and kind not in {_IDENTITY, _ACCOUNT}:
        raise _RefusedError("unknown event kind", {"kind": kind, "did": did})
    commit = {"rev": rev, "operation": operation, "collection": collection, "rkey": rkey}
    about = {"kind": kind, "did": did, **commit}
    if kind == _DELETE:
        return commit_line(did, time_us, commit, time_from)
    if len(payload) > RECORD_LIMIT:
        raise _RefusedError("record too long", about)
    try:
        record = libipld.decode_dag_cbor(payload)
    except (ValueError, RecursionError):
        raise _RefusedError("not DAG-CBOR", about) from None
    try:
        if operation is not None:
            commit["record"] = record
            return commit_line(did, time_us, commit, time_from)
        if type(record) is not dict:
            raise _RefusedError("missing field", about)
        write = identity_line if kind == _IDENTITY else account_line
        return write(did, time_us, record)
    except ValueError:
        raise _RefusedError("bad record", about) from None


def _decompress(frame: bytes) -> bytes:
    # max_output_size is no bound where the frame states its size, and is allocated where not.
    try:
        size = zstandard.frame_content_size(frame)
        if size > BLOCK_LIMIT:
            raise InputError(f"damaged block: it says that it holds {size} bytes")
        if size >= 0:
            decompressor = zstandard.ZstdDecompressor()
            return decompressor.decompress(frame, allow_extra_data=False) if size else b""
        reader = zstandard.ZstdDecompressor().stream_reader(frame)
        body = bytearray()
        while piece := reader.read(1 << 20):
            body += piece
            if len(body) > BLOCK_LIMIT:
                raise InputError(f"damaged block: it holds more than {BLOCK_LIMIT} bytes")
        return bytes(body)
    except zstandard.ZstdError as error:
        raise InputError(f"damaged block: {error}") from None


def _compare(block: Block, size: int, seq: Ints) -> None:
    """Hold a block against the index: its frame's checksum does not tell that it is another."""
    wrong = size != block.uncompressed or len(seq) != block.rows
    if wrong or (len(seq) and not block.first_seq <= seq.min() <= seq.max() <= block.last_seq):
        raise InputError(f"damaged segment: block {block.index} is not the one its index names")


def read_segment(file: BinaryIO) -> Segment:
    """Read and verify what a sealed segment says of itself.

    Parameters
    ----------
    file
        Seekable, such as an open file or `io.BytesIO`.

    Raises
    ------
    InputError
        It is not a sealed segment of version 1, its checksum does not match, or its blocks do not
        fill the space between header and footer.
    """
    file.seek(0)
    header = file.read(_HEADER_BYTES)
    if len(header) < _HEADER_BYTES or header[:4] != _MAGIC:
        raise InputError("not a Jetstream segment: no header at byte 0")
    (_, checksum, version, count, rows, _, first_seq, last_seq, first_us, last_us,
     footer_at, _, _, _, index_at) = _HEADER.unpack_from(header)  # fmt: skip
    if checksum == 0:
        raise InputError("not a sealed segment: no checksum at byte 4")
    if version != _VERSION:
        raise InputError(f"a segment of version {version}; this reads version {_VERSION}")
    size = file.seek(0, 2)
    if not _HEADER_BYTES <= footer_at <= size:
        raise InputError(f"damaged segment: footer at byte {footer_at} of {size}")
    if size - footer_at > _FOOTER_LIMIT:
        raise InputError(f"damaged segment: a footer of {size - footer_at} bytes")
    file.seek(footer_at)
    footer = file.read()
    digest = xxhash.xxh3_64(header[_CHECKED_FROM:])
    digest.update(footer)
    if digest.intdigest() != checksum:
        raise InputError(
            f"damaged segment: its checksum is {digest.hexdigest()}, not {checksum:016x}"
        )
    if index_at != footer_at or count > _BLOCK_COUNT_LIMIT or count * _BLOCK.size > len(footer):
        raise InputError(f"damaged segment: no index of {count} blocks at byte {index_at}")
    index = _BLOCK.iter_unpack(footer[: count * _BLOCK.size])
    blocks = tuple(Block(i, *entry) for i, entry in enumerate(index))
    at = _HEADER_BYTES
    for block in blocks:
        if block.offset != at:
            raise InputError(f"damaged segment: block {block.index} at byte {block.offset}")
        at += _LENGTH.size + block.compressed
    if at != footer_at or sum(block.rows for block in blocks) != rows:
        raise InputError(f"damaged segment: blocks end at byte {at}, not {footer_at}")
    return Segment(f"{checksum:016x}", rows, first_seq, last_seq, first_us, last_us, blocks)


def iter_blocks(file: BinaryIO, *, first: int = 0) -> Iterator[tuple[Block, bytes]]:
    """Yield a segment's blocks with their frames, for `decode_block`.

    Parameters
    ----------
    file
        As for `read_segment`, which is called first.
    first
        Number of the first block to give.

    Raises
    ------
    InputError
        As `read_segment` raises it, and where a block's length is not what the index says. What
        is in a frame is checked when it is decoded.
    """
    for block in read_segment(file).blocks[first:]:
        file.seek(block.offset)
        head = file.read(_LENGTH.size)
        frame = file.read(block.compressed)
        if head != _LENGTH.pack(block.compressed) or len(frame) != block.compressed:
            raise InputError(f"damaged segment: no block {block.index} at byte {block.offset}")
        yield block, frame
