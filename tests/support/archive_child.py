"""Ingests from an archive with a commit after every chunk; tests kill the process that does it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from blueattr.provenance import Window
from blueattr.sources.archive.source import ArchiveSource
from blueattr.store.checkpoint import SourceState
from blueattr.store.writer import Writer


def ingest(db: Path, source: ArchiveSource) -> SourceState:
    with Writer(db) as writer:
        state = writer.source(source.name)
        if state is None or state.fingerprint != source.fingerprint:
            state = SourceState(source.name, source.kind, source.fingerprint)
        for chunk in source.chunks(state.position):
            state = writer.stage(chunk, state)
            writer.commit(state)
        state = replace(state, complete=source.complete)
        writer.commit(state)
    return state


def run(db: Path, url: str, window: Window | None, options: dict[str, Any]) -> None:
    ingest(db, ArchiveSource(url, window, **options))
