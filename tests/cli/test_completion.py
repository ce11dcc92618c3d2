"""Shell completion, in a real bash on a terminal of its own."""

import os
import pty
import re
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.cli_world import BLUEATTR

BASH = shutil.which("bash")
pytestmark = pytest.mark.skipif(BASH is None, reason="there is no bash here")
_PATIENCE = 30.0


class Bash:
    """A bash that a person could sit at."""

    def __init__(self, terminal: int) -> None:
        self.terminal = terminal
        self.seen = ""

    def type(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def wait(self, pattern: str) -> "re.Match[str]":
        """Wait until something is shown, from here on."""
        deadline = time.monotonic() + _PATIENCE
        while (match := re.search(pattern, self.seen)) is None:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.terminal], [], [], left)[0]:
                pytest.fail(f"not seen: {pattern!r} in {self.seen!r}")
            self.seen += os.read(self.terminal, 4096).decode()
        self.seen = self.seen[match.end() :]
        return match


@contextmanager
def bash(home: Path) -> Iterator[Bash]:
    environment = {
        "HOME": str(home),
        "PATH": f"{BLUEATTR.parent}:/usr/bin:/bin",
        "TERM": "dumb",
        "PS1": "ready> ",
    }
    terminal, inside = pty.openpty()
    child = subprocess.Popen(
        [str(BASH), "-i"], stdin=inside, stdout=inside, stderr=inside, env=environment, cwd=home,
        start_new_session=True,
    )  # fmt: skip
    os.close(inside)
    try:
        yield Bash(terminal)
    finally:
        child.kill()
        child.wait()
        os.close(terminal)


def test_tab_completes_commands_and_options_after_installing(tmp_path: Path) -> None:
    rc = tmp_path / ".bashrc"
    rc.write_text("PS1='ready> '\n")
    with bash(tmp_path) as shell:
        shell.wait("ready> ")
        shell.type("blueattr --install-completion\n")
        shell.wait("(?i)completion installed")
        shell.wait("ready> ")
    assert "blueattr" in rc.read_text()
    with bash(tmp_path) as shell:
        shell.wait("ready> ")
        shell.type("blueattr compare\t")
        shell.wait("compare-scales ")
        shell.type("--inde\t")
        shell.wait("--inde")
        shell.type("\x15blueattr compare-scales --ind\t")
        shell.wait("--indicator ")
        shell.type("\x15blueattr config \t\t")
        found = shell.wait(r"(init)\s+(show)")
        assert found.groups() == ("init", "show")
        shell.type("\x15blueattr run\t\t")
        shell.wait(r"run\s+runs")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_script_can_be_shown(shell: str) -> None:
    # The shell is the one that asks; where it cannot be told, it can be named.
    done = subprocess.run(
        [str(BLUEATTR), "--show-completion", shell], capture_output=True, text=True, check=False,
        timeout=60, env={**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "_BLUEATTR_COMPLETE" in done.stdout
