"""Compare a bulk ingest with DuckDB's own ``read_json`` on the same files, in the same run.

The peer reads the same fields with explicit struct columns into a table, of a database file (as an
ingest does) and in memory. It does not drop duplicates, fold deletes or count malformed lines. Each
measurement runs in its own process, for its peak memory; kernels are compiled before. Each round
runs every method once, so that other load on the machine affects all alike. Reported are medians of
wall-clock and processor time, and medians of the ratios of each round.

``--stored`` measures how the cost of an event grows: it fills stores with that many million
records, rolls them up, and ingests the same ``--events`` later events into each. With 0 they are
the first events of a store.

    python bench/ingest.py --out out/bench-ingest.json
    python bench/ingest.py --stored 0 10 50 150 --events 1000000 --out out/bench-ingest.json

The input, synthetic lines of the network's mix, is kept in ``--folder`` for the next run.
"""

import argparse
import contextlib
import json
import multiprocessing
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import numpy as np
import pyarrow as pa
import zstandard
from machine import describe

from blueattr.analysis.upkeep import rollup
from blueattr.decode import schema
from blueattr.decode.parse import Parser
from blueattr.ingest import read
from blueattr.panel.topics import shipped_rules
from blueattr.store.commit.writer import Writer
from blueattr.store.integrity import seal
from blueattr.synth import Names, SynthSpec, write_lines

PACKAGES = ("blueattr", "duckdb", "numba", "numpy", "pyarrow", "zstandard")
AGENTS = 1_671_587
KEPT = re.compile(
    rb'"collection":"app\.bsky\.(feed\.(re)?post|graph\.follow|actor\.profile)"'
    rb'|"kind":"(identity|account)"'
)


# --- input ---------------------------------------------------------------------------------------


class FullError(Exception):
    """The file has all the lines that it takes."""


class Kept:
    """A file that passes on only lines of kept events."""

    def __init__(self, file: Any) -> None:
        self.file = file

    def write(self, data: memoryview) -> int:
        """Pass on the lines of kept events; return the bytes written."""
        lines = bytes(data).splitlines(keepends=True)
        return int(self.file.write(memoryview(b"".join(filter(KEPT.search, lines)))))


class First:
    """A file that takes only the first lines."""

    def __init__(self, file: BinaryIO, lines: int) -> None:
        self.file, self.left = file, lines

    def write(self, data: memoryview) -> int:
        """Write lines; raise FullError once there are enough."""
        ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n"))
        if len(ends) >= self.left:
            self.file.write(data[: int(ends[self.left - 1]) + 1])
            raise FullError
        self.left -= len(ends)
        return self.file.write(data)


