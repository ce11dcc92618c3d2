"""The agents of two windows: each window's panel, and those of both side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from blueattr.attribution.equals import Cut, cuts_of
from blueattr.attribution.inputs import Panel
from blueattr.attribution.tiered import NOBODY, PanelChoice
from blueattr.attribution.tiers import assign_tiers, rank
from blueattr.errors import EmptyPanelError, NobodyInvolvedError
from blueattr.indicators.base import FeatureArrays

__all__ = ["BothWindows", "OneWindow"]


_Bools = npt.NDArray[np.bool_]
_T = TypeVar("_T", np.float64, np.bool_)


@dataclass(frozen=True)
class OneWindow:
    """The agents of one window who are asked about.

    Parameters
    ----------
    name
        What messages call the window.
    active
        Its active panel, of m agents.
    asked
        bool (m,): who of it is asked about; n agents.
    features
        Of those asked about.
    """

    name: str
    active: Panel
    asked: _Bools
    features: FeatureArrays

    @classmethod
    def of(cls, frame: object, choice: PanelChoice, name: str) -> "OneWindow":
        """Check features, and take the agents asked for.

        Raises
        ------
        EmptyPanelError
            There are none.
        FeatureError
            As `blueattr.attribution.inputs.check_features`.
        """
        try:
            panel = frame if isinstance(frame, Panel) else Panel.of(frame)
        except EmptyPanelError as error:
            raise EmptyPanelError(f"{name} has no agents, so there is nobody to compare") from error
        if choice == "active":
            return cls(name, panel, np.ones(len(panel.dids), np.bool_), panel.features)
        involved = panel.features.involved()
        if not involved.any():
            raise NobodyInvolvedError(f"in {name}, {NOBODY}")
        return cls(name, panel, involved, panel.features.take(np.flatnonzero(involved)))

    @property
    def n(self) -> int:
        """The number of agents asked about."""
        return self.features.a.size


@dataclass(frozen=True)
class BothWindows:
    """The agents of two windows, side by side in order of DID.

    Parameters
    ----------
    dids
        str (N,): who is asked about in at least one window.
    tiers
        uint8 (N,), 0 for the top: cut on the agents of both active panels, by followers in the
        window after, else in the one before.
    inside
        bool (N,) for each window: who is asked about in it.
    rows
        int64 (N,) for each window: the place among those asked about in it; 0 where `inside` is
        false.
    ranked
        The number of agents of both active panels.
    cuts
        Where tiers were cut among them.
    """

    dids: pl.Series
    tiers: npt.NDArray[np.uint8]
    inside: tuple[_Bools, _Bools]
    rows: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
    ranked: int
    cuts: tuple[Cut, ...]

    @classmethod
    def of(cls, before: OneWindow, after: OneWindow, cutoffs: Sequence[float]) -> "BothWindows":
        """Set the agents of two windows side by side, and cut tiers."""
        old, new = before.active, after.active
        places = [
            pl.DataFrame({"did": panel.dids, name: np.arange(len(panel.dids))})
            for name, panel in (("old", old), ("new", new))
        ]
        joined = places[0].join(places[1], on="did", how="full", coalesce=True).sort("did")
        at_old, at_new = (joined[name].fill_null(0).to_numpy() for name in ("old", "new"))
        in_old, in_new = (joined[name].is_not_null().to_numpy() for name in ("old", "new"))
        followers = np.where(in_new, new.followers[at_new], old.followers[at_old])
        activity = np.where(in_new, new.features.a[at_new], old.features.a[at_old])
        order = rank(followers, activity)
        tiers = assign_tiers(order, cutoffs)
        inside = in_old & before.asked[at_old], in_new & after.asked[at_new]
        kept = inside[0] | inside[1]
        first, second = (
            np.where(there, np.cumsum(window.asked)[at] - 1, 0)[kept]
            for there, window, at in zip(inside, (before, after), (at_old, at_new), strict=True)
        )
        return cls(
            joined["did"].filter(pl.Series(kept)),
            tiers[kept],
            (inside[0][kept], inside[1][kept]),
            (first, second),
            order.size,
            tuple(cuts_of(followers, order, cutoffs)),
        )

    def spread(self, values: npt.NDArray[_T], window: int) -> npt.NDArray[_T]:
        """Return values of those asked about in a window, (n,), for all agents, (N,): else 0."""
        spread = values[self.rows[window]]
        spread[~self.inside[window]] = 0
        return spread
