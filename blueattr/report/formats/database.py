"""Tables as an SQLite file, and the description of each column, which Datasette shows."""

import json
import re
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeAlias

from blueattr.errors import OutputError
from blueattr.report.escape import HIDDEN
from blueattr.report.fields import Field
from blueattr.report.numbers import iso
from blueattr.report.tables import Cell, Kind

__all__ = ["DataColumn", "DataTable", "column_of", "database_bytes", "metadata_bytes"]


_Value: TypeAlias = str | int | float | None


_TYPES: dict[Kind, str] = {
    "text": "TEXT",
    "figure": "TEXT",
    "int": "INTEGER",
    "float": "REAL",
    "share": "REAL",
    "bool": "INTEGER",
    "date": "TEXT",
    "time": "TEXT",
}
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
# Lines of a text stay lines; all else that is hidden, or that no file can hold, is spelled out.
_SPELLED = re.compile(rf"(?![\n\t]){HIDDEN}|[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class DataColumn:
    """A column of a table of data.

    Parameters
    ----------
    name
        Any text.
    kind
        What it holds; yes and no are 1 and 0, days and times are in ISO 8601.
    description
        For people.
    """

    name: str
    kind: Kind
    description: str


@dataclass(frozen=True, slots=True)
class DataTable:
    """A table of data.

    Parameters
    ----------
    name, description
        Its name, and what a row is.
    columns, rows
        The rows have a cell for each column.
    key
        The columns that tell its rows apart.
    searched
        Text columns whose words can be searched for.
    sorted_by
        The column by which it is shown, the largest first; empty for its order.
    indexed, facets
        Columns by which it is often sorted, or filtered.
    """

    name: str
    description: str
    columns: tuple[DataColumn, ...]
    rows: Iterable[Sequence[Cell]]
    key: tuple[str, ...]
    searched: tuple[str, ...] = ()
    sorted_by: str = ""
    indexed: tuple[str, ...] = ()
    facets: tuple[str, ...] = field(default=())


def column_of(one: Field[Any], name: str = "", description: str = "") -> DataColumn:
    """Return a column for a field of reports, with its definition in plain words."""
    words = _LINK.sub(r"\1", description or one.sentence).replace("`", "").replace("\\|", "|")
    return DataColumn(name or one.name, one.kind, words)


def database_bytes(tables: Sequence[DataTable]) -> bytes:
    """Encode tables as an SQLite file.

    Parameters
    ----------
    tables
        Of different names.

    Returns
    -------
    bytes
        The same for the same tables and version of SQLite.

    Raises
    ------
    OutputError
        This Python's SQLite cannot index words (FTS5).
    """
    database = sqlite3.connect(":memory:")
    try:
        for table in tables:
            _create(database, table)
        database.commit()
        database.execute("VACUUM")
        return database.serialize()
    except sqlite3.OperationalError as error:
        raise OutputError(f"cannot make an SQLite file: {error}") from None
    finally:
        database.close()


def _create(database: sqlite3.Connection, table: DataTable) -> None:
    name = _quoted(table.name)
    columns = ", ".join(f"{_quoted(one.name)} {_TYPES[one.kind]}" for one in table.columns)
    key = ", ".join(map(_quoted, table.key))
    database.execute(f"CREATE TABLE {name} ({columns}, PRIMARY KEY ({key}))")
    places = ", ".join("?" * len(table.columns))
    database.executemany(
        f"INSERT INTO {name} VALUES ({places})",  # noqa: S608 - every name is quoted
        ([_value(cell) for cell in row] for row in table.rows),
    )
    for column in table.indexed:
        index = _quoted(f"{table.name} by {column}")
        database.execute(f"CREATE INDEX {index} ON {name} ({_quoted(column)})")
    if table.searched:
        # Datasette finds this index by its name and by what its content is.
        words = _quoted(f"{table.name}_fts")
        searched = ", ".join(map(_quoted, table.searched))
        database.execute(f"CREATE VIRTUAL TABLE {words} USING fts5({searched}, content={name})")
        database.execute(f"INSERT INTO {words}({words}) VALUES ('rebuild')")  # noqa: S608 - quoted


def _quoted(name: str) -> str:
    return '"' + _text(name).replace('"', '""') + '"'


def _value(cell: Cell) -> _Value:
    if isinstance(cell, bool):
        return int(cell)
    if isinstance(cell, str):
        return _text(cell)
    return iso(cell) if isinstance(cell, date) else cell


def _text(text: str) -> str:
    """Spell out control and bidirectional characters, but for the ends of lines."""
    return _SPELLED.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def metadata_bytes(
    database: str, title: str, description: str, source: str, tables: Sequence[DataTable]
) -> bytes:
    """Describe an SQLite file in the form that Datasette reads.

    Parameters
    ----------
    database
        The name of the file without its ending.
    title, description, source
        What it is about, what must be known, and where it comes from.
    tables
        What is in it.
    """
    content = {
        "title": _text(title),
        "description": _text(description),
        "source": _text(source),
        "databases": {
            database: {
                "tables": {
                    table.name: {
                        "description": table.description,
                        "columns": {one.name: one.description for one in table.columns},
                        **({"sort_desc": table.sorted_by} if table.sorted_by else {}),
                        **({"facets": list(table.facets)} if table.facets else {}),
                    }
                    for table in tables
                }
            }
        },
    }
    return json.dumps(content, indent=2).encode() + b"\n"
