"""A folder of logs that somebody else wrote: its files are read with every check, never run."""

import csv
import hashlib
import io
import math
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from blueattr.errors import InputError
from blueattr.scenarios.record import LARGEST, ImportedFile
from blueattr.scenarios.record_file import PICKLES, shown
from blueattr.user_path import user_path

__all__ = ["LogFolder", "LogTable", "number_in", "object_in"]


_MOST_BYTES = 1 << 28
_PICKLES = (".pkl", ".pickle", ".p", ".joblib")
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", re.ASCII)
_DECIMALS = re.compile(r"\.(\d*)")
_EXACT = 12  # decimals from which on a number is not taken for a rounded one


@dataclass(frozen=True)
class LogTable:
    """Some columns of a CSV file.

    Parameters
    ----------
    name
        The file's name, for messages.
    columns
        The texts of each column.
    """

    name: str
    columns: dict[str, list[str]]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(next(iter(self.columns.values())))

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Yield the rows."""
        return zip(*self.columns.values(), strict=True)

    def numbers(self, column: str, low: float = -LARGEST, high: float = LARGEST) -> Iterator[float]:
        """Yield the numbers of a column.

        Raises
        ------
        InputError
            One is no finite number within its bounds; the message has the line.
        """
        for line, text in enumerate(self.columns[column], 2):
            value = float(text) if _NUMBER.fullmatch(text) else math.nan
            if not (math.isfinite(value) and low <= value <= high):
                wanted = _allowed(low, high)
                raise InputError(
                    f"{self.name}, line {line}: {column} is {shown(text)}, not {wanted}"
                )
            yield value

    def half_unit(self, column: str) -> float:
        """Return by how much the numbers of a column may be off, for they are rounded."""
        most = 0
        for text in self.columns[column]:
            decimals = _DECIMALS.search(text)
            if "e" in text.lower():
                return 0.0
            most = max(most, len(decimals[1]) if decimals else 0)
        return 0.0 if most >= _EXACT else 0.5 * 10.0**-most


class LogFolder:
    """A folder of logs.

    Parameters
    ----------
    path
        Where it is.
    about
        Which logs these should be, and what writes them; ends messages on missing files.

    Raises
    ------
    InputError
        It is no folder.
    """

    def __init__(self, path: str | Path, about: str) -> None:
        self.name, self.about = str(path), about
        self.read_files: dict[str, ImportedFile] = {}
        where = user_path(path)
        if where.suffix.lower() in _PICKLES:
            raise InputError(f"{self.name} is a pickle; {self._no_pickles()}")
        if not where.is_dir():
            raise InputError(f"{self.name} is no folder; name the folder of {about}")
        self.root = Path(os.path.realpath(where))

    def _no_pickles(self) -> str:
        return (
            "pickles are never read, as to read one may run any code. EconAgent itself writes "
            "nothing else; the simulate.py of IEEE writes JSON and CSV, which are enough"
        )

    def names(self, under: str = ".") -> list[str]:
        """Return the names in a folder, in order; none if there is no such folder."""
        where = self.root / under
        if not where.is_dir() or not self._is_inside(where):
            return []
        try:
            return sorted(entry.name for entry in os.scandir(where))
        except OSError as error:
            raise InputError(f"cannot read {self.name}/{under}: {error.strerror}") from None

    def find(self, *names: str) -> str | None:
        """Return the first of some files that is there."""
        return next((name for name in names if os.path.lexists(self.root / name)), None)

    def read(self, name: str) -> bytes:
        """Return the bytes of a file, and keep its digest.

        Raises
        ------
        InputError
            It is not there, a link that leads out of the folder, no file, too large or a pickle.
        """
        full = f"{self.name}/{name}"
        where = self.root / name
        if not os.path.lexists(where):
            raise InputError(self._missing(name))
        if not self._is_inside(where):
            raise InputError(f"{full} is a link that leads out of the folder, and is not followed")
        try:
            status = where.stat()
            if not stat.S_ISREG(status.st_mode):
                raise InputError(f"{full} is no file")
            if status.st_size > _MOST_BYTES:
                raise InputError(f"{full} is larger than {_MOST_BYTES >> 20} MiB")
            data = where.read_bytes()
        except OSError as error:
            raise InputError(f"cannot read {full}: {error.strerror or error}") from None
        if data.startswith(PICKLES):
            raise InputError(f"{full} is a pickle; {self._no_pickles()}")
        self.read_files[name] = ImportedFile(name, hashlib.sha256(data).hexdigest())
        return data

    def _missing(self, name: str) -> str:
        pickles = [one for one in self._everything() if one.lower().endswith(_PICKLES)]
        if pickles:
            return f"{self.name} has no {name}, but {shown(pickles[0])}; {self._no_pickles()}"
        return f"{self.name} has no {name}; name the folder of {self.about}"

    def _everything(self) -> Iterator[str]:
        for folder in (".", *self.names()):
            yield from self.names(folder)

    def _is_inside(self, where: Path) -> bool:
        return Path(os.path.realpath(where)).is_relative_to(self.root)

    def json(self, name: str) -> Any:
        """Return what a JSON file holds.

        Raises
        ------
        InputError
            As `read`; or it is no JSON.
        """
        try:
            return orjson.loads(self.read(name))
        except orjson.JSONDecodeError as error:
            raise InputError(f"{self.name}/{name} is not JSON ({error})") from None

    def table(self, name: str, columns: Sequence[str]) -> LogTable:
        """Return some columns of a CSV file.

        Raises
        ------
        InputError
            As `read`; or it is no CSV, or lacks a column or a value.
        """
        full = f"{self.name}/{name}"
        try:
            text = self.read(name).decode("utf-8-sig")
        except UnicodeDecodeError:
            raise InputError(f"{full} is not UTF-8") from None
        rows = csv.reader(io.StringIO(text, newline=""), strict=True)
        try:
            header = [one.strip() for one in next(rows, [])]
            missing = [column for column in columns if column not in header]
            if missing:
                raise InputError(f"{full} lacks the column {missing[0]}")
            places = [header.index(column) for column in columns]
            found: dict[str, list[str]] = {column: [] for column in columns}
            for row in rows:
                if not row:
                    continue
                if len(row) != len(header):
                    raise InputError(
                        f"{full}, line {rows.line_num}: {len(row)} values under {len(header)} names"
                    )
                for column, place in zip(columns, places, strict=True):
                    found[column].append(row[place])
        except csv.Error as error:
            raise InputError(f"{full}, line {rows.line_num}: it is no CSV ({error})") from None
        table = LogTable(full, found)
        if not len(table):
            raise InputError(f"{full} has no rows")
        return table

    @property
    def imported(self) -> tuple[ImportedFile, ...]:
        """The files that were read, in order of their names."""
        return tuple(self.read_files[name] for name in sorted(self.read_files))


def object_in(value: object, what: str) -> dict[str, Any]:
    """Return a JSON object.

    Raises
    ------
    InputError
        It is something else.
    """
    if not isinstance(value, dict):
        raise InputError(f"{what} is {shown(value)}, not an object")
    return value


def number_in(value: object, what: str, low: float = -LARGEST, high: float = LARGEST) -> float:
    """Return a number of a JSON file.

    Raises
    ------
    InputError
        It is something else, not finite, or out of bounds.
    """
    number = math.nan
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
    if not (math.isfinite(number) and low <= number <= high):
        raise InputError(f"{what} is {shown(value)}, not {_allowed(low, high)}")
    return number


def _allowed(low: float, high: float) -> str:
    return f"a number from {low:g} to {high:g}"
