"""Measure a report of a panel of any size: seconds to compute it and to write it, and its bytes.

The panel is synthetic, with heavy tails. Computing covers all of a report except days, which need a
store: the comparison, the curve from 100 agents to the full panel, concentration and the largest
agents, for four indicators. Writing covers the figures and the page.

    python bench/report.py --n 1670000
"""

import argparse
import json
import os
import platform
import tempfile
import time
from pathlib import Path

import polars as pl

from blueattr.analysis.topic_reports import versions
from blueattr.attribution.question import Question, Sampling
from blueattr.report.pages.page import write_page
from blueattr.studies.topic import topic_report


def panel(n: int) -> pl.DataFrame:
    """Make a panel in which most agents do little and few are followed by many."""
    k = pl.int_range(n, eager=True)
    mixed = (k * 2_654_435_761 % n).cast(pl.Float64) + 1
    active = pl.select(pl.when(k % 3 == 0).then((n / mixed).log1p()).otherwise(0.0)).to_series()
    return pl.DataFrame(
        {
            "did": [f"did:plc:{i:024d}" for i in range(n)],
            "a": (n / mixed).log1p(),
            "b": (n / (mixed * 7 % n + 1)).log1p(),
            "c": active,
        }
    )


EVERYTHING = Question(("lin", "heat", "var", "gini"))


def main() -> None:
    """Warm up on a small panel, measure once, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=1_670_000)
    parser.add_argument("--seeds", type=int, default=10)
    options = parser.parse_args()
    warm = topic_report(panel(2_000), EVERYTHING, Sampling(seeds=1))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        write_page(warm, path)
        frame = panel(options.n)
        start, busy = time.perf_counter(), time.process_time()
        made = topic_report(frame, EVERYTHING, Sampling(seeds=options.seeds), versions=versions())
        computed, done = time.perf_counter(), time.process_time()
        write_page(made, path)
        written = time.perf_counter()
        print(
            json.dumps(
                {
                    "agents": options.n,
                    "seeds": options.seeds,
                    "compute_s": round(computed - start, 2),
                    "compute_cpu_s": round(done - busy, 2),
                    "write_s": round(written - computed, 2),
                    "write_cpu_s": round(time.process_time() - done, 2),
                    "bytes": path.stat().st_size,
                    "cores": os.cpu_count(),
                    "load": os.getloadavg()[0],
                    "machine": platform.machine(),
                    "versions": dict(made.versions),
                }
            )
        )


if __name__ == "__main__":
    main()
