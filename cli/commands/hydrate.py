"""The command that asks an AppView about accounts: hydrate."""

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from blueattr.analysis import parse
from blueattr.cli.options import OUTPUT, WINDOW, BotOptions, Insecure, OutputOptions, grouped
from blueattr.cli.output import say
from blueattr.cli.progress import console, is_terminal
from blueattr.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from blueattr.ingest.hydrate import Hydrated


# Shorter waits are not worth a line.
_LONG_WAIT = 5.0
# Without a terminal, how it goes is said this seldom.
_SELDOM = 600.0


@grouped(
    (
        "only",
        *WINDOW,
        "bots",
        "keep_bots",
        "max_rate",
        "older_than",
        "appview",
        "insecure",
        "rate",
        "wait",
        "db",
        *OUTPUT,
        "quiet",
    )
)
def hydrate(
    *,
    only: Annotated[
        Literal["panel"] | None,
        typer.Option(
            "--only",
            help="Ask about the agents of a window alone, and not every account in the store.",
            show_default=False,
        ),
    ] = None,
    store: BotOptions,
    older_than: Annotated[
        str | None,
        typer.Option(
            "--refresh-older-than",
            help="Ask again about accounts whose last answer is older, such as 30d; nobody is "
            "asked about twice otherwise.",
            show_default=False,
        ),
    ] = None,
    appview: Annotated[
        str, typer.Option("--appview", help="Address of the AppView.")
    ] = "https://public.api.bsky.app",
    insecure: Insecure = False,
    rate: Annotated[
        float, typer.Option("--rate", help="Calls a second at most, each for 25 accounts.")
    ] = 10.0,
    wait: Annotated[
        str,
        typer.Option(
            "--wait",
            metavar="TIME",
            help="While an ingest has the store, keep answers in memory for so long: 30s, 10m, 6h.",
        ),
    ] = "10m",
    output: OutputOptions,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress.", show_default=False)
    ] = False,
) -> None:
    """Ask the AppView for follower counts and creation times, and keep them with their date.

    What is known already is not asked again, so a run that ended early goes on where it was. The
    rate limits that the AppView states are kept to. The store is locked only while a batch of
    answers is written: you can ingest meanwhile. With --only panel, --from, --to, --window and the
    options on bots say whose window and panel it is.

    Example: blueattr hydrate --only panel --from 2026-04-09 --to 2026-04-23 --db my.duckdb
    """
    from blueattr.analysis.panel import candidates
    from blueattr.ingest.hydrate import EVERY_ACCOUNT
    from blueattr.ingest.hydrate import hydrate as run
    from blueattr.report.inventory.hydrations import hydrate_report
    from blueattr.sources.appview import AppView

    output.check()
    about_panel = (
        store.start, store.end, store.window, store.bots, store.max_rate, store.keep_bots or None,
    )  # fmt: skip
    if only is None and any(option is not None for option in about_panel):
        raise UsageError(
            "--from, --to, --window and the options on bots say which panel: give --only panel too"
        )
    patience = parse.duration(wait, "--wait")
    assert patience is not None  # noqa: S101 - it has a default
    age = None if older_than is None else parse.length(older_than, "--refresh-older-than")
    asked = store.query(topic="all")
    view = AppView(appview, insecure=insecure, rate=rate)
    accounts, scope = candidates(asked) if only else (None, EVERY_ACCOUNT)
    with _Line(quiet=quiet) as line:
        view.on_wait = line.wait
        done = run(
            store.db,
            view,
            accounts=accounts,
            scope=scope,
            older_than=age,
            memory=store.memory_limit,
            wait=patience,
            progress=line.show,
        )
    output.emit(hydrate_report(done))
    if done.failure:
        say(f"blueattr: {done.failure}")
        raise typer.Exit(ExitCode.STORE_BUSY if done.unkept else ExitCode.SOURCE)


class _Line:
    """How it goes, on stderr: a line that changes on a terminal, a line now and then in a log."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._drawn = not quiet and is_terminal()
        self._started = self._said = time.monotonic()

    def __enter__(self) -> "_Line":
        if not self._drawn:
            return self
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        self._display = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("asked, {task.fields[found]:,} found, {task.fields[rate]}/s", markup=False),
            TimeRemainingColumn(),
            console=console(),
            transient=True,
        )
        self._task = self._display.add_task("", total=None, found=0, rate="-")
        self._display.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._drawn:
            self._display.stop()

    def show(self, state: "Hydrated") -> None:
        now = time.monotonic()
        rate = f"{state.asked / max(now - self._started, 0.001):,.0f}"
        if self._drawn:
            self._display.update(
                self._task,
                total=state.wanted,
                completed=state.asked,
                found=state.found,
                rate=rate,
            )
        elif not self._quiet and now - self._said >= _SELDOM:
            self._said = now
            left = timedelta(
                seconds=round((now - self._started) * (state.wanted / state.asked - 1))
            )
            say(
                f"{state.asked:,} of {state.wanted:,} accounts asked about, {state.found:,} found, "
                f"{rate}/s, {left} left"
            )

    def wait(self, seconds: float, why: str) -> None:
        if not self._quiet and seconds >= _LONG_WAIT:
            say(f"{why}; going on in {seconds:,.0f} s")
