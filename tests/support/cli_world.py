"""A small network for the tests of the command line, and a way to call it as a shell would."""

import contextlib
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unicodedata import category
from unittest.mock import patch

import typer.main

from blueattr.cli.main import _app, app
from blueattr.errors import ExitCode
from support.events_builder import (
    Event,
    account,
    at,
    follow,
    identity,
    like,
    lines,
    post,
    profile,
    repost,
    uri,
)

__all__ = [
    "AGENTS",
    "BLUEATTR",
    "BOTS",
    "PANEL",
    "Run",
    "assert_clean",
    "events",
    "ok",
    "process",
    "refused",
    "run",
    "write_events",
    "write_store",
]


AGENTS = 60
BOTS = 3
# Agents in the panel: one of the people is deleted, and one is new.
PANEL = AGENTS - 2
BLUEATTR = Path(sys.executable).parent / "blueattr"
# Making the parser of all commands anew takes longer than many a command that a test calls.
_get_command = cache(typer.main.get_command)
TOPIC_TEXT = "I read the claude mythos system card"


@dataclass(frozen=True)
class Run:
    """What a command left behind."""

    code: int
    stdout: bytes
    stderr: str

    @property
    def text(self) -> str:
        return self.stdout.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.stdout, parse_constant=_refuse)


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} in JSON")


def harmless(text: str) -> bool:
    """Whether a terminal would show the text, and nothing in it acts or hides."""
    return not any(c != "\n" and category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in text)


def run(*arguments: object, stdin: bytes = b"") -> Run:
    """Call the command line in this process; both streams are pipes, as far as it can tell."""
    out, err = io.BytesIO(), io.BytesIO()
    stdout = io.TextIOWrapper(out, encoding="utf-8", write_through=True)
    stderr = io.TextIOWrapper(err, encoding="utf-8", errors="backslashreplace", write_through=True)
    standard_input = io.TextIOWrapper(io.BufferedReader(_Raw(stdin)))
    code: object = None
    with (
        patch.object(sys, "argv", ["blueattr", *map(str, arguments)]),
        patch.object(sys, "stdin", standard_input),
        patch.object(typer.main, "get_command", _get_command),
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
    ):
        try:
            app()
        except SystemExit as done:
            code = done.code
    assert isinstance(code, int)
    return Run(int(code), out.getvalue(), err.getvalue().decode())


class _Raw(io.RawIOBase):
    """Bytes that come as from a pipe: they cannot be sought."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._data.readinto(buffer)


def ok(*arguments: object, stdin: bytes = b"") -> Run:
    """Call a command that must succeed."""
    done = run(*arguments, stdin=stdin)
    assert done.code == 0, done.stderr
    return done


def assert_clean(stderr: str) -> None:
    """Nothing that a terminal would act on, and no traceback."""
    assert "Traceback" not in stderr
    assert harmless(stderr), stderr


def refused(code: ExitCode, *arguments: object, says: str = "", stdin: bytes = b"") -> Run:
    """Call a command that must fail: nothing on stdout, a sentence on stderr."""
    done = run(*arguments, stdin=stdin)
    assert done.code == code, done.stderr
    assert done.stdout == b""
    assert done.stderr.startswith("blueattr: ")
    assert says in done.stderr
    assert_clean(done.stderr)
    return done


def process(*arguments: object, **options: Any) -> "subprocess.CompletedProcess[bytes]":
    """Call the installed program."""
    command = [str(BLUEATTR), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False, timeout=60, **options)


def events() -> list[Event]:
    """Sixty people and three bots in fifteen days: few are followed by many.

    Agent k posts on every (1 + k % 7)th day, on the topic where k is no multiple of 3; it is
    followed by 60 // (k + 1) others, answered as often by agent 0, and reposted once. One person
    is deleted in the end, one came in the second week.
    """
    return sorted(_events(), key=lambda event: event["time_us"])


def _events() -> Iterator[Event]:
    name = "agent{:03d}".format
    rev = iter(range(1, 1_000_000))
    for k in range(AGENTS + BOTS):
        handle = f"weather-bot-{k}.bsky.social" if k >= AGENTS else f"user{k}.bsky.social"
        yield identity(name(k), handle, time=at(k))
        yield profile(name(k), rev=next(rev), time=at(k), operation="update")
        for day in range(15):
            if (day - 1) % (1 + k % 7) == 0:
                text = TOPIC_TEXT if k % 3 else "good morning"
                time = at(100 + k, days=day)
                yield post(name(k), f"p{day}", text, rev=next(rev), time=time)
        for other in range(AGENTS // (k + 1)):
            if other != k:
                time = at(10_000 + other, days=1)
                yield follow(name(other), f"f{k}", name(k), rev=next(rev), time=time)
        for answer in range(AGENTS // (k + 1)):
            time = at(20_000 + k, days=1 + answer % 13)
            yield post(
                name(0), f"r{k}-{answer}", "so true", rev=next(rev), time=time,
                parent=uri(name(k), "p1"),
            )  # fmt: skip
        yield repost(name((k + 1) % AGENTS), f"s{k}", uri(name(k), "p1"), rev=next(rev),
                     time=at(30_000 + k, days=2))  # fmt: skip
        yield like(name(k), "l", uri(name(0), "p0"), rev=next(rev), time=at(40_000 + k))
    yield account(name(7), "deleted", time=at(50_000, days=13))

    yield profile(name(8), rev=next(rev), time=at(0, days=7))


LAST_EVENT = max(event["time_us"] for event in _events())
"""In microseconds since 1970."""


def write_events(path: Path) -> Path:
    """Write the events as a file of lines."""
    path.write_bytes(lines(*events()))
    return path


@cache
def _store() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        db = Path(folder) / "world.duckdb"
        ok("ingest", write_events(db.with_name("events.jsonl")), "--db", db)
        return db.read_bytes()


def write_store(path: Path) -> Path:
    """Write the store that an ingest of the events makes, which is made once."""
    path.write_bytes(_store())
    return path


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that does something, by its full name."""
    todo: list[tuple[str, Any]] = [("", typer.main.get_command(_app))]
    while todo:
        name, command = todo.pop()
        if hasattr(command, "commands"):
            todo += [(f"{name} {sub}".strip(), c) for sub, c in command.commands.items()]
        else:
            yield name, command


COMMANDS = dict(sorted(commands()))
