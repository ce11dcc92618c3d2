"""Pages that are run: what they show to be typed is typed, and what is then seen is compared.

A page is Markdown. In the order in which they stand, and in one folder,

- a ``console`` block is run: after `$ ` a command, below it what it prints, where `...` on a line
  of its own stands for lines that are left out;
- a ``python`` block is run; a ``text`` block right after it is what it prints;
- a block whose first line is a comment that names a file is written to that file.

Blocks of any other language are shown and not run; ``sh`` is for what cannot be run in a test.
"""

import contextlib
import io
import os
import re
import secrets
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from blueattr.cli.main import app
from support.cli_world import BLUEATTR

HOME = "/home/me"
"""What pages call the folder that they are run in."""
PROGRAM = "/usr/bin/blueattr"


_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"# ([\w.-]+\.(?:py|toml|csv))\n")
_OTHERS = {"cat", "ls", "head"}


@contextlib.contextmanager
def short_folder() -> Iterator[Path]:
    """A folder in /tmp whose path is as long as HOME: columns of tables stay where they are."""
    for _ in range(100):
        path = Path("/tmp") / secrets.token_hex(2)[:3]  # noqa: S108 - made anew, or not used
        try:
            path.mkdir()
        except FileExistsError:
            continue
        break
    else:
        raise FileExistsError("no free name in /tmp")
    try:
        yield path
    finally:
        shutil.rmtree(path)


@dataclass(frozen=True)
class Block:
    """A fenced block, and where its body stands in the page."""

    language: str
    body: str
    start: int
    end: int


def blocks(text: str) -> list[Block]:
    return [Block(m[1], m[2], m.start(2), m.end(2)) for m in _FENCE.finditer(text)]


def typed(block: str) -> list[tuple[str, list[str]]]:
    """Split a console block into commands and the lines shown after each."""
    found: list[tuple[str, list[str]]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            assert found, f"output before the first command: {line!r}"
            found[-1][1].append(line)
    return found


def abridged(lines: list[str], shown: list[str]) -> list[str]:
    """Leave out what the page leaves out."""
    if "..." not in shown:
        return lines
    before = shown.index("...")
    after = len(shown) - before - 1
    assert before + after < len(lines), "nothing is left out where '...' stands"
    return [*lines[:before], "...", *lines[len(lines) - after :]]


@dataclass
class Folder:
    """Where a page is run.

    `instead` has what is typed in place of a command, as where a server of a test's own stands in
    for the network; `codes` the exit codes of `blueattr run`, one after the other; `replaced` names
    of the test's own, and what the page calls them.
    """

    path: Path
    instead: dict[str, Sequence[str]] = field(default_factory=dict)
    codes: list[int] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    replaced: dict[str, str] = field(default_factory=dict)
    clean: Callable[[str], str] = lambda text: text
    ran: list[str] = field(default_factory=list)
    scope: dict[str, Any] = field(default_factory=dict)

    def run(self, text: str) -> str:
        """Run a page, and give it with what was printed in place of what it shows."""
        found, last = [], ""
        printed: str | None = None
        for block in blocks(text):
            body = block.body
            if block.language == "console":
                body = "".join(f"{line}\n" for line in self._console(block.body))
            elif (named := _NAMED.match(body)) is not None:
                (self.path / named[1]).write_text(body, encoding="utf-8")
            elif block.language == "python":
                printed = self._python(body)
                last = block.language
                found.append(body)
                continue
            elif block.language == "text" and last == "python":
                assert printed, "the code before it prints nothing"
                lines = printed.rstrip("\n").split("\n")
                body = "".join(f"{line}\n" for line in abridged(lines, body.splitlines()))
            last = block.language
            found.append(body)
        for block, body in reversed(list(zip(blocks(text), found, strict=True))):
            text = text[: block.start] + body + text[block.end :]
        return text

    def _console(self, body: str) -> list[str]:
        lines = []
        for command, shown in typed(body):
            lines += [f"$ {command}", *abridged(self.seen(command), shown)]
        return lines

    def seen(self, command: str) -> list[str]:
        """Do what is typed; give what is seen."""
        words = [str(word) for word in self.instead.get(command, shlex.split(command))]
        if words[0] == "blueattr":
            code, output = self._blueattr(words[1:])
        else:
            assert words[0] in _OTHERS, command
            done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, check=False, cwd=self.path, timeout=60)  # fmt: skip
            code, output = done.returncode, done.stdout
        assert code == (self.codes.pop(0) if command == "blueattr run" else 0), output
        self.ran.append(command)
        for there, here in {**self.replaced, str(self.path): HOME, str(BLUEATTR): PROGRAM}.items():
            output = output.replace(there, here)
        output = self.clean(output)
        return output.rstrip("\n").split("\n") if output.strip() else []

    def _blueattr(self, arguments: list[str]) -> tuple[int, str]:
        """Run the program in this process, both its streams on one pipe."""
        pipe = io.BytesIO()
        out = io.TextIOWrapper(pipe, encoding="utf-8", write_through=True)
        err = io.TextIOWrapper(pipe, encoding="utf-8", write_through=True)
        with (
            patch.dict(os.environ),
            patch.object(sys, "argv", ["blueattr", *arguments]),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            contextlib.chdir(self.path),
        ):
            for name in [name for name in os.environ if name.startswith("BLUEATTR")]:
                del os.environ[name]
            os.environ.update(self.environment)
            try:
                app()
            except SystemExit as done:
                code = done.code
        assert isinstance(code, int)
        return int(code), pipe.getvalue().decode()

    def _python(self, body: str) -> str:
        printed = io.StringIO()
        with contextlib.chdir(self.path), contextlib.redirect_stdout(printed):
            exec(compile(body, "<page>", "exec"), self.scope)  # noqa: S102 - our own example
        self.ran.append(body)
        return self.clean(printed.getvalue().replace(str(self.path), HOME))


class Timeless:
    """Puts times that do not change in place of the present, and lengths in place of lengths.

    The first run that is named is one of 10:15, the next one of 11:15, and so on.
    """

    def __init__(self) -> None:
        self._runs: dict[str, int] = {}

    def __call__(self, text: str) -> str:
        return "\n".join(map(self._line, text.split("\n")))

    def _line(self, line: str) -> str:
        now = datetime.now(UTC)
        day = f"(?:{now:%Y-%m-%d}|{now - timedelta(hours=1):%Y-%m-%d})"
        hour = 10
        for name in re.findall(rf"{day}T\d{{6}}Z", line):
            hour = self._runs.setdefault(name, 10 + len(self._runs))
            line = line.replace(name, f"2026-05-04T{hour}1500Z")
        line = re.sub(rf"{day}T\d\d:\d\d:\d\d(\.\d+)?Z", f"2026-05-04T{hour}:15:00Z", line)
        line = re.sub(r"\(\d+\.\d s\)", "(1.0 s)", line)
        # In the table of runs, whose columns stay where they are.
        line = re.sub(r" +\d+\.\d+(?=  (?:2026|-))", lambda m: "1.234".rjust(len(m[0])), line)
        return re.sub(r"process \d+", "process 4242", line)
