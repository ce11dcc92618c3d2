"""Read a TOML file, with the line of each of its values."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

from blueattr.errors import BlueattrError, InputError

__all__ = ["Place", "TomlFile"]


Place: TypeAlias = tuple[str | int, ...]
"""The keys and indices that lead to a value: ``("sources", 0, "read")``."""


# People write such files by hand; a larger or deeper file is something else.
_LARGEST = 1 << 18
_DEEPEST = 64


# The tokens of TOML. Only brackets and line ends outside strings and comments matter.
_TOKEN = re.compile(
    r'''
      """ (?: [^"\\] | \\. | "{1,2} (?!") )* """ "{0,2}
    | \'\'\' (?: [^'] | '{1,2} (?!') )* \'\'\' '{0,2}
    | " (?: [^"\\\n] | \\. )* "
    | ' [^'\n]* '
    | \# [^\n]*
    | (?P<opens> [\[{] )
    | (?P<closes> [\]}] )
    | (?P<ends> \n )
    | [^"'\#\[\]{}\n]+
    ''',
    re.VERBOSE | re.DOTALL,
)


class TomlFile:
    """A TOML file, with the line of each value.

    Parameters
    ----------
    path
        The file.
    what
        Its content, for the error message: ``the settings``.
    error
        The type of error to raise.

    Raises
    ------
    BlueattrError
        Of type `error`: the file cannot be read, is not TOML, is larger than 256 KiB, or nests
        tables and lists deeper than 64. The message names the file and, where it can, the line.
    """

    def __init__(self, path: Path, what: str, error: type[BlueattrError] = InputError) -> None:
        self.path = path
        self._text = _read(path, what, error)
        try:
            self.content: dict[str, Any] = tomllib.loads(self._text)
            _check_depth(self.content)
        except RecursionError:
            raise error(
                f"{path}: its tables or lists are nested deeper than {_DEEPEST} levels"
            ) from None
        except tomllib.TOMLDecodeError as problem:
            raise error(self._not_toml(str(problem))) from None
        except ValueError:  # Python makes no number of so many digits
            raise error(f"{path}:{self._long_number()}: a number has too many digits") from None
        self._lines: dict[Place, int] | None = None

    def line(self, place: Place) -> int:
        """Return the number of the line where a value begins.

        If the file has no such value, it is the line of the table that lacks it, or 1.
        """
        if self._lines is None:
            self._lines = _find_lines(self._text)
        while place and place not in self._lines:
            place = place[:-1]
        return self._lines.get(place, 1)

    def _long_number(self) -> int:
        """Return the line of the first number with very many digits, outside texts and comments."""
        number = 1
        for token in _TOKEN.finditer(self._text):
            if re.search(r"\d[\d_]{4000}", token[0]) and token[0][0] not in "\"'#":
                break
            number += token[0].count("\n")
        return number

    def _not_toml(self, message: str) -> str:
        lines = self._text.split("\n")
        at = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", message)
        what = message[: at.start()] if at else message
        number = int(at[1]) if at and at[1] else len(lines)
        shown = repr(lines[number - 1].strip()[:80]) if at and at[1] else "the end of the file"
        return f"{self.path}:{number}: not TOML at {shown}: {what}"


def _read(path: Path, what: str, error: type[BlueattrError]) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
        text = raw.decode("utf-8-sig")
    except OSError as problem:
        raise error(f"cannot read {what} in {path}: {problem.strerror}") from None
    except UnicodeDecodeError as problem:
        line = raw.count(b"\n", 0, problem.start) + 1
        raise error(f"{path}:{line}: this is not text in UTF-8") from None
    if len(raw) > _LARGEST:
        raise error(f"{path} is too large: it may have {_LARGEST >> 10} KiB")
    return text.replace("\r\n", "\n")


def _check_depth(content: dict[str, Any]) -> None:
    # Dotted keys nest without the parser's recursion.
    level: list[object] = [content]
    for _ in range(_DEEPEST):
        level = [inner for value in level for _, inner in _items(value)]
        if not level:
            return
    raise RecursionError


def _items(value: object) -> Iterator[tuple[str | int, object]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)


def _find_lines(text: str) -> dict[Place, int]:
    """Find the line where each value begins, in one pass over a valid document."""
    lines: dict[Place, int] = {}
    # How many tables each [[name]] has so far.
    tables: dict[Place, int] = {}
    inside: Place = ()
    for number, statement in _statements(text):
        content = tomllib.loads(statement)
        if statement.lstrip().startswith("["):
            inside = _enter(content, tables, repeated=statement.lstrip().startswith("[["))
            for end in range(1, len(inside) + 1):
                lines.setdefault(inside[:end], number)
        else:
            for place in _below(inside, content):
                lines.setdefault(place, number)
    return lines


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Split a valid document into statements, each with the number of its first line."""
    depth, start, number, first = 0, 0, 1, 1
    for token in _TOKEN.finditer(text):
        if token["opens"]:
            depth += 1
        elif token["closes"]:
            depth -= 1
        number += token[0].count("\n")
        if token["ends"] and depth == 0:
            yield first, text[start : token.end()]
            start, first = token.end(), number
    yield first, text[start:]


def _enter(content: dict[str, Any], tables: dict[Place, int], *, repeated: bool) -> Place:
    """Return the place of the table that a header opens."""
    names = []
    value: Any = content
    while isinstance(value, dict) and value:
        ((name, value),) = value.items()
        names.append(name)
    place: Place = ()
    for name in names[:-1]:
        place = (*place, name)
        if place in tables:
            place = (*place, tables[place] - 1)
    place = (*place, names[-1])
    if repeated:
        tables[place] = tables.get(place, 0) + 1
        place = (*place, tables[place] - 1)
    return place


def _below(place: Place, value: object) -> Iterator[Place]:
    for key, inner in _items(value):
        yield (*place, key)
        yield from _below((*place, key), inner)
