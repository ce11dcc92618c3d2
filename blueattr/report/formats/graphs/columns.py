"""What the nodes and edges of a graph have, and their rows as XML, many at a time."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import polars as pl

from blueattr.report.formats.graphs.xml import NAME_CHARACTERS, NOT_PLAIN, name_token, xml_text

__all__ = [
    "EDGE",
    "NODE",
    "Attribute",
    "Part",
    "attributes",
    "lines",
    "numbered_pieces",
    "pieces",
    "spelled",
    "tokens",
    "valued",
]


_ROWS = 1 << 12
_KEYS = {"id", "label", "source", "target"}
_TIME = "%Y-%m-%dT%H:%M:%S%.6fZ"
NODE, EDGE = "node", "edge"

Part: TypeAlias = str | pl.Series
"""A part of a line: the same in each, or of each row."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """A column beside those by which nodes and edges are told apart.

    Parameters
    ----------
    name
        Of the column.
    kind
        ``string``, ``long``, ``double`` or ``boolean``: words that GEXF and GraphML share.
    """

    name: str
    kind: str


def attributes(frame: pl.DataFrame) -> tuple[Attribute, ...]:
    """Return the attributes of nodes or edges; times are text."""
    return tuple(
        Attribute(name, _kind(dtype)) for name, dtype in frame.schema.items() if name not in _KEYS
    )


def _kind(dtype: pl.DataType) -> str:
    if dtype.is_integer():
        return "long"
    if dtype.is_float():
        return "double"
    return "boolean" if dtype == pl.Boolean else "string"


def pieces(frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield the rows some at a time, so that a graph of any size is written in little memory."""
    for start in range(0, frame.height, _ROWS):
        yield frame.slice(start, _ROWS)


def numbered_pieces(frame: pl.DataFrame) -> Iterator[tuple[pl.Series, pl.DataFrame]]:
    """Yield the same, each with the numbers of its rows as text."""
    before = 0
    for piece in pieces(frame):
        past = before + piece.height
        yield pl.int_range(before, past, eager=True).cast(pl.String), piece
        before = past


def lines(frame: pl.DataFrame, *parts: Part) -> str:
    """Return a line for each row, of parts one after another.

    Parameters
    ----------
    frame
        Has as many rows as there are lines.
    parts
        Text that is the same in each line, and columns of text for XML without nulls.
    """
    if frame.is_empty():
        return ""
    # Of all rows one text, as one line after another would be many objects.
    row = pl.concat_str([pl.lit(part) if isinstance(part, str) else part for part in parts])
    text: str = frame.select(row.str.join("\n")).item()
    return text + "\n"


def valued(
    frame: pl.DataFrame,
    start: Callable[[str], str],
    end: str,
    known: Mapping[str, pl.Series] = MappingProxyType({}),
) -> Iterator[Part]:
    """Yield the attributes as parts of XML; empty where a value is not known.

    Parameters
    ----------
    frame
        Nodes or edges.
    start, end
        What stands before the value of an attribute, by its name, and behind it.
    known
        Values that were `spelled` before, by name.
    """
    for one in attributes(frame):
        values = known.get(one.name)
        values = spelled(frame[one.name]) if values is None else values
        if not values.has_nulls():
            yield from (start(one.name), values, end)
        elif values.null_count() < len(values):
            with_name = pl.select(pl.lit(start(one.name)) + values + pl.lit(end))
            yield with_name.to_series().fill_null("")


def spelled(column: pl.Series) -> pl.Series:
    """Return the values of a column as text for XML; null where a value is not known.

    Floats are in their shortest exact form, times in ISO 8601 in UTC, to the microsecond.
    """
    dtype = column.dtype
    if isinstance(dtype, pl.Datetime):
        return column.dt.to_string(_TIME)
    text = column.cast(pl.String)
    return (
        text if dtype.is_numeric() or dtype == pl.Boolean else _changed(text, NOT_PLAIN, xml_text)
    )


def tokens(column: pl.Series) -> pl.Series:
    """Return identifiers that every reader takes; see `blueattr.report.formats.graphs.xml`."""
    return _changed(column, f"[^{NAME_CHARACTERS}]|_x|^$", name_token)


def _changed(text: pl.Series, pattern: str, change: Callable[[str], str]) -> pl.Series:
    """Change the texts in which a pattern is found, which are few."""
    found = text.str.contains(pattern).fill_null(value=False)
    if not found.any():
        return text
    cells = zip(text, found, strict=True)
    return pl.Series(text.name, [change(x) if hit else x for x, hit in cells], pl.String)
