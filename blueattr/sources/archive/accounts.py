"""The accounts that a reading of an archive is limited to, read from a file of their DIDs."""

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from blueattr.decode.schema import DID
from blueattr.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["DidSet", "read_accounts"]


_COLUMN = "did"
_LONGEST = 2048
_PARQUET = b"PAR1"


@dataclass(frozen=True)
class DidSet:
    """Accounts by their DIDs, each once, in the order of the alphabet."""

    dids: tuple[str, ...]

    @property
    def label(self) -> str:
        """How many there are, and a hash that tells others from them."""
        digest = hashlib.sha256("\n".join(self.dids).encode()).hexdigest()
        one = "1 account" if len(self.dids) == 1 else f"{len(self.dids)} accounts"
        return f"{one} ({digest[:16]})"

    @cached_property
    def array(self) -> "pa.Array":
        """The DIDs as an Arrow array of bytes."""
        import pyarrow as pa  # noqa: PLC0415 - half a second that only readers of an archive pay

        return pa.array([did.encode() for did in self.dids], pa.binary())


def read_accounts(path: Path) -> DidSet:
    """Read a file that names accounts in a column or key ``did``.

    Parameters
    ----------
    path
        CSV (separated by commas, semicolons or tabs), Parquet, lines of JSON objects, or plain
        lines of DIDs.

    Raises
    ------
    InputError
        It cannot be read, has no such column, names nobody, or has something else than a DID there.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    found: set[str] = set()
    for place, did in _parquet(path) if data.startswith(_PARQUET) else _text(path, data):
        name = did.strip() if isinstance(did, str) else ""
        if not name and (did is None or isinstance(did, str)):
            continue
        if len(name) > _LONGEST or not re.fullmatch(DID, name):
            raise InputError(f"{path}: {place} has no DID but {str(did)[:80]!r}")
        found.add(name)
    if not found:
        raise InputError(f"{path} names no account")
    return DidSet(tuple(sorted(found)))


def _parquet(path: Path) -> Iterator[tuple[str, object]]:
    import polars as pl  # noqa: PLC0415 - as above

    try:
        names = pl.scan_parquet(path, glob=False).collect_schema().names()
        if _COLUMN not in names:
            raise InputError(f"{path} has no column {_COLUMN!r}")
        column = pl.read_parquet(path, columns=[_COLUMN])[_COLUMN]
        values: list[object] = column.to_list()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"{path} is not Parquet that can be read") from error
    return ((f"row {number}", value) for number, value in enumerate(values, 1))


def _text(path: Path, data: bytes) -> Iterable[tuple[str, object]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text, and not Parquet") from None
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    first = lines[0][1] if lines else ""
    if first.lstrip().startswith("{"):
        return _objects(path, lines)
    separator = max(",;\t", key=first.count)
    header = [name.strip() for name in next(csv.reader([first], delimiter=separator), [])]
    if _COLUMN in header:
        rows = csv.reader(io.StringIO(text), delimiter=separator)
        return _column(rows, header.index(_COLUMN))
    if len(header) > 1:
        raise InputError(f"{path} has no column {_COLUMN!r}")
    return ((f"line {number}", line) for number, line in lines)


def _column(rows: "Iterator[list[str]]", place: int) -> Iterator[tuple[str, object]]:
    seen_header = False
    for number, row in enumerate(rows, 1):
        if not any(value.strip() for value in row):
            continue
        if seen_header:
            yield f"row {number}", row[place] if place < len(row) else ""
        seen_header = True


def _objects(path: Path, lines: list[tuple[int, str]]) -> Iterator[tuple[str, object]]:
    for number, line in lines:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            raise InputError(f"{path}: line {number} is not JSON") from None
        if not isinstance(value, dict) or _COLUMN not in value:
            raise InputError(f"{path}: line {number} has no key {_COLUMN!r}")
        yield f"line {number}", value[_COLUMN]