def make_input(folder: Path, lines: int) -> dict[str, Path]:
    """Write lines of the network's mix, as many lines of kept events, and the latter compressed."""
    kept = make_events(folder, lines)
    mix, packed = folder / f"mix-{lines}.jsonl", kept.with_suffix(".jsonl.zst")
    if not packed.exists():
        days = max(1, lines // 20_000_000 + 1)
        with mix.open("wb") as file, contextlib.suppress(FullError):
            write_lines(SynthSpec(agents=AGENTS, days=days), First(file, lines))  # type: ignore[arg-type]
        with kept.open("rb") as file, packed.open("wb") as out:
            zstandard.ZstdCompressor(level=3).copy_stream(file, out)
    return {"mix": mix, "kept": kept, "kept.zst": packed}


def make_events(folder: Path, events: int) -> Path:
    """Write the first ``events`` lines of kept events."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"events-{events}.jsonl"
    if not path.exists():
        part = path.with_suffix(".part")
        days = events // 7_000_000 + 1
        with part.open("wb") as file, contextlib.suppress(FullError):
            spec = SynthSpec(agents=AGENTS, days=days, like_fraction=0)
            write_lines(spec, Kept(First(file, events)))  # type: ignore[arg-type]
        part.rename(path)
    return path


def fill(path: Path, millions: int) -> None:
    """Make a store of so many million records, dated in the fortnight before the input starts."""
    start = 1_775_692_800_000_000  # when the input starts, microseconds since 1970
    with Writer(path):
        pass
    if not millions:
        return
    db = duckdb.connect(config={"preserve_insertion_order": False, "memory_limit": "2GB"})
    db.execute("SET enable_progress_bar = false")
    db.execute("ATTACH $path AS store", {"path": str(path)})
    db.execute("USE store")
    accounts = AGENTS * 100 // 74
    dids = pa.table({"id": np.arange(1, accounts + 1), "did": Names(0).did(np.arange(accounts))})  # noqa: F841 - DuckDB finds it by its name
    db.execute("INSERT INTO account SELECT id, did FROM dids")
    span = 14 * 86_400_000_000
    for k in range(millions):
        begin = start - span + k * span // millions
        db.execute(
            """
            CREATE OR REPLACE TEMP TABLE drawn AS
            SELECT ($begin + i / 1e6 * $length)::BIGINT AS time, random() AS a, random() AS b,
                random() AS c, random() AS d, random() < 0.05 AS removed
            FROM range(1000000) AS t(i)
            """,
            {"begin": begin, "length": span / millions},
        )
        for removed in (True, False):
            db.execute(
                """
                INSERT INTO record (
                    collection, account, rkey, rev, removed, event_time, subject, subject_rkey,
                    root, root_rkey, text, tags, title
                )
                SELECT
                    CASE WHEN a < 0.4 THEN 'post' WHEN a < 0.75 THEN 'repost' ELSE 'follow' END,
                    1 + (b * b * $accounts)::BIGINT % $accounts,
                    (time - d * CASE WHEN removed THEN 6e11 ELSE 5e6 END)::BIGINT * 1024
                        + (c * 1000)::BIGINT,
                    (time * 1024 + (d * 1000)::BIGINT)::UBIGINT,
                    removed,
                    make_timestamp(time),
                    CASE WHEN a > 0.2 THEN 1 + (c * $accounts)::BIGINT % $accounts END,
                    CASE WHEN a > 0.2 AND a < 0.75
                        THEN (time - c * 9e10)::BIGINT * 1024 + (b * 1000)::BIGINT END,
                    NULL,
                    NULL,
                    CASE WHEN a < 0.4 THEN md5(a::VARCHAR) || md5(b::VARCHAR || c::VARCHAR) END,
                    NULL,
                    NULL
                FROM drawn
                WHERE drawn.removed = $removed
                """,
                {"accounts": accounts, "removed": removed},
            )
    db.execute(
        """
        INSERT INTO stored_day
        SELECT event_time::DATE AS day, min(event_time), max(event_time), false, 0, 0
        FROM record
        WHERE NOT removed
        GROUP BY day
        """
    )
    # The sums of rows do not have these: a writer takes them anew.
    db.execute("DELETE FROM row_hash")
    db.execute("CHECKPOINT store")
    db.close()
    with path.open("r+b") as file:
        seal.write(file.fileno())
    rollup.roll_up_store(path)


# --- measurements, each in its own process -------------------------------------------------------


def _column(shape: Any) -> str:
    if isinstance(shape, dict):
        inner = ", ".join(f'"{name}" {_column(value)}' for name, value in shape.items())
        return f"STRUCT({inner})"
    return f"{_column(shape[0])}[]" if isinstance(shape, list) else str(shape)


def read_json(source: Path, db: Path | None) -> None:
    """Read the file by DuckDB alone, into a database file or in memory."""
    columns = {name: _column(value) for name, value in json.loads(schema.V1).items()}
    target = duckdb.connect(str(db or ":memory:"), config={"preserve_insertion_order": False})
    target.execute("SET enable_progress_bar = false")
    arguments = ", ".join(f"{name!r}: {value!r}" for name, value in columns.items())
    target.execute(
        f"CREATE TABLE line AS SELECT * FROM read_json('{source}', columns={{{arguments}}}, "  # noqa: S608 - our own names
        "format='newline_delimited')"
    )
    if db:
        target.execute("CHECKPOINT")
    target.close()


def measure(method: str, source: Path, db: Path) -> dict[str, float]:
    """Run one method once and return its cost."""
    if method == "blueattr":
        Parser().parse(b'{"warm":"up"}\n')
    started, worked = time.perf_counter(), time.process_time()
    kept = 0
    if method == "blueattr":
        done = read.ingest(db, [str(source)], rules=shipped_rules())
        kept = sum(state.kept for state in done.sources)
    else:
        read_json(source, db if method == "read_json to a file" else None)
    return {
        "seconds": time.perf_counter() - started,
        "processor_seconds": time.process_time() - worked,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "kept": kept,
    }


def without_texts(db: Path) -> int:
    """Return a store's bytes without the blocks that hold only texts, titles and tags."""
    with duckdb.connect(str(db), read_only=True) as store:
        blocks, size = store.execute(
            """
            WITH used AS (
                SELECT
                    column_name,
                    unnest([block_id] || coalesce(additional_block_ids, [])) AS block
                FROM pragma_storage_info('record')
                WHERE persistent
            )
            SELECT count(*), (SELECT block_size FROM pragma_database_size())
            FROM (
                SELECT block
                FROM used
                WHERE block >= 0
                GROUP BY block
                HAVING bool_and(column_name IN ('text', 'title', 'tags'))
            )
            """
        ).fetchall()[0]
    return db.stat().st_size - int(blocks) * int(size)


def by_itself(function: Any, *arguments: Any) -> Any:
    """Call in another process, since a child's peak memory is at least that of its parent."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def in_a_child(method: str, source: Path, db: Path) -> dict[str, float]:
    """Measure in a child process."""
    command = [sys.executable, __file__, "--child", method, str(source), str(db)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - ourselves
    cost: dict[str, float] = json.loads(done.stdout)
    return cost


def rounds(folder: Path, inputs: dict[str, Path], count: int) -> dict[str, list[dict[str, float]]]:
    """Run every method on every input, ``count`` times in turns."""
    turns = [
        (method, name)
        for name in inputs
        for method in ("blueattr", "read_json to a file", "read_json to memory")
        if method == "blueattr" or not name.endswith("zst")
    ]
    costs: dict[str, list[dict[str, float]]] = {f"{m}, {n}": [] for m, n in turns}
    for _ in range(count):
        for method, name in turns:
            db = folder / "bench.duckdb"
            for leftover in folder.glob("bench.duckdb*"):
                leftover.unlink()
            one = in_a_child(method, inputs[name], db)
            if method == "blueattr":
                one["store_bytes"] = db.stat().st_size
                one["no_text_bytes"] = by_itself(without_texts, db)
            costs[f"{method}, {name}"].append(one)
    return costs


def growth(
    folder: Path, source: Path, stored: list[int], count: int
) -> dict[int, list[dict[str, float]]]:
    """Ingest the same events into stores of several sizes, ``count`` times in turns."""
    for millions in stored:
        full = folder / f"stored-{millions}.duckdb"
        if not full.exists():
            part = folder / "filling.duckdb"
            for leftover in folder.glob("filling.duckdb*"):
                leftover.unlink()
            by_itself(fill, part, millions)
            part.rename(full)
    costs: dict[int, list[dict[str, float]]] = {millions: [] for millions in stored}
    for _ in range(count):
        for millions in stored:
            db = folder / "bench.duckdb"
            for leftover in folder.glob("bench.duckdb*"):
                leftover.unlink()
            shutil.copy(folder / f"stored-{millions}.duckdb", db)
            one = in_a_child("blueattr", source, db)
            one["store_bytes"] = db.stat().st_size
            one["no_text_bytes"] = by_itself(without_texts, db)
            costs[millions].append(one)
    return costs


# --- the report ----------------------------------------------------------------------------------


def middle(runs: list[dict[str, float]], name: str) -> float:
    """Return the median of one cost over the rounds."""
    return statistics.median(run[name] for run in runs)


def ratio(ours: list[dict[str, float]], theirs: list[dict[str, float]], name: str) -> float:
    """Return how many times as fast ``ours`` is: the median of each round's ratio."""
    return statistics.median(b[name] / a[name] for a, b in zip(ours, theirs, strict=True))


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=600_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--stored", type=int, nargs="*", default=[], metavar="MILLIONS")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=Path("out/bench-ingest"))
    parser.add_argument("--out", type=Path, default=Path("out/bench-ingest.json"))
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        method, source, db = options.child
        json.dump(measure(method, Path(source), Path(db)), sys.stdout)
        return
    inputs = by_itself(make_input, options.folder, options.lines)
    sizes = {name: path.stat().st_size for name, path in inputs.items()}
    sizes["kept.zst"] = sizes["kept"]
    in_a_child("blueattr", inputs["kept.zst"], options.folder / "bench.duckdb")  # compiles
    costs = rounds(options.folder, inputs, options.rounds)
    report: dict[str, Any] = {
        "machine": describe(PACKAGES),
        "lines": options.lines,
        "bytes": sizes,
        "rounds": options.rounds,
        "methods": {},
        "ratios": {},
        "growth": {},
    }
    for name, runs in costs.items():
        size = sizes[name.split(", ")[1]]
        report["methods"][name] = {
            "megabytes_per_second": size / middle(runs, "seconds") / 1e6,
            "megabytes_per_processor_second": size / middle(runs, "processor_seconds") / 1e6,
            "peak_megabytes": middle(runs, "peak_bytes") / 1e6,
        }
        if kept := middle(runs, "kept"):
            report["methods"][name] |= {
                "bytes_stored_per_kept_event": middle(runs, "store_bytes") / kept,
                "of_them_not_of_texts": middle(runs, "no_text_bytes") / kept,
            }
    for name in ("mix", "kept"):
        for peer in ("read_json to a file", "read_json to memory"):
            for clock in ("seconds", "processor_seconds"):
                report["ratios"][f"{name}, times the speed of {peer}, {clock}"] = ratio(
                    costs[f"blueattr, {name}"], costs[f"{peer}, {name}"], clock
                )
    for clock in ("seconds", "processor_seconds"):
        report["ratios"][f"kept.zst, times the speed of plain, {clock}"] = ratio(
            costs["blueattr, kept.zst"], costs["blueattr, kept"], clock
        )
    if options.stored:
        source = by_itself(make_events, options.folder, options.events)
        grown = growth(options.folder, source, options.stored, options.rounds)
        report["events"] = options.events
        for millions, runs in grown.items():
            events_stored = millions * 1e6 + middle(runs, "kept")
            report["growth"][millions] = {
                "bytes_stored_per_event": middle(runs, "store_bytes") / events_stored,
                "of_them_not_of_texts": middle(runs, "no_text_bytes") / events_stored,
                "microseconds_per_event": middle(runs, "seconds") / middle(runs, "kept") * 1e6,
                "processor_microseconds_per_event": middle(runs, "processor_seconds")
                / middle(runs, "kept")
                * 1e6,
                "times_the_first": 1 / ratio(runs, grown[options.stored[0]], "processor_seconds"),
                "peak_megabytes": middle(runs, "peak_bytes") / 1e6,
            }
    for name, values in report["methods"].items():
        print(f"{name:34}" + "  ".join(f"{value:9.1f} {key}" for key, value in values.items()))
    for name, value in report["ratios"].items():
        print(f"{value:6.2f} {name}")
    for millions, values in report["growth"].items():
        print(
            f"{millions:4} million stored: " + "  ".join(f"{v:8.2f} {k}" for k, v in values.items())
        )
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
