"""Rollup: summarise the days of a store, so that questions about them are answered faster."""

from pathlib import Path

from blueattr.panel import topics
from blueattr.store import rollups
from blueattr.store.commit.writer import Writer
from blueattr.store.database import DEFAULT_MEMORY, Store

__all__ = ["roll_up_store"]


def roll_up_store(
    db: Path, topics_file: Path | None = None, memory: int = DEFAULT_MEMORY
) -> rollups.RolledUp:
    """Summarise the days that are over, for the bundled topics and those of a user's file.

    Raises
    ------
    StoreError
        There is no such store, or it cannot be written.
    InputError
        The file of topics cannot be used.
    PatternError
        The engine refuses a pattern.
    """
    names = topics.load(topics_file)
    with Store.open(db, memory) as store:
        chosen = [topics.choose(store, name, None, topics_file) for name in names]
    with Writer(db, memory, create=False) as writer:
        return rollups.roll_up(writer, [topic.rule for topic in chosen if topic is not None])
