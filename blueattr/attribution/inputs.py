"""Checks features and turns them into arrays: columns, identifiers, ranges."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from blueattr.attribution.tiers import rank
from blueattr.errors import EmptyPanelError, FeatureError, UsageError
from blueattr.indicators.base import FeatureArrays
from blueattr.kernels import FloatArray, IndexArray

__all__ = ["Panel", "check_column", "check_dids", "check_features", "find_columns", "refuse"]


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
    data = _read_frame(frame)
    key, columns = find_columns(data.columns, data.height)
    dids = check_dids(data[key])
    checked = data.select(dids.alias("did"), *columns)
    if not dids.is_sorted():
        checked = checked.sort("did")
    checked = checked.rechunk()
    dids = checked["did"]
    refuse(dids, dids, (dids == dids.shift(1)).fill_null(value=False), "occurs more than once")
    return pl.DataFrame([dids, *(check_column(dids, checked[name]) for name in columns)])


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
    key = next((name for name in ("did", "agent") if name in names), None)
    missing = [name for name in "abc" if name not in names]
    if key is None or missing:
        absent = ["did (or agent)"] * (key is None) + missing
        raise FeatureError(
            f"the features have no column {', '.join(absent)}; "
            f"they have {', '.join(map(_quote, names)) or 'none'}"
        )
    if not rows:
        raise EmptyPanelError("the panel has no agents, so there is nobody to attribute to")
    return key, [name for name in ("a", "b", "c", "followers", "activity") if name in names]


def _read_frame(frame: object) -> pl.DataFrame:
    if isinstance(frame, pl.DataFrame):
        return frame
    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    if isinstance(frame, dict) or hasattr(frame, "__arrow_c_stream__"):
        readable: Any = frame
        return pl.DataFrame(readable)
    raise UsageError(
        f"features come as a Polars, pandas or Arrow table, not as {type(frame).__name__}"
    )


def _quote(value: object) -> str:
    """Write a value from a user's file so that control codes are harmless and it stays short."""
    text = repr(value)
    return text if len(text) <= 120 else text[:117] + "..."


def check_dids(dids: pl.Series, before: int = 0) -> pl.Series:
    """Return the identifiers of agents as text.

    Parameters
    ----------
    dids
        Text or whole numbers (n,).
    before
        Number of rows above them in the file, for messages.

    Raises
    ------
    FeatureError
        When one is missing, or for another type.
    """
    if dids.null_count():
        row = before + int(dids.is_null().to_numpy().argmax())
        raise FeatureError(f"the agent in row {row} (counted from 0) has no {dids.name}")
    if not (dids.dtype.is_integer() or dids.dtype in {pl.String, pl.Categorical, pl.Enum}):
        raise FeatureError(f"the column {dids.name!r} has text or whole numbers, not {dids.dtype}")
    return dids.cast(pl.String)


def refuse(dids: pl.Series, column: pl.Series, bad: pl.Series, what: str) -> None:
    """Raise a `FeatureError` that names the first agent with a bad value, if there is one.

    Parameters
    ----------
    dids, column
        Identifiers and values of the agents (n,).
    bad
        Which values are bad, bool (n,).
    what
        What is wrong with them, to end a sentence.
    """
    if not bad.any():
        return
    row = int(bad.to_numpy().argmax())
    where = "" if column.name == "did" else f": column {column.name!r} is {_quote(column[row])},"
    more = int(bad.sum()) - 1
    others = f" (and {more} more agent{'s' * (more > 1)})" if more else ""
    raise FeatureError(f"agent {_quote(dids[row])}{where} {what}{others}".replace(" is None,", ""))


def check_column(dids: pl.Series, column: pl.Series) -> pl.Series:
    """Return a column as float64 (n,).

    Parameters
    ----------
    dids
        Identifiers of the agents, for messages.
    column
        Numbers.

    Raises
    ------
    FeatureError
        When a value is missing, not a finite number, negative, or, in a, b and c, positive and
        outside `SMALLEST` to `LARGEST`.
    """
    if not column.dtype.is_numeric():
        refuse(dids, column, column.is_not_null(), f"which is {column.dtype} and not a number")
    refuse(dids, column, column.is_null(), "has no value")
    numbers = column.cast(pl.Float64)
    refuse(dids, column, ~numbers.is_finite(), "not a finite number")
    refuse(dids, column, numbers < 0, "less than 0")
    if column.name in {"a", "b", "c"}:
        bad = (numbers > LARGEST) | ((numbers > 0) & (numbers < SMALLEST))
        refuse(dids, column, bad, "beyond 1e-90 to 1e90: choose another unit")
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
            means=features.means(),
        )
