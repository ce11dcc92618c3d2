"""A record of what was told that several programs add to: JSON lines, only appended."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from blueattr.errors import OutputError
from blueattr.file_lock import FileLock, FileLockHeld

__all__ = ["WATCH_RECORD", "ToldRecord", "read_lines"]


WATCH_RECORD = "watch.jsonl"
"""The name of the record of all watches in a folder of reports."""


# Seconds. Others hold the lock for a moment.
_PATIENCE = 10.0


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read the lines of a record, the earliest first; those that a kill tore are left out.

    Raises
    ------
    OutputError
        The record cannot be read.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise OutputError(f"cannot read {path}: {error.strerror}") from None
    # What a run reserves for its last lines is tens of thousands of empty ones.
    lines = filter(None, raw.split(b"\n"))
    return [entry for line in lines if (entry := _entry(line)) is not None]


def _entry(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line.strip(b"\0"))
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and "what" in entry else None


class ToldRecord:
    """A record that is read and added to while no other program adds to it.

    Parameters
    ----------
    path
        The file; it is made with its folder when the first line is added.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep others from adding lines.

        Raises
        ------
        OutputError
            Another program does for long, or the folder cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.path.with_name(f".{self.path.name}.lock"), _PATIENCE)
        except FileLockHeld as held:
            raise OutputError(f"process {held.holder} keeps {self.path} for long") from None
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error.strerror}") from None
        with lock:
            yield

    def note(self, what: str, /, **fields: Any) -> None:
        """Add a line, whole and on the disk; only where it is held.

        Raises
        ------
        OutputError
            The line cannot be written.
        """
        line = json.dumps({"what": what, **fields}, allow_nan=False).encode() + b"\n"
        try:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            try:
                end = os.fstat(file).st_size
                if end and os.pread(file, 1, end - 1) != b"\n":
                    line = b"\n" + line  # what a kill or a full disk tore stays by itself
                written = os.write(file, line)
                if written < len(line):
                    with suppress(OSError):
                        os.ftruncate(file, end)
                    raise OutputError(f"cannot write {self.path}: the disk is full")
                os.fsync(file)
            finally:
                os.close(file)
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error.strerror}") from None
