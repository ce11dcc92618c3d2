"""The faces that need an extra, found when they are asked for."""

import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING

from blueattr.errors import UsageError

if TYPE_CHECKING:
    from blueattr.watch.picture import Watching

__all__ = ["show_app"]


def show_app(watching: "Watching", stop: threading.Event | None = None) -> None:
    """Show a watched topic in the terminal app; see `blueattr.watch.app.run_app`.

    Raises
    ------
    UsageError
        Textual is not installed.
    """
    _need("textual", "the terminal app needs Textual", "tui", "; --plain needs nothing")
    from blueattr.watch.app import run_app

    run_app(watching, stop)


def _need(module: str, why: str, extra: str, instead: str = "") -> None:
    if find_spec(module) is None:
        raise UsageError(
            f"{why}; install it with: python -m pip install 'blueattr[{extra}]'{instead}"
        )
