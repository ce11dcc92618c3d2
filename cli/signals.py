"""Ctrl-C and SIGTERM: ask a command to stop, and end it at once the second time."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["stopping"]


def _plain(message: str) -> str:
    return f"blueattr: {message}"


@contextmanager
def stopping(message: str, line: Callable[[str], str] = _plain) -> Iterator[threading.Event]:
    """Yield an event that the first SIGINT or SIGTERM sets; the second raises KeyboardInterrupt.

    Parameters
    ----------
    message
        What to write to stderr when the event is set; stderr may be closed.
    line
        Makes the line for stderr from the message, without a lock; by default,
        ``blueattr: message``.
    """
    stop = threading.Event()

    def handle(_number: int, _frame: "FrameType | None") -> None:
        stop.set()
        for number in before:
            signal.signal(number, signal.default_int_handler)
        # Not through sys.stderr: the interrupted code may be writing to its buffer. An error
        # raised here would end the interrupted code.
        with suppress(OSError):
            os.write(2, f"{line(message)}\n".encode())

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
