"""Measure what `blueattr watch` costs on a store: its start, its upkeep by event, its pictures.

Measured are seconds by the clock and of the processor, and the largest memory of the process: one
look at a store that another process writes, which is also how a watch of it starts; the start of a
replay, from the opened store to the first answer; reading and counting the records of a day; the
upkeep alone, on one core, with records that are read already; and one answer.

    python bench/watch.py --out out/bench-watch.json
    python bench/watch.py --db full.duckdb --topic mythos --from 2026-04-16 --out out/watch.json

Without ``--db`` a store of ``--agents`` synthetic agents is made in a folder that is removed.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from machine import describe

from blueattr.attribution.question import Question
from blueattr.ingest import read
from blueattr.panel.query import PanelQuery
from blueattr.panel.topics import shipped_rules
from blueattr.provenance import Window
from blueattr.store.database import Store
from blueattr.synth import SynthSpec
from blueattr.synth.source import SynthSource
from blueattr.watch.reading import StoreReading, WindowReading

HOUR = timedelta(hours=1)


@contextmanager
def timed(found: dict[str, Any], name: str) -> Iterator[None]:
    """Time the block, and note the largest memory so far."""
    passed, worked = time.perf_counter(), time.process_time()
    yield
    found[name] = {
        "seconds": time.perf_counter() - passed,
        "processor_seconds": time.process_time() - worked,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def measure(db: Path, topic: str, begin: datetime, window: timedelta) -> dict[str, Any]:
    """Start at a time, answer, replay the day that follows, and answer again."""
    found: dict[str, Any] = {}
    until, question = begin + 24 * HOUR, Question()
    with Store.open(db) as store:
        # What is compiled or read from the disk for the first time is not measured.
        warm = WindowReading(store, PanelQuery(db, topic=topic), window, begin, until)
        warm.slide(begin)
        warm.answer(question)
        with timed(found, "look"):
            StoreReading(store, PanelQuery(db, topic=topic), Window(begin - window, begin)).answer(
                question
            )
        with timed(found, "start"):
            reading = WindowReading(store, PanelQuery(db, topic=topic), window, begin, until)
            reading.slide(begin)
            reading.answer(question)
        before = reading.state.events_read
        with timed(found, "read and count a day"):
            for hours in range(1, 25):
                reading.slide(begin + hours * HOUR)
        events = reading.state.events_read - before
        with timed(found, "answer"):
            agents = reading.answer(question).result
        again = WindowReading(store, PanelQuery(db, topic=topic), window, begin, until)
        again.slide(begin)
        again.last_event(until)  # reads it
        with timed(found, "count a day"):
            for hours in range(1, 25):
                again.slide(begin + hours * HOUR)
    found["events"] = events
    found["agents"] = 0 if agents is None else agents.n_agents
    for name in ("read and count a day", "count a day"):
        found[name]["events_per_processor_second"] = events / found[name]["processor_seconds"]
    return found


def main() -> None:
    """Measure, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--db", type=Path)
    parser.add_argument("--agents", type=int, default=50_000)
    parser.add_argument("--topic", default="mythos")
    parser.add_argument("--from", dest="begin", default="2026-04-16")
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    begin = datetime.fromisoformat(asked.begin).replace(tzinfo=UTC)
    with TemporaryDirectory() as folder:
        db = asked.db
        if db is None:
            db = Path(folder) / "watch.duckdb"
            spec = SynthSpec(agents=asked.agents, start=datetime(2026, 4, 9, tzinfo=UTC))
            read.ingest_sources(db, [SynthSource(spec)], rules=shipped_rules())
        found = measure(db, asked.topic, begin, asked.hours * HOUR)
    text = json.dumps({"machine": describe(), **found}, indent=2)
    if asked.out is not None:
        asked.out.write_text(f"{text}\n", encoding="utf-8")
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    main()
