"""Compare an import of interactions with DuckDB's own ``read_csv`` of the same file into a table.

The peer reads the same columns into a table of a database file. It makes no records, numbers no
accounts, drops no repeats and summarises no days. Each measurement runs in its own process, for its
peak memory. Reported are medians of processor time, peaks, and the ratio of the two.

    python bench/imports.py --rows 10000000 --out out/bench-imports.json

``--members`` also imports a tar archive of that many members of one post each.
"""

import argparse
import io
import json
import multiprocessing
import resource
import statistics
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
from machine import describe

from blueattr.ingest.tables import import_tables, plan_import

PACKAGES = ("blueattr", "duckdb", "numpy", "polars", "pyarrow")
# Of a table, and of an archive of many members.
_MEMORY, _MEMORY_OF_ARCHIVE = 1500 << 20, 500 * 10**6
_USERS = 4_000_000
_MINUTES = 380 * 1440


# --- input ---------------------------------------------------------------------------------------


def write_interactions(path: Path, rows: int) -> None:
    """Write made-up interactions in the layout of the format failla."""
    random = np.random.default_rng(1)
    users, others = (
        (random.pareto(1.1, rows) * scale).astype(np.int64) % _USERS for scale in (1000, 300)
    )
    minutes = (random.random(rows) * _MINUTES).astype("timedelta64[m]")
    kind = pl.Series(random.integers(0, 3, rows))
    times = pl.Series((np.datetime64("2023-03-01") + minutes).astype("datetime64[us]"))
    other = pl.Series(others)
    nobody = pl.lit(None, pl.Int64)
    pl.DataFrame({"user": users, "kind": kind, "other": other, "time": times}).select(
        "user",
        replied=pl.when(pl.col("kind") == 0).then("other").otherwise(nobody),
        root=pl.when(pl.col("kind") == 0).then("other").otherwise(nobody),
        reposted=pl.when(pl.col("kind") == 1).then("other").otherwise(nobody),
        quoted=pl.when(pl.col("kind") == 2).then("other").otherwise(nobody),
        date=pl.col("time").dt.strftime("%Y%m%d%H%M"),
    ).write_csv(path, include_header=False)


def apart(write: Callable[[Path, int], None], path: Path, size: int) -> None:
    """Write in a process of its own: a process's peak begins with the memory of who started it."""
    child = multiprocessing.Process(target=write, args=(path, size))
    child.start()
    child.join()
    if child.exitcode != 0:
        sys.exit(f"{write.__name__} failed")


def write_archive(path: Path, members: int) -> None:
    """Write a tar archive of members with one made-up post each."""
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for k in range(members):
            row = {
                "post_id": k,
                "user_id": k % 50_000,
                "date": 202304010000 + k % 28 * 10_000 + k % 24 * 100,
                "text": f"post {k} about things",
                "langs": ["eng"],
            }
            data = json.dumps(row).encode()
            member = tarfile.TarInfo(f"user_posts/{k}.jsonl")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


# --- measurements --------------------------------------------------------------------------------


def imported(folder: Path, name: str) -> None:
    """Import a file into a new store."""
    memory = _MEMORY_OF_ARCHIVE if name.endswith(".tar") else _MEMORY
    plan = plan_import(
        [str(folder / name)], folder / "store.duckdb", format="failla", memory=memory
    )
    import_tables(folder / "store.duckdb", plan, memory=memory)


def read_csv(folder: Path, name: str) -> None:
    """Read the same file into a table."""
    with duckdb.connect(folder / "peer.duckdb", config={"memory_limit": f"{_MEMORY}B"}) as peer:
        peer.execute(
            "CREATE TABLE interaction AS FROM read_csv($path, header = false)",
            {"path": str(folder / name)},
        )


def _measured(connection: Any, method: Callable[..., None], folder: Path, name: str) -> None:
    method(folder, name)
    used = resource.getrusage(resource.RUSAGE_SELF)
    connection.send({"cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss * 1024})


def measure(method: Callable[..., None], folder: Path, name: str) -> dict[str, float]:
    """Run a method in a process of its own."""
    for old in folder.glob("*.duckdb*"):
        old.unlink()
    here, there = multiprocessing.Pipe()
    child = multiprocessing.Process(target=_measured, args=(there, method, folder, name))
    child.start()
    child.join()
    if child.exitcode != 0:
        sys.exit(f"{method.__name__} failed")
    found: dict[str, float] = here.recv()
    return found


def main() -> None:
    """Measure, print, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--members", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    multiprocessing.set_start_method("spawn")
    result: dict[str, Any] = {"machine": describe(PACKAGES), "rows": options.rows}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        apart(write_interactions, folder / "interactions.csv", options.rows)
        methods = {"import": imported, "read_csv": read_csv}
        rounds = [
            {name: measure(method, folder, "interactions.csv") for name, method in methods.items()}
            for _ in range(options.rounds)
        ]
        for name in methods:
            cpu = statistics.median(each[name]["cpu"] for each in rounds)
            peak = max(each[name]["peak"] for each in rounds)
            result[name] = {"cpu": cpu, "peak": peak}
            print(f"{name:10} {cpu:7.1f} s of processor time, {peak / 1e9:.2f} GB")
        result["ratio"] = statistics.median(
            each["import"]["cpu"] / each["read_csv"]["cpu"] for each in rounds
        )
        print(f"an import takes {result['ratio']:.1f} times as long as read_csv into a table")
        if options.members:
            apart(write_archive, folder / "user_posts.tar", options.members)
            result["archive"] = measure(imported, folder, "user_posts.tar")
            cpu, peak = result["archive"]["cpu"], result["archive"]["peak"]
            print(f"{options.members:,} members {cpu:.1f} s, {peak / 1e9:.2f} GB")
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
