"""What a test of hydration runs in a process of its own, to be killed on the way."""

import os
import signal
from pathlib import Path

from blueattr.ingest import hydrate as ingest_hydrate
from blueattr.sources.appview import AppView
from blueattr.store.writer import Writer


def hydrate(db: Path, url: str) -> None:
    ingest_hydrate._COMMIT_ACCOUNTS = 100
    ingest_hydrate.hydrate(db, AppView(url, rate=1000))


def killed_after_answers(db: Path, url: str, answers: int) -> None:
    """Die when so many answers have come."""
    ingest_hydrate._COMMIT_ACCOUNTS = 100

    def progress(state: ingest_hydrate.Hydrated) -> None:
        if state.asked >= answers:
            os.kill(os.getpid(), signal.SIGKILL)

    ingest_hydrate.hydrate(db, AppView(url, rate=1000), progress=progress)


def killed_in_commit(db: Path, url: str, number: int) -> None:
    """Die in the transaction of that number, from 0, after its rows and before it commits."""
    ingest_hydrate._COMMIT_ACCOUNTS = 100
    run, count = Writer.run, 0

    def dying(self: Writer, query: str, **parameters: object) -> None:
        nonlocal count
        if query != "store/fold/hydration":
            run(self, query, **parameters)
            return
        if count < number:
            run(self, query, **parameters)
            count += 1
            return
        self._connection.begin()
        run(self, query, **parameters)
        os.kill(os.getpid(), signal.SIGKILL)

    Writer.run = dying  # type: ignore[method-assign, assignment]
    ingest_hydrate.hydrate(db, AppView(url, rate=1000))
