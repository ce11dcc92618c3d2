"""What a test runs in a process of its own: synthetic events into a store, killed on the way."""

from pathlib import Path

import crash

from blueattr import jobs
from blueattr.synth import SynthSpec
from blueattr.synth import source as synth_source
from blueattr.synth.source import SynthSource


def fill(db: Path, spec: SynthSpec) -> None:
    synth_source._ROWS = 40
    jobs.COMMIT_ROWS = 150
    jobs.ingest_sources(db, [SynthSource(spec)])


def killed_at(db: Path, spec: SynthSpec, point: str) -> None:
    """Die at that point of the second commit (:mod:`crash`)."""
    with crash.killing(point):
        fill(db, spec)
