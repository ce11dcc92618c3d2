"""The record of scheduled runs, and the lock that lets one run at a time write to it."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from blueattr.errors import OutputError, RunGoingError
from blueattr.file_lock import FileLock, FileLockHeld, lock_holder

__all__ = ["RECORD", "Run", "RunRecord", "Stage", "read_runs"]


RECORD = "runs.jsonl"
"""The record's name in a folder of reports: JSON lines, several a run, only ever added to."""


_LOCK = ".lock"
# Of the disk, in bytes, taken when a run starts and given back when it ends.
_ROOM = 1 << 16
_LONGEST = 2000
# Seconds. `read_runs` holds the lock for a moment.
_PATIENCE = 0.1


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a run that was done.

    Parameters
    ----------
    name
        What it was.
    seconds
        How long it took.
    message
        What came of it.
    """

    name: str
    seconds: float
    message: str


@dataclass(frozen=True, slots=True)
class Run:
    """What is known of a run.

    Parameters
    ----------
    name
        When it started, as reports are named.
    started
        In UTC.
    pid
        Of its process.
    outcome
        ``going``; ``killed`` where it ended without saying so; or as it said.
    exit_code
        None where there is none.
    seconds
        None where it did not end.
    stages
        Those that were done.
    start, end
        All that it noted when it started and ended.
    """

    name: str
    started: datetime
    pid: int
    outcome: str
    exit_code: int | None
    seconds: float | None
    stages: tuple[Stage, ...]
    start: Mapping[str, Any] = field(default_factory=dict)
    end: Mapping[str, Any] = field(default_factory=dict)


class RunRecord:
    """The record, open for one run: who has it is the only one.

    A line is written whole and synchronised; room for what a run has to say in the end is taken
    when it starts, so that it can be said on a disk that has filled up since. What a killed run
    leaves is its lines so far, and room that the next run uses.

    Parameters
    ----------
    folder
        Of the reports; made if it is not there.

    Raises
    ------
    RunGoingError
        Another run has it.
    OutputError
        It cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / RECORD
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(folder / _LOCK, _PATIENCE)
            try:
                self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
                try:
                    self._at = _end(self._file)
                    self._take_room()
                except BaseException:
                    os.close(self._file)
                    raise
            except BaseException:
                self._lock.close()
                raise
        except FileLockHeld as held:
            raise RunGoingError(
                f"another run is going into {folder}: process {held.holder}"
            ) from None
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror or error}") from error

    def _take_room(self) -> None:
        try:
            # From one byte before: what may be a torn line gets its end.
            at = max(self._at - 1, 0)
            todo = memoryview(b"\n" * _ROOM)
            while todo:
                written = os.pwrite(self._file, todo, at)
                at, todo = at + written, todo[written:]
            os.fsync(self._file)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._file, self._at)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # the room that is not given back is used by the next run
            os.ftruncate(self._file, self._at)
        os.close(self._file)
        self._lock.close()

    def note(self, what: str, run: str, **fields: Any) -> None:
        """Add a line.

        Parameters
        ----------
        what
            ``start``, ``stage`` or ``end``.
        run
            The run's name.
        fields
            Anything JSON has; long texts are cut.

        Raises
        ------
        OutputError
            It cannot be written.
        """
        entry = {"run": run, "what": what, **{k: _cut(value) for k, value in fields.items()}}
        line = json.dumps(entry, allow_nan=False).encode() + b"\n"
        try:
            # What is left of the room stays blank lines.
            self._at += os.pwrite(self._file, line, self._at)
            os.fsync(self._file)
        except OSError as error:
            raise OutputError(f"cannot write the record of runs: {error.strerror}") from error


def _cut(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _LONGEST:
        return value[:_LONGEST] + "…"
    return value


def _end(descriptor: int) -> int:
    """Find where the next line goes: after the last that was written, and after a torn one."""
    end = os.fstat(descriptor).st_size
    while end:
        begin = max(end - _ROOM, 0)
        found = os.pread(descriptor, end - begin, begin).rstrip(b"\n")
        if found:
            return begin + len(found) + 1
        end = begin
    return 0


def read_runs(folder: Path) -> list[Run]:
    """Read the record.

    Parameters
    ----------
    folder
        Of the reports.

    Returns
    -------
    list of Run
        From the first on; empty where there was none.

    Raises
    ------
    OutputError
        It cannot be read.
    """
    try:
        raw = (folder / RECORD).read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise OutputError(f"cannot read {folder / RECORD}: {error.strerror}") from None
    # What is not a whole line is what a kill has left of one.
    entries = [entry for line in raw.split(b"\n") if (entry := _entry(line)) is not None]
    started: dict[str, int] = {}
    found: list[tuple[dict[str, Any], list[Stage], dict[str, Any]]] = []
    for entry in entries:
        if entry["what"] == "start":
            started[entry["run"]] = len(found)
            found.append((entry, [], {}))
            continue
        if (at := started.get(entry["run"])) is None:
            continue
        if entry["what"] == "stage":
            found[at][1].append(Stage(entry["stage"], entry["seconds"], entry["message"]))
        else:
            found[at][2].update(entry)
    going = lock_holder(folder / _LOCK)
    return [
        Run(
            name=start["run"],
            started=datetime.fromisoformat(start["started"]).astimezone(UTC),
            pid=start["pid"],
            outcome=end["outcome"] if end else ("going" if start["pid"] == going else "killed"),
            exit_code=end.get("exit_code"),
            seconds=end.get("seconds"),
            stages=tuple(stages),
            start=start,
            end=end,
        )
        for start, stages, end in found
    ]


_FIELDS = {
    "start": ("started", "pid"),
    "stage": ("stage", "seconds", "message"),
    "end": ("outcome", "exit_code", "seconds"),
}


def _entry(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line.strip(b"\0"))
    except ValueError:
        return None
    if not isinstance(entry, dict) or not {"run", "what"} <= entry.keys():
        return None
    needed = _FIELDS.get(str(entry["what"]))
    return entry if needed is not None and set(needed) <= entry.keys() else None
