"""Stores that were changed by other hands than those of a commit."""

import os
from pathlib import Path

import duckdb

from blueattr.store.database import Store
from blueattr.store.integrity import seal, sums
from blueattr.store.lock import Lock

__all__ = ["as_if_written", "change", "set_value"]


def change(db: Path, *statements: str) -> None:
    """Change rows of a store behind its back."""
    with duckdb.connect(str(db)) as connection:
        for statement in statements:
            connection.execute(statement)


def set_value(db: Path, table: str, column: str, value: str) -> None:
    """Change one value in the last row of a table."""
    last = f"rowid = (SELECT max(rowid) FROM {table})"  # noqa: S608 - names of ours
    change(db, f"UPDATE {table} SET {column} = {value} WHERE {last}")  # noqa: S608


def as_if_written(db: Path, *, summed: bool = True) -> None:
    """Give a changed store the seal, and the sums, that it would have if a commit had made it."""
    store = Store(db)
    store._lock = Lock(db)
    # It need not be tried or checked first: who changed its values left all else.
    store._left = seal.headers(store._lock.store)
    try:
        with store._attached():
            if summed:
                with store._in_transaction():
                    sums.renew(store)
    finally:
        store._lock.close()
        store.close()
        # So that the next one to open it checks it.
        os.utime(db)
