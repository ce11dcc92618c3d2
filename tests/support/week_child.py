"""What the processes of the week are: commands of blueattr that live by a clock of the test's."""

import os
import resource
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

from blueattr.cli.main import app
from blueattr.errors import SourceError
from blueattr.ingest import follow as ingest_follow
from blueattr.ingest.pace import Pace
from blueattr.notify import post
from blueattr.sources import backoff
from blueattr.sources.backoff import Backoff
from blueattr.sources.http import certificates
from blueattr.watch import follow as watch_follow
from blueattr.watch import teller as watch_teller
from blueattr.watch import writing as watch_writing
from support.clock_file import live_by

__all__ = ["command"]


certificates()  # read once, for all that are forked


def command(
    clock: Path, folder: Path, output: Path, words: list[str], size: int | None = None
) -> None:
    """Run a command in a folder, with what it says in files.

    Parameters
    ----------
    clock
        The clock's file.
    folder
        Where it runs.
    output
        Its stdout is added to this file, its stderr to the same with ``.err``.
    words
        The command.
    size
        No file may be larger; a disk is full.
    """
    os.chdir(folder)
    for number, path in ((1, output), (2, output.with_suffix(".err"))):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(file, number)
        os.close(file)
    live_by(clock)
    _hurry()
    if size is not None:
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
    sys.argv = ["blueattr", *words]
    try:
        app()
    finally:
        spent = f"{words[0]} {time.process_time():.2f}\n".encode()
        file = os.open(folder / "processor", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        with suppress(OSError):  # the disk is full
            os.write(file, spent)
        os.close(file)


def _hurry() -> None:
    """Let what is a minute as a rule be a moment, as an hour of the week is a second."""
    vars(ingest_follow)["Pace"] = partial(
        Pace, commit_seconds=0.2, commit_multiple=2.0, quiet=1.0, silence=3.0
    )
    soon = Backoff(first=0.02, ceiling=0.1, attempts=3, attempts_at_first=3)
    post._BACKOFF = soon
    backoff._STREAMS = Backoff(0.05, 0.3, attempts=7, attempts_at_first=1, spread=(0.5, 1.5))
    vars(watch_writing)["Ingest"] = _refuse
    watch_teller._EVERY = 0.3
    watch_follow._PAUSE = 6.0


def _refuse(*_: object) -> None:
    """Where the follower ends just before a watch begins, the watch would follow the network."""
    raise SourceError("nobody writes to the store")
