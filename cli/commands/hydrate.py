"""The command hydrate: ask an AppView about accounts."""

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from blueattr.analysis.asked import parse
from blueattr.cli.grouping import grouped
from blueattr.cli.option_groups import OUTPUT, WINDOW, BotOptions, OutputOptions
from blueattr.cli.options import Insecure, Quiet
from blueattr.cli.output import say
from blueattr.cli.progress import console, is_terminal
from blueattr.cli.signals import interrupting
from blueattr.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from blueattr.ingest.hydrate import Hydrated


# Seconds; shorter waits are not reported.
_LONG_WAIT = 5.0
# Seconds between lines about the progress without a terminal.
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
            metavar="panel",
            help="panel: ask only about the agents of a window, not about every account.",
            show_default=False,
        ),
    ] = None,
    store: BotOptions,
    older_than: Annotated[
        str | None,
        typer.Option(
            "--refresh-older-than",
            metavar="LENGTH",
            help="Ask again where the last answer is older, such as 30d; by default never.",
            show_default=False,
        ),
    ] = None,
    appview: Annotated[
        str, typer.Option("--appview", metavar="URL", help="Address of the AppView.")
    ] = "https://public.api.bsky.app",
    insecure: Insecure = False,
    rate: Annotated[
        float,
        typer.Option("--rate", metavar="N", help="Most calls a second, each about 25 accounts."),
    ] = 10.0,
    wait: Annotated[
        str,
        typer.Option(
            "--wait",
            metavar="TIME",
            help="How long to keep answers in memory while an ingest has the store, such as 30s.",
        ),
    ] = "10m",
    output: OutputOptions,
    quiet: Quiet = False,
) -> None:
    """Fetch follower counts and creation times.

    They come from an AppView and are stored with their date. Accounts that have an answer are not
    asked about again, so a run that ended early continues where it stopped. The AppView's rate
    limits are respected. The store is locked only while a batch of answers is written, so you can
    ingest files at the same time. An ingest of a stream keeps the store as long as it runs: hydrate
    then ends with exit code 5 after --wait. With --only panel, --from, --to, --window and the bot
    options set the window and the panel.

    Example: blueattr hydrate --only panel --from 2026-04-09 --to 2026-04-23
    """
    from blueattr.analysis.panel import candidates
    from blueattr.ingest.hydrate import EVERY_ACCOUNT
    from blueattr.ingest.hydrate import hydrate as run
    from blueattr.report.inventory.hydrations import hydrate_report
    from blueattr.sources.appview import AppView

    output.check()
    panel_options = (
        store.start, store.end, store.window, store.bots, store.max_rate, store.keep_bots or None,
    )  # fmt: skip
    if only is None and any(option is not None for option in panel_options):
        raise UsageError(
            "--from, --to, --window and the bot options set the panel: add --only panel"
        )
    patience = parse.duration(wait, "--wait")
    assert patience is not None  # noqa: S101 - it has a default
    age = None if older_than is None else parse.length(older_than, "--refresh-older-than")
    query = store.query(topic="all")
    view = AppView(appview, insecure=insecure, rate=rate)
    accounts, scope = candidates(query) if only else (None, EVERY_ACCOUNT)
    with interrupting(), _Line(quiet=quiet) as line:
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
    """The progress on stderr: a line that changes on a terminal, a line now and then elsewhere."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._drawn = not quiet and is_terminal()
        self._started = self._shown_at = time.monotonic()

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
        elif not self._quiet and now - self._shown_at >= _SELDOM:
            self._shown_at = now
            left = timedelta(
                seconds=round((now - self._started) * (state.wanted / state.asked - 1))
            )
            say(
                f"{state.asked:,} of {state.wanted:,} accounts asked about, {state.found:,} found, "
                f"{rate}/s, {left} left"
            )

    def wait(self, seconds: float, why: str) -> None:
        if not self._quiet and seconds >= _LONG_WAIT:
            say(f"{why}; continuing in {seconds:,.0f} s")
