"""Ctrl-C, SIGTERM and a closed terminal: ask a command to stop, and lose nothing it has."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["interrupting", "stopping"]


def _plain(message: str) -> str:
    return f"blueattr: {message}"


@contextmanager
def stopping(message: str, line: Callable[[str], str] = _plain) -> Iterator[threading.Event]:
    """Yield an event that the first SIGINT, SIGTERM or SIGHUP sets.

    A second SIGINT or SIGTERM raises KeyboardInterrupt, also where it came before Python could take
    note of the first, as while machine code is loaded. A second SIGHUP does not: a terminal that is
    closed may send two, one by the kernel and one by the shell.

    Parameters
    ----------
    message
        What to write to stderr when the event is set; stderr may be closed.
    line
        Makes the line for stderr from the message, without a lock; by default,
        ``blueattr: message``.
    """
    stop = threading.Event()

    def handle(handled: int, _frame: "FrameType | None") -> None:
        if stop.is_set():
            return
        stop.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)
        # Not through sys.stderr: the interrupted code may be writing to its buffer. An error
        # raised here would end the interrupted code.
        with suppress(OSError):
            os.write(2, f"{line(message)}\n".encode())
        # Python calls this once for all that came until it could.
        if handled != signal.SIGHUP and read().count(handled) > 1:
            raise KeyboardInterrupt

    with (
        _as_they_come() as read,
        _handling((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), handle),
    ):
        yield stop


@contextmanager
def _as_they_come() -> Iterator[Callable[[], bytes]]:
    """Yield what returns the numbers of the signals that came, one a byte; each is read once."""
    reading, writing = os.pipe()
    for end in (reading, writing):
        os.set_blocking(end, False)

    def read() -> bytes:
        with suppress(BlockingIOError):
            return os.read(reading, 1 << 12)
        return b""

    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield read
    finally:
        signal.set_wakeup_fd(before)
        os.close(reading)
        os.close(writing)


@contextmanager
def interrupting() -> Iterator[None]:
    """Let SIGTERM and SIGHUP do what Ctrl-C does, for a command that keeps what it has then."""

    def interrupt(_number: int, _frame: "FrameType | None") -> None:
        signal.raise_signal(signal.SIGINT)

    with _handling((signal.SIGTERM, signal.SIGHUP), interrupt):
        yield


@contextmanager
def _handling(
    numbers: tuple[signal.Signals, ...], handler: Callable[[int, "FrameType | None"], Any]
) -> Iterator[None]:
    """Handle signals for a while; not SIGHUP where it is ignored, as under nohup."""
    before = {number: signal.getsignal(number) for number in numbers}
    if before.get(signal.SIGHUP) == signal.SIG_IGN:
        del before[signal.SIGHUP]
    for number in before:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
