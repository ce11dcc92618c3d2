"""The Owen value of each agent: groups enter whole, and their members within them."""

from collections.abc import Sequence

import numpy as np

from blueattr import kernels
from blueattr.attribution.groups.games import MomentGame, game_of
from blueattr.attribution.groups.grouped import partition_for
from blueattr.attribution.groups.orders import entry_weights, nested_values, subset_sums
from blueattr.attribution.groups.partition import Labels, Partition
from blueattr.attribution.integrals import rules
from blueattr.attribution.tiered import TieredPanel
from blueattr.attribution.value import solve
from blueattr.errors import NoAnswerError
from blueattr.indicators.base import Aggregator, Indicator
from blueattr.kernels import FloatArray

__all__ = ["member_values", "member_weights"]


_CONVERGED, _ALLOWED = 1e-12, 1e-9
# Slopes of F that may be computed: at many points at once, or one by one in Python.
_MANY_POINTS, _POINTS = 1 << 26, 1 << 20
_CHUNK = 1 << 16


def member_values(
    tiered: TieredPanel,
    levels: Sequence[Labels],
    indicator: Indicator,
    aggregator: Aggregator,
    steps: int | None = None,
) -> FloatArray:
    """Compute the Owen value of every agent of a panel.

    Parameters
    ----------
    tiered
        The panel of n agents.
    levels, indicator, aggregator, steps
        As for `blueattr.attribution.groups.grouped.group_shares`. Small groups are joined as there.

    Returns
    -------
    ndarray
        float64 (n,): φ_i = (1/n) Σ_k g_k(x_i) w_k, with the weights of the agent's group. For
        ``lin``, ``var`` and ``gini`` the Aumann-Shapley value itself. Those of a group sum to
        ``owen`` of the group.

    Raises
    ------
    NoAnswerError
        The integrals do not converge, or there are too many coalitions for an indicator that is
        computed point by point.

    Notes
    -----
    docs/groups.md, "Members".
    """
    partition = partition_for(indicator, levels)
    features = tiered.panel.features
    game = game_of(indicator, features, aggregator, partition)
    if not isinstance(game, MomentGame) or game.indicator.is_quadratic:
        return solve(indicator, features, aggregator, steps).values
    weights = member_weights(game, partition)
    values = np.zeros(game.n)
    statistics = game.indicator.measure(features, aggregator)
    for g, of_groups in zip(statistics, weights.T, strict=True):
        values += g * (of_groups / game.n)[partition.leaves]
    return values


def member_weights(game: MomentGame, partition: Partition) -> FloatArray:
    """Integrate ∂F/∂m as each innermost group enters, averaged over what is there before it.

    Returns
    -------
    ndarray
        w, float64 (L, p), with Σ_k m_hk w_hk the Owen value of group h.

    Raises
    ------
    NoAnswerError
        As `member_values`.
    """
    groups, name = game.nested_means, game.indicator.name
    owen = nested_values(groups, game.values)
    total = abs(float(kernels.exact_sum(owen)))
    whole = np.array([inner.sum(axis=0) for inner in groups])
    spans = list(partition.spans())
    found = np.zeros_like(game.leaf_means)
    for g, inner in enumerate(groups):
        before = subset_sums(np.delete(whole, g, axis=0))
        chances = _chances(len(groups) - 1)
        for h, mean in enumerate(inner):
            within = subset_sums(np.delete(inner, h, axis=0))
            points = (before[:, None, :] + within).reshape(-1, mean.size)
            weights = np.outer(chances, _chances(len(inner) - 1)).ravel()
            at = spans[g][h]
            slopes, miss = _integrated(game, (points, weights), mean, owen[at], total)
            if miss > _ALLOWED * total:
                raise NoAnswerError(
                    f"the Owen values of single agents cannot be computed for {name!r}: its "
                    "slopes have no integral that can be found, or there are too many groups"
                )
            found[at] = slopes
    return found


def _chances(others: int) -> FloatArray:
    """Return the part of all orders in which each subset of the others is before one."""
    sizes = subset_sums(np.ones((others, 1)))[:, 0].astype(np.int64)
    found: FloatArray = np.array(entry_weights(others + 1))[sizes]
    return found


def _integrated(
    game: MomentGame,
    start_points: tuple[FloatArray, FloatArray],
    mean: FloatArray,
    expected: float,
    total: float,
) -> tuple[FloatArray, float]:
    """Integrate from some points along the mean of a group, and average by their weights.

    Returns
    -------
    ndarray
        float64 (p,).
    float
        By how much they miss the Owen value of the group.
    """
    points, weights = start_points
    if mean.size == 1 and mean[0]:
        return np.array([expected / mean[0]]), 0.0  # the slope is that of F itself
    most = _MANY_POINTS if game.indicator.gradients is not None else _POINTS
    best, miss, done = np.zeros_like(mean), np.inf, 0
    for nodes in rules():
        done += nodes.t.size * len(points)
        if done > most:
            break
        slopes = np.zeros_like(mean)
        for t, part in zip(nodes.t.tolist(), nodes.weights.tolist(), strict=True):
            for start in range(0, len(points), _CHUNK):
                some = slice(start, start + _CHUNK)
                slopes += part * (weights[some] @ game.gradients(points[some] + t * mean))
        off = abs(float(slopes @ mean) - expected)
        if off < miss:
            best, miss = slopes, off
        if miss <= _CONVERGED * total:
            break
    return best, miss
