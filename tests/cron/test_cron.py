"""Real cron at one-minute steps: whatever happens to runs, `latest` leads to a whole report."""

import json
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from blueattr.errors import ExitCode
from blueattr.runs.history.record import Run, read_runs
from blueattr.runs.publish import faults
from support.cli_world import events, ok
from support.events_builder import lines

pytestmark = pytest.mark.cron


SETTINGS = """\
db = {db}
{source}
[[sources]]
read = ["in/"]
[report]
topic = ["mythos", "wrestlemania"]
sizes = [10]
seeds = 2
"""
DOWN = '[[sources]]\nread = ["ws://127.0.0.1:9"]\nfor = "3s"'
EVENTS = events()
PARTS = 10
STAGES = ("start", "ingest", "look", "attribute")
# A run starts within a minute; on a busy machine it may take as long again.
_PATIENCE = 180.0


class World:
    """A folder with settings, that cron runs by."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reports = folder / "reports"
        self.log = folder / "blueattr.log"
        self.dropped = 0
        self.checked = 0
        self.wrong: list[str] = []
        (folder / "in").mkdir(parents=True)
        self.configure()

    def configure(self, source: str = "") -> None:
        path = self.folder / "blueattr.toml"
        part = path.with_suffix(".new")
        # The path of a store can have no backslash.
        db = json.dumps(str(self.folder.parent / "the 100 % store.duckdb"))
        part.write_text(SETTINGS.format(db=db, source=source))
        part.replace(path)

    def drop(self) -> None:
        """Let the next part of the events appear."""
        # Half of them first: a panel.
        half = len(EVENTS) // 2
        size = half // PARTS
        end = half + self.dropped * size
        some = EVENTS[end - size if self.dropped else 0 : end]
        assert some
        path = self.folder / "in" / f"{self.dropped}.jsonl"
        part = path.with_suffix(".part")
        part.write_bytes(lines(*some))
        part.replace(path)
        self.dropped += 1

    def wait(self, pattern: str, after: int) -> "re.Match[str]":
        """Wait for a line of the log, from a position on; see it as soon as may be."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            text = self.log.read_text() if self.log.exists() else ""
            if (match := re.search(pattern, text[after:], re.MULTILINE)) is not None:
                return match
            time.sleep(0.005)
        pytest.fail(f"not in the log: {pattern}\n{text[after:]}")

    def now(self) -> int:
        return len(self.log.read_text()) if self.log.exists() else 0

    def started(self) -> tuple[int, int]:
        """Wait for the next run to start; its process, and where its log begins."""
        begin = self.now()
        match = self.wait(r"start: process (\d+)", begin)
        return int(match[1]), begin

    def ended(self, begin: int) -> Run:
        """Wait for the end of the run that started after a position; what it noted."""
        name = self.wait(r"^\S+ (\S+) start: process", begin)[1]
        self.wait(rf"{name} (?:error )?end ", begin)
        deadline = time.monotonic() + 10
        while (run := self.runs()[-1]).exit_code is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert run.name == name
        return run

    def runs(self) -> list[Run]:
        return read_runs(self.reports)

    def latest(self) -> str:
        return str((self.reports / "latest").readlink())

    def reported(self) -> str:
        """When the last event was that the latest report has seen."""
        manifest = json.loads((self.reports / "latest" / "manifest.json").read_bytes())
        return str(manifest["state"]["last_event"])

    @contextmanager
    def watched(self) -> Iterator[None]:
        """All the while, from outside, look whether the latest report is whole."""
        stop = threading.Event()

        def watch() -> None:
            while not stop.wait(0.1):
                link = self.reports / "latest"
                if link.is_symlink():
                    # Where it leads now: it may be switched while we look.
                    self.wrong += faults(self.reports / link.readlink())
                    self.checked += 1

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cron: None) -> Iterator[World]:
    for name in ("BLUEATTR_DB", "BLUEATTR_TOPICS", "BLUEATTR_CONFIG", "BLUEATTR_JETSTREAM_KEY"):
        monkeypatch.delenv(name, raising=False)
    # To cron both a % and a backslash mean something.
    made = World(tmp_path / r"it's 100 % mine, 10 \% yours, C:\\here, \\% there")
    config = made.folder / "blueattr.toml"
    ok("schedule", "--cron", "* * * * *", "--config", config, "--install")
    try:
        yield made
    finally:
        ok("schedule", "--remove", "--config", config)
        # The last one may still be at it.
        wait_until(lambda: all(run.outcome != "going" for run in made.runs()))


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_latest_is_whole_whatever_happens(world: World) -> None:
    with world.watched():
        # As it should be.
        world.drop()
        _, begin = world.started()
        assert world.ended(begin).exit_code == ExitCode.OK
        first = world.latest()

        # Two at once: the first is held until the next minute's has come and gone.
        world.drop()
        process, begin = world.started()
        os.kill(process, signal.SIGSTOP)
        try:
            said = world.wait(r"another run is going into .*: process (\d+)", begin)
        finally:
            os.kill(process, signal.SIGCONT)
        assert int(said[1]) == process
        assert world.ended(begin).exit_code == ExitCode.OK
        assert world.latest() != first

        # Killed in each stage, which is as soon as the one before it is done.
        for number, stage in enumerate(STAGES):
            before = world.latest()
            world.drop()
            process, begin = world.started()
            world.wait(rf"^\S+ \S+ {stage}\b", begin)
            os.kill(process, signal.SIGKILL)
            wait_until(lambda: world.runs()[-1].outcome != "going")
            killed = world.runs()[-1]
            assert killed.outcome == "killed", stage
            assert len(killed.stages) == number, stage
            assert world.latest() == before

        # A source that is down: what there is, is reported on.
        world.configure(DOWN)
        world.drop()
        _, begin = world.started()
        run = world.ended(begin)
        assert run.exit_code == ExitCode.SOURCE
        assert world.latest() == run.end["report"]
        down = world.reported()

        # And all is well again, with nothing to be done by hand.
        world.configure()
        world.drop()
        _, begin = world.started()
        assert world.ended(begin).exit_code == ExitCode.OK
        assert world.reported() > down
        last = world.latest()
        _, begin = world.started()
        assert world.ended(begin).exit_code == ExitCode.NOTHING_NEW
        assert world.latest() == last
    assert world.wrong == []
    assert world.checked > 100
    assert [r.outcome for r in world.runs()].count("killed") == len(STAGES)
    assert [p.name for p in world.reports.iterdir() if p.name.startswith((".part", ".gone"))] == []
