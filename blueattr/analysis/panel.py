"""The panel of a window, who of it is involved in a topic, and whom hydrating it asks about."""

from dataclasses import dataclass

import polars as pl

from blueattr.analysis.asked.naming import OPEN, Naming
from blueattr.analysis.features import refuse_no_match
from blueattr.display import Presented
from blueattr.panel.query import PanelQuery, StoreView
from blueattr.provenance import Provenance
from blueattr.store.database import Store

__all__ = ["PanelResult", "candidates", "make_panel"]


@dataclass(frozen=True, repr=False)
class PanelResult(Presented):
    """The panel of a window, perhaps with who of it is involved in a topic.

    Parameters
    ----------
    agents
        See `blueattr.panel.filters.FilteredPanel`; with a topic also ``involved`` (bool).
    provenance
        The window, its gaps, the topic, and what each filter removed.
    """

    agents: pl.DataFrame
    provenance: Provenance

    @property
    def n_agents(self) -> int:
        """The number of agents."""
        return len(self.agents)

    @property
    def n_involved(self) -> int | None:
        """How many of them are involved in the topic; None if there is none."""
        return int(self.agents["involved"].sum()) if "involved" in self.agents.columns else None


def make_panel(query: PanelQuery, naming: Naming = OPEN) -> PanelResult:
    """Filter the active accounts of a window, and count what each filter removes.

    Parameters
    ----------
    query
        The window, the panel, and perhaps a topic.
    naming
        How to name accounts.

    Raises
    ------
    NoAnswerError
        Nobody is in the panel, follower counts are missing, there is no such topic, or no post
        matched it.
    """
    with Store.open(query.db, query.memory) as store:
        view = StoreView.of(store, query)
        topic = view.topic()
        agents = view.built.agents
        origin = view.panel_origin(topic) if topic is None else view.involved_origin(topic)
        if topic is not None:
            counts = view.totals(topic)
            refuse_no_match(view, topic, counts)
            features = view.features(counts)
            involved = features.select("did", involved=(pl.col("a") > 0) | (pl.col("c") > 0))
            agents = agents.join(involved, on="did", how="left", maintain_order="left")
        return naming.hide(PanelResult(agents, origin))


def candidates(query: PanelQuery) -> tuple[pl.DataFrame, str]:
    """Find the accounts to ask an AppView about for a panel.

    Returns
    -------
    tuple
        ``account``, ``did``, ``asked_at`` as `blueattr.panel.filters.candidates` returns them; and
        the window of the panel in words.

    Raises
    ------
    EmptyPanelError
        Nobody is in the panel.
    """
    with Store.open(query.db, query.memory) as store:
        window = query.window(store)
        scope = f"the panel from {window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M} UTC"
        return query.candidates(store, window), scope
