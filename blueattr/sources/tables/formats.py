"""Formats of tables: an importer is a file of SQL, whose comments say which files it is for."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from importlib import resources
from pathlib import Path

from blueattr.errors import InputError, UsageError
from blueattr.suggest import did_you_mean

__all__ = ["DRAWN", "Format", "FormatTable", "formats", "read_format"]


DRAWN = {
    "network": "the whole network",
    "users": "all that some users did",
    "keywords": "a search for words",
    "unknown": "nobody says how",
}
"""How the records of a data set were chosen."""


_KEY = re.compile(
    r"^-- (table|of|files|columns|header|gives|needs|unless|as of|drawn|note|example):\s*(.*)$"
)


@dataclass(frozen=True, slots=True)
class FormatTable:
    """One table of a format, and the statement that makes records of it.

    Parameters
    ----------
    name
        Of the table.
    query
        The statement, over ``input`` and the tables in `needs`.
    gives
        ``"records"``, ``"accounts"`` or ``"lookup"``: nothing but what others need.
    columns
        The names of its columns, in the order of a file without a header.
    required
        Those that such a file has in any case.
    has_header
        Whether a file of separated values has one.
    files
        How such files are called, as patterns.
    needs
        Other tables of the format, which the statement reads as well.
    unless
        A table of the format that has the same acts: beside it, this one only checks that.
    as_of
        When what it says of accounts was so; empty where a column says it.
    notes
        What a reader of the answer must know, one sentence each.
    of
        A table of the format in whose files it is, too; empty if it has files of its own.
    example
        Made-up rows: objects of JSON, or lines of a file without a header.
    """

    name: str
    query: str
    gives: str = "records"
    columns: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    has_header: bool = True
    files: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    unless: str = ""
    as_of: str = ""
    notes: tuple[str, ...] = ()
    of: str = ""
    example: tuple[str, ...] = ()

    @property
    def optional(self) -> tuple[str, ...]:
        """The columns that a file may lack."""
        return tuple(name for name in self.columns if name not in self.required)


@dataclass(frozen=True, slots=True)
class Format:
    """A format of tables.

    Parameters
    ----------
    name
        How it is named; part of the names of accounts that are no DIDs.
    title
        What it is, a sentence.
    drawn
        One of `DRAWN`.
    layouts
        Its tables.
    origin
        The file of its statements, for messages.
    """

    name: str
    title: str
    drawn: str
    layouts: tuple[FormatTable, ...]
    origin: str

    def layout(self, name: str) -> FormatTable:
        """Return a table by its name.

        Raises
        ------
        UsageError
            There is no such table.
        """
        for layout in self.layouts:
            if layout.name == name:
                return layout
        there = ", ".join(layout.name for layout in self.layouts)
        raise UsageError(f"{self.name} has no table {name!r}; it has: {there}")

    def fitting(self, path: Path, names: Sequence[str]) -> FormatTable:
        """Return the table that a file holds, by its columns or by its name.

        Parameters
        ----------
        names
            The names of its columns, as its first line or its schema says.

        Raises
        ------
        InputError
            It is not clear which.
        """
        layouts = [layout for layout in self.layouts if not layout.of]
        if len(layouts) == 1:
            return layouts[0]
        by_columns = [
            layout
            for layout in layouts
            if layout.has_header and layout.required and {*layout.required} <= {*names}
        ]
        # Of one that has the columns of several, those with most.
        most = max((len(layout.required) for layout in by_columns), default=0)
        found = [layout for layout in by_columns if len(layout.required) == most]
        if len(found) != 1:
            called = path.name.lower()
            candidates = found or layouts
            found = [
                layout
                for layout in candidates
                if any(fnmatch(called, pattern) for pattern in layout.files)
            ]
        if len(found) == 1:
            return found[0]
        there = ", ".join(layout.name for layout in layouts)
        raise InputError(
            f"{path}: it is not clear which table of {self.name} this is; say so, such as "
            f"{layouts[0].name}={path.name} (there are: {there})"
        )


def formats() -> tuple[Format, ...]:
    """Return the formats that are shipped, by their names."""
    folder = resources.files("blueattr.sql") / "sources" / "tables" / "formats"
    files = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return tuple(
        _parse((folder / name).read_text(encoding="utf-8"), name.removesuffix(".sql"), name)
        for name in files
    )


def read_format(name: str) -> Format:
    """Return a format by its name, or from a user's own file.

    Raises
    ------
    UsageError
        There is no such format, or the file says something that no format does.
    InputError
        The file cannot be read.
    """
    if name.endswith(".sql"):
        path = Path(name)
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "not text in UTF-8"
            raise InputError(f"cannot read {path}: {why}") from None
        return _parse(text, re.sub(r"[^a-z0-9-]", "-", path.stem.lower()) or "own", name)
    known = {each.name: each for each in formats()}
    if name not in known:
        hint = did_you_mean(name, known, "see: blueattr import --formats")
        raise UsageError(f"there is no format {name!r}; {hint}")
    return known[name]


def _parse(text: str, name: str, origin: str) -> Format:
    title, drawn = "", "unknown"
    said: dict[str, list[str]] = {}
    lines: list[str] = []
    layouts: list[FormatTable] = []

    def finish() -> None:
        if not said and not any(_is_code(line) for line in lines):
            return
        layouts.append(_layout(said, "\n".join(lines), origin))

    for line in text.splitlines():
        found = _KEY.match(line)
        if found is None:
            if not title and not layouts and not said and line.startswith("-- "):
                title = line.removeprefix("-- ")
            lines.append(line)
            continue
        key, value = found[1], found[2].strip()
        if key == "drawn":
            drawn = value
        elif key == "table":
            finish()
            said, lines = {"table": [value]}, []
        else:
            said.setdefault(key, []).append(value)
    finish()
    if drawn not in DRAWN:
        raise UsageError(f"{origin}: drawn is one of {', '.join(DRAWN)}, not {drawn!r}")
    if not layouts:
        raise UsageError(f"{origin}: there is no statement in it")
    return Format(name, title, drawn, tuple(layouts), origin)


def _layout(said: dict[str, list[str]], query: str, origin: str) -> FormatTable:
    gives = (said.get("gives") or ["records"])[0]
    if gives not in {"records", "accounts", "lookup"}:
        raise UsageError(f"{origin}: gives is records, accounts or lookup, not {gives!r}")
    columns = _list(said.get("columns", ()))
    return FormatTable(
        name=(said.get("table") or ["rows"])[0],
        query=query.strip().removesuffix(";"),
        gives=gives,
        columns=tuple(column.removesuffix("?") for column in columns),
        required=tuple(column for column in columns if not column.endswith("?")),
        has_header=(said.get("header") or ["yes"])[0] != "none",
        files=_list(said.get("files", ())),
        needs=_list(said.get("needs", ())),
        unless=(said.get("unless") or [""])[0],
        as_of=(said.get("as of") or [""])[0],
        notes=(" ".join(said["note"]),) if "note" in said else (),
        of=(said.get("of") or [""])[0],
        example=_rows(said.get("example", ())),
    )


def _rows(lines: Iterable[str]) -> tuple[str, ...]:
    """Return rows, of which an object of JSON may take several lines."""
    rows: list[str] = []
    for line in lines:
        if rows and rows[-1].startswith("{") and not line.startswith("{"):
            rows[-1] += f" {line}"
        else:
            rows.append(line)
    return tuple(rows)


def _list(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())


def _is_code(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("--")
