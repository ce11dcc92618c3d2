"""The right to write to a store, which one process has at a time, and which file that store is."""

import fcntl
import os
import sys
import time
from contextlib import suppress
from pathlib import Path

from blueattr.errors import StoreBusyError, StoreError
from blueattr.file_lock import FileLock, FileLockHeld

__all__ = ["LOCK_PATIENCE", "Lock", "is_at"]


# The largest batch, of 100,000 accounts, took 0.25 s of processor time in a store of 5,000,000, and
# 1.5 s on a machine with ten times as much to do as it can; readers may keep it waiting for a
# second more. An ingest has the lock to its end: longer waits are of no use.
LOCK_PATIENCE = 3.0
"""Seconds to wait for a hydration, which has the lock for one batch of answers."""


_PAUSE = 0.02


class Lock:
    """The right to write to a store, which one process has at a time.

    Two locks give it. One is on a file beside the store, with ``.lock`` at its end, made with its
    folder if it is not there; the process that has it is named in it. The other is on the store's
    own file, which may have more than one name, and stays locked if the first is removed.

    Parameters
    ----------
    path
        The store.
    patience
        Seconds to keep trying while another process has it; the thread sleeps meanwhile.

    Raises
    ------
    StoreBusyError
        Another process has it.
    StoreError
        The lock's file cannot be written.
    """

    def __init__(self, path: Path, patience: float = LOCK_PATIENCE) -> None:
        self._path = path
        self._deadline = time.monotonic() + patience
        self._store: int | None = None
        self._written: int | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Whatever links lead to it, the lock is beside the file.
            self._lock_path = Path(f"{path.resolve()}.lock")
            self._is_new = not self._lock_path.exists()
            self._file = self._take(patience)
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error.strerror}") from None
        try:
            if path.exists():
                self.hold()
        except BaseException:
            self.withdraw()
            self.close()
            raise

    def _take(self, patience: float) -> FileLock:
        try:
            return FileLock(self._lock_path, patience)
        except FileLockHeld as held:
            raise StoreBusyError(
                f"process {held.holder} is writing to {self._path}; wait for it, or use another "
                "--db"
            ) from None

    def hold(self) -> None:
        """Lock the file of the store itself, which is there by now.

        Raises
        ------
        StoreBusyError
            Another process has locked it, by another name of the file.
        StoreError
            It cannot be opened.
        """
        try:
            self._store = os.open(self._path, os.O_RDONLY)
            self._written = os.open(self._path, os.O_RDWR)
        except OSError as error:
            raise StoreError(f"cannot open {self._path}: {error.strerror}") from None
        # Elsewhere it would be of the engine's own kind, and keep the engine of this process out.
        # Over NFS, too, where it needs a file that is open for writing: so it fails there.
        while sys.platform == "linux":
            try:
                fcntl.flock(self._store, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= self._deadline:
                    raise StoreBusyError(
                        f"a process is writing to {self._path}, by another name of the file or "
                        "with its lock removed; wait for it, or use another --db"
                    ) from None
                time.sleep(_PAUSE)
            except OSError:
                break
            else:
                break

    @property
    def store(self) -> int:
        """The descriptor of the store's own file, for reading and writing."""
        if self._written is None:
            raise ValueError("the store is not there yet")
        return self._written

    def check(self) -> None:
        """Make sure that the store is the file it was, and that others see the lock.

        Raises
        ------
        StoreError
            The file was replaced, emptied or removed.
        StoreBusyError
            Somebody removed the lock, and another process has taken it since.
        """
        if self._store is not None and not is_at(self._store, self._path):
            raise StoreError(
                f"{self._path} was replaced, emptied or removed while it was written to; what came "
                "since the last commit is not in it. Run the same command again, to go on from "
                "what is there now"
            )
        if not self._file.is_in_place():
            taken = self._take(0.0)
            self._file.close()
            self._file = taken

    def close(self) -> None:
        """Release both locks."""
        for file in (self._store, self._written):
            if file is not None:
                os.close(file)
        self._store = self._written = None
        self._file.close()

    def withdraw(self) -> None:
        """Remove the file of the lock if it was not there before: nothing came of it."""
        if self._is_new:
            self.remove()

    def remove(self) -> None:
        """Remove the file of the lock, before it is released."""
        self._lock_path.unlink(missing_ok=True)


def is_at(descriptor: int, path: Path) -> bool:
    """Return whether an open file is what a path leads to, and not empty."""
    with suppress(OSError):
        there = path.stat()
        return there.st_size > 0 and os.path.samestat(os.fstat(descriptor), there)
    return False
