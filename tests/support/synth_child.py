"""What a test runs in a process of its own: synthetic events into a store, killed on the way."""

from pathlib import Path

from blueattr.ingest import read
from blueattr.synth import SynthSpec, source
from blueattr.synth.source import SynthSource
from support import crash


def fill(db: Path, spec: SynthSpec, commit_rows: int = 700) -> None:
    source._ROWS = 40
    read.COMMIT_ROWS = commit_rows
    read.ingest_sources(db, [SynthSource(spec)])


def killed_at(db: Path, spec: SynthSpec, point: str) -> None:
    """Die at that point of the second commit (:mod:`crash`)."""
    with crash.killing(point):
        fill(db, spec, commit_rows=150)
