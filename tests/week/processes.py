"""The processes of the week: started, killed, interrupted, and kept from writing."""

import os
import resource
import signal
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support import week_child
from support.forked import processes

__all__ = ["PRELOAD", "Unit", "page_metrics", "start", "until"]


PRELOAD = [
    "support.week_child",
    "blueattr.cli.commands.ingest",
    "blueattr.cli.commands.run",
    "blueattr.cli.commands.watch",
    "blueattr.runs.run",
    "blueattr.runs.plan_file",
    "blueattr.analysis.topic_reports",
    "blueattr.report.formats.html",
    "blueattr.sources.live.jetstream",
    "blueattr.notify.webhook",
    "blueattr.watch.follow",
    "blueattr.watch.teller",
    "atproto_jetstream.compression",
    "atproto_subscription.websocket",
    "blueattr.kernels.machine_code",
    "blueattr.notify.ping",
    "blueattr.notify.services",
    "blueattr.watch.jsonl",
    "blueattr.watch.serve",
    "httpcore._async",
    "httpcore._sync",
    "numba",
    "numpy.ma",
    "polars",
]
"""What a process would import anew each time."""


_PATIENCE = 600.0


def start(
    clock: Path, folder: Path, output: Path, words: list[Any], size: int | None = None
) -> Any:
    """Start a command; see `support.week_child.command`."""
    given = [str(word) for word in words]
    process = processes.Process(
        target=week_child.command, args=(clock, folder, output, given, size), daemon=True
    )
    process.start()
    return process


@dataclass
class Unit:
    """What systemd would keep running.

    Parameters
    ----------
    name
        Its name.
    codes
        What it may end with by itself, where no disk is full.
    """

    name: str
    codes: frozenset[int]
    process: Any = None
    size: int | None = None
    expected: frozenset[int] = frozenset()
    starts: int = 0
    ends: Counter[int] = field(default_factory=Counter)

    @property
    def is_up(self) -> bool:
        return self.process is not None and self.process.exitcode is None

    def began(self, process: Any) -> None:
        self.process, self.expected = process, frozenset()
        self.starts += 1

    def ended(self, output: Path) -> None:
        """Note how it ended; what it may not end with is an error."""
        code = self.process.exitcode
        self.process = None
        self.ends[code] += 1
        allowed = self.codes | self.expected | ({6, 7} if self.size is not None else set())
        said = output.with_suffix(".err")
        words = said.read_text(errors="replace")[-3000:] if said.exists() else ""
        assert code in allowed, f"{self.name} ended with {code}:\n{words}"
        assert "Traceback" not in words, words

    def signal(self, number: int, *codes: int) -> bool:
        """Send a signal, after which it may end with these codes; whether it was there."""
        if not self.is_up:
            return False
        self.expected |= {-number, *codes}
        os.kill(self.process.pid, number)
        return True

    def kill(self) -> bool:
        if not self.signal(signal.SIGKILL):
            return False
        self.process.join(_PATIENCE)
        return True

    def limit(self, size: int | None) -> None:
        """Let no file grow beyond a size, from now on and after each start; None for any."""
        self.size = size
        if self.process is not None:
            # It may have been kept from writing while it was not, or have ended of it just now.
            self.expected |= {6, 7}
        if self.is_up:
            _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
            soft = most if size is None else size
            resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (soft, most))

    def wait(self) -> None:
        """Wait until it ends."""
        self.process.join(_PATIENCE)
        if self.process.exitcode is None:
            os.kill(self.process.pid, signal.SIGABRT)
            self.process.join(_PATIENCE)
            raise AssertionError(f"{self.name} does not end")


def until(what: Any, seconds: float = _PATIENCE) -> bool:
    """Wait until something holds; return whether it came to be."""
    deadline = time.monotonic() + seconds
    while True:
        began = time.monotonic()
        if what():
            return True
        if began > deadline:
            return False
        # A look may open the store, for which a commit waits.
        time.sleep(max(0.1, 3 * (time.monotonic() - began)))


def page_metrics(port: int) -> dict[str, float]:
    """Return what a page of a watch says to Prometheus, by name; nothing while it is not there."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
    except OSError:
        return {}
    rows = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
    return {name.partition("{")[0]: float(value) for name, value in rows}
