"""Each output format to the byte: these files are the contract. `make golden` writes them anew."""

import os
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from blueattr.report import Report, agents_to, render
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
# What depends on the terminal alone is pinned once.
ONCE = {"ascii.txt": "comparison", "colour.txt": "comparison"}
CASES = [(name, form) for name in REPORTS for form in FORMS if ONCE.get(form, name) == name]


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
    expected |= {"agents.csv", "agents.json", "agents.jsonl", "agents.parquet.txt"}
    assert {path.name for path in GOLDEN.iterdir()} == expected
