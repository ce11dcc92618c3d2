"""Which sources of a store are made up."""

from pathlib import Path

from blueattr.store.database import Store

__all__ = ["synthetic_sources"]


def synthetic_sources(store: Store) -> tuple[tuple[str, ...], bool]:
    """Name the sources of a store whose events are made up.

    Returns
    -------
    tuple
        Their names, files without their folders, ascending; and whether all events of the store
        come from such sources.
    """
    sources = store.rows("panel/event_sources").named()
    made_up = [source for source in sources if source["synthetic"]]
    names = {
        Path(source["name"]).name if source["kind"] == "file" else source["name"]
        for source in made_up
    }
    return tuple(sorted(names)), bool(made_up) and len(made_up) == len(sources)
