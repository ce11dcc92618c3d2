"""The right to write to a store: a lock file beside it, which one process has at a time."""

from pathlib import Path

from blueattr.errors import StoreBusyError, StoreError
from blueattr.file_lock import FileLock, FileLockHeld

__all__ = ["LOCK_PATIENCE", "Lock"]


# The largest batch, of 100,000 accounts, took 0.25 s of processor time in a store of 5,000,000, and
# 1.5 s on a machine with ten times as much to do as it can; readers may keep it waiting for a
# second more. An ingest has the lock to its end: longer waits are of no use.
LOCK_PATIENCE = 3.0
"""Seconds to wait for a hydration, which has the lock for one batch of answers."""


class Lock:
    """The right to write to a store, which one process has at a time.

    Parameters
    ----------
    path
        The store; the lock is the file beside it with ``.lock`` at its end, made with its folder
        if it is not there. The process that has it is named in it.
    patience
        Seconds to keep trying while another process has it; the thread sleeps meanwhile.

    Raises
    ------
    StoreBusyError
        Another process has it.
    StoreError
        The file cannot be written.
    """

    def __init__(self, path: Path, patience: float = LOCK_PATIENCE) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = FileLock(Path(f"{path}.lock"), patience)
        except FileLockHeld as held:
            raise StoreBusyError(
                f"process {held.holder} is writing to {path}; wait for it, or use another --db"
            ) from None
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error.strerror}") from None

    def close(self) -> None:
        """Release the lock."""
        self._file.close()
