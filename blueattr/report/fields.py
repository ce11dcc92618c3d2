"""Fields of reports: each declared once, with its name, definition, kind, unit and heading.

JSON objects, tidy columns and rows, headings on a terminal, and the tables of docs/numbers.md are
made from that declaration.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import Any, Generic, TypeVar, cast

from blueattr.report.numbers import iso
from blueattr.report.tables import SCHEMA_VERSION, Cell, Column, Json, Kind, Report, Table

__all__ = ["REPORT", "Field", "Fields", "definitions", "tidy_table"]


T = TypeVar("T")


_UNITS: dict[Kind, str] = {
    "share": "share",
    "bool": "yes or no",
    "date": "UTC day",
    "time": "UTC",
}


@dataclass(frozen=True, slots=True, eq=False)
class Field(Generic[T]):
    """One field of a result of type ``T``.

    Parameters
    ----------
    name
        Its key in JSON, CSV and Parquet.
    sentence
        Its definition in docs/numbers.md, in Markdown; empty where the page defines the name
        for several reports.
    kind
        As of a column.
    unit
        For docs/numbers.md; by default the one that goes with the kind.
    heading
        What stands above it on a terminal, if not its name.
    get
        Returns the value of a result; by default the attribute of this name.
    json
        Returns the value in JSON where that differs from the cell of a tidy row.
    """

    name: str
    sentence: str = ""
    kind: Kind = "text"
    unit: str = ""
    heading: str = ""
    get: Callable[[T], object] | None = None
    json: Callable[[T], object] | None = None

    def value(self, item: T) -> object:
        """Return the value of a result."""
        return attrgetter(self.name)(item) if self.get is None else self.get(item)

    def column(self, kind: Kind | None = None, heading: str = "") -> Column:
        """Return a column for the field.

        Parameters
        ----------
        kind
            For instance ``figure`` where a table for people has the number as text.
        heading
            If it is not the field's own.
        """
        return Column(self.name, heading or self.heading or self.name, kind or self.kind)


class Fields(Generic[T]):
    """Fields of results of one type, in the order of JSON and of tidy columns.

    Parameters
    ----------
    fields
        At least one.
    inside
        Name of the field that holds these as an object. docs/numbers.md writes it before their
        names, as in ``worst.did``.
    """

    def __init__(self, *fields: Field[T], inside: str = "") -> None:
        self._fields = {field.name: field for field in fields}
        self.inside = inside

    def __iter__(self) -> Iterator[Field[T]]:
        return iter(self._fields.values())

    def __getitem__(self, name: str) -> Field[T]:
        return self._fields[name]

    def columns(self) -> tuple[Column, ...]:
        """Return a column for each field."""
        return tuple(field.column() for field in self)

    def cells(self, item: T | None) -> tuple[Cell, ...]:
        """Return the cells of a result below `columns`; None in each where there is no result."""
        if item is None:
            return (None,) * len(self._fields)
        return tuple(cast("Cell", field.value(item)) for field in self)

    def json(self, item: T, **values: Json) -> dict[str, Json]:
        """Return the fields as a JSON object.

        Parameters
        ----------
        item
            A result.
        values
            Values of fields that hold objects, lists of them, or need more than the result.

        Raises
        ------
        ValueError
            If there is no field of such a name.
        """
        if unknown := values.keys() - self._fields.keys():
            raise ValueError(f"no such field: {', '.join(sorted(unknown))}")
        return {
            field.name: values[field.name]
            if field.name in values
            else _json(field.value(item) if field.json is None else field.json(item))
            for field in self
        }


def _json(value: object) -> Json:
    if isinstance(value, date):
        return iso(value)
    if isinstance(value, tuple):
        return [_json(part) for part in value]
    return cast("Json", value)


REPORT: Fields[Report] = Fields(
    Field(
        "schema_version",
        "Version of the JSON format. It rises when a field changes its meaning or goes, not when "
        "one is added.",
        "int",
        get=lambda _: SCHEMA_VERSION,
    ),
    Field("kind", "Which report it is."),
)
"""What every JSON form begins with."""


def tidy_table(
    name: str,
    layout: Sequence[tuple[str, Fields[Any]]],
    rows: Iterable[Mapping[str, object]],
) -> Table:
    """Return a table of tidy data.

    Parameters
    ----------
    name
        Of the table.
    layout
        Fields in the order of the columns, each group with the name of the result that it is of.
    rows
        For each row the results by these names; None where one has no values in this row.
    """
    return Table(
        name=name,
        title="",
        columns=tuple(column for _, group in layout for column in group.columns()),
        rows=tuple(
            tuple(cell for of, group in layout for cell in group.cells(row[of])) for row in rows
        ),
    )


def definitions(groups: Iterable[Fields[Any]], elsewhere: Iterable[Field[Any]] = ()) -> str:
    """Return a Markdown table that defines fields, as docs/numbers.md has it.

    Fields of an object come below the field that holds it. Fields of one definition and unit share
    a row.

    Parameters
    ----------
    groups
        The fields; one that several groups have is defined once.
    elsewhere
        Fields that another table of the page defines.
    """
    groups = tuple(groups)
    nested = {
        field: f"{group.inside}.{field.name}" for group in groups for field in group if group.inside
    }
    ordered: dict[Field[Any], None] = {}
    for group in groups:
        for field in group:
            if group.inside or field not in nested:
                ordered[field] = None
            for inner in groups:
                if inner.inside == field.name and inner is not group:
                    ordered |= dict.fromkeys(inner)
    for field in elsewhere:
        ordered.pop(field, None)
    rows: dict[tuple[str, str], list[Field[Any]]] = {}
    for field in ordered:
        if field.sentence:
            unit = field.unit or _UNITS.get(field.kind, "")
            rows.setdefault((field.sentence, unit), []).append(field)
    lines = ["| field | what it is | unit |", "|---|---|---|"]
    for (sentence, unit), fields in rows.items():
        names = ", ".join(f"`{nested.get(field, field.name)}`" for field in fields)
        headings = ", ".join(dict.fromkeys(field.heading for field in fields if field.heading))
        shown = f" ({headings})".replace("|", r"\|") if headings else ""
        lines.append(f"| {names}{shown} | {sentence} | {unit}".rstrip() + " |")
    return "\n".join(lines) + "\n"
