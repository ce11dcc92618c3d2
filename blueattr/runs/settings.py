"""Settings and where each comes from: a flag, the environment, a line of the file, a default."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from blueattr.errors import BlueattrError, UsageError
from blueattr.suggest import did_you_mean
from blueattr.toml_file import Place, TomlFile
from blueattr.user_path import user_path

__all__ = [
    "Document",
    "FilePath",
    "Flag",
    "Key",
    "ListOf",
    "Numbers",
    "Origin",
    "Section",
    "Setting",
    "Settings",
    "Text",
    "Time",
    "Whole",
    "Words",
    "settle",
]


# --- the types of values, checked by pydantic, with messages of our own ---------------------------


def _listed(value: object) -> object:
    """Accept a list of one value without brackets."""
    return tuple(value) if isinstance(value, list) else (value,)


def _spelled_time(value: object) -> object:
    return value.isoformat() if isinstance(value, date | datetime) else value


Word: TypeAlias = Annotated[str, Field(pattern=r"\S")]
Text: TypeAlias = Annotated[Word, Field(description="a text")]
FilePath: TypeAlias = Annotated[Word, Field(description="a path as text")]
Whole: TypeAlias = Annotated[int, Field(description="a whole number")]
Flag: TypeAlias = Annotated[bool, Field(description="true or false")]
_Item = TypeVar("_Item")
ListOf = Annotated[
    tuple[_Item, ...],
    BeforeValidator(_listed),
    Field(min_length=1, description="a text or a list of texts"),
]
Words: TypeAlias = ListOf[Word]
Numbers: TypeAlias = Annotated[
    tuple[int | float, ...],
    BeforeValidator(_listed),
    Field(min_length=1, description="a number or a list of numbers"),
]
Time: TypeAlias = Annotated[
    Word,
    BeforeValidator(_spelled_time),
    Field(description="a date or time, such as 2026-04-09 or 2026-04-09T12:00:00Z"),
]
"""A UTC date or time, as a TOML value or as text."""


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind, config=ConfigDict(strict=True))


def _problem(kind: Any, value: object, error: ValidationError) -> str:
    """Return what is wrong with a value, as a sentence."""
    first = error.errors(include_url=False)[0]
    match first["type"]:
        case "literal_error":
            allowed = str(first["ctx"]["expected"]).replace("'", "").replace(" or ", ", ")
            return f"{first['input']!r} is none of {allowed}"
        case "greater_than_equal" | "less_than_equal":
            bounds = _adapter(kind).json_schema()
            return f"{value} is not from {bounds['minimum']:,} to {bounds['maximum']:,}"
        case _:
            description = _adapter(kind).json_schema().get("description", "another value")
            return f"should be {description}, not {_shown(value)}"


@dataclass(frozen=True, slots=True)
class Key:
    """A setting that a file can have.

    Parameters
    ----------
    name
        Its name in the file.
    kind
        The type of its values, as pydantic checks it.
    default
        Its value if it is not set; None for "not set".
    check
        Takes a value of that type, and raises a `UsageError` if the value makes no sense.
    required
        Whether it must be set.
    """

    name: str
    kind: Any
    default: Any = None
    check: Callable[[Any], object] | None = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A table of a file; the one with an empty name is the top of the file.

    Parameters
    ----------
    name, keys
        Its name, and the settings that it can have; ``a.b`` is the table b in the table a.
    repeated
        Whether there can be several: ``[[name]]``.
    required
        Whether there must be one; a repeated one can be empty: ``name = []``.
    """

    name: str
    keys: tuple[Key, ...]
    repeated: bool = False
    required: bool = False


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from: its kind, and the option, variable or ``FILE:LINE`` for people."""

    kind: Literal["flag", "environment", "file", "default"]
    where: str = ""

    def __str__(self) -> str:
        """Return kind and place; for a file, only the place."""
        return self.where if self.kind == "file" else f"{self.kind} {self.where}".strip()


@dataclass(frozen=True, slots=True)
class Setting:
    """A value in force."""

    place: Place
    value: Any
    origin: Origin

    @property
    def name(self) -> str:
        """The place as people write it, counted from 1: ``sources[1].read``."""
        return _spelled(self.place)

    @property
    def section(self) -> str:
        """The name of its section: ``sources``."""
        return ".".join(part for part in self.place[:-1] if isinstance(part, str))


class Settings:
    """All values in force.

    Parameters
    ----------
    values
        The settings.
    document
        The file, to whose folder its paths are relative; None if there is none.
    """

    def __init__(self, values: Sequence[Setting], document: "Document | None" = None) -> None:
        self._document = document
        self._by_place = {setting.place: setting for setting in values}

    @property
    def file(self) -> Path | None:
        """The path of the file, as the user wrote it."""
        return self._document.path if self._document else None

    @property
    def folder(self) -> Path | None:
        """The folder of the file."""
        return self._document.path.resolve().parent if self._document else None

    def __iter__(self) -> Iterator[Setting]:
        return iter(self._by_place.values())

    def __getitem__(self, place: Place) -> Any:
        return self._by_place[place].value

    def setting(self, *place: str | int) -> Setting:
        """Return a value with its origin."""
        return self._by_place[place]

    def section(self, *place: str | int) -> dict[str, Any]:
        """Return the values of a table by name."""
        return {
            str(at[-1]): setting.value for at, setting in self._by_place.items() if at[:-1] == place
        }

    def count(self, name: str) -> int:
        """Count the tables ``[[name]]``."""
        return len({at[:-1] for at, one in self._by_place.items() if one.section == name})

    def path(self, *place: str | int) -> Path | None:
        """Return a path; one that the file names is relative to the file's folder."""
        setting = self._by_place[place]
        return None if setting.value is None else self.located(setting, setting.value)

    def located(self, setting: Setting, text: str) -> Path:
        """Return the path that a text means at the origin of a setting."""
        path = user_path(text)
        # A default is relative to the file too: a scheduled run has no useful current folder.
        is_typed = setting.origin.kind in {"flag", "environment"}
        return path if is_typed or self.folder is None else self.folder / path

    def blame(self, place: Place, problem: object) -> UsageError:
        """Make an error about a value, with its file, line and name."""
        setting = self._by_place[place]
        origin = setting.origin
        if origin.kind == "default" and self._document is not None:
            origin = self._document.origin(place)
        words = re.sub(r"(?<!\S)--(?=[a-z])", "", str(problem))
        return UsageError(f"{origin}: {setting.name}: {words}")


