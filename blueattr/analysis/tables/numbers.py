"""Numbers as people and programs spell them in text: 1.5, 1,5, 1.234,5, 1 234, 1'234."""

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import polars as pl

from blueattr.attribution.inputs import Where, refuse

__all__ = ["Numbers", "read_numbers"]


# Between the digits of thousands: spaces (also those that do not break a line) and apostrophes.
_GAPS = " \u00a0\u202f'\u2019"
_EXPONENT = r"(?:[eE][+-]?\d+)?"
_SPACED = rf"^[+-]?\d{{1,3}}(?:[{_GAPS}]\d{{3}})+(?:[.,]\d*)?$"
# One mark before three digits may be of decimals or of thousands.
_EITHER = r"^[+-]?[1-9]\d{{0,2}}{mark}\d{{3}}$"
_GROUPS = r"^[+-]?[1-9]\d{{0,2}}(?:{mark}\d{{3}}){{2,}}$"
_DECIMALS = rf"^[+-]?(?:\d*|\d{{{{1,3}}}}(?:[{{other}}{_GAPS}]\d{{{{3}}}})+){{mark}}\d*{_EXPONENT}$"


class _Mark(NamedTuple):
    """The mark of decimals, and the other one, which may separate thousands."""

    decimals: str
    thousands: str

    def is_meant(self, cell: pl.Expr) -> pl.Expr:
        """Return whether a cell can only be read with this mark of decimals."""
        point, comma = map(_escaped, self)
        decimal = cell.str.contains(_DECIMALS.format(mark=point, other=comma))
        either = cell.str.contains(_EITHER.format(mark=point))
        return (decimal & ~either) | cell.str.contains(_GROUPS.format(mark=comma))

    def plain(self, cell: pl.Expr) -> pl.Expr:
        """Return a number as Python writes it; of what is no number, nothing sensible."""
        point, comma = map(_escaped, self)
        whole = rf"^[+-]?(?:\d+|[1-9]\d{{0,2}}(?:{comma}\d{{3}})+|\d{{1,3}}(?:[{_GAPS}]\d{{3}})+)"
        number = rf"{whole}?(?:{point}\d*)?{_EXPONENT}$"
        spelled = cell.str.replace_all(rf"[{comma}{_GAPS}]", "").str.replace(point, ".")
        return pl.when(cell.str.contains(number)).then(spelled).otherwise(cell)


def _escaped(mark: str) -> str:
    return rf"\{mark}"


_POINT, _COMMA = _Mark(".", ","), _Mark(",", ".")


class Numbers(NamedTuple):
    """Columns of numbers.

    Parameters
    ----------
    columns
        Each as int64 or float64; as text, if a cell is not a finite number.
    decimal_comma
        Whether their decimals come after a comma.
    """

    columns: list[pl.Series]
    decimal_comma: bool = False


# By the mark.
_UNSURE = {
    ",": "whose comma may be of decimals or of thousands: write a decimal point, and nothing "
    "between thousands",
    ".": "whose point may be of decimals or of thousands, as semicolons separate the values: "
    "separate them by commas, or write nothing between thousands",
}
_UNLIKE = "which spells a number in another way than most cells do"


def read_numbers(
    columns: Sequence[pl.Series], separator: str, agents: pl.Series, where: Where
) -> Numbers:
    """Read the columns of numbers of one table, which all spell numbers the same way.

    Parameters
    ----------
    columns
        Text (n,); null where a cell is empty.
    separator
        What separates the values of the table. A comma that does is no mark of decimals. Where
        semicolons do, as where a comma is the mark of decimals, points may be of thousands.
    agents, where
        The names of the agents (n,) and the places of the rows, for messages.

    Raises
    ------
    FeatureError
        When a number such as 1,500 may be one and a half, or fifteen hundred, and nothing in the
        table shows which; 1.500 likewise, among semicolons.
    """
    if not columns:
        return Numbers([])
    plain = [_plain(column) for column in columns]
    are_numbers = all(column.dtype.is_numeric() for column in plain)
    if are_numbers and separator != ";":
        return Numbers(plain)
    cells = pl.concat([column.drop_nulls().str.strip_chars() for column in columns])
    cell = pl.col("cell")
    odd = pl.DataFrame({"cell": cells.rename("cell")}).filter(
        cell.str.contains("[.,]") & cell.str.contains(r"\d")
    )
    points, commas = odd.select(
        points=_POINT.is_meant(cell).sum(), commas=_COMMA.is_meant(cell).sum()
    ).row(0)
    if separator == ",":
        commas = 0
    if not (points or commas):
        marks = [",", "."] if separator == ";" else [","]
        for mark, column in product(marks, columns):
            either = column.str.strip_chars().str.contains(_EITHER.format(mark=_escaped(mark)))
            refuse(agents, column, either.fill_null(value=False), _UNSURE[mark], where)
    if are_numbers:
        return Numbers(plain)
    spelled = _COMMA if commas > points else _POINT
    if points and commas:
        rarer = _POINT if spelled is _COMMA else _COMMA
        for column in columns:
            stripped = column.to_frame("cell").select(rarer.is_meant(cell.str.strip_chars()))
            refuse(agents, column, stripped.to_series().fill_null(value=False), _UNLIKE, where)
    return Numbers([_spelled(column, spelled) for column in columns], spelled is _COMMA)


def _plain(column: pl.Series) -> pl.Series:
    """Read numbers as Python writes them; the text itself if a cell is not a finite number."""
    cells = column
    numbers = cells.cast(pl.Float64, strict=False)
    if numbers.null_count() > column.null_count():
        cells = column.str.strip_chars().replace("", None)
        numbers = cells.cast(pl.Float64, strict=False)
    if numbers.null_count() > cells.null_count() or not numbers.is_finite().all():
        return cells
    whole = cells.cast(pl.Int64, strict=False)
    return whole if whole.null_count() == cells.null_count() else numbers


def _spelled(column: pl.Series, mark: _Mark) -> pl.Series:
    """Read numbers with a mark of decimals; as text with the culprit as it is, if one is none."""
    raw = pl.col(column.name)
    texts = column.to_frame().select(raw=raw, plain=mark.plain(raw.str.strip_chars()))
    number = pl.col("plain").cast(pl.Float64, strict=False)
    shown = texts.select(pl.when(number.is_finite()).then("plain").otherwise("raw"))
    return _plain(shown.to_series().rename(column.name))
