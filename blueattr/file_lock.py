"""A lock file that one process holds at a time and that names its holder."""

import errno
import fcntl
import os
import time
from pathlib import Path
from typing import Self

__all__ = ["FileLock", "FileLockHeld", "lock_holder"]


_PAUSE = 0.02
# A process number has at most seven digits.
_LONGEST_PID = 32


class FileLockHeld(Exception):  # noqa: N818 - callers turn it into an error of their own
    """Another process holds the lock.

    Parameters
    ----------
    holder
        Its process number as text; ``unknown`` if the file does not name one.
    """

    def __init__(self, holder: str) -> None:
        super().__init__(f"process {holder} holds the lock")
        self.holder = holder


class FileLock:
    """An exclusive lock on a file, released by `close` or by the end of the process.

    Parameters
    ----------
    path
        The lock file, created if it does not exist; it holds the number of this process.
    patience
        Seconds to keep trying while another process holds the lock.

    Raises
    ------
    FileLockHeld
        Another process still holds the lock.
    OSError
        The file cannot be opened, locked or written.
    """

    def __init__(self, path: Path, patience: float = 0.0) -> None:
        self._path = path
        deadline = time.monotonic() + patience
        while True:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                _lock(self._descriptor, deadline)
                if _is_at(self._descriptor, path):
                    break
            except BaseException:
                os.close(self._descriptor)
                raise
            os.close(self._descriptor)  # whoever held it has removed it
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)
        except BaseException:
            os.close(self._descriptor)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def is_in_place(self) -> bool:
        """Return whether the lock is on the file that others open by its path."""
        return _is_at(self._descriptor, self._path)

    def close(self) -> None:
        """Release the lock."""
        os.close(self._descriptor)


def lock_holder(path: Path) -> int | None:
    """Return the number of the process that holds a lock file.

    Returns
    -------
    int or None
        None if no process holds the lock, or the file does not exist or names no process.
    """
    try:
        with path.open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError as error:
                if not _is_held(error):
                    raise
                return int(lock.read(_LONGEST_PID))
    except (OSError, ValueError):
        pass
    return None


def _lock(descriptor: int, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if not _is_held(error):
                raise
            if time.monotonic() >= deadline:
                name = os.pread(descriptor, _LONGEST_PID, 0).decode(errors="replace").strip()
                raise FileLockHeld(name or "unknown") from None
            time.sleep(_PAUSE)
        else:
            return


def _is_at(descriptor: int, path: Path) -> bool:
    """Return whether an open file is the one that others open by this path."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _is_held(error: OSError) -> bool:
    return error.errno in {errno.EAGAIN, errno.EACCES}
