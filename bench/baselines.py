"""Compare sampled Shapley and Banzhaf values by blueattr and by its peers: one game, one run.

Every method plays ``heat`` on the same panel with the same budget. Peers get the game as a numpy
function of a matrix of coalitions, one matrix product a call: the fastest form they accept.
blueattr is timed from a checked panel to the values, with compiled kernels, as the median of
several runs. Peers run once; those that cannot be imported are named. pyDVL is not among them: its
releases up to 0.10.0 need numpy 1, which blueattr does not support.

    python bench/baselines.py --n 1000 --permutations 1000 --out baselines.json
"""

import argparse
import importlib
import json
import os
import platform
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from blueattr.attribution.inputs import Panel
from blueattr.attribution.value import solve
from blueattr.indicators.base import Aggregator
from blueattr.indicators.builtin import INDICATORS
from blueattr.studies.validation.baselines import sampled_banzhaf, sampled_shapley

Floats = npt.NDArray[np.float64]
Game = Callable[[Any], Floats]

PACKAGES = ("blueattr", "numba", "numpy", "shapiq", "shap")


def make_panel(n: int, seed: int) -> Panel:
    """Draw skewed features; 30 % of them are 0."""
    rng = np.random.default_rng(seed)
    x = rng.lognormal(size=(n, 3)) * (rng.random((n, 3)) < 0.7)
    dids = [f"did:{i:08d}" for i in range(n)]
    return Panel.of(pl.DataFrame({"did": dids, "a": x[:, 0], "b": x[:, 1], "c": x[:, 2]}))


def make_game(panel: Panel) -> Game:
    """Return v, which maps coalitions (rows of 0 and 1, one column an agent) to their values."""
    parts = np.stack(panel.features, axis=1) / len(panel.dids)

    def game(coalitions: Any) -> Floats:
        means = np.atleast_2d(coalitions).astype(np.float64) @ parts
        values: Floats = np.log1p(means.prod(axis=1))
        return values

    return game


# --- peers: each returns its values, one per agent -----------------------------------------------


def shapiq_shapley(game: Game, n: int, permutations: int) -> Floats:
    """Run ApproShapley; a permutation evaluates its n - 1 proper coalitions."""
    from shapiq.approximator import PermutationSamplingSV

    budget = 2 + permutations * (n - 1)
    result = PermutationSamplingSV(n=n, random_state=0).approximate(budget, game)
    return np.array([result[(i,)] for i in range(n)])


def shap_shapley(game: Game, n: int, permutations: int) -> Floats:
    """Run the permutation explainer: antithetic, each permutation forwards and backwards."""
    import shap

    explainer = shap.explainers.Permutation(
        game, shap.maskers.Independent(np.zeros((1, n))), seed=0
    )
    evaluations = permutations // 2 * (2 * n + 1)
    values: Floats = explainer(np.ones((1, n)), max_evals=evaluations, silent=True).values[0]
    return values


def shapiq_banzhaf(game: Game, n: int, coalitions: int) -> Floats:
    """Run the Monte Carlo estimator SHAPIQ with the weights of the Banzhaf value."""
    from shapiq.approximator import SHAPIQ

    result = SHAPIQ(n=n, max_order=1, index="BV", random_state=0).approximate(coalitions, game)
    return np.array([result[(i,)] for i in range(n)])


PEERS = ("shapiq", "shap")


# --- the run -------------------------------------------------------------------------------------


def timed(work: Callable[[], Floats], repeats: int) -> tuple[Floats, list[float]]:
    """Run ``work`` several times; return its values and the seconds of each run."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        values = work()
        seconds.append(time.perf_counter() - start)
    return values, seconds


def import_failure(name: str) -> str:
    """Return why a package cannot be imported; empty if it can."""
    try:
        importlib.import_module(name)
    except Exception as error:  # noqa: BLE001 - packages fail to import in any way they like
        return f"{type(error).__name__}: {str(error).splitlines()[0][:120]}"
    return ""


def versions() -> dict[str, str]:
    """Return the versions of the packages that are installed."""
    installed = {}
    for name in PACKAGES:
        try:
            installed[name] = version(name)
        except PackageNotFoundError:
            continue
    return installed


def distance(values: Floats, reference: Floats) -> float:
    """Return the relative L2 distance of ``values`` from ``reference``."""
    return float(np.linalg.norm(values - reference) / np.linalg.norm(reference))


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--permutations", type=int, default=1000)
    parser.add_argument("--coalitions", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--out", type=Path, default=Path("out/bench-baselines.json"))
    asked = parser.parse_args()
    warnings.simplefilter("ignore")  # the peers warn, about deprecations and more

    panel, n = make_panel(asked.n, seed=0), asked.n
    game = make_game(panel)
    reference = solve(INDICATORS["heat"], panel.features, Aggregator()).values
    lines: list[dict[str, Any]] = []

    def record(task: str, method: str, values: Floats, seconds: list[float], own: float) -> None:
        median = statistics.median(seconds)
        lines.append(
            {
                "task": task,
                "method": method,
                "seconds": median,
                "runs": len(seconds),
                "times_ours": median / own,
                "distance_to_aumann_shapley": distance(values, reference),
                "sum": float(values.sum()),
            }
        )
        print(
            f"{task:48} {method:10} {median:10.4f} s  {median / own:9.1f} x ours  "
            f"distance {lines[-1]['distance_to_aumann_shapley']:.2e}",
            flush=True,
        )

    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(", ".join(f"{name} {number}" for name, number in versions().items()))
    print(f"heat, n = {n:,}, v(N) = {float(game(np.ones(n))[0]):.6g}")
    unusable = {name: why for name in PEERS if (why := import_failure(name))}
    for name, why in unusable.items():
        print(f"{name}: not usable here ({why})")

    def ours(task: str, method: str, work: Callable[[], Floats]) -> float:
        values, seconds = timed(work, asked.repeats)
        median = statistics.median(seconds)
        record(task, method, values, seconds, median)
        return median

    m = asked.permutations
    task = f"Shapley, {m:,} permutations"
    sampled_shapley(panel, permutations=4)
    plain = ours(task, "blueattr", lambda: sampled_shapley(panel, permutations=m).values)
    if "shapiq" not in unusable:
        values, seconds = timed(lambda: shapiq_shapley(game, n, m), 1)
        record(task, "shapiq", values, seconds, plain)
    task = f"Shapley, {m:,} permutations in antithetic pairs"
    pairs = ours(
        task, "blueattr", lambda: sampled_shapley(panel, permutations=m, antithetic=True).values
    )
    if "shap" not in unusable:
        values, seconds = timed(lambda: shap_shapley(game, n, m), 1)
        record(task, "shap", values, seconds, pairs)
    task = f"Banzhaf, {asked.coalitions:,} coalitions"
    sampled_banzhaf(panel, coalitions=2)
    reuse = ours(
        task, "blueattr", lambda: sampled_banzhaf(panel, coalitions=asked.coalitions).values
    )
    if "shapiq" not in unusable:
        values, seconds = timed(lambda: shapiq_banzhaf(game, n, asked.coalitions), 1)
        record(task, "shapiq", values, seconds, reuse)

    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(
        json.dumps(
            {
                "machine": platform.platform(),
                "processor": platform.processor(),
                "cores": os.cpu_count(),
                "python": platform.python_version(),
                "versions": versions(),
                "unusable": unusable,
                "n": n,
                "permutations": asked.permutations,
                "coalitions": asked.coalitions,
                "indicator": "heat",
                "total": float(game(np.ones(n))[0]),
                "results": lines,
            },
            indent=2,
        )
        + "\n"
    )
    print(f"written: {asked.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
