"""A panel with tiers: everyone who was active, or of these only those involved in the topic."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from blueattr.attribution.inputs import Panel
from blueattr.attribution.tiers import assign_tiers, check_cutoffs, tier_names
from blueattr.errors import NobodyInvolvedError, UsageError
from blueattr.suggest import did_you_mean

__all__ = ["NOBODY", "PANELS", "ActivePanel", "PanelChoice", "TieredPanel", "check_panel"]


PanelChoice = Literal["active", "involved"]
PANELS: tuple[PanelChoice, ...] = get_args(PanelChoice)

NOBODY: Final = (
    "no agent of the panel is involved: none wrote anything of the topic, and none received a "
    "reply, a repost or a quote on it"
)


def check_panel(name: str) -> PanelChoice:
    """Check which panel is asked for.

    Raises
    ------
    UsageError
        For another name; the message has the nearest valid one.
    """
    for choice in PANELS:
        if name == choice:
            return choice
    hint = did_you_mean(str(name), PANELS, f"there are {' and '.join(PANELS)}", quoted=True)
    raise UsageError(f"no panel is called {name!r}; {hint}")


@dataclass(frozen=True, slots=True)
class ActivePanel:
    """The active panel, of which an answer took only those involved.

    Parameters
    ----------
    n_agents
        Its n.
    agents
        The number of agents in each tier, from the top.
    total
        v(N) on it; not comparable with v(N) of those involved, whose n is another.
    """

    n_agents: int
    agents: tuple[int, ...]
    total: float


@dataclass(frozen=True)
class TieredPanel:
    """A panel whose agents have the tiers that they have among all active agents.

    Parameters
    ----------
    panel
        The agents.
    tiers
        uint8 (n,), 0 for the top.
    cutoffs
        Where the upper tiers end: cumulative percentages of the active agents.
    active
        The active panel, where these are only those involved; else None.
    """

    panel: Panel
    tiers: npt.NDArray[np.uint8]
    cutoffs: tuple[float, ...]
    active: "TieredPanel | None" = None

    @classmethod
    def of(cls, frame: object, cutoffs: Sequence[float], choice: str = "active") -> "TieredPanel":
        """Check features, rank the agents, and take those asked for.

        Parameters
        ----------
        frame
            See `blueattr.attribution.inputs.check_features`; or a checked panel.
        cutoffs
            Cumulative percentages of the active agents at which tiers end.
        choice
            ``"active"``: everyone. ``"involved"``: who has a > 0 or c > 0.

        Raises
        ------
        UsageError
            For another choice, or bad cut-offs.
        NobodyInvolvedError
            When nobody is involved.
        FeatureError
            As `check_features`.

        Notes
        -----
        docs/methods.md, "Who is on the panel".
        """
        checked = check_panel(choice)
        edges = check_cutoffs(cutoffs)
        panel = frame if isinstance(frame, Panel) else Panel.of(frame)
        active = cls(panel, assign_tiers(panel.order, edges), edges)
        if checked == "active":
            return active
        involved = panel.features.involved()
        if not involved.any():
            raise NobodyInvolvedError(NOBODY)
        return cls(panel.take(involved), active.tiers[involved], edges, active)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the tiers, from the top down."""
        return tier_names(self.cutoffs)

    @property
    def choice(self) -> PanelChoice:
        """Which panel this is."""
        return "active" if self.active is None else "involved"

    def agents_by_tier(self) -> tuple[int, ...]:
        """Count the agents of each tier."""
        return tuple(np.bincount(self.tiers, minlength=len(self.names)).tolist())
