"""Whether a judge scores by where a row stands, and not by what it says."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from blueattr import kernels
from blueattr.judges.deal import Deal
from blueattr.judges.methods import Sheet

__all__ = ["BEYOND", "PositionBias", "position_bias"]


BEYOND = 2.0
"""Standard errors from which on a bias is said to be one."""


_SHUFFLES = 400
_STREAM = 23  # apart from all other uses of a seed


@dataclass(frozen=True, slots=True)
class PositionBias:
    """Kendall's τ-b between scores and the places of their rows in the requests.

    Parameters
    ----------
    taus
        Of each repeat; None where all scores or all places are equal.
    mean
        Of those that are there; None without any.
    expected, standard_error
        Mean and standard deviation of such a mean if the same scores had stood at places drawn
        anew, over 400 shuffles.
    """

    taus: tuple[float | None, ...]
    mean: float | None
    expected: float | None = None
    standard_error: float | None = None

    @property
    def distance(self) -> float | None:
        """How many standard errors the mean lies from what a shuffle gives."""
        if self.mean is None or self.expected is None or not self.standard_error:
            return None
        return (self.mean - self.expected) / self.standard_error

    @property
    def found(self) -> bool:
        """Whether it lies beyond two standard errors."""
        return self.distance is not None and abs(self.distance) > BEYOND


def position_bias(
    sheets: Sequence[Sheet], deals: Sequence[Deal], *, by_agent: bool
) -> PositionBias:
    """Compare the scores of each repeat with the places of their rows.

    Parameters
    ----------
    sheets, deals
        Of the repeats.
    by_agent
        Whether scores are of agents, and not of rows.
    """
    taus = [_tau(sheet.scores, sheet.places) for sheet in sheets]
    known = [tau for tau in taus if tau is not None]
    if not known:
        return PositionBias(tuple(taus), None)
    draws = np.random.default_rng(np.random.SeedSequence(deals[0].seed, spawn_key=(_STREAM,)))
    places = [
        _Places(sheet, shown, by_agent=by_agent) for sheet, shown in zip(sheets, deals, strict=True)
    ]
    means = []
    for _ in range(_SHUFFLES):
        drawn = [
            _tau(sheet.scores, of.drawn(draws)) for sheet, of in zip(sheets, places, strict=True)
        ]
        some = [tau for tau in drawn if tau is not None]
        if some:
            means.append(float(np.mean(some)))
    return PositionBias(
        taus=tuple(taus),
        mean=float(np.mean(known)),
        expected=float(np.mean(means)) if means else None,
        standard_error=float(np.std(means, ddof=1)) if len(means) > 1 else None,
    )


class _Places:
    """Where the rows of a repeat would stand in requests of the same sizes, shuffled anew."""

    def __init__(self, sheet: Sheet, shown: Deal, *, by_agent: bool) -> None:
        agents, steps = range(len(shown.order)), range(shown.trace.width)
        numbers = shown.trace.row_numbers
        # A line for each step, with the number of each agent's score.
        self._units = np.array(
            [agents] if by_agent else [[numbers[agent, step] for agent in agents] for step in steps]
        )
        self._in_turn = sheet.places[self._units[:, shown.order].ravel()]

    def drawn(self, draws: np.random.Generator) -> kernels.FloatArray:
        """Return the places of another shuffle."""
        order = draws.permutation(self._units.shape[1])
        places: kernels.FloatArray = np.empty_like(self._in_turn)
        places[self._units[:, order].ravel()] = self._in_turn
        return places


def _tau(scores: kernels.FloatArray, places: kernels.FloatArray) -> float | None:
    given = ~np.isnan(scores)
    if not given.any():
        return None
    found = kernels.rank_correlations(scores[given], places[given])
    return None if found is None else found[0]
