"""A folder in which tests do scheduled runs: its settings, files that arrive, and what is left."""

from pathlib import Path

from blueattr.errors import ExitCode
from blueattr.runs.publish import faults
from support.cli_world import Run, events, harmless, run
from support.events_builder import Event, lines

__all__ = ["EVENTS", "HALF", "SETTINGS", "done", "drop", "write"]


SETTINGS = """\
db = "store.duckdb"
[[sources]]
read = ["in/"]
[report]
topic = ["mythos"]
indicator = ["heat"]
sizes = [10]
seeds = 2
[output]
format = ["json"]
"""
EVENTS = events()
HALF = len(EVENTS) // 2


def write(text: str) -> None:
    Path("blueattr.toml").write_text(text, encoding="utf-8")


def drop(name: str, some: list[Event]) -> Path:
    """Let a file appear whole, as one should."""
    path = Path("in") / name
    part = path.with_suffix(".part")
    part.write_bytes(lines(*some))
    part.rename(path)
    return path


def done(*arguments: object, code: ExitCode = ExitCode.OK) -> Run:
    """Do a run that ends with a code; what it leaves is whole."""
    ended = run("run", *arguments)
    assert ended.code == code, ended.stderr
    assert ended.stdout == b""
    assert harmless(ended.stderr)
    link = Path("reports/latest")
    if link.is_symlink():
        assert faults(link) == []
    if Path("reports").is_dir():
        assert [p for p in Path("reports").iterdir() if p.name.startswith((".part", ".gone"))] == []
    return ended
