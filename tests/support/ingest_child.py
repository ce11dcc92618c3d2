"""What a test runs in a process of its own: an ingest in small commits, killed on the way."""

import os
import resource
import signal
import threading
import time
from pathlib import Path
from typing import Any

from blueattr.errors import StoreError
from blueattr.ingest import read
from blueattr.sources import files, forms, packing
from blueattr.store.commit.writer import Writer
from blueattr.store.database import Store
from support import crash


def small_commits() -> None:
    read.COMMIT_ROWS = 20
    read._COMMIT_SECONDS = 3600.0  # on a busy machine, too, a commit is due by its rows alone
    files.CHUNK = 2000
    packing._READ = 700
    forms._HEAD = 700


def ingest(db: Path, source: Path) -> None:
    small_commits()
    read.ingest(db, [str(source)])


def killed_at(db: Path, source: Path, point: str, kind: str = "file") -> None:
    """Die at that point of the second commit (:mod:`crash`)."""
    small_commits()
    with crash.killing(point):
        read.ingest(db, [str(source)], kind=kind)


def killed_after(db: Path, source: Path, seconds: float) -> None:
    """Die some time after the store was opened, wherever that is."""
    small_commits()
    made = Writer.__init__

    def opened(self: Writer, *arguments: Any, **named: Any) -> None:
        made(self, *arguments, **named)

        def die() -> None:
            time.sleep(seconds)
            os.kill(os.getpid(), signal.SIGKILL)

        threading.Thread(target=die, daemon=True).start()

    Writer.__init__ = opened  # type: ignore[method-assign]
    read.ingest(db, [str(source)])


def full_disk(db: Path, source: Path, size: int) -> None:
    """Exit with 7 if the ingest says that it cannot write, 0 if it fits in `size` bytes a file."""
    small_commits()
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    try:
        read.ingest(db, [str(source)])
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
