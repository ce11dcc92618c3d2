"""Measure the pipeline at the network's size, and how its cost grows: `make bench-full`.

Compute the values of growing numbers of agents in memory and in chunks; ask about growing windows;
fill synthetic stores of growing size, and time each stage of the pipeline on each. A stage runs in
its own process; the figures are medians of rounds, and the limits are measured in the same rounds.
Stores are filled once and kept in ``--folder`` (some 20 GB), each with the cost of filling it in a
file of its name. ``python bench/performance.py`` then makes docs/performance.md from the result.

    python bench/full.py --out docs/performance.json
    python bench/full.py --agents 20000,60000 --numbers 1e4,1e5 --window-agents 2000
    python bench/full.py --keep --numbers 1e8 --agents "" --window-agents 0
"""

import argparse
import json
import math
import os
import shutil
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from machine import Cost, blueattr, child, describe, median, swapped

AGENTS = "20000,60000,200000,600000,1671587,3000000"
NUMBERS = "1e4,1e5,1e6,1e7,1e8"
WINDOW_AGENTS = 100_000
WINDOWS = (1, 2, 4, 7, 14, 30, 60, 90)
DAYS = 14
TOPICS = ("mythos", "trump-tariffs", "the-masters", "earth-day-climate", "wrestlemania")
INDICATORS = ("lin", "heat", "var", "gini")
GRID = ("--indicator", "all", "--protocol", "all", "--sizes")
SIZES = (100, 1000, 10_000, 100_000)
# Above this number of agents, only the attribution in chunks is measured.
IN_MEMORY = 20_000_000

STAGES = Path(__file__).with_name("stages.py")
Measured = dict[str, list[Cost]]


def stage(name: str, *arguments: str | Path | float) -> Cost:
    """Run a stage in its own process and return its cost."""
    return child(STAGES, name, *arguments)


