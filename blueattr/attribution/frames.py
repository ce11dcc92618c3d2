"""Frames of any kind, by the names of the parts that their columns play."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl
import pyarrow as pa

from blueattr.errors import EmptyPanelError, FeatureError, UsageError
from blueattr.suggest import did_you_mean

__all__ = [
    "find_columns",
    "has_parts",
    "name_columns",
    "quote",
    "read_frame",
    "refuse_twice",
    "rename_columns",
    "same_columns",
]


_KEYS = ("did", "agent")
_NUMBERS = ("a", "b", "c", "followers", "activity")


def quote(value: object) -> str:
    """Write a value from a user's file so that control codes are harmless and it stays short."""
    if isinstance(value, pl.Series):  # a cell that is a list
        value = value.to_list()
    text = repr(value if isinstance(value, str | bytes | int | float) else str(value))
    return text if len(text) <= 120 else text[:117] + "..."


def find_columns(names: Sequence[str], rows: int) -> tuple[str, list[str]]:
    """Find the column that identifies agents, and the columns of numbers.

    Parameters
    ----------
    names
        Names of the columns.
    rows
        Number of rows.

    Returns
    -------
    str
        ``did`` or ``agent``.
    list of str
        ``a``, ``b``, ``c``, and ``followers`` and ``activity`` where the features have them.

    Raises
    ------
    EmptyPanelError
        When there are no rows.
    FeatureError
        When a column is missing.
    """
    key = next((name for name in _KEYS if name in names), None)
    missing = [name for name in "abc" if name not in names]
    if key is None or missing:
        absent = ["did (or agent)"] * (key is None) + missing
        raise FeatureError(
            f"the features have no column {', '.join(absent)}; "
            f"they have {', '.join(map(quote, names)) or 'none'}"
        )
    if not rows:
        raise EmptyPanelError("the panel has no agents, so there is nobody to attribute to")
    return key, [name for name in _NUMBERS if name in names]


def name_columns(names: Sequence[str], columns: Mapping[str, str]) -> dict[str, str]:
    """Decide which of the user's columns plays which part.

    Parameters
    ----------
    names
        Names of the user's columns. Letter case and white space around a name make no difference.
    columns
        The user's name of each part that has another name: ``{"a": "posts", "did": "user"}``.

    Returns
    -------
    dict
        The user's column of each part that there is one for, and each other column by its own name.

    Raises
    ------
    UsageError
        When there is no such part.
    FeatureError
        When there is no such column, a name occurs twice, or two columns could play a part.
    """
    known = (*_KEYS, *_NUMBERS)
    refuse_twice(names)
    for part, name in columns.items():
        if part not in known:
            raise UsageError(
                f"columns name {', '.join(known)}; not {quote(part)}. "
                "Write a=posts if the column posts is to be a"
            )
        if name not in names:
            there = f"there are {', '.join(map(quote, names))}"
            hint = did_you_mean(name, names, there, quoted=True)
            raise FeatureError(f"the features have no column {quote(name)} to be {part}; {hint}")
    if all(key in columns for key in _KEYS):
        raise UsageError("columns name did or agent, not both: one column identifies the agents")
    free = [name for name in names if name and name not in columns.values()]
    parts = dict(columns)
    for part in known:
        alike = [name for name in free if name.strip().casefold() == part]
        if part in columns or (part == "did" and "agent" in columns):
            continue
        if len(alike) > 1:
            raise FeatureError(
                f"the columns {' and '.join(map(quote, alike))} could each be {part}: name the "
                f"one that is meant, with columns such as {part}={alike[-1]}"
            )
        if alike or part in names:
            parts[part] = alike[0] if alike else part
    parts = {part: parts[part] for part in known if part in parts}
    return parts | {name: name for name in names if name and name not in {*known, *parts.values()}}


def refuse_twice(names: Iterable[str]) -> None:
    """Refuse columns of which two have one name; those without a name are nobody's."""
    seen: set[str] = set()
    for name in names:
        if name and name in seen:
            raise FeatureError(f"the column {quote(name)} occurs twice in the features")
        seen.add(name)


