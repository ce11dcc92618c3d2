"""Shapley and Banzhaf values of any game: all coalitions, permutations, random coalitions."""

from dataclasses import dataclass
from math import comb

import numpy as np

from blueattr import kernels
from blueattr.attribution.sampling import check_seed
from blueattr.kernels import FloatArray, games
from blueattr.kernels.games import StreamArray
from blueattr.studies.validation.games import Game

__all__ = ["PlayerEstimates", "banzhaf_means", "permutation_means", "shapley_of"]


_PERMUTATIONS, _COALITIONS = 10, 11  # spawn keys: each purpose has its own random streams
_PIECE = 1 << 15  # players in a piece of work


@dataclass(frozen=True, slots=True)
class PlayerEstimates:
    """What a sample says of every player.

    Parameters
    ----------
    values, standard_errors
        float64 (n,).
    undetermined
        Of Banzhaf values: how many players are in all coalitions or in none.
    """

    values: FloatArray
    standard_errors: FloatArray
    undetermined: int = 0


def _streams(seed: int, purpose: int, count: int) -> StreamArray:
    """Return the states of independent random streams; the first ones do not depend on `count`."""
    check_seed(seed)
    sequence = np.random.SeedSequence(seed, spawn_key=(purpose,))
    starts: StreamArray = sequence.generate_state(count, np.uint64).astype(np.uint64)
    return starts


def shapley_of(v: FloatArray) -> FloatArray:
    """Return the Shapley value of a game whose coalitions are all known.

    Parameters
    ----------
    v
        float64 (2^n,); bit i of an index means that player i is in.

    Returns
    -------
    ndarray
        float64 (n,): φ_i = Σ_{S∌i} |S|! (n - |S| - 1)! / n! · (v(S + i) - v(S)).

    Notes
    -----
    Shapley (1953), "A value for n-person games"; docs/methods.md, "Baselines".
    """
    n = v.size.bit_length() - 1
    others = np.bitwise_count(np.arange(1 << (n - 1), dtype=np.uint32)).astype(np.int64)
    chance = np.array([1.0 / (n * comb(n - 1, k)) for k in range(n)])[others]
    values = np.empty(n)
    for i in range(n):
        pairs = v.reshape(-1, 2, 1 << i)
        gains = (pairs[:, 1] - pairs[:, 0]).ravel()
        values[i] = kernels.exact_sum(gains * chance)
    return values


def permutation_means(
    game: Game, n: int, *, permutations: int, antithetic: bool = False, seed: int
) -> PlayerEstimates:
    """Return mean marginal contributions over random permutations.

    Parameters
    ----------
    game
        Of n players.
    n
        How many players.
    permutations, antithetic, seed
        See `blueattr.studies.validation.baselines.sampled_shapley`.
    """
    streams = _streams(seed, _PERMUTATIONS, permutations // 2 if antithetic else permutations)
    size = max(8, _PIECE // n)
    pieces = [streams[start : start + size] for start in range(0, streams.size, size)]

    def work(piece: StreamArray) -> tuple[int, FloatArray, FloatArray]:
        mean, squares = np.zeros(n), np.zeros(n)
        game.walk(piece, antithetic, mean, squares)
        return piece.size, mean, squares

    done, mean, squares = 0, np.zeros(n), np.zeros(n)
    for count, part_mean, part_squares in games.in_order(work, pieces):
        # Chan, Golub & LeVeque (1983), "Algorithms for computing the sample variance".
        step = part_mean - mean
        mean += step * (count / (done + count))
        squares += part_squares + step * step * (done * count / (done + count))
        done += count
    return PlayerEstimates(mean, np.sqrt(squares / (done - 1) / done))


def banzhaf_means(game: Game, n: int, *, coalitions: int, seed: int) -> PlayerEstimates:
    """Return Banzhaf values by maximum sample reuse.

    Parameters
    ----------
    game
        Of n players.
    n
        How many players.
    coalitions, seed
        See `blueattr.studies.validation.baselines.sampled_banzhaf`.
    """
    streams = _streams(seed, _COALITIONS, coalitions)
    v = game.coalitions(streams)
    # The value does not change with a constant; about their mean the squares lose no digits.
    v = v - v.mean()  # a game may give a view of one number
    inside, sums, squares = games.presence_sums(n, v, streams)
    outside = coalitions - inside
    undetermined = (inside == 0) | (outside == 0)
    spread = float(v @ v) / (coalitions - 1)
    mean_in, error_in = _side(inside, sums, squares, spread)
    mean_out, error_out = _side(outside, v.sum() - sums, v @ v - squares, spread)
    return PlayerEstimates(
        np.where(undetermined, 0.0, mean_in - mean_out),
        np.sqrt(error_in + error_out),
        int(np.count_nonzero(undetermined)),
    )


def _side(
    count: FloatArray, sums: FloatArray, squares: FloatArray, spread: float
) -> tuple[FloatArray, FloatArray]:
    """Return the mean of v(S) on one side of each player, and its squared standard error."""
    some = np.maximum(count, 1.0)
    mean = sums / some
    variance = np.where(
        count < 2, spread, np.maximum(squares - sums * mean, 0.0) / np.maximum(count - 1.0, 1.0)
    )
    return mean, variance / some
