"""Looks for accounts in output: their DIDs, handles, addresses and words, wherever they hide."""

import base64
import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import polars as pl

from blueattr.report.pdf import pdf_texts
from support.events_builder import Event

__all__ = ["names_of", "traces", "words_of"]


_EMBEDDED = re.compile(rb"base64,([A-Za-z0-9+/=]+)")


def names_of(events: Iterable[Event]) -> set[str]:
    """Return every DID and handle in events."""
    dids = {event["did"] for event in events}
    return dids | {event["identity"]["handle"] for event in events if "identity" in event}


def words_of(events: Iterable[Event]) -> set[str]:
    """Return the texts of all posts."""
    records = (event.get("commit", {}).get("record", {}) for event in events)
    return {record["text"] for record in records if "text" in record}


def traces(output: Path | bytes | str, names: Iterable[str]) -> set[str]:
    """Return which of some texts an output has, and any address of a record or a profile.

    Files are also looked through for what they hold compressed or encoded: the cells and metadata
    of Parquet, the members of archives, the texts of PDF, the data of links in a page.
    """
    content = b"".join(_contents(output))
    found = {name for name in names if name.encode() in content}
    return found | {mark for mark in ("at://", "bsky.app/profile") if mark.encode() in content}


def _contents(output: Path | bytes | str) -> Iterator[bytes]:
    data = output.encode() if isinstance(output, str) else output
    if isinstance(data, Path):
        yield str(data.name).encode()
        data = data.read_bytes()
    yield data
    if data.startswith(b"PAR1"):
        frame = pl.read_parquet(io.BytesIO(data))
        yield frame.write_ndjson().encode()
        yield json.dumps(pl.read_parquet_metadata(io.BytesIO(data))).encode()
    elif data.startswith(b"%PDF"):
        yield "\n".join(pdf_texts(data)).encode()
    elif zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.namelist():
                yield from _contents(archive.read(member))
    for encoded in _EMBEDDED.findall(data):
        yield base64.b64decode(encoded)
