"""Compare the attribution of a Parquet file in chunks with that of an earlier version.

The earlier version is taken from its git tag into a temporary worktree. For each size a file of
features is written, and attributed by both versions in turns, each time in a process of its own,
whose start and imports count. Totals must agree to fifteen digits.

    python bench/passes.py --sizes 1e7,5e7 --rounds 3 --tag v0.2.0 --out passes.json
"""

import argparse
import contextlib
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from machine import Cost, cost_of, describe, median
from streaming import write

HERE = Path(__file__).resolve().parents[1]

# The module was moved after v0.2.0.
SCRIPT = """
import json, sys
from pathlib import Path
try:
    from blueattr.attribution.large import streaming
except ImportError:
    from blueattr.attribution import streaming
path, names, where = sys.argv[1:]
assert Path(streaming.__file__).is_relative_to(where), streaming.__file__
results = streaming.attribute_file(Path(path), names.split(","))
print(json.dumps({one.indicator: one.total for one in results}))
"""


@contextlib.contextmanager
def version(tag: str, folder: Path) -> Iterator[Path]:
    """Check out a tag beside this version, and remove it again."""
    git, where = ["git", "-C", str(HERE), "worktree"], folder / "earlier"
    subprocess.run([*git, "add", "--quiet", "--detach", str(where), tag], check=True)  # noqa: S603 - our own repository
    try:
        yield where
    finally:
        subprocess.run([*git, "remove", "--force", str(where)], check=True)  # noqa: S603 - as above


def attribute(root: Path, path: Path, names: str) -> tuple[Cost, dict[str, float]]:
    """Attribute a file by the version in a folder, in a process of its own."""
    variables = {**os.environ, "PYTHONPATH": str(root), "TMPDIR": str(path.parent)}
    with tempfile.TemporaryFile() as out:
        command = [sys.executable, "-c", SCRIPT, str(path), names, str(root)]
        cost = cost_of(command, env=variables, stdout=out, cwd=path.parent)  # where no package is
        out.seek(0)
        totals: dict[str, float] = json.load(out)
    return cost, totals


def measure(n: int, earlier: Path, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Attribute one file by both versions, in turns."""
    path = folder / "features.parquet"
    write(path, n, counts=options.counts, shuffled=False)
    costs: dict[str, list[Cost]] = {"earlier": [], "now": []}
    for _ in range(options.rounds):
        found = {}
        for name, root in (("earlier", earlier), ("now", HERE)):
            cost, found[name] = attribute(root, path, options.indicators)
            costs[name].append(cost)
        for name, total in found["now"].items():
            if not math.isclose(total, found["earlier"][name], rel_tol=1e-15):
                sys.exit(f"{name} is {total!r} now, and was {found['earlier'][name]!r}")
    path.unlink()
    row: dict[str, Any] = {"n": n}
    for name, those in costs.items():
        row[name] = {
            "processor_seconds": median(those, "processor_seconds"),
            "seconds": median(those, "seconds"),
            "peak_bytes": max(cost["peak_bytes"] for cost in those),
        }
        print(
            f"{n:>11,} {name:<8} {row[name]['processor_seconds']:8.1f} s of processor time"
            f"  {row[name]['seconds']:8.1f} s  peak {row[name]['peak_bytes'] / 1e6:6.0f} MB",
            flush=True,
        )
    row["ratio"] = row["earlier"]["processor_seconds"] / row["now"]["processor_seconds"]
    print(f"{n:>11,} {row['ratio']:.2f} times less processor time", flush=True)
    return row


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="1e7", help="numbers of agents")
    parser.add_argument("--indicators", default="heat,gini")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tag", default="v0.2.0", help="the earlier version")
    parser.add_argument("--counts", action="store_true", help="log(1 + counts), with ties")
    parser.add_argument(
        "--scratch", type=Path, help="folder for temporary files: 40 bytes an agent"
    )
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    sizes = [int(float(size)) for size in options.sizes.split(",")]
    with (
        tempfile.TemporaryDirectory(dir=options.scratch) as name,
        version(options.tag, Path(name)) as earlier,
    ):
        folder = Path(name)
        warm = folder / "small.parquet"
        write(warm, 300_000, counts=False, shuffled=False)
        for root in (earlier, HERE):  # compiles, if the kernels are not in the cache
            attribute(root, warm, options.indicators)
        results = [measure(n, earlier, folder, options) for n in sizes]
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        report = {"machine": describe(), "tag": options.tag, "results": results}
        options.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
