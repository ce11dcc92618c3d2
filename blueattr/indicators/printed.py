"""What a user's code prints, handed to the log: stdout is for results."""

import contextlib
import io
import logging
import sys
from collections.abc import Iterator

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
        self._collected = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        written = bytes(data)
        if self.running:
            self._collected += written
        elif sys.stderr is not None and not isinstance(sys.stderr, _Output):
            with contextlib.suppress(OSError, ValueError):
                sys.stderr.write(written.decode("utf-8", "replace"))
        return len(written)

    def take(self) -> str:
        """Return what was collected, and forget it."""
        text = self._collected.decode("utf-8", "replace")
        self._collected.clear()
        return text

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


@contextlib.contextmanager
def output_to_log(name: str) -> Iterator[None]:
    """Log, as warnings, the lines that a user's code writes to stdout and stderr meanwhile.

    Parameters
    ----------
    name
        The indicator, module or file whose code runs.
    """
    _COLLECTOR.running += 1
    try:
        with contextlib.redirect_stdout(_OUTPUT), contextlib.redirect_stderr(_OUTPUT):
            yield
    finally:
        _OUTPUT.flush()
        _COLLECTOR.running -= 1
        # Only now: a handler may write to stderr itself.
        for line in _COLLECTOR.take().splitlines():
            _LOG.warning("%s printed: %s", name, line)
