"""Compare rollups with a plain ``GROUP BY account`` of the same table, in the same run.

The peer only counts rows by account. Measured are: summarising every day of a store, matching the
bundled topics on all posts, the panel and features that a reader then computes, and whole commands.
Kernels are compiled before; each round starts without rollups. Reported are medians of wall-clock
and processor time, and ratios to the peer.

    python bench/rollups.py --out out/bench-rollups.json
    python bench/rollups.py --db full.duckdb --rounds 1 --grid --out out/bench-rollups.json

Without ``--db`` a store of ``--agents`` synthetic agents is made in ``--folder``. With it, the
store's rollups are removed and computed again, which does not change its answers.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
from machine import describe
from stages import remove_rollups

from blueattr.ingest import read
from blueattr.panel import topics
from blueattr.panel.query import PanelQuery, StoreView
from blueattr.store import rollups
from blueattr.store.commit.writer import Writer
from blueattr.store.database import Store
from blueattr.synth import SynthSpec, write_file

PEER = "GROUP BY account"
TOPIC = "mythos"
GRID = ("--indicator", "all", "--protocol", "all", "--sizes")
SIZES = (100, 1000, 10_000, 100_000)

Runs = list[tuple[float, float]]
Times = dict[str, Runs]
"""Wall-clock and processor seconds of each task, one pair a round."""


def used(who: int = resource.RUSAGE_SELF) -> float:
    """Return the processor seconds of this process, or of its children."""
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


@contextmanager
def timed(times: Times, name: str) -> Iterator[None]:
    """Time the block and add the result to ``times``."""
    passed, worked = time.perf_counter(), used()
    yield
    times.setdefault(name, []).append((time.perf_counter() - passed, used() - worked))


def make_store(folder: Path, agents: int) -> Path:
    """Ingest synthetic events into a store, unless it is there already."""
    folder.mkdir(parents=True, exist_ok=True)
    db = folder / f"{agents}.duckdb"
    if not db.exists():
        source = folder / "events.jsonl.zst"
        write_file(SynthSpec(agents=agents, like_fraction=0.0), source, level=1)
        read.ingest(db, [str(source)], rules=topics.shipped_rules())
        source.unlink()
    return db


def execute(db: Path, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements in their own connection, and return the rows of the last one."""
    rows: list[tuple[Any, ...]] = []
    with duckdb.connect(str(db)) as connection:
        for statement in statements:
            rows = connection.execute(statement).fetchall()
    return rows


def one_round(db: Path, times: Times, query: PanelQuery) -> int:
    """Measure once everything that runs in this process; return the panel's number of agents."""
    remove_rollups(db)
    with duckdb.connect(str(db), read_only=True) as connection, timed(times, PEER):
        connection.execute(
            "CREATE TEMP TABLE peer AS SELECT account, count(*) FROM record GROUP BY account"
        )
    with Writer(db) as writer, timed(times, "summarise all days"):
        rollups.roll_up(writer)
    with Writer(db) as writer, timed(times, "match five topics"):
        rollups.roll_up(writer, [topic.rule for topic in topics.shipped().values()])
    with Store.open(db) as store:
        with timed(times, "panel"):
            view = StoreView.of(store, query)
        with timed(times, "features of all events"):
            view.features(view.totals(None))
        with timed(times, "features of a topic"):
            view.features(view.totals(view.topic(TOPIC)))
        return view.built.agents.height


def whole_process(db: Path, times: Times, name: str, *arguments: str) -> None:
    """Measure a command, start-up included."""
    command = [sys.executable, "-c", "from blueattr.cli.main import app; app()", *arguments]
    passed, worked = time.perf_counter(), used(resource.RUSAGE_CHILDREN)
    subprocess.run([*command, "--db", str(db)], check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own command
    times.setdefault(name, []).append(
        (time.perf_counter() - passed, used(resource.RUSAGE_CHILDREN) - worked)
    )


def sizes(db: Path) -> dict[str, dict[str, float]]:
    """Return rows and bytes on disk of the records and of the tables that hold rollups."""
    tables = {}
    for table in ("record", "agent_day", "given_day", "topic_event"):
        ((rows,),) = execute(db, f"SELECT count(*) FROM {table}")  # noqa: S608 - named above
        storage = f"pragma_storage_info('{table}') WHERE block_id >= 0"
        ((blocks,),) = execute(db, f"SELECT count(DISTINCT block_id) FROM {storage}")  # noqa: S608 - named above
        size = blocks * 262_144
        tables[table] = {"rows": rows, "bytes": size, "bytes_per_row": size / max(rows, 1)}
    return tables


def ratio(runs: Runs, peers: Runs, clock: int) -> float:
    """Return the median over the rounds of the time as a multiple of the peer's."""
    return statistics.median(
        run[clock] / peer[clock] for run, peer in zip(runs, peers, strict=True)
    )


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--db", type=Path)
    parser.add_argument("--agents", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--grid", action="store_true", help="time the whole scale grid too")
    parser.add_argument("--folder", type=Path, default=Path("out/bench-rollups"))
    parser.add_argument("--out", type=Path, default=Path("out/bench-rollups.json"))
    options = parser.parse_args()
    db = options.db or make_store(options.folder, options.agents)
    ((first, last),) = execute(db, "SELECT min(event_time)::DATE, max(event_time)::DATE FROM event")
    bounds = ("--from", f"{first}", "--to", f"{last}T23:59:59.999999")
    query = PanelQuery(db)
    times: Times = {}
    agents = one_round(db, {}, query)  # warms up: compiles kernels and reads the file
    sizes_of_samples = ",".join(str(size) for size in SIZES if size * 10 <= agents)
    for _ in range(options.rounds):
        one_round(db, times, query)
        whole_process(db, times, "blueattr attribute", "attribute", "--topic", TOPIC, *bounds)
        if options.grid:
            whole_process(
                db, times, "blueattr compare-scales, grid", "compare-scales", "--topic", TOPIC,
                *GRID, sizes_of_samples, *bounds,
            )  # fmt: skip
    medians: dict[str, dict[str, float]] = {}
    for name, runs in times.items():
        medians[name] = {
            "seconds": statistics.median(passed for passed, _ in runs),
            "processor_seconds": statistics.median(worked for _, worked in runs),
            "times_the_peer": ratio(runs, times[PEER], 0),
            "times_the_peer_processor": ratio(runs, times[PEER], 1),
        }
    tables = sizes(db)
    report = {
        "machine": describe(),
        "rounds": options.rounds,
        "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
        "times": medians,
        "tables": tables,
    }
    for name, values in medians.items():
        print(
            f"{name:32}{values['seconds']:8.2f} s {values['times_the_peer']:7.2f} times the peer"
            f"{values['processor_seconds']:10.2f} processor s "
            f"{values['times_the_peer_processor']:7.2f} times the peer"
        )
    for name, table in tables.items():
        print(f"{name:16}{table['rows']:14,.0f} rows {table['bytes_per_row']:8.1f} bytes a row")
    print(f"peak {report['peak_megabytes']:.0f} MB")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
