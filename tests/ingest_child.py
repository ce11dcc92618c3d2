"""What a test runs in a process of its own: an ingest in small commits, killed on the way."""

import os
import resource
import signal
import threading
import time
from pathlib import Path
from typing import Any

import dying

from blueattr import jobs
from blueattr.errors import StoreError
from blueattr.sources import files
from blueattr.store import Store
from blueattr.writer import Writer


def small_commits() -> None:
    jobs.COMMIT_ROWS = 20
    files.CHUNK = 2000
    files._READ = 700


def ingest(db: Path, source: Path) -> None:
    small_commits()
    jobs.ingest(db, [str(source)])


def killed_at_statement(db: Path, source: Path, number: int) -> None:
    """Die before the statement of that number, from 0, of all that commits execute."""
    small_commits()
    dying.before_statement(number)
    jobs.ingest(db, [str(source)])


def killed_around_commit(db: Path, source: Path, number: int) -> None:
    """Die right before (even) or right after (odd) a transaction commits."""
    small_commits()
    commit, note, count = Writer._commit, Writer._note, 0

    def noting(self: Writer, state: Any) -> None:
        note(self, state)
        nonlocal count
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)
        count += 1

    def committing(self: Writer, *arguments: Any) -> int:
        records = commit(self, *arguments)
        nonlocal count
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)
        count += 1
        return records

    Writer._note = noting  # type: ignore[method-assign]
    Writer._commit = committing  # type: ignore[method-assign, assignment]
    jobs.ingest(db, [str(source)])


def killed_after(db: Path, source: Path, seconds: float) -> None:
    """Die some time after the store was opened, wherever that is."""
    small_commits()
    made = Writer.__init__

    def opened(self: Writer, *arguments: Any) -> None:
        made(self, *arguments)

        def die() -> None:
            time.sleep(seconds)
            os.kill(os.getpid(), signal.SIGKILL)

        threading.Thread(target=die, daemon=True).start()

    Writer.__init__ = opened  # type: ignore[method-assign, assignment]
    jobs.ingest(db, [str(source)])


def full_disk(db: Path, source: Path, size: int) -> None:
    """Exit with 7 if the ingest says that it cannot write, 0 if it fits in `size` bytes a file."""
    small_commits()
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    try:
        jobs.ingest(db, [str(source)])
    except StoreError:
        os._exit(7)


def hold(db: Path, ready: Any, release: Any) -> None:
    """Write nothing, but be the writer until told otherwise."""
    with Writer(db):
        ready.set()
        release.wait(60)


def hold_reader(db: Path, ready: Any, release: Any) -> None:
    with Store.open(db):
        ready.set()
        release.wait(60)
