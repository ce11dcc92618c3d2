"""The log of a run, as text or JSON lines; nothing in it acts on a terminal."""

import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Self, TextIO, TypeAlias

from blueattr.errors import OutputError
from blueattr.report.escape import safe_json, safe_text

__all__ = ["LineLog", "LogForm", "discard", "write_if_read"]


LogForm: TypeAlias = Literal["text", "json"]


_LONGEST = 2000


def write_if_read(stream: TextIO | None, text: str) -> None:
    """Write and flush; if nobody reads the stream any more, discard this text and all later ones.

    A closed pipe or terminal must not end the work that reports to it.

    Parameters
    ----------
    stream
        Such as ``sys.stderr``, which is None if it was closed at the start.
    """
    if stream is None:
        return
    try:
        stream.write(text)
        stream.flush()
    except OSError:
        discard(stream)


def discard(stream: TextIO) -> None:
    """Redirect a stream that cannot be written to /dev/null.

    Otherwise Python fails again at exit, when it flushes the buffer.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)


class LineLog:
    """Writes log lines to stderr, or appends them to a file.

    Each line is one write, so lines of two processes do not mix. A line that cannot be written is
    lost: a run does not fail because of its log.

    Parameters
    ----------
    form
        ``text``: time, run, stage, seconds and message; ``json``: an object.
    path
        The file, created if it does not exist; None for stderr.

    Raises
    ------
    OutputError
        The file cannot be opened.
    """

    def __init__(self, form: LogForm = "text", path: Path | None = None) -> None:
        self._form = form
        self._file: int | None = None
        if path is not None:
            try:
                self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            except OSError as error:
                raise OutputError(f"cannot write the log {path}: {error.strerror}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            os.close(self._file)

    def __call__(
        self, level: str, run: str, stage: str, message: str, seconds: float | None = None
    ) -> None:
        """Write a line; see `blueattr.runs.run.Log`."""
        entry = _Entry(datetime.now(UTC), level, run, stage, message, seconds)
        line = entry.json() if self._form == "json" else entry.text()
        data = line.encode("utf-8", "backslashreplace") + b"\n"
        if self._file is None:
            write_if_read(sys.stderr, data.decode())
            return
        with suppress(OSError):
            os.write(self._file, data)

    def notice(self, message: str) -> str:
        """Return the line by which a signal handler says on stderr that a run is to stop.

        Where a JSON log goes to stderr it is an object, as every other line there is.
        """
        if self._file is not None or self._form == "text":
            return f"blueattr: {message}"
        return _Entry(datetime.now(UTC), "warning", "", "signal", message, None).json()


@dataclass(frozen=True, slots=True)
class _Entry:
    time: datetime
    level: str
    run: str
    stage: str
    message: str
    seconds: float | None

    def text(self) -> str:
        parts = [f"{self.time:%Y-%m-%dT%H:%M:%SZ}", self.run or "-"]
        if self.level != "info":
            parts.append(self.level)
        took = "" if self.seconds is None else f" ({self.seconds:.1f} s)"
        text = f"{safe_text(self.stage)}{took}: {safe_text(self.message, _LONGEST)}"
        return " ".join([*parts, text])

    def json(self) -> str:
        fields = {
            "time": self.time.isoformat(timespec="milliseconds"),
            "level": self.level,
            "run": self.run or None,
            "stage": safe_text(self.stage),
            "seconds": self.seconds,
            "message": safe_text(self.message, _LONGEST),
        }
        return safe_json(json.dumps(fields, ensure_ascii=False, allow_nan=False))
