"""What a test runs in a process of its own: synthetic events into a store, killed on the way."""

import os
import signal
from pathlib import Path
from typing import Any

from blueattr import jobs
from blueattr.store import Store
from blueattr.synth import SynthSpec
from blueattr.synth import source as synth_source
from blueattr.synth.source import SynthSource


def fill(db: Path, spec: SynthSpec) -> None:
    synth_source._ROWS = 40
    jobs.COMMIT_ROWS = 150
    jobs.ingest_sources(db, [SynthSource(spec)])


def killed_at_statement(db: Path, spec: SynthSpec, number: int) -> None:
    """Die before the statement of that number, from 0, of all that commits execute."""
    run, count = Store.run, 0

    def dying(self: Store, query: str, **parameters: Any) -> None:
        nonlocal count
        if query.startswith("append/"):
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1
        run(self, query, **parameters)

    Store.run = dying  # type: ignore[method-assign]
    fill(db, spec)
