"""The rows of a statement, as tuples or as arrays."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, overload

# Commands that need only a few rows of a store do not wait for what makes frames of them.
if TYPE_CHECKING:
    import numpy.typing as npt
    import polars as pl
    import pyarrow as pa

__all__ = ["Rows", "arrays", "odd_time", "odd_times"]


# Calendars of Python and polars go from year 1 to 9999. The last is left free, to add to times.
_PAST_YEAR = 9999
_EPOCH = date(1970, 1, 1)


def arrays(batch: "pa.RecordBatch") -> "list[npt.NDArray[Any]]":
    """Return the columns of a batch, which have no nulls, as arrays that share their memory.

    Arrow's `to_numpy` does the same, and imports pandas where it is installed.
    """
    import numpy as np  # noqa: PLC0415 - start-up time

    return [np.from_dlpack(column) for column in batch.columns]


class Rows(Sequence[tuple[Any, ...]]):
    """The rows of a statement as tuples, for which no other library is imported.

    Parameters
    ----------
    columns, types
        The names of the columns, and their types in the engine's words.
    rows
        A tuple for each.
    """

    def __init__(
        self, columns: tuple[str, ...], types: tuple[str, ...], rows: list[tuple[Any, ...]]
    ) -> None:
        self.columns = columns
        self._types = types
        self._rows = rows

    def with_rows(self, rows: list[tuple[Any, ...]]) -> "Rows":
        """Return other rows of the same columns."""
        return Rows(self.columns, self._types, rows)

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> tuple[Any, ...]: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[tuple[Any, ...]]: ...

    def __getitem__(self, index: int | slice) -> tuple[Any, ...] | Sequence[tuple[Any, ...]]:
        return self._rows[index]

    def named(self) -> list[dict[str, Any]]:
        """Return each row by the names of the columns."""
        return [dict(zip(self.columns, row, strict=True)) for row in self]

    def frame(self) -> "pl.DataFrame":
        """Return the rows as a frame."""
        import polars as pl  # noqa: PLC0415 - start-up time

        known = {
            "BIGINT": pl.Int64(),
            "BOOLEAN": pl.Boolean(),
            "DATE": pl.Date(),
            "TIMESTAMP": pl.Datetime("us"),
            "VARCHAR": pl.String(),
        }
        schema = {name: known[type_] for name, type_ in zip(self.columns, self._types, strict=True)}
        return pl.DataFrame(self._rows, schema, orient="row")


def odd_time(columns: Sequence[str], types: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> str:
    """Return the name of a column with a time that no calendar has; empty if there is none."""
    for place, (name, type_) in enumerate(zip(columns, types, strict=True)):
        if type_ in {"DATE", "TIMESTAMP"}:
            for row in rows:
                value = row[place]
                # The engine returns text for a time that Python has not.
                if value is not None and (isinstance(value, str) or value.year >= _PAST_YEAR):
                    return name
    return ""


def odd_times(frame: "pl.DataFrame") -> str:
    """Return the name of a column of a frame as :func:`odd_time` does."""
    import polars as pl  # noqa: PLC0415 - start-up time

    for name, type_ in frame.schema.items():
        if type_ in {pl.Date, pl.Datetime}:
            day = 1 if type_ == pl.Date else 86_400_000_000
            first, past = ((date(year, 1, 1) - _EPOCH).days * day for year in (1, _PAST_YEAR))
            numbers = frame[name].to_physical()
            if not numbers.is_between(first, past - 1).all():
                return name
    return ""
