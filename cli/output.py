"""Results to stdout or a file, everything else to stderr."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from blueattr.report import Report


def emit(report: "Report", form: Literal["text", "json", "csv"], out: Path | None = None) -> None:
    """Print a report, or write it to a file in the format of its extension."""
    from blueattr.report import format_of, render, write  # noqa: PLC0415 - start-up time

    if out is not None:
        write(out, render(report, format_of(out)))
        say(f"written: {out}")
        return
    terminal = None
    if form == "text":
        from blueattr.report.text import Terminal  # noqa: PLC0415 - start-up time

        terminal = Terminal.of(sys.stdout)
    sys.stdout.buffer.write(render(report, form, terminal))
    sys.stdout.buffer.flush()


def say(message: str) -> None:
    """Tell the person at the terminal something that is not a result."""
    from blueattr.report.escape import safe_text  # noqa: PLC0415 - start-up time

    lines = (safe_text(line, 2000) for line in message.splitlines())
    sys.stderr.write("\n".join(lines) + "\n")
