"""The progress of a command that asks services, request by request."""

import time
from typing import Self

from blueattr.cli.output import say
from blueattr.cli.progress import console, is_terminal

__all__ = ["RequestLine"]


# Seconds; shorter waits are not reported.
_LONG_WAIT = 5.0
# Seconds between lines about the progress without a terminal.
_SELDOM = 600.0


class RequestLine:
    """The progress on stderr: a line that changes on a terminal, a line now and then elsewhere.

    Parameters
    ----------
    quiet
        Show nothing.
    """

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._drawn = not quiet and is_terminal()
        self._shown_at = time.monotonic()

    def __enter__(self) -> Self:
        if self._drawn:
            from rich.live import Live

            self._live = Live(console=console(), transient=True, refresh_per_second=4)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._drawn:
            self._live.stop()

    def show(self, text: str) -> None:
        """Show how far it is."""
        now = time.monotonic()
        if self._drawn:
            from rich.text import Text

            self._live.update(Text(text, no_wrap=True, overflow="ellipsis"))
        elif not self._quiet and now - self._shown_at >= _SELDOM:
            self._shown_at = now
            say(f"blueattr: {text}")

    def wait(self, seconds: float, why: str) -> None:
        """Say why it waits, if it waits long."""
        if not self._quiet and seconds >= _LONG_WAIT:
            say(f"blueattr: {why}; continuing in {seconds:,.0f} s")
