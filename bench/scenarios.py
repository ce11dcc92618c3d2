"""Time values of scenarios, beside shapiq on the same game; `make bench` runs it.

    python bench/scenarios.py --out out/bench-scenarios.json

Exact Shapley values of 20 agents (2^20 coalitions), 1,000 permutations of them, and the path value
of 1,000 agents. shapiq gets the game as a function of a matrix of coalitions.
"""

import argparse
import json
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from machine import describe

from blueattr.scenarios.games.attribution import ScenarioQuestion, game_of
from blueattr.scenarios.games.game import FORMS, ScenarioGame
from blueattr.scenarios.games.methods import Budgets, Method, solve
from blueattr.scenarios.shipped import SHIPPED, run_scenario, scenario_of

GOALS = {"economy": 4.0, "opinion": 4.0, "market": 20.0}
DISCRETE = 20.0
SAMPLED = {"economy": 0.5, "opinion": 0.5, "market": 2.0}
PATH = 2.0
ROWS = 4096  # as blueattr takes them: all at once need gigabytes


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return seconds by the clock and of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - processor


def game(name: str, agents: int, form: str) -> ScenarioGame:
    """Return the game of a scenario at the peak of its first indicator."""
    scenario = scenario_of(run_scenario(name, agents=agents, seed=1))
    return game_of(scenario, ScenarioQuestion(form=form))[0]  # type: ignore[arg-type]  # one of both


def exact_by_shapiq(one: ScenarioGame) -> Callable[[], object]:
    """Return shapiq's exact Shapley values of a game, as something to call."""
    from shapiq import ExactComputer

    def values(coalitions: object) -> object:
        z = np.atleast_2d(np.asarray(coalitions)).astype(np.float64)
        pieces = [one.values(z[start : start + ROWS]) for start in range(0, len(z), ROWS)]
        return np.concatenate(pieces)

    return lambda: ExactComputer(n_players=one.n, game=values)("SV")


def main() -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--agents", type=int, default=20)
    parser.add_argument("--many", type=int, default=1_000)
    options = parser.parse_args()
    rows: list[dict[str, object]] = []

    def row(what: str, goal: float | None, work: Callable[[], object]) -> None:
        clock, processor = timed(work)
        rows.append({"what": what, "seconds": clock, "processor": processor, "goal": goal})
        told = "" if goal is None else f", goal {goal:g} s"
        print(f"{what}: {clock:.2f} s ({processor:.2f} s of the processor){told}", flush=True)

    few = Budgets(steps=1, permutations=2)
    for name in SHIPPED:
        for form in FORMS:
            one = game(name, options.agents, form)
            solve(one, "shapley", few)  # compiled
            goals = (GOALS[name] if form == "smooth" else DISCRETE, SAMPLED[name])
            methods: tuple[Method, Method] = ("exact", "shapley")
            for method, goal in zip(methods, goals, strict=True):
                about = f"{name}, {form}, n = {one.n}: {method}"
                row(about, goal, lambda one=one, method=method: solve(one, method, Budgets()))  # type: ignore[misc]  # bound here
        many = game(name, options.many, "smooth")
        solve(game(name, 5, "smooth"), "leave-one-out", few)
        about = f"{name}, smooth, n = {many.n:,}: path value, K = 30 and its check at 60 or more"
        row(about, PATH, lambda many=many: solve(many, "path", Budgets()))  # type: ignore[misc]  # bound here
    try:
        peer = version("shapiq")
        one = game("economy", options.agents, "smooth")
        row(f"economy, smooth, n = {one.n}: exact by shapiq {peer}", None, exact_by_shapiq(one))
    except (ImportError, PackageNotFoundError):
        print("shapiq is not installed")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"machine": describe(), "rows": rows}, indent=1)
    options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
