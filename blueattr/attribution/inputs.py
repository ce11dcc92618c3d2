"""Checks features and turns them into arrays: columns, identifiers, ranges."""

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from blueattr.attribution.frames import find_columns, quote, read_frame, rename_columns
from blueattr.attribution.tiers import rank
from blueattr.did_order import are_told_apart, by_did
from blueattr.errors import FeatureError
from blueattr.indicators.base import FeatureArrays
from blueattr.kernels import FloatArray, IndexArray

__all__ = [
    "Panel",
    "Where",
    "agent_names",
    "check_cells",
    "check_column",
    "check_dids",
    "check_features",
    "refuse",
    "row_number",
]


Where: TypeAlias = Callable[[int], str]
"""Says where a row of a table is, counted from 0: ``"row 6"``, or ``"line 7"`` of a text."""


SMALLEST, LARGEST = 1e-90, 1e90
"""Between these a positive feature is safe: no product of means and no square leaves float64."""


# --- checking ------------------------------------------------------------------------------------


def check_features(frame: object) -> pl.DataFrame:
    """Check a frame of features and put it into canonical form.

    Parameters
    ----------
    frame
        A Polars frame, or anything Polars reads as one (pandas, Arrow, ``__arrow_c_stream__``, a
        dict of columns). Columns ``did`` or ``agent`` (text or whole numbers, each agent once),
        ``a``, ``b``, ``c`` (numbers, 0 or from 1e-90 to 1e90), and optionally ``followers`` and
        ``activity`` (raw counts). Other columns are left out.

    Returns
    -------
    polars.DataFrame
        ``did`` (str) and the others as float64, by ascending ``did``: results do not depend on
        the order of agents in `frame`.

    Raises
    ------
    UsageError
        When it is not a frame.
    EmptyPanelError
        When it has no rows.
    FeatureError
        When a column is missing or not numeric, an agent occurs twice, or a value is missing, not
        finite, negative or out of range; the message names the agent, the column and the value.

    Notes
    -----
    docs/methods.md, "The game".
    """
    data = rename_columns(read_frame(frame), {})
    key, columns = find_columns(data.columns, data.height)
    dids = check_dids(data[key]).alias("did")
    checked = pl.DataFrame([dids, *(check_column(dids, data[name]) for name in columns)])
    if not dids.is_sorted():
        if are_told_apart(dids):
            texts = dids.to_arrow(compat_level=pl.CompatLevel.oldest())
            checked = checked[by_did(pa.chunked_array([texts]))]
        else:
            checked = checked.sort("did")
    checked = checked.rechunk()
    dids = checked["did"]
    refuse(dids, dids, (dids == dids.shift(1)).fill_null(value=False), "occurs more than once")
    return checked


def check_cells(frame: pl.DataFrame, where: Where | None = None) -> pl.DataFrame:
    """Check each cell that plays a part, so that a message can say where a bad one is.

    Parameters
    ----------
    frame
        A user's table, by the names of the parts.
    where
        Says where each row is; by default by its number, counted from 1.

    Returns
    -------
    polars.DataFrame
        The same, with the names of agents as text, and numbers that were text as float64.

    Raises
    ------
    EmptyPanelError, FeatureError
        As `check_features`, but not if an agent occurs twice.
    """
    where = where or row_number
    key, columns = find_columns(frame.columns, frame.height)
    dids = check_dids(frame[key], where)
    numbers = [check_column(dids, frame[name], where) for name in columns]
    spelled = [one for one in numbers if not frame[one.name].dtype.is_numeric()]
    return frame.with_columns(dids.alias(key), *spelled)


def row_number(row: int) -> str:
    """Say where a row is by its number, counted from 1."""
    return f"row {row + 1}"


def agent_names(column: pl.Series) -> pl.Series:
    """Return the names of agents as text: of text, categories, whole numbers or bytes."""
    if column.dtype == pl.Binary:
        return pl.Series(column.name, [*map(_name, column)], dtype=pl.String)
    if column.dtype.is_float():  # as pandas makes of whole numbers where one is missing
        column = column.cast(pl.Int64)
    return column.cast(pl.String)


def _name(given: bytes | None) -> str | None:
    """Read bytes as text in UTF-8, 16 others as a UUID, and any others in hexadecimal."""
    if given is None:
        return None
    with contextlib.suppress(UnicodeDecodeError):
        text = given.decode()
        if text.isprintable():
            return text
    return str(UUID(bytes=given)) if len(given) == _UUID_BYTES else given.hex()


_UUID_BYTES = 16


def check_dids(dids: pl.Series, where: Where = row_number) -> pl.Series:
    """Return the identifiers of agents as text.

    Parameters
    ----------
    dids
        Text, whole numbers, or bytes (n,).
    where
        Says where each row is, for messages.

    Raises
    ------
    FeatureError
        When one is missing, or for another type.
    """
    dtype = dids.dtype
    texts = (pl.String, pl.Categorical, pl.Enum, pl.Binary)  # a categorical type equals its class
    whole = dtype.is_integer() or (
        dtype.is_float() and bool(((dids % 1 == 0) & (dids.abs() < _WHOLE)).all())
    )
    if not (whole or any(dtype == text for text in texts)):
        raise FeatureError(
            f"the column {dids.name!r} has text or whole numbers to name the agents, not "
            f"{_kind(dtype)} such as {quote(dids[0])}"
        )
    names = agent_names(dids)
    nobody = names.is_null() | (names == "")
    if nobody.any():
        raise FeatureError(f"{where(int(nobody.to_numpy().argmax()))} has no {dids.name}")
    return names


