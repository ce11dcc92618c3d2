"""Progress on stderr: bars for files, a line for a stream."""

import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal, TextIO, cast

from blueattr.cli.output import say

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.progress import TaskID

    from blueattr.ingest.meter import Moment
    from blueattr.ingest.read import Progress


# Seconds between lines about the progress without a terminal.
_SELDOM = 600.0


def is_terminal() -> bool:
    """Return whether stderr is a terminal; it may be closed."""
    stderr: TextIO | None = sys.stderr
    return stderr is not None and stderr.isatty()


def console() -> "Console":
    """Return a console on stderr, which may close while it is in use, as after a hang-up."""
    from rich.console import Console

    return Console(file=cast("IO[str]", _Forgiving(sys.stderr)))


class _Forgiving:
    """A stream on which writing never fails."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.encoding = stream.encoding

    def write(self, text: str) -> int:
        from blueattr.runs.log import write_if_read

        write_if_read(self._stream, text)
        return len(text)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()


class Bars:
    """Bars by bytes read, or by time covered, on a terminal's stderr; nothing elsewhere."""

    def __init__(self, *, quiet: bool, unit: Literal["bytes", "time"] = "bytes") -> None:
        self._unit = unit
        self.progress: Progress | None = None
        self._quiet = quiet or not is_terminal()

    def __enter__(self) -> "Bars":
        if self._quiet:
            return self
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TaskProgressColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        from blueattr.report.escape import safe_text

        columns = (
            (DownloadColumn(), TransferSpeedColumn())
            if self._unit == "bytes"
            else (TaskProgressColumn(), TimeElapsedColumn())
        )
        self._display = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            *columns,
            TimeRemainingColumn(),
            console=console(),
            transient=True,
        )
        tasks: dict[str, TaskID] = {}

        def progress(name: str, done: int, size: int | None) -> None:
            if name not in tasks:
                short = Path(name).name if self._unit == "bytes" else name.partition(":")[0]
                label = safe_text(short, 40)
                tasks[name] = self._display.add_task(label, total=size)
            self._display.update(tasks[name], completed=done)

        self.progress = progress
        self._display.start()
        return self

    def __exit__(self, *_: object) -> None:
        if not self._quiet:
            self._display.stop()


class LiveLine:
    """The progress of a stream: a changing line on a terminal, a line now and then elsewhere."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._live: Live | None = None
        self._shown_at = time.monotonic()

    def __enter__(self) -> "LiveLine":
        if not self._quiet and is_terminal():
            from rich.live import Live

            self._live = Live(console=console(), transient=True, refresh_per_second=4)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, moment: "Moment") -> None:
        """Show the state of the stream."""
        if self._quiet:
            return
        if self._live is not None:
            from rich.text import Text

            if moment.message:
                self._live.console.print(Text(_plain(f"{moment.server}: {moment.message}")))
            self._live.update(Text(_status(moment), no_wrap=True, overflow="ellipsis"))
        elif moment.message:
            say(f"blueattr: {moment.server}: {moment.message}")
        elif time.monotonic() - self._shown_at >= _SELDOM:
            self._shown_at = time.monotonic()
            say(f"blueattr: {_status(moment)}")


def _plain(text: str) -> str:
    from blueattr.report.escape import safe_text

    return safe_text(text, 500)


def _status(moment: "Moment") -> str:
    from blueattr.report.numbers import count, lasting

    lag = lasting(None if moment.lag is None else moment.lag.total_seconds())
    return (
        f"{moment.server}  {moment.rate:,.0f} events/s  {lag} behind  {count(moment.kept)} kept  "
        f"{count(moment.rejected)} rejected  {count(moment.reconnects)} reconnects"
    )
