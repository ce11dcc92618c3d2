"""Each output format to the byte: these files are the contract. `make golden` writes them anew.

Every report has its JSON and its text. What CSV, Parquet and a narrow terminal make of a report is
the same code for all, so that two reports go through these: one with every kind of sample, and one
with every kind of column. The tidy columns, which each report lays out itself, are in one file.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from blueattr.report import Report, agents_to, render
from blueattr.report.formats.tabular import tidy_frame
from blueattr.report.formats.text import Terminal
from support.golden_cases import REPORTS
from support.places import GOLDEN
from support.report_cases import ATTRIBUTION

WRITE = os.environ.get("BLUEATTR_WRITE_GOLDEN") == "1"


def _parquet_text(data: bytes) -> bytes:
    """Describe a Parquet file: its bytes change with the writer's version, its content must not."""
    frame = pl.read_parquet(data)
    schema = "".join(f"{name}: {dtype}\n" for name, dtype in frame.schema.items())
    metadata = pl.read_parquet_metadata(data)["blueattr"]
    rows = frame.write_ndjson()
    return f"{schema}\n{rows}\nmetadata blueattr:\n{metadata}".encode()


FORMS: dict[str, Callable[[Report], bytes]] = {
    "txt": lambda report: render(report, "text"),
    "80.txt": lambda report: render(report, "text", Terminal(width=80)),
    "ascii.txt": lambda report: render(report, "text", Terminal(width=80, unicode=False)),
    "colour.txt": lambda report: render(report, "text", Terminal(width=80, colour=True)),
    "json": lambda report: render(report, "json"),
    "csv": lambda report: render(report, "csv"),
    "parquet.txt": lambda report: _parquet_text(render(report, "parquet")),
}

# What does not depend on the report is pinned once or twice.
SOME = {
    "80.txt": {"comparison", "status"},
    "csv": {"comparison", "status"},
    "parquet.txt": {"comparison", "status"},
    "ascii.txt": {"comparison"},
    "colour.txt": {"comparison"},
}
CASES = [(name, form) for name in REPORTS for form in FORMS if name in SOME.get(form, REPORTS)]


def _compare(name: str, actual: bytes) -> None:
    path = GOLDEN / name
    if WRITE:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(actual)
    assert actual
    assert actual.decode() == path.read_bytes().decode()


@pytest.mark.parametrize(("name", "form"), CASES)
def test_report(name: str, form: str) -> None:
    _compare(f"{name}.{form}", FORMS[form](REPORTS[name]))


def _tidy_text(report: Report) -> str:
    """Describe tidy data: for each column its type, and its values in order of appearance."""
    frame = tidy_frame(report)
    rows = json.loads(frame.write_json())
    lines = [f"{report.kind}, {frame.height} rows"]
    for name, dtype in frame.schema.items():
        values = dict.fromkeys(json.dumps(row[name], ensure_ascii=False) for row in rows)
        lines.append(f"  {name}: {dtype}: {', '.join(values)}")
    return "\n".join([*lines, ""])


def test_tidy_columns() -> None:
    _compare("tidy.txt", "\n".join(map(_tidy_text, REPORTS.values())).encode())


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "parquet"])
def test_agents(form: str, tmp_path: Path) -> None:
    path = tmp_path / f"agents.{form}"
    agents_to(path, ATTRIBUTION)
    data = path.read_bytes()
    if form == "parquet":
        _compare("agents.parquet.txt", _parquet_text(data))
    else:
        _compare(f"agents.{form}", data)


def test_no_golden_is_left_over() -> None:
    expected = {f"{name}.{form}" for name, form in CASES}
    expected |= {"agents.csv", "agents.json", "agents.jsonl", "agents.parquet.txt", "tidy.txt"}
    assert {path.name for path in GOLDEN.iterdir()} == expected
