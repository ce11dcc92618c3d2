"""The statements of ``sql/`` that a store's engine executes, and what it answers."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb

from blueattr.errors import PatternError, reason
from blueattr.store.engine.engine import lacks_memory, store_errors
from blueattr.store.engine.rows import Rows, odd_time, odd_times
from blueattr.store.store_file import damaged

# Commands that need only a few rows of a store do not wait for what makes frames of them.
if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

    from blueattr.store.engine.memory import EngineLimit

__all__ = ["Statements", "sql"]


_Answer = TypeVar("_Answer")

# A statement that changes rows of a table. The engine answers it with how many.
_CHANGE = re.compile(
    r"(?:\s|--.*\n)*(?P<kind>INSERT INTO|INSERT OR REPLACE INTO|UPDATE|DELETE FROM|MERGE INTO)"
    r"\s+(?P<table>\w+)"
)


@cache
def sql(name: str) -> str:
    """Return the text of ``sql/<name>.sql``."""
    return (resources.files("blueattr.sql") / f"{name}.sql").read_text(encoding="utf-8")


class Statements:
    """An engine that executes statements, each from a file.

    Parameters
    ----------
    path
        The store, as errors name it.
    connection
        The engine.
    """

    def __init__(self, path: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self.path = path
        self._connection = connection
        self._parsed: dict[str, list[tuple[duckdb.Statement, re.Match[str] | None]]] = {}
        # Tables that a transaction changed, and whether rows were only appended.
        self._changes: dict[str, bool] = {}
        # The memory for statements of a store that is only read; what writes has its own rules.
        self._share: EngineLimit | None = None

    def run(self, step: str, **parameters: Any) -> None:
        """Execute the statements of ``sql/<step>.sql`` in order.

        Parameters
        ----------
        parameters
            Each statement gets those that it names.
        """
        text = sql(step)
        with self._errors():
            if text not in self._parsed:
                statements = self._connection.extract_statements(text)
                self._parsed[text] = [(each, _CHANGE.match(each.query)) for each in statements]
            for statement, change in self._parsed[text]:
                named = {name: parameters[name] for name in statement.named_parameters}
                done = self._answered(
                    lambda: self._connection.execute(statement, named).fetchall()  # noqa: B023 - at once
                )
                if change and done[0][0]:
                    appended = change["kind"] == "INSERT INTO"
                    self._changes[change["table"]] = appended and self._changes.get(
                        change["table"], True
                    )

    def rows(self, query: str, **parameters: Any) -> "Rows":
        """Return the rows of the one statement in ``sql/<query>.sql``, of which there are few."""
        with self._errors():
            columns, types, rows = self._answered(lambda: self._rows(query, parameters))
        self._refuse_time(odd_time(columns, types, rows))
        return Rows(tuple(columns), tuple(types), rows)

    def _rows(
        self, query: str, parameters: dict[str, Any]
    ) -> tuple[list[str], list[str], list[tuple[Any, ...]]]:
        found = self._connection.sql(sql(query), params=parameters)
        return found.columns, [*map(str, found.types)], found.fetchall()

    def frame(self, query: str, **parameters: Any) -> "pl.DataFrame":
        """Return the rows of the one statement in ``sql/<query>.sql`` as a frame."""
        with self._errors():
            rows: pl.DataFrame = self._answered(
                lambda: self._connection.sql(sql(query), params=parameters).pl()
            )
        self._refuse_time(odd_times(rows))
        return rows

    def _refuse_time(self, column: str) -> None:
        if column:
            raise damaged(self.path, f"it has a time ({column}) that no calendar has")

    def batches(self, query: str, rows: int, **parameters: Any) -> "Iterator[pa.RecordBatch]":
        """Yield the rows of the one statement in ``sql/<query>.sql``, `rows` at a time."""
        with self._errors():
            yield from self._answered(
                lambda: self._connection.sql(sql(query), params=parameters).to_arrow_reader(rows)
            )

    def _answered(self, ask: "Callable[[], _Answer]") -> "_Answer":
        """Ask the engine, and again with more memory if it cannot do with its share."""
        if self._share is None:
            return ask()
        self._share.settle()
        try:
            return ask()
        except Exception as error:
            if not lacks_memory(error) or not self._share.widen():
                raise
            return ask()

    def check_pattern(self, pattern: str) -> None:
        """Ask the engine (RE2, linear time) whether it takes a regular expression.

        Raises
        ------
        PatternError
            It does not: a syntax it has not, or too large.
        """
        try:
            pattern.encode()
            self._connection.execute("SELECT regexp_matches('', $1)", [f"(?i){pattern}"]).fetchall()
        except UnicodeEncodeError:
            raise PatternError(f"the pattern {pattern!r} is refused: not text in UTF-8") from None
        except duckdb.Error as error:
            raise PatternError(f"the pattern {pattern!r} is refused: {reason(error)}") from None

    def register(self, name: str, frame: Any) -> None:
        """Make an Arrow table or Polars frame readable to statements under a name."""
        with self._errors():
            self._connection.register(name, frame)

    def unregister(self, *names: str) -> None:
        """Undo :meth:`register`, as far as there is something to undo."""
        with self._errors():
            for name in names:
                self._connection.unregister(name)

    def _limit_memory(self, size: int) -> None:
        with self._errors():
            self._connection.execute("SET memory_limit = $limit", {"limit": f"{size}B"})

    def _limit_merges(self, most: int) -> None:
        """Let a checkpoint merge at most so many times row groups that are not full."""
        with self._errors():
            self._connection.execute("SET max_vacuum_tasks = $most", {"most": most})

    @contextmanager
    def _in_transaction(self) -> Iterator[None]:
        self._connection.begin()
        try:
            yield
            self._connection.commit()
        except BaseException:
            with suppress(duckdb.Error):  # after a failed commit
                self._connection.rollback()
            raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn what the engine raises into a `StoreError` that names the file."""
        with store_errors(self.path):
            yield