class Document(TomlFile):
    """A file of settings.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    UsageError
        See `blueattr.toml_file.TomlFile`.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, "the settings", UsageError)

    def origin(self, place: Place) -> Origin:
        """Return a place's file and line."""
        return Origin("file", f"{self.path}:{self.line(place)}")


def settle(
    sections: Sequence[Section],
    document: Document | None,
    overrides: Mapping[Place, tuple[Any, Origin]],
) -> Settings:
    """Return the settings in force: overrides first, then the file, then the defaults.

    Parameters
    ----------
    sections
        All sections and settings.
    document
        The file, if there is one.
    overrides
        Values of flags and of the environment, with their origins.

    Raises
    ------
    UsageError
        Settings are unknown, missing, or of the wrong type or value. The message names each of them
        with its file and line, and for an unknown one the nearest known name.
    """
    reader = _Reader(document)
    values = [setting for section in sections for setting in reader.section(section, overrides)]
    reader.refuse_unknown(sections)
    settings = Settings(values, document)
    keys = {(section.name, key.name): key for section in sections for key in section.keys}
    for setting in values:
        check = keys[setting.section, str(setting.place[-1])].check
        if check is None or setting.value is None or setting.place in reader.wrong:
            continue
        try:
            check(setting.value)
        except BlueattrError as error:
            reader.note(setting.place, str(settings.blame(setting.place, error)))
    reader.report()
    return settings


