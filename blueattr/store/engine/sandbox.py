"""A second engine, for statements that come from strangers: it has their input and nothing else."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import pyarrow as pa

from blueattr.errors import BlueattrError, InputError, UsageError, reason
from blueattr.store.engine.engine import is_of_memory
from blueattr.store.engine.statements import sql

__all__ = ["Batches", "Sandbox"]


Batches: TypeAlias = Iterable[pa.RecordBatch]
"""Rows of one table, in order."""


# What makes rows without reading anything; all other functions in FROM tell of the machine.
_TABLE_FUNCTIONS = {"unnest", "range", "generate_series", "json_each", "json_tree"}
# Functions that tell of the machine, the engine or the time.
_TELLING = {
    "current_setting", "getvariable", "current_database", "current_schema", "current_schemas",
    "version", "pg_conf_load_time", "txid_current", "getenv", "in_search_path", "user",
    "current_user", "current_role", "session_user", "current_catalog", "current_query",
    "current_query_id", "current_connection_id", "current_transaction_id",
}  # fmt: skip
_CHANGING = {
    "random", "uuid", "uuidv4", "uuidv7", "gen_random_uuid", "setseed", "now", "today",
    "current_date", "current_time", "current_timestamp", "get_current_time",
    "get_current_timestamp", "transaction_timestamp", "localtime", "localtimestamp", "nextval",
    "currval",
}  # fmt: skip
_CLOCKS = {
    "current_date", "current_time", "current_timestamp", "localtime", "localtimestamp",
    "current_user", "session_user", "current_catalog", "current_schema", "current_role",
}  # fmt: skip
# What hands its rows on as they come, so that their order is that of the input.
_BY_ROW = {"PYTHON_ARROW_SCAN", "ARROW_SCAN", "PROJECTION", "FILTER", "UNNEST", "INOUT_FUNCTION"}
_SCANS = {"PYTHON_ARROW_SCAN", "ARROW_SCAN"}


class Sandbox:
    """An engine without files, network, extensions or settings, in memory.

    Parameters
    ----------
    memory
        Bytes it may use.
    spill
        A folder for what does not fit, which is removed when the engine is closed; none by default.
    """

    def __init__(self, memory: int, spill: Path | None = None) -> None:
        self._connection = duckdb.connect(
            config={
                "memory_limit": f"{memory}B",
                # Several would hand rows on in another order each time, and an import that was
                # killed goes on after so many rows.
                "threads": 1,
                "temp_directory": "" if spill is None else str(spill),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "allow_community_extensions": False,
                "allow_persistent_secrets": False,
                "python_enable_replacements": False,
            }
        )
        run = self._connection.execute
        run("SET TimeZone = 'UTC'")
        run("SET enable_progress_bar = false")
        run("SET enable_external_access = false")
        run("SET lock_configuration = true")
        for statement in self._connection.extract_statements(sql("sources/tables/macros")):
            run(statement)

    def close(self) -> None:
        """End the engine."""
        self._connection.close()

    def check(self, text: str, name: str, tables: Sequence[str]) -> str:
        """Return a statement if it is one SELECT that reads nothing but some tables.

        Parameters
        ----------
        text
            What a user wrote.
        name
            Its file, for messages.
        tables
            The tables that it may name.

        Raises
        ------
        UsageError
            It is something else.
        """
        with _said(name):
            parts = self._connection.extract_statements(text)
        if len(parts) != 1 or parts[0].type != duckdb.StatementType.SELECT:
            raise UsageError(
                f"{name}: it must be one SELECT over the table input, and nothing else"
            )
        with _said(name):
            row = self._connection.execute("SELECT json_serialize_sql($1)", [text]).fetchall()[0]
        tree = json.loads(row[0])
        if tree.get("error"):
            said = str(tree.get("error_message", "not understood")).splitlines()[0]
            raise UsageError(f"{name}: {said}")
        named = {*tables, *_common_tables(tree)}
        for why in _forbidden(tree, named):
            raise UsageError(f"{name}: {why}; an importer sees its input and nothing else")
        return text

    def rows(
        self,
        text: str,
        name: str,
        tables: Mapping[str, pa.RecordBatchReader],
        form: str,
        size: int,
        *,
        needs: Mapping[str, Collection[str]],
        **parameters: Any,
    ) -> Iterator[pa.RecordBatch]:
        """Yield what a statement makes of tables, brought into a form by a statement of ours.

        Parameters
        ----------
        text
            A statement that `check` returned.
        name
            Its file, for messages.
        tables
            By their names. ``input`` is read as it comes, unless the statement reads it twice.
        form
            ``sql/<form>.sql``: one statement over ``given``, which has the columns of the statement
            as text, and those of ``sql/<form>_columns.sql`` that it lacks as NULL.
        size
            Rows of a batch, at most.
        needs
            Columns of the form that are NULL unless the statement gives one of some columns: the
            engine works out only those that may be something.
        """
        self._use(text, name, tables)
        with _said(name, InputError):
            found = self._connection.sql(text)
            given = self._as_text(found, name, form)
            made: Any = given.query("given", self._filled(form, parameters))
            schema = made.limit(0).to_arrow_table().schema
            names = {column.lower() for column in found.columns}
            null = {column for column, some in needs.items() if names.isdisjoint(some)}
            worked_out = [column for column in schema.names if column not in null]
            reader = made.project(*map(duckdb.ColumnExpression, worked_out)).to_arrow_reader(size)
        while True:
            with _said(name, InputError):
                batch = next(reader, None)
            if batch is None:
                return
            yield _with_nulls(batch, schema)

    def _filled(self, form: str, parameters: Mapping[str, Any]) -> str:
        # A relation takes no parameters, so that they are variables of the connection.
        for name, value in parameters.items():
            self._connection.execute(f"SET VARIABLE {name} = $value", {"value": value})
        return sql(form)

    def _as_text(
        self, found: duckdb.DuckDBPyRelation, name: str, form: str
    ) -> duckdb.DuckDBPyRelation:
        wanted = self._connection.sql(sql(f"{form}_columns")).columns
        by_name = {column.lower(): k for k, column in enumerate(found.columns)}
        unknown = [column for column in found.columns if column.lower() not in wanted]
        if unknown:
            raise UsageError(
                f"{name}: it gives a column {unknown[0]!r}, and there are only: {', '.join(wanted)}"
            )
        return found.project(*(_text(found, by_name.get(each), each) for each in wanted))

    def is_by_row(
        self, text: str, name: str, columns: Mapping[str, Sequence[str]], form: str
    ) -> bool:
        """Return whether a statement makes of each row of its input rows that come in its place.

        Parameters
        ----------
        text, name, form
            As for `rows`.
        columns
            The columns of each table, by its name.

        Raises
        ------
        UsageError
            It names what is not there, or gives what the form has not.
        """
        return _operators(self._plan(text, name, columns, form)) <= _BY_ROW

    def _use(self, text: str, name: str, tables: Mapping[str, pa.RecordBatchReader]) -> None:
        columns = {table: reader.schema.names for table, reader in tables.items()}
        scans = _scans(self._plan(text, name, columns))
        for table, reader in tables.items():
            if table == "input" and scans <= 1:
                self._connection.register(table, reader)
                continue
            self._connection.register("read_once", reader)
            with _said(name):
                kept = self._connection.sql("FROM read_once")
                kept.create(table)
            self._connection.unregister("read_once")

    def _plan(
        self, text: str, name: str, columns: Mapping[str, Sequence[str]], form: str = ""
    ) -> list[Any]:
        for table, names in columns.items():
            empty = pa.schema([(each, pa.string()) for each in names]).empty_table()
            self._connection.register(table, empty)
        try:
            with _said(name):
                if form:
                    self._as_text(self._connection.sql(text), name, form)
                rows = self._connection.execute(f"EXPLAIN (FORMAT json) {text}").fetchall()
            plan: list[Any] = json.loads(rows[0][1])
            return plan
        finally:
            for table in columns:
                self._connection.unregister(table)

    def fields(self, lines: pa.Array, names: Sequence[str]) -> tuple[pa.RecordBatch, int]:
        """Take members out of objects of JSON, one to a line, as text.

        Parameters
        ----------
        lines
            Text.
        names
            Of the members; of one that is no text, number or truth value the JSON is returned.

        Returns
        -------
        tuple
            A column for each; and how many lines are no JSON, of which there is no row.
        """
        paths = [f'$."{name}"' for name in names]
        self._connection.register("lines", pa.table({"line": lines}))
        try:
            with _said("input"):
                table = self._connection.sql(
                    sql("sources/tables/members"), params={"paths": paths}
                ).to_arrow_table()
        finally:
            self._connection.unregister("lines")
        values = table["members"].combine_chunks()
        flat, n = values.flatten(), len(names)
        places = pa.array(range(0, len(values) * n, n), pa.int64())
        columns = [flat.take(pa.compute.add(places, k)) for k in range(n)]
        return pa.record_batch(columns, names=list(names)), len(lines) - len(values)

    def texts(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return a batch with all columns as text; of lists and structures as JSON."""
        self._connection.register("typed", batch)
        try:
            with _said("input"):
                found = self._connection.sql("FROM typed")
                columns = [_text(found, k, name) for k, name in enumerate(found.columns)]
                table = found.project(*columns).to_arrow_table().combine_chunks()
        finally:
            self._connection.unregister("typed")
        batches = table.to_batches()
        if not batches:
            schema = pa.schema([(name, pa.string()) for name in batch.schema.names])
            return pa.RecordBatch.from_pylist([], schema)
        return batches[0]


