"""Run the chain from a store to a report on a cluster, a worker killed in each stage.

A synthetic store is filled, exported, counted, attributed, compared and reported on, each step by
its command in a process of its own; the export is killed once while it writes, and each stage of
the others loses a worker. The report must be that of the store, to the byte where the store's name
does not stand. Stores are kept in ``--folder``; the rest goes when all is done.

    python bench/chain.py --agents 1015000 --folder /scratch --out chain.json
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from full import filled, say
from machine import Cost, blueattr, cost_of, describe

DAYS = 14
SCRIPT = """
import functools, sys
from pathlib import Path
from blueattr.analysis import events_folder, on_cluster, parted_reports
from blueattr.cli.main import app
from deadly import Deadly
if __name__ == "__main__":
    marks, *arguments = sys.argv[1:]
    for module in (events_folder, on_cluster, parted_reports):
        module.connect = functools.partial(Deadly, Path(marks))
    sys.argv = ["blueattr", *arguments]
    app()
"""


def killed_export(db: Path, events: Path, buckets: int) -> None:
    """Kill an export once it has written something."""
    program = Path(sys.executable).with_name("blueattr")
    command = [program, "export", "--partitioned", events, "--buckets", f"{buckets}", "--db", db]
    process = subprocess.Popen(  # noqa: S603 - our own program
        [str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while not any(events.rglob("part-*")) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    if process.wait() != -signal.SIGKILL or (events / "meta.json").exists():
        sys.exit("the export ended before it was killed")


def on_cluster(marks: Path, *arguments: str | Path) -> Cost:
    """Run a command whose cluster loses a worker in each stage."""
    marks.mkdir()
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join([
        str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])
    ])}  # fmt: skip
    command = [sys.executable, "-c", SCRIPT, str(marks), *map(str, arguments)]
    cost = cost_of([*command, "--cluster", "local:2"], env=variables, stdout=subprocess.DEVNULL)
    if not any(marks.iterdir()):
        sys.exit(f"no worker was killed in {marks.name}")
    return cost


def differing(ours: Path, theirs: Path, events: Path, db: Path) -> list[str]:
    """Name the files of two reports that differ where the store's name does not stand."""
    names = {one.name for folder in (ours, theirs) for one in folder.iterdir()}
    found = []
    for name in sorted(names):
        with contextlib.suppress(FileNotFoundError):
            mine, other = ((folder / name).read_bytes() for folder in (ours, theirs))
            mine = mine.replace(f"--events {events}".encode(), f"--db {db}".encode())
            if mine.replace(f"{events}".encode(), f"{db}".encode()) == other:
                continue
        found.append(name)
    return found


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Run the chain, and compare its report with that of the store."""
    db, known = filled(options.folder, options.agents, DAYS)
    work = options.folder / "chain"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    events, panel, marks = work / "events", work / "panel", work / "marks"
    marks.mkdir()
    topic = ("--topic", options.topic)
    costs: dict[str, Cost] = {}

    def done(step: str, cost: Cost) -> None:
        costs[step] = cost
        say(
            f"{step}: {cost['seconds']:,.0f} s, {cost['processor_seconds']:,.0f} s of processor "
            f"time, peak {cost['peak_bytes'] / 1e6:,.0f} MB, load {os.getloadavg()[0]:.1f}"
        )

    say(f"{known['events']:,} events of {known['accounts']:,} accounts")
    export = ("export", "--partitioned", events, "--buckets", str(options.buckets), "--db", db)
    killed_export(db, events, options.buckets)
    done("export", blueattr(*export))
    done("features", on_cluster(
        marks / "features", "features", "--events", events, *topic, "--out", panel
    ))  # fmt: skip
    done("attribute", on_cluster(
        marks / "attribute", "attribute", "--features", panel, "--indicator", "heat,gini",
        "--shared", work / "shared",
    ))  # fmt: skip
    # It reads a panel in parts in one process.
    done("compare-scales", blueattr("compare-scales", "--features", panel))
    done("report", on_cluster(
        marks / "report", "report", "--events", events, *topic, "--out", work / "ours"
    ))  # fmt: skip
    done("report of the store", blueattr("report", *topic, "--db", db, "--out", work / "theirs"))
    differ = differing(work / "ours", work / "theirs", events, db)
    row = {
        **known,
        "agents": options.agents,
        "buckets": options.buckets,
        "costs": costs,
        "killed": {one.name: sorted(f.name for f in one.iterdir()) for one in marks.iterdir()},
        "differ": differ,
    }
    say(f"workers killed: {json.dumps(row['killed'])}")
    say(f"files that differ: {', '.join(differ) or 'none'}")
    if not differ:
        shutil.rmtree(work)
    return row


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agents", type=int, default=20_000, help="1015000 have 50 million events")
    parser.add_argument("--buckets", type=int, default=128)
    parser.add_argument("--topic", default="mythos")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    row = measure(options)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps({"machine": describe(), "chain": row}, indent=1) + "\n")
    if row["differ"]:
        sys.exit("the report is not that of the store")


if __name__ == "__main__":
    main()
