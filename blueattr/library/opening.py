"""What a program begins with: a store that it opens, and the topics that there are."""

import os
from pathlib import Path

from blueattr.analysis.asked import parse
from blueattr.analysis.results import TopicList
from blueattr.library.options import words_of_a_program
from blueattr.library.store import Store
from blueattr.panel.topics import load
from blueattr.store import database
from blueattr.store.commit.writer import Writer
from blueattr.store.store_file import store_file
from blueattr.user_path import user_path

__all__ = ["open", "topics"]


_VARIABLE = "BLUEATTR_DB"


def open(  # noqa: A001 - as in blueattr.open("my.duckdb")
    path: str | Path | None = None, *, memory: str | int = "4GB", create: bool = False
) -> "Store":
    """Open a store to ask it questions; nothing is written to its events, but by ``import_``.

    Parameters
    ----------
    path
        The DuckDB file that ``blueattr ingest`` fills; by default the one that the environment
        variable ``BLUEATTR_DB`` names, or else ``data/blueattr.duckdb``.
    memory
        Memory limit of the whole process, such as ``"4GB"``.
    create
        Make an empty store, for ``import_``, if there is none.

    Returns
    -------
    Store

    Raises
    ------
    StoreError
        There is no such store, or it cannot be read.

    Examples
    --------
    ::

        with blueattr.open("my.duckdb") as store:
            print(store.attribute("mythos"))
    """
    if path is None:
        path = os.environ.get(_VARIABLE) or parse.DEFAULT_DB
    with words_of_a_program():
        store = Store(store_file(path), parse.memory_limit(memory))
        if create and not store.path.exists():
            Writer(store.path, store.memory).close()
        database.Store.open(store.path, store.memory).close()
    return store


def topics(topics: str | Path | None = None) -> TopicList:
    """List the bundled topics and those of a file of your own, as ``blueattr topics list``.

    Parameters
    ----------
    topics
        A TOML file with topics of your own.

    Returns
    -------
    TopicList
        A sequence of topics, which is also indexed by name.

    Raises
    ------
    InputError
        The file cannot be used.
    """
    return TopicList(tuple(load(None if topics is None else user_path(topics)).values()))
