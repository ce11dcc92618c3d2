"""Sums of the hashes of rows: kept with each commit, and compared to notice a damaged file."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING

from blueattr.errors import StoreError
from blueattr.store.store_file import damaged

if TYPE_CHECKING:
    from blueattr.store.database import Store

__all__ = ["SINCE", "check", "is_kept", "keep", "renew"]


SINCE = 8
"""The schema from which on a store has sums."""


_APPENDED = frozenset(
    {"account", "account_status", "record_key", "agent_day", "given_day", "topic_event"}
)
"""Tables of ``add_rows.sql``: what is appended is summed, and not the whole table."""


_RECORDS, _MIGRATIONS = "record", "migration"


def keep(store: "Store", changes: Mapping[str, bool]) -> None:
    """Keep the sums of what the transaction that is about to be committed has changed.

    Parameters
    ----------
    store
        A transaction is under way in it.
    changes
        The tables that it changed, and whether rows were only appended.

    Notes
    -----
    docs/data.md, "Checking a store". Where rows went or changed in place, the whole table is summed
    anew. Only of records, which are most of a store, those that went are taken off: each step that
    deletes some adds what they come to to ``taken_off``.
    """
    tables = {name for name, _ in store.rows("store/integrity/sums/tables")}
    appended = [name for name in changes if name in _APPENDED and changes[name]]
    if appended:
        store.run("store/integrity/sums/add_rows", names=appended)
    for name in sorted(tables & changes.keys() - {_RECORDS, *appended}):
        store.run("store/integrity/sums/sum_table", name=name)
    if _RECORDS in changes:
        store.run("store/integrity/sums/add_records")
        summed, stored = store.rows("store/integrity/sums/summed_records")[0]
        if summed != stored:
            raise damaged(store.path, f"it has {stored:,} records where {summed:,} were written")


def renew(store: "Store", *, migrated: bool = False) -> None:
    """Sum all tables anew, in a transaction of the caller.

    Parameters
    ----------
    store
        Tables have the rows that they had when the transaction began, but for that of migrations.
    migrated
        Any table may have more.
    """
    store.run("store/integrity/sums/begin")
    for name, rows in store.rows("store/integrity/sums/tables"):
        if name == _RECORDS:
            store.run("store/integrity/sums/sum_records")
        elif rows or migrated or name == _MIGRATIONS:
            store.run("store/integrity/sums/sum_table", name=name)


def is_kept(store: "Store") -> bool:
    """Return whether a store has sums that this engine can compare."""
    return bool(store.rows("store/integrity/sums/kept"))


def check(store: "Store") -> int:
    """Read everything in a store, and compare it with the sums that it keeps.

    Returns
    -------
    int
        How many rows there are.

    Raises
    ------
    StoreError
        The file is damaged, or another release of the engine took the sums.
    """
    if not is_kept(store):
        raise StoreError(
            f"{store.path} has no sums that this version can compare; take them anew with: "
            "blueattr rollup"
        )
    kept = {(name, day): sums for name, day, *sums in store.rows("store/integrity/sums/kept")}
    found = {(name, day): sums for name, day, *sums in _sums(store)}
    for name, day in sorted(kept.keys() | found.keys(), key=str):
        if kept.get((name, day)) != found.get((name, day)):
            raise damaged(
                store.path, f"the rows of {_what(name, day)} are not those that were written"
            )
    return sum(rows for rows, _ in found.values())


def _sums(store: "Store") -> Iterator[tuple[str, date | None, int, int]]:
    for name, rows in store.rows("store/integrity/sums/tables"):
        if name == _RECORDS:
            yield from store.rows("store/integrity/sums/of_records")
        elif not rows:
            yield name, None, 0, 0
        else:
            yield from store.rows("store/integrity/sums/of_table", name=name)


def _what(name: str, day: date | None) -> str:
    if name != _RECORDS:
        return f"the table {name}"
    return f"records of {day}" if day else "records that were only seen deleted"
