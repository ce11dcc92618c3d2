"""Time the values of all agents, next to two limits: memory bandwidth, and a sort of n numbers.

`blueattr.attribution.value.solve` is timed from checked arrays to values and total. The limit of
``lin``, ``heat`` and ``var`` is a STREAM-like triad (o = a + 2b + 3c, numba, every core) on the
same arrays. The limits of ``gini`` are `numpy.sort` of n random continuous numbers, and of the
aggregate itself, which is faster if counts repeat. Features are continuous, or log(1 + counts): of
independent heavy-tailed counts, or of counts distributed like the network's in a fortnight, on one
topic or in all events. Each round runs every task once, so that other load on the machine affects
all alike; medians of the rounds are reported.

    python bench/kernels.py --sizes 1.67e6,2e7 --out out/bench-kernels.json
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from machine import child, describe, median

from blueattr.attribution.value import solve
from blueattr.indicators.base import Aggregator, FeatureArrays
from blueattr.indicators.builtin import INDICATORS
from blueattr.kernels import compiled

Floats = npt.NDArray[np.float64]

# Means and standard deviations of log(a), log(b), log(c), and the correlations of a and b, a and c,
# b and c. Rounded down, such draws have zeros and tens as often as the agents of a store of the
# network's size.
SPREADS = {
    "one topic": (((-1.45, 1.63), (-0.15, 1.94), (-5.03, 3.06)), (0.24, 0.53, 0.34)),
    "all events": (((1.71, 1.86), (-0.15, 1.94), (0.11, 2.43)), (0.31, 0.72, 0.72)),
}
KINDS = ("continuous", "counts", *SPREADS)
GOALS = {"lin": 2.5, "heat": 2.5, "var": 2.5, "gini": 1.5}
START_UP = Path(__file__).with_name("start_up.py")


@numba.njit(parallel=True)
def triad(a: Floats, b: Floats, c: Floats, out: Floats) -> None:
    """Compute STREAM's triad, with a third input array."""
    for i in numba.prange(out.size):
        out[i] = a[i] + 2.0 * b[i] + 3.0 * c[i]


def draw(kind: str, n: int, seed: int) -> FeatureArrays:
    """Draw n agents' features of one of the `KINDS`."""
    rng = np.random.default_rng(seed)
    if kind in SPREADS:
        spreads, (ab, ac, bc) = SPREADS[kind]
        root = np.linalg.cholesky([[1, ab, ac], [ab, 1, bc], [ac, bc, 1]])
        normal = root @ rng.standard_normal((3, n))
        return FeatureArrays(
            *(
                np.log1p(np.floor(np.exp(mean + deviation * z)))
                for (mean, deviation), z in zip(spreads, normal, strict=True)
            )
        )
    if kind == "continuous":
        return FeatureArrays(*(rng.lognormal(size=n) for _ in range(3)))
    return FeatureArrays(*(np.log1p(np.floor(rng.pareto(0.8, n))) for _ in range(3)))


def measure(tasks: dict[str, Callable[[], object]], rounds: int) -> tuple[dict[str, float], ...]:
    """Run the tasks in turns; return the median and the minimum seconds of each."""
    for task in tasks.values():
        task()
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            start = time.perf_counter()
            task()
            times[name].append(time.perf_counter() - start)
    return (
        {name: statistics.median(taken) for name, taken in times.items()},
        {name: min(taken) for name, taken in times.items()},
    )


def ratios_of(seconds: dict[str, float]) -> dict[str, float]:
    """Divide each task's seconds by its limit's."""
    ratios = {name: seconds[name] / seconds["triad"] for name in ("lin", "heat", "var")}
    return {
        **ratios,
        "gini": seconds["gini"] / seconds["sort"],
        "gini_to_sort_of_s": seconds["gini"] / seconds["sort_of_s"],
    }


def compare(kind: str, n: int, rounds: int) -> dict[str, Any]:
    """Time every task on one panel."""
    features, aggregator = draw(kind, n, 0), Aggregator()
    s, _ = aggregator.apply(features)
    plain = np.random.default_rng(1).lognormal(size=n)
    out = np.empty(n)
    tasks: dict[str, Callable[[], object]] = {
        "triad": lambda: triad(*features, out),
        "sort": lambda: np.sort(plain),
        "sort_of_s": lambda: np.sort(s),
    }
    for name, indicator in INDICATORS.items():
        tasks[name] = partial(solve, indicator, features, aggregator)
    seconds, least = measure(tasks, rounds)
    ratios, least_ratios = ratios_of(seconds), ratios_of(least)
    different = np.unique(s).size
    print(f"{kind}, n = {n:,}, {different:,} distinct s: median of {rounds} (minimum), ratios")
    for name in tasks:
        ratio = (
            f"{ratios[name]:6.2f} ({least_ratios[name]:.2f}), goal {GOALS[name]}"
            if name in ratios
            else ""
        )
        print(f"  {name:<10} {seconds[name] * 1e3:9.2f} ms ({least[name] * 1e3:.2f})  {ratio}")
    print(f"  gini is {ratios['gini_to_sort_of_s']:.2f} times a sort of s itself")
    return {
        "kind": kind,
        "n": n,
        "different_s": different,
        "seconds": seconds,
        "least_seconds": least,
        "ratios": ratios,
        "least_ratios": least_ratios,
    }


def start_up(rounds: int) -> dict[str, float]:
    """Time start-up in fresh processes: imports, and loading the compiled kernels."""
    child(START_UP)  # compiles, if the kernels are not in the cache
    runs = [child(START_UP) for _ in range(rounds)]
    imports, kernels = (median(runs, name) for name in ("imports", "kernels"))
    print(f"a fresh process: imports {imports:.2f} s, kernels of four indicators {kernels:.2f} s")
    return {"imports": imports, "kernels": kernels}


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="1.67e6,2e7", help="numbers of agents")
    parser.add_argument("--rounds", type=int, default=9, help="at least 5")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    rounds = max(5, options.rounds)
    sizes = [int(float(size)) for size in options.sizes.split(",")]
    results = [compare(kind, n, rounds) for n in sizes for kind in KINDS]
    fresh = start_up(rounds)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        report = {
            "machine": describe(("blueattr", "numba", "numpy")),
            "threads": compiled.threads(),
            "load": os.getloadavg(),
            "rounds": rounds,
            "goals": GOALS,
            "results": results,
            "fresh_process": fresh,
        }
        options.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
