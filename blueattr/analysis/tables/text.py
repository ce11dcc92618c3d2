"""Tables in text: values separated by commas, semicolons, tabs or bars, below a header."""

import csv
import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from io import BufferedReader, BytesIO, FileIO, StringIO
from itertools import accumulate
from typing import NamedTuple, TypeAlias

import polars as pl

from blueattr.analysis.tables.numbers import read_numbers
from blueattr.attribution.frames import has_parts, name_columns
from blueattr.attribution.inputs import Where, row_number

__all__ = ["TextTable", "UnreadableError", "decoded", "read_text"]


_SEPARATORS = ",;\t|"
_START = 1 << 20
_LONGEST_PREAMBLE = 1000
_NO_TEXT = re.compile(rb"[\x00-\x06\x0e-\x1a]")
_BYTE_ORDER_MARKS = {
    BOM_UTF32_LE: "utf-32", BOM_UTF32_BE: "utf-32", BOM_UTF16_LE: "utf-16", BOM_UTF16_BE: "utf-16",
}  # fmt: skip

_File: TypeAlias = FileIO | BytesIO
_IsHeader: TypeAlias = Callable[[Sequence[str], Mapping[str, str]], bool]


class UnreadableError(Exception):
    """What is wrong with a file, to end a sentence."""


class TextTable(NamedTuple):
    """A table as it was read.

    Parameters
    ----------
    frame
        Its columns by their own names.
    notes
        What was passed over and how numbers are spelled, one sentence each.
    where
        Says where a row is in the file.
    """

    frame: pl.DataFrame
    notes: tuple[str, ...] = ()
    where: Where = row_number


def read_text(
    file: _File,
    columns: Mapping[str, str],
    texts: Collection[str] = (),
    is_header: _IsHeader = has_parts,
) -> TextTable:
    """Read a table in text, with the lines before its header and empty lines passed over.

    Parameters
    ----------
    file
        The file, at its beginning.
    columns
        See `blueattr.attribution.frames.name_columns`.
    texts
        Columns that are text even if their cells look like numbers: "07" is not "7". Letter case of
        their names makes no difference.
    is_header
        Returns whether these names, with those columns, are a header: the first such line is. By
        default the columns that features need.

    Raises
    ------
    UnreadableError
        It is not text, or a line has more values than the header.
    FeatureError, UsageError
        As `blueattr.attribution.frames.name_columns`, or as
        `blueattr.analysis.tables.numbers.read_numbers`.
    """
    text = _Text(decoded(file), columns, is_header)
    parts = name_columns(text.names, columns)
    rows = text.rows()
    key = next((parts[part] for part in ("did", "agent") if part in parts), None)
    rows, empty = _without_empty(rows, None if key is None else text.names.index(key))
    cells = {name: rows.to_series(k).alias(name) for k, name in enumerate(text.names) if name}
    played = [parts[part] for part in ("a", "b", "c", "followers", "activity") if part in parts]
    agents = rows.to_series(0) if key is None else cells[key]
    numbers = read_numbers(
        [cells[name] for name in dict.fromkeys(played)], text.separator, agents, text.where
    )
    read = {column.name: column for column in numbers.columns}
    kept = {name.strip().casefold() for name in texts}
    frame = pl.DataFrame(
        [
            cell.str.strip_chars()
            if name == key
            else read.get(name, cell if name.strip().casefold() in kept else _inferred(cell))
            for name, cell in cells.items()
        ]
    )
    notes = [_passed_over(text.preamble, "line", "before the header")] * bool(text.preamble)
    notes += [_passed_over(empty, "empty line")] * bool(empty)
    notes += ["Numbers have a decimal comma."] * numbers.decimal_comma
    return TextTable(frame, tuple(notes), text.where)


def _passed_over(number: int, what: str, which: str = "") -> str:
    be = "was" if number == 1 else "were"
    return " ".join(
        filter(None, [f"{number} {what}{'s' * (number > 1)}", which, f"{be} passed over."])
    )


def _inferred(column: pl.Series) -> pl.Series:
    """Return a column that plays no part as numbers, if its cells are."""
    for kind in (pl.Int64, pl.Float64):
        head = column.head(100)
        if head.cast(kind, strict=False).null_count() == head.null_count():
            numbers = column.cast(kind, strict=False)
            if numbers.null_count() == column.null_count():
                return numbers
    return column


