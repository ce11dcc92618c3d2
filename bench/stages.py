"""One stage of the chain, or one computation, by itself: to be run as a process of its own.

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
from pathlib import Path
from typing import Any

import numpy as np

from blueattr.attribution.value import solve
from blueattr.indicators.base import Aggregator
from blueattr.indicators.builtin import INDICATORS

_TESTS = Path(__file__).parent.parent / "tests"
NO_ROLLUPS = ((_TESTS / "no_rollups.sql").read_text(encoding="utf-8"), "CHECKPOINT")


@contextmanager
def measured(**counts: float) -> Iterator[dict[str, float]]:
    """Print what happened meanwhile."""
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
    """Count what a store holds."""
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
    """Count records by account and do nothing else: the peer of rollups."""
    import duckdb

    with duckdb.connect(db, read_only=True) as connection:
        connection.execute("SET enable_progress_bar = false")
        with measured():
            connection.execute(
                "CREATE TEMP TABLE peer AS SELECT account, count(*) FROM record GROUP BY account"
            )


def read_bytes(db: str) -> None:
    """Read a file's bytes and do nothing else: no scan of all of it can be faster."""
    buffer = memoryview(bytearray(1 << 22))
    with Path(db).open("rb", buffering=0) as file, measured():
        while file.readinto(buffer):
            pass


def summarise(db: str) -> None:
    """Summarise every day of a store anew."""
    import duckdb

    from blueattr.store import rollups
    from blueattr.store.writer import Writer

    with duckdb.connect(db) as connection:
        for statement in NO_ROLLUPS:
            connection.execute(statement)
    with Writer(Path(db)) as writer, measured() as counts:
        counts["days"] = len(rollups.roll_up(writer).days)


def match(db: str, *names: str) -> None:
    """Match topics that the store does not have yet on all of its days."""
    from blueattr.panel import topics
    from blueattr.store import rollups
    from blueattr.store.writer import Writer

    rules = [topics.shipped()[name].rule for name in names]
    with Writer(Path(db)) as writer, measured() as counts:
        counts["topics"] = rollups.roll_up(writer, rules).topics


def panel(db: str, days: str = "14") -> None:
    """Build the panel of the last days."""
    from blueattr.panel.query import StoreView
    from blueattr.store.database import Store

    query = _last(db, days)
    with Store.open(Path(db)) as store, measured() as counts:
        counts["agents"] = StoreView.of(store, query).built.agents.height


def features(db: str, topic: str, days: str = "14") -> None:
    """Make the features of a topic, or of all events, once there is a panel."""
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
    """Write the kept events that follow those of a synthetic store, and no more than so many."""
    from ingest import First, FullError

    from blueattr.synth import SynthSpec, write_lines

    later = SynthSpec().start + timedelta(days=int(days))
    spec = SynthSpec(agents=int(agents), days=1, like_fraction=0.0, start=later)
    with Path(path).open("wb") as file, suppress(FullError):
        write_lines(spec, First(file, int(count)))  # type: ignore[arg-type]
    with measured():
        pass


def ingest(db: str, path: str) -> None:
    """Ingest a file and roll up what it brought."""
    from blueattr.decode.parser.parse import Parser
    from blueattr.ingest import read
    from blueattr.panel.topics import shipped_rules

    Parser().scan(b'{"warm":"up"}\n')
    with measured() as counts:
        done = read.ingest(Path(db), [path], rules=shipped_rules())
        counts["kept"] = sum(state.kept for state in done.sources)


# --- on numbers ----------------------------------------------------------------------------------


def values(size: str, rounds: str) -> None:
    """Value agents in memory by each indicator, beside memory bandwidth and a sort, in turns."""
    from kernels import draw, measure, triad

    n = int(size)
    features, aggregator, out = draw("counts", n, 0), Aggregator(), np.empty(n)
    random = np.random.default_rng(1).lognormal(size=n)
    tasks: dict[str, Callable[[], object]] = {
        "triad": lambda: triad(*features, out),
        "sort": lambda: np.sort(random),
    }
    for name, indicator in INDICATORS.items():
        tasks[name] = lambda indicator=indicator: solve(indicator, features, aggregator)
    seconds, _ = measure(tasks, int(rounds))
    print(json.dumps(seconds))


def memory(name: str, size: str) -> None:
    """Value agents once, for the memory that takes."""
    from kernels import draw

    features = draw("counts", int(size), 0)
    with measured():
        solve(INDICATORS[name], features, Aggregator())


def write_features(path: str, size: str) -> None:
    """Write a file of features, for attribution in chunks."""
    import polars as pl
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    schema = pa.schema([("did", pa.large_string()), *((k, pa.float64()) for k in "abc")])
    piece = 1 << 20
    with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=False) as writer:
        for start in range(0, int(size), piece):
            numbers = pl.Series(range(start, min(start + piece, int(size))), dtype=pl.UInt64)
            dids = "did:" + numbers.cast(pl.String).str.zfill(20)
            columns = [np.log1p(np.floor(rng.pareto(0.8, numbers.len()))) for _ in "abc"]
            writer.write_table(
                pa.table([dids.to_arrow().cast(pa.large_string()), *columns], schema=schema)
            )
    with measured() as counts:
        counts["bytes"] = Path(path).stat().st_size


def stream(path: str, name: str) -> None:
    """Attribute a file in chunks."""
    from blueattr.attribution import streaming

    with measured() as counts:
        [result] = streaming.attribute_file(Path(path), [name])
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
