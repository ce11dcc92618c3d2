"""What a fresh interpreter imports: `--help` must answer at once, so the heavy packages wait."""

import json
import subprocess
import sys

import pytest
from test_cli import COMMANDS

import blueattr

HEAVY = ["polars", "duckdb", "numba", "llvmlite", "numpy", "atproto", "pyarrow", "rich",
         "zstandard", "scipy"]  # fmt: skip

_CALL = """
import contextlib, io, json, sys
sys.argv = ["blueattr", *json.loads(sys.argv[1])]
out = io.StringIO()
with contextlib.redirect_stdout(out):
    try:
        from blueattr.cli.main import app
        app()
    except SystemExit as done:
        assert done.code == 0, done.code
assert out.getvalue()
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""


def fresh(code: str, *arguments: str) -> set[str]:
    """Run code in an interpreter of its own; it prints what it has imported."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    "arguments",
    [["--version"], ["--help"], ["topics", "--help"], *([*n.split(), "--help"] for n in COMMANDS)],
    ids=" ".join,
)
def test_help_and_version_import_nothing_heavy(arguments: list[str]) -> None:
    imported = fresh(_CALL, json.dumps(arguments))
    assert {"blueattr", "typer"} <= imported
    assert imported.intersection(HEAVY) == set()


def test_the_package_itself_imports_nothing_heavy() -> None:
    code = "import blueattr, json, sys; print(json.dumps([m.split('.')[0] for m in sys.modules]))"
    imported = fresh(code)
    assert "blueattr" in imported
    assert imported.intersection([*HEAVY, "typer"]) == set()


def test_the_check_would_see_a_heavy_import() -> None:
    code = "import polars, json, sys; print(json.dumps([m.split('.')[0] for m in sys.modules]))"
    assert "polars" in fresh(code).intersection(HEAVY)


def test_the_arithmetic_needs_neither_store_nor_terminal_nor_network() -> None:
    code = """
import json, sys
import blueattr
panel = {"agent": [1, 2], "a": [1.0, 2.0], "b": [2.0, 1.0], "c": [3.0, 1.0]}
assert blueattr.attribute(panel).total > 0
assert blueattr.compare_scales(panel, sizes=[1]).indicators
print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))
"""
    imported = fresh(code)
    assert "numba" in imported
    assert imported.isdisjoint({"duckdb", "typer", "atproto"})


def test_every_public_name_resolves() -> None:
    assert len(blueattr.__all__) > 5
    for name in blueattr.__all__:
        assert getattr(blueattr, name).__name__ == name
    assert set(blueattr.__all__) == set(blueattr._HOMES)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        blueattr.nothing  # noqa: B018 - the look-up is the test