def say(text: str) -> None:
    """Print progress, with the time."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def filled(folder: Path, agents: int, days: int) -> tuple[Path, dict[str, Any]]:
    """Fill a store unless it is there; return it with its size and the cost of filling it."""
    db = folder / f"{agents}-{days}.duckdb"
    noted = db.with_suffix(".json")
    if not noted.exists():
        for leftover in folder.glob(f"{db.name}*"):
            leftover.unlink()
        say(f"filling a store with {days} days of {agents:,} agents")
        cost = blueattr("synth", "--agents", f"{agents}", "--days", f"{days}", "--db", db)
        # Measured only once, so other load on the machine counts.
        cost["load"] = os.getloadavg()[2]
        noted.write_text(json.dumps({"fill": cost, **stage("describe", db)}), encoding="utf-8")
    return db, json.loads(noted.read_text(encoding="utf-8"))


def bounds(days: int, length: int) -> tuple[str, ...]:
    """Return the options --from and --to for the last ``length`` days of a synthetic store."""
    end = datetime(2026, 4, 9, tzinfo=UTC) + timedelta(days=days)
    return "--from", f"{end - timedelta(days=length):%Y-%m-%d}", "--to", f"{end:%Y-%m-%d}"


def anew(path: Path) -> Path:
    """Remove a file and the files beside it that belong to a store; return the path."""
    for leftover in path.parent.glob(f"{path.name}*"):
        leftover.unlink()
    return path


def copied(path: Path, to: Path) -> None:
    """Copy a store and flush it to disk, so that the next writer does not wait for that."""
    shutil.copyfile(path, to)
    with to.open("rb") as file:
        os.fsync(file.fileno())


def following(folder: Path, agents: int, stored: int) -> dict[str, Path]:
    """Write the next events: a million, and as many as one commit of this store takes."""
    amounts = {"a million": 1_000_000, "a commit": stored // 48}
    files = {}
    for name, amount in amounts.items():
        if amount >= amounts["a million"]:
            files[name] = folder / f"next-{amount}.jsonl"
            stage("next_lines", agents, DAYS, amount, files[name])
    return files


# --- against events ------------------------------------------------------------------------------


def grow_events(folder: Path, agents: int, rounds: int) -> dict[str, Any]:
    """Measure the pipeline on one store."""
    db, known = filled(folder, agents, DAYS)
    follow = following(folder, agents, known["events"])
    sizes = ",".join(str(size) for size in SIZES if size * 10 <= agents)
    window = bounds(DAYS, DAYS)
    costs: Measured = {}
    for number in range(rounds):
        say(f"{agents:,} agents, {known['events']:,} events: round {number + 1} of {rounds}")
        topic = TOPICS[number % len(TOPICS)]
        round_: dict[str, Cost] = {
            "read": stage("read_bytes", db),
            "group by": stage("group_by", db),
            "panel": stage("panel", db),
            "features": stage("features", db, "all"),
            "features of a topic": stage("features", db, topic),
            "attribute": blueattr("attribute", "--topic", topic, *window, "--db", db),
            "attribute, four indicators": blueattr(
                "attribute", "--topic", topic, "--indicator", "all", *window, "--db", db
            ),
            "grid": blueattr("compare-scales", "--topic", topic, *GRID, sizes, *window, "--db", db),
        }
        for name, lines in follow.items():
            copy, empty = anew(folder / "copy.duckdb"), anew(folder / "empty.duckdb")
            copied(db, copy)
            round_[f"ingest {name}"] = stage("ingest", copy, lines)
            round_[f"ingest {name} first"] = stage("ingest", empty, lines)
        round_["roll up"] = stage("summarise", copy)
        round_["match a topic"] = stage("match", copy, topic)
        for name, cost in round_.items():
            costs.setdefault(name, []).append(cost)
    for path in (copy, empty, *follow.values()):
        anew(path)
    return {"agents": agents, **known, "costs": summary(costs)}


# --- against agents ------------------------------------------------------------------------------


def grow_agents(folder: Path, n: int, rounds: int) -> dict[str, Any]:
    """Measure the values of n agents, in memory and in chunks."""
    costs: Measured = {}
    path = folder / "features.parquet"
    wrote = stage("write_features", path, n)
    row: dict[str, Any] = {"n": n, "bytes": wrote["bytes"]}
    if n <= IN_MEMORY:
        say(f"values of {n:,} agents in memory")
        row["in_memory"] = stage("values", n, rounds)
        row["in_memory_peak_bytes"] = {
            name: stage("memory", name, n)["peak_bytes"] for name in INDICATORS
        }
    for number in range(rounds):
        say(f"values of {n:,} agents in chunks: round {number + 1} of {rounds}")
        costs.setdefault("read", []).append(stage("read_bytes", path))
        for name in ("heat", "gini"):
            costs.setdefault(f"{name} in chunks", []).append(stage("stream", path, name))
    path.unlink()
    return {**row, "costs": summary(costs)}


# --- against the window --------------------------------------------------------------------------


def grow_window(folder: Path, agents: int, rounds: int) -> dict[str, Any]:
    """Measure questions about growing windows at the end of one long store."""
    days = max(WINDOWS)
    db, known = filled(folder, agents, days)
    rows = []
    for length in WINDOWS:
        costs: Measured = {}
        for number in range(rounds):
            say(f"{length} of {days} days: round {number + 1} of {rounds}")
            window = bounds(days, length)
            for name, cost in {
                "panel": stage("panel", db, length),
                "features": stage("features", db, "all", length),
                "attribute": blueattr("attribute", "--topic", TOPICS[0], *window, "--db", db),
            }.items():
                costs.setdefault(name, []).append(cost)
        panel = max(cost["agents"] for cost in costs["panel"])
        rows.append({"days": length, "agents": panel, "costs": summary(costs)})
    return {"agents": agents, "days": days, **known, "windows": rows}


# --- the report ----------------------------------------------------------------------------------


def summary(costs: Measured) -> dict[str, Cost]:
    """Return the medians of each cost over the rounds."""
    return {name: {key: median(rounds, key) for key in rounds[0]} for name, rounds in costs.items()}


def numbers(text: str) -> list[int]:
    """Parse sizes such as 20000,1e6."""
    return sorted({math.floor(float(part)) for part in text.split(",") if part})


def listed(rows: Iterable[dict[str, Any]], size: str) -> None:
    """Print one line for each row and stage."""
    for row in rows:
        for name, cost in row["costs"].items():
            print(
                f"{row[size]:>13,} {name:<28}{cost['seconds']:9.3f} s"
                f"{cost['processor_seconds']:9.3f} processor s{cost['peak_bytes'] / 1e6:8.0f} MB"
            )


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--agents", type=numbers, default=AGENTS, help="agents of the stores of 14 days"
    )
    parser.add_argument(
        "--numbers",
        type=numbers,
        default=NUMBERS,
        help="numbers of agents whose values are computed",
    )
    parser.add_argument(
        "--window-agents", type=int, default=WINDOW_AGENTS, help="agents of the store of 90 days"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path("out/bench-full"))
    parser.add_argument("--out", type=Path, default=Path("out/bench-full.json"))
    parser.add_argument("--keep", action="store_true", help="keep the other sizes of --out")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    before = swapped()
    report: dict[str, Any] = {
        "machine": describe(),
        "rounds": options.rounds,
        "load_at_start": os.getloadavg()[0],
        "events": [],
        "values": [],
        "window": None,
    }
    if options.keep and options.out.exists():
        earlier = json.loads(options.out.read_text(encoding="utf-8"))
        if earlier["machine"] != report["machine"] or earlier["rounds"] != options.rounds:
            sys.exit(f"{options.out} was measured on another machine, or with another --rounds")
        report["events"] = [row for row in earlier["events"] if row["agents"] not in options.agents]
        report["values"] = [row for row in earlier["values"] if row["n"] not in options.numbers]
        report["window"] = earlier["window"]

    def write() -> None:
        # Called after each size, so that an interruption loses one size at most.
        after = swapped()
        report["pages_swapped"] = None if before is None or after is None else after - before
        options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")

    options.out.parent.mkdir(parents=True, exist_ok=True)
    for n in options.numbers:
        report["values"].append(grow_agents(options.folder, n, options.rounds))
        report["values"].sort(key=lambda row: row["n"])
        write()
    if options.window_agents:
        report["window"] = grow_window(options.folder, options.window_agents, options.rounds)
        write()
    for agents in options.agents:
        report["events"].append(grow_events(options.folder, agents, options.rounds))
        report["events"].sort(key=lambda row: row["agents"])
        write()
    listed(report["values"], "n")
    listed(report["events"], "events")
    if report["window"]:
        listed(report["window"]["windows"], "days")
    print(f"pages swapped: {report['pages_swapped']}")


if __name__ == "__main__":
    main()
