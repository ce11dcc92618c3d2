"""Bytes cut into lines, for the statement that decodes what the parser leaves; pure.

That statement is ``sql/store/commit/batch/decode_lines.sql``: DuckDB parses JSON on every core
several times as fast as a loop in Python could. `blueattr.decode.schema` has the shapes that it
expects.
"""

from codecs import BOM_UTF8
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from blueattr.decode.arrow import flags, numbers
from blueattr.decode.shapes import Beginning

__all__ = ["LINE_LIMIT", "LineBatch", "cut_lines"]


LINE_LIMIT = 8 << 20
"""Longest line in bytes; a repository's commit is at most 2 MB, its JSON a few times that."""


@dataclass(frozen=True, slots=True)
class LineBatch:
    """Whole lines, ready for the decoder.

    Parameters
    ----------
    table
        Columns ``position`` (int64, byte offset of the line in its source after decompression) and
        ``line`` (string, valid UTF-8).
    lines
        Number of lines that are not blank, those in ``refused`` included.
    refused
        Lines that cannot be given to the decoder: (reason, position, the line or its beginning).
    """

    table: pa.Table
    lines: int
    refused: list[tuple[str, int, bytes]] = field(default_factory=list)


_SCHEMA = pa.schema([("position", pa.int64()), ("line", pa.string())])
# Rows per Arrow batch: DuckDB reads the batches of a table in parallel.
_SLICE = 8192
# Bytes of a line that is too long, which show how it begins.
_BEGINNING = 4096


def cut_lines(
    data: bytes, position: int = 0, stretches: npt.NDArray[np.int64] | None = None
) -> LineBatch:
    r"""Cut bytes that hold whole lines into a batch.

    Parameters
    ----------
    data
        Lines, each ended by ``\n`` or ``\r\n``; the last one's end may be missing. Under 2 GiB.
    position
        Byte offset of ``data`` in its source.
    stretches
        int64 (k, 2): where the lines are, if not everywhere. A byte order mark is in none.

    Returns
    -------
    LineBatch
        Blank lines are left out and not counted; a byte order mark before a line is as blanks are.
        Lines that are not UTF-8 or longer than `LINE_LIMIT` are refused.

    Examples
    --------
    >>> batch = cut_lines(b'{"a": 1}\n\n{"b": 2}\n', position=100)
    >>> batch.table["position"].to_pylist(), batch.lines
    ([100, 110], 2)
    """
    if stretches is None:
        begin = len(BOM_UTF8) if position == 0 and data.startswith(BOM_UTF8) else 0
        stretches = np.array([(begin, len(data))])
    else:
        data = b"".join(data[a:b] for a, b in stretches.tolist())
        begin = 0
    if BOM_UTF8 in data:
        # Files that have one each were made one file.
        data = (b"\n" + data).replace(b"\n" + BOM_UTF8, b"\n   ")[1:]
    if len(data) == begin:
        return LineBatch(pa.Table.from_batches([], _SCHEMA), 0)
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n")).astype(np.int64) + 1
    if len(ends) == 0 or ends[-1] != len(data):
        ends = np.append(ends, len(data))
    offsets = np.concatenate(([begin], ends))
    # Where the lines are in the source.
    sizes = stretches[:, 1] - stretches[:, 0]
    first_bytes = begin + np.cumsum(sizes) - sizes
    stretch = np.searchsorted(first_bytes, offsets[:-1], side="right") - 1
    positions = offsets[:-1] - first_bytes[stretch] + stretches[stretch, 0] + position
    column = pa.Array.from_buffers(
        pa.binary(), len(ends), [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(data)]
    )
    lengths = np.diff(offsets)
    # What begins with white space may be nothing else; a bare end of line is.
    first = np.frombuffer(data, np.uint8)[offsets[:-1]]
    usable = first > ord(" ")
    for i in np.flatnonzero(~usable & (first != ord("\n"))):
        usable[i] = bool(data[offsets[i] : ends[i]].strip())
    blank = int(len(ends) - usable.sum())
    refused: list[tuple[str, int, bytes]] = []
    for i in np.flatnonzero(usable & (lengths > LINE_LIMIT)):
        usable[i] = False
        beginning = Beginning(data[offsets[i] : offsets[i] + _BEGINNING])
        refused.append(("line too long", int(positions[i]), beginning))
    try:
        text = column.cast(pa.string())
    except pa.ArrowInvalid:
        for i in np.flatnonzero(usable):
            try:
                data[offsets[i] : ends[i]].decode()
            except UnicodeDecodeError:
                usable[i] = False
                refused.append(("not UTF-8", int(positions[i]), data[offsets[i] : ends[i]]))
        column = column.filter(flags(usable))
        text = column.cast(pa.string())
    else:
        if not usable.all():
            text = text.filter(flags(usable))
    table = pa.table([numbers(positions[usable]), text], schema=_SCHEMA)
    slices = [table.slice(k, _SLICE) for k in range(0, len(table), _SLICE)]
    return LineBatch(pa.concat_tables(slices) if slices else table, len(ends) - blank, refused)