def _without_empty(rows: pl.DataFrame, key: int | None) -> tuple[pl.DataFrame, int]:
    """Return a table without rows that have nothing in them, and the number of those."""
    if key is None:
        return rows, 0
    nobody = rows.select(pl.nth(key).str.strip_chars().replace("", None).is_null()).to_series()
    if not nobody.any():
        return rows, 0
    # Few rows have no agent, so that only those are looked at.
    nothing = pl.all_horizontal(pl.all().str.strip_chars().replace("", None).is_null())
    empty = nobody.arg_true().filter(rows.filter(nobody).select(nothing).to_series())
    kept = ~pl.int_range(rows.height, eager=True).is_in(empty.implode())
    return rows.filter(kept), len(empty)


class _Text:
    """The lines of a table: where its header is, and what separates its values."""

    def __init__(self, file: _File, columns: Mapping[str, str], is_header: _IsHeader) -> None:
        self._file = file
        lines = _first_lines(file)
        self.preamble, self.separator = _find_header(lines, columns, is_header)
        self.names = _split(lines[self.preamble], self.separator)
        if not any(self.names):
            raise UnreadableError("it is empty")
        if not is_header(self.names, columns):
            _refuse_other(lines, self.names, self.preamble + 1)

    def rows(self) -> pl.DataFrame:
        """Return the rows below the header as text; what is empty is null or blank."""
        self._file.seek(0)
        try:
            rows = pl.read_csv(
                self._file,
                separator=self.separator,
                skip_lines=self.preamble,
                infer_schema=False,
            )
        except pl.exceptions.PolarsError:
            return self._rows_one_by_one()
        return rows if rows.width == len(self.names) else self._rows_one_by_one()

    def where(self, row: int) -> str:
        """Return the line of the row of that number, without empty ones, from 0."""
        try:
            for k, (line, _) in enumerate(self._records()):
                if k == row:
                    return f"line {line}"
        except UnreadableError:
            pass
        return row_number(row)

    def _rows_one_by_one(self) -> pl.DataFrame:
        """Read what is not quite as it should be, or say which line is not."""
        width = len(self.names)
        rows = []
        for line, row in self._records():
            if any(row[width:]):
                raise UnreadableError(
                    f"line {line} has {len(row)} values, and the header has {width}"
                    + f" (line {self.preamble + 1})" * bool(self.preamble)
                )
            rows.append([*row[:width], *[None] * (width - len(row))])
        columns = list(zip(*rows, strict=True)) or [()] * width
        return pl.DataFrame(
            [pl.Series(str(k), column, dtype=pl.String) for k, column in enumerate(columns)]
        )

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the rows below the header that are not empty, each with its first line."""
        header = True
        self._file.seek(0)
        buffered = BufferedReader(self._file)
        lines = _Lines(buffered, self.preamble)
        reader = csv.reader(lines, delimiter=self.separator, skipinitialspace=True)
        try:
            first, quotes = lines.number + 1, 0
            for row in reader:
                if lines.number > first and (lines.quotes - quotes) % 2:
                    raise UnreadableError(f"a quotation mark in line {first} is not closed")
                cells = [cell.strip() for cell in row]
                if any(cells) and not header:
                    yield first, cells
                header = False
                first, quotes = lines.number + 1, lines.quotes
        except csv.Error:
            raise UnreadableError(f"line {lines.number} is not text in separated values") from None
        finally:
            buffered.detach()


class _Lines:
    """The lines of a file from one on, counted, with the quotation marks in them."""

    def __init__(self, file: Iterator[bytes], skip: int) -> None:
        self._file = file
        self.number, self.quotes = 0, 0
        for _ in range(skip):
            next(self)
        self.quotes = 0

    def __iter__(self) -> "Iterator[str]":
        return self

    def __next__(self) -> str:
        line = next(self._file)
        self.number += 1
        self.quotes += line.count(b'"')
        try:
            return line.decode("utf-8-sig" if self.number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise UnreadableError(f"line {self.number} is not text in UTF-8") from None


def decoded(file: _File) -> _File:
    """Return a text in UTF-8 whose lines end as those of Unix or of Windows."""
    start = file.read(_START)
    coding = next(
        (name for mark, name in _BYTE_ORDER_MARKS.items() if start.startswith(mark)), None
    )
    if coding is None and b"\0" in start:  # UTF-16 without its mark
        odd, even = start[1::2].count(0), start[::2].count(0)
        coding = "utf-16-le" if odd > even else "utf-16-be"
        if max(odd, even) < len(start) // 4:
            coding = None
    if coding is None and _NO_TEXT.search(start):
        raise UnreadableError("it is no text in spite of its name")
    old = b"\r" in start and b"\n" not in start  # as on a Macintosh of the last century
    if coding is None and not old:
        file.seek(0)
        return file
    data = start + file.read()
    try:
        text = data if coding is None else data.decode(coding).encode()
    except UnicodeError:
        text = b"\0"
    text = text.removeprefix(BOM_UTF8)
    if _NO_TEXT.search(text[:_START]):
        raise UnreadableError("it is cut off, or no text in spite of its name")
    return BytesIO(text if b"\n" in text else text.replace(b"\r", b"\n"))


def _first_lines(file: _File) -> list[str]:
    """Return the lines of a file's start: one that a quotation goes on from has those after it."""
    file.seek(0)
    start = file.read(_START).removeprefix(BOM_UTF8)
    lines = start.decode(errors="replace").split("\n", _LONGEST_PREAMBLE)[:_LONGEST_PREAMBLE]
    for number, line in enumerate(lines):
        if line.count('"') % 2:
            lines[number] = _closed(lines[number:])
    return lines


