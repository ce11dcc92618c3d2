"""The coalition game of an indicator: values of coalitions, and walks along permutations."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from blueattr import kernels
from blueattr.errors import FeatureError, UsageError
from blueattr.indicators.base import Aggregator, FeatureArrays, Indicator, MomentIndicator
from blueattr.indicators.builtin import INDICATORS
from blueattr.kernels import FloatArray, games
from blueattr.kernels.games import StreamArray

__all__ = ["Game", "make_game"]


_Evaluate = Callable[[FloatArray], FloatArray]


_COMPILED: dict[str, tuple[int, _Evaluate]] = {
    "lin": (games.LIN, lambda m: m[0]),
    "heat": (games.HEAT, lambda m: np.log1p(m[0] * m[1] * m[2])),
    "var": (games.VAR, lambda m: m[0] - m[1] * m[1]),
}


class Game(Protocol):
    """v(S) = f(x ⊙ 1_S): absent agents count 0, n stays the panel's size."""

    def all_coalitions(self) -> FloatArray:
        """Return v of all 2^n coalitions, float64 (2^n,); bit i of an index means agent i is in."""

    def walk(
        self, streams: StreamArray, antithetic: bool, mean: FloatArray, squares: FloatArray
    ) -> None:
        """Add marginal contributions as `blueattr.kernels.games.welford_walks` does."""

    def coalitions(self, streams: StreamArray) -> FloatArray:
        """Return v of one random coalition per stream, float64 (M,)."""


@dataclass(frozen=True)
class _MomentGame:
    """F of running means: ``parts`` is float64 (p, n), the statistics of each agent / n."""

    indicator: MomentIndicator
    parts: FloatArray

    @cached_property
    def by_agent(self) -> FloatArray:
        """The transpose, float64 (n, p), in which an agent is contiguous."""
        return np.ascontiguousarray(self.parts.T)

    def evaluate(self, means: FloatArray) -> FloatArray:
        """Return F of each column: float64 (p, k) to float64 (k,)."""
        compiled = _compiled(self.indicator)
        values = compiled[1](means) if compiled else _evaluate(self.indicator.value, means)
        if not np.isfinite(values).all():
            raise FeatureError(
                f"the indicator {self.indicator.name!r} is not finite on some coalition"
            )
        return values

    def all_coalitions(self) -> FloatArray:
        means = np.zeros((len(self.parts), 1))
        for agent in self.parts.T:
            means = np.concatenate([means, means + agent[:, None]], axis=1)
        return self.evaluate(means)

    def walk(
        self, streams: StreamArray, antithetic: bool, mean: FloatArray, squares: FloatArray
    ) -> None:
        by_agent = self.by_agent
        if compiled := _compiled(self.indicator):
            nobody = np.empty(0, np.int64)
            games.welford_walks(compiled[0], by_agent, nobody, streams, antithetic, mean, squares)
            return
        for k, stream in enumerate(streams):
            order = games.permutation(mean.size, stream)
            marginals = self._marginals(by_agent, order)
            if antithetic:
                marginals = 0.5 * (marginals + self._marginals(by_agent, order[::-1]))
            games.welford(marginals, k + 1, mean, squares)

    def _marginals(self, by_agent: FloatArray, order: kernels.IndexArray) -> FloatArray:
        marginals = np.empty(order.size)
        values = self.evaluate(np.cumsum(by_agent[order], axis=0).T)
        marginals[order] = np.diff(values, prepend=0.0)
        return marginals

    def coalitions(self, streams: StreamArray) -> FloatArray:
        return self.evaluate(games.coalition_sums(self.parts, streams))


@dataclass(frozen=True)
class _GiniGame:
    """Sums over pairs of ``s``, float64 (1, n): s / (n Σs), with Σ over the full panel."""

    s: FloatArray
    order: kernels.IntArray

    def all_coalitions(self) -> FloatArray:
        # Agents join by ascending s: each has more than all members before it.
        pairs = total = members = np.zeros(1)
        for x in self.s[0, self.order].tolist():
            pairs = np.concatenate([pairs, pairs + (members * x - total)])
            total = np.concatenate([total, total + x])
            # An agent with s = 0 counts as absent, and adds exactly 0.
            members = np.concatenate([members, members + (x > 0)])
        n = self.order.size
        by_rank = (pairs + (n - members) * total).reshape((2,) * n)
        # The last axis is the lowest bit, the agent of the lowest rank.
        axis_of_agent = n - 1 - self.rank
        return by_rank.transpose(axis_of_agent[::-1]).ravel()

    @cached_property
    def rank(self) -> kernels.IntArray:
        rank = np.empty(self.order.size, np.int64)
        rank[self.order] = np.arange(self.order.size)
        return rank

    def walk(
        self, streams: StreamArray, antithetic: bool, mean: FloatArray, squares: FloatArray
    ) -> None:
        by_agent = self.s.reshape(-1, 1)
        games.welford_walks(games.GINI, by_agent, self.rank, streams, antithetic, mean, squares)

    def coalitions(self, streams: StreamArray) -> FloatArray:
        return games.coalition_gaps(self.s[0], self.order, streams)


def _compiled(indicator: MomentIndicator) -> tuple[int, _Evaluate] | None:
    """Return the compiled code of an indicator; None for a custom one, whatever its name."""
    known = INDICATORS.get(indicator.name) is indicator
    return _COMPILED.get(indicator.name) if known else None


def _evaluate(value: Callable[[FloatArray], float], means: FloatArray) -> FloatArray:
    """Evaluate F at many points, at once if F can do that.

    F is written for one point, but most such functions also work on arrays of points. The result
    for the array is checked at points spread over it, before it is used.
    """
    points = means.shape[1]
    try:
        values = np.asarray(value(means), np.float64)
        checked = np.unique(np.linspace(0, points - 1, 9).astype(np.int64))
        single = [value(np.ascontiguousarray(means[:, i])) for i in checked]
        slack = 1e-12 * float(np.abs(values).max())
        fits = values.shape == (points,) and np.allclose(values[checked], single, 1e-9, slack)
    except Exception:  # noqa: BLE001 - a user's F may refuse an array in any way it likes
        fits = False
    if fits:
        return values
    columns = np.ascontiguousarray(means.T)
    return np.fromiter(map(value, columns), np.float64, points)


def make_game(indicator: Indicator, features: FeatureArrays, aggregator: Aggregator) -> Game:
    """Set up the game of an indicator on a panel.

    Parameters
    ----------
    indicator, aggregator
        The value function. ``lin``, ``heat``, ``var`` and ``gini`` are compiled; F of another
        moment indicator is Python.
    features
        A checked panel of n agents, with finite statistics (`blueattr.attribution.value.solve`
        checks them).

    Returns
    -------
    Game

    Raises
    ------
    UsageError
        For a sum over pairs other than ``gini``.

    Notes
    -----
    arXiv 2605.11404; docs/methods.md, "The game".
    """
    n = features.a.size
    if isinstance(indicator, MomentIndicator):
        return _MomentGame(indicator, np.stack(indicator.measure(features, aggregator)) / n)
    if indicator is not INDICATORS["gini"]:
        raise UsageError(f"no baseline knows how to play {indicator.name!r}, which sums over pairs")
    s, total = aggregator.apply(features)
    order = kernels.argsort(s).astype(np.int64)
    if total > 0:
        s *= float(1 / (n * total))
    return _GiniGame(s[None, :], order)
