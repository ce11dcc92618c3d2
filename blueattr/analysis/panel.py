"""The panel of a window, and the accounts that hydrating a panel asks about."""

from dataclasses import dataclass

import polars as pl

from blueattr.panel.query import PanelQuery
from blueattr.provenance import Provenance
from blueattr.store import coverage
from blueattr.store.database import Store

__all__ = ["PanelResult", "candidates", "make_panel"]


@dataclass(frozen=True, slots=True)
class PanelResult:
    """The panel of a window, without a topic.

    Parameters
    ----------
    agents
        See `blueattr.panel.filters.FilteredPanel`.
    provenance
        The window, its gaps, and what each filter removed.
    """

    agents: pl.DataFrame
    provenance: Provenance


def make_panel(query: PanelQuery) -> PanelResult:
    """Filter the active accounts of a window, and count what each filter removes.

    Raises
    ------
    NoAnswerError
        Nobody is in the panel, or follower counts are missing.
    """
    with Store.open(query.db, query.memory) as store:
        window = query.window(store)
        built = query.agents(store, window)
        origin = Provenance(
            source=str(query.db),
            window=window,
            gaps=coverage.gaps(store, window),
            panel=built.steps,
        )
        return PanelResult(built.agents, origin)


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
