"""Every method by its name: the game of a scenario in, a value for each player out."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from blueattr import kernels
from blueattr.attribution.sampling import check_seed
from blueattr.errors import UsageError, ZeroTotalError
from blueattr.kernels import FloatArray
from blueattr.scenarios.games.game import Form, ScenarioGame
from blueattr.scenarios.games.path import MOST_STEPS, NO_CHANGE, PATH_STEPS, path_value
from blueattr.studies.validation.baselines import (
    DEFAULT_COALITIONS,
    DEFAULT_PERMUTATIONS,
    MOST_EXACT_AGENTS,
    check_coalitions,
    check_permutations,
)
from blueattr.studies.validation.estimates import banzhaf_means, permutation_means, shapley_of

__all__ = ["METHODS", "Budgets", "Method", "Values", "choose_method", "normalise", "solve"]


Method = Literal["path", "exact", "shapley", "banzhaf", "leave-one-out", "random"]
METHODS: tuple[Method, ...] = get_args(Method)


_RANDOM = 12  # spawn key


@dataclass(frozen=True, slots=True)
class Budgets:
    """How much the methods may spend.

    Parameters
    ----------
    steps
        K of the path value.
    permutations
        Of sampled Shapley values.
    coalitions
        Of sampled Banzhaf values.
    seed
        Of everything that is drawn.
    """

    steps: int = PATH_STEPS
    permutations: int = DEFAULT_PERMUTATIONS
    coalitions: int = DEFAULT_COALITIONS
    seed: int = 0

    def check(self) -> None:
        """Check the numbers.

        Raises
        ------
        UsageError
            One of them makes no sense.
        """
        if not 1 <= self.steps <= MOST_STEPS:
            raise UsageError(f"a path has 1 to {MOST_STEPS} steps, not {self.steps}")
        check_permutations(self.permutations, antithetic=False)
        check_coalitions(self.coalitions)
        check_seed(self.seed)


@dataclass(frozen=True, slots=True)
class Values:
    """What a method says of every player.

    Parameters
    ----------
    method
        Its name.
    values
        float64 (players,).
    standard_errors
        float64 (players,); None where nothing is sampled.
    budget
        K, permutations or coalitions; None where there is none.
    raw_sum
        Of values that were normalised to v(N) - v(∅): what they summed up to before; else None.
    gap, gap_doubled, derivatives
        Of the path value, see `blueattr.scenarios.games.path.PathValue`; else None.
    """

    method: Method
    values: FloatArray
    standard_errors: FloatArray | None = None
    budget: int | None = None
    raw_sum: float | None = None
    gap: float | None = None
    gap_doubled: float | None = None
    derivatives: str | None = None


def choose_method(method: str, form: Form, players: int) -> Method:
    """Return the method that a user names, or the default for ``auto``.

    Raises
    ------
    UsageError
        There is none of that name, it needs the smooth form, or fewer players.
    """
    if method == "auto":
        if form == "smooth":
            return "path"
        return "exact" if players <= MOST_EXACT_AGENTS else "shapley"
    for one in METHODS:
        if one == method:
            break
    else:
        raise UsageError(f"no method is called {method!r}; there are auto, {', '.join(METHODS)}")
    if one == "path" and form != "smooth":
        raise UsageError(
            "the path value needs derivatives, which the discrete game does not have: ask the "
            "smooth game, or another method"
        )
    if one == "exact" and players > MOST_EXACT_AGENTS:
        raise UsageError(
            f"exact Shapley values need all 2^n coalitions, so at most {MOST_EXACT_AGENTS} "
            f"players, not {players:,}; --method shapley samples them"
        )
    return one


def solve(game: ScenarioGame, method: Method, budgets: Budgets) -> Values:
    """Compute the values of all players by a method.

    Parameters
    ----------
    game
        What is played.
    method
        By which method.
    budgets
        What it may spend.

    Returns
    -------
    Values

    Raises
    ------
    NoAnswerError
        The path value does not converge, or a value is not finite.
    ZeroTotalError
        Values cannot be normalised.
    """
    if method == "path":
        found = path_value(game, budgets.steps)
        return Values(
            method, found.values, budget=found.steps, gap=found.gap,
            gap_doubled=found.gap_doubled, derivatives=found.derivatives,
        )  # fmt: skip
    if method == "exact":
        return Values(method, shapley_of(game.all_coalitions()), budget=1 << game.n)
    if method == "shapley":
        estimate = permutation_means(
            game, game.n, permutations=budgets.permutations, seed=budgets.seed
        )
        return Values(method, estimate.values, estimate.standard_errors, budgets.permutations)
    if method == "banzhaf":
        estimate = banzhaf_means(game, game.n, coalitions=budgets.coalitions, seed=budgets.seed)
        raw, errors, budget = estimate.values, estimate.standard_errors, budgets.coalitions
    elif method == "leave-one-out":
        raw, errors, budget = leave_one_out(game), None, None
    else:
        sequence = np.random.SeedSequence(budgets.seed, spawn_key=(_RANDOM,))
        raw, errors, budget = np.random.default_rng(sequence).random(game.n), None, None
    values, factor = normalise(raw, game.total - game.empty, method)
    return Values(
        method,
        values,
        None if errors is None else abs(factor) * errors,
        budget,
        raw_sum=float(kernels.exact_sum(raw)),
    )


def leave_one_out(game: ScenarioGame) -> FloatArray:
    """Return v(N) - v(N without i) of every player, (players,)."""
    values: FloatArray = game.total - game.values(1.0 - np.eye(game.n))
    return values


def normalise(raw: FloatArray, change: float, method: str) -> tuple[FloatArray, float]:
    """Return values times the factor that makes them sum to v(N) - v(∅), and the factor.

    Raises
    ------
    ZeroTotalError
        No positive factor does, but that of random numbers may be negative; or one of both sums
        is next to nothing beside the values, and so is no more than rounding.
    """
    total = float(kernels.exact_sum(raw))
    least = NO_CHANGE * float(kernels.exact_sum(np.abs(raw)))
    some = abs(total) > 0 and abs(total) >= least
    shared = (
        some
        and change != 0
        and (method == "random" or (change / total > 0 and abs(change) >= least))
    )
    if not shared:
        raise ZeroTotalError(
            f"the values of {method} sum to {total:g} and v(N) - v(∅) is {change:g}, so that no "
            "positive factor makes them shares of it; ask --method shapley"
        )
    return raw * (change / total), change / total
