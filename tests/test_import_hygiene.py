"""What a fresh interpreter imports: `--help` must answer at once, so the heavy packages wait."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cli_world import write_events
from test_cli import COMMANDS

import blueattr

HEAVY = ["polars", "duckdb", "numba", "llvmlite", "numpy", "atproto", "pyarrow", "rich",
         "zstandard", "scipy", "vl_convert", "jinja2"]  # fmt: skip

_CALLS = """
import contextlib, io, json, sys
from blueattr.cli.main import app
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["blueattr", *arguments]
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            app()
        except SystemExit as done:
            assert done.code == 0, (arguments, done.code)
    assert out.getvalue(), arguments
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


def test_help_and_version_import_nothing_heavy() -> None:
    """One after another in one interpreter: what all of them do not import, none does."""
    helps = [[*name.split(), "--help"] for name in ("", "topics", *COMMANDS)]
    assert len(helps) > 20
    imported = fresh(_CALLS, json.dumps([["--version"], *helps]))
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


@pytest.mark.slow
def test_the_commands_never_open_a_socket(tmp_path: Path) -> None:
    # Sockets are refused by the interpreter itself, wherever in a library they would be opened.
    store, lines = str(tmp_path / "s.duckdb"), write_events(tmp_path / "events.jsonl")
    commands = [
        ["ingest", str(lines), "--db", store],
        ["status", "--db", store],
        ["topics", "check", "mythos", "--db", store],
        ["attribute", "--topic", "mythos", "--db", store],
        ["compare-scales", "--topic", "mythos", "--sizes", "5", "--seeds", "1", "--db", store],
    ]
    code = """
import contextlib, io, json, sys
commands = json.loads(sys.argv[1])
asked = []
def hook(event, arguments):
    if event.startswith(("socket.", "http.", "urllib.")):
        asked.append(event)
        raise OSError("no network here")
sys.addaudithook(hook)
with contextlib.suppress(OSError):
    import socket
    socket.create_connection(("127.0.0.1", 9))
assert asked, "the hook works"
asked.clear()
from blueattr.cli.main import app
for command in commands:
    sys.argv = ["blueattr", *command]
    with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())):
        try:
            app()
        except SystemExit as done:
            assert done.code == 0, command
assert asked == [], asked
print(json.dumps(sorted(sys.modules)))
"""
    imported = fresh(code, json.dumps(commands))
    assert {"duckdb", "numba"} <= imported
    assert imported.isdisjoint({"atproto", "httpx", "websockets", "requests"})


def test_every_public_name_resolves() -> None:
    assert len(blueattr.__all__) > 5
    for name in blueattr.__all__:
        assert getattr(blueattr, name).__name__ == name
    assert set(blueattr.__all__) == set(blueattr._HOMES)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        blueattr.nothing  # noqa: B018 - the look-up is the test
