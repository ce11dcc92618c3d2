"""The faces of a watch: a terminal app, a screen of text, lines of JSON, a page."""

import sys
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING, cast

from blueattr.cli.output import LastingOutput, say
from blueattr.cli.signals import stopping
from blueattr.errors import OutputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

    from blueattr.runs.settings import Settings
    from blueattr.watch.asked import WatchAsked
    from blueattr.watch.picture import Watching
    from blueattr.watch.teller import WatchTeller

__all__ = ["face", "teller_of"]


def face(form: str | None, *, plain: bool, serve: str | None) -> "Callable[[Watching], None]":
    """Return what shows pictures until they end, or somebody asks to stop.

    Parameters
    ----------
    form
        ``jsonl``, or None.
    plain
        Whether the terminal gets text and not the app.
    serve
        The address of a page, or None.

    Raises
    ------
    UsageError
        There is more than one, an extra is not installed, or `serve` is no address for a page.
    """
    named = {"--format": form is not None, "--plain": plain, "--serve": serve is not None}
    several = [name for name, given in named.items() if given]
    if len(several) > 1:
        raise UsageError(f"{' and '.join(several)} are different ways to show; name one")
    if serve is not None:
        return _page(serve)
    if form is not None:
        return _lines
    if plain or not _is_terminal():
        return _text
    from blueattr.watch.faces import check_app

    check_app()
    return _app


def _is_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


@contextmanager
def _ended(watching: "Watching") -> "Iterator[Event]":
    """Yield an event that a signal sets, which ends the pictures, too."""
    with stopping("stopping") as stop:

        def pass_on() -> None:
            stop.wait()
            watching.stop()

        thread = Thread(target=pass_on, daemon=True)
        thread.start()
        try:
            yield stop
        finally:
            # It holds what the engine has open, and must be gone before the interpreter ends.
            stop.set()
            thread.join()


def _stdout() -> "TextIO":
    if sys.stdout is None:  # as after >&-
        raise OutputError("cannot write the result: standard output is closed")
    return cast("TextIO", LastingOutput())


def _lines(watching: "Watching") -> None:
    from blueattr.watch import jsonl

    with _ended(watching):
        jsonl.write(watching.pictures(), _stdout())


def _text(watching: "Watching") -> None:
    from blueattr.watch.plain import show

    with _ended(watching):
        show(watching.pictures(), _stdout())


def _app(watching: "Watching") -> None:
    from blueattr.watch.faces import show_app

    with _ended(watching) as stop:
        show_app(watching, stop)


def _page(address: str) -> "Callable[[Watching], None]":
    from blueattr.watch.faces import check_page, show_page
    from blueattr.watch.guard import page_address

    page = page_address(address)
    check_page()

    def show(watching: "Watching") -> None:
        with _ended(watching) as stop:
            show_page(watching, page, stop, lambda: say(f"blueattr: the page is at {page.url}"))

    return show


def teller_of(settings: "Settings", asked: "WatchAsked") -> "WatchTeller":
    """Return what tells of a watch, as settings say.

    Parameters
    ----------
    settings
        Of runs, whose reports are of the same store.
    asked
        What is watched.

    Raises
    ------
    UsageError
        The settings name nobody, or nothing that such a watch tells, or a secret is missing.
    """
    from blueattr.notify.told_record import WATCH_RECORD
    from blueattr.runs.history.record import RECORD
    from blueattr.runs.plan_file import telling_of
    from blueattr.watch.teller import WatchTeller, WhoIsTold

    telling, folder = telling_of(settings), settings.path("output", "reports")
    assert folder is not None  # noqa: S101 - it has a default
    if not telling.destinations:
        problem = "tells nobody; set webhook, or services = true, in [notify]"
        raise settings.blame(("notify", "on"), problem)
    who = WhoIsTold(
        telling.destinations, telling.kinds, telling.conditions,
        folder / WATCH_RECORD, folder / RECORD,
    )  # fmt: skip
    teller = WatchTeller(who, asked.choice, asked.query.db)
    if not teller.has_work:
        raise settings.blame(
            ("notify", "on"),
            f"a watch of {asked.choice.topic} has nothing to tell; set gap or change-point, or a "
            "[[notify.when]] about its topic and indicator",
        )
    return teller
