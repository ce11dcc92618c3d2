"""A report as JSON: complete, stable, without NaN or Infinity, floats exact to the last bit."""

import json
from datetime import date

from blueattr.report.escape import safe_json
from blueattr.report.fields import REPORT
from blueattr.report.numbers import iso
from blueattr.report.tables import Cell, Json, Report, Table

__all__ = ["json_bytes", "table_json"]


def json_bytes(report: Report) -> bytes:
    """Encode a report as JSON.

    Parameters
    ----------
    report
        Any.

    Returns
    -------
    bytes
        UTF-8: one object with ``schema_version``, ``kind``, and the report's content.
    """
    content = report.content
    if content is None:
        content = {table.name: table_json(table) for table in report.tables}
        if report.warnings:
            content["warnings"] = list(report.warnings)
    document = {**REPORT.json(report), **content}
    encoded = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2)
    return (safe_json(encoded) + "\n").encode()


def table_json(table: Table) -> list[Json]:
    """Return a table as a list of JSON objects, one for each row."""
    names = [column.name for column in table.columns]
    return [dict(zip(names, map(_value, row), strict=True)) for row in table.rows]


def _value(cell: Cell) -> Json:
    return iso(cell) if isinstance(cell, date) else cell
