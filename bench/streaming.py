"""Measure the attribution of a Parquet file in chunks: time and peak memory as the file grows.

For each size, write a file of features, attribute it in its own process, once for the shares and
once with the agents written too, and delete everything. The peer is numpy's sort of one column.

    python bench/streaming.py --sizes 1e6,1e7,1e8 --indicators heat,gini --out streaming.json
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from machine import child, describe

STAGES = Path(__file__).with_name("stages.py")
# Rows drawn and written at a time.
PIECE = 1 << 20


def write(path: Path, n: int, *, counts: bool, shuffled: bool, first: int = 0) -> None:
    """Write skewed features, continuous or as counts give them; DIDs ascend, or are shuffled.

    DIDs are numbers, from the first on.
    """
    rng = np.random.default_rng(first)
    schema = pa.schema([("did", pa.large_string()), *((k, pa.float64()) for k in "abc")])
    with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=False) as writer:
        for start in range(0, n, PIECE):
            stop = min(start + PIECE, n)
            numbers = pl.Series(range(first + start, first + stop), dtype=pl.UInt64)
            if shuffled:
                numbers = (numbers * 2_654_435_761) % (1 << 32)
            dids = "did:" + numbers.cast(pl.String).str.zfill(20)
            size = numbers.len()
            features = [
                np.log1p(np.floor(rng.pareto(0.8, size))) if counts else rng.lognormal(size=size)
                for _ in "abc"
            ]
            writer.write_table(
                pa.table([dids.to_arrow().cast(pa.large_string()), *features], schema=schema)
            )


def measure(
    n: int, names: list[str], folder: Path, options: argparse.Namespace
) -> list[dict[str, Any]]:
    """Attribute one file of n agents by each indicator, without and with the agents written."""
    path, agents = folder / "features.parquet", folder / "agents.parquet"
    write(path, n, counts=options.counts, shuffled=options.shuffled)
    rng = np.random.default_rng(1)
    column = rng.lognormal(size=n)
    start = time.perf_counter()
    column.sort()
    sort = time.perf_counter() - start
    del column
    rows = []
    for name in names:
        for outputs in ((), (agents,)):
            cost = child(STAGES, "stream", path, name, *outputs, TMPDIR=str(folder))
            row = {"n": n, "indicator": name, "agents_written": bool(outputs),
                   "features_bytes": path.stat().st_size, "sort_seconds": sort,
                   **cost}  # fmt: skip
            rows.append(row)
            print(
                f"{n:>11,} {name:<6} {'with agents' if outputs else 'shares only':<12}"
                f" {row['seconds']:8.1f} s  {row['seconds'] / sort:6.1f} x numpy.sort"
                f"  peak {row['peak_bytes'] / 1e6:6.0f} MB",
                flush=True,
            )
            agents.unlink(missing_ok=True)
    path.unlink()
    return rows


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="1e6,1e7", help="numbers of agents")
    parser.add_argument("--indicators", default="heat,gini")
    parser.add_argument("--counts", action="store_true", help="log(1 + counts), with ties")
    parser.add_argument("--shuffled", action="store_true", help="shuffle the DIDs")
    parser.add_argument(
        "--scratch", type=Path, help="folder for temporary files: 150 bytes an agent"
    )
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    results = []
    for size in options.sizes.split(","):
        with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
            results += measure(
                int(float(size)), options.indicators.split(","), Path(folder), options
            )
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        report = {"machine": describe(), "results": results}
        options.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
