"""How the records of a store were chosen, where they come from imported tables."""

from blueattr.store.database import Store

__all__ = ["drawn"]


def drawn(store: Store) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return how imported records were chosen, and what their formats say that a reader must know.

    Parameters
    ----------
    store
        Open for reading.

    Returns
    -------
    tuple
        Of `blueattr.provenance.Provenance`: ``drawn`` and ``import_remarks``; both empty where
        nothing was imported.
    """
    rows = store.rows("panel/drawn").named()
    ways = dict.fromkeys(row["drawn"] for row in rows)
    said = dict.fromkeys(
        sentence for row in rows for sentence in (row["remarks"] or "").split("\n") if sentence
    )
    return tuple(ways), tuple(said)
