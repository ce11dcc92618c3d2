"""Ingests from an archive with a commit after every chunk; tests kill the process that does it."""

from dataclasses import replace
from pathlib import Path

from blueattr.provenance import Window
from blueattr.sources.archive.source import ArchiveSource
from blueattr.store.commit.checkpoint import SourceState
from blueattr.store.commit.writer import Writer
from support import crash


def ingest(db: Path, source: ArchiveSource) -> SourceState:
    with Writer(db) as writer:
        state = writer.source(source.name)
        if state is None or state.fingerprint != source.fingerprint:
            state = SourceState(source.name, source.kind, source.fingerprint)
        for chunk in source.chunks(state.position):
            state = writer.stage(chunk, state)
            state = writer.commit(state)
        state = replace(state, complete=source.complete)
        writer.commit(state)
    return state


def killed_at(point: str, number: int, db: Path, url: str, window: Window | None = None) -> None:
    """Commit after every block, and die at that point of the commit of that number."""
    with crash.killing(point, number):
        ingest(db, ArchiveSource(url, window, parallel=2, part=1, chunk=1))