def same_columns(first: object, parts: Iterable[str], other: object, theirs: Iterable[str]) -> None:
    """Refuse a file that has a part that another lacks: an agent's name, or numbers.

    Parameters
    ----------
    first, other
        The names of the files.
    parts, theirs
        The parts that their columns play, in any order.

    Raises
    ------
    FeatureError
        A part is in one of them alone.
    """
    here, there = ({*those} & {*_KEYS, *_NUMBERS} for those in (parts, theirs))
    for missing, without, having in ((here - there, other, first), (there - here, first, other)):
        if missing:
            names = ", ".join(name for name in (*_KEYS, *_NUMBERS) if name in missing)
            raise FeatureError(
                f"the files differ in their columns: {without} has no column {names}, and "
                f"{having} has"
            )


def has_parts(names: Sequence[str], columns: Mapping[str, str]) -> bool:
    """Return whether these are the names of the columns of a table of features."""
    alike = {name.strip().casefold() for name in names}
    there = {part: columns[part] in names if part in columns else part in alike
             for part in (*_KEYS, *"abc")}  # fmt: skip
    return any(there[key] for key in _KEYS) and all(there[part] for part in "abc")


def rename_columns(frame: pl.DataFrame, columns: Mapping[str, str]) -> pl.DataFrame:
    """Give the columns of a frame the names of the parts they play; see `name_columns`."""
    parts = name_columns(frame.columns, columns)
    return frame.select(pl.col(name).alias(part) for part, name in parts.items())


def read_frame(frame: object) -> pl.DataFrame:
    """Return any kind of frame as a Polars frame.

    Parameters
    ----------
    frame
        A Polars frame, eager or lazy; a pandas frame, an Arrow table, or anything else with
        ``__arrow_c_stream__``; a dict of columns.

    Raises
    ------
    UsageError
        When it is something else.
    FeatureError
        When two columns have one name, or its columns are not of one length.
    """
    if isinstance(frame, pl.DataFrame):
        return frame
    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    if isinstance(frame, dict) or hasattr(frame, "__arrow_c_stream__"):
        readable: Any = frame
        refuse_twice(map(str, _names_in(readable)))
        try:
            if isinstance(frame, dict):
                return pl.DataFrame([_column(str(name), cells) for name, cells in frame.items()])
            return pl.DataFrame(readable)
        except (pl.exceptions.PolarsError, pa.ArrowException, TypeError, ValueError, OverflowError):
            return _mixed(readable)
    raise UsageError(
        f"features come as a Polars, pandas or Arrow table, not as {type(frame).__name__}"
    )


def _names_in(frame: Any) -> Iterable[object]:
    """Return the names of the columns of a dict, or of a pandas or Arrow table."""
    if isinstance(frame, dict):
        return frame
    schema = getattr(frame, "schema", None)
    names: Iterable[object] = getattr(schema, "names", getattr(frame, "columns", ()))
    return names


def _mixed(frame: Any) -> pl.DataFrame:
    """Return a frame that has numbers beside text: as text, whose culprit is found by its value."""
    try:
        columns = {str(name): list(frame[name]) for name in _names_in(frame)}
    except TypeError:
        raise FeatureError("the features are not a table: a column is not a list") from None
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1:
        odd = ", ".join(f"{quote(name)} has {len(cells)}" for name, cells in columns.items())
        raise FeatureError(f"the columns of the features differ in length: {odd}")
    return pl.DataFrame([_column(name, cells) for name, cells in columns.items()])


def _column(name: str, cells: Any) -> pl.Series:
    """Return cells of one kind as they are, and a list with several kinds in it as text."""
    if not isinstance(cells, list | tuple):
        return pl.Series(name, cells)
    kinds = {*map(type, cells)}
    try:
        if bool not in kinds or not kinds - {bool, type(None)}:  # else true would be 1
            column = pl.Series(name, cells)
            if column.dtype != pl.Object:
                return column
    except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError):
        pass
    texts = [None if cell is None else str(cell) for cell in cells]
    return pl.Series(name, texts, dtype=pl.String)
