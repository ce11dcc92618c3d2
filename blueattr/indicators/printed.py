"""What a user's code prints, handed to the log: stdout is for results."""

import contextlib
import io
import logging
import sys
import threading
from collections.abc import Iterator
from typing import TextIO

__all__ = ["output_to_log"]


# It has no handler of its own: where nobody has set up logging, Python writes to stderr what is
# logged here, as a user expects of `print`.
_LOG = logging.getLogger("blueattr.indicators")


class _Collector(io.RawIOBase):
    """Bytes that are written while a user's code runs; what comes later goes on to stderr.

    Later is when a handler of `logging` that the code made is called from elsewhere.
    """

    def __init__(self) -> None:
        self.running = 0
        # By thread: what several print at once would be in one line.
        self._collected: dict[int, bytearray] = {}

    def writable(self) -> bool:
        return True

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        written = bytes(data)
        if self.running:
            self._collected.setdefault(threading.get_ident(), bytearray()).extend(written)
        elif sys.stderr is not None and not isinstance(sys.stderr, _Output):
            with contextlib.suppress(OSError, ValueError):
                sys.stderr.write(written.decode("utf-8", "replace"))
        return len(written)

    def take(self) -> list[str]:
        """Return the lines of this thread, at the end those of all, and forget them."""
        threads = [threading.get_ident()] if self.running > 1 else [*self._collected]
        texts = [self._collected.pop(thread, b"").decode("utf-8", "replace") for thread in threads]
        return [line for text in texts for line in text.splitlines()]

    def fileno(self) -> int:
        if sys.__stderr__ is None:
            raise io.UnsupportedOperation("fileno")
        return sys.__stderr__.fileno()

    def close(self) -> None:
        """Stay open: the code may close its stdout, and is called again."""


class _Output(io.TextIOWrapper):
    """The one stream that a user's code has for stdout and stderr, whichever part of it runs.

    It stays the same, since the code may keep it: `logging.basicConfig()` does.
    """

    def close(self) -> None:
        """Stay open, as its collector does."""
        self.flush()


_COLLECTOR = _Collector()
_OUTPUT = _Output(
    _COLLECTOR,  # type: ignore[arg-type]  # raw, so that bytes arrive in order
    encoding="utf-8",
    errors="backslashreplace",
    write_through=True,
)


# Calls of a user's code may be within one another, and of several threads.
_LOCK = threading.RLock()
_streams: list[TextIO] = []
_printed: list[tuple[str, str]] = []


@contextlib.contextmanager
def output_to_log(name: str) -> Iterator[None]:
    """Log, as warnings, the lines that a user's code writes to stdout and stderr meanwhile.

    Parameters
    ----------
    name
        The indicator, module or file whose code runs.
    """
    with _LOCK:
        if not _COLLECTOR.running:
            _streams[:] = [sys.stdout, sys.stderr]
            sys.stdout = sys.stderr = _OUTPUT
        _COLLECTOR.running += 1
    try:
        yield
    finally:
        with _LOCK:
            _OUTPUT.flush()
            _printed.extend((name, line) for line in _COLLECTOR.take())
            _COLLECTOR.running -= 1
            # Only at the end of the outermost, and before another thread's code begins: a handler
            # may write to stderr itself.
            if not _COLLECTOR.running:
                sys.stdout, sys.stderr = _streams
                lines = _printed[:]
                _printed.clear()
                for who, line in lines:
                    _LOG.warning("%s printed: %s", who, line)
