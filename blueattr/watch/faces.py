"""The faces that need an extra, found when they are asked for."""

import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING

from blueattr.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from blueattr.watch.guard import PageAddress
    from blueattr.watch.picture import Watching

__all__ = ["check_app", "check_page", "show_app", "show_page"]


def check_app() -> None:
    """Refuse the terminal app where it cannot be shown.

    Raises
    ------
    UsageError
        Textual is not installed.
    """
    _need("textual", "the terminal app needs Textual", "tui", "; --plain needs nothing")


def check_page() -> None:
    """Refuse the page where it cannot be served.

    Raises
    ------
    UsageError
        Starlette or uvicorn is not installed.
    """
    for module in ("starlette", "uvicorn"):
        _need(module, "the page needs Starlette and uvicorn", "serve")


def show_app(watching: "Watching", stop: threading.Event | None = None) -> None:
    """Show a watched topic in the terminal app; see `blueattr.watch.app.run_app`."""
    check_app()
    from blueattr.watch.app import run_app

    run_app(watching, stop)


def show_page(
    watching: "Watching",
    page: "PageAddress",
    stop: threading.Event | None = None,
    ready: "Callable[[], None]" = lambda: None,
) -> None:
    """Serve a watched topic as a page; see `blueattr.watch.serve.serve`."""
    check_page()
    from blueattr.watch.serve import serve

    serve(watching, page, stop, ready)


def _need(module: str, why: str, extra: str, instead: str = "") -> None:
    if find_spec(module) is None:
        raise UsageError(
            f"{why}; install it with: python -m pip install 'blueattr[{extra}]'{instead}"
        )
