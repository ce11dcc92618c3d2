"""The game of a scenario: v(S) is the indicator where only S acts, others do as the baseline."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np

from blueattr.errors import NoAnswerError
from blueattr.kernels import FloatArray, IntArray, games
from blueattr.kernels.games import StreamArray
from blueattr.scenarios.play import play
from blueattr.scenarios.protocol import Array, Scenario

__all__ = ["FORMS", "PLAYERS", "Form", "Players", "ScenarioGame"]


Form = Literal["smooth", "discrete"]
Players = Literal["agents", "cells"]
FORMS: tuple[Form, ...] = get_args(Form)
PLAYERS: tuple[Players, ...] = get_args(Players)


# Rows of a batch: a few arrays of so many rows and 20 agents stay in the second cache.
_ROWS = 4096


@dataclass(frozen=True)
class ScenarioGame:
    """The game of some steps of a scenario: a `blueattr.studies.validation.games.Game`.

    Parameters
    ----------
    scenario
        What ran.
    indicator
        The name of the indicator, taken after the last step of the window.
    window
        Indices of the steps in which players may be absent.
    baseline
        The kind of baseline.
    players
        Whether agents are players, or each agent in each step of the window (a cell).
    form
        Of the transition.
    """

    scenario: Scenario
    indicator: str
    window: range
    baseline: str
    players: Players
    form: Form

    @property
    def n(self) -> int:
        """The number of players."""
        cells = len(self.window) if self.players == "cells" else 1
        return len(self.scenario.agents) * cells

    @cached_property
    def absent(self) -> Mapping[str, FloatArray]:
        """What an absent agent does."""
        return self.scenario.baseline(self.baseline)

    @cached_property
    def empty(self) -> float:
        """The value v(∅)."""
        return float(self.values(np.zeros((1, self.n)))[0])

    @cached_property
    def total(self) -> float:
        """The value v(N)."""
        return float(self.values(np.ones((1, self.n)))[0])

    def spread(self, z: Array) -> Array:
        """Return participation of players as (B, steps of the window, n)."""
        shape = (len(z), len(self.window), len(self.scenario.agents))
        if self.players == "cells":
            return z.reshape(shape)
        return np.broadcast_to(z[:, None], shape)

    def values(self, z: Array) -> Array:
        """Return v of some participations.

        Parameters
        ----------
        z
            (B, players): 0 and 1 in the discrete form; in the smooth form anything between, and
            complex where a derivative is wanted. Cells are in order of steps, then of agents.

        Returns
        -------
        ndarray
            (B,).

        Raises
        ------
        NoAnswerError
            A value is not finite.
        """
        smooth = self.form == "smooth"
        states = play(self.scenario, self.absent, self.spread(z), self.window, smooth=smooth)
        measure = self.scenario.indicators[self.indicator]
        with np.errstate(all="ignore"):
            found = measure(states[-2], states[-1], self.window[-1])
        if not np.isfinite(found).all():
            raise NoAnswerError(
                f"the {self.form} form of {self.indicator!r} is not finite where some agents are "
                "absent"
            )
        return found

    # --- the protocol of games -------------------------------------------------------------------

    def all_coalitions(self) -> FloatArray:
        """Return v of all coalitions, float64 (2^n,); bit i of an index means player i is in."""
        bits = np.arange(self.n)

        def work(start: int) -> FloatArray:
            index = np.arange(start, min(start + _ROWS, 1 << self.n))
            return self.values(((index[:, None] >> bits) & 1).astype(np.float64))

        starts = range(0, 1 << self.n, _ROWS)
        return np.concatenate(list(games.in_order(work, starts)))

    def walk(
        self, streams: StreamArray, antithetic: bool, mean: FloatArray, squares: FloatArray
    ) -> None:
        """Add marginal contributions as `blueattr.kernels.games.welford_walks` does."""
        some = max(1, _ROWS // self.n)
        done = 0
        for start in range(0, streams.size, some):
            orders = np.stack([
                games.permutation(self.n, stream) for stream in streams[start : start + some]
            ]).astype(np.int64)  # fmt: skip
            marginals = self._marginals(orders)
            if antithetic:
                marginals = 0.5 * (marginals + self._marginals(orders[:, ::-1]))
            for one in marginals:
                done += 1
                games.welford(one, done, mean, squares)

    def _marginals(self, orders: IntArray) -> FloatArray:
        """Return what each player adds along some permutations, (permutations, players)."""
        count, n = orders.shape
        places = np.empty(orders.shape, np.int64)
        np.put_along_axis(places, orders, np.arange(n)[None], axis=1)
        joined = (places[:, None] < np.arange(1, n + 1)[:, None]).astype(np.float64)
        values = self.values(joined.reshape(count * n, n)).reshape(count, n)
        marginals = np.empty((count, n))
        np.put_along_axis(marginals, orders, np.diff(values, prepend=self.empty), axis=1)
        return marginals

    def coalitions(self, streams: StreamArray) -> FloatArray:
        """Return v of one random coalition per stream, float64 (M,)."""
        present = games.coalition_sums(np.eye(self.n), streams)
        return self.values(np.ascontiguousarray(present.T))