_WHOLE = 2.0**53
"""Below it, a float64 has all whole numbers."""


def _kind(dtype: pl.DataType) -> str:
    """Say what the cells of a column are."""
    if dtype == pl.Boolean:
        return "true and false"
    if dtype.is_temporal():
        return "dates or times"
    if dtype.is_nested():
        return "lists"
    return "numbers with fractions" if dtype.is_numeric() else "other things"


def refuse(
    dids: pl.Series, column: pl.Series, bad: pl.Series, what: str, where: Where | None = None
) -> None:
    """Raise a `FeatureError` that names the first agent with a bad value, if there is one.

    Parameters
    ----------
    dids, column
        Identifiers and values of the agents (n,).
    bad
        Which values are bad, bool (n,).
    what
        What is wrong with them, to end a sentence.
    where
        Says where each row is; None if the rows have no order that a user knows.
    """
    if not bad.any():
        return
    row = int(bad.to_numpy().argmax())
    value = "" if column[row] is None else f" is {_cell(column[row])},"
    cell = "" if column.name == "did" else f": column {column.name!r}{value}"
    more = int(bad.sum()) - 1
    others = f"and {more} more agent{'s' * (more > 1)}" if more else ""
    notes = ", ".join(filter(None, [where(row) if where else "", others]))
    raise FeatureError(f"agent {quote(dids[row])}{cell} {what}" + f" ({notes})" * bool(notes))


def _cell(value: object) -> str:
    """Write the content of a cell: a number that is text, such as 1e400, as it is."""
    with contextlib.suppress(ValueError):
        if isinstance(value, str) and len(value) < _SHORT and "_" not in value and float(value):
            return value.strip()
    return quote(value)


_SHORT = 40


def check_column(dids: pl.Series, column: pl.Series, where: Where = row_number) -> pl.Series:
    """Return a column as float64 (n,).

    Parameters
    ----------
    dids
        Identifiers of the agents, for messages.
    column
        Numbers, or text or categories that are numbers.
    where
        Says where each row is, for messages.

    Raises
    ------
    FeatureError
        When a value is missing, not a finite number, negative, or, in a, b and c, positive and
        outside `SMALLEST` to `LARGEST`.
    """
    if column.dtype in (pl.Categorical, pl.Enum):
        column = column.cast(pl.String)
    texts = column.dtype == pl.String
    if not (texts or column.dtype.is_numeric()):
        refuse(dids, column, column.is_not_null(), "which is not a number", where)
    refuse(dids, column, column.is_null(), "has no value", where)
    if texts:
        # What is not a number is found by its own value, not by that of its neighbours.
        numbers = column.str.strip_chars().cast(pl.Float64, strict=False)
        refuse(dids, column, numbers.is_null(), "which is not a number", where)
    else:
        numbers = column.cast(pl.Float64)
    # All of a panel seldom has anything wrong, which two numbers show.
    values = numbers.to_numpy()
    lowest, highest = values.min(initial=math.inf), values.max(initial=-math.inf)
    if not (lowest >= 0 and highest < math.inf):
        refuse(dids, column, ~numbers.is_finite(), "not a finite number", where)
        refuse(dids, column, numbers < 0, "less than 0", where)
    if column.name in {"a", "b", "c"} and not (lowest >= SMALLEST and highest <= LARGEST):
        bad = (numbers > LARGEST) | ((numbers > 0) & (numbers < SMALLEST))
        what = "outside the range from 1e-90 to 1e90: choose another unit"
        refuse(dids, column, bad, what, where)
    return numbers.abs()  # -0.0 becomes 0.0


@dataclass(frozen=True)
class Panel:
    """A checked panel with its ranks and means; agents are in order of DID.

    Parameters
    ----------
    dids
        str (n,).
    features
        a, b, c.
    followers
        float64 (n,): raw counts, or b if they are unknown.
    activity
        float64 (n,): raw counts, or a if they are unknown.
    order
        uint32 (n,): the agents from the most followed down.
    means
        m_a, m_b, m_c.
    """

    dids: pl.Series
    features: FeatureArrays
    followers: FloatArray
    activity: FloatArray
    order: IndexArray
    means: tuple[float, float, float]

    def take(self, mask: npt.NDArray[np.bool_]) -> "Panel":
        """Return a panel of some of the agents, bool (n,); their order stays, the means do not."""
        features = self.features.take(np.flatnonzero(mask))
        place = np.cumsum(mask, dtype=np.uint32) - np.uint32(1)
        return Panel(
            dids=self.dids.filter(pl.Series(mask)),
            features=features,
            followers=self.followers[mask],
            activity=self.activity[mask],
            order=place[self.order[mask[self.order]]],
            means=features.means,
        )

    @classmethod
    def of(cls, frame: object) -> "Panel":
        """Check a frame (see `check_features`) and rank its agents."""
        checked = check_features(frame)
        arrays = {name: checked[name].to_numpy() for name in checked.columns if name != "did"}
        features = FeatureArrays(arrays["a"], arrays["b"], arrays["c"])
        followers = arrays.get("followers", features.b)
        return cls(
            dids=checked["did"],
            features=features,
            followers=followers,
            activity=arrays.get("activity", features.a),
            order=rank(followers, features.a),
            means=features.means,
        )