def _text(found: duckdb.DuckDBPyRelation, place: int | None, name: str) -> duckdb.Expression:
    if place is None:
        return duckdb.ConstantExpression(None).cast(duckdb.type("VARCHAR")).alias(name)
    column = duckdb.ColumnExpression(found.columns[place])
    if found.types[place].id in {"list", "struct", "map", "array", "union"}:
        column = duckdb.FunctionExpression("to_json", column)
    return column.cast(duckdb.type("VARCHAR")).alias(name)


def _with_nulls(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return a batch with the columns of a schema, NULL where it has none of a name."""
    n, there = len(batch), {*batch.schema.names}
    return pa.record_batch(
        [batch[each.name] if each.name in there else pa.nulls(n, each.type) for each in schema],
        schema,
    )


@contextmanager
def _said(name: str, kind: type[BlueattrError] = UsageError) -> Iterator[None]:
    """Turn what the engine says into an error of a kind that names the importer."""
    try:
        yield
    except (duckdb.Error, pa.ArrowException, RuntimeError) as error:
        if isinstance(error, duckdb.InterruptException):
            raise
        if isinstance(error, duckdb.OutOfMemoryException) or is_of_memory(str(error)):
            raise InputError(
                f"{name}: it needs more memory than there is; raise --memory-limit"
            ) from None
        raise kind(f"{name}: {reason(error)}") from None


# --- what a statement is made of -----------------------------------------------------------------


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _common_tables(tree: Any) -> set[str]:
    found = set()
    for node in _nodes(tree):
        cte = node.get("cte_map")
        if isinstance(cte, dict):
            found |= {str(each["key"]).lower() for each in cte.get("map", [])}
    return found


def _forbidden(tree: Any, tables: set[str]) -> Iterator[str]:
    for node in _nodes(tree):
        path = [str(part).lower() for part in (node.get("qualified_name") or {}).get("path", [])]
        kind = node.get("type")
        if kind == "BASE_TABLE" and (len(path) != 1 or path[0] not in tables):
            yield f"it reads {'.'.join(path)}"
        elif kind == "TABLE_FUNCTION":
            called = node["function"].get("function_name", "")
            if called.lower() not in _TABLE_FUNCTIONS:
                yield f"it reads from {called}()"
        elif kind == "FUNCTION" and path and path[-1] in _TELLING | _CHANGING:
            yield f"it calls {path[-1]}()"
        elif kind == "COLUMN_REF" and _is_a_clock(path, node.get("column_names")):
            yield "it asks for the time"
        elif kind == "SHOW_REF":
            yield "it describes tables"


_Node: TypeAlias = Callable[[Any], Iterator[dict[str, Any]]]


def _is_a_clock(path: list[str], names: Any) -> bool:
    """Return whether what looks like a column is a function that needs no brackets."""
    named = path or [str(name).lower() for name in names or ()]
    return len(named) == 1 and named[0] in _CLOCKS


def _operators(plan: list[Any]) -> set[str]:
    return {str(node["name"]).strip() for node in _nodes(plan) if "children" in node}


def _scans(plan: list[Any]) -> int:
    return sum(str(node["name"]).strip() in _SCANS for node in _nodes(plan) if "children" in node)
