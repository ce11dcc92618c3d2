"""The record of scheduled runs, and the lock that lets only one run go at a time."""

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
from blueattr.notify.told_record import read_lines
from blueattr.runs.history.shares import RunShares, read_shares

__all__ = ["RECORD", "Run", "RunRecord", "Stage", "lock_file", "read_entries", "read_runs"]


RECORD = "runs.jsonl"
"""The name of the record in a folder of reports: JSON lines, several a run, only appended."""


_LOCK = ".lock"
# Bytes of the disk that a run reserves when it starts and releases when it ends.
_ROOM = 1 << 16
_LONGEST = 2000
# Seconds. `read_runs` holds the lock for a moment.
_PATIENCE = 0.1


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a run that has ended.

    Parameters
    ----------
    name
        Such as ``attribute``.
    seconds
        Its duration.
    message
        Its result in words.
    """

    name: str
    seconds: float
    message: str


@dataclass(frozen=True, slots=True)
class Run:
    """What the record says about a run.

    Parameters
    ----------
    name
        The time of its start, in the form of report names, with a number where another run began in
        the same second.
    started
        The time of its start, in UTC.
    pid
        Its process number.
    outcome
        ``going``; ``killed`` if it ended without a note; or the outcome it noted.
    exit_code
        None if it noted none.
    seconds
        Its duration; None if it noted none.
    stages
        The stages that have ended.
    start, end
        All fields that it noted at its start and its end.
    shares
        What it found; None if it made no report, or was a run of a version that did not note it.
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
    shares: RunShares | None = None


class RunRecord:
    """The record, open for one run; no other run can open it at the same time.

    Each line is written whole and synchronised to the disk. The run reserves room in the file when
    it starts, so that it can note its end even if the disk is full by then. A killed run leaves its
    lines so far, and reserved room that the next run uses.

    Parameters
    ----------
    folder
        The folder of reports, created if it does not exist.

    Raises
    ------
    RunGoingError
        Another run is going.
    OutputError
        The record cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / RECORD
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(lock_file(folder), _PATIENCE)
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
            # Start one byte earlier: a torn line, if there is one, gets its line end.
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
        with suppress(OSError):  # if this fails, the next run uses the room
            os.ftruncate(self._file, self._at)
        os.close(self._file)
        self._lock.close()

    def note(self, what: str, run: str, **fields: Any) -> None:
        """Add a line.

        Parameters
        ----------
        what
            ``start``, ``stage``, ``shares`` or ``end``; or what the run told
            (`blueattr.notify.told`).
        run
            The run's name.
        fields
            JSON values; long texts are cut.

        Raises
        ------
        OutputError
            The line cannot be written.
        """
        entry = {"run": run, "what": what, **{k: _cut(value) for k, value in fields.items()}}
        line = json.dumps(entry, allow_nan=False).encode() + b"\n"
        try:
            # The rest of the room stays blank lines.
            written = os.pwrite(self._file, line, self._at)
            if written == len(line):
                self._at += written
            else:  # the room is used up, and so is the disk
                os.pwrite(self._file, b"\n" * written, self._at)
            os.fsync(self._file)
        except OSError as error:
            raise OutputError(f"cannot write the record of runs: {error.strerror}") from error
        if written < len(line):
            raise OutputError("cannot write the record of runs: the disk is full")


def lock_file(folder: Path) -> Path:
    """Return the file that is locked while a run goes into a folder of reports."""
    return folder / _LOCK


def _cut(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _LONGEST:
        return value[:_LONGEST] + "…"
    return value


def _end(descriptor: int) -> int:
    """Return the offset of the next line: after the last line, whole or torn."""
    end = os.fstat(descriptor).st_size
    while end:
        begin = max(end - _ROOM, 0)
        text = os.pread(descriptor, end - begin, begin).rstrip(b"\n")
        if text:
            return begin + len(text) + 1
        end = begin
    return 0


def read_entries(folder: Path) -> list[dict[str, Any]]:
    """Read the lines of the record, the earliest first; those that a kill tore are left out.

    Raises
    ------
    OutputError
        The record cannot be read.
    """
    return [entry for entry in read_lines(folder / RECORD) if "run" in entry]


def read_runs(folder: Path) -> list[Run]:
    """Read the record.

    Parameters
    ----------
    folder
        The folder of reports.

    Returns
    -------
    list of Run
        The earliest first; empty if there was none.

    Raises
    ------
    OutputError
        The record cannot be read.
    """
    entries = [entry for entry in read_entries(folder) if _is_of_run(entry)]
    index: dict[str, int] = {}
    runs: list[tuple[dict[str, Any], list[Stage], dict[str, Any]]] = []
    shares: dict[int, RunShares | None] = {}
    for entry in entries:
        if entry["what"] == "start":
            index[entry["run"]] = len(runs)
            runs.append((entry, [], {}))
            continue
        if (at := index.get(entry["run"])) is None:
            continue
        _, stages, end = runs[at]
        if entry["what"] == "stage":
            stages.append(Stage(entry["stage"], entry["seconds"], entry["message"]))
        elif entry["what"] == "shares":
            shares[at] = read_shares(entry)
        else:
            end.update(entry)
    going = lock_holder(lock_file(folder))
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
            shares=shares.get(at),
        )
        for at, (start, stages, end) in enumerate(runs)
    ]


_FIELDS = {
    "start": ("started", "pid"),
    "stage": ("stage", "seconds", "message"),
    "shares": ("report", "topics"),
    "end": ("outcome", "exit_code", "seconds"),
}


def _is_of_run(entry: Mapping[str, Any]) -> bool:
    needed = _FIELDS.get(str(entry["what"]))
    return needed is not None and set(needed) <= entry.keys()
