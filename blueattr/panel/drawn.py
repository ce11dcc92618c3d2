"""How the records of a store were chosen, where they come from imported tables."""

from blueattr.panel.counted import is_counted
from blueattr.provenance import Window
from blueattr.store.database import Store

__all__ = ["drawn", "is_searched"]


_LEFT_OUT = (
    "An imported table counts the interactions with its posts. The store has records of other "
    "sources, too, so that c is made of records alone: the two are never mixed."
)


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
    if any(row["counts"] for row in rows) and not is_counted(store):
        rows.append({"drawn": rows[0]["drawn"], "remarks": _LEFT_OUT})
    ways = dict.fromkeys(row["drawn"] for row in rows)
    said = dict.fromkeys(
        sentence for row in rows for sentence in (row["remarks"] or "").split("\n") if sentence
    )
    return tuple(ways), tuple(said)


def is_searched(store: Store, window: Window) -> bool:
    """Return whether all records of a window were chosen by a search for words.

    Then nobody is there who took no part, and the panel is that of those involved, unless somebody
    chose another (`blueattr.attribution.question.Question.settled`).

    Parameters
    ----------
    store
        Open for reading.
    window
        Settled.
    """
    ends = {"start": window.start.replace(tzinfo=None), "end": window.end.replace(tzinfo=None)}
    ((by_search, otherwise),) = store.rows("panel/searched", **ends)
    return bool(by_search and not otherwise)
