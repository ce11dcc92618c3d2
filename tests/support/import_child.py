"""What a test runs in a process of its own: an import in small commits, killed on the way."""

from pathlib import Path

from blueattr.ingest import read
from blueattr.ingest.tables import import_tables, plan_import
from blueattr.sources.tables import source
from support import crash


def killed_at(db: Path, table: Path, point: str) -> None:
    """Die at that point of the second commit (:mod:`crash`)."""
    read.COMMIT_ROWS = 30
    read._COMMIT_SECONDS = 3600.0
    read._LEFTOVER = -1.0  # a small file is read at once
    source._ROWS = 10
    plan = plan_import([str(table)], db)
    with crash.killing(point):
        import_tables(db, plan)
