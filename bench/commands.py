"""Measure what a command takes before and beside its work: processor time on the bundled sample.

The first ingest has an empty cache of machine code. The others are the fastest of several rounds on
the store that the first one has made: every process of other users makes them slower.

Many small files beside one with the same lines: what each ingest into a new store takes, and the
next one, which finds nothing new.

    python bench/commands.py
"""

import argparse
import os
import tempfile
from importlib import resources
from itertools import islice
from pathlib import Path

import pyarrow as pa
from machine import blueattr

COMMANDS = (
    "topics list",
    "status",
    "panel --topic mythos",
    "attribute --topic mythos",
    "compare-scales --topic mythos",
    "report --topic mythos",
)

FILES, EACH = 300, 50


def many_files(sample: Path, folder: Path, rounds: int) -> None:
    """Ingest lines of the sample from many files and from one, in turns, and print both costs."""
    one, many = folder / "one.jsonl", folder / "many"
    many.mkdir()
    with pa.input_stream(str(sample)) as file:
        lines = list(islice(iter(file.read().splitlines(keepends=True)), FILES * EACH))
    one.write_bytes(b"".join(lines))
    for k in range(FILES):
        (many / f"{k:03}.jsonl").write_bytes(b"".join(lines[k * EACH : (k + 1) * EACH]))
    for what in ("lines that are new", "nothing new"):
        costs: dict[Path, list[float]] = {one: [], many: []}
        for number in range(rounds):
            for path, cost in costs.items():
                store = folder / f"{path.stem}{number}.duckdb"
                cost.append(blueattr("ingest", path, "--db", store)["processor_seconds"])
        single, several = (min(cost) for cost in costs.values())
        print(
            f"{several:6.2f} s  {FILES} files of {EACH} lines, {single:.2f} s as one file: "
            f"{several / single:.2f} times ({what})"
        )


def main() -> None:
    """Ingest once with an empty cache, then run each command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["BLUEATTR_DB"] = str(folder / "demo.duckdb")
        os.environ["NUMBA_CACHE_DIR"] = str(folder / "cache")
        with resources.as_file(resources.files("blueattr.data") / "sample.jsonl.zst") as sample:
            first = blueattr("ingest", sample)
            many_files(sample, folder, rounds)
        print(f"{first['processor_seconds']:6.2f} s  first ingest of the sample")
        for command in COMMANDS:
            arguments: list[str | Path] = [*command.split()]
            if command.startswith("report"):
                arguments += ["--out", folder / "report"]
            blueattr(*arguments)  # compiles what it needs
            costs = [blueattr(*arguments) for _ in range(rounds)]
            print(f"{min(cost['processor_seconds'] for cost in costs):6.2f} s  {command}")


if __name__ == "__main__":
    main()
