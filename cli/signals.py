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
        What to write to stderr when the event is set; nobody need be there to read it.
    line
        Makes a line of stderr of it, without taking a lock; ``blueattr: message`` by default.
    """
    stop = threading.Event()

    def ask(_number: int, _frame: "FrameType | None") -> None:
        stop.set()
        for number in before:
            signal.signal(number, signal.default_int_handler)
        # Past the stream's buffer, which the interrupted code may be writing to. What a handler
        # raises would end whatever it interrupted.
        with suppress(OSError):
            os.write(2, f"{line(message)}\n".encode())

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