class _Reader:
    """Reads a document section by section, and collects what is wrong with it."""

    def __init__(self, document: Document | None) -> None:
        self.document = document
        self.content = document.content if document else {}
        self.problems: list[tuple[int, str]] = []
        self.wrong: set[Place] = set()

    def note(self, place: Place, text: str) -> None:
        line = self.document.line(place) if self.document else 0
        self.problems.append((line, text))

    def report(self) -> None:
        if self.problems:
            by_line = sorted(self.problems, key=lambda problem: problem[0])
            raise UsageError("\n".join(text for _, text in by_line))

    def _complain(self, place: Place, problem: str) -> None:
        where = f"{self.document.origin(place)}: " if self.document else ""
        self.wrong.add(place)
        self.note(place, f"{where}{_spelled(place)}: {problem}")

    def section(
        self, section: Section, overrides: Mapping[Place, tuple[Any, Origin]]
    ) -> Iterator[Setting]:
        if not section.name:
            yield from self._keys(section, (), self.content, overrides)
            return
        place: Place = tuple(section.name.split("."))
        value: Any = self.content
        for name in place:
            value = value.get(name) if isinstance(value, dict) else None
        if value is None and section.required:
            form = f"[[{section.name}]]" if section.repeated else f"[{section.name}]"
            self._complain(place, f"missing; the file needs {form}")
        if not section.repeated:
            if value is not None and not isinstance(value, dict):
                self._complain(place, f"should be a table, [{section.name}]")
                value = None
            yield from self._keys(section, place, value or {}, overrides)
            return
        tables = [] if value is None else value
        if not isinstance(tables, list) or any(not isinstance(x, dict) for x in tables):
            self._complain(place, f"should be tables, [[{section.name}]]")
            return
        for number, table in enumerate(tables):
            yield from self._keys(section, (*place, number), table, overrides)

    def _keys(
        self,
        section: Section,
        place: Place,
        table: Mapping[str, Any],
        overrides: Mapping[Place, tuple[Any, Origin]],
    ) -> Iterator[Setting]:
        for key in section.keys:
            at = (*place, key.name)
            if at in overrides:
                value, origin = overrides[at]
            elif key.name in table and self.document is not None:
                value, origin = self._typed(key, at, table[key.name]), self.document.origin(at)
            else:
                value, origin = key.default, Origin("default")
                if key.required:
                    self._complain(at, "missing")
            yield Setting(at, value, origin)

    def _typed(self, key: Key, place: Place, value: object) -> Any:
        if _has_nul(value):
            self._complain(place, "has a NUL character, which no path or name has")
            return None
        try:
            return _adapter(key.kind).validate_python(value)
        except ValidationError as error:
            self._complain(place, _problem(key.kind, value, error))
            return None

    def refuse_unknown(self, sections: Sequence[Section]) -> None:
        self._refuse_unknown(self.content, (), "", sections)

    def _refuse_unknown(
        self, table: Mapping[str, Any], place: Place, name: str, sections: Sequence[Section]
    ) -> None:
        """Refuse what is neither a setting of the section `name` nor a section within it."""
        within = f"{name}." if name else ""
        tables = {
            section.name.removeprefix(within): section.name
            for section in sections
            if section.name != name
            and section.name.startswith(within)
            and "." not in section.name.removeprefix(within)
        }
        known = {key.name for section in sections if section.name == name for key in section.keys}
        for key, value in table.items():
            at = (*place, key)
            if key in tables:
                inner = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
                for number, one in inner:
                    if isinstance(one, dict):
                        where: Place = at if number is None else (*at, number)
                        self._refuse_unknown(one, where, tables[key], sections)
            elif key not in known:
                self._unknown(at, {*known, *tables}, sections)

    def _unknown(self, place: Place, key_names: set[str], sections: Sequence[Section]) -> None:
        name = str(place[-1])
        elsewhere = [s.name for s in sections for key in s.keys if key.name == name]
        if elsewhere:
            hint = f"it belongs in [{elsewhere[0]}]" if elsewhere[0] else "it belongs at the top"
        else:
            names = sorted(key_names)
            hint = did_you_mean(name, names, f"known here: {', '.join(names)}")
        self._complain(place, f"unknown setting; {hint}")


def _has_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    return isinstance(value, list) and any(map(_has_nul, value))


def _spelled(place: Place) -> str:
    text = ""
    for part in place:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            # A key is the user's own text; quote it unless it is a plain word.
            word = part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else repr(part)
            text += f".{word}" if text else word
    return text


def _shown(value: object) -> str:
    match value:
        case bool():
            return f"{str(value).lower()}"
        case str():
            return f"the text {value[:80]!r}"
        case dict():
            return "a table"
        case list():
            return "a list" + (f" with {_shown(value[0])}" if value else " of nothing")
        case _:
            return str(value)
