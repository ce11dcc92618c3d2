"""Measure a panel in parts: by one process, and by one and two workers of a cluster here.

Files of features are written, and attributed by the same tasks without an engine, and by Dask with
workers of one thread each; each time in a process of its own, whose start, imports and workers
count. Totals must be equal. For comparison one process reads the same files in chunks.

    python bench/cluster.py --sizes 1e6,1e7 --parts 16 --rounds 3 --out cluster.json
"""

import argparse
import json
import math
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from machine import Cost, cost_of, describe, median
from streaming import write

SCRIPT = """
import json, sys, tempfile
from pathlib import Path
from blueattr.attribution.large.parts import parts_of
from blueattr.attribution.large.streaming import attribute_file
from blueattr.attribution.parted.driver import attribute_parts
from blueattr.cluster.address import check_address
from blueattr.cluster.connect import connect
from blueattr.cluster.engine import InProcess
if __name__ == "__main__":
    folder, names, how = sys.argv[1:]
    paths, names = parts_of(Path(folder)), names.split(",")
    if how == "chunks":
        results = attribute_file(paths, names)
    else:
        engine = InProcess() if how == "tasks" else connect(check_address(how))
        with engine as runs, tempfile.TemporaryDirectory() as shared:
            results = [one.result for one in attribute_parts(runs, paths, Path(shared), names)]
    print(json.dumps({one.indicator: one.total for one in results}))
"""
WAYS = ("chunks", "tasks", "local:1", "local:2")


def attribute(folder: Path, names: str, how: str) -> tuple[Cost, dict[str, float]]:
    """Attribute the panel of a folder in a process of its own."""
    one_thread = {"NUMBA_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
    variables = {**os.environ, **one_thread, "TMPDIR": str(folder.parent)}
    with tempfile.TemporaryFile() as out:
        command = [sys.executable, "-c", SCRIPT, str(folder), names, how]
        cost = cost_of(command, env=variables, stdout=out)
        out.seek(0)
        totals: dict[str, float] = json.load(out)
    return cost, totals


def measure(n: int, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Attribute one panel in every way, in turns."""
    panel = folder / f"panel-{n}"
    panel.mkdir()
    for k in range(options.parts):
        first, last = k * n // options.parts, (k + 1) * n // options.parts
        write(panel / f"part-{k}.parquet", last - first, counts=False, shuffled=False, first=first)
    costs: dict[str, list[Cost]] = {way: [] for way in WAYS}
    found: dict[str, dict[str, float]] = {}
    for _ in range(options.rounds):
        for way in WAYS:
            cost, found[way] = attribute(panel, options.indicators, way)
            costs[way].append(cost)
            if found[way] != found["chunks"]:
                sys.exit(f"{way} says {found[way]}, and chunks {found['chunks']}")
    for part in panel.iterdir():
        part.unlink()
    row: dict[str, Any] = {"n": n, "parts": options.parts}
    for way, those in costs.items():
        row[way] = {
            "processor_seconds": median(those, "processor_seconds"),
            "seconds": median(those, "seconds"),
        }
        print(
            f"{n:>11,} {way:<8} {row[way]['processor_seconds']:8.1f} s of processor time"
            f"  {row[way]['seconds']:8.1f} s",
            flush=True,
        )
    tasks = row["tasks"]["processor_seconds"]
    row["overhead"] = row["local:2"]["processor_seconds"] / tasks
    print(f"{n:>11,} the engine takes {row['overhead']:.2f} times the tasks' own", flush=True)
    return row


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="1e6,1e7", help="numbers of agents")
    parser.add_argument("--parts", type=int, default=16)
    parser.add_argument("--indicators", default="heat,gini")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scratch", type=Path, help="folder for temporary files")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.scratch) as name:
        sizes = [int(float(size)) for size in options.sizes.split(",")]
        results = [measure(n, Path(name), options) for n in sizes]
    for way in WAYS if len(results) > 1 else ():
        first, last = results[0], results[-1]
        grown = math.log(last[way]["processor_seconds"] / first[way]["processor_seconds"])
        print(f"{way:<8} grows with n to the power {grown / math.log(last['n'] / first['n']):.2f}")
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        report = {"machine": describe(), "results": results}
        options.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
