"""The parts of every report, independent of the format: tables, facts and sentences."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from math import isfinite
from typing import Literal, TypeAlias

__all__ = [
    "MOST_ROWS",
    "SCHEMA_VERSION",
    "Block",
    "Cell",
    "Column",
    "Fact",
    "Facts",
    "Json",
    "Kind",
    "Report",
    "Sentences",
    "Table",
]


SCHEMA_VERSION = 1
"""Version of the JSON format. It rises if a field changes or goes, not for a new one."""


MOST_ROWS = 20
"""Rows that people read of a table which may have thousands, such as one row a source."""


Kind: TypeAlias = Literal["text", "figure", "int", "float", "share", "bool", "date", "time"]
"""What a column holds; ``figure`` is text that reads as a number, such as ``31.2 ± 1.1 %``."""


Cell: TypeAlias = str | int | float | date | datetime | None


Json: TypeAlias = "str | int | float | bool | Sequence[Json] | Mapping[str, Json] | None"


_PYTHON_TYPES: dict[Kind, tuple[type, ...]] = {
    "text": (str,),
    "figure": (str,),
    "int": (int,),
    "float": (int, float),
    "share": (int, float),
    "bool": (bool,),
    "date": (date,),
    "time": (datetime,),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name
        Its key in JSON, CSV and Parquet.
    heading
        The heading on a terminal.
    kind
        ``share`` is a fraction, shown to people as a percentage; ``time`` is aware; ``date`` is
        a UTC day.
    priority
        On a terminal that is too narrow, columns of the highest number are left out first, of equal
        ones the rightmost; 0 is never left out, nor is the first column of a table.
    breaks
        Whether a long word may be broken on a terminal, as in text of accounts: links, and scripts
        without spaces.
    """

    name: str
    heading: str
    kind: Kind = "text"
    priority: int = 1
    breaks: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows that every format can show.

    Parameters
    ----------
    name
        Its key in JSON.
    title
        The line above it on a terminal; may be empty.
    columns
        At least one.
    rows
        One cell for each column; None where there is no value, and then a note says why.
    notes
        Sentences below the table.
    bars
        Name of the column of numbers that is also drawn as bars, where the terminal can: shares
        beside the whole, other numbers beside the largest.
    lengths, lengths_heading
        Lengths of the bars, one a row and as fractions of the whole, where no column has them; and
        what they are the lengths of.
    stacks
        For each row parts of a whole, drawn as one bar of as many shades.

    Raises
    ------
    ValueError
        If two columns share a name, a row does not fit the columns, or a number is not finite.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    bars: str | None = None
    lengths: tuple[float | None, ...] = ()
    lengths_heading: str = ""
    stacks: tuple[tuple[float, ...], ...] = ()

    @property
    def shown(self) -> "Table":
        """The table without columns of text, the first excepted, that are empty in every row."""
        columns = [
            k
            for k, column in enumerate(self.columns)
            if k == 0 or column.kind != "text" or any(row[k] not in {None, ""} for row in self.rows)
        ]
        return replace(
            self,
            columns=tuple(self.columns[k] for k in columns),
            rows=tuple(tuple(row[k] for k in columns) for row in self.rows),
        )

    def first(self, most: int) -> "Table":
        """Return the first rows, with a note on how many there are."""
        if len(self.rows) <= most:
            return self
        note = f"The first {most} of {len(self.rows):,}; --format json has all."
        return replace(self, rows=self.rows[:most], notes=(note, *self.notes))

    def __post_init__(self) -> None:
        if self.lengths and len(self.lengths) != len(self.rows):
            raise ValueError(f"table {self.name}: {len(self.lengths)} bars, {len(self.rows)} rows")
        names = [column.name for column in self.columns]
        if len(set(names)) < len(names):
            raise ValueError(f"table {self.name}: two columns of one name among {names}")
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f"table {self.name}: {len(row)} cells, {len(self.columns)} columns"
                )
            for cell, column in zip(row, self.columns, strict=True):
                _check(cell, column, self.name)


def _check(cell: Cell, column: Column, table: str) -> None:
    """Raise for a cell that a format could not carry, before it reaches a user's file."""
    if cell is None:
        return
    where = f"table {table}, column {column.name}"
    if not isinstance(cell, _PYTHON_TYPES[column.kind]):
        raise ValueError(f"{where}: {cell!r} is not of kind {column.kind}")  # noqa: TRY004 - one error for a bad cell
    if isinstance(cell, float) and not isfinite(cell):
        raise ValueError(f"{where}: {cell!r} is not a number a report can carry")
    if isinstance(cell, datetime) and cell.tzinfo is None:
        raise ValueError(f"{where}: {cell!r} has no time zone")


@dataclass(frozen=True, slots=True)
class Fact:
    """One labelled line of the block that says where a result comes from."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """A result laid out for every format.

    Parameters
    ----------
    kind
        The report's name in JSON.
    tables
        What a terminal shows, in that order.
    summary
        The result in sentences made from its numbers, one a line.
    facts
        The provenance block.
    warnings
        Sentences that a reader must not overlook, such as on a gap in the window.
    data
        The tidy table that CSV and Parquet carry; by default the first of `tables`.
    content
        The complete JSON form without ``schema_version`` and ``kind``; by default every table as
        a list of objects under its name.
    notes
        Sentences below the tables.
    lists
        Tables below the notes, which may be long.
    details
        More tables, for those who ask for every detail.
    more
        Where details and facts are left out, what names the ways to them; if it is empty, they are
        always shown.
    """

    kind: str
    tables: tuple[Table, ...]
    summary: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    warnings: tuple[str, ...] = ()
    data: Table | None = None
    content: Mapping[str, Json] | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()
    lists: tuple[Table, ...] = ()
    details: tuple[Table, ...] = ()
    more: str = ""

    def blocks(self, *, verbose: bool) -> "Iterator[Block]":
        """Yield what people read, in order.

        Parameters
        ----------
        verbose
            Whether details and facts are shown where `more` names the ways to them.
        """
        if self.summary:
            yield Sentences(self.summary)
        if self.warnings:
            yield Sentences(self.warnings, "warning")
        yield from self.tables
        if self.notes:
            yield Sentences(self.notes)
        yield from self.lists
        if self.more and not verbose:
            yield Sentences((self.more,), "more")
            return
        yield from self.details
        if self.facts:
            yield Facts(self.facts)


@dataclass(frozen=True, slots=True)
class Sentences:
    """Sentences of a report, one a line."""

    texts: tuple[str, ...]
    kind: Literal["plain", "warning", "more"] = "plain"


@dataclass(frozen=True, slots=True)
class Facts:
    """The provenance block of a report."""

    facts: tuple[Fact, ...]


Block: TypeAlias = Sentences | Table | Facts
"""A part of a report that people read."""
