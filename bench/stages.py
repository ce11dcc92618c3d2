"""Run one stage of the pipeline, or one computation, in this process, and print its cost as JSON.

python bench/stages.py panel full.duckdb
"""

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from blueattr.attribution.value import solve
from blueattr.indicators.base import Aggregator
from blueattr.indicators.builtin import INDICATORS

_TESTS = Path(__file__).parents[1] / "tests"
_NO_ROLLUPS = _TESTS / "store" / "no_rollups.sql"


def remove_rollups(db: Path) -> None:
    """Remove all rollups of a store, and seal it as it is then."""
    import duckdb

    from blueattr.store.integrity import seal

    with duckdb.connect(str(db)) as connection:
        connection.execute(_NO_ROLLUPS.read_text(encoding="utf-8"))
        connection.execute("CHECKPOINT")
    with db.open("r+b") as file:
        seal.write(file.fileno())


@contextmanager
def measured(**counts: float) -> Iterator[dict[str, float]]:
    """Print the cost of the block, and the counts that it adds to the yielded dictionary."""
    started, worked = time.perf_counter(), time.process_time()
    yield counts
    print(
        json.dumps({
            "seconds": time.perf_counter() - started,
            "processor_seconds": time.process_time() - worked,
            "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            **counts,
        })
    )  # fmt: skip


# --- on a store ----------------------------------------------------------------------------------


def describe(db: str) -> None:
    """Count the events and accounts of a store; measure its size and its period."""
    import duckdb

    with duckdb.connect(db, read_only=True) as connection:
        ((records, first, last),) = connection.execute(
            "SELECT count(*), min(event_time), max(event_time) FROM event"
        ).fetchall()
        ((accounts,),) = connection.execute("SELECT count(*) FROM account").fetchall()
    with measured() as counts:
        counts |= {
            "events": records, "accounts": accounts, "bytes": Path(db).stat().st_size,
            "first": first.timestamp(), "last": last.timestamp(),
        }  # fmt: skip


def group_by(db: str) -> None:
    """Count records by account: the limit that rollups are compared with."""
    import duckdb

    with duckdb.connect(db, read_only=True) as connection:
        connection.execute("SET enable_progress_bar = false")
        with measured():
            connection.execute(
                "CREATE TEMP TABLE peer AS SELECT account, count(*) FROM record GROUP BY account"
            )


def read_bytes(db: str) -> None:
    """Read a file's bytes: the limit of a scan of the whole file."""
    buffer = memoryview(bytearray(1 << 22))
    with Path(db).open("rb", buffering=0) as file, measured():
        while file.readinto(buffer):
            pass


def summarise(db: str) -> None:
    """Remove a store's rollups, and summarise every day again."""
    from blueattr.store import rollups
    from blueattr.store.commit.writer import Writer

    remove_rollups(Path(db))
    with Writer(Path(db)) as writer, measured() as counts:
        counts["days"] = len(rollups.roll_up(writer).days)


def match(db: str, *names: str) -> None:
    """Match topics that are new to the store on all of its days."""
    from blueattr.panel import topics
    from blueattr.store import rollups
    from blueattr.store.commit.writer import Writer

    rules = [topics.shipped()[name].rule for name in names]
    with Writer(Path(db)) as writer, measured() as counts:
        counts["topics"] = rollups.roll_up(writer, rules).topics


def panel(db: str, days: str = "14") -> None:
    """Build the panel of the last ``days`` days."""
    from blueattr.panel.query import StoreView
    from blueattr.store.database import Store

    query = _last(db, days)
    with Store.open(Path(db)) as store, measured() as counts:
        counts["agents"] = StoreView.of(store, query).built.agents.height


def features(db: str, topic: str, days: str = "14") -> None:
    """Compute the features of a topic, or of all events, from a panel that is ready."""
    from blueattr.panel.query import StoreView
    from blueattr.store.database import Store

    query = _last(db, days)
    with Store.open(Path(db)) as store:
        view = StoreView.of(store, query)
        with measured() as counts:
            counts["agents"] = view.features(view.totals(view.topic(topic))).height


def _last(db: str, days: str) -> Any:
    from blueattr.panel.query import PanelQuery
    from blueattr.store.database import Store

    query = PanelQuery(Path(db))
    with Store.open(Path(db)) as store:
        end = query.window(store).end
    midnight = datetime(end.year, end.month, end.day, tzinfo=UTC) + timedelta(days=1)
    return replace(query, end=midnight, length=timedelta(days=float(days)))


def next_lines(agents: str, days: str, count: str, path: str) -> None:
    """Write the next kept events after those of a synthetic store, ``count`` at most."""
    from ingest import First, FullError

    from blueattr.synth import SynthSpec, write_lines

    later = SynthSpec().start + timedelta(days=int(days))
    spec = SynthSpec(agents=int(agents), days=1, like_fraction=0.0, start=later)
    with Path(path).open("wb") as file, suppress(FullError):
        write_lines(spec, First(file, int(count)))  # type: ignore[arg-type]
    with measured():
        pass


def ingest(db: str, path: str) -> None:
    """Ingest a file and update the rollups."""
    from blueattr.decode.parse import Parser
    from blueattr.ingest import read
    from blueattr.panel.topics import shipped_rules

    Parser().parse(b'{"warm":"up"}\n')
    with measured() as counts:
        done = read.ingest(Path(db), [path], rules=shipped_rules())
        counts["kept"] = sum(state.kept for state in done.sources)


# --- on numbers ----------------------------------------------------------------------------------


def values(size: str, rounds: str) -> None:
    """Time the values of all agents by each indicator, next to the limits, in turns."""
    from kernels import draw, measure, triad

    n = int(size)
    features, aggregator, out = draw("counts", n, 0), Aggregator(), np.empty(n)
    random = np.random.default_rng(1).lognormal(size=n)
    tasks: dict[str, Callable[[], object]] = {
        "triad": lambda: triad(*features, out),
        "sort": lambda: np.sort(random),
    }
    for name, indicator in INDICATORS.items():
        tasks[name] = partial(solve, indicator, features, aggregator)
    seconds, _ = measure(tasks, int(rounds))
    print(json.dumps(seconds))


def memory(name: str, size: str) -> None:
    """Compute the values of all agents once, to measure peak memory."""
    from kernels import draw

    features = draw("counts", int(size), 0)
    with measured():
        solve(INDICATORS[name], features, Aggregator())


def write_features(path: str, size: str) -> None:
    """Write a file of features, for attribution in chunks."""
    from streaming import write

    write(Path(path), int(size), counts=True, shuffled=False)
    with measured() as counts:
        counts["bytes"] = Path(path).stat().st_size


def stream(path: str, name: str, agents: str = "") -> None:
    """Attribute a file of features in chunks; write the agents if a file for them is named."""
    from blueattr.attribution.large import streaming
    from blueattr.report.formats.streamed import agents_receiver

    receive = agents_receiver(Path(agents)) if agents else None
    with measured() as counts:
        [result] = streaming.attribute_file(Path(path), [name], receive=receive)
        counts["total"] = result.total
        counts["efficiency_error"] = abs(result.attributed / result.total - 1)


STAGES: dict[str, Callable[..., None]] = {
    stage.__name__: stage
    for stage in (
        describe, group_by, read_bytes, ingest, summarise, match, panel, features, next_lines,
        values, memory, write_features, stream,
    )
}  # fmt: skip

if __name__ == "__main__":
    STAGES[sys.argv[1]](*sys.argv[2:])
