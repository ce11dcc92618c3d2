"""Ctrl-C and SIGTERM: ask a command to stop, and end it at once the second time."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["stopping"]


@contextmanager
def stopping(message: str) -> Iterator[threading.Event]:
    """Yield an event that the first SIGINT or SIGTERM sets; the second raises KeyboardInterrupt.

    Parameters
    ----------
    message
        What to write to stderr when the event is set; nobody need be there to read it.
    """
    stop = threading.Event()
    data = f"blueattr: {message}\n".encode()

    def ask(_number: int, _frame: "FrameType | None") -> None:
        stop.set()
        for number in before:
            signal.signal(number, signal.default_int_handler)
        # Past the stream's buffer, which the interrupted code may be writing to. What a handler
        # raises would end whatever it interrupted.
        with suppress(OSError):
            os.write(2, data)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
