"""Compact a store: write its file anew, so that no byte is left of what was removed."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from blueattr.atomic import sync
from blueattr.errors import StoreError
from blueattr.store.commit.writer import Writer
from blueattr.store.database import DEFAULT_MEMORY, Store
from blueattr.store.engine.engine import REPLACEMENT
from blueattr.store.store_file import store_file

__all__ = ["Compacted", "compact"]


@dataclass(frozen=True, slots=True)
class Compacted:
    """Bytes of a store's file before and after it was written anew."""

    before: int
    after: int


def compact(path: Path, memory: int = DEFAULT_MEMORY) -> Compacted:
    """Write a store's file anew and put it in the place of the old one, in one atomic step.

    What a store removes stays in its file until the engine needs the room. The new file has the
    rows that there are, in their order, and nothing else. If the process is killed at any moment,
    the store is whole. Readers go on meanwhile with the old file; nobody else can write.

    Parameters
    ----------
    path
        The store.
    memory
        Bytes the process may use.

    Raises
    ------
    StoreError
        There is no such store, or no room on the disk for a second file beside it.
    StoreBusyError
        Another process is writing to it.
    """
    Store.open(path, memory).close()
    path = store_file(path)
    target = path.resolve()
    new = target.with_name(f"{target.name}{REPLACEMENT}")
    try:
        with Writer(path, memory, create=False) as writer:
            before = target.stat()
            if before.st_nlink > 1:
                raise StoreError(
                    f"{path} has {before.st_nlink} names (hard links); the others would keep the "
                    "old file, with all that was removed from it. Remove them first"
                )
            _remove(new)
            try:
                writer.copy_to(new)
                shutil.copymode(target, new)
                sync(new)
                # Otherwise the engine would apply it to the new file, as if it belonged to it.
                if Path(f"{target}.wal").exists():
                    raise StoreError(f"{target}.wal is in use; close what reads the store")
                writer.check()
                new.replace(target)
                sync(target.parent)
            finally:
                _remove(new)
        return Compacted(before.st_size, target.stat().st_size)
    except OSError as error:
        raise StoreError(f"cannot write {new}: {error.strerror or error}") from None


def _remove(new: Path) -> None:
    for path in (new, Path(f"{new}.wal")):
        path.unlink(missing_ok=True)
