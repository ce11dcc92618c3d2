"""Tables in JSON: a list of objects, an object a line, or an object of columns."""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from typing import Any

import polars as pl

from blueattr.analysis.tables.text import UnreadableError
from blueattr.attribution.frames import name_columns, read_frame, refuse_twice

__all__ = ["read_json", "read_json_lines"]


def read_json(data: bytes, columns: Mapping[str, str]) -> pl.DataFrame:
    """Read a document: a list of objects, or an object of columns as of pandas or Polars.

    Parameters
    ----------
    data
        The document.
    columns
        See `blueattr.attribution.frames.name_columns`.

    Raises
    ------
    UnreadableError
        It is not JSON, or of another form.
    FeatureError, UsageError
        A key occurs twice in an object; or as `blueattr.attribution.frames.name_columns`.
    """
    try:
        frame = pl.read_json(BytesIO(data), infer_schema_length=None)
    except pl.exceptions.PolarsError:
        return _from_document(data)
    listed = any(dtype.is_nested() for dtype in frame.dtypes)
    return _from_document(data) if listed or _misread(frame, data, columns) else frame


def read_json_lines(data: bytes, columns: Mapping[str, str]) -> pl.DataFrame:
    """Read a file with an object a line; see `read_json`. The error names the line."""
    try:
        frame = pl.read_ndjson(BytesIO(data), infer_schema_length=None)
    except pl.exceptions.PolarsError:
        return _from_lines(data)
    return _from_lines(data) if _misread(frame, data, columns) else frame


def _misread(frame: pl.DataFrame, data: bytes, columns: Mapping[str, str]) -> bool:
    """Return whether Polars may have read true as 1, or the first of a key that occurs twice."""
    names = [json.dumps(name).encode() for name in name_columns(frame.columns, columns).values()]
    # Where every object has every key, as many keys as that are no key twice.
    every = not any(frame.null_count().row(0))
    once = every and data.count(b'":') == frame.height * frame.width
    if not once and any(data.count(name) > frame.height for name in names):
        return True
    if b"true" not in data and b"false" not in data:
        return False
    values = rb"(?:%s)\s*:\s*(?:true|false)" % b"|".join(map(re.escape, names))
    return bool(re.search(values, data))


def _from_document(data: bytes) -> pl.DataFrame:
    try:
        document = _loads(data)
    except ValueError:
        if data.lstrip()[:1] == b"{":
            return _from_lines(data)
        raise UnreadableError("it is not JSON") from None
    if isinstance(document, dict) and len(document) == 1:  # {"agents": [{...}, ...]}
        (document,) = document.values()
    if isinstance(document, list) and all(isinstance(row, dict) for row in document):
        return _from_rows(document)
    if isinstance(document, dict):
        lists = {
            name: list(cells.values()) if isinstance(cells, dict) else cells
            for name, cells in document.items()
        }
        if all(isinstance(cells, list) for cells in lists.values()):
            return read_frame(lists)
    raise UnreadableError("it is not a list of objects, one an agent")


def _from_lines(data: bytes) -> pl.DataFrame:
    rows = []
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = _loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict):
            raise UnreadableError(f"line {number} is not a JSON object")
        rows.append(row)
    return _from_rows(rows)


def _from_rows(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    names = dict.fromkeys(name for row in rows for name in row)
    return read_frame({name: [row.get(name) for row in rows] for name in names})


def _loads(data: bytes) -> Any:
    """Parse JSON; what is no finite number stays as it is written."""
    try:
        return json.loads(data, object_pairs_hook=_object, parse_float=_number, parse_constant=str)
    except RecursionError:
        raise UnreadableError("its lists and objects are nested too deeply") from None


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    pairs = list(pairs)
    refuse_twice(name for name, _ in pairs)
    return dict(pairs)


def _number(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text
