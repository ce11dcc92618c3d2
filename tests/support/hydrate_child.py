"""What a test of hydration runs in a process of its own, to be killed on the way."""

from pathlib import Path

from blueattr.ingest import hydrate as ingest_hydrate
from blueattr.sources.appview import AppView
from support import crash


def killed_at(point: str, db: Path, url: str) -> None:
    """Commit every hundred accounts, and die at that point of the second commit (:mod:`crash`)."""
    ingest_hydrate._COMMIT_ACCOUNTS = 100
    with crash.killing(point):
        ingest_hydrate.hydrate(db, AppView(url, rate=1000))
