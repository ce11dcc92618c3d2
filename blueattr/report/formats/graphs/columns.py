"""What the nodes and edges of a graph have, as the forms with types of their own need it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import polars as pl

from blueattr.report.formats.graphs.xml import xml_text

__all__ = ["EDGE", "NODE", "Attribute", "attributes", "pieces", "texts", "values"]


_ROWS = 1 << 15
_KEYS = {"id", "label", "source", "target"}
NODE, EDGE = "node", "edge"


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


def values(frame: pl.DataFrame, start: Callable[[str], str], end: str) -> Iterator[str]:
    """Yield the attributes of each row as XML; those that are not known are left out.

    Parameters
    ----------
    frame
        Nodes or edges.
    start, end
        What stands before the value of an attribute, by its name, and behind it.
    """
    names = [one.name for one in attributes(frame)]
    starts = [start(name) for name in names]
    for row in zip(*(texts(frame[name]) for name in names), strict=True):
        yield "".join(
            f"{before}{value}{end}"
            for before, value in zip(starts, row, strict=True)
            if value is not None
        )


def texts(column: pl.Series) -> list[str | None]:
    """Return the values of a column as text for XML, floats in their shortest exact form; or None.

    Times are ISO 8601 in UTC, to the microsecond.
    """
    if isinstance(column.dtype, pl.Datetime):
        return column.dt.to_string("%Y-%m-%dT%H:%M:%S%.6fZ").to_list()
    if column.dtype.is_float():
        return [None if value is None else repr(value) for value in column.to_list()]
    if column.dtype == pl.Boolean:
        return [None if value is None else str(value).lower() for value in column.to_list()]
    found = column.cast(pl.String).to_list()
    if column.dtype.is_integer():
        return found
    return [None if value is None else xml_text(value) for value in found]