def _closed(lines: Sequence[str]) -> str:
    """Return the first of these lines with those up to the one that closes its quotation."""
    quotes = accumulate(line.count('"') for line in lines)
    end = next((k for k, number in enumerate(quotes, 1) if number % 2 == 0), 1)
    return "\n".join(lines[:end])


def _find_header(
    lines: Sequence[str], columns: Mapping[str, str], is_header: _IsHeader
) -> tuple[int, str]:
    """Return how many lines are before the header, and the separator."""
    for number, line in enumerate(lines):
        for separator in _SEPARATORS:
            if is_header(_split(line, separator), columns):
                return number, separator
    # What lacks a column is said of the line that looks most like a header.
    filled = [number for number, line in enumerate(lines) if line.strip()]
    if not filled:
        return 0, _most_frequent(lines[0]) if lines else ","
    rows = [_split(lines[number], _most_frequent(lines[number])) for number in filled]
    widths = [len(row) for row in rows]
    starts = [k for k, width in enumerate(widths) if k == 0 or width != widths[k - 1]]
    lengths = {
        k: (end - k) * (widths[k] > 1)
        for k, end in zip(starts, [*starts[1:], len(rows)], strict=True)
    }
    # The table is what has most rows of one width. A preamble of names and values before it, as
    # NetLogo writes one, can have that width, too.
    first = max(starts, key=lengths.__getitem__)
    if [_are_names(row) for row in rows[first : first + 4]] == [True, False, True, False]:
        first += 2
    return filled[first], _most_frequent(lines[filled[first]])


def _are_names(row: Sequence[str]) -> bool:
    return all(cell and not _is_number(cell) for cell in row)


def _refuse_other(lines: Sequence[str], names: Sequence[str], number: int) -> None:
    """Say what a text is that has no header: JSON, or rows alone."""
    start = "".join(lines[:5]).split()
    if re.match(r"\[?\{[\"}]|\[[\[\]\"]", "".join(start)):
        raise UnreadableError("it is JSON: its name should end in .json, or in .jsonl")
    given = [name for name in names if name]
    if 2 * sum(map(_is_number, given)) >= len(given) > 1:
        raise UnreadableError(
            f"it has no header: line {number} has numbers where the names of columns should be, "
            "such as did, a, b, c"
        )


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True


def _most_frequent(line: str) -> str:
    # A separator within quotes separates nothing.
    bare = re.sub(r'"[^"]*"', "", line)
    return max(_SEPARATORS, key=bare.count)


def _split(line: str, separator: str) -> list[str]:
    """Split a header into names without white space around them."""
    try:
        text = StringIO(line.rstrip("\r\n"), newline="")
        rows = list(csv.reader(text, delimiter=separator, skipinitialspace=True))
    except csv.Error:
        return []
    names = [name.strip() for name in rows[0]] if rows else []
    return [names[0].lstrip("# "), *names[1:]] if names else []  # as numpy writes a header
