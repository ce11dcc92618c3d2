"""The faces that need an extra, found when they are asked for."""

import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING

from blueattr.errors import UsageError

if TYPE_CHECKING:
    from blueattr.watch.guard import PageAddress
    from blueattr.watch.picture import Watching

__all__ = ["show_app", "show_page"]


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


def show_page(
    watching: "Watching", page: "PageAddress", stop: threading.Event | None = None
) -> None:
    """Serve a watched topic as a page; see `blueattr.watch.serve.serve`.

    Raises
    ------
    UsageError
        Starlette or uvicorn is not installed.
    """
    for module in ("starlette", "uvicorn"):
        _need(module, "the page needs Starlette and uvicorn", "serve")
    from blueattr.watch.serve import serve

    serve(watching, page, stop)


def _need(module: str, why: str, extra: str, instead: str = "") -> None:
    if find_spec(module) is None:
        raise UsageError(
            f"{why}; install it with: python -m pip install 'blueattr[{extra}]'{instead}"
        )
