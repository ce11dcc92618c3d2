"""The path value: derivatives of the smooth form, summed up along the diagonal."""

from dataclasses import dataclass

import numpy as np

from blueattr import kernels
from blueattr.errors import NoAnswerError
from blueattr.kernels import FloatArray, games
from blueattr.scenarios.games.game import ScenarioGame
from blueattr.scenarios.protocol import Scenario

__all__ = [
    "MOST_STEPS",
    "NO_CHANGE",
    "PATH_STEPS",
    "PathValue",
    "complex_steps",
    "derivatives_of",
    "differences",
    "efficiency_gap",
    "path_value",
]


PATH_STEPS = 30
MOST_STEPS = 960
NO_CHANGE = 1e-9
"""Of Σ|φ|: less is no change to measure a gap against, or to share out."""


_CONVERGED = 0.01
_ROWS = 8192
_COMPLEX_STEP, _DIFFERENCE = 1e-20, 1e-5
# Numbers in an array of a batch in reverse mode.
_BATCH = 1 << 14


@dataclass(frozen=True, slots=True)
class PathValue:
    """The Aumann-Shapley value of a smooth game, by the midpoint rule.

    Parameters
    ----------
    values
        float64 (players,).
    steps
        K of the quadrature.
    gap
        |Σφ - (v(N) - v(∅))|, relative to |v(N) - v(∅)|; to Σ|φ| where that is next to nothing.
    gap_doubled
        The gap at 2K.
    derivatives
        How they were computed: ``reverse mode``, ``complex step`` or ``central differences``.
    """

    values: FloatArray
    steps: int
    gap: float
    gap_doubled: float
    derivatives: str


def complex_steps(game: ScenarioGame, t: float) -> FloatArray:
    """Return ∂v/∂z at t·1 by complex steps, (players,)."""
    n = game.n
    slopes = np.empty(n)
    for start in range(0, n, _ROWS):
        stop = min(start + _ROWS, n)
        z = np.full((stop - start, n), complex(t))
        z[np.arange(stop - start), np.arange(start, stop)] += 1j * _COMPLEX_STEP
        slopes[start:stop] = game.values(z).imag / _COMPLEX_STEP
    return slopes


def differences(game: ScenarioGame, t: float) -> FloatArray:
    """Return ∂v/∂z at t·1 by central differences, (players,)."""
    n = game.n
    slopes = np.empty(n)
    rows = _ROWS // 2
    for start in range(0, n, rows):
        stop = min(start + rows, n)
        up = np.full((stop - start, n), t)
        down = up.copy()
        places = np.arange(stop - start), np.arange(start, stop)
        up[places] += _DIFFERENCE
        down[places] -= _DIFFERENCE
        both = game.values(np.concatenate([up, down]))
        slopes[start:stop] = (both[: stop - start] - both[stop - start :]) / (2 * _DIFFERENCE)
    return slopes


def _reverse(game: ScenarioGame, points: FloatArray) -> FloatArray:
    """Return the sum of ∂v/∂z over points of the diagonal, by the scenario's own gradient."""
    window, n = len(game.window), len(game.scenario.agents)
    rows = max(1, _BATCH // (window * n))
    gradient = game.scenario.gradient  # type: ignore[attr-defined]  # it is optional

    def work(start: int) -> FloatArray:
        some = points[start : start + rows]
        z = np.broadcast_to(some[:, None, None], (some.size, window, n))
        with np.errstate(all="ignore"):
            slopes: FloatArray = gradient(z, game.indicator, game.window, game.baseline)
        if not np.isfinite(slopes).all():
            raise NoAnswerError(f"a derivative of {game.indicator!r} is not finite on the path")
        part: FloatArray = slopes.sum(axis=0)
        return part

    total = np.zeros((window, n))
    for slopes in games.in_order(work, range(0, points.size, rows)):
        total += slopes
    return total.ravel() if game.players == "cells" else total.sum(axis=0)


def derivatives_of(scenario: Scenario) -> str:
    """Return how derivatives of a scenario are computed, as of a `PathValue`."""
    if getattr(scenario, "gradient", None) is not None:
        return "reverse mode"
    return "complex step" if getattr(scenario, "analytic", True) else "central differences"


def _sum(game: ScenarioGame, steps: int) -> tuple[FloatArray, str]:
    """Return the midpoint sum over so many points, and how derivatives are computed."""
    points = (np.arange(steps) + 0.5) / steps
    how = derivatives_of(game.scenario)
    if how == "reverse mode":
        return _reverse(game, points) / steps, how
    one = complex_steps if how == "complex step" else differences
    total = np.zeros(game.n)
    for t in points.tolist():
        total += one(game, t)
    return total / steps, how


def path_value(game: ScenarioGame, steps: int = PATH_STEPS) -> PathValue:
    """Compute φ_i = ∫₀¹ ∂v/∂z_i (t·1) dt by the midpoint rule, and check that it has converged.

    The gap at K and at 2K is looked at. Over 1 %, and halving or better, K doubles until it is
    under 1 %.

    Parameters
    ----------
    game
        In its smooth form.
    steps
        K, at least 1.

    Returns
    -------
    PathValue

    Raises
    ------
    NoAnswerError
        The gap is over 1 % and does not halve when K doubles, or not enough by K = 960.

    Notes
    -----
    Aumann & Shapley (1974), "Values of non-atomic games"; docs/scenarios.md, "The path value".
    """
    change = game.total - game.empty
    values, how = _sum(game, steps)
    gap = _gap(values, change)
    while True:
        doubled, _ = _sum(game, 2 * steps)
        gap_doubled = _gap(doubled, change)
        if gap <= _CONVERGED:
            return PathValue(values, steps, gap, gap_doubled, how)
        if gap_doubled > 0.5 * gap or 2 * steps > MOST_STEPS:
            raise NoAnswerError(_refusal(game, steps, gap, gap_doubled))
        values, gap, steps = doubled, gap_doubled, 2 * steps


def efficiency_gap(total: float, change: float, size: float) -> float:
    """Return by how much values miss what they are to sum to, relative to it.

    Parameters
    ----------
    total
        Σφ.
    change
        v(N) - v(∅).
    size
        Σ|φ|: what the gap is relative to where the change is next to nothing beside it.
    """
    unit = abs(change) if abs(change) >= NO_CHANGE * size else size
    return abs(total - change) / unit if unit > 0 else 0.0


def _gap(values: FloatArray, change: float) -> float:
    size = float(kernels.exact_sum(np.abs(values)))
    return efficiency_gap(float(kernels.exact_sum(values)), change, size)


def _refusal(game: ScenarioGame, steps: int, gap: float, doubled: float) -> str:
    others = [kind for kind in game.scenario.baselines if kind != game.baseline]
    advice = [f"--baseline {kind}" for kind in others]
    if getattr(game.scenario, "regulariser", None):
        advice.append("a larger --regulariser")
    advice.append("--method shapley, which needs no path")
    return (
        f"the path value of {game.indicator!r} does not converge: its sum misses "
        f"v(N) - v(∅) by {gap:.1%} with {steps} steps and by {doubled:.1%} with {2 * steps}. A "
        "ratio, such as demand over supply, does not change where all agents take part to the same "
        f"extent, and jumps where none does. Try {' or '.join(advice)}"
    )
