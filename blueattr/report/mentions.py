"""Finds out which accounts an output names, whatever its format."""

import base64
import io
import re
import sqlite3
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote_to_bytes

from blueattr.report.pdf import pdf_texts

__all__ = ["mentions"]


# Whole DIDs and whole names of hosts: handles are of the latter form.
_NAME = re.compile(
    rb"did:[a-z]+:[a-z0-9._:%-]*[a-z0-9_-]"
    rb"|[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+"
)
_EMBEDDED = re.compile(rb"base64,([A-Za-z0-9+/]+)")
# What JSON, TeX, Markdown, HTML and spelled control characters put into a name or before it.
_ESCAPE = re.compile(
    rb"\\+u(?P<unit>[0-9a-fA-F]{4})|\\+x(?P<byte>[0-9a-fA-F]{2})|&#(?P<decimal>[0-9]{1,6});"
    rb"|&#[xX](?P<hex>[0-9a-fA-F]{1,5});|\\+[bfnrt]|\\+(?P<mark>[^A-Za-z0-9\\])|(?<=-)\{\}"
)
_SQLITE = b"SQLite format 3\0"
_PNG = b"\x89PNG\r\n\x1a\n"
_DEEPEST = 3  # archives in archives
_FEW = 100  # names that are looked for one by one sooner than among all words of a page


class _UnreadableError(Exception):
    """A file is not what its first bytes say."""


def mentions(
    path: Path, names: frozenset[str], say: Callable[[str], None] = lambda _: None
) -> frozenset[str]:
    """Return which accounts a file names.

    Parameters
    ----------
    path
        A page, figure, table or data. What is compressed in Parquet, archives and PDF, what an
        SQLite file has, what a PNG says, and what links of a page hold, is looked through, too;
        and names are found in the spellings of JSON, TeX, Markdown, HTML and addresses.
    names
        DIDs and handles.
    say
        Told of a file that is damaged. Its bytes are searched as they are, and a name counts also
        as a part of a longer word.

    Raises
    ------
    OSError
        It cannot be read.
    """
    data = path.read_bytes()
    wanted = {name.lower().encode(): name for name in names}
    found: set[bytes] = set()
    damaged: list[str] = []
    for content in _contents(data, damaged.append):
        found |= _named(content.lower(), wanted)
    if damaged:
        say(f"{path} is damaged or encrypted ({damaged[0]}); its bytes are searched as they are")
        lower = data.lower()
        found |= {name for name in wanted if name in lower}
    return frozenset(wanted[name] for name in found)


def _named(content: bytes, wanted: dict[bytes, str]) -> set[bytes]:
    undone = {_ESCAPE.sub(_plain, content).lower(), unquote_to_bytes(content).lower()}
    words: set[bytes] = set()
    for text in undone | {content}:
        # Most files name none of a few, which is found out much sooner than what their words are.
        if len(wanted) > _FEW or any(name in text for name in wanted):
            words |= {match[0] for match in _NAME.finditer(text)}
    return words & wanted.keys()


def _plain(escape: re.Match[bytes]) -> bytes:
    if escape["mark"] is not None:
        return escape["mark"]
    number = escape["unit"] or escape["byte"] or escape["hex"]
    code = int(number, 16) if number else int(escape["decimal"] or b"0")
    if code:
        return bytes([code]) if code < 0x80 else b" "
    return b"" if escape[0] == b"{}" else b" "


def _contents(data: bytes, damaged: Callable[[str], None], depth: int = 0) -> Iterator[bytes]:
    yield data
    if depth > _DEEPEST:
        return
    parts = iter(())  # type: Iterator[bytes]
    if data.startswith(b"PAR1"):
        parts = _parquet(data)
    elif data.startswith(_SQLITE):
        parts = _sqlite(data)
    elif data.startswith(b"PK"):
        parts = _zip(data)
    elif data.startswith(b"%PDF"):
        parts = _pdf(data)
    elif data.startswith(_PNG):
        parts = _png(data)
    try:
        for part in parts:
            yield from _contents(part, damaged, depth + 1)
    except _UnreadableError as error:
        damaged(str(error))
    for match in _EMBEDDED.finditer(data):
        # Of a text that is cut, or that only looks like one, what there is.
        whole = match[1][: len(match[1]) - (len(match[1]) % 4 == 1)]
        yield from _contents(base64.b64decode(whole + b"=" * (-len(whole) % 4)), damaged, depth + 1)


def _zip(data: bytes) -> Iterator[bytes]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error, OSError) as error:
        raise _UnreadableError("a zip archive") from error
    unreadable: Exception | None = None
    with archive:
        for member in archive.infolist():
            yield member.filename.encode("utf-8", "surrogateescape")
            try:
                content = archive.read(member)
            # RuntimeError: a member is encrypted.
            except (
                zipfile.BadZipFile, zlib.error, RuntimeError, ValueError, EOFError, OSError,
                struct.error,
            ) as error:  # fmt: skip
                unreadable = error
                continue
            yield content
    if unreadable is not None:
        raise _UnreadableError("a zip archive") from unreadable


def _sqlite(data: bytes) -> Iterator[bytes]:
    """Yield each value by itself: in the file they stand side by side."""
    # A copy in memory can have no log (WAL) beside it, so the header must ask for none.
    data = data[:18] + b"\1\1" + data[20:]
    try:
        with closing(sqlite3.connect(":memory:")) as copy:
            copy.deserialize(data)
            copy.text_factory = bytes
            tables = copy.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'")
            for name, sql in tables.fetchall():
                yield sql or b""
                quoted = name.decode().replace('"', '""')
                for row in copy.execute(f'SELECT * FROM "{quoted}"'):  # noqa: S608 - it is quoted
                    yield b"\n".join(value for value in row if isinstance(value, bytes))
    except (sqlite3.Error, UnicodeError, ValueError, OverflowError) as error:
        raise _UnreadableError("an SQLite file") from error


def _png(data: bytes) -> Iterator[bytes]:
    """Yield each text by itself: what stands after it could be taken for letters of a name."""
    at = len(_PNG)
    while at < len(data):
        length, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        if at + 12 + length > len(data):
            raise _UnreadableError("a PNG")
        if kind in {b"tEXt", b"iTXt"}:
            yield data[at + 8 : at + 8 + length]
        at += 12 + length


def _pdf(data: bytes) -> Iterator[bytes]:
    try:
        for text in pdf_texts(data):
            yield text.encode("utf-8", "replace")
    except (ValueError, KeyError) as error:
        raise _UnreadableError("a PDF of another program") from error


def _parquet(data: bytes) -> Iterator[bytes]:
    import polars as pl  # noqa: PLC0415 - start-up time

    try:
        frame = pl.read_parquet(io.BytesIO(data))
        text = frame.write_ndjson().encode()
        values = [value.encode() for value in pl.read_parquet_metadata(io.BytesIO(data)).values()]
    except (
        pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError, MemoryError,
    ) as error:  # fmt: skip
        raise _UnreadableError("a Parquet file") from error
    yield text
    yield from values
